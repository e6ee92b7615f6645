"""What the stack makes, and what it lets the responder do: exactly this, neither more nor less."""

import re
from dataclasses import dataclass

import pytest

from expanded import ACCOUNT, REGION, ROOT, STACK, TEMPLATE, Stack, listed

CLUSTERS = ["prod", "team-a_blue", "0"]
OWN_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
OWN_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d"

NOTICES, DEAD_LETTERS, OWN_LOG = (
    {"Ref": "Notices"},
    {"Fn::GetAtt": ["FailedDeliveries", "Arn"]},
    {"Fn::GetAtt": ["ResponderLog", "Arn"]},
)


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
    assert len(permissions) == 40
    statement = (
        '{{"Sid":"{stack}-Allow-ABCDEFGHIJKL","Effect":"Allow","Principal":{{"Service":"logs.amazonaws.com"}},'
        '"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:{region}:{account}:function:{stack}-Responder-ABCDEFGHIJKL",'
        '"Condition":{{"StringEquals":{{"AWS:SourceAccount":"{account}"}},"ArnLike":{{"AWS:SourceArn":"{arn}"}}}}}},'
    )
    size = sum(
        len(statement.format(stack=STACK, region=REGION, account=ACCOUNT, arn=permission["SourceArn"]))
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
    assert allowed(stack) == sorted([*TELLING, *asking(*clusters)], key=str)


def test_without_facts_the_role_may_only_tell_people():
    stack = Stack(Facts="off")
    assert allowed(stack) == sorted(TELLING, key=str)
    assert stack.environment()["FACTS"] == "off"


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


def test_clusters_are_read_in_this_region_only():
    for statement in Stack().statements():
        if statement["Effect"] == "Allow" and "eks:" in str(statement["Action"]):
            assert statement["Condition"] == {"StringEquals": {"aws:RequestedRegion": REGION}}


def test_facts_can_be_switched_on_and_off():
    parameter = TEMPLATE["Parameters"]["Facts"]
    words = re.findall(r"`(\w+)`", VARIABLES["FACTS"].meaning)
    assert parameter["AllowedValues"] == words == ["on", "off"]  # quoted: YAML takes on and off for true and false


def test_forty_clusters_fit_into_the_policies_of_the_role():
    """The policies of a role have 10,240 characters together, white space left out."""
    names = [f"{number:02}-" + "cluster-with-a-rather-long-name"[:32] for number in range(40)]
    stack = Stack(Clusters=",".join(names), ExistingTopicArn=OWN_TOPIC, ExistingTopicKeyArn=OWN_KEY)
    reference = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-FailedDeliveries-ABCDEFGHIJKL"
    size = sum(
        len(re.sub(r"\s|\{'(Ref|Fn::GetAtt)': [^}]*\}", lambda m: reference if m[1] else "", str(policy)))
        for policy in stack.only("AWS::IAM::Role")["Policies"]
    )
    assert size < 10_240


def test_with_a_topic_and_key_of_ones_own_it_may_use_those_instead():
    stack = Stack(ExistingTopicArn=OWN_TOPIC, ExistingTopicKeyArn=OWN_KEY)
    assert allowed(stack) == sorted(
        [
            ("sns:Publish", OWN_TOPIC),
            ("kms:GenerateDataKey", OWN_KEY),
            ("kms:Decrypt", OWN_KEY),
            *TELLING[1:],
            *asking("prod"),
        ],
        key=str,
    )
    (with_key,) = [s for s in stack.statements() if "kms:Decrypt" in listed(s["Action"])]
    assert with_key["Condition"] == {"StringLike": {"kms:ViaService": "sns.*.amazonaws.com"}}


def test_the_key_alone_is_refused():
    (assertion,) = TEMPLATE["Rules"]["AKeyBelongsToATopic"]["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ExistingTopicArn"}, ""]}]}


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
    reads = permissions_that_facts_take()
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
    role = Stack().only("AWS::IAM::Role")
    assert set(role) == {"Description", "AssumeRolePolicyDocument", "Policies"}


def test_nothing_in_the_stack_can_be_called_from_outside():
    types = {resource["Type"] for resource in Stack().resources.values()}
    assert types == {
        "AWS::CloudWatch::Alarm", "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function",
        "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::Logs::SubscriptionFilter", "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
    }  # fmt: skip


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


