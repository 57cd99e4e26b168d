"""The ledger: what the shop had other services do for an order, and what was undone again.

An entry is known by the reference that it was made under and by what it is. It is done once and
undone once, however often and on whichever worker an attempt is repeated. What is undone before it
was done, because that attempt is still under way somewhere, is not done any more when it comes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Kind = Literal["hold", "points", "payment"]

_BUSY_TIMEOUT_S = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
    reference TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    amount INTEGER NOT NULL,
    done INTEGER NOT NULL,
    undone INTEGER NOT NULL,
    PRIMARY KEY (reference, kind)
)
"""


class UndoneError(Exception):
    """The entry was undone before it was done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done for an order.

    Attributes:
        reference: What it was done under; undone under the same.
        kind: hold: the warehouse keeps the parcel back. points: loyalty points were taken back.
            payment: money went back.
        number: The order.
        amount: Points, or pence; 0 for a hold.
        done: It was done.
        undone: It was undone, or must not be done any more.
    """

    reference: str
    kind: str
    number: str
    amount: int
    done: bool
    undone: bool

    @property
    def stands(self) -> bool:
        """Done, and not undone."""
        return self.done and not self.undone


class Ledger:
    """The entries of all orders. Safe to use from several threads and processes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def do(self, reference: str, kind: Kind, number: str, amount: int) -> None:
        """Makes an entry, once.

        Raises:
            UndoneError: It was undone already.
        """
        with closing(self._open()) as database, database:
            database.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?, TRUE, FALSE) ON CONFLICT DO NOTHING",
                (reference, kind, number, amount),
            )
            (undone,) = database.execute(
                "SELECT undone FROM ledger WHERE reference = ? AND kind = ?", (reference, kind)
            ).fetchone()
        if undone:
            raise UndoneError(f"{kind} for {number} was undone")

    def undo(self, reference: str, kind: Kind, number: str) -> None:
        """Undoes an entry, once; if it is not there yet, it will not come."""
        with closing(self._open()) as database, database:
            database.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, 0, FALSE, TRUE)"
                " ON CONFLICT DO UPDATE SET undone = TRUE",
                (reference, kind, number),
            )

    def of_order(self, number: str) -> list[Entry]:
        """Everything about an order, oldest first."""
        if not self._file.exists():
            return []
        with closing(self._open()) as database:
            rows: Iterable[tuple[str, str, str, int, int, int]] = database.execute(
                "SELECT * FROM ledger WHERE number = ? ORDER BY rowid", (number,)
            ).fetchall()
        return [Entry(*row[:4], done=bool(row[4]), undone=bool(row[5])) for row in rows]

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._file, timeout=_BUSY_TIMEOUT_S)
        database.execute(_SCHEMA)
        return database
