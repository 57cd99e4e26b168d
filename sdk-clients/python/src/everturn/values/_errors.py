"""The exceptions of the package.

EverturnError
├── RpcError                      an RPC was answered with an error status
│   ├── InvalidArgumentError      INVALID_ARGUMENT, OUT_OF_RANGE
│   ├── NotFoundError             NOT_FOUND
│   ├── AlreadyExistsError        ALREADY_EXISTS
│   ├── FailedPreconditionError   FAILED_PRECONDITION, ABORTED
│   ├── ResourceExhaustedError    RESOURCE_EXHAUSTED
│   ├── UnavailableError          UNAVAILABLE
│   ├── DeadlineExceededError     DEADLINE_EXCEEDED (also a TimeoutError)
│   ├── UnauthenticatedError      UNAUTHENTICATED
│   ├── PermissionDeniedError     PERMISSION_DENIED
│   ├── CallCanceledError         CANCELLED
│   └── ServerError               INTERNAL, UNKNOWN, UNIMPLEMENTED, DATA_LOSS
├── WorkflowError                 a run that was waited for did not succeed
│   ├── WorkflowFailedError
│   ├── WorkflowCanceledError
│   ├── WorkflowTerminatedError
│   └── WorkflowTimedOutError
├── WaitTimeoutError              a wait ended before the run (also a TimeoutError)
├── PayloadError                  a value cannot be written or read as a payload
├── ApplicationError              raised by activities to fail with a typed failure
├── DeliveryUnknownError          raised by adapters that cannot tell
├── ActivityCanceledError         raised in an activity that should stop
└── NoActivityError               activity.context() outside an activity
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from everturn.values._failure_info import Failure


class EverturnError(Exception):
    """Base of every exception that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request.

    Attributes:
        field: Path of the field, as named in the protobuf request.
        description: What is wrong with it.
    """

    field: str
    description: str


class RpcError(EverturnError):
    """The server, or the connection to it, answered a call with an error.

    Attributes:
        code: gRPC status code.
        reason: Reason from the list in ``error_reason.proto``, without prefix
            (``"RUN_NOT_FOUND"``); empty when the error has none, as for a
            connection that broke.
        message: Text for people.
        field_violations: All wrong fields of the request.
        retry_delay: How long the server asks to wait before another try.
        metadata: Details by name, such as ``run_id`` or ``incident_id``.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode,
        reason: str = "",
        field_violations: tuple[FieldViolation, ...] = (),
        retry_delay: timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.field_violations = field_violations
        self.retry_delay = retry_delay
        self.metadata: Mapping[str, str] = dict(metadata or {})

    def __str__(self) -> str:
        name = self.reason or self.code.name
        fields = "".join(f"; {v.field}: {v.description}" for v in self.field_violations)
        return f"{name}: {self.message}{fields}"


class InvalidArgumentError(RpcError):
    """A field, cursor, page token or task token is wrong; repeating will not help."""


class NotFoundError(RpcError):
    """There is no such run, conversation, approval or delivery."""


class AlreadyExistsError(RpcError):
    """The id is in use; ``metadata["run_id"]`` names the open run."""


class FailedPreconditionError(RpcError):
    """The run, conversation or approval is in a state that does not allow the call.

    ``reason`` says which: ``"CONVERSATION_ERASED"``, ``"NOT_HANDED_OFF"``,
    ``"WRONG_ASSIGNEE"``, ``"APPROVAL_DECIDED"``, ``"APPROVAL_EXPIRED"``,
    ``"APPROVAL_CHANGED"`` and others.
    """


class ResourceExhaustedError(RpcError):
    """A limit was reached or the server is over its admission bound."""


class UnavailableError(RpcError):
    """The server cannot be reached or is shutting down; retries were used up."""


class DeadlineExceededError(RpcError, TimeoutError):
    """The call took longer than its timeout; it may have had its effect."""


class UnauthenticatedError(RpcError):
    """Credentials are missing or wrong."""


class PermissionDeniedError(RpcError):
    """The credentials do not allow the call."""


class CallCanceledError(RpcError):
    """The call was canceled, for example because the client was closed."""


class ServerError(RpcError):
    """A fault of the server; ``metadata["incident_id"]`` finds it in its log."""


RPC_ERROR_BY_CODE: dict[grpc.StatusCode, type[RpcError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.ABORTED: FailedPreconditionError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.CANCELLED: CallCanceledError,
}


class WorkflowError(EverturnError):
    """A run that was waited for closed without a result.

    Attributes:
        workflow_id: Workflow id of the run.
        run_id: Run id of the run.
        failure: Why it ended, if the run said so.
    """

    def __init__(self, workflow_id: str, run_id: str, failure: Failure | None) -> None:
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.failure = failure
        super().__init__(workflow_id, run_id, failure)

    def __str__(self) -> str:
        said = f": {self.failure}" if self.failure else ""
        return f"workflow {self.workflow_id!r} (run {self.run_id}) {self._verb}{said}"

    _verb = "did not succeed"


class WorkflowFailedError(WorkflowError):
    """The code of the run failed."""

    _verb = "failed"


class WorkflowCanceledError(WorkflowError):
    """The run stopped because it was asked to."""

    _verb = "was canceled"


class WorkflowTerminatedError(WorkflowError):
    """The run was closed from outside."""

    _verb = "was terminated"


class WorkflowTimedOutError(WorkflowError):
    """The run's execution timeout passed."""

    _verb = "timed out"


class WaitTimeoutError(EverturnError, TimeoutError):
    """A wait for a result ended before the run did; the run goes on."""


class PayloadError(EverturnError):
    """A value cannot be written as a payload, or a payload not read as its type."""


class ApplicationError(EverturnError):
    """Raised by an activity to decide how its failure looks.

    Attributes:
        message: Human-readable text; cut to 16 KiB.
        type: Name of the error, compared with the retry policy's
            ``non_retryable_types``. Default: the name of the class.
        non_retryable: True: no further attempt is made.
        retry_after: Earliest time until the next attempt; replaces the backoff.
            A number means seconds.
        details: Value that travels with the failure; ``None`` means none.
    """

    def __init__(
        self,
        message: str = "",
        *,
        type: str | None = None,  # noqa: A002 - the name that the protocol uses
        non_retryable: bool = False,
        retry_after: timedelta | float | None = None,
        details: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type or self.__class__.__name__
        self.non_retryable = non_retryable
        self.retry_after = retry_after
        self.details = details


class DeliveryUnknownError(EverturnError):
    """Raised by a delivery adapter that cannot tell whether the message was sent.

    The connection to the provider broke before its answer, say. The message is
    not sent again unless the adapter can reconcile.
    """


class ActivityCanceledError(EverturnError):
    """The activity was asked to stop; let it pass to confirm the cancel."""


class NoActivityError(EverturnError, LookupError):
    """``activity.context()`` was called outside a running activity."""
