"""The shop's back office: how orders stand after what was done about them, in a small SQLite file.

Every change has a key, and a key changes something once: an attempt that is repeated, on whichever
worker, finds what the first one did.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from support_agents.types import Order

_BUSY_TIMEOUT_S = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS statuses (
    key TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    status TEXT NOT NULL
)
"""


class BackOffice:
    """Changes of orders. Safe to use from several threads and processes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def close(self, key: str, order: Order, status: Literal["canceled", "refunded"]) -> Order:
        """Closes an order: the order as it is then."""
        with closing(self._open()) as database, database:
            database.execute(
                "INSERT INTO statuses VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (key, order.number, status),
            )
        return _closed(order, status)

    def current(self, order: Order) -> Order:
        """The order as it is after all changes."""
        if not self._file.exists():
            return order
        with closing(self._open()) as database:
            row = database.execute(
                "SELECT status FROM statuses WHERE number = ? ORDER BY rowid DESC", (order.number,)
            ).fetchone()
        return _closed(order, row[0]) if row else order

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._file, timeout=_BUSY_TIMEOUT_S)
        database.execute(_SCHEMA)
        return database


def _closed(order: Order, status: str) -> Order:
    return replace(order, status=status, arrives=None)
