"""Task queues for asynchronous code: thin methods over the shared calls."""

from __future__ import annotations

from everturn.client import _task_queue_models as models
from everturn.client._task_queue_calls import TaskQueueCalls
from everturn.client._transport_async import AsyncTransport


class AsyncTaskQueues:
    """How task queues stand. Made by ``AsyncClient``.

    Every method raises ``RpcError``, and its subclass by status code, when the
    server refuses the call or cannot be reached.
    """

    def __init__(self, transport: AsyncTransport, calls: TaskQueueCalls) -> None:
        self._transport = transport
        self._calls = calls

    async def list(self) -> list[models.TaskQueue]:
        """Lists the queues that have a task, a worker, or code that uses them.

        Those without workers come first. After a deployment, ``missing_types``
        and ``unserved_since_time`` say what nobody would do.
        """
        return await self._transport.call(self._calls.list())
