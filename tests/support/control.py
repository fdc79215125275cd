"""A peer of the control socket, as an outside program would write it: lines of JSON over a
socket, nothing of the product imported.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from pathlib import Path
from types import TracebackType
from typing import Any

MAX_WAIT = 5.0


class Refused(Exception):
    """The answer is an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']} {error['message']}")
        self.code = error["code"]
        self.data = error["data"]
        self.reason = error["data"]["reason"]


class ControlPeer:
    """One connection; what comes unasked waits in `notifications`."""

    def __init__(self, where: tuple[str, int] | Path, *, tls: ssl.SSLContext | None = None) -> None:
        if isinstance(where, Path):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(MAX_WAIT)
            self._socket.connect(str(where))
        else:
            self._socket = socket.create_connection(where, MAX_WAIT)
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname=where[0])
        self._data = b""
        self._number = 0
        self.notifications: list[dict[str, Any]] = []

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a request; raises Refused."""
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self._next(time.monotonic() + MAX_WAIT)
            assert message is not None, f"{method} is not answered"
            if message.get("id") == self._number:
                break
            self.notifications.append(message)
        if "error" in message:
            raise Refused(message["error"])
        return message["result"]

    def notification(self, within: float = MAX_WAIT) -> dict[str, Any] | None:
        """What comes next unasked: its method and params; None when nothing does."""
        if self.notifications:
            return self.notifications.pop(0)
        return self._next(time.monotonic() + within)

    def event(self, kind: str, within: float = MAX_WAIT) -> Any:
        """The next event of a kind; those before it are passed over."""
        deadline = time.monotonic() + within
        while (told := self.notification(deadline - time.monotonic())) is not None:
            if told.get("params", {}).get("kind") == kind:
                return told["params"]
        raise AssertionError(f"no {kind} within {within} s")

    def _next(self, deadline: float) -> dict[str, Any] | None:
        while b"\n" not in self._data:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                more = self._socket.recv(1 << 16)
            except TimeoutError:
                return None
            if not more:
                raise ConnectionError("the switch has closed the connection")
            self._data += more
        line, _, self._data = self._data.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def __enter__(self) -> ControlPeer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()
