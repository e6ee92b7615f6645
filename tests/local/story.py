"""What the demo tells, and waits for."""

import json
from collections import Counter
from pathlib import Path

from product import Product
from stack import ROOT, Failure, Mail, framed, wait_for

MAILS = ROOT / "target/local/mails"
# What fits on a screen; the whole mail goes into a file.
SHOWN_LINES = 40


def keep(mail: Mail, name: str) -> Path:
    path = MAILS / f"{name}.txt"
    path.write_text("\n".join(mail.lines()) + "\n")
    return path


def show(mail: Mail, name: str, most: int = SHOWN_LINES) -> None:
    """The mail as its reader sees it, without scrolling."""
    path, lines = keep(mail, name), mail.lines()
    if len(lines) > most:
        cut = most - 2
        lines = [*lines[:cut], "", f"[{len(lines) - cut} more lines in {path.relative_to(ROOT)}]"]
    say(framed(lines))


def say(text: str) -> None:
    print(text, flush=True)


class Story:
    """What happens, one thing after another, as people and machines hear of it."""

    def __init__(self, stack: Product):
        self.stack, self.slack = stack, stack.slack
        self.number = 0
        # How many were seen.
        self.mails = 0

    def title(self, title: str) -> None:
        self.number += 1
        say(f"\n{self.number}. {title}\n")

    def mail(self, about: str) -> Mail:
        """The next mail."""
        seen, self.mails = self.mails, self.mails + 1
        return wait_for(f"the mail {about}", 20, lambda: self.stack.relay.mails[seen:])[0]

    def notices(self, *kinds: str) -> list[dict]:
        """What comes next to machines, when there is one of each of these kinds; in whichever order."""
        found: list[dict] = []

        def are_all_there() -> bool:
            found.extend(self.stack.notices())
            return len(found) >= len(kinds)

        wait_for(f"{', '.join(kinds)}, for machines", 20, are_all_there)
        if Counter(notice["kind"] for notice in found) != Counter(kinds):
            raise Failure(f"{', '.join(kinds)} were expected, and not {json.dumps(found, indent=1)}")
        return sorted(found, key=lambda notice: kinds.index(notice["kind"]))
