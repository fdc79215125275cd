"""From the configuration of pools and stocks to what the algorithm and the store have to know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.model import Configuration, Pool
from ringpool.attributes import attributes_of, lowered
from ringpool.protocols import Holding, Holdings
from ringpool.values import PoolRules

__all__ = ["end_of_pool", "holdings_of", "rules_of"]


def end_of_pool(pool: Pool, time_zone: str) -> float | None:
    """The midnight after a pool's last day, in seconds since the epoch; None: it is open."""
    if pool.ends is None:
        return None
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.combine(pool.ends + timedelta(days=1), time(), UTC).timestamp()
    return datetime.combine(pool.ends + timedelta(days=1), time(), zone).timestamp()


def rules_of(configuration: Configuration) -> Mapping[str, PoolRules]:
    """The rules of every pool, by name."""
    fixed: dict[str, dict[tuple[str, ...], str]] = {name: {} for name in configuration.pools}
    for number in configuration.numbers:
        pool = configuration.pools.get(number.pool or "")
        if pool is None or number.dynamic or number.kind != "exact":
            continue
        if number.pattern == pool.overflow:
            continue  # it is live, but stands for no values
        values = tuple(number.parameters.get(name, "") for name in pool.parameters)
        # Of several numbers with the same values the first is the one given out.
        fixed[pool.name].setdefault(values, number.pattern)
    time_zone = configuration.switch.time_zone
    return {
        pool.name: _rules(pool, fixed[pool.name], time_zone)
        for pool in configuration.pools.values()
    }


def _rules(pool: Pool, fixed: Mapping[tuple[str, ...], str], time_zone: str) -> PoolRules:
    reserve = pool.reserve
    return PoolRules(
        name=pool.name,
        kind=pool.kind,
        policy=pool.policy,
        minimum_lifetime=pool.minimum_lifetime_seconds,
        maximum_size=pool.maximum_size,
        stock=pool.stock,
        overflow=pool.overflow,
        cooldown=pool.cooldown_seconds,
        period=pool.period_seconds,
        ends_at=end_of_pool(pool, time_zone),
        reserve=None if reserve is None else reserve.seconds,
        reserve_below=None if reserve is None else reserve.until_calls_below,
        idle=pool.idle_seconds,
        attributes=lowered(pool.attributes),
        fixed=fixed,
    )


def holdings_of(configuration: Configuration) -> Holdings:
    """The numbers that the store must have: those of stocks, and those that pools allocate.

    A number that is an overflow number, or has values of its own, is not allocated; one that stands
    in two places belongs to the pool, or to the first stock.
    """
    taken = {pool.overflow for pool in configuration.pools.values()}
    held: dict[str, Holding] = {}
    for position, number in enumerate(configuration.numbers):
        if number.dynamic and number.pool is not None and number.pattern not in taken:
            attributes = attributes_of(number.pattern, number.attributes)
            held[number.pattern] = Holding(number.pattern, position, None, number.pool, attributes)
        else:
            taken.add(number.pattern)
    for stock in configuration.stocks.values():
        for position, spare in enumerate(stock.numbers):
            if spare.number not in taken and spare.number not in held:
                attributes = attributes_of(spare.number, spare.attributes)
                held[spare.number] = Holding(spare.number, position, stock.name, None, attributes)
    pools = {pool.name: pool.stock for pool in configuration.pools.values()}
    return Holdings(pools, tuple(held.values()))
