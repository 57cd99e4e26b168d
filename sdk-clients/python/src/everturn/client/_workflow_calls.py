"""WorkflowService: requests built from, and answers read to, plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from everturn.client import _workflow_models as models
from everturn.client._call import Call, Page, nothing
from everturn.client._waiting import WaitReason
from everturn.v1 import workflow_service_pb2 as pb
from everturn.values import _errors as errors
from everturn.values._failure import failure_from_proto
from everturn.values._payload import PayloadConverter, encode_as, plain_value
from everturn.values._times import Seconds, seconds_of, to_duration

SERVICE = "WorkflowService"

_POLL_S = 20.0
_POLL_MARGIN_S = 10.0


class WorkflowCalls:
    """Builds the calls of one client.

    Args:
        namespace: Namespace of every request.
        converter: Writes and reads payloads.
    """

    def __init__(self, namespace: str, converter: PayloadConverter) -> None:
        self._namespace = namespace
        self._converter = converter

    def start(
        self,
        workflow_type: str,
        input: Any,  # noqa: A002 - the name that the protocol uses
        *,
        workflow_id: str | None,
        task_queue: str,
        execution_timeout: Seconds | None,
        labels: Mapping[str, str] | None,
        request_id: str | None,
    ) -> Call[models.StartedWorkflow]:
        """StartWorkflow; ids are made up where none is given."""
        chosen_id = workflow_id or f"{workflow_type}-{uuid4()}"
        request = pb.StartWorkflowRequest(
            namespace=self._namespace,
            workflow_id=chosen_id,
            workflow_type=workflow_type,
            task_queue=task_queue,
            input=encode_as(self._converter, input, Any, "args"),
            execution_timeout=to_duration(execution_timeout),
            labels=dict(labels or {}),
            request_id=request_id or str(uuid4()),
        )

        def read(response: pb.StartWorkflowResponse) -> models.StartedWorkflow:
            return models.StartedWorkflow(chosen_id, response.run_id)

        return Call(SERVICE, "StartWorkflow", request, pb.StartWorkflowResponse, read)

    def signal(
        self, workflow_id: str, name: str, value: Any, *, run_id: str, request_id: str | None
    ) -> Call[None]:
        """SignalWorkflow."""
        request = pb.SignalWorkflowRequest(
            namespace=self._namespace,
            workflow_id=workflow_id,
            run_id=run_id,
            signal_name=name,
            input=encode_as(self._converter, value, Any, "args"),
            request_id=request_id or str(uuid4()),
        )
        return Call(SERVICE, "SignalWorkflow", request, pb.SignalWorkflowResponse, nothing)

    def cancel(self, workflow_id: str, reason: str, run_id: str) -> Call[None]:
        """CancelWorkflow."""
        request = pb.CancelWorkflowRequest(
            namespace=self._namespace, workflow_id=workflow_id, run_id=run_id, reason=reason
        )
        return Call(SERVICE, "CancelWorkflow", request, pb.CancelWorkflowResponse, nothing)

    def terminate(self, workflow_id: str, reason: str, run_id: str) -> Call[None]:
        """TerminateWorkflow."""
        request = pb.TerminateWorkflowRequest(
            namespace=self._namespace, workflow_id=workflow_id, run_id=run_id, reason=reason
        )
        return Call(SERVICE, "TerminateWorkflow", request, pb.TerminateWorkflowResponse, nothing)

    def pause(self, workflow_id: str, reason: str, run_id: str) -> Call[None]:
        """PauseWorkflow."""
        request = pb.PauseWorkflowRequest(
            namespace=self._namespace, workflow_id=workflow_id, run_id=run_id, reason=reason
        )
        return Call(SERVICE, "PauseWorkflow", request, pb.PauseWorkflowResponse, nothing)

    def resume(self, workflow_id: str, run_id: str) -> Call[None]:
        """ResumeWorkflow."""
        request = pb.ResumeWorkflowRequest(
            namespace=self._namespace, workflow_id=workflow_id, run_id=run_id
        )
        return Call(SERVICE, "ResumeWorkflow", request, pb.ResumeWorkflowResponse, nothing)

    def describe(self, workflow_id: str, run_id: str) -> Call[models.WorkflowDescription]:
        """DescribeWorkflow."""
        request = pb.DescribeWorkflowRequest(
            namespace=self._namespace, workflow_id=workflow_id, run_id=run_id
        )

        def read(response: pb.DescribeWorkflowResponse) -> models.WorkflowDescription:
            return models.description_from_proto(response, self._converter)

        return Call(SERVICE, "DescribeWorkflow", request, pb.DescribeWorkflowResponse, read)

    def list_page(
        self,
        page_token: str,
        *,
        workflow_type: str,
        status: models.RunStatus | None,
        waiting: Sequence[WaitReason],
        page_size: int,
    ) -> Call[Page[models.WorkflowRun]]:
        """One page of ListWorkflows."""
        request = pb.ListWorkflowsRequest(
            namespace=self._namespace,
            page_size=page_size,
            page_token=page_token,
            workflow_type=workflow_type,
            wait_reasons=[reason.value for reason in waiting],
        )
        if status is not None:
            request.status = status.value

        def read(response: pb.ListWorkflowsResponse) -> Page[models.WorkflowRun]:
            return Page([models.run_from_proto(r) for r in response.runs], response.next_page_token)

        return Call(SERVICE, "ListWorkflows", request, pb.ListWorkflowsResponse, read)

    def history_page(
        self, page_token: str, workflow_id: str, *, run_id: str, after_event_id: int, page_size: int
    ) -> Call[Page[models.HistoryEvent]]:
        """One page of GetHistory."""
        request = pb.GetHistoryRequest(
            namespace=self._namespace,
            workflow_id=workflow_id,
            run_id=run_id,
            page_size=page_size,
            page_token=page_token,
            after_event_id=after_event_id,
        )

        def read(response: pb.GetHistoryResponse) -> Page[models.HistoryEvent]:
            events = [models.event_from_proto(event) for event in response.events]
            return Page(events, response.next_page_token)

        return Call(SERVICE, "GetHistory", request, pb.GetHistoryResponse, read)

    def state(self, workflow_id: str, run_id: str) -> Call[dict[str, Any]]:
        """GetState."""
        request = pb.GetStateRequest(
            namespace=self._namespace, workflow_id=workflow_id, run_id=run_id
        )

        def read(response: pb.GetStateResponse) -> dict[str, Any]:
            converter = self._converter
            return {name: plain_value(value, converter) for name, value in response.state.items()}

        return Call(SERVICE, "GetState", request, pb.GetStateResponse, read)

    def wait_result(
        self, workflow_id: str, run_id: str, hint: Any, timeout: Seconds | None, now_s: float
    ) -> ResultWait:
        """WaitResult, as a series of long polls of one run."""
        deadline_s = None if timeout is None else now_s + seconds_of(timeout)
        return ResultWait(self._namespace, workflow_id, run_id, hint, deadline_s, self._converter)


class ResultWait:
    """A wait for the end of a run, cut into long polls.

    Attributes:
        is_over: True once the run closed; then ``result`` says how.
    """

    def __init__(
        self,
        namespace: str,
        workflow_id: str,
        run_id: str,
        hint: Any,
        deadline_s: float | None,
        converter: PayloadConverter,
    ) -> None:
        self._namespace = namespace
        self._workflow_id = workflow_id
        self._run_id = run_id
        self._hint = hint
        self._deadline_s = deadline_s
        self._converter = converter
        self._answer: pb.WaitResultResponse | None = None
        self.is_over = False

    def call(self, now_s: float) -> Call[None]:
        """The next long poll.

        Raises:
            WaitTimeoutError: The time to wait has passed.
        """
        wait_s = _POLL_S
        if self._deadline_s is not None:
            left_s = self._deadline_s - now_s
            if left_s <= 0 and self._answer is not None:
                message = f"workflow {self._workflow_id!r} is still running"
                raise errors.WaitTimeoutError(message)
            wait_s = min(wait_s, max(0.0, left_s))
        request = pb.WaitResultRequest(
            namespace=self._namespace,
            workflow_id=self._workflow_id,
            run_id=self._run_id,
            max_wait=to_duration(wait_s),
        )
        timeout_s = wait_s + _POLL_MARGIN_S
        return Call(SERVICE, "WaitResult", request, pb.WaitResultResponse, self._read, timeout_s)

    def result(self) -> Any:
        """The result of the run.

        Raises:
            WorkflowError: The run did not succeed.
            PayloadError: The result does not fit the type asked for.
        """
        answer = self._answer
        if answer is None or not self.is_over:
            raise errors.WaitTimeoutError(f"workflow {self._workflow_id!r} is still running")
        if answer.status == models.RunStatus.COMPLETED.value:
            return self._converter.decode(answer.result, self._hint)
        raise self._failure_of(answer)

    def _read(self, response: pb.WaitResultResponse) -> None:
        self._answer = response
        # From here on this very run is meant, even if the id is started again.
        self._run_id = response.run_id or self._run_id
        self.is_over = response.status != models.RunStatus.RUNNING.value

    def _failure_of(self, answer: pb.WaitResultResponse) -> errors.WorkflowError:
        kinds = {
            models.RunStatus.CANCELED.value: errors.WorkflowCanceledError,
            models.RunStatus.TERMINATED.value: errors.WorkflowTerminatedError,
            models.RunStatus.TIMED_OUT.value: errors.WorkflowTimedOutError,
        }
        kind = kinds.get(answer.status, errors.WorkflowFailedError)
        has_failure = answer.HasField("failure")
        failure = failure_from_proto(answer.failure, self._converter) if has_failure else None
        return kind(self._workflow_id, self._run_id, failure)
