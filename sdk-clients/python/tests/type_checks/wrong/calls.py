"""Code that must not type-check: each line marked WRONG, and no other."""

from everturn import AsyncClient, Client, Delivery, RunStatus, Worker, activity, delivery
from everturn.v1 import worker_service_pb2


@activity(executor="gpu")  # WRONG
def classify(text: str) -> str:
    return text


@activity
async def charge(amount: int) -> str:
    return str(amount)


@delivery(channel="email")  # WRONG
async def send(it: Delivery) -> int:
    return it.attempt


@delivery  # WRONG
async def send_sms(it: Delivery) -> str:
    return it.address


async def asynchronous(client: AsyncClient) -> None:
    await charge("12")  # WRONG
    await client.conversations.submit_message("c", "hi")  # WRONG
    await client.conversations.hand_off("c", "Ann")  # WRONG
    await client.approvals.decide("a", "approve", decider="Ann")  # WRONG
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
