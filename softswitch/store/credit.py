"""Credit of caps in PostgreSQL: counts, leases of nodes, the one transaction that decides.

The rows of the counts concerned are locked in one order, the pure `grant` decides on each report,
everything is written back, and nodes are notified when somebody found nothing. Knows the shape of
the tables and no rule of the caps.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from config.model import Campaign
from softswitch.campaign.caps import CountKey, Grant, Lease, Report, grant, needs, settled
from softswitch.campaign.ledger import LEASE_SECONDS
from softswitch.store.postgres.database import Connection, Database
from softswitch.store.postgres.errors import DatabaseAway
from softswitch.switchboard.credit_protocols import Synced

logger = logging.getLogger(__name__)

__all__ = ["CreditStore", "charge"]

WANTED = "cap_wanted"
FREED = "cap_freed"

SYNC_SECONDS = 5.0
"""How long a transaction may take; longer and the database counts as away."""

MAX_PAYLOAD = 7000
"""Bytes of a notification; PostgreSQL takes just under 8000. Names longer than that ask nobody."""

KEPT_SECONDS = 40 * 86400
"""How long counts of periods that are over are kept, to be looked at."""

CHARGE_TRIES = 6
LEND_SECONDS = 0.3
"""How often, and how far apart, a charge looks for what nodes give back when asked."""

MAX_SWEPT = 1000
"""Counts removed at once."""

SWEEP_SECONDS = 600.0
"""How often they are."""

_Key = tuple[str, str, str, int]

_ASKED = """
unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS asked (campaign, cap, scope, period)
"""
_JOINED = f"""
JOIN {_ASKED} USING (campaign, cap, scope, period)
"""
_MAKE = """
INSERT INTO cap_counts (campaign, cap, scope, period, ends)
SELECT campaign, cap, scope, period, ends
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
    AS asked (campaign, cap, scope, period, ends)
ON CONFLICT DO NOTHING
"""
_LOCK = f"""
SELECT campaign, cap, scope, period, used FROM cap_counts {_JOINED}
ORDER BY campaign, cap, scope, period FOR UPDATE OF cap_counts
"""
_EXPIRE = f"""
DELETE FROM cap_leases USING {_ASKED}
WHERE cap_leases.campaign = asked.campaign AND cap_leases.cap = asked.cap
    AND cap_leases.scope = asked.scope AND cap_leases.period = asked.period
    AND NOT lasting AND expires_at < clock_timestamp()
    AND NOT (node = $5 AND process = $6)
"""
_LEASES = f"""
SELECT campaign, cap, scope, period, node = $5 AND process = $6 AS ours, granted, counted, returned
FROM cap_leases {_JOINED}
"""
_COUNT = """
UPDATE cap_counts SET used = said.used
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::numeric[])
    AS said (campaign, cap, scope, period, used)
WHERE cap_counts.campaign = said.campaign AND cap_counts.cap = said.cap
    AND cap_counts.scope = said.scope AND cap_counts.period = said.period
"""
_LEASE = """
INSERT INTO cap_leases (
    campaign, cap, scope, period, node, process, granted, counted, returned, lasting, expires_at
)
SELECT campaign, cap, scope, period, $5, $6, granted, counted, returned, lasting,
    clock_timestamp() + make_interval(secs => seconds)
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[],
    $7::numeric[], $8::numeric[], $9::numeric[], $10::boolean[], $11::float8[]
) AS said (campaign, cap, scope, period, granted, counted, returned, lasting, seconds)
ON CONFLICT (campaign, cap, scope, period, node, process) DO UPDATE SET
    granted = excluded.granted, counted = excluded.counted, returned = excluded.returned,
    lasting = excluded.lasting, expires_at = greatest(cap_leases.expires_at, excluded.expires_at)
"""
_NODES = """
SELECT (SELECT count(*) FROM nodes WHERE expires_at > clock_timestamp()) AS nodes,
    extract(epoch FROM clock_timestamp())::float8 AS at
