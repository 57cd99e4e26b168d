"""Who is typing, as adapters are told, for providers that can show it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from everturn.values._enums import member_of
from everturn.values._message_models import AuthorKind

if TYPE_CHECKING:
    from everturn.v1 import worker_service_pb2 as pb

_LOGGER = logging.getLogger("everturn.worker")
_FAILED = "typing could not be shown"


@dataclass(frozen=True, slots=True)
class TypingNotice:
    """Somebody is typing an answer, or has stopped: the customer may be shown so.

    Attributes:
        conversation_id: Id of the conversation.
        channel: Channel that the answer will go by.
        address: Address that it will go to.
        author_kind: Who: an agent or a person; ``None`` for a kind this version
            does not know.
        author_name: Their name, if known.
        is_typing: They are typing.
    """

    conversation_id: str
    channel: str
    address: str
    author_kind: AuthorKind | None
    author_name: str
    is_typing: bool


ShowTyping = Callable[[TypingNotice], Awaitable[None] | None]
"""The code of an adapter that shows who types."""


def notice_from_proto(proto: pb.TypingNotice) -> TypingNotice:
    """Reads what an adapter may show."""
    return TypingNotice(
        conversation_id=proto.conversation_id,
        channel=proto.channel,
        address=proto.address,
        author_kind=member_of(AuthorKind, proto.author_kind),
        author_name=proto.author_name,
        is_typing=proto.is_typing,
    )


async def show_async(show: ShowTyping, notice: TypingNotice) -> None:
    """Shows it on the event loop. Nothing depends on it: an error is only logged."""
    try:
        shown = show(notice)
        if shown is not None:
            await shown
    except Exception:
        _LOGGER.warning(_FAILED, exc_info=True, extra=_where(notice))


def show_sync(show: ShowTyping, notice: TypingNotice) -> None:
    """The same in a thread."""
    try:
        show(notice)
    except Exception:
        _LOGGER.warning(_FAILED, exc_info=True, extra=_where(notice))


def _where(notice: TypingNotice) -> dict[str, str]:
    return {"channel": notice.channel, "conversation_id": notice.conversation_id}
