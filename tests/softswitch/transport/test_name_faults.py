"""Names over a bad network: each packet lost, doubled, late, cut, forged or broken in turn."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from softswitch.transport import directory as module
from softswitch.transport.directory import Directory, Record
from softswitch.transport.names import NoAnswer
from softswitch.transport.resolver import NameNotResolved, NameUnknown, Resolver, asking
from tests.support.name_server import (
    Fault,
    NameServer,
    doubled,
    from_elsewhere,
    garbled,
    guessed_before,
    late,
    lost,
    noise,
    of_another_id,
)

FAULTS: dict[str, Fault] = {
    "lost": lost,
    "doubled": doubled,
    "late": late(1.3),
    "of another id": of_another_id,
    "guessed before": guessed_before,
    "from elsewhere": from_elsewhere,
    "garbled": garbled,
    "noise": noise,
}
ALL = ("udp", "tcp", "tls")


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer() as made:
        made.records["carrier.example.", "NAPTR"] = [
            '1 1 "s" "SIP+D2U" "" _sip._udp.carrier.example.'
        ]
        made.srv("_sip._udp.carrier.example", (1, 1, 5060, "a.example"), (2, 1, 5070, "b.example"))
        made.records["a.example.", "A"] = ["192.0.2.1"]
        made.records["a.example.", "AAAA"] = ["2001:db8::1"]
        yield made


@pytest.fixture
def directory(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> Directory:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.2)
    return Directory([("127.0.0.1", server.port)])


async def found(directory: Directory) -> tuple[list[Record], Sequence[str]]:
    """All that is asked for a trunk's name: NAPTR, SRV, A and AAAA."""
    servers = await directory.find_any("carrier.example", ALL)
    resolver = Resolver(asking(directory.addresses))
    return sorted(servers.records, key=lambda one: one.priority), await resolver.resolve(
        "a.example"
    )


GOOD = (
    [Record("a.example", 5060, 1, 1, "udp"), Record("b.example", 5070, 2, 1, "udp")],
    ("192.0.2.1", "2001:db8::1"),
)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("number", range(4))
async def test_any_one_answer_may_be_bad(
    server: NameServer, directory: Directory, number: int, fault: Fault
) -> None:
    server.faults[number] = fault
    assert await found(directory) == GOOD


async def test_the_first_two_answers_to_each_question_may_be_lost(
    server: NameServer, directory: Directory
) -> None:
    class Thinned(dict[int, Fault]):
        """Loses what is answered to the first two of each question."""

        def get(self, number: int, default: Fault) -> Fault:  # type: ignore[override]
            asked = server.asked[: number + 1]
            return lost if asked.count(asked[-1]) <= 2 else default

    server.faults = Thinned()
    assert await found(directory) == GOOD
    assert len(server.asked) == 12


async def test_a_slow_server_is_waited_for_though_it_was_asked_again(
    server: NameServer, directory: Directory
) -> None:
    """Each of its answers takes longer than the time after which it is asked again."""
    server.faults = {number: late(0.7) for number in range(50)}
    assert await found(directory) == GOOD


async def test_answers_that_come_too_late_do_no_harm(
    server: NameServer, directory: Directory
) -> None:
    server.faults = {0: late(0.5), 1: doubled, 2: late(0.6)}
    assert (await directory.find("carrier.example", "udp")).records
    await asyncio.sleep(0.7)
    assert await found(directory) == GOOD


async def test_nothing_is_asked_twice_where_it_is_answered(
    server: NameServer, directory: Directory
) -> None:
    await found(directory)
    assert sorted(server.asked) == [
        "_sip._udp.carrier.example. SRV", "a.example. A", "a.example. AAAA",
        "carrier.example. NAPTR",
    ]  # fmt: skip


# Cut answers.


async def test_a_cut_answer_is_asked_for_by_tcp(server: NameServer, directory: Directory) -> None:
    server.truncates = True
    assert await found(directory) == GOOD
    assert len(server.asked_by_tcp) == 4


async def test_more_servers_than_a_datagram_holds_come_by_tcp(
    server: NameServer, directory: Directory
) -> None:
    many = [(1, 1, 1000 + number, f"{'x' * 50}{number}.example") for number in range(30)]
    server.srv("_sip._udp.carrier.example", *many)
    server.truncates = True
    assert len((await directory.find("carrier.example", "udp")).records) == 30


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("fault", [lost, doubled])
async def test_a_cut_answer_may_be_bad_too(
    server: NameServer, directory: Directory, number: int, fault: Fault
) -> None:
    server.truncates = True
    server.faults[number] = fault
    assert await found(directory) == GOOD


async def test_a_server_that_cuts_and_takes_no_tcp_is_none(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.5)
    directory = Directory([("127.0.0.1", server.port)])
    server.truncates, server.takes_tcp = True, False
    with pytest.raises(NoAnswer):
        await directory.find("carrier.example", "udp")
    with pytest.raises(NoAnswer):
        await directory.addresses("a.example")


# Who answers from elsewhere, and never who was asked.


@pytest.mark.parametrize("fault", [of_another_id, from_elsewhere, garbled, noise])
async def test_nobody_else_is_believed(
    server: NameServer, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.5)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.2)
    directory = Directory([("127.0.0.1", server.port)])
    server.faults = dict.fromkeys(range(50), fault)
    with pytest.raises(NoAnswer):
        await directory.find("carrier.example", "udp")
    resolver = Resolver(asking(directory.addresses))
    with pytest.raises(NameNotResolved) as caught:
        await resolver.resolve("a.example")
    # It is not known that there is none.
    assert not isinstance(caught.value, NameUnknown)
    await resolver.close()


async def test_an_answer_to_another_question_is_none(
    server: NameServer, directory: Directory
) -> None:
    def astray(server: NameServer, reply: bytes, peer: tuple[str, int]) -> None:
        server.put(reply.replace(b"carrier", b"pirates"), peer)

    server.faults[0] = astray
    assert await found(directory) == GOOD


# Several servers.


@pytest.mark.parametrize("dead", [1, 2])
async def test_servers_that_say_nothing_cost_less_than_calls_wait(
    server: NameServer, monkeypatch: pytest.MonkeyPatch, dead: int
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.2)
    held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(dead)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    before = [("127.0.0.1", one.getsockname()[1]) for one in held]
    directory = Directory([*before, ("127.0.0.1", server.port)])
    began = time.monotonic()
    assert (await directory.find("carrier.example", "udp")).records
    assert time.monotonic() - began < module.DEADLINE_SECONDS / 2
    for one in held:
        one.close()


@pytest.mark.parametrize("close", [lambda server: server.close(), lambda server: None])
async def test_whoever_waits_may_be_cancelled(
    server: NameServer, directory: Directory, close: Callable[[NameServer], None]
) -> None:
    server.silent = True
    task = asyncio.create_task(directory.find_any("carrier.example", ALL))
    await asyncio.sleep(0.3)
    close(server)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [one.get_name() for one in asyncio.all_tasks() if "ask for" in one.get_name()] == []
