"""What a ring pool was asked for of late, measured in the tables of `softswitch.store.bindings`."""

from __future__ import annotations

from ringpool.protocols import PoolUse
from softswitch.store.postgres.database import Connection

__all__ = ["HOUR_SECONDS", "measured_use"]

HOUR_SECONDS = 3600
USE_HOURS = 24 * 14
"""How far back measured use looks: two of every day of the week."""

_USE = """
WITH seen AS (
    SELECT bound, overflowed FROM ring_hours WHERE pool = $1 AND hour >= $2
), dwell AS (
    SELECT greatest(seen_at, coalesce(called_at, seen_at)) - bound_at AS seconds
    FROM ring_bindings WHERE pool = $1 AND ended_at >= $3
    UNION ALL
    SELECT greatest(seen_at, coalesce(called_at, seen_at)) - bound_at
    FROM ring_numbers WHERE pool = $1 AND binding_id IS NOT NULL
)
SELECT
    (SELECT count(*) FROM seen) AS hours,
    (SELECT coalesce(max(bound + overflowed), 0) FROM seen)::bigint AS busiest,
    (SELECT coalesce(sum(overflowed), 0) FROM seen)::bigint AS overflowed,
    (SELECT coalesce(sum(bound + overflowed), 0) FROM seen)::bigint AS asked,
    (SELECT coalesce(avg(seconds), 0) FROM dwell)::float8 AS dwell,
    (SELECT count(*) FROM ring_numbers WHERE pool = $1) AS size,
    (SELECT count(*) FROM ring_numbers WHERE pool = $1 AND binding_id IS NOT NULL) AS in_use
"""


async def measured_use(connection: Connection, pool: str) -> PoolUse:
    """Of one pool, in the last two weeks."""
    now = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    first = int(now // HOUR_SECONDS) - USE_HOURS
    row = await connection.fetchrow(_USE, pool, first, float(first * HOUR_SECONDS))
    assert row is not None
    return PoolUse(**dict(row))
