"""What the stack makes, and what it lets the responder do: exactly this, neither more nor less."""

import json
import re
import sys

import pytest

from expanded import ACCOUNT, REGION, ROOT, STACK, TEMPLATE, Stack, listed
from variables import variables_of

sys.path.append(str(ROOT / "tests/local"))
import stack as local  # noqa: E402

CLUSTERS = ["prod", "team-a_blue", "0"]
OWN_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
OWN_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:eks-access/slack-AbCdEf"
SLACK = {"SlackSecretArn": SECRET, "SlackChannel": "C0123456789"}

NOTICES, DEAD_LETTERS, OWN_LOG = (
    {"Ref": "Notices"},
    {"Fn::GetAtt": ["FailedDeliveries", "Arn"]},
    {"Fn::GetAtt": ["ResponderLog", "Arn"]},
)
TABLE = {"Fn::GetAtt": ["Incidents", "Arn"]}
INDEX = "${Incidents.Arn}/index/owed"  # the expansion leaves `Fn::Sub` out; test_deploy.py has the whole of it


def rust_sources() -> str:
    return "\n".join(
        path.read_text() for folder in ("crates", "functions") for path in sorted((ROOT / folder).rglob("*.rs"))
    )


# ---- what is read ----


def test_each_cluster_has_one_subscription_and_nothing_else_has():
    stack = Stack(Clusters=",".join(CLUSTERS))
    filters = stack.of_type("AWS::Logs::SubscriptionFilter")
    pattern = TEMPLATE["Mappings"]["Deliver"]["full"]["Pattern"]
    assert sorted(filters.values(), key=lambda f: f["LogGroupName"]) == sorted(
        (
            {
                "LogGroupName": f"/aws/eks/{cluster}/cluster",
                "FilterName": STACK,
                "FilterPattern": pattern,
                "DestinationArn": {"Fn::GetAtt": ["Responder", "Arn"]},
            }
            for cluster in CLUSTERS
        ),
        key=lambda f: f["LogGroupName"],
    )


def test_only_the_logs_of_those_clusters_in_this_account_may_call_the_function():
    stack = Stack(Clusters=",".join(CLUSTERS))
    permissions = stack.of_type("AWS::Lambda::Permission")
    assert permissions.pop("AllowTick") == {
        "FunctionName": {"Ref": "Responder"},
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": ["Tick", "Arn"]},
    }
    assert {permission.pop("SourceArn") for permission in permissions.values()} == {
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/eks/{cluster}/cluster:*" for cluster in CLUSTERS
    }
    for permission in permissions.values():
        assert permission == {
            "FunctionName": {"Ref": "Responder"},
            "Action": "lambda:InvokeFunction",
            "Principal": "logs.amazonaws.com",
            "SourceAccount": ACCOUNT,
        }


def test_a_subscription_waits_for_its_own_permission():
    stack = Stack(Clusters=",".join(CLUSTERS))
    for name, subscription in stack.of_type("AWS::Logs::SubscriptionFilter").items():
        permission = stack.resources[stack.resources[name]["DependsOn"]]["Properties"]
        assert f":log-group:{subscription['LogGroupName']}:" in permission["SourceArn"]


@pytest.mark.parametrize("name", ["", "a b", "a,", "-prod", "prod/dev", "a" * 101, "prod*"])
def test_what_is_no_name_of_a_cluster_is_refused(name):
    assert not re.fullmatch(TEMPLATE["Parameters"]["Clusters"]["AllowedPattern"], name)


def test_every_cluster_name_that_eks_allows_is_accepted():
    for name in ("a", "0prod", "A_b-c", "a" * 100):
        assert re.fullmatch(TEMPLATE["Parameters"]["Clusters"]["AllowedPattern"], name)


def test_forty_clusters_fit_into_the_policy_of_one_function():
    """The permissions of a function are one document of at most 20 KB."""
    names = [f"{number:02}-" + "cluster-with-a-rather-long-name"[:32] for number in range(40)]
    permissions = Stack(Clusters=",".join(names)).of_type("AWS::Lambda::Permission")
    assert len(permissions) == 40 + len(["AllowTick"])
    statement = (
        '{{"Sid":"{stack}-Allow-ABCDEFGHIJKL","Effect":"Allow","Principal":{{"Service":"logs.amazonaws.com"}},'
        '"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:{region}:{account}:function:{stack}-Responder-ABCDEFGHIJKL",'
        '"Condition":{{"StringEquals":{{"AWS:SourceAccount":"{account}"}},"ArnLike":{{"AWS:SourceArn":"{arn}"}}}}}},'
    )
    size = sum(
        len(statement.format(stack=STACK, region=REGION, account=ACCOUNT, arn=str(permission["SourceArn"])))
        for permission in permissions.values()
    )
    assert size < 20 * 1024


