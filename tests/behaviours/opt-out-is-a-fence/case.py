"""A client in Python passes "STOP" on, and takes it back."""

from everturn import OptOut

from harness import World, at_rest, behaviour, equal, transcript


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message(
        "jo", "STOP", channel="sms", conversation_type="echo", opt_out=OptOut.ALL
    )
    await at_rest(world.client, "jo")
    equal((await conversations.get("jo")).opt_outs, {"sms": OptOut.ALL})
    equal(await transcript(world.client, "jo"), ["customer: STOP"])

    taken_back = await conversations.update("jo", opt_outs={"sms": OptOut.NONE})
    equal(taken_back.opt_outs, {})
    await conversations.submit_message("jo", "Hi", channel="sms")
    await at_rest(world.client, "jo")
    equal((await transcript(world.client, "jo"))[-1], "agent: You said: Hi")
