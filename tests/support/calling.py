"""Calls to SIPp at the far end, by ways that lose and double single messages.

A `Feature` is a scenario of SIPp and what must come of a call to it. Its cases are the call as it
is, by TCP too, and once more for each of its messages that is lost, and that comes twice. A `Talk`
plays one: a caller (a phone of the tests), a SIPp for each destination, and a `FaultyPath` before
it. Whose switch it is, is `tests.support.hall`'s. Nothing of the product is imported.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.control import ControlPeer
from tests.support.faulty_path import FaultyPath, Towards, describe
from tests.support.phone import Call, Headers, Phone
from tests.support.ports import is_free
from tests.support.program import Record, Switch, wait_for
from tests.support.said_once import assert_said_once
from tests.support.sipp import Sipp

# What may be waited for: three losses of one message in a row, on a machine that is busy.
PATIENCE = 15.0
# For how long SIPp answers a request that comes again, where its last answer is lost.
STAYS_MS = 1500

CALLERS = "127.0.0.9"
"""Where callers are."""
TRUNKS = f"127.2.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
"""Where trunks are, each at a port of its own: nobody else's sound strays there."""
_media_ports = itertools.count(8000, 4)
"""A few for each SIPp, below those that the system gives away."""
CALLER = "+16025550100"
AGENT = "+16025551234"
OFFER = (
    f"v=0\r\no=phone 1 1 IN IP4 {CALLERS}\r\ns=-\r\nc=IN IP4 {CALLERS}\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
).encode()


@dataclass(frozen=True)
class Spec:
    """A message of a scenario: `> PRACK` to the far end, `< 200 INVITE #2` the second from it,
    `< ACK /2` the one with CSeq 2."""

    text: str

    @property
    def towards(self) -> Towards:
        """Which way it goes."""
        return "far" if self.text[0] == ">" else "switch"

    @property
    def what(self) -> str:
        """Its name, as a FaultyPath knows it."""
        return self.text[2:].partition(" #")[0].partition(" /")[0]

    @property
    def nth(self) -> int:
        """Which one of that name."""
        return int(self.text.partition(" #")[2] or 1)

    @property
    def cseq(self) -> int | None:
        """The CSeq that it must have."""
        return int(self.text.partition(" /")[2] or 0) or None


@dataclass(frozen=True)
class Feature:
    """A scenario of SIPp, the switch's settings for it, and what must come of it."""

    name: str
    uas: tuple[str, ...]
    """Scenario files, one for each destination; faults are on the way to the first."""
    about: Callable[[Talk], None]
    """What the caller does, and what must have come of that."""
    trunk: str = ""
    """Settings of its trunks."""
    steps: str = "[connect: called]"
    """The treatment; T0, T1 are the trunks of its destinations."""
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    both: tuple[str, ...] = ()
    """Messages that are lost in one case and doubled in another."""
    last: str = ""
    """The message that must have passed before the caller hangs up."""
    calls: tuple[int, ...] | None = (1,)
    """How many calls each SIPp must have brought to a good end; None: it does not come to one."""
    keys: tuple[tuple[str, str], ...] = ()
    hold_ms: int = 0
    by_tcp: bool = True
    early: bool = False
    """Whether its SIPp must be there when the switch starts."""

    def cases(self) -> list[Case]:
        """The call as it is, by TCP, and with each fault."""
        found = [Case(self)]
        if self.by_tcp:
            found.append(Case(self, transport="tcp"))
        found += [Case(self, "lose", Spec(text)) for text in (*self.both, *self.lost)]
        return found + [Case(self, "double", Spec(text)) for text in (*self.both, *self.doubled)]


@dataclass(frozen=True)
class Case:
    """One call, or what else a feature is about."""

    feature: Feature
    action: str = ""
    spec: Spec | None = None
    transport: str = "udp"

    def __str__(self) -> str:
        if self.spec is None:
            return f"{self.feature.name} {'as it is' if self.transport == 'udp' else 'by TCP'}"
        return f"{self.feature.name} {self.action} {self.spec.text}"


