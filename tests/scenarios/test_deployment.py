"""What stands in deploy/: the proxy in front of two nodes, the unit, the files of containers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from config.model import Switch as Configured
from softswitch.cli import _parser
from tests.support.kamailio import Kamailio, needs_kamailio
from tests.support.phone import Call, Phone
from tests.support.program import ROOT, Switch, wait_for
from tests.support.rtp_end import RtpEnd, audio_address
from tests.support.stage import configuration

DEPLOY = ROOT / "deploy"
CALLS = 12
"""By Call-ID over two nodes: that all go to one happens once in two thousand runs."""


class Cluster:
    """Two nodes behind a proxy, a caller and a called party that know only the proxy."""

    def __init__(self, folder: Path) -> None:
        self.callee = Phone(user="carrier")
        self.caller = Phone(user="+16025550100")
        file = folder / "switch.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(configuration(switch={"grace_time": "10 s"}))
        self.nodes = [Switch(folder / name, file) for name in ("one", "two")]
        self.proxy = Kamailio(
            folder / "proxy",
            nodes=[node.address for node in self.nodes],
            carriers=[(self.callee.host, self.callee.port)],
        )
        self.caller.server = self.proxy.address
        for node in self.nodes:
            node.environment["SOFTSWITCH_TRUNK"] = f"127.0.0.1:{self.proxy.port}"

    def start(self) -> Cluster:
        for node in self.nodes:
            node.start()
        self.proxy.__enter__()
        return self

    def close(self) -> None:
        self.proxy.__exit__()
        for phone in (self.caller, self.callee):
            phone.close()
        for node in self.nodes:
            if node.is_running():
                node.stop()

    def records(self) -> list[int]:
        """How many each node has written."""
        return [len(node.records()) for node in self.nodes]

    @staticmethod
    def is_at(node: Switch, call: Call) -> bool:
        """Whether a call's voice goes to a node."""
        assert call.invite is not None
        first, last = node.rtp
        return first <= audio_address(call.invite.body)[1] <= last

    def one_call(self) -> None:
        with closing(RtpEnd()) as near, closing(RtpEnd()) as far:
            calling, called = self.bridged(near, far)
            calling.bye()
            called.expect("BYE")

    def bridged(self, near: RtpEnd, far: RtpEnd, *, within: float = 8.0) -> tuple[Call, Call]:
        calling = self.caller.invite("100001", near.sdp())
        called = self.callee.expect_call(within)
        assert called.invite is not None
        called.respond(200, far.sdp())
        answer = calling.expect(200)
        calling.ack()
        called.expect("ACK")
        near.aim_by(answer.body)
        far.aim_by(called.invite.body)
        near.wait_for_packets(5)
        far.wait_for_packets(5)
        return calling, called


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made.start()
    finally:
        made.close()


@needs_kamailio
def test_calls_through_the_proxy_are_spread_over_both_nodes(cluster: Cluster) -> None:
    for number in range(CALLS):
        with closing(RtpEnd()) as near, closing(RtpEnd()) as far:
            calling, called = cluster.bridged(near, far)
            # Either side hangs up: what follows in a dialog finds its way too.
            ending, other = (calling, called) if number % 2 else (called, calling)
            ending.bye()
            other.expect("BYE")
    wait_for("all records", lambda: sum(cluster.records()) == CALLS)
    assert all(cluster.records()), cluster.records()


@needs_kamailio
def test_a_node_that_dies_is_left_out(cluster: Cluster) -> None:
    one, two = cluster.nodes
    one.kill()
    for _ in range(4):
        cluster.one_call()
    wait_for("all records", lambda: len(two.records()) == 4)


@needs_kamailio
def test_a_node_that_drains_gets_no_more_calls_and_keeps_those_it_has(cluster: Cluster) -> None:
    one, two = cluster.nodes
    with closing(RtpEnd()) as near, closing(RtpEnd()) as far:
        calling, called = cluster.bridged(near, far)
        draining, other = (one, two) if cluster.is_at(one, called) else (two, one)
        os.kill(draining.pid, signal.SIGTERM)
        for _ in range(3):
            cluster.one_call()
        assert draining.is_running()
        wait_for("all records", lambda: len(other.records()) == 3)
        calling.bye()
        called.expect("BYE")
    assert draining.wait_for_exit() == 0
    assert len(draining.records()) == 1


