"""The stack without approvals, as `sam deploy` makes it; see deploying.py."""

import json

import pytest

from deploying import PACKAGES, UNKNOWN_TO_MINISTACK, deploy, server
from expanded import ACCOUNT, REGION, STACK, TEMPLATE, Stack

CLUSTERS = ["prod", "team-a_blue"]
EMAIL = "platform@example.com"
ROUTES = [{"severity": "high", "channel": "C0000000002", "mention": ["here"]}]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    with server() as made:
        for cluster in CLUSTERS:
            made.client("logs").create_log_group(logGroupName=f"/aws/eks/{cluster}/cluster")
        made.secret = made.client("secretsmanager").create_secret(
            Name="eks-access/slack", SecretString=json.dumps({"bot_token": "xoxb-fake-0000"})
        )["ARN"]
        made.outputs = deploy(
            made,
            tmp_path_factory.mktemp("deploy"),
            Clusters=",".join(CLUSTERS),
            NotificationEmail=EMAIL,
            SlackSecretArn=made.secret,
            SlackChannel="C0000000001",
            # As docs/runbook.md says: this is what a shell makes of it.
            SlackRoutes=json.dumps(json.dumps(ROUTES)),
        )
        yield made


def test_both_engines_make_the_same_resources(deployed):
    made = deployed.client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    expanded = Stack(Clusters=",".join(CLUSTERS), NotificationEmail=EMAIL, SlackSecretArn=deployed.secret).resources
    assert {(one["LogicalResourceId"], one["ResourceType"]) for one in made} == {
        (name, resource["Type"]) for name, resource in expanded.items() if not name.startswith(tuple(UNKNOWN_TO_MINISTACK))
    }


def test_every_output_has_a_value(deployed):
    of_approvals = {name for name, one in TEMPLATE["Outputs"].items() if one.get("Condition", "").startswith("HasApprovals")}
    assert set(deployed.outputs) == set(TEMPLATE["Outputs"]) - of_approvals
    assert deployed.outputs["TopicArn"].startswith(f"arn:aws:sns:{REGION}:{ACCOUNT}:")


def test_the_package_is_deployed_as_it_was_built(deployed):
    function = deployed.client("lambda").get_function_configuration(FunctionName=deployed.outputs["FunctionName"])
    assert function["CodeSize"] == PACKAGES["responder"].stat().st_size


def test_each_cluster_delivers_to_the_function_that_was_made(deployed):
    function = deployed.client("lambda").get_function(FunctionName=deployed.outputs["FunctionName"])
    for cluster in CLUSTERS:
        (subscription,) = deployed.client("logs").describe_subscription_filters(
            logGroupName=f"/aws/eks/{cluster}/cluster"
        )["subscriptionFilters"]
        assert subscription["destinationArn"] == function["Configuration"]["FunctionArn"]
        assert subscription["filterPattern"] == TEMPLATE["Mappings"]["Deliver"]["full"]["Pattern"]


def test_the_function_lets_each_clusters_log_in(deployed):
    policy = json.loads(
        deployed.client("lambda").get_policy(FunctionName=deployed.outputs["FunctionName"])["Policy"]
    )
    sources = {json.dumps(statement["Condition"]) for statement in policy["Statement"]}
    (tick,) = [source for source in sources if f"arn:aws:events:{REGION}:{ACCOUNT}:rule/" in source]
    assert len(sources - {tick}) == len(CLUSTERS)
    for cluster in CLUSTERS:
        assert any(f":log-group:/aws/eks/{cluster}/cluster:*" in source for source in sources)


def test_the_function_publishes_to_the_topic_that_was_made(deployed):
    function = deployed.client("lambda").get_function_configuration(FunctionName=deployed.outputs["FunctionName"])
    assert function["Environment"]["Variables"]["TOPIC_ARN"] == deployed.outputs["TopicArn"]


def test_failed_deliveries_go_to_the_queue_that_was_made(deployed):
    queue = deployed.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["FailedDeliveriesUrl"], AttributeNames=["QueueArn"]
    )
    settings = deployed.client("lambda").get_function_event_invoke_config(
        FunctionName=deployed.outputs["FunctionName"], Qualifier="$LATEST"
    )
    assert settings["DestinationConfig"]["OnFailure"]["Destination"] == queue["Attributes"]["QueueArn"]
    assert settings["MaximumRetryAttempts"] == 2


