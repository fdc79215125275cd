"""What the switch tells systemd: that it takes calls, that it lives, that it stops.

The protocol of sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names. Without that
variable, or with a socket that is gone, nothing is told and nothing fails: a switch does not end
because whoever started it does not listen. Knows no calls.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

__all__ = ["ServiceManager"]

logger = logging.getLogger(__name__)

MAX_STATUS = 200
"""Characters of a status line, which `systemctl status` shows in one line."""


class ServiceManager:
    """The way to whoever started the process; owns its socket."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self.watched = "WATCHDOG_USEC" in environment and _is_for_us(environment)
        """Whether `alive` is awaited: who does not say it in time is ended and started anew."""
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def ready(self, status: str = "") -> None:
        """The switch takes calls."""
        self._tell("READY=1", _status(status))

    def reloading(self) -> None:
        """A new configuration is being read; `ready` says when that is over."""
        # sd_notify(3): systemd tells old messages from new ones by the time in them.
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def alive(self, status: str = "") -> None:
        """The event loop runs; said more often than the watchdog asks for."""
        lines = [_status(status)] if status else []
        if self.watched:
            lines.append("WATCHDOG=1")
        if lines:
            self._tell(*lines)

    def stopping(self, status: str = "") -> None:
        """No new calls are taken."""
        self._tell("STOPPING=1", _status(status))

    def close(self) -> None:
        """Tell nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, *lines: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(line for line in lines if line).encode(), self._address)
        except OSError as error:
            # Full for a moment, or gone: the next word comes within a second.
            logger.debug("the service manager was not told: %s", error)


def _address(text: str) -> str:
    """A path, or a name of Linux's abstract space, written with an @ in front."""
    return "\0" + text[1:] if text.startswith("@") else text


def _is_for_us(environment: Mapping[str, str]) -> bool:
    """WATCHDOG_PID is inherited by helpers that are not meant (sd_watchdog_enabled(3))."""
    return environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())


def _status(text: str) -> str:
    return f"STATUS={text[:MAX_STATUS]}" if text else ""
