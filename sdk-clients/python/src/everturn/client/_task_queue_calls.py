"""Task queues: requests built from, and answers read to, plain values."""

from __future__ import annotations

from everturn.client import _task_queue_models as models
from everturn.client._call import Call
from everturn.v1 import task_queue_service_pb2 as pb

SERVICE = "TaskQueueService"


class TaskQueueCalls:
    """Builds the calls of one client.

    Args:
        namespace: Namespace of every request.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def list(self) -> Call[list[models.TaskQueue]]:
        """ListTaskQueues."""
        request = pb.ListTaskQueuesRequest(namespace=self._namespace)

        def read(response: pb.ListTaskQueuesResponse) -> list[models.TaskQueue]:
            return [models.task_queue_from_proto(queue) for queue in response.task_queues]

        return Call(SERVICE, "ListTaskQueues", request, pb.ListTaskQueuesResponse, read)
