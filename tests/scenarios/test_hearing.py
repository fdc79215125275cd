"""What is heard on live calls: keywords, recordings, faxes, spoken answers, machines.

The real program with its real recogniser; people speak over RTP (tests.support.voices).
"""

from __future__ import annotations

import hashlib
import importlib.util
import time
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media import g711
from tests.support.control import ControlPeer
from tests.support.example_switch import Example, accept
from tests.support.phone import Call
from tests.support.program import Record, leg, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.voices import calling_fax, has_voice, quiet, say

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "examples"
FANS = "+18666831950"
AGENT = "16026661234"
LANDLINE = "+16025557147"
ALWAYS = "Mon-Sun 0:00-24:00"

needs_speech = pytest.mark.skipif(
    not has_voice() or importlib.util.find_spec("ctranslate2") is None,
    reason="the speech extra (recogniser and voice) is not installed",
)


@pytest.fixture
def example(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Example]]:
    made: list[Example] = []
    failed_before = request.session.testsfailed

    def make(name: str, **environment: str) -> Example:
        made.append(Example(tmp_path, EXAMPLES / f"{name}.yaml", **environment))
        return made[-1]

    yield make
    for one in made:
        one.close(failed=request.session.testsfailed > failed_before)


def configured(folder: Path, text: str, **environment: str) -> Example:
    path = folder / "switch.yaml"
    path.write_text(HEAD + text)
    return Example(folder / "run", path, **environment)


HEAD = """
switch:
  listen: ${SOFTSWITCH_SIP:-127.0.0.1:5060}
  rtp_ports: ${SOFTSWITCH_RTP:-20000-29999}
  control: ${SOFTSWITCH_CONTROL:-127.0.0.1:8021}
  data: ${SOFTSWITCH_DATA:-./var}
  database: ${SOFTSWITCH_DATABASE:-}
  without_synthesiser: chime
trunks:
  carrier: ${SOFTSWITCH_TRUNK:-127.0.0.1:5080}
"""


@pytest.fixture
def switch_with(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Example]]:
    made: list[Example] = []
    failed_before = request.session.testsfailed

    def make(text: str, **environment: str) -> Example:
        made.append(configured(tmp_path, text, **environment))
        return made[-1]

    yield make
    for one in made:
        one.close(failed=request.session.testsfailed > failed_before)


def events(switch: Example, kind: str) -> list[str]:
    """Lines of the log that tell an event."""
    return [line for line in switch.switch.output().splitlines() if f" {kind} " in line]


def wait_for_event(switch: Example, kind: str, *, within: float = 5.0) -> str:
    wait_for(kind, lambda: bool(events(switch, kind)), within=within)
    return events(switch, kind)[-1]


def bridged_fan(switch: Example) -> tuple[Call, RtpEnd, Call, RtpEnd]:
    """Call A up to the bridge: a landline caller presses 2 and gets the agent."""
    calling, near = switch.call(FANS, user=LANDLINE)
    accept(calling, near)
    near.wait_for_packets(10)
    near.press("2")
    called = switch.rings(AGENT)
    far = switch.takes(called)
    return calling, near, called, far


@needs_speech
def test_a_caller_who_mentions_a_friend_makes_the_call_worth_more(
    example: Callable[..., Example],
) -> None:
    switch = example("baby-fans", BABY_FANS_HOURS=ALWAYS)
    calling, near, called, _ = bridged_fan(switch)
    near.play(say("A friend told me about your fans.", pause=0.5))
    line = wait_for_event(switch, "call.keyword", within=15)
    assert "leg=a" in line
    assert "rule=friend" in line
    wait_for("rating", lambda: "rating=high" in events(switch, "call.rating")[-1])
    time.sleep(1.0)  # some of the seconds after the word
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["rating"]["rating"] == "high"
    assert record["payout"]["amount"] == "5.00"
    (keyword,) = record["keywords"]
    assert (keyword["leg"], keyword["side"], keyword["rule"]) == ("a", "caller", "friend")
    assert "friend" in keyword["text"]
    assert 0.0 < keyword["start"] < keyword["end"] < record["total_seconds"]
    clip = switch.switch.data / keyword["clip"]
    with wave.open(str(clip)) as sound:
        assert sound.getframerate() == 8000
        assert sound.getnframes() > 8000


