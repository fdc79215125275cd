"""A peer of others under the same load: Debian's Kamailio, and Debian's rtpengine for the media.

Both are programs of their own, run for measurements only, on the core that the switch is measured
on. rtpengine relays in its own process (no kernel module), as the switch does, and counts its
sessions: a run in which it had less to do than the switch is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from bench import signalling
from bench.processes import SWITCH_CPU, Refused, pinned, raise_group
from bench.switch import RTP_PORTS
from tests.support.ports import descendants, free_rtp_range, free_sip_port, udp_owners
from tests.support.program import cpu_seconds

CONFIGURATION = Path(__file__).resolve().parent / "kamailio.cfg"
# Debian's package of each program. Kamailio is where only root's PATH leads.
PACKAGES = {"kamailio": "kamailio", "rtpengine": "rtpengine-daemon"}
SHORT_NAME = "Kamailio + rtpengine"
READY_WITHIN = 15.0
STOP_WITHIN = 10.0
ANSWER_WITHIN = 1.0
SHARED_MEGABYTES = 256
"""For Kamailio's transactions, which linger for seconds."""
MAX_ANSWER = 65_536
HOST = "127.0.0.1"
COMPLAINTS = re.compile(r"\b(WARNING|ERROR|CRITICAL|ALERT|BUG|ERR|WARN|CRIT|EMERG)\b")


def missing() -> list[str]:
    """Debian's packages that the peer needs and that are not installed."""
    return [package for program, package in PACKAGES.items() if _executable(program) is None]


@cache
def name() -> str:
    """The peer with its versions, as its programs tell them."""
    kamailio = _version("kamailio", "-v", r"version: kamailio ([\w.]+)")
    rtpengine = _version("rtpengine", "--version", r"Version: ([\w.]+)")
    return f"Kamailio {kamailio} + rtpengine {rtpengine}"


def measure(directory: Path, rate: int, calls: int) -> signalling.Run:
    """One run of `calls` calls at `rate` a second through a fresh peer."""
    with signalling.called_party(directory) as uas:
        try:
            with Peer(directory / "peer", uas.port) as peer:
                subject = signalling.Subject(name(), peer.address, peer.cpu_seconds)
                run = signalling.drive(subject, uas, directory, rate, calls)
                peer.require_all_done(calls)
        except AssertionError as error:
            raise Refused(f"{name()} at {rate}/s: {str(error)[:2000]}") from None
    return run


@dataclass(frozen=True, slots=True)
class Sessions:
    """What rtpengine was asked for, and what came of it."""

    offers: int
    answers: int
    deletes: int
    errors: int
    ended: int
    open: int


