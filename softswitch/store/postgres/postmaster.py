"""The server's process: found, started, told to stop, waited for. Blocking; for a thread.

A cluster belongs to the process whose working directory it is: that tells a running server from a
postmaster.pid that outlived its process and whose number another program has by now.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from softswitch.store.postgres.cluster import (
    HERE,
    MAX_COMPLAINT_BYTES,
    SOCKET_FROM_DATA,
    Cluster,
    environment,
    last_complaint,
)
from softswitch.store.postgres.errors import ServerError
from softswitch.store.postgres.programs import Account, Programs

__all__ = ["Postmaster"]

POLL_SECONDS = 0.01

FAST_SECONDS = 10.0
"""Fast shutdown: transactions are rolled back, buffers written."""

IMMEDIATE_SECONDS = 3.0
"""Immediate shutdown: the next start replays the log."""

KILL_SECONDS = 2.0

STATUS_LINE = 7
"""Line of postmaster.pid that says `starting`, `ready` or `stopping`."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": SOCKET_FROM_DATA,
    "unix_socket_permissions": "0700",
    "port": "5432",
    "logging_collector": "off",
    "log_min_messages": "log",  # not every refused statement: whoever sent it is told
    "log_checkpoints": "off",
    # A commit that was told must be there after any crash: a number handed out, a cap's credit.
    # Whoever can do without says SET LOCAL synchronous_commit = off.
    "synchronous_commit": "on",
}
"""What makes it ours; given by the command line, which postgresql.conf cannot overrule."""

CARELESS_SETTINGS = {"fsync": "off", "full_page_writes": "off"}
"""For databases that nobody will miss after a power cut."""


class _Child(subprocess.Popen[bytes]):
    """A child that may outlive whoever started it: other programs use the server too."""

    def __del__(self) -> None:
        """Reap it if it has ended; nobody has to wait for it."""
        self.poll()


class Postmaster:
    """The server's main process of one cluster, whoever started it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._child: _Child | None = None
        self._log_start = 0

    def pid(self) -> int | None:
        """The running server's process id."""
        pid = self._noted_pid()
        return pid if pid is not None and self._lives_here(pid) else None

    def status(self) -> str:
        """`ready`, `starting`, `stopping`, or nothing."""
        lines = self._pid_file()
        return lines[STATUS_LINE].strip() if len(lines) > STATUS_LINE else ""

    def runs(self, programs: Programs) -> bool:
        """Whether the running server is made of these very programs."""
        pid = self.pid()
        try:
            return pid is not None and os.path.samefile(
                f"/proc/{pid}/exe", programs.path("postgres")
            )
        except OSError:
            return False

    def start(self, programs: Programs, account: Account, *, durable: bool) -> None:
        """Start it; all cores, no descriptor and no environment of ours. Raises ServerError."""
        self._clear_remains()
        settings = SETTINGS if durable else SETTINGS | CARELESS_SETTINGS
        command = [programs.path("postgres"), "-D", HERE]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # Affinity belongs to the thread and is inherited: the switch may be pinned to a core.
        mine = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
            self._child = self._spawn(command, account)
        except OSError as error:
            raise ServerError(
                f"the embedded database cannot be started: {error.strerror}"
            ) from None
        finally:
            os.sched_setaffinity(0, mine)

    def _spawn(self, command: list[str], account: Account) -> _Child:
        with open(self._cluster.log, "ab") as log:
            self._log_start = log.tell()
            return _Child(
                command,
                cwd=self._cluster.data,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the switch
                user=account.taken_uid,
                group=account.taken_gid,
                extra_groups=account.taken_groups,
            )

    def wait_ready(self, within: float, *, given_up: threading.Event) -> None:
        """Wait until it takes connections; raises ServerError."""
        deadline = time.monotonic() + within
        while self.status() != "ready" or self.pid() is None:
            if self._child is not None and self._child.poll() is not None:
                self._child = None
                raise self._failure()
            if self._child is None and self.pid() is None:
                raise ServerError("the embedded database has ended")
            if given_up.is_set() or time.monotonic() > deadline:
                raise ServerError(
                    f"the embedded database was not ready within {within:.0f} s; see "
                    f"{self._cluster.log}"
                )
            time.sleep(POLL_SECONDS)

    def _failure(self) -> ServerError:
        complaint = last_complaint(self._said()).replace(HERE, str(self._cluster.data))
        if any(word in complaint for word in DAMAGE):
            return ServerError(
                f"the embedded database in {self._cluster.data} is damaged ({complaint}): restore "
                "it, or move it away and run `softswitch records import`",
                lasting=True,
            )
        return ServerError(f"the embedded database does not start: {complaint}")

    def _said(self) -> str:
        try:
            with open(self._cluster.log, "rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - MAX_COMPLAINT_BYTES))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def reload(self) -> None:
        """Have it read its configuration again."""
        self._signal(signal.SIGHUP)

    def stop(self) -> None:
        """Fast, then immediate, then by force; returns when no process of the cluster is left."""
        for number, seconds in ((signal.SIGINT, FAST_SECONDS), (signal.SIGQUIT, IMMEDIATE_SECONDS)):
            if not self._signal(number) or self._gone(seconds):
                break
        self._kill_rest()

    def _signal(self, number: signal.Signals) -> bool:
        pid = self.pid()
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            raise ServerError(
                f"the embedded database (process {pid}) belongs to another account"
            ) from None
        return True

    def _gone(self, within: float) -> bool:
        deadline = time.monotonic() + within
        while self.pid() is not None:
            self._reap()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        self._reap()
        return True

    def _reap(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None

    def _kill_rest(self) -> None:
        """End what is left of the cluster's processes: they end by themselves when the first has
        died, unless they are stuck. Raises ServerError."""
        if not self._rest_gone():
            for pid in self._processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not self._rest_gone():
                raise ServerError(
                    f"processes of the embedded database cannot be ended: {self._processes()}"
                )

    def _rest_gone(self) -> bool:
        deadline = time.monotonic() + KILL_SECONDS
        while self._processes():
            self._reap()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        self._reap()
        return True

    def _clear_remains(self) -> None:
        """Before a start: end processes of a dead server, drop a pid file that misleads.

        PostgreSQL drops such a file itself, unless its number belongs to another process by now.
        """
        self._kill_rest()
        if self._noted_pid() is not None:
            (self._cluster.data / "postmaster.pid").unlink(missing_ok=True)

    def _pid_file(self) -> list[str]:
        try:
            text = (self._cluster.data / "postmaster.pid").read_text("utf-8", "replace")
        except OSError:
            return []
        return text.splitlines()

    def _noted_pid(self) -> int | None:
        lines = self._pid_file()
        return int(lines[0]) if lines and lines[0].strip().isdecimal() else None

    def _processes(self) -> list[int]:
        """Every process whose working directory is the cluster and whose program is a server."""
        found = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
        return [pid for pid in found if self._lives_here(pid)]

    def _lives_here(self, pid: int) -> bool:
        folder = Path(f"/proc/{pid}")
        try:
            return os.path.samefile(folder / "cwd", self._cluster.data) and (
                folder / "comm"
            ).read_text("utf-8", "replace").startswith("postgres")
        except OSError:
            return False


DAMAGE = (
    "could not open file",
    "could not find a valid",
    "could not locate a valid checkpoint",
    "incorrect checksum",
    "invalid",
    "corrupt",
    "is not a valid",
    "database files are incompatible",
    "does not match",
    "does not exist",
)
"""Words of PostgreSQL's when the files of a cluster are not as they were written."""
