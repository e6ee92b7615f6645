#!/usr/bin/env python3
"""Holds documents, messages and modals, against everything we know of Slack.

Reads them from standard input, one in a line, as JSON. The rules look at each of them, and Slack's own
types, through the compiler of TypeScript, at all of them at once. Ends with 0 if nothing is wrong, with 1
if something is or nothing came, and with 2 if something that it needs is not installed.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import rules
except ModuleNotFoundError as error:
    print(
        f"the package `{error.name}` is not installed; python3 -m venv .tools/slack &&"
        " .tools/slack/bin/python -m pip install --requirement tools/requirements/slack.txt",
        file=sys.stderr,
    )
    sys.exit(2)

TYPES = Path(__file__).resolve().parents[2] / "tools/slack-types"
COMPILER = TYPES / "node_modules/typescript/bin/tsc"
INSTALL_TYPES = "npm ci --prefix tools/slack-types"

SETTINGS = {
    "compilerOptions": {
        "strict": True,
        "exactOptionalPropertyTypes": True,
        "noEmit": True,
        "skipLibCheck": True,
        "module": "esnext",
        "moduleResolution": "bundler",
        "target": "esnext",
        "types": [],
    },
    "files": ["documents.ts"],
}
# In Slack's types a modal may hold blocks of any type. Ours are of a known one.
PREAMBLE = """\
import type { KnownBlock, MessageMetadata, ModalView } from '@slack/types';
type Modal = Omit<ModalView, 'blocks'> & { blocks: KnownBlock[] };
interface Message { %s }
"""
ERROR = re.compile(r"documents\.ts\((\d+),\d+\): error (TS\d+: .*)")


class Missing(Exception):
    """Something is not installed; the message says what, and how to install it."""


def tsc_problems(documents: list[dict]) -> list[list[str]]:
    """For each document what the compiler says of it."""
    preamble = PREAMBLE % arguments()
    first = preamble.count("\n") + 1
    found: dict[int, list[str]] = {first + index: [] for index in range(len(documents))}
    for line in compiled(preamble + "".join(map(literal, documents))).splitlines():
        error = ERROR.match(line)
        if error and int(error[1]) in found:
            found[int(error[1])].append(error[2])
        elif not line.startswith(" "):
            raise RuntimeError(f"the compiler of TypeScript says what nobody expects: {line}")
    return list(found.values())


def arguments() -> str:
    return "; ".join(f"{name}{'' if name == 'text' else '?'}: {kind}" for name, kind in rules.ARGUMENTS.items())


def literal(document: dict) -> str:
    """A document as one line of TypeScript, so that the line of an error tells the document."""
    kind = "Modal" if document.get("type") == "modal" else "Message"
    return f"({json.dumps(document)}) satisfies {kind};\n"


def compiled(source: str, packages: Path = TYPES) -> str:
    """What the compiler prints of a program that may import what is installed there."""
    require_node()
    with tempfile.TemporaryDirectory(prefix="slack-types-") as name:
        folder = Path(name)
        (folder / "node_modules").symlink_to(packages / "node_modules")
        (folder / "documents.ts").write_text(source)
        (folder / "tsconfig.json").write_text(json.dumps(SETTINGS))
        command = ["node", COMPILER, "--pretty", "false", "--project", folder]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        if result.returncode and not result.stdout:
            raise Missing(f"the compiler of TypeScript does not start: {result.stderr}\n{INSTALL_TYPES}")
        return result.stdout


def require_node() -> None:
    if not shutil.which("node"):
        raise Missing("node, 20 or later, is not installed; Debian, Ubuntu: apt-get install nodejs npm")
    if not COMPILER.is_file() or not (TYPES / "node_modules/@slack/types").is_dir():
        raise Missing(f"Slack's types are not installed; {INSTALL_TYPES}")


def documents_in(text: str) -> dict[int, dict | None]:
    """By the number of its line each document, or None where there is something else."""
    lines = text.split("\n")  # `splitlines` would split inside of strings, at U+2028
    return {number: parsed(line) for number, line in enumerate(lines, 1) if line.strip()}


def parsed(line: str) -> dict | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def all_problems(by_line: dict[int, dict | None]) -> list[str]:
    """Every problem of every document, in the order of the lines."""
    documents = {number: document for number, document in by_line.items() if document is not None}
    by_tsc = dict(zip(documents, tsc_problems(list(documents.values()))))
    found = []
    for number, document in by_line.items():
        known = [*rules.problems(document), *rules.over_budget(document)] if document is not None else ["is no JSON object"]
        found += [f"line {number}: {problem}" for problem in known + by_tsc.get(number, [])]
    return found


def main() -> int:
    documents = documents_in(sys.stdin.buffer.read().decode())
    try:
        found = all_problems(documents)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    print(f"{len(documents)} documents, {len(found)} problems", *found, sep="\n")
    return 1 if found or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
