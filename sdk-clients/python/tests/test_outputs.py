"""Partial outputs: pieces, bounds, and what a new stream sends again. Without I/O."""

from __future__ import annotations

import random

import pytest

from everturn.v1 import worker_service_pb2 as pb
from everturn.v1.failure_pb2 import Failure
from everturn.v1.message_pb2 import Usage
from everturn.v1.payload_pb2 import Payload
from everturn.worker import _outputs
from everturn.worker._outputs import ATTEMPT_BYTES_MAX, FULL_BYTES, PIECE_BYTES_MAX, Outputs
from everturn.worker._session import BATCH_BYTES_MAX, Session
from everturn.worker._session_values import SessionOptions
from tests.fake_coordinator import task

A, B = b"token-1", b"token-2"
RUNNING = {A, B}

Pieces = list[tuple[bytes, int, bytes]]


def take(outputs: Outputs, budget_bytes: int = BATCH_BYTES_MAX) -> Pieces:
    request = pb.WorkRequest()
    outputs.take(request, budget_bytes)
    return [(o.task_token, o.sequence, o.data) for o in request.outputs]


def test_chunks_of_one_flush_are_one_piece_and_pieces_are_numbered_per_attempt() -> None:
    outputs = Outputs()
    for token, data in ((A, b"a"), (B, b"x"), (A, b"b")):
        outputs.add(token, data, RUNNING)
    assert take(outputs) == [(A, 1, b"ab"), (B, 1, b"x")]
    outputs.add(A, b"c", RUNNING)
    assert take(outputs) == [(A, 2, b"c")]
    assert not outputs


def test_large_chunks_are_cut_between_characters() -> None:
    for text in ("ä" * 100_000, "x" + "日" * 60_000, "😀" * 40_000, "a" * 2 * PIECE_BYTES_MAX):
        outputs = Outputs()
        outputs.add(A, text.encode(), RUNNING)
        pieces = [data for _, _, data in take(outputs)]
        assert max(len(piece) for piece in pieces) <= PIECE_BYTES_MAX
        assert "".join(piece.decode() for piece in pieces) == text


def test_bytes_that_are_not_text_are_cut_too() -> None:
    outputs = Outputs()
    data = b"\x80" * (2 * PIECE_BYTES_MAX + 1)
    outputs.add(A, data, RUNNING)
    pieces = [piece for _, _, piece in take(outputs)]
    assert b"".join(pieces) == data
    assert [len(piece) for piece in pieces] == [PIECE_BYTES_MAX, PIECE_BYTES_MAX, 1]


def test_new_stream_gets_what_was_sent_and_pieces_stay_as_they_were() -> None:
    outputs = Outputs()
    outputs.add(A, b"one", RUNNING)
    first = take(outputs)
    outputs.restart()
    # Written before the first piece left again: it must not grow.
    outputs.add(A, b"two", RUNNING)
    assert take(outputs) == [*first, (A, 2, b"two")]


def test_ended_attempt_sends_what_waits_and_keeps_nothing() -> None:
    outputs = Outputs()
    outputs.add(A, b"sent", RUNNING)
    take(outputs)
    outputs.add(A, b"waits", RUNNING)
    outputs.end(A)
    assert A in outputs
    assert take(outputs) == [(A, 2, b"waits")]
    assert outputs.size_bytes == 0
    outputs.restart()
    assert take(outputs) == []


def test_output_of_an_attempt_that_is_over_is_ignored() -> None:
    outputs = Outputs()
    outputs.add(A, b"late", set())
    assert not outputs
    outputs.add(A, b"unwanted", RUNNING)
    outputs.discard(A)
    assert take(outputs) == []
    assert outputs.size_bytes == 0


def test_oldest_output_is_dropped_over_the_bound_and_leaves_a_gap() -> None:
    outputs = Outputs()
    count = ATTEMPT_BYTES_MAX // PIECE_BYTES_MAX
    for number in range(count + 2):
        outputs.add(A, bytes([number]) * PIECE_BYTES_MAX, RUNNING)
    assert outputs.size_bytes == ATTEMPT_BYTES_MAX
    assert outputs.is_full(A)
    assert [sequence for _, sequence, _ in take(outputs)] == list(range(3, count + 3))
    assert not outputs.is_full(A)


def test_sent_pieces_make_room_before_unsent_ones() -> None:
    outputs = Outputs()
    outputs.add(A, b"s" * PIECE_BYTES_MAX, RUNNING)
    take(outputs)
    outputs.add(A, b"u" * ATTEMPT_BYTES_MAX, RUNNING)
    assert [sequence for _, sequence, _ in take(outputs)] == list(range(2, 18))


