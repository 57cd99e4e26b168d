"""The part of turn policies that is about channels, machines that write, and edits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from everturn.client._people import Assignee, assignee_from_proto, assignee_to_proto
from everturn.v1 import policy_pb2
from everturn.values._times import Seconds, from_duration, to_duration


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """What holds for the deliveries of a channel.

    Attributes:
        expires_after: How long a message is worth sending: attempts that fail
            are repeated for so long. Default 1 h for the channel "chat", and
            24 h for others; from 1 s to 30 d.
        next_channel: A message that cannot be delivered goes out by another
            channel that has an address.
        hand_off: Who gets the conversation when a message cannot be delivered.
        event_type: Type of the event that comes in then; its payload has
            ``messageSequence``, ``channel`` and ``detail``. At most one of the
            three; without any nothing follows.
    """

    expires_after: Seconds | None = None
    next_channel: bool = False
    hand_off: Assignee | None = None
    event_type: str = ""


@dataclass(frozen=True, slots=True)
class TurnCap:
    """How many turns a conversation may have in a while.

    Two machines must not talk for ever.

    Attributes:
        turns: Turns in any window; 0: no bound. At most 10,000.
        window: Length of the window. Default 1 h; from 1 s to 366 d.
        hand_off: Who gets the conversation instead of one more turn. Default:
            it waits until the window has room.
    """

    turns: int
    window: Seconds | None = None
    hand_off: Assignee | None = None


class OnAutomatic(Enum):
    """What a message of a machine does.

    RECORD: it is in the transcript, and starts no turn.
    TURN: it is as any other.
    """

    RECORD = policy_pb2.ON_AUTOMATIC_RECORD
    TURN = policy_pb2.ON_AUTOMATIC_TURN


class OnEdit(Enum):
    """What the change of a message does that a turn is done with.

    RECORD: it is in the transcript.
    TURN: it is as a message.
    """

    RECORD = policy_pb2.ON_EDIT_RECORD
    TURN = policy_pb2.ON_EDIT_TURN


class OptOut(Enum):
    """What the customer does not want to get by a channel.

    NONE: they want everything again.
    PROACTIVE: nothing that agents write first.
    ALL: nothing at all.
    """

    NONE = policy_pb2.OPT_OUT_NONE
    PROACTIVE = policy_pb2.OPT_OUT_PROACTIVE
    ALL = policy_pb2.OPT_OUT_ALL


def channel_policy_to_proto(value: ChannelPolicy) -> policy_pb2.ChannelPolicy:
    """The policy of a channel as protobuf.

    Raises:
        ValueError: More than one thing is to follow.
    """
    if sum((value.next_channel, value.hand_off is not None, bool(value.event_type))) > 1:
        raise ValueError("next_channel, hand_off and event_type exclude each other")
    proto = policy_pb2.ChannelPolicy(expires_after=to_duration(value.expires_after))
    if value.next_channel:
        proto.next_channel = True
    if value.hand_off:
        proto.hand_off.CopyFrom(assignee_to_proto(value.hand_off))
    if value.event_type:
        proto.event_type = value.event_type
    return proto


def channel_policy_from_proto(proto: policy_pb2.ChannelPolicy) -> ChannelPolicy:
    """Reads the policy of a channel."""
    expires = from_duration(proto.expires_after) if proto.HasField("expires_after") else None
    return ChannelPolicy(
        expires_after=expires,
        next_channel=proto.next_channel,
        hand_off=assignee_from_proto(proto.hand_off) if proto.HasField("hand_off") else None,
        event_type=proto.event_type,
    )


def turn_cap_to_proto(value: TurnCap | None) -> policy_pb2.TurnCap | None:
    """The cap as protobuf."""
    if value is None:
        return None
    return policy_pb2.TurnCap(
        turns=value.turns,
        window=to_duration(value.window),
        hand_off=assignee_to_proto(value.hand_off) if value.hand_off else None,
    )


def turn_cap_from_proto(proto: policy_pb2.TurnCap) -> TurnCap:
    """Reads a cap."""
    return TurnCap(
        turns=proto.turns,
        window=from_duration(proto.window) if proto.HasField("window") else None,
        hand_off=assignee_from_proto(proto.hand_off) if proto.HasField("hand_off") else None,
    )
