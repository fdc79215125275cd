"""Lists of numbers, called on the bench."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.model import Destination, OriginateRules, Prompt
from ivr.click_to_call import Plan
from softswitch.switchboard.call_list import ListOrder
from softswitch.switchboard.call_lists import CallLists
from softswitch.switchboard.guards import Guards
from softswitch.switchboard.originate import Originator
from tests.support.laboratory import AGENT, FIRST, SECOND, Laboratory, laboratory


class Outs:
    """Opt-outs in memory."""

    def __init__(self) -> None:
        self.parties: dict[str, str] = {}
        self.is_full = False

    def has(self, party: str) -> bool:
        return party in self.parties

    def add(self, party: str, *, by: str) -> None:
        self.parties[party] = by
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def remove(self, party: str, *, by: str) -> bool:
        return self.parties.pop(party, None) is not None


class Bench:
    """A laboratory that calls lists."""

    def __init__(self, lab: Laboratory, **rules: Any) -> None:
        self.lab = lab
        wanted = OriginateRules(to=("+1602555*",), **rules)
        object.__setattr__(lab.configuration, "originate", wanted)
        self.outs = Outs()
        guards = Guards(lambda: lab.configuration, lab.switchboard.calls, now=lab.loop.time)
        originator = Originator(lab.switchboard)
        self.lists = CallLists(lab.switchboard, originator, guards, self.outs)

    def start(self, *numbers: str, **settings: Any) -> bool:
        plan = settings.pop("plan", Plan(Destination("number"), treatment="long-prompt"))
        order = ListOrder("spring", "direct", numbers, plan, **settings)
        found: list[bool] = []
        self.lab.do(lambda: found.append(self.lists.start(order)))
        self.lab.settle()
        return found[0]

    @property
    def ended(self) -> dict[str, Any]:
        (told,) = self.lab.facts("list.ended")
        return told

    def answer(self, number: int) -> None:
        phone = self.lab.callee
        phone.dialogs.append(phone.calls[number].accept(body=phone.description, now=phone.now))
        phone.pump.flush()
        self.lab.settle()

    def refuse(self, number: int) -> None:
        self.lab.callee.calls[number].reject(486, now=self.lab.callee.now)
        self.lab.callee.pump.flush()
        self.lab.settle()

    def hang_up(self, number: int) -> None:
        self.lab.callee.dialogs[number].bye(now=self.lab.callee.now)
        self.lab.callee.pump.flush()
        self.lab.settle()

    def called(self) -> list[str]:
        return [invite.request.uri.partition("@")[0][4:] for invite in self.lab.callee.calls]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab"


def run(folder: Path, test: Callable[[Bench], None], **rules: Any) -> None:
    with laboratory(folder) as lab:
        bench = Bench(lab, **rules)
        test(bench)
        lab.loop.run(bench.lists.close())


def test_numbers_are_called_one_after_the_other(folder: Path) -> None:
    def test(bench: Bench) -> None:
        assert bench.start(FIRST, SECOND)
        bench.lab.advance(1)
        assert bench.called() == [FIRST]
        bench.answer(0)
        bench.hang_up(0)
        bench.lab.advance(1)
        assert bench.called() == [FIRST, SECOND]
        bench.refuse(1)
        assert bench.ended == {
            "list": "spring", "why": "done", "answered": 1, "unanswered": 1, "opted_out": 0,
            "not_allowed": 0, "left": 0,
        }  # fmt: skip
        records = bench.lab.all_records()
        assert [one["attributes"] for one in records] == [{"list": "spring"}] * 2
        assert bench.lab.facts("list.started") == [{"list": "spring", "numbers": 2}]

    run(folder, test)


def test_some_are_called_at_a_time(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, SECOND, AGENT, at_once=2)
        bench.lab.advance(1)
        assert bench.called() == [FIRST, SECOND]
        bench.refuse(1)
        bench.lab.advance(1)
        assert bench.called() == [FIRST, SECOND, AGENT]
        bench.refuse(0)
        bench.refuse(2)
        assert bench.ended["unanswered"] == 3

    run(folder, test)


def test_who_does_not_answer_is_called_again(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, attempts=2, retry_seconds=30.0)
        bench.lab.advance(1)
        bench.refuse(0)
        bench.lab.advance(25)
        assert bench.called() == [FIRST]
        bench.lab.advance(6)
        assert bench.called() == [FIRST, FIRST]
        bench.answer(1)
        bench.hang_up(0)
        assert (bench.ended["answered"], bench.ended["unanswered"]) == (1, 0)

    run(folder, test)


def test_the_key_opts_out_for_good(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, opt_out_key="9")
        bench.lab.advance(1)
        bench.answer(0)
        bench.lab.press("8")
        assert bench.lab.switchboard.calls
        bench.lab.press("9")
        bench.lab.settle()
        assert bench.outs.parties == {FIRST: "list spring"}
        assert bench.lab.record["cause"] == "opted_out"
        assert bench.lab.facts("list.opted_out") == [{"list": "spring", "party": FIRST}]
        bench.lab.advance(1)
        bench.start(FIRST, SECOND)
        bench.lab.advance(1)
        assert bench.called() == [FIRST, SECOND]
        bench.refuse(1)
        assert bench.lab.facts("list.ended")[-1]["opted_out"] == 1

    run(folder, test)


def test_the_key_opts_out_on_a_full_disk_too(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.outs.is_full = True
        bench.start(FIRST, opt_out_key="9")
        bench.lab.advance(1)
        bench.answer(0)
        bench.lab.press("9")
        bench.lab.settle()
        assert bench.lab.record["cause"] == "opted_out"
        assert bench.lab.facts("list.opted_out") == [{"list": "spring", "party": FIRST}]
        bench.lab.advance(1)
        bench.start(FIRST)
        bench.lab.advance(1)
        assert bench.called() == [FIRST]

    run(folder, test)


def test_who_talks_may_press_what_they_want(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, opt_out_key="9", second=AGENT, plan=Plan(Destination("number")))
        bench.lab.advance(1)
        bench.answer(0)
        bench.answer(1)
        bench.lab.press("9")
        bench.lab.settle()
        assert bench.lab.call.bridged
        assert bench.outs.parties == {}
        bench.hang_up(0)

    run(folder, test)


def test_whom_the_rules_do_not_list_is_passed_over(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start("+442071234567", FIRST, "nobody")
        bench.lab.advance(1)
        assert bench.called() == [FIRST]
        bench.refuse(0)
        bench.lab.advance(1)
        assert (bench.ended["not_allowed"], bench.ended["unanswered"]) == (2, 1)

    run(folder, test)


def test_the_list_waits_for_the_limits(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, SECOND, at_once=5)
        bench.lab.advance(5)
        assert bench.called() == [FIRST]
        bench.refuse(0)
        bench.lab.advance(40)
        assert bench.called() == [FIRST]
        bench.lab.advance(30)
        assert bench.called() == [FIRST, SECOND]
        bench.refuse(1)

    run(folder, test, per_minute=1)


def test_a_list_that_is_stopped_calls_nobody_else(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, SECOND)
        bench.lab.advance(1)
        bench.lab.do(lambda: bench.lists.stop("spring"))
        bench.answer(0)
        assert bench.lab.switchboard.calls
        bench.hang_up(0)
        bench.lab.advance(5)
        assert bench.called() == [FIRST]
        assert (bench.ended["why"], bench.ended["left"]) == ("stopped", 1)
        assert not bench.lists.stop("spring")

    run(folder, test)


def test_its_calls_may_be_ended_with_it(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, at_once=2)
        bench.lab.advance(1)
        bench.answer(0)
        bench.lab.do(lambda: bench.lists.stop("spring", hang_up=True))
        bench.lab.settle()
        assert bench.lab.record["cause"] == "list_stopped"

    run(folder, test)


def test_a_list_has_one_name_at_a_time(folder: Path) -> None:
    def test(bench: Bench) -> None:
        assert bench.start(FIRST)
        assert not bench.start(SECOND)
        bench.lab.advance(1)
        bench.refuse(0)
        bench.lab.advance(1)
        assert bench.start(SECOND)
        bench.lab.advance(1)
        bench.refuse(1)

    run(folder, test)


def test_a_switch_that_drains_calls_nobody(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, SECOND)
        bench.lab.advance(1)
        bench.lab.switchboard.begin_to_drain()
        bench.refuse(0)
        bench.lab.advance(1)
        assert (bench.ended["why"], bench.ended["left"]) == ("drained", 1)

    run(folder, test)


def test_a_prompt_comes_first(folder: Path) -> None:
    def test(bench: Bench) -> None:
        plan = Plan(Destination("number"), prompt=Prompt(text="short"))
        bench.start(FIRST, plan=plan, second=AGENT)
        bench.lab.advance(1)
        bench.answer(0)
        bench.lab.wait_for_prompts()
        bench.lab.settle()
        assert bench.called() == [FIRST, AGENT]
        bench.refuse(1)

    run(folder, test)


def test_who_has_opted_out_is_not_called_by_an_address_either(folder: Path) -> None:
    def test(bench: Bench) -> None:
        rules = OriginateRules(to=("sip:*@127.0.0.1:5060",))
        object.__setattr__(bench.lab.configuration, "originate", rules)
        bench.outs.add(FIRST, by="crm")
        bench.start(f"sip:{FIRST}@127.0.0.1")
        bench.lab.advance(1)
        assert bench.called() == []
        assert bench.ended["opted_out"] == 1

    run(folder, test)


def test_a_list_of_two_parties_a_call_goes_on_when_its_minute_is_over(folder: Path) -> None:
    def test(bench: Bench) -> None:
        bench.start(FIRST, SECOND, second=AGENT, at_once=2)
        bench.lab.advance(30)
        assert bench.called() == [FIRST]
        bench.lab.advance(31)
        assert bench.called() == [FIRST, SECOND]

    run(folder, test, per_minute=3)
