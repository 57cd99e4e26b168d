"""One RPC as a value: what both clients share.

A ``Call`` says which method, which request and how the answer is read. The
asynchronous and the synchronous transport only differ in how they wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

CALL_TIMEOUT_S = 10.0
"""Default bound of one try of a call, in seconds."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One RPC.

    Attributes:
        service: Name of the service, without package.
        method: Name of the method.
        request: The request message.
        response: Class of the response message.
        read: Makes the caller's value of the response.
        timeout_s: Bound of one try, in seconds; ``None``: the client's default.
    """

    service: str
    method: str
    request: Any
    response: type[Any]
    read: Callable[[Any], T]
    timeout_s: float | None = None

    @property
    def path(self) -> str:
        """Path of the method as HTTP/2 carries it."""
        return f"/everturn.v1.{self.service}/{self.method}"

    @staticmethod
    def serialize(request: Any) -> bytes:
        """Writes a request message for the wire."""
        return request.SerializeToString()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: The entries.
        next_token: Token of the next page; empty when this is the last.
    """

    items: list[T]
    next_token: str


def nothing(_response: object) -> None:
    """Reads an answer that carries nothing."""
