"""What treatments do with one leg: secret keys, keys pressed towards a peer, and ways to turn a
caller away."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import NamedTuple

import pytest

from media import dtmf, g711
from softswitch.call.call import Call
from softswitch.call.key_sender import MAX_DIGITS, stretches
from softswitch.call.keys import MAX_KEYS_WAITING, Keys
from softswitch.call.outcomes import Answered
from softswitch.call.rejection import reject_busy, reject_with_announcement, reject_with_ringing
from softswitch.call.times import CallTimes
from tests.support.laboratory import DIRECT, Laboratory, session_description
from tests.support.treated import Script, answer, request_to, treated


def run(lab: Laboratory, script: Script, *, body: bytes | None = None) -> None:
    with treated(script):
        lab.caller.invite(DIRECT, body=body)
        lab.settle()


def press(lab: Laboratory, digits: str) -> None:
    for digit in digits:
        lab.call.caller.on_digit(digit)
        lab.settle()


class Packet(NamedTuple):
    """One RTP packet of the switch."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes


@pytest.fixture
def sound(lab: Laboratory) -> Sound:
    return Sound(lab)


class Sound:
    """The one place where the media of both phones arrives."""

    def __init__(self, lab: Laboratory) -> None:
        self._lab = lab
        self.socket: socket.socket = lab._sink
        self.socket.setblocking(False)
        self.packets: list[Packet] = []

    def read(self) -> None:
        """Take what has come so far; the switch sends silence without end."""
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            first, second, sequence, timestamp, _ssrc = struct.unpack("!BBHII", data[:12])
            assert first == 0x80
            self.packets.append(Packet(second >= 128, second & 127, sequence, timestamp, data[12:]))

    def events(self) -> list[Packet]:
        """Packets of pressed keys."""
        self.read()
        return [packet for packet in self.packets if packet.payload_type == 101]

    def pressed(self) -> set[int]:
        """Which keys were pressed."""
        return {packet.payload[0] for packet in self.events()}

    def press(self, port: int, event: int, timestamp: int) -> None:
        """A phone presses a key: three packets of it, the last two of its end."""
        for number, end in enumerate((0, 0x80, 0x80)):
            header = struct.pack("!BBHII", 0x80, 101, timestamp // 160 + number, timestamp, 7)
            payload = struct.pack("!BBH", event, end | 10, 160 * (number + 1))
            host = self._lab.services.media_host
            self.socket.sendto(header + payload, (host, port))


# Keys.


def test_keys_are_read_in_order_and_the_oldest_go_first() -> None:
    loop = asyncio.new_event_loop()
    keys = Keys(loop)
    for number in range(MAX_KEYS_WAITING + 3):
        keys.press(str(number))
    assert loop.run_until_complete(keys.next(1)) == "3"
    keys.forget()
    assert not keys
    keys.close()
    assert loop.run_until_complete(keys.next(1)) is None
    loop.close()


def test_a_key_of_the_far_end_is_no_answer_of_the_caller(lab: Laboratory) -> None:
    read: list[str | None] = []

    async def script(call: Call) -> None:
        outcome = await call.dial(request_to(lab, "501"))
        assert isinstance(outcome, Answered)
        outcome.leg.on_digit("7")
        read.append(await call.next_digit(0.5))
        read.append(await outcome.leg.next_digit(0.5))
        outcome.leg.on_digit("8")
        outcome.leg.forget_digits()
        read.append(await outcome.leg.next_digit(0.5))

    run(lab, script)
    answer(lab, 0)
    lab.advance(3)
    assert read == [None, "7", None]


# Secrets.


def test_secret_keys_stand_nowhere(lab: Laboratory, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    read: list[str | None] = []

    async def script(call: Call) -> None:
        await call.answer()
        with call.secret():
            for _ in range(4):
                read.append(await call.next_digit(5))
        read.append(await call.next_digit(0.5))
        read.append(await call.next_digit(5))

    run(lab, script)
    press(lab, "8642")
    press(lab, "753")  # a number that is longer than the question wants
    assert lab.facts("call.dtmf") == []
    lab.advance(1.1)
    press(lab, "1")
    assert read == ["8", "6", "4", "2", None, "1"]
    assert [fact["digit"] for fact in lab.facts("call.dtmf")] == ["1"]
    assert lab.record["keys"] == ["1"]
    written = (lab.folder / "records.jsonl").read_text() + caplog.text
    assert '"8"' not in written
    assert "8642" not in written
    assert "753" not in written


def test_a_secret_key_too_many_is_no_answer_to_what_is_asked_next(lab: Laboratory) -> None:
    read: list[str | None] = []

    async def script(call: Call) -> None:
        await call.answer()
        with call.secret():
            with call.secret():
                read.append(await call.next_digit(5))
            await asyncio.sleep(1)
        read.append(await call.next_digit(0.5))

    run(lab, script)
    press(lab, "97")
    lab.advance(0.5)
    press(lab, "5")
    lab.advance(2)
    assert read == ["9", None]
    assert lab.facts("call.dtmf") == []


def test_a_leg_remembers_when_secrets_were_asked_for(lab: Laboratory) -> None:
    moments: list[float] = []

    async def script(call: Call) -> None:
        await call.answer()
        leg = call.caller
        moments.append(leg.services.now())
        assert not leg.secret_during(0.0, moments[0])
        with call.secret():
            await asyncio.sleep(2)
            with call.secret():
                await asyncio.sleep(2)
            moments.append(leg.services.now())
        assert leg.secret_during(moments[0] + 1.0, moments[0] + 1.5)
        assert leg.secret_during(moments[1] + 0.5, moments[1] + 3.0)
        assert not leg.secret_during(moments[1] + 1.1, moments[1] + 3.0)
        assert not leg.secret_during(0.0, moments[0])
        moments.append(0.0)

    run(lab, script)
    lab.advance(5)
    assert len(moments) == 3


def test_the_last_key_of_a_secret_is_secret_for_as_long_as_it_is_down(lab: Laboratory) -> None:
    done: list[float] = []

    async def script(call: Call) -> None:
        await call.answer()
        leg = call.caller
        with call.secret():
            await asyncio.sleep(1)
        for _ in range(30):  # it is held for 3 s more
            await asyncio.sleep(0.1)
            leg.on_key_sounds(leg.services.now())
        ended = leg.services.now()
        assert leg.secret_until == ended + 1.0
        assert leg.secret_during(ended + 0.9, ended + 0.95)
        assert not leg.secret_during(ended + 1.1, ended + 2.0)
        await asyncio.sleep(2)
        leg.on_key_sounds(leg.services.now())  # a key of its own
        assert leg.secret_until == ended + 1.0
        done.append(ended)

    run(lab, script)
    lab.advance(8)
    assert done


def test_secret_keys_of_a_bridged_caller_do_not_reach_the_other_leg(
    lab: Laboratory, sound: Sound
) -> None:
    read: list[str | None] = []

    async def script(call: Call) -> None:
        outcome = await call.dial(request_to(lab, "501"))
        assert isinstance(outcome, Answered)
        call.bridge(outcome.leg)
        await asyncio.sleep(1)
        with call.secret():
            read.append(await call.next_digit(5))
        await call.talk()

    run(lab, script)
    answer(lab, 0)
    media = lab.call.caller.media
    assert media is not None
    port = media.port
    sound.press(port.rtp_port, 4, 8000)
    lab.wait_for(lambda: sound.pressed() == {4})
    lab.advance(1.1)
    sound.press(port.rtp_port, 5, 16000)
    lab.wait_for(lambda: read == ["5"])
    lab.advance(1.1)
    sound.press(port.rtp_port, 6, 24000)
    lab.wait_for(lambda: 6 in sound.pressed())
    assert sound.pressed() == {4, 6}
    lab.wait_for(lambda: len(lab.facts("call.dtmf")) == 2)
    assert [fact["digit"] for fact in lab.facts("call.dtmf")] == ["4", "6"]
    lab.caller.hang_up()


def test_a_call_that_ends_in_a_secret_leaves_nothing(lab: Laboratory) -> None:
    async def script(call: Call) -> None:
        await call.answer()
        with call.secret():
            await call.next_digit(5)

    run(lab, script)
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["cause"] == "hung_up"


# Keys sent.


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("", []),
        ("123", ["123"]),
        ("1w2", ["1", "", "2"]),
        ("ww5#", ["", "", "5#"]),
        ("ext. 12-34,a", ["1234", "", "A"]),
        ("x\r\n", []),
        ("7" * 70, ["7" * 32, "7" * 32, "7" * 6]),
    ],
)
def test_digits_are_cut_at_their_pauses(digits: str, expected: list[str]) -> None:
    assert stretches(digits) == expected


