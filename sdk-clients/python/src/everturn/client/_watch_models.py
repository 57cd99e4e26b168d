"""What a watch of a conversation hands out, and how it is read from protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from everturn.client._conversation_models import (
    Handover,
    Pause,
    TurnStatus,
    handover_from_proto,
    pause_from_proto,
)
from everturn.v1 import conversation_service_pb2 as pb
from everturn.values._enums import member_of
from everturn.values._message_models import (
    AuthorKind,
    DeliveryState,
    Message,
    delivery_from_proto,
    message_from_proto,
)

if TYPE_CHECKING:
    from everturn.values._payload import PayloadConverter


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """Update of a watch: a message became part of the transcript."""

    message: Message


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Update of a watch: everything up to the present was handed out. Comes once."""


@dataclass(frozen=True, slots=True)
class TurnChanged:
    """Update of a watch: a turn started, changed its status or ended.

    Attributes:
        number: Number of the turn.
        status: What it is doing; ``None`` when it ended.
    """

    number: int
    status: TurnStatus | None


@dataclass(frozen=True, slots=True)
class Lagged:
    """Update of a watch: changes (not messages) were left out, it reads too slowly."""

    skipped_count: int


@dataclass(frozen=True, slots=True)
class ConversationClosed:
    """Last update of a watch: the conversation was closed or erased.

    Attributes:
        reason: Why, in the words of who closed it.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class OutputCursor:
    """A position in the partial output of an activity.

    Attributes:
        workflow_id: Workflow id of the run that scheduled the activity. It
            names the turn and the child: ``"customer-7/turn-3/support"``.
        key: Key of the activity in its run.
        attempt: Number of the attempt, from 1.
        sequence: Position of a piece; 0 for none.
    """

    workflow_id: str
    key: str
    attempt: int
    sequence: int


@dataclass(frozen=True, slots=True)
class OutputDelta:
    """Update of a watch: a piece of the partial output of an activity.

    Attributes:
        cursor: Which piece.
        data: The piece.
        text: The piece as text; a character that pieces share comes whole, with
            the last of them.
    """

    cursor: OutputCursor
    data: bytes
    text: str


@dataclass(frozen=True, slots=True)
class OutputReset:
    """Update of a watch: the output of an activity begins anew.

    What came of it before does not count any more: another attempt runs, or a
    part is missing.

    Attributes:
        cursor: Where it begins; pieces follow from ``cursor.sequence`` + 1.
    """

    cursor: OutputCursor


@dataclass(frozen=True, slots=True)
class OutputEnded:
    """Update of a watch: the activity ended; its output is complete.

    Attributes:
        cursor: The last position.
    """

    cursor: OutputCursor


@dataclass(frozen=True, slots=True)
class DeliveryChanged:
    """Update of a watch: the delivery of a message changed.

    Attributes:
        message_sequence: Position of the message in the transcript.
        delivery: Its delivery.
    """

    message_sequence: int
    delivery: DeliveryState


@dataclass(frozen=True, slots=True)
class ConversationChanged:
    """Update of a watch: who may act in the conversation changed.

    Attributes:
        pause: Set while it is paused.
        handover: Set while a person or team owns it.
        budget_reached: Its budget is used up.
    """

    pause: Pause | None
    handover: Handover | None
    budget_reached: bool


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """Update of a watch: somebody is typing, or has stopped.

    Who says nothing more for 6 s has stopped, too.

    Attributes:
        author_kind: Who: the customer, an agent or a person; ``None`` for a kind
            this version does not know.
        author_name: Their name, if known.
        channel: Channel, if known.
        is_typing: They are typing.
    """

    author_kind: AuthorKind | None
    author_name: str
    channel: str
    is_typing: bool


ConversationUpdate = (
    MessageAdded
    | CaughtUp
    | TurnChanged
    | Lagged
    | ConversationClosed
    | OutputDelta
    | OutputReset
    | OutputEnded
    | DeliveryChanged
    | ConversationChanged
    | TypingChanged
)
"""What a watch hands out."""


def update_from_proto(
    proto: pb.WatchConversationResponse, converter: PayloadConverter
) -> ConversationUpdate | None:
    """Reads an update of a watch; ``None`` for a kind this version does not know."""
    match proto.WhichOneof("update"):
        case "message":
            return MessageAdded(message_from_proto(proto.message, converter))
        case "output_delta":
            data = proto.output_delta.data
            return OutputDelta(_cursor(proto.output_delta.cursor), data, "")
        case "output_reset":
            return OutputReset(_cursor(proto.output_reset.cursor))
        case "output_ended":
            return OutputEnded(_cursor(proto.output_ended.cursor))
        case _:
            return _change(proto, converter)


def cursor_to_proto(cursor: OutputCursor) -> pb.OutputCursor:
    """The position as protobuf."""
    return pb.OutputCursor(
        workflow_id=cursor.workflow_id,
        key=cursor.key,
        attempt=cursor.attempt,
        sequence=cursor.sequence,
    )


def _cursor(proto: pb.OutputCursor) -> OutputCursor:
    return OutputCursor(proto.workflow_id, proto.key, proto.attempt, proto.sequence)


def _change(
    proto: pb.WatchConversationResponse, converter: PayloadConverter
) -> ConversationUpdate | None:
    match proto.WhichOneof("update"):
        case "caught_up":
            return CaughtUp()
        case "turn_changed":
            changed = proto.turn_changed
            return TurnChanged(changed.number, member_of(TurnStatus, changed.status))
        case "lagged":
            return Lagged(proto.lagged.skipped_count)
        case "closed":
            return ConversationClosed(proto.closed.reason)
        case "delivery":
            state = delivery_from_proto(proto.delivery.delivery)
            return DeliveryChanged(proto.delivery.message_sequence, state)
        case "changed":
            return _changed(proto.changed, converter)
        case "typing":
            kind = member_of(AuthorKind, proto.typing.author_kind)
            name, channel = proto.typing.author_name, proto.typing.channel
            return TypingChanged(kind, name, channel, proto.typing.is_typing)
        case _:
            return None


def _changed(proto: pb.ConversationChanged, converter: PayloadConverter) -> ConversationChanged:
    return ConversationChanged(
        pause=pause_from_proto(proto.pause) if proto.HasField("pause") else None,
        handover=handover_from_proto(proto.handover, converter)
        if proto.HasField("handover")
        else None,
        budget_reached=proto.budget_reached,
    )
