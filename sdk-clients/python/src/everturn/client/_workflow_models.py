"""Workflow runs as plain Python values, and how they are read from protobuf."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from everturn.client._waiting import Wait, wait_from_proto
from everturn.v1 import event_pb2
from everturn.v1 import workflow_service_pb2 as pb
from everturn.values._enums import member_of
from everturn.values._failure import failure_from_proto
from everturn.values._failure_info import Failure
from everturn.values._payload import plain_value
from everturn.values._times import from_timestamp
from everturn.values._usage import Usage, usage_from_proto

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message as ProtoMessage

    from everturn.values._payload import PayloadConverter


class RunStatus(Enum):
    """How a run stands."""

    RUNNING = event_pb2.RUN_STATUS_RUNNING
    COMPLETED = event_pb2.RUN_STATUS_COMPLETED
    FAILED = event_pb2.RUN_STATUS_FAILED
    CANCELED = event_pb2.RUN_STATUS_CANCELED
    TERMINATED = event_pb2.RUN_STATUS_TERMINATED
    TIMED_OUT = event_pb2.RUN_STATUS_TIMED_OUT


class PendingActivityState(Enum):
    """How a pending activity stands."""

    SCHEDULED = pb.PENDING_ACTIVITY_STATE_SCHEDULED
    STARTED = pb.PENDING_ACTIVITY_STATE_STARTED
    BACKING_OFF = pb.PENDING_ACTIVITY_STATE_BACKING_OFF
    CANCELING = pb.PENDING_ACTIVITY_STATE_CANCELING


@dataclass(frozen=True, slots=True)
class StartedWorkflow:
    """A workflow that was started.

    Attributes:
        workflow_id: Workflow id.
        run_id: Id of the run.
    """

    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """How a run stands, without its journal.

    Attributes:
        namespace: Namespace.
        workflow_id: Workflow id.
        run_id: Run id.
        workflow_type: Workflow type.
        task_queue: Task queue of its workflow tasks.
        status: How it stands.
        parent_workflow_id: Workflow id of the parent; empty if it has none.
        start_time: When it started.
        close_time: When it closed; ``None`` while it is open.
        event_count: Number of events in its journal.
        labels: Labels.
        paused: It is paused by itself; runs below it stand still too.
        usage: What its activities have used so far, without its children's.
        wait: Why it waits; ``None`` if it does not.
    """

    namespace: str
    workflow_id: str
    run_id: str
    workflow_type: str
    task_queue: str
    status: RunStatus | None
    parent_workflow_id: str
    start_time: datetime
    close_time: datetime | None
    event_count: int
    labels: Mapping[str, str]
    paused: bool = False
    usage: Usage = field(default_factory=Usage)
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class PendingActivity:
    """An activity that a run waits for.

    Attributes:
        key: Key of the command that scheduled it.
        activity_type: Name of the activity.
        state: How it stands.
        attempt: Number of the current attempt, from 1.
        task_queue: Task queue it waits in.
        worker_identity: Identity of the worker that has it; empty if none.
        last_failure: Failure of the last attempt, if one failed.
        next_attempt_time: When the next attempt may start, while backing off.
        heartbeat_details: Details of the last heartbeat, as plain JSON values.
        wait: Why it waits.
    """

    key: str
    activity_type: str
    state: PendingActivityState | None
    attempt: int
    task_queue: str
    worker_identity: str
    last_failure: Failure | None
    next_attempt_time: datetime | None
    heartbeat_details: Any
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class PendingTimer:
    """A timer that a run waits for.

    Attributes:
        key: Key of the command that started it.
        fire_time: When it fires.
    """

    key: str
    fire_time: datetime


@dataclass(frozen=True, slots=True)
class PendingChild:
    """A child that a run waits for.

    Attributes:
        key: Key of the command that started it.
        workflow_id: Workflow id of the child.
    """

    key: str
    workflow_id: str


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """An approval that a run waits for.

    Attributes:
        key: Key of the command that asked for it.
        approval_id: Id of the approval.
        expire_time: When it expires, if it does.
    """

    key: str
    approval_id: str
    expire_time: datetime | None


@dataclass(frozen=True, slots=True)
class WorkflowDescription:
    """How a run stands, with what it waits for.

    Attributes:
        run: The run.
        pending_activities: Activities it waits for.
        pending_timers: Timers it waits for.
        pending_children: Children it waits for.
        result: Result of a completed run, as plain JSON values.
        failure: Why any other closed run ended.
        workflow_task_failure: Why its code is stuck, if it is.
        pending_approvals: Approvals it waits for.
        omitted_activity_count: Number of pending activities that were left out
            because the answer would be too large.
    """

    run: WorkflowRun
    pending_activities: tuple[PendingActivity, ...]
    pending_timers: tuple[PendingTimer, ...]
    pending_children: tuple[PendingChild, ...]
    result: Any
    failure: Failure | None
    workflow_task_failure: Failure | None
    pending_approvals: tuple[PendingApproval, ...] = ()
    omitted_activity_count: int = 0


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event of a run's journal.

    Attributes:
        id: Position in the journal, from 1.
        time: When it was written.
        kind: What happened, as the field is named in ``event.proto``
            (``"activity_completed"``); empty for a kind this version does not
            know.
        data: The event's own protobuf message; ``None`` with an unknown kind.
    """

    id: int
    time: datetime
    kind: str
    data: ProtoMessage | None


