"""Carries calls over blocking gRPC, with retries. Safe to share by threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from everturn.client._call import CALL_TIMEOUT_S, Call, Page
from everturn.client._retry import Backoff, RetryOptions
from everturn.rpc._status import error_of
from everturn.values._errors import RpcError, UnavailableError

if TYPE_CHECKING:
    from everturn.client._conversation_watch import ConversationWatch
    from everturn.client._watch_models import ConversationUpdate

T = TypeVar("T")


class SyncTransport:
    """One channel, used by any number of threads.

    Args:
        channel: The channel; closed with the transport.
        metadata: Sent with every call.
        retry: When calls are repeated.
    """

    def __init__(
        self,
        open_channel: Callable[[], grpc.Channel],
        metadata: tuple[tuple[str, str], ...],
        retry: RetryOptions,
    ) -> None:
        self._channel = open_channel()
        self._metadata = metadata
        self._retry = retry
        self._methods: dict[str, Any] = {}
        self._closed = threading.Event()

    def call(self, call: Call[T]) -> T:
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
                response = method(call.request, timeout=timeout_s, metadata=self._metadata)
            except grpc.RpcError as cause:
                error = error_of(cause)
                self._wait_or_raise(error, backoff, cause)
            else:
                return call.read(response)

    def items(self, page: Callable[[str], Call[Page[T]]]) -> Iterator[T]:
        """All entries of a list, page after page."""
        token = ""
        while True:
            answer = self.call(page(token))
            yield from answer.items
            token = answer.next_token
            if not token:
                return

    def watch(self, watch: ConversationWatch) -> Iterator[ConversationUpdate]:
        """The updates of a watch; connects again where a stream broke.

        Raises:
            RpcError: The watch was refused, or the server stayed away too long.
        """
        backoff = Backoff(self._retry, time.monotonic())
        while True:
            call = watch.call()
            stream = self._method(call, stream=True)(call.request, metadata=self._metadata)
            cause: grpc.RpcError | None = None
            try:
                for response in stream:
                    backoff.reset()
                    update = call.read(response)
                    if update is not None:
                        yield update
                error: RpcError = UnavailableError(
                    "the server ended the watch", code=grpc.StatusCode.UNAVAILABLE
                )
            except grpc.RpcError as broken:
                cause = broken
                error = error_of(broken)
            finally:
                stream.cancel()
            if watch.is_closed:
                return
            resets = watch.restart_outputs(error)
            yield from resets
            if resets:
                continue
            self._wait_or_raise(error, backoff, cause)

    def close(self) -> None:
        """Closes the channel; calls under way are canceled."""
        self._closed.set()
        self._channel.close()

    def _wait_or_raise(
        self, error: RpcError, backoff: Backoff, cause: BaseException | None
    ) -> None:
        delay_s = backoff.delay(error, time.monotonic())
        if delay_s is None or self._closed.wait(delay_s):
            raise error from cause

    def _method(self, call: Call[Any], *, stream: bool) -> Any:
        method: Any = self._methods.get(call.path)
        if method is None:
            make: Any = self._channel.unary_stream if stream else self._channel.unary_unary
            method = make(
                call.path,
                request_serializer=call.serialize,
                response_deserializer=call.response.FromString,
            )
            self._methods[call.path] = method
        return method
