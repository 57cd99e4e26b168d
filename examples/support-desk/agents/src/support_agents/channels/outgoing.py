"""What adapters are given and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of the shop that is to leave.

    Attributes:
        conversation_id: Conversation that it belongs to; keeps the emails of one together.
        key: The same for every attempt, and for no other message.
        address: Where it goes: an email address, a telephone number.
        text: What it says.
        subject: What the message was about that it answers; empty if it had no subject.
        answers: Provider's ids of the messages that it answers, oldest first.
        thread: Provider's ids of the thread so far, oldest first.
    """

    conversation_id: str
    key: str
    address: str
    text: str
    subject: str = ""
    answers: Sequence[str] = ()
    thread: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A provider took a message.

    Attributes:
        provider_message_id: Id that its receipts will name.
    """

    provider_message_id: str


class DeliveryError(Exception):
    """A message did not leave, or nobody knows whether it did."""


class NotSentError(DeliveryError):
    """The provider certainly does not have the message.

    Attributes:
        retryable: Another attempt may succeed.
        retry_after_s: How long the provider asked to wait, in seconds, if it did.
    """

    def __init__(
        self, message: str, *, retryable: bool = True, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class OutcomeUnknownError(DeliveryError):
    """The connection was lost after the message was handed over: it may have left or not.

    Sending it again might say it twice.
    """
