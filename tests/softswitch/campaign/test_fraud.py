from decimal import Decimal
from typing import Any

import pytest

from config.model import Blocked
from softswitch.campaign import fraud as fraud_module
from softswitch.campaign.fraud import Ban, FraudList, banned_by, blocking_list
from tests.support.call_facts import facts_of
from tests.support.earning import campaign, fraud
from tests.support.expressions import GivenFacts

SHORT = fraud("short calls", "short_calls(1 h, 5) >= 3", seconds=600.0, then="ring")
SPREAD = fraud("one caller", "callers_to_number(1 h) < 2", who="publisher")
SALE = campaign(fraud=(SHORT, SPREAD))
WHO: dict[str, Any] = {"caller": "+14155550100", "publisher": "p1", "number": "+18666831950"}


def test_a_threshold_that_is_crossed_bans_the_caller_for_a_while() -> None:
    facts = GivenFacts({"short_calls": Decimal(3), "callers_to_number": Decimal(7)})
    findings, bans = banned_by(SALE, facts, **WHO, at=1000.0)
    assert bans == [Ban("Sale", "short calls", "caller", "+14155550100", 1600.0)]
    assert [(one.rule, one.result) for one in findings] == [
        ("short calls", True),
        ("one caller", False),
    ]


def test_a_call_without_a_publisher_bans_none() -> None:
    facts = GivenFacts({"callers_to_number": Decimal(1)})
    _, bans = banned_by(SALE, facts, **{**WHO, "publisher": None}, at=1000.0)
    assert bans == []


def test_following_calls_are_rejected_until_the_ban_is_over() -> None:
    bans = FraudList()
    bans.put([Ban("Sale", "short calls", "caller", "+14155550100", 1600.0)])
    assert bans.blocked(SALE, **WHO, at=1599.9) is SHORT
    assert bans.blocked(SALE, **WHO, at=1600.0) is None
    assert bans.blocked(SALE, **{**WHO, "caller": "+14155550199"}, at=1000.0) is None
    assert bans.blocked(campaign("Other", fraud=(SHORT,)), **WHO, at=1000.0) is None


def test_a_rule_that_is_gone_from_the_configuration_rejects_nobody() -> None:
    bans = FraudList()
    bans.put([Ban("Sale", "short calls", "caller", "+14155550100", 1600.0)])
    assert bans.blocked(campaign(fraud=(SPREAD,)), **WHO, at=1000.0) is None


def test_a_ban_is_lengthened_and_never_shortened() -> None:
    bans = FraudList()
    bans.put([Ban("Sale", "short calls", "caller", "+14155550100", 1600.0)])
    bans.put([Ban("Sale", "short calls", "caller", "+14155550100", 1200.0)])
    assert [ban.until for ban in bans.bans()] == [1600.0]
    bans.forget(1600.0)
    assert len(bans) == 0


def test_the_list_of_bans_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fraud_module, "MAX_BANS", 10)
    monkeypatch.setattr(fraud_module, "GIVEN_UP", 2)
    bans = FraudList()
    bans.put(Ban("Sale", "r", "caller", str(number), 1000.0 + number) for number in range(50))
    assert len(bans) <= 10
    assert max(ban.until for ban in bans.bans()) == 1049.0


def test_a_caller_in_a_list_is_blocked_by_its_name() -> None:
    blocked = campaign(blocked=Blocked(("none", "vip")))
    assert blocking_list(blocked, facts_of()) == "vip"
    assert blocking_list(blocked, facts_of(caller="+14155550199")) is None
    assert blocking_list(campaign(), facts_of()) is None
