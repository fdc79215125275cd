"""The table of calls: records put in, corrections added. SQL, inside somebody's transaction.

A record goes in word for word as jsonb; the columns that reports look for are taken out of it by
the database, in one place (`_COLUMNS`), for new calls and for new versions alike.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import asyncpg
import msgspec

from softswitch.store.calls_lines import BEGINNING, Line, Place
from softswitch.store.postgres.database import Connection, Database

logger = logging.getLogger(__name__)

T = TypeVar("T")

__all__ = [
    "CALLS_CHANNEL",
    "Inserted",
    "UnknownCall",
    "add_version",
    "insert_lines",
    "note_place",
    "noted_place",
    "replace_lines",
]

CALLS_CHANNEL = "calls_ended"
"""Payload: id of the node, then the calls that it has just put in, as JSON."""

MAX_PAYLOAD = 7900
"""PostgreSQL takes less than 8,000 bytes."""

MAX_NAME = 500
"""Characters of a column with an index, which holds a third of a page at most."""


_ENCODER = msgspec.json.Encoder(decimal_format="number")


class UnknownCall(Exception):
    """No record of that call is in the table, or not yet."""


_TEXT = "left(record ->> '{name}', " + str(MAX_NAME) + ")"
_COLUMNS: Mapping[str, str] = {
    "call_id": "record ->> 'call_id'",
    "version": "(record ->> 'version')::integer",
    "campaign": _TEXT.format(name="campaign"),
    "publisher": _TEXT.format(name="publisher"),
    "number": _TEXT.format(name="number"),
    "called": _TEXT.format(name="called"),
    "caller": _TEXT.format(name="caller"),
    "pool": "record #>> '{binding,pool}'",
    "parameters": "CASE jsonb_typeof(record #> '{binding,parameters}') WHEN 'object' "
    "THEN record #> '{binding,parameters}' ELSE '{}'::jsonb END",
    "received_at": "(record ->> 'received_at')::timestamptz",
    "answered_at": "(record ->> 'answered_at')::timestamptz",
    "ended_at": "(record ->> 'ended_at')::timestamptz",
    "ivr_seconds": "(record ->> 'ivr_seconds')::double precision",
    "ring_seconds": "(record ->> 'ring_seconds')::double precision",
    "talk_seconds": "(record ->> 'talk_seconds')::double precision",
    "total_seconds": "(record ->> 'total_seconds')::double precision",
    "ended_by": "record ->> 'ended_by'",
    "cause": "record ->> 'cause'",
    "rating": "coalesce(record #>> '{rating,rating}', record ->> 'rating')",
    "amount": "(record #>> '{payout,amount}')::numeric",
    "currency": "record #>> '{payout,currency}'",
    "record": "record",
}
"""Each column with the expression that takes it out of the record."""

_INSERT = f"""
INSERT INTO calls (node, {", ".join(_COLUMNS)})
SELECT $1, {", ".join(_COLUMNS.values())}
FROM unnest($2::jsonb[]) AS line (record)
"""

_INSERT_NEW = f"""{_INSERT}
ON CONFLICT (call_id) DO NOTHING
RETURNING call_id, caller, campaign, publisher, number,
    extract(epoch FROM received_at)::double precision AS received_at, talk_seconds
"""

_SET = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "call_id")
_REPLACE = f"{_INSERT} ON CONFLICT (call_id) DO UPDATE SET {_SET}"

_UPDATE = f"""
UPDATE calls SET ({", ".join(_COLUMNS)}) = (
    SELECT {", ".join(_COLUMNS.values())} FROM (SELECT $2::jsonb AS record) AS given
)
WHERE call_id = $1
"""

Inserted = asyncpg.Record
"""What is told about a call that was put in: see `_INSERT_NEW`."""

REFUSED: tuple[type[Exception], ...] = (
    asyncpg.DataError,  # no JSON, no time, no number
    asyncpg.IntegrityConstraintViolationError,  # no call id
    asyncpg.ProgramLimitExceededError,
    ValueError,  # no UTF-8
    RecursionError,  # no end of brackets
)
"""What is wrong with a line, not with the database."""


async def insert_lines(
    connection: Connection, node: str, lines: Sequence[Line]
) -> tuple[list[Inserted], int]:
    """Put records in that are not there yet, and tell the other nodes; the calls that are new, and
    how many lines hold no record."""

    async def insert(texts: Sequence[str]) -> list[Inserted]:
        return list(await connection.fetch(_INSERT_NEW, node, texts))

    new, refused = await _bisected(connection, lines, insert)
    for payload in _payloads(node, new):
        await connection.execute("SELECT pg_notify($1, $2)", CALLS_CHANNEL, payload)
    return new, refused


async def replace_lines(
    connection: Connection, node: str, lines: Sequence[Line]
) -> tuple[int, int]:
    """Put records in, in place of what is there, with their corrections; how many, and how many
    lines hold none."""

    async def replace(texts: Sequence[str]) -> list[str]:
        calls: dict[str, str] = {}
        for text in texts:
            calls.setdefault(_call_id(text), text)  # the first line of a call counts
        await connection.execute(_REPLACE, node, list(calls.values()))
        return list(calls)

    replaced, refused = await _bisected(connection, lines, replace)
    await _correct_again(connection, replaced)
    return len(replaced), refused


def _call_id(text: str) -> str:
    """The call of a line; raises ValueError."""
    record = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError("it is no object")
    return str(record.get("call_id"))


async def _bisected(
    connection: Connection,
    lines: Sequence[Line],
    put: Callable[[Sequence[str]], Awaitable[list[T]]],
) -> tuple[list[T], int]:
    """Put all lines in at once, or, when one of them is refused, by halves."""
    if not lines:
        return [], 0
    try:
        texts = [_text_of(line) for line in lines]
        async with connection.transaction():
            return await put(texts), 0
    except REFUSED as error:
        if len(lines) == 1:
            _tell_refused(lines[0], error)
            return [], 1
    middle = len(lines) // 2
    first, refused = await _bisected(connection, lines[:middle], put)
    second, more = await _bisected(connection, lines[middle:], put)
    return [*first, *second], refused + more


def _tell_refused(line: Line, error: Exception) -> None:
    # The first line only: the server's details quote the record.
    reason = str(error).partition("\n")[0][:200]
    logger.warning(
        "the line at byte %d of the records is no record and is passed over: %s",
        line.offset,
        reason,
    )


def _text_of(line: Line) -> str:
    """A line as jsonb can hold it: what a peer sends may have a NUL in it, which a text of
    PostgreSQL's never has. Raises ValueError."""
    text = line.text.decode("utf-8")
    if "\\u0000" not in text:
        return text
    return json.dumps(_without_nul(json.loads(text)), ensure_ascii=False)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, Mapping):
        return {_without_nul(name): _without_nul(item) for name, item in value.items()}
    return value


