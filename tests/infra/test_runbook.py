"""The runbook knows what the functions say, and what it says to do about failed deliveries works.

The commands are run in a shell, as they stand there.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from expanded import REGION, ROOT

sys.path.append(str(ROOT / "tests/local"))
from stack import ACCOUNT, CLUSTER, CREDENTIALS, TABLE, TABLE_NAME, Stack, wait_for  # noqa: E402

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
DENIAL = (
    f'level=warning msg="access denied" arn="arn:aws:iam::{ACCOUNT}:role/dev" client="127.0.0.1:40100" '
    'error="identity is not mapped" method=POST path=/authenticate'
)


def commands(heading: str, kind: str = "sh") -> str:
    """The first block of commands under a heading, or of something else."""
    _, rest = RUNBOOK.split(f"\n### {heading}\n")
    (block, *_) = re.findall(rf"^ *```{kind}\n(.*?)^ *```$", rest, re.S | re.M)
    return block


def sources() -> str:
    """What of the Rust sources is in the functions, tests left out."""
    paths = [*ROOT.glob("functions/*/src/**/*.rs"), *(ROOT / "crates/eks-access-aws/src").rglob("*.rs")]
    return "\n".join(path.read_text().split("#[cfg(test)]")[0] for path in paths if "laptop" not in path.parts)


def test_every_message_of_the_log_is_in_the_runbook():
    said = set(re.findall(r'Level::(?:Info|Warn|Error),\s*"([^"]+)"', sources()))
    assert len(said) >= 10
    assert said == set(re.findall(r"^\| `([^`]+)` \| ", RUNBOOK.split("\n| `message` |")[1].split("\n\n")[0], re.M))


def test_every_code_of_slack_that_is_told_apart_is_in_the_runbook():
    slack = (ROOT / "crates/eks-access-aws/src/slack.rs").read_text()
    codes = {
        code
        for body in re.findall(r"const (?:REFUSED|BLOCKS|NOT_FOUND): [^=]*= \[(.*?)\];", slack, re.S)
        for code in re.findall(r'"(\w+)"', body)
    }
    _, answers = RUNBOOK.split("\n### Slack's answers\n")
    explained = set(re.findall(r"`(\w+)`", answers.split("\n## ")[0]))
    assert len(codes) > 20 and codes <= explained


def test_the_app_asks_slack_for_what_the_functions_call_and_no_more():
    methods = set(re.findall(r'\.call\(\s*"([\w.]+)"', (ROOT / "crates/eks-access-aws/src/slack.rs").read_text()))
    scopes = {
        "chat.postMessage": {"chat:write"},
        "chat.update": {"chat:write"},
        "chat.postEphemeral": {"chat:write"},
        "views.open": set(),  # by the click that asks for it
        "usergroups.users.list": {"usergroups:read"},
        "users.lookupByEmail": {"users:read.email", "users:read"},  # Slack gives the one only with the other
    }
    manifest = re.findall(r"^ +- ([\w:.]+)$", commands("Set Slack up", "yaml"), re.M)
    assert set(manifest) == set().union(*(scopes[method] for method in methods))


class Failed:
    """The stack with a delivery that failed for good, because the table was gone."""

    def __init__(self, stack: Stack, folder):
        self.stack, self.folder = stack, folder
        self.queue = stack.sqs.create_queue(QueueName="failed")["QueueUrl"]
        attributes = stack.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        stack.lambda_.put_function_event_invoke_config(
            FunctionName=stack.function_name,
            Qualifier="$LATEST",
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": attributes["Attributes"]["QueueArn"]}},
        )
        (folder / "aws").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/infra/aws_cli.py" "$@"\n')
        (folder / "aws").chmod(0o755)

    def deliver(self, line: str) -> None:
        """As CloudWatch Logs does. MiniStack's own subscription neither tries again nor keeps what failed."""
        pack = [ROOT / "target/debug/eks-access", "pack", "--cluster", CLUSTER, "--account", ACCOUNT]
        event = subprocess.run(pack, input=line, text=True, capture_output=True, check=True).stdout
        self.stack.lambda_.invoke(FunctionName=self.stack.function_name, InvocationType="Event", Payload=event)

    def waiting(self) -> int:
        attribute = "ApproximateNumberOfMessages"
        answer = self.stack.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=[attribute])
        return int(answer["Attributes"][attribute])

    def counted(self) -> int:
        """The lines of the one incident."""
        rows = self.stack.client("dynamodb").scan(TableName=TABLE_NAME)["Items"]
        (count,) = [row["count"]["N"] for row in rows if "count" in row]
        return int(count)

    def run(self, script: str, ends_with: int = 0) -> str:
        outputs = f'output() {{ case $1 in FailedDeliveriesUrl) echo "{self.queue}";; *) echo {self.stack.function_name};; esac; }}'
        done = subprocess.run(
            ["bash", "-uc", f"{outputs}\n{script}"],
            env={
                "PATH": f"{self.folder}:{ROOT}/target/debug:{os.environ['PATH']}",
                "AWS_ENDPOINT_URL": self.stack.url,
                "AWS_DEFAULT_REGION": REGION,
                **CREDENTIALS,
            },
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.stderr, done.returncode) == ("", ends_with)
        return done.stdout


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    if shutil.which("jq") is None:
        pytest.skip("needs jq, as the runbook does")
    with Stack(ROOT / "target/lambda/responder.zip", ROOT / ".tools/run/bin/python", variables={}) as stack:
        failed = Failed(stack, tmp_path_factory.mktemp("redrive"))
        dynamodb = stack.client("dynamodb")
        dynamodb.delete_table(TableName=TABLE_NAME)
        failed.deliver(DENIAL)
        wait_for("the delivery in the queue", 30, lambda: failed.waiting() == 1)
        # A tick gets there only when it is ended too early, by a panic or by Lambda.
        tick = {"requestPayload": stack.tick_event(), "responsePayload": {"errorType": "Panicked"}}
        stack.sqs.send_message(QueueUrl=failed.queue, MessageBody=json.dumps(tick))
        messages = stack.sqs.receive_message(QueueUrl=failed.queue, VisibilityTimeout=0, MaxNumberOfMessages=10)["Messages"]
        payloads = [json.loads(message["Body"])["requestPayload"] for message in messages]
        (failed.delivery,) = [payload for payload in payloads if "awslogs" in payload]
        dynamodb.create_table(TableName=TABLE_NAME, **TABLE)
        yield failed


