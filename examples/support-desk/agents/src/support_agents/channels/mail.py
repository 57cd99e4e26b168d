"""Email over SMTP.

SMTP cannot be asked afterwards whether it has a message. So everything up to the end of the
message text is repeatable, a connection that is lost after that leaves the outcome unknown, and
``SentEmails`` tells the two apart when a whole attempt was lost.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from support_agents.channels.outgoing import NotSentError, OutcomeUnknownError, Outgoing, Sent
from support_agents.channels.sent import SentEmails

Security = Literal["none", "starttls", "tls"]

_SUBJECT = "Your question to Northtrail"
# Every server takes it.
_POLICY = SMTP.clone(cte_type="7bit")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where emails are handed in.

    Attributes:
        host: Name of the SMTP server.
        port: Its port.
        sender: Address that emails come from.
        security: "starttls" and "tls" check the server's certificate; "none" is for loopback.
        user: Who logs in; empty does not log in.
        password: Their password.
        sent_file: Where the adapter writes down what it hands over.
        timeout_s: Longest silence of the server, in seconds.
    """

    host: str
    port: int
    sender: str
    sent_file: Path
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 30.0


class MailAdapter:
    """Hands emails to an SMTP server. Safe to use from several threads."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._sent = SentEmails(settings.sent_file)

    def find(self, key: str) -> Sent | None:
        """The email of an earlier attempt that was lost, if the server took it.

        Raises:
            OutcomeUnknownError: Nobody knows.
        """
        return self._sent.find(key)

    def send(self, outgoing: Outgoing) -> Sent:
        """Hands one email over. Blocks.

        Raises:
            NotSentError: The server does not have it; retryable unless it will never take it.
            OutcomeUnknownError: The connection was lost when the server had all of it.
        """
        message = self.compose(outgoing)
        try:
            server = self._connect()
        except smtplib.SMTPAuthenticationError as error:
            raise _refused("login", error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(f"no connection to the mail server: {error}") from error
        try:
            self._address(server, outgoing.address)
            self._hand_over(server, outgoing.key, message)
        finally:
            server.close()
        sent = Sent(str(message["Message-ID"]))
        self._sent.taken(outgoing.key, sent.provider_message_id)
        return sent

    def compose(self, outgoing: Outgoing) -> EmailMessage:
        """The email: the same for every attempt, in one thread with its conversation.

        Raises:
            NotSentError: The address is none; will not be retried.
        """
        message = EmailMessage(policy=_POLICY)
        try:
            Address(addr_spec=outgoing.address)
            message["To"] = outgoing.address
        except (ValueError, IndexError, MessageError) as error:
            raise NotSentError(f"not an email address: {error}", retryable=False) from error
        message["From"] = self._settings.sender
        message["Subject"] = _reply_subject(outgoing.subject)
        # A server that sees a message for the second time may know it by its id.
        message["Message-ID"] = self._id(outgoing.key)
        # Below what it answers (RFC 5322, 3.6.4). What answers no mail has its conversation.
        answers, thread = _message_ids(outgoing.answers), _message_ids(outgoing.thread)
        if answers:
            message["In-Reply-To"] = answers[-1]
        message["References"] = " ".join(thread or [self._id(outgoing.conversation_id)])
        message["Auto-Submitted"] = "auto-replied"
        message.set_content(outgoing.text)
        return message

    def _id(self, text: str) -> str:
        domain = parseaddr(self._settings.sender)[1].rpartition("@")[2]
        return f"<{hashlib.sha256(text.encode()).hexdigest()[:32]}@{domain}>"

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.user:
                server.login(settings.user, settings.password)
            server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server

    def _address(self, server: smtplib.SMTP, address: str) -> None:
        """Everything before the text: nothing is sent yet."""
        sender = parseaddr(self._settings.sender)[1]
        try:
            for step, (code, reply) in (
                ("sender", server.mail(sender)),
                ("recipient", server.rcpt(address)),
            ):
                if code >= 300:
                    raise _refused(step, code, reply)
            server.putcmd("data")
            code, reply = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(f"the mail server went away: {error}") from error
        if code != 354:
            raise _refused("message", code, reply)

    def _hand_over(self, server: smtplib.SMTP, key: str, message: EmailMessage) -> None:
        self._sent.begin(key)
        try:
            server.send(_dotted(message.as_bytes()))
            code, reply = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknownError(f"the mail server went away at the end: {error}") from error
        if code >= 300:
            self._sent.refused(key)
            raise _refused("message", code, reply)


def _reply_subject(subject: str) -> str:
    if not subject:
        return _SUBJECT
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _message_ids(ids: Sequence[str]) -> list[str]:
    """Those that are ids of emails, and fit on a line."""
    return [it for it in ids if _MESSAGE_ID.fullmatch(it)]


def _dotted(data: bytes) -> bytes:
    """The text as SMTP sends it: lines that begin with a dot get another, a dot ends it."""
    lines = data.splitlines()
    return b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines) + b".\r\n"


def _refused(step: str, code: int, reply: bytes | str) -> NotSentError:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    # 4xx: come back later. 5xx: never.
    return NotSentError(f"the mail server refused the {step}: {code} {text}", retryable=code < 500)
