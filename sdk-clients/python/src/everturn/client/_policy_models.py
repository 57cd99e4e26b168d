"""Turn policies as plain Python values: written to and read from protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import Enum

from everturn.client import _channel_policy as channel_policy
from everturn.client._people import Assignee, assignee_from_proto, assignee_to_proto
from everturn.v1 import conversation_service_pb2, policy_pb2
from everturn.values._enums import member_of
from everturn.values._times import Seconds, from_duration, to_duration

_HOUR_MINUTES = 60


class OnBusy(Enum):
    """What happens to a message or event that arrives while a turn is running."""

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
class QuietHours:
    """Hours of the day in which agents do not write first.

    Attributes:
        start: When they begin, to the minute.
        end: When they end; before ``start`` on the next day.
        time_zone: Time zone by its IANA name. Default: UTC.
    """

    start: time
    end: time
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """How often agents may write first.

    Attributes:
        max_messages: Proactive messages in any window; 0 in an update removes
            the cap.
        window: Length of the window.
    """

    max_messages: int
    window: Seconds


@dataclass(frozen=True, slots=True)
class Budget:
    """What a conversation may use before somebody is asked.

    When a bound is reached no further activity starts and an approval is
    requested. 0 means no bound; without any bound in an update the budget is
    removed.

    Attributes:
        tokens: Tokens, input and output together.
        cost_micros: Cost in millionths of ``currency``.
        currency: ISO 4217 code; required with a cost.
    """

    tokens: int = 0
    cost_micros: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class OnTurnFailure:
    """What follows a turn that failed, timed out or was ended from outside.

    The messages that no reply answered stay unanswered: the next turn is given
    them, whatever starts it.

    Attributes:
        attempts: Attempts in all at what a turn was given: each is a turn of its
            own, with the same messages and events. Not after a non-retryable
            failure. At most 100.
        backoff: Delay before the second attempt; doubled for each one after it,
            up to 1 h. Default 5 s.
        hand_off: Who gets the conversation after the last attempt.
        event_type: Type of the event that comes in after the last attempt; its
            payload has ``turn``, ``attempts`` and ``failure``. Not with
            ``hand_off``. Without either nothing follows until the customer
            writes.
    """

    attempts: int = 1
    backoff: Seconds | None = None
    hand_off: Assignee | None = None
    event_type: str = ""


class OnClosed(Enum):
    """What a customer's message does to a closed conversation.

    REOPEN: within 30 days it is open again, with its transcript and state.
    REFUSE: the message is refused (CONVERSATION_CLOSED).
    """

    REOPEN = policy_pb2.ON_CLOSED_REOPEN
    REFUSE = policy_pb2.ON_CLOSED_REFUSE


class OnErased(Enum):
    """What a message or event does under the id of an erased conversation.

    REFUSE: it is refused (CONVERSATION_ERASED).
    BEGIN_ANEW: a new conversation begins under the id.
    """

    REFUSE = policy_pb2.ON_ERASED_REFUSE
    BEGIN_ANEW = policy_pb2.ON_ERASED_BEGIN_ANEW


class OnHumanMessage(Enum):
    """What a person's message does to a conversation that agents own.

    TAKE_OVER: the person owns it from here on.
    KEEP: the agents keep it.
    REFUSE: the message is refused (NOT_HANDED_OFF).
    """

    TAKE_OVER = policy_pb2.ON_HUMAN_MESSAGE_TAKE_OVER
    KEEP = policy_pb2.ON_HUMAN_MESSAGE_KEEP
    REFUSE = policy_pb2.ON_HUMAN_MESSAGE_REFUSE


@dataclass(frozen=True, slots=True)
class HandoffTimeout:
    """What follows a handover in which no person has written.

    Attributes:
        after: After how long; 0 in an update removes it.
        hand_off: Who has the conversation then.
        event_type: Type of the event with which the agents have it again; its
            payload has ``assignee``. Not with ``hand_off``. Without either the
            agents have it again.
    """

    after: Seconds
    hand_off: Assignee | None = None
    event_type: str = ""


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How messages and events become turns; ``None`` means the default.

    In an update ``None`` leaves a field as it is, and a timeout of 0, a budget
    without bounds or a frequency cap of 0 messages removes it; quiet hours are
    removed with ``no_quiet_hours``.

    Attributes:
        debounce: How bursts are collected.
        on_busy: What a message does to a turn that is running. Default: QUEUE.
        interrupt_grace: How long an interrupted turn may clean up. Default 10 s.
        on_event: What an event does to a turn that is running. Default: QUEUE.
        idle_timeout: A turn starts when nobody wrote for this long.
        customer_timeout: A turn starts when the customer has not answered for
            this long.
        staff_timeout: A turn starts when the customer has waited for an answer
            for this long.
        quiet_hours: When agents do not write first.
        frequency_cap: How often agents may write first.
        budget: What the conversation may use.
        no_quiet_hours: Agents may write first at any hour: removes the quiet
            hours in force, or of the type. Not with ``quiet_hours``; never set
            in a policy that was read.
        on_turn_failure: What follows a turn that failed.
        max_interrupts: How often the turns of one episode are interrupted at
            most, so that a customer who does not stop writing gets a reply.
            0: 3; at most 1,000.
        max_delay: Time from the start of an episode after which none of its
            turns is interrupted.
        on_closed: What a customer's message does once it is closed.
            Default: REOPEN.
        on_erased: What a message does once it is erased. Default: REFUSE.
        on_human_message: What a person's message does while agents own it.
            Default: TAKE_OVER.
        handoff_timeout: What follows a handover in which nobody writes.
        channels: What holds for deliveries, by channel: given channels replace
            theirs.
        turn_cap: How many turns the conversation may have in a while.
            Default: 120 in an hour, then it waits.
        on_automatic: What a message of a machine does. Default: RECORD.
        own_addresses: Addresses of ours: what comes from them is no customer's
            message. Given ones replace those in force.
        on_edit: What the change of a message does that a turn is done with.
            Default: RECORD.
    """

    debounce: Debounce | None = None
    on_busy: OnBusy | None = None
    interrupt_grace: Seconds | None = None
    on_event: OnBusy | None = None
    idle_timeout: Seconds | None = None
    customer_timeout: Seconds | None = None
    staff_timeout: Seconds | None = None
    quiet_hours: QuietHours | None = None
    frequency_cap: FrequencyCap | None = None
    budget: Budget | None = None
    no_quiet_hours: bool = False
    on_turn_failure: OnTurnFailure | None = None
    max_interrupts: int = 0
    max_delay: Seconds | None = None
    on_closed: OnClosed | None = None
    on_erased: OnErased | None = None
    on_human_message: OnHumanMessage | None = None
    handoff_timeout: HandoffTimeout | None = None
    channels: Mapping[str, channel_policy.ChannelPolicy] = field(
        default_factory=dict[str, channel_policy.ChannelPolicy]
    )
    turn_cap: channel_policy.TurnCap | None = None
    on_automatic: channel_policy.OnAutomatic | None = None
    own_addresses: Sequence[str] = ()
    on_edit: channel_policy.OnEdit | None = None


