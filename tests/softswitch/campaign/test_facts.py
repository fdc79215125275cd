import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.expression import FACTS, FUNCTIONS
from config.model import Campaign, KeywordRule, Keywords, Phrase, Value
from softswitch.campaign.evaluate import Noting, RecordedFacts, evaluate
from softswitch.campaign.facts import _FUNCTIONS, _GETTERS, MAX_KEYS, MAX_TEXT, SET, Shown
from softswitch.campaign.history import NoHistory
from softswitch.campaign.operators import FUNCTIONS as PURE
from tests.support.call_facts import (
    CALLED,
    CALLER,
    CAMPAIGN,
    RECEIVED,
    at,
    ended,
    facts_of,
    value_of,
)
from tests.support.expressions import expression

SIGNALLING = {
    "name": "Alice",
    "private": False,
    "charge_number": "+14155550111",
    "jip": "415555",
    "user_agent": "Gateway/1",
}


def test_what_is_known_of_the_callers_signature_is_known_to_conditions() -> None:
    found = {"result": "passed", "attestation": "B", "signer": "709J"}
    facts = facts_of(signalling={**SIGNALLING, "identity": found})

    assert (facts.fact("call.verstat"), facts.fact("call.attestation")) == ("passed", "B")
    assert value_of('call.attestation in ["A", "B"]', facts) is True


def test_where_there_is_no_call_a_verified_caller_may_be_told() -> None:
    facts = facts_of(signalling=SIGNALLING)
    facts.set("call.attestation", "A")
    signed = facts_of(signalling={**SIGNALLING, "identity": {"attestation": "C"}})
    signed.set("call.attestation", "A")

    assert facts.fact("call.attestation") == "A"
    assert signed.fact("call.attestation") == "C"


@pytest.mark.parametrize("identity", [None, {"result": "none", "why": "missing"}, "passed"])
def test_a_signature_that_is_not_there_attests_nothing(identity: Any) -> None:
    facts = facts_of(signalling={**SIGNALLING, "identity": identity})

    assert facts.fact("call.attestation") is None


# Every name of the language is there.


def test_every_fact_is_found_or_told() -> None:
    assert set(_GETTERS) <= set(FACTS)
    assert {
        "key", "keys", "rating", "rating_score", "machine", "fax", "caller_talk_seconds",
        "agent_talk_seconds", "caller_mos", "agent_mos",
    } == SET  # fmt: skip


def test_every_function_is_pure_or_asks_for_facts() -> None:
    assert set(_FUNCTIONS) | set(PURE) == set(FUNCTIONS)
    assert {name for name, about in FUNCTIONS.items() if about.pure} == set(PURE)


@pytest.mark.parametrize("ending", [None, ended()])
@pytest.mark.parametrize("name", FACTS)
def test_a_fact_has_its_type_or_is_absent(name: str, ending: Any) -> None:
    facts = facts_of(signalling=SIGNALLING, pool="ads")
    if ending is not None:
        facts.end(ending)
    value = facts.fact(name)
    types = {"text": str, "number": Decimal, "boolean": bool, "list": tuple}
    assert value is None or isinstance(value, types[FACTS[name].type])
    if FACTS[name].words and value is not None:
        assert value in FACTS[name].words


# From the presentation.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("caller.number", CALLER),
        ("caller.name", "Alice"),
        ("caller.private", False),
        ("caller.country", "US"),
        ("caller.state", "CA"),
        ("caller.city", None),
        ("caller.zip", "94102"),
        ("caller.area_code", "415"),
        ("caller.network", None),
        ("caller.line_type", "mobile"),
        ("caller.segment", "gold"),
        ("caller.time_zone", "America/Los_Angeles"),
        ("caller.jip", "415555"),
        ("caller.forwarded", "direct"),
        ("caller.charge_number", "+14155550111"),
        ("called.number", CALLED),
        ("called.as_dialled", "8666831950"),
        ("called.type", "toll_free"),
        ("campaign", "Sale"),
        ("publisher", "p1"),
        ("pool", "ads"),
        ("overflow", True),
        ("late", False),
        ("trunk", "carrier"),
        ("user_agent", "Gateway/1"),
        ("binding.website", "one"),
        ("binding.other", None),
        ("var.other", None),
        ("nothing", None),
    ],
)
def test_facts_of_the_presentation(name: str, value: Value) -> None:
    facts = facts_of(
        signalling=SIGNALLING, pool="ads", overflow=True, parameters={"website": "one"}
    )
    assert facts.fact(name) == value


