"""What the shop does: steps of cancellations, their compensations, refunds, and the statement."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from everturn import ApplicationError
from everturn.testing import activity_context

from support_agents import statement
from support_agents.actions import Actions
from support_agents.activities import Agents
from support_agents.ledger import Ledger
from support_agents.model import Model
from support_agents.settings import FaultSettings, Settings, read_settings
from support_agents.shop import Shop
from support_agents.types import CancellationStep, Inquiry, Refund

CARD = CancellationStep("run-1", "NT-20482")
GIFT_CARD = CancellationStep("run-2", "NT-20569")
EXPIRED = CancellationStep("run-3", "NT-20563")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"SUPPORT_BACK_OFFICE": str(tmp_path / "office.db")})


@pytest.fixture
def actions(shop: Shop, settings: Settings) -> Actions:
    return Actions(shop, settings)


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(settings.back_office)


def refused(action: Callable[[CancellationStep], object], step: CancellationStep) -> str:
    """The type with which a step is refused for good."""
    with pytest.raises(ApplicationError) as raised:
        action(step)
    assert raised.value.non_retryable
    return raised.value.type


def standing(ledger: Ledger, number: str) -> list[tuple[str, int]]:
    return [(entry.kind, entry.amount) for entry in ledger.of_order(number) if entry.stands]


@pytest.mark.parametrize(("step", "pence"), [(CARD, 11_900), (GIFT_CARD, 7_200)])
def test_a_cancellation_is_done_once_however_often_its_steps_are_repeated(
    actions: Actions, ledger: Ledger, step: CancellationStep, pence: int
) -> None:
    for _ in range(3):
        actions.hold_parcel(step)
        actions.take_back_points(step)
        actions.return_payment(step)
    for _ in range(3):
        assert actions.close_order(step).status == "canceled"
    expected = [("hold", 0), ("points", pence // 100), ("payment", pence)]
    assert standing(ledger, step.number) == expected


def test_a_canceled_order_is_known_as_such(
    actions: Actions, model: Model, shop: Shop, settings: Settings
) -> None:
    actions.close_order(CARD)
    agents = Agents(model, shop, settings)
    order = agents.lookup_order(CARD.number)
    inquiry = Inquiry("cancel it", "chat", "cancel_order", number=CARD.number, order=order)
    assert "was canceled: £119.00 goes back to the card" in agents.draft_support(inquiry).text
    assert refused(actions.hold_parcel, replace(CARD, reference="run-9")) == "TooLate"


def test_what_was_done_is_undone_and_nothing_stands(actions: Actions, ledger: Ledger) -> None:
    actions.hold_parcel(EXPIRED)
    actions.take_back_points(EXPIRED)
    assert refused(actions.return_payment, EXPIRED) == "PaymentDeclined"
    for _ in range(2):
        actions.give_back_points(EXPIRED)
        actions.release_parcel(EXPIRED)
    assert standing(ledger, EXPIRED.number) == []
    entries = [(entry.kind, entry.done, entry.undone) for entry in ledger.of_order(EXPIRED.number)]
    assert entries == [("hold", True, True), ("points", True, True)]


def test_an_attempt_that_comes_after_its_compensation_does_nothing(
    actions: Actions, ledger: Ledger
) -> None:
    actions.release_parcel(CARD)
    assert refused(actions.hold_parcel, CARD) == "Undone"
    assert standing(ledger, CARD.number) == []
    # Another cancellation of the same order has nothing to do with it.
    actions.hold_parcel(replace(CARD, reference="run-9"))
    assert standing(ledger, CARD.number) == [("hold", 0)]


@pytest.mark.parametrize(
    ("number", "kind"), [("NT-20481", "TooLate"), ("NT-20484", "TooLate"), ("NT-99999", "NoOrder")]
)
def test_what_has_left_is_not_held(actions: Actions, number: str, kind: str) -> None:
    assert refused(actions.hold_parcel, CancellationStep("run-1", number)) == kind


def test_money_of_a_refund_goes_back_once(actions: Actions, ledger: Ledger) -> None:
    for attempt in (1, 2):
        with activity_context(workflow_id="refund-NT-20484", attempt=attempt):
            assert actions.pay_back(Refund("NT-20484", 329.0)).status == "refunded"
    assert standing(ledger, "NT-20484") == [("payment", 32_900)]


@pytest.mark.parametrize("amount", [0, -1, 229.01])
def test_nobody_gets_back_more_than_was_paid(
    actions: Actions, ledger: Ledger, amount: float
) -> None:
    ledger.do("run-0", "payment", "NT-20484", 10_000)
    with activity_context(), pytest.raises(ApplicationError) as raised:
        actions.pay_back(Refund("NT-20484", amount))
    assert raised.value.type == "WrongAmount"
    assert standing(ledger, "NT-20484") == [("payment", 10_000)]


def test_an_attempt_that_fails_on_purpose_has_done_nothing(
    shop: Shop, settings: Settings, ledger: Ledger
) -> None:
    faulty = Actions(shop, replace(settings, faults=FaultSettings(rate=1.0)))
    with activity_context(), pytest.raises(Exception, match="fails on purpose"):
        faulty.hold_parcel(CARD)
    assert ledger.of_order(CARD.number) == []


def test_a_statement_says_how_an_order_stands(
    actions: Actions,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    actions.hold_parcel(EXPIRED)
    actions.release_parcel(EXPIRED)
    monkeypatch.setenv("SUPPORT_BACK_OFFICE", str(settings.back_office))
    monkeypatch.setattr("sys.argv", ["statement", EXPIRED.number, "NT-20481"])
    assert statement.main() == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["status"], second) == (
        "packed",
        {"number": "NT-20481", "status": "shipped", "entries": []},
    )
    assert first["entries"] == [
        {"reference": "run-3", "kind": "hold", "number": "NT-20563", "amount": 0,
         "done": True, "undone": True},
    ]  # fmt: skip
    monkeypatch.setattr("sys.argv", ["statement", "NT-99999"])
    assert statement.main() == 2