# ---- what the responder may do ----


def allowed(stack: Stack) -> list[tuple[str, object]]:
    return sorted(
        (
            (action, resource)
            for statement in stack.statements()
            if statement["Effect"] == "Allow"
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ),
        key=str,
    )


TELLING = [
    ("sns:Publish", NOTICES),
    ("sqs:SendMessage", DEAD_LETTERS),
    ("logs:CreateLogStream", OWN_LOG),
    ("logs:PutLogEvents", OWN_LOG),
]
REMEMBERING = [
    ("dynamodb:GetItem", TABLE),
    ("dynamodb:UpdateItem", TABLE),
    ("dynamodb:Query", INDEX),
]


def looking(*clusters: str) -> list[tuple[str, object]]:
    """What it takes to see who gets in by now. The wildcards are as in `asking`."""
    return [("logs:FilterLogEvents", f"arn:*:logs:*:*:log-group:/aws/eks/{cluster}/cluster:*") for cluster in clusters]


def asking(*clusters: str) -> list[tuple[str, object]]:
    """What finding out facts takes. Wildcards stand for the Region, which a condition names, and the account."""
    return [
        *(
            (f"eks:{action}", f"arn:*:eks:*:*:{resource}")
            for cluster in clusters
            for action, resource in [
                ("DescribeCluster", f"cluster/{cluster}"),
                ("ListAccessEntries", f"cluster/{cluster}"),
                ("DescribeAccessEntry", f"access-entry/{cluster}/*"),
                ("ListAssociatedAccessPolicies", f"access-entry/{cluster}/*"),
            ]
        ),
        ("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/*"),
        ("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/*"),
    ]


@pytest.mark.parametrize("clusters", [CLUSTERS[:1], CLUSTERS])
def test_the_role_may_do_exactly_this(clusters):
    stack = Stack(Clusters=",".join(clusters))
    assert allowed(stack) == sorted([*TELLING, *REMEMBERING, *looking(*clusters), *asking(*clusters)], key=str)


def test_without_facts_the_role_may_ask_nothing():
    stack = Stack(Facts="off")
    assert allowed(stack) == sorted([*TELLING, *REMEMBERING, *looking("prod")], key=str)
    assert stack.environment()["FACTS"] == "off"


def test_without_memory_the_role_may_remember_nothing():
    stack = Stack(Memory="off", Facts="off")
    assert allowed(stack) == sorted(TELLING, key=str)
    assert stack.environment()["TABLE_NAME"] == ""
    types = {resource["Type"] for resource in stack.resources.values()}
    assert not types & {"AWS::DynamoDB::Table", "AWS::Events::Rule", "AWS::IAM::ManagedPolicy"}


def test_without_looking_for_logins_the_role_may_search_no_log():
    stack = Stack(WatchLogins="off", Facts="off")
    assert allowed(stack) == sorted([*TELLING, *REMEMBERING], key=str)
    assert stack.environment()["WATCH_LOGINS"] == "off"


def test_with_slack_the_role_may_read_the_one_secret():
    bare = {"Memory": "off", "Facts": "off"}
    assert allowed(Stack(**bare, **SLACK)) == sorted(
        [*TELLING, ("secretsmanager:GetSecretValue", SECRET)], key=str
    )
    with_key = Stack(**bare, **SLACK, SlackSecretKeyArn=OWN_KEY)
    assert [one for one in allowed(with_key) if one not in allowed(Stack(**bare, **SLACK))] == [("kms:Decrypt", OWN_KEY)]
    (statement,) = [s for s in with_key.statements() if s["Action"] == "kms:Decrypt"]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}


def permissions_that_facts_take() -> set[str]:
    """The actions of `Permission::ALL`, crates/eks-access/src/facts.rs."""
    source = (ROOT / "crates/eks-access/src/facts.rs").read_text()
    (body,) = re.findall(r"^impl Permission \{\n(.*?)^\}\n", source, re.S | re.M)
    (all_of_them,) = re.findall(r"const ALL: &'static \[Self\] = &\[(.*?)\];", body, re.S)
    actions = dict(re.findall(r'Self::(\w+) => "(\w+:\w+)"', body))
    return {actions[name] for name in re.findall(r"Self::(\w+)", all_of_them)}


