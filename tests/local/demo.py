#!/usr/bin/env python3
"""Shows the main job for real, without an AWS account (`make run`), and fails if it went otherwise.

Lines go into a cluster's log; what comes back is what a person would read in the mail. `make test` runs
the same with the package as it is deployed.
"""

import argparse
import json
import sys
import textwrap
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack import (
    ACCOUNT, CLUSTER, FUNCTION, LOG_GROUP, ROOT, Failure, Mail, Stack, end_on_signals, framed, wait_for,
)  # fmt: skip

NOW = datetime.now(UTC)
MAILS = ROOT / "target/local/mails"
# What fits on a screen; the whole mail goes into a file.
SHOWN_LINES = 40


def line(level: str, message: str, **fields: str) -> str:
    """One line as the authenticator writes it: logrus, keys in order, values quoted as Go does."""

    def quoted(value: str) -> str:
        return value if all(c.isalnum() or c in "-._/@^+" for c in value) else json.dumps(value)

    pairs = {"level": level, "msg": message, **dict(sorted(fields.items()))}
    return f'time="{NOW:%Y-%m-%dT%H:%M:%SZ}" ' + " ".join(f"{key}={quoted(value)}" for key, value in pairs.items())


def request(client_port: int) -> dict[str, str]:
    return {"client": f"127.0.0.1:{client_port}", "method": "POST", "path": "/authenticate"}


def identity(role: str, session: str, client_port: int) -> str:
    return line(
        "info", "STS response", accesskeyid="ASIAIOSFODNN7EXAMPLE", accountid=ACCOUNT,
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}", session=session,
        stsendpoint="sts.eu-west-1.amazonaws.com", userid="AROA1234567890EXAMPLE", **request(client_port),
    )  # fmt: skip


def refused(error: str, client_port: int, role: str | None = None) -> str:
    who = {"arn": f"arn:aws:iam::{ACCOUNT}:role/{role}"} if role else {}
    return line("warning", "access denied", error=error, **who, **request(client_port))


def granted(role: str, client_port: int) -> str:
    return line(
        "info", "access granted", arn=f"arn:aws:iam::{ACCOUNT}:role/{role}", groups="[platform]",
        uid=f"aws-iam-authenticator:{ACCOUNT}:AROA1234567890EXAMPLE", username=role, **request(client_port),
    )  # fmt: skip


SSO_ROLE = "AWSReservedSSO_Developer_0123456789abcdef"
YESTERDAY = NOW - timedelta(days=1)
BROKEN_YAML = "[yaml: line 13: did not find expected key]"


@dataclass(frozen=True)
class Scene:
    title: str
    lines: list[str]
    causes: list[str]
    principal: str | None = None


SCENES = [
    Scene(
        "Jane signs in through IAM Identity Center, and the cluster does not know her role",
        [
            granted("platform", 40100),
            identity(SSO_ROLE, "jane.doe@example.com", 40102),
            refused("identity is not mapped", 40102, SSO_ROLE),
            granted("platform", 40104),
        ],
        ["principal-not-mapped"],
        f"arn:aws:iam::{ACCOUNT}:role/{SSO_ROLE}",
    ),
    Scene(
        "a pipeline shows a token of yesterday",
        [
            refused(
                "input token was not properly formatted: X-Amz-Date parameter is expired (15 minute expiration) "
                f"{YESTERDAY:%Y-%m-%d %H:%M:%S} +0000 UTC",
                40200,
            ),
        ],
        ["token-expired"],
    ),
    Scene(
        "a stranger forges a denial in the log, to have an admin role let in",
        [
            refused(
                'input token was not properly formatted: unexpected hostname "x" '
                f'arn="arn:aws:iam::{ACCOUNT}:role/admin" error="ARN is not mapped" '
                '*<https://example.com|approve here>*" in pre-signed URL',
                40300,
            ),
        ],
        ["token-for-another-endpoint"],
    ),
    Scene(
        "somebody breaks aws-auth with one wrong indent, and twelve nodes are locked out",
        [
            line("warning", f"Errors parsing configmap: {BROKEN_YAML}"),
            line(
                "error", "There was an error parsing the config maps.  Only saving data that was good, "
                f"error parsing config map: {BROKEN_YAML}",
            ),
            line("error", f"error parsing config map: {BROKEN_YAML}"),
            *(
                said
                for node in range(12)
                for said in (
                    identity("eks-node", f"i-0123456789abcde{node:02}", 40400 + node),
                    refused("identity is not mapped", 40400 + node, "eks-node"),
                )
            ),
        ],
        ["aws-auth-malformed"],
    ),
]  # fmt: skip

# The same log group, another stream: what cluster users do is logged there, in words they choose.
AUDIT_NOISE = [
    json.dumps({"kind": "Event", "stage": "ResponseComplete", "userAgent": refused("ARN is not mapped", 1, "admin")}),
]


def quote(lines: list[str], width: int = 110) -> str:
    """One line is shown whole; of many, the beginnings of the first ones."""
    if len(lines) == 1:
        return textwrap.fill(lines[0], width, initial_indent="  > ", subsequent_indent="    ")
    shown = lines if len(lines) <= 5 else [*lines[:4], f"… and {len(lines) - 4} more"]
    return "\n".join(f"  > {text if len(text) <= width else text[: width - 1] + '…'}" for text in shown)


