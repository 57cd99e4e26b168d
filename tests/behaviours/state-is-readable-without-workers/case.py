"""A Python client reads what code in TypeScript wrote into its state."""

from harness import World, behaviour, equal, transcript_becomes, until


@behaviour()
async def case(world: World) -> None:
    client = world.client
    await client.workflows.start("wait", "Jo", workflow_id="one")

    async def is_there() -> bool:
        return bool(await client.workflows.state("one"))

    await until("the state is there", is_there)
    equal(await client.workflows.state("one"), {"phase": "Jo waits"})
    await client.conversations.submit_message("jo", "Hi", channel="chat", conversation_type="echo")
    await transcript_becomes(client, "jo", ["customer: Hi", "agent: You said: Hi"])
    equal(dict((await client.conversations.get("jo")).state), {"last": "Hi"})