def test_the_role_may_ask_what_the_responder_asks_and_nothing_else():
    granted = {action for action, _ in allowed(Stack())}
    withheld = {action for action, _ in allowed(Stack(Facts="off"))}
    assert granted - withheld == permissions_that_facts_take()


# Calls that the SDK has in the Rust sources, by file, and the service's prefix in IAM.
CALLS = {
    "crates/eks-access-aws/src/store": "dynamodb",
    "crates/eks-access-aws/src/logins.rs": "logs",
    "crates/eks-access-aws/src/secret.rs": "secretsmanager",
}
# Files of the store that only the command line uses, with its user's own permissions.
NOT_THE_FUNCTIONS = {"list.rs"}


def called(path: str, service: str) -> set[str]:
    """The operations that the sources call: `client` and then `.get_item()`, with or without a line's end between."""
    place = ROOT / path
    files = [place] if place.suffix else [place.with_suffix(".rs"), *place.glob("*.rs")]
    text = "\n".join(file.read_text() for file in files if file.name not in NOT_THE_FUNCTIONS)
    names = re.findall(r"\bclient\s*\.(\w+)\(\)", text)
    return {f"{service}:" + "".join(word.capitalize() for word in name.split("_")) for name in names}


@pytest.mark.parametrize(("path", "service"), CALLS.items())
def test_the_role_may_call_what_the_responder_calls_and_nothing_else(path, service):
    granted = {action for action, _ in allowed(Stack(**SLACK)) if action.startswith(f"{service}:")}
    if service == "logs":
        granted -= {action for action, _ in TELLING}
    assert granted == called(path, service) != set()


def test_clusters_are_read_in_this_region_only():
    for statement in Stack().statements():
        if statement["Effect"] == "Allow" and re.search("eks:|logs:Filter", str(statement["Action"])):
            assert statement["Condition"] == {"StringEquals": {"aws:RequestedRegion": REGION}}


@pytest.mark.parametrize(("name", "variable"), [("Facts", "FACTS"), ("WatchLogins", "WATCH_LOGINS")])
def test_what_is_asked_can_be_switched_on_and_off(name, variable):
    parameter = TEMPLATE["Parameters"][name]
    words = re.findall(r"`([a-z]+)`", VARIABLES[variable].meaning)
    assert parameter["AllowedValues"] == words == ["on", "off"]  # quoted: YAML takes on and off for true and false


@pytest.mark.parametrize("name", ["Memory", "Dashboard"])
def test_what_is_made_can_be_switched_on_and_off(name):
    assert TEMPLATE["Parameters"][name]["AllowedValues"] == ["on", "off"]
    assert len(Stack(**{name: "off"}).resources) < len(Stack().resources)


def test_forty_clusters_fit_into_the_policies_of_the_role():
    """The policies of a role have 10,240 characters together, white space left out."""
    names = [f"{number:02}-" + "cluster-with-a-rather-long-name"[:32] for number in range(40)]
    stack = Stack(
        Clusters=",".join(names), ExistingTopicArn=OWN_TOPIC, ExistingTopicKeyArn=OWN_KEY, **SLACK,
        SlackSecretKeyArn=OWN_KEY,
    )  # fmt: skip
    reference = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-FailedDeliveries-ABCDEFGHIJKL"


    def size(policy: dict) -> int:
        return len(re.sub(r"\s|\{'(Ref|Fn::GetAtt)': [^}]*\}", lambda m: reference if m[1] else "", str(policy)))

    assert sum(map(size, stack.only("AWS::IAM::Role")["Policies"])) < 10_240
    # A managed policy has 6,144 of its own.
    assert size(stack.only("AWS::IAM::ManagedPolicy")["PolicyDocument"]) < 6_144


def test_with_a_topic_and_key_of_ones_own_it_may_use_those_instead():
    stack = Stack(ExistingTopicArn=OWN_TOPIC, ExistingTopicKeyArn=OWN_KEY)
    assert allowed(stack) == sorted(
        [
            ("sns:Publish", OWN_TOPIC),
            ("kms:GenerateDataKey", OWN_KEY),
            ("kms:Decrypt", OWN_KEY),
            *TELLING[1:],
            *REMEMBERING,
            *looking("prod"),
            *asking("prod"),
        ],
        key=str,
    )
    (with_key,) = [s for s in stack.statements() if "kms:Decrypt" in listed(s["Action"])]
    assert with_key["Condition"] == {"StringLike": {"kms:ViaService": "sns.*.amazonaws.com"}}


