"""Prompts, tones and silence as a peer receives them."""

import time

import numpy as np
import pytest

from media import g711
from rtp.engine import Engine, PlaybackEnded
from tests.rtp.engine.peer import FRAME, Peer, agree, call, until


def ramp(samples: int) -> bytes:
    return ((np.arange(samples) * 37) % 20000 - 10000).astype("<i2").tobytes()


def encoded(sound: bytes, codec: str) -> bytes:
    law = "PCMU" if codec == "PCMU" else "PCMA"
    return g711.encode(np.frombuffer(sound, "<i2"), law)  # type: ignore[arg-type]


def ended(engine: Engine) -> list[PlaybackEnded]:
    return [event for event in engine.next_events() if isinstance(event, PlaybackEnded)]


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_a_prompt_is_heard_sample_for_sample(engine: Engine, codec: str, ptime_ms: int) -> None:
    port = engine.open_port()
    peer = Peer(port)
    sound = ramp(1000)
    playback = port.play(engine.load_prompt(sound))
    agree(port, peer, codec, ptime_ms=ptime_ms)
    frame = 8 * ptime_ms
    count = -(-1000 // frame)
    packets = peer.receive_many(count)
    silence = b"\xff" if codec == "PCMU" else b"\xd5"
    want = encoded(sound, codec) + silence * (count * frame - 1000)
    assert b"".join(packet.payload for packet in packets) == want
    assert until(lambda: ended(engine)) == [PlaybackEnded(port.leg, playback, True)]
    peer.close()


def test_a_second_of_tone_is_fifty_packets_on_one_clock(engine: Engine) -> None:
    port = engine.open_port()
    peer = Peer(port)
    agree(port, peer)
    port.play(engine.load_prompt(ramp(700)), repeat=True)
    peer.receive()
    began = time.monotonic()
    packets = peer.receive_many(50)
    assert 0.8 < time.monotonic() - began < 2.5
    numbers = [packet.sequence_number for packet in packets]
    assert numbers == [(numbers[0] + i) % 65536 for i in range(50)]
    stamps = [packet.timestamp for packet in packets]
    assert stamps == [(stamps[0] + FRAME * i) % 2**32 for i in range(50)]
    peer.close()


def test_a_new_playback_replaces_the_old_and_stopping_says_so(engine: Engine) -> None:
    port = engine.open_port()
    peer = Peer(port)
    agree(port, peer)
    prompt = engine.load_prompt(ramp(80000))
    first, second = port.play(prompt), port.play(prompt)
    assert until(lambda: ended(engine)) == [PlaybackEnded(port.leg, first, False)]
    port.stop_playback()
    assert until(lambda: ended(engine)) == [PlaybackEnded(port.leg, second, False)]
    port.stop_playback()
    until(lambda: any(packet.payload == b"\xff" * FRAME for packet in peer.waiting()))
    assert ended(engine) == []
    peer.close()


def test_a_prompt_covers_what_is_heard_while_it_lasts(engine: Engine) -> None:
    with call(engine) as (first, _, one, two):
        two.send(b"h" * FRAME)
        assert one.receive().payload == b"h" * FRAME
        first.play(engine.load_prompt(bytes(2 * FRAME * 4)))
        heard = []
        while not ended(engine):
            two.send(b"h" * FRAME)
            time.sleep(0.01)
            heard += one.waiting()
        two.send(b"i" * FRAME)
        while heard[-1].payload[:1] != b"i":
            heard.append(one.receive())
        prompts = [packet for packet in heard if packet.payload == b"\xff" * FRAME]
        assert len(prompts) == 4
        numbers = [packet.sequence_number for packet in heard]
        assert numbers == [(numbers[0] + i) % 65536 for i in range(len(numbers))]


def test_silence_is_sent_until_somebody_is_heard(engine: Engine) -> None:
    port = engine.open_port()
    quiet = engine.open_port(beside=port)
    peer = Peer(port)
    agree(port, peer)
    assert {packet.payload for packet in peer.receive_many(5)} == {b"\xff" * FRAME}
    port.hears([quiet])
    sent = until(lambda: port.statistics().packets_sent)
    time.sleep(0.15)
    assert port.statistics().packets_sent <= sent + 1
    quiet.close()
    until(lambda: port.statistics().packets_sent > sent + 2)
    peer.close()


def test_a_prompt_runs_on_unheard_while_the_leg_is_held(engine: Engine) -> None:
    port = engine.open_port()
    peer = Peer(port)
    agree(port, peer)
    port.set_direction(send=False, receive=False)
    playback = port.play(engine.load_prompt(ramp(1600)))
    assert until(lambda: ended(engine)) == [PlaybackEnded(port.leg, playback, True)]
    assert peer.waiting() == [] or port.statistics().packets_sent <= 1
    peer.close()


def test_a_prompt_outlives_its_python_object(engine: Engine) -> None:
    port = engine.open_port()
    peer = Peer(port)
    agree(port, peer)
    prompt = engine.load_prompt(ramp(1600))
    assert (prompt.samples, prompt.duration_ms) == (1600, 200)
    port.play(prompt)
    del prompt
    want = encoded(ramp(1600), "PCMU")
    got = b"".join(packet.payload for packet in peer.receive_many(11))
    assert want in got
    peer.close()
