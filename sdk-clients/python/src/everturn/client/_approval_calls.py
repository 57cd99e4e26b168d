"""Approvals: requests built from, and answers read to, plain values."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from everturn.client import _approval_models as models
from everturn.client._call import Call, Page, nothing
from everturn.v1 import conversation_service_pb2 as pb
from everturn.values._payload import PayloadConverter

SERVICE = "ConversationService"


class ApprovalCalls:
    """Builds the calls of one client.

    Args:
        namespace: Namespace of every request.
        converter: Writes and reads payloads.
    """

    def __init__(self, namespace: str, converter: PayloadConverter) -> None:
        self._namespace = namespace
        self._converter = converter

    def list_page(
        self,
        page_token: str,
        *,
        root_id: str,
        status: models.ApprovalStatus | None,
        page_size: int,
    ) -> Call[Page[models.Approval]]:
        """One page of ListApprovals."""
        request = pb.ListApprovalsRequest(
            namespace=self._namespace,
            page_size=page_size,
            page_token=page_token,
            root_id=root_id,
            status=status.value if status else pb.APPROVAL_STATUS_UNSPECIFIED,
        )
        one = partial(models.approval_from_proto, converter=self._converter)

        def read(response: pb.ListApprovalsResponse) -> Page[models.Approval]:
            return Page([one(item) for item in response.approvals], response.next_page_token)

        return Call(SERVICE, "ListApprovals", request, pb.ListApprovalsResponse, read)

    def decide(
        self,
        approval: models.Approval | str,
        decision: models.ApprovalDecision,
        *,
        decider: str,
        arguments_hash: bytes | None,
        changed_arguments: Any,
        comment: str,
        request_id: str | None,
    ) -> Call[None]:
        """DecideApproval.

        Raises:
            ValueError: The arguments do not go together.
        """
        if isinstance(approval, models.Approval):
            approval_id, known_hash = approval.approval_id, approval.arguments_hash
        else:
            approval_id, known_hash = approval, None
        seen_hash = arguments_hash if arguments_hash is not None else known_hash
        if seen_hash is None:
            raise ValueError("a decision by id needs arguments_hash")
        has_changes = decision is models.ApprovalDecision.APPROVE_WITH_CHANGES
        if has_changes == (changed_arguments is None):
            raise ValueError("changed_arguments go with APPROVE_WITH_CHANGES, and only with it")
        request = pb.DecideApprovalRequest(
            namespace=self._namespace,
            approval_id=approval_id,
            decision=decision.value,
            arguments_hash=seen_hash,
            changed_arguments=self._converter.encode(changed_arguments) if has_changes else None,
            decider=decider,
            comment=comment,
            request_id=request_id or str(uuid4()),
        )
        return Call(SERVICE, "DecideApproval", request, pb.DecideApprovalResponse, nothing)
