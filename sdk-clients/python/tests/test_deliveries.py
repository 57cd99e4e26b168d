"""Delivery adapters: what they get, and what is reported for how they end."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

import pytest

from everturn import (
    ApplicationError,
    AuthorKind,
    Delivery,
    DeliveryReceipt,
    DeliveryUnknownError,
    Worker,
    activity,
    delivery,
)
from everturn.v1 import failure_pb2
from everturn.v1 import worker_service_pb2 as pb
from tests.conftest import running
from tests.fake_coordinator import FakeCoordinator, FakeStream, delivery_task, task, value_of


async def connected(worker: Worker, coordinator: FakeCoordinator) -> FakeStream:
    stream = await coordinator.stream()
    await stream.until(lambda: stream.credits > 0)
    return stream


async def test_adapter_gets_the_message_and_its_receipt_is_the_result(
    coordinator: FakeCoordinator,
) -> None:
    got: list[Delivery] = []

    @delivery(channel="email", can_reconcile=True)
    async def send(it: Delivery) -> DeliveryReceipt:
        got.append(it)
        assert activity.context().idempotency_key == it.idempotency_key
        return DeliveryReceipt("smtp-7")

    worker = Worker(deliveries=[send], address=coordinator.address)
    async with running(worker):
        stream = await connected(worker, coordinator)
        queue = pb.QueueSubscription(
            task_queue="deliver.email", kind=pb.TASK_KIND_ACTIVITY, can_reconcile=True
        )
        assert list(stream.hello.queues) == [queue]
        stream.send_tasks(delivery_task(3, "email", reconcile=True))
        result = await stream.result_of(b"token-3")
    assert value_of(result) == {"providerMessageId": "smtp-7"}
    one = got[0]
    assert (one.conversation_id, one.address, one.attempt) == ("c1", "jo", 1)
    assert (one.idempotency_key, one.reconcile) == ("c1/message-3", True)
    assert (one.message.sequence, one.message.text, one.message.data) == (3, "Hi", {"card": 1})
    assert (one.message.channel, one.message.author_kind) == ("email", AuthorKind.AGENT)


async def test_adapters_may_block_and_return_an_id_nothing_or_something_odd(
    coordinator: FakeCoordinator,
) -> None:
    def adapter(channel: str, value: object) -> Callable[..., None]:
        @delivery(channel=channel)
        def send(_: Delivery) -> None:
            assert threading.current_thread().name.startswith("everturn-activity-")
            return value  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

        return send

    adapters = [adapter("sms", "sm-1"), adapter("push", None), adapter("fax", {"odd": 1})]
    worker = Worker(deliveries=adapters, address=coordinator.address)
    async with running(worker):
        stream = await connected(worker, coordinator)
        stream.send_tasks(
            delivery_task(1, "sms"), delivery_task(2, "push"), delivery_task(3, "fax")
        )
        ids = [
            json.loads((await stream.result_of(token)).result.data)["providerMessageId"]
            for token in (b"token-1", b"token-2", b"token-3")
        ]
    assert ids == ["sm-1", "", ""]


async def test_one_worker_serves_activities_and_deliveries(coordinator: FakeCoordinator) -> None:
    @activity
    async def deliver() -> str:
        return "an activity of that name"

    @delivery(channel="sms")
    async def send(_: Delivery) -> str:
        return "sm-1"

    worker = Worker(activities=[deliver], deliveries=[send], address=coordinator.address)
    async with running(worker):
        stream = await connected(worker, coordinator)
        assert [(q.task_queue, q.can_reconcile) for q in stream.hello.queues] == [
            ("default", False),
            ("deliver.sms", False),
        ]
        stream.send_tasks(task(1, "deliver"), delivery_task(2, "sms"), delivery_task(3, "email"))
        assert value_of(await stream.result_of(b"token-1")) == "an activity of that name"
        assert value_of(await stream.result_of(b"token-2")) == {"providerMessageId": "sm-1"}
        failure = (await stream.result_of(b"token-3")).failure
    assert failure.type == "ActivityNotRegistered"
    assert "this worker has: deliver.sms" in failure.message


@pytest.mark.parametrize(
    ("error", "kind", "name", "non_retryable"),
    [
        (ConnectionError("down"), failure_pb2.FAILURE_KIND_APPLICATION, "ConnectionError", False),
        (
            ApplicationError("no such address", type="Bounced", non_retryable=True),
            failure_pb2.FAILURE_KIND_APPLICATION,
            "Bounced",
            True,
        ),
        (
            DeliveryUnknownError("no answer"),
            failure_pb2.FAILURE_KIND_WORKER_LOST,
            "DeliveryUnknown",
            True,
        ),
    ],
)
async def test_exceptions_say_whether_the_provider_has_the_message(
    coordinator: FakeCoordinator,
    error: Exception,
    kind: failure_pb2.FailureKind.ValueType,
    name: str,
    non_retryable: bool,
) -> None:
    @delivery(channel="sms")
    async def send(_: Delivery) -> None:
        raise error

    worker = Worker(deliveries=[send], address=coordinator.address)
    async with running(worker):
        stream = await connected(worker, coordinator)
        stream.send_tasks(delivery_task(1, "sms"))
        failure = (await stream.result_of(b"token-1")).failure
    assert (failure.kind, failure.type, failure.non_retryable) == (kind, name, non_retryable)
    assert failure.message == str(error)


@pytest.mark.parametrize("reason", ["requested", "stopping"])
async def test_delivery_that_is_cut_off_is_reported_as_lost(
    coordinator: FakeCoordinator, reason: str
) -> None:
    @delivery(channel="sms")
    async def send(_: Delivery) -> None:
        await asyncio.sleep(60)

    worker = Worker(deliveries=[send], address=coordinator.address, drain_timeout=0.05)
    async with running(worker):
        stream = await connected(worker, coordinator)
        stream.send_tasks(delivery_task(1, "sms"))
        await stream.until(lambda: stream.acks)
        if reason == "requested":
            stream.send(pb.WorkResponse(cancels=[pb.ActivityCancel(task_token=b"token-1")]))
        else:
            worker.stop()
        failure = (await stream.result_of(b"token-1")).failure
    assert failure.kind == failure_pb2.FAILURE_KIND_WORKER_LOST
    assert failure.non_retryable


async def test_delivery_that_never_began_may_be_repeated(coordinator: FakeCoordinator) -> None:
    @delivery(channel="sms")
    async def send(_: Delivery) -> None:
        raise AssertionError("must not run")

    worker = Worker(deliveries=[send], address=coordinator.address)
    async with running(worker):
        stream = await connected(worker, coordinator)
        stream.credits -= 1
        stream.send(
            pb.WorkResponse(
                activity_tasks=[delivery_task(1, "sms")],
                cancels=[pb.ActivityCancel(task_token=b"token-1")],
            )
        )
        failure = (await stream.result_of(b"token-1")).failure
    assert (failure.kind, failure.non_retryable) == (failure_pb2.FAILURE_KIND_APPLICATION, False)


async def test_deliveries_have_no_watchers(coordinator: FakeCoordinator) -> None:
    @delivery(channel="sms")
    async def send(_: Delivery) -> None:
        activity.context().stream("not for anyone")

    worker = Worker(deliveries=[send], address=coordinator.address)
    async with running(worker):
        stream = await connected(worker, coordinator)
        stream.send_tasks(delivery_task(1, "sms"))
        await stream.result_of(b"token-1")
    assert not stream.outputs


def test_adapters_are_checked() -> None:
    @delivery(channel="sms")
    def send(_: Delivery) -> None: ...

    @delivery(channel="sms")
    def empty() -> None: ...

    with pytest.raises(ValueError, match="channel must have 1 to 248 bytes"):
        delivery(channel="")
    with pytest.raises(ValueError, match="two adapters deliver the channel 'sms'"):
        Worker(deliveries=[send, send])
    with pytest.raises(ValueError, match="task queues are for activities"):
        Worker(deliveries=[send], task_queue="q")
    with pytest.raises(TypeError, match="must take one argument"):
        Worker(deliveries=[empty])
    with pytest.raises(TypeError, match="decorate it with @delivery"):
        Worker(deliveries=[print])
