"""Delivery adapters: functions that hand messages to the provider of a channel."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from everturn.v1 import worker_service_pb2 as pb
from everturn.values._errors import ApplicationError
from everturn.values._message_models import Message, message_from_proto
from everturn.values._payload import JsonPayloadConverter
from everturn.values._rules import ID_BYTES
from everturn.worker._activity import ActivityDefinition, check_parameters
from everturn.worker._typing import ShowTyping

if TYPE_CHECKING:
    from everturn.v1.payload_pb2 import Payload
    from everturn.v1.worker_service_pb2 import ActivityTask
    from everturn.values._payload import PayloadConverter

QUEUE_PREFIX = "deliver."
"""Deliveries of a channel come from the task queue of this prefix and its name."""

_LOGGER = logging.getLogger("everturn.worker")
_MARK = "__everturn_delivery__"
_CHANNEL_BYTES_MAX = ID_BYTES - len(QUEUE_PREFIX)
_JSON = JsonPayloadConverter()


DeliveryAction = Literal["deliver", "edit", "retract"]
"""What an adapter is to do."""

_ACTIONS: dict[int, DeliveryAction] = {
    pb.DELIVERY_ACTION_EDIT: "edit",
    pb.DELIVERY_ACTION_RETRACT: "retract",
}


@dataclass(frozen=True, slots=True)
class InReplyTo:
    """What a delivery answers, as the provider of its channel knows it.

    Attributes:
        provider_message_ids: Ids that the provider gave the messages which it
            answers, oldest first.
        subject: Attribute "subject" of the customer's last message by the
            channel; empty if it has none.
        references: Ids of the messages of the thread, the customer's and ours,
            oldest first; at most 50.
    """

    provider_message_ids: Sequence[str]
    subject: str
    references: Sequence[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to be handed to the provider of its channel.

    Attributes:
        conversation_id: Id of the conversation.
        message: The message.
        address: Address to deliver it to.
        idempotency_key: The same for every attempt: hand it to the provider.
        reconcile: An earlier attempt was lost. Ask the provider whether it has
            the message: if it does, return; if it does not, send it.
        attempt: Number of the attempt, from 1.
        in_reply_to: What the message answers, for providers that show threads;
            ``None`` if it answers nothing.
        action: What is to be done: deliver the message, change one that the
            customer has into it, or take that one back. Only ``"deliver"``
            without ``can_change``.
        changed_provider_message_id: With ``"edit"`` and ``"retract"``: id that
            the provider gave the message which is changed.
    """

    conversation_id: str
    message: Message
    address: str
    idempotency_key: str
    reconcile: bool
    attempt: int
    in_reply_to: InReplyTo | None = None
    action: DeliveryAction = "deliver"
    changed_provider_message_id: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """What a provider said when it took a message.

    Attributes:
        provider_message_id: Id that the provider gave the message; receipts
            that name it are reported with ``report_delivery``.
    """

    provider_message_id: str = ""


Sent = DeliveryReceipt | str | None
"""What an adapter returns: a receipt, the provider's id of the message, or neither."""

D = TypeVar("D", bound=Callable[..., Sent | Awaitable[Sent]])


@dataclass(frozen=True, slots=True)
class _Mark:
    """What the decorator notes on a function."""

    channel: str
    can_reconcile: bool
    can_change: bool
    show_typing: ShowTyping | None


def delivery(
    *,
    channel: str,
    can_reconcile: bool = False,
    can_change: bool = False,
    show_typing: ShowTyping | None = None,
) -> Callable[[D], D]:
    """Marks a function as the delivery adapter of a channel.

    It takes a ``Delivery``, and returns when the provider has taken the
    message: a ``DeliveryReceipt``, the provider's id of the message, or
    ``None``. An exception says that the provider does not have it, and another
    attempt follows, as for activities; when nobody can tell, raise
    ``DeliveryUnknownError``. ``async def`` functions run on the event loop,
    others in threads; ``activity.context()`` works in both.

    Args:
        channel: Channel whose messages it delivers; 1 to 248 bytes.
        can_reconcile: It can find out with its provider, by the idempotency
            key, whether a message was sent. Deliveries that were lost are then
            given to it with ``reconcile``; otherwise they stay unknown.
        can_change: It looks at ``action``, and can change messages and take
            them back; otherwise what changes a message fails for good.
        show_typing: Shows the customer that somebody is typing, or has stopped.
            Called when a turn begins to work on an answer or a person types, and
            when they stop; not repeated, and an error is only logged. ``async
            def`` functions run on the event loop, others in threads.

    Raises:
        ValueError: The channel is not allowed.
    """
    if not 1 <= len(channel.encode()) <= _CHANNEL_BYTES_MAX:
        raise ValueError(f"channel must have 1 to {_CHANNEL_BYTES_MAX} bytes: {channel!r}")

    def mark(function: D) -> D:
        setattr(function, _MARK, _Mark(channel, can_reconcile, can_change, show_typing))
        return function

    return mark


def adapter_of(function: Callable[..., Any]) -> tuple[ActivityDefinition, bool]:
    """What a worker needs to know of an adapter: how it runs, if it can reconcile.

    Raises:
        TypeError: It is not decorated, or does not take one argument.
    """
    mark = getattr(function, _MARK, None)
    if not isinstance(mark, _Mark):
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(f"{name} is not a delivery adapter: decorate it with @delivery")
    name = f"{QUEUE_PREFIX}{mark.channel}"
    if check_parameters(function) is None:
        raise TypeError(f"adapter of {mark.channel!r} must take one argument (the delivery)")
    definition = ActivityDefinition(
        name=name,
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        executor="thread",
        takes_input=True,
        input_hint=Delivery,
        is_adapter=True,
        can_change=mark.can_change,
        show_typing=mark.show_typing,
    )
    return definition, mark.can_reconcile


def delivery_of(task: ActivityTask, converter: PayloadConverter, *, can_change: bool) -> Delivery:
    """What the adapter gets for a task.

    Raises:
        ApplicationError: It is to change a message and cannot.
    """
    proto = task.delivery
    action = _ACTIONS.get(proto.action, "deliver")
    if action != "deliver" and not can_change:
        message = f"the adapter of {task.task_queue!r} cannot change messages"
        raise ApplicationError(message, type="DeliveryChangeUnsupported", non_retryable=True)
    answered = proto.in_reply_to
    in_reply_to = InReplyTo(
        tuple(answered.provider_message_ids), answered.subject, tuple(answered.references)
    )
    return Delivery(
        conversation_id=proto.conversation_id,
        message=message_from_proto(proto.message, converter),
        address=proto.address,
        idempotency_key=proto.idempotency_key,
        reconcile=proto.reconcile,
        attempt=task.attempt,
        in_reply_to=in_reply_to if proto.HasField("in_reply_to") else None,
        action=action,
        changed_provider_message_id=proto.changed_provider_message_id,
    )


def receipt_payload(value: object) -> Payload:
    """The result that reports what an adapter returned; always JSON."""
    match value:
        case DeliveryReceipt(provider_message_id):
            message_id = provider_message_id
        case str():
            message_id = value
        case _:
            # The message is out: a wrong type must not have it sent again.
            message_id = ""
            if value is not None:
                _LOGGER.warning("adapter returned no receipt", extra={"type": type(value).__name__})
    return _JSON.encode({"providerMessageId": message_id})
