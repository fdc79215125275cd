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
    says = r"^_sip\._udp\.carrier\.example\. SRV: no (answer within 0\.3 s|name server has .*)$"
    with pytest.raises(NoAnswer, match=says):
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
    assert set(found.addresses[:2]) == {"192.0.2.1", "192.0.2.2"}
    assert found.addresses[2:] == ("2001:db8::1",)
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


# NAPTR.

ALL = ("udp", "tcp", "tls")


def naptr(server: NameServer, *records: tuple[int, int, str, str]) -> None:
    """Order, preference, service and replacement of each."""
    server.records["carrier.example.", "NAPTR"] = [
        f'{order} {preference} "s" "{service}" "" {to}.'
        for order, preference, service, to in records
    ]


async def test_servers_come_by_the_transports_that_the_name_likes_best(
    server: NameServer, directory: Directory
) -> None:
    naptr(
        server,
        (50, 50, "SIPS+D2T", "_sips._tcp.carrier.example"),
        (20, 60, "SIP+D2U", "_sip._udp.carrier.example"),
        (20, 50, "SIP+D2T", "_sip._tcp.elsewhere.example"),
        (10, 10, "SIP+D2W", "_sip._ws.carrier.example"),
    )
    server.srv("_sips._tcp.carrier.example", (0, 0, 5061, "s.x"))
    server.srv("_sip._udp.carrier.example", (7, 0, 5060, "u.x"))
    server.srv("_sip._tcp.elsewhere.example", (9, 1, 5070, "t.x"))
    found = await directory.find_any("carrier.example", ALL)
    by_rank = sorted(found.records, key=lambda one: one.priority)
    assert [(one.host, one.port, one.transport) for one in by_rank] == [
        ("t.x", 5070, "tcp"),
        ("u.x", 5060, "udp"),
        ("s.x", 5061, "tls"),
    ]
    assert found.seconds == 60


async def test_transports_that_we_cannot_call_by_are_left(
    server: NameServer, directory: Directory
) -> None:
    naptr(
        server,
        (1, 1, "SIPS+D2T", "_sips._tcp.carrier.example"),
        (2, 1, "SIP+D2T", "_sip._tcp.carrier.example"),
    )
    server.srv("_sip._tcp.carrier.example", (1, 0, 5060, "t.x"))
    found = await directory.find_any("carrier.example", ("udp", "tcp"))
    assert [one.transport for one in found.records] == ["tcp"]
    assert "_sips._tcp.carrier.example. SRV" not in server.asked


@pytest.mark.parametrize(("kind", "service"), [("udp", "_sip._udp"), ("tcp", "_sip._tcp")])
async def test_without_naptr_records_services_are_asked_for_one_after_the_other(
    server: NameServer, directory: Directory, kind: str, service: str
) -> None:
    server.srv(f"{service}.carrier.example", (1, 0, 5060, "a.x"))
    found = await directory.find_any("carrier.example", ALL)
    assert found.records == (Record("a.x", 5060, 1, 0, kind),)
    assert "_sips._tcp.carrier.example. SRV" not in server.asked


async def test_naptr_records_that_lead_nowhere_are_as_none(
    server: NameServer, directory: Directory
) -> None:
    server.records["carrier.example.", "NAPTR"] = [
        '1 1 "u" "SIP+D2U" "!^.*$!sip:x@y!" .',
        '1 2 "s" "SIP+D2U" "" _sip._udp.gone.example.',
        '1 3 "a" "SIP+D2T" "" carrier.example.',
    ]
    server.srv("_sip._tcp.carrier.example", (1, 0, 5060, "a.x"))
    found = await directory.find_any("carrier.example", ALL)
    assert [one.host for one in found.records] == ["a.x"]


async def test_a_name_server_that_never_heard_of_naptr_is_asked_for_servers(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.3)
    directory = Directory([("127.0.0.1", server.port)])
    server.silent_kinds = {"NAPTR"}
    server.srv("_sip._udp.carrier.example", (1, 0, 5060, "a.x"))
    found = await directory.find_any("carrier.example", ALL)
    assert [one.host for one in found.records] == ["a.x"]
    server.silent = True
    with pytest.raises(NoAnswer):
        await directory.find_any("carrier.example", ALL)


async def test_a_name_of_which_there_is_nothing_has_no_servers(directory: Directory) -> None:
    assert (await directory.find_any("nobody.example", ALL)).records == ()