@needs_speech
def test_an_agent_who_mentions_a_friend_does_not(example: Callable[..., Example]) -> None:
    switch = example("baby-fans", BABY_FANS_HOURS=ALWAYS)
    calling, _, called, far = bridged_fan(switch)
    far.play(say("A friend told me about your fans.", pause=0.5))
    far.wait_until_played(within=15)
    time.sleep(2.0)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["keywords"] == []
    assert record["rating"]["rating"] == "low"
    assert record["payout"]["amount"] == "1.00"


@needs_speech
def test_what_is_said_at_the_very_end_still_counts(example: Callable[..., Example]) -> None:
    switch = example("baby-fans", BABY_FANS_HOURS=ALWAYS)
    calling, near, called, _ = bridged_fan(switch)
    near.play(say("It was a friend.", pause=0.3))
    near.wait_until_played(within=15)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert [keyword["rule"] for keyword in record["keywords"]] == ["friend"]
    assert record["payout"]["amount"] == "5.00"
    assert record["ended_by"] == "calling"


@needs_speech
def test_a_menu_is_answered_by_voice(example: Callable[..., Example]) -> None:
    switch = example("baby-fans", BABY_FANS_HOURS=ALWAYS)
    calling, near = switch.call(FANS, user=LANDLINE)
    accept(calling, near)
    near.play(say("Two.", pause=1.5))
    called = switch.rings(AGENT)
    switch.takes(called)
    wait_for_event(switch, "call.bridged")
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["path"][:2] == ["which-fan", "toddler-agent"]
    assert record["keys"] == []
    assert "spoken=True" in wait_for_event(switch, "menu.choice")


PLACED = """
numbers:
  866 683 1950: {campaign: sale}
campaigns:
  sale: main
treatments:
  main:
    - hang_up: 480
originate: {to: ["+1602*"]}
prompts:
  ready: {text: "To talk to us now say connect."}
"""


@needs_speech
def test_who_is_called_says_the_word_and_is_connected(
    switch_with: Callable[..., Example],
) -> None:
    switch = switch_with(PLACED)
    with ControlPeer(("127.0.0.1", switch.switch.control_port)) as peer:
        peer.ask(
            "call.originate", campaign="sale", first=LANDLINE, second="+" + AGENT,
            criterion="word", word="connect", key="1", prompt="ready",
        )  # fmt: skip
        first = switch.rings(LANDLINE.removeprefix("+"))
        near = switch.takes(first)
        wait_for_event(switch, "prompt.started", within=15)
        near.play(say("Good morning, who is there?", pause=0.3))
        near.wait_until_played(within=15)
        switch.callee.expect_no_call(during=1.0)
        near.play(say("Connect.", pause=1.0))
        second = switch.rings(AGENT)
        switch.takes(second)
        wait_for_event(switch, "call.bridged", within=15)
        first.bye()
        second.expect("BYE")
    record = switch.record()
    assert record["keys"] == []
    assert (record["ended_by"], record["direction"]) == ("calling", "outbound")
    assert [one["status"] for one in record["legs"]] == [200, 200]


SPOKEN_MENU = """
numbers:
  866 683 1950: {campaign: sale}
campaigns:
  sale: main
treatments:
  main:
    - menu:
        prompt: For sales press or say one. For service press or say two.
        timeout: 3 s
        timeouts_limit: 0
        choices:
          1: hang_up
          2: hang_up
        say: {1: [one, sales], 2: [two, service]}
"""


def echoed(end: RtpEnd, gain: float, *, until: Callable[[], bool], within: float) -> None:
    """The line sends back what it gets."""
    known, deadline = len(end.arrivals), time.monotonic() + within
    while not until():
        assert time.monotonic() < deadline, "what was waited for did not come"
        for arrival in end.arrivals[known:]:
            sound = g711.ULAW_DECODE[np.frombuffer(arrival.payload, np.uint8)]
            end.play(g711.encode(np.rint(gain * sound).astype(np.int16)))
            known += 1
        time.sleep(0.005)


