"""A number of a pool for the visitor of a web page, over HTTP.

A page shows the pool's public key, and its origin has to be listed; whoever has a token with the
role `allocate` may ask for any pool, and name owner and publisher. What is wrong with a request is
an answer with a sentence; a page that gets none keeps the number that stands in it.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from config.model import Configuration, Pool, WebPool
from config.origins import plain_origin
from ringpool.answer import Allocation
from ringpool.service import AllocationRequest, RequestRefused
from softswitch.control.access import Identity
from softswitch.control.rpc import json_bytes
from softswitch.control.web.rate import Proxies, RateLimit, group_of

__all__ = ["Allocations", "Pools"]

logger = logging.getLogger(__name__)

MAX_QUERY = 50
"""Parameters in a query; a pool has ten."""

ANY_ORIGIN = "*"
REFRESH_SECONDS = (30.0, 600.0)
"""How often a page that stays open asks again, at most and at least."""

PREFLIGHT_SECONDS = 3600
"""How long a browser remembers that it may ask."""

_RESERVED = frozenset(("pool", "key", "owner", "publisher"))


class Pools(Protocol):
    """Who gives numbers."""

    async def allocate(self, request: AllocationRequest) -> Allocation:
        """A number for values; raises RequestRefused."""


class _RefusedError(Exception):
    """The request is answered with a status and a sentence."""

    def __init__(
        self, status: int, sentence: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}


class Allocations:
    """Answers `/allocate`; one for the process."""

    def __init__(
        self, configuration: Callable[[], Configuration], pools: Callable[[], Pools | None]
    ) -> None:
        self._configuration = configuration
        self._pools = pools
        self._rate = RateLimit()
        self._proxies: tuple[tuple[str, ...], Proxies] = ((), Proxies(()))
        self.answers: Counter[str] = Counter()
        """By HTTP status."""

    # Pages.

    async def answer_page(self, request: web.Request) -> web.Response:
        """Answer a web page, or its browser that asks whether it may."""
        try:
            if request.method == "OPTIONS":
                response = self._preflight(request)
            else:
                response = await self._for_page(request)
        except _RefusedError as refused:
            response = _json(refused.status, {"error": str(refused)}, refused.headers)
        origin = request.headers.get("Origin")
        if origin is not None and self._may_ask(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
        self.answers[str(response.status)] += 1
        return response

    def _preflight(self, request: web.Request) -> web.Response:
        origin = request.headers.get("Origin", "")
        if not self._may_ask(origin):
            raise _RefusedError(403, "pages of this origin may not ask")
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": "Content-Type",
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            },
        )

    def _may_ask(self, origin: str) -> bool:
        """Whether pages of an origin may ask for any pool: before it is known for which."""
        settings = self._configuration().web
        pools = () if settings is None else settings.pools.values()
        return any(_listed(origin, pool) for pool in pools)

    async def _for_page(self, request: web.Request) -> web.Response:
        self._check_rate(request)
        asked = await _asked(request)
        name, pool = self._public_pool(asked)
        origin = request.headers.get("Origin")
        if origin is not None and not _listed(origin, pool):
            raise _RefusedError(403, "pages of this origin may not ask")
        parameters = _parameters(asked)
        told = await self._allocated(
            AllocationRequest(name, parameters, pool.owner, pool.publisher)
        )
        seen = ("pool", "number", "formatted", "click_url", "overflow", "expires")
        answer = {key: told[key] for key in seen}
        answer["refresh"] = _refresh(self._configuration().pools.get(name))
        return _json(200, answer)

    def _check_rate(self, request: web.Request) -> None:
        settings = self._configuration().web
        if settings is None:
            raise _RefusedError(404, "there are no numbers for web pages any more")
        if settings.proxies != self._proxies[0]:
            self._proxies = settings.proxies, Proxies(settings.proxies)
        forwarded = request.headers.getall("X-Forwarded-For", [])
        visitor = self._proxies[1].visitor(request.remote or "", forwarded)
        wait = self._rate.wait(group_of(visitor), settings.per_minute, now=time.monotonic())
        if wait:
            raise _RefusedError(429, "too many requests", {"Retry-After": str(int(wait) + 1)})

    def _public_pool(self, asked: Mapping[str, Any]) -> tuple[str, WebPool]:
        settings = self._configuration().web
        key = asked.get("key")
        for name, pool in settings.pools.items() if settings is not None else ():
            if pool.key == key and asked.get("pool", name) == name:
                return name, pool
        raise _RefusedError(403, "there is no such pool, or this is not its key")

    # Systems with a token.

    async def answer_system(self, request: web.Request, identity: Identity) -> web.Response:
        """Answer somebody who has the role `allocate`."""
        try:
            asked = await _asked(request)
            told = await self._allocated(self._request_of(asked, identity))
        except _RefusedError as refused:
            response = _json(refused.status, {"error": str(refused)}, refused.headers)
        else:
            response = _json(200, told)
        self.answers[str(response.status)] += 1
        return response

    def _request_of(self, asked: Mapping[str, Any], identity: Identity) -> AllocationRequest:
        name, publisher = asked.get("pool"), asked.get("publisher")
        owner = asked.get("owner", "")
        if not isinstance(name, str) or not isinstance(owner, str):
            raise _RefusedError(422, "pool and owner are text; pool is needed")
        if publisher is not None and not isinstance(publisher, str):
            raise _RefusedError(422, "publisher is text")
        pool = self._configuration().pools.get(name)
        if pool is not None and not identity.sees(pool.campaign or ""):
            raise _RefusedError(403, "the pool is none of your campaigns'")
        return AllocationRequest(name, _parameters(asked), owner, publisher, _attributes(asked))

    async def _allocated(self, request: AllocationRequest) -> Mapping[str, Any]:
        pools = self._pools()
        if pools is None:
            raise _RefusedError(503, "this switch has no database for its pools")
        try:
            return (await pools.allocate(request)).as_dict()
        except RequestRefused as error:
            raise _RefusedError(422, str(error)) from None


async def _asked(request: web.Request) -> Mapping[str, Any]:
    """What is asked for: a query, or a JSON object."""
    if request.method == "POST":
        try:
            found = json.loads(await request.read())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise _RefusedError(400, "expected a JSON object")
        return found
    if len(request.query) > MAX_QUERY:
        raise _RefusedError(400, f"more than {MAX_QUERY} parameters")
    asked: dict[str, Any] = {name: request.query[name] for name in _RESERVED & set(request.query)}
    asked["parameters"] = {
        name: value for name, value in request.query.items() if name not in _RESERVED
    }
    return asked


def _parameters(asked: Mapping[str, Any]) -> Mapping[str, str]:
    parameters = asked.get("parameters", {})
    if not isinstance(parameters, dict):
        raise _RefusedError(422, "parameters: expected names with values")
    return parameters


def _attributes(asked: Mapping[str, Any]) -> Mapping[str, str]:
    attributes = asked.get("attributes", {})
    if not isinstance(attributes, dict):
        raise _RefusedError(422, "attributes: expected names with values")
    return attributes


def _listed(origin: str, pool: WebPool) -> bool:
    return ANY_ORIGIN in pool.origins or plain_origin(origin) in pool.origins


def _refresh(pool: Pool | None) -> float:
    """Seconds after which a page that is still open asks again, so that its binding stays young."""
    least, most = REFRESH_SECONDS
    lifetime = None if pool is None else pool.minimum_lifetime_seconds
    return least if lifetime is None else min(most, max(least, lifetime / 2))


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=json_bytes(value),
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
