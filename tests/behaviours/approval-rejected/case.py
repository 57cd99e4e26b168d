"""Rejected: an outcome, and no error. A Python client decides."""

from everturn import ApprovalDecision, ApprovalOutcome, ApprovalStatus

from harness import World, behaviour, equal, transcript_becomes
from harness.approvals import approval_that_is, ask


@behaviour()
async def case(world: World) -> None:
    await ask(world.client)
    approval = await approval_that_is(world.client, ApprovalStatus.PENDING)
    await world.client.approvals.decide(
        approval, ApprovalDecision.REJECT, decider="Ann", comment="too much"
    )
    lines = ["customer: Money back", "agent: rejected: nothing"]
    await transcript_becomes(world.client, "jo", lines)
    ended = await approval_that_is(world.client, ApprovalStatus.ENDED)
    found = (ended.outcome, ended.decider, ended.comment)
    equal(found, (ApprovalOutcome.REJECTED, "Ann", "too much"))
