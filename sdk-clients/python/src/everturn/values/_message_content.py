"""What a message says, as protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from everturn.v1.message_pb2 import MessageContent
from everturn.values._message_models import Attachment, attachment_to_proto
from everturn.values._payload import PayloadConverter


def content_of(
    text: str,
    data: Any,
    attributes: Mapping[str, str] | None,
    attachments: Sequence[Attachment],
    converter: PayloadConverter,
) -> MessageContent:
    """The content of a message.

    Raises:
        PayloadError: The data cannot be written.
    """
    return MessageContent(
        text=text,
        data=None if data is None else converter.encode(data),
        attributes=dict(attributes or {}),
        attachments=[attachment_to_proto(attachment) for attachment in attachments],
    )
