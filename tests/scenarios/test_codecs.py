"""Phones of different codecs and packet times, and their silence, through the real program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from rtp.engine import has_opus
from tests.support.phone import Call
from tests.support.rtp_end import DIGITS, PCMA, PCMU, Arrival
from tests.support.sounding_end import (
    G722,
    NAMES,
    NOISE,
    OPUS,
    SoundingEnd,
    level_db,
    purity_db,
    samples_of,
    sound_of,
)
from tests.support.stage import ANSWERED_FIRST, DIRECT, MENU, Stage

MakeStage = Callable[..., Stage]
ALL_CODECS = "    codecs: [PCMU, PCMA, G722]\n"
PATIENCE = 20.0
needs_opus = pytest.mark.skipif(
    not has_opus(), reason="libopus is not installed: tools/setup.sh opus"
)


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """Ends that are closed with the test."""
    with ExitStack() as stack:
        yield stack


def made(ends: ExitStack, codec: int, tone_hz: int = 1000) -> SoundingEnd:
    end = SoundingEnd(codec, tone_hz=tone_hz)
    ends.callback(end.close)
    return end


def bridged(
    stage: Stage, near: SoundingEnd, far: SoundingEnd, near_sdp: bytes, far_sdp: bytes
) -> tuple[Call, Call, bytes, bytes]:
    """Both calls, our answer to the caller, our offer to the agent."""
    calling = stage.caller.invite(DIRECT, near_sdp)
    called = stage.callee.expect_call(within=PATIENCE)
    assert called.invite is not None
    far.aim_by(called.invite.body)
    called.respond(200, far_sdp)
    answer = calling.expect(200, within=PATIENCE)
    calling.ack()
    called.expect("ACK", within=PATIENCE)
    near.aim_by(answer.body)
    return calling, called, answer.body, called.invite.body


def heard_since(end: SoundingEnd, packets: int) -> list[Arrival]:
    """The next packets that come, the first few of a beginning left out."""
    end.wait_for_packets(5, within=PATIENCE)
    return end.wait_for_packets(packets, within=PATIENCE)


@pytest.mark.parametrize(
    ("near_codec", "far_codec"), [(PCMU, G722), (G722, PCMA), (G722, G722)], ids=str
)
def test_phones_of_both_codecs_hear_each_other(
    make_stage: MakeStage, ends: ExitStack, near_codec: int, far_codec: int
) -> None:
    stage = make_stage(trunk_lines=ALL_CODECS)
    near, far = made(ends, near_codec, 1000), made(ends, far_codec, 700)
    calling, called, answer, offer = bridged(stage, near, far, near.describe(), far.describe())
    assert f"RTP/AVP {near_codec} ".encode() in answer
    assert b" 9 " in offer.split(b"m=audio")[1].split(b"\r\n")[0] + b" "
    for end, tone_hz in ((far, 1000), (near, 700)):
        arrivals = heard_since(end, 50)
        assert {one.payload_type for one in arrivals} == {end.payload_type}
        assert {len(one.payload) for one in arrivals} == {samples_of(20)}
        sound = sound_of(arrivals, end.payload_type)
        settled = sound[len(sound) // 4 :]
        assert purity_db(settled, end.payload_type, tone_hz) > 20
    calling.bye()
    called.expect("BYE")
    legs = stage.switch.record()["legs"]
    assert [leg["codec"] for leg in legs] == [NAMES[near_codec], NAMES[far_codec]]
    assert [leg["lost"] for leg in legs] == [0, 0]


@needs_opus
@pytest.mark.parametrize(("near_codec", "far_codec"), [(OPUS, PCMU), (G722, OPUS), (OPUS, OPUS)])
def test_phones_of_opus_hear_others(
    make_stage: MakeStage, ends: ExitStack, near_codec: int, far_codec: int
) -> None:
    stage = make_stage(trunk_lines="    codecs: [PCMU, G722, opus]\n")
    near, far = made(ends, near_codec, 1000), made(ends, far_codec, 700)
    calling, called, answer, offer = bridged(stage, near, far, near.describe(), far.describe())
    assert b" opus/48000/2\r\n" in offer
    assert b" telephone-event/48000\r\n" in offer
    assert (b" opus/48000/2\r\n" in answer) == (near_codec == OPUS)
    for end, tone_hz in ((far, 1000), (near, 700)):
        arrivals = heard_since(end, 50)
        assert {one.payload_type for one in arrivals} == {end.payload_type}
        stamps = [one.timestamp for one in arrivals]
        step = samples_of(20) * (6 if end.payload_type == OPUS else 1)
        assert {(after - one) & 0xFFFFFFFF for one, after in pairwise(stamps)} == {step}
        sound = sound_of(arrivals, end.payload_type)
        assert purity_db(sound[len(sound) // 4 :], end.payload_type, tone_hz) > 15
    calling.bye()
    called.expect("BYE")
    legs = stage.switch.record()["legs"]
    assert [leg["codec"] for leg in legs] == [NAMES[near_codec], NAMES[far_codec]]
    assert [leg["lost"] for leg in legs] == [0, 0]


def test_what_is_said_above_4_khz_comes_through_between_two_of_g722(
    make_stage: MakeStage, ends: ExitStack
) -> None:
    stage = make_stage(trunk_lines=ALL_CODECS)
    near, far = made(ends, G722, 6000), made(ends, G722)
    calling, called, *_ = bridged(stage, near, far, near.describe(), far.describe())
    sound = sound_of(heard_since(far, 50), G722)
    assert purity_db(sound[len(sound) // 4 :], G722, 6000) > 10
    calling.bye()
    called.expect("BYE")


def test_each_side_gets_the_packet_time_that_it_asked_for(
    make_stage: MakeStage, ends: ExitStack
) -> None:
    stage = make_stage(trunk_lines="    ptime: 40 ms\n")
    near, far = made(ends, PCMU), made(ends, PCMU)
    calling, called, answer, offer = bridged(
        stage, near, far, near.describe(ptime=60), far.describe(ptime=None)
    )
    assert b"a=ptime:40\r\n" in answer
    assert b"a=ptime:40\r\n" in offer
    for end, milliseconds in ((near, 60), (far, 40)):
        arrivals = heard_since(end, 25)
        assert {len(one.payload) for one in arrivals} == {samples_of(milliseconds)}
        steps = {
            (after.timestamp - one.timestamp) & 0xFFFFFFFF for one, after in pairwise(arrivals)
        }
        assert steps == {samples_of(milliseconds)}
        assert purity_db(sound_of(arrivals, PCMU), PCMU) > 20
    calling.bye()
    called.expect("BYE")


def test_prompts_have_the_packet_time_and_codec_of_who_hears_them(
    make_stage: MakeStage, ends: ExitStack
) -> None:
    stage = make_stage(trunk_lines=ALL_CODECS)
    near = made(ends, G722)
    calling = stage.caller.invite(ANSWERED_FIRST, near.describe(ptime=30))
    answer = calling.expect(200, within=PATIENCE)
    calling.ack()
    near.aim_by(answer.body)
    arrivals = near.wait_for_packets(10, within=PATIENCE)
    assert {(one.payload_type, len(one.payload)) for one in arrivals} == {(G722, samples_of(30))}
    assert level_db(sound_of(arrivals, G722)) > -60
    calling.bye()


def test_the_silence_of_one_is_noise_for_who_makes_none(
    make_stage: MakeStage, ends: ExitStack
) -> None:
    stage = make_stage(trunk_lines="    comfort_noise: true\n")
    near, far = made(ends, PCMU), made(ends, PCMU)
    calling, called, answer, offer = bridged(
        stage, near, far, near.describe(formats=[NOISE]), far.describe()
    )
    assert b" 13\r\n" in answer.split(b"m=audio")[1]
    assert b" 13\r\n" in offer.split(b"m=audio")[1]
    heard_since(far, 10)
    near.fall_silent(45)
    far.wait_for_packets(5, within=PATIENCE)
    silence = far.wait_for_packets(40, within=PATIENCE)
    assert -48 < level_db(sound_of(silence, PCMU)) < -42
    near.speak_again(1.0)
    heard_since(far, 5)
    assert purity_db(sound_of(far.wait_for_packets(25, within=PATIENCE), PCMU), PCMU) > 20
    numbers = [one.sequence for one in far.arrivals]
    assert {(after - one) & 0xFFFF for one, after in pairwise(numbers)} == {1}
    calling.bye()
    called.expect("BYE")
    assert [leg["lost"] for leg in stage.switch.record()["legs"]] == [0, 0]


def test_keys_are_keys_between_phones_of_both_codecs(
    make_stage: MakeStage, ends: ExitStack
) -> None:
    stage = make_stage(trunk_lines=ALL_CODECS)
    far = made(ends, G722)
    near = stage.rtp(PCMA)
    calling = stage.caller.invite(DIRECT, near.sdp((PCMA, DIGITS)))
    called = stage.callee.expect_call(within=PATIENCE)
    assert called.invite is not None
    far.aim_by(called.invite.body)
    called.respond(200, far.describe())
    near.aim_by(calling.expect(200, within=PATIENCE).body)
    calling.ack()
    called.expect("ACK", within=PATIENCE)
    heard_since(far, 10)
    near.press("7")
    near.wait_until_played()
    far.wait_for_packets(10, within=PATIENCE)
    keys = [one for one in far.arrivals if one.payload_type == DIGITS]
    assert {one.payload[0] for one in keys} == {7}
    assert len({one.timestamp for one in keys}) == 1
    assert [one.sequence - keys[0].sequence for one in keys] == list(range(len(keys)))
    calling.bye()
    called.expect("BYE")


@pytest.mark.parametrize("codec", [G722, pytest.param(OPUS, marks=needs_opus)])
def test_keys_in_the_sound_of_any_codec_are_heard(
    make_stage: MakeStage, ends: ExitStack, codec: int
) -> None:
    stage = make_stage(trunk_lines="    codecs: [PCMU, G722, opus]\n")
    near = SoundingEnd(codec, tone_hz=697, second_hz=1209)  # the key 1
    ends.callback(near.close)
    without_events = b"\r\n".join(
        line for line in near.describe().split(b"\r\n") if b"telephone-event" not in line
    )
    calling = stage.caller.invite(MENU, without_events)
    answer = calling.expect(200, within=PATIENCE)
    calling.ack()
    near.aim_by(answer.body)
    called = stage.callee.expect_call(within=PATIENCE)
    called.respond(486)
    called.expect("ACK", within=PATIENCE)
    calling.expect("BYE", within=PATIENCE)
    assert "1" in stage.switch.record()["keys"]
