"""The session's state machine, without any I/O."""

from __future__ import annotations

import random

from google.protobuf.duration_pb2 import Duration

from everturn.v1 import worker_service_pb2 as pb
from everturn.v1.failure_pb2 import FAILURE_KIND_WORKER_LOST, Failure
from everturn.v1.message_pb2 import Usage
from everturn.v1.payload_pb2 import Payload
from everturn.worker._session import ATTEMPTS_MAX, BATCH_BYTES_MAX, Phase, Session
from everturn.worker._session_values import SessionOptions
from tests.fake_coordinator import payload, task


def new_session(slots: int = 10) -> Session:
    return Session(SessionOptions("default", ("q",), "me", "", slots))


def welcome(*aborted: int, ping_s: int = 10) -> pb.WorkResponse:
    interval = Duration(seconds=ping_s)
    return pb.WorkResponse(welcome=pb.Welcome(ping_interval=interval, aborted_task_indexes=aborted))


def opened(slots: int = 10) -> Session:
    session = new_session(slots)
    session.connect(0.0)
    session.receive(welcome(), 0.0)
    return session


def tasks(*numbers: int) -> pb.WorkResponse:
    return pb.WorkResponse(activity_tasks=[task(n, "a") for n in numbers])


def token(number: int) -> bytes:
    return f"token-{number}".encode()


def value(data: bytes = b"1") -> pb.ActivityResult:
    return pb.ActivityResult(result=Payload(data=data))


def test_nothing_is_sent_before_the_welcome() -> None:
    session = new_session()
    hello = session.connect(0.0)
    assert hello.hello.identity == "me"
    assert not hello.HasField("credits")
    assert session.take(0.0) is None
    session.receive(welcome(), 0.0)
    request = session.take(0.0)
    assert request is not None
    assert request.credits.activity_count == 10
    assert session.take(0.0) is None


def test_a_credit_comes_back_with_the_result_that_frees_it() -> None:
    session = opened(slots=3)
    session.take(0.0)
    received = session.receive(tasks(1, 2), 0.0)
    assert [t.task_token for t in received.tasks] == [token(1), token(2)]
    acks = session.take(0.0)
    assert acks is not None
    assert (list(acks.acked_delivery_ids), acks.credits.activity_count) == ([1, 2], 0)
    assert session.finish(token(1), value())
    request = session.take(0.0)
    assert request is not None
    assert request.activity_results[0].task_token == token(1)
    assert request.credits.activity_count == 1


def test_results_wait_for_their_answer_and_for_a_new_stream() -> None:
    session = opened()
    session.receive(tasks(1, 2), 0.0)
    session.finish(token(1), value(b"1"))
    session.take(0.0)
    session.disconnect()
    session.finish(token(2), value(b"2"))
    assert session.take(0.0) is None
    hello = session.connect(1.0)
    assert list(hello.hello.running_task_tokens) == [token(1), token(2)]
    session.receive(welcome(1), 1.0)
    request = session.take(1.0)
    assert request is not None
    assert [r.task_token for r in request.activity_results] == [token(1)]
    session.receive(pb.WorkResponse(accepted_result_ids=[1]), 1.0)
    assert session.unanswered_count == 0


def test_an_answer_to_an_unknown_result_is_ignored() -> None:
    session = opened()
    received = session.receive(
        pb.WorkResponse(
            accepted_result_ids=[99],
            rejections=[
                pb.ResultRejection(result_id=98, reason="FENCED"),
                pb.ResultRejection(result_id=97, reason="PARTITION_MOVED"),
            ],
            cancels=[pb.ActivityCancel(task_token=b"other", fenced=True)],
        ),
        0.0,
    )
    assert (received.dropped, received.resend_later, received.cancels) == ([], [], [])


def test_a_refused_failure_is_replaced_and_goes_at_last_without_its_usage() -> None:
    session = opened()
    session.receive(tasks(1), 0.0)
    odd = Failure(kind=FAILURE_KIND_WORKER_LOST, type="Odd")
    session.finish(token(1), pb.ActivityResult(failure=odd, usage=Usage(cost_micros=5)))

    def sent() -> pb.ActivityResult:
        request = session.take(0.0)
        assert request is not None
        return request.activity_results[0]

    def dropped_after_refusal(result_id: int) -> int:
        rejection = pb.ResultRejection(result_id=result_id, reason="FIELD_INVALID")
        return len(session.receive(pb.WorkResponse(rejections=[rejection]), 0.0).dropped)

    assert sent().failure.type == "Odd"
    assert dropped_after_refusal(1) == 0
    replaced = sent()
    assert (replaced.failure.type, replaced.usage.cost_micros) == ("FIELD_INVALID", 5)
    assert replaced.failure.kind == FAILURE_KIND_WORKER_LOST
    assert not replaced.failure.non_retryable
    assert dropped_after_refusal(2) == 0
    assert not sent().HasField("usage")
    assert dropped_after_refusal(3) == 1
    assert session.unanswered_count == 0


def test_a_dropped_attempt_keeps_its_slot_until_its_code_ends() -> None:
    session = opened(slots=1)
    session.take(0.0)
    session.receive(tasks(1), 0.0)
    fence = pb.ActivityCancel(task_token=token(1), fenced=True)
    received = session.receive(pb.WorkResponse(cancels=[fence]), 0.0)
    assert received.cancels == [(token(1), True)]
    request = session.take(0.0)
    assert request is not None
    assert request.credits.activity_count == 0
    assert not session.finish(token(1), value())
    request = session.take(0.0)
    assert request is not None
    assert request.credits.activity_count == 1
    assert not request.activity_results


