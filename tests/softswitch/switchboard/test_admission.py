"""A switch that is too full answers new calls with 503 before it does anything for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.model import Admission as Limits
from softswitch.routing.admission import BEAT_SECONDS, HOLD_SECONDS
from softswitch.sip.events import InviteRejected
from softswitch.switchboard.admission import STRANGERS_A_BEAT, Admission
from tests.support.laboratory import DIRECT, Laboratory, laboratory

BEATS = 3 * BEAT_SECONDS


class Guarded:
    """A laboratory whose switch is looked at, with limits and a backlog that tests set."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.limits = Limits()
        self.backlog = 0.0
        self.admission = Admission(lab.services, lambda: self.limits, lambda: self.backlog)
        self.admission.start()

    def fill(self, limit: str) -> None:
        """Have the switch be too full by a limit."""
        if limit == "backlog":
            self.backlog = 0.9
        else:
            self.limits = Limits(free_ports=self.lab.engine.counters.ports_free)
        self.lab.advance(BEATS)

    def empty(self) -> None:
        """Have it be well again."""
        self.backlog, self.limits = 0.0, Limits()
        self.lab.advance(HOLD_SECONDS + BEATS)

    def refusals(self) -> list[InviteRejected]:
        """What the caller heard."""
        return [event for event in self.lab.caller.events if isinstance(event, InviteRejected)]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    with laboratory(tmp_path) as lab:
        made = Guarded(lab)
        yield made
        made.admission.close()


@pytest.mark.parametrize("limit", ["backlog", "free_ports"])
def test_who_calls_a_full_switch_gets_503_and_costs_nothing(guarded: Guarded, limit: str) -> None:
    lab = guarded.lab
    guarded.fill(limit)
    before = lab.stack.counts(), lab.engine.counters
    lab.caller.invite(DIRECT)
    lab.settle()
    (rejected,) = guarded.refusals()
    assert rejected.status == 503
    assert rejected.response is not None
    assert 1 <= int(rejected.response.headers.get("Retry-After") or 0) <= 5
    # No transaction, no dialog, no timer; no media port; no journal, and nothing presented.
    assert (lab.stack.counts(), lab.engine.counters) == before
    assert [name for name in lab.carried if name.startswith("switch:")] == ["switch:503 INVITE"]
    assert lab.facts("call.refused")[0]["why"] == f"switch is full ({limit})"
    assert lab.facts("call.presented") == []
    assert lab.all_records() == []


def test_it_is_told_once_when_it_closes_and_once_when_it_opens(guarded: Guarded) -> None:
    lab = guarded.lab
    guarded.fill("free_ports")
    assert guarded.admission.status()["closed"] == "free_ports"
    for _ in range(3):
        lab.caller.invite(DIRECT)
        lab.settle()
    guarded.empty()
    (closed,), (opened,) = lab.facts("admission.closed"), lab.facts("admission.opened")
    assert (closed["why"], closed["free_ports"]) == ("free_ports", 12)
    assert (opened["why"], opened["refused"]) == ("free_ports", 3)
    assert opened["seconds"] >= HOLD_SECONDS
    assert guarded.admission.status()["times_closed"] == 1


def test_calls_in_progress_go_on_and_end_while_it_is_closed(guarded: Guarded) -> None:
    lab = guarded.lab
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.answer()
    lab.settle()
    guarded.fill("backlog")
    assert lab.call.bridged
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["ended_by"] == "calling"


def test_a_flood_of_strangers_does_not_close_the_switch_to_trunks(guarded: Guarded) -> None:
    lab = guarded.lab
    guarded.backlog = 1.0
    for _ in range(10):
        lab.stack.drops["stranger"] += STRANGERS_A_BEAT
        lab.advance(BEAT_SECONDS)
    assert lab.facts("admission.closed") == []
    # What is left of it when they are quiet is of those whom we serve.
    lab.advance(BEATS)
    assert len(lab.facts("admission.closed")) == 1


def test_calls_are_taken_again_when_it_is_well(guarded: Guarded) -> None:
    lab = guarded.lab
    guarded.fill("backlog")
    guarded.empty()
    lab.caller.invite(DIRECT)
    lab.settle()
    assert guarded.refusals() == []
    lab.caller.cancel()
    lab.settle()


def test_a_loop_that_is_late_is_measured(guarded: Guarded) -> None:
    lab = guarded.lab
    lab.advance(BEATS)
    assert guarded.admission.status()["loop_lag_ms"] < 1
