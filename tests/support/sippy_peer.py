"""sippy (PyPI) as a peer for tests: starts its process, tells it what to do, hears it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_sip_port
from tests.support.program import ROOT, base_environment

PACKAGES = ROOT / ".venv" / "peers"
"""Where tools/setup.sh puts it: it brings a package `tests` along that would hide ours."""
PROGRAM = Path(__file__).with_name("sippy_end.py")
needs_sippy = pytest.mark.skipif(not PACKAGES.is_dir(), reason="sippy is not installed")

Event = dict[str, Any]
STOP_WITHIN = 10.0


class Sippy:
    """One running peer: a user agent, or with `bridge` a B2BUA between the phone and whoever is
    registered. Requests of the methods in `challenged` must show the `login`."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        challenged: Sequence[str] = (),
        algorithm: str = "MD5",
        login: tuple[str, str] = ("switch-1", "secret-1"),
        bridge: bool = False,
        phone: tuple[str, int] = ("127.0.0.1", 5060),
        caller: str = "",
    ) -> None:
        """What the number `caller` calls goes to the registered contact, all else to the phone."""
        self.host, self.port = host, free_sip_port(host)
        folder.mkdir(parents=True)
        self._log = folder / "log"
        self._settings = {
            "host": host, "port": self.port, "challenged": list(challenged), "login": login,
            "algorithm": algorithm, "bridge": bridge, "phone": phone, "caller": caller,
        }  # fmt: skip
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._calls = 0

    def start(self) -> Sippy:
        """Starts it, and waits until it listens."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # -P: what stands beside the program is no module of its own.
                [sys.executable, "-P", str(PROGRAM), json.dumps(self._settings)],
                env={**base_environment(), "PYTHONPATH": str(PACKAGES)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._reader.start()
        self.expect("ready", within=20)
        return self

    def call(self, number: str, by: tuple[str, int], **what: object) -> str:
        """Calls a number by a switch; `sdp`, `user`, `password`, `algorithm` and `replaces` as
        needed. The id of the call."""
        self._calls += 1
        name = f"out{self._calls}"
        self.do("call", name, to=number, by=by, **what)
        return name

    def do(self, what: str, call: str, **further: object) -> None:
        """`ring`, `answer`, `fail`, `update` (a re-INVITE) or `hang_up` (CANCEL, BYE)."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, "id": call, **further}) + "\n")
        self._process.stdin.flush()

    def expect(self, event: str, *, within: float = 8.0, **like: object) -> Event:
        """Waits for an event that has these values, and takes it out of those that came."""

        def found() -> Event | None:
            wanted = {"event": event, **like}
            return next((one for one in self._events if wanted.items() <= one.items()), None)

        with self._changed:
            came = self._changed.wait_for(lambda: found() is not None, within)
            assert came, f"no {event} {like} within {within} s; {self._events}\n{self.said()}"
            taken = found()
            assert taken is not None
            self._events.remove(taken)
            return taken

    def said(self) -> str:
        """What it sent and received."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """Ends it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_WITHIN)
        self._reader.join(STOP_WITHIN)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                if line.startswith("@"):
                    self._events.append(json.loads(line[1:]))
                else:
                    self._events.append({"event": "printed", "text": line.rstrip()})
                self._changed.notify_all()
