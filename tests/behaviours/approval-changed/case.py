"""Approved with changes: the code goes on with them. A Python client decides."""

from everturn import ApprovalDecision, ApprovalStatus

from harness import World, behaviour, transcript_becomes
from harness.approvals import approval_that_is, ask


@behaviour()
async def case(world: World) -> None:
    await ask(world.client)
    approval = await approval_that_is(world.client, ApprovalStatus.PENDING)
    await world.client.approvals.decide(
        approval,
        ApprovalDecision.APPROVE_WITH_CHANGES,
        changed_arguments={"amount": 60},
        decider="Ann",
    )
    lines = ["customer: Money back", "agent: approvedWithChanges: 60"]
    await transcript_becomes(world.client, "jo", lines)
