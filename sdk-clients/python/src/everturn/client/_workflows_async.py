"""WorkflowService for asynchronous code: thin methods over the shared calls."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeVar, overload

from everturn.client import _workflow_models as workflows
from everturn.client._transport_async import AsyncTransport
from everturn.client._waiting import WaitReason
from everturn.client._workflow_calls import WorkflowCalls
from everturn.values._times import Seconds

R = TypeVar("R")


class AsyncWorkflows:
    """Calls of WorkflowService. Made by ``AsyncClient``.

    A ``run_id`` makes sure that the call meets that very run; without one the
    latest run of the workflow id is meant. Every method raises ``RpcError``,
    and its subclass by status code, when the server refuses the call or cannot
    be reached.
    """

    def __init__(self, transport: AsyncTransport, calls: WorkflowCalls) -> None:
        self._transport = transport
        self._calls = calls

    async def start(
        self,
        workflow_type: str,
        input: Any = None,  # noqa: A002 - the name that the protocol uses
        *,
        workflow_id: str | None = None,
        task_queue: str = "",
        execution_timeout: Seconds | None = None,
        labels: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> workflows.StartedWorkflow:
        """Starts a workflow. Durable when it returns.

        Args:
            workflow_type: Workflow type, as workers register it.
            input: Its input.
            workflow_id: Id, without "/". Default: the type and a UUID.
            task_queue: Task queue of its workflow tasks. Default "default".
            execution_timeout: Longest time the run may take. Default: no bound.
            labels: Labels.
            request_id: Makes a repeated request safe. Default: one per call.
        """
        return await self._transport.call(
            self._calls.start(
                workflow_type,
                input,
                workflow_id=workflow_id,
                task_queue=task_queue,
                execution_timeout=execution_timeout,
                labels=labels,
                request_id=request_id,
            )
        )

    async def signal(
        self,
        workflow_id: str,
        name: str,
        input: Any = None,  # noqa: A002 - the name that the protocol uses
        *,
        run_id: str = "",
        request_id: str | None = None,
    ) -> None:
        """Sends a signal to an open run. Durable when it returns."""
        await self._transport.call(
            self._calls.signal(workflow_id, name, input, run_id=run_id, request_id=request_id)
        )

    async def cancel(self, workflow_id: str, *, reason: str = "", run_id: str = "") -> None:
        """Asks an open run to cancel; its code decides how. Idempotent."""
        await self._transport.call(self._calls.cancel(workflow_id, reason, run_id))

    async def terminate(self, workflow_id: str, *, reason: str = "", run_id: str = "") -> None:
        """Closes an open run from outside, without asking its code."""
        await self._transport.call(self._calls.terminate(workflow_id, reason, run_id))

    async def pause(self, workflow_id: str, *, reason: str = "", run_id: str = "") -> None:
        """Pauses a run and the runs below it. Idempotent.

        None of their tasks is dispatched, but everything that arrives is kept.
        """
        await self._transport.call(self._calls.pause(workflow_id, reason, run_id))

    async def resume(self, workflow_id: str, *, run_id: str = "") -> None:
        """Resumes a paused run where it stood. Idempotent."""
        await self._transport.call(self._calls.resume(workflow_id, run_id))

    async def describe(
        self, workflow_id: str, *, run_id: str = ""
    ) -> workflows.WorkflowDescription:
        """Reads how a run stands, exactly as of now, with what it waits for."""
        return await self._transport.call(self._calls.describe(workflow_id, run_id))

    def list(
        self,
        *,
        workflow_type: str = "",
        status: workflows.RunStatus | None = None,
        waiting: Sequence[WaitReason] = (),
        page_size: int = 0,
    ) -> AsyncIterator[workflows.WorkflowRun]:
        """Lists runs, last started first; fetches page after page.

        Args:
            workflow_type: Only this workflow type, if set.
            status: Only this status, if set.
            waiting: Only what waits for one of these reasons, if there are any.
            page_size: Entries fetched at a time; 0: the server's default.
        """
        return self._transport.items(
            lambda token: self._calls.list_page(
                token,
                workflow_type=workflow_type,
                status=status,
                waiting=waiting,
                page_size=page_size,
            )
        )

    def history(
        self, workflow_id: str, *, run_id: str = "", after_event_id: int = 0, page_size: int = 0
    ) -> AsyncIterator[workflows.HistoryEvent]:
        """Reads the journal of a run, oldest first; fetches page after page.

        Args:
            workflow_id: Workflow id.
            run_id: Run id, if that very run is meant.
            after_event_id: Only events after this id.
            page_size: Events fetched at a time; 0: the server's default.
        """
        return self._transport.items(
            lambda token: self._calls.history_page(
                token,
                workflow_id,
                run_id=run_id,
                after_event_id=after_event_id,
                page_size=page_size,
            )
        )

    async def state(self, workflow_id: str, *, run_id: str = "") -> dict[str, Any]:
        """Reads the state that a run's code has written, exactly as of now."""
        return await self._transport.call(self._calls.state(workflow_id, run_id))

    @overload
    async def wait_result(
        self,
        workflow_id: str,
        *,
        result_type: type[R],
        run_id: str = "",
        timeout: Seconds | None = None,
    ) -> R: ...

    @overload
    async def wait_result(
        self,
        workflow_id: str,
        *,
        result_type: Any = Any,
        run_id: str = "",
        timeout: Seconds | None = None,
    ) -> Any: ...

    async def wait_result(
        self,
        workflow_id: str,
        *,
        result_type: Any = Any,
        run_id: str = "",
        timeout: Seconds | None = None,
    ) -> Any:
        """Waits until a run is closed and returns its result.

        Args:
            workflow_id: Workflow id.
            result_type: Type to read the result as. Default: plain JSON values.
            run_id: Run id, if that very run is meant.
            timeout: How long to wait. Default: for ever.

        Raises:
            WorkflowError: The run failed, was canceled or terminated, or timed out.
            WaitTimeoutError: The timeout passed; the run goes on.
            PayloadError: The result does not fit the type.
        """
        wait = self._calls.wait_result(workflow_id, run_id, result_type, timeout, time.monotonic())
        while not wait.is_over:
            await self._transport.call(wait.call(time.monotonic()))
        return wait.result()
