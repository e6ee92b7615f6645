"""What Approvals=on adds, and to whom it gives what: exactly this, neither more nor less.

What the policies come to is decided in test_policies.py; here they are held against what they should say.
"""

import json
import re

import pytest

from expanded import (
    ACCOUNT,
    APPROVALS,
    REGION,
    ROOT,
    STACK,
    TEMPLATE,
    Installation,
    Made,
    Stack,
    guardrails_template,
    listed,
    yaml_parse,
)
from test_template import METRICS_OF_AWS
from variables import variables_of

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:eks-access/slack-AbCdEf"
IN_SLACK = {"SlackSecretArn": SECRET, "SlackChannel": "C0123456789", "SlackTeams": "T0123456789", "SlackApp": "A0123456789"}
WITHOUT_SLACK = Installation()
WITH_SLACK = Installation(**IN_SLACK)
APPROVER, GRANTER, REVOKER = FUNCTIONS = ("Approver", "Granter", "Revoker")


def approvals(**parameters) -> Made:
    return Installation(**parameters).approvals


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


# ---- off ----


def test_switched_off_nothing_of_it_exists():
    off, on = Stack(Approvals="off"), Stack(Approvals="on")
    assert Stack().resources == off.resources
    assert set(on.resources) - set(off.resources) == {"ApprovalsStack", "MakeRequests"}
    assert set(off.resources) <= set(on.resources)
    outputs = Made(off.template, off.values).outputs
    assert not {name for name in outputs if TEMPLATE["Outputs"][name].get("Condition", "").startswith("HasApprovals")}


def test_switched_off_the_responder_makes_no_request_and_may_not():
    given = Stack().environment()
    assert (given["REQUESTS_TABLE"], given["GUARDRAILS_VERSION"]) == ("", "")
    assert Stack().only("AWS::IAM::Role") == Stack(Approvals="on").only("AWS::IAM::Role")
    assert not any("equests" in str(statement) for statement in Stack().statements())


