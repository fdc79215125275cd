"""The record: what its fields say after a call's events, on a clock of the test."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from softswitch.call.events import (
    BeepHeard,
    CallAnswered,
    CallBridged,
    CallEnded,
    CallEvent,
    CallPresented,
    DigitPressed,
    FaxHeard,
    KeywordHeard,
    LegAnswered,
    LegEnded,
    LegOriginated,
    LegQuality,
    MachineJudged,
    NodeEntered,
    SpeechUnheard,
)
from softswitch.switchboard.crash import crash_record
from softswitch.switchboard.record import (
    MAX_FAX_TONES,
    MAX_KEYS,
    RecordBuilder,
    utc_text,
)

E = TypeVar("E", bound=CallEvent)

START_UTC = 1_800_000_000.0


class Script:
    """Events of one call at stated seconds."""

    def __init__(self) -> None:
        self.builder = RecordBuilder(presented())
        self.number = 1

    def at(self, seconds: float, kind: type[E], /, **facts: Any) -> None:
        self.number += 1
        self.builder.add(
            kind(call_id="c1", number=self.number, at=START_UTC + seconds, clock=seconds, **facts)
        )

    def originate(self, seconds: float, leg: str) -> None:
        self.at(
            seconds, LegOriginated, leg=leg, trunk="carrier", sip_call_id=f"{leg}@x",
            from_number="+16025550100", to_number="+16025551234",
        )  # fmt: skip

    def end_leg(self, seconds: float, leg: str, status: int = 200, packets: int = 0) -> None:
        self.at(
            seconds, LegEnded, leg=leg, status=status, q850=16, cause="x",
            quality=LegQuality(packets=packets, lost=2, jitter_ms=0.5),
        )  # fmt: skip

    def end(self, seconds: float, ended_by: str = "calling") -> dict[str, Any]:
        self.at(seconds, CallEnded, ended_by=ended_by, cause="hung_up")
        record: dict[str, Any] = json.loads(json.dumps(self.builder.record))
        return record


def presented() -> CallPresented:
    return CallPresented(
        call_id="c1", number=1, at=START_UTC, clock=0.0, leg="a", trunk="carrier",
        sip_call_id="a@x", source="127.0.0.1:5080", called="18666831950",
        called_number="+18666831950", caller="+16025550100", signalling={"private": False},
        campaign="fans", publisher="p1", pool="ads", parameters={"website": "one"},
        config_version="abc",
    )  # fmt: skip


def seconds_of(record: dict[str, Any]) -> tuple[float, float, float, float]:
    return tuple(record[f"{name}_seconds"] for name in ("ivr", "ring", "talk", "total"))


def test_a_call_that_was_asked_connected_and_ended() -> None:
    script = Script()
    script.at(0.5, NodeEntered, node="menu-1")
    script.at(0.5, CallAnswered, leg="a", codec="PCMU")
    script.at(4.0, DigitPressed, leg="a", digit="1")
    script.at(4.0, NodeEntered, node="connect-1")
    script.originate(4.5, "b1")
    script.at(9.5, LegAnswered, leg="b1", codec="PCMA")
    script.at(9.5, CallBridged, leg="a", other_leg="b1")
    script.at(20.0, DigitPressed, leg="a", digit="9")
    script.end_leg(69.5, "b1", packets=3000)
    script.end_leg(69.5, "a", packets=3300)
    record = script.end(69.5)

    assert seconds_of(record) == (4.0, 5.0, 60.0, 69.5)
    assert record["keys"] == ["1"]  # what is keyed into the far end's menu is not ours
    assert record["path"] == ["menu-1", "connect-1"]
    assert record["binding"] == {"pool": "ads", "parameters": {"website": "one"}}
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")
    assert record["answered_at"] == utc_text(START_UTC + 0.5)
    calling, called = record["legs"]
    assert calling["side"] == "calling"
    assert calling["packets"] == 3300
    assert called["originated_at"] == utc_text(START_UTC + 4.5)
    assert called["answered_at"] == utc_text(START_UTC + 9.5)
    assert (called["codec"], called["status"], called["lost"]) == ("PCMA", 200, 2)


def test_the_fax_tones_of_both_legs_are_kept() -> None:
    script = Script()
    script.at(3.0, FaxHeard, leg="b1", tone="ced")
    script.at(4.0, FaxHeard, leg="a", tone="cng")
    assert script.end(9.0)["fax"] == [
        {"leg": "b1", "tone": "ced", "at": utc_text(START_UTC + 3.0)},
        {"leg": "a", "tone": "cng", "at": utc_text(START_UTC + 4.0)},
    ]


def test_fax_tones_do_not_make_a_record_grow_without_end() -> None:
    script = Script()
    for _ in range(2 * MAX_FAX_TONES):
        script.at(3.0, FaxHeard, leg="b1", tone="ced")
    assert len(script.end(9.0)["fax"]) == MAX_FAX_TONES


def test_a_beep_after_the_verdict_stands_beside_it() -> None:
    script = Script()
    script.at(2.0, MachineJudged, leg="b1", verdict="human", seconds=1.0, why="a greeting")
    script.at(7.0, BeepHeard, leg="b1")
    machine = script.end(9.0)["machine"]
    assert (machine["verdict"], machine["beep"]) == ("human", True)


def test_a_verdict_that_is_overturned_is_the_machines() -> None:
    script = Script()
    script.at(2.0, MachineJudged, leg="b1", verdict="human", seconds=1.0, why="a greeting")
    script.at(7.0, BeepHeard, leg="b1")
    script.at(7.0, MachineJudged, leg="b1", verdict="machine", seconds=6.0, why="a beep")
    machine = script.end(9.0)["machine"]
    assert (machine["verdict"], machine["beep"]) == ("machine", True)


def test_a_transparent_call_rings_before_it_is_answered() -> None:
    script = Script()
    script.originate(0.0, "b1")
    script.at(8.0, LegAnswered, leg="b1", codec="PCMU")
    script.at(8.0, CallAnswered, leg="a", codec="PCMU")
    script.at(8.0, CallBridged, leg="a", other_leg="b1")
    assert seconds_of(script.end(18.0)) == (0.0, 8.0, 10.0, 18.0)


def test_failover_adds_up_the_ringing_and_returns_to_the_ivr() -> None:
    script = Script()
    script.at(0.0, CallAnswered, leg="a", codec="PCMU")
    script.originate(1.0, "b1")
    script.end_leg(4.0, "b1", status=408)
    script.originate(5.0, "b2")
    script.end_leg(7.0, "b2", status=503)
    record = script.end(10.0, ended_by="switch")
    assert seconds_of(record) == (5.0, 5.0, 0.0, 10.0)
    assert [leg["status"] for leg in record["legs"]] == [None, 408, 503]


def test_a_call_cancelled_while_it_rings_has_no_answer() -> None:
    script = Script()
    script.originate(0.0, "b1")
    script.end_leg(3.0, "b1", status=487)
    record = script.end(3.0)
    assert seconds_of(record) == (0.0, 3.0, 0.0, 3.0)
    assert record["answered_at"] is None


def test_keys_kept_are_bounded() -> None:
    script = Script()
    script.at(0.0, CallAnswered, leg="a", codec="PCMU")
    for _ in range(MAX_KEYS + 50):
        script.at(1.0, DigitPressed, leg="a", digit="1")
    assert len(script.end(2.0)["keys"]) == MAX_KEYS


def test_a_record_has_all_its_fields_from_the_beginning() -> None:
    finished = Script().end(1.0)
    assert list(finished) == list(crash_record(RecordBuilder(presented()).record, START_UTC + 3.0))


def test_a_crash_record_ends_at_the_last_sign_of_life_but_not_before_the_call() -> None:
    record = crash_record(RecordBuilder(presented()).record, START_UTC - 50.0)
    assert record["ended_at"] == record["received_at"]
    assert record["total_seconds"] == 0.0
    assert record["ended_by"] == "crash"
    assert [leg["side"] for leg in record["legs"]] == ["calling"]


def test_keywords_stand_in_the_order_in_which_they_were_said() -> None:
    script = Script()
    for start in (4.0, 1.0, 2.5):  # as two legs are understood
        script.at(
            5.0, KeywordHeard, leg="a", side="caller", rule="friend", text="friend", start=start,
            end=start + 0.5, confidence=0.9, weight=1, mode="rolling", engine="x", clip=None,
        )  # fmt: skip
    record = script.end(6.0)
    assert [keyword["start"] for keyword in record["keywords"]] == [1.0, 2.5, 4.0]


def test_what_was_not_understood_stands_in_the_record() -> None:
    script = Script()
    script.at(5.0, SpeechUnheard, leg="a", start=1.0, end=4.0, why="overload")
    record = script.end(6.0)
    assert record["unheard"] == [{"leg": "a", "start": 1.0, "end": 4.0, "why": "overload"}]