class Records:
    """The records of a switch, by the number called; each line is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._lock = threading.Lock()
        self._by_number: dict[str, list[Record]] = {}

    def of(self, number: str) -> list[Record]:
        """Those of a number so far."""
        with self._lock:
            if self._path.exists():
                self._read_on()
            return self._by_number.get(number, [])

    def all(self) -> dict[str, list[Record]]:
        """All of them, by number."""
        self.of("")
        return self._by_number

    def _read_on(self) -> None:
        with self._path.open("rb") as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                record = json.loads(line)
                self._by_number.setdefault(record["called"], []).append(record)


@dataclass
class Talk:
    """One case being played; `feature.about` is given it."""

    case: Case
    number: str
    directory: Path
    switch: Switch
    records: Records
    sockets: list[socket.socket]
    """Hold the ports that the trunks of the case name, until it begins."""
    paths: list[FaultyPath] = field(default_factory=list)
    sipps: list[Sipp] = field(default_factory=list)
    phone: Phone | None = None

    @property
    def name(self) -> str:
        """What its campaign is called; its trunks are NAME-0, NAME-1."""
        return f"c{self.number}"

    # ---- what a feature says ----------------------------------------------------------------

    def invite(self, headers: Headers = (), **options: str) -> Call:
        """The caller calls."""
        assert self.phone is not None
        return self.phone.invite(self.number, OFFER, headers, **options)  # type: ignore[arg-type]

    def answered(self, headers: Headers = (), **options: str) -> Call:
        """The caller calls, and is answered."""
        calling = self.invite(headers, **options)
        calling.expect(200, within=PATIENCE)
        calling.ack()
        return calling

    def refused(self, status: int) -> None:
        """The caller calls, and is refused in the end."""
        self.invite().expect(status, within=PATIENCE)

    def hang_up(self, calling: Call, headers: Headers = ()) -> None:
        """The caller hangs up when all has been said, again where it was lost."""
        self.wait_until_said()
        calling.send("BYE", headers=headers)
        calling.expect(200, to="BYE", within=PATIENCE)

    def wait_until_said(self) -> None:
        """Waits for what must be said before the caller hangs up."""
        if self.case.feature.last:
            self.wait_for_message(Spec(self.case.feature.last))
        if self.case.spec is not None and not self.case.spec.what.endswith("BYE"):
            self._wait_until_healed()

    def _wait_until_healed(self) -> None:
        """Waits for what was lost to come again."""
        if self.case.action == "lose" and self.case.spec is not None:
            self.wait_for_message(self.case.spec, more=1)

    def wait_for_message(self, spec: Spec, *, more: int = 0) -> None:
        """Waits until so many of this name have come to the first path."""
        count = spec.nth + more
        wait_for(f"{count} times {spec.text}", lambda: self._count(spec) >= count, within=PATIENCE)

    def _count(self, spec: Spec) -> int:
        """How many of a name have come to the first path; by TCP, how many SIPp says."""
        if self.paths:
            return self.paths[0].count(spec.what, cseq=spec.cseq, towards=spec.towards)
        said = _said(self.directory / f"{self.sipps[0].name}.messages")
        return sum(
            (towards, name) == (spec.towards, spec.what) and spec.cseq in (None, cseq)
            for towards, name, cseq in said
        )

    def record(self) -> Record:
        """The one record of the call."""
        records = self.records
        wait_for("a record", lambda: bool(records.of(self.number)), within=PATIENCE)
        found = records.of(self.number)
        assert len(found) == 1, found
        return found[0]

    def control(self) -> ControlPeer:
        """A connection to the control socket; close it."""
        return ControlPeer(self.switch.data / "control.sock")

    def call_id(self, peer: ControlPeer) -> str:
        """The id of the call, which is in progress."""
        lines = peer.ask("call.list", campaign=self.name)["calls"]
        assert len(lines) == 1, lines
        return str(lines[0]["call"])

    def events(self, peer: ControlPeer, *kinds: str) -> list[dict[str, Any]]:
        """All events of these kinds since the switch has started."""
        epoch = peer.ask("status")["events"]["epoch"]
        told = peer.ask("events.poll", kinds=list(kinds), after=0, epoch=epoch, limit=1000)
        assert told["missed"] is None
        found: list[dict[str, Any]] = told["events"]
        return found

    # ---- beginning and end ------------------------------------------------------------------

    def start(self) -> None:
        """Puts SIPp, and the paths before it, where the switch thinks that trunks are."""
        feature, case = self.case.feature, self.case
        keys, hold_ms = dict(feature.keys), feature.hold_ms
        if case.action == "lose" and case.spec is not None and case.spec.text == "< 200 BYE":
            hold_ms = STAYS_MS
        for held, file in zip(self.sockets, feature.uas, strict=True):
            port = held.getsockname()[1]
            path = None if case.transport == "tcp" else FaultyPath(held=held)
            if path is None:
                held.close()
            sipp = Sipp(
                self.directory, f"{file}.xml", keys=keys, hold_ms=hold_ms, timeout=100,
                transport="t1" if case.transport == "tcp" else "u1",
                port=port if case.transport == "tcp" else None, host=TRUNKS,
                media_port=_media_port(),
                # SIPp knows again what comes twice at once, and no more once it has gone on.
                extra=("-default_behaviors", "all,-abortunexp") if case.action == "double" else (),
            )  # fmt: skip
            self.sipps.append(sipp)
            if path is not None:
                path.switch, path.far = self.switch.address, (TRUNKS, sipp.port)
                self.paths.append(path)
            sipp.start()
        if case.spec is not None:
            arm = self.paths[0].lose if case.action == "lose" else self.paths[0].double
            spec = case.spec
            arm(spec.what, nth=spec.nth, cseq=spec.cseq, towards=spec.towards)

    def play(self) -> None:
        """Calls, and sees to it that all went as it must."""
        self.phone = Phone(self.switch.address, host=CALLERS, user=CALLER)
        self.case.feature.about(self)
        self._wait_until_healed()
        self._end_far_ends()
        for path in self.paths:
            path.assert_faults_happened()
            assert_said_once(path.passed)
        assert self.phone.problems == []

    def _end_far_ends(self) -> None:
        calls = self.case.feature.calls
        for number, sipp in enumerate(self.sipps):
            if calls is None:
                sipp.close()
                assert sipp.result().failed == 0, sipp.result().trace
            else:
                outcome = sipp.stop()
                assert outcome.successful == calls[number], outcome.trace

    def close(self) -> None:
        """Ends all that is its own, but for the port of a trunk that the switch goes on asking."""
        with ExitStack() as closing:
            for held in self.sockets:
                if held.type == socket.SOCK_STREAM:
                    closing.callback(held.close)
            for path in self.paths:
                path.far = None
                if not self.case.feature.early:
                    closing.callback(path.close)
            for sipp in self.sipps:
                closing.callback(sipp.close)
            if self.phone is not None:
                closing.callback(self.phone.close)

    def leave(self) -> None:
        """Ends that, too: the switch is no more."""
        self.close()
        for path in self.paths:
            path.close()
        for held in self.sockets:
            held.close()

    def __enter__(self) -> Talk:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if error is not None:
            ladders = [path.ladder() for path in self.paths]
            ladders += [] if self.phone is None else [self.phone.ladder()]
            ladders += [sipp.result().trace for sipp in self.sipps if sipp.process is not None]
            error.add_note("\n".join(ladders))
        self.close()


def _said(file: Path) -> Iterator[tuple[Towards, str, int]]:
    """What SIPp has sent and received, by the file in which it notes that."""
    for block in re.split(rb"^-{40,} .*\n", file.read_bytes(), flags=re.MULTILINE)[1:]:
        about, _, message = block.partition(b"\n")
        name, cseq = describe(message.lstrip())
        yield "switch" if b" sent " in about else "far", name, cseq


def _media_port() -> int:
    """The first of four ports for a SIPp's media, which nobody else is given."""
    return next(
        port for port in _media_ports if all(is_free(one, TRUNKS) for one in range(port, port + 4))
    )
