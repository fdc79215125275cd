"""What meets a call before its treatment, and what callers who are turned away hear."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from config.model import (
    Blocked,
    Campaign,
    Configuration,
    FraudRule,
    HangUp,
    Hours,
    NumberList,
    OpenTime,
    Prompt,
    Region,
    Treatment,
)
from config.model.expression import Constant, Expression
from ivr import serve as serving
from ivr.entry import Entry, enter
from ivr.serve import serve
from ivr.services import NodeServices
from softswitch.call.events import DecisionMade
from softswitch.campaign.fraud import Ban, FraudList
from tests.support.scripted_call import NOW, ScriptedCall, a_configuration, journey_on

ALWAYS = OpenTime(frozenset(range(7)), 0, 1440)
FANS = Campaign("fans", "main", trunk="carrier")
BLOCKED = replace(FANS, blocked=Blocked(("spam",)))
CLOSED = replace(FANS, hours="closed")
FAR = replace(FANS, regions=("west", "north"))
THRESHOLD = FraudRule("short", Expression("true", Constant(True, "boolean")))


def configuration(*campaigns: Campaign) -> Configuration:
    return a_configuration(
        {name: Treatment(name, (HangUp(name, name),)) for name in ("main", "night", "away")},
        {campaign.name: campaign for campaign in campaigns},
        hours={
            "always": Hours("always", "UTC", (ALWAYS,)),
            "closed": Hours("closed", "UTC", ()),
        },
        regions={
            "west": Region("west", states=frozenset({"CA"})),
            "north": Region("north", states=frozenset({"WA"})),
        },
        lists={"spam": NumberList("spam", frozenset({"+16025550100"}))},
    )


def entered(*campaigns: Campaign, caller: str = "+16025550100", fraud: Any = None) -> Entry:
    made = configuration(*campaigns)
    call = ScriptedCall(configuration=made, campaign=campaigns[0], caller=caller)
    return enter(
        made,
        campaigns[0],
        journey_on(call).facts,
        fraud=lambda one: fraud if one.fraud else None,
        note=lambda *_decision: None,
    )


async def test_an_ordinary_call_gets_the_campaigns_treatment() -> None:
    assert entered(FANS) == Entry("main")
    assert entered(replace(FANS, hours="always")) == Entry("main")


async def test_a_blocked_caller_is_turned_away() -> None:
    assert entered(BLOCKED) == Entry(None, "blocked", "busy")
    assert entered(BLOCKED, caller="+16025550101") == Entry("main")


async def test_fraud_turns_away_as_its_rule_says() -> None:
    rule = replace(THRESHOLD, then="ring")
    assert entered(replace(FANS, fraud=(rule,)), fraud=rule) == Entry(None, "fraud", "ring")
    assert entered(FANS, fraud=rule) == Entry("main")


async def test_after_hours_and_outside_the_regions_there_may_be_a_treatment() -> None:
    assert entered(CLOSED) == Entry(None, "closed")
    assert entered(replace(CLOSED, after_hours="night")) == Entry("night", "closed")
    assert entered(FAR) == Entry(None, "out_of_region")
    assert entered(replace(FAR, outside="away")) == Entry("away", "out_of_region")
    assert entered(FAR, caller="+12065550100") == Entry("main")


async def test_a_syndicated_campaign_is_served_as_its_original_and_both_have_a_say() -> None:
    original = replace(FANS, name="original", treatment="night")
    syndicated = replace(FANS, syndicates="original")
    assert entered(syndicated, original) == Entry("night")
    assert entered(syndicated, replace(original, hours="closed")) == Entry(None, "closed")
    assert entered(replace(syndicated, hours="closed"), original) == Entry(None, "closed")


async def served(
    campaign: Campaign, *others: Campaign, services: NodeServices | None = None
) -> tuple[ScriptedCall, Any]:
    call = ScriptedCall(configuration=configuration(campaign, *others), campaign=campaign)
    journey = journey_on(call, services=services)
    await serve(journey)
    return call, journey


async def test_every_decision_is_told_with_what_it_rests_on() -> None:
    call, _ = await served(replace(FAR, hours="always", blocked=Blocked(("other",))))
    assert call.told(DecisionMade) == [
        ("blocked", "fans", "blocked", {'listed("other")': False}, None),
        ("hours", "fans", 'open("always")', {'open("always")': True}, True),
        ("region", "fans", 'in_region("west")', {'in_region("west")': False}, False),
        ("region", "fans", 'in_region("north")', {'in_region("north")': False}, False),
    ]
    assert call.end_facts == {"ended_by": "switch", "cause": "out_of_region", "status": 480}


async def test_who_is_turned_away_hears_busy_ringing_or_an_announcement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "RING_SECONDS", 0.0)
    call, _ = await served(BLOCKED)
    assert call.end_facts == {"ended_by": "switch", "cause": "blocked", "status": 486}
    call, _ = await served(replace(FANS, blocked=Blocked(("spam",), "ring")))
    assert ("ring", 180) in call.diary
    assert call.end_facts["status"] == 480
    blocked = Blocked(("spam",), "announcement", Prompt(text="go away"))
    call, _ = await served(replace(FANS, blocked=blocked))
    assert call.played == ["go away"]
    assert call.caller.answered


async def test_a_banned_caller_is_turned_away_until_the_ban_ends() -> None:
    bans = FraudList()
    bans.put([Ban("fans", "short", "caller", "+16025550100", NOW + 60)])
    services = NodeServices(fraud=bans)
    call, _ = await served(replace(FANS, fraud=(THRESHOLD,)), services=services)
    assert call.end_facts["cause"] == "fraud"
    call, _ = await served(replace(FANS, name="other", fraud=(THRESHOLD,)), services=services)
    assert call.end_facts["cause"] == "main"


async def test_a_syndicated_call_counts_for_its_own_campaign_and_is_served_by_the_original() -> (
    None
):
    notice = Prompt(text="recorded")
    original = replace(FANS, name="original", treatment="night", notice=notice)
    call, journey = await served(replace(FANS, syndicates="original"), original)
    assert (journey.campaign.name, call.campaign.name) == ("fans", "original")
    assert call.end_facts["cause"] == "night"
    assert journey.notice == notice
