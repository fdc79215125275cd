"""Who this switch is among those that share a database: an id, an epoch, a sign of life.

The id stands in the data folder, which belongs to one switch at a time. The epoch grows with every
start, and when the node was silent for so long that others may take it for dead. All times are the
database's: `expires_at` is compared with its clock, never with ours. What we compare with our own
monotonic clock, `alive_until`, was taken before the sign of life was sent, and so ends earlier.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from pathlib import Path

import asyncpg

from softswitch.store.postgres.errors import DatabaseUnusable

logger = logging.getLogger(__name__)

__all__ = ["BEAT_SECONDS", "EXPIRY_SECONDS", "Node"]

BEAT_SECONDS = 3.0
"""Between signs of life, which also find out that a connection is dead."""

EXPIRY_SECONDS = 120.0
"""A node that was silent for so long is dead: what was leased to it goes back. A database that is
away for a minute takes nothing from anybody."""

MAX_ID = 100
"""Characters; those we make are a fraction of it."""

_REGISTER = """
INSERT INTO nodes (id, name, epoch, expires_at)
VALUES ($1, $2, $4::bigint + 1, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, epoch = GREATEST(nodes.epoch, $4) + 1, started_at = clock_timestamp(),
    seen_at = clock_timestamp(), expires_at = excluded.expires_at
RETURNING epoch
"""

_TAKEN_OVER = """
SELECT EXISTS (
    SELECT FROM nodes WHERE id = $1 AND epoch > $2 AND expires_at > clock_timestamp()
)
"""

_BEAT = """
UPDATE nodes SET
    seen_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => $3)
WHERE id = $1 AND epoch = $2 AND expires_at > clock_timestamp()
"""

_LEAVE = "UPDATE nodes SET expires_at = clock_timestamp() WHERE id = $1 AND epoch = $2"


class Node:
    """This switch, as the others know it."""

    def __init__(
        self,
        node_id: str,
        *,
        name: str = "",
        expiry_seconds: float = EXPIRY_SECONDS,
        path: Path | None = None,
    ) -> None:
        self.id = node_id
        self._path = path
        self.name = name or os.uname().nodename
        self.epoch = 0
        """0: never registered. What is leased to us is leased to (id, epoch)."""
        self.alive_until = 0.0
        """Until when, by the monotonic clock, no other node takes us for dead."""
        self._expiry_seconds = expiry_seconds

    @classmethod
    def of_folder(cls, folder: Path) -> Node:
        """The node of a data folder; its id is made once. Raises DatabaseUnusable."""
        path = folder / "node"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if path.exists():
                text = path.read_text("utf-8", "replace").strip()
                if 0 < len(text) <= MAX_ID and text.isprintable():
                    return cls(text, path=path)
                logger.warning("%s holds no node id: a new one is made", path)
            node_id = uuid.uuid4().hex
            _write(path, node_id)
            return cls(node_id, path=path)
        except OSError as error:
            raise DatabaseUnusable(f"{path} cannot be used: {error.strerror}") from None

    @property
    def alive(self) -> bool:
        """Whether no other node can have taken us for dead."""
        return time.monotonic() < self.alive_until

    async def join(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """After each connect: go on as who we were, or, when that one expired, as a new epoch."""
        if self.epoch and await self.beat(connection):
            return
        if self.epoch and await connection.fetchval(_TAKEN_OVER, self.id, self.epoch):
            self._part()
        sent = time.monotonic()
        epoch = await connection.fetchval(
            _REGISTER, self.id, self.name, self._expiry_seconds, self.epoch
        )
        if self.epoch:
            logger.warning("this node was taken for dead: its epoch is now %d", epoch)
        self.epoch = int(epoch)
        self.alive_until = sent + self._expiry_seconds

    async def beat(self, connection: asyncpg.Connection[asyncpg.Record]) -> bool:
        """Give a sign of life; False: we are no longer who we were, and must `join` again."""
        sent = time.monotonic()
        done = await connection.execute(_BEAT, self.id, self.epoch, self._expiry_seconds)
        if done != "UPDATE 1":
            self.alive_until = 0.0
            return False
        self.alive_until = sent + self._expiry_seconds
        return True

    def _part(self) -> None:
        """Another switch lives under our id: the data folder was copied. Go on under a new one."""
        logger.error(
            "another switch has the node id of this one (was its data folder copied?): this one "
            "gets a new id"
        )
        self.id = uuid.uuid4().hex
        if self._path is not None:
            _write(self._path, self.id)

    async def leave(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Expire at once: what we hold may go back."""
        await connection.execute(_LEAVE, self.id, self.epoch)
        self.alive_until = 0.0


def _write(path: Path, node_id: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{node_id}\n", "utf-8")
    fresh.replace(path)
