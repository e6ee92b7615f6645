//! Access entries of people and programs. Those of nodes are in `node.rs`.

use crate::catalogue::Case;
use crate::remedy::{Command, Modes, Remedy, Tool};
use crate::symptom::Actor;

use super::aws_auth::{VIEWERS, bind_viewers};
use super::cloudformation::standard_resource;
use super::cluster::{access_policy, eks, eksctl};
use super::grantee::Grantee;
use super::terraform::standard_entry;

impl Grantee {
    /// Deletes an old entry. A shell refuses it where [`Grantee::find_arn`] found no ARN for the new one.
    pub(crate) fn delete_old_entry(&self, case: &Case<'_>, old: &str) -> Command {
        let delete = if self.full_arn.is_some() {
            "aws eks delete-access-entry"
        } else {
            ": \"${ARN:?no role of that name in that account}\" && aws eks delete-access-entry"
        };
        eks(delete, case).option("--principal-arn", old)
    }

    fn entry_title(&self) -> String {
        let title = "Create an access entry that may view one namespace";
        match (&self.permission_set, self.arn.rsplit_once('/')) {
            (Some(_), Some((before, name))) if self.full_arn.is_none() => {
                format!(
                    "{title}; its ARN reads {before}/aws-reserved/sso.amazonaws.com/[REGION/]{name}"
                )
            }
            _ => title.to_owned(),
        }
    }
}

/// An access entry that may read one namespace, in each tool.
pub(crate) fn entry_remedies(grantee: &Grantee, case: &Case<'_>) -> Vec<Remedy> {
    let administrator = Actor::ClusterAdministrator;
    let aws = Remedy::new(administrator, grantee.entry_title()).modes(Modes::AccessEntries);
    let aws = grantee.find_arn(aws).aws(
        grantee
            .principal_arn(eks("aws eks create-access-entry", case))
            .option("--type", "STANDARD"),
    );

    let with_eksctl = Remedy::new(
        administrator,
        "Or do it with eksctl, with a group of the namespace in place of an access policy",
    )
    .modes(Modes::AccessEntries);
    let with_eksctl = grantee.find_arn(with_eksctl).command(
        Tool::Eksctl,
        grantee
            .principal_arn(eksctl("eksctl create accessentry", case))
            .option("--kubernetes-groups", VIEWERS),
    );

    let with_terraform = Remedy::new(
        administrator,
        "Or do it with Terraform, if that is where your access entries are kept",
    )
    .modes(Modes::AccessEntries)
    .snippet(Tool::Terraform, standard_entry(grantee, case));

    let mut remedies = vec![
        associate_view(aws, grantee, case),
        bind_viewers(with_eksctl, case),
        with_terraform,
    ];
    // CloudFormation can't look an ARN up.
    remedies.extend(standard_resource(grantee, case).map(|resource| {
        Remedy::new(administrator, "Or do it with CloudFormation")
            .modes(Modes::AccessEntries)
            .snippet(Tool::CloudFormation, resource)
    }));
    remedies
}

/// Associates the view policy in one namespace with the entry that was just made.
pub(crate) fn associate_view(remedy: Remedy, grantee: &Grantee, case: &Case<'_>) -> Remedy {
    remedy.aws(
        grantee
            .principal_arn(eks("aws eks associate-access-policy", case))
            .option("--policy-arn", &access_policy(case, "AmazonEKSViewPolicy"))
            .option("--access-scope", "type=namespace,namespaces=NAMESPACE"),
    )
}
