"""Distribute: give the call to a campaign that takes it, and go on with its treatment."""

from __future__ import annotations

from decimal import Decimal

from config.model import CampaignShare, Distribute, Node, Treatment, Value
from ivr.entry import enter, find_fraud
from ivr.journey import Journey
from softswitch.call.events import DestinationsChosen
from softswitch.routing.distribution import Candidate, arrange


async def run_distribute(journey: Journey, node: Distribute) -> tuple[Node, ...] | Treatment:
    """Choose among the campaigns that take the call; the node's other steps when none does."""
    shares = [share for share in node.campaigns if _takes(journey, share)]
    services = journey.services
    turn = 0
    if node.policy == "round_robin":
        turn = services.distribution.turn(f"{journey.treatment}/{node.name}")
    arranged = arrange(
        node.policy,
        [_candidate(journey, share, node.policy) for share in shares],
        turn=turn,
        draw=services.draw,
    )
    names = tuple(shares[place].campaign for place in arranged.order)
    journey.call.emit(
        DestinationsChosen,
        node=node.name,
        policy=node.policy,
        destinations=names,
        inputs=arranged.inputs,
    )
    for name in names:
        campaign = journey.configuration.campaigns[name]
        if journey.reserve(campaign):
            journey.choose_campaign(node.name, campaign, node.policy)
            journey.give(counted_name(name))
            return journey.configuration.treatments[journey.call.campaign.treatment]
    return node.otherwise


def counted_name(campaign: str) -> str:
    """What the distribution memory calls a campaign; no destination is called so."""
    return f"campaign {campaign}"


def _takes(journey: Journey, share: CampaignShare) -> bool:
    """Whether the share's condition holds, the campaign is open and the caller no stranger to
    it."""
    if not journey.holds("campaign", share.campaign, share.when):
        return False
    entry = enter(
        journey.configuration,
        journey.configuration.campaigns[share.campaign],
        journey.facts,
        fraud=find_fraud(journey),
        note=journey.note,
    )
    return not entry.why


def _candidate(journey: Journey, share: CampaignShare, policy: str) -> Candidate:
    campaign = journey.configuration.campaigns[share.campaign]
    price: Value = campaign.price
    if policy == "price" and share.price is not None:
        price = journey.decide("campaign", share.campaign, share.price)
    concurrent = [int(cap.limit) for cap in campaign.caps if cap.kind == "concurrent"]
    return Candidate(
        name=share.campaign,
        weight=share.weight,
        price=price if isinstance(price, Decimal) else None,
        max_calls=min(concurrent, default=None),
        served=journey.services.distribution.served(counted_name(share.campaign)),
    )
