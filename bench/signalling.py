"""Cost of signalling: CPU of the switch per bridged call at a rate, SIPp on both sides.

The process's own CPU clock is read around the run, which lasts longer than the transactions linger
(RFC 3261 timers B, F and J: 32 s), so that their clearing up is in the figure. Media ports are
opened and closed, no RTP flows. A run with a failed call, a retransmission on either side, an error
in the log or a record too few is refused, not reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.processes import LOAD_CPU, Refused, raise_group
from bench.switch import NUMBER, forms, require_clean_log, start
from tests.support.program import cpu_seconds
from tests.support.sipp import Sipp

HOLD_MS = 200
SETTLE_SECONDS = 1.0
LADDER = (100, 200, 400, 600, 800, 1000, 1250, 1500, 1750, 2000, 2500)
BUFFERS = ("-buff_size", "4194304")


@dataclass(frozen=True, slots=True)
class Run:
    """One clean run."""

    rate: int
    form: str
    calls: int
    cpu_ms_per_call: float
    cpu_percent: float
    set_up_ms: float


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is measured: its form, where it takes calls, and its CPU time so far."""

    form: str
    address: tuple[str, int]
    cpu_seconds: Callable[[], float]


def measure(directory: Path, rate: int, calls: int, *, form: str = "interpreted") -> Run:
    """One run of `calls` calls at `rate` a second against a fresh switch of that form."""
    with called_party(directory) as uas:
        switch = start(directory / "switch", uas.port, tree=forms()[form])
        subject = Subject(form, switch.address, lambda: cpu_seconds(switch.pid))
        try:
            run = drive(subject, uas, directory, rate, calls)
            switch.wait_for_records(calls, within=10)
            require_clean_log(switch)
        except AssertionError as error:
            raise Refused(f"at {rate}/s {str(error)[:2000]}") from None
        finally:
            switch.stop()
    return run


def called_party(directory: Path) -> Sipp:
    """Who answers the calls of a run; not started."""
    return Sipp(directory, "uas_basic.xml", timeout=600, extra=BUFFERS, cpu=LOAD_CPU, quiet=True)


def drive(subject: Subject, uas: Sipp, directory: Path, rate: int, calls: int) -> Run:
    """Makes the calls and reads the CPU clock around them; refuses retransmissions, and fails with
    an AssertionError when a call fails."""
    seconds = calls / rate
    uac = Sipp(
        directory,
        "uac_plain.xml",
        remote=subject.address,
        service=NUMBER,
        calls=calls,
        rate=rate,
        hold_ms=HOLD_MS,
        timeout=int(seconds + 40),
        extra=BUFFERS,
        cpu=LOAD_CPU,
        quiet=True,
    )
    time.sleep(SETTLE_SECONDS)
    cpu, began = subject.cpu_seconds(), time.monotonic()
    with uac:
        assert uac.process is not None
        raise_group(uac.process.pid)
        made = uac.wait()
    took = time.monotonic() - began
    time.sleep(SETTLE_SECONDS)
    cpu = subject.cpu_seconds() - cpu
    answered = uas.stop()
    if made.retransmissions or answered.retransmissions:
        raise Refused(
            f"retransmissions at {rate}/s: caller {made.retransmissions}, "
            f"called {answered.retransmissions}"
        )
    cost, share = 1000 * cpu / calls, 100 * cpu / took
    return Run(rate, subject.form, calls, cost, share, made.response_ms)


def highest_clean_rate(directory: Path, seconds: float) -> tuple[int, str]:
    """The last rate of the ladder that runs clean, and why the next one did not."""
    clean = 0
    for rate in LADDER:
        try:
            measure(directory / f"rate-{rate}", rate, int(rate * seconds))
        except Refused as refusal:
            return clean, str(refusal).splitlines()[0]
        clean = rate
    return clean, "end of the ladder"
