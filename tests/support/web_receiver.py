"""Somebody's server that webhooks and pixels come to: keeps what it gets, answers as it is told.

Plain http.server in a thread; nothing of the product is imported.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.support.program import wait_for


@dataclass
class Received:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)
    status: int = 200

    @property
    def told(self) -> Any:
        """The JSON that it carries."""
        return json.loads(self.body)


Answer = Callable[[Received], int | tuple[int, dict[str, str]]]


class Receiver:
    """One server; `answer` says with which status a request is answered."""

    def __init__(self, *, port: int = 0, answer: Answer | None = None) -> None:
        self.answer: Answer = answer or (lambda _request: 200)
        self.received: list[Received] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def url(self, path: str = "/") -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}{path}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                receiver.take(self, Received(self.command, self.path, dict(self.headers), body))

            do_GET = do_POST = _answer  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                pass

        return Handler

    def take(self, handler: BaseHTTPRequestHandler, request: Received) -> None:
        """Answer a request, and keep it."""
        answer = self.answer(request)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        request.status = status
        with self._lock:
            self.received.append(request)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    @property
    def taken(self) -> list[Received]:
        """What was answered with success."""
        with self._lock:
            return [one for one in self.received if one.status < 400]

    def ids(self, kind: str | None = None) -> list[str]:
        """The ids of what was taken, of one kind of event, in the order it came."""
        told = [one.told for one in self.taken]
        return [one["id"] for one in told if kind is None or one["kind"] == kind]

    def wait_for(self, count: int, *, kind: str | None = None, within: float = 20.0) -> None:
        """Wait until so many different things were taken."""
        wait_for(
            f"{count} deliveries of {kind or 'any kind'} (there are {len(set(self.ids(kind)))})",
            lambda: len(set(self.ids(kind))) >= count,
            within=within,
        )

    def close(self) -> None:
        """Go away; connections are refused from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()
