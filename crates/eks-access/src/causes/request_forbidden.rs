use crate::catalogue::{Case, Cause, Example, Page, Tier, by_symptom};
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "request-forbidden",
    title: "logged in, but not permitted",
    summary: "You are logged in, but you may not do what you asked for.",
    tier: Tier::General,
    symptoms: &[Symptom::ClientForbidden],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The cluster knows you: the login worked. Neither Kubernetes RBAC nor an access policy of EKS permits this request, so it
was refused with `Forbidden` (403). The message names the user, the verb, the resource and the namespace.",
        why: "\
Most likely first:

1. Your access covers other namespaces, or reading only. Many policies leave Secrets out on purpose.
2. Your access entry has neither a group nor an access policy, or a group that no RoleBinding names.
3. You left out `--namespace`, and asked for the namespace `default` or for all of them.
4. An admission policy, a quota or a webhook refused: then the message names it, and no permission helps.
5. The user in the message is `system:anonymous`: you were not logged in at all; see [login refused](client-unauthorized.md).",
        how_to_be_sure: "\
- `kubectl auth whoami` shows your user and groups.
- `kubectl auth can-i VERB RESOURCE --namespace NAMESPACE` asks for one permission. Without `--list` it takes access
  policies into account; with `--list` it does not show them.",
        what_to_do: "\
Send a cluster administrator the whole message: it says exactly what is missing. The administrator gives that and no
more: the group you have already is bound to a Role in that namespace, or your access entry gets an access policy for it.

Associating the same access policy again replaces its scope, so name the namespaces you have as well.

Never bind `cluster-admin` or use `system:masters` to get past a single refusal. Never bind anything to `system:anonymous`, `system:authenticated` or `system:unauthenticated`.",
        if_it_comes_back: "\
Give teams a group of their own with a Role per namespace, kept in code, and let people ask for changes there.",
    },
    perhaps: &["client-unauthorized", "console-without-access"],
    claim: by_symptom,
    remedies,
    examples: &[Example { line: r#"Error from server (Forbidden): pods is forbidden: User "arn:aws:sts::111122223333:assumed-role/DevRole/dana" cannot list resource "pods" in API group "" in the namespace "payments""#, symptom: Symptom::ClientForbidden },],
};

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let policy = steps::access_policy(case, "AmazonEKSViewPolicy");
    let mut remedies = vec![
        Remedy::new(Actor::Caller, "See who you are in the cluster, and ask for the one permission")
            .aws(steps::kubeconfig_aside(case))
            .command(Tool::Kubectl, Command::new("kubectl auth whoami"))
            .command(Tool::Kubectl, Command::new("kubectl auth can-i VERB RESOURCE --namespace NAMESPACE")),
    ];
    if let Some(grantee) = steps::Grantee::person(case) {
        remedies.push(
        Remedy::new(Actor::ClusterAdministrator, "Bind a group that the person has already to a Role for that namespace")
            .aws(steps::kubeconfig_aside(case))
            .command(
                Tool::Kubectl,
                Command::new("kubectl create role ROLE_NAME --verb VERB --resource RESOURCE --namespace NAMESPACE"),
            )
            .command(
                Tool::Kubectl,
                Command::new("kubectl create rolebinding ROLE_NAME --role ROLE_NAME --group GROUP --namespace NAMESPACE"),
            ),
        );
        let title = "Or, if the entry has no access policy yet, associate the view policy for one namespace";
        let remedy = Remedy::new(Actor::ClusterAdministrator, title).modes(Modes::AccessEntries);
        let list = grantee.principal_arn(steps::eks("aws eks list-associated-access-policies", case));
        let associate = grantee
            .principal_arn(steps::eks("aws eks associate-access-policy", case))
            .option("--policy-arn", &policy)
            .option("--access-scope", "type=namespace,namespaces=NAMESPACE");
        remedies.push(grantee.find_arn(remedy).aws(list).aws(associate));
    }
    remedies
}
