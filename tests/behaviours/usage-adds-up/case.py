"""Tokens and cost that Python activities report, failed attempts included."""

from everturn import Usage, activity

from harness import World, behaviour, equal, transcript_becomes


@activity
async def answer(text: str) -> str:
    context = activity.context()
    context.report_usage(input_tokens=10, output_tokens=2)
    context.report_usage(cost_micros=5, currency="EUR")
    if context.attempt == 1:
        raise RuntimeError("paid for, and failed")
    return "done"


@behaviour(activities=[answer])
async def case(world: World) -> None:
    conversations = world.client.conversations
    lines: list[str] = []
    for text in ("one", "two"):
        await conversations.submit_message("jo", text, channel="chat", conversation_type="desk")
        lines += [f"customer: {text}", "agent: done"]
        await transcript_becomes(world.client, "jo", lines)
    found = await conversations.get("jo")
    equal(found.usage, Usage(40, 8, 20, "EUR"))
    equal(found.turn_usage, Usage(20, 4, 10, "EUR"))
