"""Everturn: durable orchestration of agent conversations.

Clients (``AsyncClient``, ``Client``) submit messages and start workflows; a
``Worker`` runs functions decorated with ``@activity`` and delivers messages with
those decorated with ``@delivery``. Everything public is
listed in ``__all__``; the generated protobuf stubs are in ``everturn.v1``.
"""

from everturn.client._approval_models import (
    Approval,
    ApprovalDecision,
    ApprovalOutcome,
    ApprovalStatus,
    hash_arguments,
)
from everturn.client._client_async import AsyncClient
from everturn.client._client_sync import Client
from everturn.client._conversation_models import (
    Conversation,
    ConversationStatus,
    EndedTurn,
    ErasedConversation,
    Handover,
    Pause,
    SubmittedEvent,
    SubmittedMessage,
    Turn,
    TurnStatus,
)
from everturn.client._people import Assignee, Person, Team
from everturn.client._policy_models import (
    Budget,
    ConversationType,
    Debounce,
    FrequencyCap,
    OnBusy,
    OnTurnFailure,
    QuietHours,
    TurnPolicy,
)
from everturn.client._retry import RetryOptions
from everturn.client._task_queue_models import TaskKind, TaskQueue
from everturn.client._waiting import Wait, WaitReason
from everturn.client._watch_models import (
    CaughtUp,
    ConversationChanged,
    ConversationClosed,
    ConversationUpdate,
    DeliveryChanged,
    Lagged,
    MessageAdded,
    OutputCursor,
    OutputDelta,
    OutputEnded,
    OutputReset,
    TurnChanged,
)
from everturn.client._workflow_models import (
    HistoryEvent,
    PendingActivity,
    PendingActivityState,
    PendingApproval,
    PendingChild,
    PendingTimer,
    RunStatus,
    StartedWorkflow,
    WorkflowDescription,
    WorkflowRun,
)
from everturn.values._errors import (
    ActivityCanceledError,
    AlreadyExistsError,
    ApplicationError,
    CallCanceledError,
    DeadlineExceededError,
    DeliveryUnknownError,
    EverturnError,
    FailedPreconditionError,
    FieldViolation,
    InvalidArgumentError,
    NoActivityError,
    NotFoundError,
    PayloadError,
    PermissionDeniedError,
    ResourceExhaustedError,
    RpcError,
    ServerError,
    UnauthenticatedError,
    UnavailableError,
    WaitTimeoutError,
    WorkflowCanceledError,
    WorkflowError,
    WorkflowFailedError,
    WorkflowTerminatedError,
    WorkflowTimedOutError,
)
from everturn.values._failure import (
    Failure,
    FailureKind,
)
from everturn.values._message_models import (
    AuthorKind,
    DeliveryState,
    DeliveryStatus,
    Message,
)
from everturn.values._payload import (
    JsonPayloadConverter,
    PayloadConverter,
)
from everturn.values._usage import Usage
from everturn.worker._activity import activity
from everturn.worker._activity_context import (
    ActivityContext,
    CancelReason,
)
from everturn.worker._delivery import (
    Delivery,
    DeliveryReceipt,
    delivery,
)
from everturn.worker._run_workers import run_workers
from everturn.worker._worker import Worker

__version__ = "0.1.0"

__all__ = [
    "ActivityCanceledError",
    "ActivityContext",
    "AlreadyExistsError",
    "ApplicationError",
    "Approval",
    "ApprovalDecision",
    "ApprovalOutcome",
    "ApprovalStatus",
    "Assignee",
    "AsyncClient",
    "AuthorKind",
    "Budget",
    "CallCanceledError",
    "CancelReason",
    "CaughtUp",
    "Client",
    "Conversation",
    "ConversationChanged",
    "ConversationClosed",
    "ConversationStatus",
    "ConversationType",
    "ConversationUpdate",
    "DeadlineExceededError",
    "Debounce",
    "Delivery",
    "DeliveryChanged",
    "DeliveryReceipt",
    "DeliveryState",
    "DeliveryStatus",
    "DeliveryUnknownError",
    "EndedTurn",
    "ErasedConversation",
    "EverturnError",
    "FailedPreconditionError",
    "Failure",
    "FailureKind",
    "FieldViolation",
    "FrequencyCap",
    "Handover",
    "HistoryEvent",
    "InvalidArgumentError",
    "JsonPayloadConverter",
    "Lagged",
    "Message",
    "MessageAdded",
    "NoActivityError",
    "NotFoundError",
    "OnBusy",
    "OnTurnFailure",
    "OutputCursor",
    "OutputDelta",
    "OutputEnded",
    "OutputReset",
    "Pause",
    "PayloadConverter",
    "PayloadError",
    "PendingActivity",
    "PendingActivityState",
    "PendingApproval",
    "PendingChild",
    "PendingTimer",
    "PermissionDeniedError",
    "Person",
    "QuietHours",
    "ResourceExhaustedError",
    "RetryOptions",
    "RpcError",
    "RunStatus",
    "ServerError",
    "StartedWorkflow",
    "SubmittedEvent",
    "SubmittedMessage",
    "TaskKind",
    "TaskQueue",
    "Team",
    "Turn",
    "TurnChanged",
    "TurnPolicy",
    "TurnStatus",
    "UnauthenticatedError",
    "UnavailableError",
    "Usage",
    "Wait",
    "WaitReason",
    "WaitTimeoutError",
    "Worker",
    "WorkflowCanceledError",
    "WorkflowDescription",
    "WorkflowError",
    "WorkflowFailedError",
    "WorkflowRun",
    "WorkflowTerminatedError",
    "WorkflowTimedOutError",
    "__version__",
    "activity",
    "delivery",
    "hash_arguments",
    "run_workers",
]
