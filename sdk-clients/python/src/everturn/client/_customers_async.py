"""Customers, not only conversations, for asynchronous code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from everturn.client import _conversation_models as models
from everturn.client import _policy_models as policies
from everturn.client._customer_calls import CustomerCalls
from everturn.client._transport_async import AsyncTransport
from everturn.values import _message_models as messages


class AsyncCustomers:
    """The calls of ConversationService about what is one customer's."""

    def __init__(self, transport: AsyncTransport, customer_calls: CustomerCalls) -> None:
        self._transport = transport
        self._customer_calls = customer_calls

    async def submit_typing(
        self,
        conversation_id: str = "",
        *,
        is_typing: bool = True,
        channel: str = "",
        customer_address: str = "",
        author_kind: messages.AuthorKind = messages.AuthorKind.CUSTOMER,
        author_name: str = "",
    ) -> None:
        """Says that somebody is typing, or has stopped. Not kept.

        While the customer types, a burst of messages stays open, up to its
        longest wait; 6 s without a further call and they have stopped.

        Args:
            conversation_id: Id of the conversation. Default: the one that the
                address has.
            is_typing: False: they have stopped.
            channel: Channel. Default: the reply channel.
            customer_address: Address of the customer, without conversation_id.
            author_kind: Who: the customer, an agent or a person.
            author_name: Their name.
        """
        await self._transport.call(
            self._customer_calls.submit_typing(
                conversation_id,
                is_typing,
                channel=channel,
                customer_address=customer_address,
                author_kind=author_kind,
                author_name=author_name,
            )
        )

    async def link_address(self, conversation_id: str, contact: models.Contact) -> str | None:
        """Says that an address is the customer's of this conversation. Idempotent.

        What is submitted from it goes there from here on.

        Args:
            conversation_id: Id of the conversation.
            contact: The address.

        Returns:
            The other conversation that it had before, if it had one; ``merge``
            joins the two.
        """
        return await self._transport.call(
            self._customer_calls.link_address(conversation_id, contact)
        )

    async def merge(self, conversation_id: str, into: str) -> models.Conversation:
        """Makes a conversation part of another one of the same customer. Idempotent.

        Its transcript goes there, and what nobody has answered.

        Args:
            conversation_id: Id of the conversation that ends.
            into: Id of the one that it becomes part of.

        Returns:
            The other one, as it is then.
        """
        return await self._transport.call(self._customer_calls.merge(conversation_id, into))

    async def import_transcript(
        self,
        conversation_id: str,
        transcript: Iterable[models.ImportedMessage],
        *,
        conversation_type: str,
        task_queue: str = "",
        turn_policy: policies.TurnPolicy | None = None,
        labels: Mapping[str, str] | None = None,
        addresses: Mapping[str, str] | None = None,
        reply_channel: str = "",
    ) -> int:
        """Opens a conversation with a transcript from elsewhere; no turn starts.

        Again with the same messages, it goes on where it was cut off.

        Args:
            conversation_id: Id, chosen by the caller; without "/".
            transcript: The messages, oldest first; at most 10,000.
            conversation_type: Workflow type that handles the turns.
            task_queue: Task queue of the turns.
            turn_policy: Turn policy.
            labels: Labels.
            addresses: Addresses of the customer by channel: what is submitted
                from them goes here.
            reply_channel: Channel that the agents write by.

        Returns:
            The number of messages.

        Raises:
            ValueError: A time has no time zone.
        """
        count = 0
        for call in self._customer_calls.imports(
            conversation_id,
            transcript,
            conversation_type=conversation_type,
            task_queue=task_queue,
            turn_policy=turn_policy,
            labels=labels,
            addresses=addresses,
            reply_channel=reply_channel,
        ):
            count = await self._transport.call(call)
        return count