@dataclass(frozen=True, slots=True)
class ConversationType:
    """What conversations of a type begin with.

    Attributes:
        conversation_type: Name of the type; empty for what all types of the
            namespace share that have no settings of their own.
        turn_policy: Turn policy.
        retention: How long a closed conversation is kept before it is erased;
            ``None``: for ever.
    """

    conversation_type: str
    turn_policy: TurnPolicy
    retention: timedelta | None


def policy_to_proto(policy: TurnPolicy) -> policy_pb2.TurnPolicy:
    """The policy as protobuf."""
    return policy_pb2.TurnPolicy(
        debounce=_debounce_to_proto(policy.debounce),
        on_busy=_on_busy_to_proto(policy.on_busy),
        interrupt_grace=to_duration(policy.interrupt_grace),
        on_event=_on_busy_to_proto(policy.on_event),
        idle_timeout=to_duration(policy.idle_timeout),
        customer_timeout=to_duration(policy.customer_timeout),
        staff_timeout=to_duration(policy.staff_timeout),
        quiet_hours=_quiet_hours_to_proto(policy.quiet_hours),
        frequency_cap=_frequency_cap_to_proto(policy.frequency_cap),
        budget=_budget_to_proto(policy.budget),
        no_quiet_hours=policy.no_quiet_hours,
        on_turn_failure=_on_turn_failure_to_proto(policy.on_turn_failure),
        max_interrupts=policy.max_interrupts,
        max_delay=to_duration(policy.max_delay),
        on_closed=policy.on_closed.value if policy.on_closed else policy_pb2.ON_CLOSED_UNSPECIFIED,
        on_erased=policy.on_erased.value if policy.on_erased else policy_pb2.ON_ERASED_UNSPECIFIED,
        on_human_message=policy.on_human_message.value
        if policy.on_human_message
        else policy_pb2.ON_HUMAN_MESSAGE_UNSPECIFIED,
        handoff_timeout=_handoff_timeout_to_proto(policy.handoff_timeout),
        channels={
            channel: channel_policy.channel_policy_to_proto(value)
            for channel, value in policy.channels.items()
        },
        turn_cap=channel_policy.turn_cap_to_proto(policy.turn_cap),
        on_automatic=policy.on_automatic.value
        if policy.on_automatic
        else policy_pb2.ON_AUTOMATIC_UNSPECIFIED,
        own_addresses=list(policy.own_addresses),
        on_edit=policy.on_edit.value if policy.on_edit else policy_pb2.ON_EDIT_UNSPECIFIED,
    )


