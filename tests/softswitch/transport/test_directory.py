"""SRV records, from a name server that also says nothing, or nonsense."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from softswitch.transport import directory as module
from softswitch.transport.directory import Directory, Record
from softswitch.transport.names import NoAnswer
from tests.support.name_server import NameServer


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer() as made:
        yield made


@pytest.fixture
def directory(server: NameServer) -> Directory:
    return Directory([("127.0.0.1", server.port)])


async def test_records_are_found_with_their_time(server: NameServer, directory: Directory) -> None:
    server.srv("_sip._udp.carrier.example", (1, 10, 5060, "a.example"), (2, 0, 5070, "b.example"))
    found = await directory.find("carrier.example", "udp")
    assert set(found.records) == {
        Record("a.example", 5060, 1, 10),
        Record("b.example", 5070, 2, 0),
    }
    assert 0 < found.seconds <= 60


@pytest.mark.parametrize(("transport", "service"), [("tcp", "_sip._tcp"), ("tls", "_sips._tcp")])
async def test_each_transport_has_its_service(
    server: NameServer, directory: Directory, transport: str, service: str
) -> None:
    await directory.find("carrier.example.", transport)
    assert server.asked[0] == f"{service}.carrier.example. SRV"


async def test_a_name_without_records_has_none(directory: Directory) -> None:
    assert (await directory.find("nobody.example", "udp")).records == ()


async def test_a_service_that_is_decidedly_not_available_has_none(
    server: NameServer, directory: Directory
) -> None:
    server.records["_sip._udp.carrier.example.", "SRV"] = ["0 0 0 ."]
    assert (await directory.find("carrier.example", "udp")).records == ()


@pytest.mark.parametrize("how", ["silent", "broken"])
async def test_a_name_service_that_is_away_is_no_answer(
    server: NameServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.3)
    directory = Directory([("127.0.0.1", server.port)])
    setattr(server, how, True)
    with pytest.raises(NoAnswer, match=r"_sip\._udp\.carrier\.example"):
        await directory.find("carrier.example", "udp")


async def test_more_records_than_anybody_needs_are_left(
    server: NameServer, directory: Directory
) -> None:
    many = [(1, 1, 1000 + number, f"h{number}.x") for number in range(12)]
    server.srv("_sip._udp.carrier.example", *many)
    assert len((await directory.find("carrier.example", "udp")).records) == 12


async def test_addresses_of_both_kinds_are_found_with_the_shortest_time(
    server: NameServer, directory: Directory
) -> None:
    server.records["carrier.example.", "A"] = ["192.0.2.1", "192.0.2.2"]
    server.records["carrier.example.", "AAAA"] = ["2001:db8::1"]
    found = await directory.addresses("carrier.example")
    assert found.addresses == ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert found.seconds == 60


async def test_a_name_of_one_kind_holds_as_long_as_that_says(
    server: NameServer, directory: Directory
) -> None:
    server.records["carrier.example.", "AAAA"] = ["2001:db8::1"]
    server.seconds = 300
    assert await directory.addresses("carrier.example") == (("2001:db8::1",), 300.0)


async def test_no_address_holds_as_long_as_the_zone_says(
    server: NameServer, directory: Directory
) -> None:
    server.zone, server.negative_seconds = "example.", 17
    assert await directory.addresses("nobody.example") == ((), 17.0)
    assert (await directory.find("nobody.example", "udp")).seconds == 17.0


async def test_no_address_of_a_zone_that_says_nothing_holds_for_a_while(
    directory: Directory,
) -> None:
    assert await directory.addresses("nobody.example") == ((), module.NEGATIVE_SECONDS)


async def test_one_kind_that_is_answered_is_enough(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.3)
    directory = Directory([("127.0.0.1", server.port)])
    server.records["carrier.example.", "A"] = ["192.0.2.1"]
    server.silent_kinds = {"AAAA"}
    assert (await directory.addresses("carrier.example")).addresses == ("192.0.2.1",)
    server.silent_kinds = {"A"}
    with pytest.raises(NoAnswer):
        await directory.addresses("carrier.example")


@pytest.mark.parametrize("how", ["silent", "broken"])
async def test_addresses_of_a_name_service_that_is_away_are_no_answer(
    server: NameServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.3)
    directory = Directory([("127.0.0.1", server.port)])
    setattr(server, how, True)
    with pytest.raises(NoAnswer, match=r"carrier\.example"):
        await directory.addresses("carrier.example")


async def test_two_name_servers_of_one_host_are_both_asked(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.records["carrier.example.", "A"] = ["192.0.2.1"]
    with NameServer() as broken:
        broken.broken = True
        directory = Directory([("127.0.0.1", broken.port), ("127.0.0.1", server.port)])
        assert (await directory.addresses("carrier.example")).addresses == ("192.0.2.1",)
