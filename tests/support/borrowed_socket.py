"""A second handle on a UDP socket of a process that a test has started (Linux, pidfd_getfd).

SIPp sends sound from its media socket and, unless it echoes, never reads it: what came for the
caller stands in the socket's queue, where a second handle reads it, after the end of SIPp too.
Only who may trace the process may do so: root, or its parent where nothing forbids it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

PIDFD_GETFD = 438
"""The number of the system call, the same on every architecture; Python has no name for it."""
QUEUE_BYTES = 1 << 20
"""What the queue is to hold, as far as the system lets it: about 500 packets without privileges."""
_LIBC = ctypes.CDLL(None, use_errno=True)


def borrowed_udp(pid: int, port: int) -> socket.socket | None:
    """The UDP socket of the process on this local port; None while it has none.

    A PermissionError says that nobody may look.
    """
    with contextlib.ExitStack() as closing:
        process = os.pidfd_open(pid)
        closing.callback(os.close, process)
        for number in _sockets_of(pid):
            found = _duplicate(process, number)
            if found is None:
                continue
            if found.type == socket.SOCK_DGRAM and found.getsockname()[1:2] == (port,):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
                return found
            found.close()
    return None


def waiting(borrowed: socket.socket) -> Iterator[bytes]:
    """Takes what stands in the queue, without waiting for more and without a change to the flags
    of the socket, which are its owner's."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield borrowed.recv(4096, socket.MSG_DONTWAIT)


def _sockets_of(pid: int) -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if str(entry.readlink()).startswith("socket:"):
                yield int(entry.name)


def _duplicate(process: int, number: int) -> socket.socket | None:
    """The descriptor as one of ours; None if it has been closed meanwhile, or its process ended."""
    ours = _LIBC.syscall(PIDFD_GETFD, process, number, 0)
    if ours >= 0:
        return socket.socket(fileno=ours)
    code = ctypes.get_errno()
    if code in (errno.EPERM, errno.ENOSYS):
        raise PermissionError(code, os.strerror(code))
    return None
