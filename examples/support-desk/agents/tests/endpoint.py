"""A real HTTP server that speaks as much of the chat-completions API as the tests need."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support_agents.settings import LlmSettings


class Endpoint(ThreadingHTTPServer):
    """An endpoint that answers every request as the test says, and remembers them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: bytes = completion("Hello from the model.")
        self.delay_s = 0.0
        self.requests: list[tuple[str, dict[str, str], Any]] = []

    def settings(self, timeout_s: float = 5.0) -> LlmSettings:
        return LlmSettings(f"http://127.0.0.1:{self.server_port}/v1", "tiny", "key-1", timeout_s)


class Handler(BaseHTTPRequestHandler):
    server: Endpoint  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = json.loads(self.rfile.read(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        time.sleep(self.server.delay_s)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keeps the test output clean."""


def completion(text: object) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
