"""Keys told by INFO, alone and beside events and tones; tones that end an attempt; machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.model import Connect as ConnectStep
from config.model import Destination, Machine, Prompt, Treatment
from ivr.flow import run_treatment
from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.call.outcomes import Answered, DialOutcome, Rejected
from softswitch.sip import events as sip_events
from tests.ivr.test_replies import journey_of
from tests.softswitch.call.test_leg_verbs import Sound
from tests.support.laboratory import (
    DIRECT,
    MENU,
    Laboratory,
    Phone,
    laboratory,
    session_description,
)
from tests.support.scripted_ears import ScriptedEars
from tests.support.treated import answer, goodbyes, request_to, ring, treated

NO_EVENTS = b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"


@pytest.fixture
def sound(lab: Laboratory) -> Sound:
    return Sound(lab)


def tell(lab: Laboratory, phone: Phone, body: str, content_type: str = "dtmf-relay") -> int:
    """A phone tells of a key; what it is answered."""
    assert phone.dialog is not None
    phone.dialog.request(
        "INFO", body=body.encode(), content_type=f"application/{content_type}", now=phone.now
    )
    phone.pump.flush()
    lab.settle()
    answered = [
        event.response.status
        for event in phone.events
        if isinstance(event, sip_events.ResponseReceived)
    ]
    return answered[-1]


def bridged(lab: Laboratory, *, callee: bytes | None = None) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.answer(body=callee)
    lab.settle()


def told(lab: Laboratory) -> list[tuple[str, str, str]]:
    return [(fact["leg"], fact["digit"], fact["source"]) for fact in lab.facts("call.dtmf")]


# INFO.


def test_a_menu_takes_a_key_that_is_told_by_info(lab: Laboratory) -> None:
    lab.caller.invite(MENU)
    lab.settle()
    assert tell(lab, lab.caller, "Signal=2\r\nDuration=160\r\n") == 200
    assert told(lab) == [("a", "2", "info")]
    assert lab.facts("menu.choice")[0]["key"] == "2"


@pytest.mark.parametrize("side", ["caller", "callee"])
def test_what_is_no_key_is_answered_and_nothing_else(lab: Laboratory, side: str) -> None:
    bridged(lab)
    phone = getattr(lab, side)
    assert tell(lab, phone, "hello", "text") == 415
    assert tell(lab, phone, "Signal=flash") == 200
    assert tell(lab, phone, "Signal=") == 400
    assert told(lab) == []
    lab.caller.hang_up()


@pytest.mark.parametrize(("side", "leg"), [("caller", "a"), ("callee", "b1")])
def test_a_key_told_by_info_reaches_the_other_party_as_an_event(
    lab: Laboratory, sound: Sound, side: str, leg: str
) -> None:
    bridged(lab)
    assert tell(lab, getattr(lab, side), "5", "dtmf") == 200
    lab.wait_for(lambda: sound.pressed() == {5})
    assert told(lab) == [(leg, "5", "info")]
    lab.caller.hang_up()


def test_a_key_told_by_info_reaches_a_party_without_events_as_a_tone(
    lab: Laboratory, sound: Sound
) -> None:
    body = session_description(lab.sink_port, codecs="0").replace(NO_EVENTS, b"")
    bridged(lab, callee=body)
    sound.read()
    sound.packets.clear()
    tell(lab, lab.caller, "5", "dtmf")
    lab.wait_for(lambda: sound.events() == [] and len(sound.packets) >= 5)
    assert any(len(set(packet.payload)) > 20 for packet in sound.packets)
    lab.caller.hang_up()


def test_a_key_that_is_told_as_an_event_too_is_one_key_and_is_passed_on_once(
    lab: Laboratory, sound: Sound
) -> None:
    bridged(lab)
    port = lab.call.caller.media
    assert port is not None
    for number, digit in enumerate((4, 4, 6)):
        # Once as an event, which the engine relays, then by INFO.
        sound.press(port.port.rtp_port, digit, 8000 * (number + 1))
        count = number + 1
        lab.wait_for(lambda count=count: len(told(lab)) == count)  # type: ignore[misc]
        tell(lab, lab.caller, f"Signal={digit}")
    assert told(lab) == [("a", "4", "rfc4733"), ("a", "4", "rfc4733"), ("a", "6", "rfc4733")]
    lab.wait_for(lambda: 6 in sound.pressed())
    assert len({packet.timestamp for packet in sound.events()}) == 3
    lab.caller.hang_up()


def test_tones_of_a_leg_that_sends_events_are_not_believed(lab: Laboratory) -> None:
    bridged(lab)
    leg = lab.call.caller
    lab.do(lambda: leg.on_digit("1", "inband"))
    lab.do(lambda: leg.on_digit("1"))
    lab.advance(5)
    lab.do(lambda: leg.on_digit("2", "inband"))
    assert told(lab) == [("a", "1", "inband")]
    lab.caller.hang_up()


def test_secret_keys_told_by_info_stand_nowhere(lab: Laboratory, sound: Sound) -> None:
    read: list[str | None] = []

    async def script(call: Call) -> None:
        await call.answer()
        with call.secret():
            read.append(await call.next_digit(5))

    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()
    tell(lab, lab.caller, "Signal=7")
    assert read == ["7"]
    assert told(lab) == []
    assert sound.pressed() == set()


# Tones.


def dial(lab: Laboratory, outcomes: list[DialOutcome], *, acting: bool = True) -> None:
    async def script(call: Call) -> None:
        request = request_to(lab, "501")
        if acting:
            request = type(request)(
                **{name: getattr(request, name) for name in request.__struct_fields__}
                | {"act_on_tones": True}
            )
        outcomes.append(await call.dial(request))

    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()
    ring(lab, 0, 183, media=True)


def hear(lab: Laboratory, tone: str) -> None:
    (_, leg) = lab.call._legs
    lab.do(lambda: leg.on_tone(tone))
    lab.settle()


@pytest.mark.parametrize(
    ("tone", "status", "q850"), [("busy", 486, 17), ("reorder", 503, 34), ("sit", 404, 1)]
)
def test_a_tone_that_means_a_refusal_is_one(
    lab: Laboratory, tone: str, status: int, q850: int
) -> None:
    outcomes: list[DialOutcome] = []
    dial(lab, outcomes)
    hear(lab, tone)
    assert outcomes == [Rejected(status, f"heard {tone}", q850, by_far_end=True)]
    assert goodbyes(lab) == [("CANCEL", f'SIP;cause={status};text="heard {tone}"')]
    assert [fact["tone"] for fact in lab.facts("leg.tone")] == [tone]
    (ended,) = (fact for fact in lab.facts("leg.ended") if fact["leg"] == "b1")
    assert (ended["status"], ended["q850"]) == (status, q850)


@pytest.mark.parametrize("tone", ["ringback", "silence"])
def test_other_tones_are_only_told(lab: Laboratory, tone: str) -> None:
    outcomes: list[DialOutcome] = []
    dial(lab, outcomes)
    hear(lab, tone)
    assert outcomes == []
    assert [fact["tone"] for fact in lab.facts("leg.tone")] == [tone]
    lab.caller.cancel()


def test_without_the_setting_a_tone_is_only_told(lab: Laboratory) -> None:
    outcomes: list[DialOutcome] = []
    dial(lab, outcomes, acting=False)
    hear(lab, "busy")
    assert outcomes == []
    lab.caller.cancel()


def test_a_tone_after_the_answer_ends_nothing(lab: Laboratory) -> None:
    outcomes: list[DialOutcome] = []

    async def script(call: Call) -> None:
        outcome = await call.dial(request_to(lab, "501"))
        outcomes.append(outcome)
        assert isinstance(outcome, Answered)
        outcome.leg.on_tone("busy")
        assert not outcome.leg.ended

    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()
    answer(lab, 0)
    assert isinstance(outcomes[0], Answered)


# Machines.


def screened(lab: Laboratory, ears: ScriptedEars, machine: Machine, message: str = "") -> None:
    lab.services.ears = ears
    node = ConnectStep(
        "dial",
        tuple(Destination("number", f"+1602555000{n}", trunk="agents") for n in (1, 2)),
        machine=machine,
        message=Prompt(text=message) if message else None,
    )

    async def script(call: Call) -> None:
        await run_treatment(journey_of(call), Treatment("main", (node,)))

    with treated(script):
        lab.caller.invite(DIRECT)
        lab.settle()


def test_a_machine_is_left_and_the_next_is_called(lab: Laboratory) -> None:
    ears = ScriptedEars()
    ears.verdict = "machine"
    screened(lab, ears, Machine("decline", within_seconds=3.0))
    answer(lab, 0)
    assert lab.facts("leg.declined") == []
    lab.advance(1.1)
    assert [fact["why"] for fact in lab.facts("leg.declined")] == ["machine"]
    assert [how for how, _ in goodbyes(lab)] == ["BYE"]
    assert len(lab.callee.calls) == 2
    ended = [fact for fact in lab.facts("leg.ended") if fact["leg"] == "b1"]
    assert ended[0]["cause"] == "machine"
    ears.verdict = "human"
    answer(lab, 1)
    lab.advance(1.1)
    assert lab.facts("call.bridged") == [{"leg": "a", "other_leg": "b2"}]
    lab.caller.hang_up()


def test_a_message_is_left_after_the_beep(lab: Laboratory) -> None:
    ears = ScriptedEars()
    ears.verdict = "machine"
    screened(lab, ears, Machine("message"), "short")
    answer(lab, 0)
    lab.advance(1.1)
    assert lab.facts("prompt.started") == []
    lab.advance(2.1)
    lab.wait_for_prompts()
    lab.settle()
    (ended,) = lab.facts("prompt.ended")
    assert (ended["leg"], ended["completed"]) == ("b1", True)
    assert len(lab.callee.calls) == 1
    assert lab.record["cause"] == "declined"
    assert lab.facts("call.bridged") == []


def test_a_machine_that_hangs_up_in_the_message_has_none(lab: Laboratory) -> None:
    ears = ScriptedEars()
    ears.verdict = "machine"
    screened(lab, ears, Machine("message"), "long")
    answer(lab, 0)
    lab.advance(3.2)
    lab.callee.hang_up()
    lab.settle()
    assert len(lab.callee.calls) == 2, "the next is called"
    lab.caller.cancel()


def test_who_hangs_up_while_it_is_judged_has_declined(lab: Laboratory) -> None:
    screened(lab, ScriptedEars(), Machine())
    answer(lab, 0)
    lab.callee.hang_up()
    lab.advance(1.1)
    assert [fact["why"] for fact in lab.facts("leg.declined")] == ["hung_up"]
    lab.caller.cancel()


def test_a_caller_that_leaves_while_the_far_end_is_judged_ends_it(lab: Laboratory) -> None:
    screened(lab, ScriptedEars(), Machine())
    answer(lab, 0)
    lab.caller.cancel()
    lab.settle()
    assert [how for how, _ in goodbyes(lab)] == ["BYE"]


# What a far end without telephone events gets.


def without_events(lab: Laboratory) -> None:
    body = session_description(lab.sink_port, codecs="0").replace(NO_EVENTS, b"")
    bridged(lab, callee=body)


def told_by_info(lab: Laboratory) -> list[str]:
    """The keys that the phone called was told by INFO."""
    return [one.digit for one in lab.callee.events if isinstance(one, sip_events.KeyTold)]


def pressed(lab: Laboratory, leg: Leg, digits: str) -> list[bool]:
    """Have the switch press keys for a party; whether that has worked stands there at its end."""
    sent: list[bool] = []

    async def press() -> None:
        sent.append(await leg.send_dtmf(digits))

    lab.begin(press())
    return sent


def test_an_event_reaches_a_party_without_events_as_a_tone(lab: Laboratory, sound: Sound) -> None:
    without_events(lab)
    sound.read()
    sound.packets.clear()
    lab.do(lambda: lab.call.caller.on_digit("5"))
    lab.advance(1.0)
    lab.wait_for(lambda: sound.events() == [] and len(sound.packets) >= 5)
    assert any(len(set(packet.payload)) > 20 for packet in sound.packets)
    lab.caller.hang_up()


@pytest.mark.parametrize("source", ["rfc4733", "info"])
def test_a_trunk_that_wants_them_gets_keys_by_info(tmp_path: Path, source: str) -> None:
    with laboratory(tmp_path / "data", agents="keys: info") as lab:
        without_events(lab)
        for digit in "1#":
            lab.do(lambda digit=digit: lab.call.caller.on_digit(digit, source))  # type: ignore[misc]
            lab.advance(1.0)
        assert told_by_info(lab) == ["1", "#"]
        lab.caller.hang_up()
        lab.settle()


def test_keys_that_a_treatment_presses_go_by_info_in_their_order(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data", agents="keys: info") as lab:
        without_events(lab)
        leg = lab.call.callee
        assert leg is not None
        sent = pressed(lab, leg, "12w34*")
        lab.advance(5.0)
        assert sent == [True]
        assert told_by_info(lab) == list("1234*")
        lab.caller.hang_up()
        lab.settle()


@pytest.mark.parametrize("lost", ["switch:INFO", "callee:200 INFO"])
def test_keys_keep_their_order_though_one_is_lost(tmp_path: Path, lost: str) -> None:
    with laboratory(tmp_path / "data", agents="keys: info") as lab:
        without_events(lab)
        leg = lab.call.callee
        assert leg is not None
        lab.lost_once.add(lost)
        sent = pressed(lab, leg, "12")
        for digit in "34":
            lab.do(lambda digit=digit: lab.call.caller.on_digit(digit, "info"))  # type: ignore[misc]
        lab.advance(0.4)
        assert sent == []
        lab.advance(5.0)
        assert sent == [True]
        assert sorted(told_by_info(lab)) == list("1234")
        assert [one for one in lab.carried if one == "callee:500 INFO"] == []
        lab.caller.hang_up()
        lab.settle()


def test_keys_for_a_party_that_says_nothing_end_with_its_leg(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data", agents="keys: info") as lab:
        without_events(lab)
        leg = lab.call.callee
        assert leg is not None
        lab.lost.add("callee:200 INFO")
        sent = pressed(lab, leg, "12")
        lab.advance(40)
        assert sent == [False]
        assert told_by_info(lab) == ["1"]
        assert leg.ended


def test_a_party_with_events_gets_events_whatever_its_trunk_says(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data", agents="keys: info") as lab:
        bridged(lab)
        assert tell(lab, lab.caller, "5", "dtmf") == 200
        lab.advance(1.0)
        assert told_by_info(lab) == []
        lab.caller.hang_up()
        lab.settle()
