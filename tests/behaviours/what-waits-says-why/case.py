"""An activity that a worker has, one that backs off, and one whose queue has no worker."""

import threading

from everturn import TaskKind, WaitReason, activity

from harness import World, behaviour, equal, until

go_on = threading.Event()


@activity
def held() -> str:
    go_on.wait(20)
    return "done"


@behaviour(activities=[held])
async def case(world: World) -> None:
    client = world.client

    async def reason_of(workflow_id: str) -> WaitReason | None:
        described = await client.workflows.describe(workflow_id)
        waits = [it.wait for it in described.pending_activities if it.wait is not None]
        return waits[0].reason if waits else None

    calls = {
        "held": ({"activity": "held"}, WaitReason.WORKER),
        "typo": ({"activity": "heldd"}, None),
        "lost": ({"activity": "a", "options": {"taskQueue": "nobody"}}, WaitReason.NO_WORKER),
    }
    for workflow_id, (call, reason) in calls.items():
        await client.workflows.start("call", call, workflow_id=workflow_id)

        async def is_said(
            workflow_id: str = workflow_id, reason: WaitReason | None = reason
        ) -> bool:
            found = await reason_of(workflow_id)
            if reason is None:
                return found in (WaitReason.NOT_REGISTERED, WaitReason.BACKING_OFF)
            return found is reason

        await until(f"{workflow_id} says why", is_said)
    go_on.set()

    async def is_over() -> bool:
        listed = [it async for it in client.workflows.list(waiting=[WaitReason.NO_WORKER])]
        return [it.workflow_id for it in listed] == ["lost"]

    await until("only one has no worker", is_over)
    equal(await reason_of("lost"), WaitReason.NO_WORKER)

    async def missing() -> bool:
        queues = {(it.name, it.kind): it for it in await client.task_queues.list()}
        nobody = queues["nobody", TaskKind.ACTIVITY]
        equal((nobody.worker_count, nobody.unserved_since_time is None), (0, False))
        served = queues["python", TaskKind.ACTIVITY]
        equal((served.worker_count, served.registered_types), (1, ("held",)))
        return served.missing_types == ("heldd",)

    await until("the type that nobody has is found", missing)
