"""Events, staff, deliveries, erasure and approvals, through both clients."""

from __future__ import annotations

import hashlib
from datetime import time, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2  # pyright: ignore[reportMissingTypeStubs]

import everturn
from everturn import (
    Approval,
    ApprovalDecision,
    Budget,
    DeliveryStatus,
    FrequencyCap,
    OnBusy,
    Person,
    QuietHours,
    Team,
    TurnPolicy,
    hash_arguments,
)
from everturn.v1 import conversation_service_pb2 as conv
from everturn.v1 import event_pb2, message_pb2, policy_pb2
from everturn.v1 import workflow_service_pb2 as flow
from everturn.v1.payload_pb2 import Payload
from tests.client_fixture import UNAVAILABLE, Both, message
from tests.fake_coordinator import payload
from tests.fake_services import Refusal

POLICY = TurnPolicy(
    on_event=OnBusy.INTERRUPT,
    idle_timeout=60,
    customer_timeout=timedelta(hours=1),
    staff_timeout=0,
    quiet_hours=QuietHours(time(22, 30), time(7), "Europe/Berlin"),
    frequency_cap=FrequencyCap(3, 86_400),
    budget=Budget(tokens=1_000, cost_micros=5, currency="EUR"),
)
POLICY_PROTO = policy_pb2.TurnPolicy(
    on_event=policy_pb2.ON_BUSY_INTERRUPT,
    idle_timeout=Duration(seconds=60),
    customer_timeout=Duration(seconds=3_600),
    staff_timeout=Duration(),
    quiet_hours=policy_pb2.QuietHours(
        time_zone="Europe/Berlin", start_minute=1_350, end_minute=420
    ),
    frequency_cap=policy_pb2.FrequencyCap(max_messages=3, window=Duration(seconds=86_400)),
    budget=policy_pb2.Budget(tokens=1_000, cost_micros=5, currency="EUR"),
)


async def test_submit_event_fills_in_what_makes_a_retry_safe(both: Both) -> None:
    both.script.on("SubmitEvent", UNAVAILABLE, conv.SubmitEventResponse(event_sequence=2))
    submitted = await both.call(
        "conversations.submit_event",
        "c1",
        "order-delayed",
        {"order": 7},
        conversation_type="support",
        addresses={"email": "jo@example.org"},
        reply_channel="email",
        turn_policy=POLICY,
    )
    first, second = both.script.asked("SubmitEvent")
    assert first == second
    assert submitted.event_sequence == 2
    assert submitted.event_id == first.event_id != ""
    assert (first.event_type, first.payload.data) == ("order-delayed", b'{"order":7}')
    assert dict(first.addresses) == {"email": "jo@example.org"}
    assert first.turn_policy == POLICY_PROTO


async def test_message_carries_the_address_of_its_customer(both: Both) -> None:
    both.script.on("SubmitMessage", conv.SubmitMessageResponse(message_sequence=1))
    await both.call(
        "conversations.submit_message", "c1", "hi", channel="email", customer_address="jo@x.org"
    )
    assert both.script.asked("SubmitMessage")[0].customer_address == "jo@x.org"


async def test_update_replaces_what_is_given_and_removes_what_is_none(both: Both) -> None:
    answer = conv.Conversation(
        conversation_id="c1",
        addresses={"sms": "+49"},
        turn_policy=POLICY_PROTO,
        usage=message_pb2.Usage(input_tokens=5, cost_micros=2, currency="EUR"),
        budget_reached=True,
        waiting_event_count=1,
        handover=conv.Handover(assignee=message_pb2.Assignee(person="Ann"), reason="angry"),
        pause=conv.Pause(reason="audit"),
        status=conv.CONVERSATION_STATUS_ERASED,
        erased_run_count=4,
    )
    both.script.on("UpdateConversation", conv.UpdateConversationResponse(conversation=answer))
    read = await both.call(
        "conversations.update",
        "c1",
        labels={"vip": "yes", "old": None},
        addresses={"email": None},
        turn_policy=TurnPolicy(budget=Budget(), no_quiet_hours=True),
        reply_channel="sms",
    )
    request = both.script.asked("UpdateConversation")[0]
    assert dict(request.labels) == {"vip": "yes", "old": ""}
    assert dict(request.addresses) == {"email": ""}
    removed = policy_pb2.TurnPolicy(budget=policy_pb2.Budget(), no_quiet_hours=True)
    assert request.turn_policy == removed
    assert read.turn_policy == TurnPolicy(
        on_event=OnBusy.INTERRUPT,
        idle_timeout=timedelta(minutes=1),
        customer_timeout=timedelta(hours=1),
        staff_timeout=timedelta(0),
        quiet_hours=POLICY.quiet_hours,
        frequency_cap=FrequencyCap(3, timedelta(days=1)),
        budget=POLICY.budget,
    )
    assert read.usage == everturn.Usage(input_tokens=5, cost_micros=2, currency="EUR")
    assert (read.handover.assignee, read.handover.context) == (Person("Ann"), None)
    assert (read.pause.reason, read.budget_reached, read.erased_run_count) == ("audit", True, 4)
    assert read.status is everturn.ConversationStatus.ERASED


