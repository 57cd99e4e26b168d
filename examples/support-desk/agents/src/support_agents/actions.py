"""What the shop does and not only says: the steps of cancellations and refunds, as activities.

A step and its compensation are two activities. What ties them together, and makes each happen
once, is the reference of the cancellation that both are given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from everturn import ApplicationError, activity

from support_agents import faults
from support_agents.back_office import BackOffice
from support_agents.ledger import Ledger, UndoneError
from support_agents.services import Loyalty, Payments, RefusedError, Warehouse
from support_agents.settings import Settings
from support_agents.shop import Shop
from support_agents.types import CancellationStep, Order, Refund


class Actions:
    """The activities, with the services that they call. One per process."""

    def __init__(self, shop: Shop, settings: Settings) -> None:
        self._shop = shop
        self._settings = settings
        self._office = BackOffice(settings.back_office)
        ledger = Ledger(settings.back_office)
        self._warehouse = Warehouse(ledger)
        self._loyalty = Loyalty(ledger)
        self._payments = Payments(ledger, shop)

    def activities(self) -> list[Callable[..., Any]]:
        """Everything that a worker of the task queue serves."""
        return [
            self.hold_parcel,
            self.release_parcel,
            self.take_back_points,
            self.give_back_points,
            self.return_payment,
            self.close_order,
            self.pay_back,
        ]

    @activity
    def hold_parcel(self, step: CancellationStep) -> None:
        """Has the warehouse keep the parcel back."""
        with self._attempt():
            self._warehouse.hold(step.reference, self._order(step.number))

    @activity
    def release_parcel(self, step: CancellationStep) -> None:
        """Compensation of `hold_parcel`."""
        with self._attempt():
            self._warehouse.release(step.reference, self._order(step.number))

    @activity
    def take_back_points(self, step: CancellationStep) -> None:
        """Takes the loyalty points of the order back."""
        with self._attempt():
            self._loyalty.take_back(step.reference, self._order(step.number))

    @activity
    def give_back_points(self, step: CancellationStep) -> None:
        """Compensation of `take_back_points`."""
        with self._attempt():
            self._loyalty.give_back(step.reference, self._order(step.number))

    @activity
    def return_payment(self, step: CancellationStep) -> None:
        """Returns everything that was paid. Has no compensation: it comes last."""
        with self._attempt():
            order = self._order(step.number)
            self._payments.pay_back(step.reference, order, round(order.total * 100))

    @activity
    def close_order(self, step: CancellationStep) -> Order:
        """Closes the order as canceled: the order as it is then. Is never refused."""
        with self._attempt():
            return self._office.close(step.reference, self._order(step.number), "canceled")

    @activity
    def pay_back(self, refund: Refund) -> Order:
        """Pays money of a refund back, once; the order as it is then."""
        with self._attempt():
            # The run and not its workflow id: a second refund of an order is another one.
            reference = activity.context().run_id
            order = self._order(refund.number)
            self._payments.pay_back(reference, order, round(refund.amount * 100))
            return self._office.close(reference, order, "refunded")

    def _order(self, number: str) -> Order:
        order = self._shop.order(number)
        if order is None:
            raise RefusedError("NoOrder", f"there is no order {number}")
        return self._office.current(order)

    @contextmanager
    def _attempt(self) -> Generator[None]:
        """One attempt: may fail on purpose, and says what must not be tried again."""
        faults.strike_attempt(self._settings.faults)
        try:
            yield
        except RefusedError as error:
            raise ApplicationError(str(error), type=error.kind, non_retryable=True) from error
        except UndoneError as error:
            raise ApplicationError(str(error), type="Undone", non_retryable=True) from error
