"""A Python client reads along while a Python activity writes, and comes back."""

from collections.abc import Sequence

from everturn import AsyncClient, CaughtUp, MessageAdded, OutputCursor, OutputDelta, activity

from harness import Gate, World, behaviour, equal

middle = Gate()


@activity
async def answer(text: str) -> str:
    context = activity.context()
    context.stream("Your order ")
    context.stream("is ")
    await middle.go_through()
    context.stream("on its way.")
    return "Your order is on its way."


async def read_along(
    client: AsyncClient, enough: str, cursors: Sequence[OutputCursor]
) -> tuple[str, OutputCursor | str]:
    """Reads until the text or the message is there; the text, and the cursor or message."""
    text = ""
    async for update in client.conversations.watch("jo", after_sequence=1, output_cursors=cursors):
        match update:
            case OutputDelta(cursor=cursor):
                text += update.text
                if text == enough:
                    return text, cursor
            case CaughtUp() if cursors:
                middle.open()  # who comes back knows the present
            case MessageAdded(message):
                return text, message.text
            case _:
                pass
    raise AssertionError(f"the watch ended after {text!r}")


@behaviour(activities=[answer])
async def case(world: World) -> None:
    client = world.client
    await client.conversations.submit_message(
        "jo", "Where is it?", channel="chat", conversation_type="desk"
    )
    await middle.arrived()
    half, cursor = await read_along(client, "Your order is ", [])
    assert isinstance(cursor, OutputCursor)  # noqa: S101 - for the type checker
    equal((half, cursor.workflow_id, cursor.key), ("Your order is ", "jo/turn-1", "answer"))
    rest = await read_along(client, "nothing else", [cursor])
    equal(rest, ("on its way.", "Your order is on its way."))
