"""ConversationService for blocking code: thin methods over the shared calls."""

# Made of `_conversations_async.py` by scripts/generate_sync_client.py.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from everturn.client import _conversation_models as models
from everturn.client import _policy_models as policies
from everturn.client import _watch_models as watches
from everturn.client._channel_policy import OptOut
from everturn.client._control_calls import ControlCalls
from everturn.client._control_sync import Control
from everturn.client._conversation_calls import ConversationCalls
from everturn.client._customer_calls import CustomerCalls
from everturn.client._customers_sync import Customers
from everturn.client._message_calls import MessageCalls
from everturn.client._messages_sync import Messages
from everturn.client._transport_sync import SyncTransport
from everturn.client._waiting import WaitReason
from everturn.values import _message_models as messages
from everturn.values._times import Seconds


class Conversations(Control, Messages, Customers):
    """Calls of ConversationService. Made by ``Client``.

    Every method raises ``RpcError``, and its subclass by status code, when the
    server refuses the call or cannot be reached.
    """

    def __init__(
        self,
        transport: SyncTransport,
        calls: ConversationCalls,
        control: ControlCalls,
        message_calls: MessageCalls,
        customer_calls: CustomerCalls,
    ) -> None:
        Control.__init__(self, transport, control)
        Messages.__init__(self, transport, message_calls)
        Customers.__init__(self, transport, customer_calls)
        self._calls = calls

    def submit_message(
        self,
        conversation_id: str,
        text: str = "",
        *,
        channel: str,
        conversation_type: str = "",
        provider_message_id: str | None = None,
        author_name: str = "",
        data: Any = None,
        attributes: Mapping[str, str] | None = None,
        attachments: Sequence[messages.Attachment] = (),
        task_queue: str = "",
        turn_policy: policies.TurnPolicy | None = None,
        labels: Mapping[str, str] | None = None,
        customer_address: str = "",
        is_automatic: bool = False,
        opt_out: OptOut | None = None,
    ) -> models.SubmittedMessage:
        """Adds a customer's message; opens the conversation if there is none.

        Durable when it returns. Idempotent by channel and provider message id.

        Args:
            conversation_id: Id, chosen by the caller; without "/".
            text: What the message says; may be empty when there is something
                else.
            channel: Channel the message came in by.
            conversation_type: Workflow type that handles the turns; required
                when the conversation opens.
            provider_message_id: Id that the channel's provider gave the
                message. Default: one made up for this call.
            author_name: Name of the customer, if known.
            data: Structured content beside the text.
            attributes: Small annotations.
            attachments: Files that go with it.
            task_queue: Task queue of the turns; used when it opens.
            turn_policy: Turn policy; used when it opens.
            labels: Labels; used when it opens.
            customer_address: Address of the customer on this channel, if an
                adapter is to deliver the replies. Kept for the conversation.
            is_automatic: A machine wrote it: an auto-reply, a bounce. It starts
                no turn, unless the policy says so.
            opt_out: What the customer says with it about messages by this
                channel: "STOP".
        """
        return self._transport.call(
            self._calls.submit_message(
                conversation_id,
                text,
                channel=channel,
                conversation_type=conversation_type,
                provider_message_id=provider_message_id,
                author_name=author_name,
                data=data,
                attributes=attributes,
                attachments=attachments,
                task_queue=task_queue,
                turn_policy=turn_policy,
                labels=labels,
                customer_address=customer_address,
                is_automatic=is_automatic,
                opt_out=opt_out,
            )
        )

    def submit_message_from(
        self,
        contact: models.Contact,
        text: str = "",
        *,
        conversation_type: str = "",
        provider_message_id: str | None = None,
        author_name: str = "",
        data: Any = None,
        attributes: Mapping[str, str] | None = None,
        attachments: Sequence[messages.Attachment] = (),
        task_queue: str = "",
        turn_policy: policies.TurnPolicy | None = None,
        labels: Mapping[str, str] | None = None,
        is_automatic: bool = False,
        opt_out: OptOut | None = None,
    ) -> models.SubmittedMessage:
        """Adds a customer's message to the conversation that their address has.

        If it has none that takes messages a new one opens: exactly one, however
        many calls come at once. The answer says which one has the message.

        Args:
            contact: Channel and address that it came from.
            text: What the message says; may be empty when there is something
                else.
            conversation_type: As for ``submit_message``, like the rest.
            provider_message_id: Id that the channel's provider gave it.
            author_name: Name of the customer, if known.
            data: Structured content beside the text.
            attributes: Small annotations.
            attachments: Files that go with it.
            task_queue: Task queue of the turns; used when it opens.
            turn_policy: Turn policy; used when it opens.
            labels: Labels; used when it opens.
            is_automatic: A machine wrote it.
            opt_out: What the customer says with it about messages by this
                channel.
        """
        return self._transport.call(
            self._calls.submit_message(
                contact,
                text,
                channel="",
                conversation_type=conversation_type,
                provider_message_id=provider_message_id,
                author_name=author_name,
                data=data,
                attributes=attributes,
                attachments=attachments,
                task_queue=task_queue,
                turn_policy=turn_policy,
                labels=labels,
                customer_address="",
                is_automatic=is_automatic,
                opt_out=opt_out,
            )
        )

    def submit_event(
        self,
        conversation_id: str,
        event_type: str,
        payload: Any = None,
        *,
        event_id: str | None = None,
        conversation_type: str = "",
        task_queue: str = "",
        turn_policy: policies.TurnPolicy | None = None,
        labels: Mapping[str, str] | None = None,
        addresses: Mapping[str, str] | None = None,
        reply_channel: str = "",
    ) -> models.SubmittedEvent:
        """Adds an event; opens the conversation if there is none.

        Durable when it returns. Idempotent by event id.

        Args:
            conversation_id: Id, chosen by the caller; without "/".
            event_type: Type of the event, as handlers register it.
            payload: What happened.
            event_id: Id that its source gave it. Default: one made up for this
                call.
            conversation_type: Workflow type that handles the turns; required
                when the conversation opens.
            task_queue: Task queue of the turns; used when it opens.
            turn_policy: Turn policy; used when it opens.
            labels: Labels; used when it opens.
            addresses: Addresses of the customer by channel; added to those known.
            reply_channel: Channel that the agents write by; used when it opens.
        """
        return self._transport.call(
            self._calls.submit_event(
                conversation_id,
                event_type,
                payload,
                event_id=event_id,
                conversation_type=conversation_type,
                task_queue=task_queue,
                turn_policy=turn_policy,
                labels=labels,
                addresses=addresses,
                reply_channel=reply_channel,
            )
        )

    def get(self, conversation_id: str) -> models.Conversation:
        """Reads one conversation, exactly as of now."""
        return self._transport.call(self._calls.get(conversation_id))

    def list(
        self,
        *,
        conversation_type: str = "",
        status: models.ConversationStatus | None = None,
        waiting: Sequence[WaitReason] = (),
        unanswered_before: datetime | None = None,
        page_size: int = 0,
    ) -> Iterator[models.Conversation]:
        """Lists conversations, last created first; fetches page after page.

        Args:
            conversation_type: Only this type, if set.
            status: Only this status, if set.
            waiting: Only what waits for one of these reasons, if there are any.
            unanswered_before: Only those whose customer has had no answer since
                before this time, if set; with a time zone.
            page_size: Entries fetched at a time; 0: the server's default.
        """
        return self._transport.items(
            lambda token: self._calls.list_page(
                token,
                conversation_type=conversation_type,
                status=status,
                waiting=waiting,
                unanswered_before=unanswered_before,
                page_size=page_size,
            )
        )

    def list_messages(
        self,
        conversation_id: str,
        *,
        after_sequence: int = 0,
        page_size: int = 0,
        include_notes: bool = False,
    ) -> Iterator[messages.Message]:
        """Lists the transcript, oldest first; fetches page after page.

        Args:
            conversation_id: Id of the conversation.
            after_sequence: Only messages after this position.
            page_size: Entries fetched at a time; 0: the server's default.
            include_notes: Notes, too, which the customer must not see.
        """
        return self._transport.items(
            lambda token: self._calls.messages_page(
                token,
                conversation_id,
                after_sequence=after_sequence,
                page_size=page_size,
                include_notes=include_notes,
            )
        )

    def watch(
        self,
        conversation_id: str,
        *,
        after_sequence: int = 0,
        outputs: bool = True,
        output_cursors: Sequence[watches.OutputCursor] = (),
        include_notes: bool = False,
    ) -> Iterator[watches.ConversationUpdate]:
        """Follows a conversation: the transcript, then every change.

        Connects again after a broken stream and goes on after the last message
        and the last pieces of output that were handed out: no message or piece
        comes twice, no message is missed, and missing output is announced by an
        ``OutputReset``. Ends when the conversation is closed.

        Args:
            conversation_id: Id of the conversation.
            after_sequence: Position of the last message that the caller has.
            outputs: False leaves out partial outputs of activities.
            output_cursors: Where the caller stands in outputs that it followed
                before.
            include_notes: Notes, too, which the customer must not see.
        """
        return self._transport.watch(
            self._calls.watch(
                conversation_id, after_sequence, outputs, output_cursors, include_notes
            )
        )

    def close(
        self,
        conversation_id: str,
        *,
        reason: str = "",
        grace: Seconds | None = None,
        unless_after: int = 0,
    ) -> None:
        """Closes a conversation; a running turn is interrupted. Idempotent.

        Refused (MESSAGES_WAIT) while a message of the customer has no answer
        that the caller has not seen.

        Args:
            conversation_id: Id of the conversation.
            reason: Why, for the record.
            grace: How long a running turn may clean up. Default: the policy's.
            unless_after: Position of the last message that the caller has seen:
                only a later one keeps it open. Default: any does.
        """
        call = self._calls.close(conversation_id, reason, grace, unless_after)
        self._transport.call(call)

    def erase(self, conversation_id: str, *, reason: str = "") -> models.ErasedConversation:
        """Removes the content of a conversation for good. Idempotent.

        A tombstone with counts stays, and the id is not used again.

        Args:
            conversation_id: Id of the conversation.
            reason: Why, for the server's log; not kept.
        """
        return self._transport.call(self._calls.erase(conversation_id, reason))