async def test_staff_takes_over_writes_and_hands_back(both: Both) -> None:
    script = both.script
    script.on("HandOffConversation", *[conv.HandOffConversationResponse(handoff_epoch=2)] * 2)
    answer = conv.SendHumanMessageResponse(message_sequence=6, took_over=True)
    script.on("SendHumanMessage", UNAVAILABLE, answer)
    script.on("HandBackConversation", conv.HandBackConversationResponse())
    script.on("PauseConversation", conv.PauseConversationResponse())
    script.on("ResumeConversation", conv.ResumeConversationResponse())
    await both.call("conversations.hand_off", "c1", Person("Ann"), reason="angry", context=[1])
    assert await both.call("conversations.hand_off", "c1", Team("billing")) == 2
    sent = await both.call(
        "conversations.send_human_message",
        "c1",
        "Hello",
        author_name="Ann",
        seen_through=4,
        already_sent="p1",
    )
    back = {"author_name": "Ann", "note": "be kind", "handoff_epoch": 2}
    await both.call("conversations.hand_back", "c1", **back)
    await both.call("conversations.pause", "c1", reason="audit")
    await both.call("conversations.resume", "c1")
    person, team = script.asked("HandOffConversation")
    assert (person.assignee.person, person.context.data) == ("Ann", b"[1]")
    assert (team.assignee.team, team.HasField("context")) == ("billing", False)
    first, second = script.asked("SendHumanMessage")
    assert first == second
    assert first.request_id != ""
    assert sent == everturn.SentHumanMessage(message_sequence=6, took_over=True, is_echo=False)
    assert (first.content.text, first.seen_through_sequence) == ("Hello", 4)
    assert first.already_sent.provider_message_id == "p1"
    handed_back = script.asked("HandBackConversation")[0]
    assert (handed_back.note, handed_back.handoff_epoch) == ("be kind", 2)
    assert script.asked("PauseConversation")[0].reason == "audit"
    assert script.asked("ResumeConversation")[0].conversation_id == "c1"


async def test_receipts_name_a_message_in_one_of_two_ways(both: Both) -> None:
    answer = conv.ReportDeliveryResponse(status=message_pb2.DELIVERY_STATUS_READ)
    both.script.on("ReportDelivery", answer, answer)
    report = "conversations.report_delivery"
    status = await both.call(report, "c1", DeliveryStatus.DELIVERED, message_sequence=3)
    await both.call(report, "c1", DeliveryStatus.FAILED, provider_message_id="p1", detail="550")
    by_sequence, by_id = both.script.asked("ReportDelivery")
    assert status is DeliveryStatus.READ
    assert by_sequence.WhichOneof("target") == "message_sequence"
    assert by_sequence.status == message_pb2.DELIVERY_STATUS_DELIVERED
    assert (by_id.provider_message_id, by_id.detail) == ("p1", "550")
    for target in ({}, {"message_sequence": 1, "provider_message_id": "p1"}):
        with pytest.raises(ValueError, match="which message"):
            await both.call(report, "c1", DeliveryStatus.READ, **target)


async def test_erase_says_how_much_was_removed(both: Both) -> None:
    answer = conv.EraseConversationResponse(message_count=9, run_count=3)
    both.script.on("EraseConversation", answer)
    erased = await both.call("conversations.erase", "c1", reason="asked to")
    assert erased == everturn.ErasedConversation(message_count=9, run_count=3)


async def test_types_are_set_and_read(both: Both) -> None:
    settings = conv.ConversationType(
        conversation_type="support", turn_policy=POLICY_PROTO, retention=Duration(seconds=60)
    )
    both.script.on("SetConversationType", conv.SetConversationTypeResponse())
    both.script.on("GetConversationType", conv.GetConversationTypeResponse(settings=settings))
    await both.call("conversations.set_type", "support", turn_policy=POLICY, retention=60)
    assert both.script.asked("SetConversationType")[0].settings == settings
    read = await both.call("conversations.get_type", "support")
    assert (read.conversation_type, read.retention) == ("support", timedelta(minutes=1))
    assert read.turn_policy.quiet_hours == POLICY.quiet_hours


async def test_message_that_cannot_be_read_does_not_hide_the_others(both: Both) -> None:
    odd = message(2)
    odd.content.data.CopyFrom(Payload(data=b"\x00", content_type="application/x-odd"))
    odd.delivery.status = message_pb2.DELIVERY_STATUS_UNKNOWN
    both.script.on("ListMessages", conv.ListMessagesResponse(messages=[message(1), odd]))
    first, second = await both.items("conversations.list_messages", "c1")
    assert (first.data, first.delivery) == ([1], None)
    assert (second.data, second.delivery.status) == (b"\x00", DeliveryStatus.UNKNOWN)


