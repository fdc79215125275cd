"""Which counts a configuration will ask credit of: its own first credit is fetched before its first
call. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from config.model import Campaign, Configuration
from softswitch.campaign.caps import destinations_of

__all__ = ["foreseen"]


def foreseen(
    configuration: Configuration,
) -> Iterator[tuple[Campaign, str | None, str | None]]:
    """Campaigns with caps; each with the publishers and destinations that the configuration
    names."""
    capped = [campaign for campaign in configuration.campaigns.values() if campaign.caps]
    publishers: dict[str, set[str | None]] = {}
    for number in configuration.numbers if capped else ():
        publishers.setdefault(number.campaign, set()).add(number.publisher)
    for campaign in capped:
        yield campaign, campaign.publisher, None
        if any(cap.scope == "publisher" for cap in campaign.caps):
            for publisher in publishers.get(campaign.name, ()):
                yield campaign, publisher, None
        for place in destinations_of(configuration, campaign):
            yield campaign, campaign.publisher, place
