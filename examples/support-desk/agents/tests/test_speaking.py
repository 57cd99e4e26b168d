"""How the agents speak: partial output, what it costs, writing first, and whom they leave it to."""

from __future__ import annotations

from pathlib import Path

import pytest
from everturn import ActivityCanceledError, Usage
from everturn.testing import activity_context

from support_agents import speaking
from support_agents.activities import Agents
from support_agents.model import Model
from support_agents.selling import ABANDONED_CART, draft_sales
from support_agents.settings import read_settings
from support_agents.shop import Shop
from support_agents.types import Inquiry, MergeRequest
from support_agents.wording import asks_for_human


@pytest.fixture
def agents(model: Model, shop: Shop, tmp_path: Path) -> Agents:
    env = {"SUPPORT_BACK_OFFICE": str(tmp_path / "office.db"), "SUPPORT_PRICE_OUTPUT": "15"}
    return Agents(model, shop, read_settings(env))


def test_answers_are_streamed_word_by_word_counted_and_priced(agents: Agents) -> None:
    inquiry = Inquiry("where is it", "chat", "order_status", number="NT-20481",
                      order=agents.lookup_order("NT-20481"))  # fmt: skip
    with activity_context() as probe:
        draft = agents.draft_support(inquiry)
    assert probe.text == draft.text
    assert len(probe.chunks) == len(draft.text.split())
    words = len(probe.chunks)
    assert probe.usage == Usage(0, words, 15 * words, "GBP")
    with activity_context() as probe:
        answer = agents.merge_drafts(MergeRequest(draft, None, "email", "Ines"))
    assert probe.text == answer.text


def test_who_is_interrupted_stops_speaking() -> None:
    with activity_context() as probe:
        probe.cancel()
        with pytest.raises(ActivityCanceledError):
            speaking.say("one two three", pause_ms=1)
    assert probe.text == "one"


def test_a_cart_that_was_left_is_remembered(shop: Shop) -> None:
    draft = draft_sales(Inquiry("Aurora 2", "email", ABANDONED_CART), shop)
    assert draft is not None
    assert draft.agent == "sales"
    assert draft.text.startswith("Your Aurora 2 is still in the cart: £329.00")
    assert draft_sales(Inquiry("something", "email", ABANDONED_CART), shop) is None


@pytest.mark.parametrize(
    ("text", "human"),
    [
        ("I want to talk to a human", True),
        ("can a real person call me please", True),
        ("let me speak to your manager", True),
        ("can I talk to someone?", True),
        ("where is my parcel?", False),
        ("I talk a lot", False),
        ("is the tent good for two persons?", False),
    ],
)
def test_people_may_ask_for_people(text: str, human: bool) -> None:
    assert asks_for_human(text) is human