def test_all_attempts_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_outputs, "TOTAL_BYTES_MAX", 3 * PIECE_BYTES_MAX)
    outputs = Outputs()
    tokens = [bytes([number]) for number in range(8)]
    for token in tokens:
        outputs.add(token, token * PIECE_BYTES_MAX, set(tokens))
        assert outputs.size_bytes <= 3 * PIECE_BYTES_MAX
    assert [token for token, _, _ in take(outputs)] == tokens[-3:]


def test_full_means_more_than_a_quarter_of_a_mebibyte_unsent() -> None:
    outputs = Outputs()
    outputs.add(A, b"x" * FULL_BYTES, RUNNING)
    assert not outputs.is_full(A)
    outputs.add(A, b"x", RUNNING)
    assert outputs.is_full(A)
    assert not outputs.is_full(B)


def test_watchers_get_everything_once_over_random_histories() -> None:
    for seed in range(100):
        chance = random.Random(seed)
        outputs, written, got = Outputs(), {A: b"", B: b""}, {A: b"", B: b""}
        seen = {A: 0, B: 0}
        for _ in range(100):
            match chance.randint(0, 3):
                case 0:
                    outputs.restart()
                case 1 | 2:
                    token = chance.choice((A, B))
                    data = bytes([chance.randrange(256)]) * chance.randint(1, 2_000)
                    written[token] += data
                    outputs.add(token, data, RUNNING)
                case _:
                    for token, sequence, data in take(outputs, chance.randint(1, 5_000)):
                        if sequence == seen[token] + 1:
                            seen[token], got[token] = sequence, got[token] + data
        for token, sequence, data in take(outputs):
            if sequence == seen[token] + 1:
                seen[token], got[token] = sequence, got[token] + data
        assert got == written, f"seed {seed}"
        assert outputs.size_bytes == sum(len(data) for data in written.values()), f"seed {seed}"


def opened() -> Session:
    session = Session(SessionOptions("default", ("q",), "me", "", 10))
    session.connect(0.0)
    session.receive(pb.WorkResponse(welcome=pb.Welcome()), 0.0)
    session.receive(pb.WorkResponse(activity_tasks=[task(1, "a"), task(2, "a")]), 0.0)
    session.take(0.0)
    return session


def test_the_end_of_an_attempt_leaves_after_its_output() -> None:
    session = opened()
    session.output(A, b"last")
    session.finish(A, pb.ActivityResult(result=Payload()))
    first, second = session.take(0.0), session.take(0.0)
    assert first is not None
    assert second is not None
    assert [o.data for o in first.outputs] == [b"last"]
    assert not first.activity_results
    assert [r.task_token for r in second.activity_results] == [A]


def test_output_of_an_aborted_attempt_is_not_sent_on_the_next_stream() -> None:
    session = opened()
    session.output(A, b"a1")
    session.output(B, b"b1")
    session.take(0.0)
    session.output(A, b"a2")
    session.disconnect()
    tokens = list(session.connect(1.0).hello.running_task_tokens)
    welcome = pb.Welcome(aborted_task_indexes=[tokens.index(A)])
    received = session.receive(pb.WorkResponse(welcome=welcome), 1.0)
    session.output(A, b"a3")
    assert received.cancels == [(A, True)]
    request = session.take(1.0)
    assert request is not None
    assert [(o.task_token, o.sequence, o.data) for o in request.outputs] == [(B, 1, b"b1")]


def test_attempt_that_ended_without_a_stream_reports_its_end_only() -> None:
    session = opened()
    session.output(A, b"a1")
    session.disconnect()
    session.finish(A, pb.ActivityResult(failure=Failure(message="no")))
    session.connect(1.0)
    session.receive(pb.WorkResponse(welcome=pb.Welcome()), 1.0)
    request = session.take(1.0)
    assert request is not None
    assert not request.outputs
    assert [r.task_token for r in request.activity_results] == [A]


def test_refused_value_is_replaced_by_a_failure_with_the_same_usage() -> None:
    session = opened()
    result = pb.ActivityResult(result=Payload(data=b"1"), usage=Usage(input_tokens=3))
    session.finish(A, result)
    session.take(0.0)
    rejection = pb.ResultRejection(result_id=result.result_id, reason="LIMIT_EXCEEDED")
    session.receive(pb.WorkResponse(rejections=[rejection]), 0.0)
    request = session.take(0.0)
    assert request is not None
    assert request.activity_results[0].failure.type == "LIMIT_EXCEEDED"
    assert request.activity_results[0].usage.input_tokens == 3
