"""How a worker runs activities of each kind and reports their ends."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

from everturn import ActivityCanceledError, ApplicationError, activity
from everturn.v1 import failure_pb2
from everturn.v1 import worker_service_pb2 as pb
from tests.conftest import Connect
from tests.fake_coordinator import payload, task, value_of


@dataclass
class Order:
    id: str
    amount: float = 0.0


@activity
async def double(order: Order) -> Order:
    return Order(order.id, order.amount * 2)


@activity(name="thread_name")
def name_of_thread(_input: object) -> str:
    return threading.current_thread().name


async def test_async_activity_gets_its_dataclass_and_returns_one(connect: Connect) -> None:
    _, stream = await connect(double)
    stream.send_tasks(task(1, "double", {"id": "a", "amount": 4, "new_field": True}))
    assert value_of(await stream.result_of(b"token-1")) == {"id": "a", "amount": 8.0}
    assert stream.acks == [1]


async def test_sync_activity_runs_in_a_thread(connect: Connect) -> None:
    _, stream = await connect(name_of_thread)
    stream.send_tasks(task(1, "thread_name"))
    assert value_of(await stream.result_of(b"token-1")).startswith("everturn-activity-")


async def test_context_says_who_the_attempt_is(connect: Connect) -> None:
    @activity
    async def who() -> list[object]:
        context = activity.context()
        return [
            context.idempotency_key,
            context.attempt,
            context.task_queue,
            context.heartbeat_details,
            context.deadline and context.deadline.isoformat(),
        ]

    _, stream = await connect(who)
    request = task(1, "who", attempt=3, heartbeat_details=payload({"page": 7}))
    request.deadline.FromSeconds(0)
    stream.send_tasks(request)
    assert value_of(await stream.result_of(b"token-1")) == [
        "order-1/who",
        3,
        "default",
        {"page": 7},
        "1970-01-01T00:00:00+00:00",
    ]


async def test_bound_methods_can_be_activities(connect: Connect) -> None:
    class Model:
        def __init__(self, bias: int) -> None:
            self.bias = bias

        @activity
        async def score(self, number: int) -> int:
            return number + self.bias

    _, stream = await connect(Model(5).score)
    stream.send_tasks(task(1, "score", 1))
    assert value_of(await stream.result_of(b"token-1")) == 6


async def failure_of(stream: object, connect: Connect, function: object, value: object = None):
    _, stream = await connect(function)
    stream.send_tasks(task(1, function.__name__, value))  # type: ignore[attr-defined]
    result = await stream.result_of(b"token-1")
    assert result.HasField("failure")
    return result.failure


async def test_application_error_decides_how_the_failure_looks(connect: Connect) -> None:
    @activity
    async def declined() -> None:
        raise ApplicationError(
            "no funds", type="Declined", non_retryable=True, retry_after=1.5, details={"left": 3}
        )

    failure = await failure_of(None, connect, declined)
    assert (failure.kind, failure.type) == (failure_pb2.FAILURE_KIND_APPLICATION, "Declined")
    assert (failure.message, failure.non_retryable) == ("no funds", True)
    assert failure.retry_after.ToTimedelta().total_seconds() == 1.5
    assert failure.details.data == b'{"left":3}'


async def test_any_exception_is_a_failure_with_type_stack_and_causes(connect: Connect) -> None:
    @activity
    def breaks() -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer" * 10_000) from error

    failure = await failure_of(None, connect, breaks)
    assert failure.type == "ValueError"
    assert len(failure.message) == 16 * 1024
    assert "in breaks" in failure.stack_trace
    assert not failure.non_retryable
    assert failure.cause.type == "KeyError"
    assert not failure.cause.HasField("cause")


async def test_unfit_input_and_result_are_never_retried(connect: Connect) -> None:
    @activity
    async def unfit(_order: Order) -> None: ...

    failure = await failure_of(None, connect, unfit, {"amount": 1})
    assert (failure.type, failure.non_retryable) == ("PayloadError", True)
    assert "'id'" in failure.message


async def test_result_over_the_limit_fails_with_its_size(connect: Connect) -> None:
    @activity
    async def huge() -> str:
        return "x" * (2 * 1024 * 1024)

    failure = await failure_of(None, connect, huge)
    assert (failure.type, failure.non_retryable) == ("PayloadError", True)
    assert "2097154 bytes" in failure.message


async def test_details_over_the_limit_fail_in_the_code_that_says_them(connect: Connect) -> None:
    @activity
    async def progress() -> None:
        activity.context().heartbeat("x" * 3_000_000)

    _, stream = await connect(progress)
    stream.send_tasks(task(1, "progress"))
    result = await stream.result_of(b"token-1")
    assert (result.failure.type, result.failure.non_retryable) == ("PayloadError", True)
    assert "3000002 bytes" in result.failure.message


async def test_unknown_activity_fails_but_may_be_retried_elsewhere(connect: Connect) -> None:
    _, stream = await connect(double)
    stream.send_tasks(task(1, "halve"))
    failure = (await stream.result_of(b"token-1")).failure
    assert (failure.type, failure.non_retryable) == ("ActivityNotRegistered", False)
    assert "this worker has: double" in failure.message


async def test_system_exit_ends_the_attempt_and_not_the_worker(connect: Connect) -> None:
    @activity
    async def leave() -> None:
        raise SystemExit(3)

    _, stream = await connect(leave, double)
    stream.send_tasks(task(1, "leave"), task(2, "double", {"id": "b"}))
    assert (await stream.result_of(b"token-1")).failure.type == "SystemExit"
    assert value_of(await stream.result_of(b"token-2"))["id"] == "b"


async def test_canceled_async_activity_confirms(connect: Connect) -> None:
    cleaned = asyncio.Event()

    @activity
    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    _, stream = await connect(waits)
    stream.send_tasks(task(1, "waits"))
    await stream.until(lambda: stream.acks)
    stream.send(pb.WorkResponse(cancels=[pb.ActivityCancel(task_token=b"token-1")]))
    failure = (await stream.result_of(b"token-1")).failure
    assert failure.kind == failure_pb2.FAILURE_KIND_CANCELED
    assert cleaned.is_set()


async def test_task_canceled_in_the_batch_that_brought_it_is_answered(connect: Connect) -> None:
    _, stream = await connect(double)
    stream.credits -= 1
    stream.send(
        pb.WorkResponse(
            activity_tasks=[task(1, "double", {"id": "a"})],
            cancels=[pb.ActivityCancel(task_token=b"token-1")],
        )
    )
    assert (await stream.result_of(b"token-1")).task_token == b"token-1"


async def test_canceled_sync_activity_sees_it_and_confirms(connect: Connect) -> None:
    reasons: list[object] = []

    @activity
    def polls() -> None:
        context = activity.context()
        assert not context.is_canceled
        context.heartbeat()
        assert context.wait_canceled(10)
        reasons.append(context.cancel_reason)
        context.raise_if_canceled()

    _, stream = await connect(polls)
    stream.send_tasks(task(1, "polls"))
    await stream.until(lambda: stream.heartbeats)
    stream.send(pb.WorkResponse(cancels=[pb.ActivityCancel(task_token=b"token-1")]))
    failure = (await stream.result_of(b"token-1")).failure
    assert failure.kind == failure_pb2.FAILURE_KIND_CANCELED
    assert reasons == ["requested"]


async def test_cancel_error_that_nobody_asked_for_is_a_plain_failure(connect: Connect) -> None:
    @activity
    async def confused() -> None:
        raise ActivityCanceledError("not asked")

    failure = await failure_of(None, connect, confused)
    assert failure.kind == failure_pb2.FAILURE_KIND_APPLICATION


async def test_fenced_attempt_is_stopped_and_its_result_not_sent(connect: Connect) -> None:
    stopped = asyncio.Event()

    @activity
    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise

    _, stream = await connect(waits, double)
    stream.send_tasks(task(1, "waits"))
    await stream.until(lambda: stream.acks)
    fence = pb.ActivityCancel(task_token=b"token-1", fenced=True)
    stream.send(pb.WorkResponse(cancels=[fence]))
    await asyncio.wait_for(stopped.wait(), 5)
    stream.send_tasks(task(2, "double", {"id": "z"}))
    await stream.result_of(b"token-2")
    assert [r.task_token for r in stream.results] == [b"token-2"]


async def test_heartbeats_are_throttled_and_the_last_details_arrive(connect: Connect) -> None:
    @activity
    def counts() -> None:
        for number in range(2_000):
            activity.context().heartbeat(number)
        time.sleep(0.3)

    _, stream = await connect(counts)
    request = task(1, "counts")
    request.heartbeat_timeout.FromMilliseconds(300)
    stream.send_tasks(request)
    await stream.result_of(b"token-1")
    details = [int(h.details.data) for h in stream.heartbeats]
    assert details[-1] == 1_999
    assert len(details) <= 6


async def test_details_arrive_before_the_failure_of_their_attempt(connect: Connect) -> None:
    @activity
    async def fails_late() -> None:
        activity.context().heartbeat("first")
        await asyncio.sleep(0)
        activity.context().heartbeat("last")
        raise RuntimeError

    _, stream = await connect(fails_late)
    stream.send_tasks(task(1, "fails_late"))
    await stream.result_of(b"token-1")
    with_details = [i for i, r in enumerate(stream.requests) if r.heartbeats]
    with_result = [i for i, r in enumerate(stream.requests) if r.activity_results]
    assert stream.heartbeats[-1].details.data == b'"last"'
    assert with_details[-1] < with_result[0]
