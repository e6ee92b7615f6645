"""The vectors of tests/fixtures/signatures.json are what they say, as Slack's own libraries see them."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from slack_sdk.signature import SignatureVerifier

import interactions
import signatures
from signatures import ACCEPT, RAISE, REFUSE

HERE = Path(__file__).parent
FIXTURE = HERE.parent / "fixtures/signatures.json"
VECTORS = signatures.vectors()

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])


class Clock:
    def __init__(self, now: int):
        self.now = lambda: now


def said_of(verdicts: list[str]) -> str:
    """Of several secrets one must do."""
    return ACCEPT if ACCEPT in verdicts else RAISE if RAISE in verdicts else REFUSE


def by_slack_sdk(vector: dict) -> str:
    body = base64.b64decode(vector["body"])
    return said_of([one_by_slack_sdk(vector, secret, body) for secret in vector["secrets"]])


def one_by_slack_sdk(vector: dict, secret: str, body: bytes) -> str:
    headers = {"X-Slack-Request-Timestamp": vector["timestamp"], "X-Slack-Signature": vector["signature"]}
    headers = {name: value for name, value in headers.items() if value is not None}
    try:
        is_valid = SignatureVerifier(secret, Clock(vector["now"])).is_valid_request(body, headers)
    except (TypeError, ValueError):
        return RAISE
    return ACCEPT if is_valid else REFUSE


@pytest.fixture(scope="module")
def by_bolt(bolt) -> dict[tuple[str, bool], str]:
    """By vector, and whether the body came in base64, what bolt says. It looks at all at once, as node starts slowly."""
    asked = [(vector, secret, coded) for vector in VECTORS for secret in vector["secrets"] for coded in (True, False)]
    asked = [one for one in asked if one[2] or one[0]["bolt_text"] is not None]
    program = ["node", HERE / "bolt.mjs", bolt / "package.json"]
    requests = json.dumps([request_for_bolt(*one) for one in asked])
    output = subprocess.run(program, input=requests, capture_output=True, text=True, timeout=120, check=True).stdout
    verdicts: dict[tuple[str, bool], list[str]] = {}
    for (vector, _, coded), verdict in zip(asked, json.loads(output), strict=True):
        verdicts.setdefault((vector["name"], coded), []).append(verdict)
    return {key: said_of(said) for key, said in verdicts.items()}


def request_for_bolt(vector: dict, secret: str, coded: bool) -> dict:
    body = vector["body"] if coded else base64.b64decode(vector["body"]).decode()
    told = {name: vector[name] for name in ("now", "timestamp", "signature")}
    return {**told, "secret": secret, "body": body, "isBase64Encoded": coded}


def test_the_fixture_is_what_the_program_prints():
    same = FIXTURE.read_text() == signatures.written()
    assert same, "run tests/slack/signatures.py > tests/fixtures/signatures.json"


def test_there_are_many_of_both_kinds():
    valid = [vector["valid"] for vector in VECTORS]
    assert len(valid) >= 100 and valid.count(True) >= 30


@each_vector
def test_slack_sdk_says_what_the_vector_says(vector):
    assert by_slack_sdk(vector) == vector["slack_sdk"]


@each_vector
def test_bolt_says_what_the_vector_says(vector, by_bolt):
    assert by_bolt[vector["name"], True] == vector["bolt"]
    assert by_bolt.get((vector["name"], False)) == vector["bolt_text"]


@each_vector
def test_where_a_library_is_wrong_the_vector_says_why(vector):
    right = ACCEPT if vector["valid"] else REFUSE
    said = {vector["slack_sdk"], vector["bolt"], vector["bolt_text"] or right}
    assert (said == {right}) == (vector["why"] is None), said


@each_vector
def test_a_valid_vector_is_signed_as_the_fake_signs(vector):
    body, stamp = base64.b64decode(vector["body"]), vector["timestamp"] or ""
    mine = [interactions.signature(secret, stamp, body) for secret in vector["secrets"]]
    near = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and abs(int(stamp) - vector["now"]) <= 300
    assert (near and vector["signature"] in mine) == vector["valid"]
