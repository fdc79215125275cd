"""Failures inside the switch cost at most the one call, and that call still has its record."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.call.events import CallEvent
from softswitch.sip.dialog import Dialog
from softswitch.sip.invite_server import InviteState
from softswitch.store.lines import LineFile
from tests.support.laboratory import (
    AFTERWARDS,
    ANSWERED_FIRST,
    COMFORT,
    DIRECT,
    LONG_PROMPT,
    MENU,
    NO_COMFORT,
    NO_PROMPT,
    Laboratory,
    laboratory,
)


def bridge(lab: Laboratory, number: str = DIRECT) -> None:
    lab.caller.invite(number)
    lab.settle()
    lab.callee.answer()
    lab.settle()
    assert lab.call.bridged


def refuse_to_write(patch: pytest.MonkeyPatch, file: LineFile) -> None:
    """The disk is full for this file."""
    true_append = LineFile.append

    def append(self: LineFile, data: bytes) -> None:
        if self.path.name == file.path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        true_append(self, data)

    patch.setattr(LineFile, "append", append)


def final_status(lab: Laboratory) -> int:
    """What the caller's INVITE was refused with."""
    (rejected,) = [e for e in lab.caller.events if type(e).__name__ == "InviteRejected"]
    status = rejected.status  # type: ignore[attr-defined]  # it is an InviteRejected
    assert isinstance(status, int)
    return status


def header_of_refusal(lab: Laboratory, name: str) -> str | None:
    (rejected,) = [e for e in lab.caller.events if type(e).__name__ == "InviteRejected"]
    value = rejected.response.headers.get(name)  # type: ignore[attr-defined]  # as above
    assert value is None or isinstance(value, str)
    return value


# No port is free.


def test_without_a_port_for_the_caller_the_invite_is_refused_with_503(tmp_path: Path) -> None:
    with laboratory(tmp_path, pairs=1) as lab:
        port = lab.engine.open_port()
        lab.caller.invite(DIRECT)
        lab.settle()
        port.close()
        assert final_status(lab) == 503
        assert 1 <= int(header_of_refusal(lab, "Retry-After") or "0") <= 5
        assert lab.facts("call.refused")[0]["why"] == "no media port is free"
        assert lab.all_records() == []


def test_without_a_port_for_the_far_end_the_caller_hears_503(tmp_path: Path) -> None:
    with laboratory(tmp_path, pairs=1) as lab:
        lab.caller.invite(DIRECT)
        lab.settle()
        assert lab.callee.calls == []
        assert final_status(lab) == 503
        assert 1 <= int(header_of_refusal(lab, "Retry-After") or "0") <= 5
        assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "no_capacity")
        assert len(lab.record["legs"]) == 1


def test_without_a_port_for_the_far_end_an_answered_caller_gets_bye(tmp_path: Path) -> None:
    with laboratory(tmp_path, pairs=1) as lab:
        lab.caller.invite(ANSWERED_FIRST)
        lab.wait_for_prompts()
        assert lab.record["cause"] == "no_capacity"
        assert "switch:BYE" in lab.carried


def test_without_a_port_the_steps_for_failure_are_taken(tmp_path: Path) -> None:
    with laboratory(tmp_path, pairs=1) as lab:
        lab.caller.invite(AFTERWARDS)
        lab.wait_for_prompts()
        assert lab.record["cause"] == "closed"


def test_a_full_trunk_is_not_dialled(tmp_path: Path) -> None:
    with laboratory(tmp_path, agents="max_calls: 1") as lab:
        bridge(lab)
        lab.caller.invite(DIRECT)
        lab.settle()
        assert len(lab.callee.calls) == 1
        assert final_status(lab) == 503
        lab.callee.hang_up()


def test_a_full_trunk_takes_no_calls(tmp_path: Path) -> None:
    with laboratory(tmp_path, carrier="max_calls: 1") as lab:
        bridge(lab)
        lab.caller.invite(DIRECT)
        lab.settle()
        assert final_status(lab) == 503
        assert header_of_refusal(lab, "Retry-After")
        lab.callee.hang_up()


# The disk.


