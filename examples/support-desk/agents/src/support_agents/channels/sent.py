"""What the mail adapter knows about emails of earlier attempts: a small SQLite file.

SMTP cannot be asked whether it has a message, so the adapter writes down when it begins to hand one
over and when the server took it. Every worker that delivers email must share the file.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from support_agents.channels.outgoing import OutcomeUnknownError, Sent

if TYPE_CHECKING:
    from pathlib import Path

_BUSY_TIMEOUT_S = 10.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS emails (key TEXT PRIMARY KEY, id TEXT)"


class SentEmails:
    """Emails that were begun, and those that were taken. Safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def begin(self, key: str) -> None:
        """From here on nobody can tell, until the server answers."""
        self._write("INSERT INTO emails VALUES (?, NULL) ON CONFLICT DO NOTHING", (key,))

    def refused(self, key: str) -> None:
        """The server does not have it."""
        self._write("DELETE FROM emails WHERE key = ? AND id IS NULL", (key,))

    def taken(self, key: str, message_id: str) -> None:
        """The server has it."""
        self._write("UPDATE emails SET id = ? WHERE key = ?", (message_id, key))

    def find(self, key: str) -> Sent | None:
        """What became of earlier attempts; none if the server certainly has nothing of them.

        Raises:
            OutcomeUnknownError: One was begun, and its end is not known.
        """
        with closing(self._open()) as database:
            row = database.execute("SELECT id FROM emails WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        if row[0] is None:
            raise OutcomeUnknownError("an attempt was lost while it handed the email over")
        return Sent(str(row[0]))

    def _write(self, statement: str, values: tuple[str, ...]) -> None:
        with closing(self._open()) as database, database:
            database.execute(statement, values)

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._file, timeout=_BUSY_TIMEOUT_S)
        database.execute("PRAGMA synchronous = FULL")
        database.execute(_SCHEMA)
        return database