def test_it_is_off_unless_it_is_switched_on():
    parameter = TEMPLATE["Parameters"]["Approvals"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("off", ["on", "off"])


# ---- what the stacks tell each other ----


def test_every_parameter_of_a_nested_stack_is_given():
    given = TEMPLATE["Resources"]["ApprovalsStack"]["Properties"]["Parameters"]
    assert set(given) == set(APPROVALS["Parameters"])
    assert not any("Default" in parameter for parameter in APPROVALS["Parameters"].values())
    passed_on = APPROVALS["Resources"]["Guardrails"]["Properties"]["Parameters"]
    assert set(passed_on) == set(WITH_SLACK.guardrails.parameters)


def test_every_parameter_of_a_nested_stack_is_used():
    text = json.dumps({**APPROVALS, "Parameters": {}, "Metadata": {}})
    unused = [name for name in APPROVALS["Parameters"] if f'"{name}"' not in text and f"${{{name}}}" not in text]
    assert unused == []
    (group,) = APPROVALS["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(group["Parameters"]) == sorted(APPROVALS["Parameters"])


def test_the_templates_lie_beside_each_other():
    assert TEMPLATE["Resources"]["ApprovalsStack"]["Properties"]["TemplateURL"] == "approvals.yaml"
    assert APPROVALS["Resources"]["Guardrails"]["Properties"]["TemplateURL"] == "guardrails.yaml"
    # CloudFormation reads templates of up to 1 MB from S3, where `sam deploy` puts them.
    assert all(path.stat().st_size < 1_000_000 for path in (ROOT / "infra/sam").glob("*.yaml"))


def test_the_responder_is_told_of_the_table_and_of_the_guardrails():
    function = WITH_SLACK.main.only("AWS::Lambda::Function")["Environment"]["Variables"]
    assert function["REQUESTS_TABLE"] == "Requests"
    assert function["GUARDRAILS_VERSION"] == WITH_SLACK.guardrails.outputs["GuardrailsVersion"] != ""


def test_what_the_main_stack_puts_out_is_what_the_nested_one_has():
    nested, outputs = WITH_SLACK.approvals.outputs, WITH_SLACK.main.outputs
    assert outputs["ApprovalsUrl"] == nested["Url"]
    assert outputs["SlackRequestUrl"] == f"{nested['Url']}/slack"
    assert "SlackRequestUrl" not in WITHOUT_SLACK.main.outputs
    assert {outputs[f"{function}Name"] for function in FUNCTIONS} == set(FUNCTIONS)
    assert outputs["RequestsTableName"] == "Requests"


# ---- the doors ----

ROUTES = {
    "GET /v1/requests": "AWS_IAM",
    "GET /v1/requests/{id}": "AWS_IAM",
    "GET /v1/requests/{id}/history": "AWS_IAM",
    "POST /v1/requests/{id}/approve": "AWS_IAM",
    "POST /v1/requests/{id}/deny": "AWS_IAM",
    "POST /v1/requests/{id}/revoke": "AWS_IAM",
    "POST /v1/requests/{id}/extend": "AWS_IAM",
    "POST /v1/requests/{id}/review": "AWS_IAM",
    "GET /v1/grants": "AWS_IAM",
    "POST /v1/break-glass": "AWS_IAM",
}
SLACK_DOOR = {"POST /slack": "NONE"}


def routes(made: Made) -> dict[str, str]:
    return {route["RouteKey"]: route["AuthorizationType"] for route in made.of_type("AWS::ApiGatewayV2::Route").values()}


def test_every_door_but_slacks_asks_iam_who_comes():
    assert routes(WITH_SLACK.approvals) == ROUTES | SLACK_DOOR
    assert routes(WITHOUT_SLACK.approvals) == ROUTES


def test_the_approver_knows_every_door_and_no_others():
    """`path` in its sources is a list of words, and a name stands for what differs."""
    code = (ROOT / "functions/approver/src/api.rs").read_text()
    verbs = re.findall(r'^ +"(\w+)" =>', code.split("let done = match verb {")[1].split("\n    };")[0], re.M)
    known = set()
    for method, parts in re.findall(r'\("(GET|POST)", \[("v1".*?)\]\) =>', code):
        names = [part.strip() for part in parts.split(",")]
        path = "/" + "/".join(name.strip('"') if name.startswith('"') else f"{{{name}}}" for name in names)
        known.update(f"{method} {path.replace('{verb}', verb)}" for verb in (verbs if "{verb}" in path else [""]))
    assert known == set(ROUTES)


def test_every_door_leads_to_the_approver():
    made = WITH_SLACK.approvals
    integration = made.only("AWS::ApiGatewayV2::Integration")
    assert integration["IntegrationUri"] == arn("lambda", "function:Approver")
    assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == ("AWS_PROXY", "2.0")
    targets = {route["Target"] for route in made.of_type("AWS::ApiGatewayV2::Route").values()}
    assert targets == {"integrations/ToTheApprover"}
    kinds = [made.of_type(f"AWS::ApiGatewayV2::{kind}") for kind in ("Route", "Stage", "Integration")]
    assert {one["ApiId"] for kind in kinds for one in kind.values()} == {"Doors"}
    assert made.only("AWS::ApiGatewayV2::Api")["ProtocolType"] == "HTTP"


def test_nobody_knocks_often():
    stage = WITH_SLACK.approvals.only("AWS::ApiGatewayV2::Stage")
    assert stage["RouteSettings"] == {"POST /slack": {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 5}}
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 10}
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    assert "RouteSettings" not in WITHOUT_SLACK.approvals.only("AWS::ApiGatewayV2::Stage")


def test_the_settings_of_a_door_wait_for_the_door():
    """API Gateway refuses settings of a route that is not there yet."""
    description = APPROVALS["Resources"]["OpenDoors"]["Properties"]["Description"]
    condition, then, _ = description["Fn::If"]
    assert (condition, "${SlackDoor}" in then["Fn::Sub"]) == ("HasSlack", True)


# ---- who may call which function ----


def test_only_the_doors_and_the_tick_may_call_a_function_and_nobody_the_granter():
    permissions = WITH_SLACK.approvals.of_type("AWS::Lambda::Permission")
    assert permissions == {
        "AllowDoors": {
            "FunctionName": "Approver",
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": arn("execute-api", "Doors/*/*"),
        },
        "AllowTick": {
            "FunctionName": "Revoker",
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": arn("events", "rule/Tick"),
        },
    }
    assert not WITH_SLACK.approvals.of_type("AWS::Lambda::Url")


def test_the_approver_alone_may_have_it_granted():
    roles = [*WITH_SLACK.main.of_type("AWS::IAM::Role"), *WITH_SLACK.approvals.of_type("AWS::IAM::Role")]
    calling = {
        (role, resource)
        for role in roles
        for action, resource in allowed(WITH_SLACK, role)
        if action.startswith("lambda:")
    }
    assert calling == {("ApproverRole", arn("lambda", "function:Granter"))}


# ---- what the roles may do ----


def statements(installation: Installation, role: str, effect: str) -> list[dict]:
    return [
        statement
        for policy in installation.policies(role).values()
        for statement in policy["Statement"]
        if statement["Effect"] == effect
    ]


def allowed(installation: Installation, role: str) -> list[tuple[str, str]]:
    return sorted(
        (action, resource)
        for statement in statements(installation, role, "Allow")
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    )


def denied(installation: Installation, role: str) -> set[str]:
    """What is denied on every resource and without any condition."""
    return {
        action
        for statement in statements(installation, role, "Deny")
        if "Condition" not in statement and statement["Resource"] == "*"
        for action in listed(statement["Action"])
    }


def own_log(function: str) -> list[tuple[str, str]]:
    group = arn("logs", f"log-group:/eks-access-responder/{STACK}/{function.lower()}:*")
    return [("logs:CreateLogStream", group), ("logs:PutLogEvents", group)]


TABLE, INDEX = arn("dynamodb", "table/Requests"), arn("dynamodb", "table/Requests/index/owed")
PUBLISHING = [("sns:Publish", arn("sns", "Notices"))]
READING_THE_KEY = [("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:ApprovalKey-AbCdEf"))]
READING_SLACKS_SECRET = [("secretsmanager:GetSecretValue", SECRET)]
KEEPING = [("dynamodb:GetItem", TABLE), ("dynamodb:UpdateItem", TABLE)]
LOOKING = [
    *(
        (f"eks:{action}", f"arn:*:eks:*:*:{resource}")
        for name in ("demo", "staging")
        for action, resource in [
            ("DescribeCluster", f"cluster/{name}"),
            ("DescribeAccessEntry", f"access-entry/{name}/*"),
            ("ListAssociatedAccessPolicies", f"access-entry/{name}/*"),
        ]
    ),
    ("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/*"),
    ("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/*"),
]
RECONCILING = [
    ("eks:DescribeAccessEntry", arn("eks", "access-entry/*")),
    ("eks:DescribeCluster", arn("eks", "cluster/*")),
    ("eks:ListAccessEntries", arn("eks", "cluster/*")),
    ("eks:ListAssociatedAccessPolicies", arn("eks", "access-entry/*")),
]
# By tests/infra/guardrails.toml: a rule for each cluster, and one for emergencies in the first.
GRANTING = [
    (f"eks:{action}", arn("eks", resource))
    for name in ("demo", "staging", "demo")
    for action, resource in [
        ("CreateAccessEntry", f"cluster/{name}"),
        ("TagResource", f"access-entry/{name}/*"),
        ("AssociateAccessPolicy", f"access-entry/{name}/*"),
    ]
]
MAY = {
    "ApproverRole": [
        *own_log(APPROVER), *PUBLISHING, *KEEPING, *READING_THE_KEY,
        ("dynamodb:Query", TABLE), ("dynamodb:Query", INDEX),
        ("lambda:InvokeFunction", arn("lambda", "function:Granter")),
    ],
    "GranterRole": [
        *own_log(GRANTER), *PUBLISHING, *KEEPING, *READING_THE_KEY, *LOOKING, *GRANTING,
        ("sqs:SendMessage", arn("sqs", "FailedGrants")),
    ],
    "RevokerRole": [
        *own_log(REVOKER), *PUBLISHING, *KEEPING, *RECONCILING,
        ("dynamodb:Query", INDEX),
        ("eks:DeleteAccessEntry", arn("eks", f"access-entry/*/*/{ACCOUNT}/*")),
    ],
}  # fmt: skip
MAY_NEVER = {
    "ApproverRole": {"eks:*"},
    "GranterRole": {"eks:Delete*", "eks:Disassociate*", "eks:Update*", "eks:UntagResource"},
    "RevokerRole": {"eks:Create*", "eks:Associate*", "eks:TagResource", "eks:UntagResource", "eks:Update*"},
}


@pytest.mark.parametrize("role", MAY)
def test_each_role_may_do_exactly_this(role):
    assert allowed(WITHOUT_SLACK, role) == sorted(MAY[role])
    assert allowed(WITH_SLACK, role) == sorted([*MAY[role], *READING_SLACKS_SECRET])


@pytest.mark.parametrize("role", MAY_NEVER)
def test_each_role_may_never_do_this(role):
    assert MAY_NEVER[role] <= denied(WITH_SLACK, role)


def source(path: str) -> str:
    return (ROOT / "crates/eks-access-aws/src" / path).read_text()


def called(path: str, service: str) -> set[str]:
    """The operations that a file of the shell calls."""
    names = re.findall(r"\.client\s*\.(\w+)\(\)", source(path))
    return {f"{service}:" + "".join(word.capitalize() for word in name.split("_")) for name in names}


def test_together_the_roles_may_do_to_the_table_what_the_code_does_and_nothing_else():
    calls = called("requests.rs", "dynamodb")
    assert calls > {"dynamodb:TransactWriteItems"}
    # IAM is asked for each part of a transaction, and not for the whole.
    part = {"Update": "UpdateItem", "Put": "PutItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
    parts = {f"dynamodb:{part[name]}" for name in re.findall(r"\b(\w+)::builder\(\)", source("requests.rs")) if name in part}
    may = {action for role in MAY for action, _ in allowed(WITH_SLACK, role) if action.startswith("dynamodb:")}
    assert calls - {"dynamodb:TransactWriteItems"} | parts == may


def test_together_the_roles_may_do_in_eks_what_the_code_does_and_nothing_else():
    may = {action for role in MAY for action, _ in allowed(WITH_SLACK, role) if action.startswith("eks:")}
    assert called("entries.rs", "eks") | {"eks:DescribeCluster"} == may


@pytest.mark.parametrize("role", MAY)
def test_each_role_may_use_the_keys_of_what_it_may_use(role):
    topic, topic_key, secret_key = arn("sns", "alerts"), arn("kms", "key/0a"), arn("kms", "key/0b")
    with_keys = Installation(**IN_SLACK, ExistingTopicArn=topic, ExistingTopicKeyArn=topic_key, SlackSecretKeyArn=secret_key)
    more = set(allowed(with_keys, role)) - set(allowed(WITH_SLACK, role))
    using = {("kms:Decrypt", topic_key), ("kms:GenerateDataKey", topic_key), ("kms:Decrypt", secret_key)}
    assert more == {("sns:Publish", topic), *using}
    for statement in statements(with_keys, role, "Allow"):
        if "kms:" in str(statement["Action"]):
            assert set(statement["Condition"]["StringLike" if topic_key in statement["Resource"] else "StringEquals"]) == {
                "kms:ViaService"
            }


def test_the_responder_gets_two_actions_more():
    stack = Stack(**IN_SLACK, Clusters="demo,staging")
    off = Made(stack.template, stack.values).policies("ResponderRole")
    on = WITH_SLACK.policies("ResponderRole")
    assert {name: policy for name, policy in on.items() if name not in off}.keys() == {"MakeRequests"}
    assert {name: on[name] for name in off} == off
    (statement,) = on["MakeRequests"]["Statement"]
    assert [(action, statement["Resource"]) for action in statement["Action"]] == KEEPING


@pytest.mark.parametrize("role", MAY)
def test_lambda_alone_may_take_the_role(role):
    trust = WITH_SLACK.approvals.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    assert trust == [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]


def test_clusters_are_read_in_this_region_only():
    for role in MAY:
        for statement in statements(WITH_SLACK, role, "Allow"):
            wide = any(resource.startswith("arn:*") for resource in listed(statement["Resource"]))
            assert not wide or statement["Condition"] == {"StringEquals": {"aws:RequestedRegion": REGION}}


def test_nobody_lets_one_of_our_roles_in():
    roles = [*WITH_SLACK.main.of_type("AWS::IAM::Role"), *WITH_SLACK.approvals.of_type("AWS::IAM::Role")]
    own = sorted(f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in roles)
    assert len(own) == 1 + len(FUNCTIONS)
    told = WITH_SLACK.approvals.of_type("AWS::Lambda::Function")[GRANTER]["Environment"]["Variables"]["OWN_ROLES"]
    of_guardrails = WITH_SLACK.approvals.resources["Guardrails"]["Properties"]["Parameters"]["OwnRoles"]
    assert sorted(told.split(",")) == sorted(of_guardrails.split(",")) == own


def test_forty_clusters_fit_into_the_policies_of_the_roles():
    """The policies of a role have 10,240 characters together, a managed one 6,144 of its own; white space left out."""
    names = ",".join(f"{number:02}-" + "cluster-with-a-rather-long-name"[:32] for number in range(40))
    key = arn("kms", "key/01234567-89ab-cdef-0123-456789abcdef")
    topic = arn("sns", "a-topic-with-a-rather-long-name")
    installation = Installation(
        Clusters=names, **IN_SLACK, ExistingTopicArn=topic, ExistingTopicKeyArn=key, SlackSecretKeyArn=key
    )

    def size(policy: dict) -> int:
        text = json.dumps(policy, separators=(",", ":"))
        # What is called like its logical id here has the names of two stacks and an ending besides.
        return len(text) + 60 * len(re.findall(r"Requests|ApprovalKey|FailedGrants|(?<=function:)\w+", text))

    for role, properties in installation.approvals.of_type("AWS::IAM::Role").items():
        assert sum(size(policy["PolicyDocument"]) for policy in properties["Policies"]) < 10_240, role
    for made in (installation.approvals, installation.guardrails, installation.main):
        for name, properties in made.of_type("AWS::IAM::ManagedPolicy").items():
            assert size(properties["PolicyDocument"]) < 6_144, name


# ---- the functions ----


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_runs_the_package_that_make_build_makes(name):
    function = WITH_SLACK.approvals.of_type("AWS::Lambda::Function")[name]
    assert (ROOT / "infra/sam" / function["Code"]).resolve() == ROOT / f"target/lambda/{name.lower()}.zip"
    assert (function["Runtime"], function["Handler"]) == ("provided.al2023", "bootstrap")
    assert function["Role"] == f"arn:aws:iam::{ACCOUNT}:role/{name}Role"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_given_the_variables_it_reads_and_no_others(name):
    configured = {one.name for one in variables_of(name.upper()).values() if one.need != "ByLambda"}
    assert set(environment(WITH_SLACK.approvals, name)) == configured


# What a function does without, and this stack knows.
ALWAYS_GIVEN = {"GUARDRAILS_VERSION", "OWN_ROLES"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_stack_and_each_function_agree_about_defaults(name):
    given = environment(WITHOUT_SLACK.approvals, name)
    for variable in variables_of(name.upper()).values():
        if variable.default is not None:
            assert given[variable.name] == variable.default
        elif variable.need == "Optional" and variable.name not in ALWAYS_GIVEN:
            assert given[variable.name] == ""


def environment(made: Made, function: str) -> dict[str, str]:
    return made.of_type("AWS::Lambda::Function")[function]["Environment"]["Variables"]


def test_each_function_is_told_where_things_are():
    for name in FUNCTIONS:
        given = environment(WITH_SLACK.approvals, name)
        assert given["REQUESTS_TABLE"] == "Requests"
        assert given["TOPIC_ARN"] == arn("sns", "Notices")
        assert given["SLACK_SECRET"] == SECRET
        assert given["GUARDRAILS_VERSION"] == WITH_SLACK.guardrails.outputs["GuardrailsVersion"]
    approver = environment(WITH_SLACK.approvals, APPROVER)
    assert (approver["SLACK_TEAMS"], approver["SLACK_APP"]) == ("T0123456789", "A0123456789")
    assert approver["GRANTER"] == GRANTER
    key = arn("secretsmanager", "secret:ApprovalKey-AbCdEf")
    assert approver["APPROVAL_KEY"] == environment(WITH_SLACK.approvals, GRANTER)["APPROVAL_KEY"] == key


def test_a_webhook_is_no_channel_that_hears_of_broken_glass():
    assert environment(WITH_SLACK.approvals, APPROVER)["SLACK_CHANNEL"] == "C0123456789"
    assert environment(approvals(**IN_SLACK | {"SlackChannel": "webhook"}), APPROVER)["SLACK_CHANNEL"] == ""


def test_labels_of_accounts_are_passed_on_as_they_are():
    labels = f"{ACCOUNT}=prod,222233334444=a b"
    assert environment(approvals(AccountLabels=labels), APPROVER)["ACCOUNT_LABELS"] == labels


@pytest.mark.parametrize(
    ("parameter", "right", "wrong"),
    [
        ("SlackTeams", ["T0123456789", "T0123456789,E0123456789"], ["T01", "C0123456789", "T0123456789, E0123456789", "example"]),
        ("SlackApp", ["A0123456789"], ["A01", "T0123456789", "A0123456789,A1123456789"]),
        ("AccountLabels", [f"{ACCOUNT}=prod", f"{ACCOUNT}=prod,222233334444=a b"], ["prod", "1=prod", f"{ACCOUNT}=", f"{ACCOUNT}=<!here>"]),
    ],
)  # fmt: skip
def test_what_approvals_need_is_refused_when_it_cannot_be_right(parameter, right, wrong):
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    assert all(re.fullmatch(pattern, text) for text in [*right, ""])
    assert not any(re.fullmatch(pattern, text) for text in wrong)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_concurrency_is_reserved_only_when_asked_for(name):
    assert "ReservedConcurrentExecutions" not in WITHOUT_SLACK.approvals.of_type("AWS::Lambda::Function")[name]
    asked = approvals(**{f"{name}Concurrency": "1"}).of_type("AWS::Lambda::Function")
    assert {one: asked[one].get("ReservedConcurrentExecutions") for one in asked} == {
        one: "1" if one == name else None for one in FUNCTIONS
    }


def test_nobody_switches_the_revoker_off_by_its_concurrency():
    assert TEMPLATE["Parameters"]["RevokerConcurrency"]["AllowedValues"] == [-1, 1]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_a_log_of_its_own(name):
    made = approvals(AuditRetentionDays="731", LogRetentionDays="1")
    log = made.of_type("AWS::Logs::LogGroup")[f"{name}Log"]
    assert log == {"LogGroupName": f"/eks-access-responder/{STACK}/{name.lower()}", "RetentionInDays": "731"}
    assert made.of_type("AWS::Lambda::Function")[name]["LoggingConfig"]["LogGroup"] == log["LogGroupName"]


def test_a_grant_that_failed_is_tried_again_and_then_kept():
    settings = WITH_SLACK.approvals.of_type("AWS::Lambda::EventInvokeConfig")
    assert settings["GrantsAreTriedAgain"] == {
        "FunctionName": GRANTER,
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 2,
        "MaximumEventAgeInSeconds": 300,
        "DestinationConfig": {"OnFailure": {"Destination": arn("sqs", "FailedGrants")}},
    }
    queue = WITH_SLACK.approvals.only("AWS::SQS::Queue")
    assert queue == {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True}
    (statement,) = WITH_SLACK.approvals.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_every_minute_the_revoker_is_called_and_no_tick_comes_late():
    rule = WITH_SLACK.approvals.only("AWS::Events::Rule")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert rule["Targets"] == [
        {
            "Id": "revoker",
            "Arn": arn("lambda", "function:Revoker"),
            "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
        }
    ]
    settings = WITH_SLACK.approvals.of_type("AWS::Lambda::EventInvokeConfig")["TicksAreNotTriedAgain"]
    assert (settings["MaximumRetryAttempts"], settings["MaximumEventAgeInSeconds"]) == (0, 60)
    assert WITH_SLACK.approvals.of_type("AWS::Lambda::Function")[REVOKER]["Timeout"] < 60


# ---- what is kept ----


def test_the_table_of_requests_is_like_that_of_incidents_and_stays():
    requests, incidents = WITH_SLACK.approvals.only("AWS::DynamoDB::Table"), Stack().only("AWS::DynamoDB::Table")
    assert requests == incidents
    assert requests["DeletionProtectionEnabled"] and requests["SSESpecification"] == {"SSEEnabled": True}
    assert requests["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert requests["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    resource = APPROVALS["Resources"]["Requests"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_nobody_has_to_know_the_approval_key():
    secret = WITH_SLACK.approvals.only("AWS::SecretsManager::Secret")
    assert secret["GenerateSecretString"] == {"PasswordLength": 64, "ExcludePunctuation": True}
    assert "SecretString" not in secret


# ---- alarms ----

ALARMS = WITH_SLACK.approvals.of_type("AWS::CloudWatch::Alarm")
HEARTBEATS = {"RevokerStopped": "Ticks", "ReconciliationStopped": "Reconciled"}


def test_there_is_an_alarm_for_each_of_these():
    def watched(function: str, *metrics: str) -> set[tuple[str, str]]:
        return {(metric, function) for metric in metrics}

    of_functions = {
        (alarm["MetricName"], dimension["Value"])
        for alarm in ALARMS.values()
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "FunctionName"
    }
    assert of_functions == {
        *(one for function in FUNCTIONS for one in watched(function, "Errors", "Throttles", "NewsFailures")),
        *watched(APPROVER, "ApproverFaults", "BadSignatures"),
        *watched(GRANTER, "GrantsFailed"),
        *watched(REVOKER, "Overdue", "Ticks", "Reconciled", "RevokeFailures", "Drifted", "UnreadableEntries", "TableFailures"),
    }
    others = {name: alarm for name, alarm in ALARMS.items() if alarm["Dimensions"][0]["Name"] != "FunctionName"}
    assert {name: alarm["Dimensions"] for name, alarm in others.items()} == {
        "GrantsWereGivenUp": [{"Name": "QueueName", "Value": "FailedGrants.QueueName"}],
        "RequestsAreThrottled": [{"Name": "TableName", "Value": "Requests"}, {"Name": "Operation", "Value": "UpdateItem"}],
    }


def metrics_of(function: str) -> set[str]:
    """What a function writes, crates/eks-access-aws/src/emf.rs."""
    text = source("emf.rs")
    (constants,) = re.findall(rf"const OF_THE_{function.upper()}: [^=]*= &\[(.*?)\];", text, re.S)
    names = dict(re.findall(r'Self::(\w+) => "(\w+)"', text))
    return {names[constant] for constant in re.findall(r"Self::(\w+)", constants)}


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_watches_a_metric_that_exists(name):
    namespace, metric = ALARMS[name]["Namespace"], ALARMS[name]["MetricName"]
    if namespace in METRICS_OF_AWS:
        assert metric in METRICS_OF_AWS[namespace]
    else:
        (dimension,) = ALARMS[name]["Dimensions"]
        assert namespace == environment(WITH_SLACK.approvals, dimension["Value"])["METRICS_NAMESPACE"]
        assert metric in metrics_of(dimension["Value"])


def test_one_access_that_does_not_end_is_an_alarm():
    alarm = ALARMS["GrantsAreOverdue"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Maximum", 1, 1)


def test_a_revoker_that_stops_is_an_alarm_after_a_quarter_of_an_hour():
    alarm = ALARMS["RevokerStopped"]
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 300, 3)


@pytest.mark.parametrize("name", HEARTBEATS)
def test_a_heartbeat_of_nothing_is_none(name):
    """A tick that does not reach its end writes 0, which `SampleCount` would count like any other."""
    alarm = ALARMS[name]
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == (HEARTBEATS[name], "Sum", 1)


def test_a_wrong_signature_now_and_then_is_no_alarm():
    alarm = ALARMS["SignaturesAreForged"]
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", 300, 20)
    assert "SignaturesAreForged" not in WITHOUT_SLACK.approvals.resources


@pytest.mark.parametrize("name", ALARMS)
def test_silence_is_no_alarm_but_for_what_is_never_silent(name):
    is_heartbeat = name in HEARTBEATS
    assert ALARMS[name]["TreatMissingData"] == ("breaching" if is_heartbeat else "notBreaching")
    expected = "LessThanThreshold" if is_heartbeat else "GreaterThanOrEqualToThreshold"
    assert (ALARMS[name]["ComparisonOperator"], ALARMS[name]["Threshold"] >= 1) == (expected, True)


def test_alarms_speak_to_the_topic_given_and_else_to_nobody():
    topic = arn("sns", "on-call")
    assert not any("AlarmActions" in alarm for alarm in ALARMS.values())
    heard = approvals(**IN_SLACK, AlarmTopicArn=topic).of_type("AWS::CloudWatch::Alarm")
    assert {name: alarm["AlarmActions"] for name, alarm in heard.items()} == dict.fromkeys(ALARMS, [topic])


# ---- the guardrails that are shipped ----


def test_the_shipped_policies_are_made_from_the_shipped_guardrails():
    shipped = yaml_parse((ROOT / "infra/sam/guardrails.yaml").read_text())
    assert shipped == guardrails_template("infra/guardrails.toml"), "run `make guardrails` and commit what it wrote"


def test_the_shipped_guardrails_offer_nothing():
    effects = {
        statement["Effect"]
        for policy in guardrails_template("infra/guardrails.toml")["Resources"].values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if policy["Properties"]["Roles"] == [{"Ref": "GranterRole"}]
    }
    assert effects == {"Deny"}
