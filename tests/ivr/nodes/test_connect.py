"""Connects with a choice, a screen, caps; what the destination is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from config.expression import Vocabulary, parse_expression, parse_template
from config.model import (
    Accept,
    CallerId,
    Campaign,
    Choice,
    Connect,
    Destination,
    HangUp,
    Machine,
    Node,
    Prompt,
    Treatment,
)
from ivr.dialling import header_text
from ivr.flow import run_treatment
from ivr.services import NodeServices
from softswitch.call.events import (
    CallerIdStored,
    CapReached,
    DestinationsChosen,
    LegAccepted,
    LegDeclined,
)
from softswitch.call.outcomes import DialOutcome, Rejected, TimedOut
from tests.support.scripted_call import ScriptedCall, a_configuration, journey_on
from tests.support.scripted_desk import Desk, capped
from tests.support.scripted_ears import ScriptedEars

WORDS = Vocabulary(bindings={"keyword"}, variables={"x"}, any_variable=True)
ONE = Destination("number", "+16025550001")
TWO = Destination("number", "+16025550002")
THREE = Destination("number", "+16025550003")
DOWN = Rejected(503, "Service Unavailable", 41, by_far_end=True)


def when(text: str) -> Any:
    return parse_expression(text, WORDS)


def template(text: str) -> Any:
    return parse_template(text, WORDS)


async def connect(
    *nodes: Node,
    outcomes: tuple[DialOutcome | str, ...] = ("",),
    services: NodeServices | None = None,
    parameters: Mapping[str, str] | None = None,
    **options: Any,
) -> ScriptedCall:
    call = ScriptedCall(outcomes=outcomes, **options)
    journey = journey_on(call, services=services, parameters=parameters)
    journey.serve(call.campaign)
    try:
        await run_treatment(journey, Treatment("main", nodes))
    finally:
        journey.close(converted=True)
    return call


async def test_destinations_whose_condition_does_not_hold_are_passed_over() -> None:
    node = Connect("dial", (replace(ONE, when=when('caller.state = "CA"')), TWO))
    call = await connect(node)
    assert call.dialled == ["+16025550002"]
    (chosen,) = call.told(DestinationsChosen)
    assert chosen[2:] == (("+16025550002",), {"passed_over": ["+16025550001"]})


async def test_a_plain_list_is_no_choice_that_is_told() -> None:
    call = await connect(Connect("dial", (ONE, TWO)))
    assert call.told(DestinationsChosen) == []


async def test_price_is_computed_for_each_call() -> None:
    priced = replace(TWO, price=when("number(binding.keyword) * 2"))
    node = Connect("dial", (replace(ONE, price=when("3")), priced), choice=Choice("price"))
    dear = await connect(node, parameters={"keyword": "5"})
    cheap = await connect(node, parameters={"keyword": "1"})
    assert (dear.dialled, cheap.dialled) == (["+16025550002"], ["+16025550001"])


async def test_round_robin_and_places_are_remembered_between_calls() -> None:
    services = NodeServices()
    node = Connect("dial", (ONE, TWO), choice=Choice("round_robin"))
    found = [(await connect(node, services=services)).dialled for _ in range(3)]
    assert found == [["+16025550001"], ["+16025550002"], ["+16025550001"]]
    assert services.distribution.served("+16025550001").conversions == 2
    assert services.distribution.served("+16025550001").in_progress == 0


async def test_a_destination_with_as_many_calls_as_it_takes_is_passed_over() -> None:
    services = NodeServices()
    services.distribution.begin("+16025550001")
    call = await connect(Connect("dial", (replace(ONE, max_calls=1), TWO)), services=services)
    assert call.dialled == ["+16025550002"]


@pytest.mark.parametrize(
    ("value", "dialled"),
    [("602 555 0009", ["+16025550009"]), ("sip:a@b", ["a"]), ("", []), ("sip:a b@c", [])],
)
async def test_a_destination_may_come_from_a_value(value: str, dialled: list[str]) -> None:
    node = Connect("dial", (Destination("template", template=template("{var.x}")),))
    call = ScriptedCall(outcomes=("",))
    journey = journey_on(call)
    journey.facts.set("var.x", value)
    await run_treatment(journey, Treatment("main", (node,)))
    assert call.dialled == dialled
    if not dialled:
        assert call.end_facts["status"] == 480


async def test_nobody_to_call_takes_the_steps_of_the_failure() -> None:
    node = Connect("dial", (replace(ONE, when=when("hour > 30")),), on_failure=(HangUp("no"),))
    assert (await connect(node)).path == ["dial", "no"]


PHOENIX = replace(ONE, place=(33.45, -112.07))
ANGELES = replace(TWO, place=(34.05, -118.24))


@pytest.mark.parametrize(
    ("caller", "dialled"), [("+12135550100", "+16025550002"), ("+16025550100", "+16025550001")]
)
async def test_nearest_goes_by_the_area_code(caller: str, dialled: str) -> None:
    node = Connect("near", (PHOENIX, ANGELES), choice=Choice("nearest"))
    call = await connect(node, caller=caller)
    assert call.dialled == [dialled]


async def test_outside_the_radius_other_steps_are_taken() -> None:
    choice = Choice("nearest", radius_km=100.0)
    node = Connect("near", (PHOENIX,), choice=choice, outside=(HangUp("far"),))
    call = await connect(node, caller="+12125550100")
    assert call.path == ["near", "far"]
    assert call.dialled == []


# What the called party is asked.

ACCEPT = Accept(Prompt(text="press 1"))


async def test_whisper_keys_and_question_come_before_the_bridge() -> None:
    node = Connect(
        "dial", (ONE,), whisper=Prompt(text="whisper"), accept=ACCEPT, send_dtmf=template("w204")
    )
    call = await connect(node, outcomes=("1",))
    assert [entry for entry in call.diary if entry == "bridge" or "callee" in str(entry[0])] == [
        ("send to callee", "w204"),
        ("play to callee", "whisper"),
        ("play to callee", "press 1"),
        "bridge",
    ]
    assert call.told(LegAccepted) == [("b1",)]


@pytest.mark.parametrize(("keys", "why"), [("2", "other_key"), ("", "no_key")])
async def test_who_declines_is_followed_by_the_next(keys: str, why: str) -> None:
    node = Connect("dial", (ONE, TWO), accept=ACCEPT, fail_over_on=frozenset({408}))
    call = await connect(node, outcomes=(keys, "1"))
    assert call.told(LegDeclined) == [("b1", why)]
    assert call.dialled == ["+16025550001", "+16025550002"]
    assert call.bridged


async def test_when_all_decline_the_caller_hears_480() -> None:
    call = await connect(Connect("dial", (ONE,), accept=ACCEPT), outcomes=("",))
    assert (call.end_facts["cause"], call.end_facts["status"]) == ("declined", 480)


# Machines.


async def judged(
    verdict: str, node: Connect, *, beeps: bool = True, outcomes: tuple[DialOutcome | str, ...]
) -> tuple[ScriptedCall, ScriptedEars]:
    call = ScriptedCall(outcomes=outcomes)
    ears = call.services.ears = ScriptedEars()
    ears.verdict, ears.beeps = verdict, beeps
    ears.judge_seconds = ears.beep_seconds = 0.0
    await run_treatment(journey_on(call), Treatment("main", (node,)))
    return call, ears


def screened(then: Any, **more: Any) -> Connect:
    machine = Machine(then, within_seconds=3.0, beep_seconds=20.0)
    message = Prompt(text="message") if then == "message" else None
    return Connect("dial", (ONE, TWO), machine=machine, message=message, **more)


@pytest.mark.parametrize("verdict", ["human", "unknown"])
@pytest.mark.parametrize("then", ["decline", "bridge", "message"])
async def test_a_person_and_who_cannot_be_told_are_connected(verdict: str, then: str) -> None:
    whisper = Prompt(text="whisper")
    call, ears = await judged(verdict, screened(then, whisper=whisper), outcomes=("",))
    assert ears.judged == [("b1", 3.0)]
    assert ears.waited == []
    assert ("play to callee", "whisper") in call.diary
    assert call.bridged
    assert call.told(LegDeclined) == []


async def test_a_machine_is_judged_before_it_hears_anything() -> None:
    node = screened("decline", whisper=Prompt(text="whisper"), accept=ACCEPT)
    call, _ = await judged("machine", node, outcomes=("1", TimedOut()))
    assert [entry for entry in call.diary if "callee" in str(entry[0])] == []


async def test_a_machine_is_declined_and_the_next_is_called() -> None:
    call, _ = await judged("machine", screened("decline"), outcomes=("", DOWN))
    assert call.dialled == ["+16025550001", "+16025550002"]
    assert call.told(LegDeclined) == [("b1", "machine")]


async def test_a_machine_may_be_connected_all_the_same() -> None:
    call, ears = await judged("machine", screened("bridge"), outcomes=("",))
    assert call.bridged
    assert ears.waited == []


async def test_a_message_is_left_after_the_beep_and_nobody_else_is_called() -> None:
    node = screened("message", on_failure=(HangUp("left"),))
    call, ears = await judged("machine", node, outcomes=("", ""))
    assert ears.waited == [("b1", 20.0)]
    assert ("play to callee", "message") in call.diary
    assert call.told(LegDeclined) == [("b1", "machine")]
    assert call.dialled == ["+16025550001"]
    assert (call.path, call.bridged) == (["dial", "left"], False)


async def test_without_a_beep_no_message_is_left_and_the_next_is_called() -> None:
    call, _ = await judged("machine", screened("message"), beeps=False, outcomes=("", DOWN))
    assert call.dialled == ["+16025550001", "+16025550002"]
    assert [entry for entry in call.diary if entry[0] == "play to callee"] == []


async def beeped_late(node: Connect, outcomes: tuple[DialOutcome | str, ...]) -> ScriptedCall:
    """A machine that was taken for a person, and beeps before it has the call."""
    call = ScriptedCall(outcomes=outcomes)
    ears = call.services.ears = ScriptedEars()
    ears.judge_seconds = ears.beep_seconds = 0.0
    ears.beeped_late = True
    await run_treatment(journey_on(call), Treatment("main", (node,)))
    return call


@pytest.mark.parametrize("key", ["", "2"])
async def test_a_beep_overturns_a_person_who_does_not_have_the_call_yet(key: str) -> None:
    accept = ACCEPT if key else None
    call = await beeped_late(screened("message", accept=accept), (key, ""))
    assert ("play to callee", "message") in call.diary
    assert not call.bridged
    assert call.dialled == ["+16025550001"]


async def test_a_beep_does_not_overturn_one_who_has_accepted_the_call() -> None:
    assert (await beeped_late(screened("message", accept=ACCEPT), ("1",))).bridged


async def test_a_beep_overturns_nothing_where_machines_get_the_call() -> None:
    assert (await beeped_late(screened("bridge"), ("",))).bridged


async def test_where_nobody_listens_everybody_is_a_person() -> None:
    call = await connect(screened("decline"))
    assert call.bridged


async def test_tones_are_acted_on_where_the_step_says_so() -> None:
    acting = await connect(Connect("dial", (ONE,), act_on_tones=True))
    plain = await connect(Connect("dial", (ONE,)))
    assert [call.requests[0].act_on_tones for call in (acting, plain)] == [True, False]


# Groups and privacy.


async def test_a_group_rings_at_once() -> None:
    node = Connect("group", (ONE, TWO), strategy="simultaneous")
    call = await connect(node)
    assert call.dialled == ["+16025550001", "+16025550002"]


async def test_whisper_says_nothing_of_a_private_caller() -> None:
    prompt = Prompt(template=template("Call from {caller.number}."))
    call = ScriptedCall(outcomes=("",), private=True)
    call.shelf.ready = {"Call from .", "Call from +16025550100."}
    node = Connect("dial", (ONE,), whisper=prompt)
    await run_treatment(journey_on(call), Treatment("main", (node,)))
    assert ("play to callee", "Call from .") in call.diary


# Header fields and caller ids.


async def test_header_fields_of_campaign_and_step_reach_the_destination() -> None:
    campaign = Campaign(
        "fans", "main", trunk="carrier",
        headers=(("X-Kind", template("sale")), ("X-Word", template("campaign"))),
    )  # fmt: skip
    node = Connect("dial", (ONE,), headers=(("x-word", template("{keyword}")),
                                            ("X-Empty", template("{var.x}"))))  # fmt: skip
    configuration = a_configuration(campaigns={"fans": campaign})
    call = await connect(
        node, configuration=configuration, parameters={"keyword": "a\r\nVia: evil\tb"}
    )
    headers = dict(next(entry[3] for entry in call.diary if entry[0] == "dial"))
    assert headers == {"Max-Forwards": "69", "X-Kind": "sale", "x-word": "aVia: evilb"}


def test_a_header_text_is_one_short_line() -> None:
    assert header_text(" a\0\r\nb é\u2028 ") == "ab é"
    assert len(header_text("x" * 5000)) == 1000


class Ids:
    def __init__(self, number: str | None) -> None:
        self.number = number

    def take(self, call_id: str, first: str, last: str, *, campaign: str = "") -> str | None:
        assert (call_id, first, last) == ("call-1", "+16025558000", "+16025558999")
        assert campaign == "fans"
        return self.number


UNIQUE = CallerId("unique", "+16025558000", "+16025558999")


async def test_a_number_stands_for_the_call() -> None:
    node = Connect("dial", (ONE,), caller_id=UNIQUE)
    call = await connect(node, services=NodeServices(caller_ids=Ids("+16025558123")))
    assert call.diary[0][2] == "<sip:+16025558123@192.0.2.9>"
    assert call.told(CallerIdStored) == []  # the scripted call has no legs


async def test_without_a_free_one_the_number_called_is_shown() -> None:
    node = Connect("dial", (ONE,), caller_id=UNIQUE)
    call = await connect(node, services=NodeServices(caller_ids=Ids(None)))
    assert call.diary[0][2] == "<sip:+18666831950@192.0.2.9>"


# Caps.


async def dial_capped(
    desk: Desk,
    node: Connect,
    *,
    scope: Any = "campaign",
    outcomes: tuple[DialOutcome | str, ...] = ("",),
) -> ScriptedCall:
    over = Treatment("over", (HangUp("over-cap", "over"),))
    configuration = a_configuration({"over": over}, {"fans": capped(scope)})
    return await connect(
        node, outcomes=outcomes, services=NodeServices(credit=desk), configuration=configuration
    )


async def test_credit_is_taken_for_each_leg_and_given_back_with_it() -> None:
    desk = Desk()
    call = await dial_capped(desk, Connect("dial", (ONE, TWO)), outcomes=(TimedOut(), ""))
    assert desk.taken == ["+16025550001", "+16025550002"]
    assert [one.destination for one in desk.held] == ["+16025550002"]
    assert call.bridged


async def test_all_credit_returns_when_nobody_answers() -> None:
    desk = Desk()
    await dial_capped(desk, Connect("dial", (ONE, TWO)), outcomes=(TimedOut(), DOWN))
    assert desk.held == []


async def test_over_the_campaigns_cap_nobody_is_called() -> None:
    desk = Desk("all")
    call = await dial_capped(desk, Connect("dial", (ONE, TWO), on_failure=(HangUp("no"),)))
    assert call.dialled == []
    assert desk.taken == ["+16025550001"]
    assert call.path == ["dial", "no"]
    assert call.told(CapReached) == [("hourly", "fans", "+16025550001", "5", "")]


async def test_over_a_cap_its_treatment_serves_the_call() -> None:
    call = await dial_capped(Desk("all", treatment="over"), Connect("dial", (ONE,)))
    assert call.path == ["dial", "over-cap"]
    assert call.end_facts["cause"] == "over"


async def test_over_a_destinations_cap_the_next_is_called() -> None:
    desk = Desk("+16025550001", treatment="over")
    call = await dial_capped(desk, Connect("dial", (ONE, TWO)), scope="destination")
    assert call.dialled == ["+16025550002"]
    assert call.bridged


async def test_of_a_group_only_the_winner_keeps_its_credit() -> None:
    desk = Desk("+16025550002")
    node = Connect("group", (ONE, TWO, THREE), strategy="simultaneous")
    call = await dial_capped(desk, node, scope="destination")
    assert call.dialled == ["+16025550001", "+16025550003"]
    assert [one.destination for one in desk.held] == ["+16025550001"]


async def test_a_connect_may_be_free_of_caps() -> None:
    desk = Desk("all")
    call = await dial_capped(desk, Connect("dial", (ONE,), credit=False))
    assert call.bridged
    assert desk.taken == []


async def test_a_campaign_without_caps_takes_no_credit() -> None:
    desk = Desk("all")
    call = await connect(Connect("dial", (ONE,)), services=NodeServices(credit=desk))
    assert call.bridged
    assert desk.taken == []
