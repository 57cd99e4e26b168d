"""Partial outputs of attempts: what waits to be sent and what may come again.

Pieces are numbered per attempt, from 1. What was written since the last message
to the server is one piece (of at most 64 KiB). Pieces that were sent are kept,
because a stream that breaks may have lost them: they go out again on the next
one, and the server drops those it has.

The bounds hold by dropping the oldest pieces, of the attempt first and then of
all; a piece that had not been sent is then missing, and the server tells the
watchers where the output goes on. Safe to use from any thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from everturn.v1 import worker_service_pb2 as pb

PIECE_BYTES_MAX = 64 * 1024
"""Largest piece, in bytes."""

ATTEMPT_BYTES_MAX = 1024 * 1024
"""Most output that is kept of an attempt, in bytes: what the server keeps too."""

TOTAL_BYTES_MAX = 64 * 1024 * 1024
"""Most output that is kept of all attempts, in bytes."""

FULL_BYTES = 256 * 1024
"""Functions in threads and processes wait while more than this is unsent."""

_UTF8_TAIL_MAX = 3


class _Piece:
    __slots__ = ("data", "is_sealed", "sequence")

    def __init__(self, sequence: int, data: bytes) -> None:
        self.sequence = sequence
        self.data = bytearray(data)
        # Sent once: the server may have it, so nothing is added to it.
        self.is_sealed = False


class _Output:
    """The output of one attempt."""

    __slots__ = ("has_ended", "last_sequence", "sent", "size_bytes", "unsent", "unsent_bytes")

    def __init__(self) -> None:
        self.sent: deque[_Piece] = deque()
        self.unsent: deque[_Piece] = deque()
        self.size_bytes = self.unsent_bytes = 0
        self.last_sequence = 0
        self.has_ended = False


class Outputs:
    """The outputs of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_token: dict[bytes, _Output] = {}
        # In the order in which they began to wait.
        self._waiting: dict[bytes, _Output] = {}
        self._size_bytes = 0

    def __contains__(self, token: bytes) -> bool:
        """True when output of the attempt waits to be sent."""
        return token in self._waiting

    def __bool__(self) -> bool:
        """True when any output waits to be sent."""
        return bool(self._waiting)

    @property
    def size_bytes(self) -> int:
        """What is kept of all attempts, in bytes."""
        return self._size_bytes

    def is_full(self, token: bytes) -> bool:
        """True while the attempt should wait before it writes more."""
        output = self._waiting.get(token)
        return output is not None and output.unsent_bytes > FULL_BYTES

    def add(self, token: bytes, data: bytes, running: set[bytes]) -> None:
        """Queues output of an attempt, unless it is over.

        Args:
            token: Token of the attempt.
            data: What it wrote; not empty.
            running: The attempts that are not over, looked at under the lock.
        """
        with self._lock:
            if token not in running:
                return
            output = self._by_token.get(token)
            if output is None:
                output = self._by_token[token] = _Output()
            for part in _parts(data):
                self._append(output, part)
            self._waiting.setdefault(token, output)
            while output.size_bytes > ATTEMPT_BYTES_MAX:
                self._drop_oldest(token, output)
            while self._size_bytes > TOTAL_BYTES_MAX:
                oldest = next(t for t, o in self._by_token.items() if o.size_bytes > 0)
                self._drop_oldest(oldest, self._by_token[oldest])

    def end(self, token: bytes) -> None:
        """The attempt is over: what waits is sent, nothing is kept."""
        with self._lock:
            output = self._by_token.get(token)
            if output is None:
                return
            output.has_ended = True
            for piece in output.sent:
                self._shrink(output, piece)
            output.sent.clear()
            if not output.unsent:
                del self._by_token[token]

    def discard(self, token: bytes) -> None:
        """Forgets the output of an attempt: nobody wants it."""
        with self._lock:
            output = self._by_token.pop(token, None)
            self._waiting.pop(token, None)
            if output is not None:
                self._size_bytes -= output.size_bytes

    def restart(self) -> None:
        """A new stream begins: everything that is kept is sent on it."""
        with self._lock:
            ended = [token for token, output in self._by_token.items() if output.has_ended]
            for token in ended:
                self._size_bytes -= self._by_token.pop(token).size_bytes
            for output in self._by_token.values():
                output.unsent.extendleft(reversed(output.sent))
                output.sent.clear()
                output.unsent_bytes = output.size_bytes
            self._waiting = {t: o for t, o in self._by_token.items() if o.unsent}

    def take(self, request: pb.WorkRequest, budget_bytes: int) -> set[bytes]:
        """Moves what waits into a message, up to a size.

        Returns:
            The attempts whose output is in the message.
        """
        taken: set[bytes] = set()
        with self._lock:
            while self._waiting and budget_bytes > 0:
                token, output = next(iter(self._waiting.items()))
                taken.add(token)
                while output.unsent and budget_bytes > 0:
                    piece = output.unsent.popleft()
                    budget_bytes -= len(piece.data) + len(token)
                    data = bytes(piece.data)
                    request.outputs.add(task_token=token, sequence=piece.sequence, data=data)
                    self._sent(output, piece)
                if not output.unsent:
                    del self._waiting[token]
                    if output.has_ended:
                        del self._by_token[token]
        return taken

    # -- inside, under the lock ----------------------------------------------------

    def _append(self, output: _Output, data: bytes) -> None:
        size_bytes = len(data)
        last = output.unsent[-1] if output.unsent else None
        if last is None or last.is_sealed or len(last.data) + size_bytes > PIECE_BYTES_MAX:
            output.last_sequence += 1
            output.unsent.append(_Piece(output.last_sequence, data))
        else:
            last.data += data
        output.size_bytes += size_bytes
        output.unsent_bytes += size_bytes
        self._size_bytes += size_bytes

    def _sent(self, output: _Output, piece: _Piece) -> None:
        piece.is_sealed = True
        output.unsent_bytes -= len(piece.data)
        if output.has_ended:
            self._shrink(output, piece)
        else:
            output.sent.append(piece)

    def _drop_oldest(self, token: bytes, output: _Output) -> None:
        if output.sent:
            self._shrink(output, output.sent.popleft())
            return
        piece = output.unsent.popleft()
        output.unsent_bytes -= len(piece.data)
        self._shrink(output, piece)
        if not output.unsent:
            self._waiting.pop(token, None)
            if output.has_ended:
                self._by_token.pop(token, None)

    def _shrink(self, output: _Output, piece: _Piece) -> None:
        output.size_bytes -= len(piece.data)
        self._size_bytes -= len(piece.data)


def _parts(data: bytes) -> Iterator[bytes]:
    """The data in parts of at most a piece, cut between characters of UTF-8."""
    start, size_bytes = 0, len(data)
    while size_bytes - start > PIECE_BYTES_MAX:
        end = start + PIECE_BYTES_MAX
        cut = end
        # Back to the first byte of the character that the cut would split.
        while end - cut < _UTF8_TAIL_MAX and data[cut] & 0xC0 == 0x80:
            cut -= 1
        if data[cut] & 0xC0 == 0x80:
            cut = end  # not UTF-8
        yield data[start:cut]
        start = cut
    yield data[start:] if start else data
