"""The stack with approvals, as `sam deploy` makes it; see deploying.py."""

import http.client
import json

import pytest

from deploying import PACKAGES, UNKNOWN_TO_MINISTACK, deploy, server
from expanded import ACCOUNT, APPROVALS, REGION, ROOT, STACK, TEMPLATE, Installation, yaml_parse

GUARDRAILS = yaml_parse((ROOT / "infra/sam/guardrails.yaml").read_text())
FUNCTIONS = ("Approver", "Granter", "Revoker")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    with server() as made:
        made.client("logs").create_log_group(logGroupName="/aws/eks/prod/cluster")
        made.secret = made.client("secretsmanager").create_secret(
            Name="eks-access/slack", SecretString=json.dumps({"bot_token": "xoxb-fake-0000", "signing": ["0" * 32]})
        )["ARN"]
        made.outputs = deploy(
            made,
            tmp_path_factory.mktemp("deploy"),
            Clusters="prod",
            Approvals="on",
            SlackSecretArn=made.secret,
            SlackChannel="C0000000001",
            SlackTeams="T0123456789,E0123456789",
            SlackApp="A0123456789",
            AccountLabels=f"{ACCOUNT}=prod",
        )
        stacks = made.client("cloudformation").describe_stacks()["Stacks"]
        made.stacks = dict(zip(("main", "approvals", "guardrails"), sorted(one["StackName"] for one in stacks), strict=True))
        yield made


def made_by(deployed, stack: str) -> dict[str, tuple[str, str]]:
    """The type and the physical id of what a stack made, by logical id."""
    listed = deployed.client("cloudformation").list_stack_resources(StackName=deployed.stacks[stack])
    return {
        one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"])
        for one in listed["StackResourceSummaries"]
    }


def configuration(deployed, function: str) -> dict:
    name = deployed.outputs["FunctionName" if function == "Responder" else f"{function}Name"]
    return deployed.client("lambda").get_function_configuration(FunctionName=name)


def variables(deployed, function: str) -> dict[str, str]:
    return configuration(deployed, function)["Environment"]["Variables"]


def attached(deployed, function: str) -> list[dict]:
    """The statements of the managed policies of a function's role."""
    iam = deployed.client("iam")
    role = configuration(deployed, function)["Role"].rsplit("/", 1)[1]
    found = []
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
        found.extend(document["Statement"])
    return found


def test_both_engines_make_the_same_resources(deployed):
    slack = {"SlackSecretArn": deployed.secret, "SlackTeams": "T0123456789", "SlackApp": "A0123456789"}
    expanded = Installation(Clusters="prod", SlackChannel="C0000000001", **slack)
    for stack, resources in [("main", expanded.main.resources), ("approvals", expanded.approvals.resources)]:
        assert {name: kind for name, (kind, _) in made_by(deployed, stack).items()} == {
            name: resource["Type"]
            for name, resource in resources.items()
            if not name.startswith(tuple(UNKNOWN_TO_MINISTACK))
        }
    assert set(made_by(deployed, "guardrails")) == set(GUARDRAILS["Resources"])


def test_every_output_has_a_value(deployed):
    assert set(deployed.outputs) == set(TEMPLATE["Outputs"])
    assert "" not in deployed.outputs.values()
    (stack,) = deployed.client("cloudformation").describe_stacks(StackName=deployed.stacks["approvals"])["Stacks"]
    assert {one["OutputKey"] for one in stack["Outputs"]} == set(APPROVALS["Outputs"])


@pytest.mark.parametrize("name", ["Responder", *FUNCTIONS])
def test_each_package_is_deployed_as_it_was_built(deployed, name):
    assert configuration(deployed, name)["CodeSize"] == PACKAGES[name.lower()].stat().st_size


def test_everybody_has_the_table_that_was_made(deployed):
    table = deployed.client("dynamodb").describe_table(TableName=deployed.outputs["RequestsTableName"])["Table"]
    assert table["DeletionProtectionEnabled"]
    for name in ("Responder", *FUNCTIONS):
        assert variables(deployed, name)["REQUESTS_TABLE"] == table["TableName"]
    (statement,) = [one for one in attached(deployed, "Responder") if one["Sid"] == "MakeRequests"]
    assert statement["Resource"] == table["TableArn"]


def test_the_approver_may_call_the_granter_that_was_made(deployed):
    granter = configuration(deployed, "Granter")
    assert variables(deployed, "Approver")["GRANTER"] == granter["FunctionName"]
    (statement,) = attached(deployed, "Approver")
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", granter["FunctionArn"])


