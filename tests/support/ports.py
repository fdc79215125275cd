"""Free ports and what is left open, for tests that start programs on the loopback.

Ports for RTP are taken below the kernel's ephemeral range, so that no client socket of another
program lands in a range that a switch has been given.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
from collections.abc import Sequence
from pathlib import Path

FIRST_RTP_PORT = 12000
LAST_RTP_PORT = 32000


def free_sip_port(host: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP alike."""
    for _ in range(100):
        with socket.socket(_family(host), socket.SOCK_DGRAM) as udp:
            udp.bind((host, 0))
            port: int = udp.getsockname()[1]
            if is_free(port, host, socket.SOCK_STREAM):
                return port
    raise AssertionError("no port is free for both UDP and TCP")


def free_rtp_range(
    count: int = 100, host: str = "127.0.0.1", *, may_be_taken: int = 0
) -> tuple[int, int]:
    """An even-aligned range of `count` UDP ports that are free now, but for `may_be_taken`."""
    for _ in range(50):
        first = random.randrange(FIRST_RTP_PORT, LAST_RTP_PORT - count, 2)
        taken = (port for port in range(first, first + count) if not is_free(port, host))
        if len(list(itertools.islice(taken, may_be_taken + 1))) <= may_be_taken:
            return first, first + count - 1
    raise AssertionError(f"no range of {count} free UDP ports")


def is_free(
    port: int, host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_DGRAM
) -> bool:
    """Whether a socket of this kind can be bound to the port now."""
    with socket.socket(_family(host), kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def udp_owners(port: int) -> set[int]:
    """The processes that hold a UDP socket on this local port, as far as we may look."""
    return _owners(("/proc/net/udp", "/proc/net/udp6"), port)


def tcp_listeners(port: int) -> set[int]:
    """The processes that listen for TCP on this local port, as far as we may look."""
    return _owners(("/proc/net/tcp", "/proc/net/tcp6"), port, state="0A")


def _owners(tables: Sequence[str], port: int, state: str | None = None) -> set[int]:
    inodes = set()
    for table in tables:
        with contextlib.suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                local = int(fields[1].rpartition(":")[2], 16)
                if local == port and state in (None, fields[3]):
                    inodes.add(f"socket:[{fields[9]}]")
    return {pid for pid in _processes() if inodes & set(_open_files(pid))} if inodes else set()


def descendants(pid: int) -> set[int]:
    """Every process whose chain of parents leads to `pid`."""
    parents = {child: _parent(child) for child in _processes()}
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def udp_ports_of(pid: int) -> set[int]:
    """The local UDP ports held by a process."""
    held = set(_open_files(pid))
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    rows = (line.split() for line in lines)
    return {int(row[1].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in held}


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _open_files(pid: int) -> list[str]:
    found = []
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(str(entry.readlink()))
    return found
