"""Exceptions as failures: causes, limits, details."""

from __future__ import annotations

import math
from typing import Any

import pytest

from everturn import ApplicationError, FailureKind, JsonPayloadConverter
from everturn.v1 import failure_pb2
from everturn.v1.payload_pb2 import Payload
from everturn.values._failure import failure_from_proto, failure_of

JSON = JsonPayloadConverter()


def chain_of(length: int) -> BaseException:
    error: BaseException = ValueError("0")
    for number in range(1, length):
        try:
            raise RuntimeError(str(number)) from error
        except RuntimeError as outer:
            error = outer
    return error


def test_at_most_eight_levels_are_kept() -> None:
    level = failure_of(chain_of(20), JSON)
    messages = [level.message]
    while level.HasField("cause"):
        level = level.cause
        messages.append(level.message)
    assert messages == [str(n) for n in range(19, 11, -1)]


def test_a_circle_of_causes_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert failure_of(one, JSON).cause.message == "two"
    assert not failure_of(one, JSON).cause.HasField("cause")


def test_texts_are_cut_at_characters() -> None:
    failure = failure_of(ApplicationError("ü" * 20_000, type="t" * 300), JSON)
    assert len(failure.message.encode()) == 16 * 1024
    assert len(failure.type) == 256


def test_a_text_that_cannot_be_made_is_no_second_error() -> None:
    class BadError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "could not be made" in failure_of(BadError(), JSON).message


def test_lone_surrogates_do_not_break_the_report() -> None:
    assert failure_of(ValueError("\ud800"), JSON).message == "?"


def test_huge_details_are_left_out_and_the_failure_stays() -> None:
    failure = failure_of(ApplicationError("big", details="x" * 3_000_000), JSON)
    assert failure.message == "big"
    assert not failure.HasField("details")


def test_details_that_cannot_be_written_are_named() -> None:
    failure = failure_of(ApplicationError("odd", details=object()), JSON)
    assert b"details lost" in failure.details.data


@pytest.mark.parametrize("retry_after", [math.inf, math.nan, 1e300, -1.0, "soon"])
def test_a_delay_that_is_none_is_left_out(retry_after: Any) -> None:
    failure = failure_of(ApplicationError("no", retry_after=retry_after), JSON)
    assert failure.message == "no"
    assert not failure.HasField("retry_after")


def test_a_text_that_is_no_text_is_written_as_one() -> None:
    text: Any = ValueError("inner")
    assert failure_of(ApplicationError(text), JSON).message == "inner"


def test_a_converter_that_breaks_does_not_break_the_report() -> None:
    class Broken:
        def encode(self, value: Any, /) -> Payload:
            raise KeyError(value)

        def decode(self, payload: Payload, hint: Any, /) -> Any:
            raise KeyError(hint)

    failure = failure_of(ApplicationError("no", type="Declined", details=1), Broken())
    assert (failure.type, failure.message, failure.HasField("details")) == ("Declined", "no", False)


def test_subclass_of_application_error_is_its_type() -> None:
    class DeclinedError(ApplicationError):
        """A payment was declined."""

    assert failure_of(DeclinedError("no"), JSON).type == "DeclinedError"


def test_deep_recursion_has_a_bounded_stack_trace() -> None:
    def dive() -> None:
        dive()

    with pytest.raises(RecursionError) as caught:
        dive()
    failure = failure_of(caught.value, JSON)
    assert 0 < len(failure.stack_trace) <= 32 * 1024


def test_failures_are_read_back() -> None:
    read = failure_from_proto(
        failure_of(ApplicationError("m", retry_after=2, details=[1]), JSON), JSON
    )
    assert (read.kind, read.type, read.message) == (
        FailureKind.APPLICATION,
        "ApplicationError",
        "m",
    )
    assert read.details == [1]
    assert read.retry_after is not None
    assert str(read) == "ApplicationError: m"
    unknown = failure_from_proto(failure_pb2.Failure(), JSON)
    assert unknown.kind is FailureKind.APPLICATION


def test_members_of_a_group_are_causes() -> None:
    inner = ExceptionGroup("inner", [KeyError("k")])
    group = ExceptionGroup("both failed", [ValueError("one"), inner, OSError("three")])
    failure = failure_from_proto(failure_of(group, JSON), JSON)
    assert failure.type == "ExceptionGroup"
    assert failure.cause is not None
    causes = [failure.cause, *failure.more_causes]
    assert [cause.type for cause in causes] == ["ValueError", "ExceptionGroup", "OSError"]
    assert causes[1].cause is not None
    assert causes[1].cause.type == "KeyError"


def test_groups_of_any_size_are_cut() -> None:
    group = ExceptionGroup("many", [ValueError(str(i)) for i in range(1_000)])
    for _ in range(20):
        group = ExceptionGroup("deeper", [group, group])
    written = failure_of(group, JSON)
    assert written.ByteSize() < 2 * 1024 * 1024
