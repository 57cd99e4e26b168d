"""The asynchronous client of one coordinator and namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import grpc

from everturn.client._approval_calls import ApprovalCalls
from everturn.client._approvals_async import AsyncApprovals
from everturn.client._control_calls import ControlCalls
from everturn.client._conversation_calls import ConversationCalls
from everturn.client._conversations_async import AsyncConversations
from everturn.client._customer_calls import CustomerCalls
from everturn.client._message_calls import MessageCalls
from everturn.client._retry import RetryOptions
from everturn.client._task_queue_calls import TaskQueueCalls
from everturn.client._task_queues_async import AsyncTaskQueues
from everturn.client._transport_async import AsyncTransport
from everturn.client._workflow_calls import WorkflowCalls
from everturn.client._workflows_async import AsyncWorkflows
from everturn.rpc._channel import (
    ChannelOption,
    address_or_default,
    async_channel,
    call_metadata,
    namespace_or_default,
)
from everturn.values._payload import JsonPayloadConverter, PayloadConverter


class AsyncClient:
    """Asynchronous client of one coordinator and namespace.

    Belongs to the event loop that first uses it. Close it, or use it as
    ``async with``.

    Attributes:
        conversations: Customers' messages in, replies out.
        workflows: Durable runs, started and observed by id.
        approvals: What people are asked to approve.
        task_queues: How task queues stand.

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
        self._transport = AsyncTransport(
            lambda: async_channel(self.address, credentials, channel_options),
            call_metadata(metadata),
            retry or RetryOptions(),
        )
        calls = ConversationCalls(self.namespace, payloads)
        control = ControlCalls(self.namespace, payloads)
        messages = MessageCalls(self.namespace, payloads)
        customers = CustomerCalls(self.namespace, payloads)
        self.conversations = AsyncConversations(
            self._transport, calls, control, messages, customers
        )
        self.workflows = AsyncWorkflows(self._transport, WorkflowCalls(self.namespace, payloads))
        self.approvals = AsyncApprovals(self._transport, ApprovalCalls(self.namespace, payloads))
        self.task_queues = AsyncTaskQueues(self._transport, TaskQueueCalls(self.namespace))

    async def close(self) -> None:
        """Closes the connection; calls under way are canceled."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
