"""The adapters as deliveries of Everturn, and receipts as reports to it."""

from __future__ import annotations

from typing import Protocol

from everturn import (
    ApplicationError,
    Client,
    Delivery,
    DeliveryReceipt,
    DeliveryStatus,
    DeliveryUnknownError,
    FailedPreconditionError,
    NotFoundError,
    RpcError,
    delivery,
)

from support_agents.channels.mail import MailAdapter
from support_agents.channels.outgoing import NotSentError, OutcomeUnknownError, Outgoing, Sent
from support_agents.channels.receipts import Outcome, Receipt
from support_agents.channels.sms import SmsAdapter

_STATUSES = {
    "accepted": DeliveryStatus.ACCEPTED,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
}


class Adapter(Protocol):
    """What both adapters can do."""

    def send(self, outgoing: Outgoing) -> Sent:
        """Hands a message over."""
        ...

    def find(self, key: str) -> Sent | None:
        """The message of an attempt that was lost."""
        ...


class MailDeliveries:
    """Delivers the messages of the channel "email"."""

    def __init__(self, adapter: MailAdapter) -> None:
        self._adapter = adapter

    @delivery(channel="email", can_reconcile=True)
    def deliver(self, task: Delivery) -> DeliveryReceipt:
        """Hands one email over. One that may have left is not sent again."""
        return _deliver(self._adapter, task)


class SmsDeliveries:
    """Delivers the messages of the channel "sms"."""

    def __init__(self, adapter: SmsAdapter) -> None:
        self._adapter = adapter

    @delivery(channel="sms", can_reconcile=True)
    def deliver(self, task: Delivery) -> DeliveryReceipt:
        """Hands one text message over, unless the gateway has it from an attempt that was lost."""
        return _deliver(self._adapter, task)


class Reporter:
    """Tells the coordinator what the gateway said. Safe to use from several threads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def report(self, receipt: Receipt) -> Outcome:
        """Reports one receipt; says how the gateway is to be answered."""
        try:
            self._client.conversations.report_delivery(
                receipt.conversation_id,
                _STATUSES[receipt.status],
                provider_message_id=receipt.provider_message_id,
                detail=receipt.detail,
            )
        except NotFoundError:
            return Outcome.UNKNOWN
        except FailedPreconditionError:
            # The conversation is over: nobody wants to know any more.
            return Outcome.TAKEN
        except RpcError:
            return Outcome.LATER
        return Outcome.TAKEN


def _deliver(adapter: Adapter, task: Delivery) -> DeliveryReceipt:
    key = task.idempotency_key
    answered = task.in_reply_to
    outgoing = Outgoing(
        task.conversation_id,
        key,
        task.address,
        task.message.text,
        subject=answered.subject if answered else "",
        answers=answered.provider_message_ids if answered else (),
        thread=answered.references if answered else (),
    )
    try:
        found = adapter.find(key) if task.reconcile else None
        sent = found or adapter.send(outgoing)
    except NotSentError as error:
        raise ApplicationError(
            str(error),
            type="NotSent",
            non_retryable=not error.retryable,
            retry_after=error.retry_after_s,
        ) from error
    except OutcomeUnknownError as error:
        raise DeliveryUnknownError(str(error)) from error
    return DeliveryReceipt(sent.provider_message_id)
