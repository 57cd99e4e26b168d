"""Nobody decides in time: a Python client comes too late."""

from everturn import ApprovalDecision, ApprovalOutcome, ApprovalStatus

from harness import World, behaviour, equal, refused, transcript_becomes
from harness.approvals import approval_that_is, ask


@behaviour()
async def case(world: World) -> None:
    await ask(world.client, "expire")
    lines = ["customer: expire", "agent: expired: nothing"]
    await transcript_becomes(world.client, "jo", lines)
    ended = await approval_that_is(world.client, ApprovalStatus.ENDED)
    equal((ended.outcome, ended.decider), (ApprovalOutcome.EXPIRED, ""))
    late = world.client.approvals.decide(ended, ApprovalDecision.APPROVE, decider="Ann")
    await refused(late, "APPROVAL_EXPIRED")
