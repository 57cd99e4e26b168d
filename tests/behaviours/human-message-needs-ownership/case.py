"""People write only while the conversation is theirs: the client's part in Python."""

from everturn import OnHumanMessage, Person, Team, TurnPolicy

from harness import World, behaviour, equal, refused, transcript


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    policy = TurnPolicy(on_human_message=OnHumanMessage.REFUSE)
    await conversations.submit_message(
        "jo", "Hi", channel="chat", conversation_type="nobody", turn_policy=policy
    )

    async def write(name: str, request_id: str | None = None) -> int:
        sent = await conversations.send_human_message(
            "jo", f"{name} here", author_name=name, request_id=request_id
        )
        return sent.message_sequence

    await refused(write("Ann"), "NOT_HANDED_OFF")
    await conversations.hand_off("jo", Person("Ann"))
    await refused(write("Bob"), "WRONG_ASSIGNEE")
    equal(await write("Ann", "r-1"), await write("Ann", "r-1"))
    await conversations.hand_off("jo", Team("billing"))
    await write("Bob")
    lines = await transcript(world.client, "jo")
    human = [line for line in lines if line.startswith("human")]
    equal(human, ["human: Ann here", "human: Bob here"])
