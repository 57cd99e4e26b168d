"""Runs user code of an activity and turns how it ended into a result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from everturn.v1.worker_service_pb2 import ActivityResult, ActivityTask
from everturn.values._errors import ActivityCanceledError, DeliveryUnknownError
from everturn.values._failure import failure_of, plain_failure
from everturn.values._failure_info import FailureKind
from everturn.values._payload import PayloadConverter, encode_bounded
from everturn.worker._activity_context import set_context
from everturn.worker._delivery import delivery_of, receipt_payload

if TYPE_CHECKING:
    from everturn.worker._activity import ActivityDefinition
    from everturn.worker._activity_context import ActivityContext


def call_sync(
    definition: ActivityDefinition,
    task: ActivityTask,
    context: ActivityContext,
    converter: PayloadConverter,
) -> ActivityResult:
    """Runs a function that is not async; never raises."""
    set_context(context)
    try:
        if definition.is_adapter:
            value = definition.function(
                delivery_of(task, converter, can_change=definition.can_change)
            )
            return ActivityResult(result=receipt_payload(value))
        if definition.takes_input:
            value = definition.function(converter.decode(task.input, definition.input_hint))
        else:
            value = definition.function()
        return result_of(value, converter, definition.result_hint)
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
        if definition.is_adapter:
            value = await definition.function(
                delivery_of(task, converter, can_change=definition.can_change)
            )
            return ActivityResult(result=receipt_payload(value))
        if definition.takes_input:
            value = await definition.function(converter.decode(task.input, definition.input_hint))
        else:
            value = await definition.function()
        return result_of(value, converter, definition.result_hint)
    except BaseException as error:  # noqa: BLE001 - as above, and CancelledError is an outcome
        return failed(error, context, converter)


def result_of(value: Any, converter: PayloadConverter, hint: Any) -> ActivityResult:
    """The result that reports a value.

    Raises:
        PayloadError: The value cannot be written or is over the limit.
    """
    return ActivityResult(result=encode_bounded(converter, value, hint, "result"))


def failed(
    error: BaseException, context: ActivityContext, converter: PayloadConverter
) -> ActivityResult:
    """The result that reports an exception."""
    if context.is_delivery:
        lost = _lost_delivery(error, context)
        if lost is not None:
            return lost
    elif isinstance(error, asyncio.CancelledError | ActivityCanceledError):
        if context.cancel_reason == "stopping":
            return ActivityResult(failure=worker_stopped())
        if context.cancel_reason is not None:
            message = str(error) or "canceled"
            return ActivityResult(failure=plain_failure(FailureKind.CANCELED, "Canceled", message))
    return ActivityResult(failure=failure_of(error, converter))


def not_begun(
    task: ActivityTask, context: ActivityContext, converter: PayloadConverter
) -> ActivityResult:
    """The result of an attempt that was canceled before its code began."""
    message = "canceled before it began"
    if task.HasField("delivery"):
        # Not lost: the provider certainly does not have the message.
        failure = plain_failure(FailureKind.APPLICATION, "WorkerStopped", message)
        return ActivityResult(failure=failure)
    return failed(ActivityCanceledError(message), context, converter)


def worker_stopped() -> Any:
    """The failure of an attempt that its worker could not finish."""
    return plain_failure(
        FailureKind.WORKER_LOST, "WorkerStopped", "the worker stopped before the activity ended"
    )


def _lost_delivery(error: BaseException, context: ActivityContext) -> ActivityResult | None:
    """The result of a delivery that may be out, for all that anybody knows.

    It is never repeated as it is: the coordinator has it reconciled or leaves
    it unknown.
    """
    if isinstance(error, DeliveryUnknownError):
        name = "DeliveryUnknown"
        message = str(error) or "the adapter cannot tell whether the message was sent"
    elif isinstance(error, asyncio.CancelledError | ActivityCanceledError) and context.is_canceled:
        name, message = "DeliveryCutOff", "the adapter was stopped while it had the message"
    else:
        return None
    failure = plain_failure(FailureKind.WORKER_LOST, name, message, non_retryable=True)
    return ActivityResult(failure=failure)
