"""Many SIPp callers of one running switch at once, each on a path of its own that fails it once.

A `Feature` is a scenario and the messages that matter in it; its `cases` are one run over a path
that carries everything, and for each of those messages one that loses and one that doubles it.
`run_cases` runs them side by side, for most of their time is waiting; what became of each is a
`Ran`, to be looked at afterwards. It does not know what a record must say.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tests.support.certificates import trusting
from tests.support.control import ControlPeer
from tests.support.faulty_path import FaultyPath, Towards
from tests.support.ports import free_sip_port, is_free
from tests.support.program import Record, Switch
from tests.support.sipp import Sipp
from tests.support.tls_path import TlsPath

Action = Literal["", "lose", "double", "late", "tcp", "tls"]
STREAMS: tuple[Action, ...] = ("tcp", "tls")
# Each is a process that sleeps; more of them at once would only take the processor from the switch.
MAX_AT_ONCE = 12
# Below the ports that switches are given for sound.
FIRST_MEDIA_PORT, MEDIA_PORTS = 8000, 3992
HOST = "127.0.0.1"
_FIRST_SLOT = random.randrange(0, MEDIA_PORTS, 8)
_slots = itertools.count()

# Calls end when their far ends do, some seconds after the last case.
IDLE_WITHIN = 15.0
# Longer than T1: what is sent again arrives first.
LATE_SECONDS = 0.7
# Who calls by TLS, and who that is to the switch.
BEFORE_TLS, BEHIND_TLS = "127.0.0.24", "127.0.0.25"


@dataclass(frozen=True)
class Stand:
    """What they call: a switch that shows tests.support.certificates at `tls_port`."""

    switch: Switch
    directory: Path
    tls_port: int


# Given what to call and what Call-IDs of the case begin with: something that holds while it runs,
# and its keys.
Prepare = Callable[[Stand, str], AbstractContextManager[Mapping[str, str]]]


@dataclass(frozen=True)
class Feature:
    """A scenario of a caller, and what to try it with.

    `messages` are names of first lines, with `/2` where only that of CSeq 2 is meant and `#2` where
    the second is, `<` before those that only count when the switch sends them.
    """

    name: str
    scenario: str
    number: str
    messages: tuple[str, ...] = ()
    only_doubled: tuple[str, ...] = ()
    """Those that no timer sends again."""
    never_late: tuple[str, ...] = ()
    """Those that SIPp cannot take behind what follows them."""
    caller: str = "127.0.0.21"
    """The address that the switch knows it by."""
    hold_ms: int = 700
    timeout: int = 30
    change: Callable[[bytes, Towards], bytes] | None = None
    prepare: Prepare | None = None
    over_streams: bool = False
    extra: tuple[str, ...] = ()
    calls: int = 1
    """How many the switch had in each case."""

    def cases(self) -> list[Case]:
        """All of them, the one without a fault first."""
        found = [Case(self, "", "")]
        found += [Case(self, "lose", message) for message in self.messages]
        found += [Case(self, "double", message) for message in self.messages + self.only_doubled]
        return found + [Case(self, stream, "") for stream in STREAMS if self.over_streams]

    def late_cases(self) -> list[Case]:
        """For each message that is sent again, one where it arrives after that."""
        late = [message for message in self.messages if message not in self.never_late]
        return [Case(self, "late", message) for message in late]


@dataclass(frozen=True)
class Case:
    """One run of a feature."""

    feature: Feature
    action: Action
    message: str

    def __str__(self) -> str:
        return "-".join(filter(None, (self.feature.name, self.action, self.message)))

    def arm(self, path: FaultyPath) -> None:
        """Have the path do what this case is about."""
        if self.action in ("", *STREAMS):
            return
        name, _, nth = self.message.partition("#")
        name, _, cseq = name.partition("/")
        towards: Towards | None = "far" if name.startswith("<") else None
        faults: dict[str, Callable[..., object]] = {
            "lose": path.lose,
            "double": path.double,
            "late": partial(path.delay, seconds=LATE_SECONDS),
        }
        faults[self.action](
            name.removeprefix("<"),
            nth=int(nth or 1),
            cseq=int(cseq) if cseq else None,
            towards=towards,
        )


@dataclass
class Ran:
    """What became of a case."""

    case: Case
    path: FaultyPath | None
    """None: it went by TCP or TLS."""
    call_id: str
    """What the Call-ID begins with."""
    problem: str = ""
    records: list[Record] = field(default_factory=list)

    def shown(self) -> str:
        """For a failing assertion."""
        return f"{self.problem}\n{self.path.ladder() if self.path else ''}\n{self.records}"


@dataclass(frozen=True)
class Runs:
    """What became of all of them."""

    ran: Mapping[Case, Ran]
    calls_left: int
    presented: int
    records: int


def run_cases(stand: Stand, cases: Iterable[Case]) -> Runs:
    """Runs them side by side, those that take longest first, and reads what the switch says."""
    ordered = sorted(cases, key=lambda case: -case.feature.timeout)
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        begun = [
            pool.submit(_run, stand, case, f"case{number}-") for number, case in enumerate(ordered)
        ]
        ran = {one.case: one for one in (future.result() for future in begun)}
    status = _when_idle(stand.switch)
    records = _read_records(stand.switch, ran.values())
    return Runs(ran, status["calls"], status["presented"], records)


def _when_idle(switch: Switch) -> dict[str, int]:
    """Its status when no call goes on, or when that has been waited for in vain."""
    with ControlPeer((switch.host, switch.control_port)) as peer:
        deadline = time.monotonic() + IDLE_WITHIN
        while True:
            status: dict[str, int] = peer.ask("status")
            if status["calls"] == 0 or time.monotonic() > deadline:
                return status
            time.sleep(0.05)


def _read_records(switch: Switch, ran: Iterable[Ran]) -> int:
    """Give each case the records of its calls; how many there are of all."""
    by_call: dict[str, list[Record]] = {}
    records = switch.records()
    for record in records:
        call_id = str(record["legs"][0]["sip_call_id"])
        by_call.setdefault(call_id.partition("-")[0] + "-", []).append(record)
    for one in ran:
        one.records = by_call.get(one.call_id, [])
    return len(records)


def _run(stand: Stand, case: Case, call_id: str) -> Ran:
    ran = Ran(case, None, call_id)
    ways = {"tcp": _by_tcp, "tls": _by_tls}
    with ExitStack() as stack:
        try:
            prepare = case.feature.prepare
            keys = stack.enter_context(prepare(stand, ran.call_id)) if prepare else {}
            caller = ways.get(case.action, _on_a_path)(stack, stand, ran, keys)
            outcome = stack.enter_context(caller).wait()
            assert outcome.successful == 1, outcome.trace
        except AssertionError as problem:
            ran.problem = str(problem)
    return ran


def _on_a_path(stack: ExitStack, stand: Stand, ran: Ran, keys: Mapping[str, str]) -> Sipp:
    feature, port = ran.case.feature, free_sip_port(HOST)
    ran.path = FaultyPath(
        switch=stand.switch.address, far=(HOST, port), host=feature.caller, change=feature.change
    )
    stack.enter_context(ran.path)
    ran.case.arm(ran.path)
    return _sipp(stand, ran, keys, remote=ran.path.address, port=port, host=HOST)


def _by_tcp(_stack: ExitStack, stand: Stand, ran: Ran, keys: Mapping[str, str]) -> Sipp:
    host = ran.case.feature.caller
    return _sipp(stand, ran, keys, remote=stand.switch.address, host=host, transport="t1")


def _by_tls(stack: ExitStack, stand: Stand, ran: Ran, keys: Mapping[str, str]) -> Sipp:
    port = free_sip_port(BEFORE_TLS)
    path = TlsPath(
        switch=(stand.switch.host, stand.tls_port),
        far=(BEFORE_TLS, port),
        host=BEHIND_TLS,
        context=trusting(),
        name="localhost",
    )
    stack.enter_context(path)
    return _sipp(stand, ran, keys, remote=path.address, port=port, host=BEFORE_TLS, transport="t1")


def _sipp(stand: Stand, ran: Ran, keys: Mapping[str, str], **where: Any) -> Sipp:
    feature = ran.case.feature
    return Sipp(
        stand.directory,
        f"{feature.scenario}.xml",
        service=feature.number,
        hold_ms=feature.hold_ms,
        timeout=feature.timeout,
        keys=keys,
        # What comes again when the scenario is past it is answered all the same.
        extra=("-aa", "-cid_str", f"{ran.call_id}%u-%p@%s", *feature.extra),
        media_port=next_media_port(str(where["host"])),
        **where,
    )


def next_media_port(host: str = HOST) -> int:
    """A port for a SIPp that plays nothing: it binds a few all the same."""
    while True:
        port = FIRST_MEDIA_PORT + (_FIRST_SLOT + 8 * next(_slots)) % MEDIA_PORTS
        if all(is_free(port + offset, host) for offset in range(6)):
            return port
