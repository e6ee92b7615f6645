"""What breaks a rule is found, and what breaks none is left alone."""

import pytest

import rules
from documents import LAVISH, MESSAGE, MODAL, MUTATIONS, UNWANTED, changed, plain
from validate import tsc_problems

GOOD = {
    "a message": MESSAGE,
    "a modal": MODAL,
    "a modal of a text": {"type": "modal", "title": plain("Done"), "blocks": [{"type": "section", "text": plain("x")}]},
    "a message of a text": changed(MESSAGE, "blocks", []),
    "a reply": {**MESSAGE, "thread_ts": "1.000001", "reply_broadcast": True},
    "an edit": {"channel": "C0000000001", "ts": "1.000001", "text": "gone", "parse": "none", "blocks": MESSAGE["blocks"]},
    "a whisper": {"channel": "C0000000001", "user": "U0000000001", "text": "You may not.", "parse": "none"},
}


def named(table: list[tuple]) -> list:
    return [pytest.param(changed(document, place, value), found, id=name) for name, document, place, value, found in table]


@pytest.mark.parametrize("document", GOOD.values(), ids=GOOD)
def test_what_is_good_has_no_problem(document):
    assert rules.problems(document) + rules.over_budget(document) == []


def test_what_is_good_has_slacks_own_types():
    assert tsc_problems(list(GOOD.values())) == [[] for _ in GOOD]


@pytest.fixture(scope="module")
def by_tsc() -> dict[str, list[str]]:
    """What the compiler says of each mutation. It looks at all of them at once, as starting it takes longest."""
    names = [name for name, *_ in MUTATIONS]
    return dict(zip(names, tsc_problems([changed(*mutation[1:4]) for mutation in MUTATIONS])))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation[0])
def test_what_slack_refuses_is_found_by_exactly_these(mutation, by_tsc):
    name, document, place, value, expected = mutation
    mutated = changed(document, place, value)
    found = {oracle: problems for oracle, look in rules.ORACLES.items() if (problems := look(mutated))}
    found |= {"tsc": by_tsc[name]} if by_tsc[name] else {}
    assert set(found) == expected, found


def test_every_reader_is_needed():
    """One that finds nothing by itself would be one too many; slack_sdk alone knows how many fields there may be."""
    alone = {frozenset(expected) for *_, expected in MUTATIONS if len(expected) == 1}
    assert alone == {frozenset({oracle}) for oracle in (*rules.ORACLES, "tsc")}


@pytest.mark.parametrize(("document", "problem"), named(UNWANTED))
def test_what_we_do_not_want_is_found_though_slack_takes_it(document, problem):
    assert rules.slack_problems(document) == []
    assert rules.problems(document) == [problem]


@pytest.mark.parametrize(("document", "place"), named(LAVISH))
def test_what_is_more_than_we_want_is_found(document, place):
    assert [found.split(": ")[0] for found in rules.over_budget(document)] == [place]


def test_one_problem_does_not_hide_another():
    twice = changed(changed(MESSAGE, "blocks/0/text/text", "x" * 151), "blocks/4/elements", [plain("x")] * 11)
    places = {problem.split(":")[0] for problem in rules.by_blockkit(twice)}
    assert places == {"/blocks/0", "/blocks/4"}


@pytest.mark.parametrize("blocks", [None, "x", 5, [None], [5], [["x"]], [{}], [{"type": None}], [{"type": []}]])
def test_what_is_no_message_at_all_is_found_and_not_stumbled_over(blocks):
    document = changed(MESSAGE, "blocks", blocks)
    rules.over_budget(document)
    assert rules.problems(document)
