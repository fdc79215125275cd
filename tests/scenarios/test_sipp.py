"""Every pair of SIPp scenarios through the real program, over UDP and TCP.

Where there is a talk, both parties play a tone, or the called one echoes it: the record must have
the packets of both legs, and the tone must have come to the caller's own socket.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.media_files import tone
from tests.support.program import Record, leg
from tests.support.sipp import RTP_HEAD, Sipp, needs_sipp
from tests.support.stage import CAPTURE_ONLY, DIRECT, MENU, SHORT, TWO_TRUNKS, Stage

pytestmark = needs_sipp
MakeStage = Callable[..., Stage]
TONE = tone(seconds=0.02)
"""Every frame of tone.ulaw."""
ENOUGH = 10
"""Frames, of the 25 of the shortest talk."""


@dataclass(frozen=True)
class Case:
    """One run: both scenarios, the number called, and what must be true after it.

    `talk`: how many frames of the tone the caller must have heard; None where nobody talks. A
    called party that plays the tone itself (`called_plays`) does not echo, and must hear it too.
    """

    uac: str
    uas: str
    ended_by: str
    number: str = DIRECT
    talk: int | None = ENOUGH
    called_plays: bool = False
    lossless: bool = False
    answered: bool = True
    hold_ms: int = 500


CASES = [
    Case("uac_basic", "uas_basic", "calling", lossless=True),
    Case("uac_plain", "uas_basic", "calling", talk=None),
    # 600 ms before the answer and 500 ms after it: more than comes after it alone.
    Case("uac_early_media", "uas_early_media", "calling", talk=35, called_plays=True),
    Case("uac_cancel_before_ringing", "uas_silent", "calling", talk=None, answered=False),
    Case("uac_cancel_ringing", "uas_no_answer", "calling", talk=None, answered=False),
    Case("uac_busy", "uas_busy", "called", talk=None, answered=False),
    Case("uac_waits_for_bye", "uas_hangs_up", "called", called_plays=True),
    Case("uac_waits_for_bye", "uas_basic", "switch", number=SHORT),
    Case("uac_crossed_bye", "uas_hangs_up", "called", called_plays=True),
    Case("uac_basic", "uas_crossed_bye", "calling"),
    Case("uac_hold", "uas_held", "calling", called_plays=True),
    Case("uac_held", "uas_hold", "calling", called_plays=True),
    Case("uac_delayed_offer", "uas_basic", "calling"),
    Case("uac_private", "uas_private", "calling"),
]


# The rest by TCP too is for `make test-full`: the features of SIP go by it in files of their own.
BY_TCP = ("uac_basic", "uac_cancel_ringing", "uac_busy", "uac_hold")


def runs() -> Iterator[object]:
    for case in CASES:
        name = f"{case.uac}-{case.uas}"
        yield pytest.param(case, "udp", id=f"{name}-udp")
        marks = () if case.uac in BY_TCP else (pytest.mark.full,)
        yield pytest.param(case, "tcp", id=f"{name}-tcp", marks=marks)


@pytest.mark.parametrize(("case", "transport"), list(runs()))
def test_a_scenario_runs_through_the_switch(
    make_stage: MakeStage, tmp_path: Path, case: Case, transport: str
) -> None:
    sipp_transport = {"udp": "u1", "tcp": "t1"}[transport]
    uas = Sipp(
        tmp_path,
        f"{case.uas}.xml",
        transport=sipp_transport,
        rtp_echo=not case.called_plays,
        hears=case.called_plays,
        hold_ms=case.hold_ms,
    )
    with uas:
        stage = make_stage(transport=transport, trunk_port=uas.port)
        with Sipp(
            tmp_path,
            f"{case.uac}.xml",
            remote=stage.switch.address,
            service=case.number,
            transport=sipp_transport,
            hold_ms=case.hold_ms,
            hears=case.talk is not None,
        ) as uac:
            assert uac.wait().successful == 1
        assert uas.stop().successful == 1
    record = stage.switch.record()
    assert record["ended_by"] == case.ended_by
    assert (record["answered_at"] is not None) == case.answered
    if case.lossless:
        assert [one["lost"] for one in record["legs"]] == [0, 0]
    if case.talk is not None:
        assert_packets(record)
        assert_hears(uac, case.talk)
    if case.called_plays:
        assert_hears(uas)


def assert_packets(record: Record) -> None:
    """What the switch says of the caller's leg and of the last one called."""
    both = leg(record, "calling"), record["legs"][-1]
    assert min(one["packets"] for one in both) >= ENOUGH, record