@pytest.mark.parametrize(
    ("signalling", "expected"),
    [
        ({}, "direct"),
        ({"history": [{"uri": "a", "index": "1"}]}, "direct"),
        ({"history": [{"index": "1"}, {"index": "1.1", "cause": 302}]}, "forwarded"),
        ({"history": [{"index": "1"}, {"index": "1.1", "cause": 486}]}, "busy"),
        ({"diversions": [{"uri": "a", "reason": "unconditional"}]}, "forwarded"),
        ({"diversions": [{"reason": "no-answer"}, {"reason": "User-Busy"}]}, "busy"),
        ({"diversions": "odd", "history": [1]}, "direct"),
    ],
)
def test_a_call_comes_directly_forwarded_or_from_a_busy_line(
    signalling: dict[str, Any], expected: str
) -> None:
    assert facts_of(signalling=signalling).fact("caller.forwarded") == expected


@pytest.mark.parametrize(
    ("caller", "called", "expected"),
    [
        (CALLER, "+18005550100", "toll_free"),
        (CALLER, "+14155550199", "local"),
        (CALLER, "+12125550199", "long_distance"),
        ("+442079460000", "+14155550199", "long_distance"),
        ("", "+14155550199", None),
        ("", "+18005550100", "toll_free"),
        (CALLER, "sip:sales@example.org", None),
    ],
)
def test_the_number_called_is_toll_free_local_or_far(
    caller: str, called: str, expected: str | None
) -> None:
    assert facts_of(caller=caller, called_number=called).fact("called.type") == expected


def test_what_is_made_of_a_private_callers_number_is_not_shown_either() -> None:
    private = facts_of(signalling={**SIGNALLING, "private": True})
    noting = private.noting()
    value = noting.fact("caller.number")
    assert noting.used_hidden
    private.set("var.n", value, private=noting.used_hidden)
    again = private.noting()
    assert again.fact("var.n") == CALLER
    assert again.used_hidden
    assert Shown(private, private.private).fact("var.n") is None
    public = facts_of().noting()
    public.fact("caller.number")
    assert not public.used_hidden


def test_a_private_caller_is_known_here_and_not_shown() -> None:
    private = facts_of(signalling={**SIGNALLING, "private": True})
    assert private.fact("caller.number") == CALLER
    shown = Shown(private)
    assert [shown.fact(f"caller.{name}") for name in ("number", "name", "charge_number")] == [
        None
    ] * 3
    assert shown.fact("caller.state") == "CA"
    assert shown.function("listed", ("vip",)) is True
    assert Shown(facts_of()).fact("caller.number") == CALLER


# The clock.


def test_the_clock_is_that_of_the_campaigns_hours() -> None:
    facts = facts_of()
    names = ("time", "date", "weekday", "hour")
    assert [facts.fact(name) for name in names] == ["09:30", "2026-11-20", "fri", Decimal(9)]
    assert value_of("open('office') and not holiday('office')", facts) is True


def test_without_hours_it_is_the_switchs() -> None:
    assert facts_of(campaign=Campaign("Sale", "t")).fact("time") == "17:30"


def test_the_clock_runs_with_the_call_and_stands_still_at_its_receipt_when_it_has_ended() -> None:
    facts = facts_of(now=at("2026-11-20 12:30:00"))
    assert facts.fact("time") == "12:30"
    assert value_of("open('office')", facts) is False
    facts.end(ended())
    assert facts.fact("time") == "09:30"
    assert value_of("open('office')", facts) is True


