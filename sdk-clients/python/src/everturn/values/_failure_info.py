"""Failures as plain values: how user code ended when it did not succeed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from everturn.v1 import failure_pb2 as pb


class FailureKind(Enum):
    """What kind of event ended an attempt or a run."""

    APPLICATION = pb.FAILURE_KIND_APPLICATION
    TIMEOUT = pb.FAILURE_KIND_TIMEOUT
    CANCELED = pb.FAILURE_KIND_CANCELED
    TERMINATED = pb.FAILURE_KIND_TERMINATED
    WORKER_LOST = pb.FAILURE_KIND_WORKER_LOST


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt or a run did not succeed.

    Attributes:
        kind: What kind of event this was.
        type: Name of the error, as user code knows it.
        message: Human-readable text.
        stack_trace: Stack trace of the worker's language; empty if none.
        details: User data that travels with the failure, as plain JSON values.
        non_retryable: True: no further attempt is made.
        retry_after: Earliest time until the next attempt, if the code asked.
        cause: The failure that caused this one.
        more_causes: Further ones, of a group of errors.
    """

    kind: FailureKind
    type: str = ""
    message: str = ""
    stack_trace: str = ""
    details: Any = None
    non_retryable: bool = False
    retry_after: timedelta | None = None
    cause: Failure | None = None
    more_causes: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        name = self.type or self.kind.name.lower()
        return f"{name}: {self.message}" if self.message else name