def policy_from_proto(proto: policy_pb2.TurnPolicy) -> TurnPolicy:
    """Reads a policy."""
    grace, idle = proto.interrupt_grace, proto.idle_timeout
    customer, staff = proto.customer_timeout, proto.staff_timeout
    return TurnPolicy(
        debounce=_debounce_from_proto(proto.debounce) if proto.HasField("debounce") else None,
        on_busy=member_of(OnBusy, proto.on_busy),
        interrupt_grace=from_duration(grace) if proto.HasField("interrupt_grace") else None,
        on_event=member_of(OnBusy, proto.on_event),
        idle_timeout=from_duration(idle) if proto.HasField("idle_timeout") else None,
        customer_timeout=from_duration(customer) if proto.HasField("customer_timeout") else None,
        staff_timeout=from_duration(staff) if proto.HasField("staff_timeout") else None,
        quiet_hours=QuietHours(
            start=_time(proto.quiet_hours.start_minute),
            end=_time(proto.quiet_hours.end_minute),
            time_zone=proto.quiet_hours.time_zone,
        )
        if proto.HasField("quiet_hours")
        else None,
        frequency_cap=FrequencyCap(
            proto.frequency_cap.max_messages, from_duration(proto.frequency_cap.window)
        )
        if proto.HasField("frequency_cap")
        else None,
        budget=Budget(proto.budget.tokens, proto.budget.cost_micros, proto.budget.currency)
        if proto.HasField("budget")
        else None,
        on_turn_failure=_on_turn_failure_from_proto(proto.on_turn_failure)
        if proto.HasField("on_turn_failure")
        else None,
        max_interrupts=proto.max_interrupts,
        max_delay=from_duration(proto.max_delay) if proto.HasField("max_delay") else None,
        on_closed=member_of(OnClosed, proto.on_closed),
        on_erased=member_of(OnErased, proto.on_erased),
        on_human_message=member_of(OnHumanMessage, proto.on_human_message),
        handoff_timeout=_handoff_timeout_from_proto(proto.handoff_timeout)
        if proto.HasField("handoff_timeout")
        else None,
        channels={
            channel: channel_policy.channel_policy_from_proto(value)
            for channel, value in proto.channels.items()
        },
        turn_cap=channel_policy.turn_cap_from_proto(proto.turn_cap)
        if proto.HasField("turn_cap")
        else None,
        on_automatic=member_of(channel_policy.OnAutomatic, proto.on_automatic),
        own_addresses=tuple(proto.own_addresses),
        on_edit=member_of(channel_policy.OnEdit, proto.on_edit),
    )


