"""What the allocation service makes of a configuration: made once, beside the loop, for a
configuration with many numbers takes a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.model import Configuration, Pool
from ringpool.rules import rules_of
from ringpool.values import PoolRules

__all__ = ["PoolPlan", "PoolPlans"]


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """One pool."""

    pool: Pool
    rules: PoolRules
    publisher: str | None
    """Who is credited when a binding names nobody."""


@dataclass(frozen=True, slots=True)
class PoolPlans:
    """All pools of a configuration."""

    pools: Mapping[str, PoolPlan]
    country: str
    publishers: Mapping[str, str | None]
    """Who is credited for calls to a number with fixed values, by number."""

    @classmethod
    def of(cls, configuration: Configuration) -> PoolPlans:
        """Those of a configuration."""
        campaigns = configuration.campaigns
        publishers: dict[str, str | None] = {}
        for number in configuration.numbers if configuration.pools else ():
            campaign = campaigns.get(number.campaign)
            publishers[number.pattern] = number.publisher or (
                campaign.publisher if campaign else None
            )
        rules = rules_of(configuration)
        pools = {
            pool.name: PoolPlan(pool, rules[pool.name], _publisher(configuration, pool))
            for pool in configuration.pools.values()
        }
        return cls(pools, configuration.switch.country, publishers)


def _publisher(configuration: Configuration, pool: Pool) -> str | None:
    campaign = configuration.campaigns.get(pool.campaign or "")
    return pool.publisher or (campaign.publisher if campaign else None)
