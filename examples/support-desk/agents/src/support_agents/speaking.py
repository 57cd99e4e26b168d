"""Partial output: texts reach those who watch the conversation while they are written."""

from __future__ import annotations

import re

from everturn import ActivityContext, NoActivityError, activity

_WORD = re.compile(r"\s*\S+")


def say(text: str, pause_ms: float) -> int:
    """Streams a finished text word by word, as if it were being written: the number of words."""
    words = _WORD.findall(text)
    context = current()
    if context is None:
        return len(words)
    for word in words:
        context.stream(word)
        if pause_ms > 0 and context.wait_canceled(pause_ms / 1000):
            context.raise_if_canceled()
    return len(words)


def current() -> ActivityContext | None:
    """The context of the running activity; none in a plain call."""
    try:
        return activity.context()
    except NoActivityError:
        return None
