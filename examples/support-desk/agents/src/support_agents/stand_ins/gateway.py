"""An SMS gateway on loopback, with the API that ``channels.sms`` speaks."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from support_agents.channels.receipts import signature

# How a request goes wrong: an error status; the connection is cut before the message was taken
# ("refused"), or after it was ("lost").
Mishap = int | Literal["refused", "lost"]

_RECEIPT_TRIES = 20
_RECEIPT_AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Text:
    """A text message that the gateway took.

    Attributes:
        id: Id that the gateway gave it.
        key: Idempotency key of the request.
        to: Telephone number.
        text: What it says.
    """

    id: str
    key: str
    to: str
    text: str


class Gateway(ThreadingHTTPServer):
    """Takes text messages and reports what became of them.

    Attributes:
        texts: Messages that were taken, in order; each key once.
        mishaps: What goes wrong with the next requests, in order; then nothing does.
        delay_s: How long it thinks before it answers.
        receipts: Statuses that it reports for each message, in order.
        receipt_delay_s: How long it waits before each of them.
        reported: Answers that its receipts got.
    """

    daemon_threads = True

    def __init__(self, port: int = 0, secret: str = "") -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.texts: list[Text] = []
        self.mishaps: deque[Mishap | None] = deque()
        self.delay_s = 0.0
        self.retry_after = ""
        self.receipts: tuple[str, ...] = ("delivered",)
        self.receipt_delay_s = 0.0
        self.reported: list[int] = []
        self.headers_seen: list[dict[str, str]] = []
        self._secret = secret
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """Base of its API."""
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, key: str, to: str, text: str) -> tuple[Text, bool]:
        """Remembers a message; false if it was there already."""
        with self._lock:
            known = self.find(key)
            if known is not None:
                return known, False
            taken = Text(f"sms-{len(self.texts) + 1}", key, to, text)
            self.texts.append(taken)
            return taken, True

    def find(self, key: str) -> Text | None:
        """The message of a request."""
        return next((text for text in self.texts if text.key == key), None)

    def next_mishap(self) -> Mishap | None:
        """What goes wrong now."""
        with self._lock:
            return self.mishaps.popleft() if self.mishaps else None

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that gave up waiting are no error."""

    def report(self, text: Text, url: str) -> None:
        """Sends the receipts of a message, from a thread of its own."""
        threading.Thread(target=self._report, args=(text, url), daemon=True).start()

    def _report(self, text: Text, url: str) -> None:
        for status in self.receipts:
            time.sleep(self.receipt_delay_s)
            body = json.dumps({"id": text.id, "status": status, "detail": ""}).encode()
            seal = signature(self._secret, urllib.parse.urlsplit(url).query, body)
            for _ in range(_RECEIPT_TRIES):
                answer = _post(url, body, {"x-signature": seal})
                self.reported.append(answer)
                if 200 <= answer < 300:
                    break
                time.sleep(_RECEIPT_AGAIN_S)


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, body, headers)  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


class _Handler(BaseHTTPRequestHandler):
    server: Gateway  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        fields: Any = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.headers_seen.append({k.lower(): v for k, v in self.headers.items()})
        time.sleep(self.server.delay_s)
        mishap = self.server.next_mishap()
        if isinstance(mishap, int):
            self._answer(mishap, {"error": "out of order"})
            return
        if mishap != "refused":
            text, is_new = self.server.take(
                self.headers["idempotency-key"], fields["to"], fields["text"]
            )
            if is_new and fields.get("receipts"):
                self.server.report(text, fields["receipts"])
            if mishap is None:
                self._answer(201, {"id": text.id})
                return
        self.close_connection = True

    def do_GET(self) -> None:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        text = self.server.find(query.get("key", [""])[0])
        if text is None:
            self._answer(404, {"error": "no such message"})
        else:
            self._answer(200, {"id": text.id})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if self.server.retry_after:
            self.send_header("retry-after", self.server.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keeps the output clean."""
