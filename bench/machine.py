"""What a figure was measured on: without it no figure means anything."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.native_tools import build
from bench.processes import SWITCH_CPU

SMALL = 256 << 10
"""Bytes that fit the cache which a core has for itself on any machine of today."""
LARGE = 4 << 20
"""What a switch touches of code and data for a call."""
SLEEP_MICROSECONDS = 5000
"""Less than it sleeps between two calls of a hundred a second."""
TURNS = 60


@dataclass(frozen=True, slots=True)
class Reads:
    """Nanoseconds to read a line of cache: one that was read just now, and after a sleep."""

    warm_ns: float
    cold_ns: float


@dataclass(frozen=True, slots=True)
class Caches:
    """What the processor's caches keep for a program, of little memory and of more."""

    small: Reads
    large: Reads

    def __str__(self) -> str:
        return (
            f"{SMALL >> 10} kB read again {self.small.warm_ns:.0f} ns a line, after "
            f"{SLEEP_MICROSECONDS // 1000} ms of sleep {self.small.cold_ns:.0f}; "
            f"{LARGE >> 20} MB {self.large.warm_ns:.0f} and {self.large.cold_ns:.0f}"
        )


def caches() -> Caches:
    """How well the caches keep what is in them. Neighbours on the same chip empty them, and a
    program that mostly sleeps pays for that at each message."""
    return Caches(_reads(SMALL), _reads(LARGE))


def _reads(size: int) -> Reads:
    words = [str(number) for number in (size, SLEEP_MICROSECONDS, TURNS)]
    command = ["taskset", "-c", str(SWITCH_CPU), str(build("cold")), *words]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return Reads(**json.loads(told.stdout))


def describe() -> dict[str, str]:
    """Processor, cores, kernel, Python, its caches, and how busy the machine was before the run."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "caches": str(caches()),
        "load_before": " ".join(f"{one:.2f}" for one in os.getloadavg()),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    kilobytes = Path("/proc/meminfo").read_text().splitlines()[0].split()[1]
    return f"{int(kilobytes) / 1024 / 1024:.1f} GB"
