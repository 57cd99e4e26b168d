"""A mail server on loopback that keeps what it gets; aiosmtpd speaks the SMTP."""

from __future__ import annotations

import email
import email.policy
import logging
from collections import deque
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Literal, cast

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from asyncio import Transport

    from aiosmtpd.smtp import SMTP, Envelope, Session

_LOGGER = logging.getLogger("support_agents.stand_ins")

# How the next message goes wrong: the answer that it gets; or the connection is cut when the
# server has all of it ("lost").
Mishap = str | Literal["lost"]


class Mailbox:
    """A mail server.

    Attributes:
        emails: What was taken, in order.
        mishaps: What goes wrong with the next messages, in order; then nothing does.
        refused: Recipients that it does not know.
    """

    def __init__(self, port: int = 0) -> None:
        self.emails: list[EmailMessage] = []
        self.mishaps: deque[Mishap | None] = deque()
        self.refused: dict[str, str] = {}
        self._controller: Any = Controller(self, hostname="127.0.0.1", port=port)

    @property
    def port(self) -> int:
        """Where it listens, once it was started."""
        return int(self._controller.server.sockets[0].getsockname()[1])

    def start(self) -> None:
        """Begins to take mail."""
        self._controller.start()

    def stop(self) -> None:
        """Ends."""
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Takes or refuses a recipient."""
        answer = self.refused.get(address)
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes or refuses a message."""
        mishap = self.mishaps.popleft() if self.mishaps else None
        if mishap is not None and mishap != "lost":
            _LOGGER.info("refused an email to %s: %s", ", ".join(envelope.rcpt_tos), mishap)
            return mishap
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101  decode_data is off
        self.emails.append(email.message_from_bytes(content, policy=email.policy.SMTP))  # pyright: ignore[reportArgumentType]
        if mishap == "lost":
            cast("Transport", server.transport).abort()
        return "250 OK"
