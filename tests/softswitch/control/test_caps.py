"""Caps as they are shown, and pausing buyers and campaigns from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config.model import Cap
from softswitch.campaign.caps import CountKey, Need
from softswitch.campaign.ledger import CapLedger
from softswitch.control.access import Token
from softswitch.control.methods import caps as caps_module
from softswitch.store.pause_file import PauseFile
from tests.support.desk_bench import DeskBench
from tests.support.laboratory import AGENT, FIRST, SECOND, laboratory

FAILOVER = "200002"
MENU_ONLY = Token.of("menu", "s", ("control",), ("menu",)).identity
READER = Token.of("reader", "s", ("read",)).identity
DAILY = Cap("daily cap", "daily", Decimal(10))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    with laboratory(tmp_path / "data") as lab:
        made = DeskBench(lab)
        paused = made.desk.paused = PauseFile(tmp_path)
        lab.switchboard.means.nodes.pauses = paused.pauses
        yield made
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.settle()


def call_failover(bench: DeskBench) -> list[str]:
    """Whom a call is offered to, and is answered by."""
    bench.lab.caller.invite(FAILOVER)
    bench.lab.settle()
    for invite in bench.lab.callee.calls:
        invite.reject(480, now=bench.lab.callee.now)
    bench.lab.callee.pump.flush()
    bench.lab.settle()
    bench.lab.advance(5)
    return [one["to_number"] for one in bench.lab.facts("leg.originated")]


def test_a_paused_buyer_gets_no_calls_and_the_next_one_does(bench: DeskBench) -> None:
    paused = bench.ask("cap.pause", destination="602 555 1111", why="holiday")
    assert (paused["campaign"], paused["destination"], paused["by"]) == (None, FIRST, "local")
    assert call_failover(bench) == [SECOND]
    (reached,) = bench.lab.facts("cap.reached")
    assert reached == {
        "cap": "paused", "campaign": "failover", "scope": FIRST, "limit": "0", "why": "holiday",
    }  # fmt: skip
    assert bench.lab.record["caps"] == [reached]


def test_a_paused_campaign_calls_nobody_and_resumes(bench: DeskBench) -> None:
    bench.ask("cap.pause", campaign="failover")
    assert call_failover(bench) == []
    assert bench.lab.record["legs"][0]["status"] == 480
    assert bench.lab.facts("cap.reached")[0]["why"] == "paused by local"
    resumed = bench.ask("cap.resume", campaign="failover")
    assert resumed == {"campaign": "failover", "destination": None, "was_paused": True}
    bench.lab.callee.forget()
    assert call_failover(bench) != []


def test_a_buyer_is_paused_for_the_calls_of_one_campaign_only(bench: DeskBench) -> None:
    bench.ask("cap.pause", campaign="menu", destination=FIRST)
    assert FIRST in call_failover(bench)


def test_calls_in_progress_go_on(bench: DeskBench) -> None:
    bench.bridge()
    bench.ask("cap.pause", campaign="direct")
    bench.lab.advance(3)
    assert bench.lab.call.bridged


def test_what_is_paused_is_listed_told_and_outlives_the_switch(
    bench: DeskBench, tmp_path: Path
) -> None:
    bench.ask("cap.pause", campaign="menu", destination=AGENT, why="x")
    bench.ask("cap.pause", campaign="menu", destination=AGENT, why="y")
    bench.ask("cap.pause", destination="sip:sales@example.org")
    listed = bench.ask("cap.list", READER)["paused"]
    assert [(one["campaign"], one["destination"], one["why"]) for one in listed] == [
        ("menu", AGENT, "y"), (None, "sip:sales@example.org", ""),
    ]  # fmt: skip
    assert bench.ask("cap.list", campaign="failover")["paused"] == listed[1:]
    assert [tuple(one) for one in (listed[0],)] == [("campaign", "destination", "by", "at", "why")]
    told = bench.lab.facts("cap.paused")
    assert told[0] == {"campaign": "menu", "destination": AGENT, "by": "local", "why": "x"}
    assert list(PauseFile(tmp_path).pauses) == list(bench.desk.paused.pauses)  # type: ignore[union-attr]
    bench.ask("cap.resume", campaign="menu", destination=AGENT)
    assert [one.destination for one in PauseFile(tmp_path).pauses] == ["sip:sales@example.org"]
    assert bench.ask("cap.resume", campaign="menu", destination=AGENT)["was_paused"] is False
    assert len(bench.lab.facts("cap.resumed")) == 1


def test_a_token_pauses_only_what_is_its_own(bench: DeskBench) -> None:
    assert bench.ask("cap.pause", MENU_ONLY, campaign="menu")["campaign"] == "menu"
    assert bench.ask("cap.pause", MENU_ONLY, campaign="failover") == "not_configured"
    assert bench.ask("cap.pause", MENU_ONLY, destination=FIRST) == "forbidden"
    assert bench.ask("cap.resume", MENU_ONLY, destination=FIRST) == "forbidden"
    assert bench.ask("cap.pause", READER, campaign="menu") == "forbidden"
    bench.ask("cap.pause", campaign="failover")
    listed = bench.ask("cap.list", MENU_ONLY)["paused"]
    assert [one["campaign"] for one in listed] == ["menu"]


def test_mistakes_are_told(bench: DeskBench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.ask("cap.pause") == "invalid_params"
    assert bench.ask("cap.pause", campaign="nobody") == "not_configured"
    assert bench.ask("cap.pause", destination="a\nb") == "invalid_params"
    monkeypatch.setattr(caps_module, "MAX_PAUSES", 1)
    bench.ask("cap.pause", campaign="menu")
    assert bench.ask("cap.pause", campaign="menu", why="again")["why"] == "again"
    assert bench.ask("cap.pause", campaign="failover") == "limit_reached"
    bench.desk.paused = None
    assert bench.ask("cap.pause", campaign="menu") == "not_supported"


def test_a_pause_that_cannot_be_written_down_is_none(
    bench: DeskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    bench.lab.expected_errors.append("cannot be written down")
    monkeypatch.setattr(os, "fsync", full)
    assert bench.ask("cap.pause", campaign="menu") == "internal_error"
    assert bench.ask("cap.list")["paused"] == []


def test_a_file_of_pauses_that_is_none_keeps_the_switch_from_starting(tmp_path: Path) -> None:
    (tmp_path / "paused.json").write_bytes(b"[{]")
    with pytest.raises(ValueError, match=r"paused\.json cannot be read"):
        PauseFile(tmp_path)


# Counts.


class Credit:
    """A desk with nothing but its book."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.ledger = CapLedger()

    def count(
        self, now: float, campaign: str, *, period: int = 0, cap: Cap = DAILY, who: str = ""
    ) -> Any:
        ends = period + 86400 if period else None
        key = CountKey(campaign, cap.name, who, period)
        return self.ledger.block(Need(key, cap, Decimal(1), ends, 60.0), now)


