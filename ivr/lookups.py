"""Look-ups over HTTP in the middle of a call: one JSON object out, one back, within a deadline.

Whatever the server does, the call gets an answer: the fields it declared, or their defaults, and a
word for what went wrong. A slow server holds only its own calls: beyond MAX_IN_FLIGHT requests to
one host further ones take the defaults at once. Redirects are not followed, answers are bounded,
and only declared fields of the declared type are taken. Knows no treatment and no facts.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import msgspec

from config.model import Value, ValueType

__all__ = ["LookupAnswer", "LookupClient", "LookupRequest", "fields_of", "signature"]

MAX_IN_FLIGHT = 100
"""Requests to one host at once: with 2 s each that is 50 calls a second held up by one server."""
MAX_ANSWER_BYTES = 65_536
"""An answer is a few fields; what is longer is not read to its end."""
MAX_CACHED = 10_000
"""Answers kept; those not used for longest go first."""
MAX_TEXT = 1000
"""Characters of a text field: it may become a number, a header or a prompt."""
MAX_ENTRIES = 100
"""Entries of a list field."""
MAX_DNS_SECONDS = 60
"""How long a name's address is kept, so that it is not asked for in each call."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """What to ask, of whom."""

    url: str
    method: Literal["GET", "POST"]
    send: Mapping[str, Value]
    """What is asked; calls that ask the same may share an answer."""
    moment: Mapping[str, Value]
    """What differs in every call (its id, the time): sent, and not compared."""
    headers: tuple[tuple[str, str], ...]
    secret: str | None
    timeout_seconds: float
    cache_seconds: float
    fields: Mapping[str, ValueType]
    defaults: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """What came back, every declared field that has a value."""

    fields: Mapping[str, Value]
    ok: bool
    cached: bool
    seconds: float
    why: str = ""


class _FailedError(Exception):
    """Why there is no answer, in a few words."""


class LookupClient:
    """Asks servers; one for the process."""

    def __init__(self, *, now: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self._now = now
        self._wall_clock = wall_clock
        self._session: aiohttp.ClientSession | None = None
        self._in_flight: Counter[str] = Counter()
        self._cache: OrderedDict[bytes, tuple[float, Mapping[str, Value]]] = OrderedDict()

    async def ask(self, request: LookupRequest) -> LookupAnswer:
        """The answer to a request, or its defaults; never raises for what the server did."""
        began = self._now()
        key = _cache_key(request) if request.cache_seconds else b""
        kept = self._kept(key, began)
        if kept is not None:
            return LookupAnswer(kept, ok=True, cached=True, seconds=0.0)
        try:
            fields = fields_of(await self._exchange(request), request)
        except _FailedError as error:
            seconds = self._now() - began
            return LookupAnswer(
                dict(request.defaults), ok=False, cached=False, seconds=seconds, why=str(error)
            )
        if key:
            self._keep(key, fields, began + request.cache_seconds)
        return LookupAnswer(fields, ok=True, cached=False, seconds=self._now() - began)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    # The exchange.

    async def _exchange(self, request: LookupRequest) -> Mapping[str, Any]:
        try:
            host = urlsplit(request.url).netloc
        except ValueError:
            raise _FailedError("the URL is none") from None
        if self._in_flight[host] >= MAX_IN_FLIGHT:
            raise _FailedError(f"busy: {MAX_IN_FLIGHT} requests to {host} are under way")
        self._in_flight[host] += 1
        try:
            async with asyncio.timeout(request.timeout_seconds):
                return _object(await self._fetch(request))
        except TimeoutError:
            raise _FailedError("timeout") from None
        except (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError):
            raise _FailedError("unreachable") from None
        except (aiohttp.ClientError, ssl.SSLError, OSError, ValueError) as error:
            raise _FailedError(f"failed: {type(error).__name__}") from None
        finally:
            self._in_flight[host] -= 1
            if not self._in_flight[host]:
                del self._in_flight[host]

    async def _fetch(self, request: LookupRequest) -> bytes:
        url, body = _written(request)
        headers = dict(request.headers)
        headers["Accept-Encoding"] = "identity"
        if body is not None:
            headers["Content-Type"] = "application/json"
        if request.secret is not None:
            timestamp = str(int(self._wall_clock()))
            signed = body if body is not None else _path_of(url)
            headers["X-Softswitch-Timestamp"] = timestamp
            headers["X-Softswitch-Signature"] = signature(request.secret, timestamp, signed)
        async with self._client().request(
            request.method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            if not 200 <= response.status < 300:
                raise _FailedError(f"status {response.status}")
            return await _read(response)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, limit_per_host=MAX_IN_FLIGHT, ttl_dns_cache=MAX_DNS_SECONDS
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                # Each request has its own deadline.
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": "softswitch"},
            )
        return self._session

    # The cache.

    def _kept(self, key: bytes, now: float) -> Mapping[str, Value] | None:
        if not key or key not in self._cache:
            return None
        until, fields = self._cache[key]
        if until <= now:
            del self._cache[key]
            return None
        self._cache.move_to_end(key)
        return fields

    def _keep(self, key: bytes, fields: Mapping[str, Value], until: float) -> None:
        self._cache[key] = (until, fields)
        self._cache.move_to_end(key)
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)


