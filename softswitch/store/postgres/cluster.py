"""The folder of the embedded server: made by initdb, entered by peers only.

    postgres/          ours; others may pass through, not look
      data/            the cluster, of the server's account alone
      socket/          the Unix socket, of the server's account alone
      server.log       what the server said
      data.new/        a cluster being made; one that was left behind is thrown away

The server's account need not be able to come here from the root: programs are started with the
cluster as their working directory and know it as /proc/self/cwd, the socket folder as ../socket.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from softswitch.store.postgres.errors import ServerError
from softswitch.store.postgres.programs import Account, Programs, major_version

__all__ = [
    "DATABASE",
    "HERE",
    "ROLE",
    "SOCKET_FROM_DATA",
    "Cluster",
    "folder_refused",
    "last_complaint",
]

ROLE = "softswitch"
"""The one role: owner of everything; who may be it is for the peer map to say."""

DATABASE = "softswitch"

HERE = "/proc/self/cwd"
"""The cluster, as its processes see it."""

SOCKET_FROM_DATA = "../socket"

INITDB_SECONDS = 120.0
"""A slow disk has 40 MB to write and to sync."""

MAX_LOG_BYTES = 4 << 20
"""Size from which server.log is put aside when the server starts."""

MAX_COMPLAINT_BYTES = 64 << 10
"""How much of the end of the log is searched for the reason of a failure."""

INITIAL_SETTINGS = {
    "max_connections": "100",  # four nodes with their pools, and the commands
    "shared_buffers": "64MB",
    "min_wal_size": "64MB",
    "max_wal_size": "512MB",
    "jit": "off",  # the wheel has no compiler inside
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",  # failures are told by their English words
}
"""Written to postgresql.conf once; an operator may change them there."""


class Cluster:
    """The files of one embedded database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.socket_folder = folder / "socket"
        self.log = folder / "server.log"

    def owner_uid(self) -> int | None:
        """Who owns the cluster; None: there is none."""
        try:
            return self.data.stat().st_uid
        except FileNotFoundError:
            return None

    def prepare_folder(self) -> None:
        """Make our folder; raises ServerError."""
        try:
            self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            if self.folder.stat().st_uid == os.geteuid():
                self.folder.chmod(0o711)
        except OSError as error:
            raise folder_refused(self.folder, error) from None

    def prepare(self, programs: Programs, account: Account, *, durable: bool) -> None:
        """Make the cluster if there is none, else check it; write who may enter."""
        try:
            if not self.data.exists():
                self._make(programs, account, durable=durable)
            self._check_version()
            self._own(account)
            self.socket_folder.mkdir(mode=0o700, exist_ok=True)
            _give(self.socket_folder, account)
            self.admit(account)
            self._put_log_aside()
        except OSError as error:
            raise folder_refused(self.folder, error) from None

    def _make(self, programs: Programs, account: Account, *, durable: bool) -> None:
        """All of it beside its place, then one rename: a cluster is whole or is not there."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            _give(fresh, account)
            _run(_initdb(programs, durable=durable), fresh, account)
            single = [programs.path("postgres"), "--single", "-D", HERE, "postgres"]
            _run(single, fresh, account, f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n")
            fresh.rename(self.data)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    def _check_version(self) -> None:
        try:
            made_by = (self.data / "PG_VERSION").read_text("utf-8", "replace").strip()
        except FileNotFoundError:
            raise ServerError(
                f"the embedded database in {self.data} is damaged (no PG_VERSION): restore it, or "
                "move it away and run `softswitch records import`",
                lasting=True,
            ) from None
        ours = major_version()
        if made_by != ours:
            raise ServerError(
                f"the embedded database in {self.data} was made by PostgreSQL {made_by[:20]}, this "
                f"is {ours}: upgrade it with pg_upgrade, or move it away and run `softswitch "
                "records import`",
                lasting=True,
            )

    def _own(self, account: Account) -> None:
        """Hand a cluster over whose owner is no longer known."""
        if self.data.stat().st_uid != account.uid:
            _give(self.data, account)
            for path in self.data.rglob("*"):
                _give(path, account)

    def admit(self, account: Account) -> bool:
        """Write who may connect, by the socket alone and as who the kernel says they are: root,
        the server's account and ours. Whether anything changed."""
        names = dict.fromkeys(("root", account.name, pwd.getpwuid(os.geteuid()).pw_name))
        people = "".join(f'softswitch "{name}" {ROLE}\n' for name in names)
        changed = self._write("pg_ident.conf", people, account)
        return self._write("pg_hba.conf", f"local all {ROLE} peer map=softswitch\n", account) or (
            changed
        )

    def _write(self, name: str, text: str, account: Account) -> bool:
        """Replace a file of the cluster; never through a link that the server's account put
        there."""
        path = self.data / name
        with contextlib.suppress(OSError):
            if not path.is_symlink() and path.read_text() == text:
                return False
        fresh = self.data / f"{name}.new"
        fresh.unlink(missing_ok=True)
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(fd, "w") as file:
            file.write(text)
            os.fchown(fd, account.uid, account.gid)
        fresh.rename(path)
        return True

    def _put_log_aside(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > MAX_LOG_BYTES:
                self.log.rename(self.log.with_suffix(".log.1"))


def _give(path: Path, account: Account) -> None:
    if account.switched:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def folder_refused(folder: Path, error: OSError) -> ServerError:
    """What the operating system said about our folder, as a sentence."""
    return ServerError(
        f"the embedded database's folder {folder} cannot be used: {error.strerror}",
        lasting=isinstance(error, PermissionError),
    )


def _initdb(programs: Programs, *, durable: bool) -> list[str]:
    command = [
        programs.path("initdb"), "-D", HERE, "-U", ROLE, "-E", "UTF8", "--locale=C", "-A", "peer",
        "--data-checksums", "--no-instructions",
    ]  # fmt: skip
    for name, value in INITIAL_SETTINGS.items():
        command += ["--set", f"{name}={value}"]
    return command if durable else [*command, "--no-sync"]


def _run(command: list[str], folder: Path, account: Account, told: str = "") -> None:
    """Run a program that makes the cluster, in it; raises ServerError."""
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=environment(),
            input=told.encode(),
            capture_output=True,
            timeout=INITDB_SECONDS,
            start_new_session=True,
            user=account.taken_uid,
            group=account.taken_gid,
            extra_groups=account.taken_groups,
        )
    except subprocess.TimeoutExpired:
        raise ServerError(
            f"the embedded database could not be made within {INITDB_SECONDS:.0f} s"
        ) from None
    except OSError as error:
        raise ServerError(
            f"the PostgreSQL programs cannot be run ({command[0]}): {error.strerror}", lasting=True
        ) from None
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode != 0 or "FATAL:" in output or "ERROR:" in output:
        raise ServerError(f"the embedded database cannot be made: {last_complaint(output)}")


def environment() -> dict[str, str]:
    """Nothing of ours: variables such as PGPORT would change what the programs do."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def last_complaint(output: str) -> str:
    """The reason of a failure in what a program said."""
    if "No space left on device" in output:
        return "the disk is full"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for mark in ("PANIC:", "FATAL:", "ERROR:", "error:"):
        found = [line.split(mark, 1)[1].strip() for line in lines if mark in line]
        if found and "contains errors" in found[-1]:
            # Which ones stands in the lines before.
            found += [line.split("LOG:", 1)[1].strip() for line in lines if "LOG:" in line]
        if found:
            return found[-1]
    return lines[-1] if lines else "it said nothing"
