"""What the alarms watch is what the deployed function really writes.

An alarm on a metric that nobody writes, or on the right metric under other dimensions, never fires and
never complains. So the package is run on one delivery, and its metrics are held against the alarms.
"""

import sys

import pytest

from expanded import ROOT
from expanded import Stack as Expanded

sys.path.append(str(ROOT / "tests/local"))
from stack import Stack, wait_for  # noqa: E402

ALARMS = {
    name: alarm
    for name, alarm in Expanded().of_type("AWS::CloudWatch::Alarm").items()
    if alarm.get("Namespace") == Expanded().environment()["METRICS_NAMESPACE"]
}


@pytest.fixture(scope="module")
def written() -> set[tuple]:
    """(namespace, metric, dimensions) of everything that one delivery made the function count."""
    with Stack(ROOT / "target/lambda/responder.zip", python=ROOT / ".tools/run/bin/python") as stack:
        stack.put(['level=warning msg="access denied" error="in words of the future" path=/authenticate'])
        documents = wait_for("the function's metrics", 20, stack.metrics)
        return {
            (directive["Namespace"], metric["Name"], tuple(sorted((name, document[name]) for name in dimensions)))
            for document in documents
            for directive in document["_aws"]["CloudWatchMetrics"]
            for metric in directive["Metrics"]
            for dimensions in directive["Dimensions"]
        }


def test_there_are_alarms_on_metrics_of_our_own():
    assert ALARMS


@pytest.mark.parametrize("name", ALARMS)
def test_the_function_writes_what_the_alarm_watches(name, written):
    alarm = ALARMS[name]
    values = {"Responder": "responder"}  # the function's name in the local stack
    dimensions = tuple(sorted((d["Name"], values[d["Value"]["Ref"]]) for d in alarm.get("Dimensions", [])))
    watched = (alarm["Namespace"], alarm["MetricName"], dimensions)
    assert watched in written, f"the function writes {sorted(m for m in written if m[1] == alarm['MetricName'])}"
