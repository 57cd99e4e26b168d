"""What staff does with conversations, for asynchronous code: pause, take over, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from everturn.client import _conversation_models as models
from everturn.client import _policy_models as policies
from everturn.client._channel_policy import OptOut
from everturn.client._control_calls import ControlCalls
from everturn.client._transport_async import AsyncTransport
from everturn.values._message_models import Attachment
from everturn.values._times import Seconds


class AsyncControl:
    """The calls of ConversationService that change who may act, and how."""

    def __init__(self, transport: AsyncTransport, control: ControlCalls) -> None:
        self._transport = transport
        self._control = control

    async def update(
        self,
        conversation_id: str,
        *,
        labels: Mapping[str, str | None] | None = None,
        addresses: Mapping[str, str | None] | None = None,
        turn_policy: policies.TurnPolicy | None = None,
        reply_channel: str = "",
        conversation_type: str = "",
        task_queue: str = "",
        opt_outs: Mapping[str, OptOut] | None = None,
    ) -> models.Conversation:
        """Changes settings of a conversation, also while a turn is running.

        What is not given stays as it is. Idempotent.

        Args:
            conversation_id: Id of the conversation.
            labels: Labels to set; ``None`` removes one.
            addresses: Addresses to set, by channel; ``None`` removes one.
            turn_policy: Fields of the policy to replace.
            reply_channel: Channel that replies go out by, until the customer
                writes by another one.
            conversation_type: Type of its turns from here on.
            task_queue: Task queue of its turns from here on.
            opt_outs: What the customer does not want, by channel; NONE takes it
                back.

        Returns:
            The conversation as it is now.
        """
        return await self._transport.call(
            self._control.update(
                conversation_id,
                labels=labels,
                addresses=addresses,
                turn_policy=turn_policy,
                reply_channel=reply_channel,
                conversation_type=conversation_type,
                task_queue=task_queue,
                opt_outs=opt_outs,
            )
        )

    async def pause(self, conversation_id: str, *, reason: str = "") -> None:
        """Pauses a conversation: nothing of it runs, everything is kept. Idempotent.

        A turn whose code wants to say something meanwhile runs on from there
        after the pause.
        """
        await self._transport.call(self._control.pause(conversation_id, reason))

    async def resume(self, conversation_id: str) -> None:
        """Resumes a paused conversation where it stood. Idempotent."""
        await self._transport.call(self._control.resume(conversation_id))

    async def hand_off(
        self,
        conversation_id: str,
        assignee: models.Assignee,
        *,
        reason: str = "",
        context: Any = None,
    ) -> int:
        """Hands a conversation to a person or a team; agents are silent from here on.

        A running turn is interrupted. One that is handed off already changes
        its assignee.

        Args:
            conversation_id: Id of the conversation.
            assignee: Who takes over: ``Person("Ann")`` or ``Team("billing")``.
            reason: Why, for the record.
            context: What they need to know, if more than the transcript.

        Returns:
            The number of the handover.
        """
        return await self._transport.call(
            self._control.hand_off(conversation_id, assignee, reason, context)
        )

    async def hand_back(
        self,
        conversation_id: str,
        *,
        author_name: str = "",
        note: str = "",
        handoff_epoch: int = 0,
        request_id: str | None = None,
    ) -> None:
        """Hands a conversation back to the agents.

        Messages of the customer that nobody has answered become a turn.

        Args:
            conversation_id: Id of the conversation.
            author_name: Who hands it back.
            note: What the agents should know.
            handoff_epoch: Which handover ends; if it has been handed over again
                since, it is left alone (HANDOFF_CHANGED). Default: the present
                one.
            request_id: Makes a repeated request safe. Default: one per call.
        """
        await self._transport.call(
            self._control.hand_back(
                conversation_id,
                author_name=author_name,
                note=note,
                handoff_epoch=handoff_epoch,
                request_id=request_id,
            )
        )

    async def send_human_message(
        self,
        conversation_id: str,
        text: str = "",
        *,
        author_name: str,
        data: Any = None,
        attributes: Mapping[str, str] | None = None,
        attachments: Sequence[Attachment] = (),
        channel: str = "",
        request_id: str | None = None,
        seen_through: int = 0,
        already_sent: str = "",
    ) -> models.SentHumanMessage:
        """Sends a person's message to the customer, or notes one written elsewhere.

        A conversation that agents own becomes the person's
        (``TurnPolicy.on_human_message``).

        Args:
            conversation_id: Id of the conversation.
            text: What the message says; may be empty when there is something
                else.
            author_name: Name of the person who writes.
            data: Structured content beside the text.
            attributes: Small annotations.
            attachments: Files that go with it.
            channel: Channel to send it by. Default: the reply channel.
            request_id: Makes a repeated request safe. Default: one per call.
            seen_through: Position of the last message that the person has seen:
                what came after it is not answered. Default: everything is.
            already_sent: Id that the provider gave it, if the customer has it
                already: it is noted and not delivered.

        Returns:
            Where it is in the transcript, and whether it took over.
        """
        return await self._transport.call(
            self._control.send_human_message(
                conversation_id,
                text,
                author_name=author_name,
                data=data,
                attributes=attributes,
                attachments=attachments,
                channel=channel,
                request_id=request_id,
                seen_through=seen_through,
                already_sent=already_sent,
            )
        )

    async def set_type(
        self,
        conversation_type: str,
        *,
        turn_policy: policies.TurnPolicy | None = None,
        retention: Seconds | None = None,
    ) -> None:
        """Sets what conversations of a type begin with. Replaces all its settings.

        Args:
            conversation_type: Name of the type; empty: all types of the
                namespace that have no settings of their own.
            turn_policy: Turn policy; open conversations keep theirs.
            retention: How long a closed conversation is kept before it is
                erased. Default: for ever.
        """
        await self._transport.call(
            self._control.set_type(conversation_type, turn_policy, retention)
        )

    async def get_type(self, conversation_type: str = "") -> policies.ConversationType:
        """Reads what conversations of a type begin with, defaults filled in."""
        return await self._transport.call(self._control.get_type(conversation_type))
