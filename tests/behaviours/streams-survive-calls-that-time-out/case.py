"""Five hundred calls of grpcio time out at once beside a stream on the same connection."""

import asyncio
import os

import grpc
from everturn.v1.conversation_service_pb2 import (
    GetConversationRequest,
    WatchConversationRequest,
)
from everturn.v1.conversation_service_pb2_grpc import ConversationServiceStub

from harness import World, behaviour, equal

CALLS = 500


@behaviour()
async def case(world: World) -> None:
    namespace = os.environ["EVERTURN_NAMESPACE"]
    await world.client.conversations.submit_message(
        "c", "hello", channel="chat", conversation_type="nobody"
    )
    get = GetConversationRequest(namespace=namespace, conversation_id="c")
    async with grpc.aio.insecure_channel(os.environ["EVERTURN_ADDRESS"]) as channel:
        stub = ConversationServiceStub(channel)
        watch = stub.WatchConversation(
            WatchConversationRequest(namespace=namespace, conversation_id="c")
        )

        async def next_text() -> str:
            async for update in watch:
                if update.WhichOneof("update") == "message":
                    return update.message.content.text
            return "the stream ended"

        equal(await next_text(), "hello")
        await world.ask("stall")
        calls = [stub.GetConversation(get, timeout=0.5) for _ in range(CALLS)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await world.ask("go on")
        equal({type(outcome) for outcome in outcomes}, {grpc.aio.AioRpcError})

        seen = await stub.GetConversation(get, timeout=20)
        equal(seen.conversation.message_count, 1)
        await world.client.conversations.submit_message("c", "still there?", channel="chat")
        equal(await asyncio.wait_for(next_text(), timeout=20), "still there?")
