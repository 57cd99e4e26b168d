"""Both clients against real gRPC: values, pages, errors, retries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2  # pyright: ignore[reportMissingTypeStubs]

import everturn
from everturn import AsyncClient, RetryOptions
from everturn.v1 import conversation_service_pb2 as conv
from everturn.v1 import event_pb2, failure_pb2
from everturn.v1 import workflow_service_pb2 as flow
from tests.client_fixture import UNAVAILABLE, Both, message
from tests.fake_coordinator import payload
from tests.fake_services import Refusal


async def test_submit_message_fills_in_what_makes_a_retry_safe(both: Both) -> None:
    both.script.on("SubmitMessage", UNAVAILABLE, conv.SubmitMessageResponse(message_sequence=4))
    submitted = await both.call(
        "conversations.submit_message",
        "c1",
        "hello",
        channel="chat",
        conversation_type="support",
        data={"a": 1},
        labels={"vip": "yes"},
        turn_policy=everturn.TurnPolicy(
            debounce=everturn.Debounce(quiet=0.5), on_busy=everturn.OnBusy.STEER
        ),
    )
    first, second = both.script.asked("SubmitMessage")
    assert submitted.message_sequence == 4
    assert first == second
    assert submitted.provider_message_id == first.provider_message_id != ""
    assert (first.namespace, first.content.text) == ("shop", "hello")
    assert first.content.data.data == b'{"a":1}'
    assert first.turn_policy.debounce.quiet.ToTimedelta() == timedelta(seconds=0.5)
    assert both.script.metadata[0]["authorization"] == "Bearer x"


async def test_get_reads_state_turn_and_policy(both: Both) -> None:
    conversation = conv.Conversation(
        conversation_id="c1",
        status=conv.CONVERSATION_STATUS_OPEN,
        state={"order": payload({"id": 7})},
        turn=conv.Turn(number=2, status=conv.TURN_STATUS_ASKING),
    )
    both.script.on("GetConversation", conv.GetConversationResponse(conversation=conversation))
    read = await both.call("conversations.get", "c1")
    assert read.status is everturn.ConversationStatus.OPEN
    assert read.state == {"order": {"id": 7}}
    assert (read.turn.number, read.turn.status) == (2, everturn.TurnStatus.ASKING)


async def test_lists_fetch_page_after_page(both: Both) -> None:
    both.script.on(
        "ListMessages",
        conv.ListMessagesResponse(messages=[message(1), message(2)], next_page_token="t"),
        conv.ListMessagesResponse(messages=[message(3)]),
    )
    messages = await both.items("conversations.list_messages", "c1", page_size=2)
    assert [(m.sequence, m.text, m.data) for m in messages] == [
        (n, f"m{n}", [n]) for n in (1, 2, 3)
    ]
    assert [r.page_token for r in both.script.asked("ListMessages")] == ["", "t"]


async def test_errors_carry_every_detail(both: Both) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="channel", description="empty")
    both.script.on(
        "CloseConversation",
        Refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "wrong",
            [
                error_details_pb2.ErrorInfo(
                    reason="FIELD_INVALID", domain="everturn", metadata={"k": "v"}
                ),
                error_details_pb2.BadRequest(field_violations=[violation]),
                error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2)),
            ],
        ),
    )
    with pytest.raises(everturn.InvalidArgumentError) as caught:
        await both.call("conversations.close", "c1", reason="done", grace=timedelta(seconds=3))
    error = caught.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert error.field_violations == (everturn.FieldViolation("channel", "empty"),)
    assert (error.retry_delay, error.metadata) == (timedelta(seconds=2), {"k": "v"})
    assert str(error) == "FIELD_INVALID: wrong; channel: empty"
    assert len(both.script.requests) == 1


async def test_resource_exhausted_is_only_retried_when_the_server_says_when(both: Both) -> None:
    exhausted, retry = grpc.StatusCode.RESOURCE_EXHAUSTED, error_details_pb2.RetryInfo()
    both.script.on(
        "CancelWorkflow",
        Refusal(exhausted, "busy", [retry]),
        flow.CancelWorkflowResponse(),
        Refusal(exhausted, "too many"),
    )
    await both.call("workflows.cancel", "w1", reason="stop")
    with pytest.raises(everturn.ResourceExhaustedError, match="too many"):
        await both.call("workflows.cancel", "w1")


async def test_retries_end_and_say_why() -> None:
    client = AsyncClient("127.0.0.1:1", retry=RetryOptions(elapsed_max_s=0.2))
    with pytest.raises(everturn.UnavailableError):
        await client.workflows.describe("w1")
    await client.close()


@dataclass
class Total:
    amount: float


async def test_a_long_wait_has_its_whole_time_to_come_back(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = both.script.unary

    async def late(method: str, request: Any, context: Any) -> Any:
        await asyncio.sleep(0.3)
        return await answer(method, request, context)

    monkeypatch.setattr(both.script, "unary", late)
    retry = RetryOptions(initial_s=0.001, elapsed_max_s=0.5)
    monkeypatch.setattr(both.client._transport, "_retry", retry)
    status = event_pb2.RUN_STATUS_COMPLETED
    done = flow.WaitResultResponse(status=status, run_id="r1", result=payload("ok"))
    both.script.on("WaitResult", UNAVAILABLE, UNAVAILABLE, done)
    assert await both.call("workflows.wait_result", "w1") == "ok"


async def test_start_and_wait_for_a_typed_result(both: Both) -> None:
    running = flow.WaitResultResponse(status=event_pb2.RUN_STATUS_RUNNING, run_id="r1")
    done = flow.WaitResultResponse(
        status=event_pb2.RUN_STATUS_COMPLETED, run_id="r1", result=payload({"amount": 3})
    )
    both.script.on("StartWorkflow", UNAVAILABLE, flow.StartWorkflowResponse(run_id="r1"))
    both.script.on("WaitResult", running, UNAVAILABLE, done)
    started = await both.call("workflows.start", "sum", Total(1.5), task_queue="q")
    first, second = both.script.asked("StartWorkflow")
    assert first.request_id == second.request_id != ""
    assert (first.workflow_id, first.input.data) == (started.workflow_id, b'{"amount":1.5}')
    result = await both.call("workflows.wait_result", started.workflow_id, result_type=Total)
    assert result == Total(3.0)
    assert [r.run_id for r in both.script.asked("WaitResult")] == ["", "r1", "r1"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (event_pb2.RUN_STATUS_FAILED, everturn.WorkflowFailedError),
        (event_pb2.RUN_STATUS_CANCELED, everturn.WorkflowCanceledError),
        (event_pb2.RUN_STATUS_TERMINATED, everturn.WorkflowTerminatedError),
        (event_pb2.RUN_STATUS_TIMED_OUT, everturn.WorkflowTimedOutError),
    ],
)
async def test_wait_raises_how_the_run_ended(
    both: Both, status: event_pb2.RunStatus.ValueType, kind: type[everturn.WorkflowError]
) -> None:
    failure = failure_pb2.Failure(
        type="Declined", message="no funds", cause=failure_pb2.Failure(message="inner")
    )
    failure.details.CopyFrom(payload({"left": 1}))
    answer = flow.WaitResultResponse(status=status, run_id="r1", failure=failure)
    both.script.on("WaitResult", answer)
    with pytest.raises(kind, match="Declined: no funds") as caught:
        await both.call("workflows.wait_result", "w1")
    assert caught.value.failure is not None
    assert caught.value.failure.details == {"left": 1}
    assert caught.value.failure.cause is not None


async def test_wait_ends_at_its_timeout(both: Both) -> None:
    running = flow.WaitResultResponse(status=event_pb2.RUN_STATUS_RUNNING, run_id="r1")
    both.script.on("WaitResult", running)
    with pytest.raises(everturn.WaitTimeoutError, match="still running"):
        await both.call("workflows.wait_result", "w1", timeout=0)


async def test_describe_list_history_state_signal_terminate(both: Both) -> None:
    pending = flow.PendingActivity(key="a", state=flow.PENDING_ACTIVITY_STATE_STARTED, attempt=2)
    run = flow.WorkflowRun(workflow_id="w1", status=event_pb2.RUN_STATUS_RUNNING)
    event = event_pb2.HistoryEvent(id=1, timer_fired=event_pb2.TimerFired(key="t"))
    both.script.on(
        "DescribeWorkflow", flow.DescribeWorkflowResponse(run=run, pending_activities=[pending])
    )
    both.script.on("ListWorkflows", flow.ListWorkflowsResponse(runs=[run]))
    both.script.on("GetHistory", flow.GetHistoryResponse(events=[event]))
    both.script.on("GetState", flow.GetStateResponse(state={"n": payload(5)}))
    both.script.on("SignalWorkflow", flow.SignalWorkflowResponse())
    both.script.on("TerminateWorkflow", flow.TerminateWorkflowResponse())
    described = await both.call("workflows.describe", "w1")
    assert described.pending_activities[0].state is everturn.PendingActivityState.STARTED
    runs = await both.items("workflows.list", status=everturn.RunStatus.RUNNING)
    assert [r.workflow_id for r in runs] == ["w1"]
    assert both.script.asked("ListWorkflows")[0].status == event_pb2.RUN_STATUS_RUNNING
    history = await both.items("workflows.history", "w1")
    assert (history[0].kind, history[0].data.key) == ("timer_fired", "t")
    assert await both.call("workflows.state", "w1") == {"n": 5}
    await both.call("workflows.signal", "w1", "paid", {"id": 1})
    assert both.script.asked("SignalWorkflow")[0].request_id != ""
    await both.call("workflows.terminate", "w1", reason="test")
