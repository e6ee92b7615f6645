"""What the alarms watch is what the deployed function really writes.

An alarm on a metric that nobody writes, or on the right metric under other dimensions, never fires and
never complains. So the package is run on one delivery and one tick, with a table and with Slack, and its
metrics are held against the alarms and the dashboard.
"""

import json
import sys

import pytest

from expanded import ROOT
from expanded import Stack as Expanded

sys.path.append(str(ROOT / "tests/local"))
from stack import Stack, wait_for  # noqa: E402

SLACK = {"SlackSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:gone-AbCdEf"}
EXPANDED = Expanded(**SLACK)
NAMESPACE = EXPANDED.environment()["METRICS_NAMESPACE"]
ALARMS = {
    name: alarm
    for name, alarm in EXPANDED.of_type("AWS::CloudWatch::Alarm").items()
    if alarm.get("Namespace") == NAMESPACE
}
# What only a tick measures, so that its silence means that there are no ticks.
OF_TICKS = {"NoticesAreOwed", "TicksStopped", "NoticesGivenUp"}
DENIAL = 'level=warning msg="access denied" error="in words of the future" path=/authenticate'


def metrics_of(documents: list[dict]) -> set[tuple]:
    """(namespace, metric, dimensions) of everything that was counted."""
    return {
        (directive["Namespace"], metric["Name"], tuple(sorted((name, document[name]) for name in dimensions)))
        for document in documents
        for directive in document["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }


@pytest.fixture(scope="module")
def written() -> dict[str, set[tuple]]:
    """What one delivery made the function count, and one tick."""
    variables = {"SLACK_SECRET": SLACK["SlackSecretArn"], "SLACK_CHANNEL": "C0123456789"}
    with Stack(ROOT / "target/lambda/responder.zip", ROOT / ".tools/run/bin/python", variables) as stack:
        stack.put([DENIAL])
        of_delivery = wait_for("the delivery's metrics", 20, stack.metrics)
        stack.tick()

        def of_tick() -> list[dict]:
            seen = {document["request_id"] for document in of_delivery}
            return [document for document in stack.metrics() if document["request_id"] not in seen]

        return {"delivery": metrics_of(of_delivery), "tick": metrics_of(wait_for("the tick's metrics", 20, of_tick))}


def watched(alarm: dict) -> tuple:
    values = {"Responder": "responder"}  # the function's name in the local stack
    dimensions = tuple(sorted((d["Name"], values[d["Value"]["Ref"]]) for d in alarm["Dimensions"]))
    return alarm["Namespace"], alarm["MetricName"], dimensions


def test_there_are_alarms_on_metrics_of_our_own():
    assert set(ALARMS) > OF_TICKS


@pytest.mark.parametrize("name", ALARMS)
def test_the_function_writes_what_the_alarm_watches(name, written):
    of = {by for by in written if watched(ALARMS[name]) in written[by]}
    assert of, f"the function writes {sorted(written['delivery'] | written['tick'])}"
    assert name not in OF_TICKS or of == {"tick"}


def test_without_memory_a_delivery_writes_what_the_alarms_watch():
    expanded = Expanded(Memory="off", **SLACK)
    variables = {"TABLE_NAME": "", "SLACK_SECRET": SLACK["SlackSecretArn"], "SLACK_CHANNEL": "C0123456789"}
    with Stack(ROOT / "target/lambda/responder.zip", ROOT / ".tools/run/bin/python", variables) as stack:
        stack.put([DENIAL])
        written = metrics_of(wait_for("the delivery's metrics", 20, stack.metrics))
    alarms = expanded.of_type("AWS::CloudWatch::Alarm").values()
    ours = {watched(alarm) for alarm in alarms if alarm.get("Namespace") == NAMESPACE}
    assert ours and ours <= written


def test_the_function_writes_what_the_dashboard_shows(written):
    body = json.loads(EXPANDED.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    shown = {
        tuple(metric[:2])
        for widget in body["widgets"]
        for metric in widget["properties"]["metrics"]
        if metric[0] == NAMESPACE
    }
    everything = written["delivery"] | written["tick"]
    assert shown <= {(namespace, name) for namespace, name, _ in everything}
    (search,) = [
        metric[0]["expression"]
        for widget in body["widgets"]
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], dict) and "SEARCH" in metric[0]["expression"]
    ]
    assert f"{{{NAMESPACE},FunctionName,Symptom}}" in search and 'MetricName="Denials"' in search
    by_symptom = [dimensions for _, name, dimensions in everything if name == "Denials" and len(dimensions) == 2]
    assert [name for name, _ in by_symptom[0]] == ["FunctionName", "Symptom"]