def refused(**given: str) -> set[str]:
    """The rules that CloudFormation would refuse these parameters by."""
    values = {name: parameter.get("Default", "") for name, parameter in TEMPLATE["Parameters"].items()} | given

    def holds(condition: dict) -> bool:
        ((function, arguments),) = condition.items()
        match function:
            case "Fn::Equals":
                left, right = (values[one["Ref"]] if isinstance(one, dict) else one for one in arguments)
                return left == right
            case "Fn::Not":
                return not holds(arguments[0])
            case "Fn::And":
                return all(map(holds, arguments))
            case "Fn::Or":
                return any(map(holds, arguments))
        raise AssertionError(f"this condition is new to the tests: {condition}")

    return {
        name
        for name, rule in TEMPLATE["Rules"].items()
        if holds(rule["RuleCondition"]) and not all(holds(one["Assert"]) for one in rule["Assertions"])
    }


ROUTES = '[{"severity": "high", "channel": "C0123456789"}]'


@pytest.mark.parametrize(
    ("parameters", "rules"),
    [
        ({}, set()),
        ({"ExistingTopicKeyArn": OWN_KEY}, {"AKeyBelongsToATopic"}),
        ({"ExistingTopicKeyArn": OWN_KEY, "ExistingTopicArn": OWN_TOPIC}, set()),
        ({"SlackSecretKeyArn": OWN_KEY}, {"AKeyBelongsToASecret"}),
        (SLACK | {"SlackSecretKeyArn": OWN_KEY}, set()),
        ({"SlackSecretArn": SECRET}, {"SlackNeedsAChannel"}),
        ({"SlackSecretArn": SECRET, "SlackRoutes": ROUTES}, set()),
        ({"SlackChannel": "C0123456789"}, {"AChannelNeedsSlack"}),
        ({"SlackRoutes": ROUTES}, {"AChannelNeedsSlack"}),
        ({"SlackSecretArn": SECRET, "SlackChannel": "webhook"}, set()),
        ({"SlackSecretArn": SECRET, "SlackChannel": "webhook", "SlackRoutes": ROUTES}, {"AWebhookHasOneChannel"}),
        ({"Approvals": "on"}, set()),
        ({"Approvals": "on", "Memory": "off"}, {"ApprovalsNeedFactsAndMemory"}),
        ({"Approvals": "on", "Facts": "off"}, {"ApprovalsNeedFactsAndMemory"}),
        (SLACK | {"Approvals": "on"}, {"ApprovalsInSlackNeedTeamsAndAnApp"}),
        (SLACK | {"Approvals": "on", "SlackTeams": "T0123456789"}, {"ApprovalsInSlackNeedTeamsAndAnApp"}),
        (SLACK | {"Approvals": "on", "SlackApp": "A0123456789"}, {"ApprovalsInSlackNeedTeamsAndAnApp"}),
        (SLACK | {"Approvals": "on", "SlackTeams": "T0123456789", "SlackApp": "A0123456789"}, set()),
        ({"Approvals": "on", "SlackTeams": "T0123456789"}, {"TeamsAndAnAppNeedApprovalsInSlack"}),
        (SLACK | {"SlackApp": "A0123456789"}, {"TeamsAndAnAppNeedApprovalsInSlack"}),
    ],
)
def test_what_does_not_go_together_is_refused(parameters, rules):
    assert refused(**parameters) == rules


@pytest.mark.parametrize(
    "action",
    [
        "AssociateAccessPolicy", "CreateAccessEntry", "CreateCluster", "DeleteAccessEntry", "DeleteCluster",
        "DeregisterCluster", "DisassociateAccessPolicy", "RegisterCluster", "TagResource", "UntagResource",
        "UpdateAccessEntry", "UpdateClusterConfig",
    ],
)  # fmt: skip
def test_the_role_can_never_change_a_cluster(action):
    (denied,) = [s for s in Stack().statements() if s["Effect"] == "Deny"]
    assert denied["Resource"] == "*" and "Condition" not in denied
    assert any(re.fullmatch(pattern.replace("*", ".*"), f"eks:{action}") for pattern in denied["Action"])


