"""A connection to the control socket of a switch that runs: requests out, answers and events in.

Waits for each answer, with a deadline. Knows JSON-RPC 2.0, one message a line, and no method.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["AwayError", "Peer", "RefusedError", "Where"]

ANSWER_SECONDS = 5.0
"""How long a switch may take to answer what asks for nothing slow: nobody looks at an empty screen
for longer."""

WAITING_SECONDS = 1.0
"""After so long whoever looks is told why nothing comes."""

CONNECT_SECONDS = 5.0

MAX_LINE = 64 << 20
"""Longer than any answer; what speaks longer without a line's end is no switch."""

MAX_WAITING = 100_000
"""Events that wait while an answer is awaited: more than a switch keeps."""

READ_SIZE = 1 << 16


class AwayError(Exception):
    """No switch can be reached there; the text is for the operator."""


class RefusedError(Exception):
    """The switch answers with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", "no reason given")))
        self.method = method
        self.code = int(error.get("code", 0))
        data = error.get("data")
        self.details: dict[str, Any] = data if isinstance(data, dict) else {}

    @property
    def reason(self) -> str:
        """Name of the code, such as call_not_found."""
        return str(self.details.get("reason", ""))


@dataclass(frozen=True, slots=True)
class Where:
    """Which switch: a Unix socket, or a host and a port."""

    path: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8021
    token: str = field(default="", repr=False)
    tls: bool = False
    authority: Path | None = None
    """Certificates that are trusted beside those of the system."""

    def __str__(self) -> str:
        if self.path is not None:
            return str(self.path)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def connect(self) -> socket.socket:
        """A connected socket; raises OSError."""
        if self.path is not None:
            return _connect_unix(self.path)
        plain = socket.create_connection((self.host, self.port), CONNECT_SECONDS)
        if not self.tls:
            return plain
        try:
            context = ssl.create_default_context(cafile=self.authority)
            return context.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise


def _connect_unix(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(CONNECT_SECONDS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


class Peer:
    """One connection; `close` it."""

    def __init__(self, where: Where, *, on_waiting: Callable[[], None] | None = None) -> None:
        """Connect, and show the token when there is one; raises AwayError or RefusedError.

        `on_waiting` is told, once a request, that the switch takes its time."""
        self.where = where
        self.on_waiting = on_waiting
        try:
            self._socket = where.connect()
        except OSError as error:
            raise AwayError(f"no switch answers at {where}: {_why(error)}") from None
        self._data = bytearray()
        self._searched = 0
        self._number = 0
        self._told: deque[dict[str, Any]] = deque(maxlen=MAX_WAITING)
        if where.token:
            try:
                self.ask("auth", token=where.token)
            except (AwayError, RefusedError):
                self.close()
                raise

    def ask(
        self,
        method: str,
        written: Mapping[str, Any] | None = None,
        /,
        *,
        within: float = ANSWER_SECONDS,
        **params: Any,
    ) -> Any:
        """The result of a method; raises RefusedError or AwayError.

        `written` are parameters more, whose names are somebody else's: `within` may be one.
        """
        self._number += 1
        number = self._number
        every = params if written is None else {**params, **written}
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": every}
        deadline = time.monotonic() + within
        self._send(json.dumps(request).encode() + b"\n")
        waiting = None if self.on_waiting is None else time.monotonic() + WAITING_SECONDS
        while True:
            message = self._next(deadline if waiting is None else min(waiting, deadline))
            if message is None and waiting is not None and time.monotonic() < deadline:
                waiting = None
                self._tell_waiting()
                continue
            if message is None:
                raise AwayError(f"{self.where}: {method} was not answered within {within:g} s")
            if message.get("id") == number and "method" not in message:
                break
            self._told.append(message)
        if "error" in message:
            raise RefusedError(method, message["error"])
        return message.get("result")

    def _tell_waiting(self) -> None:
        if self.on_waiting is not None:
            self.on_waiting()

    def told(self, within: float | None) -> dict[str, Any] | None:
        """What comes next unasked; None when nothing did in time. Without a time it waits for ever.

        Raises AwayError when the connection is over.
        """
        if self._told:
            return self._told.popleft()
        return self._next(None if within is None else time.monotonic() + within)

    def _send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.sendall(data)
        except OSError as error:
            raise AwayError(f"{self.where}: {_why(error)}") from None

    def _next(self, deadline: float | None) -> dict[str, Any] | None:
        while (end := self._data.find(b"\n", self._searched)) < 0:
            self._searched = len(self._data)
            if self._searched > MAX_LINE:
                raise AwayError(f"{self.where}: what answers there is no switch")
            if not self._read(deadline):
                return None
        line = bytes(self._data[:end])
        del self._data[: end + 1]
        self._searched = 0
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise AwayError(f"{self.where}: what answers there is no switch")
        return message

    def _read(self, deadline: float | None) -> bool:
        """Wait for more; False when the time is over."""
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return False
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(READ_SIZE)
        except TimeoutError:
            return False
        except OSError as error:
            raise AwayError(f"{self.where}: {_why(error)}") from None
        if not data:
            raise AwayError(f"{self.where}: the switch has closed the connection")
        self._data += data
        return True

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.strerror or str(error)
