"""A way by UDP between the switch and a far end (SIPp, say) that loses, doubles, delays, swaps.

    path = FaultyPath(switch=switch.address, far=("127.0.0.1", sipp.port))
    path.lose("PRACK")                           # the first one
    path.double("200 INVITE", cseq=2)            # of the re-INVITE
    with path: ...                               # SIPp calls path.address instead of the switch
    path.assert_faults_happened()

One socket stands between the two: what comes from the switch goes to the far end, all else that it
knows to the switch. The far end's own address in what it says (Via, Contact) becomes the path's on
the way to the switch, so that answers and requests of the dialog come back this way; credentials
are left alone, for they are signed. A trunk whose far end is called has the path's address. One
far end at one port each path. Every datagram is kept, with what was done to it. It knows first
lines and CSeq of SIP and nothing of transactions.
"""

from __future__ import annotations

import heapq
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Address = tuple[str, int]
Towards = Literal["switch", "far"]
Action = Literal["lose", "double", "delay", "swap"]

# More than this no scenario sends; what sends more goes round in a circle, and the test must fail.
MAX_PASSED = 5000
# How long a swapped datagram waits for the next one, before it goes on by itself.
SWAPS_WITHIN = 1.0
# How late the thread notices that it is to end.
TICK = 0.05

_CSEQ = re.compile(rb"^cseq[ \t]*:[ \t]*(\d+)[ \t]+([A-Z]+)", re.IGNORECASE | re.MULTILINE)
_SIGNED = re.compile(rb"^(?:proxy-)?authorization[ \t]*:", re.IGNORECASE)


@dataclass
class Fault:
    """What is done to the `nth` datagram (from 1, those sent again counted) of a name, and to
    `times` - 1 after it."""

    action: Action
    what: str
    nth: int = 1
    times: int = 1
    cseq: int | None = None
    towards: Towards | None = None
    seconds: float = 0.0
    seen: int = 0

    @property
    def happened(self) -> int:
        """How often it has been done."""
        return max(0, min(self.seen - self.nth + 1, self.times))

    def meets(self, name: str, cseq: int, towards: Towards) -> bool:
        """Whether a datagram is one that it waits for; counts those of its name."""
        if name != self.what or self.cseq not in (None, cseq):
            return False
        if self.towards not in (None, towards):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    def __str__(self) -> str:
        which = f" of CSeq {self.cseq}" if self.cseq is not None else ""
        where = f" towards the {self.towards}" if self.towards else ""
        return f"{self.action} {self.what}{which} #{self.nth} x{self.times}{where}"


@dataclass(frozen=True)
class Passed:
    """A datagram that came: when, which way, what it was, what was done to it (or "")."""

    at: float
    towards: Towards
    number: int
    name: str
    cseq: int
    action: Action | Literal[""]
    data: bytes


@dataclass(order=True)
class _Late:
    due: float
    order: int
    towards: Towards = field(compare=False)
    data: bytes = field(compare=False)


