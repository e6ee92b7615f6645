#!/usr/bin/env python3
"""Does in the Slack of `make local` what people do there. It is signed as Slack signs, and sent where Slack sends it.

    click.py                         the messages about requests, as they stand
    click.py review|dismiss|end|extend [ID]
                                     clicks a button of a request; of the newest that has it, without ID
    click.py send NAME=VALUE …       fills in the form that is open, and sends it: namespaces=shop,web
                                     policy=AmazonEKSViewPolicy duration=60 reason='incident 4711'

Whoever does it is Kim, who may approve. With `--sam` before everything it is Sam, whose role `sam` is.
"""

import json
import sys

import shown
from product import KIM, SAM, Slack, buttons
from stack import Control, Failure, framed, read_endpoints

SEVERAL = ("namespaces",)


def the_request(slack: Slack, action: str, part: str) -> dict:
    """The newest message with this button that says this."""
    found = [one for one in slack.requests() if action in buttons(one) and part in json.dumps(one["blocks"])]
    if not found:
        raise Failure(f"no request {part} has such a button now".replace("  ", " "))
    return found[-1]


def click(slack: Slack, user: str, button: str, part: str = "") -> None:
    action, before = f"req:{button}", len(slack.whispers(user))
    answered(slack.click(the_request(slack, action, part), action, user))
    whispers = slack.whispers(user)[before:]
    form = slack.form(user)
    if whispers:
        print("\n".join(framed(["Only you see this", *shown.message(whisper)]) for whisper in whispers))
    elif form and button in ("review", "extend"):
        print(framed(shown.form(form)))
        print(f"to fill in: {', '.join(block['block_id'] for block in form['blocks'] if block['type'] == 'input')}")
    else:
        print("done")


def send(slack: Slack, user: str, words: list[str]) -> None:
    if not slack.form(user):
        raise Failure("no form is open; `click.py review` opens one")
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    values = {name: text.split(",") if name in SEVERAL else text for name, text in pairs.items()}
    told = answered(slack.submit(values, user))
    print("\n".join(f"{name}: {why}" for name, why in told.get("errors", {}).items()) or "sent; Slack closes the form")


def answered(answer: dict) -> dict:
    if answer["status"] != 200:
        raise Failure(f"the approver answered with status {answer['status']}")
    return json.loads(answer["body"] or "{}")


def show(slack: Slack) -> None:
    print("\n".join(framed(shown.message(message)) for message in slack.requests()) or "there are no requests")


def main(arguments: list[str]) -> None:
    user = KIM
    if arguments[:1] == ["--sam"]:
        user, arguments = SAM, arguments[1:]
    stack = read_endpoints()
    slack = Slack(Control(stack["slack"]), f"{stack['api']}/slack")
    match arguments:
        case []:
            show(slack)
        case [("review" | "dismiss" | "end" | "extend") as button]:
            click(slack, user, button)
        case [("review" | "dismiss" | "end" | "extend") as button, part]:
            click(slack, user, button, part)
        case ["send", *words]:
            send(slack, user, words)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(str(failure))
