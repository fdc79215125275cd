"""Processes under measurement: pinned, alone on their port, given their share of the machine.

Linux groups processes by session for scheduling (CONFIG_SCHED_AUTOGROUP), so that `nice` does
nothing against another session's work; the nice value of the group does, where we may set it.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.ports import tcp_listeners, udp_owners

SWITCH_CPU = 0
LOAD_CPU = 1
GROUP_NICE = -10


class Refused(Exception):
    """A figure that would be wrong; the text says why."""


def pinned(cpu: int, command: Sequence[str]) -> list[str]:
    """The command, kept on one processor."""
    return ["taskset", "-c", str(cpu), *command]


def start(cpu: int, command: Sequence[str]) -> subprocess.Popen[str]:
    """Starts a pinned process in a session, and so a scheduling group, of its own."""
    process = subprocess.Popen(
        pinned(cpu, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    raise_group(process.pid)
    return process


def raise_group(pid: int) -> bool:
    """Puts a process's scheduling group before others; False where that is not allowed."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(GROUP_NICE))
        return True
    return False


def require_sole_owner(port: int, pid: int) -> None:
    """Refuses when anybody but `pid` holds the SIP port: another process would do the work."""
    owners = udp_owners(port) | tcp_listeners(port)
    if owners != {pid}:
        raise Refused(f"port {port} is held by {sorted(owners)}, not by {pid} alone")


def resident_kilobytes(pid: int) -> int:
    """Memory that a process has resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
