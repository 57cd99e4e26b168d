"""An activity worker on the generated stubs alone: no SDK, no threads."""

import json
import os
import time

import grpc
from everturn.v1 import worker_service_pb2 as pb
from everturn.v1 import worker_service_pb2_grpc as services

ACTIVITIES = {"shout": lambda text: f"{text}!".upper(), "add": lambda pair: pair[0] + pair[1]}

def run(task: pb.ActivityTask) -> pb.ActivityResult:
    try:
        value = ACTIVITIES[task.activity_type](json.loads(task.input.data or b"null"))
        return pb.ActivityResult(task_token=task.task_token, result={"data": json.dumps(value).encode()})
    except Exception as error:  # the retry policy of the run decides what follows
        failure = {"type": type(error).__name__, "message": str(error)}
        return pb.ActivityResult(task_token=task.task_token, failure=failure)

channel = grpc.insecure_channel(os.environ.get("EVERTURN_ADDRESS", "127.0.0.1:7400"))
worker = services.WorkerServiceStub(channel)
while True:
    try:
        poll = pb.PollActivityTasksRequest(task_queue="default", identity="raw-python", max_tasks=10)
        if results := [run(task) for task in worker.PollActivityTasks(poll).tasks]:
            worker.CompleteActivityTasks(pb.CompleteActivityTasksRequest(results=results))
    except grpc.RpcError:  # the coordinator is away; what was not reported comes again
        time.sleep(1)
