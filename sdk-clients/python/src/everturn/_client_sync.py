"""The synchronous client: thin methods over the shared calls."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import grpc

from everturn import _conversation_models as conversations
from everturn import _workflow_models as workflows
from everturn._channel import (
    ChannelOption,
    address_or_default,
    call_metadata,
    namespace_or_default,
    sync_channel,
)
from everturn._conversation_calls import ConversationCalls
from everturn._payload import JsonPayloadConverter, PayloadConverter
from everturn._retry import RetryOptions
from everturn._times import Seconds
from everturn._transport_sync import SyncTransport
from everturn._workflow_calls import WorkflowCalls

R = TypeVar("R")


class Client:
    """Synchronous client of one coordinator and namespace.

    Safe to share by threads. Close it, or use it as ``with``.

    Attributes:
        conversations: Customers' messages in, replies out.
        workflows: Durable runs, started and observed by id.

    Args:
        address: ``host:port``. Default: ``EVERTURN_ADDRESS`` or 127.0.0.1:7400.
        namespace: Default: ``EVERTURN_NAMESPACE`` or "default".
        converter: Writes and reads payloads. Default: JSON.
        retry: When calls are repeated.
        credentials: TLS (and call) credentials. Default: plaintext.
        metadata: Sent with every call, such as an authorization.
        channel_options: gRPC channel options that replace the defaults.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        namespace: str | None = None,
        converter: PayloadConverter | None = None,
        retry: RetryOptions | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Mapping[str, str] | None = None,
        channel_options: Sequence[ChannelOption] = (),
    ) -> None:
        self.address = address_or_default(address)
        self.namespace = namespace_or_default(namespace)
        payloads = converter or JsonPayloadConverter()
        self._transport = SyncTransport(
            sync_channel(self.address, credentials, channel_options),
            call_metadata(metadata),
            retry or RetryOptions(),
        )
        calls = ConversationCalls(self.namespace, payloads)
        self.conversations = Conversations(self._transport, calls)
        self.workflows = Workflows(self._transport, WorkflowCalls(self.namespace, payloads))

    def close(self) -> None:
        """Closes the connection; calls under way are canceled."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Conversations:
    """Calls of ConversationService. Made by ``Client``.

    Every method raises ``RpcError``, and its subclass by status code, when the
    server refuses the call or cannot be reached.
    """

    def __init__(self, transport: SyncTransport, calls: ConversationCalls) -> None:
        self._transport = transport
        self._calls = calls

    def submit_message(
        self,
        conversation_id: str,
        text: str = "",
        *,
        channel: str,
        conversation_type: str = "",
        provider_message_id: str | None = None,
        author_name: str = "",
        data: Any = None,
        attributes: Mapping[str, str] | None = None,
        task_queue: str = "",
        turn_policy: conversations.TurnPolicy | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> conversations.SubmittedMessage:
        """Adds a customer's message; opens the conversation if there is none.

        Durable when it returns. Idempotent by channel and provider message id.

        Args:
            conversation_id: Id, chosen by the caller; without "/".
            text: What the message says; may be empty when ``data`` is set.
            channel: Channel the message came in by.
            conversation_type: Workflow type that handles the turns; required
                when the conversation opens.
            provider_message_id: Id that the channel's provider gave the
                message. Default: one made up for this call.
            author_name: Name of the customer, if known.
            data: Structured content beside the text.
            attributes: Small annotations.
            task_queue: Task queue of the turns; used when it opens.
            turn_policy: Turn policy; used when it opens.
            labels: Labels; used when it opens.
        """
        return self._transport.call(
            self._calls.submit_message(
                conversation_id,
                text,
                channel=channel,
                conversation_type=conversation_type,
                provider_message_id=provider_message_id,
                author_name=author_name,
                data=data,
                attributes=attributes,
                task_queue=task_queue,
                turn_policy=turn_policy,
                labels=labels,
            )
        )

    def get(self, conversation_id: str) -> conversations.Conversation:
        """Reads one conversation, exactly as of now."""
        return self._transport.call(self._calls.get(conversation_id))

    def list(
        self,
        *,
        conversation_type: str = "",
        status: conversations.ConversationStatus | None = None,
        page_size: int = 0,
    ) -> Iterator[conversations.Conversation]:
        """Lists conversations, last updated first; fetches page after page.

        Args:
            conversation_type: Only this type, if set.
            status: Only this status, if set.
            page_size: Entries fetched at a time; 0: the server's default.
        """
        return self._transport.items(
            lambda token: self._calls.list_page(
                token, conversation_type=conversation_type, status=status, page_size=page_size
            )
        )

    def list_messages(
        self, conversation_id: str, *, after_sequence: int = 0, page_size: int = 0
    ) -> Iterator[conversations.Message]:
        """Lists the transcript, oldest first; fetches page after page.

        Args:
            conversation_id: Id of the conversation.
            after_sequence: Only messages after this position.
            page_size: Entries fetched at a time; 0: the server's default.
        """
        return self._transport.items(
            lambda token: self._calls.messages_page(
                token, conversation_id, after_sequence=after_sequence, page_size=page_size
            )
        )

    def watch(
        self, conversation_id: str, *, after_sequence: int = 0
    ) -> Iterator[conversations.ConversationUpdate]:
        """Follows a conversation: the transcript, then every change.

        Connects again after a broken stream and goes on after the last message
        that was handed out: no message is missed or comes twice. Ends when the
        conversation is closed.

        Args:
            conversation_id: Id of the conversation.
            after_sequence: Position of the last message that the caller has.
        """
        return self._transport.watch(self._calls.watch(conversation_id, after_sequence))

    def close(
        self, conversation_id: str, *, reason: str = "", grace: Seconds | None = None
    ) -> None:
        """Closes a conversation; a running turn is interrupted. Idempotent.

        Args:
            conversation_id: Id of the conversation.
            reason: Why, for the record.
            grace: How long a running turn may clean up. Default: the policy's.
        """
        self._transport.call(self._calls.close(conversation_id, reason, grace))


class Workflows:
    """Calls of WorkflowService. Made by ``Client``.

    A ``run_id`` makes sure that the call meets that very run; without one the
    latest run of the workflow id is meant. Every method raises ``RpcError``,
    and its subclass by status code, when the server refuses the call or cannot
    be reached.
    """

    def __init__(self, transport: SyncTransport, calls: WorkflowCalls) -> None:
        self._transport = transport
        self._calls = calls

    def start(
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
        return self._transport.call(
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

    def signal(
        self,
        workflow_id: str,
        name: str,
        input: Any = None,  # noqa: A002 - the name that the protocol uses
        *,
        run_id: str = "",
        request_id: str | None = None,
    ) -> None:
        """Sends a signal to an open run. Durable when it returns."""
        self._transport.call(
            self._calls.signal(workflow_id, name, input, run_id=run_id, request_id=request_id)
        )

    def cancel(self, workflow_id: str, *, reason: str = "", run_id: str = "") -> None:
        """Asks an open run to cancel; its code decides how. Idempotent."""
        self._transport.call(self._calls.cancel(workflow_id, reason, run_id))

    def terminate(self, workflow_id: str, *, reason: str = "", run_id: str = "") -> None:
        """Closes an open run from outside, without asking its code."""
        self._transport.call(self._calls.terminate(workflow_id, reason, run_id))

    def describe(self, workflow_id: str, *, run_id: str = "") -> workflows.WorkflowDescription:
        """Reads how a run stands, exactly as of now, with what it waits for."""
        return self._transport.call(self._calls.describe(workflow_id, run_id))

    def list(
        self,
        *,
        workflow_type: str = "",
        status: workflows.RunStatus | None = None,
        page_size: int = 0,
    ) -> Iterator[workflows.WorkflowRun]:
        """Lists runs, last started first; fetches page after page.

        Args:
            workflow_type: Only this workflow type, if set.
            status: Only this status, if set.
            page_size: Entries fetched at a time; 0: the server's default.
        """
        return self._transport.items(
            lambda token: self._calls.list_page(
                token, workflow_type=workflow_type, status=status, page_size=page_size
            )
        )

    def history(
        self, workflow_id: str, *, run_id: str = "", after_event_id: int = 0, page_size: int = 0
    ) -> Iterator[workflows.HistoryEvent]:
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

    def state(self, workflow_id: str, *, run_id: str = "") -> dict[str, Any]:
        """Reads the state that a run's code has written, exactly as of now."""
        return self._transport.call(self._calls.state(workflow_id, run_id))

    @overload
    def wait_result(
        self,
        workflow_id: str,
        *,
        result_type: type[R],
        run_id: str = "",
        timeout: Seconds | None = None,
    ) -> R: ...

    @overload
    def wait_result(
        self,
        workflow_id: str,
        *,
        result_type: Any = Any,
        run_id: str = "",
        timeout: Seconds | None = None,
    ) -> Any: ...

    def wait_result(
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
            self._transport.call(wait.call(time.monotonic()))
        return wait.result()
