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
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack import (
    ACCOUNT, ADMIN_ROLE, CLUSTER, FORMER_SSO_ROLE, FUNCTION, LOG_GROUP, MODE, NODE_ROLE, PIPELINE_ROLE, ROOT,
    SSO_PATH, SSO_ROLE, Failure, Mail, Stack, end_on_signals, framed, wait_for,
)  # fmt: skip

MAILS = ROOT / "target/local/mails"
CARDS = ROOT / "target/local/cards.json"
# How often Jane tries again.
TRIES = 5
# What fits on a screen; the whole mail goes into a file.
SHOWN_LINES = 40


def line(level: str, message: str, **fields: str) -> str:
    """One line as the authenticator writes it: logrus, keys in order, values quoted as Go does."""

    def quoted(value: str) -> str:
        return value if all(c.isalnum() or c in "-._/@^+" for c in value) else json.dumps(value)

    pairs = {"level": level, "msg": message, **dict(sorted(fields.items()))}
    return f'time="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" ' + " ".join(f"{key}={quoted(value)}" for key, value in pairs.items())


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


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
BROKEN_YAML = "[yaml: line 13: did not find expected key]"


@dataclass(frozen=True)
class Scene:
    title: str
    lines: list[str]
    cause: str
    principal: str | None = None
    # What EKS and IAM must have told: what it is about, and a part of the sentence.
    learned: dict[str, str] = field(default_factory=dict)


def scenes(stack: Stack) -> list[Scene]:
    """What happens, in the cluster that the stack has made; the sessions' ids are those of its roles."""
    sso, pipeline, node = map(stack.role_id, (SSO_ROLE, PIPELINE_ROLE, NODE_ROLE))
    iam = f"arn:aws:iam::{ACCOUNT}:role"
    return [
        Scene(
            "Jane signs in through IAM Identity Center, whose permission set was made anew",
            [
                granted("platform-admin", 40100),
                identity(SSO_ROLE, sso, "jane.doe@example.com", 40102),
                refused("identity is not mapped", 40102, SSO_ROLE),
                granted("platform-admin", 40104),
            ],
            "sso-role-reprovisioned",
            f"{iam}/{SSO_ROLE}",
            {
                "in IAM": f"{iam}{SSO_PATH}{SSO_ROLE}, made ",
                "similar": f"{iam}{SSO_PATH}{FORMER_SSO_ROLE} has an entry",
                "admins": f"{iam}/{ADMIN_ROLE}",
            },
        ),
        Scene(
            "a pipeline's role was destroyed and made again, and its access entry was not",
            [
                identity(PIPELINE_ROLE, pipeline, "build-17", 40150),
                refused("identity is not mapped", 40150, PIPELINE_ROLE),
            ],
            "entry-outlived-its-role",
            f"{iam}/{PIPELINE_ROLE}",
            {"in IAM": f"{iam}/{PIPELINE_ROLE}, made ", "entry": "AmazonEKSEditPolicy in shop"},
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
            "token-expired",
        ),
        Scene(
            "a stranger forges a denial in the log, to have an admin role let in",
            [
                refused(
                    'input token was not properly formatted: unexpected hostname "x" '
                    f'arn="{iam}/admin" error="ARN is not mapped" '
                    '*<https://example.com|approve here>*" in pre-signed URL',
                    40300,
                ),
            ],
            "token-for-another-endpoint",
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
                    for number in range(12)
                    for said in (
                        identity(NODE_ROLE, node, f"i-0123456789abcde{number:02}", 40400 + number),
                        refused("identity is not mapped", 40400 + number, NODE_ROLE),
                    )
                ),
            ],
            "aws-auth-malformed",
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


