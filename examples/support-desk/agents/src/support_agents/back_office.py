"""The shop's back office: what is canceled and paid back, in a small SQLite file.

Every change has a key, and a key changes something once: an attempt that is repeated, on whichever
worker, finds what the first one did.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from support_agents.types import Order

_BUSY_TIMEOUT_S = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
    key TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    status TEXT NOT NULL,
    pence INTEGER NOT NULL
)
"""


class BackOffice:
    """Changes of orders. Safe to use from several threads and processes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def cancel(self, key: str, order: Order) -> Order:
        """Cancels an order; what was paid goes back."""
        return self._change(key, order, "canceled", round(order.total * 100))

    def refund(self, key: str, order: Order, amount: float) -> Order:
        """Pays an amount back, in pounds."""
        return self._change(key, order, "refunded", round(amount * 100))

    def current(self, order: Order) -> Order:
        """The order as it is after all changes."""
        if not self._file.exists():
            return order
        with closing(self._open()) as database:
            row = database.execute(
                "SELECT status FROM changes WHERE number = ? ORDER BY rowid DESC", (order.number,)
            ).fetchone()
        return _changed(order, row[0]) if row else order

    def paid_back_pence(self, number: str) -> int:
        """What was paid back for an order, in pence."""
        with closing(self._open()) as database:
            row = database.execute(
                "SELECT COALESCE(SUM(pence), 0) FROM changes WHERE number = ?", (number,)
            ).fetchone()
        return int(row[0])

    def _change(self, key: str, order: Order, status: str, pence: int) -> Order:
        with closing(self._open()) as database, database:
            database.execute(
                "INSERT INTO changes VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (key, order.number, status, pence),
            )
        return _changed(order, status)

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._file, timeout=_BUSY_TIMEOUT_S)
        database.execute(_SCHEMA)
        return database


def _changed(order: Order, status: str) -> Order:
    return replace(order, status=status, arrives=None)
