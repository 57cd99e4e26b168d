"""Approved: the code goes on with what it asked for. A Python client decides."""

from everturn import ApprovalDecision, ApprovalStatus

from harness import World, behaviour, equal, refused, transcript_becomes
from harness.approvals import approval_that_is, ask


@behaviour()
async def case(world: World) -> None:
    await ask(world.client)
    approval = await approval_that_is(world.client, ApprovalStatus.PENDING)
    equal((approval.title, approval.arguments), ("A refund", {"amount": 100}))
    decide = world.client.approvals.decide
    await decide(approval, ApprovalDecision.APPROVE, decider="Ann", request_id="r-1")
    await decide(approval, ApprovalDecision.APPROVE, decider="Ann", request_id="r-1")
    lines = ["customer: Money back", "agent: approved: 100"]
    await transcript_becomes(world.client, "jo", lines)
    late = decide(approval, ApprovalDecision.REJECT, decider="Bob")
    await refused(late, "APPROVAL_DECIDED")
