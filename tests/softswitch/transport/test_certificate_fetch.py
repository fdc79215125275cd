"""Certificates that nobody knows are fetched, of the hosts that may be asked, within bounds."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from config.model import Fetching, Stir
from softswitch.stir.credentials import Authorities
from softswitch.stir.trust import TrustStore
from softswitch.transport import certificate_fetch
from softswitch.transport.certificate_fetch import CertificateFetcher
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.stir import Authority

ROOT = Authority()
SIGNER = ROOT.signer()
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Bench:
    """A fetcher beside a server of certificates."""

    def __init__(self, folder: Path, server: Path) -> None:
        """`server`: file of the server's certificate and key."""
        self.server = server
        self.asked: list[str] = []
        self.folder = folder
        self.trust = TrustStore(Authorities([ROOT.certificate]))
        self.fetcher = CertificateFetcher(asyncio.get_running_loop(), time.time)
        self.answers: dict[str, Answer] = {}
        self.place = ""

    async def open(self) -> None:
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server, self.server)
        site = web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = self.runner.addresses[0][1]
        self.place = f"127.0.0.1:{port}"
        self.use()

    def use(self, *hosts: str, wait: float = 30.0) -> None:
        stir = Stir(certificates=self.folder, fetching=Fetching(hosts or (self.place,), wait))
        self.fetcher.use(stir, self.trust)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        return await self.answers[request.path](request)

    def url(self, path: str) -> str:
        return f"https://{self.place}{path}"

    async def wait(self, *paths: str) -> bool:
        """Whether a call waited, until it went on."""
        went_on = asyncio.Event()
        held = self.fetcher.holds([self.url(path) for path in paths], went_on.set)
        if held:
            await asyncio.wait_for(went_on.wait(), 30)
        return held

    def known(self, path: str) -> bool:
        found = self.trust.find(self.url(path), time.time())
        return found is not None and not found.problem_at(time.time())


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    server = tmp_path / "server.pem"
    server.write_text(CERTIFICATE + KEY)
    monkeypatch.setenv("SSL_CERT_FILE", str(server))
    made = Bench(tmp_path / "certificates", server)
    made.folder.mkdir()
    await made.open()
    yield made
    await made.fetcher.close()
    await made.runner.cleanup()


def giving(body: bytes, status: int = 200) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status)

    return answer


async def test_a_certificate_is_fetched_known_and_kept(bench: Bench) -> None:
    bench.answers["/a/b.pem"] = giving(SIGNER.pem)

    assert await bench.wait("/a/b.pem")

    assert bench.known("/a/b.pem")
    kept = bench.folder / bench.place / "a" / "b.pem"
    await settled(bench)
    assert kept.read_bytes() == SIGNER.pem
    assert bench.fetcher.fetched == {"good": 1}
    assert not await bench.wait("/a/b.pem")
    assert bench.asked == ["/a/b.pem"]


async def settled(bench: Bench) -> None:
    """Until nothing is being fetched."""
    async with asyncio.timeout(30):
        while bench.fetcher._tasks:
            await asyncio.gather(*bench.fetcher._tasks.values())


async def test_calls_that_name_the_same_one_wait_for_the_same(bench: Bench) -> None:
    bench.answers["/a"] = giving(SIGNER.pem)

    held = await asyncio.gather(*(bench.wait("/a") for _ in range(5)))

    assert held == [True] * 5
    assert bench.asked == ["/a"]


@pytest.mark.parametrize("hosts", [("certs.example.org",), ("*.0.0.1",), ("127.0.0.1",)])
async def test_other_hosts_are_not_asked(bench: Bench, hosts: tuple[str, ...]) -> None:
    bench.use(*hosts)

    assert not await bench.wait("/a")
    assert bench.asked == []


@pytest.mark.parametrize(
    "url", ["http://{}/a", "https://{}", "https://certs.example@evil.example/a", "ftp://x/a", "x"]
)
async def test_what_is_no_url_of_one_is_not_asked(bench: Bench, url: str) -> None:
    assert not bench.fetcher.holds([url.format(bench.place)], lambda: None)