def signature(secret: str, timestamp: str, signed: bytes) -> str:
    """The signature of a request: HMAC-SHA256 of timestamp, a dot, and the body or the path."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + signed, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def _written(request: LookupRequest) -> tuple[str, bytes | None]:
    """The URL and the body: what is sent stands in the one or the other."""
    values = {**request.moment, **request.send}
    if request.method == "POST":
        return request.url, _ENCODER.encode(values)
    query = [(name, _query_text(value)) for name, value in values.items() if value is not None]
    return str(_url(request.url).update_query(query)), None


def _url(text: str) -> Any:
    from yarl import URL

    return URL(text, encoded=True)


def _query_text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(_query_text(item) for item in value)
    return str(value)


def _path_of(url: str) -> bytes:
    parts = urlsplit(url)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}".encode()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _FailedError("the answer is compressed")
    read = bytearray()
    async for chunk in response.content.iter_chunked(MAX_ANSWER_BYTES):
        read += chunk
        if len(read) > MAX_ANSWER_BYTES:
            # What is left would have to be read before the connection could be used again.
            response.close()
            raise _FailedError("the answer is too long")
    return bytes(read)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _FailedError("the answer is no JSON") from None
    if not isinstance(found, dict):
        raise _FailedError("the answer is no JSON object")
    return found


def _no_number(_text: str) -> None:
    """NaN and Infinity are absent."""
    return


def fields_of(answer: Mapping[str, Any], request: LookupRequest) -> Mapping[str, Value]:
    """The declared fields of an answer, and defaults of those it leaves out; raises when one has
    another type than was declared."""
    fields = dict(request.defaults)
    for name, kind in request.fields.items():
        value = answer.get(name)
        if value is None:
            continue
        typed = _typed(value, kind)
        if typed is None:
            raise _FailedError(f"{name} is no {kind}")
        fields[name] = typed
    return fields


def _typed(value: Any, kind: ValueType) -> Value:
    if isinstance(value, bool):
        return value if kind in ("boolean", "any") else None
    if isinstance(value, Decimal):
        return (
            _number(value)
            if kind in ("number", "any")
            else (
                format(value, "f")[:MAX_TEXT]
                if kind == "text" and _number(value) is not None
                else None
            )
        )
    if isinstance(value, str):
        return value[:MAX_TEXT] if kind in ("text", "any") else None
    if isinstance(value, list) and kind in ("list", "any"):
        return tuple(_typed(item, "any") for item in value[:MAX_ENTRIES]
                     if not isinstance(item, list | dict))  # fmt: skip
    return None


def _number(value: Decimal) -> Decimal | None:
    """A number of a size that money and counts have; 1e999999 is none."""
    return value if value.is_finite() and -20 < value.adjusted() < 20 else None


def _cache_key(request: LookupRequest) -> bytes:
    """What calls must have in common to share an answer; a digest, for secrets may be in it."""
    digest = hashlib.sha256(f"{request.method} {request.url}\0".encode())
    digest.update(_ENCODER.encode([dict(request.send), request.headers, dict(request.fields)]))
    return digest.digest()
