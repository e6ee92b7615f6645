"""What granter, revoker, approver and responder can do at most, decided as IAM decides.

The policies are those of the templates, with the guardrails of tests/infra/guardrails.toml. What a `Deny`
is there for must be denied by it and not only allowed by nobody: it has to hold whatever is attached to
the role later. A misspelt condition key makes a `Deny` that never matches, so keys are looked up.
"""

import json
import re
import warnings
from fnmatch import fnmatchcase

import pytest

from expanded import ACCOUNT, REGION, Installation, listed
from simulator import ALLOWED, EXPLICITLY, NOT_AT_ALL, Request, actions_of, decide

with warnings.catch_warnings(action="ignore"):  # of a module that is going out of use
    import parliament

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:eks-access/slack-AbCdEf"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
KEYS = [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/topic", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/secret"]
# With everything that a statement depends on.
INSTALLATION = Installation(
    ExistingTopicArn=TOPIC, ExistingTopicKeyArn=KEYS[0], SlackSecretArn=SECRET, SlackSecretKeyArn=KEYS[1],
    SlackChannel="C0123456789", SlackTeams="T0123456789", SlackApp="A0123456789",
)  # fmt: skip
RESPONDER, APPROVER, GRANTER, REVOKER = ROLES = ("ResponderRole", "ApproverRole", "GranterRole", "RevokerRole")
POLICIES = {role: INSTALLATION.policies(role) for role in ROLES}
STATEMENTS = [
    (role, f"{name} {statement['Sid']}", statement)
    for role, policies in POLICIES.items()
    for name, policy in policies.items()
    for statement in policy["Statement"]
]

PATTERNS = sorted({pattern for *_, statement in STATEMENTS for pattern in listed(statement["Action"])})
REFERENCE = actions_of({pattern.split(":")[0] for pattern in PATTERNS})

# ---- who and what there is ----

OTHER_ACCOUNT, OTHER_REGION = "444455556666", "us-east-1"
OURS = {"managed-by": "eks-access-responder", "request-id": "00112233445566ff", "expires-at": "2026-11-21T11:00:00Z"}


