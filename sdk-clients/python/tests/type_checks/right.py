"""Code that must type-check, with the types that it must have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, assert_type

from everturn import (
    ActivityContext,
    AsyncClient,
    Client,
    ConversationUpdate,
    Message,
    Worker,
    activity,
)
from everturn.v1 import worker_service_pb2, worker_service_pb2_grpc


@dataclass
class Order:
    id: str


@activity
async def charge(order: Order) -> int:
    assert_type(activity.context(), ActivityContext)
    return len(order.id)


@activity(name="named", executor="process")
def named() -> str:
    return ""


async def decorated_functions_keep_their_types() -> None:
    assert_type(await charge(Order("a")), int)
    assert_type(named(), str)
    Worker(activities=[charge, named], task_queues=["a"], drain_timeout=1)


async def asynchronous(client: AsyncClient) -> None:
    assert_type(await client.workflows.wait_result("w", result_type=Order), Order)
    assert_type(await client.workflows.wait_result("w"), Any)
    assert_type(client.conversations.list_messages("c"), AsyncIterator[Message])
    assert_type(client.conversations.watch("c"), AsyncIterator[ConversationUpdate])
    assert_type(await client.workflows.state("w"), dict[str, Any])


def synchronous(client: Client) -> None:
    assert_type(client.workflows.wait_result("w", result_type=Order), Order)
    assert_type(client.conversations.list_messages("c"), Iterator[Message])


def stubs(stub: worker_service_pb2_grpc.WorkerServiceStub) -> None:
    poll = worker_service_pb2.PollActivityTasksRequest(task_queue="q")
    response = stub.PollActivityTasks(poll)
    assert_type(response, worker_service_pb2.PollActivityTasksResponse)
