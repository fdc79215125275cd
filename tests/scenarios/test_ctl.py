"""`softswitch ctl` beside a switch that runs: what operators see of real calls, and do to them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.certificates import write_certificate
from tests.support.control import ControlPeer
from tests.support.ctl import ctl, ctl_json, run_ctl
from tests.support.program import command
from tests.support.stage import CALLER, DIRECT, Stage

MakeStage = Callable[..., Stage]

SECRET = "s3cret-s3cret-s3cret"
BOARD = "b0ard-b0ard-b0ard-b0ard"


def test_the_state_of_the_switch_and_its_calls_are_shown(stage: Stage) -> None:
    bridge = stage.bridge()
    state = ctl(stage.switch, "status")
    assert re.search(r"^state +takes calls$", state, re.M)
    assert re.search(r"^calls +1 now, ", state, re.M)
    assert re.search(r"^media ports +2 pairs in use, ", state, re.M)
    table = ctl(stage.switch, "calls")
    row = next(line for line in table.splitlines() if DIRECT in line)
    assert {"bridged", "direct", CALLER, DIRECT} < set(row.split())
    assert table.endswith("1 calls\n")
    (call,) = ctl_json(stage.switch, "calls")["calls"]
    shown = ctl(stage.switch, "call", call["call"][:6])
    assert re.search(rf"^call +{call['call']}$", shown, re.M)
    legs = [line.split()[:3] for line in shown.splitlines() if " carrier " in line]
    assert legs == [["a", "calling", "answered"], ["b1", "called", "answered"]]
    assert ctl(stage.switch, "calls", "--campaign", "menu") == "0 calls\n"
    bridge.hang_up()


def test_a_call_is_ended_and_then_there_is_none(stage: Stage) -> None:
    bridge = stage.bridge()
    (call,) = ctl_json(stage.switch, "calls")["calls"]
    said = ctl(stage.switch, "hangup", call["call"][:8], "--cause", "enough")
    assert said == f"{call['call']} is ended\n"
    bridge.calling.expect("BYE")
    bridge.called.expect("BYE")
    assert stage.switch.record()["cause"] == "enough"
    failed = ctl(stage.switch, "hangup", call["call"], status=1)
    assert failed == "softswitch ctl: there is no such call\n"


def test_events_are_shown_as_they_happen(stage: Stage) -> None:
    with running(stage, "events", "call.*", "--count", "4") as watcher:
        wait_until_subscribed(stage, watcher)
        stage.bridge().hang_up()
        out, err = watcher.communicate(timeout=20)
    assert (watcher.returncode, err) == (0, "")
    kinds = [line.split()[2] for line in out.splitlines()]
    assert kinds == ["call.presented", "call.answered", "call.bridged", "call.ended"]


def test_events_that_are_kept_are_shown_to_programs_too(stage: Stage) -> None:
    stage.bridge().hang_up()
    call = stage.switch.record()["call_id"]
    text = ctl(
        stage.switch, "--json", "events", "--all", "--call", call, "call.record", "--count", "1"
    )
    told = json.loads(text)
    assert (told["kind"], told["call"]) == ("call.record", call)
    assert told["facts"]["record"] == stage.switch.record()


@contextlib.contextmanager
def running(stage: Stage, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on beside the test."""
    with subprocess.Popen(
        command("ctl", *arguments),
        cwd=stage.switch.directory,
        env=stage.switch.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_until_subscribed(stage: Stage, watcher: subprocess.Popen[str]) -> None:
    """Waits until the watcher has its connection, and a moment for what it asks over it."""
    deadline = time.monotonic() + 15
    while not _is_connected(stage, watcher.pid):
        assert watcher.poll() is None, watcher.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)


def _is_connected(stage: Stage, pid: int) -> bool:
    port = f":{stage.switch.control_port:04X} "
    inodes = set()
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(
        f"{line.split()[2]} ".endswith(port) and f"socket:[{line.split()[9]}]" in inodes
        for line in lines
    )


def test_any_method_can_be_called(stage: Stage) -> None:
    answer = json.loads(ctl(stage.switch, "ask", "call.list", "limit=3", "campaign=direct"))
    assert answer == {"calls": [], "total": 0}
    failed = ctl(stage.switch, "ask", "no.such", status=1)
    assert failed == "softswitch ctl: this switch does not know no.such\n"
    failed = ctl(stage.switch, "ask", "call.list", "limit", status=2)
    assert failed == "softswitch ctl: limit: expected NAME=VALUE\n"


def test_the_switch_is_found_by_its_socket_and_by_its_configuration(stage: Stage) -> None:
    for where in (
        ["--socket", str(stage.switch.data / "control.sock")],
        ["--config", str(stage.switch.config)],
        ["--connect", f"127.0.0.1:{stage.switch.control_port}"],
    ):
        found = json.loads(ctl(stage.switch, *where, "status", "--json"))
        assert found["pid"] == stage.switch.pid


