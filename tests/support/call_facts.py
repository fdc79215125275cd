"""Facts of a call for tests, with everything about it that a test does not say."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from config.model import (
    Campaign,
    Configuration,
    Hours,
    NumberList,
    PrefixTable,
    Region,
    Switch,
    Value,
)
from config.tables.schedule import parse_schedule
from softswitch.campaign.evaluate import evaluate
from softswitch.campaign.facts import CallEnd, CallFacts, CallHistory, PresentedFacts
from softswitch.campaign.history import NoHistory
from softswitch.campaign.tables import Tables
from tests.support.expressions import expression

ZONE = "America/Los_Angeles"
CALLER = "+14155550100"
CALLED = "+18666831950"


def at(text: str) -> float:
    """A time in California as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()


RECEIVED = at("2026-11-20 09:30:00")


def configuration(**more: Any) -> Configuration:
    """Hours `office`, region `State Level`, list `vip`, and a table of lines."""
    office = Hours("office", ZONE, parse_schedule("Mon-Fri 8-12").spans)
    parts: dict[str, Any] = {
        "switch": Switch(),
        "trunks": {},
        "numbers": (),
        "pools": {},
        "campaigns": {},
        "treatments": {},
        "hours": {"office": office},
        "regions": {"State Level": Region("State Level", states=frozenset({"CA"}))},
        "lists": {"vip": NumberList("vip", frozenset({CALLER}), ("+1900",))},
        "tables": {
            "lines": PrefixTable(
                "lines", ("type", "segment", "zip"), {"1415555": ("mobile", "gold", "94102")}
            )
        },
    }
    return Configuration(**{**parts, **more})


CONFIGURATION = configuration()
TABLES = Tables(CONFIGURATION)
CAMPAIGN = Campaign("Sale", "t", publisher="p1", hours="office")


def facts_of(
    *,
    campaign: Campaign = CAMPAIGN,
    history: CallHistory | None = None,
    now: float = RECEIVED,
    signalling: Mapping[str, Any] | None = None,
    **presented: Any,
) -> CallFacts:
    """The facts of a call from California at half past nine."""
    told = {
        "caller": CALLER,
        "called_number": CALLED,
        "called": "8666831950",
        "received_at": RECEIVED,
        "trunk": "carrier",
        "publisher": "p1",
        "signalling": signalling or {},
        **presented,
    }
    return CallFacts(
        CONFIGURATION, campaign, PresentedFacts(**told), TABLES, history or NoHistory(), lambda: now
    )


def ended(**more: Any) -> CallEnd:
    """A call that rang 5 s, was talked on for 130 s and hung up by its caller."""
    told: dict[str, Any] = {
        "received": 100.0,
        "originated": 110.0,
        "answered": 115.0,
        "calling_ended": 245.0,
        "called_ended": 245.5,
        "ivr_seconds": 10.0,
        "ring_seconds": 5.0,
        "talk_seconds": 130.0,
        "total_seconds": 145.0,
        "ended_by": "calling",
        "cause": "hang_up",
        "status": 200,
        "destination": "+16025551234",
        "bridged": True,
    }
    return CallEnd(**{**told, **more})


def value_of(text: str, facts: CallFacts) -> Value:
    """The value of an expression on the facts."""
    return evaluate(expression(text), facts)
