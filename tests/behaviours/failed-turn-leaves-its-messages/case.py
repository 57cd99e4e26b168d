"""A model in Python says no: the next turn is given what it left."""

from datetime import UTC, datetime

from everturn import ApplicationError, Conversation, RunStatus, WaitReason, activity

from harness import World, behaviour, equal, transcript_becomes, until

texts: list[str] = []


@activity
def answer(text: str) -> str:
    texts.append(text)
    if len(texts) == 1:
        raise ApplicationError("the model said no", type="ModelError", non_retryable=True)
    return f"Done: {text!r}"


@behaviour(activities=[answer])
async def case(world: World) -> None:
    conversations = world.client.conversations
    await conversations.submit_message("jo", "one", channel="chat", conversation_type="desk")

    async def failed() -> Conversation | None:
        found = await conversations.get("jo")
        return found if found.last_turn else None

    found = await until("the turn has failed", failed)
    last = found.last_turn
    equal((last and last.status, last and last.attempt), (RunStatus.FAILED, 1))
    equal(last is not None and last.failure is not None, True)
    equal((found.unanswered_message_count, found.unanswered_since_time is None), (1, False))
    equal(found.wait and found.wait.reason, WaitReason.UNANSWERED)

    async def listed() -> bool:
        now = datetime.now(UTC)
        return [it.conversation_id async for it in conversations.list(unanswered_before=now)] == [
            "jo"
        ]

    await until("it is found by its age", listed)
    await conversations.submit_message("jo", "two", channel="chat")
    said = ["customer: one", "customer: two", "agent: Done: 'one\\ntwo'"]
    await transcript_becomes(world.client, "jo", said)
    equal((await conversations.get("jo")).unanswered_since_time, None)
