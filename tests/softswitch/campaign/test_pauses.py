"""What is paused stands in the way of just that."""

from __future__ import annotations

import pytest

from softswitch.campaign.pauses import PAUSED, Pause, Pauses

ONE, TWO = "+16025550001", "+16025550002"


def paused(campaign: str, destination: str, why: str = "") -> Pauses:
    return Pauses([Pause(campaign, destination, "ann", 0.0, why)])


@pytest.mark.parametrize(
    ("campaign", "destination", "refused"),
    [
        ("sale", "", {("sale", ONE), ("sale", TWO), ("sale", None)}),
        ("sale", ONE, {("sale", ONE)}),
        ("", ONE, {("sale", ONE), ("other", ONE)}),
    ],
)
def test_only_what_is_paused_gets_no_calls(
    campaign: str, destination: str, refused: set[tuple[str, str | None]]
) -> None:
    pauses = paused(campaign, destination)
    found = {
        (name, where)
        for name in ("sale", "other")
        for where in (ONE, TWO, None)
        if pauses.in_the_way((name,), where) is not None
    }
    assert found == refused


def test_either_campaign_of_a_syndicated_call_may_be_paused() -> None:
    assert paused("original", "").in_the_way(("syndicated", "original"), ONE)
    assert not paused("third", "").in_the_way(("syndicated", "original"), ONE)


def test_a_paused_destination_leaves_others_and_a_paused_campaign_none() -> None:
    exceeded = paused("sale", ONE, "holiday").in_the_way(("sale",), ONE)
    assert exceeded is not None
    assert (exceeded.cap, exceeded.scope, exceeded.elsewhere) == (PAUSED, ONE, True)
    assert exceeded.why == "holiday"
    exceeded = paused("sale", "").in_the_way(("sale",), ONE)
    assert exceeded is not None
    assert (exceeded.scope, exceeded.elsewhere, exceeded.why) == ("sale", False, "paused by ann")


def test_what_is_resumed_is_in_nobodys_way() -> None:
    pauses = paused("sale", ONE)
    assert pauses
    assert pauses.remove("sale", "") is None
    assert pauses.remove("sale", ONE) is not None
    assert not pauses
    assert pauses.in_the_way(("sale",), ONE) is None
