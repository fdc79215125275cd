"""Makes the requests: one attempt of one delivery, and what became of it, as a value.

Redirects are not followed, answers are not read beyond what keeps the connection usable, no
cookies, no proxies of the environment. Knows no spool.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from enum import Enum

import aiohttp
from yarl import URL

from softswitch.control.webhooks.target import Request

__all__ = ["Attempt", "Outcome", "WebhookClient"]

MAX_PER_HOST = 16
"""Connections to one host, whoever is told there."""

MAX_ANSWER_BYTES = 65_536
"""Read of an answer, so that its connection can be used again; longer ones cost theirs."""

MAX_DNS_SECONDS = 60
"""How long an address is believed: a server that has moved is found within a minute."""

IN_TROUBLE = frozenset((408, 425, 429))
"""Statuses of a server that may take the same request later, beside 5xx."""

GONE = 410


class Outcome(Enum):
    """What became of an attempt."""

    TAKEN = "taken"
    AWAY = "away"
    """No answer in time, or that of a server in trouble: later."""
    REFUSED = "refused"
    """An answer that will hardly be another one next time."""
    UNWANTED = "unwanted"
    """The server says that it is gone for good."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt."""

    outcome: Outcome
    why: str = ""
    retry_after: float | None = None


class WebhookClient:
    """One for the process."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, request: Request, *, within: float, takes_redirects: bool = False
    ) -> Attempt:
        """Make an attempt; never raises for what the server does."""
        try:
            async with asyncio.timeout(within):
                return await self._exchange(request, takes_redirects)
        except TimeoutError:
            return Attempt(Outcome.AWAY, f"no answer within {within:g} s")
        except (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError) as error:
            return Attempt(Outcome.AWAY, _reason(error) or "unreachable")
        except (aiohttp.InvalidURL, UnicodeError) as error:
            return Attempt(Outcome.REFUSED, f"the URL is none: {error}")
        except (aiohttp.ClientError, ssl.SSLError, OSError, ValueError) as error:
            return Attempt(Outcome.AWAY, _reason(error) or type(error).__name__)

    async def _exchange(self, request: Request, takes_redirects: bool) -> Attempt:
        async with self._client().request(
            request.method,
            URL(request.url, encoded=True),
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
        ) as response:
            attempt = _judged(response, takes_redirects)
            await response.content.read(MAX_ANSWER_BYTES)
            if not response.content.at_eof():
                response.close()
            return attempt

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, limit_per_host=MAX_PER_HOST, ttl_dns_cache=MAX_DNS_SECONDS
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                # Each attempt has its own deadline.
                timeout=aiohttp.ClientTimeout(total=None),
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _judged(response: aiohttp.ClientResponse, takes_redirects: bool) -> Attempt:
    status = response.status
    if 200 <= status < (400 if takes_redirects else 300):
        return Attempt(Outcome.TAKEN)
    why = f"status {status}"
    if status == GONE:
        return Attempt(Outcome.UNWANTED, why)
    if status in IN_TROUBLE or status >= 500:
        return Attempt(Outcome.AWAY, why, _seconds(response.headers.get("Retry-After", "")))
    return Attempt(Outcome.REFUSED, why)


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _reason(error: BaseException) -> str:
    found = getattr(error, "os_error", error)
    return getattr(found, "strerror", None) or ""
