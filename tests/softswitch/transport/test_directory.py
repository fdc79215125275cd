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
