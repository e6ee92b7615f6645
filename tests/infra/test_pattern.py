"""The subscription filters deliver what the responder needs, and spare it what it does not."""

import re

import pytest

import lines
from pattern import Pattern
from expanded import ROOT, TEMPLATE, Stack

PRESETS = {name: Pattern.parse(preset["Pattern"]) for name, preset in TEMPLATE["Mappings"]["Deliver"].items()}


@pytest.mark.parametrize("line", [*lines.DENIALS, *lines.IDENTITIES, *lines.FAULTS])
def test_full_delivers_every_denial_identity_and_fault(line):
    assert PRESETS["full"].matches(line, whole_words=True)


@pytest.mark.parametrize("line", lines.DENIALS)
def test_denials_only_delivers_every_denial(line):
    assert PRESETS["denials-only"].matches(line, whole_words=True)


@pytest.mark.parametrize("line", [*lines.IDENTITIES, *lines.FAULTS])
def test_denials_only_delivers_nothing_else(line):
    assert not PRESETS["denials-only"].matches(line, whole_words=False)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("line", [*lines.GRANTED, *lines.ROUTINE, *lines.OTHER_STREAMS])
def test_no_preset_delivers_what_works_or_is_routine(preset, line):
    assert not PRESETS[preset].matches(line, whole_words=False)


def examples_of_the_catalogue() -> list[tuple[str, str, str]]:
    """(symptom, kind, line) of every example that a cause gives and that the authenticator would write."""
    kinds = dict(re.findall(r'^    (\w+) = "[\w-]+", (\w+);', (ROOT / "crates/eks-access/src/symptom.rs").read_text(), re.M))
    found = [
        (symptom, kinds[symptom], line)
        for path in sorted((ROOT / "crates/eks-access/src/causes").glob("*.rs"))
        for _, line, symptom in re.findall(
            r'line:\s*r(#*)"(.*?)"\1,\s*symptom:\s*Symptom::(\w+)', path.read_text(), re.S
        )
    ]
    return [(symptom, kind, line) for symptom, kind, line in found if re.search(r'\bmsg"?[=:]', line)]


EXAMPLES = examples_of_the_catalogue()


def test_the_catalogue_has_examples_of_all_that_is_delivered():
    assert len(EXAMPLES) > 50
    assert {kind for _, kind, _ in EXAMPLES} >= {"Denial", "Fault"}


@pytest.mark.parametrize(("symptom", "kind", "line"), EXAMPLES)
def test_full_delivers_every_example_of_the_catalogue(symptom, kind, line):
    """But for lines of granted logins: a pattern cannot tell those with an empty user name from the rest."""
    delivered = PRESETS["full"].matches(line, whole_words=True)
    assert delivered or "access granted" in line
    if kind == "Denial" and "access denied" in line:
        assert PRESETS["denials-only"].matches(line, whole_words=True)


@pytest.mark.parametrize("term", PRESETS["full"].any_of)
def test_every_term_of_full_is_needed_by_a_line_we_know(term):
    """A term that nothing needs is a term that nobody understands."""
    without = Pattern((), (), tuple(other for other in PRESETS["full"].any_of if other != term))
    needed = [*lines.DENIALS, *lines.IDENTITIES, *lines.FAULTS]
    assert any(not without.matches(line, whole_words=True) for line in needed)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_pattern_is_within_the_limit_of_cloudwatch_logs(preset):
    assert len(TEMPLATE["Mappings"]["Deliver"][preset]["Pattern"]) <= 1024


def test_a_pattern_is_the_choice_of_the_deliver_parameter():
    assert set(PRESETS) == set(TEMPLATE["Parameters"]["Deliver"]["AllowedValues"])
    for preset in PRESETS:
        deployed = Stack(Deliver=preset).only("AWS::Logs::SubscriptionFilter")["FilterPattern"]
        assert deployed == TEMPLATE["Mappings"]["Deliver"][preset]["Pattern"]


# The matcher itself, against the examples of the documentation.
@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400] BAD REQUEST", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?ARGUMENTS", "[INFO] INVALID ARGUMENTS", True),
        ("?ERROR ?ARGUMENTS", "[INFO] nothing", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] SERVER INTERNAL ERROR", False),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ("ERROR -ARGUMENTS", "[ERROR 401] UNAUTHORIZED", True),
        ("", "anything", True),
    ],
)
def test_the_matcher_follows_the_documentation(pattern, message, expected):
    assert Pattern.parse(pattern).matches(message, whole_words=True) is expected


@pytest.mark.parametrize("pattern", ["?ERROR WARN", "?ERROR -WARN", "level=fatal", '"open', '""', "a-b"])
def test_the_matcher_refuses_what_does_not_mean_what_it_says(pattern):
    with pytest.raises(ValueError):
        Pattern.parse(pattern)