"""
_SPEAK = """
INSERT INTO cap_nodes (node, process) VALUES ($1, $2)
ON CONFLICT (node) DO UPDATE SET process = greatest(cap_nodes.process, excluded.process)
"""
_SPEAKER = "SELECT process FROM cap_nodes WHERE node = $1 FOR SHARE"
_LEFT = """
SELECT campaign, cap, scope, period, process, granted, counted, returned, lasting
FROM cap_leases WHERE node = $1 AND process < $2
"""
_USE = """
UPDATE cap_counts SET used = used + $5
WHERE campaign = $1 AND cap = $2 AND scope = $3 AND period = $4
"""
_SWEEP = """
DELETE FROM cap_counts WHERE (campaign, cap, scope, period) IN (
    SELECT campaign, cap, scope, period FROM cap_counts
    WHERE ends < extract(epoch FROM now()) - $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


_HELD = f"""
SELECT campaign, cap, scope, period, sum(granted - counted - returned) AS held
FROM cap_leases {_JOINED}
GROUP BY campaign, cap, scope, period
"""


class _SupersededError(Exception):
    """Another process speaks for this node; whatever this one says comes too late."""


class CreditStore:
    """Implements `softswitch.switchboard.credit_protocols.CreditStore` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """To be made before the database is started."""
        self._database = database
        self._process = 0
        self._swept = time.monotonic()

    @property
    def up(self) -> bool:
        """Whether the database answered a moment ago."""
        return self._database.up

    @property
    def process(self) -> int:
        """This process among those of the node, from its first connection on; 0 before."""
        return self._process

    def on_up(self, callback: Callable[[], None]) -> None:
        """Have `callback` called after every (re)connect."""

        async def up() -> None:
            self._process = self._process or self._database.node.epoch
            callback()

        self._database.on_up(up)

    def on_wanted(self, callback: Callable[[CountKey], None]) -> None:
        """Have `callback` called when another node found no credit left."""
        self._listen(WANTED, callback)

    def on_freed(self, callback: Callable[[CountKey], None]) -> None:
        """Have `callback` called when another node gave credit back."""
        self._listen(FREED, callback)

    def _listen(self, channel: str, callback: Callable[[CountKey], None]) -> None:
        def heard(payload: str) -> None:
            try:
                node, key = json.loads(payload)
                if node != self._database.node.id:
                    callback(CountKey(*key))
            except (ValueError, TypeError):
                logger.warning("a notification of %s cannot be read: %.100s", channel, payload)

        self._database.listen(channel, heard)

    async def sync(self, reports: Sequence[Report]) -> Synced | None:
        """Tell what happened and ask for credit, all in one transaction; None: the database is
        away, or it is not known whether it was done."""
        ordered = sorted(reports, key=lambda report: report.key)
        try:
            await self._sweep()
            return await self._database.run(
                lambda work: self._sync(work, ordered), within=SYNC_SECONDS
            )
        except (DatabaseAway, _SupersededError) as error:
            logger.debug("credit was not synchronised: %s", error)
            return None

    async def _sync(self, connection: Connection, reports: Sequence[Report]) -> Synced:
        await self._speak(connection)
        keys = [_key(report.key) for report in reports]
        columns = _columns(keys)
        await connection.execute(_MAKE, *columns, [report.ends for report in reports])
        used = await _lock(connection, columns)
        state = await connection.fetchrow(_NODES)
        assert state is not None
        await connection.execute(_EXPIRE, *columns, *self._self())
        leases = await connection.fetch(_LEASES, *columns, *self._self())
        ours, others = _split(leases)
        nodes = max(1, state["nodes"])
        grants = {
            report.key: grant(
                report,
                used=used[key],
                lease=ours.get(key),
                others=others.get(key, Decimal(0)),
                nodes=nodes,
            )
            for key, report in zip(keys, reports, strict=True)
        }
        await self._write(connection, reports, columns, list(grants.values()))
        if nodes > 1:
            freed = [one.key for one in reports if _frees(one, ours.get(_key(one.key)))]
            await self._tell(connection, FREED, freed)
            await self._tell(connection, WANTED, [key for key, one in grants.items() if one.short])
        return Synced(grants, nodes, state["at"])

    async def _sweep(self) -> None:
        """Remove old counts, now and then."""
        if time.monotonic() - self._swept >= SWEEP_SECONDS:
            self._swept = time.monotonic()
            await self._database.run(
                lambda connection: connection.execute(_SWEEP, KEPT_SECONDS, MAX_SWEPT),
                within=SYNC_SECONDS,
            )

    def _self(self) -> tuple[str, int]:
        return self._database.node.id, self._process

    async def _speak(self, connection: Connection) -> None:
        speaker = await connection.fetchval(_SPEAKER, self._database.node.id)
        if speaker != self._process:
            raise _SupersededError(f"process {speaker} speaks for this node")

    async def _write(
        self,
        connection: Connection,
        reports: Sequence[Report],
        columns: tuple[list[Any], ...],
        grants: Sequence[Grant],
    ) -> None:
        await connection.execute(_COUNT, *columns, [one.used for one in grants])
        await connection.execute(
            _LEASE,
            *columns,
            *self._self(),
            [one.lease.granted for one in grants],
            [one.lease.counted for one in grants],
            [one.lease.returned for one in grants],
            [report.lasting for report in reports],
            [LEASE_SECONDS + (0 if report.lasting else report.longest) for report in reports],
        )

    async def _tell(self, connection: Connection, channel: str, keys: Sequence[CountKey]) -> None:
        """Tell the other nodes, once this is committed."""
        for key in keys:
            payload = json.dumps([self._database.node.id, _key(key)])
            if len(payload.encode()) <= MAX_PAYLOAD:
                await connection.execute("SELECT pg_notify($1, $2)", channel, payload)

    # Processes that are dead.

    async def take_over(self, spent: Callable[[int], Mapping[CountKey, Decimal] | None]) -> bool:
        """Settle what earlier processes of this node left; False: the database is away.

        `spent` gives what a process's calls took in all, by its journal; None: it is not known.
        """
        try:
            left = await self._database.run(
                lambda connection: self._take_over(connection, spent), within=SYNC_SECONDS
            )
        except DatabaseAway as error:
            logger.debug("credit of earlier processes was not settled: %s", error)
            return False
        if left:
            logger.info("credit of %d counts that an earlier process held was settled", left)
        return True

    async def _take_over(
        self, connection: Connection, spent: Callable[[int], Mapping[CountKey, Decimal] | None]
    ) -> int:
        await connection.execute(_SPEAK, *self._self())
        await self._speak(connection)
        rows = await connection.fetch(_LEFT, *self._self())
        await _lock(connection, _columns(sorted({tuple(row)[:4] for row in rows})))
        for row in rows:
            key = CountKey(*tuple(row)[:4])
            lease = Lease(row["granted"], row["counted"], row["returned"])
            totals = spent(row["process"])
            total = None if totals is None else totals.get(key, Decimal(0))
            after = settled(lease, lasting=row["lasting"], spent=total)
            await connection.execute(_USE, *tuple(row)[:4], after.counted - lease.counted)
        await connection.execute(
            "DELETE FROM cap_leases WHERE node = $1 AND process < $2", *self._self()
        )
        return len(rows)


def _frees(report: Report, before: Lease | None) -> bool:
    """Whether a report gives something back."""
    return before is not None and report.lease.returned > before.returned


def _key(key: CountKey) -> _Key:
    return key.campaign, key.cap, key.scope, key.period


def _columns(keys: Sequence[Any]) -> tuple[list[Any], ...]:
    """Rows of keys as the four columns that `unnest` takes."""
    return tuple([key[place] for key in keys] for place in range(4))


async def _lock(connection: Connection, columns: tuple[list[Any], ...]) -> dict[_Key, Decimal]:
    """Lock counts, always in the same order; what of each is used."""
    rows = await connection.fetch(_LOCK, *columns)
    return {tuple(row)[:4]: row["used"] for row in rows}


def _split(rows: Sequence[Any]) -> tuple[dict[_Key, Lease], dict[_Key, Decimal]]:
    """Our leases, and what others hold."""
    ours: dict[_Key, Lease] = {}
    others: dict[_Key, Decimal] = {}
    for row in rows:
        key = tuple(row)[:4]
        lease = Lease(row["granted"], row["counted"], row["returned"])
        if row["ours"]:
            ours[key] = lease
        else:
            others[key] = others.get(key, Decimal(0)) + lease.held
    return ours, others


async def charge(
    database: Database,
    campaign: Campaign,
    *,
    publisher: str | None,
    destination: str | None,
    amount: Decimal,
) -> Decimal:
    """Use so much of a campaign's budgets for what was earned later, or what is left of them; how
    much it was. What nodes hold without need is asked back from them. Raises DatabaseAway."""
    charged = Decimal(0)
    for tries_left in reversed(range(CHARGE_TRIES)):
        more, is_lent = await _charge(
            database,
            campaign,
            publisher=publisher,
            destination=destination,
            amount=amount - charged,
        )
        charged += more
        if charged >= amount or not is_lent or not tries_left:
            break
        await asyncio.sleep(LEND_SECONDS)
    return charged


async def _charge(
    database: Database,
    campaign: Campaign,
    *,
    publisher: str | None,
    destination: str | None,
    amount: Decimal,
) -> tuple[Decimal, bool]:
    """What could be used at once, and whether nodes hold some of what lacks."""

    async def work(connection: Connection) -> tuple[Decimal, bool]:
        state = await connection.fetchrow(_NODES)
        assert state is not None
        asked = needs(
            campaign, publisher=publisher, destination=destination, at=state["at"], longest=0.0
        )
        budgets = sorted((n for n in asked if n.cap.kind == "budget"), key=lambda need: need.key)
        columns = _columns([_key(need.key) for need in budgets])
        await connection.execute(_MAKE, *columns, [need.ends for need in budgets])
        used = await _lock(connection, columns)
        held = {tuple(row)[:4]: row["held"] for row in await connection.fetch(_HELD, *columns)}
        charged = amount
        for need in budgets:
            key = _key(need.key)
            charged = min(charged, need.cap.limit - used[key] - held.get(key, Decimal(0)))
        charged = max(Decimal(0), charged)
        for need in budgets:
            await connection.execute(_USE, *_key(need.key), charged)
        lent = [need.key for need in budgets if held.get(_key(need.key))]
        if charged < amount:
            for count in lent:
                payload = json.dumps(["", _key(count)])
                if len(payload.encode()) <= MAX_PAYLOAD:
                    await connection.execute("SELECT pg_notify($1, $2)", WANTED, payload)
        return charged, bool(lent)

    return await database.run(work, within=SYNC_SECONDS)
