"""The testing kit for activities."""

from __future__ import annotations

import pytest

from everturn import ActivityCanceledError, NoActivityError, Usage, activity
from everturn.testing import activity_context


@activity
def resumes(limit: int) -> int:
    context = activity.context()
    start: int = context.heartbeat_details or 0
    for number in range(start, limit):
        context.raise_if_canceled()
        context.heartbeat(number)
    return limit - start


def test_activity_runs_in_a_context_of_the_test() -> None:
    with activity_context(workflow_id="w", key="k", heartbeat_details=3) as probe:
        assert resumes(5) == 2
        assert activity.context().idempotency_key == "w/k"
    assert probe.heartbeats == [3, 4]
    with pytest.raises(NoActivityError):
        activity.context()


def test_canceled_activity_sees_it() -> None:
    with activity_context() as probe:
        probe.cancel()
        with pytest.raises(ActivityCanceledError, match="requested"):
            resumes(1)
        assert probe.context.wait_canceled(0)


def test_probe_sees_output_and_usage() -> None:
    with activity_context() as probe:
        context = activity.context()
        context.stream("Grüß ")
        context.stream(b"Gott")
        context.report_usage(input_tokens=1)
        context.report_usage(output_tokens=2)
    assert (probe.text, len(probe.chunks)) == ("Grüß Gott", 2)
    assert probe.usage == Usage(input_tokens=1, output_tokens=2)
