"""Starts and stops the real program, `softswitch run`, the way an operator's host does.

Every switch gets free ports, a data directory of its own and none of this process's SOFTSWITCH_*
environment. Stopping one asserts what must hold after any run: no traceback in its output, no
process of its own left, its SIP port free again. Only the command line, the environment, the
`ready` line and the files in the data directory are used; nothing of the product is imported.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.ports import (
    descendants,
    free_rtp_range,
    free_sip_port,
    udp_owners,
)

ROOT = Path(__file__).resolve().parents[2]
Record = dict[str, Any]
# As long as it takes where many others are started and compiled at the same time.
READY_WITHIN = 60.0
STOP_WITHIN = 30.0


def wait_for(what: str, condition: Callable[[], bool], *, within: float = 15.0) -> None:
    """Waits until the condition holds; fails naming what did not happen."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.01)


def base_environment() -> dict[str, str]:
    """This process's environment without any setting of a switch.

    SWITCH_TREE names another tree to run the switch from: build/compiled, say.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOFTSWITCH_")}
    kept["PYTHONPATH"] = os.environ.get("SWITCH_TREE", str(ROOT))
    # Without it each switch begins twice, to ask for huge pages; tests/softswitch/test_cli.py has
    # one that does.
    kept.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    return kept


def command(*arguments: str) -> list[str]:
    """The program's command line, run by the interpreter of the tests."""
    return [sys.executable, "-m", "softswitch", *arguments]


