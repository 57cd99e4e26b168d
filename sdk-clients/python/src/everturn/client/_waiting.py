"""Why something waits, since when, and what would end it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from everturn.v1 import waiting_pb2 as pb
from everturn.values._enums import member_of
from everturn.values._times import from_timestamp


class WaitReason(Enum):
    """Why something does not go on: the one reason that has to end first."""

    NO_WORKER = pb.WAIT_REASON_NO_WORKER
    NOT_REGISTERED = pb.WAIT_REASON_NOT_REGISTERED
    QUEUED = pb.WAIT_REASON_QUEUED
    WORKER = pb.WAIT_REASON_WORKER
    BACKING_OFF = pb.WAIT_REASON_BACKING_OFF
    PAUSED = pb.WAIT_REASON_PAUSED
    CUSTOMER = pb.WAIT_REASON_CUSTOMER
    TASK_FAILED = pb.WAIT_REASON_TASK_FAILED
    TASK_SET_APART = pb.WAIT_REASON_TASK_SET_APART
    BUDGET = pb.WAIT_REASON_BUDGET
    APPROVAL = pb.WAIT_REASON_APPROVAL
    PERSON = pb.WAIT_REASON_PERSON
    TIMER = pb.WAIT_REASON_TIMER
    SIGNAL = pb.WAIT_REASON_SIGNAL
    CHILD = pb.WAIT_REASON_CHILD
    SIGNAL_DELIVERY = pb.WAIT_REASON_SIGNAL_DELIVERY
    BURST = pb.WAIT_REASON_BURST
    QUIET_HOURS = pb.WAIT_REASON_QUIET_HOURS
    UNANSWERED = pb.WAIT_REASON_UNANSWERED
    TURN_CAP = pb.WAIT_REASON_TURN_CAP
    EARLIER_DELIVERY = pb.WAIT_REASON_EARLIER_DELIVERY


@dataclass(frozen=True, slots=True)
class Wait:
    """Why something waits.

    Attributes:
        reason: Why; ``None`` for a reason that this version does not know.
        since_time: Since when.
        until_time: When it ends by itself, if it does.
        text: The same in one line for people.
        ends_with: What would end it, in one line for people.
        key: Key of the step that it waits for; empty if it is none.
        task_queue: Task queue that it waits in, if it does.
        type_name: Activity or workflow type of what waits, if it has one.
        worker_identity: Worker that has it, if one has.
        attempt: Number of the current attempt; 0 if it has none.
        approval_id: Id of the approval, if it waits for one.
    """

    reason: WaitReason | None
    since_time: datetime
    until_time: datetime | None
    text: str
    ends_with: str
    key: str = ""
    task_queue: str = ""
    type_name: str = ""
    worker_identity: str = ""
    attempt: int = 0
    approval_id: str = ""


def wait_from_proto(proto: pb.Wait) -> Wait | None:
    """Reads why something waits; ``None`` if it does not."""
    if proto.reason == pb.WAIT_REASON_UNSPECIFIED:
        return None
    return Wait(
        reason=member_of(WaitReason, proto.reason),
        since_time=from_timestamp(proto.since_time),
        until_time=from_timestamp(proto.until_time) if proto.HasField("until_time") else None,
        text=proto.text,
        ends_with=proto.ends_with,
        key=proto.key,
        task_queue=proto.task_queue,
        type_name=proto.type_name,
        worker_identity=proto.worker_identity,
        attempt=proto.attempt,
        approval_id=proto.approval_id,
    )
