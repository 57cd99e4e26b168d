"""A decision on other arguments than those that wait is refused: a Python client's."""

from everturn import ApprovalDecision, ApprovalStatus, hash_arguments

from harness import World, behaviour, refused, transcript_becomes
from harness.approvals import approval_that_is, ask


@behaviour()
async def case(world: World) -> None:
    await ask(world.client)
    approval = await approval_that_is(world.client, ApprovalStatus.PENDING)
    decide = world.client.approvals.decide
    other = hash_arguments({"amount": 10_000})
    decision = decide(
        approval.approval_id, ApprovalDecision.APPROVE, decider="Ann", arguments_hash=other
    )
    await refused(decision, "APPROVAL_CHANGED")
    still = await approval_that_is(world.client, ApprovalStatus.PENDING)
    await decide(still, ApprovalDecision.APPROVE, decider="Ann")
    lines = ["customer: Money back", "agent: approved: 100"]
    await transcript_becomes(world.client, "jo", lines)
