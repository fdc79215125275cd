"""The two calls that the product stands for, through the real program with SIPp on both sides: from
the number handed to a visitor to the payout in the record."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import ROOT, Switch, command, leg, wait_for
from tests.support.sipp import Sipp, needs_sipp

pytestmark = [
    needs_sipp,
    pytest.mark.skipif(os.geteuid() != 0, reason="SIPp plays captures through a raw socket"),
    pytest.mark.timeout(180),
]
EXAMPLES = ROOT / "config" / "examples"
BABY_FANS = "18666831950"
MOBILE_IN_ARIZONA = "16025550147"
LANDLINE_IN_ARIZONA = "16025551999"
MOBILE_IN_CALIFORNIA = "14155550123"
LANDLINE_IN_NEW_YORK = "12125550123"
Record = dict[str, Any]


@pytest.fixture
def uas(tmp_path: Path) -> Any:
    with Sipp(tmp_path, "uas_basic.xml", rtp_echo=True, timeout=150) as running:
        yield running


def switch_for(tmp_path: Path, example: str, uas: Sipp, **environment: str) -> Switch:
    return Switch(
        tmp_path / "switch",
        EXAMPLES / f"{example}.yaml",
        trunk=f"127.0.0.1:{uas.port}",
        environment={"SOFTSWITCH_DATABASE": "embedded", **environment},
    )


def softswitch(switch: Switch, *arguments: str) -> str:
    """Standard output of a command with the switch's environment."""
    done = subprocess.run(
        command(*arguments),
        env=switch.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def caller_of(switch: Switch, directory: Path, scenario: str) -> Callable[..., Record]:
    def call(caller: str, number: str, *, talk_ms: int = 1500) -> Record:
        already = len(switch.records())
        with Sipp(
            directory,
            scenario,
            remote=switch.address,
            service=number,
            keys={"caller": caller},
            hold_ms=talk_ms,
            timeout=40,
        ) as uac:
            assert uac.wait().successful == 1
        return switch.wait_for_records(already + 1)[-1]

    return call


def test_baby_fans_are_rated_by_the_callers_line_and_paid_once(tmp_path: Path, uas: Sipp) -> None:
    with switch_for(tmp_path, "baby-fans", uas, BABY_FANS_HOURS="always") as switch:
        call = caller_of(switch, tmp_path, "uac_baby_fans.xml")
        record = call(MOBILE_IN_ARIZONA, BABY_FANS)
        assert record["campaign"] == "Baby Fan Sale"
        assert record["publisher"] == "p1"
        assert record["binding"]["parameters"] == {"media": "Internet"}
        assert record["keys"] == ["2"]
        assert leg(record, "called")["to"] == "+16026661234"
        assert leg(record, "called")["from"] == f"+{MOBILE_IN_ARIZONA}"
        assert record["talk_seconds"] > 0
        assert record["rating"]["rating"] == "high"
        assert record["payout"]["amount"] == "5.00"
        assert record["payout"]["currency"] == "USD"
        assert record["ended_by"] == "calling"
        wait_for("a message asked for", lambda: "sms.requested" in switch.output())

        again = call(MOBILE_IN_ARIZONA, BABY_FANS)
        assert again["rating"]["rating"] == "high"
        assert again["payout"]["amount"] == "0.00"

        landline = call(LANDLINE_IN_ARIZONA, BABY_FANS)
        assert landline["rating"]["rating"] == "low"
        assert landline["payout"]["amount"] == "1.00"
        wait_for("the last event", lambda: switch.output().count("call.ended") == 3)
        assert switch.output().count("sms.requested") == 2
        file = tmp_path / "record.json"
        file.write_text(json.dumps(record))
        assert "5.00" in softswitch(
            switch, "explain", record["call_id"], "--record", str(file),
            "-c", str(EXAMPLES / "baby-fans.yaml"),
        )  # fmt: skip
    uas.stop()


def test_baby_fans_are_closed_out_of_hours(tmp_path: Path, uas: Sipp) -> None:
    with switch_for(tmp_path, "baby-fans", uas, BABY_FANS_HOURS="never") as switch:
        shown = softswitch(
            switch, "route-test", str(EXAMPLES / "baby-fans.yaml"),
            "--from", MOBILE_IN_ARIZONA, "--to", BABY_FANS,
        )  # fmt: skip
        assert "closed" in shown


def test_the_news_press_pays_for_a_long_call_from_california(tmp_path: Path, uas: Sipp) -> None:
    with switch_for(
        tmp_path, "news-press", uas, NEWS_HOURS="always", NEWS_MIN_SECONDS="1"
    ) as switch:
        shown = [
            allocate(switch, "Ad Placement", website="one", location="footer", path=path)
            for path in ("home", "page3", "home")
        ]
        assert [one["number"] for one in shown] == [
            "+18888695345", "+18001238888", "+18888695345",
        ]  # fmt: skip
        call = caller_of(switch, tmp_path, "uac_news_press.xml")
        record = call(MOBILE_IN_CALIFORNIA, "18888695345", talk_ms=3500)
        assert record["binding"] == {
            "pool": "Ad Placement",
            "parameters": {"website": "one", "location": "footer", "path": "home"},
        }
        assert record["publisher"] == "news-press"
        assert record["keys"] == ["1"]
        assert leg(record, "called")["to"] == "+18885551234"
        assert record["talk_seconds"] > 1
        assert record["payout"]["amount"] == "15.00"

        elsewhere = call(LANDLINE_IN_NEW_YORK, "18001238888", talk_ms=3500)
        assert elsewhere["binding"]["parameters"]["path"] == "page3"
        assert elsewhere["payout"]["amount"] == "0.00"
    uas.stop()


def allocate(switch: Switch, pool: str, **values: str) -> Record:
    written = [f"{name}={value}" for name, value in values.items()]
    printed = softswitch(
        switch, "pool", "allocate", "-c", str(switch.config), pool, *written, "--json"
    )
    answer: Record = json.loads(printed)
    return answer
