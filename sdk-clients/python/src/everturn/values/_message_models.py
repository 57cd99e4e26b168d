"""Messages as plain Python values, and how they are read from protobuf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from everturn.v1 import message_pb2
from everturn.values._enums import member_of
from everturn.values._payload import plain_value
from everturn.values._times import from_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from everturn.values._payload import PayloadConverter


class AuthorKind(Enum):
    """Who wrote a message."""

    CUSTOMER = message_pb2.AUTHOR_KIND_CUSTOMER
    AGENT = message_pb2.AUTHOR_KIND_AGENT
    HUMAN = message_pb2.AUTHOR_KIND_HUMAN
    SYSTEM = message_pb2.AUTHOR_KIND_SYSTEM


class DeliveryStatus(Enum):
    """How far the delivery of a message has come.

    ``UNKNOWN``: its adapter was lost after it had begun, and nobody could find
    out whether the provider has the message. It is not sent again.
    """

    PENDING = message_pb2.DELIVERY_STATUS_PENDING
    SENDING = message_pb2.DELIVERY_STATUS_SENDING
    ACCEPTED = message_pb2.DELIVERY_STATUS_ACCEPTED
    DELIVERED = message_pb2.DELIVERY_STATUS_DELIVERED
    READ = message_pb2.DELIVERY_STATUS_READ
    FAILED = message_pb2.DELIVERY_STATUS_FAILED
    UNKNOWN = message_pb2.DELIVERY_STATUS_UNKNOWN


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message; its bytes are where ``uri`` says.

    Attributes:
        uri: Where its bytes are; 1 byte to 8 KiB.
        media_type: Media type ("image/png"); at most 256 bytes.
        name: File name; at most 2 KiB.
        size: Number of bytes; 0 if it is not known.
        sha256: SHA-256 of its bytes; empty if it is not known.
    """

    uri: str
    media_type: str = ""
    name: str = ""
    size: int = 0
    sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """The delivery of a message by the adapter of its channel.

    Attributes:
        status: How far it has come; ``None`` for a status this version does not
            know.
        address: Address it goes to.
        provider_message_id: Id that the provider gave it, once known.
        attempt: Number of the current or last attempt, from 1; 0 before it.
        detail: Why it failed or is unknown, or what the provider said.
        update_time: When the status last changed.
        channel: Channel that it goes out by: not the message's, if that could
            not deliver it.
    """

    status: DeliveryStatus | None
    address: str
    provider_message_id: str
    attempt: int
    detail: str
    update_time: datetime
    channel: str = ""


@dataclass(frozen=True, slots=True)
class MessageOrigin:
    """A place in the transcript of another conversation.

    Attributes:
        conversation_id: Id of the conversation.
        sequence: Position in its transcript.
    """

    conversation_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a conversation's transcript.

    Attributes:
        sequence: Position in the transcript, from 1, without gaps.
        author_kind: Who wrote it; ``None`` for a kind this version does not know.
        author_name: Name of the author, if known.
        channel: Channel it came in by or goes out by.
        provider_message_id: Id that the channel's provider gave an inbound one.
        text: The text.
        data: Structured content beside the text, as plain JSON values; bytes if
            the converter cannot read it.
        attributes: Small annotations.
        create_time: When it became part of the conversation.
        turn: Number of the turn that wrote an agent's message; 0 for others.
        delivery: Its delivery, if an adapter delivers it and it is not too long
            ago.
        attachments: Files that go with it.
        is_automatic: A machine wrote it: an auto-reply, a bounce, or one of our
            own addresses.
        is_note: A note: only staff and agents see it.
        edits: Position of the message that says this instead, if this entry
            changes one.
        retracts: Position of the message that was taken back, if this entry
            takes one back.
        customer_address: Address of the customer that an inbound message came
            from; empty if it is not known.
        merged_from: Where it was before its conversation was merged into this
            one.
    """

    sequence: int
    author_kind: AuthorKind | None
    author_name: str
    channel: str
    provider_message_id: str
    text: str
    data: Any
    attributes: Mapping[str, str]
    create_time: datetime
    turn: int
    delivery: DeliveryState | None = None
    attachments: Sequence[Attachment] = ()
    is_automatic: bool = False
    is_note: bool = False
    edits: int | None = None
    retracts: int | None = None
    customer_address: str = ""
    merged_from: MessageOrigin | None = None


def message_from_proto(proto: message_pb2.Message, converter: PayloadConverter) -> Message:
    """Reads a message of a transcript."""
    content = proto.content
    return Message(
        sequence=proto.sequence,
        author_kind=member_of(AuthorKind, proto.author_kind),
        author_name=proto.author_name,
        channel=proto.channel,
        provider_message_id=proto.provider_message_id,
        text=content.text,
        data=plain_value(content.data, converter) if content.HasField("data") else None,
        attributes=dict(content.attributes),
        create_time=from_timestamp(proto.create_time),
        turn=proto.turn,
        delivery=delivery_from_proto(proto.delivery) if proto.HasField("delivery") else None,
        attachments=tuple(_attachment(item) for item in content.attachments),
        is_automatic=proto.is_automatic,
        is_note=proto.is_note,
        edits=proto.edits_sequence if proto.HasField("edits_sequence") else None,
        retracts=proto.retracts_sequence if proto.HasField("retracts_sequence") else None,
        customer_address=proto.customer_address,
        merged_from=MessageOrigin(proto.merged_from.conversation_id, proto.merged_from.sequence)
        if proto.HasField("merged_from")
        else None,
    )


def attachment_to_proto(attachment: Attachment) -> message_pb2.Attachment:
    """The attachment as protobuf."""
    return message_pb2.Attachment(
        uri=attachment.uri,
        media_type=attachment.media_type,
        name=attachment.name,
        size=attachment.size,
        sha256=attachment.sha256,
    )


def delivery_from_proto(proto: message_pb2.DeliveryState) -> DeliveryState:
    """Reads how a delivery stands."""
    return DeliveryState(
        status=member_of(DeliveryStatus, proto.status),
        address=proto.address,
        provider_message_id=proto.provider_message_id,
        attempt=proto.attempt,
        detail=proto.detail,
        update_time=from_timestamp(proto.update_time),
        channel=proto.channel,
    )


def _attachment(proto: message_pb2.Attachment) -> Attachment:
    return Attachment(proto.uri, proto.media_type, proto.name, proto.size, proto.sha256)