def test_no_more_digits_are_sent_than_anybody_keys() -> None:
    assert sum(len(stretch) for stretch in stretches("5" * 100_000)) == MAX_DIGITS


def send(lab: Laboratory, digits: str, done: list[bool]) -> Script:
    async def script(call: Call) -> None:
        await call.answer()
        done.append(await call.caller.send_dtmf(digits))

    return script


def test_keys_go_as_events_where_they_were_agreed(lab: Laboratory, sound: Sound) -> None:
    """RFC 4733 section 2.5.1: one timestamp an event, growing durations, three packets of its end,
    the marker on its first packet."""
    done: list[bool] = []
    run(lab, send(lab, "5#", done))
    lab.wait_for(lambda: sum(packet.payload[1] >= 128 for packet in sound.events()) == 6)
    assert done == []
    lab.advance(0.4)
    assert done == [True]
    presses = {
        timestamp: [packet for packet in sound.events() if packet.timestamp == timestamp]
        for timestamp in dict.fromkeys(packet.timestamp for packet in sound.events())
    }
    assert [packets[0].payload[0] for packets in presses.values()] == [5, 11]
    for packets in presses.values():
        assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
        durations = [struct.unpack("!H", packet.payload[2:])[0] for packet in packets]
        ends = [packet.payload[1] >= 128 for packet in packets]
        assert durations == [160, 320, 480, 640, 800, 800, 800]
        assert ends == [False] * 4 + [True] * 3
    first, second = presses
    assert (second - first) % (1 << 32) >= 800 + 320, "and a gap between them"
    sequences = [packet.sequence for packet in sound.events()]
    assert sequences == sorted(sequences)


