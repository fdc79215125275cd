"""Makes the tables of pools, stocks and numbers agree with the configuration.

Additive: what is new comes, what the configuration no longer has leaves (its binding ends), and
everything else stays as it is, bindings too. Nodes with the same file agree: the second finds the
digest of what the first took over and does nothing. Nodes with different files should not share
numbers that they disagree on: the last to start wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ringpool.protocols import Holdings
from softswitch.store.binding_rows import json_text
from softswitch.store.postgres.database import Connection

__all__ = ["ALL_POOLS", "synchronise"]

ALL_POOLS = "*"
"""Told in place of a pool's name: any may have changed."""

_ADD_POOLS = """
INSERT INTO ring_pools (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING
"""
_ADD_STOCKS = """
INSERT INTO ring_stocks (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING
"""
_LOCK_POOLS = "SELECT FROM (SELECT FROM ring_pools ORDER BY name FOR UPDATE) AS locked"
_LOCK_STOCKS = "SELECT FROM (SELECT FROM ring_stocks ORDER BY name FOR UPDATE) AS locked"

_LISTED = """
CREATE TEMPORARY TABLE ring_listed (
    number text PRIMARY KEY, position integer, stock text, pool text, attributes jsonb
) ON COMMIT DROP
"""

# $1 pools of the configuration, $2 their stocks.
_GONE = """
CREATE TEMPORARY TABLE ring_gone ON COMMIT DROP AS
SELECT n.number FROM ring_numbers n LEFT JOIN ring_listed l USING (number)
WHERE l.number IS NULL
    OR n.stock IS DISTINCT FROM l.stock
    OR (l.stock IS NULL AND n.pool IS DISTINCT FROM l.pool)
    OR (l.stock IS NOT NULL AND n.pool IS NOT NULL AND NOT EXISTS (
        SELECT FROM ring_growing g WHERE g.pool = n.pool AND g.stock = n.stock))
"""
_GROWING = "CREATE TEMPORARY TABLE ring_growing (pool text, stock text) ON COMMIT DROP"

_END_GONE = """
INSERT INTO ring_bindings (pool, version, binding_id, number, owner, publisher, "values", bound_at,
    seen_at, called_at, calls, ended_at, why)
SELECT n.pool, p.version + 1, n.binding_id, n.number, n.owner, n.publisher, n."values", n.bound_at,
    n.seen_at, n.called_at, n.calls, $1, 'withdrawn'
FROM ring_numbers n JOIN ring_gone USING (number) JOIN ring_pools p ON p.name = n.pool
WHERE n.binding_id IS NOT NULL
"""

_DELETE_GONE = "DELETE FROM ring_numbers n USING ring_gone g WHERE n.number = g.number"

_PUT_LISTED = """
INSERT INTO ring_numbers (number, position, stock, pool, attributes, joined_at)
SELECT number, position, stock, pool, attributes, $1 FROM ring_listed
ON CONFLICT (number) DO UPDATE SET position = excluded.position, attributes = excluded.attributes
WHERE (ring_numbers.position, ring_numbers.attributes)
    IS DISTINCT FROM (excluded.position, excluded.attributes)
"""

_SOURCE = """
INSERT INTO ring_source (digest) VALUES ($1) ON CONFLICT (one) DO UPDATE SET digest = $1
"""


async def synchronise(
    connection: Connection, holdings: Holdings, *, clock: Callable[[], float] | None = None
) -> None:
    """Take the configuration's numbers over, inside a transaction."""
    rows = [
        (one.number, one.position, one.stock, one.pool, json_text(one.attributes))
        for one in holdings.numbers
    ]
    digest = hashlib.sha256(json_text((sorted(holdings.pools.items()), rows)).encode()).hexdigest()
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('ring pools'))")
    if await connection.fetchval("SELECT digest FROM ring_source") == digest:
        return
    stocks = {one.stock for one in holdings.numbers if one.stock is not None}
    stocks |= {stock for stock in holdings.pools.values() if stock is not None}
    await connection.execute(_ADD_POOLS, sorted(holdings.pools))
    await connection.execute(_ADD_STOCKS, sorted(stocks))
    await connection.execute(_LOCK_POOLS)
    await connection.execute(_LOCK_STOCKS)
    await _list(connection, holdings, rows)
    now = clock() if clock else await connection.fetchval(
        "SELECT extract(epoch FROM clock_timestamp())::float8"
    )  # fmt: skip
    await connection.execute(_GONE)
    await connection.execute(_END_GONE, now)
    await connection.execute(
        "DELETE FROM ring_numbers n USING ring_gone g WHERE n.number = g.number"
    )
    await connection.execute(_PUT_LISTED, now)
    await connection.execute(
        "UPDATE ring_pools SET version = version + 1, told = version + 1, reloaded = version + 1"
    )
    await connection.execute(_SOURCE, digest)
    await connection.execute(f"SELECT pg_notify('ring_pools', '0 {ALL_POOLS}')")


async def _list(
    connection: Connection,
    holdings: Holdings,
    rows: list[tuple[str, int, str | None, str | None, str]],
) -> None:
    await connection.execute(_LISTED)
    await connection.copy_records_to_table("ring_listed", records=rows)
    await connection.execute(_GROWING)
    growing = [(pool, stock) for pool, stock in holdings.pools.items() if stock is not None]
    await connection.copy_records_to_table("ring_growing", records=growing)
    # The planner knows nothing of tables that have just been made.
    await connection.execute("ANALYZE ring_listed")
