"""When Python activities have used the budget up, a Python client raises it."""

from everturn import ApprovalDecision, ApprovalStatus, Budget, TurnPolicy, activity

from harness import World, behaviour, equal, transcript_becomes
from harness.approvals import approval_that_is


@activity
async def answer(text: str) -> str:
    activity.context().report_usage(input_tokens=60)
    return f"about {text}"


@behaviour(activities=[answer])
async def case(world: World) -> None:
    conversations = world.client.conversations
    policy = TurnPolicy(budget=Budget(tokens=50))
    await conversations.submit_message(
        "jo", "one", channel="chat", conversation_type="desk", turn_policy=policy
    )
    # An answer that is ready still goes out.
    lines = ["customer: one", "agent: about one"]
    await transcript_becomes(world.client, "jo", lines)
    await conversations.submit_message("jo", "two", channel="chat")
    approval = await approval_that_is(world.client, ApprovalStatus.PENDING)
    equal((approval.workflow_id, (await conversations.get("jo")).budget_reached), ("jo", True))

    await world.client.approvals.decide(approval, ApprovalDecision.APPROVE, decider="Ann")
    await transcript_becomes(world.client, "jo", [*lines, "customer: two", "agent: about two"])
    after = await conversations.get("jo")
    equal(after.turn_policy.budget and after.turn_policy.budget.tokens, 100)
