"""The webhook by which the SMS gateway says what became of messages.

    POST /receipts?conversation=ID   {"id": ..., "status": ..., "detail": ...}, X-Signature

Gateways repeat receipts, send them late and in any order. So a receipt is answered with success
only when the coordinator has it, and the coordinator only moves a delivery forward.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

BODY_BYTES_MAX = 16 * 1024
_CONNECTION_TIMEOUT_S = 10
_LOGGER = logging.getLogger("support_agents.receipts")

Status = Literal["accepted", "delivered", "read", "failed"]

# Words of the gateway for what the coordinator knows.
_STATUSES: dict[str, Status] = {
    "queued": "accepted",
    "sent": "accepted",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "expired": "failed",
    "rejected": "failed",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the gateway says about a message.

    Attributes:
        conversation_id: Conversation of the message.
        provider_message_id: The gateway's id of it.
        status: What became of it.
        detail: The gateway's words.
    """

    conversation_id: str
    provider_message_id: str
    status: Status
    detail: str


class Outcome(Enum):
    """What became of a receipt, and how the gateway is answered."""

    TAKEN = HTTPStatus.NO_CONTENT
    UNKNOWN = HTTPStatus.NOT_FOUND
    """There is no such delivery. A receipt can be faster than the answer to the message itself,
    so gateways come back a few times after this."""
    LATER = HTTPStatus.SERVICE_UNAVAILABLE
    """The coordinator cannot be reached."""


class ReceiptError(ValueError):
    """Not a receipt."""


def read_receipt(query: str, body: bytes) -> Receipt:
    """Reads a receipt.

    Raises:
        ReceiptError: Something is missing or makes no sense.
    """
    conversation = urllib.parse.parse_qs(query).get("conversation", [""])[0]
    try:
        fields: Any = json.loads(body)
        message_id, word = fields["id"], fields["status"]
        detail = fields.get("detail") or ""
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReceiptError("not a receipt") from error
    if not conversation or not (isinstance(message_id, str) and message_id):
        raise ReceiptError("conversation or id is missing")
    status = _STATUSES.get(word) if isinstance(word, str) else None
    if status is None:
        raise ReceiptError(f"unknown status {word!r}")
    return Receipt(conversation, message_id, status, str(detail)[:1000])


def signature(secret: str, query: str, body: bytes) -> str:
    """What the gateway writes into X-Signature: both parts, so that neither can be changed."""
    return hmac.new(secret.encode(), query.encode() + b"\n" + body, hashlib.sha256).hexdigest()


class ReceiptServer:
    """Takes receipts and hands them to a function, from threads of its own.

    Args:
        address: Where to listen: host and port; port 0 chooses one.
        secret: Shared with the gateway.
        report: Tells the coordinator; may be called from several threads.
    """

    def __init__(
        self, address: tuple[str, int], secret: str, report: Callable[[Receipt], Outcome]
    ) -> None:
        self._server = _Server(address, secret, report)
        self._thread = threading.Thread(target=self._server.serve_forever, name="receipts")

    @property
    def url(self) -> str:
        """Where the gateway sends receipts."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/receipts"

    def start(self) -> None:
        """Begins to take receipts."""
        self._thread.start()

    def stop(self) -> None:
        """Answers what it has, and ends."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(
        self, address: tuple[str, int], secret: str, report: Callable[[Receipt], Outcome]
    ) -> None:
        super().__init__(address, _Handler)
        self.secret = secret
        self.report = report


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = _CONNECTION_TIMEOUT_S

    def do_POST(self) -> None:
        self._answer(self._status())

    def _status(self) -> HTTPStatus:
        path, _, query = self.path.partition("?")
        length = self.headers.get("content-length", "")
        if path != "/receipts":
            return HTTPStatus.NOT_FOUND
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        body = self.rfile.read(int(length))
        expected = signature(self.server.secret, query, body)
        given = self.headers.get("x-signature", "")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            return HTTPStatus.FORBIDDEN
        try:
            receipt = read_receipt(query, body)
        except ReceiptError as error:
            _LOGGER.warning("a receipt was refused: %s", error)
            return HTTPStatus.BAD_REQUEST
        try:
            return self.server.report(receipt).value
        except Exception:
            # The gateway comes back with it.
            _LOGGER.exception("a receipt could not be reported")
            return HTTPStatus.SERVICE_UNAVAILABLE

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Receipts are too many for the log."""
