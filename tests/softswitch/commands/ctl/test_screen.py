"""The picture of `ctl top`, from two looks at the switch."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from rich.console import Console

from softswitch.commands.ctl.overview import status_facts
from softswitch.commands.ctl.screen import Sample, picture

STATUS: dict[str, Any] = {
    "version": "1.0", "pid": 7, "uptime_seconds": 3725.0, "draining": False, "calls": 2,
    "presented": 100, "refusals": {"404": 3}, "config_version": "ab12",
    "media": {
        "ports_total": 50, "ports_in_use": 4, "ports_resting": 0, "ports_free": 46,
        "ports_unusable": 0, "stray_packets": 0, "events_lost": 0, "tap_lost": 0, "send_errors": 0,
    },
    "parts": {
        "hearing": {
            "tick": {
                "mean_ms": 0.5, "worst_ms": 3.0, "late": 1, "ticks": 500, "level": 0,
                "left_out": [],
            },
            "speech": {
                "engine": "whisper", "listening": 4, "behind": False,
                "workers": [{"waiting": 2}, {"waiting": 1}],
            },
            "recording": {"recording": 1, "saved": 5, "failed": 0},
        }
    },
}  # fmt: skip


def call(number: int) -> dict[str, Any]:
    return {
        "call": f"{number:024x}", "state": "bridged", "campaign": "news", "caller": "+16025550100",
        "called": "100001", "private": False, "seconds": 61.0,
    }  # fmt: skip


def sample(clock: float = 0.0, *, calls: int = 2, **changes: Any) -> Sample:
    status = copy.deepcopy(STATUS)
    for path, value in changes.items():
        *way, name = path.split("__")
        place = status
        for step in way:
            place = place[step]
        place[name] = value
    return Sample(clock, status, [call(number) for number in range(calls)], calls, [])


def drawn(now: Sample, before: Sample, *, lines: int = 40, color: bool = False) -> str:
    console = Console(
        width=120,
        markup=False,
        highlight=False,
        force_terminal=color,
        color_system="standard" if color else None,
    )
    with console.capture() as capture:
        console.print(picture(now, before, lines=lines))
    return capture.get()


def test_everything_has_its_line() -> None:
    text = drawn(sample(10.0, presented=140), sample(0.0))
    assert "up 1:02:05  takes calls  configuration ab12" in text
    for line in (
        "2 now, 4.0 a second, 140 in all",
        "0.0 a second  404: 3",
        "4 in use, 46 free of 50",
        "events 0, tap 0, sends 0",
        "0.50 ms, worst 3.0 ms, late 1 of 500, level 0",
        "whisper, 4 legs, 3 windows wait",
        "1 now, 5 saved, 0 failed",
    ):
        assert line in text, line


def test_what_somebody_should_look_at_is_red_and_nothing_else_is() -> None:
    red = "\x1b[1;31m"
    calm = sample(0.0)
    assert red not in drawn(sample(1.0), calm, color=True)
    for change in (
        {"refusals": {"404": 4}},
        {"media__ports_free": 0},
        {"media__tap_lost": 1},
        {"parts__hearing__tick__level": 1},
        {"parts__hearing__speech__behind": True},
        {"parts__hearing__recording__failed": 1},
    ):
        assert drawn(sample(1.0, **change), calm, color=True).count(red) == 1, change


def test_a_drain_is_seen_and_a_switch_without_ears_has_its_picture() -> None:
    text = drawn(sample(1.0, draining=True, parts={}), sample(0.0))
    assert "DRAINING" in text
    assert "tick" not in text


def test_on_a_small_screen_the_newest_calls_are_shown() -> None:
    text = drawn(sample(1.0, calls=30), sample(0.0), lines=20)
    assert "30 calls, the newest 6" in text
    assert f"{29:024x}" in text
    assert f"{23:024x}" not in text
    assert text.count("bridged") == 6
    assert drawn(sample(1.0, calls=30), sample(0.0), lines=1).count("bridged") == 3


def test_trunks_are_shown_with_all_that_is_known_of_them() -> None:
    now = sample(1.0)
    trunk = {"trunk": "carrier", "legs": 7, "max_calls": None, "state": "up", "more": {"x": 1}}
    text = drawn(Sample(now.clock, now.status, now.calls, now.total, [trunk]), sample(0.0))
    heads = next(line for line in text.splitlines() if "max calls" in line)
    assert heads.split() == ["trunk", "legs", "max", "calls", "state"]
    row = next(line for line in text.splitlines() if "carrier" in line)
    assert row.split() == ["carrier", "7", "-", "up"]


def test_a_clock_that_stands_still_and_a_switch_that_began_anew_have_no_rate() -> None:
    assert sample(5.0).rate(sample(5.0)) == 0.0
    assert sample(6.0, presented=3).rate(sample(5.0)) == 0.0


def test_nothing_that_a_terminal_obeys_comes_through() -> None:
    hostile = sample(1.0, calls=1, config_version="\x1b[2J")
    hostile.calls[0]["called"] = "\x1b]0;owned\x07[red]"
    text = drawn(hostile, sample(0.0))
    assert "\x1b" not in text
    assert "[red]" in text


@pytest.mark.parametrize(
    ("why", "state", "row"), [("loop_lag", "too full (loop_lag)", "closed"), ("", "", "open")]
)
def test_a_switch_that_is_too_full_says_so(why: str, state: str, row: str) -> None:
    told = {
        "closed": why, "times_closed": 2, "loop_lag_ms": 700.0, "worst_loop_lag_ms": 900.0,
        "backlog": 0.25,
    }  # fmt: skip
    now = sample(parts__admission=told)
    facts = status_facts(now.status)
    assert facts["admission"].startswith(row)
    assert "closed 2 times since the start, loop 700.0 ms late" in facts["admission"]
    assert facts["state"].startswith(state or "takes calls")
    assert (f"TOO FULL ({why})" if why else "takes calls") in drawn(now, now)
