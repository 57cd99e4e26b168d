"""ConversationService: requests built from, and answers read to, plain values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from everturn import _conversation_models as models
from everturn._call import Call, Page, nothing
from everturn._payload import PayloadConverter
from everturn._times import Seconds, from_timestamp, to_duration
from everturn.v1 import conversation_service_pb2 as pb
from everturn.v1.message_pb2 import MessageContent

SERVICE = "ConversationService"


class ConversationCalls:
    """Builds the calls of one client.

    Args:
        namespace: Namespace of every request.
        converter: Writes and reads payloads.
    """

    def __init__(self, namespace: str, converter: PayloadConverter) -> None:
        self._namespace = namespace
        self._converter = converter

    def submit_message(
        self,
        conversation_id: str,
        text: str,
        *,
        channel: str,
        conversation_type: str,
        provider_message_id: str | None,
        author_name: str,
        data: Any,
        attributes: Mapping[str, str] | None,
        task_queue: str,
        turn_policy: models.TurnPolicy | None,
        labels: Mapping[str, str] | None,
    ) -> Call[models.SubmittedMessage]:
        """SubmitMessage; an id is made up when the provider gave none."""
        # A repeated request must not become a second message.
        message_id = provider_message_id or f"everturn-{uuid4()}"
        content = MessageContent(
            text=text,
            data=None if data is None else self._converter.encode(data),
            attributes=dict(attributes or {}),
        )
        request = pb.SubmitMessageRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            conversation_type=conversation_type,
            channel=channel,
            provider_message_id=message_id,
            author_name=author_name,
            content=content,
            task_queue=task_queue,
            turn_policy=turn_policy.to_proto() if turn_policy else None,
            labels=dict(labels or {}),
        )

        def read(response: pb.SubmitMessageResponse) -> models.SubmittedMessage:
            accept_time = from_timestamp(response.accept_time)
            return models.SubmittedMessage(response.message_sequence, accept_time, message_id)

        return Call(SERVICE, "SubmitMessage", request, pb.SubmitMessageResponse, read)

    def get(self, conversation_id: str) -> Call[models.Conversation]:
        """GetConversation."""
        request = pb.GetConversationRequest(
            namespace=self._namespace, conversation_id=conversation_id
        )

        def read(response: pb.GetConversationResponse) -> models.Conversation:
            return models.conversation_from_proto(response.conversation, self._converter)

        return Call(SERVICE, "GetConversation", request, pb.GetConversationResponse, read)

    def list_page(
        self,
        page_token: str,
        *,
        conversation_type: str,
        status: models.ConversationStatus | None,
        page_size: int,
    ) -> Call[Page[models.Conversation]]:
        """One page of ListConversations."""
        request = pb.ListConversationsRequest(
            namespace=self._namespace,
            page_size=page_size,
            page_token=page_token,
            conversation_type=conversation_type,
            status=status.value if status else pb.CONVERSATION_STATUS_UNSPECIFIED,
        )
        one = partial(models.conversation_from_proto, converter=self._converter)

        def read(response: pb.ListConversationsResponse) -> Page[models.Conversation]:
            return Page([one(item) for item in response.conversations], response.next_page_token)

        return Call(SERVICE, "ListConversations", request, pb.ListConversationsResponse, read)

    def messages_page(
        self, page_token: str, conversation_id: str, *, after_sequence: int, page_size: int
    ) -> Call[Page[models.Message]]:
        """One page of ListMessages."""
        request = pb.ListMessagesRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            page_size=page_size,
            page_token=page_token,
            after_sequence=after_sequence,
        )
        one = partial(models.message_from_proto, converter=self._converter)

        def read(response: pb.ListMessagesResponse) -> Page[models.Message]:
            return Page([one(item) for item in response.messages], response.next_page_token)

        return Call(SERVICE, "ListMessages", request, pb.ListMessagesResponse, read)

    def close(self, conversation_id: str, reason: str, grace: Seconds | None) -> Call[None]:
        """CloseConversation."""
        request = pb.CloseConversationRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            reason=reason,
            grace=to_duration(grace),
        )
        response = pb.CloseConversationResponse
        return Call(SERVICE, "CloseConversation", request, response, nothing)

    def watch(self, conversation_id: str, after_sequence: int) -> ConversationWatch:
        """WatchConversation, as a cursor that survives broken streams."""
        return ConversationWatch(self._namespace, conversation_id, after_sequence, self._converter)


class ConversationWatch:
    """Where a watch stands: makes the next request, reads the updates.

    Attributes:
        is_closed: True once the conversation was closed: the watch is over.
    """

    def __init__(
        self,
        namespace: str,
        conversation_id: str,
        after_sequence: int,
        converter: PayloadConverter,
    ) -> None:
        self._namespace = namespace
        self._conversation_id = conversation_id
        self._sequence = after_sequence
        self._converter = converter
        self._caught_up = False
        self.is_closed = False

    def call(self) -> Call[models.ConversationUpdate | None]:
        """The call that continues after the last message that was handed out."""
        request = pb.WatchConversationRequest(
            namespace=self._namespace,
            conversation_id=self._conversation_id,
            after_sequence=self._sequence,
        )
        response = pb.WatchConversationResponse
        return Call(SERVICE, "WatchConversation", request, response, self._read)

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
            case models.ConversationClosed():
                self.is_closed = True
            case _:
                pass
        return update
