"""What a Python case is written with: what it registers, and the world it plays in.

Conversations and workflows are those of ``harness/fixture.ts``: the cases are about
the Python half, which serves the task queue ``python``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from everturn import AsyncClient, Message, NotFoundError, RpcError

T = TypeVar("T")
Functions = Sequence[Callable[..., Any]]
Scenario = Callable[["World"], Awaitable[None]]

DEADLINE_S = 25.0
POLL_S = 0.02


@dataclass(frozen=True)
class Work:
    """What a worker runs: activities of the queue ``python``, and adapters."""

    activities: Functions = ()
    deliveries: Functions = ()


@dataclass(frozen=True)
class Case:
    """A case: a worker that runs by itself, and the client's part with its assertions."""

    scenario: Scenario
    work: Work
    roles: Mapping[str, Work] = field(default_factory=dict[str, Work])


@dataclass
class Spawned:
    """A worker in a process of its own."""

    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        """Kills it with SIGKILL."""
        self.process.kill()
        await self.process.wait()


@dataclass
class World:
    """The coordinator, and the ways to act on it; the namespace is the case's own."""

    client: AsyncClient
    store_folder: Path
    spawn: Callable[[str], Awaitable[Spawned]]
    """Starts a role of the case in a process of its own."""
    ask: Callable[[str], Awaitable[None]]
    """Has the coordinator ``stall`` (SIGSTOP) or ``go on``; needs a ``coordinator.toml``."""


def behaviour(
    *,
    activities: Functions = (),
    deliveries: Functions = (),
    roles: Mapping[str, Work] | None = None,
) -> Callable[[Scenario], Case]:
    """Makes a case of a scenario."""
    return lambda scenario: Case(scenario, Work(activities, deliveries), roles or {})


async def until(what: str, look: Callable[[], Awaitable[T | None]]) -> T:
    """Looks until there is something to see (neither ``None`` nor false), and gives it."""
    end_s = time.monotonic() + DEADLINE_S
    while True:
        seen = await look()
        if seen is not None and seen is not False:
            return seen
        if time.monotonic() > end_s:
            raise TimeoutError(f"not within {DEADLINE_S} s: {what}")
        await asyncio.sleep(POLL_S)


async def messages(client: AsyncClient, conversation_id: str) -> list[Message]:
    """The messages of a transcript; none while there is no such conversation."""
    try:
        return [it async for it in client.conversations.list_messages(conversation_id)]
    except NotFoundError:
        return []


async def transcript(client: AsyncClient, conversation_id: str) -> list[str]:
    """A transcript as lines: ``"customer: Hi"``, ``"agent: Hello"``."""
    found = await messages(client, conversation_id)
    return [f"{_kind(it)}: {it.text}" for it in found]


async def transcript_becomes(
    client: AsyncClient, conversation_id: str, lines: Sequence[str]
) -> None:
    """Waits until a transcript is so long and nothing runs, and says what it must be."""

    async def is_long() -> bool:
        return len(await messages(client, conversation_id)) >= len(lines)

    try:
        await until("the transcript is that long", is_long)
        await at_rest(client, conversation_id)
    except TimeoutError:
        pass  # the comparison says more
    equal(await transcript(client, conversation_id), list(lines))


async def at_rest(client: AsyncClient, conversation_id: str) -> None:
    """Waits until no turn is running and nothing waits for one."""

    async def rests() -> bool:
        it = await client.conversations.get(conversation_id)
        return it.turn is None and it.waiting_message_count + it.waiting_event_count == 0

    await until(f"{conversation_id} rests", rests)


async def refused(call: Awaitable[object], reason: str) -> None:
    """Checks that a call is refused for this reason."""
    try:
        await call
    except RpcError as error:
        equal(error.reason, reason)
    else:
        raise AssertionError(f"accepted, instead of refused with {reason}")


def equal(found: object, expected: object) -> None:
    """Checks that two values are equal, and shows both if they are not."""
    if found != expected:
        raise AssertionError(f"found {_shown(found)}\nexpected {_shown(expected)}")


async def called(client: AsyncClient, activity: str, **more: object) -> dict[str, Any]:
    """Has the fixture's workflow ``call`` run an activity; its result or failure."""
    run = await client.workflows.start("call", {"activity": activity, **more})
    return await client.workflows.wait_result(run.workflow_id, timeout=DEADLINE_S)


async def first(items: AsyncIterator[T]) -> T | None:
    """The first of some items, if there is one."""
    async for item in items:
        return item
    return None


class Gate:
    """A place where an activity waits until the scenario lets it go on."""

    def __init__(self) -> None:
        self._arrived = asyncio.Event()
        self._opened = asyncio.Event()

    async def go_through(self) -> None:
        """For the activity: says that it is there, and waits."""
        self._arrived.set()
        await self._opened.wait()

    async def arrived(self) -> None:
        """For the scenario: waits until an activity is at the gate."""
        await asyncio.wait_for(self._arrived.wait(), DEADLINE_S)

    def open(self) -> None:
        """For the scenario: lets it go on."""
        self._opened.set()


def _kind(message: Message) -> str:
    return message.author_kind.name.lower() if message.author_kind else "unknown"


def _shown(value: object) -> str:
    return json.dumps(value, indent=2, default=str)
