"""Runs Debian's Kamailio with the project's configuration of it, in front of nodes of the switch.

Ports are chosen free. Its processes are a group of their own, which is ended whatever happens.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest

from tests.support.ports import free_sip_port, udp_owners
from tests.support.program import ROOT, wait_for

EXECUTABLE = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_kamailio = pytest.mark.skipif(EXECUTABLE is None, reason="kamailio is not installed")
CONFIGURATION = ROOT / "deploy" / "kamailio" / "kamailio.cfg"

Address = tuple[str, int]


class Kamailio:
    """One proxy; a context manager."""

    def __init__(
        self, directory: Path, *, nodes: Sequence[Address], carriers: Sequence[Address]
    ) -> None:
        self.host, self.port = "127.0.0.1", free_sip_port()
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        lines = [f"1 sip:{host}:{port}" for host, port in nodes]
        lines += [f"2 sip:{host}:{port} 0 10" for host, port in carriers]
        self.list = directory / "dispatcher.list"
        self.list.write_text("\n".join(lines) + "\n")
        self.log = directory / "kamailio.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self.host, self.port

    def _options(self) -> list[str]:
        """What it is told beside where its files are."""
        listen = f"LISTEN=udp:{self.host}:{self.port}"
        return ["-f", str(CONFIGURATION), "-A", f'DISPATCHER="{self.list}"', "-A", listen]

    def __enter__(self) -> Self:
        assert EXECUTABLE is not None
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(EXECUTABLE, "-DD", "-E", "-m", "32", "-M", "8"),
                    *("-Y", str(self.directory), *self._options()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process = self._process
        wait_for(
            "kamailio listens",
            lambda: process.poll() is not None or bool(udp_owners(self.port)),
            within=15.0,
        )
        assert process.poll() is None, self.log.read_text(errors="replace")[-3000:]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        group = self._process.pid
        os.killpg(group, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)
            self._process.wait(5)
        deadline = time.monotonic() + 5
        while udp_owners(self.port) and time.monotonic() < deadline:
            time.sleep(0.05)
