"""Watches of both clients: what they hand out, and how they go on after a break."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2  # pyright: ignore[reportMissingTypeStubs]

import everturn
from everturn import OutputCursor, OutputDelta, OutputReset
from everturn.client._retry import Backoff
from everturn.v1 import conversation_service_pb2 as conv
from everturn.v1 import message_pb2
from tests.client_fixture import UNAVAILABLE, Both, message
from tests.fake_coordinator import payload
from tests.fake_services import Refusal

update = conv.WatchConversationResponse


def cursor(sequence: int, attempt: int = 1, key: str = "draft") -> conv.OutputCursor:
    return conv.OutputCursor(workflow_id="c1/turn-1", key=key, attempt=attempt, sequence=sequence)


def delta(sequence: int, text: str, attempt: int = 1, key: str = "draft") -> update:
    at = cursor(sequence, attempt, key)
    return update(output_delta=conv.OutputDelta(cursor=at, data=text.encode()))


async def test_watch_goes_on_after_its_last_message(both: Both) -> None:
    changed = conv.TurnChanged(number=1, status=conv.TURN_STATUS_RUNNING)
    both.script.on(
        "WatchConversation",
        [update(message=message(1)), update(caught_up=conv.CaughtUp()), UNAVAILABLE],
        UNAVAILABLE,
        [
            update(message=message(1)),
            update(message=message(2)),
            update(caught_up=conv.CaughtUp()),
            update(turn_changed=changed),
            update(lagged=conv.Lagged(skipped_count=3)),
            update(closed=conv.ConversationClosed(reason="bye")),
        ],
    )
    updates = await both.items("conversations.watch", "c1")
    assert [type(u).__name__ for u in updates] == [
        "MessageAdded",
        "CaughtUp",
        "MessageAdded",
        "TurnChanged",
        "Lagged",
        "ConversationClosed",
    ]
    assert [r.after_sequence for r in both.script.asked("WatchConversation")] == [0, 1, 1]
    assert updates[-1].reason == "bye"


async def test_watch_hands_out_output_once_and_goes_on_by_its_cursors(both: Both) -> None:
    both.script.on(
        "WatchConversation",
        [delta(1, "He"), delta(2, "llo"), delta(1, "x", key="other"), UNAVAILABLE],
        [
            delta(2, "llo"),
            delta(3, " world"),
            update(output_ended=conv.OutputEnded(cursor=cursor(1, key="other"))),
            UNAVAILABLE,
        ],
        [update(closed=conv.ConversationClosed())],
    )
    updates = await both.items(
        "conversations.watch",
        "c1",
        after_sequence=4,
        output_cursors=[OutputCursor("c1/turn-0", "old", 2, 9)],
    )
    said = [u.text for u in updates if isinstance(u, OutputDelta) and u.cursor.key == "draft"]
    assert said == ["He", "llo", " world"]
    asked = both.script.asked("WatchConversation")
    old = conv.OutputCursor(workflow_id="c1/turn-0", key="old", attempt=2, sequence=9)
    assert [list(r.output_cursors) for r in asked] == [
        [old],
        [old, cursor(2), cursor(1, key="other")],
        [old, cursor(3)],
    ]
    assert {r.after_sequence for r in asked} == {4}
    assert not asked[0].without_outputs


async def test_a_character_that_pieces_share_arrives_whole(both: Both) -> None:
    snowman = "\N{SNOWMAN}".encode()

    def piece(sequence: int, data: bytes) -> conv.WatchConversationResponse:
        return update(output_delta=conv.OutputDelta(cursor=cursor(sequence), data=data))

    both.script.on(
        "WatchConversation",
        [
            piece(1, b"a" + snowman[:1]),
            piece(2, snowman[1:2]),
            piece(3, snowman[2:] + b"b"),
            update(closed=conv.ConversationClosed()),
        ],
    )
    updates = await both.items("conversations.watch", "c1")
    assert [u.text for u in updates if isinstance(u, OutputDelta)] == ["a", "", "\N{SNOWMAN}b"]


async def test_reset_begins_an_output_anew_and_late_pieces_are_left_out(both: Both) -> None:
    both.script.on(
        "WatchConversation",
        [
            delta(5, "five"),
            update(output_reset=conv.OutputReset(cursor=cursor(0, attempt=2))),
            delta(6, "late"),
            delta(1, "anew", attempt=2),
            update(output_reset=conv.OutputReset(cursor=cursor(7, attempt=2))),
            delta(8, "after a gap", attempt=2),
            update(output_ended=conv.OutputEnded(cursor=cursor(8, attempt=2))),
            update(closed=conv.ConversationClosed()),
        ],
    )
    updates = await both.items("conversations.watch", "c1")
    assert [u.text for u in updates if isinstance(u, OutputDelta)] == [
        "five",
        "anew",
        "after a gap",
    ]
    resets = [u.cursor for u in updates if isinstance(u, OutputReset)]
    assert [(c.attempt, c.sequence) for c in resets] == [(2, 0), (2, 7)]
    assert updates[-2] == everturn.OutputEnded(OutputCursor("c1/turn-1", "draft", 2, 8))


async def test_outputs_that_the_coordinator_has_less_of_begin_anew(both: Both) -> None:
    info = error_details_pb2.ErrorInfo(reason="CURSOR_INVALID", domain="everturn")
    refusal = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "beyond the output", [info])
    both.script.on(
        "WatchConversation",
        [delta(1, "He"), delta(2, "llo"), UNAVAILABLE],
        refusal,
        [delta(1, "He"), update(closed=conv.ConversationClosed())],
    )
    updates = await both.items("conversations.watch", "c1")
    assert [type(u).__name__ for u in updates] == [
        "OutputDelta",
        "OutputDelta",
        "OutputReset",
        "OutputDelta",
        "ConversationClosed",
    ]
    assert updates[2] == OutputReset(OutputCursor("c1/turn-1", "draft", 1, 0))
    asked = both.script.asked("WatchConversation")
    assert [len(r.output_cursors) for r in asked] == [0, 1, 0]


async def test_watch_of_messages_beyond_the_transcript_is_refused(both: Both) -> None:
    info = error_details_pb2.ErrorInfo(reason="CURSOR_INVALID", domain="everturn")
    both.script.on(
        "WatchConversation",
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, "beyond the transcript", [info]),
    )
    with pytest.raises(everturn.InvalidArgumentError):
        await both.items("conversations.watch", "c1", after_sequence=9)


async def test_watch_tells_of_deliveries_pauses_and_people(both: Both) -> None:
    state = message_pb2.DeliveryState(
        status=message_pb2.DELIVERY_STATUS_ACCEPTED, address="jo", provider_message_id="p1"
    )
    changed = conv.ConversationChanged(
        pause=conv.Pause(reason="holiday"),
        handover=conv.Handover(
            assignee=message_pb2.Assignee(team="billing"), context=payload({"order": 7})
        ),
        budget_reached=True,
    )
    both.script.on(
        "WatchConversation",
        [
            update(delivery=conv.MessageDelivery(message_sequence=3, delivery=state)),
            update(changed=changed),
            update(changed=conv.ConversationChanged()),
            update(),
            update(closed=conv.ConversationClosed()),
        ],
    )
    delivery, first, second, _ = await both.items("conversations.watch", "c1", outputs=False)
    assert both.script.asked("WatchConversation")[0].without_outputs
    assert (delivery.message_sequence, delivery.delivery.status) == (
        3,
        everturn.DeliveryStatus.ACCEPTED,
    )
    assert (first.pause.reason, first.budget_reached) == ("holiday", True)
    assert first.handover.assignee == everturn.Team("billing")
    assert first.handover.context == {"order": 7}
    assert second == everturn.ConversationChanged(None, None, False)


def test_a_quiet_watch_has_its_whole_time_to_come_back() -> None:
    error = everturn.UnavailableError("away", code=grpc.StatusCode.UNAVAILABLE)
    backoff = Backoff(everturn.RetryOptions(elapsed_max_s=30), 0.0)
    backoff.reset()
    assert backoff.delay(error, 3_600.0) is not None
    assert backoff.delay(error, 3_620.0) is not None
    assert backoff.delay(error, 3_631.0) is None
