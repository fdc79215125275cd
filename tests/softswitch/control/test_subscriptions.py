"""Events reach those who subscribed: the right ones, once each, however slow they are."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from softswitch.call.events import CallAnswered, CallRefused, CampaignChosen, DigitPressed
from softswitch.call.stream import EventStream
from softswitch.control.access import ADMINISTRATOR, Access, Identity, Token
from softswitch.control.history import EventHistory
from softswitch.control.methods import events
from softswitch.control.methods.events import MAX_PATTERNS, MAX_POLLS, MAX_SUBSCRIPTIONS
from softswitch.control.session import Session
from softswitch.control.subscriptions import PORTION

SALE_ONLY = Token.of("crm", "s", ("read",), ("sale",)).identity


class Bench:
    """A stream of events and its history; peers subscribe to it."""

    def __init__(self, limit: int = 1000) -> None:
        self.stream = EventStream()
        self.history = EventHistory(self.stream, epoch="e1", limit=limit)
        self.peers: list[Peer] = []

    def digit(self, call: str = "c1", number: int = 1) -> None:
        self.stream.publish(
            DigitPressed(call_id=call, number=number, at=0.5, clock=0.0, leg="a", digit="7")
        )

    def answered(self, call: str = "c1") -> None:
        self.stream.publish(
            CallAnswered(call_id=call, number=1, at=0.0, clock=0.0, leg="a", codec="PCMU")
        )

    def campaign(self, call: str, campaign: str) -> None:
        self.stream.publish(
            CampaignChosen(
                call_id=call, number=1, at=0.0, clock=0.0, node="n", campaign=campaign, policy="p"
            )
        )

    def peer(self, identity: Identity = ADMINISTRATOR) -> Peer:
        self.peers.append(Peer(self.history, identity))
        return self.peers[-1]


class Peer:
    """One connection and what came over it."""

    def __init__(self, history: EventHistory, identity: Identity) -> None:
        self.got: list[Any] = []
        self.slow: asyncio.Event | None = None
        """While it is not set, nothing more is taken."""
        self.gone = False
        self.session = Session(
            events.METHODS,
            SimpleNamespace(history=history),
            self._send,
            access=Access(),
            identity=identity,
        )

    async def _send(self, *messages: bytes) -> None:
        if self.gone:
            raise ConnectionResetError
        self.got += [json.loads(message) for message in messages]
        if self.slow is not None:
            await self.slow.wait()

    async def ask(self, method: str, **params: Any) -> Any:
        before = len(self.got)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        await self.session.receive(json.dumps(request).encode())
        async with asyncio.timeout(5):
            while not (answers := [one for one in self.got[before:] if "id" in one]):
                await asyncio.sleep(0)
        answer = answers[0]
        return answer["result"] if "result" in answer else answer["error"]["data"]

    async def subscribe(self, **params: Any) -> Any:
        return await self.ask("events.subscribe", **params)

    @property
    def events(self) -> list[Any]:
        return [one["params"] for one in self.got if one.get("method") == "event"]

    @property
    def numbers(self) -> list[int]:
        return [one["sequence"] for one in self.events]

    @property
    def missed(self) -> list[Any]:
        return [one["params"] for one in self.got if one.get("method") == "events.missed"]


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    for peer in made.peers:
        await peer.session.close()
    assert made.history._wakers == {}


async def test_events_come_with_all_that_is_known_of_them(bench: Bench) -> None:
    peer = bench.peer()
    bench.answered()
    assert await peer.subscribe() == {
        "subscription": 1, "epoch": "e1", "first": 1, "last": 1, "after": 1,
    }  # fmt: skip
    bench.digit(number=4)
    await settle()
    assert peer.got[-1] == {
        "jsonrpc": "2.0",
        "method": "event",
        "params": {
            "subscription": 1,
            "sequence": 2,
            "kind": "call.dtmf",
            "call": "c1",
            "campaign": None,
            "at": "1970-01-01T00:00:00.500Z",
            "number": 4,
            "facts": {"leg": "a", "digit": "7", "source": "rfc4733"},
        },
    }


async def test_the_answer_comes_before_the_first_event(bench: Bench) -> None:
    bench.digit()
    peer = bench.peer()
    await peer.subscribe(after=0)
    await settle()
    assert "result" in peer.got[0]
    assert peer.numbers == [1]


async def test_filters_hold(bench: Bench) -> None:
    peer = bench.peer()
    await peer.subscribe(kinds=["call.d*"])
    await peer.subscribe(calls=["c2"])
    await peer.subscribe(campaigns=["sale"])
    bench.answered("c1")
    bench.digit("c1")
    bench.answered("c2")
    bench.campaign("c3", "sale")
    await settle()
    got = {(one["subscription"], one["sequence"]) for one in peer.events}
    assert got == {(1, 2), (2, 3), (3, 4)}


async def test_who_has_campaigns_sees_nothing_of_others(bench: Bench) -> None:
    peer = bench.peer(SALE_ONLY)
    await peer.subscribe()
    bench.campaign("c1", "other")
    bench.digit("c1")
    bench.campaign("c2", "sale")
    bench.stream.publish(
        CallRefused(
            call_id="", number=1, at=0.0, clock=0.0, trunk=None, sip_call_id="", source="",
            called="", caller="", status=404, why="",
        )
    )  # fmt: skip
    await settle()
    assert peer.numbers == [3]
    assert (await peer.subscribe(campaigns=["sale", "other"]))["reason"] == "forbidden"
    assert peer.session.subscriptions.keys() == {1}


async def test_a_kind_that_there_is_not_is_a_slip(bench: Bench) -> None:
    peer = bench.peer()
    assert (await peer.subscribe(kinds=["call.ended", "call.edned"]))["reason"] == "invalid_params"
    many = ["call.ended"] * (MAX_PATTERNS + 1)
    assert (await peer.subscribe(kinds=many))["reason"] == "invalid_params"
    assert peer.session.subscriptions == {}


async def test_a_number_of_another_life_is_refused_with_the_present_one(bench: Bench) -> None:
    peer = bench.peer()
    bench.digit()
    assert await peer.subscribe(after=5, epoch="e0") == {
        "reason": "events_gone", "epoch": "e1", "first": 1, "last": 1,
    }  # fmt: skip
    assert (await peer.subscribe(after=5))["reason"] == "invalid_params"
    assert (await peer.subscribe(after=5, epoch="e1"))["after"] == 1
    assert (await peer.subscribe(after=-7, epoch="e1"))["after"] == 0


async def test_no_event_follows_the_end_of_a_subscription(bench: Bench) -> None:
    peer = bench.peer()
    await peer.subscribe()
    await peer.subscribe()
    assert await peer.ask("events.unsubscribe", subscription=1) == {"subscription": 1}
    bench.digit()
    await settle()
    assert [one["subscription"] for one in peer.events] == [2]
    again = await peer.ask("events.unsubscribe", subscription=1)
    assert again["reason"] == "subscription_not_found"
    assert (await peer.subscribe())["subscription"] == 3


async def test_subscriptions_are_bounded(bench: Bench) -> None:
    peer = bench.peer()
    for _ in range(MAX_SUBSCRIPTIONS):
        await peer.subscribe()
    assert (await peer.subscribe())["reason"] == "limit_reached"


async def test_a_peer_that_is_slow_falls_behind_and_is_told_what_it_has_missed() -> None:
    bench = Bench(limit=100)
    slow, quick = bench.peer(), bench.peer()
    await slow.subscribe()
    await quick.subscribe()
    slow.slow = asyncio.Event()
    for _ in range(50):
        for _ in range(10):
            bench.digit()
        await settle()
    assert quick.numbers == list(range(1, 501))
    assert len(slow.numbers) == 10
    slow.slow.set()
    await settle()
    assert slow.missed == [{"subscription": 1, "first": 11, "last": 400}]
    assert slow.numbers == [*range(1, 11), *range(401, 501)]
    for peer in bench.peers:
        await peer.session.close()


async def test_a_peer_that_has_gone_is_no_longer_sent_to(bench: Bench) -> None:
    peer = bench.peer()
    await peer.subscribe()
    peer.gone = True
    bench.digit()
    await settle()
    assert bench.history._wakers == {}


async def test_long_pasts_come_in_portions_that_let_others_have_their_turn(bench: Bench) -> None:
    for _ in range(900):
        bench.digit()
    sizes: list[int] = []
    peer = bench.peer()

    async def send(*messages: bytes) -> None:
        sizes.append(len(messages))

    peer.session._send = send
    request = b'{"jsonrpc":"2.0","method":"events.subscribe","params":{"after":0}}'
    await peer.session.receive(request)
    await settle()
    assert sizes == [PORTION] * 4 + [100]


async def test_killed_in_a_storm_and_back_again_no_event_is_missing_or_doubled(
    bench: Bench,
) -> None:
    """200 calls tell their facts side by side; the peer breaks off anywhere, also with events on
    their way, and comes back with the last number it has."""
    chance = random.Random(5)
    numbers = dict.fromkeys((f"c{n}" for n in range(200)), 0)
    peer, seen = bench.peer(), []
    answer = await peer.subscribe()
    for _ in range(3000):
        for call in chance.sample(sorted(numbers), chance.randrange(3)):
            numbers[call] += 1
            bench.digit(call, numbers[call])
        if chance.random() < 0.3:
            await asyncio.sleep(0)
        if chance.random() < 0.02:
            await peer.session.close()
            seen += peer.events
            peer = bench.peer()
            after = seen[-1]["sequence"] if seen else answer["after"]
            await peer.subscribe(after=after, epoch=answer["epoch"])
    await settle()
    seen += peer.events
    assert [one["sequence"] for one in seen] == list(range(1, bench.history.last + 1))
    for call, count in numbers.items():
        assert [one["number"] for one in seen if one["call"] == call] == [*range(1, count + 1)]
    assert len(bench.peers) > 30


# Asking again and again.


async def test_polls_one_after_the_other_miss_nothing_and_see_nothing_twice(bench: Bench) -> None:
    peer = bench.peer()
    place = await peer.ask("events.poll")
    assert place == {"epoch": "e1", "after": 0, "events": [], "missed": None}
    for number in range(1, 8):
        bench.digit(number=number)
    seen: list[int] = []
    while len(seen) < 7:
        place = await peer.ask("events.poll", after=place["after"], epoch="e1", limit=3)
        seen += [one["sequence"] for one in place["events"]]
    assert seen == list(range(1, 8))
    assert place["after"] == 7
    assert "subscription" not in place["events"][0]
    assert place["events"][0]["facts"]["digit"] == "7"


async def test_a_poll_waits_for_the_first_event_that_is_wanted(bench: Bench) -> None:
    peer = bench.peer()
    asked = asyncio.create_task(
        peer.ask("events.poll", after=0, epoch="e1", kinds=["call.answered"], wait=30)
    )
    await settle()
    for number in range(3 * PORTION):
        bench.digit(number=number)
    await settle()
    assert not asked.done()
    bench.answered()
    answer = await asked
    assert [one["kind"] for one in answer["events"]] == ["call.answered"]
    assert answer["after"] == 3 * PORTION + 1


async def test_a_poll_that_waited_in_vain_goes_on_behind_what_it_has_looked_at(
    bench: Bench,
) -> None:
    peer = bench.peer()
    for number in range(3 * PORTION):
        bench.digit(number=number)
    answer = await peer.ask("events.poll", after=0, epoch="e1", kinds=["call.answered"], wait=0.01)
    assert answer == {"epoch": "e1", "after": 3 * PORTION, "events": [], "missed": None}


async def test_a_poll_tells_what_is_gone() -> None:
    bench = Bench(limit=10)
    for number in range(30):
        bench.digit(number=number)
    peer = bench.peer()
    answer = await peer.ask("events.poll", after=5, epoch="e1", limit=4)
    assert answer["missed"] == {"first": 6, "last": 20}
    assert [one["sequence"] for one in answer["events"]] == [21, 22, 23, 24]
    refused = await peer.ask("events.poll", after=5, epoch="before")
    assert refused["reason"] == "events_gone"
    await peer.session.close()


async def test_a_poll_shows_the_campaigns_of_its_token_only(bench: Bench) -> None:
    peer = bench.peer(SALE_ONLY)
    bench.campaign("c1", "sale")
    bench.campaign("c2", "other")
    answer = await peer.ask("events.poll", after=0)
    assert [one["call"] for one in answer["events"]] == ["c1"]


async def test_only_so_many_polls_of_a_connection_wait_and_end_with_it(bench: Bench) -> None:
    peer = bench.peer()
    asked = [asyncio.create_task(peer.ask("events.poll", wait=30)) for _ in range(MAX_POLLS)]
    await settle()
    assert (await peer.ask("events.poll", wait=30))["reason"] == "limit_reached"
    assert bench.history.readers == MAX_POLLS
    await peer.session.close()
    assert bench.history.readers == 0
    for one in asked:
        one.cancel()
    await asyncio.wait(asked)
