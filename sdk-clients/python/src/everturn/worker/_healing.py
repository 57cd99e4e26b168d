"""Which errors of a connection do not heal by themselves."""

from __future__ import annotations

import re

import grpc

from everturn.values._errors import RpcError

_LASTING = (
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
)
_TRANSPORT = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
)

# What a broken handshake says: a wrong certificate, a port that speaks something else.
_HANDSHAKE = re.compile(
    r"certificate|wrong version|ssl|tls|handshake|protocol error|http/1|http2|trying to connect",
    re.IGNORECASE,
)


def is_lasting(error: RpcError) -> bool:
    """Whether trying again helps only if somebody changes settings or the server."""
    if error.code in _LASTING:
        return True
    return error.code in _TRANSPORT and _HANDSHAKE.search(str(error)) is not None