# Tables.


def test_the_caller_is_looked_up_in_regions_and_lists() -> None:
    assert value_of("in_region('State Level') and listed('vip')", facts_of()) is True
    elsewhere = facts_of(caller="+12125550100")
    assert value_of("in_region('State Level') or listed('vip')", elsewhere) is False
    assert value_of("listed('vip')", facts_of(caller="+19005550100")) is True
    nobody = facts_of(caller="")
    assert value_of("in_region('State Level') or listed('vip')", nobody) is False


def test_names_that_are_gone_say_no() -> None:
    facts = facts_of()
    for name in ("in_region", "listed", "open", "holiday"):
        assert facts.function(name, ("gone",)) is False
    assert facts.function("gone", ()) is None


# What becomes known.


def test_values_are_told_and_bounded() -> None:
    facts = facts_of()
    facts.set("answer.zip", "85004")
    facts.set("var.score", 5)
    facts.set("lookup.bid.price", 1.25)
    facts.set("lookup.bid.tags", ["a", 1, {}])
    facts.set("var.long", "x" * (MAX_TEXT + 1))
    facts.set("var.odd", object())
    assert facts.fact("answer.zip") == "85004"
    assert facts.fact("var.score") == Decimal(5)
    assert facts.fact("lookup.bid.price") == Decimal("1.25")
    assert facts.fact("lookup.bid.tags") == ("a", Decimal(1), None)
    assert len(str(facts.fact("var.long"))) == MAX_TEXT
    assert facts.fact("var.odd") is None
    assert facts.fact("keys") == ()


def test_there_is_an_end_to_what_is_kept() -> None:
    facts = facts_of()
    for number in range(2000):
        facts.set(f"var.v{number}", number)
    assert facts.fact("var.v10") == Decimal(10)
    assert facts.fact("var.v1999") is None
    facts.set("var.v10", 11)
    assert facts.fact("var.v10") == Decimal(11)


def test_keys_are_gathered() -> None:
    facts = facts_of()
    assert facts.fact("keys") == ()
    for key in "12":
        facts.set("key", key)
    assert facts.fact("key") == "2"
    assert facts.fact("keys") == ("1", "2")
    for _ in range(MAX_KEYS):
        facts.set("key", "3")
    assert value_of("length(keys)", facts) == MAX_KEYS


def test_a_secret_answer_decides_and_is_not_noted() -> None:
    facts = facts_of()
    facts.set("answer.zip", "4711", secret=True)
    noting = facts.noting()
    assert evaluate(expression("answer.zip = '4711'"), noting) is True
    assert "4711" not in json.dumps(noting.inputs)


def test_another_campaign_is_another_clock_and_name() -> None:
    facts = facts_of()
    facts.campaign = Campaign("Other", "t")
    assert (facts.fact("campaign"), facts.fact("time")) == ("Other", "17:30")


def test_words_are_heard_on_either_leg() -> None:
    facts = facts_of()
    assert value_of("keyword('friend')", facts) is False
    facts.heard("caller", "mate", "friends", phrases=("friend",))
    assert value_of("keyword('friend') and keyword('FRIEND', 'caller')", facts) is True
    assert value_of("keyword('friend', 'agent')", facts) is False


def test_keywords_are_counted_and_weighed() -> None:
    facts = facts_of()
    assert value_of("keyword_count('mate') = 0 and keyword_score = 0", facts) is True
    facts.heard("caller", "mate", "friends", phrases=("friend",), weight=10)
    facts.heard("caller", "mate", "friend", phrases=("friend",), weight=10)
    facts.heard("agent", "price", "too dear", phrases=("too dear",), weight=-5)
    assert value_of("keyword_count('mate')", facts) == 2
    assert value_of("keyword_count('friend', 'caller')", facts) == 2
    assert value_of("keyword_count('friends')", facts) == 1
    assert value_of("keyword_count('mate', 'agent')", facts) == 0
    assert value_of("keyword_score", facts) == 15


