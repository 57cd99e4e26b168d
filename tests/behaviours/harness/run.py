"""Runs the case of a folder: ``python -m harness.run NAME``, or a role: ``… NAME ROLE``."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path

from everturn import AsyncClient, Worker

from harness import Case, Spawned, Work, World

ROOT = Path(__file__).parent.parent
FIXTURE = ROOT / "dist/harness/fixture.js"


def load(name: str) -> Case:
    """The case of a behaviour."""
    spec = importlib.util.spec_from_file_location("case", ROOT / name / "case.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} has no case.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["case"] = module
    spec.loader.exec_module(module)
    case: object = vars(module).get("case")
    if not isinstance(case, Case):
        raise TypeError(f"{name}/case.py decorates no scenario called `case`")
    return case


def worker(work: Work) -> Worker | None:
    """The worker for it, if there is anything to do."""
    if not work.activities and not work.deliveries:
        return None
    queue = "python" if work.activities else None
    return Worker(
        activities=work.activities,
        deliveries=work.deliveries,
        task_queue=queue,
        drain_timeout=2,
    )


def say(line: object) -> None:
    """Writes a line to whoever started the case."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def ask(wish: str) -> None:
    """Has something done to the coordinator by whoever started it."""
    say({"ask": wish})
    answer = (await asyncio.to_thread(sys.stdin.readline)).strip()
    if answer != "done":
        raise RuntimeError(f"the coordinator did not {wish}: {answer}")


async def play(name: str, case: Case) -> None:
    """Runs the fixture, the case's worker and its scenario."""
    children: list[asyncio.subprocess.Process] = []

    async def start(*command: str | Path) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
        )
        children.append(process)
        return process

    async def spawn(role: str) -> Spawned:
        return Spawned(await start(sys.executable, "-m", "harness.run", name, role))

    running: asyncio.Task[None] | None = None
    try:
        await start("node", FIXTURE)
        own = worker(case.work)
        running = asyncio.create_task(own.run()) if own else None
        async with AsyncClient() as client:
            folder = Path(os.environ.get("EVERTURN_STORE_FOLDER", "."))
            await case.scenario(World(client, folder, spawn, ask))
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
        if running:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def main() -> int:
    """Plays, and says how it went in one line of JSON."""
    name, *role = sys.argv[1:]
    begin_s = time.monotonic()
    error: str | None = None
    try:
        case = load(name)
        if role:
            doomed = worker(case.roles[role[0]])
            if doomed:
                doomed.run_sync()
            return 0
        asyncio.run(play(name, case))
    except Exception as caught:  # noqa: BLE001 - whatever it is, it is reported
        lines = [it for it in traceback.format_tb(caught.__traceback__) if "case.py" in it]
        error = f"{type(caught).__name__}: {caught}\n{''.join(lines)}"
    took_ms = round((time.monotonic() - begin_s) * 1000)
    line = {"behaviour": name, "language": "python", "ok": error is None, "ms": took_ms}
    say({**line, "error": error})
    return 0 if error is None else 1


if __name__ == "__main__":
    sys.exit(main())