def test_a_pause_is_waited_for(lab: Laboratory) -> None:
    done: list[bool] = []
    run(lab, send(lab, "ww", done))
    lab.advance(0.9)
    assert done == []
    lab.advance(0.2)
    assert done == [True]


def test_keys_go_as_tones_where_no_events_were_agreed(lab: Laboratory, sound: Sound) -> None:
    done: list[bool] = []
    body = session_description(lab.sink_port, codecs="0").replace(
        b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n", b""
    )
    run(lab, send(lab, "9", done), body=body)
    lab.wait_for(lambda: done == [True])
    sound.read()
    assert sound.events() == []
    heard = b"".join(packet.payload for packet in sound.packets if packet.payload_type == 0)
    rendered = dtmf.render("9")
    samples = g711.decode(heard)
    energy = float((samples.astype(float) ** 2).sum())
    expected = float((rendered.astype(float) ** 2).sum())
    assert energy == pytest.approx(expected, rel=0.05)
    assert lab.facts("prompt.started") == []


def test_keys_for_a_leg_that_is_over_or_silent_are_not_sent(lab: Laboratory) -> None:
    done: list[bool] = []

    async def script(call: Call) -> None:
        done.append(await call.caller.send_dtmf("1"))
        outcome = await call.dial(request_to(lab, "501"))
        assert isinstance(outcome, Answered)
        outcome.leg.hang_up()
        done.append(await outcome.leg.send_dtmf("1"))
        done.append(await outcome.leg.play(call.services.prompts.ringback("us"), barge_in=True))
        done.append(await outcome.leg.next_digit(5) is not None)

    run(lab, script)
    answer(lab, 0)
    assert done == [False] * 4


# Turned away.


def test_a_caller_hears_ringing_that_nobody_answers(lab: Laboratory) -> None:
    async def script(call: Call) -> None:
        await reject_with_ringing(call, 8.0, cause="fraud")

    run(lab, script)
    assert "switch:180 INVITE" in lab.carried
    lab.advance(7.9)
    assert lab.all_records() == []
    lab.advance(0.2)
    assert (lab.record["cause"], lab.record["legs"][0]["status"]) == ("fraud", 480)
    assert lab.record["answered_at"] is None


