"""Activities for processes; imported by the processes too."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from everturn import activity


@dataclass
class Text:
    words: list[str]


@activity(executor="process")
def count_words(text: Text) -> dict[str, int]:
    return {"count": len(text.words), "pid": os.getpid()}


@activity(executor="process")
def spin_until_canceled() -> str:
    context = activity.context()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        context.raise_if_canceled()
        context.heartbeat()
        time.sleep(0.01)
    return "never canceled"


@activity(executor="process")
def die(code: int) -> None:
    os._exit(code)


@activity(executor="process")
def fail() -> None:
    activity.context().heartbeat({"done": 3})
    raise LookupError("in the process")


@activity(executor="process")
def ignore_everything() -> None:
    time.sleep(60)


@activity(executor="process")
def streams(count: int) -> int:
    context = activity.context()
    for number in range(count):
        context.stream(f"{number} ")
        context.report_usage(output_tokens=1)
    return count


@activity(executor="process")
def pays_and_dies() -> None:
    activity.context().report_usage(input_tokens=5)
    activity.context().stream("last words")
    os._exit(9)


@activity(executor="process")
def leaves_a_thread() -> None:
    context = activity.context()

    def talk() -> None:
        time.sleep(0.1)
        context.heartbeat("late")
        context.report_usage(output_tokens=1_000)

    threading.Thread(target=talk, daemon=True).start()


@activity(executor="process")
def quiet() -> None:
    time.sleep(0.4)


@activity(executor="process")
def hold_process(seconds: float) -> None:
    time.sleep(seconds)
