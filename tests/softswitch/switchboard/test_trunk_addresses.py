"""Whom trunks are known by, while names come to stand for something else, or for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from config.model import Configuration
from softswitch.routing.trunks import Known
from softswitch.sip.servers import Server
from softswitch.switchboard.trunk_addresses import TrunkAddresses
from softswitch.transport import resolver as resolver_module
from softswitch.transport.names import Addresses, NoAnswer
from softswitch.transport.resolver import Resolver
from tests.support.configurations import loaded

BY_NAME = loaded("trunks: {a: {address: carrier.example, sources: [media.example]}}\n")
WITH_PORT = loaded("trunks: {a: 'carrier.example:5060'}\n")
KEY = ("carrier.example", "")


class Names:
    """A name service; what is not in it is away."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, ...]] = {}

    async def __call__(self, name: str) -> Addresses:
        if name not in self.found:
            raise NoAnswer("nobody answers")
        return Addresses(self.found[name])


class Bench:
    """What follows, and what it told."""

    def __init__(self) -> None:
        self.names = Names()
        self.servers: dict[tuple[str, str], tuple[Server, ...]] = {}
        self.told: asyncio.Queue[Known] = asyncio.Queue()
        self.addresses = TrunkAddresses(Resolver(self.names), self.servers, self.told.put_nowait)

    async def follow(self, configuration: Configuration) -> Known:
        known = await self.addresses.find(configuration)
        self.addresses.use(configuration, known)
        return known

    async def look(self) -> Known:
        self.addresses.look_soon()
        async with asyncio.timeout(10):
            return await self.told.get()


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(resolver_module, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(resolver_module, "FAILURE_SECONDS", 0.0)
    made = Bench()
    yield made
    await made.addresses.close()


def of(*addresses: str) -> frozenset[str]:
    return frozenset(addresses)


async def test_names_and_sources_are_found(bench: Bench) -> None:
    bench.names.found = {"carrier.example": ("192.0.2.1",), "media.example": ("192.0.2.2", "::2")}
    known = await bench.addresses.find(BY_NAME)
    assert known.addresses == {
        "carrier.example": of("192.0.2.1"),
        "media.example": of("192.0.2.2", "::2"),
    }
    assert known.servers == {KEY: of()}


async def test_servers_are_found_as_soon_as_they_are_looked_up(bench: Bench) -> None:
    bench.names.found = {"carrier.example": (), "media.example": (), "one.x": ("192.0.2.1", "::1")}
    await bench.follow(BY_NAME)
    bench.servers[KEY] = (Server("one.x", 5060), Server("192.0.2.7", 5070), Server("away.x", 1))
    assert (await bench.look()).servers == {KEY: of("192.0.2.1", "::1", "192.0.2.7")}


async def test_servers_of_a_trunk_with_a_port_are_nobodys(bench: Bench) -> None:
    bench.servers[KEY] = (Server("192.0.2.7", 5070),)
    assert (await bench.addresses.find(WITH_PORT)).servers == {}


async def test_a_carrier_that_moves_is_followed(bench: Bench) -> None:
    bench.names.found = {"carrier.example": ("192.0.2.1",)}
    await bench.follow(WITH_PORT)
    bench.names.found = {"carrier.example": ("192.0.2.9",)}
    assert (await bench.look()).addresses == {"carrier.example": of("192.0.2.9")}


async def test_what_is_as_it_was_is_not_told(bench: Bench) -> None:
    bench.names.found = {"carrier.example": ("192.0.2.1",)}
    await bench.follow(WITH_PORT)
    bench.addresses.look_soon()
    await asyncio.sleep(0.05)
    bench.names.found = {"carrier.example": ("192.0.2.2",)}
    assert (await bench.look()).addresses == {"carrier.example": of("192.0.2.2")}
    assert bench.told.empty()


async def test_a_name_service_that_is_away_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resolver_module, "STALE_SECONDS", 0.0)
    bench.names.found = {"carrier.example": ("192.0.2.1",)}
    before = await bench.follow(WITH_PORT)
    bench.names.found = {}
    for _ in range(2):
        assert await bench.addresses.find(WITH_PORT) == before
    assert [one.getMessage() for one in caplog.records] == [
        "trunk \"a\": no address for 'carrier.example'; what was known holds on"
    ]


async def test_a_name_that_is_gone_is_nobodys(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.names.found = {"carrier.example": ("192.0.2.1",)}
    await bench.follow(WITH_PORT)
    bench.names.found = {"carrier.example": ()}
    assert (await bench.look()).addresses == {"carrier.example": of()}
    assert "its calls are not known" in caplog.text


async def test_names_of_another_configuration_are_forgotten(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "STALE_SECONDS", 0.0)
    bench.names.found = {"carrier.example": ("192.0.2.1",), "other.example": ("192.0.2.2",)}
    await bench.follow(WITH_PORT)
    other = loaded("trunks: {a: 'other.example:5060'}\n")
    assert await bench.follow(other) == Known({"other.example": of("192.0.2.2")})
    bench.names.found = {"other.example": ("192.0.2.3",)}
    assert (await bench.look()).addresses == {"other.example": of("192.0.2.3")}
    # Not kept for a name that no trunk has any more.
    known = await bench.addresses.find(WITH_PORT)
    assert known.addresses == {"carrier.example": of()}
