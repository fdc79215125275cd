"""A scanner's INVITEs beside calls: what those who talk, and those who call, notice of it.

Fifty calls with sound are up, the C generator playing both sides of all of them and judging what
comes out; others come and go from a known trunk, SIPp saying how long each INVITE waited for its
200. That is measured twice: quiet, and with a scanner (`bench.scanner`) that sends 5,000 INVITEs a
second from another address.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import media
from bench.figures import table
from bench.processes import LOAD_CPU, SWITCH_CPU, Refused, raise_group, start
from bench.switch import require_clean_log
from tests.support.phone import Call, Phone
from tests.support.ports import free_rtp_range
from tests.support.program import Switch, cpu_seconds
from tests.support.sipp import Sipp

__all__ = ["Half", "Storm", "judge", "measure", "report"]

CONFIGURATION = Path(__file__).with_name("storm.yaml")
TALKING = 50
A_SECOND = 5000
CALLS_A_SECOND = 20
HOLD_MS = 500
NUMBER = "200001"
BUFFERS = ("-buff_size", "4194304")
RTP_PORTS = 1000

MAX_SET_UP_MS = 200.0
MAX_LOSS_PERCENT = 0.01
"""What is wanted: of every call's set-up, and of the sound of those who talk."""


@dataclass(frozen=True, slots=True)
class Half:
    """Quiet, or stormy."""

    set_up_ms: tuple[float, ...]
    """From INVITE to 200, of each call."""
    loss_percent: float
    delay_p99_us: float
    """That the switch adds to a voice packet."""
    cpu_percent: float
    sent: int = 0
    answered: int = 0
    """Of the scanner's INVITEs."""


@dataclass(frozen=True, slots=True)
class Storm:
    """One run."""

    quiet: Half
    stormy: Half
    bans: int
    """Times that the log tells of the scanner."""

    def as_json(self) -> dict[str, Any]:
        """For the results."""
        return {
            name: {
                "set_up_p50_ms": percentile(half.set_up_ms, 50),
                "set_up_p99_ms": percentile(half.set_up_ms, 99),
                "set_up_max_ms": max(half.set_up_ms),
                "calls": len(half.set_up_ms),
                "loss_percent": half.loss_percent,
                "delay_p99_us": half.delay_p99_us,
                "cpu_percent": half.cpu_percent,
                "sent": half.sent,
                "answered": half.answered,
            }
            for name, half in (("quiet", self.quiet), ("stormy", self.stormy))
        } | {"bans": self.bans}


def measure(directory: Path, *, seconds: float) -> Storm:
    """Both halves, each so long; raises Refused where calls failed."""
    directory.mkdir(parents=True, exist_ok=True)
    callee = Phone()
    uas = Sipp(directory, "uas_basic.xml", timeout=600, extra=BUFFERS, cpu=LOAD_CPU, quiet=True)
    with uas:
        switch = Switch(
            directory / "switch",
            CONFIGURATION,
            trunk=f"127.0.0.1:{callee.port}",
            rtp=free_rtp_range(RTP_PORTS, may_be_taken=50),
            cpu=SWITCH_CPU,
            environment={"STORM_CARRIER": str(uas.port)},
        )
        switch.start()
        raise_group(switch.pid)
        caller = Phone(switch.address)
        try:
            return _halves(directory, switch, (caller, callee), seconds)
        except AssertionError as error:
            raise Refused(str(error)[:2000]) from None
        finally:
            caller.close()
            callee.close()
            switch.stop()


