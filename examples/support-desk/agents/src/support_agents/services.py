"""The services that a cancellation goes over: warehouse, loyalty points, payments.

In a real shop each is an API of its own, with its own failures. Here they share the back office's
file, but nothing else: no transaction holds them together, so what one has done must be undone
when another refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_agents.drafting import OPEN

if TYPE_CHECKING:
    from support_agents.ledger import Ledger
    from support_agents.shop import Shop
    from support_agents.types import Order


class RefusedError(Exception):
    """A service does not do it, now or later.

    Attributes:
        kind: Why: TooLate, PaymentDeclined or WrongAmount.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Warehouse:
    """Keeps parcels back."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def hold(self, reference: str, order: Order) -> None:
        """Keeps a parcel back, so that it does not leave.

        Raises:
            RefusedError: It has left, or will not leave anyway.
        """
        if order.status not in OPEN:
            raise RefusedError("TooLate", f"{order.number} is {order.status}")
        self._ledger.do(reference, "hold", order.number, 0)

    def release(self, reference: str, order: Order) -> None:
        """Lets it go on its way; good if it was never held."""
        self._ledger.undo(reference, "hold", order.number)


class Loyalty:
    """Gives a point for every pound, and wants it back when the money goes back."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def take_back(self, reference: str, order: Order) -> None:
        """Takes back the points of an order."""
        self._ledger.do(reference, "points", order.number, int(order.total))

    def give_back(self, reference: str, order: Order) -> None:
        """Gives them back; good if they were never taken."""
        self._ledger.undo(reference, "points", order.number)


class Payments:
    """Returns money to where it came from. It cannot be asked to take it again."""

    def __init__(self, ledger: Ledger, shop: Shop) -> None:
        self._ledger = ledger
        self._shop = shop

    def pay_back(self, reference: str, order: Order, pence: int) -> None:
        """Returns a part of what was paid for an order, or all of it.

        Raises:
            RefusedError: It is more than is left, or the gift card has expired: nothing can be
                paid to one that has.
        """
        before = sum(
            entry.amount
            for entry in self._ledger.of_order(order.number)
            if entry.kind == "payment" and entry.stands and entry.reference != reference
        )
        if not 0 < pence <= round(order.total * 100) - before:
            raise RefusedError("WrongAmount", f"{pence} pence are not part of what was paid")
        if self._shop.gift_card_expired(order.number):
            raise RefusedError("PaymentDeclined", f"the gift card of {order.number} has expired")
        self._ledger.do(reference, "payment", order.number, pence)