def role(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


DEVELOPER, LEAD, ON_CALL = role("dev/alice"), role("lead/bob"), role("on-call")
LEADING_USER = f"arn:aws:iam::{ACCOUNT}:user/lead-anna"
# Of the rules' principals, and of whom a `deny` takes something away.
CONTRACTOR, INTERN = role("dev/contractor-max"), f"arn:aws:iam::{ACCOUNT}:user/lead-intern-ida"
NODES = ("EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX")
NODE_ROLE = role("dev/KarpenterNodeRole-demo")
OF_SET = role(f"aws-reserved/sso.amazonaws.com/{REGION}/AWSReservedSSO_Developer_0123456789abcdef")
OF_SET_OF_FIRST_REGION = role("aws-reserved/sso.amazonaws.com/AWSReservedSSO_Developer_0123456789abcdef")
PROTECTED = {
    "the root user": f"arn:aws:iam::{ACCOUNT}:root",
    "a service-linked role": role("aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"),
    "a role of another installation": role("eks-access-elsewhere-GranterRole-1ABC"),
    "a role that the guardrails protect": role("break-glass/admin"),
    **{f"the {name} itself": role(f"{name.title()}Role") for name in ("responder", "approver", "granter", "revoker")},
}

OF_OTHER_ACCOUNTS = {
    "an entry of another account's role": role("dev/alice", OTHER_ACCOUNT),
    "an entry of another account's user": f"arn:aws:iam::{OTHER_ACCOUNT}:user/alice",
    "an entry of another account's role that is named like ours": role(ACCOUNT, OTHER_ACCOUNT),
    "an entry of another account's permission set": OF_SET.replace(ACCOUNT, OTHER_ACCOUNT),
}


def policy(name: str) -> str:
    return f"arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy"


def cluster(name: str = "demo", region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:eks:{region}:{account}:cluster/{name}"


def entry(of: str = DEVELOPER, name: str = "demo", region: str = REGION) -> str:
    *_, account, called = of.split(":")
    place = f"{called.split('/')[0]}/{account}/{called.split('/')[-1]}"
    return f"arn:aws:eks:{region}:{ACCOUNT}:access-entry/{name}/{place}/c6b0f2a1-1a2b-3c4d-5e6f-708192a3b4c5"


# ---- what is asked: each with the keys that the service authorization reference gives it ----


def create(principal: str = DEVELOPER, name: str = "demo", tags: dict[str, str] = OURS) -> Request:
    context = {"eks:principalArn": principal, "eks:accessEntryType": "STANDARD", **tagged("RequestTag", tags)}
    return Request("eks:CreateAccessEntry", cluster(name), context | ({"aws:TagKeys": list(tags)} if tags else {}))


def tag(principal: str = DEVELOPER, name: str = "demo", tags: dict[str, str] = OURS) -> Request:
    """Of an entry that has no tags yet."""
    context = {**tagged("RequestTag", tags), "aws:TagKeys": list(tags), **of_entry(principal, name, {})}
    return Request("eks:TagResource", entry(principal, name), context)


def associate(
    principal: str = DEVELOPER,
    name: str = "demo",
    policies: str = "View",
    namespaces: list[str] | None = None,
    tags: dict[str, str] = OURS,
) -> Request:
    asked = {"eks:policyArn": policy(policies), "eks:accessScope": "namespace", "eks:namespaces": namespaces or ["dev-a"]}
    return Request("eks:AssociateAccessPolicy", entry(principal, name), asked | of_entry(principal, name, tags))


def delete(principal: str = DEVELOPER, name: str = "demo", tags: dict[str, str] = OURS) -> Request:
    return Request("eks:DeleteAccessEntry", entry(principal, name), of_entry(principal, name, tags))


def of_entry(principal: str, name: str, tags: dict[str, str]) -> dict:
    keys = {"eks:principalArn": principal, "eks:clusterName": name, "eks:accessEntryType": "STANDARD"}
    return keys | tagged("ResourceTag", tags)


def tagged(kind: str, tags: dict[str, str]) -> dict[str, str]:
    return {f"aws:{kind}/{key}": value for key, value in tags.items()}


def on_entry(action: str, principal: str = DEVELOPER, name: str = "demo") -> Request:
    return Request(f"eks:{action}", entry(principal, name), of_entry(principal, name, OURS) | here())


def on_cluster(action: str, name: str = "demo", region: str = REGION) -> Request:
    return Request(f"eks:{action}", cluster(name, region), here(region))


def here(region: str = REGION) -> dict[str, str]:
    return {"aws:RequestedRegion": region}


def on(resource: str, action: str) -> Request:
    return Request(action, resource)


TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Requests"
INCIDENTS = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Incidents"
APPROVAL_KEY = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ApprovalKey-AbCdEf"
FAILED_GRANTS = f"arn:aws:sqs:{REGION}:{ACCOUNT}:FailedGrants"
READ_SECRET = "secretsmanager:GetSecretValue"


def function(name: str) -> Request:
    return on(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}", "lambda:InvokeFunction")


def through(service: str, region: str = REGION) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.{region}.amazonaws.com"}


NAMES = dict(zip(ROLES, ("responder", "approver", "granter", "revoker"), strict=True))


def log_of(who: str) -> str:
    group = "/eks-access-responder/eks-access-responder" + ("" if who == "responder" else f"/{who}")
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:2026/11/21/[$LATEST]0123"


# Every change in EKS but the granter's three, and but the revoker's one, is denied twice: by the guardrails, and by the
# role itself, which also knows those that could let nobody in.
BY_ROLE, BY_WALLS, BY_REVOKER = "NeverChangeAnythingElse", "NeverByOtherWays", "NeverGrantOrTag"

# What comes of it: `ALLOWED`, `NOT_AT_ALL`, or the statements that deny it, and no others.
CASES: dict[str, tuple[str, Request, str | set[str]]] = {
    # -- all of them --
    **{
        f"the {who} {does}": (role, request, ALLOWED)
        for role, who in NAMES.items()
        for does, request in {
            "publishes": on(TOPIC, "sns:Publish"),
            "uses the topic's key for SNS, whatever the Region": Request(
                "kms:GenerateDataKey", KEYS[0], through("sns", OTHER_REGION)
            ),
            "reads Slack's secret": on(SECRET, READ_SECRET),
            "uses the secret's key for the secret": Request("kms:Decrypt", KEYS[1], through("secretsmanager")),
            "writes its own log": on(log_of(who), "logs:PutLogEvents"),
        }.items()
    },
    **{
        f"the {who} {does}": (role, request, NOT_AT_ALL)
        for role, who in NAMES.items()
        for does, request in {
            "publishes nowhere else": on(f"{TOPIC}-2", "sns:Publish"),
            "uses the topic's key for nothing else": Request("kms:Decrypt", KEYS[0], through("s3")),
            "uses the secret's key for nothing else": Request("kms:Decrypt", KEYS[1], through("secretsmanager", OTHER_REGION)),
            "reads no other secret": on(SECRET.replace("slack", "other"), READ_SECRET),
            "deletes no log": on(log_of(who), "logs:DeleteLogStream"),
            "deletes no record": on(TABLE, "dynamodb:DeleteItem"),
            "replaces no record": on(TABLE, "dynamodb:PutItem"),
            "passes no role": on(DEVELOPER, "iam:PassRole"),
        }.items()
    },
    # -- the granter creates --
    "the granter lets a developer in": (GRANTER, create(), ALLOWED),
    "the granter lets a permission set's role in": (GRANTER, create(OF_SET), ALLOWED),
    "the granter lets a permission set's role of the first Region in": (GRANTER, create(OF_SET_OF_FIRST_REGION), ALLOWED),
    "the granter lets a lead in to the leads' cluster": (GRANTER, create(LEAD, "staging"), ALLOWED),
    "the granter lets a user in whom a rule means": (GRANTER, create(LEADING_USER, "staging"), ALLOWED),
    "the granter lets in who breaks the glass": (GRANTER, create(ON_CALL), ALLOWED),
    "a cluster of no rule is closed": (GRANTER, create(name="prod"), NOT_AT_ALL),
    "the other rule's cluster is closed to developers": (GRANTER, create(name="staging"), NOT_AT_ALL),
    "a role of no rule is not let in": (GRANTER, create(role("intern")), NOT_AT_ALL),
    "a user of no rule is not let in": (GRANTER, create(f"arn:aws:iam::{ACCOUNT}:user/anna", "staging"), NOT_AT_ALL),
    "a permission set with a longer name is another": (
        GRANTER, create(OF_SET.replace("Developer", "DeveloperAdmin")), NOT_AT_ALL,
    ),
    "a role that only looks like a permission set's is not one": (
        GRANTER, create(role("AWSReservedSSO_Developer_0123456789abcdef")), NOT_AT_ALL,
    ),
    "a namesake of the cluster in another Region is closed": (
        GRANTER, create().but(cluster(region=OTHER_REGION)), NOT_AT_ALL,
    ),
    "a namesake of the cluster in another account is closed": (
        GRANTER, create().but(cluster(account=OTHER_ACCOUNT)), NOT_AT_ALL,
    ),
    "an entry without our tag is not created": (GRANTER, create(tags={}), {"NeverWithoutOurTag"}),
    "an entry with somebody else's tag is not created": (
        GRANTER, create(tags=OURS | {"managed-by": "terraform"}), {"NeverWithoutOurTag"},
    ),
    "an entry with a tag more is not created": (GRANTER, create(tags=OURS | {"team": "a"}), NOT_AT_ALL),
    "an entry with a group is not created": (
        GRANTER, create().but(eks_kubernetesGroups=["viewers"]), {"NeverWithGroups"},
    ),
    "an entry with a user name is not created": (GRANTER, create().but(eks_username="x"), {"NeverWithAUserName"}),
    **{
        f"an entry for nodes, {kind}, is not created": (
            GRANTER, create(NODE_ROLE).but(eks_accessEntryType=kind), {"NeverForNodes"},
        )
        for kind in NODES
    },
    "an entry of no type is not created": (GRANTER, create().but(eks_accessEntryType=None), {"NeverForNodes"}),
    "an entry for another account is not created": (
        GRANTER, create(role("dev/alice", OTHER_ACCOUNT)), {"NeverForAnotherAccount"},
    ),
    **{f"an entry for {who} is not created": (GRANTER, create(arn), {"NeverForThese"}) for who, arn in PROTECTED.items()},
    # -- the granter tags --
    "the granter tags the entry that it creates": (GRANTER, tag(), ALLOWED),
    "the granter tags the entry that it creates for a lead": (GRANTER, tag(LEAD, "staging"), ALLOWED),
    "the granter tags no entry in a cluster of no rule": (GRANTER, tag(name="prod"), NOT_AT_ALL),
    "a tag of somebody else's is not set": (GRANTER, tag(tags={"managed-by": "terraform"}), {"NeverWithoutOurTag"}),
    "a tag without ours is not set": (GRANTER, tag(tags={"expires-at": "2099-01-01T00:00:00Z"}), {"NeverWithoutOurTag"}),
    "a further tag is not set": (GRANTER, tag(tags=OURS | {"team": "a"}), NOT_AT_ALL),
    "an entry of who is protected is not tagged": (GRANTER, tag(role("break-glass/admin")), {"NeverForThese"}),
    "a cluster is not tagged": (
        GRANTER, Request("eks:TagResource", cluster(), {**tagged("RequestTag", OURS), "aws:TagKeys": list(OURS)}), NOT_AT_ALL,
    ),
    # -- the granter associates --
    "the granter lets a developer look": (GRANTER, associate(), ALLOWED),
    "the granter lets a developer look into all namespaces of the rule": (
        GRANTER, associate(namespaces=["dev-a", "dev-b"]), ALLOWED,
    ),
    "the granter lets a permission set's role look": (GRANTER, associate(OF_SET), ALLOWED),
    "the granter lets a lead change": (GRANTER, associate(LEAD, "staging", "Edit", ["shop"]), ALLOWED),
    "the granter lets who breaks the glass change": (GRANTER, associate(ON_CALL, policies="Edit"), ALLOWED),
    "a developer is not let change though others are": (GRANTER, associate(policies="Edit"), NOT_AT_ALL),
    "a lead is not let change the developers' cluster": (GRANTER, associate(LEAD, "demo", "Edit"), NOT_AT_ALL),
    "another rule's namespace is closed": (GRANTER, associate(namespaces=["shop"]), NOT_AT_ALL),
    **{
        f"AmazonEKS{name}Policy is not associated": (GRANTER, associate(policies=name), {"NeverAnotherPolicy"})
        for name in ("ClusterAdmin", "Admin", "AdminView", "SecretReader", "AutoNode")
    },
    "no policy is associated with the whole cluster": (
        GRANTER, associate().but(eks_accessScope="cluster", eks_namespaces=None),
        {"NeverTheWholeCluster", "NeverWithoutNamespaces"},
    ),
    "no policy is associated with the whole cluster, whatever namespaces stand there": (
        GRANTER, associate().but(eks_accessScope="cluster"), {"NeverTheWholeCluster"},
    ),
    "no policy is associated without a scope": (GRANTER, associate().but(eks_accessScope=None), {"NeverTheWholeCluster"}),
    "no policy is associated without namespaces": (
        GRANTER, associate().but(eks_namespaces=None), {"NeverWithoutNamespaces"},
    ),
    **{
        f"the namespaces {' and '.join(names)} stay closed": (GRANTER, associate(namespaces=names), {"NeverAnotherNamespace"})
        for names in (["kube-system"], ["*"], ["dev-*"], ["dev-a", "kube-system"], ["dev-a", "*"])
    },
    "an entry of another account gets nothing": (
        GRANTER, associate(role("dev/alice", OTHER_ACCOUNT)), {"NeverForAnotherAccount"},
    ),
    **{f"an entry of {who} gets nothing": (GRANTER, associate(arn), {"NeverForThese"}) for who, arn in PROTECTED.items()},
    **{
        f"an entry {which} gets nothing": (GRANTER, associate(tags=tags), {"NeverOnWhatIsNotOurs"})
        for which, tags in {
            "without tags": {},
            "with all of our tags but the one that counts": {key: OURS[key] for key in ("request-id", "expires-at")},
            "of somebody else's": OURS | {"managed-by": "terraform"},
            "whose tag only looks like ours": {"managed-by": "EKS-access-responder"},
        }.items()
    },
    "an entry of nodes gets nothing": (
        GRANTER, associate(NODE_ROLE, tags={}).but(eks_accessEntryType="EC2_LINUX"), {"NeverOnWhatIsNotOurs"},
    ),
    # -- what a `deny` of the guardrails takes from a rule --
    "a contractor is let look nowhere, though a rule means them": (GRANTER, associate(CONTRACTOR), {"Denied1"}),
    "a contractor is let look into no other namespace either": (
        GRANTER, associate(CONTRACTOR, namespaces=["dev-b"]), {"Denied1"},
    ),
    # What is denied is what an entry gives. One that gives nothing is made at most.
    "a contractor's entry stays bare": (GRANTER, create(CONTRACTOR), ALLOWED),
    "who is no contractor is let look": (GRANTER, associate(role("dev/contracted")), ALLOWED),
    "nobody looks into payments, though the rule has it": (GRANTER, associate(namespaces=["payments"]), {"Denied2"}),
    "nobody looks into payments among others": (GRANTER, associate(namespaces=["dev-a", "payments"]), {"Denied2"}),
    "nobody of a permission set looks into payments": (GRANTER, associate(OF_SET, namespaces=["payments"]), {"Denied2"}),
    "two denies keep a contractor from payments": (
        GRANTER, associate(CONTRACTOR, namespaces=["payments"]), {"Denied1", "Denied2"},
    ),
    "an intern changes nothing, though a rule means all who lead": (
        GRANTER, associate(INTERN, "staging", "Edit", ["shop"]), {"Denied3"},
    ),
    "an intern is let look": (GRANTER, associate(INTERN, "staging", "View", ["shop"]), ALLOWED),
    "who leads and is no intern is let change": (GRANTER, associate(LEADING_USER, "staging", "Edit", ["shop"]), ALLOWED),
    "who breaks the glass does not change what a deny keeps": (
        GRANTER, associate(ON_CALL, policies="Edit", namespaces=["dev-b"]), {"Denied4"},
    ),
    "who breaks the glass does not change it among others": (
        GRANTER, associate(ON_CALL, policies="Edit", namespaces=["dev-a", "dev-b"]), {"Denied4"},
    ),
    "what nobody changes a developer is let look into": (GRANTER, associate(namespaces=["dev-b"]), ALLOWED),
    # -- the granter does nothing else --
    "the granter takes no entry away, not even ours": (GRANTER, delete(), {BY_WALLS, BY_ROLE}),
    "the granter changes no entry": (GRANTER, on_entry("UpdateAccessEntry"), {BY_WALLS, BY_ROLE}),
    "the granter takes no policy away": (GRANTER, on_entry("DisassociateAccessPolicy"), {BY_WALLS, BY_ROLE}),
    "the granter takes no tag away": (GRANTER, on_entry("UntagResource"), {BY_WALLS, BY_ROLE}),
    "the granter changes no authentication mode": (GRANTER, on_cluster("UpdateClusterConfig"), {BY_WALLS, BY_ROLE}),
    "the granter gives no pod a role": (GRANTER, on_cluster("CreatePodIdentityAssociation"), {BY_WALLS, BY_ROLE}),
    "the granter adds no identity provider": (GRANTER, on_cluster("AssociateIdentityProviderConfig"), {BY_WALLS, BY_ROLE}),
    "the granter reads a cluster": (GRANTER, on_cluster("DescribeCluster"), ALLOWED),
    "the granter reads no cluster that is not named": (GRANTER, on_cluster("DescribeCluster", "prod"), NOT_AT_ALL),
    "the granter reads no cluster of another Region": (
        GRANTER, on_cluster("DescribeCluster", region=OTHER_REGION), NOT_AT_ALL,
    ),
    "the granter reads an entry": (GRANTER, on_entry("DescribeAccessEntry"), ALLOWED),
    "the granter reads what an entry has": (GRANTER, on_entry("ListAssociatedAccessPolicies"), ALLOWED),
    "the granter lists no entries": (GRANTER, on_cluster("ListAccessEntries"), NOT_AT_ALL),
    "the granter reads a role": (GRANTER, on(DEVELOPER, "iam:GetRole"), ALLOWED),
    "the granter reads a user": (GRANTER, on(LEADING_USER, "iam:GetUser"), ALLOWED),
    "the granter reads no role of another account": (GRANTER, on(role("a", OTHER_ACCOUNT), "iam:GetRole"), NOT_AT_ALL),
    "the granter takes a request over": (GRANTER, on(TABLE, "dynamodb:UpdateItem"), ALLOWED),
    "the granter reads a request": (GRANTER, on(TABLE, "dynamodb:GetItem"), ALLOWED),
    "the granter does not touch incidents": (GRANTER, on(INCIDENTS, "dynamodb:UpdateItem"), NOT_AT_ALL),
    "the granter reads the approval key": (GRANTER, on(APPROVAL_KEY, READ_SECRET), ALLOWED),
    "the granter changes no approval key": (GRANTER, on(APPROVAL_KEY, "secretsmanager:PutSecretValue"), NOT_AT_ALL),
    "the granter keeps what failed": (GRANTER, on(FAILED_GRANTS, "sqs:SendMessage"), ALLOWED),
    "the granter starts nobody, itself not either": (GRANTER, function("Granter"), NOT_AT_ALL),
    # -- the revoker --
    "the revoker takes away what is ours": (REVOKER, delete(), ALLOWED),
    "the revoker takes away what no rule offers any more": (REVOKER, delete(role("former")), ALLOWED),
    "the revoker takes away in a cluster that is not named any more": (REVOKER, delete(name="prod"), ALLOWED),
    "an entry without tags survives the revoker": (REVOKER, delete(tags={}), {"NeverWhatIsNotOurs"}),
    "an entry of somebody else's survives the revoker": (
        REVOKER, delete(tags=OURS | {"managed-by": "terraform"}), {"NeverWhatIsNotOurs"},
    ),
    **{
        f"an entry of nodes, {kind}, survives the revoker, even with our tag": (
            REVOKER, delete(NODE_ROLE).but(eks_accessEntryType=kind), {"NeverNodes"},
        )
        for kind in NODES
    },
    "an entry of nodes without our tag survives the revoker": (
        REVOKER, delete(NODE_ROLE, tags={}).but(eks_accessEntryType="EC2_LINUX"), {"NeverNodes", "NeverWhatIsNotOurs"},
    ),
    # Or else nothing would end if EKS did not tell it.
    "the revoker takes away what is ours and of no type": (REVOKER, delete().but(eks_accessEntryType=None), ALLOWED),
    "the revoker takes a user's entry away": (REVOKER, delete(LEADING_USER), ALLOWED),
    "the revoker takes away what a deny holds back by now": (REVOKER, delete(CONTRACTOR), ALLOWED),
    "an entry in another Region survives the revoker": (REVOKER, delete().but(entry(region=OTHER_REGION)), NOT_AT_ALL),
    **{f"{who} survives the revoker": (REVOKER, delete(arn), {"NeverOfAnotherAccount"}) for who, arn in OF_OTHER_ACCOUNTS.items()},
    **{
        f"an entry of the role that {service} is linked with survives the revoker": (
            REVOKER, delete(role(f"aws-service-role/{service}.amazonaws.com/{name}")), {"NeverThese"},
        )
        for service, name in {
            "backup": "AWSServiceRoleForBackup", "autoscaling": "AWSServiceRoleForAutoScaling",
        }.items()
    },
    "the revoker deletes no nodes": (
        REVOKER,
        Request(
            "eks:DeleteNodegroup", f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/demo/blue/c6b0f2a1", tagged("ResourceTag", OURS)
        ),
        {BY_ROLE},
    ),
    # Or else nobody could be protected before their grant is over.
    "the revoker takes away what was granted to who is protected by now": (
        REVOKER, delete(role("break-glass/admin")), ALLOWED,
    ),
    **{
        f"an entry of {who} survives the revoker": (REVOKER, delete(arn), {"NeverThese"})
        for who, arn in PROTECTED.items()
        if "guardrails" not in who
    },
    "the revoker lets nobody in": (REVOKER, create(), {BY_REVOKER, BY_ROLE}),
    "the revoker lets nobody look": (REVOKER, associate(), {BY_REVOKER, BY_ROLE}),
    "the revoker makes nothing ours": (REVOKER, tag(), {BY_REVOKER, BY_ROLE}),
    "the revoker takes no tag away": (REVOKER, on_entry("UntagResource"), {BY_REVOKER, BY_ROLE}),
    "the revoker changes no entry": (REVOKER, on_entry("UpdateAccessEntry"), {BY_REVOKER, BY_ROLE}),
    "the revoker takes no policy away": (REVOKER, on_entry("DisassociateAccessPolicy"), {BY_REVOKER, BY_ROLE}),
    "the revoker changes no authentication mode": (REVOKER, on_cluster("UpdateClusterConfig"), {BY_REVOKER, BY_ROLE}),
    "the revoker deletes no cluster": (REVOKER, on_cluster("DeleteCluster"), {BY_ROLE}),
    "the revoker lists entries": (REVOKER, on_cluster("ListAccessEntries"), ALLOWED),
    "the revoker reads a cluster that is not named any more": (REVOKER, on_cluster("DescribeCluster", "prod"), ALLOWED),
    "the revoker reads no cluster of another Region": (
        REVOKER, on_cluster("DescribeCluster", region=OTHER_REGION), NOT_AT_ALL,
    ),
    "the revoker reads an entry": (REVOKER, on_entry("DescribeAccessEntry"), ALLOWED),
    "the revoker reads what an entry has": (REVOKER, on_entry("ListAssociatedAccessPolicies"), ALLOWED),
    "the revoker finds what is due": (REVOKER, on(f"{TABLE}/index/owed", "dynamodb:Query"), ALLOWED),
    "the revoker reads no history": (REVOKER, on(TABLE, "dynamodb:Query"), NOT_AT_ALL),
    "the revoker closes a request": (REVOKER, on(TABLE, "dynamodb:UpdateItem"), ALLOWED),
    "the revoker reads no approval key": (REVOKER, on(APPROVAL_KEY, READ_SECRET), NOT_AT_ALL),
    "the revoker starts no grant": (REVOKER, function("Granter"), NOT_AT_ALL),
    # -- the approver --
    "the approver has it granted": (APPROVER, function("Granter"), ALLOWED),
    "the approver starts no revocation": (APPROVER, function("Revoker"), NOT_AT_ALL),
    "the approver makes no deliveries up": (APPROVER, function("Responder"), NOT_AT_ALL),
    "the approver lets nobody in": (APPROVER, create(), {"NeverSpeakToEks"}),
    "the approver lets nobody look": (APPROVER, associate(), {"NeverSpeakToEks"}),
    "the approver takes nothing away": (APPROVER, delete(), {"NeverSpeakToEks"}),
    "the approver reads no cluster": (APPROVER, on_cluster("DescribeCluster"), {"NeverSpeakToEks"}),
    "the approver reads no role": (APPROVER, on(DEVELOPER, "iam:GetRole"), NOT_AT_ALL),
    "the approver takes a decision": (APPROVER, on(TABLE, "dynamodb:UpdateItem"), ALLOWED),
    "the approver lists what is open": (APPROVER, on(f"{TABLE}/index/owed", "dynamodb:Query"), ALLOWED),
    "the approver reads a history": (APPROVER, on(TABLE, "dynamodb:Query"), ALLOWED),
    "the approver does not touch incidents": (APPROVER, on(INCIDENTS, "dynamodb:UpdateItem"), NOT_AT_ALL),
    "the approver reads the approval key": (APPROVER, on(APPROVAL_KEY, READ_SECRET), ALLOWED),
    # -- the responder --
    "the responder makes a request": (RESPONDER, on(TABLE, "dynamodb:UpdateItem"), ALLOWED),
    "the responder looks whether there is a request": (RESPONDER, on(TABLE, "dynamodb:GetItem"), ALLOWED),
    "the responder does not search the requests": (RESPONDER, on(TABLE, "dynamodb:Query"), NOT_AT_ALL),
    "the responder starts no grant": (RESPONDER, function("Granter"), NOT_AT_ALL),
    "the responder takes no decision": (RESPONDER, function("Approver"), NOT_AT_ALL),
    "the responder reads no approval key": (RESPONDER, on(APPROVAL_KEY, READ_SECRET), NOT_AT_ALL),
    "the responder lets nobody in": (RESPONDER, create(), {"NeverChangeACluster"}),
    "the responder lets nobody look": (RESPONDER, associate(), {"NeverChangeACluster"}),
    "the responder makes nothing ours": (RESPONDER, tag(), {"NeverChangeACluster"}),
    "the responder takes nothing away": (RESPONDER, delete(), {"NeverChangeACluster"}),
    "the responder reads a cluster": (RESPONDER, on_cluster("DescribeCluster"), ALLOWED),
    "the responder reads an entry": (RESPONDER, on_entry("DescribeAccessEntry"), ALLOWED),
    "the responder reads a role": (RESPONDER, on(DEVELOPER, "iam:GetRole"), ALLOWED),
    "the responder reads a user": (RESPONDER, on(LEADING_USER, "iam:GetUser"), ALLOWED),
    "the responder remembers": (RESPONDER, on(INCIDENTS, "dynamodb:UpdateItem"), ALLOWED),
    "the responder finds what it owes": (RESPONDER, on(f"{INCIDENTS}/index/owed", "dynamodb:Query"), ALLOWED),
    "the responder keeps what failed": (
        RESPONDER, on(FAILED_GRANTS.replace("Grants", "Deliveries"), "sqs:SendMessage"), ALLOWED,
    ),
    "the responder looks for logins": (
        RESPONDER,
        Request("logs:FilterLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/eks/demo/cluster:log-stream:", here()),
        ALLOWED,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def decisions():
    cases = CASES.values()
    return dict(zip(CASES, decide([(role, POLICIES[role], request) for role, request, _ in cases]), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_that(name, decisions):
    *_, expected = CASES[name]
    decision = decisions[name]
    assert decision.unused == [], "the service does not tell IAM that about this action"
    if isinstance(expected, set):
        assert decision.result == EXPLICITLY, decision
        assert {statement.split(" ")[-1] for statement in decision.denied_by} == expected
    else:
        assert decision.result == expected, decision


def test_every_deny_is_seen_to_deny(decisions):
    meant = {name for _, name, statement in STATEMENTS if statement["Effect"] == "Deny"}
    assert meant == {name for decision in decisions.values() for name in decision.denied_by}


def without(policies: dict[str, dict], sids: set[str]) -> dict[str, dict]:
    return {
        name: policy | {"Statement": [one for one in policy["Statement"] if one["Sid"] not in sids]}
        for name, policy in policies.items()
    }


ADMINISTRATOR = {
    "added": {"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
}
DENIED = {name: case for name, case in CASES.items() if isinstance(case[2], set)}


@pytest.fixture(scope="module")
def administrators():
    """What comes of each that is denied if an administrator's policy is attached: as it is, and without those denies."""
    asked = [
        (of, policies | ADMINISTRATOR, request)
        for of, request, sids in DENIED.values()
        for policies in (POLICIES[of], without(POLICIES[of], sids))
    ]
    results = [decision.result for decision in decide(asked)]
    return dict(zip(DENIED, zip(results[::2], results[1::2], strict=True), strict=True))


@pytest.mark.parametrize("name", DENIED)
def test_nothing_but_its_deny_holds_back_an_administrator(name, administrators):
    assert administrators[name] == (EXPLICITLY, ALLOWED)


OF_GUARDRAILS = {name: case for name, case in DENIED.items() if all(sid.startswith("Denied") for sid in case[2])}


def test_without_the_denies_of_the_guardrails_their_rules_would_give_it():
    """So each is needed: no other wall holds it."""
    results = decide([(of, without(POLICIES[of], sids), request) for of, request, sids in OF_GUARDRAILS.values()])
    assert {decision.result for decision in results} == {ALLOWED}
    assert set().union(*(sids for *_, sids in OF_GUARDRAILS.values())) == {f"Denied{number}" for number in range(1, 5)}


def test_without_its_deny_the_revoker_would_take_entries_of_nodes_away():
    of_nodes = [request for _, request, sids in DENIED.values() if sids == {"NeverNodes"}]
    results = decide([(REVOKER, without(POLICIES[REVOKER], {"NeverNodes"}), request) for request in of_nodes])
    assert [decision.result for decision in results] == [ALLOWED] * len(NODES)


def test_every_allow_is_seen_to_allow():
    """Each alone: with only that statement something of the above is allowed."""
    allows = [one for one in STATEMENTS if one[2]["Effect"] == "Allow"]
    asked = [
        (name, (role, {"one": {"Version": "2012-10-17", "Statement": [statement]}}, request))
        for role, name, statement in allows
        for of, request, expected in CASES.values()
        if of == role and expected == ALLOWED
    ]
    results = decide([request for _, request in asked])
    seen = {name for (name, _), decision in zip(asked, results, strict=True) if decision.result == ALLOWED}
    assert {name for _, name, _ in allows} - seen == set()


# ---- everything that changes anything in EKS ----

THEIR_CHANGES = {
    GRANTER: {"eks:AssociateAccessPolicy", "eks:CreateAccessEntry", "eks:TagResource"},
    REVOKER: {"eks:DeleteAccessEntry"},
    APPROVER: set(),
}


def any_resource(action: str, arns: dict[str, str]) -> str:
    arn = next(iter(arns.values()), "*")
    names = {"Partition": "aws", "Region": REGION, "Account": ACCOUNT}
    return re.sub(r"\$\{(\w+)\}", lambda m: names.get(m[1], "x"), arn)


@pytest.mark.parametrize("role", THEIR_CHANGES)
def test_what_a_role_is_not_there_for_is_denied_whatever_is_attached_to_it(role):
    """As if an administrator's policy were."""
    policies = POLICIES[role] | ADMINISTRATOR
    of_eks = [action for action in REFERENCE if action.name.startswith("eks:")]
    changing = [action for action in of_eks if action.changes and action.name not in THEIR_CHANGES[role]]
    assert len(changing) > 30
    requests = [(role, policies, Request(action.name, any_resource(action.name, action.resources))) for action in changing]
    decided = zip(changing, decide(requests), strict=True)
    assert [action.name for action, decision in decided if decision.result != EXPLICITLY] == []


# ---- the policies as documents ----


def conditions(statement: dict) -> set[str]:
    return {key for operator in statement.get("Condition", {}).values() for key in operator}


# Of every request, whatever the service.
GLOBAL = {"aws:RequestedRegion"}


@pytest.mark.parametrize(("role", "name", "statement"), STATEMENTS, ids=[f"{role} {name}" for role, name, _ in STATEMENTS])
def test_every_condition_is_on_a_key_that_the_action_has(role, name, statement):
    for pattern in listed(statement["Action"]) if "Condition" in statement else []:
        for action in REFERENCE:
            if fnmatchcase(action.name, pattern):
                assert {key for key in conditions(statement) - GLOBAL if not action.has(key)} == set(), action.name


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_action_exists(pattern):
    assert any(fnmatchcase(action.name, pattern) for action in REFERENCE)


# Kinds of findings that are none here, each with the reason.
HARMLESS = {
    "UNKNOWN_ACTION": "its copy of the reference is older than some; see test_every_action_exists",
    "UNKNOWN_CONDITION_FOR_ACTION": "it leaves out the keys of resources; see test_every_condition_is_on_a_key_...",
    "MISMATCHED_TYPE_BUT_USABLE": "compared as a string, what is no ARN at all is refused as well",
}


@pytest.mark.parametrize(
    ("role", "name"), [(role, name) for role, policies in POLICIES.items() for name in policies]
)
def test_parliament_finds_nothing(role, name):
    policy = parliament.analyze_policy_string(json.dumps(POLICIES[role][name]))
    found = [finding for finding in policy.findings if finding.issue not in HARMLESS]
    assert found == [], [str(finding) for finding in found]
