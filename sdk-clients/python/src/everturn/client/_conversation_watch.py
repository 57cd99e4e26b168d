"""A watch of a conversation as a cursor that survives broken streams."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import replace

from everturn.client import _watch_models as models
from everturn.client._call import Call
from everturn.v1 import conversation_service_pb2 as pb
from everturn.values._errors import RpcError
from everturn.values._payload import PayloadConverter

_CURSORS_MAX = 1_000
_UTF8 = codecs.getincrementaldecoder("utf-8")

OutputName = tuple[str, str]
"""Names an activity whose output is followed: workflow id and key."""


class ConversationWatch:
    """Where a watch stands: makes the next request, reads the updates.

    Attributes:
        is_closed: True once the conversation was closed: the watch is over.
    """

    def __init__(
        self,
        namespace: str,
        conversation_id: str,
        converter: PayloadConverter,
        *,
        after_sequence: int,
        outputs: bool,
        cursors: Sequence[models.OutputCursor],
        include_notes: bool = False,
    ) -> None:
        self._namespace = namespace
        self._conversation_id = conversation_id
        self._converter = converter
        self._sequence = after_sequence
        self._without_outputs = not outputs
        self._include_notes = include_notes
        # The one that moved last is at the end.
        self._cursors: dict[OutputName, models.OutputCursor] = {}
        # Characters that pieces share are put together, by output.
        self._decoders: dict[OutputName, codecs.IncrementalDecoder] = {}
        for cursor in cursors:
            self._move(cursor)
        self._caught_up = False
        self.is_closed = False

    def call(self) -> Call[models.ConversationUpdate | None]:
        """The call that continues after what was handed out."""
        request = pb.WatchConversationRequest(
            namespace=self._namespace,
            conversation_id=self._conversation_id,
            after_sequence=self._sequence,
            output_cursors=[models.cursor_to_proto(c) for c in self._cursors.values()],
            without_outputs=self._without_outputs,
            include_notes=self._include_notes,
        )
        response = pb.WatchConversationResponse
        return Call("ConversationService", "WatchConversation", request, response, self._read)

    def restart_outputs(self, error: RpcError) -> list[models.OutputReset]:
        """The outputs that begin anew after an error; empty if it is about something else.

        A coordinator that was restarted may have less of an output than this
        watch: then all of them are taken from their beginnings.
        """
        if error.reason != "CURSOR_INVALID":
            return []
        followed = list(self._cursors.values())
        self._cursors.clear()
        self._decoders.clear()
        return [models.OutputReset(replace(cursor, sequence=0)) for cursor in followed]

    def _read(self, response: pb.WatchConversationResponse) -> models.ConversationUpdate | None:
        """The update to hand out; ``None`` for one that says nothing new."""
        update = models.update_from_proto(response, self._converter)
        match update:
            case models.MessageAdded(message):
                if message.sequence <= self._sequence:
                    return None
                self._sequence = message.sequence
            case models.CaughtUp():
                if self._caught_up:
                    return None
                self._caught_up = True
            case models.OutputDelta(cursor, data):
                if self._has(cursor):
                    return None
                self._move(cursor)
                return replace(update, text=self._decoded(cursor, data))
            case models.OutputReset(cursor):
                self._move(cursor)
                self._decoders.pop((cursor.workflow_id, cursor.key), None)
            case models.OutputEnded(cursor):
                name = (cursor.workflow_id, cursor.key)
                self._cursors.pop(name, None)
                self._decoders.pop(name, None)
            case models.ConversationClosed():
                self.is_closed = True
            case _:
                pass
        return update

    def _decoded(self, cursor: models.OutputCursor, data: bytes) -> str:
        name = (cursor.workflow_id, cursor.key)
        decoder = self._decoders.get(name)
        if decoder is None:
            decoder = self._decoders[name] = _UTF8(errors="replace")
        return decoder.decode(data)

    def _has(self, cursor: models.OutputCursor) -> bool:
        """True for a piece that was handed out, or of an attempt that is over."""
        at = self._cursors.get((cursor.workflow_id, cursor.key))
        if at is None:
            return False
        return (cursor.attempt, cursor.sequence) <= (at.attempt, at.sequence)

    def _move(self, cursor: models.OutputCursor) -> None:
        name = (cursor.workflow_id, cursor.key)
        self._cursors.pop(name, None)
        self._cursors[name] = cursor
        if len(self._cursors) > _CURSORS_MAX:
            oldest = next(iter(self._cursors))
            del self._cursors[oldest]
            self._decoders.pop(oldest, None)
