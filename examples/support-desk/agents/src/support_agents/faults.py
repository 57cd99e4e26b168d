"""Faults and delays made on purpose, so that retries can be watched.

Whether an attempt fails depends on the seed and on the attempt's identity alone: the same
customers meet the same faults, whichever worker serves them, in whatever order.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from everturn import activity

if TYPE_CHECKING:
    from support_agents.settings import FaultSettings


class InjectedFaultError(Exception):
    """An attempt that fails because ``SUPPORT_FAULT_RATE`` says so."""


def strike_attempt(settings: FaultSettings) -> None:
    """Lets a fault strike the running attempt, if the settings want any.

    Raises:
        InjectedFaultError: This attempt is chosen to fail.
    """
    if settings.rate == 0 and settings.latency_ms_max == 0:
        return
    context = activity.context()
    strike(settings, context.idempotency_key, context.attempt)


def strike(settings: FaultSettings, identity: str, attempt: int) -> None:
    """Waits and fails as the settings say. Blocks: call it from a thread.

    Args:
        settings: Rate, longest delay and seed.
        identity: What is attempted, such as workflow id and step.
        attempt: Number of the attempt, from 1.

    Raises:
        InjectedFaultError: This attempt is chosen to fail.
    """
    if settings.latency_ms_max > 0:
        share = _share(f"{settings.seed}/latency/{identity}/{attempt}")
        time.sleep(settings.latency_ms_max * share / 1000)
    if fails(settings, identity, attempt):
        raise InjectedFaultError(f"attempt {attempt} fails on purpose (SUPPORT_FAULT_RATE)")


def fails(settings: FaultSettings, identity: str, attempt: int) -> bool:
    """Whether an attempt is chosen to fail."""
    return _share(f"{settings.seed}/fault/{identity}/{attempt}") < settings.rate


def _share(text: str) -> float:
    """A number from 0 to below 1, evenly spread, that only depends on the text."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
