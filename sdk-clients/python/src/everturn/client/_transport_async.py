"""Carries calls over grpc.aio, with retries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio

from everturn.client._call import CALL_TIMEOUT_S, Call, Page
from everturn.client._retry import Backoff, RetryOptions
from everturn.rpc._status import error_of
from everturn.values._errors import RpcError, UnavailableError

if TYPE_CHECKING:
    from everturn.client._conversation_watch import ConversationWatch
    from everturn.client._watch_models import ConversationUpdate

T = TypeVar("T")


class AsyncTransport:
    """One channel of one event loop.

    Args:
        open_channel: Opens the channel; called at the first use, because a
            channel belongs to the event loop that is running then.
        metadata: Sent with every call.
        retry: When calls are repeated.
    """

    def __init__(
        self,
        open_channel: Callable[[], grpc.aio.Channel],
        metadata: tuple[tuple[str, str], ...],
        retry: RetryOptions,
    ) -> None:
        self._open_channel = open_channel
        self._channel: grpc.aio.Channel | None = None
        self._metadata = metadata
        self._retry = retry
        self._methods: dict[str, Any] = {}

    async def call(self, call: Call[T]) -> T:
        """Makes a call, repeating it as allowed.

        Raises:
            RpcError: The last try failed.
        """
        method = self._method(call, stream=False)
        backoff = Backoff(self._retry, time.monotonic())
        timeout_s = call.timeout_s or CALL_TIMEOUT_S
        if call.timeout_s is not None:
            # A long poll waits at the server: that is not the time it was away.
            backoff.reset()
        while True:
            try:
                response = await method(call.request, timeout=timeout_s, metadata=self._metadata)
            except grpc.RpcError as cause:
                error = error_of(cause)
                delay_s = backoff.delay(error, time.monotonic())
                if delay_s is None:
                    raise error from cause
                await asyncio.sleep(delay_s)
            else:
                return call.read(response)

    async def items(self, page: Callable[[str], Call[Page[T]]]) -> AsyncIterator[T]:
        """All entries of a list, page after page."""
        token = ""
        while True:
            answer = await self.call(page(token))
            for item in answer.items:
                yield item
            token = answer.next_token
            if not token:
                return

    async def watch(self, watch: ConversationWatch) -> AsyncIterator[ConversationUpdate]:
        """The updates of a watch; connects again where a stream broke.

        Raises:
            RpcError: The watch was refused, or the server stayed away too long.
        """
        backoff = Backoff(self._retry, time.monotonic())
        while True:
            call = watch.call()
            stream = self._method(call, stream=True)(call.request, metadata=self._metadata)
            try:
                async for response in stream:
                    backoff.reset()
                    update = call.read(response)
                    if update is not None:
                        yield update
                if watch.is_closed:
                    return
                error: RpcError = UnavailableError(
                    "the server ended the watch", code=grpc.StatusCode.UNAVAILABLE
                )
            except grpc.RpcError as cause:
                error = error_of(cause)
                error.__cause__ = cause
            finally:
                stream.cancel()
            if watch.is_closed:
                return
            resets = watch.restart_outputs(error)
            for reset in resets:
                yield reset
            if resets:
                continue
            delay_s = backoff.delay(error, time.monotonic())
            if delay_s is None:
                raise error
            await asyncio.sleep(delay_s)

    async def close(self) -> None:
        """Closes the channel; calls under way are canceled."""
        channel, self._channel = self._channel, None
        self._methods.clear()
        if channel is not None:
            await channel.close()

    def _method(self, call: Call[Any], *, stream: bool) -> Any:
        method: Any = self._methods.get(call.path)
        if method is None:
            if self._channel is None:
                self._channel = self._open_channel()
            make: Any = self._channel.unary_stream if stream else self._channel.unary_unary
            method = make(
                call.path,
                request_serializer=call.serialize,
                response_deserializer=call.response.FromString,
            )
            self._methods[call.path] = method
        return method
