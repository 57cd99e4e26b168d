"""The Sales agent: one fitting suggestion, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_agents.types import Draft, Inquiry

if TYPE_CHECKING:
    from support_agents.shop import Shop

# When a suggestion is welcome. Nobody buys more while they want their money back.
_MAY_SELL = frozenset({"order_status", "product_question"})
_TROUBLED = frozenset({"delayed", "returned", "refunded", "canceled"})
# Not a customer's intent: the cart was left, and its products are the text.
ABANDONED_CART = "abandoned_cart"


def draft_sales(inquiry: Inquiry, shop: Shop) -> Draft | None:
    """A suggestion that fits what the customer asked or bought; none when it would annoy."""
    order = inquiry.order
    if inquiry.intent == ABANDONED_CART:
        return _remember(inquiry, shop)
    if inquiry.upset or inquiry.intent not in _MAY_SELL:
        return None
    if order is not None and order.status in _TROUBLED:
        return None
    if inquiry.intent == "product_question":
        return _offer(inquiry, shop)
    category = inquiry.product if inquiry.product != "none" else order.category if order else ""
    accessory = shop.accessory_for(category)
    if accessory is None or (order is not None and accessory.name in order.items):
        return None
    return _say(f"Goes well with it: {accessory.name}, £{accessory.price:.2f}.")


def _remember(inquiry: Inquiry, shop: Shop) -> Draft | None:
    product = shop.best_match("none", inquiry.text)
    if product is None or product.stock == 0:
        return None
    few = f" and only {product.stock} left" if product.stock < 10 else ""
    return _say(
        f"Your {product.name} is still in the cart: £{product.price:.2f}{few}. Any question "
        "about it that we can answer?"
    )


def _offer(inquiry: Inquiry, shop: Shop) -> Draft | None:
    product = shop.best_match(inquiry.product, inquiry.text)
    if product is None:
        return None
    if product.stock == 0:
        other = shop.best_match(product.category, "")
        if other is None or other.stock == 0:
            return None
        return _say(f"{product.name} is sold out; we have {other.name}, £{other.price:.2f}.")
    few = f", only {product.stock} left" if product.stock < 10 else ""
    return _say(f"{product.name} is £{product.price:.2f}{few}.")


def _say(text: str) -> Draft:
    return Draft(agent="sales", text=text)