def test_a_caller_that_was_answered_hears_ringback_and_is_left(lab: Laboratory) -> None:
    async def script(call: Call) -> None:
        await call.answer()
        await reject_with_ringing(call, 8.0)

    run(lab, script)
    assert lab.kinds()[-1] == "prompt.started"
    lab.advance(8.1)
    assert lab.record["cause"] == "rejected"
    assert "switch:BYE" in lab.carried


def test_no_caller_rings_for_longer_than_an_invite_lasts(lab: Laboratory) -> None:
    """RFC 3261 section 16.6: proxies give up after three minutes (timer C)."""

    async def script(call: Call) -> None:
        await reject_with_ringing(call, 1e9)

    run(lab, script)
    lab.advance(171)
    assert lab.record["cause"] == "rejected"


def test_a_caller_is_told_that_it_is_busy(lab: Laboratory) -> None:
    async def script(call: Call) -> None:
        reject_busy(call, cause="blocked")

    run(lab, script)
    assert (lab.record["legs"][0]["status"], lab.record["legs"][0]["q850"]) == (486, 17)
    assert lab.record["cause"] == "blocked"


@pytest.mark.parametrize("answering", [False, True])
def test_a_caller_hears_an_announcement(lab: Laboratory, answering: bool) -> None:
    async def script(call: Call) -> None:
        prompt = call.services.prompts.ringback("us")
        await reject_with_announcement(call, prompt, status=603, answering=answering)

    run(lab, script)
    lab.wait_for_prompts()
    assert ("switch:183 INVITE" in lab.carried) != answering
    assert lab.facts("prompt.ended")[0]["completed"] is True
    assert lab.record["legs"][0]["status"] == (200 if answering else 603)
    assert (lab.record["answered_at"] is not None) == answering


def test_a_caller_without_an_offer_is_refused_without_announcement(lab: Laboratory) -> None:
    async def script(call: Call) -> None:
        await reject_with_announcement(call, call.services.prompts.ringback("us"))

    run(lab, script, body=b"")
    assert lab.facts("prompt.started") == []
    assert lab.record["legs"][0]["status"] == 480


def test_a_caller_leaves_while_it_is_turned_away(lab: Laboratory) -> None:
    async def script(call: Call) -> None:
        await reject_with_ringing(call, 8.0)

    run(lab, script)
    lab.caller.cancel()
    lab.settle()
    assert lab.record["ended_by"] == "calling"


# Times.


def test_the_times_of_a_call_are_whole_at_its_end(lab: Laboratory) -> None:
    found: list[CallTimes] = []

    async def script(call: Call) -> None:
        call.on_ending = lambda ending, _by, _cause, _clock: found.append(ending.times())
        first = await call.dial(request_to(lab, "501", ring_seconds=2))
        assert not isinstance(first, Answered)
        outcome = await call.dial(request_to(lab, "502"))
        assert isinstance(outcome, Answered)
        found.append(call.times())
        call.bridge(outcome.leg)
        await call.talk()

    start = lab.loop.time()
    run(lab, script)
    lab.advance(5)
    answer(lab, 1)
    lab.advance(10)
    lab.caller.hang_up()
    lab.settle()
    before, ended = found
    assert before == CallTimes(
        received=start,
        caller_answered=None,
        originated=start + 2,
        answered=start + 5,
        calling_ended=None,
        called_ended=None,
        bridged=False,
    )
    assert (ended.calling_ended, ended.called_ended) == (start + 15, start + 15)
    assert ended.bridged


def test_a_call_that_was_never_dialled_has_no_outbound_times(lab: Laboratory) -> None:
    found: list[CallTimes] = []

    async def script(call: Call) -> None:
        call.on_ending = lambda ending, _by, _cause, _clock: found.append(ending.times())

    run(lab, script)
    assert found[0].originated is found[0].answered is found[0].called_ended is None
    assert found[0].calling_ended == found[0].received
