"""The three agents: what they say, ask and leave out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support_agents.drafting import draft_support
from support_agents.merging import SMS_CHARACTERS_MAX, merge
from support_agents.selling import draft_sales
from support_agents.shop import Shop
from support_agents.types import Draft, Inquiry, MergeRequest

ASK = Inquiry(text="where is my order", channel="chat", intent="order_status")


def with_order(shop: Shop, number: str, intent: str, product: str = "none") -> Inquiry:
    order = shop.order(number)
    assert order is not None
    return Inquiry("?", "chat", intent, product, number=number, order=order)


def test_an_order_is_read_from_the_database(shop: Shop) -> None:
    order = shop.order("NT-20495")
    assert order is not None
    assert order.customer == "Lena Vogel"
    assert order.items == ["Aurora 2", "Ember"]
    assert (order.category, order.total, order.status) == ("tents", 388.0, "delayed")
    assert shop.order("NT-99999") is None


@pytest.mark.parametrize("intent", ["order_status", "cancel_order", "refund", "change_address"])
def test_support_asks_for_a_missing_order_number(shop: Shop, intent: str) -> None:
    draft = draft_support(replace(ASK, intent=intent), shop)
    assert draft.missing == ["order"]
    assert "order number" in draft.text


def test_support_asks_again_when_there_is_no_such_order(shop: Shop) -> None:
    draft = draft_support(replace(ASK, number="NT-99999"), shop)
    assert draft.missing == ["order"]
    assert "NT-99999" in draft.text


@pytest.mark.parametrize(
    ("number", "intent", "words"),
    [
        ("NT-20481", "order_status", "on its way with Parcelway and should arrive in 2 days"),
        ("NT-20490", "order_status", "out for delivery with Parcelway today"),
        ("NT-20495", "order_status", "is late at Northpost. It should arrive in 4 days"),
        ("NT-20482", "cancel_order", "has not left our warehouse. You can cancel"),
        ("NT-20481", "cancel_order", "cannot be canceled"),
        ("NT-20555", "cancel_order", "was canceled"),
        ("NT-20483", "refund", "came back to us"),
        ("NT-20484", "refund", "£329.00 is refunded within 5 working days"),
        ("NT-20485", "change_address", "you can change the address under"),
        ("NT-20508", "change_address", "redirect it"),
        ("NT-20484", "return", "free label for NT-20484"),
        ("NT-20560", "return", "30 days to return NT-20560 are over"),
        ("NT-20484", "complaint", "I am sorry about NT-20484"),
    ],
)
def test_support_answers_from_the_order(shop: Shop, number: str, intent: str, words: str) -> None:
    draft = draft_support(with_order(shop, number, intent), shop)
    assert words in draft.text
    assert draft.missing == []


@pytest.mark.parametrize(
    ("text", "product", "words"),
    [
        ("is the ridge walker waterproof?", "shoes", "Ridge Walker (hiking boots): fully water"),
        ("whats the boil time of the stove", "stoves", "three and a half minutes"),
        ("does the wildfire burn petrol", "stoves", "Wildfire MF (multi-fuel stove): burns petrol"),
        ("got any tents?", "tents", "is in stock"),
        ("a tent for a family of five?", "tents", "Homestead 5 (family tent): sleeps five"),
        ("do you have something nice?", "unknown", "Which product"),
    ],
)
def test_support_answers_from_the_catalogue(
    shop: Shop, text: str, product: str, words: str
) -> None:
    draft = draft_support(Inquiry(text, "chat", "product_question", product), shop)
    assert draft.missing == []
    assert words in draft.text


def test_support_asks_back_when_it_would_have_to_guess(shop: Shop) -> None:
    draft = draft_support(Inquiry("hm", "chat", "order_status", confidence=0.15), shop)
    assert "not sure" in draft.text
    assert draft.missing == []


@pytest.mark.parametrize(
    "inquiry",
    [
        Inquiry("bad", "chat", "complaint", "tents", upset=True),
        Inquiry("where is my tent!!", "chat", "order_status", "tents", upset=True),
        Inquiry("money back", "chat", "refund", "shoes"),
        Inquiry("hi", "chat", "greeting"),
        Inquiry("thanks", "chat", "thanks", "shoes"),
        Inquiry("wrong size", "chat", "return", "shoes"),
    ],
)
def test_sales_keeps_quiet_when_it_would_annoy(shop: Shop, inquiry: Inquiry) -> None:
    assert draft_sales(inquiry, shop) is None


def test_sales_keeps_quiet_about_late_orders_and_things_already_bought(shop: Shop) -> None:
    assert draft_sales(with_order(shop, "NT-20495", "order_status"), shop) is None
    assert draft_sales(with_order(shop, "NT-20499", "order_status", "stoves"), shop) is None


def test_sales_suggests_what_fits(shop: Shop) -> None:
    accessory = draft_sales(with_order(shop, "NT-20481", "order_status"), shop)
    assert accessory is not None
    assert "Boot wax, £9.00" in accessory.text
    offer = draft_sales(Inquiry("polar parka?", "chat", "product_question", "jackets"), shop)
    assert offer is not None
    assert offer.text == "Polar Parka is £279.00, only 8 left."
    sold_out = draft_sales(Inquiry("fell dancer?", "chat", "product_question", "shoes"), shop)
    assert sold_out is not None
    assert sold_out.text == "Fell Dancer is sold out; we have Ridge Walker, £149.00."


SHORT = Draft("support", "NT-20481 arrives tomorrow.")
LONG = Draft("support", "x" * 150 + ".")
OFFER = Draft("sales", "Goes well with it: Boot wax, £9.00.")


def test_the_manager_merges_both_drafts_on_the_same_channel() -> None:
    answer = merge(MergeRequest(SHORT, OFFER, "chat"))
    assert answer.channel == "chat"
    assert answer.text == f"{SHORT.text} {OFFER.text}"


def test_the_manager_leaves_sales_out_for_upset_customers_and_repetitions() -> None:
    assert merge(MergeRequest(SHORT, OFFER, "chat", upset=True)).text == SHORT.text
    repeated = Draft("sales", "arrives tomorrow.")
    assert merge(MergeRequest(SHORT, repeated, "chat")).text == SHORT.text


def test_a_text_message_stays_short_and_a_long_answer_goes_out_by_email() -> None:
    both = merge(MergeRequest(SHORT, OFFER, "sms"))
    assert (both.channel, both.text) == ("sms", f"{SHORT.text} {OFFER.text}")
    alone = merge(MergeRequest(LONG, OFFER, "sms"))
    assert (alone.channel, alone.text) == ("sms", LONG.text)
    assert len(alone.text) <= SMS_CHARACTERS_MAX
    moved = merge(MergeRequest(Draft("support", "x" * 161), OFFER, "sms", "Ines"))
    assert moved.channel == "email"
    assert moved.text.startswith("Hello Ines,\n\nxxx")
    assert OFFER.text in moved.text


def test_an_email_is_a_letter() -> None:
    answer = merge(MergeRequest(SHORT, None, "email", "Ines"))
    assert answer.text == f"Hello Ines,\n\n{SHORT.text}\n\nKind regards\nNorthtrail"