class Switch:
    """One running `softswitch run`; `trunk` is where it sends calls and whence it takes them."""

    def __init__(
        self,
        directory: Path,
        config: Path,
        *,
        trunk: str = "127.0.0.1:5080",
        rtp: tuple[int, int] | None = None,
        environment: Mapping[str, str] | None = None,
        cpu: int | None = None,
    ) -> None:
        self.directory = directory
        self.config = config
        self.host = "127.0.0.1"
        self.sip_port = free_sip_port()
        self.control_port = free_sip_port()
        self.rtp = rtp or free_rtp_range()
        self.data = directory / "data"
        self.environment = {
            **base_environment(),
            "SOFTSWITCH_SIP": f"{self.host}:{self.sip_port}",
            "SOFTSWITCH_TRUNK": trunk,
            "SOFTSWITCH_RTP": f"{self.rtp[0]}-{self.rtp[1]}",
            "SOFTSWITCH_CONTROL": f"{self.host}:{self.control_port}",
            "SOFTSWITCH_DATA": str(self.data),
            # A server for each switch would cost seconds; who needs one says so.
            "SOFTSWITCH_DATABASE": "off",
            **(environment or {}),
        }
        self.cpu = cpu
        self.process: subprocess.Popen[bytes] | None = None
        self.helpers: set[int] = set()
        self.runs = 0
        self.trunk = trunk
        self._records_before = 0
        self._output_before = 0

    # ---- life -------------------------------------------------------------------------------

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens for SIP."""
        return self.host, self.sip_port

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    def start(self, *, wait_until_ready: bool = True) -> Switch:
        """Starts it, and waits for the `ready` line."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.runs += 1
        self._output_before = 0
        pinned = [] if self.cpu is None else ["taskset", "-c", str(self.cpu)]
        with self.stdout_path.open("wb") as out, self.stderr_path.open("wb") as err:
            self.process = subprocess.Popen(
                [*pinned, *command("run", "-c", str(self.config))],
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        if wait_until_ready:
            self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        """Waits for a line on stdout that begins with `ready`."""
        assert self.process is not None
        deadline = time.monotonic() + READY_WITHIN
        while not self.is_ready():
            status = self.process.poll()
            if status is not None:
                raise AssertionError(f"the switch ended with {status}\n{self.output()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"not ready within {READY_WITHIN} s\n{self.output()}")
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Whether the `ready` line of this run has been written."""
        lines = self.stdout_path.read_text(errors="replace").splitlines(keepends=True)
        return any(line.startswith("ready") and line.endswith("\n") for line in lines)

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def note_helpers(self) -> set[int]:
        """Remembers the processes it has spawned, to see that they die with it."""
        self.helpers |= descendants(self.pid)
        return self.helpers

    def terminate(self) -> None:
        """SIGTERM."""
        self.note_helpers()
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and waits for it to be gone."""
        assert self.process is not None
        self.note_helpers()
        self.process.kill()
        self.process.wait(STOP_WITHIN)

    def wait_for_exit(self, within: float = STOP_WITHIN) -> int:
        """Its exit status."""
        assert self.process is not None
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            output = self.output()
            self.kill()
            raise AssertionError(f"still running after {within} s\n{output}") from None

    def stop(self) -> None:
        """SIGTERM twice (no grace), then everything that must hold after a run."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.terminate()
            time.sleep(0.1)
            if self.process.poll() is None:
                os.kill(self.pid, signal.SIGTERM)
            self.wait_for_exit()
        self.assert_nothing_is_left()

    def assert_nothing_is_left(self) -> None:
        """No traceback was written; processes are gone; the SIP port is free."""
        self.assert_no_traceback()
        wait_for(
            f"helpers {self.helpers} die with the switch",
            lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in self.helpers),
        )
        # Somebody else may have been given the port meanwhile.
        held = udp_owners(self.sip_port) & {self.pid, *self.helpers}
        assert not held, f"UDP {self.sip_port} is still held by {held}"

    def assert_no_traceback(self) -> None:
        """Whatever happened was answered or logged in a sentence."""
        output = self.output()
        assert "Traceback (most recent call last)" not in output, output
        assert "never awaited" not in output, output

    def __enter__(self) -> Switch:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
            return
        if self.process is not None and self.process.poll() is None:
            self.kill()
        error.add_note(self.output())

    # ---- what it wrote ----------------------------------------------------------------------

    @property
    def stdout_path(self) -> Path:
        """Standard output of the current run."""
        return self.directory / f"stdout.{self.runs}"

    @property
    def stderr_path(self) -> Path:
        """Standard error of the current run."""
        return self.directory / f"stderr.{self.runs}"

    def mark(self) -> None:
        """Leaves what was recorded and written so far out of `records` and `output`."""
        self._records_before += len(self.records())
        self._output_before += len(self.output())

    def output(self) -> str:
        """What the current run wrote (since `mark`), for assertions and failures."""
        texts = []
        for path in (self.stdout_path, self.stderr_path):
            if path.exists():
                texts.append(f"--- {path.name}\n{path.read_text(errors='replace')}")
        return "\n".join(texts)[self._output_before :]

    def records(self) -> list[Record]:
        """Whole lines of records.jsonl (since `mark`), each of which must be one JSON object."""
        path = self.data / "records.jsonl"
        if not path.exists():
            return []
        whole = [
            line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")
        ]
        return [_object(line) for line in whole[self._records_before :]]

    def wait_for_records(self, count: int, *, within: float = 15.0) -> list[Record]:
        """Waits for `count` records; more than that is a failure, as a call has exactly one."""
        wait_for(
            f"{count} records (there are {len(self.records())})",
            lambda: len(self.records()) >= count,
            within=within,
        )
        records = self.records()
        assert len(records) == count, f"{len(records)} records, {count} calls"
        ids = {record["call_id"] for record in records}
        assert len(ids) == count, "two records of one call"
        return records

    def record(self, *, within: float = 15.0) -> Record:
        """The one record of the one call."""
        return self.wait_for_records(1, within=within)[0]


def _object(line: bytes) -> Record:
    found = json.loads(line)
    assert isinstance(found, dict), line
    return found


def leg(record: Record, side: str) -> Record:
    """The one leg of this side (`calling` or `called`) in a record."""
    found = [one for one in record["legs"] if one["side"] == side]
    assert len(found) == 1, f"{len(found)} {side} legs in {record}"
    assert isinstance(found[0], dict)
    return found[0]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, by its own clock, which keeps the time of ended threads."""
    return time.clock_gettime((~pid << 3) | 2)
