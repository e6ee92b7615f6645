#!/usr/bin/env python3
"""Keeps the stack until Ctrl-C (`make local`), to send it lines and to approve what comes of them.

Writes target/local/endpoints.json, for send.py and click.py, and target/local/kim.sh, for `eks-access`.
"""

import argparse
import contextlib
import shlex
import sys
import time
from pathlib import Path

import shown
from product import Product
from stack import CLUSTER, DEVELOPERS, ENDPOINTS, FUNCTION, ROOT, Failure, end_on_signals, framed, write_endpoints

OF_KIM = ROOT / "target/local/kim.sh"
RUN = ".tools/run/bin/python tests/local"
# Seconds. In AWS it is a minute, which is long for whoever waits for a grant of one minute to end.
TICK = 15


def help_text() -> str:
    others = " and ".join(f"`{name}`" for name in DEVELOPERS[1:])
    return f"""
Everything runs, and waits for lines of the cluster `{CLUSTER}`. From another terminal in this folder:

  a line of your own            {RUN}/send.py 'time="…" level=warning msg="access denied" …'
  a whole log file              {RUN}/send.py - < authenticator.log

  1. somebody is refused        {RUN}/send.py --denied {DEVELOPERS[0]}      (also {others})
  2. what Slack shows           {RUN}/click.py
  3. Kim opens the form         {RUN}/click.py review
  4. and sends it               {RUN}/click.py send namespaces=shop duration=60 reason='incident 4711'
     or ends the grant early    {RUN}/click.py end

  or as Kim with the command    source {OF_KIM.relative_to(ROOT)}
                                cargo run -q -p eks-access-cli -- requests
                                cargo run -q -p eks-access-cli -- approve ID --namespaces shop --for 1m

  everything's address          {ENDPOINTS.relative_to(ROOT)}
  who may be offered what       tests/local/guardrails.toml, which is read at the start

A denial is told once; after the line of a granted login (send.py --granted ROLE) the next one is told again. Grants end at
a tick, which comes every {TICK} seconds here and every minute in AWS. Mails, requests and what the functions log come below.
Ctrl-C ends it."""


class Watch:
    """What is new since it was asked last."""

    def __init__(self, stack: Product):
        self.stack = stack
        self.mails = 0
        self.logged = dict.fromkeys(stack.functions(), 0)
        self.headlines: dict[str, str] = {}

    def news(self) -> list[str]:
        return [*self.new_mails(), *self.new_in_slack(), *self.new_in_logs()]

    def new_mails(self) -> list[str]:
        mails = self.stack.relay.mails[self.mails :]
        self.mails += len(mails)
        return ["\n" + framed(["Mail", *mail.lines()]) for mail in mails]

    def new_in_slack(self) -> list[str]:
        found = []
        for message in self.stack.slack.requests():
            text = shown.message(message)
            if self.headlines.get(message["ts"]) != text[0]:
                self.headlines[message["ts"]] = text[0]
                found.append("\n" + framed(["Slack", *text]))
        return found

    def new_in_logs(self) -> list[str]:
        """Metrics and the audit are for machines."""
        found = []
        for name, seen in self.logged.items():
            lines = self.stack.function_log(name)
            self.logged[name] = len(lines)
            found += [f"  {name}: {line}" for line in lines[seen:] if '"_aws":' not in line and '"audit":' not in line]
        return found


def keep(stack: Product) -> None:
    watch, next_tick = Watch(stack), time.monotonic() + TICK
    while stack.server.poll() is None:
        if time.monotonic() >= next_tick:
            next_tick += TICK
            for function in ("responder", "revoker"):
                stack.tick(function=function)
        for text in watch.news():
            print(text, flush=True)
        time.sleep(0.5)
    raise Failure(f"MiniStack ended by itself:\n{stack.server_log.read_text()[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", type=Path, default=FUNCTION, metavar="ZIP")
    arguments = parser.parse_args()
    end_on_signals()
    with Product(arguments.function) as stack, contextlib.ExitStack() as at_end:
        for path in (ENDPOINTS, OF_KIM):
            at_end.callback(path.unlink, missing_ok=True)
        write_endpoints(stack.endpoints())
        exports = (f"export {name}={shlex.quote(value)}\n" for name, value in stack.variables_of_kim().items())
        OF_KIM.write_text("".join(exports))
        print(help_text(), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            keep(stack)
        print("\ntaking the stack down")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"make local: {failure}")
    except KeyboardInterrupt:
        pass
