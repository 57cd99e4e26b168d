"""Customers, not only conversations: submitting from an address, imports, who types."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from everturn import (
    AuthorKind,
    Contact,
    Delivery,
    ImportedMessage,
    TypingNotice,
    Worker,
    delivery,
)
from everturn.v1 import conversation_service_pb2 as conv
from everturn.v1 import message_pb2
from everturn.v1 import worker_service_pb2 as pb
from tests.client_fixture import Both
from tests.conftest import running
from tests.fake_coordinator import FakeCoordinator


async def test_a_message_may_name_its_address_instead_of_a_conversation(both: Both) -> None:
    both.script.on("SubmitMessage", conv.SubmitMessageResponse(conversation_id="c-7"))
    contact = Contact("sms", "+491234")
    submitted = await both.call("conversations.submit_message_from", contact, "hi")
    assert submitted.conversation_id == "c-7"
    (request,) = both.script.asked("SubmitMessage")
    assert getattr(request, "from") == conv.Contact(channel="sms", address="+491234")
    assert (request.conversation_id, request.channel) == ("", "")


async def test_what_is_one_customers_is_joined(both: Both) -> None:
    both.script.on("LinkAddress", conv.LinkAddressResponse(previous_conversation_id="c2"))
    contact = Contact("email", "jo@example.org")
    assert await both.call("conversations.link_address", "c1", contact) == "c2"
    conversation = conv.Conversation(conversation_id="c1", message_count=5)
    both.script.on("MergeConversations", conv.MergeConversationsResponse(conversation=conversation))
    merged = await both.call("conversations.merge", "c2", "c1")
    assert merged.message_count == 5
    both.script.on("SubmitTyping", conv.SubmitTypingResponse())
    await both.call("conversations.submit_typing", "c1", is_typing=False)
    (request,) = both.script.asked("SubmitTyping")
    assert request.has_stopped
    assert request.author_kind == message_pb2.AUTHOR_KIND_CUSTOMER


async def test_a_transcript_goes_in_parts_that_a_coordinator_takes(both: Both) -> None:
    def messages(count: int, text: str = "hi") -> list[ImportedMessage]:
        time = datetime(2026, 1, 1, tzinfo=UTC)
        return [ImportedMessage(AuthorKind.CUSTOMER, text, time, "chat") for _ in range(count)]

    async def sizes(transcript: list[ImportedMessage]) -> list[tuple[int, int]]:
        parts = [conv.ImportConversationResponse()] * (len(transcript) + 1)
        both.script.on("ImportConversation", *parts)
        before = len(both.script.asked("ImportConversation"))
        count = await both.call(
            "conversations.import_transcript", "c1", transcript, conversation_type="support"
        )
        assert count == len(transcript)
        asked = both.script.asked("ImportConversation")[before:]
        return [(request.after_sequence, len(request.messages)) for request in asked]

    assert await sizes([]) == [(0, 0)]
    assert await sizes(messages(1_200)) == [(0, 500), (500, 500), (1_000, 200)]
    assert await sizes(messages(2, "x" * 1_000_000)) == [(0, 1), (1, 1)]
    naive = ImportedMessage(AuthorKind.AGENT, "hi", datetime(2026, 1, 1), "chat")
    with pytest.raises(ValueError, match="time zone"):
        await both.call(
            "conversations.import_transcript", "c1", [naive], conversation_type="support"
        )


async def test_adapters_that_can_are_told_who_types(coordinator: FakeCoordinator) -> None:
    seen: list[tuple[str, TypingNotice]] = []
    chat_shown, sms_shown = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def show(notice: TypingNotice) -> None:
        await asyncio.sleep(0)
        seen.append(("loop", notice))
        chat_shown.set()
        raise RuntimeError("harms nothing")

    def show_blocking(notice: TypingNotice) -> None:
        seen.append((threading.current_thread().name, notice))
        loop.call_soon_threadsafe(sms_shown.set)

    @delivery(channel="chat", show_typing=show)
    async def chat(_: Delivery) -> None: ...

    @delivery(channel="sms", show_typing=show_blocking)
    async def sms(_: Delivery) -> None: ...

    @delivery(channel="email")
    async def email(_: Delivery) -> None: ...

    worker = Worker(deliveries=[chat, sms, email], address=coordinator.address)
    async with running(worker):
        stream = await coordinator.stream()
        await stream.until(lambda: stream.credits > 0)
        assert [queue.can_show_typing for queue in stream.hello.queues] == [True, True, False]
        notices = [
            pb.TypingNotice(
                conversation_id="c1",
                channel=channel,
                address="jo",
                author_kind=message_pb2.AUTHOR_KIND_AGENT,
                is_typing=True,
            )
            for channel in ("chat", "sms", "email")
        ]
        stream.send(pb.WorkResponse(typing=notices))
        await asyncio.wait_for(asyncio.gather(chat_shown.wait(), sms_shown.wait()), 5)
    by_channel = {notice.channel: (where, notice) for where, notice in seen}
    where, notice = by_channel["chat"]
    assert where == "loop"
    assert notice == TypingNotice("c1", "chat", "jo", AuthorKind.AGENT, "", True)
    assert by_channel["sms"][0].startswith("everturn-activity-")