@needs_speech
def test_a_menu_does_not_take_its_own_echo_for_an_answer(
    switch_with: Callable[..., Example],
) -> None:
    switch = switch_with(SPOKEN_MENU)
    for count, gain in enumerate((0.6, 0.03), 1):
        calling, near = switch.call(FANS)
        accept(calling, near)
        ended = partial(_have_ended, switch, count)
        echoed(near, gain, until=ended, within=20)
        assert events(switch, "menu.choice") == []
        assert len(events(switch, "menu.no_input")) == count


def _have_ended(switch: Example, calls: int) -> bool:
    return len(events(switch, "call.ended")) == calls


# Recording.


def test_call_b_is_recorded_and_its_hash_is_in_the_record(example: Callable[..., Example]) -> None:
    switch = example("news-press", NEWS_HOURS=ALWAYS, SOFTSWITCH_DATABASE="embedded")
    calling, near = switch.call("+18888695345", user="+14155550123")
    accept(calling, near)
    near.wait_for_packets(100)  # past the notice
    near.press("1")
    called = switch.rings("18885551234")
    far = switch.takes(called)
    wait_for_event(switch, "call.bridged")
    near.play(tone(1000, 2.0))
    far.play(tone(600, 2.0))
    near.wait_until_played()
    time.sleep(0.3)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    (recording,) = record["recordings"]
    path = switch.switch.data / recording["path"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == recording["sha256"]
    left, right = channels(path)
    answered_for = record["total_seconds"]
    assert recording["seconds"] == pytest.approx(answered_for, abs=0.5)
    assert share(left[-16000:], 1000) > 0.5
    assert share(right[-16000:], 600) > 0.5
    assert share(left[-16000:], 600) < 0.05
    assert np.abs(right[:8000]).max() > 500, "the notice is not in the recording"


def tone(frequency: float, seconds: float) -> bytes:
    """A tone as mu-law."""
    from media import g711

    time_ = np.arange(round(seconds * 8000)) / 8000
    return g711.encode(np.rint(8000 * np.sin(2 * np.pi * frequency * time_)).astype(np.int16))


def channels(path: Path) -> tuple[Any, Any]:
    """Left and right of a stereo recording."""
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, 8000, 2)
        data = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)
    return data[:, 0], data[:, 1]


def share(samples: Any, frequency: float) -> float:
    """How much of the energy is at one frequency."""
    spectrum = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    at = round(frequency * len(samples) / 8000)
    return float(spectrum[at - 3 : at + 4].sum() / max(1.0, spectrum.sum()))


# Fax.

FAX = """
numbers:
  866 683 1950: {campaign: sale}
campaigns:
  sale: {treatment: agent, fax: fax-machine}
treatments:
  agent:
    - connect: 602 555 1234
  fax-machine:
    - name: to-the-fax
      connect: 602 555 9999
"""


def test_a_fax_machine_is_moved_to_the_fax_treatment_in_mid_call(
    switch_with: Callable[..., Example],
) -> None:
    switch = switch_with(FAX)
    calling, near = switch.call(FANS)
    agent = switch.bridged(calling, near, "16025551234")
    near.play(calling_fax(3))
    fax = switch.callee.expect_call(within=10)
    assert fax.invite is not None
    assert "16025559999" in fax.invite.uri
    agent.expect("BYE")
    switch.takes(fax)
    wait_for("two bridges", lambda: len(events(switch, "call.bridged")) == 2)
    calling.bye()
    fax.expect("BYE")
    record = switch.record()
    assert [(one["leg"], one["tone"]) for one in record["fax"]] == [("a", "cng")]
    assert record["path"][-1] == "to-the-fax"
    assert [one["side"] for one in record["legs"]] == ["calling", "called", "called"]
    assert record["ended_by"] == "calling"


# Keys in the sound, quality and talk.


def test_keys_are_heard_in_the_sound_of_a_caller_without_events(
    switch_with: Callable[..., Example],
) -> None:
    from media import dtmf, g711

    switch = switch_with(MENU)
    near = switch.rtp()
    calling = switch.caller.invite(FANS, near.sdp((0,)))
    accept(calling, near)
    near.wait_for_packets(10)
    near.play(g711.encode(dtmf.render("1")))
    called = switch.rings("16025551234")
    switch.takes(called)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["keys"] == ["1"]
    assert "source=inband" in wait_for_event(switch, "call.dtmf")


