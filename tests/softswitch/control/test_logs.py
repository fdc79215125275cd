"""Log levels changed from outside: of everything, of events, of one logger; and back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from softswitch.call.events import CallRefused
from softswitch.call.stream import EventStream
from softswitch.control.access import Token
from softswitch.log import EventLog, LogLevels
from tests.support.desk_bench import DeskBench
from tests.support.laboratory import laboratory

STEERS = Token.of("crm", "s", ("control",)).identity
NAME = "softswitch.sip.stack.test"


class Lines:
    """In place of a writer."""

    dropped = 0

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def levels() -> Iterator[None]:
    """The levels of the process stay as they were."""
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)
    logging.getLogger(NAME).setLevel(logging.NOTSET)


@pytest.fixture
def bench(tmp_path: Path, levels: None) -> Iterator[DeskBench]:
    with laboratory(tmp_path / "data") as lab:
        made = DeskBench(lab)
        event_log = EventLog(Lines(), level="info", as_json=False)  # type: ignore[arg-type]
        event_log.follow(lab.services.events)
        made.desk.logs = LogLevels(event_log)
        logging.getLogger().setLevel(logging.INFO)
        yield made


def test_levels_are_shown_set_and_set_back(bench: DeskBench) -> None:
    logging.getLogger(NAME)
    assert bench.ask("log.level") == {"level": "info", "events": "info", "loggers": {}}
    answer = bench.ask("log.level", logger=NAME, level="debug")
    assert answer == {"level": "info", "events": "info", "loggers": {NAME: "debug"}}
    assert logging.getLogger(NAME).isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("softswitch").isEnabledFor(logging.DEBUG)
    answer = bench.ask("log.level", level="warning")
    assert answer == {"level": "warning", "events": "warning", "loggers": {NAME: "debug"}}
    answer = bench.ask("log.level", logger="events", level="info")
    assert (answer["level"], answer["events"]) == ("warning", "info")
    assert bench.ask("log.level", logger=NAME, level="default")["loggers"] == {}
    assert not logging.getLogger(NAME).isEnabledFor(logging.INFO)
    configured = bench.configuration.switch.log_level
    assert bench.ask("log.level", level="default")["level"] == configured


def test_a_logger_that_is_not_there_is_not_made(bench: DeskBench) -> None:
    for name in ("softswitch.no.such", "x" * 200):
        assert bench.ask("log.level", logger=name, level="debug") == "not_configured"
        assert name not in logging.root.manager.loggerDict
    assert bench.ask("log.level", level="loud") == "invalid_params"
    assert bench.ask("log.level", logger="x" * 201) == "invalid_params"


def test_only_administrators_change_what_is_logged(bench: DeskBench) -> None:
    assert bench.ask("log.level", STEERS, level="error") == "forbidden"
    bench.desk.logs = None
    assert bench.ask("log.level") == "not_supported"


def test_lines_of_events_follow_their_level(levels: None) -> None:
    stream, lines = EventStream(), Lines()
    event_log = EventLog(lines, level="warning", as_json=False)  # type: ignore[arg-type]
    event_log.follow(stream)
    desk = LogLevels(event_log)

    def told() -> int:
        before = len(lines.lines)
        stream.publish(
            CallRefused(
                call_id="", number=1, at=0.0, clock=0.0, trunk=None, sip_call_id="x",
                source="192.0.2.1:5060", called="1", caller="2", status=404, why="unknown",
            )
        )  # fmt: skip
        return len(lines.lines) - before

    assert told() == 1
    assert desk.set("events", "error")
    assert told() == 0
    assert desk.set("", "debug")
    assert told() == 1
    assert not desk.set("", None)
