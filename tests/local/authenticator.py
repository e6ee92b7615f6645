"""Lines as the authenticator of a cluster writes them."""

import json
from datetime import UTC, datetime

from stack import ACCOUNT


def line(level: str, message: str, **fields: str) -> str:
    """logrus: keys in order, values quoted as Go does."""

    def quoted(value: str) -> str:
        return value if all(c.isalnum() or c in "-._/@^+" for c in value) else json.dumps(value)

    pairs = {"level": level, "msg": message, **dict(sorted(fields.items()))}
    written = " ".join(f"{key}={quoted(value)}" for key, value in pairs.items())
    return f'time="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" {written}'


def request(client_port: int) -> dict[str, str]:
    return {"client": f"127.0.0.1:{client_port}", "method": "POST", "path": "/authenticate"}


def identity(role: str, role_id: str, session: str, client_port: int) -> str:
    return line(
        "info", "STS response", accesskeyid="ASIAIOSFODNN7EXAMPLE", accountid=ACCOUNT,
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}", session=session,
        stsendpoint="sts.eu-west-1.amazonaws.com", userid=role_id, **request(client_port),
    )  # fmt: skip


def refused(error: str, client_port: int, role: str | None = None) -> str:
    who = {"arn": f"arn:aws:iam::{ACCOUNT}:role/{role}"} if role else {}
    return line("warning", "access denied", error=error, **who, **request(client_port))


def granted(role: str, client_port: int) -> str:
    return line(
        "info", "access granted", arn=f"arn:aws:iam::{ACCOUNT}:role/{role}", groups="[platform]",
        uid=f"aws-iam-authenticator:{ACCOUNT}:AROA1234567890EXAMPLE", username=role, **request(client_port),
    )  # fmt: skip
