"""A client for any OpenAI-compatible chat endpoint, when one is configured.

It makes one attempt and raises: repeating is the coordinator's job, which remembers the
attempt and the backoff across restarts.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from support_agents.settings import LlmSettings

ANSWER_BYTES_MAX = 1024 * 1024
_RETRY_AFTER_S_MAX = 300.0
# 408: the server gave up waiting; 409, 425, 429: come back later.
_RETRYABLE = frozenset({408, 409, 425, 429})


class LlmError(Exception):
    """The endpoint gave no usable answer.

    Attributes:
        retryable: Another attempt may succeed.
        retry_after_s: How long the endpoint asked to wait, in seconds, if it did.
    """

    def __init__(
        self, message: str, *, retryable: bool = True, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote, and what that used.

    Attributes:
        text: The text.
        input_tokens: Tokens that the model read; 0 if the endpoint does not say.
        output_tokens: Tokens that it wrote; 0 if the endpoint does not say.
    """

    text: str
    input_tokens: int = 0
    output_tokens: int = 0


def complete(
    settings: LlmSettings, system: str, user: str, on_text: Callable[[str], None] | None = None
) -> Completion:
    """Asks the model once.

    Args:
        settings: Where and whom to ask.
        system: Its instructions.
        user: What to answer.
        on_text: Gets the text piece by piece while it is written, if the endpoint can stream.

    Raises:
        LlmError: The endpoint refused, failed, was too slow, or answered nonsense.
    """
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        "temperature": 0.2,
    }
    if on_text is not None:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    headers = {"content-type": "application/json", "accept": "application/json"}
    if settings.api_key:
        headers["authorization"] = f"Bearer {settings.api_key}"
    request = urllib.request.Request(  # noqa: S310  the scheme is checked by the settings
        f"{settings.base_url}/chat/completions", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.urlopen(request, timeout=settings.timeout_s) as response:  # noqa: S310
            kind = response.headers.get_content_type()
            if on_text is not None and kind == "text/event-stream":
                return _streamed(response, on_text)
            raw = response.read(ANSWER_BYTES_MAX + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error) from error
    except (OSError, http.client.HTTPException) as error:
        raise LlmError(f"no answer from the language model: {error}") from error
    if len(raw) > ANSWER_BYTES_MAX:
        raise LlmError("the language model's answer is too long")
    completion = _whole(raw)
    if on_text is not None:
        on_text(completion.text)
    return completion


def _refusal(error: urllib.error.HTTPError) -> LlmError:
    retryable = error.code >= 500 or error.code in _RETRYABLE
    try:
        asked = float(error.headers.get("retry-after", ""))
    except ValueError:  # absent, or a date: the retry policy decides then
        asked = -1.0
    wait = min(asked, _RETRY_AFTER_S_MAX) if asked >= 0 else None
    return LlmError(
        f"the language model answered {error.code} {error.reason}",
        retryable=retryable,
        retry_after_s=wait if retryable else None,
    )


def _whole(raw: bytes) -> Completion:
    try:
        answer: Any = json.loads(raw)
        text = answer["choices"][0]["message"]["content"]
        usage = answer.get("usage")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise LlmError("the language model's answer is not a chat completion") from error
    if not isinstance(text, str) or not text.strip():
        raise LlmError("the language model's answer is empty")
    return Completion(text.strip(), *_tokens(usage))


def _streamed(lines: Iterable[bytes], on_text: Callable[[str], None]) -> Completion:
    """Reads server-sent events until "[DONE]"; a stream that breaks before is no answer."""
    parts: list[str] = []
    size = 0
    usage: Any = None
    for line in lines:
        size += len(line)
        if size > ANSWER_BYTES_MAX:
            raise LlmError("the language model's answer is too long")
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            text = "".join(parts).strip()
            if not text:
                raise LlmError("the language model's answer is empty")
            return Completion(text, *_tokens(usage))
        try:
            chunk: Any = json.loads(data)
            usage = chunk.get("usage") or usage
            pieces = [choice["delta"].get("content") for choice in chunk["choices"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LlmError("the language model's stream makes no sense") from error
        for piece in pieces:
            if isinstance(piece, str) and piece:
                parts.append(piece)
                on_text(piece)
    raise LlmError("the language model's stream broke off")


def _tokens(usage: Any) -> tuple[int, int]:  # noqa: ANN401  what the endpoint wrote
    """Tokens read and written, as far as the endpoint says."""
    if not isinstance(usage, dict):
        return 0, 0
    counts = cast("dict[str, Any]", usage)
    numbers = [counts.get(name) for name in ("prompt_tokens", "completion_tokens")]
    read, written = (n if isinstance(n, int) and n >= 0 else 0 for n in numbers)
    return read, written