def test_the_queue_tells_why_a_delivery_failed_and_what_it_says(failed):
    at_once = commands("Look into the queue").replace("--visibility-timeout 5", "--visibility-timeout 0")
    told = failed.run(at_once, ends_with=1)  # `explain` ends so when it finds a denial
    assert '"errorType": "NotRemembered"' in told
    assert "arn:aws:iam::111122223333:role/dev" in told


def test_a_failed_delivery_that_is_sent_again_is_told_and_the_queue_is_empty(failed):
    stack = failed.stack
    assert stack.notices() == []
    failed.run(commands("Send failed deliveries again"))
    (notice,) = wait_for("the notice", 20, stack.notices)
    assert (notice["kind"], notice["principal"]) == ("first", "arn:aws:iam::111122223333:role/dev")
    assert failed.waiting() == 0
    assert not (failed.folder / "record.json").exists() and not (failed.folder / "delivery.json").exists()


def test_a_delivery_that_is_sent_again_though_it_was_counted_is_not_told_twice(failed):
    """As it is when the time ran out only after people had been told."""
    stack = failed.stack
    assert failed.counted() == 1
    record = {"requestPayload": failed.delivery, "responsePayload": {"errorType": "OutOfTime"}}
    stack.sqs.send_message(QueueUrl=failed.queue, MessageBody=json.dumps(record))
    seen = len(stack.metrics())
    failed.run(commands("Send failed deliveries again"))
    wait_for("the function to have seen it", 20, lambda: len(stack.metrics()) > seen)
    assert stack.notices() == []
    assert failed.counted() == 1
