#!/usr/bin/env python3
"""Shows the main job for real, without an AWS account (`make run`), and fails if it went otherwise.

Lines go into a cluster's log; what comes back is what people would read in the mail and in Slack, and do there.
`make test` runs the same with the packages as they are deployed.
"""

import argparse
import json
import shutil
import sys
import textwrap
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from authenticator import granted, identity, line, refused
from grant import ROLE, Grant
from product import GUARDRAILS, Product
from stack import (
    ACCOUNT, ADMIN_ROLE, CLUSTER, FORMER_SSO_ROLE, FUNCTION, LOG_GROUP, MODE, NODE_ROLE, PIPELINE_ROLE, ROOT,
    SSO_PATH, SSO_ROLE, Failure, end_on_signals, wait_for,
)  # fmt: skip
from story import MAILS, SHOWN_LINES, Story, say, show

CARDS = ROOT / "target/local/cards.json"
# How often Jane tries again.
TRIES = 5
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
    # Whether the guardrails offer the principal access.
    is_offered: bool = False


def scenes(stack: Product) -> list[Scene]:
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
            "Sam's role was never let in, and the guardrails offer it a look at two namespaces",
            [
                identity(ROLE, stack.role_id(ROLE), "sam@example.com", 40350),
                refused("identity is not mapped", 40350, ROLE),
            ],
            "principal-not-mapped",
            f"{iam}/{ROLE}",
            {"in IAM": f"{iam}/dev/{ROLE}, made "},
            is_offered=True,
        ),
        # The last, for while aws-auth is broken nobody is offered anything.
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


class Demo(Story):
    """The scenes, and what follows from some of them."""

    def play(self, scenes: list[Scene]) -> None:
        for scene in scenes:
            self.scene(scene)
            if scene.is_offered:
                Grant(self, f"arn:aws:iam::{ACCOUNT}:role/dev/{ROLE}").play()
        self.jane_tries_again(scenes)
        self.jane_is_let_in(scenes[0])
        self.end(scenes)

    def scene(self, scene: Scene) -> None:
        self.title(f"{scene.title}\n\n{quote(scene.lines)}")
        began = time.monotonic()
        self.stack.put(scene.lines)
        mail = self.mail(f"about {scene.cause}")
        took = time.monotonic() - began
        show(mail, f"{self.number}-{scene.cause}", 21 if scene.is_offered else SHOWN_LINES)
        say(f"\n  {took:.2f} s after the {'lines were' if len(scene.lines) > 1 else 'line was'} logged")
        more = ("requested", "audit") if scene.is_offered else ()
        check(scene, self.notices("first", *more)[0])

    def jane_tries_again(self, scenes: list[Scene]) -> None:
        """Nothing more may come: neither from who tries again, nor from the granted logins, nor from another component's
        stream."""
        self.title(f"Jane tries again, {TRIES} times, and nobody hears of it twice")
        for _ in range(TRIES):
            self.stack.put(scenes[0].lines)
        self.stack.put(AUDIT_NOISE, self.stack.audit_stream)
        deliveries = len(scenes) + TRIES + 1
        wait_for("the function to have seen every delivery", 20, lambda: len(self.stack.reports()) >= deliveries)
        too_much = self.stack.notices() + self.stack.relay.mails[self.mails :]
        if too_much:
            raise Failure(f"nothing was to be told, and this was: {too_much}")
        if total(self.stack, "Suppressed") != TRIES:
            raise Failure(f"{TRIES} denials were to be counted and not told, {total(self.stack, 'Suppressed')} were")
        say(f"  {TRIES} denials were counted, and a line of another log that imitates one was ignored")

    def jane_is_let_in(self, scene: Scene) -> None:
        """People are told when it is over: the next look is two minutes after the last denial."""
        self.title("Jane is let in; a tick sees it some minutes later (the clock is put forward)")
        # A line tells its time to the second, and a login in the second of the last denial may have come before it.
        time.sleep(1)
        self.stack.put([granted(SSO_ROLE, 40500)])
        self.stack.tick(minutes=3)
        show(self.mail("that it is over"), f"{self.number}-resolved")
        (notice,) = self.notices("resolved")
        if (notice["principal"], notice["count"]) != (scene.principal, 1 + TRIES):
            raise Failure(f"not what was resolved: {json.dumps(notice, indent=1)}")

    def end(self, scenes: list[Scene]) -> None:
        """Whoever played AWS and Slack was content, and no function had anything to complain of."""
        cards, complaints = self.slack.cards(), self.stack.slack_server.ask("complaints")
        CARDS.write_text(json.dumps(self.slack.messages(), indent=1, ensure_ascii=False) + "\n")
        if complaints or len(cards) != len(scenes):
            raise Failure(f"{len(scenes)} cards were expected in Slack, {len(cards)} came; Slack says {complaints}")
        if complaints := self.stack.control_plane.ask("complaints"):
            raise Failure(f"EKS was asked what nobody should ask: {complaints}")
        logged = [line for name in self.stack.functions() for line in self.stack.function_log(name)]
        if errors := [line for line in logged if '"level":"error"' in line]:
            raise Failure(f"a function says that something is wrong: {errors}")


