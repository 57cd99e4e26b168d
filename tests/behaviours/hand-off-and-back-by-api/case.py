"""A person takes over, answers and hands back: the client's part in Python."""

from everturn import Person

from harness import World, behaviour, equal, transcript_becomes


@behaviour()
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "Hi", channel="chat", conversation_type="echo")
    before = ["customer: Hi", "agent: You said: Hi"]
    await transcript_becomes(world.client, "jo", before)

    await conversations.hand_off("jo", Person("Ann"), reason="angry", context={"order": 12})
    handover = (await conversations.get("jo")).handover
    equal(handover and (handover.assignee, handover.context), (Person("Ann"), {"order": 12}))
    await conversations.submit_message("jo", "Are you a bot?", channel="chat")
    await conversations.send_human_message("jo", "No, I am Ann.", author_name="Ann")
    await conversations.submit_message("jo", "And my bag?", channel="chat")
    await conversations.hand_back("jo", author_name="Ann", note="calm now")
    meanwhile = [
        "system: Handed to Ann: angry",
        "customer: Are you a bot?",
        "human: No, I am Ann.",
        "customer: And my bag?",
        "system: Handed back: calm now",
        "agent: You said: And my bag?",
    ]
    await transcript_becomes(world.client, "jo", [*before, *meanwhile])