def test_approver_and_granter_share_a_key_that_nobody_chose(deployed):
    given = {variables(deployed, name)["APPROVAL_KEY"] for name in ("Approver", "Granter")}
    assert len(given) == 1
    key = deployed.client("secretsmanager").get_secret_value(SecretId=given.pop())["SecretString"]
    assert len(key) == 64 and len(set(key)) > 20


def test_the_guardrails_hang_on_the_roles_that_were_made(deployed):
    granter, revoker = attached(deployed, "Granter"), attached(deployed, "Revoker")
    assert "NeverTheWholeCluster" in {one["Sid"] for one in granter}
    assert "EndOurOwn" in {one["Sid"] for one in revoker}
    own = [configuration(deployed, name)["Role"] for name in ("Responder", *FUNCTIONS)]
    assert sorted(variables(deployed, "Granter")["OWN_ROLES"].split(",")) == sorted(own)
    for statements in (granter, revoker):
        (protecting,) = [one for one in statements if "ArnLike" in one.get("Condition", {}) and one["Effect"] == "Deny"]
        assert set(own) <= set(protecting["Condition"]["ArnLike"]["eks:principalArn"])


def test_every_function_is_told_the_version_of_the_policies(deployed):
    version = GUARDRAILS["Outputs"]["GuardrailsVersion"]["Value"]
    assert {variables(deployed, name)["GUARDRAILS_VERSION"] for name in ("Responder", *FUNCTIONS)} == {version}


def test_slack_is_told_as_it_is_asked_for(deployed):
    given = variables(deployed, "Approver")
    assert (given["SLACK_TEAMS"], given["SLACK_APP"]) == ("T0123456789,E0123456789", "A0123456789")
    assert given["ACCOUNT_LABELS"] == f"{ACCOUNT}=prod"
    assert {variables(deployed, name)["SLACK_SECRET"] for name in FUNCTIONS} == {deployed.secret}


def call(deployed, method: str, path: str) -> tuple[int, str]:
    """What the doors answer to who signs nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", deployed.port, timeout=20)
    host = deployed.outputs["ApprovalsUrl"].removeprefix("http://")
    connection.request(method, path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.mark.parametrize("path", ["/v1/requests", "/v1/requests/0123456789abcdef/history", "/v1/grants"])
def test_iams_door_is_closed_to_who_signs_nothing(deployed, path):
    assert call(deployed, "GET", path)[0] == 403


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/slack"), ("POST", "/v2/x"), ("DELETE", "/v1/requests")])
def test_there_are_no_other_doors(deployed, method, path):
    assert call(deployed, method, path)[0] == 404


def test_the_doors_may_call_the_approver_and_nobody_the_granter(deployed):
    lambda_ = deployed.client("lambda")
    policy = json.loads(lambda_.get_policy(FunctionName=deployed.outputs["ApproverName"])["Policy"])
    (statement,) = policy["Statement"]
    api = deployed.outputs["ApprovalsUrl"].removeprefix("http://").split(".")[0]
    assert f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*/*" in json.dumps(statement["Condition"])
    # Where AWS says that there is no policy, MiniStack has an empty one.
    assert json.loads(lambda_.get_policy(FunctionName=deployed.outputs["GranterName"])["Policy"])["Statement"] == []


def test_failed_grants_go_to_the_queue_that_was_made(deployed):
    queue = deployed.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["FailedGrantsUrl"], AttributeNames=["QueueArn"]
    )
    settings = deployed.client("lambda").get_function_event_invoke_config(
        FunctionName=deployed.outputs["GranterName"], Qualifier="$LATEST"
    )
    assert settings["DestinationConfig"]["OnFailure"]["Destination"] == queue["Attributes"]["QueueArn"]


def test_a_tick_comes_to_the_revoker_that_was_made(deployed):
    events = deployed.client("events")
    targets = {
        target["Arn"]: (target, rule["ScheduleExpression"])
        for rule in events.list_rules()["Rules"]
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    }
    target, schedule = targets[configuration(deployed, "Revoker")["FunctionArn"]]
    assert "Input" not in target and schedule == "rate(1 minute)"
    assert len(targets) == 2


def test_when_the_stack_goes_nobody_is_left_who_could_grant(deployed):
    """The last test: it takes down what the others look at. MiniStack does not heed `Retain` in nested stacks, so of the
    table of requests test_approvals.py has to do."""
    cloudformation = deployed.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert deployed.client("lambda").list_functions()["Functions"] == []
    assert deployed.client("apigatewayv2").get_apis()["Items"] == []
    assert deployed.client("iam").list_roles()["Roles"] == []
    assert deployed.client("events").list_rules()["Rules"] == []