class FaultyPath:
    """One way between the switch and one far end; a thread carries it until `close`.

    `switch` and `far` may be set later: until then nothing is carried to or from them. `held` is a
    socket that has its port already. `change` is asked what each datagram is to become: for a far
    end that cannot read all there may be.
    """

    def __init__(
        self,
        *,
        switch: Address | None = None,
        far: Address | None = None,
        host: str = "127.0.0.1",
        held: socket.socket | None = None,
        change: Callable[[bytes, Towards], bytes] | None = None,
    ) -> None:
        self.switch = switch
        self.far = far
        self.change = change
        self.faults: list[Fault] = []
        self.passed: list[Passed] = []
        self.strangers: list[Address] = []
        self._socket = held or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if held is None:
            self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self.address: Address = self._socket.getsockname()[:2]
        self._late: list[_Late] = []
        self._swapped: dict[Towards, _Late] = {}
        self._orders = 0
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faulty path", daemon=True)
        self._thread.start()

    # ---- what goes wrong --------------------------------------------------------------------

    def lose(
        self,
        what: str,
        *,
        nth: int = 1,
        times: int = 1,
        cseq: int | None = None,
        towards: Towards | None = None,
    ) -> Fault:
        """The nth `what` (`PRACK`, `200 INVITE`) does not arrive."""
        return self._arm(Fault("lose", what, nth, times, cseq, towards))

    def double(
        self,
        what: str,
        *,
        nth: int = 1,
        times: int = 1,
        cseq: int | None = None,
        towards: Towards | None = None,
        after: float = 0.0,
    ) -> Fault:
        """The nth `what` arrives twice, the second time `after` so many seconds."""
        return self._arm(Fault("double", what, nth, times, cseq, towards, after))

    def delay(
        self,
        what: str,
        seconds: float,
        *,
        nth: int = 1,
        times: int = 1,
        cseq: int | None = None,
        towards: Towards | None = None,
    ) -> Fault:
        """The nth `what` arrives so much later."""
        return self._arm(Fault("delay", what, nth, times, cseq, towards, seconds))

    def swap(
        self,
        what: str,
        *,
        nth: int = 1,
        cseq: int | None = None,
        towards: Towards | None = None,
    ) -> Fault:
        """The nth `what` arrives behind the datagram that follows it the same way."""
        return self._arm(Fault("swap", what, nth, 1, cseq, towards))

    def _arm(self, fault: Fault) -> Fault:
        with self._lock:
            self.faults.append(fault)
        return fault

    # ---- what happened ----------------------------------------------------------------------

    def count(self, name: str, *, cseq: int | None = None, towards: Towards | None = None) -> int:
        """How many datagrams of a name came to the path, those it lost counted."""
        with self._lock:
            return sum(
                one.name == name and cseq in (None, one.cseq) and towards in (None, one.towards)
                for one in self.passed
            )

    def assert_faults_happened(self) -> None:
        """Fails where a fault found nothing to do, or somebody else sent something here."""
        with self._lock:
            missing = [str(fault) for fault in self.faults if fault.happened < fault.times]
        assert not missing, f"did not happen: {missing}\n{self.ladder()}"
        assert not self.strangers, f"from elsewhere: {self.strangers}\n{self.ladder()}"
        assert len(self.passed) < MAX_PASSED, f"goes round in a circle\n{self.ladder()[:5000]}"

    def said(self, name: str, part: bytes) -> bool:
        """Whether a datagram of a name came that has this part somewhere."""
        with self._lock:
            return any(one.name == name and part in one.data for one in self.passed)

    def ladder(self) -> str:
        """A line for each datagram, for a failing assertion."""
        with self._lock:
            lines = [
                f"{one.at:8.3f} {'->' if one.towards == 'switch' else '<-'} {one.name} "
                f"(CSeq {one.cseq}){f'   [{one.action}]' if one.action else ''}"
                for one in self.passed
            ]
        return "\n".join([f"--- {self.far} by {self.address} to the switch", *lines])

    # ---- life -------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends the thread and closes the socket."""
        self._closing.set()
        self._thread.join(5)
        self._socket.close()

    def __enter__(self) -> FaultyPath:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while not self._closing.is_set():
                if selector.select(self._wait()):
                    self._receive()
                with self._lock:
                    self._send_due()

    def _wait(self) -> float:
        with self._lock:
            due = self._late[0].due if self._late else float("inf")
        return max(0.0, min(TICK, due - time.monotonic()))

    def _receive(self) -> None:
        try:
            data, source = self._socket.recvfrom(65535)
        except OSError:
            # Who it was sent to last is not there (any more); or there is nothing after all.
            return
        with self._lock:
            if source == self.switch and self.far is not None:
                self._take(data, "far")
            elif source == self.far and self.switch is not None:
                self._take(data, "switch")
            elif len(self.strangers) < MAX_PASSED:
                self.strangers.append(source)

    def _take(self, data: bytes, towards: Towards) -> None:
        if len(self.passed) >= MAX_PASSED:
            return
        name, cseq = describe(data)
        # All of them count, even where the first one acts.
        acting = [fault for fault in self.faults if fault.meets(name, cseq, towards)]
        fault = acting[0] if acting else None
        action = fault.action if fault else ""
        at = time.monotonic() - self._started
        number = sum(one.towards == towards for one in self.passed) + 1
        self.passed.append(Passed(at, towards, number, name, cseq, action, data))
        if fault is None:
            self._send(data, towards)
        else:
            self._do(fault, data, towards)

    def _do(self, fault: Fault, data: bytes, towards: Towards) -> None:
        if fault.action == "double":
            self._send(data, towards)
        if fault.action == "swap":
            self._swapped[towards] = self._later(SWAPS_WITHIN, data, towards)
        elif fault.action != "lose":
            self._later(fault.seconds, data, towards)

    def _later(self, seconds: float, data: bytes, towards: Towards) -> _Late:
        self._orders += 1
        late = _Late(time.monotonic() + seconds, self._orders, towards, data)
        heapq.heappush(self._late, late)
        return late

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._late and self._late[0].due <= now:
            late = heapq.heappop(self._late)
            if self._swapped.get(late.towards) is late:
                del self._swapped[late.towards]
            self._put(late.data, late.towards)

    def _send(self, data: bytes, towards: Towards) -> None:
        self._put(data, towards)
        held = self._swapped.pop(towards, None)
        if held is not None:
            self._late.remove(held)
            heapq.heapify(self._late)
            self._put(held.data, towards)

    def _put(self, data: bytes, towards: Towards) -> None:
        assert self.switch is not None
        assert self.far is not None
        if towards == "switch":
            # What the far end was told to call is the path; whom it wants is the switch.
            data = readdressed(data, {self.far: self.address, self.address: self.switch})
        else:
            data = readdressed(data, {self.address: self.far})
        if self.change is not None:
            data = self.change(data, towards)
        try:
            self._socket.sendto(data, self.switch if towards == "switch" else self.far)
        except OSError:
            # Nobody is there (any more): that is for the sender's timers to find out.
            return


def describe(data: bytes) -> tuple[str, int]:
    """A datagram's name (`INVITE`, `200 INVITE`; "" if it is no SIP) and its CSeq number."""
    words = data.split(b"\r\n", 1)[0].decode(errors="replace").split(" ", 2)
    cseq = _CSEQ.search(data)
    if cseq is None or len(words) < 2:
        return "", 0
    answers = words[0].startswith("SIP/")
    return f"{words[1]} {cseq[2].decode()}" if answers else words[0], int(cseq[1])


def readdressed(data: bytes, changes: dict[Address, Address]) -> bytes:
    """A message with addresses (`host:port`) changed in its head, but not in credentials."""
    texts = {_text(before): _text(after) for before, after in changes.items()}
    pattern = re.compile(b"(?<![0-9.])(?:" + b"|".join(map(re.escape, texts)) + rb")(?![0-9])")
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = [
        line if _SIGNED.match(line) else pattern.sub(lambda found: texts[found[0]], line)
        for line in head.split(b"\r\n")
    ]
    return b"\r\n".join(lines) + blank + body


def _text(address: Address) -> bytes:
    return f"{address[0]}:{address[1]}".encode()
