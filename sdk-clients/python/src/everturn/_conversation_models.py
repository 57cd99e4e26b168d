"""Conversations as plain Python values, and how they are read from protobuf."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from everturn._enums import member_of
from everturn._times import Seconds, from_duration, from_timestamp, to_duration
from everturn.v1 import conversation_service_pb2 as pb
from everturn.v1 import message_pb2, policy_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from everturn._payload import PayloadConverter


class ConversationStatus(Enum):
    """Whether a conversation takes messages."""

    OPEN = pb.CONVERSATION_STATUS_OPEN
    CLOSED = pb.CONVERSATION_STATUS_CLOSED


class TurnStatus(Enum):
    """What the current turn of a conversation is doing."""

    RUNNING = pb.TURN_STATUS_RUNNING
    ASKING = pb.TURN_STATUS_ASKING
    INTERRUPTED = pb.TURN_STATUS_INTERRUPTED


class AuthorKind(Enum):
    """Who wrote a message."""

    CUSTOMER = message_pb2.AUTHOR_KIND_CUSTOMER
    AGENT = message_pb2.AUTHOR_KIND_AGENT
    HUMAN = message_pb2.AUTHOR_KIND_HUMAN
    SYSTEM = message_pb2.AUTHOR_KIND_SYSTEM


class OnBusy(Enum):
    """What happens to a message that arrives while a turn is running."""

    QUEUE = policy_pb2.ON_BUSY_QUEUE
    INTERRUPT = policy_pb2.ON_BUSY_INTERRUPT
    STEER = policy_pb2.ON_BUSY_STEER


@dataclass(frozen=True, slots=True)
class Debounce:
    """When the messages of a burst are taken together as one turn.

    Attributes:
        quiet: A turn starts when no message came for this long. Default: at once.
        max_wait: A turn starts at the latest this long after the first message.
            Default: 10 times ``quiet``.
        max_messages: A turn starts when this many wait; 0 means no such bound.
    """

    quiet: Seconds | None = None
    max_wait: Seconds | None = None
    max_messages: int = 0


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How the messages of a conversation become turns; ``None`` means default.

    Attributes:
        debounce: How bursts are collected.
        on_busy: What a message does to a turn that is running. Default: QUEUE.
        interrupt_grace: How long an interrupted turn may clean up. Default 10 s.
    """

    debounce: Debounce | None = None
    on_busy: OnBusy | None = None
    interrupt_grace: Seconds | None = None

    def to_proto(self) -> policy_pb2.TurnPolicy:
        """The policy as protobuf."""
        proto = policy_pb2.TurnPolicy(
            on_busy=self.on_busy.value if self.on_busy else policy_pb2.ON_BUSY_UNSPECIFIED,
            interrupt_grace=to_duration(self.interrupt_grace),
        )
        if self.debounce is not None:
            proto.debounce.CopyFrom(
                policy_pb2.Debounce(
                    quiet=to_duration(self.debounce.quiet),
                    max_wait=to_duration(self.debounce.max_wait),
                    max_messages=self.debounce.max_messages,
                )
            )
        return proto


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a conversation's transcript.

    Attributes:
        sequence: Position in the transcript, from 1, without gaps.
        author_kind: Who wrote it; ``None`` for a kind this version does not know.
        author_name: Name of the author, if known.
        channel: Channel it came in by or goes out by.
        provider_message_id: Id that the channel's provider gave an inbound one.
        text: The text.
        data: Structured content beside the text, as plain JSON values.
        attributes: Small annotations.
        create_time: When it became part of the conversation.
        turn: Number of the turn that wrote an agent's message; 0 for others.
    """

    sequence: int
    author_kind: AuthorKind | None
    author_name: str
    channel: str
    provider_message_id: str
    text: str
    data: Any
    attributes: Mapping[str, str]
    create_time: datetime
    turn: int


@dataclass(frozen=True, slots=True)
class SubmittedMessage:
    """A message that was accepted.

    Attributes:
        message_sequence: Its position in the transcript.
        accept_time: When it was accepted.
        provider_message_id: The id it can be submitted again with.
    """

    message_sequence: int
    accept_time: datetime
    provider_message_id: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The current turn of a conversation.

    Attributes:
        number: Number of the turn, from 1.
        workflow_id: Workflow id of its run.
        run_id: Run id of its run.
        status: What it is doing.
        start_time: When it started.
    """

    number: int
    workflow_id: str
    run_id: str
    status: TurnStatus | None
    start_time: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation, without its transcript.

    Attributes:
        namespace: Namespace.
        conversation_id: Id, unique in the namespace.
        conversation_type: The workflow type that handles its turns.
        status: Whether it takes messages.
        task_queue: Task queue of its turns.
        reply_channel: Channel of the last inbound message.
        message_count: Number of messages in the transcript.
        waiting_message_count: Number of messages that no turn has taken yet.
        turn_count: Number of turns started so far.
        turn: The current turn, if one is running.
        state: State written by the conversation's code; empty in lists.
        labels: Labels.
        turn_policy: Policy in force, defaults filled in.
        create_time: When it was opened.
        update_time: When it last changed.
    """

    namespace: str
    conversation_id: str
    conversation_type: str
    status: ConversationStatus | None
    task_queue: str
    reply_channel: str
    message_count: int
    waiting_message_count: int
    turn_count: int
    turn: Turn | None
    create_time: datetime
    update_time: datetime
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    turn_policy: TurnPolicy = field(default_factory=TurnPolicy)


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
    """Last update of a watch: the conversation was closed.

    Attributes:
        reason: Why, in the words of who closed it.
    """

    reason: str


ConversationUpdate = MessageAdded | CaughtUp | TurnChanged | Lagged | ConversationClosed
"""What a watch hands out."""


def message_from_proto(proto: message_pb2.Message, converter: PayloadConverter) -> Message:
    """Reads a message of a transcript."""
    content = proto.content
    return Message(
        sequence=proto.sequence,
        author_kind=member_of(AuthorKind, proto.author_kind),
        author_name=proto.author_name,
        channel=proto.channel,
        provider_message_id=proto.provider_message_id,
        text=content.text,
        data=converter.decode(content.data, Any) if content.HasField("data") else None,
        attributes=dict(content.attributes),
        create_time=from_timestamp(proto.create_time),
        turn=proto.turn,
    )


def conversation_from_proto(proto: pb.Conversation, converter: PayloadConverter) -> Conversation:
    """Reads a conversation."""
    return Conversation(
        namespace=proto.namespace,
        conversation_id=proto.conversation_id,
        conversation_type=proto.conversation_type,
        status=member_of(ConversationStatus, proto.status),
        task_queue=proto.task_queue,
        reply_channel=proto.reply_channel,
        message_count=proto.message_count,
        waiting_message_count=proto.waiting_message_count,
        turn_count=proto.turn_count,
        turn=_turn(proto.turn) if proto.HasField("turn") else None,
        create_time=from_timestamp(proto.create_time),
        update_time=from_timestamp(proto.update_time),
        state={name: converter.decode(value, Any) for name, value in proto.state.items()},
        labels=dict(proto.labels),
        turn_policy=_policy(proto.turn_policy),
    )


def update_from_proto(
    proto: pb.WatchConversationResponse, converter: PayloadConverter
) -> ConversationUpdate | None:
    """Reads an update of a watch; ``None`` for a kind this version does not know."""
    match proto.WhichOneof("update"):
        case "message":
            return MessageAdded(message_from_proto(proto.message, converter))
        case "caught_up":
            return CaughtUp()
        case "turn_changed":
            changed = proto.turn_changed
            return TurnChanged(changed.number, member_of(TurnStatus, changed.status))
        case "lagged":
            return Lagged(proto.lagged.skipped_count)
        case "closed":
            return ConversationClosed(proto.closed.reason)
        case None:
            return None


def _turn(proto: pb.Turn) -> Turn:
    return Turn(
        number=proto.number,
        workflow_id=proto.workflow_id,
        run_id=proto.run_id,
        status=member_of(TurnStatus, proto.status),
        start_time=from_timestamp(proto.start_time),
    )


def _policy(proto: policy_pb2.TurnPolicy) -> TurnPolicy:
    debounce, grace = proto.debounce, proto.interrupt_grace
    return TurnPolicy(
        debounce=Debounce(
            quiet=from_duration(debounce.quiet),
            max_wait=from_duration(debounce.max_wait),
            max_messages=debounce.max_messages,
        )
        if proto.HasField("debounce")
        else None,
        on_busy=member_of(OnBusy, proto.on_busy),
        interrupt_grace=from_duration(grace) if proto.HasField("interrupt_grace") else None,
    )