def test_counts_say_what_is_used_in_progress_and_left(bench: DeskBench) -> None:
    now = bench.lab.loop.time()
    today = 1_767_225_600
    credit = Credit(today + 10.0)
    bench.desk.credit = credit  # type: ignore[assignment]
    block = credit.count(now, "menu", period=today)
    listed = bench.ask("cap.list")["counts"]
    assert listed == [
        {
            "campaign": "menu", "cap": "daily cap", "kind": "daily", "scope": "campaign",
            "who": "", "limit": "10", "since": "2026-01-01T00:00:00Z",
            "until": "2026-01-02T00:00:00Z", "used": None, "in_progress": "0", "left": None,
        }
    ]  # fmt: skip
    block.used, block.room, block.granted = Decimal(4), Decimal(1), Decimal(5)
    block.counted, block.acknowledged, block.taken = Decimal(2), Decimal(1), Decimal(1)
    block.valid_until = now + 100
    (shown,) = bench.ask("cap.list")["counts"]
    assert (shown["used"], shown["in_progress"], shown["left"]) == ("5", "1", "3")
    credit.count(now, "menu", period=today + 86400)
    credit.count(now, "menu", who="p1").ended = True
    assert len(bench.ask("cap.list")["counts"]) == 1, "neither what comes nor what is over"
    credit.count(now, "direct", who="p1")
    assert [one["campaign"] for one in bench.ask("cap.list")["counts"]] == ["direct", "menu"]
    assert [one["campaign"] for one in bench.ask("cap.list", MENU_ONLY)["counts"]] == ["menu"]
    assert [one["who"] for one in bench.ask("cap.list", campaign="direct")["counts"]] == ["p1"]