class Peer:
    """Both programs, calls going to a port of the loopback; a context manager."""

    def __init__(self, directory: Path, called_port: int) -> None:
        self.directory = directory
        self.address = (HOST, free_sip_port(HOST))
        self.rtp = free_rtp_range(RTP_PORTS, HOST, may_be_taken=200)
        self._called_port = called_port
        self._control_port = free_sip_port(HOST)
        self._asked = 0
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._pids: frozenset[int] = frozenset()

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            # Kamailio looks for it as it starts.
            self._start("rtpengine", self._rtpengine_options())
            self._wait_until("rtpengine", self._rtpengine_answers)
            self._start("kamailio", self._kamailio_options())
            self._wait_until("kamailio", self._kamailio_answers)
            self._pids = self._require_sole_owners()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends both, the one that asks first, and whatever they have started."""
        for process in reversed(self._started.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_WITHIN)
            # Its session is its own: nobody else is in the group.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_WITHIN)
        self._started = {}

    @property
    def pids(self) -> frozenset[int]:
        """Every process of the two programs."""
        return self._pids

    def cpu_seconds(self) -> float:
        """CPU time of all of them so far."""
        try:
            return sum(cpu_seconds(pid) for pid in self._pids)
        except OSError:
            raise Refused(f"a process of {name()} has ended\n{self.log()}") from None

    def sessions(self) -> Sessions:
        """What rtpengine has counted."""
        told = self._ask("statistics")["statistics"]
        asked, total = told["controlstatistics"]["proxies"], told["totalstatistics"]
        offers, answers, deletes, errors = (
            sum(int(one[f"{kind}count"]) for one in asked)
            for kind in ("offer", "answer", "delete", "error")
        )
        running = told["currentstatistics"]["sessionstotal"]
        return Sessions(offers, answers, deletes, errors, int(total["managedsessions"]), running)

    def require_all_done(self, calls: int) -> None:
        """Refuses when a call went past rtpengine or is open still, or when anybody complained."""
        found, wanted = self.sessions(), Sessions(calls, calls, calls, 0, calls, 0)
        if found != wanted:
            raise Refused(f"{name()}: wanted {wanted}, found {found}\n{self.log()}")
        for line in self.log().splitlines():
            if COMPLAINTS.search(line):
                raise Refused(f"{name()} logged: {line[:300]}")

    def log(self) -> str:
        """The end of what the two wrote."""
        paths = sorted(self.directory.glob("*.log"))
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in paths)

    def _start(self, program: str, options: list[str]) -> None:
        executable = _executable(program)
        assert executable is not None, f"{PACKAGES[program]} is not installed"
        with (self.directory / f"{program}.log").open("wb") as log:
            process = subprocess.Popen(
                pinned(SWITCH_CPU, [executable, *options]),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started[program] = process
        raise_group(process.pid)

    def _rtpengine_options(self) -> list[str]:
        first, last = self.rtp
        return [
            *("--config-file=none", "--foreground", "--log-stderr", "--no-log-timestamps"),
            *("--log-level=4", "--table=-1", "--num-threads=1", f"--interface={HOST}"),
            f"--listen-ng={HOST}:{self._control_port}",
            *(f"--port-min={first}", f"--port-max={last}"),
            # It keeps ports for 30 s otherwise, and 600 calls a second take more than there are.
            "--delete-delay=0",
        ]

    def _kamailio_options(self) -> list[str]:
        host, port = self.address
        values = {
            "LISTEN": f"udp:{host}:{port}",
            "RTPENGINE": f'"udp:{HOST}:{self._control_port}"',
            "CALLED": f'"sip:{HOST}:{self._called_port}"',
        }
        return [
            *("-f", str(CONFIGURATION), "-DD", "-E", "-Y", str(self.directory)),
            *("-m", str(SHARED_MEGABYTES)),
            *(part for key, value in values.items() for part in ("-A", f"{key}={value}")),
        ]

    def _wait_until(self, program: str, answers: Callable[[], bool]) -> None:
        process, deadline = self._started[program], time.monotonic() + READY_WITHIN
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Refused(f"{program} is not ready ({process.poll()})\n{self.log()}")
            time.sleep(0.05)

    def _rtpengine_answers(self) -> bool:
        return self._ask("ping").get("result") == "pong"

    def _kamailio_answers(self) -> bool:
        return _exchange(self.address, _options_request(self.address)).startswith(b"SIP/2.0 200 ")

    def _require_sole_owners(self) -> frozenset[int]:
        """All processes of both; refuses when another one holds their ports."""
        pids: set[int] = set()
        for process, port in zip(
            self._started.values(), (self._control_port, self.address[1]), strict=True
        ):
            family = {process.pid} | descendants(process.pid)
            owners = udp_owners(port)
            if not owners or not owners <= family:
                raise Refused(f"port {port} is held by {sorted(owners)}, not by {sorted(family)}")
            pids |= family
        return frozenset(pids)

    def _ask(self, command: str) -> dict[str, Any]:
        """One exchange on rtpengine's control port; empty when it says nothing."""
        # A cookie that it knows is answered without being looked at.
        self._asked += 1
        request = f"{os.getpid()}-{self._asked} " + json.dumps({"command": command})
        answer = _exchange((HOST, self._control_port), request.encode())
        found = json.loads(answer.partition(b" ")[2] or b"{}")
        assert isinstance(found, dict), answer
        return found


def _exchange(address: tuple[str, int], request: bytes) -> bytes:
    """A datagram and its answer; empty when there is none in time, or nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(ANSWER_WITHIN)
        try:
            asking.connect(address)
            asking.send(request)
            return asking.recv(MAX_ANSWER)
        except OSError:
            return b""


def _options_request(address: tuple[str, int]) -> bytes:
    host, port = address
    lines = [
        f"OPTIONS sip:{host}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:9;branch=z9hG4bK-bench-{time.monotonic_ns()};rport",
        "Max-Forwards: 70",
        f"From: <sip:bench@{host}>;tag=bench",
        f"To: <sip:{host}:{port}>",
        f"Call-ID: bench-{time.monotonic_ns()}",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _executable(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _version(program: str, option: str, pattern: str) -> str:
    executable = _executable(program)
    assert executable is not None, f"{PACKAGES[program]} is not installed"
    command = [executable, option]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10)
    found = re.search(pattern, said.stdout + said.stderr)
    return found[1] if found else "of an unknown version"
