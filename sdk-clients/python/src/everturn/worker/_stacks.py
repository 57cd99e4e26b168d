"""Where a thread stands, as text."""

from __future__ import annotations

import sys
import traceback
from types import FrameType

STACK_CHARS_MAX = 8_000
"""Of a stack the end is kept: it says where the code stands."""


def frame_of(thread_id: int) -> FrameType | None:
    """The innermost frame of a thread."""
    return sys._current_frames().get(thread_id)


def stack_of(frame: FrameType | None) -> str:
    """Where a thread stands, the innermost call last."""
    text = "" if frame is None else "".join(traceback.format_stack(frame))
    return text[-STACK_CHARS_MAX:]
