"""Several switches on one database, and a database that goes away: storms of calls by SIPp.

A cap is never exceeded, whoever dies; calls never wait for the database, and what they left is in
it afterwards, once.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.database import OwnServer
from tests.support.ports import free_rtp_range
from tests.support.program import Switch, command, wait_for
from tests.support.sipp import Sipp, needs_sipp

pytestmark = [needs_sipp, pytest.mark.timeout(240)]
LIMIT = 40
RTP_PORTS = 600
"""A pair rests for two seconds after a call: enough for 70 calls a second."""
CAPPED = "100001"
FREE = "200001"

CONFIGURATION = f"""
switch:
  listen: ${{SOFTSWITCH_SIP:-127.0.0.1:5060}}
  rtp_ports: ${{SOFTSWITCH_RTP:-20000-29999}}
  control: ${{SOFTSWITCH_CONTROL:-127.0.0.1:8021}}
  data: ${{SOFTSWITCH_DATA:-./var}}
  database: ${{SOFTSWITCH_DATABASE:-}}
  no_media_time: off
trunks:
  carrier: ${{SOFTSWITCH_TRUNK:-127.0.0.1:5080}}
pools:
  ads:
    parameters: [website]
    campaign: free
    numbers: [+1 800 555 0101, +1 800 555 0102]
    overflow: +1 800 555 0199
numbers:
  1xxxxx: {{campaign: capped, as_is: true}}
  2xxxxx: {{campaign: free, as_is: true}}
campaigns:
  capped:
    treatment: direct
    caps:
      total: {{kind: monthly, limit: {LIMIT}}}
  free: direct
treatments:
  direct:
    - connect: called
"""


@pytest.fixture
def server() -> Iterator[OwnServer]:
    own = OwnServer()
    own.start()
    yield own
    own.close()


def node(folder: Path, trunk: Sipp, dsn: str) -> Switch:
    folder.mkdir()
    file = folder / "nodes.yaml"
    file.write_text(CONFIGURATION)
    return Switch(
        folder,
        file,
        trunk=f"127.0.0.1:{trunk.port}",
        rtp=free_rtp_range(RTP_PORTS),
        environment={"SOFTSWITCH_DATABASE": dsn},
    )


def storm(directory: Path, switch: Switch, number: str, calls: int, *, rate: float) -> Sipp:
    return Sipp(
        directory,
        "uac_capped.xml",
        remote=switch.address,
        service=number,
        calls=calls,
        rate=rate,
        hold_ms=200,
        timeout=120,
    )


def dialled(uas: Sipp) -> int:
    """Outbound legs that reached the called side: different Call-IDs of INVITEs."""
    text = (uas.directory / f"{uas.name}.messages").read_text(errors="replace")
    invites = text.split("\nINVITE sip:")[1:]
    return len({part.partition("Call-ID: ")[2].partition("\n")[0].strip() for part in invites})


def test_a_cap_of_two_nodes_is_used_up_and_never_exceeded(
    tmp_path: Path, server: OwnServer
) -> None:
    dsn = server.dsn()
    with Sipp(tmp_path, "uas_basic.xml", timeout=200) as uas:
        second = node(tmp_path / "b", uas, dsn)
        with second:
            first = node(tmp_path / "a", uas, dsn)
            first.start()
            with (
                storm(tmp_path, first, CAPPED, 60, rate=12),
                storm(tmp_path, second, CAPPED, 20, rate=6) as on_second,
            ):
                wait_for("some calls got through", lambda: dialled(uas) >= 10, within=20)
                first.kill()
                on_second.wait()
            assert dialled(uas) <= LIMIT
            first.start()
            for switch in (first, second):
                # Whatever either node still holds is used here, or goes to the other one.
                deadline = time.monotonic() + 30
                while dialled(uas) < LIMIT and time.monotonic() < deadline:
                    with storm(tmp_path, switch, CAPPED, 10, rate=20) as more:
                        more.wait()
            assert dialled(uas) == LIMIT
            with storm(tmp_path, second, CAPPED, 5, rate=20) as late:
                late.wait()
            assert dialled(uas) == LIMIT
            last = second.records()[-1]
            assert [one["cap"] for one in last["caps"]] == ["total"]
            first.stop()


def report(switch: Switch) -> list[dict[str, Any]]:
    done = subprocess.run(
        command("report", "-c", str(switch.config), "--by", "campaign", "--format", "json"),
        env=switch.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return rows


def test_calls_go_on_while_the_database_is_away_and_are_in_it_afterwards(
    tmp_path: Path, server: OwnServer
) -> None:
    away_with_the_database(tmp_path, server, calls=120, rate=15, away=4)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_the_database_is_away_for_a_minute(tmp_path: Path, server: OwnServer) -> None:
    away_with_the_database(tmp_path, server, calls=2000, rate=25, away=60)


def away_with_the_database(
    tmp_path: Path, server: OwnServer, *, calls: int, rate: float, away: float
) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=300) as uas:
        switch = node(tmp_path / "a", uas, server.dsn())
        with switch:
            with storm(tmp_path, switch, FREE, calls, rate=rate) as uac:
                wait_for("calls come in", lambda: len(switch.records()) >= 5, within=20)
                server.stop()
                time.sleep(away)
                server.start()
                made = uac.wait()
            assert (made.successful, made.failed, made.retransmissions) == (calls, 0, 0)
            records = switch.wait_for_records(calls)
            assert all(record["talk_seconds"] > 0 for record in records)
            wait_for(
                "all calls are in the database",
                lambda: sum(int(row["calls"]) for row in report(switch)) == calls,
                within=30,
            )
        uas.stop()
