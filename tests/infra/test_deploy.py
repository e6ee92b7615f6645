"""The stack is made, by an engine that is not the one that expanded it.

MiniStack's CloudFormation resolves every reference, orders the resources by what they need, and makes
them. It checks less than AWS does, so this finds what could never work, not everything that could fail.
"""

import io
import json
import sys
import zipfile

import pytest

from expanded import ACCOUNT, REGION, ROOT, STACK, TEMPLATE, Stack

sys.path.append(str(ROOT / "tests/local"))
from stack import Server, wait_for  # noqa: E402

CLUSTERS = ["prod", "team-a_blue"]
# An alarm on a query of metrics; MiniStack has only those on one metric.
UNKNOWN_TO_MINISTACK = "LogsAreNotForwarded"


@pytest.fixture(scope="module")
def deployed():
    with Server(python=ROOT / ".tools/run/bin/python") as server:
        logs, s3, cloudformation = map(server.client, ("logs", "s3", "cloudformation"))
        for cluster in CLUSTERS:
            logs.create_log_group(logGroupName=f"/aws/eks/{cluster}/cluster")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("bootstrap", "#!/bin/sh\n")
        s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="bucket", Key="responder.zip", Body=package.getvalue())

        parameters = {"Clusters": ",".join(CLUSTERS), "NotificationEmail": "platform@example.com"}
        template = Stack(**parameters).template
        del template["Resources"][UNKNOWN_TO_MINISTACK]
        cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )

        def ended():
            (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = wait_for("the stack to be made", 30, ended)
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failures = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        assert stack["StackStatus"] == "CREATE_COMPLETE", failures
        server.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        yield server


def test_every_output_has_a_value(deployed):
    assert set(deployed.outputs) == set(TEMPLATE["Outputs"])
    assert deployed.outputs["TopicArn"].startswith(f"arn:aws:sns:{REGION}:{ACCOUNT}:")


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
    assert len(sources) == len(CLUSTERS)
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
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "platform@example.com")
