"""The whole product on this machine: what stack.py has, Slack, and the functions by which access is granted and ends.

Slack is tests/slack/server.py, which refuses what Slack refuses, and signs what it sends. MiniStack plays API
Gateway, Secrets Manager and STS, and believes every signature of AWS. What is offered to whom is in guardrails.toml.
"""

import contextlib
import http.client
import json
import secrets
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stack import (
    ACCOUNT, CLUSTER, REGION, ROOT, SSO_PATH, SSO_PROVIDER, TABLE, Control, Failure, Relay, Stack, own_role,
)  # fmt: skip

GUARDRAILS = ROOT / "tests/local/guardrails.toml"
FUNCTIONS = ("responder", "approver", "granter", "revoker")
REQUESTS_TABLE = "requests"
SLACK_SECRET, APPROVAL_KEY = "eks-access/slack", "eks-access/approvals"
SLACK_PYTHON = ROOT / ".tools/slack/bin/python"
# What tests/slack/workspace.py has.
CHANNEL, TEAM, APP = "C0000000001", "T0000000001", "A0000000001"
BOT_TOKEN, SIGNING_SECRET = "xoxb-fake-0000", "8f742231b10e8888abcd99yyyzzz85a5"
# Who is there besides Jane; guardrails.toml has them as well.
KIM, SAM, GROUP = "U0000000011", "U0000000012", "S0000000002"
PEOPLE = {KIM: "kim@example.com", SAM: "sam@example.com"}
KIMS_ROLE = "AWSReservedSSO_Platform_0123456789abcdef"


class Slack:
    """What people see in Slack, and what they do there."""

    def __init__(self, control: Control, door: str):
        self.control, self.door = control, door

    def messages(self) -> list[dict]:
        return self.control.ask("messages").get(CHANNEL, [])

    def cards(self) -> list[dict]:
        """What everybody sees in the channel, replies in threads left out."""
        return [message for message in self.messages() if not message["thread_ts"] and not message["only_for"]]

    def requests(self) -> list[dict]:
        """The messages about requests, in the order in which they were asked."""
        return [message for message in self.messages() if is_of_request(message)]

    def whispers(self, user: str) -> list[dict]:
        """What only this person sees."""
        return [message for message in self.messages() if message["only_for"] == user]

    def click(self, message: dict, action: str, user: str, **more) -> dict:
        asked = {"url": self.door, "channel": CHANNEL, "ts": message["ts"], "action_id": action, "user": user}
        return self.control.ask("click", {**asked, **more})

    def form(self, user: str) -> dict | None:
        """The form that this person has before them."""
        opened = [view for view in self.control.ask("views") if view["user"] == user and view["is_open"]]
        return opened[-1]["view"] if opened else None

    def submit(self, values: dict, user: str) -> dict:
        return self.control.ask("submit", {"url": self.door, "values": values, "user": user})


def is_of_request(message: dict) -> bool:
    return message["only_for"] is None and "eks-access show" in json.dumps(message["blocks"])


def buttons(message: dict) -> list[str]:
    """The actions of a message's buttons."""
    actions = (block["elements"] for block in message["blocks"] if block["type"] == "actions")
    return [element["action_id"] for elements in actions for element in elements]