def test_a_word_that_another_rule_has_found_does_not_make_the_rule_of_its_name_true() -> None:
    rules = (KeywordRule("friend", Phrase(("friend",)), "friend", first_seconds=5.0),)
    facts = facts_of()
    facts.campaign = Campaign("Other", "t", keywords=Keywords(rules))
    facts.heard("caller", "pals", "friend", phrases=("friend",))
    assert value_of("keyword('friend') or keyword_count('friend') > 0", facts) is False
    assert value_of("keyword('pals', 'caller')", facts) is True
    facts.heard("caller", "friend", "friend", phrases=("friend",))
    assert value_of("keyword_count('friend', 'caller')", facts) == 1


def test_nobody_is_a_fax_until_a_tone_is_heard() -> None:
    facts = facts_of()
    assert value_of("not fax and fax is known", facts) is True
    facts.set("fax", True)
    assert value_of("fax", facts) is True


# The end.


def test_the_end_is_absent_before_it() -> None:
    facts = facts_of()
    text = "talk_seconds is known or bridged or answered or converted or status is known"
    assert value_of(text, facts) is False
    assert value_of("duration('answer', 'both') is known", facts) is False


def test_the_facts_of_the_end() -> None:
    facts = facts_of()
    facts.end(ended())
    text = (
        "talk_seconds > 2 min and ivr_seconds = 10 and ring_seconds = 5 and total_seconds = 145 "
        "and ended_by = 'calling' and cause = 'hang_up' and answered and bridged and converted "
        "and destination = '+16025551234' and status = 200 and duration('answer', 'calling') = 130"
    )
    assert value_of(text, facts) is True


def test_a_conversion_is_what_the_campaign_says() -> None:
    campaign = Campaign("Sale", "t", conversion=expression("talk_seconds > 3 min"))
    facts = facts_of(campaign=campaign)
    facts.end(ended())
    assert facts.fact("converted") is False
    facts.end(ended(talk_seconds=181.0))
    assert facts.fact("converted") is True
    facts.set("converted", False)
    assert facts.fact("converted") is False


def test_a_conversion_that_asks_for_itself_is_none() -> None:
    facts = facts_of(campaign=Campaign("Sale", "t", conversion=expression("not converted")))
    facts.end(ended())
    assert facts.fact("converted") is True
    facts = facts_of(campaign=Campaign("Sale", "t", conversion=expression("converted")))
    facts.end(ended())
    assert facts.fact("converted") is False


# History.


class AskedHistory(NoHistory):
    """Answers one number for every question and keeps what was asked."""

    def __init__(self, answer: int = 3) -> None:
        self.answer = answer
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def _ask(self, name: str, *args: Any, **more: Any) -> int:
        self.asked.append((name, args, more))
        return self.answer

    def calls_by_caller(self, caller: str, **more: Any) -> int:
        return self._ask("calls_by_caller", caller, **more)

    def calls_to_campaign(self, campaign: str, **more: Any) -> int:
        return self._ask("calls_to_campaign", campaign, **more)

    def calls_to_number(self, number: str, **more: Any) -> int:
        return self._ask("calls_to_number", number, **more)

    def callers_to_number(self, number: str, **more: Any) -> int:
        return self._ask("callers_to_number", number, **more)

    def short_calls(self, **more: Any) -> int:
        return self._ask("short_calls", **more)


