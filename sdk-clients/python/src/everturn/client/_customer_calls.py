"""Customers, not only conversations: requests from, and answers to, plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from everturn.client import _conversation_models as models
from everturn.client import _policy_models as policies
from everturn.client._call import Call, nothing
from everturn.v1 import conversation_service_pb2 as pb
from everturn.values import _message_models as messages
from everturn.values._message_content import content_of
from everturn.values._payload import PayloadConverter
from everturn.values._times import to_timestamp

SERVICE = "ConversationService"
_PART_MESSAGES = 500
_PART_BYTES = 1024 * 1024


class CustomerCalls:
    """Builds the calls of one client.

    Args:
        namespace: Namespace of every request.
        converter: Writes and reads payloads.
    """

    def __init__(self, namespace: str, converter: PayloadConverter) -> None:
        self._namespace = namespace
        self._converter = converter

    def submit_typing(
        self,
        conversation_id: str,
        is_typing: bool,
        *,
        channel: str,
        customer_address: str,
        author_kind: messages.AuthorKind,
        author_name: str,
    ) -> Call[None]:
        """SubmitTyping."""
        request = pb.SubmitTypingRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            channel=channel,
            customer_address=customer_address,
            author_kind=author_kind.value,
            author_name=author_name,
            has_stopped=not is_typing,
        )
        return Call(SERVICE, "SubmitTyping", request, pb.SubmitTypingResponse, nothing)

    def link_address(self, conversation_id: str, contact: models.Contact) -> Call[str | None]:
        """LinkAddress."""
        request = pb.LinkAddressRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            contact=pb.Contact(channel=contact.channel, address=contact.address),
        )

        def read(response: pb.LinkAddressResponse) -> str | None:
            return response.previous_conversation_id or None

        return Call(SERVICE, "LinkAddress", request, pb.LinkAddressResponse, read)

    def merge(self, conversation_id: str, into: str) -> Call[models.Conversation]:
        """MergeConversations."""
        request = pb.MergeConversationsRequest(
            namespace=self._namespace, conversation_id=conversation_id, into_conversation_id=into
        )

        def read(response: pb.MergeConversationsResponse) -> models.Conversation:
            return models.conversation_from_proto(response.conversation, self._converter)

        return Call(SERVICE, "MergeConversations", request, pb.MergeConversationsResponse, read)

    def imports(
        self,
        conversation_id: str,
        transcript: Iterable[models.ImportedMessage],
        *,
        conversation_type: str,
        task_queue: str,
        turn_policy: policies.TurnPolicy | None,
        labels: Mapping[str, str] | None,
        addresses: Mapping[str, str] | None,
        reply_channel: str,
    ) -> Iterator[Call[int]]:
        """ImportConversation, part by part; one at least, which opens the conversation."""

        def call(part: list[pb.ImportedMessage], after_sequence: int) -> Call[int]:
            request = pb.ImportConversationRequest(
                namespace=self._namespace,
                conversation_id=conversation_id,
                conversation_type=conversation_type,
                task_queue=task_queue,
                turn_policy=policies.policy_to_proto(turn_policy) if turn_policy else None,
                labels=dict(labels or {}),
                addresses=dict(addresses or {}),
                reply_channel=reply_channel,
                messages=part,
                after_sequence=after_sequence,
            )
            answer = pb.ImportConversationResponse
            count = after_sequence + len(part)
            return Call(SERVICE, "ImportConversation", request, answer, lambda _: count)

        part: list[pb.ImportedMessage] = []
        size = count = 0
        for message in transcript:
            proto = self._imported(message)
            adds = proto.ByteSize()
            if len(part) == _PART_MESSAGES or (part and size + adds > _PART_BYTES):
                yield call(part, count)
                count += len(part)
                part, size = [], 0
            part.append(proto)
            size += adds
        if part or not count:
            yield call(part, count)

    def _imported(self, message: models.ImportedMessage) -> pb.ImportedMessage:
        attributes, attachments = message.attributes, message.attachments
        return pb.ImportedMessage(
            author_kind=message.author_kind.value,
            author_name=message.author_name,
            channel=message.channel,
            provider_message_id=message.provider_message_id,
            content=content_of(
                message.text, message.data, attributes, attachments, self._converter
            ),
            create_time=_time(message.create_time),
            customer_address=message.customer_address,
            is_note=message.is_note,
        )


def _time(value: datetime) -> Timestamp | None:
    if value.tzinfo is None:
        raise ValueError("create_time needs a time zone")
    return to_timestamp(value)
