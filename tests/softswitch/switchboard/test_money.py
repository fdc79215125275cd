"""Calls told by their events: what they are rated and paid, and what follows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from config.model import Campaign, Cap
from softswitch.call.events import (
    AnswerGiven,
    CallAnswered,
    CallEnded,
    CallPaid,
    CallRated,
    CampaignChosen,
    CapReached,
    DecisionMade,
    FraudDetected,
    LegEnded,
    LegQuality,
)
from softswitch.campaign.caps import CapExceeded
from softswitch.campaign.evaluate import RecordedFacts, evaluate
from softswitch.campaign.fraud import Ban, FraudList
from tests.support.call_facts import CALLED, CALLER, RECEIVED
from tests.support.earning import REPEAT, History, campaign, fraud, payout, rating
from tests.support.expressions import expression
from tests.support.money_bench import Bench

BABY_FANS = campaign(
    rating=rating(('caller.line_type = "mobile" or keyword("friend")', "high"), (None, "low")),
    payout=payout(('rating = "high"', "5.00"), ('rating = "low"', "1.00"), repeat=REPEAT),
)


def test_a_mobile_caller_is_rated_at_once_and_earns_five_dollars() -> None:
    bench = Bench()
    call = bench.present(BABY_FANS)
    assert bench.ratings == ["high"]
    assert call.facts.fact("rating_score") == 90
    call.bridge().after(60)
    assert call.end()
    assert (bench.paid.amount, bench.paid.currency) == ("5.00", "USD")
    assert [rule["name"] for rule in bench.paid.rules] == ["base-1"]
    assert bench.ratings == ["high"]


def test_a_repeat_caller_earns_nothing() -> None:
    bench = Bench()
    bench.present(BABY_FANS, history=History(1)).bridge().end()
    assert bench.paid.amount == "0.00"
    assert ("repeat", {"number": "1"}) in bench.decided("payout")


def test_what_a_call_earned_is_told_before_it_ends() -> None:
    bench = Bench()
    bench.present(BABY_FANS).bridge().end()
    kinds = [type(event) for event in bench.events]
    assert kinds.index(CallRated) == 2
    assert kinds.index(CallPaid) < kinds.index(CallEnded) == len(kinds) - 1
    assert [event.number for event in bench.events] == list(range(1, len(kinds) + 1))


def test_an_answer_changes_the_rating_and_only_a_change_is_told() -> None:
    bench = Bench()
    rules = rating(('answer.zip = "94102"', "high"), ("answer.zip is known", 40), (None, "low"))
    call = bench.present(campaign(rating=rules))
    for zip_code in ("10001", "10002", "94102"):
        call.facts.set("answer.zip", zip_code)
        call.call.emit(AnswerGiven, node="zip", value=zip_code)
    assert bench.ratings == ["low", "40", "high"]


def test_the_rating_at_the_end_knows_how_long_was_talked() -> None:
    bench = Bench()
    call = bench.present(campaign(rating=rating(("talk_seconds > 60", "high"), (None, "low"))))
    call.bridge().after(61).end()
    assert bench.ratings == ["low", "high"]


def test_another_campaign_brings_its_own_rating_and_payout() -> None:
    bench = Bench()
    call = bench.present(BABY_FANS)
    other = campaign("Other", rating=rating((None, 7)), payout=payout((None, "2.00")))
    call.facts.campaign = other
    call.call.campaign = other
    call.call.emit(CampaignChosen, node="share", campaign="Other", policy="weighted")
    call.bridge().end()
    assert bench.ratings == ["high", "7"]
    assert bench.paid.amount == "2.00"


@pytest.mark.parametrize(
    ("start", "until", "seconds"),
    [
        ("receipt", "calling", "67"), ("origination", "calling", "65"), ("answer", "calling", "60"),
        ("receipt", "called", "70"), ("origination", "called", "68"), ("answer", "called", "63"),
        ("receipt", "both", "70"), ("origination", "both", "68"), ("answer", "both", "63"),
        ("receipt", "either", "67"), ("origination", "either", "65"), ("answer", "either", "60"),
    ],
)  # fmt: skip
def test_each_of_the_twelve_durations_can_be_paid(start: str, until: str, seconds: str) -> None:
    bench = Bench()
    priced = payout((None, f'duration("{start}", "{until}")'), maximum=Decimal(1000))
    call = bench.present(campaign(payout=priced)).after(2).bridge().after(60)
    call.call.emit(LegEnded, leg="a", status=200, q850=16, cause="x", quality=LegQuality())
    call.after(3).call.emit(
        LegEnded, leg="b1", status=200, q850=16, cause="x", quality=LegQuality()
    )
    bench.money.at_end(call.call, "calling", "x", 0.0)
    assert Decimal(bench.paid.amount) == Decimal(seconds)


def test_the_seconds_paid_for_are_those_of_the_record() -> None:
    bench = Bench()
    call = bench.present(BABY_FANS)
    call.after(1).call.emit(CallAnswered, leg="a", codec="PCMU")
    call.after(10).bridge().after(130).end()
    ending = call.facts.ending
    assert ending is not None
    assert (ending.ivr_seconds, ending.ring_seconds, ending.talk_seconds) == (10, 5, 130)
    assert (ending.total_seconds, ending.destination, ending.status) == (146, "+16025551234", 200)


def test_a_campaign_without_payout_tells_none() -> None:
    bench = Bench()
    assert bench.present(campaign()).bridge().end()
    assert bench.of(CallPaid) == []


@pytest.mark.parametrize(("about", "result"), [("fraud", "busy"), ("blocked", "vip")])
def test_a_call_that_was_rejected_earns_nothing(about: str, result: str) -> None:
    bench = Bench()
    call = bench.present(campaign(payout=payout((None, "5.00"))))
    call.call.emit(DecisionMade, about=about, rule="r", expression="", inputs={}, result=result)
    call.end("switch")
    assert (bench.paid.amount, bench.paid.rules) == ("0.00", ())


def test_a_caller_who_is_in_no_list_is_not_rejected() -> None:
    bench = Bench()
    call = bench.present(campaign(payout=payout((None, "5.00"))))
    call.call.emit(DecisionMade, about="blocked", rule="r", expression="", inputs={}, result=None)
    call.bridge().end()
    assert bench.paid.amount == "5.00"


def test_a_call_that_was_never_bridged_earns_nothing_and_says_why() -> None:
    bench = Bench()
    bench.present(campaign(payout=payout((None, "5.00")))).end()
    assert (bench.paid.amount, list(bench.paid.rules)) == ("0.00", [])
    assert bench.decided("connected") == [("connected", False)]
    assert bench.decided("payout") == []


def test_a_campaign_may_pay_for_calls_that_it_calls_conversions() -> None:
    bench = Bench()
    survey = campaign(conversion=expression("total_seconds >= 0"), payout=payout((None, "5.00")))
    bench.present(survey).end()
    assert bench.paid.amount == "5.00"


def test_the_campaigns_conversion_is_decided_once_and_known_to_the_payout() -> None:
    bench = Bench()
    sold = campaign(conversion=expression("talk_seconds > 90"), payout=payout(("converted", "9")))
    assert not bench.present(sold).bridge().after(30).end()
    assert bench.decided("conversion") == [("conversion", False)]
    assert bench.paid.amount == "0.00"


def test_decisions_hold_all_that_is_needed_to_make_them_again() -> None:
    bench = Bench()
    rules = campaign(
        rating=rating(('in_region("State Level")', "high"), (None, "low")),
        payout=payout(('rating = "low"', "1"), ('rating = "high" and talk_seconds > 60', "5.00")),
    )
    bench.present(rules).bridge().after(61).end()
    again = [
        evaluate(expression(one.expression), RecordedFacts(one.inputs)) is one.result
        for one in bench.of(DecisionMade)
    ]
    assert again == [True] * 3


def test_what_later_results_may_ask_for_is_kept_whether_or_not_it_was_looked_at() -> None:
    bench = Bench()
    later = payout(("result.sale and talk_seconds > 60", "5.00"), (None, "1.00"))
    bench.present(campaign(payout=later)).bridge().after(61).end()
    (kept,) = [one for one in bench.of(DecisionMade) if one.about == "results"]
    assert kept.inputs == {"result.sale": None, "talk_seconds": "61.000"}


# Credit.


class Desk:
    """A credit desk that writes down what it is asked; it lets nobody through when it is full."""

    def __init__(self, *, full: bool = False, held: bool = True) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.settled: list[dict[str, Any]] = []
        self.full = full
        self.held = held

    def presented(self, campaign: Campaign, publisher: str | None) -> None:
        self.asked.append(("presented", campaign.name, publisher))

    def holds(self, call_id: str, campaign: str) -> bool:
        return self.held

    def take(self, campaign: Campaign, **about: Any) -> object:
        self.asked.append(("take", campaign.name, about["budgets_only"]))
        if self.full:
            return CapExceeded("budget", campaign.name, campaign.name, "100", None)
        return object()

    def settle(
        self,
        call_id: str,
        *,
        connected: bool,
        converted: Callable[[str, Cap], bool],
        amounts: dict[str, Decimal],
    ) -> None:
        caps = {
            name: converted("Sale", Cap(name, "daily", Decimal(1), conversion=condition))
            for name, condition in (("own", expression("talk_seconds > 10")), ("default", None))
        }
        self.settled.append({"connected": connected, "caps": caps, "amounts": amounts})


def test_at_the_end_the_caps_are_told_what_to_count() -> None:
    desk = Desk()
    bench = Bench(credit=desk)
    bench.present(BABY_FANS).bridge().after(5).end()
    assert desk.asked == [("presented", "Sale", "p1")]
    assert desk.settled == [
        {
            "connected": True,
            "caps": {"own": False, "default": True},
            "amounts": {"Sale": Decimal("5.00")},
        }
    ]
    assert bench.decided("cap") == [("own", False)]


def test_a_call_that_earns_without_a_leg_has_to_find_room_in_the_budget() -> None:
    desk = Desk(held=False, full=True)
    bench = Bench(credit=desk)
    counted = campaign(conversion=expression("total_seconds >= 0"), payout=payout((None, "5.00")))
    bench.present(counted).end()
    assert bench.paid.amount == "0.00"
    assert [rule["name"] for rule in bench.paid.rules] == ["base-1", "cap budget"]
    assert sum(Decimal(rule["amount"]) for rule in bench.paid.rules) == 0
    assert [event.cap for event in bench.of(CapReached)] == ["budget"]


def test_both_campaigns_of_a_syndicated_call_expect_credit_and_one_pays() -> None:
    desk = Desk()
    bench = Bench(credit=desk)
    original = campaign("Original", payout=payout((None, "9.00")))
    shared = campaign("Shared", payout=payout((None, "5.00")), syndicates="Original")
    bench.present(shared, served=original).bridge().end()
    assert [name for _, name, _ in desk.asked] == ["Shared", "Original"]
    assert desk.settled[0]["amounts"] == {"Shared": Decimal("5.00")}
    assert bench.paid.amount == "5.00"


# Fraud.


class Sink:
    def __init__(self) -> None:
        self.bans: list[Ban] = []

    def put(self, bans: Any) -> None:
        self.bans.extend(bans)


def test_a_threshold_that_is_crossed_is_told_and_rejects_the_following_calls() -> None:
    bans, sink = FraudList(), Sink()
    bench = Bench(fraud=bans, bans=sink)
    rule = fraud("too short", "talk_seconds < 3 and calls_by_caller(1 h) >= 2", seconds=600.0)
    guarded = campaign(fraud=(rule,))
    bench.present(guarded, history=History(2)).bridge().after(2).end()
    (event,) = bench.of(FraudDetected)
    assert (event.rule, event.who, event.value, event.seconds) == (
        "too short", "caller", CALLER, 600.0,
    )  # fmt: skip
    who: dict[str, Any] = {"caller": CALLER, "publisher": "p1", "number": CALLED}
    assert bans.blocked(guarded, **who, at=RECEIVED + 500) is rule
    assert [ban.value for ban in sink.bans] == [CALLER]
    assert bench.decided("threshold") == [("too short", True)]


def test_a_rejected_call_crosses_no_threshold() -> None:
    bench = Bench(fraud=FraudList())
    call = bench.present(campaign(fraud=(fraud("always", "true"),)))
    call.call.emit(DecisionMade, about="fraud", rule="r", expression="", inputs={}, result="busy")
    call.end("switch")
    assert bench.of(FraudDetected) == []


def test_nothing_is_kept_of_calls_that_have_ended() -> None:
    bench = Bench()
    bench.present(BABY_FANS).bridge().end()
    assert bench.money._open == {}
