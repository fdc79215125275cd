"""Probes of the servers of trunks, on a clock moved by hand: what is told, who is called first."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from config.model import Trunk, TrunkProbe, TrunkRegistration
from softswitch.call.events import TrunkDown, TrunkUnregistered, TrunkUp
from softswitch.call.servers import AVOID_SECONDS, Ways
from softswitch.sip.events import ProbeChanged
from softswitch.sip.flow import Flow
from softswitch.sip.ids import Ids
from softswitch.sip.servers import Server
from softswitch.switchboard.trunk_watch import ServerStatus, TrunkWatch
from tests.support.agents import Pseudorandom
from tests.support.wire import Wire, response

NAME = ("carrier.example", "udp")
TRUNK = Trunk(
    "carrier",
    "carrier.example",
    by_name=True,
    probe=TrunkProbe(every=2.0, misses=1, down=frozenset((503,))),
)
FLOW = Flow("udp", "carrier.example", 5060)
FIRST, SECOND = Server("192.0.2.1", 5060, 1), Server("192.0.2.2", 5060, 2)


class House:
    """A watch with a stack whose peers answer as `answers` say; those not in it say nothing."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.told: list[tuple[type, Any]] = []
        self.answers: dict[str, int] = {}
        self.services = SimpleNamespace(
            ways=Ways(Ids(Pseudorandom(1))),
            stack=self.wire.stack,
            servers={NAME: (FIRST, SECOND)},
            trunks_down=set(),
            advertised_host="192.0.2.100",
            now=lambda: self.wire.now,
            flush_soon=lambda: None,
            tell=lambda kind, **facts: self.told.append((kind, facts["trunk"])),
        )
        self.watch = TrunkWatch(self.services, {})  # type: ignore[arg-type]
        configuration = SimpleNamespace(trunks={TRUNK.name: TRUNK})
        self.watch.use(configuration)  # type: ignore[arg-type]
        self.watch.looked_up(*NAME)

    def wait(self, seconds: float) -> None:
        """Let time pass; peers answer."""
        end = self.wire.now + seconds
        while self.wire.now < end:
            for sent in self.wire.wait(0.1):
                if status := self.answers.get(sent.flow.host):
                    self.wire.give(response(sent.message, status), sent.flow)
            for event in self.wire.events():
                assert isinstance(event, ProbeChanged)
                self.watch.receive(event)

    def order(self) -> list[str]:
        """Whom a call tries, one after the other."""
        services = self.services
        found = services.ways.of(TRUNK, FLOW, services.servers, self.wire.now)
        return [flow.host for flow in found]

    def leads_to(self, *servers: Server) -> None:
        """What the name service says from now on."""
        self.services.servers = {NAME: servers} if servers else {}
        self.watch.looked_up(*NAME)


@pytest.fixture
def house() -> House:
    return House()


def test_a_server_comes_last_for_as_long_as_its_probe_is_down(house: House) -> None:
    house.answers = {FIRST.host: 503, SECOND.host: 200}
    for _ in range(4):
        house.wait(AVOID_SECONDS)
        assert house.order() == [SECOND.host, FIRST.host]
    # One that a call has found out of order is tried before it.
    house.services.ways.failed(FLOW._replace(host=SECOND.host), house.wire.now)
    assert house.order() == [SECOND.host, FIRST.host]
    house.answers[FIRST.host] = 200
    house.wait(5.0)
    assert house.order() == [FIRST.host, SECOND.host]
    assert house.told == []


def test_a_server_that_answers_again_is_called_before_those_that_do_not(house: House) -> None:
    house.answers = {FIRST.host: 503, SECOND.host: 503}
    house.wait(5.0)
    assert house.told == [(TrunkDown, "carrier")]
    house.answers[SECOND.host] = 200
    house.wait(5.0)
    assert house.told[1:] == [(TrunkUp, "carrier")]
    assert house.order() == [SECOND.host, FIRST.host]


def test_an_answer_ends_what_a_call_has_found(house: House) -> None:
    house.answers = {FIRST.host: 503, SECOND.host: 200}
    house.wait(5.0)
    house.services.ways.failed(FLOW._replace(host=FIRST.host), house.wire.now)
    house.answers[FIRST.host] = 200
    house.wait(5.0)
    assert house.order() == [FIRST.host, SECOND.host]


def test_a_server_that_is_probed_no_more_comes_in_its_turn_again(house: House) -> None:
    house.answers = {FIRST.host: 503, SECOND.host: 200}
    house.wait(5.0)
    house.watch.stop()
    assert house.order() == [FIRST.host, SECOND.host]


def test_a_trunk_that_is_down_is_up_by_an_answer_alone(house: House) -> None:
    house.wait(10.0)
    assert house.told == [(TrunkDown, "carrier")]
    # Its name vanishes: it is asked itself, and has said nothing yet.
    house.leads_to()
    assert house.watch.status("carrier").up is False
    house.wait(30.0)
    assert house.told == [(TrunkDown, "carrier")]
    # The same with a server that its name leads to now, until that answers.
    third = Server("192.0.2.3", 5060)
    house.leads_to(third)
    assert house.services.trunks_down == {"carrier"}
    house.answers[third.host] = 404
    house.wait(5.0)
    assert house.told == [(TrunkDown, "carrier"), (TrunkUp, "carrier")]
    assert house.services.trunks_down == set()


def test_a_trunk_that_was_up_stays_up_until_its_new_server_misses(house: House) -> None:
    house.answers = {FIRST.host: 200, SECOND.host: 200}
    house.wait(5.0)
    house.leads_to(Server("192.0.2.3", 5060))
    assert house.services.trunks_down == set()
    house.wait(30.0)
    assert house.told == [(TrunkDown, "carrier")]


def test_each_server_of_a_name_is_told_with_what_its_probe_says(house: House) -> None:
    ready = [ServerStatus(one.host, 5060, "udp", None, None) for one in (FIRST, SECOND)]
    assert house.watch.servers(TRUNK) == ready
    house.answers = {FIRST.host: 503, SECOND.host: 404}
    house.wait(5.0)
    assert house.watch.servers(TRUNK) == [
        ServerStatus(FIRST.host, 5060, "udp", False, 503),
        ServerStatus(SECOND.host, 5060, "udp", True, 404),
    ]
    assert house.watch.servers(Trunk("other", "192.0.2.9")) == []


@pytest.mark.parametrize("stays", [True, False])
def test_a_registration_that_the_configuration_has_no_more_is_told_of(
    house: House, stays: bool
) -> None:
    trunk = replace(TRUNK, register=TrunkRegistration(user="us"), probe=None)
    house.services.logins = SimpleNamespace(of=lambda trunk: None)
    house.services.ids = Ids(Pseudorandom(2))
    for one in (TRUNK, trunk):
        house.watch.use(SimpleNamespace(trunks={"carrier": one}))  # type: ignore[arg-type]
    ((_, registration),) = house.watch._registrations.values()
    registration.registered = True
    after = replace(trunk, max_calls=7) if stays else replace(trunk, register=None)
    house.watch.use(SimpleNamespace(trunks={"carrier": after}))  # type: ignore[arg-type]
    assert ((TrunkUnregistered, "carrier") in house.told) is not stays
