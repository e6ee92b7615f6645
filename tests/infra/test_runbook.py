"""The runbook knows what the functions say, and what it says to do about failed deliveries works. What stands in
docs/approvals.md to be copied, policies and patterns, does what is said of it.

The commands are run in a shell, as they stand there.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from expanded import APPROVALS, REGION, ROOT, TEMPLATE, Installation, yaml_parse

sys.path.append(str(ROOT / "tests/local"))
from stack import ACCOUNT, CLUSTER, CREDENTIALS, TABLE, TABLE_NAME, Stack, wait_for  # noqa: E402

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
MANUAL = (ROOT / "docs/approvals.md").read_text()
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


def alarms(resources: dict) -> set[str]:
    """The alarms of a template, those of a loop over the clusters once."""
    found = set()
    for name, resource in resources.items():
        if name.startswith("Fn::ForEach::"):
            found |= {alarm.split("&")[0] for alarm in alarms(resource[2])}
        elif resource["Type"] == "AWS::CloudWatch::Alarm":
            found.add(name)
    return found


@pytest.mark.parametrize(("heading", "template"), [("Alarms", TEMPLATE), ("Alarms of approvals", APPROVALS)])
def test_every_alarm_has_a_heading_that_says_what_to_do(heading, template):
    _, rest = RUNBOOK.split(f"\n## {heading}\n")
    parts = re.split(r"^### (\w+)$", rest.split("\n## ")[0], flags=re.M)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert set(said) == alarms(template["Resources"])
    assert all(len(text.split()) > 8 for text in said.values())


def doors() -> dict[str, str]:
    """The routes, and who may call each."""
    return {
        resource["Properties"]["RouteKey"]: resource["Properties"]["AuthorizationType"]
        for resource in APPROVALS["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Route"
    }


def test_the_app_sends_its_clicks_to_the_door_that_is_there():
    manifest = yaml_parse(commands("Set Slack up", "yaml"))
    url = manifest["settings"]["interactivity"]["request_url"]
    assert ["POST /" + url.rsplit("/", 1)[1]] == [route for route, authorizer in doors().items() if authorizer == "NONE"]


# ---- what is to be copied from docs/approvals.md ----


def blocks(kind: str, text: str) -> list[str]:
    return re.findall(rf"^ *```{kind}\n(.*?)^ *```$", text, re.S | re.M)


def pattern(name: str) -> str:
    (found,) = re.findall(rf"^<!-- pattern: {name} -->\n```\w+\n(.*?)^```$", MANUAL, re.S | re.M)
    return found


def test_every_route_is_listed():
    assert set(re.findall(r"^\| `((?:GET|POST) /[^`]+)` \|", MANUAL, re.M)) == set(doors())


def test_the_policy_of_approvers_is_about_the_resource_that_the_stack_names():
    (policy,) = [json.loads(block) for block in blocks("json", MANUAL) if "execute-api" in block]
    (statement,) = policy["Statement"]
    named = Installation(Approvals="on").main.outputs["ApproversMay"]
    assert statement["Action"] == "execute-api:Invoke"
    assert re.sub(r":\w+/", ":API/", statement["Resource"]) == re.sub(r":\w+/", ":API/", named)


def used(command: list[str]) -> tuple[str, set[str]]:
    """The command of `eks-access`, and its options."""
    name = next(word for word in command[1:] if not word.startswith("-"))
    return name, {word.split("=")[0] for word in command if word.startswith("--")}


def test_the_command_has_the_commands_and_options_that_are_shown():
    shown = [block.replace("\\\n", " ") for text in (MANUAL, RUNBOOK) for block in blocks("sh", text)]
    lines = [line for block in shown for line in block.splitlines() if line.startswith("eks-access ")]
    commands_shown = [used(shlex.split(line, comments=True)) for line in lines]
    assert {"approve", "break-glass", "review"} <= {name for name, _ in commands_shown}
    for name, options in commands_shown:
        asked = subprocess.run(
            [ROOT / "target/debug/eks-access", name, "--help"], capture_output=True, text=True, check=False
        )
        assert asked.returncode == 0, name
        assert options <= set(re.findall(r"--[\w-]+", asked.stdout)), name


def fires(wanted: dict, event: object) -> bool:
    """Whether a pattern of EventBridge matches, as far as the manual uses them (EventBridge user guide, "Event patterns")."""
    for key, values in wanted.items():
        if key == "$or":
            if not any(fires(one, event) for one in values):
                return False
            continue
        is_there = isinstance(event, dict) and key in event
        value = event[key] if is_there else None
        if isinstance(values, dict):
            if not fires(values, value):
                return False
        elif not any(is_meant(one, is_there, value) for one in values):
            return False
    return True


def is_meant(wanted: object, is_there: bool, value: object) -> bool:
    match wanted:
        case {"anything-but": others}:
            return is_there and value not in others
        case {"exists": expected}:
            return is_there == expected
        case _:
            return is_there and value == wanted


def of_cloudtrail(name: str, role: str | None, **parameters) -> dict:
    """What EventBridge gets of a call. `role` is the issuer of the caller's session; a user has none."""
    who = {"sessionContext": {"sessionIssuer": {"arn": role}}} if role else {"type": "IAMUser"}
    detail = {
        "eventSource": "eks.amazonaws.com",
        "eventName": name,
        "userIdentity": who,
        "requestParameters": {"name": "prod", **parameters},
    }
    return {"source": "aws.eks", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


OUR_TAGS = {"managed-by": "eks-access-responder", "request-id": "0123456789abcdef"}
STRANGER = f"arn:aws:iam::{ACCOUNT}:role/stranger"


@pytest.mark.parametrize(
    ("event", "is_anothers", "bears_our_tag"),
    [
        (of_cloudtrail("CreateAccessEntry", "GRANTER", tags=OUR_TAGS), False, False),
        (of_cloudtrail("AssociateAccessPolicy", "GRANTER"), False, False),
        (of_cloudtrail("TagResource", "GRANTER", tags=OUR_TAGS), False, False),
        (of_cloudtrail("DeleteAccessEntry", "REVOKER"), False, False),
        (of_cloudtrail("CreateAccessEntry", STRANGER), True, False),
        (of_cloudtrail("CreateAccessEntry", STRANGER, tags={"managed-by": "terraform"}), True, False),
        (of_cloudtrail("CreateAccessEntry", STRANGER, tags=OUR_TAGS), True, True),
        (of_cloudtrail("CreateAccessEntry", None, tags=OUR_TAGS), True, True),
        (of_cloudtrail("TagResource", "REVOKER", tags=OUR_TAGS), False, True),
        (of_cloudtrail("DeleteAccessEntry", None), True, False),
        (of_cloudtrail("UpdateAccessEntry", STRANGER), True, False),
        (of_cloudtrail("DescribeCluster", STRANGER), False, False),
    ],
)
def test_the_rules_for_a_siem_fire_on_others_and_leave_us_out(event, is_anothers, bears_our_tag):
    assert fires(json.loads(pattern("others")), event) == is_anothers
    assert fires(json.loads(pattern("our tag")), event) == bears_our_tag


def test_a_yes_outside_hours_is_told_from_one_within():
    terms = dict(re.findall(r"\(\$\.([\w.]+) = (\"[^\"]*\"|%[^%]*%)\)", pattern("outside hours")))
    assert set(terms) == {"message", "audit.action", "audit.at"}
    at = re.compile(terms["audit.at"].strip("%"))
    # What CloudWatch Logs takes in a regular expression (its user guide, "Supported regular expressions").
    assert re.fullmatch(r"[\w:#=@/;,\-^$?\[\]{}|\\*+.]+", at.pattern)
    outside = {hour for hour in range(24) if at.search(f"2026-03-02T{hour:02}:07:19Z")}
    assert outside == set(range(7)) | set(range(19, 24))


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
