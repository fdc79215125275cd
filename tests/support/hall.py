"""One switch to which many cases call at a time, each by a trunk and a number of its own.

Most of a case is waiting for timers, so that a few are played together. What a case is, is
`tests.support.calling`'s.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from tests.support.calling import CALLERS, TRUNKS, Case, Records, Talk
from tests.support.control import ControlPeer
from tests.support.ports import free_rtp_range
from tests.support.program import Switch, wait_for

# Cases under way at once: more would be waiting for the processor, and be late for their timers.
MAX_AT_ONCE = 6

CONFIGURATION = """
switch:
  listen: ${SOFTSWITCH_SIP}
  rtp_ports: ${SOFTSWITCH_RTP}
  control: ${SOFTSWITCH_CONTROL}
  data: ${SOFTSWITCH_DATA}
  database: ${SOFTSWITCH_DATABASE}
  no_media_time: off
  without_synthesiser: chime
admission: {loop_lag: off, backlog: false}
originate: {to: ["+1602555*"], per_minute: 6000, at_once: 1000}
"""
CALLERS_TRUNK = f'{{address: "{CALLERS}:5999", trusted: true, hold: local}}'


class Hall:
    """One switch, and the cases that are played through it; a context manager."""

    def __init__(self, directory: Path, cases: Sequence[Case]) -> None:
        # Those that the switch must find at its start are played first, too.
        ordered = sorted(cases, key=lambda case: not case.feature.early)
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "switch.yaml"
        self.switch = Switch(directory / "run", file, rtp=free_rtp_range(400))
        self.records = Records(self.switch.data / "records.jsonl")
        self._talks = {
            case: Talk(
                case, str(700001 + place), directory, self.switch, self.records,
                [_held_port(case.transport) for _ in case.feature.uas],
            )
            for place, case in enumerate(ordered)
        }  # fmt: skip
        file.write_text(_configuration(list(self._talks.values())))
        self._pool = ThreadPoolExecutor(MAX_AT_ONCE)
        self._played: dict[Case, Future[None]] = {}

    def __enter__(self) -> Hall:
        try:
            for case, talk in self._talks.items():
                if case.feature.early:
                    talk.start()
            self.switch.start()
        except BaseException:
            self._close()
            raise
        self._played = {
            case: self._pool.submit(self._play, talk) for case, talk in self._talks.items()
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def result(self, case: Case) -> None:
        """Waits until a case was played; raises what went wrong."""
        self._played[case].result()

    def wait_for_all(self) -> None:
        """Waits until nothing is played any more."""
        for played in self._played.values():
            played.exception()

    def assert_nothing_is_left(self) -> None:
        """No call is in progress, no media port is in use, no call has two records."""
        with closing(ControlPeer(self.switch.data / "control.sock")) as peer:
            assert peer.ask("status")["calls"] == 0
            wait_for("free ports", lambda: peer.ask("status")["media"]["ports_in_use"] == 0)
        for number, records in self.records.all().items():
            assert len(records) == 1, f"{len(records)} records of {number}"
        self.switch.assert_no_traceback()

    def _play(self, talk: Talk) -> None:
        with talk:
            if not talk.sipps:
                talk.start()
            talk.play()

    def _close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        with ExitStack() as leaving:
            for talk in self._talks.values():
                leaving.callback(talk.leave)
            if self.switch.process is not None:
                self.switch.stop()


def _held_port(transport: str) -> socket.socket:
    """A socket that keeps a port for a trunk, which nobody listens at yet."""
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    held = socket.socket(socket.AF_INET, kind)
    # A process that is being started may have it a moment longer.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(transport == "tcp"))
    held.bind((TRUNKS, 0))
    return held


def _configuration(talks: Sequence[Talk]) -> str:
    """The switch's, with trunks, a campaign and a number for each case."""
    sections: dict[str, list[str]] = {
        "trunks": [f"callers: {CALLERS_TRUNK}"],
        "campaigns": [],
        "treatments": [],
        "numbers": [],
    }
    for talk in talks:
        feature, name = talk.case.feature, talk.name
        suffix = ";transport=tcp" if talk.case.transport == "tcp" else ""
        steps = feature.steps
        for place, held in enumerate(talk.sockets):
            address = f"{TRUNKS}:{held.getsockname()[1]}{suffix}"
            more = f", {feature.trunk}" if feature.trunk else ""
            sections["trunks"].append(f'{name}-{place}: {{address: "{address}"{more}}}')
            steps = steps.replace(f"T{place}", f"{name}-{place}")
        sections["campaigns"].append(f"{name}: {{treatment: {name}, trunk: {name}-0}}")
        sections["treatments"].append(f"{name}: {steps}")
        sections["numbers"].append(f"{talk.number}: {{campaign: {name}, as_is: true}}")
    texts = [
        f"{section}:\n" + "".join(f"  {line}\n" for line in lines)
        for section, lines in sections.items()
    ]
    return CONFIGURATION + "".join(texts)
