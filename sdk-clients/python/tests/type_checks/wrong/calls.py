"""Code that must not type-check: each line marked WRONG, and no other."""

from everturn import AsyncClient, Client, RunStatus, Worker, activity
from everturn.v1 import worker_service_pb2


@activity(executor="gpu")  # WRONG
def classify(text: str) -> str:
    return text


@activity
async def charge(amount: int) -> str:
    return str(amount)


async def asynchronous(client: AsyncClient) -> None:
    await charge("12")  # WRONG
    await client.conversations.submit_message("c", "hi")  # WRONG
    for _ in client.conversations.list_messages("c"):  # WRONG
        pass
    number: int = await client.workflows.wait_result("w", result_type=str)  # WRONG
    print(number)


def synchronous(client: Client) -> None:
    client.workflows.list(status="running")  # WRONG
    client.workflows.list(status=RunStatus.RUNNING)
    client.workflows.start(7)  # WRONG
    Worker(activities=["charge"])  # WRONG
    Worker([charge])  # WRONG
    worker_service_pb2.ActivityTask(atempt=1)  # WRONG
