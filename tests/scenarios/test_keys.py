"""Keys told by INFO and as events, through the real program: each counts once, and is passed on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.phone import Call
from tests.support.rtp_end import digits_heard
from tests.support.sipp import Sipp, needs_sipp
from tests.support.stage import MENU, Stage

RELAY = (("Content-Type", "application/dtmf-relay"),)


def tell(call: Call, digit: str) -> None:
    """INFO, and its 200."""
    call.send("INFO", f"Signal={digit}\r\nDuration=160\r\n".encode(), RELAY)
    call.expect(200, to="INFO")


def test_a_key_told_by_info_is_a_choice(stage: Stage) -> None:
    near = stage.rtp()
    calling = stage.caller.invite(MENU, near.sdp())
    answer = calling.expect(200)
    calling.ack()
    near.aim_by(answer.body)
    near.wait_for_packets(5)
    tell(calling, "2")
    calling.expect("BYE")
    assert stage.switch.record()["keys"] == ["2"]


def test_a_key_told_twice_is_one_key_and_reaches_the_far_end_once(stage: Stage) -> None:
    talk = stage.bridge()
    talk.far.wait_for_packets(1)
    talk.near.press("5")
    talk.near.wait_until_played()
    tell(talk.calling, "5")
    talk.far.wait_for_packets(10)
    talk.hang_up()
    assert digits_heard(talk.far.arrivals) == "5"
    call_id = stage.switch.record()["call_id"]
    told = [
        line for line in stage.switch.output().splitlines() if f"call.dtmf call={call_id}" in line
    ]
    assert len(told) == 1
    assert "source=rfc4733" in told[0]


def test_a_key_told_by_info_alone_reaches_the_far_end_as_an_event(stage: Stage) -> None:
    talk = stage.bridge()
    talk.far.wait_for_packets(1)
    tell(talk.calling, "7")
    tell(talk.called, "3")
    for end in (talk.near, talk.far):
        end.wait_for_packets(25)
    talk.hang_up()
    assert (digits_heard(talk.far.arrivals), digits_heard(talk.near.arrivals)) == ("7", "3")


def test_who_has_sent_events_and_tells_a_key_by_info_alone_is_heard_too(stage: Stage) -> None:
    talk = stage.bridge()
    talk.far.wait_for_packets(1)
    talk.near.press("5")
    talk.near.wait_until_played()
    talk.far.wait_for_packets(10)
    tell(talk.calling, "2")
    tell(talk.calling, "8")
    talk.near.press("8")  # the same press, told a little later as an event
    talk.far.wait_for_packets(85, within=5.0)  # past the time in which an event may come
    talk.hang_up()
    assert sorted(digits_heard(talk.far.arrivals)) == ["2", "5", "8"]


def test_what_is_told_after_the_call_is_481(stage: Stage) -> None:
    talk = stage.bridge()
    talk.hang_up()
    talk.calling.send("INFO", b"Signal=1", RELAY)
    talk.calling.expect(481, to="INFO")


@needs_sipp
def test_sipp_presses_a_key_by_info(make_stage: Callable[..., Stage], tmp_path: Path) -> None:
    with Sipp(tmp_path, "uas_basic.xml", rtp_echo=True) as uas:
        stage = make_stage(trunk_port=uas.port)
        with Sipp(
            tmp_path, "uac_info_key.xml", remote=stage.switch.address, service=MENU, hold_ms=500
        ) as uac:
            assert uac.wait().successful == 1
        assert uas.stop().successful == 1
    record = stage.switch.record()
    assert (record["keys"], record["ended_by"]) == (["1"], "calling")
