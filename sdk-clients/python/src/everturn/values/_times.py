"""Times and durations: protobuf on one side, ``datetime`` on the other.

Durations are taken as ``timedelta`` or as a number of seconds and always
handed out as ``timedelta``. Times are aware and in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

Seconds = timedelta | float
"""A duration: a ``timedelta`` or a number of seconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds_of(value: Seconds) -> float:
    """The duration in seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def to_duration(value: Seconds | None) -> Duration | None:
    """The duration as protobuf; ``None`` stays ``None``. Rounded to microseconds."""
    if value is None:
        return None
    delta = value if isinstance(value, timedelta) else timedelta(seconds=value)
    duration = Duration()
    duration.FromTimedelta(delta)
    return duration


def from_duration(value: Duration) -> timedelta:
    """The duration as ``timedelta``; nanoseconds are cut."""
    return timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)


def to_timestamp(value: datetime | None) -> Timestamp | None:
    """The time as protobuf.

    Raises:
        ValueError: The time has no time zone.
    """
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("the time has no time zone")
    timestamp = Timestamp()
    timestamp.FromDatetime(value)
    return timestamp


def from_timestamp(value: Timestamp) -> datetime:
    """The time as an aware ``datetime`` in UTC; nanoseconds are cut."""
    return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
