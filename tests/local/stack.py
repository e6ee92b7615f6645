"""The responder on this machine, without an AWS account; product.py adds all the rest.

MiniStack plays CloudWatch Logs, Lambda, SNS, SQS, DynamoDB and IAM, on 127.0.0.1 and a free port. The
function that it runs is ours, as built: lines are put into the log group of a cluster, a subscription filter
delivers them, the function asks EKS and IAM, remembers incidents and publishes notices.

Two things MiniStack leaves to others. EKS is the strict one of our tests (tests/fakes), which refuses what AWS
refuses. And nobody sends mail, so a relay in front of SNS passes every call on as it is, and keeps what a
mailbox would have got.
"""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
FUNCTION = ROOT / "target/lambda/responder-demo.zip"
EKS = ROOT / "target/debug/local_eks"
ENDPOINTS = ROOT / "target/local/endpoints.json"

ACCOUNT, REGION, CLUSTER = "111122223333", "eu-west-1", "demo"
LOG_GROUP = f"/aws/eks/{CLUSTER}/cluster"
# MiniStack wants every word of a pattern in the line and knows no `?`, so the deployed pattern cannot be
# used here. This one means the same to MiniStack and to AWS: lines as the authenticator writes them.
FILTER_PATTERN = '"level=" "msg="'
MODE = "API_AND_CONFIG_MAP"
# Permission sets get a role in this path, and a new ending whenever they are made anew.
SSO_PATH = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
SSO_ROLE = "AWSReservedSSO_Developer_0123456789abcdef"
FORMER_SSO_ROLE = "AWSReservedSSO_Developer_fedcba9876543210"
SSO_PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"
ADMIN_ROLE, PIPELINE_ROLE, NODE_ROLE = "platform-admin", "deploy", "eks-node"
# Whom guardrails.toml offers access: roles that nobody has let in.
DEVELOPERS_PATH, DEVELOPERS = "/dev/", ("sam", "ann", "joe")
ACCESS_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS{}Policy"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# The table of infra/sam/template.yaml; a test compares them.
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        {"AttributeName": "owed", "AttributeType": "S"},
        {"AttributeName": "due_at", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "owed",
            "KeySchema": [
                {"AttributeName": "owed", "KeyType": "HASH"},
                {"AttributeName": "due_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}
TABLE_NAME = "incidents"


class Failure(Exception):
    """Something did not work; the message says what, and what to look at."""


@dataclass
class Mail:
    subject: str
    body: str

    def lines(self) -> list[str]:
        return [f"Subject: {self.subject}", "", *self.body.rstrip().splitlines()]


def own_role(function: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{function}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: str, seconds: float, poll):
    """The first true answer of `poll`. Never waits longer than the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        if found := poll():
            return found
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.02)


class Relay:
    """Passes every call on to MiniStack, below `prefix` there."""

    def __init__(self, upstream_port: int, prefix: str = ""):
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                upstream = http.client.HTTPConnection("127.0.0.1", upstream_port, timeout=30)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
                upstream.request(self.command, prefix + self.path, body, headers)
                answer = upstream.getresponse()
                content = answer.read()
                relay.passed(body, answer.status)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_any

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def passed(self, body: bytes, status: int) -> None:
        """A call was passed on, and answered with this status."""

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class MailRelay(Relay):
    """Keeps the mail of each notice that SNS accepted. The audit has none: a mailbox is not subscribed to it."""

    def __init__(self, upstream_port: int):
        self.mails: list[Mail] = []
        super().__init__(upstream_port)

    def passed(self, body: bytes, status: int) -> None:
        call = parse_qs(body.decode(), keep_blank_values=True)
        if status == 200 and call.get("Action") == ["Publish"] and "audit" not in kinds(call):
            (message,) = call["Message"]
            if call.get("MessageStructure") == ["json"]:
                bodies = json.loads(message)
                message = bodies.get("email", bodies["default"])
            self.mails.append(Mail(call.get("Subject", [""])[0], message))


def kinds(call: dict[str, list[str]]) -> list[str]:
    """The value of the attribute `kind`, by which subscriptions choose."""
    names = [key for key, value in call.items() if key.endswith(".Name") and value == ["kind"]]
    return [value for name in names for value in call.get(name.removesuffix("Name") + "Value.StringValue", [])]


class Control:
    """What a server of our tests lets its user ask and order: `/control/…`."""

    def __init__(self, url: str):
        self.url = url

    def ask(self, what: str, body: dict | None = None):
        """The answer to a question, or to an order if it has a body."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        connection.request("GET" if body is None else "POST", f"/control/{what}", json.dumps(body or {}))
        answer = connection.getresponse()
        told = json.load(answer)
        if answer.status != 200:
            raise Failure(told["error"])
        return told


class Program(Control):
    """Such a server. The first line that it prints is its address, and it ends with its standard input, so it never
    outlives us."""

    def __init__(self, *command: str | Path):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        super().__init__(self.process.stdout.readline().strip())
        if not self.url:
            raise Failure(f"{command[0]} did not start; `make clean` and again builds and installs everything anew")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


class Server:
    """MiniStack, from `with` to the end of its block; nothing of it is left behind."""

    def __init__(self, python: str | Path = sys.executable):
        self.python = str(python)
        self.cleanup = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.cleanup.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.cleanup.close()

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="eks-access-local-"))
        self.cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.server_log = self.folder / "ministack.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with self.server_log.open("wb") as log:
            # A clean environment: nothing of this machine's AWS settings reaches the stack or the function.
            self.server = subprocess.Popen(
                [self.python, "-m", "ministack"],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.folder),
                    "TMPDIR": str(self.folder),
                    "STATE_DIR": str(self.folder / "state"),
                    "S3_DATA_DIR": str(self.folder / "s3"),
                    "BIND_HOST": "127.0.0.1",
                    "GATEWAY_PORT": str(self.port),
                    "MINISTACK_ACCOUNT_ID": ACCOUNT,
                    "MINISTACK_REGION": REGION,
                    "DOCKER_HOST": f"unix://{self.folder}/no-docker",
                    "SFTP_ENABLED": "0",
                    **CREDENTIALS,
                },
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that Ctrl-C reaches us first, and we end the whole group
            )
        self.cleanup.callback(self._stop_server)
        wait_for("MiniStack to answer", 30, self._is_ready)

    def _is_ready(self) -> bool:
        if self.server.poll() is not None:
            raise Failure(f"MiniStack ended by itself:\n{self.server_log.read_text()[-2000:]}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _stop_server(self) -> None:
        for kind, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.server.pid, kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.wait(patience)
                break
        with contextlib.suppress(ProcessLookupError):  # the function's process, should it outlive the server
            os.killpg(self.server.pid, signal.SIGKILL)

    def client(self, service: str, url: str | None = None):
        return boto3.client(
            service,
            endpoint_url=url or self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard"}, connect_timeout=5, read_timeout=30),
        )


class Stack(Server):
    """The responder in MiniStack, subscribed to the log of one cluster."""

    def __init__(
        self,
        function: Path = FUNCTION,
        python: str | Path = sys.executable,
        variables: dict[str, str] | None = None,
    ):
        """`variables` are the function's, besides or in place of the usual ones."""
        super().__init__(python)
        self.function, self.variables = function, variables or {}

    def _start(self) -> None:
        if not self.function.is_file():
            raise Failure(f"{self.function} does not exist; `make run` and `make local` build it")
        if not EKS.is_file():
            raise Failure(f"{EKS} does not exist; `cargo build --package fakes` builds it")
        super()._start()
        self.relay = self._relay(MailRelay(self.port))
        self.control_plane = self._program(EKS, REGION, ACCOUNT)
        self._provision()

    def _relay(self, relay):
        self.cleanup.callback(relay.close)
        return relay

    def _program(self, *command: str | Path) -> Program:
        program = Program(*command)
        self.cleanup.callback(program.close)
        return program

    def _provision(self) -> None:
        self._make_cluster()
        self._deploy()
        self._make_pipeline_role_again()

    def _make_cluster(self) -> None:
        """A cluster as people have it, with what goes wrong over the years."""
        self.iam, self.eks = self.client("iam"), self.client("eks", self.control_plane.url)
        self.control_plane.ask("clusters", {"name": CLUSTER, "mode": MODE})
        self._make_role(NODE_ROLE, Service="ec2.amazonaws.com")
        for name in DEVELOPERS:
            self._make_role(name, DEVELOPERS_PATH)
        self._let_in(self._make_role(ADMIN_ROLE), "ClusterAdmin", {"type": "cluster"})
        # The permission set was made anew: the role with the old ending is gone, its access entry is not.
        former = self._make_role(FORMER_SSO_ROLE, SSO_PATH, Federated=SSO_PROVIDER)
        self._let_in(former, "View", {"type": "namespace", "namespaces": ["shop"]})
        self._delete_role(FORMER_SSO_ROLE)
        self._make_role(SSO_ROLE, SSO_PATH, Federated=SSO_PROVIDER)
        pipeline = self._make_role(PIPELINE_ROLE, Service="codebuild.amazonaws.com")
        self._let_in(pipeline, "Edit", {"type": "namespace", "namespaces": ["shop"]})
        self.entries_made = time.time()

    def _make_pipeline_role_again(self) -> None:
        """Somebody's `terraform destroy` and `apply`. IAM's times are whole seconds, and this must be a later one."""
        self._delete_role(PIPELINE_ROLE)
        wait_for("another second", 5, lambda: int(time.time()) > self.entries_made)
        self._make_role(PIPELINE_ROLE, Service="codebuild.amazonaws.com")

    def _make_role(self, name: str, path: str = "/", **trusted: str) -> str:
        who = trusted or {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        action = "sts:AssumeRoleWithSAML" if "Federated" in who else "sts:AssumeRole"
        statement = {"Effect": "Allow", "Principal": who, "Action": action}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)["Role"]
        # EKS takes entries of principals that IAM has.
        self.control_plane.ask("principals", {"arn": role["Arn"], "id": role["RoleId"]})
        return role["Arn"]

    def _delete_role(self, name: str) -> None:
        arn = self.iam.get_role(RoleName=name)["Role"]["Arn"]
        self.iam.delete_role(RoleName=name)
        self.control_plane.ask("gone", {"arn": arn})

    def _let_in(self, arn: str, policy: str, scope: dict) -> None:
        self.eks.create_access_entry(clusterName=CLUSTER, principalArn=arn, type="STANDARD")
        self.eks.associate_access_policy(
            clusterName=CLUSTER, principalArn=arn, policyArn=ACCESS_POLICY.format(policy), accessScope=scope
        )

    def role_id(self, name: str) -> str:
        """The unique id that STS gives for a session of the role."""
        return self.iam.get_role(RoleName=name)["Role"]["RoleId"]

    def _deploy(self) -> None:
        """What infra/sam/template.yaml makes, as far as the demo needs it."""
        self.logs, self.lambda_, self.sqs, sns = map(self.client, ("logs", "lambda", "sqs", "sns"))
        self.dynamodb = self.client("dynamodb")
        self.dynamodb.create_table(TableName=TABLE_NAME, **TABLE)

        self.topic_arn = sns.create_topic(Name="eks-access-notices")["TopicArn"]
        self.queue_url = self.sqs.create_queue(QueueName="eks-access-notices")["QueueUrl"]
        queue = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["QueueArn"])
        sns.subscribe(
            TopicArn=self.topic_arn,
            Protocol="sqs",
            Endpoint=queue["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )

        # As CloudWatch Logs names them; the second is what else EKS writes into the same group.
        self.stream = f"authenticator-{secrets.token_hex(16)}"
        self.audit_stream = f"kube-apiserver-audit-{secrets.token_hex(16)}"
        self.logs.create_log_group(logGroupName=LOG_GROUP)
        for stream in (self.stream, self.audit_stream):
            self.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)

        self._further()
        self.function_name = "responder"
        variables = {"OWN_ACCOUNTS": ACCOUNT, "TABLE_NAME": TABLE_NAME, **self.variables}
        arn = self._make_function(self.function_name, self.function, variables)
        wait_for("the functions to be active", 30, self._are_active)
        self.logs.put_subscription_filter(
            logGroupName=LOG_GROUP,
            filterName="eks-access-responder",
            filterPattern=FILTER_PATTERN,
            destinationArn=arn,
        )

    def _further(self) -> None:
        """What there has to be before the responder is."""

    def _make_function(self, name: str, package: Path, variables: dict[str, str]) -> str:
        made = self.lambda_.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=own_role(name),
            MemorySize=128,
            Timeout=30,
            Code={"ZipFile": package.read_bytes()},
            Environment={
                "Variables": {
                    "TOPIC_ARN": self.topic_arn,
                    "METRICS_NAMESPACE": "EksAccessResponder",
                    "AWS_ENDPOINT_URL": self.url,
                    "AWS_ENDPOINT_URL_SNS": self.relay.url,
                    "AWS_ENDPOINT_URL_EKS": self.control_plane.url,
                    **variables,
                }
            },
        )
        return made["FunctionArn"]

    def _are_active(self) -> bool:
        return all(function["State"] == "Active" for function in self.lambda_.list_functions()["Functions"])

    def tick(self, minutes: int = 0, function: str = "responder") -> None:
        """What EventBridge does every minute; `minutes` puts the clock forward."""
        event = json.dumps(self.tick_event(minutes))
        answer = self.lambda_.invoke(FunctionName=function, Payload=event)
        if "FunctionError" in answer:
            raise Failure(f"the tick failed: {answer['Payload'].read().decode()}")

    @staticmethod
    def tick_event(minutes: int = 0) -> dict:
        return {
            "version": "0",
            "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60 * minutes)),
            "region": REGION,
            "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/tick"],
            "detail": {},
        }

    def put(self, lines: list[str], stream: str | None = None) -> None:
        """Lines into the cluster's log: what EKS does in a real account."""
        now = int(time.time() * 1000)
        self.logs.put_log_events(
            logGroupName=LOG_GROUP,
            logStreamName=stream or self.stream,
            logEvents=[{"timestamp": now + n, "message": line} for n, line in enumerate(lines)],
        )

    def notices(self) -> list[dict]:
        """The notices that a machine subscribed to the topic got since the last call."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def _everything_logged(self, function: str) -> list[str]:
        try:
            events = self.logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [line for event in events for line in event["message"].splitlines()]

    def function_log(self, function: str = "responder") -> list[str]:
        """What a function wrote, the platform's own lines left out."""
        platform = ("START ", "END ", "REPORT ", "INIT_START ")
        return [line for line in self._everything_logged(function) if not line.startswith(platform)]

    def metrics(self) -> list[dict]:
        """What the responder counted: its lines in the embedded metric format."""
        documents = (json.loads(line) for line in self.function_log() if line.startswith("{"))
        return [document for document in documents if "_aws" in document]

    def reports(self, function: str = "responder") -> list[str]:
        """The platform's line about each event that was handled."""
        return [line for line in self._everything_logged(function) if line.startswith("REPORT ")]

    def functions(self) -> list[str]:
        return [function["FunctionName"] for function in self.lambda_.list_functions()["Functions"]]

    def diagnostics(self) -> str:
        """What to look at when something did not arrive."""
        wrote = ((name, "\n".join(self.function_log(name)[-20:]) or "(nothing)") for name in self.functions())
        server = self.server_log.read_text(errors="replace")[-2000:] or "(nothing)"
        return "\n".join([*(f"--- the {name} wrote\n{log}" for name, log in wrote), f"--- MiniStack wrote\n{server}"])

    def endpoints(self) -> dict:
        return {
            "endpoint": self.url,
            "sns_endpoint": self.relay.url,
            "eks_endpoint": self.control_plane.url,
            "region": REGION,
            "account": ACCOUNT,
            "cluster": CLUSTER,
            "log_group": LOG_GROUP,
            "log_stream": self.stream,
            "filter_pattern": FILTER_PATTERN,
            "function": self.function_name,
            "function_log_group": f"/aws/lambda/{self.function_name}",
            "topic_arn": self.topic_arn,
            "queue_url": self.queue_url,
            "table": TABLE_NAME,
            "credentials": CREDENTIALS,
        }


def write_endpoints(endpoints: dict) -> None:
    ENDPOINTS.parent.mkdir(parents=True, exist_ok=True)
    ENDPOINTS.write_text(json.dumps(endpoints, indent=2) + "\n")


def read_endpoints() -> dict:
    """Where everything is that `make local` keeps."""
    if not ENDPOINTS.is_file():
        raise Failure("nothing is kept; start `make local` in another terminal and leave it running")
    return json.loads(ENDPOINTS.read_text())


def end_on_signals() -> None:
    """Ctrl-C, `kill` and a closed terminal all unwind, so that the stack is taken down."""

    def stop(number, _frame):
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(kind, signal.SIG_IGN)  # once is enough; taking down must not be interrupted
        raise KeyboardInterrupt(number)

    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, stop)


def framed(lines: list[str]) -> str:
    """Lines with a frame, to tell them from what we say ourselves."""
    return "\n".join(["  ┌" + "─" * 76, *(f"  │ {line}".rstrip() for line in lines), "  └" + "─" * 76])