def _payloads(node: str, new: Sequence[Inserted]) -> list[str]:
    """Notifications, each as long as may be."""
    payloads: list[str] = []
    room = 0
    for row in new:
        text = json.dumps(list(row.values()), separators=(",", ":"))
        size = len(text) + 1
        if size > room:
            payloads.append(json.dumps(node))
            room = MAX_PAYLOAD - len(payloads[-1]) - 2
        if size <= room:
            payloads[-1] += f",{text}"
            room -= size
    return [f"[{payload}]" for payload in payloads]


# How far a node's file has been read.


async def noted_place(connection: Connection, node: str) -> Place:
    """The place that `note_place` noted last; the beginning when it never did."""
    row = await connection.fetchrow("SELECT position, tail FROM record_files WHERE node = $1", node)
    return BEGINNING if row is None else Place(row["position"], row["tail"])


async def note_place(
    connection: Connection, node: str, before: Place, after: Place, *, skipped: int
) -> bool:
    """Move the place on; False, and nothing done, when it is not `before` any more."""
    row = await connection.fetchrow(
        """
        INSERT INTO record_files AS file (node, position, tail, skipped) VALUES ($1, $2, $3, $5)
        ON CONFLICT (node) DO UPDATE SET
            position = excluded.position, tail = excluded.tail,
            skipped = file.skipped + excluded.skipped, updated_at = now()
        WHERE file.position = $4
        RETURNING true
        """,
        node, after.offset, after.tail, before.offset, skipped,
    )  # fmt: skip
    return row is not None


# Corrections.


async def add_version(
    database: Database,
    call_id: str,
    changes: Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any]],
    *,
    within: float = 5.0,
) -> dict[str, Any]:
    """Make the next version of a call's record and return it; raises UnknownCall, DatabaseAway.

    Objects in `changes` are merged name by name, all else replaces what was there. It may be a
    function of the present version, which nobody else changes meanwhile. Numbers with a fraction
    come as Decimal; Decimal goes in as text.
    """

    async def work(connection: Connection) -> dict[str, Any]:
        row = await connection.fetchrow(
            "SELECT version, record FROM calls WHERE call_id = $1 FOR UPDATE", call_id
        )
        if row is None:
            raise UnknownCall(call_id)
        record = json.loads(row["record"], parse_float=Decimal)
        version = row["version"] + 1
        made = changes(record) if callable(changes) else changes
        text = msgspec.json.encode({**_without_nul(made), "version": version}).decode()
        await connection.execute(
            "INSERT INTO call_corrections (call_id, version, changes) VALUES ($1, $2, $3)",
            call_id, version, text,
        )  # fmt: skip
        return await _update(connection, call_id, record, [text])

    return await database.run(work, within=within)


async def _correct_again(connection: Connection, call_ids: Sequence[str]) -> None:
    """Give calls that were put in anew the corrections that were made to them."""
    rows = await connection.fetch(
        """
        SELECT call_id, array_agg(changes::text ORDER BY version) AS changes
        FROM call_corrections WHERE call_id = ANY($1) GROUP BY call_id
        """,
        call_ids,
    )
    for row in rows:
        text = await connection.fetchval(
            "SELECT record FROM calls WHERE call_id = $1", row["call_id"]
        )
        record = json.loads(text, parse_float=Decimal)
        await _update(connection, row["call_id"], record, row["changes"])


async def _update(
    connection: Connection, call_id: str, record: dict[str, Any], changes: Sequence[str]
) -> dict[str, Any]:
    for text in changes:
        _merge(record, json.loads(text, parse_float=Decimal))
    await connection.execute(_UPDATE, call_id, _ENCODER.encode(record).decode())
    return record


def _merge(record: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        there = record.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            _merge(there, value)
        else:
            record[name] = value
