"""gRPC errors: status, trailer and google.rpc details to typed exceptions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # pyright: ignore[reportMissingTypeStubs]

from everturn.values._errors import RPC_ERROR_BY_CODE, FieldViolation, RpcError, ServerError
from everturn.values._times import from_duration

_DETAILS_KEY = "grpc-status-details-bin"


def error_of(error: grpc.RpcError) -> RpcError:
    """The typed exception of an error raised by grpc or grpc.aio."""
    # Every grpc.RpcError that reaches users is also a grpc.Call (or AioRpcError).
    call = cast("Any", error)
    code: grpc.StatusCode = call.code() or grpc.StatusCode.UNKNOWN
    details = _details_of(call.trailing_metadata())
    reason, violations, retry_delay = "", list[FieldViolation](), None
    metadata: dict[str, str] = {}
    for detail in details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            reason, metadata = info.reason, {**metadata, **info.metadata}
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            violations += [FieldViolation(v.field, v.description) for v in bad.field_violations]
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo()
            detail.Unpack(retry)
            retry_delay = from_duration(retry.retry_delay)
        elif detail.Is(error_details_pb2.QuotaFailure.DESCRIPTOR):
            quota = error_details_pb2.QuotaFailure()
            detail.Unpack(quota)
            metadata |= {f"quota.{v.subject}": v.description for v in quota.violations}
        elif detail.Is(error_details_pb2.ResourceInfo.DESCRIPTOR):
            resource = error_details_pb2.ResourceInfo()
            detail.Unpack(resource)
            metadata |= {
                "resource_type": resource.resource_type,
                "resource_name": resource.resource_name,
            }
    kind = RPC_ERROR_BY_CODE.get(code, ServerError)
    return kind(
        call.details() or "",
        code=code,
        reason=reason,
        field_violations=tuple(violations),
        retry_delay=retry_delay,
        metadata=metadata,
    )


def _details_of(trailer: Iterable[tuple[str, str | bytes]] | None) -> list[Any]:
    for key, value in trailer or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:
                # A proxy mangled the trailer; code and message still stand.
                return []
    return []