def show(mail: Mail, name: str) -> None:
    """The mail as its reader sees it, without scrolling."""
    path = MAILS / f"{name}.txt"
    path.write_text("\n".join(mail.lines()) + "\n")
    shown = mail.lines()
    if len(shown) > SHOWN_LINES:
        cut = SHOWN_LINES - 2
        shown = [*shown[:cut], "", f"[{len(shown) - cut} more lines in {path.relative_to(ROOT)}]"]
    print(framed(shown), flush=True)


def play(stack: Stack) -> None:
    MAILS.mkdir(parents=True, exist_ok=True)
    received: list[dict] = []
    for number, scene in enumerate(SCENES, start=1):
        print(f"\n{number}. {scene.title}\n\n{quote(scene.lines)}\n", flush=True)
        before, began = len(stack.relay.mails), time.monotonic()
        stack.put(scene.lines)

        def new_mails(before=before, scene=scene):
            mails = stack.relay.mails[before:]
            return mails if len(mails) >= len(scene.causes) else None

        mails = wait_for(f"the mail about {', '.join(scene.causes)}", 20, new_mails)
        took = time.monotonic() - began
        for mail, cause in zip(mails, scene.causes, strict=False):
            show(mail, f"{number}-{cause}")
        print(f"\n  {took:.2f} s after the {'lines were' if len(scene.lines) > 1 else 'line was'} logged", flush=True)

        def new_notices(have=len(received), scene=scene):
            received.extend(stack.notices())
            return len(received) - have >= len(scene.causes)

        have = len(received)
        wait_for("the same notice for machines", 10, new_notices)
        check(scene, received[have:])

    # Nothing more may come: neither from the granted logins nor from another component's stream.
    stack.put(AUDIT_NOISE, stack.audit_stream)
    deliveries = len(SCENES) + 1
    wait_for("the function to have seen every delivery", 20, lambda: len(stack.reports()) >= deliveries)
    received.extend(stack.notices())
    expected = sum(len(scene.causes) for scene in SCENES)
    if len(received) != expected or len(stack.relay.mails) != expected:
        raise Failure(f"{expected} notices were expected, {len(received)} came: {[n.get('cause') for n in received]}")


def total(stack: Stack, metric: str) -> int:
    """The sum of a metric over all deliveries, those by symptom left out."""
    return sum(document.get(metric, 0) for document in stack.metrics() if "Symptom" not in document)


def check(scene: Scene, notices: list[dict]) -> None:
    causes = sorted(notice["cause"] for notice in notices)
    if causes != sorted(scene.causes):
        raise Failure(f"`{scene.title}`: expected the causes {scene.causes}, got {causes}")
    for notice in notices:
        if notice["principal"] != scene.principal:
            raise Failure(f"`{scene.title}`: expected the principal {scene.principal}, got {notice['principal']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", type=Path, default=FUNCTION, metavar="ZIP")
    arguments = parser.parse_args()
    end_on_signals()

    began = time.monotonic()
    print("\nstarting a local stand-in for AWS and installing the responder in it …", flush=True)
    with Stack(arguments.function) as stack:
        print(f"ready after {time.monotonic() - began:.1f} s: cluster `{CLUSTER}`, log group {LOG_GROUP}")
        try:
            play(stack)
        except Failure as failure:
            raise Failure(f"{failure}\n{stack.diagnostics()}") from None
        counted = {name: total(stack, name) for name in ("Lines", "Ignored", "Denials", "Notices")}

    notices = sum(len(scene.causes) for scene in SCENES)
    print(f"""
── what this showed ─────────────────────────────────────────────────────────────────
  Of {counted["Lines"]} lines in a cluster's log {counted["Denials"]} told of something refused or broken. They became {notices} notices:
{chr(10).join(f"    {', '.join(scene.causes):28} {scene.title}" for scene in SCENES)}
  The granted logins made none, nor did what the audit log says ({counted["Ignored"]} line ignored). The forged
  line named nobody.

  Real        the function's own binary, {arguments.function.name}, run as Lambda runs it; the
              delivery that it gets from the log group; what it publishes.
  Simulated   CloudWatch Logs, Lambda, SNS and SQS, by MiniStack on 127.0.0.1; the mailbox, by a
              relay that keeps what SNS would have sent.
  In AWS      lines arrive after seconds or minutes; a delivery that fails is tried again and then
              kept in a queue; the filter lets less through (infra/sam/template.yaml).

── what to try next ─────────────────────────────────────────────────────────────────
  less {MAILS.relative_to(ROOT)}/1-{SCENES[0].causes[0]}.txt    a whole mail
  make local                                          keep this stack, and send it lines of your own
  cargo run -p eks-access-cli -- explain FILE         the same answers for a log file of yours
  cargo run -p eks-access-cli -- causes               every cause there is
  make build, then `sam deploy`                       in your account; README.md has the whole command
""")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"\nmake run: {failure}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the stack was taken down")