def test_unanswered_results_stop_the_credits_at_their_bound() -> None:
    session = opened(slots=ATTEMPTS_MAX)
    session.take(0.0)
    session.receive(tasks(*range(ATTEMPTS_MAX)), 0.0)
    for number in range(ATTEMPTS_MAX):
        session.finish(token(number), value())
    granted = 0
    while (request := session.take(0.0)) is not None:
        granted += request.credits.activity_count
    assert granted == 0
    session.receive(pb.WorkResponse(accepted_result_ids=range(1, 11)), 0.0)
    request = session.take(0.0)
    assert request is not None
    assert request.credits.activity_count == 10


def test_a_batch_stays_below_the_limit_of_a_message() -> None:
    session = opened()
    session.receive(tasks(1, 2, 3), 0.0)
    for number in (1, 2, 3):
        session.finish(token(number), value(b"x" * 2 * 1024 * 1024))
    sizes: list[int] = []
    while (request := session.take(0.0)) is not None:
        sizes.append(len(request.activity_results))
        assert request.ByteSize() < BATCH_BYTES_MAX
    assert sizes == [1, 1, 1]


def test_heartbeats_stay_below_the_limit_of_a_message_too() -> None:
    session = opened()
    session.receive(tasks(1, 2, 3, 4), 0.0)
    for number in (1, 2, 3, 4):
        session.heartbeat(token(number), Payload(data=b"x" * 1_400_000))
    sizes: list[int] = []
    while (request := session.take(0.0)) is not None:
        assert request.ByteSize() <= BATCH_BYTES_MAX
        sizes.append(len(request.heartbeats))
    assert sizes == [2, 2]


def test_heartbeat_goes_before_the_failure_and_not_before_a_success() -> None:
    session = opened()
    session.receive(tasks(1, 2), 0.0)
    session.heartbeat(token(1), payload("p1"))
    session.heartbeat(token(2), payload("p2"))
    session.finish(token(1), pb.ActivityResult(failure=Failure(message="no")))
    session.finish(token(2), value())
    first, second = session.take(0.0), session.take(0.0)
    assert first is not None
    assert second is not None
    assert [h.task_token for h in first.heartbeats] == [token(1)]
    assert not first.activity_results
    assert [r.task_token for r in second.activity_results] == [token(1), token(2)]


def test_details_of_an_unsent_heartbeat_outlast_a_newer_one_without() -> None:
    session = opened()
    session.receive(tasks(1), 0.0)
    session.heartbeat(token(1), payload({"page": 5}))
    session.heartbeat(token(1), None)
    request = session.take(0.0)
    assert request is not None
    assert [h.details for h in request.heartbeats] == [payload({"page": 5})]


def test_ping_when_idle_and_the_end_after_three_silent_intervals() -> None:
    session = opened()
    session.take(0.0)
    assert session.tick(9.9)
    assert session.take(9.9) is None
    assert session.tick(10.0)
    request = session.take(10.0)
    assert request is not None
    assert request.ping == 1
    assert session.tick(29.9)
    assert not session.tick(30.0)


def test_a_process_that_slept_asks_before_it_gives_up() -> None:
    session = opened()
    session.take(0.0)
    assert session.tick(5_000.0)
    session.receive(pb.WorkResponse(pong=1), 5_001.0)
    assert session.tick(5_002.0)


def test_a_server_that_never_greets_is_given_up() -> None:
    session = new_session()
    session.connect(0.0)
    assert session.tick(9.0)
    assert not session.tick(10.0)


def test_draining_says_so_once_per_stream_and_grants_nothing() -> None:
    session = opened()
    session.take(0.0)
    session.receive(tasks(1), 0.0)
    session.start_draining()
    request = session.take(0.0)
    assert request is not None
    assert (request.draining, request.credits.activity_count) == (True, 0)
    session.disconnect()
    session.connect(1.0)
    session.receive(welcome(), 1.0)
    request = session.take(1.0)
    assert request is not None
    assert request.draining
    assert not session.is_done
    session.finish(token(1), value())
    session.take(1.0)
    session.receive(pb.WorkResponse(accepted_result_ids=[1]), 1.0)
    assert session.is_done


def test_slots_hold_over_random_histories() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        slots = chance.randint(1, 6)
        session, next_number, held = new_session(slots), 0, list[bytes]()
        credit, unanswered = 0, list[int]()
        for step in range(150):
            if session.phase is Phase.DISCONNECTED:
                session.connect(step)
                session.receive(welcome(), step)
                credit, unanswered = 0, []
            match chance.randint(0, 5):
                case 0 if credit:
                    count = chance.randint(1, credit)
                    numbers = range(next_number, next_number + count)
                    next_number, credit = next_number + count, credit - count
                    received = session.receive(tasks(*numbers), step)
                    held += [t.task_token for t in received.tasks]
                case 1 if held:
                    session.finish(held.pop(chance.randrange(len(held))), value())
                case 2 if unanswered:
                    answer = pb.WorkResponse(accepted_result_ids=[unanswered.pop()])
                    session.receive(answer, step)
                case 3 if held:
                    fence = pb.ActivityCancel(task_token=chance.choice(held), fenced=True)
                    session.receive(pb.WorkResponse(cancels=[fence]), step)
                case 4 if chance.random() < 0.2:
                    session.disconnect()
                    continue
                case _:
                    while (request := session.take(step)) is not None:
                        credit += request.credits.activity_count
                        unanswered += [r.result_id for r in request.activity_results]
            assert credit + len(held) <= slots, f"seed {seed}, step {step}"
            assert session.outstanding_credits == credit, f"seed {seed}, step {step}"
