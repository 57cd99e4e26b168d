"""A coordinator for tests: real gRPC on a real socket, scripted by the test.

It keeps what arrives on each ``Work`` stream and sends what the test says.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration

from everturn.v1 import message_pb2, worker_service_pb2_grpc
from everturn.v1 import worker_service_pb2 as pb
from everturn.v1.payload_pb2 import Payload

WAIT_S = 10.0


def payload(value: Any) -> Payload:
    """A JSON payload."""
    return Payload(data=json.dumps(value).encode())


def value_of(result: pb.ActivityResult) -> Any:
    """The value of a successful result."""
    assert result.HasField("result"), result.failure
    return json.loads(result.result.data)


class FakeStream:
    """One ``Work`` stream, as the server sees it."""

    def __init__(self, coordinator: FakeCoordinator) -> None:
        self._coordinator = coordinator
        self._outbox: asyncio.Queue[pb.WorkResponse | None] = asyncio.Queue()
        self._changed = asyncio.Event()
        self.hello = pb.Hello()
        self.requests: list[pb.WorkRequest] = []
        self.acks: list[int] = []
        self.results: list[pb.ActivityResult] = []
        self.heartbeats: list[pb.ActivityHeartbeat] = []
        self.outputs: list[pb.ActivityOutput] = []
        self.pings: list[int] = []
        self.pongs: list[int] = []
        self.credits = 0
        self.is_draining = False
        self.is_half_closed = False
        self.is_broken = False

    def send(self, response: pb.WorkResponse) -> None:
        """Sends a message."""
        self._outbox.put_nowait(response)

    def send_tasks(self, *tasks: pb.ActivityTask) -> None:
        """Sends tasks; it is an error to send more than there are credits."""
        assert len(tasks) <= self.credits, "the test sends more than was granted"
        self.credits -= len(tasks)
        self.send(pb.WorkResponse(activity_tasks=tasks))

    def end(self) -> None:
        """Ends the stream with OK."""
        self._outbox.put_nowait(None)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Waits until something is true of what arrived."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def result_of(self, token: bytes) -> pb.ActivityResult:
        """Waits for the result of a task."""
        await self.until(lambda: any(r.task_token == token for r in self.results))
        return next(r for r in self.results if r.task_token == token)

    def output_of(self, token: bytes) -> bytes:
        """What an attempt has streamed."""
        return b"".join(o.data for o in self.outputs if o.task_token == token)

    def receive(self, request: pb.WorkRequest) -> None:
        """Takes in a message of the worker."""
        self.requests.append(request)
        self.acks += request.acked_delivery_ids
        self.results += request.activity_results
        self.heartbeats += request.heartbeats
        self.outputs += request.outputs
        self.credits += request.credits.activity_count
        if request.ping:
            self.pings.append(request.ping)
            if self._coordinator.answers_pings:
                self.send(pb.WorkResponse(pong=request.ping))
        if request.pong:
            self.pongs.append(request.pong)
        self.is_draining |= request.draining
        if self._coordinator.accepts_results and request.activity_results:
            ids = [result.result_id for result in request.activity_results]
            self.send(pb.WorkResponse(accepted_result_ids=ids))
        self._changed.set()

    async def read(self, requests: AsyncIterator[pb.WorkRequest]) -> None:
        """Reads until the worker closes its side."""
        async for request in requests:
            self.receive(request)
        self.is_half_closed = True
        self._changed.set()
        self.end()

    async def write(self) -> AsyncIterator[pb.WorkResponse]:
        """What is sent, until the stream ends."""
        while (response := await self._outbox.get()) is not None:
            yield response


class FakeCoordinator(worker_service_pb2_grpc.WorkerServiceServicer):
    """Serves ``Work`` on a loopback port that survives a restart."""

    def __init__(self) -> None:
        self.accepts_results = True
        self.answers_pings = True
        self.ping_interval_s = 10.0
        self.aborts: Callable[[pb.Hello], list[int]] = lambda _hello: []
        self.refuses: tuple[grpc.StatusCode, str] | None = None
        self.streams: asyncio.Queue[FakeStream] = asyncio.Queue()
        self.all_streams: list[FakeStream] = []
        self.polled: list[pb.ActivityTask] = []
        self.completed: list[pb.ActivityResult] = []
        self.completed_event = asyncio.Event()
        self._server: grpc.aio.Server | None = None
        self.port = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens; on the same port as before after a ``stop``."""
        # A port that was just closed is taken again at once.
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
        worker_service_pb2_grpc.add_WorkerServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def stop(self) -> None:
        """Breaks all streams and stops listening, like a crash."""
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def stream(self) -> FakeStream:
        """The next stream that a worker opens."""
        async with asyncio.timeout(WAIT_S):
            return await self.streams.get()

    async def Work(self, request_iterator: Any, context: Any) -> AsyncIterator[pb.WorkResponse]:
        """Serves a stream."""
        if self.refuses is not None:
            await context.abort(*self.refuses)
        stream = FakeStream(self)
        first = await anext(request_iterator)
        assert first.HasField("hello")
        stream.hello = first.hello
        stream.receive(first)
        interval = Duration()
        interval.FromNanoseconds(int(self.ping_interval_s * 1e9))
        yield pb.WorkResponse(
            welcome=pb.Welcome(
                stream_id=len(self.all_streams) + 1,
                ping_interval=interval,
                ack_timeout=Duration(seconds=5),
                aborted_task_indexes=self.aborts(first.hello),
            )
        )
        self.all_streams.append(stream)
        self.streams.put_nowait(stream)
        reader = asyncio.create_task(stream.read(request_iterator))
        try:
            async for response in stream.write():
                yield response
        finally:
            stream.is_broken = True
            reader.cancel()

    async def PollActivityTasks(self, request: Any, context: Any) -> Any:
        """Hands out what the test put in ``polled``."""
        tasks, self.polled = self.polled[: request.max_tasks], self.polled[request.max_tasks :]
        if not tasks:
            await asyncio.sleep(0.05)
        return pb.PollActivityTasksResponse(tasks=tasks)

    async def CompleteActivityTasks(self, request: Any, context: Any) -> Any:
        """Keeps the results."""
        self.completed += request.results
        self.completed_event.set()
        return pb.CompleteActivityTasksResponse()


