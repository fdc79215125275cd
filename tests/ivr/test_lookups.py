"""Look-ups against real servers on the loopback: good, slow, wrong, hostile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from ivr import lookups
from ivr.lookups import LookupAnswer, LookupClient, LookupRequest, signature

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOW = 1_700_000_000.0


class Server:
    """Answers by a handler; keeps the requests."""

    def __init__(self) -> None:
        self.handler: Handler = self.says({})
        self.requests: list[tuple[web.Request, bytes]] = []
        self.url = ""

    def says(self, answer: Any, **options: Any) -> Handler:
        async def handler(_request: web.Request) -> web.StreamResponse:
            text = answer if isinstance(answer, str) else json.dumps(answer)
            return web.Response(text=text, **options)

        return handler

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request, await request.read()))
        return await self.handler(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/bids"
    yield made
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[LookupClient]:
    loop = asyncio.get_running_loop()
    made = LookupClient(now=loop.time, wall_clock=lambda: NOW)
    yield made
    await made.close()


def request(server: Server, **changes: Any) -> LookupRequest:
    plain = LookupRequest(
        url=server.url,
        method="POST",
        send={"caller": "+16025550100", "score": Decimal("1.50"), "vip": True, "none": None},
        moment={"call_id": "1"},
        headers=(("X-Key", "k"),),
        secret=None,
        timeout_seconds=2.0,
        cache_seconds=0.0,
        fields={"number": "text", "price": "number", "open": "boolean", "days": "list"},
        defaults={"price": Decimal(0)},
    )
    return replace(plain, **changes)


async def test_declared_fields_are_taken_with_their_types(
    server: Server, client: LookupClient
) -> None:
    server.handler = server.says(
        {"number": "602", "price": 12.10, "open": True, "days": ["mon", 2], "more": "no"}
    )
    found = await client.ask(request(server))
    assert found.ok
    assert found.fields == {
        "number": "602",
        "price": Decimal("12.10"),
        "open": True,
        "days": ("mon", Decimal(2)),
    }
    (asked, body), *_ = server.requests
    assert asked.method == "POST"
    assert asked.headers["X-Key"] == "k"
    assert json.loads(body) == {
        "call_id": "1", "caller": "+16025550100", "score": 1.5, "vip": True, "none": None,
    }  # fmt: skip


async def test_what_is_left_out_has_its_default(server: Server, client: LookupClient) -> None:
    server.handler = server.says({"number": None})
    found = await client.ask(request(server))
    assert (found.ok, found.fields) == (True, {"price": Decimal(0)})


async def test_a_get_asks_by_its_query(server: Server, client: LookupClient) -> None:
    await client.ask(request(server, method="GET", url=f"{server.url}?a=b%20c"))
    asked = server.requests[0][0]
    assert dict(asked.query) == {
        "a": "b c", "call_id": "1", "caller": "+16025550100", "score": "1.50", "vip": "true",
    }  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_signature_covers_time_and_content(
    server: Server, client: LookupClient, method: str
) -> None:
    await client.ask(request(server, method=method, secret="s"))
    asked, body = server.requests[0]
    timestamp = asked.headers["X-Softswitch-Timestamp"]
    assert timestamp == str(int(NOW))
    signed = body if method == "POST" else asked.raw_path.encode()
    assert asked.headers["X-Softswitch-Signature"] == signature("s", timestamp, signed)
    assert signature("s", "1", b"x") != signature("s", "2", b"x")


@pytest.mark.parametrize(
    ("answer", "options", "why"),
    [
        ({}, {"status": 503}, "status 503"),
        ({}, {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}, "status 302"),
        ("{", {}, "the answer is no JSON"),
        ("[" * 5000, {}, "the answer is no JSON"),
        ("[1]", {}, "the answer is no JSON object"),
        ({"price": "much"}, {}, "price is no number"),
        ('{"price": 1e999999}', {}, "price is no number"),
        ('{"number": {"a": 1}}', {}, "number is no text"),
        ({"number": "x" * 70_000}, {}, "the answer is too long"),
        ({}, {"headers": {"Content-Encoding": "gzip"}}, "the answer is compressed"),
    ],
)
async def test_whatever_is_wrong_the_defaults_hold_and_it_is_named(
    server: Server, client: LookupClient, answer: Any, options: dict[str, Any], why: str
) -> None:
    server.handler = server.says(answer, **options)
    found = await client.ask(request(server))
    assert (found.ok, found.why, found.fields) == (False, why, {"price": Decimal(0)})


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity"])
async def test_what_is_no_number_is_absent(
    server: Server, client: LookupClient, price: str
) -> None:
    server.handler = server.says(f'{{"price": {price}}}')
    assert (await client.ask(request(server))).fields == {"price": Decimal(0)}


async def test_a_slow_server_holds_a_call_no_longer_than_its_deadline(
    server: Server, client: LookupClient
) -> None:
    async def slow(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    server.handler = slow
    found = await client.ask(request(server, timeout_seconds=0.1))
    assert (found.ok, found.why) == (False, "timeout")
    assert 0.1 <= found.seconds < 2.0


async def test_beyond_so_many_requests_to_a_host_others_do_not_wait(
    server: Server, client: LookupClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "MAX_IN_FLIGHT", 2)
    release = asyncio.Event()

    async def slow(_request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response(text="{}")

    server.handler = slow
    held = [asyncio.ensure_future(client.ask(request(server))) for _ in range(2)]
    while len(server.requests) < 2:
        await asyncio.sleep(0.01)
    found = await client.ask(request(server))
    assert found.why.startswith("busy: 2 requests")
    release.set()
    assert all(one.ok for one in await asyncio.gather(*held))
    assert (await client.ask(request(server))).ok


async def test_nobody_there_is_unreachable(client: LookupClient) -> None:
    gone = Server()
    gone.url = "http://127.0.0.1:9/"
    assert (await client.ask(request(gone))).why == "unreachable"


async def test_a_url_made_of_nonsense_fails_in_a_sentence(client: LookupClient) -> None:
    gone = Server()
    gone.url = "http://127.0.0.1:99999/"
    found = await client.ask(request(gone))
    assert not found.ok
    assert found.why.startswith(("failed: ", "unreachable"))


async def test_an_answer_is_kept_for_calls_that_ask_the_same(
    server: Server, client: LookupClient
) -> None:
    server.handler = server.says({"number": "1"})
    first = await client.ask(request(server, cache_seconds=60))
    again = await client.ask(request(server, cache_seconds=60, moment={"call_id": "2"}))
    assert (first.cached, again.cached) == (False, True)
    assert again.fields == first.fields
    other = await client.ask(request(server, cache_seconds=60, send={"caller": "another"}))
    assert not other.cached
    assert len(server.requests) == 2


async def test_failures_are_not_kept_and_answers_expire(
    server: Server, client: LookupClient
) -> None:
    server.handler = server.says({}, status=500)
    await client.ask(request(server, cache_seconds=0.05))
    server.handler = server.says({"number": "1"})
    assert (await client.ask(request(server, cache_seconds=0.05))).ok
    await asyncio.sleep(0.06)
    assert not (await client.ask(request(server, cache_seconds=0.05))).cached
    assert len(server.requests) == 3


async def test_the_cache_is_bounded(
    server: Server, client: LookupClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "MAX_CACHED", 1)
    for caller in ("a", "b", "a"):
        found = await client.ask(request(server, cache_seconds=60, send={"caller": caller}))
        assert found == LookupAnswer(found.fields, True, False, found.seconds)
    assert len(server.requests) == 3
