"""Text messages over a gateway's HTTP API.

The gateway knows messages by their idempotency key: an attempt that got no answer may be repeated,
and a message whose sender was lost can be found again.

    POST {base_url}/messages          {"to": ..., "text": ..., "receipts": ...}, Idempotency-Key
    GET  {base_url}/messages?key=...  the message with that key, or 404
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any, cast

from support_agents.channels.outgoing import NotSentError, Outgoing, Sent

CHARACTERS_MAX = 1600
ANSWER_BYTES_MAX = 64 * 1024
_RETRY_AFTER_S_MAX = 3600.0
# 408: the server gave up waiting; 409: an attempt is still on its way; 425, 429: come back later.
_RETRYABLE = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """Where text messages are handed in.

    Attributes:
        base_url: Base of the gateway's API, without the trailing slash.
        api_key: Bearer token; empty sends none.
        receipts_url: Where the gateway reports what became of messages; empty: nowhere.
        timeout_s: Longest time for one answer, in seconds.
    """

    base_url: str
    api_key: str = field(default="", repr=False)
    receipts_url: str = ""
    timeout_s: float = 10.0


class SmsAdapter:
    """Hands text messages to a gateway. Safe to use from several threads."""

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings

    def send(self, outgoing: Outgoing) -> Sent:
        """Hands one message over. Blocks.

        Raises:
            NotSentError: The gateway does not have it, or takes the next attempt for the same.
        """
        if len(outgoing.text) > CHARACTERS_MAX:
            raise NotSentError(f"longer than {CHARACTERS_MAX} characters", retryable=False)
        body = {"to": outgoing.address, "text": outgoing.text}
        if self._settings.receipts_url:
            # The gateway's receipts bring back which conversation they are about.
            conversation = urllib.parse.quote(outgoing.conversation_id, safe="")
            body["receipts"] = f"{self._settings.receipts_url}?conversation={conversation}"
        return _sent(self._call("/messages", body, outgoing.key))

    def find(self, key: str) -> Sent | None:
        """The message of an earlier attempt, if the gateway has it. Blocks.

        Raises:
            NotSentError: The gateway gave no answer; retryable.
        """
        try:
            return _sent(self._call(f"/messages?key={urllib.parse.quote(key, safe='')}"))
        except NotSentError as error:
            cause = error.__cause__
            if isinstance(cause, urllib.error.HTTPError) and cause.code == 404:
                return None
            raise

    def _call(self, path: str, body: dict[str, str] | None = None, key: str = "") -> object:
        headers = {"accept": "application/json"}
        if self._settings.api_key:
            headers["authorization"] = f"Bearer {self._settings.api_key}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers |= {"content-type": "application/json", "idempotency-key": key}
        request = urllib.request.Request(  # noqa: S310  the scheme is checked by the settings
            f"{self._settings.base_url}{path}", data, headers
        )
        try:
            with urllib.request.urlopen(request, timeout=self._settings.timeout_s) as answer:  # noqa: S310
                raw = answer.read(ANSWER_BYTES_MAX + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise NotSentError(f"no answer from the gateway: {error}") from error
        try:
            return json.loads(raw)
        except ValueError as error:
            raise NotSentError("the gateway's answer is not JSON") from error


def _refusal(error: urllib.error.HTTPError) -> NotSentError:
    retryable = error.code >= 500 or error.code in _RETRYABLE
    try:
        asked = float(error.headers.get("retry-after", ""))
    except ValueError:  # absent, or a date: the retry policy decides then
        asked = -1.0
    wait = min(asked, _RETRY_AFTER_S_MAX) if asked >= 0 else None
    return NotSentError(
        f"the gateway answered {error.code} {error.reason}",
        retryable=retryable,
        retry_after_s=wait if retryable else None,
    )


def _sent(answer: object) -> Sent:
    found: Any = cast("dict[str, Any]", answer).get("id") if isinstance(answer, dict) else None
    if not isinstance(found, str) or not found:
        raise NotSentError("the gateway's answer has no message id")
    return Sent(found)
