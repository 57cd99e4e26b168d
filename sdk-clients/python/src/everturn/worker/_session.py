"""The state of a worker's session with the coordinator. Pure: no I/O, no clock.

    DISCONNECTED --connect--> GREETING --Welcome--> OPEN
         ^                        |                   |
         +------- disconnect -----+-------------------+

What goes in: messages of the server (``receive``), results, heartbeats and
outputs of attempts (``finish``, ``heartbeat``, ``output``), the passing of time
(``tick``). What comes out: the next message to send (``take``), attempts to
start and to stop. Results outlive a stream: they are kept until the server
answered them and go out again after a reconnect. Credits are never counted up
and down by events: each grant is what is free minus what the server still
holds, so they cannot drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from everturn.v1 import worker_service_pb2 as pb
from everturn.v1.payload_pb2 import Payload
from everturn.values._times import from_duration
from everturn.worker._outputs import Outputs
from everturn.worker._results import Kept, Results, replacement
from everturn.worker._session_values import Received, SessionOptions, hello_of

ATTEMPTS_MAX = 10_000
"""Most attempts a session may hold, running or with an unanswered result."""

RETAINED_BYTES_MAX = 256 * 1024 * 1024
"""No new task is asked for while unanswered results take more than this."""

BATCH_BYTES_MAX = 3 * 1024 * 1024
"""A batch ends at this size, below the 4 MiB of a gRPC message."""

_HELLO_TOKEN_BYTES_MAX = 3 * 1024 * 1024
_HEARTBEAT_BYTES = 320
_BLOCKED_MAX = 32
_GREETING_S = 10.0
_PING_DEFAULT_S = 10.0
_SILENT_INTERVALS_MAX = 3


class Phase(Enum):
    """Where the session stands."""

    DISCONNECTED = auto()
    GREETING = auto()
    OPEN = auto()


class Session:
    """State of one worker, across all its streams."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self.phase = Phase.DISCONNECTED
        self.stream_id = 0
        self.is_draining = False
        # Attempts, across streams. A token is in one of the two.
        self._running: set[bytes] = set()
        # Given up by the server, but their code has not ended yet.
        self._dropped: set[bytes] = set()
        self._results = Results()
        # What waits to be sent on this stream.
        self._acks: list[int] = []
        self._heartbeats: dict[bytes, Payload | None] = {}
        self._blocked: dict[bytes, str] = {}
        self._outputs = Outputs()
        self._pong = 0
        self._ping_due = False
        self._draining_unsent = False
        # What this stream has seen.
        self._hello_tokens: list[bytes] = []
        self._outstanding = 0
        self._last_ping = 0
        self._ping_interval_s = _PING_DEFAULT_S
        self._received_s = 0.0
        self._sent_s = 0.0
        self._asked_s: float | None = None

    @property
    def running_count(self) -> int:
        """Number of attempts under way."""
        return len(self._running)

    @property
    def unanswered_count(self) -> int:
        """Number of results that the server has not answered."""
        return len(self._results)

    @property
    def has_outputs(self) -> bool:
        """True when partial output waits: nobody should wait for company."""
        return bool(self._outputs)

    @property
    def outstanding_credits(self) -> int:
        """Number of tasks that the server may still send on this stream."""
        return self._outstanding

    @property
    def ping_interval_s(self) -> float:
        """How often a ping is due on an idle stream, in seconds."""
        return self._ping_interval_s

    @property
    def is_done(self) -> bool:
        """True when a draining worker has nothing left to finish or report."""
        return self.is_draining and not self._running and not self._results

    # -- the stream ------------------------------------------------------------

    def connect(self, now_s: float) -> pb.WorkRequest:
        """Begins a new stream; returns its first message."""
        assert self.phase is Phase.DISCONNECTED, "one stream at a time"  # noqa: S101
        self.phase = Phase.GREETING
        self._acks.clear()
        self._results.unsent.clear()
        self._pong = self._outstanding = 0
        self._ping_due = False
        self._draining_unsent = self.is_draining
        self._received_s = self._sent_s = now_s
        self._asked_s = None
        self._hello_tokens = self._tokens_to_list()
        return pb.WorkRequest(hello=hello_of(self._options, self._hello_tokens))

    def disconnect(self) -> None:
        """The stream is gone. Attempts run on, results and heartbeats are kept."""
        self.phase = Phase.DISCONNECTED
        self._outstanding = 0

    def receive(self, response: pb.WorkResponse, now_s: float) -> Received:
        """Takes in a message of the server."""
        self._received_s = now_s
        self._asked_s = None
        received = Received()
        if self.phase is Phase.GREETING and response.HasField("welcome"):
            self._open(response.welcome, received)
        if response.ping:
            self._pong = response.ping
        if response.activity_tasks:
            self._take_tasks(response.activity_tasks, received)
        for result_id in response.accepted_result_ids:
            self._forget(result_id)
        for rejection in response.rejections:
            self._rejected(rejection, received)
        for cancel in response.cancels:
            self._canceled(cancel.task_token, cancel.fenced, received)
        return received

    def tick(self, now_s: float) -> bool:
        """Lets time pass; returns False when the stream must be given up."""
        silent_s = now_s - self._received_s
        if self.phase is Phase.GREETING:
            return silent_s < _GREETING_S
        # Silence only counts after a ping: a process that slept asks first.
        if self._asked_s is not None:
            waited_s = now_s - self._asked_s
            if waited_s >= (_SILENT_INTERVALS_MAX - 1) * self._ping_interval_s:
                return False
        # A ping also when we talk but hear nothing: that is how we find out.
        if max(silent_s, now_s - self._sent_s) >= self._ping_interval_s:
            self._ping_due = True
            if self._asked_s is None and silent_s >= self._ping_interval_s:
                self._asked_s = now_s
        return True

    def take(self, now_s: float) -> pb.WorkRequest | None:
        """The next message to send; ``None`` when there is nothing to say."""
        if self.phase is not Phase.OPEN:
            return None
        request = pb.WorkRequest()
        if self._acks:
            request.acked_delivery_ids.extend(self._acks)
            self._acks.clear()
        if self._outputs or self._heartbeats or self._blocked or self._results.unsent:
            self._take_what_attempts_said(request)
        if self._draining_unsent:
            request.draining = True
            self._draining_unsent = False
        credit_count = self._grantable()
        if credit_count > 0:
            request.credits.activity_count = credit_count
            self._outstanding += credit_count
        if self._pong:
            request.pong = self._pong
            self._pong = 0
        if self._ping_due:
            self._ping_due = False
            self._last_ping += 1
            request.ping = self._last_ping
        if not request.ListFields():
            return None
        self._sent_s = now_s
        return request

    # -- attempts --------------------------------------------------------------

    def finish(self, token: bytes, result: pb.ActivityResult) -> bool:
        """Keeps the result of an attempt until the server answered it.

        Returns:
            False when the attempt was dropped before; its result is not wanted.
        """
        if token not in self._running:
            self._dropped.discard(token)
            return False
        self._running.remove(token)
        self._end_output(token)
        if result.HasField("result"):
            # Progress of an attempt that succeeded is of no use to anyone.
            self._heartbeats.pop(token, None)
        self._results.keep(token, result, send=self.phase is Phase.OPEN)
        return True

    def heartbeat(self, token: bytes, details: Payload | None) -> None:
        """Queues a sign of life.

        A newer one replaces one that was not sent, but keeps its details if it
        has none.
        """
        if token in self._running and (details is not None or token not in self._heartbeats):
            self._heartbeats[token] = details

    def blocked(self, token: bytes, stack: str) -> None:
        """Queues where an attempt stands that does not get on."""
        if token in self._running and len(self._blocked) < _BLOCKED_MAX:
            self._blocked[token] = stack

    def output(self, token: bytes, data: bytes) -> None:
        """Queues partial output of an attempt; from any thread."""
        self._outputs.add(token, data, self._running)

    def is_output_full(self, token: bytes) -> bool:
        """True while an attempt should wait before it writes more; from any thread.

        Never without a stream: then the oldest output makes room.
        """
        return self.phase is Phase.OPEN and self._outputs.is_full(token)

    def drop(self, token: bytes) -> None:
        """Forgets an attempt, running or reported: the server does not want it.

        Code that runs keeps its slot until ``finish``, so that functions that
        do not react to their cancellation cannot pile up.
        """
        if token in self._running:
            self._running.remove(token)
            self._dropped.add(token)
        self._outputs.discard(token)
        self._heartbeats.pop(token, None)
        result_id = self._results.by_token.get(token)
        if result_id is not None:
            self._forget(result_id)

    def resend(self, result_ids: Sequence[int]) -> None:
        """Queues results again that were rejected for now."""
        if self.phase is Phase.OPEN:
            self._results.send_again(result_ids)

    def start_draining(self) -> None:
        """Takes no new tasks from here on."""
        if not self.is_draining:
            self.is_draining = True
            self._draining_unsent = True

    # -- inside ----------------------------------------------------------------

    def _open(self, welcome: pb.Welcome, received: Received) -> None:
        self.phase = Phase.OPEN
        self.stream_id = welcome.stream_id
        interval_s = from_duration(welcome.ping_interval).total_seconds()
        self._ping_interval_s = interval_s if interval_s > 0 else _PING_DEFAULT_S
        for index in welcome.aborted_task_indexes:
            if index < len(self._hello_tokens):
                self._canceled(self._hello_tokens[index], True, received)
        self._hello_tokens = []
        self._outputs.restart()
        self._results.send_all()

    def _end_output(self, token: bytes) -> None:
        if self.phase is Phase.OPEN:
            self._outputs.end(token)
        else:
            self._outputs.discard(token)

    def _tokens_to_list(self) -> list[bytes]:
        tokens: list[bytes] = []
        size_bytes = 0
        for token in (*self._running, *self._results.by_token):
            size_bytes += len(token) + 4
            if len(tokens) == ATTEMPTS_MAX or size_bytes > _HELLO_TOKEN_BYTES_MAX:
                break
            tokens.append(token)
        return tokens

    def _take_tasks(self, tasks: Sequence[pb.ActivityTask], received: Received) -> None:
        running, result_of, acks = self._running, self._results.by_token, self._acks
        self._outstanding = max(0, self._outstanding - len(tasks))
        for task in tasks:
            acks.append(task.delivery_id)
            token = task.task_token
            # Delivered again: it runs already, or its result is on its way.
            if token in running or token in result_of or token in self._dropped:
                continue
            running.add(token)
            received.tasks.append(task)

    def _take_what_attempts_said(self, request: pb.WorkRequest) -> None:
        for token, stack in self._blocked.items():
            request.heartbeats.add(task_token=token, blocked_stack=stack)
        self._blocked.clear()
        budget_bytes = BATCH_BYTES_MAX - request.ByteSize()
        held_back: set[bytes] = set()
        if self._outputs:
            held_back = self._outputs.take(request, budget_bytes)
            budget_bytes = BATCH_BYTES_MAX - request.ByteSize()
        if self._heartbeats:
            budget_bytes = self._take_heartbeats(request, held_back, budget_bytes)
        if self._results.unsent:
            heartbeats, outputs = self._heartbeats, self._outputs

            def is_held_back(token: bytes) -> bool:
                # What an attempt said must be there before its end: the details
                # of a last heartbeat, the last output.
                return token in held_back or token in heartbeats or token in outputs

            may_be_alone = not (request.outputs or request.heartbeats)
            self._results.take(
                request, budget_bytes, may_be_alone=may_be_alone, is_held_back=is_held_back
            )

    def _take_heartbeats(self, request: pb.WorkRequest, sent: set[bytes], budget_bytes: int) -> int:
        heartbeats = self._heartbeats
        while heartbeats:
            token, details = next(iter(heartbeats.items()))
            size_bytes = len(token) + (len(details.data) if details else 0) + _HEARTBEAT_BYTES
            if size_bytes > budget_bytes:
                break
            del heartbeats[token]
            request.heartbeats.add(task_token=token, details=details)
            budget_bytes -= size_bytes
            sent.add(token)
        return budget_bytes

    def _grantable(self) -> int:
        if self.is_draining or self._results.size_bytes > RETAINED_BYTES_MAX:
            return 0
        # A result that waits to be sent still has its slot.
        busy = len(self._running) + len(self._dropped) + self._outstanding
        under_way = busy + len(self._results.unsent)
        held = busy + len(self._results)
        return min(self._options.slots - under_way, ATTEMPTS_MAX - held)

    def _forget(self, result_id: int) -> Kept | None:
        kept = self._results.forget(result_id)
        if kept is not None:
            self._heartbeats.pop(kept.token, None)
        return kept

    def _rejected(self, rejection: pb.ResultRejection, received: Received) -> None:
        if rejection.reason == "PARTITION_MOVED":
            if rejection.result_id in self._results:
                received.resend_later.append(rejection.result_id)
            return
        kept = self._forget(rejection.result_id)
        if kept is None:
            return
        is_refused = rejection.reason in ("LIMIT_EXCEEDED", "FIELD_INVALID")
        replaced = replacement(kept.message, rejection) if is_refused else None
        if replaced is None:
            received.dropped.append(rejection)
            return
        self._running.add(kept.token)
        self.finish(kept.token, replaced)

    def _canceled(self, token: bytes, fenced: bool, received: Received) -> None:
        if token in self._running:
            received.cancels.append((token, fenced))
        if fenced:
            self.drop(token)
