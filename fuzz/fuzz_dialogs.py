"""Two stacks that call each other as a script of bytes says, over a network that the script breaks.

`python -m fuzz.fuzz_dialogs [--seconds 10] [--seed N] [--keep]`. Every pair of bytes is a verb of
one side or a word to the network: calls, answers, CANCEL, BYE, re-INVITE with and without an offer,
UPDATE, INFO, REFER and NOTIFY, PRACK, waiting, packets lost, doubled, late and sent again long
after. All messages are valid; their order is not. Then both sides hang up, the network is good
again, and all timers run out. Whatever happened: nothing is raised, every message is valid, an
INVITE of ours has one outcome and a dialog one end, nobody is told anything of a dialog that is
over, and nothing is left. A finding is printed as a Python literal, for a new test.
"""

from __future__ import annotations

import heapq
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence

from fuzz.kept import Fuzz
from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.ids import Ids
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.message import parse_message
from softswitch.sip.referred import IncomingRefer, read_refer
from softswitch.sip.requests import IncomingRequest
from softswitch.sip.stack import Stack
from softswitch.sip.validation import validate

# No script may hold the loop for longer; generous for a busy machine and for long scripts.
MAX_SECONDS = 10.0
# Beyond so many verbs a script says nothing new and takes long.
MAX_STEPS = 120
# All timers of RFC 3261 are over by then, those of a session refreshed, too.
MAX_REST = 4_000.0
TRANSIT = 0.02
OFFER = b"v=0\r\ns=offer\r\n"
ANSWER = b"v=0\r\ns=answer\r\n"
WAITS = (0.01, 0.1, 0.5, 1.0, 3.0, 10.0, 33.0, 95.0)
REFUSALS = (404, 480, 486, 488, 503, 603)
# What becomes of the next packet: after how long its copies arrive.
FATES = ((), (0.0, 0.001), (0.0, 0.7), (0.7,), (5.3,), (0.0, 40.0), (0.03,), (0.0, 0.0, 0.0))


