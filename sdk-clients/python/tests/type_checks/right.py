"""Code that must type-check, with the types that it must have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, assert_type

from everturn import (
    ActivityContext,
    Approval,
    ApprovalDecision,
    AsyncClient,
    Client,
    Conversation,
    ConversationUpdate,
    Delivery,
    DeliveryReceipt,
    DeliveryStatus,
    Message,
    OutputDelta,
    Team,
    Worker,
    activity,
    delivery,
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


@delivery(channel="email", can_reconcile=True)
async def send(it: Delivery) -> DeliveryReceipt:
    assert_type(it.message, Message)
    return DeliveryReceipt(it.address)


@delivery(channel="sms")
def send_sms(it: Delivery) -> str | None:
    return it.address or None


class Provider:
    @delivery(channel="push")
    async def send(self, it: Delivery) -> None:
        activity.context().stream(it.message.text)
        activity.context().report_usage(input_tokens=1)


async def decorated_functions_keep_their_types() -> None:
    assert_type(await charge(Order("a")), int)
    assert_type(named(), str)
    Worker(activities=[charge, named], task_queues=["a"], drain_timeout=1)
    Worker(deliveries=[send, send_sms, Provider().send])


async def asynchronous(client: AsyncClient) -> None:
    assert_type(await client.workflows.wait_result("w", result_type=Order), Order)
    assert_type(await client.workflows.wait_result("w"), Any)
    assert_type(client.conversations.list_messages("c"), AsyncIterator[Message])
    assert_type(client.conversations.watch("c"), AsyncIterator[ConversationUpdate])
    assert_type(await client.workflows.state("w"), dict[str, Any])
    assert_type(await client.conversations.hand_off("c", Team("billing")), int)
    assert_type(await client.conversations.update("c", labels={"a": None}), Conversation)
    async for update in client.conversations.watch("c"):
        if isinstance(update, OutputDelta):
            assert_type(update.text, str)
    async for approval in client.approvals.list(root_id="c"):
        assert_type(approval, Approval)
        await client.approvals.decide(approval, ApprovalDecision.REJECT, decider="Ann")


def synchronous(client: Client) -> None:
    assert_type(client.workflows.wait_result("w", result_type=Order), Order)
    assert_type(client.conversations.list_messages("c"), Iterator[Message])
    assert_type(client.approvals.list(), Iterator[Approval])
    read = DeliveryStatus.READ
    report = client.conversations.report_delivery
    assert_type(report("c", read, message_sequence=1), DeliveryStatus | None)


def stubs(stub: worker_service_pb2_grpc.WorkerServiceStub) -> None:
    poll = worker_service_pb2.PollActivityTasksRequest(task_queue="q")
    response = stub.PollActivityTasks(poll)
    assert_type(response, worker_service_pb2.PollActivityTasksResponse)
