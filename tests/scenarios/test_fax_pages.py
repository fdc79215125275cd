"""Pages of a fax from machine to machine (libspandsp), through the real program: as sound, by T.38
that the called machine or the switch asks for, and as sound after all where one refuses.

A fax takes some twenty seconds of handshakes whatever is on the page, so all are sent at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.fax_machine import FaxMachine, Outcome, needs_spandsp
from tests.support.fax_page import page
from tests.support.phone import Call
from tests.support.rtp_end import PCMA
from tests.support.stage import DIRECT, Stage

pytestmark = [needs_spandsp, pytest.mark.timeout(180)]

PATIENCE = 30.0
FAX_WITHIN = 100.0
ROWS = 150
STARTING = threading.Lock()
"""Two switches that start at the same moment may choose the same ports."""


@dataclass(frozen=True)
class Faxed:
    """What both machines and the record say of a fax."""

    rows: Sequence[bytes]
    sent: Outcome
    received: Outcome
    record: dict[str, Any]

    @property
    def relays(self) -> list[dict[str, Any]]:
        """The times of T.38 in the record."""
        found: list[dict[str, Any]] = self.record.get("fax_relays", [])
        return found

    def assert_whole(self, by: str) -> None:
        """The page that was sent is what was received."""
        for end in (self.sent, self.received):
            assert end.completion == 0, (self.sent, self.received)
            assert (end.by, end.pages) == (by, 1)
        assert self.received.rows() == list(self.rows)


class Line:
    """A call between two machines; `near` has called and sends."""

    def __init__(self, stage: Stage, near: FaxMachine, far: FaxMachine) -> None:
        self.near, self.far = near, far
        self.calling = stage.caller.invite(DIRECT, near.sound())
        self.called = stage.callee.expect_call(within=PATIENCE)
        assert self.called.invite is not None
        self.called.respond(200, far.sound())
        answer = self.calling.expect(200, within=PATIENCE)
        self.calling.ack()
        self.called.expect("ACK", within=PATIENCE)
        near.turn_by(answer.body)
        far.turn_by(self.called.invite.body)

    def turns(self, call: Call, machine: FaxMachine, body: bytes) -> None:
        """A party is asked for something else, agrees, and does it."""
        asked = call.expect("INVITE", within=PATIENCE)
        call.respond(200, body, request=asked)
        call.expect("ACK", within=PATIENCE)
        machine.turn_by(asked.body)

    def called_machine_asks(self) -> None:
        """As one does that has heard the calling tone."""
        self.called.reinvite(self.far.image())
        self.turns(self.calling, self.near, self.near.image())
        answer = self.called.expect(200, within=PATIENCE)
        self.called.ack()
        self.far.turn_by(answer.body)

    def is_refused(self, call: Call) -> None:
        """A party is asked for something that it has not."""
        asked = call.expect("INVITE", within=PATIENCE)
        assert b"m=image " in asked.body
        call.respond(488, request=asked)
        call.expect("ACK", within=PATIENCE)


# What happens in each call after its answer.


def nothing(_line: Line) -> None:
    pass


def called_asks(line: Line) -> None:
    line.called_machine_asks()


def called_is_refused(line: Line) -> None:
    line.called.reinvite(line.far.image())
    line.is_refused(line.calling)
    line.called.expect(488, within=PATIENCE)


def switch_asks(line: Line) -> None:
    line.turns(line.called, line.far, line.far.image())
    line.turns(line.calling, line.near, line.near.image())


def called_refuses_the_switch(line: Line) -> None:
    line.is_refused(line.called)


def caller_refuses_the_switch(line: Line) -> None:
    line.turns(line.called, line.far, line.far.image())
    line.is_refused(line.calling)
    line.turns(line.called, line.far, line.far.sound(version=3))


@dataclass(frozen=True)
class Case:
    """A call, the `t38` of its trunk and what its machines can do."""

    happens: Callable[[Line], None]
    t38: str = "false"
    far_law: int = 0
    ecm: bool = False
    lose_every: int = 0


CASES = {
    "sound": Case(nothing, ecm=True),
    "two laws": Case(nothing, far_law=PCMA),
    "called asks": Case(called_asks, "true", ecm=True),
    "called is refused": Case(called_is_refused, "true"),
    "switch asks": Case(switch_asks, "offer", lose_every=40),
    "called refuses the switch": Case(called_refuses_the_switch, "offer"),
    "caller refuses the switch": Case(caller_refuses_the_switch, "offer"),
}


def send(folder: Path, case: Case, seed: int) -> Faxed:
    """One fax, from the start of its switch to its record."""
    rows = page(ROWS, seed=seed)
    with ExitStack() as closing:
        with STARTING:
            stage = Stage(folder / "stage", trunk_lines=f"    t38: {case.t38}\n", rtp_count=20)
        failed = [True]
        closing.callback(lambda: stage.close(stop=True, failed=failed[0]))
        near = FaxMachine(folder / "near", page=rows, ecm=case.ecm, lose_every=case.lose_every)
        closing.callback(near.close)
        far = FaxMachine(folder / "far", law=case.far_law, ecm=case.ecm, lose_every=case.lose_every)
        closing.callback(far.close)
        line = Line(stage, near, far)
        case.happens(line)
        sent = near.outcome(within=FAX_WITHIN)
        received = far.outcome(within=FAX_WITHIN)
        line.calling.bye()
        line.called.expect("BYE", within=PATIENCE)
        record = stage.switch.record(within=PATIENCE)
        failed[0] = False
    return Faxed(rows, sent, received, record)


@pytest.fixture(scope="module")
def faxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Faxed]]]:
    """All of them, under way."""
    folder = tmp_path_factory.mktemp("faxes")
    with ThreadPoolExecutor(len(CASES)) as pool:
        yield {
            name: pool.submit(send, folder / str(number), case, number)
            for number, (name, case) in enumerate(CASES.items())
        }


def test_a_page_goes_as_sound(faxes: dict[str, Future[Faxed]]) -> None:
    faxed = faxes["sound"].result()
    faxed.assert_whole("sound")
    assert faxed.received.ecm
    assert not faxed.relays


def test_a_page_goes_as_sound_from_one_law_to_the_other(faxes: dict[str, Future[Faxed]]) -> None:
    faxed = faxes["two laws"].result()
    faxed.assert_whole("sound")
    assert not faxed.received.ecm, "what is damaged is not sent again"


def test_a_page_goes_by_the_t38_that_the_called_machine_asks_for(
    faxes: dict[str, Future[Faxed]],
) -> None:
    faxed = faxes["called asks"].result()
    faxed.assert_whole("fax")
    (relay,) = faxed.relays
    assert relay["leg"] == "b1"
    assert relay["datagrams"] > 100


def test_a_page_goes_as_sound_where_one_machine_has_no_t38(
    faxes: dict[str, Future[Faxed]],
) -> None:
    faxed = faxes["called is refused"].result()
    faxed.assert_whole("sound")
    assert not faxed.relays


def test_a_page_goes_whole_by_the_t38_that_the_switch_asks_for_though_datagrams_are_lost(
    faxes: dict[str, Future[Faxed]],
) -> None:
    faxed = faxes["switch asks"].result()
    faxed.assert_whole("fax")
    assert not faxed.received.ecm, "only what goes along with other datagrams heals"
    assert faxed.sent.lost >= 3
    assert faxed.received.healed >= 1
    assert faxed.received.missing == 0
    (relay,) = faxed.relays
    assert relay["datagrams"] > 100


@pytest.mark.parametrize("who", ["called", "caller"])
def test_a_page_goes_as_sound_where_one_refuses_what_the_switch_asks_for(
    faxes: dict[str, Future[Faxed]], who: str
) -> None:
    faxed = faxes[f"{who} refuses the switch"].result()
    faxed.assert_whole("sound")
    assert not faxed.relays