def total(stack: Product, metric: str) -> int:
    """The sum of a metric over all deliveries, those by symptom left out."""
    return sum(document.get(metric, 0) for document in stack.metrics() if "Symptom" not in document)


def check(scene: Scene, notice: dict) -> None:
    """The right cause by the right facts, and none unknown."""
    learned = {fact["about"]: fact["text"] for fact in notice["facts"]["learned"]}
    for what, is_right in {
        "cause": notice["cause"] == scene.cause,
        "principal": notice["principal"] == scene.principal,
        "facts.learned": all(part in learned.get(about, "") for about, part in scene.learned.items()),
        "facts.unknown": notice["facts"]["unknown"] == [],
        "mode": not scene.learned or notice["mode"] == MODE,
    }.items():
        if not is_right:
            raise Failure(f"`{scene.title}`: `{what}` is not what it should be: {json.dumps(notice, indent=1)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", type=Path, default=FUNCTION, metavar="ZIP")
    arguments = parser.parse_args()
    end_on_signals()

    began = time.monotonic()
    shutil.rmtree(MAILS, ignore_errors=True)
    MAILS.mkdir(parents=True)
    say("\nstarting a local stand-in for AWS and for Slack, and installing the four functions in it …")
    with Product(arguments.function) as stack:
        say(f"ready after {time.monotonic() - began:.1f} s: cluster `{CLUSTER}`, log group {LOG_GROUP}")
        all_scenes = scenes(stack)
        try:
            Demo(stack).play(all_scenes)
        except Failure as failure:
            raise Failure(f"{failure}\n{stack.diagnostics()}") from None
        counted = {name: total(stack, name) for name in ("Lines", "Ignored", "Denials", "FactsUnknown", "Suppressed")}
        if counted["FactsUnknown"]:
            raise Failure(f"facts stayed unknown\n{stack.diagnostics()}")

    say(f"""
── what this showed ─────────────────────────────────────────────────────────────────
  Of {counted["Lines"]} lines in a cluster's log {counted["Denials"]} told of something refused or broken. They became {len(all_scenes)} notices:
{chr(10).join(f"    {scene.cause:28} {scene.title}" for scene in all_scenes)}
  The granted logins made none, nor did what the audit log says ({counted["Ignored"]} line ignored). The forged
  line named nobody. Why roles were refused is in no line: the function asked EKS and IAM.
  Of Jane people were told once, and once more when she got in; {counted["Suppressed"]} more denials were only counted.
  Sam was let in by somebody else's yes, for a minute, and by nobody but the function that can.
  All that Slack got is in {CARDS.relative_to(ROOT)}, the mails are in {MAILS.relative_to(ROOT)}/.

  Real        the functions' own binaries, {arguments.function.name} and its like, run as Lambda
              runs them: what they get, check, ask, write and send.
  Simulated   EKS, by a strict fake of ours; Slack, by one that signs what it sends; the mailbox, by a
              relay that keeps what SNS would have sent; CloudWatch Logs, Lambda, API Gateway, DynamoDB,
              IAM, Secrets Manager, SNS and SQS, by MiniStack on 127.0.0.1.
  In AWS      lines arrive after seconds or minutes; what fails is tried again and then kept in a queue;
              the filter lets less through; IAM holds each function to a few actions of its own; nobody
              is offered anything before a file says so, as {GUARDRAILS.relative_to(ROOT)} does here.

── what to try next ─────────────────────────────────────────────────────────────────
  less {MAILS.relative_to(ROOT)}/1-{all_scenes[0].cause}.txt    a whole mail
  make local                                          keep this stack, send it lines, say yes yourself
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