def _halves(directory: Path, switch: Switch, phones: tuple[Phone, Phone], seconds: float) -> Storm:
    first = media.ports_apart_from(switch.rtp, 4 * media.SOCKETS)
    plan = media.Plan(seconds, 1.0, 1, (first, first + 2 * media.SOCKETS))
    up, addresses = media.set_up_calls(phones, TALKING, plan)
    mapped = directory / "calls.map"
    mapped.write_text("".join(f"{a[0]}:{a[1]} {b[0]}:{b[1]}\n" for a, b in addresses))
    quiet = _half(directory / "quiet", switch, mapped, plan, stormy=False)
    stormy = _half(directory / "stormy", switch, mapped, plan, stormy=True)
    _end(up)
    require_clean_log(switch)
    storm = Storm(quiet, stormy, switch.output().count(" source.banned "))
    judge(storm)
    return storm


def _end(calls: Sequence[Call]) -> None:
    for call in calls:
        call.bye()


def _half(directory: Path, switch: Switch, mapped: Path, plan: media.Plan, *, stormy: bool) -> Half:
    directory.mkdir()
    seconds = plan.seconds + plan.warm_up
    calls = int(CALLS_A_SECOND * seconds)
    uac = Sipp(
        directory, "uac_plain.xml", remote=switch.address, service=NUMBER, calls=calls,
        rate=CALLS_A_SECOND, hold_ms=HOLD_MS, timeout=int(seconds + 40), cpu=LOAD_CPU, quiet=True,
        extra=(*BUFFERS, "-trace_rtt", "-rtt_freq", "1"),
    )  # fmt: skip
    said: dict[str, int] = {}
    blowing = threading.Thread(target=_scan, args=(switch.address, seconds, said))
    cpu = cpu_seconds(switch.pid)
    with uac:
        if stormy:
            blowing.start()
        reading = media.play_and_judge(mapped, switch.pid, plan)
        made = uac.wait()
        if stormy:
            blowing.join(seconds + 30)
    if made.successful != calls:
        raise Refused(f"{made.successful} of {calls} calls")
    return Half(
        tuple(_set_ups(directory)),
        float(reading["loss_percent"]),
        float(reading["p99_us"]),
        100 * (cpu_seconds(switch.pid) - cpu) / (seconds + HOLD_MS / 1000),
        **said,
    )


def _scan(address: tuple[str, int], seconds: float, said: dict[str, int]) -> None:
    words = (*address, seconds, A_SECOND)
    command = [sys.executable, "-m", "bench.scanner", *map(str, words)]
    process = start(LOAD_CPU, command)
    printed, _ = process.communicate(timeout=seconds + 20)
    said.update(json.loads(printed))


def _set_ups(directory: Path) -> list[float]:
    (path,) = directory.glob("uac_plain_*_rtt.csv")
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file, delimiter=";") if row and row[0][0].isdigit()]
    return [float(row[1]) for row in rows]


def percentile(values: Sequence[float], percent: int) -> float:
    """Of some values."""
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else 0.0


def judge(storm: Storm) -> None:
    """Raise Refused where the storm was noticed."""
    half = storm.stormy
    if storm.bans != 1:
        raise Refused(f"the scanner is told of {storm.bans} times")
    if half.loss_percent > MAX_LOSS_PERCENT:
        raise Refused(f"{half.loss_percent} % of the sound is lost")
    if max(half.set_up_ms) >= MAX_SET_UP_MS:
        raise Refused(f"a call took {max(half.set_up_ms):.0f} ms to set up")


def report(storm: Storm) -> str:
    """A table for people."""
    rows = [_row(name, half) for name, half in (("quiet", storm.quiet), ("stormy", storm.stormy))]
    head = ["", "set-up p50, p99, most (ms)", "sound lost %", "packet delay p99 (us)",
            "CPU %", "scanner sent", "was answered"]  # fmt: skip
    return table(head, rows)


def _row(name: str, half: Half) -> list[str]:
    times = (percentile(half.set_up_ms, 50), percentile(half.set_up_ms, 99), max(half.set_up_ms))
    return [
        name,
        ", ".join(f"{one:.1f}" for one in times),
        f"{half.loss_percent:.4f}",
        f"{half.delay_p99_us:.0f}",
        f"{half.cpu_percent:.0f}",
        str(half.sent),
        str(half.answered),
    ]
