"""Approvals for blocking code: thin methods over the shared calls."""

# Made of `_approvals_async.py` by scripts/generate_sync_client.py.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from everturn.client import _approval_models as models
from everturn.client._approval_calls import ApprovalCalls
from everturn.client._transport_sync import SyncTransport


class Approvals:
    """What people are asked to approve. Made by ``Client``.

    Every method raises ``RpcError``, and its subclass by status code, when the
    server refuses the call or cannot be reached.
    """

    def __init__(self, transport: SyncTransport, calls: ApprovalCalls) -> None:
        self._transport = transport
        self._calls = calls

    def list(
        self,
        *,
        root_id: str = "",
        status: models.ApprovalStatus | None = None,
        page_size: int = 0,
    ) -> Iterator[models.Approval]:
        """Lists approvals, last requested first; fetches page after page.

        Args:
            root_id: Only those of this conversation or workflow, if set.
            status: Only this status, if set.
            page_size: Entries fetched at a time; 0: the server's default.
        """
        return self._transport.items(
            lambda token: self._calls.list_page(
                token, root_id=root_id, status=status, page_size=page_size
            )
        )

    def decide(
        self,
        approval: models.Approval | str,
        decision: models.ApprovalDecision,
        *,
        decider: str,
        arguments_hash: bytes | None = None,
        changed_arguments: Any = None,
        comment: str = "",
        request_id: str | None = None,
    ) -> None:
        """Decides an approval, once. Durable when it returns.

        A decision holds for the arguments that were seen: if the approval has
        others it is refused with the reason APPROVAL_CHANGED.

        Args:
            approval: The approval as it was listed, or its id.
            decision: What is decided.
            decider: Who decides.
            arguments_hash: Hash of the arguments that were seen; needed with an
                id. Default: that of the approval.
            changed_arguments: The other arguments, with APPROVE_WITH_CHANGES.
            comment: What they say about it.
            request_id: Makes a repeated request safe. Default: one per call.

        Raises:
            ValueError: The hash is missing, or changed arguments do not go with
                the decision.
        """
        self._transport.call(
            self._calls.decide(
                approval,
                decision,
                decider=decider,
                arguments_hash=arguments_hash,
                changed_arguments=changed_arguments,
                comment=comment,
                request_id=request_id,
            )
        )
