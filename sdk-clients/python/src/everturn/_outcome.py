"""Runs user code of an activity and turns how it ended into a result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from everturn._activity_context import set_context
from everturn._errors import ActivityCanceledError, PayloadError
from everturn._failure import FailureKind, failure_of, plain_failure
from everturn._payload import PAYLOAD_BYTES_MAX, PayloadConverter
from everturn.v1.worker_service_pb2 import ActivityResult, ActivityTask

if TYPE_CHECKING:
    from everturn._activity import ActivityDefinition
    from everturn._activity_context import ActivityContext


def call_sync(
    definition: ActivityDefinition,
    task: ActivityTask,
    context: ActivityContext,
    converter: PayloadConverter,
) -> ActivityResult:
    """Runs a function that is not async; never raises."""
    set_context(context)
    try:
        if definition.takes_input:
            value = definition.function(converter.decode(task.input, definition.input_hint))
        else:
            value = definition.function()
        return result_of(value, converter)
    except BaseException as error:  # noqa: BLE001 - SystemExit ends the attempt, not the worker
        return failed(error, context, converter)


async def call_async(
    definition: ActivityDefinition,
    task: ActivityTask,
    context: ActivityContext,
    converter: PayloadConverter,
) -> ActivityResult:
    """Runs a coroutine function; never raises."""
    set_context(context)
    try:
        if definition.takes_input:
            value = await definition.function(converter.decode(task.input, definition.input_hint))
        else:
            value = await definition.function()
        return result_of(value, converter)
    except BaseException as error:  # noqa: BLE001 - as above, and CancelledError is an outcome
        return failed(error, context, converter)


def result_of(value: Any, converter: PayloadConverter) -> ActivityResult:
    """The result that reports a value.

    Raises:
        PayloadError: The value cannot be written or is over the limit.
    """
    payload = converter.encode(value)
    size_bytes = len(payload.data)
    if size_bytes > PAYLOAD_BYTES_MAX:
        message = f"the result has {size_bytes} bytes, over the limit of {PAYLOAD_BYTES_MAX}"
        raise PayloadError(message)
    return ActivityResult(result=payload)


def failed(
    error: BaseException, context: ActivityContext, converter: PayloadConverter
) -> ActivityResult:
    """The result that reports an exception."""
    if isinstance(error, asyncio.CancelledError | ActivityCanceledError):
        if context.cancel_reason == "stopping":
            return ActivityResult(failure=worker_stopped())
        if context.cancel_reason is not None:
            message = str(error) or "canceled"
            return ActivityResult(failure=plain_failure(FailureKind.CANCELED, "Canceled", message))
    return ActivityResult(failure=failure_of(error, converter))


def worker_stopped() -> Any:
    """The failure of an attempt that its worker could not finish."""
    return plain_failure(
        FailureKind.WORKER_LOST, "WorkerStopped", "the worker stopped before the activity ended"
    )
