"""What becomes of messages after the fact, for blocking code: receipts, edits, notes."""

# Made of `_messages_async.py` by scripts/generate_sync_client.py.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from everturn.client import _conversation_models as models
from everturn.client._message_calls import MessageCalls
from everturn.client._transport_sync import SyncTransport
from everturn.values import _message_models as messages


class Messages:
    """The calls of ConversationService about messages that are in a transcript."""

    def __init__(self, transport: SyncTransport, message_calls: MessageCalls) -> None:
        self._transport = transport
        self._message_calls = message_calls

    def report_delivery(
        self,
        conversation_id: str,
        status: messages.DeliveryStatus,
        *,
        message_sequence: int | None = None,
        provider_message_id: str | None = None,
        detail: str = "",
        channel: str = "",
    ) -> messages.DeliveryStatus | None:
        """Reports what a provider said about a delivered message.

        Receipts may come in any order and repeatedly: the status only moves
        forward; also before the adapter has reported the id.

        Args:
            conversation_id: Id of the conversation.
            status: What became of it: ACCEPTED, DELIVERED, READ or FAILED.
            message_sequence: Which message, by its position, or else
            provider_message_id: by the id that the provider gave it.
            detail: What the provider said.
            channel: Channel of the message, where ids are not unique among
                channels. Default: any.

        Returns:
            How far the delivery has come now; ``None`` for a status that this
            version does not know.

        Raises:
            ValueError: Not exactly one of the two says which message.
        """
        return self._transport.call(
            self._message_calls.report_delivery(
                conversation_id,
                status,
                message_sequence=message_sequence,
                provider_message_id=provider_message_id,
                detail=detail,
                channel=channel,
            )
        )

    def resend_message(
        self,
        conversation_id: str,
        message_sequence: int,
        *,
        channel: str = "",
        request_id: str | None = None,
    ) -> None:
        """Sends a message again whose delivery has failed or is unknown.

        It goes to the present address. Refused (NOT_RESENDABLE) while it is
        under way or when it has arrived.

        Args:
            conversation_id: Id of the conversation.
            message_sequence: Position of the message.
            channel: Channel to send it by. Default: the one it was sent by.
            request_id: Makes a repeated request safe. Default: one per call.
        """
        self._transport.call(
            self._message_calls.resend_message(
                conversation_id, message_sequence, channel=channel, request_id=request_id
            )
        )

    def edit_message(
        self,
        conversation_id: str,
        text: str = "",
        *,
        channel: str,
        provider_message_id: str,
        customer_address: str = "",
        data: Any = None,
        attributes: Mapping[str, str] | None = None,
        attachments: Sequence[messages.Attachment] = (),
    ) -> models.MessageChange:
        """Tells that the customer has edited a message. Idempotent.

        Before a turn was given it, the turn is given the new words; while one
        has it, the change is a message to that turn; after it, the change is in
        the transcript (``TurnPolicy.on_edit``).

        Args:
            conversation_id: Id of the conversation.
            text: What it says now; may be empty when there is something else.
            channel: Channel that it came in by.
            provider_message_id: Id that the channel's provider gave it; the
                last 1,000 messages are known.
            customer_address: Address that it came from, as it was submitted.
            data: Structured content beside the text.
            attributes: Small annotations.
            attachments: Files that go with it.
        """
        return self._transport.call(
            self._message_calls.edit_message(
                conversation_id,
                text,
                channel=channel,
                provider_message_id=provider_message_id,
                customer_address=customer_address,
                data=data,
                attributes=attributes,
                attachments=attachments,
            )
        )

    def retract_message(
        self,
        conversation_id: str,
        *,
        channel: str,
        provider_message_id: str,
        customer_address: str = "",
    ) -> models.MessageChange:
        """Tells that the customer has taken a message back. Idempotent.

        Args:
            conversation_id: Id of the conversation.
            channel: Channel that it came in by.
            provider_message_id: Id that the channel's provider gave it.
            customer_address: Address that it came from, as it was submitted.
        """
        return self._transport.call(
            self._message_calls.retract_message(
                conversation_id,
                channel=channel,
                provider_message_id=provider_message_id,
                customer_address=customer_address,
            )
        )

    def add_note(
        self,
        conversation_id: str,
        text: str = "",
        *,
        author_name: str,
        data: Any = None,
        attributes: Mapping[str, str] | None = None,
        attachments: Sequence[messages.Attachment] = (),
        request_id: str | None = None,
    ) -> int:
        """Adds a note that only staff and agents see.

        Args:
            conversation_id: Id of the conversation.
            text: What it says; may be empty when there is something else.
            author_name: Name of the one who writes.
            data: Structured content beside the text.
            attributes: Small annotations.
            attachments: Files that go with it.
            request_id: Makes a repeated request safe. Default: one per call.

        Returns:
            Its position in the transcript.
        """
        return self._transport.call(
            self._message_calls.add_note(
                conversation_id,
                text,
                author_name=author_name,
                data=data,
                attributes=attributes,
                attachments=attachments,
                request_id=request_id,
            )
        )
