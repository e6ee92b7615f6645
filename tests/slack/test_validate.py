"""validate.py as a program: what it prints, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents import MESSAGE, MODAL, changed
from validate import Missing, tsc_problems

PROGRAM = Path(__file__).with_name("validate.py")


def validate(*lines: str, python: tuple[str, ...] = (sys.executable,), **environment: str) -> subprocess.CompletedProcess:
    given = {"PATH": os.environ["PATH"], **environment}
    command = [*python, "-B", PROGRAM]
    return subprocess.run(command, input="\n".join(lines), env=given, capture_output=True, text=True, timeout=120)


def test_good_documents_end_with_0():
    result = validate(json.dumps(MESSAGE), "", json.dumps(MODAL), "")
    assert (result.returncode, result.stdout, result.stderr) == (0, "2 documents, 0 problems\n", "")


def test_each_problem_is_printed_with_its_line():
    lavish = changed(MODAL, "private_metadata", "x" * 201)
    only_for_tsc = changed(MESSAGE, "metadata", {"event_payload": {}})
    broken = changed(MESSAGE, "unfurl_links", True)
    result = validate(json.dumps(MESSAGE), json.dumps(lavish), "", "[]", json.dumps(only_for_tsc), json.dumps(broken))
    first, *problems = result.stdout.splitlines()
    assert (result.returncode, first) == (1, "5 documents, 4 problems")
    assert [problem.split(": ")[:2] for problem in problems] == [
        ["line 2", "/private_metadata"],
        ["line 4", "is no JSON object"],
        ["line 5", "TS2741"],
        ["line 6", "/unfurl_links"],
    ]


def test_a_text_that_has_line_separators_is_one_document():
    text = json.dumps({**MESSAGE, "text": "one\u2028two\u0085three"}, ensure_ascii=False)
    assert validate(text).stdout == "1 documents, 0 problems\n"


def test_nothing_to_look_at_is_no_success():
    assert validate().returncode == 1


def test_a_missing_node_is_named_with_what_to_do(tmp_path):
    result = validate(json.dumps(MESSAGE), PATH=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert "apt-get install nodejs" in result.stderr


def test_missing_types_are_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("validate.COMPILER", tmp_path / "tsc")
    with pytest.raises(Missing, match="npm ci --prefix tools/slack-types"):
        tsc_problems([MESSAGE])


def test_a_missing_package_is_named_with_what_to_do():
    result = validate(json.dumps(MESSAGE), python=(sys.executable, "-S"))
    assert (result.returncode, result.stdout) == (2, "")
    assert "--requirement tools/requirements/slack.txt" in result.stderr
