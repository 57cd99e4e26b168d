"""The worker as a process: takes tasks over gRPC, fails as configured, drains on SIGTERM."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from everturn.v1 import worker_service_pb2 as pb
from everturn.v1 import worker_service_pb2_grpc as pb_grpc
from everturn.v1.payload_pb2 import Payload

from support_agents import faults
from support_agents import model as models
from support_agents.model import Model
from support_agents.settings import FaultSettings
from tests.conftest import DATA_DIR

TIMEOUT_S = 30.0


class OneWorkerServer(pb_grpc.WorkerServiceServicer):
    """Hands tasks to one worker and collects its results. A real gRPC server, no coordinator."""

    def __init__(self) -> None:
        self.results: queue.Queue[pb.ActivityResult] = queue.Queue(100)
        self.hello = pb.Hello()
        self._answers: queue.Queue[pb.WorkResponse | None] = queue.Queue(100)
        self._executor = ThreadPoolExecutor(4)

    def Work(  # noqa: N802
        self, request_iterator: Iterator[pb.WorkRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.WorkResponse]:
        self.hello.CopyFrom(next(request_iterator).hello)
        welcome = pb.Welcome(stream_id=1)
        welcome.ping_interval.seconds = 10
        welcome.ack_timeout.seconds = 5
        yield pb.WorkResponse(welcome=welcome)
        self._executor.submit(self._read, request_iterator)
        while (answer := self._answers.get(timeout=TIMEOUT_S)) is not None:
            yield answer

    def run(self, task: pb.ActivityTask) -> pb.ActivityResult:
        """Sends one task and waits for its result."""
        self._answers.put(pb.WorkResponse(activity_tasks=[task]))
        return self.results.get(timeout=TIMEOUT_S)

    def _read(self, requests: Iterator[pb.WorkRequest]) -> None:
        for request in requests:
            for result in request.activity_results:
                self.results.put(result)
                self._answers.put(pb.WorkResponse(accepted_result_ids=[result.result_id]))
        self._answers.put(None)


@pytest.fixture
def server() -> Iterator[tuple[OneWorkerServer, str]]:
    # The stream is all that the worker uses.
    servicer = OneWorkerServer()  # pyright: ignore[reportAbstractUsage]
    grpc_server = grpc.server(ThreadPoolExecutor(4))
    pb_grpc.add_WorkerServiceServicer_to_server(servicer, grpc_server)
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    yield servicer, f"127.0.0.1:{port}"
    grpc_server.stop(0).wait()


def task(number: int, activity_type: str, value: object, attempt: int = 1) -> pb.ActivityTask:
    return pb.ActivityTask(
        delivery_id=number,
        task_token=f"token-{number}-{attempt}".encode(),
        activity_type=activity_type,
        input=Payload(data=json.dumps(value).encode()),
        attempt=attempt,
        workflow_id="c-1/turn-1",
        run_id="r-1",
        key=f"step-{number}",
        task_queue="agents",
    )


def value_of(result: pb.ActivityResult) -> Any:
    assert result.WhichOneof("outcome") == "result", result.failure
    return json.loads(result.result.data)


def test_a_worker_process_serves_the_agents_and_drains(
    server: tuple[OneWorkerServer, str], model: Model, tmp_path: Path
) -> None:
    servicer, address = server
    models.save(model, tmp_path, models.digest_of(DATA_DIR))
    settings = FaultSettings(rate=0.4, latency_ms_max=20, seed=11)
    env = os.environ | {
        "SUPPORT_MODEL_DIR": str(tmp_path),
        "SUPPORT_FAULT_RATE": str(settings.rate),
        "SUPPORT_LATENCY_MS": str(settings.latency_ms_max),
        "SUPPORT_SEED": str(settings.seed),
    }
    command = [sys.executable, "-m", "support_agents.worker", "--role", "agents"]
    with subprocess.Popen([*command, "--address", address], env=env) as process:  # noqa: S603
        try:
            struck = 0
            for number in range(1, 13):
                attempt = 1
                while faults.fails(settings, f"c-1/turn-1/step-{number}", attempt):
                    result = servicer.run(task(number, "lookup_order", "NT-20481", attempt))
                    assert result.failure.type == "InjectedFaultError"
                    assert not result.failure.non_retryable
                    struck += 1
                    attempt += 1
                order = value_of(servicer.run(task(number, "lookup_order", "NT-20481", attempt)))
                assert order["customer"] == "Ines Duarte"
            assert struck > 0
            assert [queue.task_queue for queue in servicer.hello.queues] == ["agents"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=TIMEOUT_S) == 0
        finally:
            process.kill()


def test_a_worker_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    env = os.environ | {"SUPPORT_MODEL_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "support_agents.worker"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=TIMEOUT_S)  # noqa: PLW1510, S603
    assert done.returncode == 2
    assert "run `python -m support_agents.train` first" in done.stderr
