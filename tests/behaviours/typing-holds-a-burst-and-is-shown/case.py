"""An adapter in Python shows that an agent types, and a person."""

from everturn import AuthorKind, Delivery, TypingNotice, delivery

from harness import World, at_rest, behaviour, equal, until

shown: list[TypingNotice] = []


async def show(notice: TypingNotice) -> None:
    shown.append(notice)


@delivery(channel="chat", show_typing=show)
async def send(_: Delivery) -> None: ...


@behaviour(deliveries=[send])
async def case(world: World) -> None:
    conversations = world.client.conversations

    async def adapter_is_there() -> bool:
        queues = await world.client.task_queues.list()
        return any(it.name == "deliver.chat" and it.worker_count > 0 for it in queues)

    # Typing is told to whom is there, and not kept for who comes.
    await until("the adapter is there", adapter_is_there)
    await conversations.submit_message(
        "jo", "Hi", channel="chat", conversation_type="echo", customer_address="chat-1"
    )
    await at_rest(world.client, "jo")

    async def is_shown(count: int) -> bool:
        return len(shown) == count

    await until("the turn is shown", lambda: is_shown(2))
    equal(
        [(it.author_kind, it.is_typing) for it in shown],
        [(AuthorKind.AGENT, True), (AuthorKind.AGENT, False)],
    )
    await conversations.submit_typing("jo", author_kind=AuthorKind.HUMAN, author_name="Kim")
    await until("Kim is shown", lambda: is_shown(3))
    equal(
        (shown[2].author_name, shown[2].address, shown[2].conversation_id), ("Kim", "chat-1", "jo")
    )