def type_from_proto(proto: conversation_service_pb2.ConversationType) -> ConversationType:
    """Reads the settings of a conversation type."""
    return ConversationType(
        conversation_type=proto.conversation_type,
        turn_policy=policy_from_proto(proto.turn_policy),
        retention=from_duration(proto.retention) if proto.HasField("retention") else None,
    )


def _on_turn_failure_to_proto(value: OnTurnFailure | None) -> policy_pb2.OnTurnFailure | None:
    if value is None:
        return None
    if value.hand_off and value.event_type:
        raise ValueError("hand_off and event_type exclude each other")
    attempts, backoff = value.attempts, to_duration(value.backoff)
    if value.event_type:
        return policy_pb2.OnTurnFailure(
            attempts=attempts, backoff=backoff, event_type=value.event_type
        )
    to = assignee_to_proto(value.hand_off) if value.hand_off else None
    return policy_pb2.OnTurnFailure(attempts=attempts, backoff=backoff, hand_off=to)


def _on_turn_failure_from_proto(proto: policy_pb2.OnTurnFailure) -> OnTurnFailure:
    is_handed_off = proto.HasField("hand_off")
    return OnTurnFailure(
        attempts=proto.attempts,
        backoff=from_duration(proto.backoff),
        hand_off=assignee_from_proto(proto.hand_off) if is_handed_off else None,
        event_type=proto.event_type,
    )


def _handoff_timeout_to_proto(value: HandoffTimeout | None) -> policy_pb2.HandoffTimeout | None:
    if value is None:
        return None
    if value.hand_off and value.event_type:
        raise ValueError("hand_off and event_type exclude each other")
    after = to_duration(value.after)
    if value.event_type:
        return policy_pb2.HandoffTimeout(after=after, event_type=value.event_type)
    to = assignee_to_proto(value.hand_off) if value.hand_off else None
    return policy_pb2.HandoffTimeout(after=after, hand_off=to)


def _handoff_timeout_from_proto(proto: policy_pb2.HandoffTimeout) -> HandoffTimeout:
    is_handed_off = proto.HasField("hand_off")
    return HandoffTimeout(
        after=from_duration(proto.after),
        hand_off=assignee_from_proto(proto.hand_off) if is_handed_off else None,
        event_type=proto.event_type,
    )


def _debounce_to_proto(debounce: Debounce | None) -> policy_pb2.Debounce | None:
    if debounce is None:
        return None
    return policy_pb2.Debounce(
        quiet=to_duration(debounce.quiet),
        max_wait=to_duration(debounce.max_wait),
        max_messages=debounce.max_messages,
    )


def _debounce_from_proto(proto: policy_pb2.Debounce) -> Debounce:
    return Debounce(
        quiet=from_duration(proto.quiet),
        max_wait=from_duration(proto.max_wait),
        max_messages=proto.max_messages,
    )


def _on_busy_to_proto(on_busy: OnBusy | None) -> policy_pb2.OnBusy.ValueType:
    return on_busy.value if on_busy else policy_pb2.ON_BUSY_UNSPECIFIED


def _quiet_hours_to_proto(hours: QuietHours | None) -> policy_pb2.QuietHours | None:
    if hours is None:
        return None
    return policy_pb2.QuietHours(
        time_zone=hours.time_zone, start_minute=_minute(hours.start), end_minute=_minute(hours.end)
    )


def _frequency_cap_to_proto(cap: FrequencyCap | None) -> policy_pb2.FrequencyCap | None:
    if cap is None:
        return None
    return policy_pb2.FrequencyCap(max_messages=cap.max_messages, window=to_duration(cap.window))


def _budget_to_proto(budget: Budget | None) -> policy_pb2.Budget | None:
    if budget is None:
        return None
    return policy_pb2.Budget(
        tokens=budget.tokens, cost_micros=budget.cost_micros, currency=budget.currency
    )


def _minute(of_day: time) -> int:
    return of_day.hour * _HOUR_MINUTES + of_day.minute


def _time(minute: int) -> time:
    return time(minute // _HOUR_MINUTES % 24, minute % _HOUR_MINUTES)
