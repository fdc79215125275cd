"""What a figure was measured on: without it no figure means anything."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe() -> dict[str, str]:
    """Processor, cores, kernel, Python, and how busy the machine was before the run."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
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
