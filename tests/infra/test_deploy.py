"""`sam deploy`, as the template's head documents it, with CloudFormation played by MiniStack.

MiniStack unrolls the loop with code of its own, applies AWS' Serverless transform, resolves every
reference, orders the resources by what they need, and makes them. It checks less than AWS does, so this
finds what could never work, not everything that could fail.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

from expanded import ACCOUNT, REGION, ROOT, STACK, TEMPLATE, Stack

sys.path.append(str(ROOT / "tests/local"))
from stack import Server  # noqa: E402

CLUSTERS = ["prod", "team-a_blue"]
EMAIL = "platform@example.com"
PACKAGE = ROOT / "target/lambda/responder.zip"
# An alarm on a query of metrics; MiniStack has only those on one metric.
UNKNOWN_TO_MINISTACK = "LogsAreNotForwarded"


def template_for_ministack(folder) -> str:
    """The template as it is, less the one resource; the text is cut, so that nothing else is rewritten."""
    text = (ROOT / "infra/sam/template.yaml").read_text()
    start = text.index(f"\n  {UNKNOWN_TO_MINISTACK}:\n")
    text = text[:start] + text[text.index("\nOutputs:\n") :]
    (folder / "infra/sam").mkdir(parents=True)
    (folder / "target/lambda").mkdir(parents=True)
    shutil.copy(PACKAGE, folder / "target/lambda")
    path = folder / "infra/sam/template.yaml"
    path.write_text(text)
    return str(path)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    with Server(python=ROOT / ".tools/deploy/bin/python") as server:
        for cluster in CLUSTERS:
            server.client("logs").create_log_group(logGroupName=f"/aws/eks/{cluster}/cluster")
        server.client("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        done = subprocess.run(
            [
                ROOT / ".tools/check/bin/sam", "deploy", "--language-extensions",
                "--template", template_for_ministack(tmp_path_factory.mktemp("deploy")),
                "--stack-name", STACK,
                "--s3-bucket", "bucket",  # --resolve-s3 would make one, with a stack of SAM's own
                "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
                "--parameter-overrides", f"Clusters={','.join(CLUSTERS)}", f"NotificationEmail={EMAIL}",
                "--no-progressbar",
            ],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(server.folder),
                "AWS_ENDPOINT_URL": server.url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": REGION,
                "SAM_CLI_TELEMETRY": "0",
                "SAM_CLI_POLL_DELAY": "1",
            },
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        (stack,) = server.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        server.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        yield server


def test_both_engines_make_the_same_resources(deployed):
    made = deployed.client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    expanded = Stack(Clusters=",".join(CLUSTERS), NotificationEmail=EMAIL).resources
    assert {(one["LogicalResourceId"], one["ResourceType"]) for one in made} == {
        (name, resource["Type"]) for name, resource in expanded.items() if name != UNKNOWN_TO_MINISTACK
    }


def test_every_output_has_a_value(deployed):
    assert set(deployed.outputs) == set(TEMPLATE["Outputs"])
    assert deployed.outputs["TopicArn"].startswith(f"arn:aws:sns:{REGION}:{ACCOUNT}:")


def test_the_package_is_deployed_as_it_was_built(deployed):
    function = deployed.client("lambda").get_function_configuration(FunctionName=deployed.outputs["FunctionName"])
    assert function["CodeSize"] == PACKAGE.stat().st_size


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