MENU = """
numbers:
  866 683 1950: {campaign: sale}
campaigns:
  sale: main
treatments:
  main:
    - menu:
        prompt: {tone: chime}
        choices:
          1: [connect: 602 555 1234]
          2: hang_up
"""


def test_each_leg_has_its_quality_and_its_talk(switch_with: Callable[..., Example]) -> None:
    switch = switch_with(FAX)
    calling, near = switch.call(FANS)
    called = switch.bridged(calling, near, "16025551234")
    if has_voice():
        near.play(say("Hello, I would like to know more about your offer.", pause=0.2))
    else:
        near.play(quiet(2.0))
    near.wait_until_played(within=15)
    time.sleep(0.3)
    calling.bye()
    called.expect("BYE")
    record: Record = switch.record()
    for side in ("calling", "called"):
        assert leg(record, side)["mos"] > 4.0
    if has_voice():
        assert leg(record, "calling")["talk_seconds"] > 1.0
        assert leg(record, "called")["talk_seconds"] < 0.5


# Who answers, and tones of far ends that do not.

GREETING = (
    "The person you are calling is not available at the moment so please leave your name and "
    "number after the tone and we will get back to you as soon as we can"
)


def beep() -> bytes:
    """What an answering machine sends when it begins to record."""
    return quiet(0.4) + tone(1000, 0.5) + quiet(20.0)


@needs_speech
def test_a_machine_is_declined_and_another_one_gets_a_message(
    example: Callable[..., Example],
) -> None:
    greeting = say(GREETING, pause=0.2) + beep()
    switch = example("nodes/connect-machine")
    calling, _ = switch.call(FANS)
    first = switch.rings("16025551234")
    switch.takes(first).play(greeting)
    second = switch.rings("16025555678")
    first.expect("BYE", within=15)
    switch.takes(second).play(greeting)
    second.expect("BYE", within=40)
    calling.expect(480, within=10)
    record = switch.record()
    assert record["machine"]["verdict"] == "machine"
    assert record["cause"] == "message-left"
    assert [one["answered_at"] is not None for one in record["legs"]] == [False, True, True]
    wait_for_event(switch, "call.beep")


@needs_speech
def test_a_person_is_connected(example: Callable[..., Example]) -> None:
    greeting = say("Hello, this is Mark.", pause=0.3)
    switch = example("nodes/connect-machine")
    calling, near = switch.call(FANS)
    called = switch.rings("16025551234")
    switch.takes(called).play(greeting)
    accept(calling, near)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["machine"]["verdict"] == "human"
    assert record["ended_by"] == "calling"


def test_a_busy_tone_in_early_media_leads_to_the_next_destination(
    example: Callable[..., Example],
) -> None:
    switch = example("nodes/connect-tones")
    calling, near = switch.call(FANS)
    busy = switch.rings("16025551234")
    far = switch.rtp()
    assert busy.invite is not None
    far.aim_by(busy.invite.body)
    busy.respond(183, far.sdp())
    far.play(busy_tone(10))
    second = switch.rings("16025555678")
    busy.expect("CANCEL")
    busy.respond(487)
    switch.takes(second)
    accept(calling, near)
    calling.bye()
    second.expect("BYE")
    record = switch.record()
    assert [one["status"] for one in record["legs"]] == [200, 486, 200]
    assert "tone=busy" in wait_for_event(switch, "leg.tone")


def busy_tone(periods: int) -> bytes:
    """Busy in North America: 480 and 620 Hz, half a second on, half a second off."""
    from media import g711
    from media.tones import render, tone_plan

    return g711.encode(render(tone_plan("us").busy)) * periods


@needs_speech
def test_an_ask_is_answered_by_voice(example: Callable[..., Example]) -> None:
    switch = example("nodes/ask-spoken")
    calling, near = switch.answered()
    wait_for_event(switch, "prompt.ended")
    near.play(say("Nine oh two one oh.", pause=0.3))
    wait_for_event(switch, "call.answer", within=10)
    wait_for("question", lambda: len(events(switch, "prompt.ended")) == 2, within=10)
    near.play(say("Yes, please.", pause=0.3))
    called = switch.rings("16025551234")
    switch.takes(called)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["answers"] == {"zip": "90210", "sure": "yes"}