def play(stack: Stack, scenes: list[Scene]) -> None:
    MAILS.mkdir(parents=True, exist_ok=True)
    received: list[dict] = []
    for number, scene in enumerate(scenes, start=1):
        print(f"\n{number}. {scene.title}\n\n{quote(scene.lines)}\n", flush=True)
        before, began = len(stack.relay.mails), time.monotonic()
        stack.put(scene.lines)
        (mail, *_) = wait_for(f"the mail about {scene.cause}", 20, lambda before=before: stack.relay.mails[before:])
        took = time.monotonic() - began
        show(mail, f"{number}-{scene.cause}")
        print(f"\n  {took:.2f} s after the {'lines were' if len(scene.lines) > 1 else 'line was'} logged", flush=True)

        def new_notices(have=len(received)):
            received.extend(stack.notices())
            return received[have:]

        check(scene, wait_for("the same notice for machines", 10, new_notices))

    # Nothing more may come: neither from who tries again, nor from the granted logins, nor from another
    # component's stream.
    number = len(scenes) + 1
    print(f"\n{number}. Jane tries again, {TRIES} times, and nobody hears of it twice", flush=True)
    for _ in range(TRIES):
        stack.put(scenes[0].lines)
    stack.put(AUDIT_NOISE, stack.audit_stream)
    deliveries = len(scenes) + TRIES + 1
    wait_for("the function to have seen every delivery", 20, lambda: len(stack.reports()) >= deliveries)
    received.extend(stack.notices())
    expected = len(scenes)
    if len(received) != expected or len(stack.relay.mails) != expected:
        raise Failure(f"{expected} notices were expected, {len(received)} came: {[n.get('cause') for n in received]}")
    if total(stack, "Suppressed") != TRIES:
        raise Failure(f"{TRIES} denials were to be counted and not told, {total(stack, 'Suppressed')} were")

    # People are told when it is over: the next look is two minutes after the last denial.
    number += 1
    print(f"\n{number}. Jane is let in; a tick sees it some minutes later (the clock is put forward)\n", flush=True)
    # A line tells its time to the second, and a login in the second of the last denial may have come before it.
    time.sleep(1)
    stack.put([granted(SSO_ROLE, 40500)])
    stack.tick(minutes=3)
    (mail,) = wait_for("the mail that it is over", 20, lambda: stack.relay.mails[expected:])
    show(mail, f"{number}-resolved")
    (notice,) = wait_for("the same notice for machines", 10, stack.notices)
    if (notice["kind"], notice["principal"], notice["count"]) != ("resolved", scenes[0].principal, 1 + TRIES):
        raise Failure(f"not what was resolved: {json.dumps(notice, indent=1)}")

    if stack.slack:
        cards, complaints = stack.slack.cards(), stack.slack.ask("complaints")
        CARDS.write_text(json.dumps(cards, indent=1, ensure_ascii=False) + "\n")
        if complaints or len(cards) != len(scenes):
            raise Failure(f"{len(scenes)} cards were expected in Slack, {len(cards)} came; Slack says {complaints}")


def total(stack: Stack, metric: str) -> int:
    """The sum of a metric over all deliveries, those by symptom left out."""
    return sum(document.get(metric, 0) for document in stack.metrics() if "Symptom" not in document)


def check(scene: Scene, notices: list[dict]) -> None:
    """The right cause by the right facts, and none unknown: this EKS and IAM are not of our making."""
    if [notice["cause"] for notice in notices] != [scene.cause]:
        raise Failure(f"`{scene.title}`: expected {scene.cause}, got {[notice['cause'] for notice in notices]}")
    (notice,) = notices
    learned = {fact["about"]: fact["text"] for fact in notice["facts"]["learned"]}
    for what, is_right in {
        "principal": notice["principal"] == scene.principal,
        "facts.learned": all(part in learned.get(about, "") for about, part in scene.learned.items()),
        "facts.unknown": notice["facts"]["unknown"] == [],
        "mode": not scene.learned or notice["mode"] == MODE,
    }.items():
        if not is_right:
            raise Failure(f"`{scene.title}`: `{what}` is not what it should be: {json.dumps(notice, indent=1)}")


def slack_said(stack: Stack, cards: int) -> str:
    if stack.slack:
        return f"Slack got {cards} cards, and edited Jane's in place: {CARDS.relative_to(ROOT)}."
    return "There was no Slack in it; after `make tools` there is."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", type=Path, default=FUNCTION, metavar="ZIP")
    arguments = parser.parse_args()
    end_on_signals()

    began = time.monotonic()
    print("\nstarting a local stand-in for AWS and installing the responder in it …", flush=True)
    with Stack(arguments.function) as stack:
        print(f"ready after {time.monotonic() - began:.1f} s: cluster `{CLUSTER}`, log group {LOG_GROUP}")
        all_scenes = scenes(stack)
        try:
            play(stack, all_scenes)
        except Failure as failure:
            raise Failure(f"{failure}\n{stack.diagnostics()}") from None
        counted = {name: total(stack, name) for name in ("Lines", "Ignored", "Denials", "FactsUnknown", "Suppressed")}
        if counted["FactsUnknown"]:
            raise Failure(f"facts stayed unknown\n{stack.diagnostics()}")

    print(f"""
── what this showed ─────────────────────────────────────────────────────────────────
  Of {counted["Lines"]} lines in a cluster's log {counted["Denials"]} told of something refused or broken. They became {len(all_scenes)} notices:
{chr(10).join(f"    {scene.cause:28} {scene.title}" for scene in all_scenes)}
  The granted logins made none, nor did what the audit log says ({counted["Ignored"]} line ignored). The forged
  line named nobody. Why the first two were refused is in no line: the function asked EKS and IAM.
  Of Jane people were told once, and once more when she got in; {counted["Suppressed"]} more denials were only counted.
  {slack_said(stack, len(all_scenes))}

  Real        the function's own binary, {arguments.function.name}, run as Lambda runs it; the
              delivery that it gets from the log group; what it publishes.
  Simulated   CloudWatch Logs, Lambda, DynamoDB, EKS, IAM, SNS and SQS, by MiniStack on 127.0.0.1;
              the mailbox, by a relay that keeps what SNS would have sent{"; Slack" if stack.slack else ""}.
  In AWS      lines arrive after seconds or minutes; a delivery that fails is tried again and then
              kept in a queue; the filter lets less through (infra/sam/template.yaml).

── what to try next ─────────────────────────────────────────────────────────────────
  less {MAILS.relative_to(ROOT)}/1-{all_scenes[0].cause}.txt    a whole mail
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