def test_a_call_that_the_journal_cannot_hold_is_not_presented(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.expected_errors.append("the journal cannot be written")
    with monkeypatch.context() as patch:
        refuse_to_write(patch, lab.journal._file)
        lab.caller.invite(DIRECT)
        lab.settle()
    assert final_status(lab) == 503
    assert header_of_refusal(lab, "Retry-After")
    assert lab.kinds() == []
    assert "No space left" in lab.facts("call.refused")[0]["why"]
    assert lab.engine.counters.ports_in_use == 0
    bridge(lab)
    lab.callee.hang_up()


def test_records_that_the_disk_refuses_are_written_when_it_can(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.expected_errors.append("records.jsonl cannot be written")
    with monkeypatch.context() as patch:
        refuse_to_write(patch, lab.records.file)
        for _ in range(3):
            bridge(lab)
            lab.caller.hang_up()
            lab.settle()
    assert lab.all_records() == []
    assert lab.records.waiting == 3
    assert lab.journal.open_calls == 3
    assert lab.records.retry()
    assert [record["cause"] for record in lab.all_records()] == ["hung_up"] * 3


def test_a_journal_that_fails_during_calls_loses_no_record(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.expected_errors.append("the journal cannot be written")
    lab.caller.invite(MENU)
    lab.settle()
    with monkeypatch.context() as patch:
        refuse_to_write(patch, lab.journal._file)
        lab.press("1")
        lab.settle()
        lab.callee.answer()
        lab.settle()
        lab.callee.hang_up()
        lab.settle()
    assert lab.record["ended_by"] == "called"


# Prompts.


def test_a_prompt_that_is_missing_ends_the_call_with_bye(lab: Laboratory) -> None:
    lab.expected_errors.append("its treatment failed")
    lab.caller.invite(NO_PROMPT)
    lab.settle()
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "internal_error")
    assert "switch:BYE" in lab.carried


def test_a_comfort_prompt_that_is_missing_ends_the_call(lab: Laboratory) -> None:
    lab.expected_errors.append("its treatment failed")
    lab.caller.invite(NO_COMFORT)
    lab.settle()
    assert lab.record["cause"] == "internal_error"
    assert lab.callee.calls == []


# Code that raises.


def test_a_treatment_that_raises_before_the_answer_refuses_with_500(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr("softswitch.switchboard.switchboard.serve", fail)
    lab.expected_errors.append("its treatment failed")
    lab.caller.invite(DIRECT)
    lab.settle()
    assert final_status(lab) == 500
    assert lab.record["cause"] == "internal_error"
    assert "its treatment failed" in lab.errors[0].getMessage()


def test_a_task_that_is_cancelled_from_outside_hangs_up_both_legs(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    lab.callee.ring()
    lab.settle()
    task = lab.call.task
    assert task is not None
    task.cancel()
    lab.settle()
    assert "switch:CANCEL" in lab.carried
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "cancelled")
    assert lab.callee.calls[0].state is InviteState.CANCELLED


def test_a_subscriber_that_raises_stops_no_call(lab: Laboratory) -> None:
    def fail(event: CallEvent) -> None:
        raise ValueError("bug")

    lab.app.events.subscribe(fail)
    lab.expected_errors.append("a subscriber failed")
    bridge(lab)
    lab.caller.hang_up()
    lab.settle()
    assert lab.record["cause"] == "hung_up"
    assert lab.app.events.failures == len(lab.kinds())


KINDS = (
    "call.presented", "treatment.node", "leg.originated", "leg.progressed", "leg.answered",
    "call.answered", "call.bridged", "prompt.started", "prompt.ended", "leg.ended", "call.ended",
    "call.record", "call.dtmf",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [DIRECT, MENU, COMFORT])
def test_a_subscriber_may_end_the_call_at_any_event(
    lab: Laboratory, kind: str, number: str
) -> None:
    def end(event: CallEvent) -> None:
        call = lab.switchboard.calls.get(event.call_id)
        if event.kind == kind and call is not None:
            call.end("switch", "by_subscriber")

    lab.app.events.subscribe(end)
    lab.caller.invite(number)
    lab.settle()
    if lab.switchboard.calls and number == MENU:
        lab.press("1")
        lab.settle()
    if lab.callee.calls:
        lab.callee.ring()
        lab.settle()
        lab.callee.answer()
        lab.settle()
    lab.caller.cancel()
    lab.caller.hang_up()
    lab.settle()
    reached = lab.kinds()[:-3].count(kind) and lab.record["cause"] == "by_subscriber"
    assert reached or lab.record["ended_by"] == "calling"


def test_a_bye_that_cannot_be_sent_leaves_nobody_behind(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge(lab)
    true_bye: Callable[..., None] = Dialog.bye
    failing = lab.call.callee and lab.call.callee.dialog

    def bye(self: Dialog, **facts: object) -> None:
        if self is failing:
            raise RuntimeError("bug")
        true_bye(self, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(Dialog, "bye", bye)
        lab.do(lambda: lab.call.limit(0.0))
        lab.advance(0.1)
    assert lab.record["cause"] == "max_duration"
    assert lab.loop.complaints.pop()["exception"].args == ("bug",)
    # The caller was told all the same.
    assert lab.carried.count("switch:BYE") == 1
    lab.callee.hang_up()


# Refusals that are no failures.


def test_calls_beyond_the_limit_are_refused_with_503(tmp_path: Path) -> None:
    with laboratory(tmp_path, max_calls=1) as lab:
        lab.caller.invite(LONG_PROMPT)
        lab.settle()
        lab.caller.invite(LONG_PROMPT)
        lab.settle()
        assert final_status(lab) == 503
        lab.switchboard.end_all("test")


def test_a_callers_answer_in_the_ack_is_what_the_record_names(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT, body=b"")
    lab.settle()
    lab.callee.answer()
    lab.settle()
    lab.caller.hang_up()
    lab.settle()
    assert [leg["codec"] for leg in lab.record["legs"]] == ["PCMU", "PCMU"]


def test_an_ack_without_the_answer_it_owes_ends_the_call(lab: Laboratory) -> None:
    lab.caller.description = b""
    lab.caller.invite(DIRECT, body=b"")
    lab.settle()
    lab.callee.answer()
    lab.settle()
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "not_acceptable")
    assert lab.carried.count("switch:BYE") == 2