PERIOD = {"since": RECEIVED - 3600, "before": RECEIVED}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("calls_by_caller(1 h)", ("calls_by_caller", (CALLER,), {**PERIOD, "campaign": "Sale"})),
        (
            "calls_by_caller(1 h, 'publisher')",
            ("calls_by_caller", (CALLER,), {**PERIOD, "publisher": "p1"}),
        ),
        (
            "calls_by_caller(1 h, 'number')",
            ("calls_by_caller", (CALLER,), {**PERIOD, "number": CALLED}),
        ),
        ("calls_by_caller(1 h, 'any')", ("calls_by_caller", (CALLER,), PERIOD)),
        (
            "calls_to_number(0)",
            ("calls_to_number", (CALLED,), {"since": RECEIVED, "before": RECEIVED}),
        ),
        ("calls_to_campaign(1 h)", ("calls_to_campaign", ("Sale",), PERIOD)),
        ("calls_to_number(1 h)", ("calls_to_number", (CALLED,), PERIOD)),
        ("callers_to_number(1 h)", ("callers_to_number", (CALLED,), PERIOD)),
    ],
)
def test_earlier_calls_are_asked_of_the_history(text: str, asked: Any) -> None:
    history = AskedHistory()
    assert value_of(text, facts_of(history=history, now=RECEIVED + 60)) == Decimal(3)
    assert history.asked == [asked]


def test_short_calls_are_counted_up_to_now() -> None:
    history = AskedHistory()
    facts = facts_of(history=history, now=RECEIVED + 60)
    text = (
        "short_calls(1 h, 10 s) + short_calls(1 h, 10 s, 'publisher') + short_calls(1, 1, 'number')"
    )
    assert value_of(text, facts) == Decimal(9)
    assert [more for _name, _args, more in history.asked[:2]] == [
        {"since": RECEIVED - 3600, "before": RECEIVED + 60, "below_seconds": 10.0, **whose}
        for whose in ({"caller": CALLER}, {"publisher": "p1"})
    ]


@pytest.mark.parametrize(
    "text",
    [
        "calls_by_caller(1 h)",
        "short_calls(1 h, 10 s)",
        "calls_by_caller(1 h, 'publisher')",
        "calls_to_number(0 - 5)",
        "calls_to_number(1 / 0)",
        "short_calls(1 h, 1 / 0)",
    ],
)
def test_without_a_caller_publisher_or_period_nothing_is_known(text: str) -> None:
    history = AskedHistory()
    assert value_of(text, facts_of(caller="", publisher=None, history=history)) is None
    assert history.asked == []


# Records.

_NAMES = (
    *FACTS,
    "binding.website",
    "answer.zip",
    "var.score",
    "lookup.bid.price",
    "caller.segment",
)


@given(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=10, unique=True), st.booleans())
def test_facts_come_back_from_a_record(names: list[str], has_ended: bool) -> None:
    facts = facts_of(signalling=SIGNALLING, parameters={"website": "one"})
    facts.set("answer.zip", "85004")
    facts.set("var.score", "85004")
    facts.set("lookup.bid.price", "1.50")
    if has_ended:
        facts.end(ended())
    noting = Noting(facts)
    found = [noting.fact(name) for name in names]
    recorded = RecordedFacts(json.loads(json.dumps(noting.inputs)))
    assert [recorded.fact(name) for name in names] == found
    assert [type(recorded.fact(name)) for name in names] == [type(value) for value in found]


def test_a_payout_can_be_decided_again_from_its_record() -> None:
    facts = facts_of(history=AskedHistory(0))
    facts.end(ended())
    text = "in_region('State Level') and talk_seconds > 2 min and calls_by_caller(30 days) = 0"
    noting = facts.noting()
    assert evaluate(expression(text), noting) is True
    recorded = RecordedFacts(json.loads(json.dumps(noting.inputs)))
    assert evaluate(expression(text), recorded) is True


_ARGUMENTS = st.none() | st.text() | st.booleans() | st.decimals()


@given(st.sampled_from(sorted(_FUNCTIONS)), st.lists(_ARGUMENTS, max_size=3))
def test_functions_take_any_arguments(name: str, arguments: list[Value]) -> None:
    facts = facts_of(campaign=CAMPAIGN)
    facts.end(ended())
    value = facts.function(name, tuple(arguments))
    assert value is None or isinstance(value, bool | Decimal)