async def test_who_is_named_in_a_url_is_not_told_to_the_host(bench: Bench) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.extend(request.headers)
        return web.Response(body=SIGNER.pem)

    bench.answers["/a"] = answer
    went_on = asyncio.Event()

    assert bench.fetcher.holds([f"https://user:word@{bench.place}/a"], went_on.set)
    await asyncio.wait_for(went_on.wait(), 30)
    assert "Authorization" not in seen
    assert bench.known("/a")


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (giving(b"x" * 100_000), "failed"),
        (giving(SIGNER.pem, 404), "failed"),
        (giving(b"nonsense"), "useless"),
        (giving(b""), "useless"),
        (giving(Authority("Nobody").signer().pem), "useless"),
    ],
)
async def test_what_is_no_good_is_not_kept_nor_asked_for_again_soon(
    bench: Bench, answer: Answer, result: str
) -> None:
    bench.answers["/a"] = answer

    assert await bench.wait("/a")
    assert not await bench.wait("/a")

    assert bench.fetcher.fetched == {result: 1}
    assert len(bench.asked) == 1
    assert not bench.known("/a")
    assert list(bench.folder.iterdir()) == []


async def test_a_host_that_is_not_who_it_says_is_not_believed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    bench.answers["/a"] = giving(SIGNER.pem)

    assert await bench.wait("/a")
    assert (bench.asked, bench.known("/a")) == ([], False)


async def test_nobody_is_followed_elsewhere(bench: Bench) -> None:
    async def elsewhere(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(bench.url("/b"))

    bench.answers.update({"/a": elsewhere, "/b": giving(SIGNER.pem)})

    assert await bench.wait("/a")
    assert bench.asked == ["/a"]


async def test_a_call_waits_no_longer_than_it_is_told_to(bench: Bench) -> None:
    may_answer = asyncio.Event()

    async def slowly(_request: web.Request) -> web.StreamResponse:
        await may_answer.wait()
        return web.Response(body=SIGNER.pem)

    bench.answers["/a"] = slowly
    bench.use(wait=0.05)

    assert await bench.wait("/a")
    assert not bench.known("/a")
    may_answer.set()
    await settled(bench)
    assert bench.known("/a")


async def test_a_host_that_says_nothing_is_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_fetch, "FETCH_SECONDS", 0.1)
    never = asyncio.Event()

    async def silent(_request: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    bench.answers["/a"] = silent

    assert await bench.wait("/a")
    assert bench.fetcher.fetched == {"failed": 1}
    never.set()


async def test_names_that_somebody_makes_up_are_asked_for_so_often(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_fetch, "MAX_FETCHING", 2)
    monkeypatch.setattr(certificate_fetch, "MAX_A_MINUTE", 3)
    for name in "abcdef":
        bench.answers[f"/{name}"] = giving(b"", 404)

    await bench.wait("/a", "/b", "/c")
    assert sorted(bench.asked) == ["/a", "/b"]
    for name in "cdef":
        await bench.wait(f"/{name}")
    assert len(bench.asked) <= 3 + 3  # the minute may have turned meanwhile


async def test_a_place_that_is_no_file_name_is_known_but_not_kept(bench: Bench) -> None:
    bench.answers["/a"] = giving(SIGNER.pem)
    paths = ["/a?x=../../etc", "/a?%2e%2e", "//a"]
    bench.answers["//a"] = giving(SIGNER.pem)

    for path in paths:
        assert await bench.wait(path)
        assert bench.known(path)
    await settled(bench)
    assert list(bench.folder.rglob("*.pem")) == []
    assert [one for one in bench.folder.rglob("*") if one.is_file()] == []


async def test_nothing_is_left_when_it_is_closed_while_calls_wait(bench: Bench) -> None:
    never = asyncio.Event()

    async def silent(_request: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    bench.answers["/a"] = silent
    went_on: list[int] = []
    assert bench.fetcher.holds([bench.url("/a")], lambda: went_on.append(1))
    await asyncio.sleep(0)

    await bench.fetcher.close()
    never.set()

    assert went_on == []
    assert len(asyncio.all_tasks()) <= 3