def test_a_wildcard_never_allows_more_than_reading():
    reads = permissions_that_facts_take() | {"logs:FilterLogEvents"}
    for statement in Stack().statements():
        if statement["Effect"] == "Allow":
            assert "*" not in str(statement["Action"])
            assert "*" not in str(statement["Resource"]) or reads.issuperset(listed(statement["Action"]))


def test_only_lambda_may_take_the_role():
    (statement,) = Stack().only("AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_the_role_has_no_policies_from_elsewhere():
    stack = Stack()
    assert set(stack.only("AWS::IAM::Role")) == {"Description", "AssumeRolePolicyDocument", "Policies"}
    assert stack.only("AWS::IAM::ManagedPolicy")["Roles"] == [{"Ref": "ResponderRole"}]


def test_nothing_in_the_stack_can_be_called_from_outside():
    types = {resource["Type"] for resource in Stack(**SLACK).resources.values()}
    assert types == {
        "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::DynamoDB::Table", "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function",
        "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::Logs::SubscriptionFilter", "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
    }  # fmt: skip


# ---- what is remembered ----


def test_the_table_is_kept_and_protected_and_forgets_by_itself():
    stack = Stack()
    table = stack.only("AWS::DynamoDB::Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    # Else `sam delete` would fail on the protection, half way.
    resource = stack.resources["Incidents"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert "TableName" not in table  # a name of one's own would keep a retained table from being made again
    assert stack.environment()["TABLE_NAME"] == {"Ref": "Incidents"}


def table_of_the_tests() -> dict:
    """What `table`, tests/fakes/src/ministack.rs, sends to CreateTable, read as the JSON that it nearly is."""
    source = (ROOT / "tests/fakes/src/ministack.rs").read_text()
    (body,) = re.findall(r'"DynamoDB_20120810\.CreateTable",\s*&json!\((\{.*?\})\),\s*\);', source, re.S)
    body = re.sub(r'\bkey\(("\w+"), ("\w+")\)', r'{"AttributeName": \1, "KeyType": \2}', body)
    body = re.sub(r'\battribute\(("\w+"), ("\w+")\)', r'{"AttributeName": \1, "AttributeType": \2}', body)
    body = body.replace('"TableName": name,', "")
    return json.loads(re.sub(r",(\s*[\]}])", r"\1", body))


def test_there_is_one_table_schema():
    table = Stack().only("AWS::DynamoDB::Table")
    schema = {
        name: table[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    }
    assert schema == table_of_the_tests() == local.TABLE
    store = (ROOT / "crates/eks-access-aws/src/store.rs").read_text()
    (index,) = schema["GlobalSecondaryIndexes"]
    assert f'const OWED: &str = "{index["IndexName"]}";' in store
    assert f'.set("{table["TimeToLiveSpecification"]["AttributeName"]}", expiry(now))' in store


def test_every_minute_there_is_a_tick_and_none_comes_late():
    rule = Stack().only("AWS::Events::Rule")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = rule["Targets"]
    # No `Input`: the responder knows a tick by the event that EventBridge makes.
    assert target == {
        "Id": "responder",
        "Arn": {"Fn::GetAtt": ["Responder", "Arn"]},
        "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
    }


# ---- the function ----


def test_the_function_runs_the_package_that_make_build_makes():
    responder = TEMPLATE["Resources"]["Responder"]["Properties"]
    assert (ROOT / "infra/sam" / responder["CodeUri"]).resolve() == ROOT / "target/lambda/responder.zip"
    assert (responder["Runtime"], responder["Handler"]) == ("provided.al2023", "bootstrap")


def test_failed_deliveries_are_tried_again_and_then_kept():
    stack = Stack()
    assert stack.only("AWS::Lambda::EventInvokeConfig") == {
        "FunctionName": {"Ref": "Responder"},
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 2,
        "MaximumEventAgeInSeconds": 3600,
        "DestinationConfig": {"OnFailure": {"Destination": DEAD_LETTERS}},
    }
    queue = stack.only("AWS::SQS::Queue")
    assert queue == {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True}


def test_concurrency_is_reserved_only_when_asked_for():
    assert "ReservedConcurrentExecutions" not in Stack().only("AWS::Lambda::Function")
    asked = Stack(ReservedConcurrency="3").only("AWS::Lambda::Function")
    assert str(asked["ReservedConcurrentExecutions"]) == "3"


VARIABLES = variables_of("RESPONDER")


def test_the_function_is_given_the_variables_it_reads_and_no_others():
    configured = {name for name, variable in VARIABLES.items() if variable.need != "ByLambda"}
    assert set(Stack().environment()) == configured


@pytest.mark.parametrize("name", [name for name, variable in VARIABLES.items() if variable.default is not None])
def test_the_stack_and_the_function_agree_about_defaults(name):
    assert str(Stack().environment()[name]) == VARIABLES[name].default


@pytest.mark.parametrize("name", [name for name, variable in VARIABLES.items() if variable.need == "Optional"])
def test_what_is_optional_is_empty_unless_it_is_asked_for(name):
    assert Stack(Memory="off").environment()[name] == ""


def test_slack_is_told_as_it_is_asked_for():
    stack = Stack(**SLACK, SlackRoutes=ROUTES, SlackPeople="example.com,example.org")
    given = {name: value for name, value in stack.environment().items() if name.startswith("SLACK_")}
    assert given == {
        "SLACK_SECRET": SECRET,
        "SLACK_CHANNEL": "C0123456789",
        "SLACK_ROUTES": ROUTES,
        "SLACK_PEOPLE": "example.com,example.org",
        "SLACK_API_URL": "https://slack.com/api/",
    }


@pytest.mark.parametrize(
    ("parameter", "right", "wrong"),
    [
        ("SlackSecretArn", [SECRET], ["xoxb-1-2", "slack", SECRET.rsplit("-", 1)[0], f"{SECRET}*"]),
        ("SlackChannel", ["C0123456789", "G012345678", "webhook"], ["#general", "U0123456789", "C01", "none"]),
        ("SlackRoutes", [ROUTES, "[]"], ["{}", "none"]),
        ("SlackPeople", ["example.com", "mail.example.co.uk"], ["example", "@example.com", "a b.com"]),
    ],
)
def test_what_slack_needs_is_refused_when_it_cannot_be_right(parameter, right, wrong):
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    assert all(re.fullmatch(pattern, text) for text in [*right, ""])
    assert not any(re.fullmatch(pattern, text) for text in wrong)


def test_slack_is_where_the_function_takes_it_to_be():
    source = (ROOT / "crates/eks-access-aws/src/slack/url.rs").read_text()
    (hosts,) = re.findall(r"const HOSTS: .*? = \[(.*?)\];", source, re.S)
    assert TEMPLATE["Parameters"]["SlackApiUrl"]["AllowedValues"] == re.findall(r'\("([^"]+)"', hosts)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("MAX_NOTICES", "MaxNotices"),
        ("MAX_DECODED_BYTES", "MaxDecodedBytes"),
        ("MAX_NEW_PER_HOUR", "MaxNewPerHour"),
    ],
)
def test_the_stack_takes_the_numbers_that_the_function_takes(name, parameter):
    least, most = re.search(r"from (\d+) to (\d+)", VARIABLES[name].meaning).groups()
    given = TEMPLATE["Parameters"][parameter]
    assert (given["MinValue"], given["MaxValue"]) == (int(least), int(most))


def test_own_accounts_are_passed_on_as_they_are():
    assert Stack().environment()["OWN_ACCOUNTS"] == ""
    assert Stack(OwnAccounts="222233334444,444455556666").environment()["OWN_ACCOUNTS"] == "222233334444,444455556666"


def test_the_responder_does_not_read_its_own_log():
    group = Stack().only("AWS::Logs::LogGroup")
    assert group["LogGroupName"] == f"/eks-access-responder/{STACK}"
    assert group["RetentionInDays"] == 30
    assert Stack().only("AWS::Lambda::Function")["LoggingConfig"]["LogGroup"] == {"Ref": "ResponderLog"}


# ---- who is told ----


def test_a_topic_is_made_unless_there_is_one():
    made = Stack()
    assert made.only("AWS::SNS::Topic")["KmsMasterKeyId"] == "alias/aws/sns"
    assert made.environment()["TOPIC_ARN"] == NOTICES
    given = Stack(ExistingTopicArn=OWN_TOPIC)
    assert not given.of_type("AWS::SNS::Topic") and not given.of_type("AWS::SNS::TopicPolicy")
    assert given.environment()["TOPIC_ARN"] == OWN_TOPIC


def test_a_fifo_topic_is_refused():
    pattern = TEMPLATE["Parameters"]["ExistingTopicArn"]["AllowedPattern"]
    assert re.fullmatch(pattern, OWN_TOPIC) and re.fullmatch(pattern, "")
    assert not re.fullmatch(pattern, f"{OWN_TOPIC}.fifo")


# Records of the audit are for machines.
BUT_THE_AUDIT = {"kind": [{"anything-but": ["audit"]}]}


def test_an_address_is_subscribed_to_whichever_topic_it_is():
    assert not Stack().of_type("AWS::SNS::Subscription")
    for topic, parameters in [(NOTICES, {}), (OWN_TOPIC, {"ExistingTopicArn": OWN_TOPIC})]:
        subscription = Stack(NotificationEmail="a@example.com", **parameters).only("AWS::SNS::Subscription")
        assert subscription == {
            "TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com", "FilterPolicy": BUT_THE_AUDIT,
        }  # fmt: skip


def test_mail_has_every_kind_but_the_audit():
    source = (ROOT / "crates/eks-access/src/access.rs").read_text()
    (slugs,) = re.findall(r"^impl News \{.*?fn slug\(.*?^    \}", source, re.S | re.M)
    of_news = set(re.findall(r'=> "(\w+)"', slugs))
    assert of_news > {"requested", "end_requested", "revoke_failed", "break_glass"}
    schemas = [json.loads((ROOT / f"docs/schemas/{name}.v1.json").read_text()) for name in ("notice", "access")]
    of_incidents, of_access = [set(schema["properties"]["kind"]["enum"]) for schema in schemas]
    assert of_access == of_news | {"audit"}
    (condition,) = Stack(NotificationEmail="a@example.com").only("AWS::SNS::Subscription")["FilterPolicy"]["kind"]
    mailed = {kind for kind in of_incidents | of_access if kind not in condition["anything-but"]}
    assert mailed == of_incidents | of_news


def test_every_message_says_its_kind():
    """Or else no filter policy would let it through, `anything-but` not either."""
    sources = [path.read_text() for path in (ROOT / "crates").glob("*/src/**/*.rs")]
    made = [(len(re.findall(r"^ +SnsMessage \{", text, re.M)), text.count('("kind", ')) for text in sources]
    assert sum(messages for messages, _ in made) >= 4
    assert all(messages == kinds for messages, kinds in made)


@pytest.mark.parametrize("kind", ["AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"])
def test_resource_policies_only_take_away(kind):
    (statement,) = Stack().only(kind)["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# ---- alarms ----

METRICS_OF_AWS = {
    "AWS/DynamoDB": {"ThrottledRequests"},
    "AWS/Lambda": {"Errors", "Throttles"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
    "AWS/Logs": {"DeliveryErrors", "ForwardedLogEvents", "IncomingLogEvents"},
}
ALARMS = Stack(Clusters=",".join(CLUSTERS), **SLACK).of_type("AWS::CloudWatch::Alarm")


def alarm_metric(alarm: dict) -> tuple[str, str]:
    if "Metrics" not in alarm:
        return alarm["Namespace"], alarm["MetricName"]
    query, *of_which = alarm["Metrics"]
    for one in of_which:
        metric = one["MetricStat"]["Metric"]
        assert metric["MetricName"] in METRICS_OF_AWS[metric["Namespace"]]
        assert re.search(rf"\b{one['Id']}\b", query["Expression"]) and not one["ReturnData"]
    if of_which:
        return metric["Namespace"], metric["MetricName"]
    metric, namespace = re.match(r'SELECT SUM\((\w+)\) FROM "([\w/]+)" WHERE ', query["Expression"]).groups()
    return namespace, metric


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_watches_a_metric_that_exists(name):
    namespace, metric = alarm_metric(ALARMS[name])
    if namespace in METRICS_OF_AWS:
        assert metric in METRICS_OF_AWS[namespace]
    else:
        assert namespace == Stack().environment()["METRICS_NAMESPACE"]
        written = f'"{metric}"' in rust_sources()
        assert written, f"the responder writes no metric {metric}"


def test_alarms_watch_this_stack_and_no_other():
    dimensions = {
        "AWS/DynamoDB": [{"Name": "TableName", "Value": {"Ref": "Incidents"}}, {"Name": "Operation", "Value": "UpdateItem"}],
        "AWS/SQS": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["FailedDeliveries", "QueueName"]}}],
    }
    silent, forwarded = [], []
    for alarm in ALARMS.values():
        if len(alarm.get("Metrics", [])) > 1:
            forwarded.append([one["MetricStat"]["Metric"]["Dimensions"] for one in alarm["Metrics"][1:]])
        elif "Metrics" in alarm:
            assert alarm["Metrics"][0]["Expression"].endswith(f"WHERE FilterName = '{STACK}'")
        elif alarm["Namespace"] == "AWS/Logs":
            silent.append(alarm["Dimensions"])
        else:
            of_function = [{"Name": "FunctionName", "Value": {"Ref": "Responder"}}]
            assert alarm["Dimensions"] == dimensions.get(alarm["Namespace"], of_function)
    groups = [{"Name": "LogGroupName", "Value": f"/aws/eks/{cluster}/cluster"} for cluster in CLUSTERS]
    of_filter = [{"Name": "DestinationType", "Value": "Lambda"}, {"Name": "FilterName", "Value": STACK}]
    assert silent == [[group] for group in groups]
    assert forwarded == [[[group], [group, *of_filter]] for group in groups]


def test_alarms_speak_to_the_topic_given_and_else_to_nobody():
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
    for alarm in ALARMS.values():
        assert "AlarmActions" not in alarm
    for alarm in Stack(AlarmTopicArn=topic, **SLACK).of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [topic]


# What is written all the time: a tick's metrics every minute, a living cluster's log every few seconds.
HEARTBEATS = ("TicksStopped", "ClusterLogIsSilent")


@pytest.mark.parametrize("name", ALARMS)
def test_silence_is_no_alarm_but_for_what_is_never_silent(name):
    is_heartbeat = name.startswith(HEARTBEATS)
    assert ALARMS[name]["TreatMissingData"] == ("breaching" if is_heartbeat else "notBreaching")
    expected = "LessThanThreshold" if is_heartbeat else "GreaterThanOrEqualToThreshold"
    assert (ALARMS[name]["ComparisonOperator"], ALARMS[name]["Threshold"] >= 1) == (expected, True)


def test_what_is_not_there_has_no_alarm():
    of_memory = {"NoticesAreOwed", "NoticesGivenUp", "StormIsOn", "TableFails", "TableIsThrottled", "TicksStopped"}
    both = set(Stack(**SLACK).of_type("AWS::CloudWatch::Alarm"))
    assert both - set(Stack(Memory="off", **SLACK).of_type("AWS::CloudWatch::Alarm")) == of_memory
    assert both - set(Stack().of_type("AWS::CloudWatch::Alarm")) == {"SlackNeedsMending"}
    # Denials alone may be rare.
    rare = set(Stack(Deliver="denials-only", **SLACK).of_type("AWS::CloudWatch::Alarm"))
    assert {name[: len("NothingIsForwarded")] for name in both - rare} == {"NothingIsForwarded"}


def test_what_is_owed_is_seen_between_two_attempts():
    """A tick measures only what it tries to send, and the pauses grow."""
    source = (ROOT / "crates/eks-access/src/memory.rs").read_text()
    (longest,) = re.findall(r"\(MINUTE << doublings\)\.min\((\d+) \* MINUTE\)", source)
    alarm = ALARMS["NoticesAreOwed"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] > (int(longest) + 1) * 60
    assert (alarm["DatapointsToAlarm"], alarm["Statistic"]) == (1, "Maximum")


# ---- the dashboard ----


def dashboard(**parameters) -> list[dict]:
    body = Stack(**parameters).only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    return json.loads(body)["widgets"]


def metrics_shown(widgets: list[dict]) -> set[tuple[str, str]]:
    return {
        tuple(metric[:2])
        for widget in widgets
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], str)
    }


def test_the_dashboard_shows_what_the_alarms_watch():
    watched = {alarm_metric(alarm) for alarm in ALARMS.values()} - {
        # of the clusters' logs
        ("AWS/Logs", "DeliveryErrors"), ("AWS/Logs", "ForwardedLogEvents"), ("AWS/Logs", "IncomingLogEvents"),
        ("EksAccessResponder", "PayloadsRejected"),
    }  # fmt: skip
    assert watched <= metrics_shown(dashboard())


def test_the_dashboard_shows_metrics_that_exist():
    sources = rust_sources()
    for namespace, metric in metrics_shown(dashboard()):
        assert not namespace.startswith("Eks") or f'"{metric}"' in sources, metric


def test_the_dashboard_fits_its_grid():
    places = [(one["x"], one["y"], one["width"], one["height"]) for one in dashboard()]
    cells = [(x + i, y + j) for x, y, width, height in places for i in range(width) for j in range(height)]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) == 23


def test_the_dashboard_needs_no_table():
    metrics = [metric for widget in dashboard(Memory="off") for metric in widget["properties"]["metrics"]]
    assert any("TableName" in metric and "-" in metric for metric in metrics)