class Network:
    """Carries packets between two sides on a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sides: dict[str, Side] = {}
        self.fates: list[Sequence[float]] = []
        self.old: list[tuple[bytes, Side, Side]] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def carry(self, data: bytes, sender: Side, host: str) -> None:
        """Take a packet to where it goes, as fate has it."""
        receiver = self.sides.get(host)
        if receiver is None:
            return
        if len(self.old) < 50:
            self.old.append((data, sender, receiver))
        for delay in self.fates.pop(0) if self.fates else (0.0,):
            self.later(TRANSIT + delay, lambda: receiver.take(data, sender.flow))

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something done."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + seconds, self._count, action))

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        self.pump()
        while (when := self.next()) is not None and when <= end:
            self.now = max(self.now, when)
            for side in self.sides.values():
                due = side.stack.next_timeout()
                if due is not None and due <= self.now:
                    side.stack.handle_timeout(now=self.now)
            while self._queue and self._queue[0][0] <= self.now:
                heapq.heappop(self._queue)[2]()
            self.pump()
        self.now = end

    def next(self) -> float | None:
        """When something happens next."""
        moments = [side.stack.next_timeout() for side in self.sides.values()]
        moments += [self._queue[0][0]] if self._queue else []
        return min((moment for moment in moments if moment is not None), default=None)

    def pump(self) -> None:
        """Take what the stacks say until they are quiet."""
        while any(side.pump() for side in self.sides.values()):
            continue


class Side:
    """One user agent: it does what the script says and notes what it is told."""

    def __init__(self, network: Network, host: str) -> None:
        self.network = network
        self.flow = Flow("udp", host, 5060)
        self.stack = Stack(
            listeners=[Listener("udp", host, 5060)],
            identify=lambda _request, _flow: True,
            ids=Ids(random.Random(host).randbytes),
        )
        self.outgoing: list[OutgoingInvite] = []
        self.incoming: list[IncomingInvite] = []
        self.dialogs: list[Dialog] = []
        self.requests: list[IncomingRequest] = []
        self.refers: list[IncomingRefer] = []
        self.outcomes: Counter[int] = Counter()
        self.ends: Counter[int] = Counter()
        self.told = 0
        network.sides[host] = self

    # What comes.

    def take(self, data: bytes, flow: Flow) -> None:
        """Take a packet."""
        self.stack.receive_datagram(data, flow, now=self.network.now)

    def pump(self) -> bool:
        """Send what is to be sent, learn what happened; whether there was anything."""
        busy = False
        for data, flow in self.stack.datagrams_to_send():
            busy = True
            validate(parse_message(data))
            self.network.carry(data, self, flow.host)
        while (event := self.stack.next_event()) is not None:
            busy = True
            self.learn(event)
        return busy

    def learn(self, event: events.Event) -> None:
        """Note an event; it must be one that may still come."""
        dialog = getattr(event, "dialog", None)
        if dialog is not None and not isinstance(event, events.ReferTold):
            # What became of a REFER is told when its dialog is over, too (RFC 6665 section 4.5.2).
            assert not self.ends[id(dialog)], f"{event} of a dialog that is over"
        if isinstance(event, events.InviteReceived):
            self.incoming.append(event.invite)
        elif isinstance(event, events.InviteAnswered | events.InviteRejected):
            self.outcomes[id(event.invite)] += 1
            assert self.outcomes[id(event.invite)] == 1, f"{event} is a second outcome"
        elif isinstance(event, events.RequestReceived):
            self.asked(event)
        elif isinstance(event, events.ReferTold):
            self.told += 1
            assert self.told <= len(self.refers), "a REFER is done with twice"
        elif isinstance(event, events.DialogTerminated):
            self.ends[id(event.dialog)] += 1
        if isinstance(event, events.InviteAnswered | events.ProvisionalReceived):
            self.remember(event.dialog)

    def asked(self, event: events.RequestReceived) -> None:
        """Keep a request that waits for an answer."""
        to = read_refer(event.request) if event.request.method == "REFER" else None
        if to is None or isinstance(to, int):
            self.requests.append(event.transaction)
        else:
            refer = IncomingRefer(event.dialog, event.transaction, event.request, to)
            self.refers.append(refer)

    def remember(self, dialog: Dialog | None) -> None:
        """Keep a dialog to do something with."""
        if dialog is not None and dialog not in self.dialogs:
            self.dialogs.append(dialog)

    # What is done. Each has a number to choose with.

    def call(self, number: int) -> None:
        """Send an INVITE: with an offer or without, wanting PRACK or a session timer, or not."""
        (peer,) = [host for host in self.network.sides if host != self.flow.host]
        if len(self.outgoing) >= 6:
            return
        invite = self.stack.invite(
            uri=f"sip:b@{peer}",
            to_flow=Flow("udp", peer, 5060),
            from_=f"<sip:a@{self.flow.host}>",
            to=f"<sip:b@{peer}>",
            contact_user="a",
            body=OFFER if number & 1 else b"",
            headers=[("Require", "100rel")] if number & 2 else (),
            session_interval=90 if number & 4 else 0,
            now=self.network.now,
        )
        self.outgoing.append(invite)

    def cancel(self, number: int) -> None:
        """Give up an INVITE."""
        if self.outgoing:
            self.outgoing[number % len(self.outgoing)].cancel(now=self.network.now)

    def ring(self, number: int) -> None:
        """Send a provisional answer."""
        if self.incoming:
            invite = self.incoming[(number >> 2) % len(self.incoming)]
            body = ANSWER if number & 1 else b""
            status = 183 if number & 2 else 180
            invite.provisional(status, body=body, now=self.network.now)

    def accept(self, number: int) -> None:
        """Answer."""
        if self.incoming:
            invite = self.incoming[number % len(self.incoming)]
            self.remember(invite.accept(body=ANSWER, now=self.network.now))

    def reject(self, number: int) -> None:
        """Refuse."""
        if self.incoming:
            invite = self.incoming[number % len(self.incoming)]
            invite.reject(REFUSALS[number % len(REFUSALS)], now=self.network.now)

    def bye(self, number: int) -> None:
        """Hang up."""
        if dialog := self.dialog(number):
            dialog.bye(now=self.network.now)

    def reinvite(self, number: int) -> None:
        """Ask for other media."""
        if dialog := self.dialog(number >> 1):
            dialog.reinvite(body=OFFER if number & 1 else b"", now=self.network.now)

    def accept_reinvite(self, number: int) -> None:
        """Take what the peer asks for."""
        if dialog := self.dialog(number):
            dialog.accept_reinvite(body=ANSWER, now=self.network.now)

    def reject_reinvite(self, number: int) -> None:
        """Refuse what the peer asks for."""
        if dialog := self.dialog(number >> 1):
            dialog.reject_reinvite(488 if number & 1 else 491, now=self.network.now)

    def acknowledge(self, number: int) -> None:
        """Answer the offer of a 2xx."""
        if dialog := self.dialog(number):
            dialog.acknowledge(body=ANSWER, now=self.network.now)

    def ask(self, number: int) -> None:
        """Send another request inside a dialog."""
        if dialog := self.dialog(number >> 3):
            method, kind, body, headers = ASKED[number % len(ASKED)]
            dialog.request(
                method, content_type=kind, body=body, headers=headers, now=self.network.now
            )

    def refer(self, number: int) -> None:
        """Send the peer elsewhere."""
        if dialog := self.dialog(number):
            dialog.refer("sip:c@192.0.2.3", referred_by="sip:a@192.0.2.1", now=self.network.now)

    def respond(self, number: int) -> None:
        """Answer a request that waits for it."""
        if self.requests:
            request = self.requests[(number >> 2) % len(self.requests)]
            request.respond((200, 202, 403, 500)[number & 3], now=self.network.now)

    def take_refer(self, number: int) -> None:
        """Do what a REFER asks for, or not."""
        if self.refers:
            refer = self.refers[(number >> 1) % len(self.refers)]
            if number & 1:
                refer.reject(603, now=self.network.now)
            else:
                refer.accept(now=self.network.now)

    def tell_refer(self, number: int) -> None:
        """Say how the new call of a REFER fares."""
        if self.refers:
            refer = self.refers[(number >> 2) % len(self.refers)]
            refer.tell((100, 180, 200, 486)[number & 3], now=self.network.now)

    def subscribe(self, number: int) -> None:
        """Want to hear of a REFER for longer, or no more."""
        if dialog := self.dialog(number >> 2):
            headers = (("Event", ("refer", "refer;id=2")[number & 1]),)
            expires = ("Expires", "0" if number & 2 else "60")
            dialog.request("SUBSCRIBE", headers=(*headers, expires), now=self.network.now)

    def dialog(self, number: int) -> Dialog | None:
        """One of the dialogs, of those that are over, too."""
        return self.dialogs[number % len(self.dialogs)] if self.dialogs else None

    def end_all(self) -> None:
        """End whatever only a user ends."""
        now = self.network.now
        for request in self.requests:
            request.respond(500, now=now)
        for refer in self.refers:
            refer.reject(603, now=now)
        for invite in self.incoming:
            invite.reject(503, now=now)
        for outgoing in self.outgoing:
            outgoing.cancel(now=now)
        for dialog in self.dialogs:
            dialog.reject_reinvite(500, now=now)
            dialog.acknowledge(body=ANSWER, now=now)
            dialog.bye(now=now)


_FRAG = "message/sipfrag;version=2.0"
_OFF = ("Subscription-State", "terminated;reason=noresource")
_ON = ("Subscription-State", "active;expires=60")
ASKED: tuple[tuple[str, str, bytes, tuple[tuple[str, str], ...]], ...] = (
    ("INFO", "application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", ()),
    ("UPDATE", "", b"", ()),
    ("UPDATE", "application/sdp", OFFER, ()),
    ("NOTIFY", _FRAG, b"SIP/2.0 180 Ringing\r\n", (("Event", "refer"), _ON)),
    ("NOTIFY", _FRAG, b"SIP/2.0 200 OK\r\n", (("Event", "refer"), _OFF)),
    ("OPTIONS", "", b"", ()),
    ("PRACK", "", b"", (("RAck", "1 1 INVITE"),)),
    ("MESSAGE", "text/plain", b"x", ()),
)
VERBS: tuple[Callable[[Side, int], None], ...] = (
    *(Side.call, Side.ring, Side.accept, Side.reject, Side.cancel, Side.bye, Side.reinvite),
    *(Side.accept_reinvite, Side.reject_reinvite, Side.acknowledge, Side.ask, Side.refer),
    *(Side.respond, Side.take_refer, Side.tell_refer, Side.subscribe),
)


def check(data: bytes, _chance: random.Random) -> bool:
    """Play a script to its end; whether a call came about. Raises for a finding."""
    network = Network()
    sides = (Side(network, "192.0.2.1"), Side(network, "192.0.2.2"))
    for step in range(0, min(len(data), 2 * MAX_STEPS) - 1, 2):
        play(network, sides, data[step], data[step + 1])
    network.fates.clear()
    # A BYE waits for the ACK of an answer, and what was late may still begin something.
    for _ in range(6):
        for side in sides:
            side.end_all()
        network.run(100.0)
    network.run(MAX_REST)
    for side in sides:
        held = {name: count for name, count in side.stack.counts().items() if count}
        assert not held, held
        assert all(side.outcomes[id(invite)] == 1 for invite in side.outgoing), "no outcome"
    return any(side.ends for side in sides)


# Words to the network.
_FATE, _AGAIN, _WAIT = 64, 65, 66


def play(network: Network, sides: Sequence[Side], verb: int, number: int) -> None:
    """Do what two bytes say."""
    kind = verb >> 1
    if kind < _FATE:
        VERBS[kind % len(VERBS)](sides[verb & 1], number)
    elif kind % 4 == 0:
        network.fates.append(FATES[number % len(FATES)])
    elif kind % 4 == 1 and network.old:
        data, sender, receiver = network.old[number % len(network.old)]
        receiver.take(data, sender.flow)
    else:
        network.run(WAITS[number % len(WAITS)])
    # The first bit says whether packets have the time to arrive before what is next.
    network.run(3 * TRANSIT if number & 0x80 else 0.0)


def _script(*steps: tuple[Callable[[Side, int], None] | int, int, int]) -> bytes:
    """Bytes for steps: what, by which side, with which number."""
    written = bytearray()
    for what, side, number in steps:
        kind = what if isinstance(what, int) else VERBS.index(what)
        written += bytes(((kind << 1) | side, number))
    return bytes(written)


_UP = ((Side.call, 0, 0x81), (Side.ring, 1, 0x80), (Side.accept, 1, 0x80), (_WAIT, 0, 0x83))
SEEDS = (
    _script(*_UP, (Side.reinvite, 0, 0x81), (Side.accept_reinvite, 1, 0x80), (Side.bye, 0, 0x80)),
    _script(*_UP, (Side.reinvite, 0, 1), (Side.reinvite, 1, 1), (_WAIT, 0, 4), (Side.bye, 1, 0)),
    _script((Side.call, 0, 0x83), (Side.ring, 1, 0x83), (_WAIT, 0, 2), (Side.accept, 1, 0)),
    _script((Side.call, 0, 0x80), (Side.accept, 1, 0x80), (Side.acknowledge, 0, 0x80)),
    _script((Side.call, 0, 0x81), (Side.ring, 1, 0x80), (Side.cancel, 0, 0), (Side.accept, 1, 0)),
    _script(*_UP, (_FATE, 0, 0), (Side.bye, 0, 0), (Side.bye, 1, 0), (_AGAIN, 0, 0x82)),
    _script(*_UP, *((Side.ask, number & 1, 0x80 | number) for number in range(8)), (_WAIT, 0, 5)),
    _script(*_UP, (Side.refer, 0, 0x80), (Side.take_refer, 1, 0x81), (Side.ask, 1, 0x84)),
    _script(
        *_UP,
        (Side.refer, 0, 0x80),
        (Side.take_refer, 1, 0x80),
        (Side.tell_refer, 1, 0x81),
        (Side.subscribe, 0, 0x80),
        (Side.tell_refer, 1, 0x82),
        (Side.bye, 0, 0x80),
    ),
    _script((Side.call, 0, 0x85), (Side.accept, 1, 0x80), (_WAIT, 0, 0x87), (_WAIT, 0, 0x87)),
)
PIECES = (
    *(_script((verb, side, 0x80)) for verb in VERBS for side in (0, 1)),
    *(_script((_FATE, 0, number)) for number in range(len(FATES))),
    *(_script((_WAIT, 0, number)) for number in range(len(WAITS))),
    *(_script((_AGAIN, 0, 0x80 | number)) for number in range(12)),
)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """A script with some steps left out, put in, exchanged or taken from another."""
    steps = [data[place : place + 2] for place in range(0, len(data) - 1, 2)]
    for _ in range(chance.randint(1, 6)):
        place = chance.randint(0, len(steps))
        kind = chance.randrange(5)
        if kind == 0:
            del steps[place : place + chance.choice((1, 1, 3))]
        elif kind in (1, 2):
            steps.insert(place, chance.choice(PIECES) if kind == 1 else chance.randbytes(2))
        elif kind == 3 and steps:
            other = chance.randrange(len(steps))
            place %= len(steps)
            steps[place], steps[other] = steps[other], steps[place]
        else:
            other_data = chance.choice(SEEDS)
            cut = 2 * chance.randint(0, len(other_data) // 2)
            steps[place:place] = [other_data[at : at + 2] for at in range(cut, len(other_data), 2)]
    return b"".join(steps[:MAX_STEPS])


FUZZ = Fuzz(
    "dialogs",
    check,
    seeds=SEEDS,
    mutate=mutate,
    watched=("softswitch/sip",),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