def task(number: int, activity: str, value: Any = None, **fields: Any) -> pb.ActivityTask:
    """A task with the token ``token-<number>``."""
    defaults: dict[str, Any] = {
        "delivery_id": number,
        "task_token": f"token-{number}".encode(),
        "activity_type": activity,
        "input": payload(value),
        "attempt": 1,
        "workflow_id": f"order-{number}",
        "run_id": "run",
        "key": activity,
        "task_queue": "default",
    }
    return pb.ActivityTask(**{**defaults, **fields})


def delivery_task(number: int, channel: str, **fields: Any) -> pb.ActivityTask:
    """A delivery with the token ``token-<number>`` of the message "Hi" to "jo"."""
    message = message_pb2.Message(
        sequence=number,
        author_kind=message_pb2.AUTHOR_KIND_AGENT,
        channel=channel,
        content=message_pb2.MessageContent(text="Hi", data=payload({"card": 1})),
    )
    defaults: dict[str, Any] = {
        "conversation_id": "c1",
        "message": message,
        "address": "jo",
        "idempotency_key": f"c1/message-{number}",
    }
    return pb.ActivityTask(
        delivery_id=number,
        task_token=f"token-{number}".encode(),
        activity_type="deliver",
        attempt=1,
        workflow_id="c1",
        key=f"c1/message-{number}",
        task_queue=f"deliver.{channel}",
        delivery=pb.Delivery(**{**defaults, **fields}),
    )