def assert_hears(end: Sipp, at_least: int = ENOUGH) -> None:
    """The tone has come to the socket of this party."""
    frames = [packet for packet in end.heard() if packet[RTP_HEAD:] == TONE]
    assert len(frames) >= at_least, f"{len(frames)} frames of {len(end.heard())} are the tone"


@pytest.mark.parametrize(
    ("scenario", "number"),
    [
        ("uac_unknown_number", "999999"),
        ("uac_unavailable", CAPTURE_ONLY),
        ("uac_options", DIRECT),
        ("uac_silent", MENU),
    ],
)
def test_a_scenario_without_a_called_side(
    stage: Stage, tmp_path: Path, scenario: str, number: str
) -> None:
    with Sipp(tmp_path, f"{scenario}.xml", remote=stage.switch.address, service=number) as uac:
        assert uac.wait().successful == 1
    stage.callee.expect_no_call(during=0.05)


def test_an_unknown_source_is_refused(stage: Stage, tmp_path: Path) -> None:
    with Sipp(
        tmp_path, "uac_unknown_source.xml", remote=stage.switch.address, host="127.0.0.2"
    ) as uac:
        assert uac.wait().successful == 1
    assert stage.switch.records() == []


def test_a_switch_that_is_full_has_no_capacity(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage(settings={"max_calls": "1"})
    bridge = stage.bridge()
    with Sipp(tmp_path, "uac_no_capacity.xml", remote=stage.switch.address) as uac:
        assert uac.wait().successful == 1
    bridge.hang_up()


@pytest.mark.skipif(os.geteuid() != 0, reason="SIPp plays captures through a raw socket")
def test_key_1_by_sipp_reaches_the_menu(make_stage: MakeStage, tmp_path: Path) -> None:
    with Sipp(tmp_path, "uas_basic.xml", rtp_echo=True) as uas:
        stage = make_stage(trunk_port=uas.port)
        address = stage.switch.address
        with Sipp(
            tmp_path, "uac_key_1.xml", remote=address, service=MENU, hold_ms=1000, hears=True
        ) as uac:
            assert uac.wait().successful == 1
        assert uas.stop().successful == 1
    record = stage.switch.record()
    assert record["keys"] == ["1"]
    assert record["ended_by"] == "calling"
    assert_packets(record)
    assert_hears(uac)


@pytest.mark.skipif(os.geteuid() != 0, reason="SIPp plays captures through a raw socket")
def test_four_wrong_keys_by_sipp_end_the_call(stage: Stage, tmp_path: Path) -> None:
    address = stage.switch.address
    with Sipp(tmp_path, "uac_wrong_keys.xml", remote=address, service=MENU, hears=True) as uac:
        assert uac.wait().successful == 1
    record = stage.switch.record()
    assert record["keys"] == ["9", "9", "9", "9"]
    assert record["ended_by"] == "switch"
    assert leg(record, "calling")["packets"] >= ENOUGH
    assert len(uac.heard()) >= ENOUGH, "the menu was not to be heard"


def test_no_answer_is_failed_over_to_a_second_trunk(make_stage: MakeStage, tmp_path: Path) -> None:
    with (
        Sipp(tmp_path, "uas_no_answer.xml") as first,
        Sipp(tmp_path, "uas_basic.xml", rtp_echo=True) as second,
    ):
        stage = make_stage(trunk_port=first.port, second_trunk_port=second.port)
        address = stage.switch.address
        with Sipp(
            tmp_path, "uac_basic.xml", remote=address, service=TWO_TRUNKS, hold_ms=500, hears=True
        ) as uac:
            assert uac.wait().successful == 1
        assert first.stop().successful == 1
        assert second.stop().successful == 1
    record = stage.switch.record()
    assert [one["side"] for one in record["legs"]] == ["calling", "called", "called"]
    assert record["ended_by"] == "calling"
    assert_packets(record)
    assert_hears(uac)


@pytest.mark.timeout(120)
def test_an_ack_that_never_comes_ends_the_call_after_32_seconds(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    with Sipp(tmp_path, "uas_basic.xml", timeout=60, rtp_echo=True) as uas:
        stage = make_stage(trunk_port=uas.port)
        address = stage.switch.address
        with Sipp(
            tmp_path, "uac_lost_ack.xml", remote=address, service=DIRECT, timeout=60, hears=True
        ) as uac:
            assert uac.wait().successful == 1
        assert uas.stop().successful == 1
    record = stage.switch.record()
    assert record["ended_by"] == "switch"
    assert_packets(record)
    assert leg(record, "calling")["packets"] > 1400, "the talk did not last 32 s"
    assert_hears(uac)
