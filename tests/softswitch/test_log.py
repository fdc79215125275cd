"""Log lines: a line a fact, whole and in order, and a reader that does not read holds nobody."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from softswitch import log
from softswitch.call.events import (
    CallPresented,
    CallRecorded,
    DigitPressed,
    LegEnded,
    LegQuality,
    TrunkDown,
    TrunkUnregistered,
    TrunkUp,
)
from softswitch.log import EventLog, LogWriter, set_up_logging


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        os.close(fd)


def written(reader: int) -> list[str]:
    return os.read(reader, 1 << 20).decode().splitlines()


def digit(text: str = "5") -> DigitPressed:
    return DigitPressed(call_id="c1", number=3, at=1_800_000_000.25, clock=1.0, leg="a", digit=text)


def presented() -> CallPresented:
    return CallPresented(
        call_id="c1", number=1, at=1_800_000_000.0, clock=0.0, leg="a", trunk="carrier",
        sip_call_id="x", source="127.0.0.1:5080", called="1", called_number="1", caller="",
        signalling={"name": "Ann Lee"}, campaign="fans", publisher=None, pool=None,
        parameters=MappingProxyType({"website": "one"}), config_version="1",
    )  # fmt: skip


def test_lines_come_out_whole_and_in_order(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    for n in range(500):
        writer.write(f"line {n}")
    writer.close()
    assert written(pipe[0]) == [f"line {n}" for n in range(500)]


def test_a_reader_that_does_not_read_costs_lines_but_no_time(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_LINES", 100)
    writer = LogWriter(pipe[1])
    for _ in range(5000):
        writer.write("x" * 200)
    assert writer.dropped >= 5000 - 100 - 100
    # The pipe was full and nobody waited for it; once it is read, the writer says what was lost.
    while writer._lines:
        written(pipe[0])
        time.sleep(0.01)
    writer.write("after")
    writer.close()
    assert any("and were dropped" in line for line in written(pipe[0]))


def test_an_event_is_one_line_of_text_with_its_call_and_leg(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    EventLog(writer, level="info", as_json=False).receive(digit())
    writer.close()
    (line,) = written(pipe[0])
    assert line == "2027-01-15T08:00:00.250Z info call.dtmf call=c1 leg=a digit=5 source=rfc4733"


def test_an_event_is_one_object_of_json(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    event_log = EventLog(writer, level="info", as_json=True)
    event_log.receive(presented())
    event_log.receive(
        LegEnded(
            call_id="c1",
            number=2,
            at=0.0,
            clock=0.0,
            leg="a",
            status=200,
            q850=16,
            cause="x",
            quality=LegQuality(packets=7),
        )
    )
    writer.close()
    first, second = map(json.loads, written(pipe[0]))
    assert (first["event"], first["call"]) == ("call.presented", "c1")
    assert first["signalling"] == {"name": "Ann Lee"}
    assert first["parameters"] == {"website": "one"}
    assert second["quality"]["packets"] == 7


@pytest.mark.parametrize("text", ["two words", "new\nline", '"', "\x1b[31m", "\udcff"])
@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_peer_sent_cannot_break_a_line(
    pipe: tuple[int, int], text: str, as_json: bool
) -> None:
    writer = LogWriter(pipe[1])
    EventLog(writer, level="info", as_json=as_json).receive(digit(text))
    writer.close()
    (line,) = written(pipe[0])
    assert "\x1b" not in line
    if as_json:
        json.loads(line)


def test_long_values_are_cut(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    EventLog(writer, level="info", as_json=False).receive(digit("9" * 10_000))
    writer.close()
    (line,) = written(pipe[0])
    assert len(line) < 500


def test_trunks_that_go_are_warnings_and_those_that_come_are_not(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    lines = EventLog(writer, level="info", as_json=False)
    head: dict[str, Any] = {"call_id": "", "number": 1, "at": 0.0, "clock": 0.0, "trunk": "carrier"}
    lines.receive(TrunkDown(**head, status=503))
    lines.receive(TrunkUnregistered(**head, holds=False, status=403, why="response"))
    lines.receive(TrunkUp(**head))
    writer.close()
    assert [line.split()[1:3] for line in written(pipe[0])] == [
        ["warning", "trunk.down"], ["warning", "trunk.unregistered"], ["info", "trunk.up"],
    ]  # fmt: skip


def test_the_level_says_what_is_written(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    quiet = EventLog(writer, level="warning", as_json=False)
    quiet.receive(digit())
    record = CallRecorded(call_id="c1", number=9, at=0.0, clock=0.0, record={})
    EventLog(writer, level="info", as_json=False).receive(record)
    EventLog(writer, level="debug", as_json=False).receive(record)
    writer.close()
    assert [line.split()[2] for line in written(pipe[0])] == ["call.record"]


@pytest.mark.parametrize("as_json", [False, True])
def test_python_loggers_write_through_the_same_writer(pipe: tuple[int, int], as_json: bool) -> None:
    root = logging.getLogger()
    before: tuple[list[Any], int] = (root.handlers[:], root.level)
    writer = LogWriter(pipe[1])
    try:
        set_up_logging(writer, level="info", as_json=as_json)
        logging.getLogger("somewhere").warning("call %s: odd", "c1")
        logging.getLogger("somewhere").debug("not this")
    finally:
        root.handlers[:], root.level = before
    writer.close()
    (line,) = written(pipe[0])
    if as_json:
        assert json.loads(line)["message"] == "call c1: odd"
    else:
        assert line.endswith("warning call c1: odd")


def test_what_a_peer_has_written_begins_no_line_and_moves_no_cursor(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1])
    root = logging.getLogger()
    before = root.handlers, root.level
    try:
        set_up_logging(writer, level="info", as_json=False)
        forged = "1\n2026-01-01T00:00:00.000Z error FORGED\r\x1b[31m\x9b31m"
        logging.getLogger("t").info("no transfer to %s", forged)
        try:
            raise ValueError(forged)
        except ValueError:
            logging.getLogger("t").exception("it failed")
    finally:
        root.handlers, root.level = before
    EventLog(writer, level="info", as_json=False).receive(digit(forged))
    writer.close()
    data = os.read(pipe[0], 1 << 20).decode()
    assert "FORGED" in data
    assert not any(line.startswith("2026-01-01") for line in data.splitlines())
    assert all(one == "\n" or one.isprintable() for one in data)