def pending(arguments: Any) -> conv.Approval:
    written = payload(arguments)
    return conv.Approval(
        approval_id="a1",
        root_id="c1",
        status=conv.APPROVAL_STATUS_PENDING,
        title="Refund 900 EUR",
        arguments=written,
        arguments_hash=hashlib.sha256(written.data).digest(),
    )


async def test_approvals_are_listed_and_decided_by_what_was_seen(both: Both) -> None:
    script = both.script
    ended = pending(None)
    ended.status = conv.APPROVAL_STATUS_ENDED
    ended.outcome = event_pb2.APPROVAL_OUTCOME_EXPIRED
    ended.end_time.FromSeconds(60)
    script.on(
        "ListApprovals",
        conv.ListApprovalsResponse(approvals=[pending({"amount": 900})], next_page_token="t"),
        conv.ListApprovalsResponse(approvals=[ended]),
    )
    script.on("DecideApproval", UNAVAILABLE, *[conv.DecideApprovalResponse()] * 2)
    status = everturn.ApprovalStatus.PENDING
    listed: list[Approval] = await both.items("approvals.list", root_id="c1", status=status)
    assert listed[0].arguments == {"amount": 900}
    assert (listed[0].outcome, listed[0].end_time) == (None, None)
    assert listed[1].outcome is everturn.ApprovalOutcome.EXPIRED
    assert listed[1].end_time is not None
    assert script.asked("ListApprovals")[0].status == conv.APPROVAL_STATUS_PENDING
    await both.call("approvals.decide", listed[0], ApprovalDecision.APPROVE, decider="Ann")
    await both.call(
        "approvals.decide",
        "a1",
        ApprovalDecision.APPROVE_WITH_CHANGES,
        decider="Ann",
        arguments_hash=hash_arguments({"amount": 900}),
        changed_arguments={"amount": 450},
        comment="half",
    )
    first, again, changed = script.asked("DecideApproval")
    assert first == again
    assert first.arguments_hash == listed[0].arguments_hash
    assert not first.HasField("changed_arguments")
    assert changed.arguments_hash == hashlib.sha256(b'{"amount":900}').digest()
    assert (changed.changed_arguments.data, changed.comment) == (b'{"amount":450}', "half")
    assert changed.request_id not in ("", first.request_id)


async def test_decisions_that_make_no_sense_are_not_sent(both: Both) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"decision": ApprovalDecision.REJECT}, "needs arguments_hash"),
        (
            {"decision": ApprovalDecision.APPROVE_WITH_CHANGES, "arguments_hash": b"h"},
            "changed_arguments go with",
        ),
        (
            {
                "decision": ApprovalDecision.APPROVE,
                "arguments_hash": b"h",
                "changed_arguments": 1,
            },
            "changed_arguments go with",
        ),
    )
    for arguments, match in cases:
        with pytest.raises(ValueError, match=match):
            await both.call("approvals.decide", "a1", decider="Ann", **arguments)
    assert not both.script.requests


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("NOT_FOUND", "APPROVAL_NOT_FOUND", everturn.NotFoundError),
        ("FAILED_PRECONDITION", "APPROVAL_CHANGED", everturn.FailedPreconditionError),
        ("FAILED_PRECONDITION", "APPROVAL_EXPIRED", everturn.FailedPreconditionError),
        ("INVALID_ARGUMENT", "CURSOR_INVALID", everturn.InvalidArgumentError),
    ],
)
async def test_refusals_carry_their_reason(
    both: Both, code: str, reason: str, kind: type[everturn.RpcError]
) -> None:
    info = error_details_pb2.ErrorInfo(reason=reason, domain="everturn")
    refusal = Refusal(grpc.StatusCode[code], "no", [info])
    both.script.on("DecideApproval", refusal)
    with pytest.raises(kind) as caught:
        await both.call(
            "approvals.decide",
            "a1",
            ApprovalDecision.REJECT,
            decider="Ann",
            arguments_hash=b"h",
        )
    assert caught.value.reason == reason


async def test_runs_are_paused_resumed_and_described(both: Both) -> None:
    both.script.on("PauseWorkflow", flow.PauseWorkflowResponse())
    both.script.on("ResumeWorkflow", flow.ResumeWorkflowResponse())
    run = flow.WorkflowRun(workflow_id="w1", paused=True, usage=message_pb2.Usage(output_tokens=4))
    approval = flow.PendingApproval(key="refund", approval_id="a1")
    both.script.on(
        "DescribeWorkflow",
        flow.DescribeWorkflowResponse(
            run=run, pending_approvals=[approval], omitted_activity_count=2
        ),
    )
    await both.call("workflows.pause", "w1", reason="audit", run_id="r1")
    await both.call("workflows.resume", "w1")
    asked = both.script.asked("PauseWorkflow")[0]
    assert (asked.workflow_id, asked.run_id, asked.reason) == ("w1", "r1", "audit")
    described = await both.call("workflows.describe", "w1")
    assert (described.run.paused, described.run.usage.output_tokens) == (True, 4)
    assert described.pending_approvals == (everturn.PendingApproval("refund", "a1", None),)
    assert described.omitted_activity_count == 2
