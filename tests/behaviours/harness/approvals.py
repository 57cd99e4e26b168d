"""What the cases about approvals share."""

from everturn import Approval, ApprovalStatus, AsyncClient

from harness import first, until


async def ask(client: AsyncClient, text: str = "Money back") -> None:
    """Opens a conversation whose code asks for approval of a refund of 100."""
    await client.conversations.submit_message(
        "jo", text, channel="chat", conversation_type="refund"
    )


async def approval_that_is(client: AsyncClient, status: ApprovalStatus) -> Approval:
    """The approval of the conversation, once it stands so."""
    return await until(
        f"an approval is {status.name}",
        lambda: first(client.approvals.list(root_id="jo", status=status)),
    )
