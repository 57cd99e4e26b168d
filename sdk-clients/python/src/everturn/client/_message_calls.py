"""What becomes of messages after the fact: requests from, and answers to, plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from everturn.client import _conversation_models as models
from everturn.client._call import Call, nothing
from everturn.v1 import conversation_service_pb2 as pb
from everturn.values import _message_models as messages
from everturn.values._enums import member_of
from everturn.values._message_content import content_of
from everturn.values._payload import PayloadConverter

SERVICE = "ConversationService"


class MessageCalls:
    """Builds the calls of one client.

    Args:
        namespace: Namespace of every request.
        converter: Writes and reads payloads.
    """

    def __init__(self, namespace: str, converter: PayloadConverter) -> None:
        self._namespace = namespace
        self._converter = converter

    def report_delivery(
        self,
        conversation_id: str,
        status: messages.DeliveryStatus,
        *,
        message_sequence: int | None,
        provider_message_id: str | None,
        detail: str,
        channel: str,
    ) -> Call[messages.DeliveryStatus | None]:
        """ReportDelivery.

        Raises:
            ValueError: Not exactly one target is given.
        """
        if (message_sequence is None) == (provider_message_id is None):
            raise ValueError("either message_sequence or provider_message_id says which message")
        request = pb.ReportDeliveryRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            status=status.value,
            detail=detail,
            channel=channel,
        )
        if message_sequence is not None:
            request.message_sequence = message_sequence
        if provider_message_id is not None:
            request.provider_message_id = provider_message_id

        def read(response: pb.ReportDeliveryResponse) -> messages.DeliveryStatus | None:
            return member_of(messages.DeliveryStatus, response.status)

        return Call(SERVICE, "ReportDelivery", request, pb.ReportDeliveryResponse, read)

    def resend_message(
        self,
        conversation_id: str,
        message_sequence: int,
        *,
        channel: str,
        request_id: str | None,
    ) -> Call[None]:
        """ResendMessage."""
        request = pb.ResendMessageRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            message_sequence=message_sequence,
            channel=channel,
            request_id=request_id or str(uuid4()),
        )
        return Call(SERVICE, "ResendMessage", request, pb.ResendMessageResponse, nothing)

    def edit_message(
        self,
        conversation_id: str,
        text: str,
        *,
        channel: str,
        provider_message_id: str,
        customer_address: str,
        data: Any,
        attributes: Mapping[str, str] | None,
        attachments: Sequence[messages.Attachment],
    ) -> Call[models.MessageChange]:
        """EditMessage."""
        request = pb.EditMessageRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            channel=channel,
            provider_message_id=provider_message_id,
            customer_address=customer_address,
            content=content_of(text, data, attributes, attachments, self._converter),
        )

        def read(response: pb.EditMessageResponse) -> models.MessageChange:
            return models.MessageChange(response.message_sequence, response.change_sequence)

        return Call(SERVICE, "EditMessage", request, pb.EditMessageResponse, read)

    def retract_message(
        self,
        conversation_id: str,
        *,
        channel: str,
        provider_message_id: str,
        customer_address: str,
    ) -> Call[models.MessageChange]:
        """RetractMessage."""
        request = pb.RetractMessageRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            channel=channel,
            provider_message_id=provider_message_id,
            customer_address=customer_address,
        )

        def read(response: pb.RetractMessageResponse) -> models.MessageChange:
            return models.MessageChange(response.message_sequence, response.change_sequence)

        return Call(SERVICE, "RetractMessage", request, pb.RetractMessageResponse, read)

    def add_note(
        self,
        conversation_id: str,
        text: str,
        *,
        author_name: str,
        data: Any,
        attributes: Mapping[str, str] | None,
        attachments: Sequence[messages.Attachment],
        request_id: str | None,
    ) -> Call[int]:
        """AddNote."""
        request = pb.AddNoteRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            author_name=author_name,
            content=content_of(text, data, attributes, attachments, self._converter),
            request_id=request_id or str(uuid4()),
        )

        def read(response: pb.AddNoteResponse) -> int:
            return response.message_sequence

        return Call(SERVICE, "AddNote", request, pb.AddNoteResponse, read)
