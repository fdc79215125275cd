"""One connection to PostgreSQL as everybody here wants it, and what its failures mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg

from softswitch.store.postgres.errors import DatabaseAway, DatabaseUnusable

__all__ = [
    "AWAY",
    "LOST",
    "RETRIED",
    "Address",
    "check_server",
    "connect",
    "reason_of",
    "settings",
]

Address = Mapping[str, Any]
"""Arguments for asyncpg.connect: a `dsn`, or `host`, `port`, `user` and `database`."""

CONNECT_SECONDS = 5.0

CACHED_STATEMENTS = 200
"""Prepared statements kept by each connection; the switch has fewer kinds."""

OLDEST_VERSION = 14
"""The first that notices while a statement runs that nobody waits for it any more."""

SERVER_SETTINGS = {
    "timezone": "UTC",
    # A transaction whose node was cut off must not hold its locks for long.
    "client_connection_check_interval": "500ms",
    "idle_in_transaction_session_timeout": "30s",
    "statement_timeout": "60s",
}
"""Backstops: every wait of ours has its own, shorter deadline."""

AWAY: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, starting, cancelled
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.PostgresSystemError,  # input/output errors
    asyncpg.ReadOnlySQLTransactionError,  # a standby answers
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.LockNotAvailableError,
    asyncpg.ProtocolViolationError,
    asyncpg.InternalClientError,  # the driver lost its thread when the connection broke
)
"""Failures that say nothing about what was asked: the same, later, may well be done."""

LOST: tuple[type[BaseException], ...] = (*AWAY, asyncpg.InterfaceError)
"""The same for a connection that only we use: the driver's complaints, too, mean that it is
gone."""

RETRIED: tuple[type[BaseException], ...] = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
)
"""Failures of one transaction among others: it is tried again at once."""


def settings(application: str) -> dict[str, Any]:
    """Arguments of every connection."""
    return {
        "timeout": CONNECT_SECONDS,
        "statement_cache_size": CACHED_STATEMENTS,
        "server_settings": {**SERVER_SETTINGS, "application_name": application},
    }


async def connect(address: Address, *, application: str) -> asyncpg.Connection[asyncpg.Record]:
    """A connection; raises DatabaseAway or DatabaseUnusable."""
    try:
        return await asyncpg.connect(**address, **settings(application))
    except asyncpg.UndefinedObjectError:
        raise DatabaseUnusable(f"PostgreSQL {OLDEST_VERSION} or newer is needed") from None
    except (ValueError, asyncpg.ClientConfigurationError) as error:
        raise DatabaseUnusable(f"the connection string cannot be used: {error}") from None
    except AWAY as error:
        raise DatabaseAway(reason_of(error)) from None


def check_server(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Refuse databases that cannot hold what we have; raises DatabaseUnusable."""
    version = connection.get_server_version()
    if version.major < OLDEST_VERSION:
        raise DatabaseUnusable(
            f"PostgreSQL {OLDEST_VERSION} or newer is needed, this is {version.major}"
        )
    encoding = getattr(connection.get_settings(), "server_encoding", "UTF8")
    if encoding != "UTF8":
        raise DatabaseUnusable(
            f"the encoding of the database is {encoding}: names of callers need UTF8 (CREATE "
            "DATABASE ... ENCODING 'UTF8' TEMPLATE template0)"
        )


def reason_of(error: BaseException) -> str:
    """Why the database is away, in a few words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, FileNotFoundError):
        return "its socket is not there"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncpg.DiskFullError):
        return "its disk is full"
    words = " ".join(str(error).split())
    return words or type(error).__name__
