"""Runs SIPp (Debian's sip-tester) on a scenario of sipp_scenarios/, or of a test's own.

Ports are chosen free, every run has a global time-out, and a failure carries SIPp's own error
trace and the messages it saw. A UAS is stopped by SIGUSR1 when the calls are over: its `-m` waits
for dead calls. With `hears` the sound that reached its media socket can be looked at (`heard`).
"""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support import media_files
from tests.support.borrowed_socket import borrowed_udp, waiting
from tests.support.ports import free_rtp_range, free_sip_port, tcp_listeners, udp_owners

SCENARIOS = Path(__file__).resolve().parents[2] / "sipp_scenarios"
EXECUTABLE = shutil.which("sipp")
RTP_HEAD = 12
_ONE_WRITES = threading.Lock()
needs_sipp = pytest.mark.skipif(EXECUTABLE is None, reason="sipp is not installed")


@dataclass(frozen=True)
class Outcome:
    """What SIPp counted."""

    status: int
    successful: int
    failed: int
    retransmissions: int
    unexpected: int
    response_ms: float
    trace: str


class Sipp:
    """One SIPp process; as a context manager it is ended on the way out whatever happens."""

    def __init__(
        self,
        directory: Path,
        scenario: str | Path,
        *,
        remote: tuple[str, int] | None = None,
        port: int | None = None,
        service: str = "100001",
        calls: int = 1,
        rate: float = 10,
        hold_ms: int = 300,
        transport: str = "u1",
        keys: Mapping[str, str] | None = None,
        rtp_echo: bool = False,
        timeout: int = 20,
        host: str = "127.0.0.1",
        extra: Sequence[str] = (),
        cpu: int | None = None,
        quiet: bool = False,
        media_port: int | None = None,
        hears: bool = False,
    ) -> None:
        assert EXECUTABLE is not None, "sipp is not installed"
        assert not (hears and rtp_echo), "what SIPp echoes it has read itself"
        self.path = scenario if isinstance(scenario, Path) else SCENARIOS / scenario
        self.directory = directory
        self.port = port or free_sip_port(host)
        self.name = f"{self.path.stem}-{self.port}"
        self.media_port = media_port or free_rtp_range(4, host)[0]
        self.is_server = self.path.name.startswith("uas")
        self.host = host
        self.arguments = [
            *([] if cpu is None else ["taskset", "-c", str(cpu)]),
            EXECUTABLE,
            *([f"{remote[0]}:{remote[1]}"] if remote else []),
            *("-sf", str(self.path), "-i", host, "-bind_local", "-p", str(self.port)),
            *("-mi", host, "-mp", str(self.media_port), "-t", transport),
            *("-s", service, "-d", str(hold_ms), "-nostdin"),
            *("-timeout", str(timeout), "-timeout_error"),
            *([] if self.is_server else ["-m", str(calls), "-r", str(rate), "-l", str(calls)]),
            *("-trace_err", "-error_file", str(self._file("errors"))),
            *([] if quiet else ["-trace_msg", "-message_file", str(self._file("messages"))]),
            *("-trace_stat", "-stf", str(self._file("stat.csv")), "-fd", "1"),
            *(["-rtp_echo"] if rtp_echo else []),
            *(part for name, value in (keys or {}).items() for part in ("-key", name, value)),
            *extra,
        ]
        self.timeout = timeout
        self.process: subprocess.Popen[bytes] | None = None
        self.hears = hears
        self._may_look = True
        self._media: socket.socket | None = None
        self._heard: list[bytes] = []

    def start(self) -> Sipp:
        """Starts it; a server is waited for until its port is bound."""
        with _ONE_WRITES:
            _media_in(self.directory)
        with self._file("screen").open("wb") as screen:
            self.process = subprocess.Popen(
                self.arguments,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TERM": "dumb"},
            )
        if self.hears:
            self._borrow_media()
        if self.is_server:
            self._wait_until_bound()
        return self

    def wait(self) -> Outcome:
        """Waits for the calls that it was to make, and fails if one failed."""
        assert self.process is not None
        status = self.process.wait(self.timeout + 10)
        outcome = self._outcome(status)
        assert status == 0, f"{self.name} ended with {status}\n{outcome.trace}"
        return outcome

    def stop(self) -> Outcome:
        """Asks a server to end after the calls that it has; fails if one of them failed."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)
        try:
            status = self.process.wait(8)
        except subprocess.TimeoutExpired:
            self.close()
            raise AssertionError(
                f"{self.name} has calls that do not end\n{self._trace()}"
            ) from None
        outcome = self._outcome(status)
        assert status in (0, 99), f"{self.name} ended with {status}\n{outcome.trace}"
        assert outcome.failed == 0, f"{self.name}: failed calls\n{outcome.trace}"
        return outcome

    def heard(self) -> list[bytes]:
        """The RTP packets that have come to its media socket, as many as that holds between two
        looks. Skips the rest of the test where the system lets nobody look: ask last."""
        assert self.hears, "say `hears`"
        if not self._may_look:
            pytest.skip("the socket of a process that a test has started cannot be read here")
        self._look()
        return self._heard

    def result(self) -> Outcome:
        """What it has counted so far, whatever became of it."""
        assert self.process is not None
        return self._outcome(self.process.poll() or 0)

    def close(self) -> None:
        """Ends it at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)
        if self._media is not None:
            self._look()
            self._media.close()
            self._media = None

    def __enter__(self) -> Sipp:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _borrow_media(self) -> None:
        """Takes a handle on its media socket, once it has one, unless that is not permitted."""
        assert self.process is not None
        deadline = time.monotonic() + 5
        while True:
            try:
                self._media = borrowed_udp(self.process.pid, self.media_port)
            except PermissionError:
                self._may_look = False
            if self._media is not None or not self._may_look:
                return
            ended = self.process.poll()
            assert ended is None, f"{self.name} ended with {ended}\n{self._trace()}"
            assert time.monotonic() < deadline, f"{self.name} takes no sound\n{self._trace()}"
            time.sleep(0.005)

    def _look(self) -> None:
        if self._media is not None:
            self._heard += [packet for packet in waiting(self._media) if _is_rtp(packet)]

    def _wait_until_bound(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + 5
        while self.process.pid not in udp_owners(self.port) | tcp_listeners(self.port):
            ended = self.process.poll()
            assert ended is None, f"{self.name} ended with {ended}\n{self._trace()}"
            assert time.monotonic() < deadline, f"{self.name} does not listen\n{self._trace()}"
            time.sleep(0.02)

    def _outcome(self, status: int) -> Outcome:
        row: dict[str, str] = {}
        with contextlib.suppress(FileNotFoundError), self._file("stat.csv").open() as lines:
            row = [{}, *csv.DictReader(lines, delimiter=";")][-1]
        return Outcome(
            status,
            int(row.get("SuccessfulCall(C)") or 0),
            int(row.get("FailedCall(C)") or 0),
            int(row.get("Retransmissions(C)") or 0),
            int(row.get("FailedUnexpectedMessage(C)") or 0),
            _milliseconds(row.get("ResponseTime1(C)") or ""),
            self._trace(),
        )

    def _trace(self) -> str:
        texts: list[str] = []
        for kind, size in (("errors", 1500), ("messages", 3000), ("screen", 1500)):
            path = self._file(kind)
            if path.exists() and not (kind == "screen" and texts):
                texts.append(f"--- {path.name}\n{path.read_text(errors='replace')[-size:]}")
        return "\n".join(texts)

    def _file(self, kind: str) -> Path:
        return self.directory / f"{self.name}.{kind}"


@cache
def _media_in(directory: Path) -> None:
    """What scenarios play, made once for all SIPp of a directory."""
    media_files.write_all(directory)


def _is_rtp(packet: bytes) -> bool:
    return len(packet) >= RTP_HEAD and packet[0] >> 6 == 2


def _milliseconds(text: str) -> float:
    """SIPp's `HH:MM:SS:microseconds`: the mean time from the INVITE to the answer."""
    if text.count(":") != 3:
        return 0.0
    hours, minutes, seconds, micros = (int(part) for part in text.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + micros / 1000