@needs_kamailio
def test_whoever_is_no_carrier_and_no_node_is_refused(cluster: Cluster) -> None:
    with closing(Phone(cluster.proxy.address, host="127.0.0.9")) as stranger:
        stranger.invite("100001").expect(403)


# The service manager.


class Manager:
    """What systemd would hear."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))

    def next(self, word: str, *, within: float = 10.0) -> list[str]:
        """The next message with a word in it."""
        deadline = time.monotonic() + within
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            lines = self.socket.recv(4096).decode().splitlines()
            if word in lines:
                return lines

    def falls_silent(self) -> bool:
        """Whether at most two words are on their way, and then none."""
        for _ in range(3):
            try:
                self.next("WATCHDOG=1", within=3.0)
            except TimeoutError:
                return True
        return False


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    with made.socket:
        yield made


def test_systemd_hears_of_ready_life_and_stop(tmp_path: Path, manager: Manager) -> None:
    file = tmp_path / "switch.yaml"
    file.write_text(configuration())
    environment = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "3000000"}
    switch = Switch(tmp_path / "switch", file, environment=environment).start()
    assert "STATUS=0 calls, 0 since the start" in manager.next("READY=1")
    manager.next("WATCHDOG=1")
    manager.next("WATCHDOG=1")
    os.kill(switch.pid, signal.SIGSTOP)
    assert manager.falls_silent()
    os.kill(switch.pid, signal.SIGCONT)
    manager.next("WATCHDOG=1")
    switch.terminate()
    manager.next("STOPPING=1")
    assert switch.wait_for_exit() == 0
    switch.stop()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "softswitch.service").read_text()
    unit = tmp_path / "softswitch.service"
    # It wants to see the program.
    unit.write_text(text.replace("/opt/softswitch/bin/softswitch", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_unit_starts_the_program_as_it_wants_to_be_started() -> None:
    text = (DEPLOY / "softswitch.service").read_text()
    commands = re.findall(r"^ExecStart(?:Pre)?=/opt/softswitch/bin/softswitch (.*)$", text, re.M)
    for command in commands:
        _parser().parse_args(command.split())
    assert [command.split()[0] for command in commands] == ["check", "run"]
    grace = int(re.findall(r"^TimeoutStopSec=(\d+)", text, re.M)[0])
    assert grace > Configured().grace_seconds + 5


# Containers.


def test_the_compose_file_names_what_there_is() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"database", "proxy", "one", "two"}
    for service in services.values():
        build = service.get("build")
        if build is not None:
            context = build if isinstance(build, str) else build["context"]
            assert (DEPLOY / context / "Dockerfile").is_file()
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), source
            elif not source.startswith("$"):
                assert source in compose["volumes"], source


def test_the_nodes_of_the_compose_file_are_not_in_each_others_way() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    one, two = (services[name]["environment"] for name in ("one", "two"))
    for name in ("SOFTSWITCH_SIP", "SOFTSWITCH_CONTROL"):
        assert one[name] != two[name]
    for name in ("SOFTSWITCH_TRUNK", "SOFTSWITCH_DATABASE"):
        assert one[name] == two[name]
    spans = [[int(end) for end in node["SOFTSWITCH_RTP"].split("-")] for node in (one, two)]
    assert spans[0][1] < spans[1][0]
    nodes = re.findall(
        r"^1 sip:[0-9.]+:(\d+)", (DEPLOY / "kamailio/dispatcher.list").read_text(), re.M
    )
    assert nodes == [node["SOFTSWITCH_SIP"].rpartition(":")[2] for node in (one, two)]


def test_the_image_checks_its_health_by_a_command_that_there_is() -> None:
    text = (ROOT / "Dockerfile").read_text()
    command = json.loads(re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", text, re.M)[0])
    assert command[0] == "softswitch"
    _parser().parse_args(command[1:])
    user = re.findall(r"^USER (\S+)", text, re.M)
    assert user == ["softswitch"]
    for source in re.findall(r"^COPY (?!--from)(.+)$", text, re.M):
        for name in source.split()[:-1]:
            assert (ROOT / name).exists(), name
