"""Approvals as plain Python values, and how they are read from protobuf."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from everturn.v1 import conversation_service_pb2 as pb
from everturn.v1 import event_pb2
from everturn.values._enums import member_of
from everturn.values._payload import JsonPayloadConverter, plain_value
from everturn.values._times import from_timestamp

if TYPE_CHECKING:
    from everturn.values._payload import PayloadConverter


class ApprovalStatus(Enum):
    """Whether an approval still waits for its decision."""

    PENDING = pb.APPROVAL_STATUS_PENDING
    ENDED = pb.APPROVAL_STATUS_ENDED


class ApprovalOutcome(Enum):
    """How an approval ended."""

    APPROVED = event_pb2.APPROVAL_OUTCOME_APPROVED
    APPROVED_WITH_CHANGES = event_pb2.APPROVAL_OUTCOME_APPROVED_WITH_CHANGES
    REJECTED = event_pb2.APPROVAL_OUTCOME_REJECTED
    EXPIRED = event_pb2.APPROVAL_OUTCOME_EXPIRED
    WITHDRAWN = event_pb2.APPROVAL_OUTCOME_WITHDRAWN


class ApprovalDecision(Enum):
    """What a person decides."""

    APPROVE = pb.APPROVAL_DECISION_APPROVE
    APPROVE_WITH_CHANGES = pb.APPROVAL_DECISION_APPROVE_WITH_CHANGES
    REJECT = pb.APPROVAL_DECISION_REJECT


@dataclass(frozen=True, slots=True)
class Approval:
    """Something that a person is asked to approve.

    Attributes:
        approval_id: Id, unique in the namespace.
        workflow_id: Workflow id of the run that asks; of the conversation
            itself for a budget.
        root_id: Id of the conversation or workflow that the run belongs to.
        status: Whether it waits.
        title: What is asked, in one line.
        details: What a person needs to decide, as plain JSON values.
        arguments: What is approved, as plain JSON values.
        arguments_hash: SHA-256 of the bytes of the arguments; a decision names it.
        request_time: When it was requested.
        expire_time: When it expires, if it does.
        outcome: How it ended; ``None`` while it waits.
        decider: Who decided; empty if nobody did.
        comment: What they said about it.
        end_time: When it ended.
    """

    approval_id: str
    workflow_id: str
    root_id: str
    status: ApprovalStatus | None
    title: str
    details: Any
    arguments: Any
    arguments_hash: bytes
    request_time: datetime
    expire_time: datetime | None
    outcome: ApprovalOutcome | None
    decider: str
    comment: str
    end_time: datetime | None


def hash_arguments(arguments: Any, converter: PayloadConverter | None = None) -> bytes:
    """The hash that a decision on these arguments names: SHA-256 of their bytes.

    The bytes depend on who wrote them: another SDK may write the same JSON
    differently. Use it for arguments that this converter wrote; an ``Approval``
    carries its hash already.

    Args:
        arguments: The arguments.
        converter: Writes them. Default: JSON.

    Raises:
        PayloadError: They cannot be written.
    """
    payload = (converter or JsonPayloadConverter()).encode(arguments)
    return hashlib.sha256(payload.data).digest()


def approval_from_proto(proto: pb.Approval, converter: PayloadConverter) -> Approval:
    """Reads an approval."""
    return Approval(
        approval_id=proto.approval_id,
        workflow_id=proto.workflow_id,
        root_id=proto.root_id,
        status=member_of(ApprovalStatus, proto.status),
        title=proto.title,
        details=plain_value(proto.details, converter) if proto.HasField("details") else None,
        arguments=plain_value(proto.arguments, converter) if proto.HasField("arguments") else None,
        arguments_hash=proto.arguments_hash,
        request_time=from_timestamp(proto.request_time),
        expire_time=from_timestamp(proto.expire_time) if proto.HasField("expire_time") else None,
        outcome=member_of(ApprovalOutcome, proto.outcome),
        decider=proto.decider,
        comment=proto.comment,
        end_time=from_timestamp(proto.end_time) if proto.HasField("end_time") else None,
    )
