"""The server as a test starts it, with Slack's own client."""

import http.client
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from workspace import TOKEN, WEBHOOK

PROGRAM = Path(__file__).with_name("server.py")
SAFE = {"parse": "none", "unfurl_links": False, "unfurl_media": False}
TALK, OTHER, STRANGE = "C0000000001", "C0000000002", "C0000000009"
JANE, GROUP = "U0000000001", "S0000000001"
NO_RETRIES: list = []


class Fake:
    """The server, as a test starts it."""

    def __init__(self):
        command = [sys.executable, "-B", PROGRAM]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.client = self.client_with(TOKEN)

    def client_with(self, token: str | None) -> WebClient:
        return WebClient(token=token, base_url=f"{self.url}/api/", timeout=10, retry_handlers=NO_RETRIES)

    def webhook(self, path: str = WEBHOOK) -> WebhookClient:
        return WebhookClient(self.url + path, timeout=10, retry_handlers=NO_RETRIES)

    def ask(self, verb: str, path: str, body: str | bytes = b"", **headers: str):
        """(status, content) of a request that no client would send."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        connection.request(verb, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        return answer.status, json.loads(content) if content.startswith(("{", "[")) else content

    def control(self, verb: str, what: str, body=None):
        status, answer = self.ask(verb, f"/control/{what}", json.dumps(body))
        assert status == 200, answer
        return answer

    def faults(self, *faults: dict) -> None:
        self.control("POST", "faults", list(faults))

    def state(self, **kinds: dict) -> None:
        self.control("POST", "state", kinds)

    def complaints(self) -> list[str]:
        return self.control("GET", "complaints")

    def messages(self, channel: str = TALK) -> list[dict]:
        return self.control("GET", "messages").get(channel, [])

    def close(self) -> int:
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(10)


def refused(call, *arguments, **named) -> str:
    with pytest.raises(SlackApiError) as raised:
        call(*arguments, **named)
    return raised.value.response["error"]


def say(text: str, **more) -> dict:
    return {"channel": TALK, "text": text, **SAFE, **more}
