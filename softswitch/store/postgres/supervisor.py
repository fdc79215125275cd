"""The supervisor of the embedded PostgreSQL: the wheel's server in a folder of its own. Blocking.

The server is not tied to the life of the process that started it: after a crash of the switch it
runs on, and the next start attaches to it within milliseconds, with nothing to recover. Several
programs may use it at once (the switch, a report): each holds a shared lock while it does, and the
last one stops it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from softswitch.store.postgres.cluster import DATABASE, ROLE, Cluster, folder_refused
from softswitch.store.postgres.errors import ServerError
from softswitch.store.postgres.postmaster import Postmaster
from softswitch.store.postgres.programs import Programs, choose_account, find_programs

__all__ = ["Supervisor"]

START_SECONDS = 60.0
"""How long a start may take: after a power cut the server replays its log."""

LOCK_SECONDS = 30.0
"""How long to wait for another program that is starting or stopping the server."""

LOCK_POLL_SECONDS = 0.02

MAX_SOCKET_PATH = 100
"""Socket paths end at 107 bytes; longer ones are reached through a descriptor of their folder."""

SOCKET_NAME = "/.s.PGSQL.5432"


class Supervisor:
    """Keeps the server of one folder running between `start` and `stop`."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable` False: quicker, and lost at a power cut; for tests."""
        self.folder = folder.absolute()
        self._durable = durable
        self._cluster = Cluster(self.folder)
        self._postmaster = Postmaster(self._cluster)
        self._use_fd = -1
        self._socket_fd = -1
        self.given_up = threading.Event()
        """Set, by any thread, to end a `start` that waits."""

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it does not run."""
        return self._postmaster.pid()

    @property
    def address(self) -> dict[str, Any]:
        """Arguments for asyncpg.connect; valid between `start` and `stop`."""
        return {"host": self._socket_host(), "port": 5432, "user": ROLE, "database": DATABASE}

    def _socket_host(self) -> str:
        path = str(self._cluster.socket_folder)
        if len(os.fsencode(path + SOCKET_NAME)) <= MAX_SOCKET_PATH:
            return path
        if self._socket_fd < 0:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            self._socket_fd = os.open(self._cluster.socket_folder, flags)
        return f"/proc/self/fd/{self._socket_fd}"

    def start(self) -> None:
        """Start the server or attach to one that runs; nothing when we have it. Raises
        ServerError."""
        try:
            self._start()
        except OSError as error:
            raise folder_refused(self.folder, error) from None

    def stop(self) -> None:
        """Let it go, and stop it if nobody else uses it; raises ServerError."""
        if not self._cluster.data.exists():
            return
        try:
            self._stop()
        except OSError as error:
            raise folder_refused(self.folder, error) from None

    def _start(self) -> None:
        self._cluster.prepare_folder()
        account = choose_account(self._cluster.owner_uid())
        programs = find_programs(account, self.folder)
        with self._starting():
            if self._postmaster.pid() is not None and self._must_go(programs):
                self._postmaster.stop()
            if self._postmaster.pid() is None:
                self._cluster.prepare(programs, account, durable=self._durable)
                self._postmaster.start(programs, account, durable=self._durable)
            elif self._cluster.admit(account):
                self._postmaster.reload()
            self._postmaster.wait_ready(START_SECONDS, given_up=self.given_up)
            self._take()

    def _must_go(self, programs: Programs) -> bool:
        """Whether the running server is on its way out, or of other programs and nobody's."""
        if self._postmaster.status() == "stopping":
            return True
        return not self._postmaster.runs(programs) and self._unused()

    def _stop(self) -> None:
        with self._starting():
            self._release()
            if self._unused():
                self._postmaster.stop()

    # Locks: `starting` is held by who starts or stops, `users` is shared by who uses.

    @contextmanager
    def _starting(self) -> Iterator[None]:
        fd = self._open_lock("starting")
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _locked(fd, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise ServerError(
                        "another program has been starting or stopping the embedded database for "
                        f"{LOCK_SECONDS:.0f} s"
                    )
                time.sleep(LOCK_POLL_SECONDS)
            yield
        finally:
            os.close(fd)

    def _open_lock(self, name: str) -> int:
        return os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _take(self) -> None:
        if self._use_fd < 0:
            self._use_fd = self._open_lock("users")
            fcntl.flock(self._use_fd, fcntl.LOCK_SH)

    def _release(self) -> None:
        for fd in (self._use_fd, self._socket_fd):
            if fd >= 0:
                os.close(fd)
        self._use_fd = self._socket_fd = -1

    def _unused(self) -> bool:
        """Whether no other program uses the server; ours does not count."""
        fd = self._open_lock("users") if self._use_fd < 0 else self._use_fd
        try:
            return _locked(fd, fcntl.LOCK_EX)
        finally:
            if fd == self._use_fd:
                fcntl.flock(fd, fcntl.LOCK_SH)
            else:
                os.close(fd)


def _locked(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