def run_from_proto(proto: pb.WorkflowRun) -> WorkflowRun:
    """Reads a run."""
    return WorkflowRun(
        namespace=proto.namespace,
        workflow_id=proto.workflow_id,
        run_id=proto.run_id,
        workflow_type=proto.workflow_type,
        task_queue=proto.task_queue,
        status=member_of(RunStatus, proto.status),
        parent_workflow_id=proto.parent_workflow_id,
        start_time=from_timestamp(proto.start_time),
        close_time=from_timestamp(proto.close_time) if proto.HasField("close_time") else None,
        event_count=proto.event_count,
        labels=dict(proto.labels),
        paused=proto.paused,
        usage=usage_from_proto(proto.usage),
        wait=wait_from_proto(proto.wait),
    )


def description_from_proto(
    proto: pb.DescribeWorkflowResponse, converter: PayloadConverter
) -> WorkflowDescription:
    """Reads a run with what it waits for."""
    stuck = proto.HasField("workflow_task_failure")
    return WorkflowDescription(
        run=run_from_proto(proto.run),
        pending_activities=tuple(_activity(a, converter) for a in proto.pending_activities),
        pending_timers=tuple(
            PendingTimer(timer.key, from_timestamp(timer.fire_time))
            for timer in proto.pending_timers
        ),
        pending_children=tuple(
            PendingChild(child.key, child.workflow_id) for child in proto.pending_children
        ),
        result=plain_value(proto.result, converter) if proto.HasField("result") else None,
        failure=failure_from_proto(proto.failure, converter) if proto.HasField("failure") else None,
        workflow_task_failure=failure_from_proto(proto.workflow_task_failure, converter)
        if stuck
        else None,
        pending_approvals=tuple(_approval(a) for a in proto.pending_approvals),
        omitted_activity_count=proto.omitted_activity_count,
    )


def event_from_proto(proto: event_pb2.HistoryEvent) -> HistoryEvent:
    """Reads an event of a journal."""
    kind = proto.WhichOneof("kind")
    data: ProtoMessage | None = getattr(proto, kind) if kind else None
    return HistoryEvent(proto.id, from_timestamp(proto.time), kind or "", data)


def _approval(proto: pb.PendingApproval) -> PendingApproval:
    expires = proto.HasField("expire_time")
    expire_time = from_timestamp(proto.expire_time) if expires else None
    return PendingApproval(proto.key, proto.approval_id, expire_time)


def _activity(proto: pb.PendingActivity, converter: PayloadConverter) -> PendingActivity:
    backing_off = proto.HasField("next_attempt_time")
    return PendingActivity(
        key=proto.key,
        activity_type=proto.activity_type,
        state=member_of(PendingActivityState, proto.state),
        attempt=proto.attempt,
        task_queue=proto.task_queue,
        worker_identity=proto.worker_identity,
        last_failure=failure_from_proto(proto.last_failure, converter)
        if proto.HasField("last_failure")
        else None,
        next_attempt_time=from_timestamp(proto.next_attempt_time) if backing_off else None,
        heartbeat_details=plain_value(proto.heartbeat_details, converter)
        if proto.HasField("heartbeat_details")
        else None,
        wait=wait_from_proto(proto.wait),
    )
