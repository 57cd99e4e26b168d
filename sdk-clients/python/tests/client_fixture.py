"""Runs one test body through both clients, against scripted services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from everturn import AsyncClient, Client, RetryOptions
from everturn.v1 import message_pb2
from tests.fake_coordinator import payload
from tests.fake_services import Refusal, Script, add_services

UNAVAILABLE = Refusal(grpc.StatusCode.UNAVAILABLE, "restarting")
FAST = RetryOptions(initial_s=0.001, max_s=0.01, elapsed_max_s=2.0)


class Both:
    """Runs one test body through either client."""

    def __init__(self, address: str, script: Script, is_async: bool, **options: Any) -> None:
        kind = AsyncClient if is_async else Client
        self.client: Any = kind(address, retry=FAST, **options)
        self.is_async = is_async
        self.script = script

    async def call(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Calls ``conversations.get``, say."""
        service, method = path.split(".")
        function = getattr(getattr(self.client, service), method)
        if self.is_async:
            return await function(*args, **kwargs)
        return await asyncio.to_thread(function, *args, **kwargs)

    async def items(self, path: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Collects all that an iterator gives."""
        service, method = path.split(".")
        iterator = getattr(getattr(self.client, service), method)(*args, **kwargs)
        if self.is_async:
            return [item async for item in iterator]
        return await asyncio.to_thread(list, iterator)

    async def close(self) -> None:
        """Closes the client."""
        if self.is_async:
            await self.client.close()
        else:
            self.client.close()


@asynccontextmanager
async def connected(*, is_async: bool) -> AsyncGenerator[Both]:
    """One of the clients, connected to scripted services."""
    script = Script()
    server = grpc.aio.server()
    add_services(server, script)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    client = Both(
        f"127.0.0.1:{port}",
        script,
        is_async,
        namespace="shop",
        metadata={"Authorization": "Bearer x"},
    )
    try:
        yield client
    finally:
        await client.close()
        await server.stop(None)


def message(sequence: int) -> message_pb2.Message:
    return message_pb2.Message(
        sequence=sequence,
        author_kind=message_pb2.AUTHOR_KIND_AGENT,
        content=message_pb2.MessageContent(text=f"m{sequence}", data=payload([sequence])),
    )
