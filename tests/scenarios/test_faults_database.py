"""The database stops, hangs, or has no room: calls go on, are counted, and stand in it afterwards.

What is promised for it stands in docs/failures.md.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.support.control import ControlPeer
from tests.support.database import OwnServer, in_thread
from tests.support.disks import SmallDisk
from tests.support.example_switch import Example
from tests.support.program import wait_for

AWAY_SECONDS = 6.0
MINUTE = 60.0
LIMIT = 7
CONFIGURATION = f"""
switch:
  listen: ${{SOFTSWITCH_SIP}}
  rtp_ports: ${{SOFTSWITCH_RTP}}
  control: ${{SOFTSWITCH_CONTROL}}
  data: ${{SOFTSWITCH_DATA}}
  database: ${{SOFTSWITCH_DATABASE}}
  without_synthesiser: chime
trunks:
  carrier: ${{SOFTSWITCH_TRUNK}}
numbers:
  866 683 1950: {{campaign: sale}}
campaigns:
  sale:
    treatment: agent
    caps:
      calls: {{kind: daily, limit: {LIMIT}, over: sorry}}
treatments:
  agent: [connect: 602 555 1234]
  sorry: [hang_up: 603]
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnServer]:
    own = OwnServer()
    own.start()
    yield own
    own.close()


def switch_on(tmp_path: Path, **environment: str) -> Example:
    path = tmp_path / "switch.yaml"
    path.write_text(CONFIGURATION)
    return Example(tmp_path / "run", path, **environment)


def one_call(switch: Example, count: int) -> None:
    """A call from its beginning to its record, the `count`th."""
    calling, near = switch.call()
    called = switch.bridged(calling, near, "16025551234")
    near.wait_for_packets(5)
    calling.bye()
    called.expect("BYE")
    switch.switch.wait_for_records(count, within=20)


def in_database(dsn: str) -> int:
    """Rows of the table of calls."""

    async def count() -> int:
        connection = await asyncpg.connect(dsn)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM calls"))
        finally:
            await connection.close()

    return in_thread(count())


@pytest.mark.parametrize("seconds", [AWAY_SECONDS, pytest.param(MINUTE, marks=pytest.mark.full)])
@pytest.mark.parametrize("fault", ["stopped", "frozen"])
@pytest.mark.timeout(200)
def test_calls_go_on_while_the_database_is_away_and_stand_in_it_afterwards(
    tmp_path: Path, server: OwnServer, fault: str, seconds: float
) -> None:
    dsn = server.dsn()
    switch = switch_on(tmp_path, SOFTSWITCH_DATABASE=dsn)
    failed = True
    try:
        one_call(switch, 1)
        calling, near = switch.call()
        called = switch.bridged(calling, near, "16025551234")
        away = Away(server, frozen=fault == "frozen")
        began = time.monotonic()
        for count in range(2, 5):
            one_call(switch, count)
        near.wait_for_packets(len(near.arrivals) + 25, within=20)
        calling.bye()
        called.expect("BYE")
        records = switch.switch.wait_for_records(5, within=20)
        # No call has waited for it.
        assert all(one["ring_seconds"] < 5.0 for one in records)
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
        away.over()
        wait_for("all calls in the database", lambda: in_database(dsn) == 5, within=40)
        # The cap has counted those in between, too.
        for count in range(6, LIMIT + 1):
            one_call(switch, count)
        refused, _ = switch.call()
        refused.expect(603, within=20)
        switch.switch.wait_for_records(LIMIT + 1, within=20)
        wait_for("the last", lambda: in_database(dsn) == LIMIT + 1, within=40)
        failed = False
    finally:
        switch.close(failed=failed)


class Away:
    """A server that is stopped, or whose processes stand still."""

    def __init__(self, server: OwnServer, *, frozen: bool) -> None:
        self._server = server
        self._frozen = _processes(server.folder / "postgres" / "data") if frozen else []
        for pid in self._frozen:
            os.kill(pid, signal.SIGSTOP)
        if not frozen:
            server.stop()

    def over(self) -> None:
        for pid in self._frozen:
            os.kill(pid, signal.SIGCONT)
        if not self._frozen:
            self._server.start()


def _processes(data: Path) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdecimal() and os.path.samefile(f"/proc/{name}/cwd", data):
                found.append(int(name))
        except OSError:
            continue
    return found


def test_an_embedded_database_whose_disk_is_full_comes_back_with_every_call(
    tmp_path: Path,
) -> None:
    disk = SmallDisk(tmp_path / "disk", 200_000)
    data = disk.folder / "data"
    switch = switch_on(tmp_path, SOFTSWITCH_DATABASE="embedded", SOFTSWITCH_DATA=str(data))
    switch.switch.data = data
    failed = True
    try:
        one_call(switch, 1)
        calling, near = switch.call()
        called = switch.bridged(calling, near, "16025551234")
        disk.fill()
        near.wait_for_packets(len(near.arrivals) + 50, within=20)
        refused, _ = switch.call()
        refused.expect(503, within=20)
        calling.bye()
        called.expect("BYE")
        wait_for("its line", lambda: "disk.failed" in switch.switch.output())
        disk.free()
        switch.switch.wait_for_records(2, within=20)
        one_call(switch, 3)
        with closing(ControlPeer(("127.0.0.1", switch.switch.control_port))) as peer:

            def behind() -> int:
                queues = peer.ask("status")["parts"]["queues"]["queues"]
                return int(queues["database_bytes"])

            wait_for("all calls in the database", lambda: behind() == 0, within=40)
        failed = False
    finally:
        switch.close(failed=failed)
        disk.close()


def test_an_embedded_database_that_is_killed_is_started_again_and_gets_every_call(
    tmp_path: Path,
) -> None:
    switch = switch_on(tmp_path, SOFTSWITCH_DATABASE="embedded")
    failed = True
    try:
        one_call(switch, 1)
        calling, near = switch.call()
        called = switch.bridged(calling, near, "16025551234")
        (noted,) = switch.switch.data.rglob("postmaster.pid")
        first = int(noted.read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        near.wait_for_packets(len(near.arrivals) + 50, within=20)
        calling.bye()
        called.expect("BYE")
        switch.switch.wait_for_records(2, within=20)
        with closing(ControlPeer(("127.0.0.1", switch.switch.control_port))) as peer:

            def behind() -> int:
                queues = peer.ask("status")["parts"]["queues"]["queues"]
                return int(queues["database_bytes"])

            wait_for("all calls in the database", lambda: behind() == 0, within=40)
        assert int(noted.read_text().split()[0]) != first
        failed = False
    finally:
        switch.close(failed=failed)