def test_a_switch_that_is_away_is_told_in_a_line(stage: Stage, tmp_path: Path) -> None:
    for where, says in (
        ("--socket=/nowhere.sock", "/nowhere.sock: No such file or directory"),
        ("--connect=127.0.0.1:1", "127.0.0.1:1: Connection refused"),
    ):
        failed = ctl(stage.switch, where, "status", status=3)
        assert failed == f"softswitch ctl: no switch answers at {says}\n"
    with liar(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        failed = ctl(stage.switch, f"--connect=127.0.0.1:{port}", "status", status=3)
        assert failed.endswith("what answers there is no switch\n")
    with liar(b"") as port:
        failed = ctl(stage.switch, f"--connect=127.0.0.1:{port}", "status", status=3)
        assert failed.endswith("the switch has closed the connection\n")
    broken = tmp_path / "broken.yaml"
    broken.write_text("trunks: 1\n")
    assert "has mistakes" in ctl(stage.switch, "-c", str(broken), "status", status=2)


@contextlib.contextmanager
def liar(says: bytes) -> Iterator[int]:
    """Whatever else listens on a port: it says something and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(says)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join(20)


def test_what_makes_no_sense_is_told_in_a_line(stage: Stage) -> None:
    for arguments, says in (
        (["call", "ab"], "ab: at least 4 letters of a call id are needed"),
        (["calls", "--limit", "0"], "--limit: 1 to 10000"),
        (["pcap", "abcd", "--seconds", "-2"], "--seconds: 1 to 3600"),
        (["pcap", "abcd", "--seconds", "nan"], "--seconds: 1 to 3600"),
        (["tracing", "--all", "--seconds", "-2"], "--seconds: 1 to 86400"),
        (["tracing", "--all", "--calls", "0"], "--calls: 1 to 1000"),
        (["-c", "/nope", "status"], "configuration /nope: No such file or directory"),
        (["top", "--interval", "0"], "--interval: 0.2 to 3600 seconds"),
        (["--connect", "a:b", "status"], "a:b is no host:port such as 127.0.0.1:8021"),
        (["--token-file", "/nowhere", "status"], "token file /nowhere: No such file or directory"),
    ):
        assert ctl(stage.switch, *arguments, status=2) == f"softswitch ctl: {says}\n"


def test_a_token_is_taken_from_a_file_or_the_environment_and_tls_is_spoken(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    tokens = (
        f"{{crm: {{secret: {SECRET}, roles: control}}, "
        f"board: {{secret: {BOARD}, roles: read, campaigns: menu}}}}"
    )
    tls = f"{{certificate: {certificate}, key: {key}}}"
    stage = make_stage(sections=f"control: {{tokens: {tokens}, tls: {tls}}}\n")
    where = ["--connect", f"localhost:{stage.switch.control_port}", "--ca", str(certificate)]
    failed = ctl(stage.switch, *where, "status", status=1)
    assert "--token-file FILE, or SOFTSWITCH_TOKEN" in failed
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    assert "takes calls" in ctl(stage.switch, *where, "--token-file", str(file), "status")
    bridge = stage.bridge()
    done = run_ctl(stage.switch, *where, "calls", SOFTSWITCH_TOKEN=BOARD)
    assert done.stdout == "0 calls\n"
    done = run_ctl(stage.switch, *where, "drain", SOFTSWITCH_TOKEN=SECRET)
    assert (done.returncode, done.stderr) == (1, "softswitch ctl: drain needs the role admin\n")
    done = run_ctl(stage.switch, *where, "status", SOFTSWITCH_TOKEN="guessed-guessed-guessed")
    assert done.returncode == 1
    failed = ctl(stage.switch, *where[:2], "--tls", "status", status=3)
    assert "certificate" in failed
    bridge.hang_up()


def test_a_drain_is_begun(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"grace_time": "10 s"})
    bridge = stage.bridge()
    told = re.compile(r"draining: 1 calls in progress, hung up at \d\d:\d\d:\d\dZ, in (\d+) s\n")
    first = told.fullmatch(ctl(stage.switch, "drain"))
    assert first is not None
    assert 5 < int(first[1]) <= 10
    state = r"^state +draining: takes no new calls, calls are hung up at \d\d:\d\d:\d\dZ$"
    assert re.search(state, ctl(stage.switch, "status"), re.M)
    assert re.search(
        r"draining: 1 calls in progress, hung up at .*grace_time: 10 s left", stage.switch.output()
    )
    bridge.hang_up()
    assert stage.switch.wait_for_exit() == 0


def test_a_drain_that_is_wished_again_leaves_calls_alone(make_stage: MakeStage) -> None:
    stage = make_stage(settings={"grace_time": "30 s"})
    bridge = stage.bridge()
    first = json.loads(ctl(stage.switch, "--json", "drain"))
    for _ in range(2):
        again = json.loads(ctl(stage.switch, "--json", "drain"))
        assert again["calls"] == 1
        assert again["until"] == pytest.approx(first["until"], abs=0.1)
    time.sleep(0.5)
    bridge.near.wait_for_packets(5)
    bridge.hang_up()
    assert stage.switch.wait_for_exit() == 0
    assert stage.switch.record()["cause"] != "shutdown"


def test_everything_stands_on_one_picture(stage: Stage) -> None:
    bridge = stage.bridge()
    picture = ctl(stage.switch, "top", "--once", "--interval", "0.2")
    assert re.search(r"^softswitch \S+ +pid \d+ +up 0:\d\d +takes calls", picture)
    assert re.search(r"^calls +1 now, ", picture, re.M)
    assert re.search(r"^tick +\d", picture, re.M)
    assert any(DIRECT in line and "bridged" in line for line in picture.splitlines())
    told = ctl_json(stage.switch, "top", "--interval", "0.2")
    assert told["status"]["calls"] == 1
    assert told["calls_a_second"] == 0.0
    bridge.hang_up()


def test_the_live_screen_shows_a_call_that_begins_and_q_leaves_the_terminal_as_it_was(
    stage: Stage,
) -> None:
    master, slave = pty.openpty()
    before = terminal_settings(slave)
    process = subprocess.Popen(
        command("ctl", "top", "--interval", "0.2"),
        cwd=stage.switch.directory,
        env={**stage.switch.environment, "TERM": "xterm", "COLUMNS": "110", "LINES": "40"},
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    try:
        screen = Screen(master)
        screen.wait_for("0 now")
        bridge = stage.bridge()
        screen.wait_for("1 now")
        screen.wait_for("bridged")
        bridge.hang_up()
        screen.wait_for("0 now")
        os.write(master, b"x")
        screen.wait_for("0 now")
        os.write(master, b"q")
        screen.read_until(lambda: process.poll() is not None)
        assert process.returncode == 0
        assert terminal_settings(slave) == before
        assert "\x1b[?1049l" in screen.text, "the alternate screen is left"
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def test_a_terminal_without_a_screen_gets_one_picture(stage: Stage) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command("ctl", "top", "--interval", "0.2"),
        cwd=stage.switch.directory,
        env={**stage.switch.environment, "TERM": "dumb"},
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    try:
        screen = Screen(master)
        screen.wait_for("takes calls")
        screen.read_until(lambda: process.poll() is not None)
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def test_who_looks_at_a_switch_that_hangs_is_told_and_not_kept(stage: Stage) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command("ctl", "top", "--interval", "0.2"),
        cwd=stage.switch.directory,
        env={**stage.switch.environment, "TERM": "xterm", "COLUMNS": "110", "LINES": "40"},
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    try:
        screen = Screen(master)
        screen.wait_for("0 now")
        os.kill(stage.switch.pid, signal.SIGSTOP)
        screen.wait_for("waiting for the switch")
        screen.read_until(lambda: process.poll() is not None)
        assert process.returncode == 3
        screen.wait_for("was not answered within 5 s")
        failed = ctl(stage.switch, "status", status=3)
        assert failed.endswith("status was not answered within 5 s\n")
    finally:
        os.kill(stage.switch.pid, signal.SIGCONT)
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def terminal_settings(fd: int) -> list[object]:
    import termios

    return list(termios.tcgetattr(fd))


class Screen:
    """What a program draws on a terminal."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.text = ""
        self._seen = 0

    def wait_for(self, text: str) -> None:
        """Waits until something is drawn after what was waited for last."""
        self.read_until(lambda: text in self.text[self._seen :])
        self._seen = self.text.index(text, self._seen) + len(text)

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Reads on until it holds."""
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.text[-2000:]
            if select.select([self._fd], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    self.text += os.read(self._fd, 1 << 16).decode(errors="replace")


def test_a_switch_that_dies_is_told_to_who_looks(make_stage: MakeStage) -> None:
    stage = make_stage()
    with running(stage, "events") as watcher:
        wait_until_subscribed(stage, watcher)
        stage.switch.kill()
        _, err = watcher.communicate(timeout=20)
    assert watcher.returncode == 3
    assert err.startswith("softswitch ctl: 127.0.0.1:")
    assert err.count("\n") == 1
    stage.switch.start()
    with ControlPeer(stage.switch.data / "control.sock") as peer:
        assert peer.ask("status")["pid"] == stage.switch.pid


@pytest.mark.parametrize("verb", ["status", "calls", "events", "tracing", "trunks"])
def test_a_reader_that_leaves_ends_the_command_quietly(stage: Stage, verb: str) -> None:
    line = f"{' '.join(command('ctl', verb))} | true"
    if verb == "events":
        line = f"{' '.join(command('ctl', '--json', 'events', '--all', '--count', '3'))} | true"
        stage.bridge().hang_up()
        stage.switch.record()
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=stage.switch.directory, env=stage.switch.environment, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
