"""Connections: defaults from the environment and gRPC channel options."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import grpc
import grpc.aio

DEFAULT_ADDRESS = "127.0.0.1:7400"
DEFAULT_NAMESPACE = "default"
DEFAULT_TASK_QUEUE = "default"
MESSAGE_BYTES_MAX = 4 * 1024 * 1024

ChannelOption = tuple[str, str | int]

_OPTIONS: tuple[ChannelOption, ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    # A peer that vanished without a word is noticed within 30 s.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # gRPC's own default waits up to 2 min before it tries a broken address again.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Each client its own connection: a busy worker does not slow a client down.
    ("grpc.use_local_subchannel_pool", 1),
)


def address_or_default(address: str | None) -> str:
    """The address given, or ``EVERTURN_ADDRESS``, or 127.0.0.1:7400."""
    return address or os.environ.get("EVERTURN_ADDRESS") or DEFAULT_ADDRESS


def namespace_or_default(namespace: str | None) -> str:
    """The namespace given, or ``EVERTURN_NAMESPACE``, or "default"."""
    return namespace or os.environ.get("EVERTURN_NAMESPACE") or DEFAULT_NAMESPACE


def async_channel(
    address: str,
    credentials: grpc.ChannelCredentials | None,
    options: Sequence[ChannelOption],
) -> grpc.aio.Channel:
    """Opens a channel for the running event loop; plaintext without credentials."""
    merged = _merged(options)
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=merged)
    return grpc.aio.secure_channel(address, credentials, options=merged)


def sync_channel(
    address: str,
    credentials: grpc.ChannelCredentials | None,
    options: Sequence[ChannelOption],
) -> grpc.Channel:
    """Opens a channel for threads; plaintext without credentials."""
    merged = _merged(options)
    if credentials is None:
        return grpc.insecure_channel(address, options=merged)
    return grpc.secure_channel(address, credentials, options=merged)


def call_metadata(metadata: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Metadata sent with every call, in gRPC's form; names in lower case."""
    return tuple((name.lower(), value) for name, value in (metadata or {}).items())


def _merged(options: Sequence[ChannelOption]) -> list[ChannelOption]:
    return list({**dict(_OPTIONS), **dict(options)}.items())
