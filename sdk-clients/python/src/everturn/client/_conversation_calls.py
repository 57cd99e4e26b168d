"""ConversationService: requests built from, and answers read to, plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from everturn.client import _conversation_models as models
from everturn.client import _policy_models as policies
from everturn.client import _watch_models as watches
from everturn.client._call import Call, Page, nothing
from everturn.client._channel_policy import OptOut
from everturn.client._conversation_watch import ConversationWatch
from everturn.client._waiting import WaitReason
from everturn.v1 import conversation_service_pb2 as pb
from everturn.v1.policy_pb2 import OPT_OUT_UNSPECIFIED
from everturn.values import _message_models as messages
from everturn.values._message_content import content_of
from everturn.values._payload import PayloadConverter
from everturn.values._times import Seconds, from_timestamp, to_duration, to_timestamp

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
        target: str | models.Contact,
        text: str,
        *,
        channel: str,
        conversation_type: str,
        provider_message_id: str | None,
        author_name: str,
        data: Any,
        attributes: Mapping[str, str] | None,
        attachments: Sequence[messages.Attachment],
        task_queue: str,
        turn_policy: policies.TurnPolicy | None,
        labels: Mapping[str, str] | None,
        customer_address: str,
        is_automatic: bool,
        opt_out: OptOut | None,
    ) -> Call[models.SubmittedMessage]:
        """SubmitMessage; an id is made up when the provider gave none."""
        # A repeated request must not become a second message.
        message_id = provider_message_id or f"everturn-{uuid4()}"
        content = content_of(text, data, attributes, attachments, self._converter)
        request = pb.SubmitMessageRequest(
            namespace=self._namespace,
            conversation_type=conversation_type,
            channel=channel,
            provider_message_id=message_id,
            author_name=author_name,
            content=content,
            task_queue=task_queue,
            turn_policy=policies.policy_to_proto(turn_policy) if turn_policy else None,
            labels=dict(labels or {}),
            customer_address=customer_address,
            is_automatic=is_automatic,
            opt_out=opt_out.value if opt_out else OPT_OUT_UNSPECIFIED,
        )
        if isinstance(target, str):
            request.conversation_id = target
        else:
            # The name is a keyword of the language.
            contact: pb.Contact = getattr(request, "from")
            contact.channel, contact.address = target.channel, target.address

        def read(response: pb.SubmitMessageResponse) -> models.SubmittedMessage:
            accept_time = from_timestamp(response.accept_time)
            sequence, conversation_id = response.message_sequence, response.conversation_id
            return models.SubmittedMessage(sequence, accept_time, message_id, conversation_id)

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
        waiting: Sequence[WaitReason],
        unanswered_before: datetime | None,
        page_size: int,
    ) -> Call[Page[models.Conversation]]:
        """One page of ListConversations."""
        request = pb.ListConversationsRequest(
            namespace=self._namespace,
            page_size=page_size,
            page_token=page_token,
            conversation_type=conversation_type,
            wait_reasons=[reason.value for reason in waiting],
            status=status.value if status else pb.CONVERSATION_STATUS_UNSPECIFIED,
            unanswered_before_time=to_timestamp(unanswered_before),
        )
        one = partial(models.conversation_from_proto, converter=self._converter)

        def read(response: pb.ListConversationsResponse) -> Page[models.Conversation]:
            return Page([one(item) for item in response.conversations], response.next_page_token)

        return Call(SERVICE, "ListConversations", request, pb.ListConversationsResponse, read)

    def messages_page(
        self,
        page_token: str,
        conversation_id: str,
        *,
        after_sequence: int,
        page_size: int,
        include_notes: bool,
    ) -> Call[Page[messages.Message]]:
        """One page of ListMessages."""
        request = pb.ListMessagesRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            page_size=page_size,
            page_token=page_token,
            after_sequence=after_sequence,
            include_notes=include_notes,
        )
        one = partial(messages.message_from_proto, converter=self._converter)

        def read(response: pb.ListMessagesResponse) -> Page[messages.Message]:
            return Page([one(item) for item in response.messages], response.next_page_token)

        return Call(SERVICE, "ListMessages", request, pb.ListMessagesResponse, read)

    def close(
        self, conversation_id: str, reason: str, grace: Seconds | None, unless_after: int
    ) -> Call[None]:
        """CloseConversation."""
        request = pb.CloseConversationRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            reason=reason,
            grace=to_duration(grace),
            unless_after=unless_after,
        )
        response = pb.CloseConversationResponse
        return Call(SERVICE, "CloseConversation", request, response, nothing)

    def submit_event(
        self,
        conversation_id: str,
        event_type: str,
        payload: Any,
        *,
        event_id: str | None,
        conversation_type: str,
        task_queue: str,
        turn_policy: policies.TurnPolicy | None,
        labels: Mapping[str, str] | None,
        addresses: Mapping[str, str] | None,
        reply_channel: str,
    ) -> Call[models.SubmittedEvent]:
        """SubmitEvent; an id is made up when the source gave none."""
        # A repeated request must not become a second event.
        chosen_id = event_id or f"everturn-{uuid4()}"
        request = pb.SubmitEventRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            conversation_type=conversation_type,
            event_type=event_type,
            event_id=chosen_id,
            payload=self._converter.encode(payload),
            task_queue=task_queue,
            turn_policy=policies.policy_to_proto(turn_policy) if turn_policy else None,
            labels=dict(labels or {}),
            addresses=dict(addresses or {}),
            reply_channel=reply_channel,
        )

        def read(response: pb.SubmitEventResponse) -> models.SubmittedEvent:
            accept_time = from_timestamp(response.accept_time)
            return models.SubmittedEvent(response.event_sequence, accept_time, chosen_id)

        return Call(SERVICE, "SubmitEvent", request, pb.SubmitEventResponse, read)

    def erase(self, conversation_id: str, reason: str) -> Call[models.ErasedConversation]:
        """EraseConversation."""
        request = pb.EraseConversationRequest(
            namespace=self._namespace, conversation_id=conversation_id, reason=reason
        )

        def read(response: pb.EraseConversationResponse) -> models.ErasedConversation:
            return models.ErasedConversation(response.message_count, response.run_count)

        return Call(SERVICE, "EraseConversation", request, pb.EraseConversationResponse, read)

    def watch(
        self,
        conversation_id: str,
        after_sequence: int,
        outputs: bool,
        cursors: Sequence[watches.OutputCursor],
        include_notes: bool,
    ) -> ConversationWatch:
        """WatchConversation, as a cursor that survives broken streams."""
        return ConversationWatch(
            self._namespace,
            conversation_id,
            self._converter,
            after_sequence=after_sequence,
            outputs=outputs,
            cursors=cursors,
            include_notes=include_notes,
        )
