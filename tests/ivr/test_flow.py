"""Treatments, walked with a scripted caller: which nodes are entered, what is asked, how it ends.

The call here is a stand-in that keeps what the nodes ask of it; real calls are in the scenarios.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.model import (
    Connect,
    Destination,
    Goto,
    HangUp,
    Menu,
    Node,
    Play,
    Prompt,
    Treatment,
    Trunk,
)
from ivr.flow import HANDLERS, MAX_STEPS, run_treatment
from softswitch.call.events import ChoiceMade, KeyRejected, NoInputReceived
from softswitch.call.outcomes import Rejected, TimedOut
from tests.support.scripted_call import ScriptedCall, a_configuration, journey_on

HELLO = Prompt(text="hello")


async def walk(call: ScriptedCall, *nodes: Node) -> ScriptedCall:
    await run_treatment(journey_on(call), Treatment("main", nodes))
    return call


def menu(**choices: tuple[Node, ...]) -> dict[str, tuple[Node, ...]]:
    return {name.removeprefix("key"): nodes for name, nodes in choices.items()}


ASK = Menu("ask", HELLO, menu(key1=(HangUp("one", "one"),), key2=(Play("two", HELLO),)))
NUMBER = Destination("number", "+16025551234")
OTHER = Destination("number", "+16026661234", ring_seconds=3.0)
DIAL = Connect("dial", (NUMBER, OTHER))
BUSY = Rejected(486, "Busy Here", 17, by_far_end=True)
DOWN = Rejected(503, "Service Unavailable", 41, by_far_end=True)


def test_every_node_type_but_goto_has_a_handler() -> None:
    assert {*HANDLERS, Goto} == set(Node.__args__)


async def test_a_choice_that_runs_out_goes_on_behind_its_menu() -> None:
    call = await walk(ScriptedCall(keys="2"), ASK, HangUp("end", "done"))
    assert call.path == ["ask", "two", "end"]
    assert call.end_facts["cause"] == "done"
    assert (ChoiceMade, "ask", "2") in call.diary


async def test_the_fourth_wrong_key_ends_the_call() -> None:
    call = await walk(ScriptedCall(keys="9999"), ASK)
    rejected = [entry for entry in call.diary if entry[0] is KeyRejected]
    assert [entry[-1] for entry in rejected] == [1, 2, 3, 4]
    assert call.diary.count(("play", "hello")) == 4
    assert call.end_facts == {"ended_by": "switch", "cause": "invalid_entries"}


async def test_a_right_key_after_three_wrong_ones_is_taken() -> None:
    assert (await walk(ScriptedCall(keys="9#*1"), ASK)).end_facts["cause"] == "one"


async def test_silence_asks_again_three_times_and_then_ends_the_call() -> None:
    call = await walk(ScriptedCall(), ASK)
    assert call.diary.count(("play", "hello")) == 4
    assert [entry[-1] for entry in call.diary if entry[0] is NoInputReceived] == [1, 2, 3, 4]
    assert call.end_facts["cause"] == "no_input"


async def test_silence_takes_the_steps_that_are_there_for_it() -> None:
    node = Menu("ask", HELLO, ASK.choices, timeouts_limit=0, on_no_input=(HangUp("bye", "quiet"),))
    assert (await walk(ScriptedCall(), node)).end_facts["cause"] == "quiet"


@pytest.mark.parametrize("keys", ["----", "9999"])
async def test_the_default_choice_is_taken_when_a_limit_is_reached(keys: str) -> None:
    node = Menu("ask", HELLO, ASK.choices, default="1")
    call = await walk(ScriptedCall(keys=keys), node)
    assert (ChoiceMade, "ask", "1", True) in call.diary
    assert call.end_facts["cause"] == "one"


async def test_a_wrong_key_is_answered_with_its_own_prompt() -> None:
    node = Menu("ask", HELLO, ASK.choices, invalid_prompt=Prompt(text="no such key"))
    call = await walk(ScriptedCall(keys="91"), node)
    played = [entry[1] for entry in call.diary if entry[0] == "play"]
    assert played == ["hello", "no such key", "hello"]


async def test_without_barge_in_keys_pressed_ahead_do_not_count() -> None:
    node = Menu("ask", HELLO, ASK.choices, barge_in=False)
    call = await walk(ScriptedCall(keys="1"), node)
    assert call.diary[:3] == ["forget", ("play", "hello"), "forget"]


async def test_a_transparent_connect_does_not_answer_the_caller() -> None:
    call = await walk(ScriptedCall(outcomes=("",)), DIAL)
    assert not call.caller.answered
    assert "bridge" in call.diary
    assert call.end_facts["ended_by"] == "called"


async def test_the_next_destination_is_tried_after_no_answer() -> None:
    call = await walk(ScriptedCall(outcomes=(TimedOut(), "")), DIAL)
    dialled = [entry[1] for entry in call.diary if entry[0] == "dial"]
    assert dialled == ["sip:+16025551234@192.0.2.1", "sip:+16026661234@192.0.2.1"]


async def test_busy_ends_the_attempts() -> None:
    call = await walk(ScriptedCall(outcomes=(BUSY,)), DIAL)
    assert call.end_facts == {"ended_by": "called", "cause": "rejected", "status": 486, "q850": 17}


async def test_busy_fails_over_where_the_operator_says_so() -> None:
    node = Connect("dial", (NUMBER, OTHER), fail_over_on=frozenset({486}))
    call = await walk(ScriptedCall(outcomes=(BUSY, DOWN)), node)
    assert call.end_facts["status"] == 480


async def test_steps_for_failure_come_before_what_follows() -> None:
    node = Connect("dial", (NUMBER,), on_failure=(Play("sorry", HELLO),))
    call = await walk(ScriptedCall(outcomes=(DOWN,)), node, HangUp("end", "closed"))
    assert call.path == ["dial", "sorry", "end"]


async def test_a_goto_forgets_what_would_have_followed() -> None:
    night = Treatment("night", (HangUp("closed", "night"),))
    call = ScriptedCall(configuration=a_configuration({"night": night}))
    await walk(call, Goto("jump", "night"), HangUp("never", "never"))
    assert call.path == ["jump", "closed"]


async def test_a_goto_finds_a_node_inside_a_choice() -> None:
    ask = Menu(
        "ask", HELLO, menu(key1=(Play("inner", HELLO), Play("after", HELLO)), key2=()),
        timeouts_limit=0,
    )  # fmt: skip
    call = await walk(ScriptedCall(), Goto("jump", "inner", kind="node"), ask, HangUp("end", "end"))
    assert call.path == ["jump", "inner", "after", "end"]


async def test_a_treatment_that_goes_round_for_ever_is_ended() -> None:
    again = Goto("again", "hello", kind="node")
    call = await walk(ScriptedCall(), Play("hello", HELLO), again)
    assert call.end_facts["cause"] == "treatment_too_long"
    assert len(call.path) == MAX_STEPS


async def test_a_caller_goes_out_with_name_and_number() -> None:
    call = await walk(ScriptedCall(outcomes=(BUSY,)), DIAL)
    shown = '"Ann \\"A\\" Lee" <sip:+16025550100@192.0.2.9>'
    assert call.diary[0][2:] == (shown, (("Max-Forwards", "69"),))


async def test_a_private_caller_goes_out_anonymous() -> None:
    call = await walk(ScriptedCall(outcomes=(BUSY,), private=True), DIAL)
    assert call.diary[0][2:] == (
        '"Anonymous" <sip:anonymous@anonymous.invalid>',
        (("Max-Forwards", "69"), ("Privacy", "id")),
    )


async def test_only_listed_headers_cross_the_bridge() -> None:
    trunk = Trunk("carrier", "192.0.2.1", pass_headers=("x-visit",))
    configuration = replace(a_configuration(), trunks={"carrier": trunk})
    call = ScriptedCall(outcomes=(BUSY,), configuration=configuration)
    await walk(call, DIAL)
    assert call.diary[0][3] == (("Max-Forwards", "69"), ("X-Visit", "42"))
