"""Enums as the wire sends them: numbers that a newer server may add to."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

E = TypeVar("E", bound=Enum)


def member_of(kind: type[E], number: int) -> E | None:
    """The member with this number; ``None`` for one this version does not know."""
    try:
        return kind(number)
    except ValueError:
        return None
