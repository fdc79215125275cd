"""A campaign that has spent what it may calls nobody, whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from config.model import Configuration, Connect
from softswitch.switchboard.guards import Guards
from softswitch.switchboard.spending import Spending
from softswitch.switchboard.transfers import Transfers
from tests.support.laboratory import (
    AGENT,
    DIRECT,
    FAILOVER,
    HOSTS,
    KEPT,
    SECOND,
    Laboratory,
    laboratory,
)
from tests.support.referring import RULES

LIMIT = Decimal("0.05")


class Guarded:
    """A laboratory whose direct calls cost two cents a minute, five an hour."""

    def __init__(self, lab: Laboratory, limit: Decimal | None = LIMIT) -> None:
        self.lab = lab
        self.spending = Spending(lab.services, lab.switchboard.calls.get)
        self.use(limit)

    def use(self, limit: Decimal | None) -> None:
        lab = self.lab
        fresh = configured(lab.configuration, limit)
        lab.switchboard.snapshot = replace(lab.switchboard.snapshot, configuration=fresh)
        self.spending.use(fresh)

    def call(self, seconds: float = 1.0) -> str:
        """Have a call placed and talked for so long; how it ended."""
        lab = self.lab
        answered = len(lab.callee.calls)
        lab.caller.invite(DIRECT)
        lab.settle()
        if len(lab.callee.calls) > answered:
            lab.callee.answer()
            lab.settle()
            lab.advance(seconds)
            lab.caller.hang_up()
            lab.settle()
        return str(lab.all_records()[-1]["cause"])


def configured(configuration: Configuration, limit: Decimal | None) -> Configuration:
    """The same with a price on all trunks and a limit on all campaigns."""
    trunks = {
        name: replace(trunk, cost=Decimal("0.02")) for name, trunk in configuration.trunks.items()
    }
    campaigns = {
        name: replace(campaign, max_spend_per_hour=limit)
        for name, campaign in configuration.campaigns.items()
    }
    # There is no sound here that could be missed.
    switch = replace(configuration.switch, no_media_seconds=None)
    return replace(configuration, switch=switch, trunks=trunks, campaigns=campaigns)


def test_calls_go_on_that_began_before(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        guarded = Guarded(lab)
        lab.caller.invite(DIRECT)
        lab.settle()
        lab.callee.answer()
        lab.settle()
        first = lab.call
        lab.advance(1000.0)
        assert guarded.spending.refuses(first)
        assert first.bridged
        lab.caller.hang_up()
        lab.settle()


def test_calls_are_placed_until_the_limit_is_reached(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        guarded = Guarded(lab)
        causes = [guarded.call() for _ in range(5)]
        assert causes[:3] == ["hung_up"] * 3
        assert "hung_up" not in causes[3:]
        assert len(lab.facts("leg.originated")) == 3
        (told,) = lab.facts("spend.reached")
        assert (told["spent"], told["limit"], told["currency"]) == ("0.06", "0.05", "USD")
        assert guarded.spending.refused == 2


def test_the_caller_that_nobody_is_called_for_hears_that_it_is_for_now(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        guarded = Guarded(lab, Decimal(0))
        guarded.call()
        assert lab.facts("leg.originated") == []
        leg = lab.record["legs"][0]
        assert leg["status"] == 480


def test_a_long_call_counts_its_minutes_while_it_goes_on(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        guarded = Guarded(lab)
        lab.caller.invite(DIRECT)
        lab.settle()
        lab.callee.answer()
        lab.settle()
        first = lab.call
        lab.advance(130.0)
        assert not first.ended
        assert guarded.spending.refuses(first)
        lab.caller.hang_up()
        lab.settle()


def test_an_hour_later_calls_are_placed_again(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        guarded = Guarded(lab)
        for _ in range(4):
            guarded.call()
        lab.advance(3700.0)
        assert guarded.call() == "hung_up"


def test_legs_that_nobody_answers_cost_nothing(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        guarded = Guarded(lab)
        for _ in range(5):
            lab.caller.invite(DIRECT)
            lab.settle()
            lab.callee.refuse(486)
            lab.settle()
        assert len(lab.facts("leg.originated")) == 5
        assert guarded.spending.refused == 0


@pytest.mark.parametrize("again", [LIMIT, None])
def test_the_limit_of_the_configuration_in_force_counts(
    tmp_path: Path, again: Decimal | None
) -> None:
    with laboratory(tmp_path) as lab:
        guarded = Guarded(lab, None)
        assert lab.services.spending is None
        guarded.use(Decimal("0.01"))
        assert guarded.call() == "hung_up"
        assert guarded.call() != "hung_up"
        guarded.use(again)
        assert guarded.call() == "hung_up"
        assert (lab.services.spending is None) == (again is None)


# What a leg costs is what the trunk costs that carries it.


class Priced(Guarded):
    """The agents' trunk costs one cent a minute, the carrier's, where the callers are, seven."""

    def use(self, limit: Decimal | None) -> None:
        lab = self.lab
        fresh = configured(lab.configuration, limit)
        prices = {"agents": Decimal("0.01"), "carrier": Decimal("0.07")}
        trunks = {name: replace(one, cost=prices[name]) for name, one in fresh.trunks.items()}
        fresh = replace(fresh, trunks=trunks, originate=RULES)
        lab.switchboard.snapshot = replace(lab.switchboard.snapshot, configuration=fresh)
        self.spending.use(fresh)

    def spent(self) -> str:
        return str(self.spending.book.spent("kept", self.lab.loop.time()))


@pytest.fixture
def priced(tmp_path: Path) -> Iterator[Priced]:
    with laboratory(tmp_path / "data", agents="redirects: follow") as lab:
        priced = Priced(lab, Decimal(5))
        configuration = lab.switchboard.snapshot.configuration
        guards = Guards(lambda: configuration, lab.switchboard.calls, now=lab.loop.time)
        lab.services.transfers = Transfers(lab.switchboard, guards)
        lab.caller.invite(KEPT)
        lab.settle()
        yield priced
        lab.caller.hang_up()
        lab.settle()


def send_elsewhere(lab: Laboratory, place: int, *hosts: str) -> None:
    headers = [("Contact", f"<sip:{AGENT}@{host}>") for host in hosts]
    lab.callee.calls[place].reject(302, headers=headers, now=lab.loop.time())
    lab.callee.pump.flush()
    lab.settle()


def test_a_leg_that_was_sent_to_another_trunk_costs_what_that_costs(priced: Priced) -> None:
    lab = priced.lab
    send_elsewhere(lab, 0, HOSTS["caller"])
    (invite,) = lab.caller.calls
    lab.caller.dialogs.append(invite.accept(body=lab.caller.description, now=lab.caller.now))
    lab.caller.pump.flush()
    lab.settle()
    assert lab.call.bridged
    assert priced.spent() == "0.07"
    assert [fact["trunk"] for fact in lab.facts("leg.redirected")] == ["carrier"]


def test_a_leg_that_came_back_costs_what_its_own_trunk_costs(priced: Priced) -> None:
    lab = priced.lab
    here = HOSTS["callee"]
    contacts = [("Contact", f"<sip:{AGENT}@{HOSTS['caller']}>;q=1"),
                ("Contact", f"<sip:{SECOND}@{here}>;q=0.5")]  # fmt: skip
    lab.callee.calls[0].reject(302, headers=contacts, now=lab.loop.time())
    lab.callee.pump.flush()
    lab.settle()
    lab.caller.calls[0].reject(486, now=lab.caller.now)
    lab.caller.pump.flush()
    lab.settle()
    assert len(lab.callee.calls) == 2
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged
    assert priced.spent() == "0.01"
    assert [fact["trunk"] for fact in lab.facts("leg.redirected")] == ["carrier", "agents"]


def test_the_next_destination_costs_what_its_own_trunk_costs(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data") as lab:
        priced = Priced(lab, Decimal(5))
        configuration = lab.switchboard.snapshot.configuration
        treatment = configuration.treatments["failover"]
        (connect,) = treatment.nodes
        assert isinstance(connect, Connect)
        to = (replace(connect.destinations[0], trunk="carrier"), connect.destinations[1])
        changed = replace(treatment, nodes=(replace(connect, destinations=to),))
        fresh = replace(configuration, treatments={**configuration.treatments, "failover": changed})
        lab.switchboard.snapshot = replace(lab.switchboard.snapshot, configuration=fresh)
        lab.caller.invite(FAILOVER)
        lab.settle()
        lab.caller.calls[0].reject(503, now=lab.caller.now)
        lab.caller.pump.flush()
        lab.settle()
        lab.callee.answer()
        lab.settle()
        assert lab.call.bridged
        assert priced.spending.book.spent("failover", lab.loop.time()) == Decimal("0.01")
        lab.caller.hang_up()
        lab.settle()
