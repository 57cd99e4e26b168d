"""When a client call is repeated, and how long it waits before that."""

from __future__ import annotations

import random
from dataclasses import dataclass

import grpc

from everturn.values._errors import RpcError


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """How client calls are repeated when the server cannot be reached.

    UNAVAILABLE is repeated; RESOURCE_EXHAUSTED only when the server says when
    to come back. Requests are safe to repeat: the client fills in request ids.

    Attributes:
        initial_s: Longest wait before the first repetition, in seconds.
        max_s: Longest wait between two tries, in seconds. A longer delay asked
            for by the server is kept.
        elapsed_max_s: No try starts later than this after the call began, or
            after a watch or a wait was broken off, in seconds; 0 means never
            repeat.
    """

    initial_s: float = 0.05
    max_s: float = 5.0
    elapsed_max_s: float = 30.0


class Backoff:
    """The waits of one series of tries."""

    def __init__(self, options: RetryOptions, now_s: float) -> None:
        self._options = options
        self._started_s: float | None = now_s
        self._tries = 0

    def reset(self) -> None:
        """Forgets the tries so far: there was progress. Time counts from the next error."""
        self._started_s = None
        self._tries = 0

    def delay(self, error: RpcError, now_s: float) -> float | None:
        """How long to wait before the next try, in seconds; ``None``: give up."""
        if not is_retryable(error):
            return None
        ceiling = min(self._options.max_s, self._options.initial_s * 2.0 ** min(self._tries, 32))
        # Half fixed, half random: never at once, never all together.
        wait = ceiling / 2 + random.random() * ceiling / 2  # noqa: S311
        if error.retry_delay is not None:
            wait = max(wait, error.retry_delay.total_seconds())
        if self._started_s is None:
            # A watch of a quiet conversation hears nothing for hours: that is
            # not the time it was away.
            self._started_s = now_s
        if now_s + wait - self._started_s > self._options.elapsed_max_s:
            return None
        self._tries += 1
        return wait


def is_retryable(error: RpcError) -> bool:
    """True when the same request may succeed later."""
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return True
    return error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and error.retry_delay is not None
