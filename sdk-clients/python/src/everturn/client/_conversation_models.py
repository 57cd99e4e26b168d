"""Conversations as plain Python values, and how they are read from protobuf."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from everturn.client._channel_policy import OptOut
from everturn.client._people import Assignee, assignee_from_proto
from everturn.client._policy_models import TurnPolicy, policy_from_proto
from everturn.client._waiting import Wait, wait_from_proto
from everturn.client._workflow_models import RunStatus
from everturn.v1 import conversation_service_pb2 as pb
from everturn.values._enums import member_of
from everturn.values._failure import failure_from_proto
from everturn.values._failure_info import Failure
from everturn.values._message_models import Attachment, AuthorKind
from everturn.values._payload import plain_value
from everturn.values._times import from_timestamp
from everturn.values._usage import Usage, usage_from_proto

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from everturn.values._payload import PayloadConverter


class ConversationStatus(Enum):
    """Whether a conversation takes messages."""

    OPEN = pb.CONVERSATION_STATUS_OPEN
    CLOSED = pb.CONVERSATION_STATUS_CLOSED
    ERASED = pb.CONVERSATION_STATUS_ERASED


class TurnStatus(Enum):
    """What the current turn of a conversation is doing."""

    RUNNING = pb.TURN_STATUS_RUNNING
    ASKING = pb.TURN_STATUS_ASKING
    INTERRUPTED = pb.TURN_STATUS_INTERRUPTED


@dataclass(frozen=True, slots=True)
class EndedTurn:
    """How a turn ended.

    Attributes:
        number: Number of the turn.
        workflow_id: Workflow id of its run.
        run_id: Run id of its run.
        attempt: Which attempt at its messages it was, from 1.
        status: How its run ended.
        failure: Why, if it did not complete; without details and causes, which
            its run has.
        start_time: When it started.
        end_time: When it ended.
        interrupted: It was interrupted, so that the next turn has its messages.
        replied: It sent a message.
        no_reply_reason: Why no reply was needed, if its code said so.
    """

    number: int
    workflow_id: str
    run_id: str
    attempt: int
    status: RunStatus | None
    failure: Failure | None
    start_time: datetime
    end_time: datetime
    interrupted: bool
    replied: bool
    no_reply_reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause.

    Attributes:
        reason: Why, in the words of who paused it.
        pause_time: Since when.
    """

    reason: str
    pause_time: datetime


@dataclass(frozen=True, slots=True)
class Handover:
    """A person or team owns the conversation.

    Attributes:
        assignee: Who; ``None`` for a kind this version does not know.
        reason: Why.
        context: What they need to know, as plain JSON values.
        hand_off_time: Since when.
        handoff_epoch: Which handover of the conversation it is, from 1: also a
            change of the assignee is one.
        is_taken: A person has written since.
    """

    assignee: Assignee | None
    reason: str
    context: Any
    hand_off_time: datetime
    handoff_epoch: int
    is_taken: bool


@dataclass(frozen=True, slots=True)
class FailedAddress:
    """An address that does not take messages.

    Attributes:
        address: The address.
        detail: What the provider said.
        fail_time: When.
    """

    address: str
    detail: str
    fail_time: datetime


@dataclass(frozen=True, slots=True)
class MessageChange:
    """The change of a customer's message, as it was taken.

    Attributes:
        message_sequence: Position of the message.
        change_sequence: Position of the entry that tells of the change; 0 if
            the message says that already.
    """

    message_sequence: int
    change_sequence: int


@dataclass(frozen=True, slots=True)
class SentHumanMessage:
    """A person's message, as it was taken.

    Attributes:
        message_sequence: Its position in the transcript.
        took_over: It took the conversation over from the agents.
        is_echo: It is one that an adapter of the conversation has sent.
    """

    message_sequence: int
    took_over: bool
    is_echo: bool