@dataclass(frozen=True)
class Variable:
    """A row of the responder's table of variables, crates/eks-access-aws/src/vars.rs."""

    name: str
    need: str
    default: str | None
    meaning: str


def variables_of_the_responder() -> dict[str, Variable]:
    source = (ROOT / "crates/eks-access-aws/src/vars.rs").read_text()
    declared = {
        constant: Variable(name, need, default or None, re.sub(r"\\\n\s*", "", meaning))
        for constant, name, need, default, meaning in re.findall(
            r'const (\w+): Variable = Variable \{\s*name: "(\w+)",\s*need: Need::(\w+)(?:\("([^"]*)"\))?,'
            r'\s*meaning: "((?:[^"\\]|\\.)*)",\s*\}',
            source,
            re.S,
        )
    }
    (listed_constants,) = re.findall(r"const RESPONDER: &\[Variable\] =\s*&\[(.*?)\];", source, re.S)
    constants = [constant.strip() for constant in listed_constants.split(",") if constant.strip()]
    return {declared[constant].name: declared[constant] for constant in constants}


VARIABLES = variables_of_the_responder()


def test_the_function_is_given_the_variables_it_reads_and_no_others():
    configured = {name for name, variable in VARIABLES.items() if variable.need != "ByLambda"}
    assert set(Stack().environment()) == configured


@pytest.mark.parametrize("name", [name for name, variable in VARIABLES.items() if variable.default is not None])
def test_the_stack_and_the_function_agree_about_defaults(name):
    assert str(Stack().environment()[name]) == VARIABLES[name].default


@pytest.mark.parametrize(
    ("name", "parameter"), [("MAX_NOTICES", "MaxNotices"), ("MAX_DECODED_BYTES", "MaxDecodedBytes")]
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


def test_an_address_is_subscribed_to_whichever_topic_it_is():
    assert not Stack().of_type("AWS::SNS::Subscription")
    for topic, parameters in [(NOTICES, {}), (OWN_TOPIC, {"ExistingTopicArn": OWN_TOPIC})]:
        subscription = Stack(NotificationEmail="a@example.com", **parameters).only("AWS::SNS::Subscription")
        assert subscription == {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com"}


@pytest.mark.parametrize("kind", ["AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"])
def test_resource_policies_only_take_away(kind):
    (statement,) = Stack().only(kind)["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# ---- alarms ----

METRICS_OF_AWS = {
    "AWS/Lambda": {"Errors", "Throttles"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
    "AWS/Logs": {"DeliveryErrors"},
}


def alarm_metric(alarm: dict) -> tuple[str, str]:
    if "Metrics" not in alarm:
        return alarm["Namespace"], alarm["MetricName"]
    (query,) = alarm["Metrics"]
    metric, namespace = re.match(r'SELECT SUM\((\w+)\) FROM "([\w/]+)" WHERE ', query["Expression"]).groups()
    return namespace, metric


@pytest.mark.parametrize("name", Stack().of_type("AWS::CloudWatch::Alarm"))
def test_every_alarm_watches_a_metric_that_exists(name):
    namespace, metric = alarm_metric(Stack().of_type("AWS::CloudWatch::Alarm")[name])
    if namespace in METRICS_OF_AWS:
        assert metric in METRICS_OF_AWS[namespace]
    else:
        assert namespace == Stack().environment()["METRICS_NAMESPACE"]
        written = f'"{metric}"' in rust_sources()
        assert written, f"the responder writes no metric {metric}"


def test_alarms_watch_this_stack_and_no_other():
    dimensions = {
        "AWS/SQS": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["FailedDeliveries", "QueueName"]}}],
    }
    for alarm in Stack().of_type("AWS::CloudWatch::Alarm").values():
        if "Metrics" in alarm:
            assert alarm["Metrics"][0]["Expression"].endswith(f"WHERE FilterName = '{STACK}'")
        else:
            of_function = [{"Name": "FunctionName", "Value": {"Ref": "Responder"}}]
            assert alarm["Dimensions"] == dimensions.get(alarm["Namespace"], of_function)


def test_alarms_speak_to_the_topic_given_and_else_to_nobody():
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
    for alarm in Stack().of_type("AWS::CloudWatch::Alarm").values():
        assert "AlarmActions" not in alarm
    for alarm in Stack(AlarmTopicArn=topic).of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [topic]


def test_silence_is_no_alarm():
    for alarm in Stack().of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["TreatMissingData"] == "notBreaching"