class Product(Stack):
    """What infra/sam makes with Approvals=on and Slack, as far as the demo needs it."""

    def _further(self) -> None:
        if not SLACK_PYTHON.is_file():
            raise Failure(f"{SLACK_PYTHON} does not exist; `make run` and `make local` install it")
        self.slack_server = self._program(SLACK_PYTHON, ROOT / "tests/slack/server.py")
        users = {user: {"email": email} for user, email in PEOPLE.items()}
        self.slack_server.ask("state", {"users": users, "usergroups": {GROUP: {"users": list(PEOPLE)}}})
        self.dynamodb.create_table(TableName=REQUESTS_TABLE, **TABLE)
        self._make_secrets()
        asking = {"REQUESTS_TABLE": REQUESTS_TABLE, "GUARDRAILS_FILE": str(GUARDRAILS)}
        speaking = {"SLACK_SECRET": SLACK_SECRET, "SLACK_API_URL": f"{self.slack_server.url}/api/"}
        common = {**asking, **speaking}
        self.variables |= {**common, "SLACK_CHANNEL": CHANNEL}
        own_roles = ",".join(map(own_role, FUNCTIONS))
        of_approver = {
            "GRANTER": self._make("granter", {**common, "APPROVAL_KEY": APPROVAL_KEY, "OWN_ROLES": own_roles}),
            "APPROVAL_KEY": APPROVAL_KEY,
            "SLACK_CHANNEL": CHANNEL,
            "SLACK_TEAMS": TEAM,
            "SLACK_APP": APP,
            "ACCOUNT_LABELS": f"{ACCOUNT}=demo",
        }
        approver = self._make("approver", {**common, **of_approver})
        self._make("revoker", common)
        self.api_url = self._make_api(approver)
        self.slack = Slack(self.slack_server, f"{self.api_url}/slack")
        role = self._make_role(KIMS_ROLE, SSO_PATH, Federated=SSO_PROVIDER)
        session = self.client("sts").assume_role(RoleArn=role, RoleSessionName=PEOPLE[KIM])["Credentials"]
        self.kims = Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])

    def _make(self, function: str, variables: dict[str, str]) -> str:
        package = self.function.with_name(self.function.name.replace("responder", function))
        if not package.is_file():
            raise Failure(f"{package} does not exist; `make run` and `make local` build it")
        return self._make_function(function, package, variables)

    def _make_secrets(self) -> None:
        of_slack = json.dumps({"bot_token": BOT_TOKEN, "signing": [SIGNING_SECRET]})
        secrets_manager = self.client("secretsmanager")
        for name, text in {SLACK_SECRET: of_slack, APPROVAL_KEY: secrets.token_hex(32)}.items():
            secrets_manager.create_secret(Name=name, SecretString=text)

    def _make_api(self, function: str) -> str:
        gateway = self.client("apigatewayv2")
        api = gateway.create_api(Name="eks-access-approvals", ProtocolType="HTTP")["ApiId"]
        target = gateway.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0"
        )
        for route, authorization in {"POST /slack": "NONE", "ANY /v1/{proxy+}": "AWS_IAM"}.items():
            gateway.create_route(
                ApiId=api,
                RouteKey=route,
                AuthorizationType=authorization,
                Target=f"integrations/{target['IntegrationId']}",
            )
        gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        # An address without a path, as those of AWS have none.
        return self._relay(Relay(self.port, f"/_aws/execute-api/{api}")).url

    def call(self, method: str, path: str) -> dict:
        """What the approvals' API answers Kim."""
        request = AWSRequest(method, self.api_url + path)
        SigV4Auth(self.kims, "execute-api", REGION).add_auth(request)
        connection = http.client.HTTPConnection(self.api_url.removeprefix("http://"), timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, headers=dict(request.headers))
            answer = connection.getresponse()
            told = json.load(answer)
        if answer.status >= 300:
            raise Failure(f"{method} {path}: {answer.status} {told}")
        return told

    def would_log_in(self, role: str) -> dict:
        """What the authenticator would make of a session of the role, by the access entries that there are."""
        found = self.iam.get_role(RoleName=role)["Role"]
        return self.control_plane.ask("login", {"cluster": CLUSTER, "arn": found["Arn"], "id": found["RoleId"]})

    def variables_of_kim(self) -> dict[str, str]:
        """What `eks-access` needs to be Kim's."""
        return {
            "EKS_ACCESS_API": self.api_url,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_EKS": self.control_plane.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.kims.access_key,
            "AWS_SECRET_ACCESS_KEY": self.kims.secret_key,
            "AWS_SESSION_TOKEN": self.kims.token,
        }

    def endpoints(self) -> dict:
        return {
            **super().endpoints(),
            "api": self.api_url,
            "slack": self.slack_server.url,
            "requests_table": REQUESTS_TABLE,
            "guardrails": str(GUARDRAILS),
        }
