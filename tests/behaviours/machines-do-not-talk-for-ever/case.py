"""A client in Python passes on what a machine wrote: no turn, and a cap for the rest."""

from everturn import OnAutomatic, TurnCap, TurnPolicy, Wait, WaitReason

from harness import World, at_rest, behaviour, equal, messages, transcript, until


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    policy = TurnPolicy(turn_cap=TurnCap(turns=1, window=3600))
    await conversations.submit_message(
        "jo",
        "I am on holiday",
        channel="email",
        conversation_type="echo",
        is_automatic=True,
        turn_policy=policy,
    )
    await at_rest(world.client, "jo")
    equal([it.is_automatic for it in await messages(world.client, "jo")], [True])

    await conversations.update("jo", turn_policy=TurnPolicy(on_automatic=OnAutomatic.TURN))
    await conversations.submit_message("jo", "still away", channel="email", is_automatic=True)
    await at_rest(world.client, "jo")
    equal((await transcript(world.client, "jo"))[-1], "agent: You said: still away")

    await conversations.submit_message("jo", "Hello?", channel="email")

    async def waits() -> Wait | None:
        return (await conversations.get("jo")).wait

    equal((await until("it waits", waits)).reason, WaitReason.TURN_CAP)