def test_the_address_is_subscribed(deployed):
    (subscription,) = deployed.client("sns").list_subscriptions_by_topic(TopicArn=deployed.outputs["TopicArn"])[
        "Subscriptions"
    ]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", EMAIL)


def test_the_function_may_read_each_cluster(deployed):
    """The list of ARNs is made of strings; here by another engine than the one of the other tests."""
    function = deployed.client("lambda").get_function_configuration(FunctionName=deployed.outputs["FunctionName"])
    policy = deployed.client("iam").get_role_policy(
        RoleName=function["Role"].rsplit("/", 1)[1], PolicyName="ask-why"
    )["PolicyDocument"]
    clusters, entries, *_ = policy["Statement"]
    assert clusters["Resource"] == [f"arn:*:eks:*:*:cluster/{cluster}" for cluster in CLUSTERS]
    assert entries["Resource"] == [f"arn:*:eks:*:*:access-entry/{cluster}/*" for cluster in CLUSTERS]
    assert clusters["Condition"] == entries["Condition"] == {"StringEquals": {"aws:RequestedRegion": REGION}}


def test_the_function_is_given_the_table_and_slack(deployed):
    function = deployed.client("lambda").get_function_configuration(FunctionName=deployed.outputs["FunctionName"])
    given = function["Environment"]["Variables"]
    assert given["TABLE_NAME"] == deployed.outputs["TableName"]
    assert (given["SLACK_SECRET"], given["SLACK_CHANNEL"]) == (deployed.secret, "C0000000001")
    assert json.loads(given["SLACK_ROUTES"]) == ROUTES


def test_the_function_may_write_to_the_table_and_read_its_index(deployed):
    table = deployed.client("dynamodb").describe_table(TableName=deployed.outputs["TableName"])["Table"]
    function = deployed.client("lambda").get_function_configuration(FunctionName=deployed.outputs["FunctionName"])
    policy = deployed.client("iam").get_role_policy(
        RoleName=function["Role"].rsplit("/", 1)[1], PolicyName="tell-people"
    )["PolicyDocument"]
    resources = {one["Sid"]: one["Resource"] for one in policy["Statement"] if "Sid" in one}
    assert resources["RememberIncidents"] == table["TableArn"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert resources["FindWhatIsOwed"] == f"{table['TableArn']}/index/{index['IndexName']}"
    assert resources["ReadWhatLetsItIntoSlack"] == deployed.secret
    assert table["DeletionProtectionEnabled"]


def test_the_function_may_search_each_clusters_log(deployed):
    iam = deployed.client("iam")
    function = deployed.client("lambda").get_function_configuration(FunctionName=deployed.outputs["FunctionName"])
    (attached,) = iam.list_attached_role_policies(RoleName=function["Role"].rsplit("/", 1)[1])["AttachedPolicies"]
    version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
    (statement,) = document["Statement"]
    assert statement["Resource"] == [f"arn:*:logs:*:*:log-group:/aws/eks/{cluster}/cluster:*" for cluster in CLUSTERS]


def test_a_tick_comes_to_the_function_that_was_made(deployed):
    events = deployed.client("events")
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    function = deployed.client("lambda").get_function(FunctionName=deployed.outputs["FunctionName"])
    assert target["Arn"] == function["Configuration"]["FunctionArn"]
    assert "Input" not in target and rule["ScheduleExpression"] == "rate(1 minute)"


def test_the_dashboard_names_what_was_made(deployed):
    cloudwatch = deployed.client("cloudwatch")
    (dashboard,) = cloudwatch.list_dashboards()["DashboardEntries"]
    body = cloudwatch.get_dashboard(DashboardName=dashboard["DashboardName"])["DashboardBody"]
    assert json.loads(body)["widgets"]
    for output in ("FunctionName", "TableName"):
        assert f'"{deployed.outputs[output]}"' in body
    assert deployed.outputs["FailedDeliveriesUrl"].rsplit("/", 1)[1] in body
    assert "${" not in body


def test_when_the_stack_goes_the_table_stays(deployed):
    """The last test: it takes down what the others look at."""
    cloudformation = deployed.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    dynamodb = deployed.client("dynamodb")
    assert dynamodb.list_tables()["TableNames"] == [deployed.outputs["TableName"]]
    # As README.md says.
    dynamodb.update_table(TableName=deployed.outputs["TableName"], DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=deployed.outputs["TableName"])
