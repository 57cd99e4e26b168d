"""The Support agent: answers from order data and the catalogue.

Its texts promise nothing that this shop's software does not do: where the customer has to act,
they say how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_agents.types import Draft, Inquiry, Order

if TYPE_CHECKING:
    from support_agents.shop import Shop

# Below this probability an intent is a guess: better to ask back.
CONFIDENCE_MIN = 0.25

# Intents that cannot be answered without an order.
_NEEDS_ORDER = frozenset({"order_status", "cancel_order", "refund", "change_address"})
# Not on its way yet: can be canceled.
OPEN = frozenset({"processing", "packed"})
_MOVING = frozenset({"shipped", "out_for_delivery", "delayed"})

_GENERAL = {
    "greeting": "Hello from Northtrail! How can we help you?",
    "thanks": "You're welcome. Have a good time outdoors!",
    "return": (
        "You can return unused items within 30 days: print the free label under "
        "Orders > Return and drop the parcel off. For an exchange choose the new size there."
    ),
    "complaint": (
        "I am sorry: this is not how it should be. Reply with your order number and, if you "
        "can, a photo, and we will look into it with priority."
    ),
    "other": (
        "Thank you for your message. Account, invoice and shop questions are answered under "
        "northtrail.example/help. If it is about an order, tell us its number."
    ),
}
_UNSURE = "I am not sure that I understood. Is it about an order, a return or a product?"


def draft_support(inquiry: Inquiry, shop: Shop) -> Draft:
    """Support's answer, or the question to ask when the order is missing."""
    if inquiry.number and inquiry.order is None:
        text = f"I cannot find an order {inquiry.number}. Could you check the number for me?"
        return _missing_order(text)
    if inquiry.intent == "product_question":
        return _say(_about_product(inquiry, shop))
    if inquiry.confidence < CONFIDENCE_MIN and inquiry.order is None:
        return _say(_UNSURE)
    if inquiry.order is not None:
        return _say(_about_order(inquiry.intent, inquiry.order))
    if inquiry.intent in _NEEDS_ORDER:
        return _missing_order(
            "Could you tell me your order number? It looks like NT-12345 and is in the "
            "confirmation email."
        )
    return _say(_GENERAL.get(inquiry.intent, _GENERAL["other"]))


def _say(text: str) -> Draft:
    return Draft(agent="support", text=text)


def _missing_order(question: str) -> Draft:
    return Draft(agent="support", text=question, missing=["order"])


def _about_order(intent: str, order: Order) -> str:
    if intent == "cancel_order":
        return _cancellation(order)
    if intent == "refund":
        return _refund(order)
    if intent == "change_address":
        return _new_address(order)
    if intent == "return":
        return _return(order)
    if intent == "complaint":
        return (
            f"I am sorry about {order.number} ({', '.join(order.items)}): this is not how it "
            "should be. If something is broken, reply with a photo; we look at it first."
        )
    if intent in ("greeting", "thanks"):
        return _GENERAL[intent]
    return status_sentence(order)


def status_sentence(order: Order) -> str:
    """Where an order is, in one or two sentences."""
    what = f"{order.number} ({', '.join(order.items)})"
    arrives = _days(order.arrives)
    money = f"£{order.total:.2f}"
    sentences = {
        "processing": f"{what} is being prepared and should arrive {arrives}.",
        "packed": f"{what} is packed and leaves today; it should arrive {arrives}.",
        "shipped": f"{what} is on its way with {order.carrier} and should arrive {arrives}.",
        "out_for_delivery": f"{what} is out for delivery with {order.carrier} today.",
        "delayed": f"Sorry, {what} is late at {order.carrier}. It should arrive {arrives}.",
        "delivered": (
            f"{what} was delivered by {order.carrier}. Is it not there? Look with the "
            "neighbours first, then tell us."
        ),
        "returned": f"{what} came back to us. The refund takes up to 5 working days.",
        "refunded": f"{what} was refunded: {money} to the {order.payment} you paid with.",
        "canceled": f"{what} was canceled: {money} goes back to the {order.payment} you paid with.",
    }
    return sentences[order.status]


def _cancellation(order: Order) -> str:
    if order.status in OPEN:
        return (
            f"{order.number} has not left our warehouse. You can cancel it at once under "
            f"Orders > {order.number} > Cancel; £{order.total:.2f} goes back to your "
            f"{order.payment}."
        )
    if order.status in _MOVING:
        return (
            f"{order.number} is already with {order.carrier}, so it cannot be canceled. "
            "Refuse the parcel or return it for free, and you get your money back."
        )
    if order.status == "delivered":
        return f"{order.number} was delivered already. You can return it free of charge instead."
    return status_sentence(order)


def _refund(order: Order) -> str:
    if order.status in ("returned", "refunded", "canceled"):
        return status_sentence(order)
    if order.status == "delivered":
        return (
            f"Send {order.number} back with the free label under Orders > Return. "
            f"£{order.total:.2f} is refunded within 5 working days after it arrives."
        )
    if order.status in OPEN:
        return _cancellation(order)
    return (
        f"{order.number} is still with {order.carrier}. If it does not arrive "
        f"{_days(order.arrives)}, reply here for a refund of £{order.total:.2f}."
    )


def _new_address(order: Order) -> str:
    if order.status in OPEN:
        return (
            f"{order.number} has not left yet: you can change the address under "
            f"Orders > {order.number} > Delivery until it does."
        )
    if order.status in _MOVING:
        return (
            f"{order.number} is already with {order.carrier}. Their tracking page lets you "
            "redirect it to another address or a pick-up point."
        )
    return f"{order.number} is not on its way any more, so its address cannot be changed."


def _return(order: Order) -> str:
    if order.status == "delivered" and order.ordered <= 30:
        return (
            f"Of course. The free label for {order.number} is under Orders > {order.number} > "
            "Return; for an exchange choose the new size there."
        )
    if order.status == "delivered":
        return f"Sorry, the 30 days to return {order.number} are over ({order.ordered} days)."
    if order.status in OPEN | _MOVING:
        return f"{order.number} has not arrived yet. {_GENERAL['return']}"
    return status_sentence(order)


def _about_product(inquiry: Inquiry, shop: Shop) -> str:
    product = shop.best_match(inquiry.product, inquiry.text)
    if product is None:
        return "Which product is it about? We have shoes, jackets, backpacks, tents and stoves."
    facts = shop.facts_asked(product, inquiry.text)
    if facts:
        return f"{product.name} ({product.kind}): {'; '.join(facts)}."
    stock = "in stock" if product.stock else "sold out at the moment"
    return f"Our {product.kind} {product.name} costs £{product.price:.2f} and is {stock}."


def _days(days: int | None) -> str:
    if days is None:
        return "soon"
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
