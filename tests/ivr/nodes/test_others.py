"""Distribute, lookup, transfer, send_dtmf, sms, python, and the notice."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from types import ModuleType
from typing import Any, cast

import pytest

from config.expression import Vocabulary, parse_expression, parse_template
from config.model import (
    Campaign,
    CampaignShare,
    Connect,
    Destination,
    Distribute,
    HangUp,
    Lookup,
    Node,
    NumberRule,
    Play,
    Prompt,
    PythonStep,
    SendDtmf,
    Sms,
    Transfer,
    Treatment,
    Trunk,
    TrunkNumbers,
)
from ivr.api import TreatmentCall
from ivr.flow import run_treatment
from ivr.journey import Journey
from ivr.lookups import LookupAnswer, LookupRequest
from ivr.nodes.lookup import lookup_request, run_lookup
from ivr.services import NodeServices
from softswitch.call.events import (
    CampaignChosen,
    LookupAnswered,
    SmsRequested,
    VariableSet,
)
from softswitch.call.outcomes import TimedOut
from tests.support.scripted_call import ScriptedCall, a_configuration, journey_on
from tests.support.scripted_desk import Desk, capped

WORDS = Vocabulary(
    answers={"pin"}, bindings={"keyword"}, lookups={"bid.number": "text"}, any_variable=True
)
HELLO = Prompt(text="hello")


def template(text: str) -> Any:
    return parse_template(text, WORDS)


async def walk(
    call: ScriptedCall, *nodes: Node, services: NodeServices | None = None, **options: Any
) -> Journey:
    journey = journey_on(call, services=services, **options)
    journey.serve(call.campaign)
    await run_treatment(journey, Treatment("main", nodes))
    return journey


# Distribute.

EXCHANGE = Campaign("exchange", "main", trunk="carrier")
PLUMBERS = Campaign("plumbers", "plumbers", trunk="carrier", price=Decimal(12))
GARDENERS = Campaign("gardeners", "gardeners", trunk="carrier", price=Decimal(20))


def exchange(*campaigns: Campaign) -> Any:
    return a_configuration(
        {
            one.treatment: Treatment(one.treatment, (HangUp(one.name, one.name),))
            for one in campaigns
        },
        {one.name: one for one in (EXCHANGE, *campaigns)},
    )


SHARES = (CampaignShare("plumbers"), CampaignShare("gardeners"))


async def test_the_highest_bid_gets_the_call_and_what_followed_is_forgotten() -> None:
    call = ScriptedCall(configuration=exchange(PLUMBERS, GARDENERS), campaign=EXCHANGE)
    journey = await walk(call, Distribute("give", "price", SHARES), HangUp("never"))
    assert call.told(CampaignChosen) == [("give", "gardeners", "price")]
    assert call.path == ["give", "gardeners"]
    assert journey.campaign is GARDENERS
    assert journey.facts.fact("campaign") == "gardeners"


async def test_shares_whose_condition_does_not_hold_are_passed_over() -> None:
    shares = (CampaignShare("gardeners", when=parse_expression("hour > 30", WORDS)), SHARES[0])
    call = ScriptedCall(configuration=exchange(PLUMBERS, GARDENERS), campaign=EXCHANGE)
    await walk(call, Distribute("give", "price", shares))
    assert call.end_facts["cause"] == "plumbers"


async def test_campaigns_that_are_closed_or_over_a_cap_are_passed_over() -> None:
    over = replace(GARDENERS, caps=capped().caps)
    call = ScriptedCall(configuration=exchange(PLUMBERS, over), campaign=EXCHANGE)
    node = Distribute("give", "price", SHARES, otherwise=(HangUp("none", "none"),))
    desk = Desk("all")
    await walk(call, node, services=NodeServices(credit=desk))
    assert call.end_facts["cause"] == "plumbers"
    closed = replace(PLUMBERS, hours="nowhere")
    call = ScriptedCall(configuration=exchange(closed, over), campaign=EXCHANGE)
    await walk(call, node, services=NodeServices(credit=desk))
    assert call.end_facts["cause"] == "none"
    assert desk.held == []


async def test_the_credit_of_the_chosen_campaign_is_held_until_its_leg_takes_it() -> None:
    dial = Treatment("plumbers", (Connect("dial", (Destination("number", "+16025550001"),)),))
    campaign = replace(PLUMBERS, caps=capped().caps)
    configuration = a_configuration(
        {"plumbers": dial}, {"exchange": EXCHANGE, "plumbers": campaign}
    )
    call = ScriptedCall(configuration=configuration, campaign=EXCHANGE, outcomes=("",))
    desk = Desk()
    await walk(call, Distribute("give", "order", SHARES[:1]), services=NodeServices(credit=desk))
    assert desk.taken == [None, "+16025550001"]
    assert [one.destination for one in desk.held] == ["+16025550001"]


# Look-ups.


class Client:
    def __init__(self, answer: LookupAnswer) -> None:
        self.answer = answer
        self.requests: list[LookupRequest] = []

    async def ask(self, request: LookupRequest) -> LookupAnswer:
        self.requests.append(request)
        return self.answer


LOOKUP = Lookup(
    "bid",
    template("https://h/x?k={keyword}"),
    send={"pin": parse_expression("answer.pin", WORDS)},
    headers=(("X-A", template("{keyword}")),),
    fields={"number": "text", "echo": "text"},
    on_failure=(HangUp("bye"),),
)


async def look_up(answer: LookupAnswer) -> tuple[ScriptedCall, Journey, Any, Client]:
    call = ScriptedCall()
    client = Client(answer)
    services = NodeServices(lookups=cast("Any", client))
    journey = journey_on(call, services=services, parameters={"keyword": "a/b ?é\r\n"})
    journey.facts.set("answer.pin", "4711", secret=True)
    return call, journey, await run_lookup(journey, LOOKUP), client


async def test_fields_are_facts_and_a_secret_that_is_repeated_is_not() -> None:
    answer = LookupAnswer({"number": "602", "echo": "4711"}, True, False, 0.1234)
    call, journey, steps, client = await look_up(answer)
    assert journey.facts.fact("lookup.bid.number") == "602"
    assert call.told(LookupAnswered) == [
        ("bid", True, False, 0.123, {"number": "602", "echo": ""}, "")
    ]
    assert steps == ()
    (request,) = client.requests
    assert request.url == "https://h/x?k=a%2Fb%20%3F%C3%A9%0D%0A"
    assert request.headers == (("X-A", "a/b ?"),)
    assert request.send == {
        "campaign": "fans", "publisher": "p1", "caller": "+16025550100",
        "called": "+18666831950", "pin": "4711",
    }  # fmt: skip
    assert set(request.moment) == {"call_id", "time"}


async def test_without_an_answer_the_steps_of_the_failure_follow() -> None:
    call, journey, steps, _ = await look_up(LookupAnswer({}, False, False, 2.0, "timeout"))
    assert steps == LOOKUP.on_failure
    assert journey.facts.fact("lookup.bid.number") is None
    assert call.told(LookupAnswered)[0][-1] == "timeout"


async def test_the_request_says_when_and_which_call() -> None:
    request = lookup_request(journey_on(ScriptedCall()), LOOKUP)
    assert request.moment["call_id"] == "call-1"


# Transfer, keys and messages.


@pytest.mark.parametrize(
    ("to", "uri"),
    [("602 555 1234", "sip:+16025551234@192.0.2.1"), ("sip:room@h", "sip:room@h")],
)
async def test_a_caller_is_transferred(to: str, uri: str) -> None:
    call = ScriptedCall()
    await walk(call, Transfer("away", template(to), on_failure=(HangUp("no", "no"),)))
    assert ("transfer", uri) in call.diary
    assert call.end_facts["cause"] == "transferred"


async def test_a_caller_is_transferred_to_a_number_in_its_trunks_form() -> None:
    call = ScriptedCall()
    numbers = TrunkNumbers(send_called=NumberRule("digits", add="9011#"))
    call.caller.trunk = Trunk("carrier", "192.0.2.1", numbers=numbers)
    await walk(call, Transfer("away", template("602 555 1234")))
    assert ("transfer", "sip:9011%2316025551234@192.0.2.1") in call.diary


@pytest.mark.parametrize("to", ["602 555 1234", "nonsense", "sip:", "{var.x}"])
async def test_a_transfer_that_fails_goes_on(to: str) -> None:
    call = ScriptedCall(outcomes=("refused",))
    await walk(call, Transfer("away", template(to), on_failure=(HangUp("no", "no"),)))
    assert call.end_facts["cause"] == "no"


async def test_keys_are_sent_to_the_answered_caller() -> None:
    call = ScriptedCall()
    await walk(call, SendDtmf("keys", template("w{keyword}#")), parameters={"keyword": "12"})
    assert ("send", "w12#") in call.diary
    assert call.caller.answered


async def test_a_message_leaves_secrets_out_and_needs_a_number() -> None:
    call = ScriptedCall()
    journey = journey_on(call)
    journey.facts.set("answer.pin", "4711", secret=True)
    to = template("{caller.number}")
    nodes = (Sms("one", to, template("Your PIN: {answer.pin}!")), Sms("two", template("x"), to))
    await run_treatment(journey, Treatment("main", nodes))
    assert call.told(SmsRequested) == [("+16025550100", "Your PIN: !")]


async def test_the_notice_is_played_once_before_anything_else() -> None:
    campaign = Campaign("fans", "main", trunk="carrier", notice=Prompt(text="recorded"))
    configuration = a_configuration(campaigns={"fans": campaign})
    call = ScriptedCall(configuration=configuration)
    await walk(call, Play("one", HELLO), Play("two", HELLO))
    assert call.played == ["recorded", "hello", "hello"]


async def test_a_prompt_with_values_is_played_when_it_is_ready() -> None:
    node = Play("say", Prompt(template=template("Want {keyword}?")))
    for ready, heard in ((set[str](), "constant parts of Want {keyword}?"),
                         ({"Want fans?"}, "Want fans?")):  # fmt: skip
        call = ScriptedCall()
        call.shelf.ready = ready
        await walk(call, node, parameters={"keyword": "fans"})
        assert call.played == [heard]


# Python.


@pytest.fixture
def module() -> Iterator[ModuleType]:
    made = ModuleType("a_treatment")
    sys.modules["a_treatment"] = made
    yield made
    del sys.modules["a_treatment"]


STEP = PythonStep("own", "a_treatment", "treat")


async def test_a_coroutine_does_what_steps_do(module: ModuleType) -> None:
    async def treat(call: TreatmentCall) -> None:
        assert (call.call_id, call.caller, call.called) == (
            "call-1", "+16025550100", "+18666831950",
        )  # fmt: skip
        assert call.fact("caller.state") == "AZ"
        await call.play("hello")
        call.set("zip", await call.ask("zip", "hello", kind="zip"))
        assert await call.key("hello") == "7"
        await call.send_dtmf("1")
        call.sms("text")
        await call.connect("602 555 0001", "nonsense", headers={"X-Zip": "1"}, whisper="hello")
        call.goto("night")
        assert not call.ended

    module.treat = treat  # type: ignore[attr-defined]
    night = Treatment("night", (HangUp("night", "night"),))
    call = ScriptedCall(
        keys="850017", outcomes=(TimedOut(),), configuration=a_configuration({"night": night})
    )
    call.shelf.ready = {"hello"}
    await walk(call, STEP, HangUp("never"))
    assert call.dialled == ["+16025550001"]
    assert call.told(VariableSet) == [("own", "zip", "85001")]
    assert call.told(SmsRequested) == [("+16025550100", "text")]
    assert call.end_facts["cause"] == "night"


async def test_a_coroutine_may_end_or_transfer_the_call(module: ModuleType) -> None:
    async def treat(call: TreatmentCall) -> None:
        await call.transfer("602 555 0001")
        call.hang_up("mine", status=486)

    module.treat = treat  # type: ignore[attr-defined]
    call = ScriptedCall(outcomes=("refused",))
    await walk(call, STEP)
    assert ("transfer", "sip:+16025550001@192.0.2.1") in call.diary
    assert call.end_facts == {"ended_by": "switch", "cause": "mine", "status": 486}


async def test_what_is_not_ready_is_passed_over(
    module: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    async def treat(call: TreatmentCall) -> None:
        assert not await call.play("unheard of")
        assert await call.ask("zip", "unheard of") is None

    module.treat = treat  # type: ignore[attr-defined]
    call = ScriptedCall()
    await walk(call, STEP)
    assert call.played == []
    assert (
        caplog.messages.count(
            "call call-1: step own: not in PROMPTS and therefore not ready: unheard of"
        )
        == 2
    )


async def test_whatever_it_raises_the_next_step_follows(
    module: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    async def treat(_call: TreatmentCall) -> None:
        raise ZeroDivisionError("oh")

    module.treat = treat  # type: ignore[attr-defined]
    call = ScriptedCall()
    with caplog.at_level(logging.ERROR):
        await walk(call, STEP, HangUp("bye", "bye"))
    assert call.end_facts["cause"] == "bye"
    (message,) = caplog.messages
    assert "a_treatment:treat failed in line" in message
    assert message.endswith("ZeroDivisionError: oh")
    assert caplog.records[0].exc_info is None


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), ValueError("bad")])
async def test_a_coroutine_that_would_end_the_process_ends_its_step(
    module: ModuleType, raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def treat(call: TreatmentCall) -> None:
        raise raised

    module.treat = treat  # type: ignore[attr-defined]
    call = ScriptedCall()
    await walk(call, STEP, HangUp("after", "after"))
    assert call.end_facts["cause"] == "after"
    assert "a_treatment:treat failed" in caplog.text


async def test_a_coroutine_does_not_tell_a_secret(module: ModuleType) -> None:
    async def treat(call: TreatmentCall) -> None:
        pin = await call.ask("pin", "hello", secret=True)
        call.set("copy", pin)
        call.sms(f"your pin {pin}")

    module.treat = treat  # type: ignore[attr-defined]
    call = ScriptedCall(keys="5829#")
    call.shelf.ready = {"hello"}
    await walk(call, STEP)
    assert "5829" not in str(call.told(VariableSet)) + str(call.told(SmsRequested))
    assert call.told(SmsRequested) == [("+16025550100", "your pin ****")]
