"""What staff does with conversations: requests built from, and answers read to, plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from everturn.client import _conversation_models as models
from everturn.client import _policy_models as policies
from everturn.client._call import Call, nothing
from everturn.client._channel_policy import OptOut
from everturn.client._people import assignee_to_proto
from everturn.v1 import conversation_service_pb2 as pb
from everturn.values._message_content import content_of
from everturn.values._message_models import Attachment
from everturn.values._payload import PayloadConverter
from everturn.values._times import Seconds, to_duration

SERVICE = "ConversationService"


class ControlCalls:
    """Builds the calls of one client.

    Args:
        namespace: Namespace of every request.
        converter: Writes and reads payloads.
    """

    def __init__(self, namespace: str, converter: PayloadConverter) -> None:
        self._namespace = namespace
        self._converter = converter

    def update(
        self,
        conversation_id: str,
        *,
        labels: Mapping[str, str | None] | None,
        addresses: Mapping[str, str | None] | None,
        turn_policy: policies.TurnPolicy | None,
        reply_channel: str,
        conversation_type: str,
        task_queue: str,
        opt_outs: Mapping[str, OptOut] | None,
    ) -> Call[models.Conversation]:
        """UpdateConversation."""
        request = pb.UpdateConversationRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            labels={name: value or "" for name, value in (labels or {}).items()},
            addresses={channel: value or "" for channel, value in (addresses or {}).items()},
            turn_policy=policies.policy_to_proto(turn_policy) if turn_policy else None,
            reply_channel=reply_channel,
            conversation_type=conversation_type,
            task_queue=task_queue,
            opt_outs={channel: value.value for channel, value in (opt_outs or {}).items()},
        )

        def read(response: pb.UpdateConversationResponse) -> models.Conversation:
            return models.conversation_from_proto(response.conversation, self._converter)

        return Call(SERVICE, "UpdateConversation", request, pb.UpdateConversationResponse, read)

    def pause(self, conversation_id: str, reason: str) -> Call[None]:
        """PauseConversation."""
        request = pb.PauseConversationRequest(
            namespace=self._namespace, conversation_id=conversation_id, reason=reason
        )
        response = pb.PauseConversationResponse
        return Call(SERVICE, "PauseConversation", request, response, nothing)

    def resume(self, conversation_id: str) -> Call[None]:
        """ResumeConversation."""
        request = pb.ResumeConversationRequest(
            namespace=self._namespace, conversation_id=conversation_id
        )
        response = pb.ResumeConversationResponse
        return Call(SERVICE, "ResumeConversation", request, response, nothing)

    def hand_off(
        self, conversation_id: str, assignee: models.Assignee, reason: str, context: Any
    ) -> Call[int]:
        """HandOffConversation."""
        request = pb.HandOffConversationRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            assignee=assignee_to_proto(assignee),
            reason=reason,
            context=None if context is None else self._converter.encode(context),
        )

        def read(response: pb.HandOffConversationResponse) -> int:
            return response.handoff_epoch

        response = pb.HandOffConversationResponse
        return Call(SERVICE, "HandOffConversation", request, response, read)

    def hand_back(
        self,
        conversation_id: str,
        *,
        author_name: str,
        note: str,
        handoff_epoch: int,
        request_id: str | None,
    ) -> Call[None]:
        """HandBackConversation."""
        request = pb.HandBackConversationRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            author_name=author_name,
            note=note,
            handoff_epoch=handoff_epoch,
            request_id=request_id or str(uuid4()),
        )
        response = pb.HandBackConversationResponse
        return Call(SERVICE, "HandBackConversation", request, response, nothing)

    def send_human_message(
        self,
        conversation_id: str,
        text: str,
        *,
        author_name: str,
        data: Any,
        attributes: Mapping[str, str] | None,
        attachments: Sequence[Attachment],
        channel: str,
        request_id: str | None,
        seen_through: int,
        already_sent: str,
    ) -> Call[models.SentHumanMessage]:
        """SendHumanMessage."""
        sent = pb.AlreadySent(provider_message_id=already_sent) if already_sent else None
        request = pb.SendHumanMessageRequest(
            namespace=self._namespace,
            conversation_id=conversation_id,
            author_name=author_name,
            content=content_of(text, data, attributes, attachments, self._converter),
            channel=channel,
            request_id=request_id or str(uuid4()),
            seen_through_sequence=seen_through,
            already_sent=sent,
        )

        def read(response: pb.SendHumanMessageResponse) -> models.SentHumanMessage:
            return models.SentHumanMessage(
                response.message_sequence, response.took_over, response.is_echo
            )

        return Call(SERVICE, "SendHumanMessage", request, pb.SendHumanMessageResponse, read)

    def set_type(
        self,
        conversation_type: str,
        turn_policy: policies.TurnPolicy | None,
        retention: Seconds | None,
    ) -> Call[None]:
        """SetConversationType."""
        settings = pb.ConversationType(
            conversation_type=conversation_type,
            turn_policy=policies.policy_to_proto(turn_policy) if turn_policy else None,
            retention=to_duration(retention),
        )
        request = pb.SetConversationTypeRequest(namespace=self._namespace, settings=settings)
        response = pb.SetConversationTypeResponse
        return Call(SERVICE, "SetConversationType", request, response, nothing)

    def get_type(self, conversation_type: str) -> Call[policies.ConversationType]:
        """GetConversationType."""
        request = pb.GetConversationTypeRequest(
            namespace=self._namespace, conversation_type=conversation_type
        )

        def read(response: pb.GetConversationTypeResponse) -> policies.ConversationType:
            return policies.type_from_proto(response.settings)

        return Call(SERVICE, "GetConversationType", request, pb.GetConversationTypeResponse, read)
