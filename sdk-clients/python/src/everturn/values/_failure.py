"""Failures: how user code ended when it did not succeed, as data.

A failure is recorded in history; it is not the error of an RPC.
"""

from __future__ import annotations

import contextlib
import traceback
from typing import TYPE_CHECKING, Any, cast

from everturn.v1 import failure_pb2 as pb
from everturn.values._errors import ApplicationError, PayloadError
from everturn.values._failure_info import Failure, FailureKind
from everturn.values._payload import PAYLOAD_BYTES_MAX, PayloadConverter, plain_value
from everturn.values._rules import (
    FAILURE_CAUSES,
    FAILURE_MEMBERS,
    FAILURE_MESSAGE_BYTES,
    FAILURE_STACK_BYTES,
    ID_BYTES,
)
from everturn.values._times import from_duration, to_duration

if TYPE_CHECKING:
    from everturn.v1.payload_pb2 import Payload

_STACK_FRAMES_MAX = 64


def failure_from_proto(proto: pb.Failure, converter: PayloadConverter) -> Failure:
    """Reads a failure. Details that cannot be converted come as the raw bytes."""
    kinds = {kind.value: kind for kind in FailureKind}
    return Failure(
        kind=kinds.get(proto.kind, FailureKind.APPLICATION),
        type=proto.type,
        message=proto.message,
        stack_trace=proto.stack_trace,
        details=plain_value(proto.details, converter) if proto.HasField("details") else None,
        non_retryable=proto.non_retryable,
        retry_after=from_duration(proto.retry_after) if proto.HasField("retry_after") else None,
        cause=failure_from_proto(proto.cause, converter) if proto.HasField("cause") else None,
        more_causes=tuple(failure_from_proto(cause, converter) for cause in proto.more_causes),
    )


def failure_of(error: BaseException, converter: PayloadConverter) -> pb.Failure:
    """The failure that an exception of an activity is reported as.

    An ``ApplicationError`` says itself how it looks; the name of any other
    class is its type. Payloads that cannot be converted are never retried.
    Members of an ``ExceptionGroup`` are causes. At most 8 levels of causes and
    32 members of groups are kept, texts are cut to the limits of the contract. Never
    raises: a failure that is not reported leaves its step waiting.
    """
    try:
        return _within_limit(_Writing(converter).write(error, 0))
    except Exception as problem:  # noqa: BLE001 - user code made the error, and the converter
        message = f"<the failure could not be written: {type(problem).__name__}>"
        return plain_failure(FailureKind.APPLICATION, type(error).__name__, message)


class _Writing:
    """One failure in the making, with all its causes."""

    def __init__(self, converter: PayloadConverter) -> None:
        self._converter = converter
        self._seen: set[int] = set()
        self._left = FAILURE_MEMBERS

    def write(self, error: BaseException, level: int) -> pb.Failure:
        """The failure of an error, its causes included."""
        self._seen.add(id(error))
        failure = _one(error, self._converter)
        for cause in _causes_of(error):
            if level + 1 >= FAILURE_CAUSES or self._left == 0:
                break
            if id(cause) in self._seen:
                continue
            self._left -= 1
            written = self.write(cause, level + 1)
            if failure.HasField("cause"):
                failure.more_causes.append(written)
            else:
                failure.cause.CopyFrom(written)
        return failure


def _causes_of(error: BaseException) -> list[BaseException]:
    """What caused an error: its cause, then the members of a group."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    causes = [] if cause is None else [cause]
    if isinstance(error, BaseExceptionGroup):
        causes.extend(cast("BaseExceptionGroup[BaseException]", error).exceptions)
    return causes


def plain_failure(
    kind: FailureKind, type_name: str, message: str, *, non_retryable: bool = False
) -> pb.Failure:
    """A failure without exception: the worker itself says why."""
    return pb.Failure(
        kind=kind.value,
        type=_cut(type_name, ID_BYTES),
        message=_cut(message, FAILURE_MESSAGE_BYTES),
        non_retryable=non_retryable,
    )


def _one(error: BaseException, converter: PayloadConverter) -> pb.Failure:
    failure = plain_failure(
        FailureKind.APPLICATION,
        str(error.type) if isinstance(error, ApplicationError) else type(error).__name__,
        _text(error),
        non_retryable=isinstance(error, PayloadError),
    )
    failure.stack_trace = _stack_trace(error)
    if isinstance(error, ApplicationError):
        failure.non_retryable = error.non_retryable
        # A delay that is none is left out: the failure itself says more.
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            duration = to_duration(error.retry_after)
            if duration is not None and duration.ToNanoseconds() >= 0:
                failure.retry_after.CopyFrom(duration)
        details = _encoded(error.details, converter)
        if details is not None:
            failure.details.CopyFrom(details)
    return failure


def _text(error: BaseException) -> str:
    try:
        return str(error.message if isinstance(error, ApplicationError) else error)
    except Exception:  # noqa: BLE001 - __str__ is user code too
        return "<the error's text could not be made>"


def _stack_trace(error: BaseException) -> str:
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), limit=-_STACK_FRAMES_MAX, lookup_lines=True
    )
    # The end of a trace is where it happened: cut at the front.
    text = "".join(frames.format()).encode(errors="replace")
    return text[-FAILURE_STACK_BYTES:].decode(errors="ignore")


def _encoded(details: Any, converter: PayloadConverter) -> Payload | None:
    if details is None:
        return None
    try:
        return converter.encode(details)
    except Exception as error:  # noqa: BLE001 - a converter is user code too
        # Losing the details is better than losing the failure.
        with contextlib.suppress(Exception):
            return converter.encode(f"<details lost: {error}>")
        return None


def _within_limit(failure: pb.Failure) -> pb.Failure:
    """Leaves out details that would make the failure too big for a message."""
    levels = [failure]
    # A list that grows while it is walked: the outermost first.
    for level in levels:
        if failure.ByteSize() <= PAYLOAD_BYTES_MAX:
            break
        level.ClearField("details")
        if level.HasField("cause"):
            levels.append(level.cause)
        levels.extend(level.more_causes)
    return failure


def _cut(text: str, bytes_max: int) -> str:
    encoded = text.encode(errors="replace")
    return encoded[:bytes_max].decode(errors="ignore")
