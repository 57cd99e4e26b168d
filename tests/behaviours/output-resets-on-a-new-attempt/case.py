"""What a failed attempt in Python streamed does not count."""

from everturn import MessageAdded, OutputDelta, OutputReset, activity

from harness import Gate, World, behaviour, equal

gate = Gate()


@activity
async def answer(text: str) -> str:
    context = activity.context()
    if context.attempt == 1:
        context.stream("Your par")
        await gate.go_through()
        raise RuntimeError("the model went away")
    context.stream("Your parcel is here.")
    return "Your parcel is here."


@behaviour(activities=[answer])
async def case(world: World) -> None:
    await world.client.conversations.submit_message(
        "jo", "Where is it?", channel="chat", conversation_type="desk"
    )
    text, seen = "", list[str]()
    async for update in world.client.conversations.watch("jo", after_sequence=1):
        match update:
            case OutputReset(cursor) if text:
                seen.append(f"reset for attempt {cursor.attempt}")
                text = ""
            case OutputDelta():
                text += update.text
                if text == "Your par":
                    seen.append(text)
                    gate.open()
            case MessageAdded():
                break
            case _:
                pass
    equal(seen, ["Your par", "reset for attempt 2"])
    equal(text, "Your parcel is here.")