@dataclass(frozen=True, slots=True)
class SubmittedMessage:
    """A message that was accepted.

    Attributes:
        message_sequence: Its position in the transcript.
        accept_time: When it was accepted.
        provider_message_id: The id it can be submitted again with.
        conversation_id: Id of the conversation that has it.
    """

    message_sequence: int
    accept_time: datetime
    provider_message_id: str
    conversation_id: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """An address of a customer.

    Attributes:
        channel: Channel.
        address: Address on the channel; an e-mail address is the same in upper
            and lower case.
    """

    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """A message of a transcript from elsewhere.

    Attributes:
        author_kind: Who wrote it.
        text: The text; may be empty when there is something else.
        create_time: When it was written, with a time zone; not in the future.
        channel: Channel it came in by or went out by.
        author_name: Name of the author.
        provider_message_id: Id that the channel's provider gave a message of
            the customer.
        customer_address: Address of the customer that it came from.
        data: Structured content beside the text.
        attributes: Small annotations.
        attachments: Files that go with it.
        is_note: A note that only staff and agents see.
    """

    author_kind: AuthorKind
    text: str
    create_time: datetime
    channel: str
    author_name: str = ""
    provider_message_id: str = ""
    customer_address: str = ""
    data: Any = None
    attributes: Mapping[str, str] | None = None
    attachments: Sequence[Attachment] = ()
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class SubmittedEvent:
    """An event that was accepted.

    Attributes:
        event_sequence: Its position among the events of the conversation.
        accept_time: When it was accepted.
        event_id: The id it can be submitted again with.
    """

    event_sequence: int
    accept_time: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class ErasedConversation:
    """What was removed with a conversation.

    Attributes:
        message_count: Number of messages.
        run_count: Number of runs whose journals were removed.
    """

    message_count: int
    run_count: int


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
        reply_channel: Channel that replies go out by.
        message_count: Number of messages in the transcript.
        waiting_message_count: Number of messages that no turn has taken yet.
        turn_count: Number of turns started so far.
        turn: The current turn, if one is running.
        state: State written by the conversation's code; empty in lists.
        labels: Labels.
        turn_policy: Policy in force, defaults filled in.
        create_time: When it was opened.
        update_time: When it last changed.
        pause: Set while it is paused.
        handover: Set while a person or team owns it.
        addresses: Addresses of the customer by channel.
        waiting_event_count: Number of events that no turn has taken yet.
        usage: What its activities have used so far.
        turn_usage: What its current or last turn has used.
        budget_reached: Its budget is used up; activities wait for an approval.
        wait: Why it waits; ``None`` if it does not.
        erased_run_count: Number of runs it had; only of an erased one.
        unanswered_since_time: Since when the customer has no answer: the time of
            the oldest message that no reply answered, and of which no code said
            that it needs none; ``None`` if everything is answered.
        unanswered_message_count: Number of messages that failed turns have left
            to the next one.
        last_turn: How the last turn ended; ``None`` before the first one did.
        opt_outs: What the customer does not want, by channel.
        failed_addresses: Addresses that do not take messages, by channel: until
            the customer writes from there, or the address changes.
        merged_into: Id of the conversation that it was merged into, if it was.
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
    pause: Pause | None = None
    handover: Handover | None = None
    addresses: Mapping[str, str] = field(default_factory=dict[str, str])
    waiting_event_count: int = 0
    usage: Usage = field(default_factory=Usage)
    turn_usage: Usage = field(default_factory=Usage)
    budget_reached: bool = False
    wait: Wait | None = None
    erased_run_count: int = 0
    unanswered_since_time: datetime | None = None
    unanswered_message_count: int = 0
    last_turn: EndedTurn | None = None
    opt_outs: Mapping[str, OptOut] = field(default_factory=dict[str, OptOut])
    failed_addresses: Mapping[str, FailedAddress] = field(default_factory=dict[str, FailedAddress])
    merged_into: str | None = None


def conversation_from_proto(proto: pb.Conversation, converter: PayloadConverter) -> Conversation:
    """Reads a conversation."""
    is_handed_off = proto.HasField("handover")
    is_unanswered = proto.HasField("unanswered_since_time")
    last_turn = _ended_turn(proto.last_turn, converter) if proto.HasField("last_turn") else None
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
        state={name: plain_value(value, converter) for name, value in proto.state.items()},
        labels=dict(proto.labels),
        turn_policy=policy_from_proto(proto.turn_policy),
        pause=pause_from_proto(proto.pause) if proto.HasField("pause") else None,
        handover=handover_from_proto(proto.handover, converter) if is_handed_off else None,
        addresses=dict(proto.addresses),
        waiting_event_count=proto.waiting_event_count,
        usage=usage_from_proto(proto.usage),
        turn_usage=usage_from_proto(proto.turn_usage),
        budget_reached=proto.budget_reached,
        wait=wait_from_proto(proto.wait),
        erased_run_count=proto.erased_run_count,
        unanswered_since_time=(
            from_timestamp(proto.unanswered_since_time) if is_unanswered else None
        ),
        unanswered_message_count=proto.unanswered_message_count,
        last_turn=last_turn,
        opt_outs={
            channel: member_of(OptOut, value) or OptOut.NONE
            for channel, value in proto.opt_outs.items()
        },
        failed_addresses={
            channel: FailedAddress(value.address, value.detail, from_timestamp(value.fail_time))
            for channel, value in proto.failed_addresses.items()
        },
        merged_into=proto.merged_into_conversation_id or None,
    )


def pause_from_proto(proto: pb.Pause) -> Pause:
    """Reads a pause."""
    return Pause(proto.reason, from_timestamp(proto.pause_time))


def handover_from_proto(proto: pb.Handover, converter: PayloadConverter) -> Handover:
    """Reads a handover."""
    return Handover(
        assignee=assignee_from_proto(proto.assignee),
        reason=proto.reason,
        context=plain_value(proto.context, converter) if proto.HasField("context") else None,
        hand_off_time=from_timestamp(proto.hand_off_time),
        handoff_epoch=proto.handoff_epoch,
        is_taken=proto.is_taken,
    )


def _ended_turn(proto: pb.EndedTurn, converter: PayloadConverter) -> EndedTurn:
    has_failed = proto.HasField("failure")
    return EndedTurn(
        number=proto.number,
        workflow_id=proto.workflow_id,
        run_id=proto.run_id,
        attempt=proto.attempt,
        status=member_of(RunStatus, proto.status),
        failure=failure_from_proto(proto.failure, converter) if has_failed else None,
        start_time=from_timestamp(proto.start_time),
        end_time=from_timestamp(proto.end_time),
        interrupted=proto.interrupted,
        replied=proto.replied,
        no_reply_reason=proto.no_reply_reason,
    )


def _turn(proto: pb.Turn) -> Turn:
    return Turn(
        number=proto.number,
        workflow_id=proto.workflow_id,
        run_id=proto.run_id,
        status=member_of(TurnStatus, proto.status),
        start_time=from_timestamp(proto.start_time),
    )
