"""Results that the server has not answered: kept across streams, sent in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from everturn.v1 import worker_service_pb2 as pb
from everturn.values._failure import plain_failure
from everturn.values._failure_info import FailureKind

_OVERHEAD_BYTES = 64
_PAYLOAD_TYPE_BYTES = 256


@dataclass(slots=True)
class Kept:
    """A result that the server has not answered."""

    token: bytes
    message: pb.ActivityResult
    size_bytes: int


class Results:
    """The unanswered results of one worker, by number.

    Attributes:
        by_token: Numbers by the token of the attempt, in the order in which
            the attempts ended.
        unsent: Numbers that wait to be sent on this stream. Some of them may
            be answered already.
        size_bytes: What the results take.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Kept] = {}
        self._last_id = 0
        self.by_token: dict[bytes, int] = {}
        self.unsent: deque[int] = deque()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, result_id: int) -> bool:
        return result_id in self._kept

    def keep(self, token: bytes, result: pb.ActivityResult, *, send: bool) -> None:
        """Gives a result its number and keeps it until it is forgotten."""
        self._last_id += 1
        result.result_id = result_id = self._last_id
        result.task_token = token
        kept = Kept(token, result, _size_bytes(result) + len(token))
        self._kept[result_id] = kept
        self.by_token[token] = result_id
        self.size_bytes += kept.size_bytes
        if send:
            self.unsent.append(result_id)

    def forget(self, result_id: int) -> Kept | None:
        """Drops a result; returns what it was, if it was kept."""
        kept = self._kept.pop(result_id, None)
        if kept is not None:
            self.by_token.pop(kept.token, None)
            self.size_bytes -= kept.size_bytes
        return kept

    def send_all(self) -> None:
        """A new stream begins: everything is sent on it, in the same order."""
        self.unsent = deque(self._kept)

    def send_again(self, result_ids: Iterable[int]) -> None:
        """Queues results again that are still kept."""
        queued = set(self.unsent)
        self.unsent.extend(i for i in result_ids if i in self._kept and i not in queued)

    def take(
        self,
        request: pb.WorkRequest,
        budget_bytes: int,
        *,
        may_be_alone: bool,
        is_held_back: Callable[[bytes], bool],
    ) -> None:
        """Moves results into a message, in order, up to a size.

        Args:
            request: The message.
            budget_bytes: Room that is left in it.
            may_be_alone: A result over the budget is taken if it is the first.
            is_held_back: True for an attempt that has something to say first.
        """
        batch: list[pb.ActivityResult] = []
        unsent = self.unsent
        while unsent:
            kept = self._kept.get(unsent[0])
            if kept is None:
                unsent.popleft()
                continue
            if (batch or not may_be_alone) and kept.size_bytes > budget_bytes:
                break
            if is_held_back(kept.token):
                break
            unsent.popleft()
            budget_bytes -= kept.size_bytes
            batch.append(kept.message)
        request.activity_results.extend(batch)


def replacement(
    refused: pb.ActivityResult, rejection: pb.ResultRejection
) -> pb.ActivityResult | None:
    """What is reported instead of a result that cannot be taken.

    The run must learn that, not wait in vain. ``None`` if it is what was
    refused.
    """
    is_failure, has_usage = refused.HasField("failure"), refused.HasField("usage")
    is_replaced = is_failure and refused.failure.type == rejection.reason
    if is_replaced and not has_usage:
        return None
    failure = plain_failure(
        FailureKind.APPLICATION,
        rejection.reason,
        f"the coordinator refused the result: {rejection.message}",
        non_retryable=refused.failure.non_retryable if is_failure else True,
    )
    if is_failure:
        failure.kind = refused.failure.kind
    replaced = pb.ActivityResult(failure=failure)
    # If it is refused again it was for its usage.
    if has_usage and not is_replaced:
        replaced.usage.CopyFrom(refused.usage)
    return replaced


def _size_bytes(result: pb.ActivityResult) -> int:
    """Size of a result on the wire without its token, in bytes, from above."""
    if result.HasField("result"):
        return len(result.result.data) + _PAYLOAD_TYPE_BYTES + _OVERHEAD_BYTES
    return result.ByteSize() + _OVERHEAD_BYTES
