"""Ring groups and transfers with SIPp on both sides of the real program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.program import Switch, leg, wait_for
from tests.support.sipp import Sipp, needs_sipp

pytestmark = needs_sipp

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "examples" / "nodes"
NUMBER = "18666831950"


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Sipp]:
    """The telephones of the group."""
    with Sipp(tmp_path, "uas_ring_group.xml", rtp_echo=True) as telephones:
        yield telephones


@contextmanager
def running(folder: Path, example: str, trunk: Sipp | None = None) -> Iterator[Switch]:
    """The real program with an example of a step; it leaves nothing behind."""
    port = 9 if trunk is None else trunk.port
    switch = Switch(folder, EXAMPLES / f"{example}.yaml", trunk=f"127.0.0.1:{port}")
    try:
        yield switch.start()
        switch.stop()
    finally:
        if switch.is_running():
            switch.kill()


def test_of_a_ring_group_one_answers_and_the_other_is_told(tmp_path: Path, group: Sipp) -> None:
    with running(tmp_path / "switch", "ring_group", group) as switch:
        with Sipp(
            tmp_path, "uac_plain.xml", remote=switch.address, service=NUMBER, calls=3, hold_ms=500
        ) as caller:
            assert caller.wait().successful == 3
        assert group.stop().successful == 6
        wait_for("a record a call", lambda: len(switch.records()) == 3)
        for record in switch.records():
            assert sorted(one["status"] for one in record["legs"]) == [200, 200, 487]
            (answered,) = [one for one in record["legs"][1:] if one["answered_at"]]
            assert answered["to"] == "+16025552222"


def test_a_caller_is_sent_elsewhere(tmp_path: Path) -> None:
    with running(tmp_path / "switch", "transfer") as switch:
        with Sipp(
            tmp_path, "uac_transfer.xml", remote=switch.address, service=NUMBER, hold_ms=300
        ) as caller:
            assert caller.wait().successful == 1
        record = switch.record()
        assert (record["ended_by"], record["cause"]) == ("switch", "transferred")
        assert leg(record, "calling")["status"] == 200
