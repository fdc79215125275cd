"""Broken and misplaced messages against a stack with live calls.

`python -m fuzz.fuzz_sip_stack [--seconds 10] [--seed N] [--runs N]`

Each run has calls in every state, a shell that uses every verb at random, and a peer that sends
messages of those calls cut, doubled, spliced, renumbered and out of order, over UDP and streams. A
run fails when anything is raised, when what comes out is no SIP, when a table grows beyond its
limit, or when something is left after all timers are over. The seed of a failing run is printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.ids import Ids
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.message import parse_message
from softswitch.sip.requests import IncomingRequest
from softswitch.sip.stack import ALLOW, Limits, Stack

US = "192.0.2.9"
PEERS = (
    Flow("udp", "192.0.2.1", 5060),
    Flow("udp", "2001:db8::1", 5062),
    Flow("tcp", "192.0.2.1", 40001, 1, 1),
    Flow("tcp", "192.0.2.2", 40002, 1, 2),
)
LIMITS = Limits(transactions=300, dialogs=60, streams=4)
STEPS = 400
MAX_CORPUS = 300
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "REGISTER", "BREW")
EVENTS = ("Event: refer", "Event: refer", "Event: refer;id=2", "o: refer;id=", "Event: x", "X: y")
STATES = ("Subscription-State: active", "Subscription-State: terminated;reason=x", "X: y")
STATUSES = (100, 180, 183, 199, 200, 202, 302, 401, 408, 481, 486, 487, 491, 500, 503, 603)
LINES = (
    "Require: 100rel",
    "Record-Route: <sip:192.0.2.50;lr>, <sip:192.0.2.51>",
    "Record-Route: <",
    "Route: <sip:192.0.2.9;lr>",
    "Contact: <tel:+1555>",
    'Contact: "x" <sip:[2001:db8::7]:99999>',
    "Content-Type: text/plain",
    "Content-Encoding: gzip",
    "Content-Length: 7",
    "CSeq: 4294967296 INVITE",
    "To: <sip:x>;tag=other",
    "From: <sip:x>;tag=",
    "Max-Forwards: 0",
    "Timestamp: 1",
    "Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKnew, SIP/2.0/TCP [::1]:1",
    "Accept: text/html",
    "X: \0\1\2\xff",
    " folded",
)


class Run:
    """One seeded run."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.stack = Stack(
            listeners=[Listener("udp", US, 5060), Listener("tcp", US, 5060)],
            identify=lambda _request, _flow: self.random.random() < 0.95,
            ids=Ids(self.random.randbytes),
            allow=(*ALLOW, "INFO"),
            limits=LIMITS,
        )
        self.now = 0.0
        self.corpus: list[bytes] = []
        self.sent: list[bytes] = []
        self.invites: list[IncomingInvite] = []
        self.outgoing: list[OutgoingInvite] = []
        self.dialogs: list[Dialog] = []
        self.requests: list[IncomingRequest] = []
        self.answered = 0

    def play(self) -> None:
        """Do many random things, then let every timer end."""
        for _ in range(STEPS):
            self.random.choices((self.receive, self.act, self.wait), (12, 4, 2))[0]()
            self.drain()
            self.check_bounds()
        self.finish()

    def finish(self) -> None:
        """End what only the shell can end, and check that nothing stays."""
        for invite in self.invites:
            invite.reject(503, now=self.now)
        for outgoing in self.outgoing:
            outgoing.cancel(now=self.now)
        for request in self.requests:
            request.respond(500, now=self.now)
        for _ in range(4000):
            self.drain()
            for dialog in self.dialogs:
                dialog.bye(now=self.now)
            when = self.stack.next_timeout()
            if when is None:
                break
            self.now = max(self.now, when)
            self.stack.handle_timeout(now=self.now)
        held = {name: count for name, count in self.stack.counts().items() if count}
        # An INVITE of ours in which only provisional responses came is held until it is cancelled,
        # and cancelling is done: nothing may be left.
        assert not held, held

    # Steps.

    def receive(self) -> None:
        """Have a message arrive, good or bad."""
        flow = self.random.choice(PEERS)
        data = self.make()
        if self.random.random() < 0.35:
            data = self.mutate(data)
        self.corpus.append(data)
        if len(self.corpus) > MAX_CORPUS:
            self.corpus.pop(self.random.randrange(MAX_CORPUS))
        if not flow.reliable:
            self.stack.receive_datagram(data, flow, now=self.now)
            return
        cut = self.random.randrange(len(data) + 1)
        self.stack.receive_stream(data[:cut], flow, now=self.now)
        self.stack.receive_stream(data[cut:], flow, now=self.now)

    def make(self) -> bytes:
        """Write a message that fits what goes on, more or less."""
        kind = self.random.random()
        if kind < 0.15 and self.corpus:
            return self.random.choice(self.corpus)
        if kind < 0.5 and self.sent:
            return self.response_to(self.random.choice(self.sent[-8:]))
        if kind < 0.8 and self.dialogs:
            return self.request_in(self.random.choice(self.dialogs[-20:]))
        return self.new_request()

    def new_request(self) -> bytes:
        """Write a request outside of any dialog."""
        number = self.random.randrange(50)
        method = self.random.choices(METHODS, (20, 3, 3, 6, 3, 1, 1, 1, 1))[0]
        cookie = self.random.choice(("z9hG4bK", "z9hG4bK", "z9hG4bK", "Z9HG4BK", ""))
        body = self.random.choice((b"", b"v=0\r\n"))
        rport = self.random.choice(("", "rport;"))
        lines = [
            f"{method} sip:100000@{US} SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.1:5060;{rport}branch={cookie}{number}",
            f"From: <sip:a@192.0.2.1>;tag=f{number % 7}",
            f"To: <sip:100000@{US}>",
            f"Call-ID: c{number}",
            f"CSeq: {self.random.randrange(4)} {method}",
            "Contact: <sip:a@192.0.2.1>",
            "Max-Forwards: 70",
        ]
        return self.whole(lines, body)

    def request_in(self, dialog: Dialog) -> bytes:
        """Write a request inside a dialog."""
        method = self.random.choice(
            ("INVITE", "ACK", "ACK", "BYE", "INFO", "OPTIONS", "CANCEL", "NOTIFY", "REFER")
        )
        number = (dialog.remote_cseq or 0) + self.random.choice((-1, 0, 0, 1, 1, 1, 2))
        lines = [
            f"{method} sip:us@{US} SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{self.random.randrange(1000)}",
            f"From: {dialog.remote}",
            f"To: {dialog.local}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {max(number, 0)} {method}",
            f"Contact: <sip:a@192.0.2.{self.random.randrange(255)}>",
            "Max-Forwards: 70",
        ]
        if method == "NOTIFY":
            lines += [self.random.choice(EVENTS), self.random.choice(STATES)]
            status = self.random.choice(STATUSES)
            return self.whole(lines, f"SIP/2.0 {status} X\r\n".encode())
        return self.whole(lines, self.random.choice((b"", b"v=0\r\n")))

    def response_to(self, data: bytes) -> bytes:
        """Write a response to something the stack has sent, a response of its own too."""
        head = data.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        keep = [line for line in head[1:] if line.startswith(("Via", "From", "Call-ID", "CSeq"))]
        to = next((line for line in head if line.startswith("To:")), "To: <sip:x>")
        if ";tag=" not in to:
            to += self.random.choice(("", ";tag=r1", ";tag=r1", ";tag=r2", ";tag=r3"))
        status = self.random.choice(STATUSES)
        contact = "Contact: <sip:b@192.0.2.1>"
        body = self.random.choice((b"", b"v=0\r\n"))
        return self.whole([f"SIP/2.0 {status} X", *keep, to, contact], body)

    def whole(self, lines: list[str], body: bytes) -> bytes:
        """Add odd lines at times, and the length."""
        if self.random.random() < 0.2:
            lines.insert(self.random.randrange(1, len(lines) + 1), self.random.choice(LINES))
        kind = ["Content-Type: application/sdp"] if body else []
        head = "\r\n".join([*lines, *kind, f"Content-Length: {len(body)}", "", ""])
        return head.encode("utf-8", "replace") + body

    def mutate(self, data: bytes) -> bytes:
        """Break a message."""
        if not data:
            return data
        where = self.random.randrange(len(data))
        kind = self.random.randrange(7)
        if kind == 0:
            return data[:where]
        if kind == 1:
            return data[:where] + self.random.randbytes(self.random.randrange(1, 9)) + data[where:]
        if kind == 2:
            return data[:where] + data[where + self.random.randrange(1, 40) :]
        if kind == 3 and self.corpus:
            other = self.random.choice(self.corpus)
            return data[:where] + other[self.random.randrange(len(other) + 1) :]
        if kind == 4:
            lines = data.split(b"\r\n")
            self.random.shuffle(lines)
            return b"\r\n".join(lines)
        if kind == 5:
            lines = data.split(b"\r\n")
            line = self.random.randrange(len(lines))
            return b"\r\n".join(lines[: line + 1] + lines[line:])
        return data.replace(
            *self.random.choice(((b";", b"; "), (b"tag=", b"TAG="), (b":", b" :\t")))
        )

    def act(self) -> None:
        """Use a verb of the shell."""
        choice = self.random.randrange(6)
        if choice == 0:
            self.outgoing.append(self.originate())
        elif choice == 1 and self.outgoing:
            self.random.choice(self.outgoing).cancel(now=self.now)
        elif choice in (2, 3) and self.invites:
            self.treat(self.random.choice(self.invites))
        elif choice == 4 and self.requests:
            self.random.choice(self.requests).respond(200, now=self.now)
        elif self.dialogs:
            self.use(self.random.choice(self.dialogs))

    def originate(self) -> OutgoingInvite:
        """Send an INVITE."""
        return self.stack.invite(
            uri="sip:b@192.0.2.1",
            to_flow=self.random.choice(PEERS)._replace(connection=0),
            from_=f"<sip:us@{US}>",
            to="<sip:b@192.0.2.1>",
            contact_user="us",
            body=self.random.choice((b"", b"v=0\r\n")),
            now=self.now,
        )

    def treat(self, invite: IncomingInvite) -> None:
        """Answer an INVITE somehow."""
        choice = self.random.randrange(3)
        if choice == 0:
            invite.provisional(self.random.choice((180, 183)), now=self.now)
        elif choice == 1:
            invite.reject(self.random.choice((404, 486, 603)), now=self.now)
        else:
            self.dialogs.append(invite.accept(body=b"v=0\r\n", now=self.now))

    def use(self, dialog: Dialog) -> None:
        """Use a verb of a dialog."""
        choice = self.random.randrange(7)
        if choice == 6:
            refer = dialog.refer("sip:c@192.0.2.3", referred_by="sip:us@192.0.2.9", now=self.now)
            if refer is not None and self.random.random() < 0.2:
                refer.give_up()
        elif choice == 0:
            dialog.bye(now=self.now)
        elif choice == 1:
            dialog.reinvite(body=self.random.choice((b"", b"v=0\r\n")), now=self.now)
        elif choice == 2:
            dialog.accept_reinvite(body=b"v=0\r\n", now=self.now)
        elif choice == 3:
            dialog.reject_reinvite(488, now=self.now)
        elif choice == 4:
            dialog.acknowledge(body=b"v=0\r\n", now=self.now)
        else:
            dialog.request("INFO", now=self.now)

    def wait(self) -> None:
        """Let time pass, or a network fail."""
        self.now += self.random.choice((0.01, 0.3, 1.0, 5.0, 33.0))
        self.stack.handle_timeout(now=self.now)
        if self.random.random() < 0.2:
            flow = self.random.choice(PEERS)
            if flow.reliable:
                self.stack.flow_closed(flow, now=self.now)
            self.stack.send_failed(flow, now=self.now)

    def drain(self) -> None:
        """Take what comes out."""
        for data, _ in self.stack.datagrams_to_send():
            if data != b"\r\n":
                parse_message(data)
                if not data.startswith(b"SIP/2.0"):
                    self.sent.append(data)
        del self.sent[:-200]
        for flow in self.stack.flows_to_close():
            self.stack.flow_closed(flow, now=self.now)
        while (event := self.stack.next_event()) is not None:
            if isinstance(event, events.InviteReceived):
                self.invites.append(event.invite)
            elif isinstance(event, events.InviteAnswered):
                self.answered += 1
                self.dialogs.append(event.dialog)
            elif isinstance(event, events.ProvisionalReceived) and event.dialog is not None:
                self.dialogs.append(event.dialog)
            elif isinstance(event, events.RequestReceived):
                self.requests.append(event.transaction)

    def check_bounds(self) -> None:
        """Make sure that no table grows beyond what it may hold."""
        counts = self.stack.counts()
        held = counts["client_transactions"] + counts["server_transactions"]
        # Beyond the limit only what ends something is begun: CANCEL and BYE, at most one a call.
        assert held <= LIMITS.transactions + 2 * LIMITS.dialogs + 100, counts
        assert counts["merge_keys"] <= counts["server_transactions"], counts
        assert len(self.stack._context.streams) <= LIMITS.streams


def main() -> int:
    """Play runs until the time is over; the seed of a failing one is printed."""
    parser = argparse.ArgumentParser(description="fuzz the SIP stack")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each has the next")
    parser.add_argument("--runs", type=int, default=0, help="stop after so many, 0 for no limit")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    runs = answered = 0
    while time.monotonic() < end and (not options.runs or runs < options.runs):
        run = Run(options.seed + runs)
        try:
            run.play()
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            print(f"seed {options.seed + runs} fails")
            return 1
        runs += 1
        answered += run.answered
    print(f"{runs} runs of {STEPS} steps, {answered} calls answered: nothing raised, nothing left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
