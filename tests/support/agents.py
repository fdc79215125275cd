"""Two user agents without media on one link: they do what the script says and note what happened.

`facts` is what each side would tell a human about its calls, without the provisional answers, which
may get lost without harm. They know the stack's public face only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from softswitch.sip import events
from softswitch.sip.dialog import Dialog
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.ids import Ids
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.requests import IncomingRequest
from softswitch.sip.stack import ALLOW, Stack
from tests.support.link import Fate, Link, PacketName, Side

OFFER = b"v=0\r\ns=offer\r\n"
ANSWER = b"v=0\r\ns=answer\r\n"


class Pseudorandom:
    """Repeatable bytes for identifiers: every run of a test sees the same ones."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def __call__(self, count: int) -> bytes:
        self._state += 1
        value = (self._state * 0x9E3779B97F4A7C15) % (1 << 64)
        return b"".join(
            ((value * (index * 2 + 3) + index * 0x1234567) % (1 << 64)).to_bytes(8, "big")
            for index in range((count + 7) // 8)
        )[:count]


class Agent:
    """One user agent; the hooks are called with the event's object and may be replaced."""

    def __init__(self, link: Link, name: str, host: str, *, transport: str = "udp") -> None:
        self.link = link
        self.name = name
        connection = 1 if transport == "tcp" else 0
        self.address = Flow(transport, host, 5060, 0, connection)
        self.stack = Stack(
            listeners=[Listener(transport, host, 5060)],
            server=name,
            identify=lambda _request, _flow: True,
            ids=Ids(Pseudorandom(len(name) * 7919)),
            allow=ALLOW,
        )
        link.join(Side(name, self.stack, self.address, self.on_event))
        self.facts: list[str] = []
        self.provisionals: list[int] = []
        self.events: list[object] = []
        self.outgoing: OutgoingInvite | None = None
        self.incoming: IncomingInvite | None = None
        self.dialog: Dialog | None = None
        self.on_invite: Callable[[IncomingInvite], None] = lambda _invite: None
        self.on_answered: Callable[[Dialog], None] = lambda _dialog: None
        self.on_acked: Callable[[Dialog], None] = lambda _dialog: None
        self.on_reinvite: Callable[[Dialog], None] = lambda _dialog: None
        self.on_reinvite_done: Callable[[Dialog], None] = lambda _dialog: None
        self.on_refer: Callable[[IncomingRequest], None] = lambda _request: None
        self.on_refer_ended: Callable[[], None] = lambda: None

    # Verbs.

    def call(self, other: Agent, *, body: bytes = OFFER) -> OutgoingInvite:
        """Send an INVITE to the other agent."""
        host = other.address.host
        transport = ";transport=tcp" if self.address.reliable else ""
        self.outgoing = self.stack.invite(
            uri=f"sip:{other.name}@{host}{transport}",
            to_flow=other.address._replace(connection=0),
            from_=f"<sip:{self.name}@{self.address.host}>",
            to=f"<sip:{other.name}@{host}>",
            contact_user=self.name,
            body=body,
            now=self.link.now,
        )
        return self.outgoing

    def hang_up(self) -> None:
        """End the dialog, if there is one."""
        if self.dialog is not None:
            self.dialog.bye(now=self.link.now)

    def cancel(self) -> None:
        """Give up our INVITE."""
        assert self.outgoing is not None
        self.outgoing.cancel(now=self.link.now)

    def ring_and_answer(self, *, after: float = 1.0, body: bytes = ANSWER) -> None:
        """Answer every INVITE: 180 at once, 200 later."""

        def ring(invite: IncomingInvite) -> None:
            invite.provisional(180, now=self.link.now)

            def answer() -> None:
                self.dialog = invite.accept(body=body, now=self.link.now)

            self.link.after(after, answer)

        self.on_invite = ring

    def refer(self, to: str = "sip:carol@192.0.2.33") -> None:
        """Ask the other side to call elsewhere."""
        assert self.dialog is not None
        self.dialog.refer(to, referred_by="sip:alice@192.0.2.1", now=self.link.now)

    def take_refer(self, *told: tuple[float, int, bool]) -> None:
        """Answer REFER with 202, then tell: after so many seconds, a status, whether the last."""

        def take(request: IncomingRequest) -> None:
            request.respond(202, now=self.link.now)
            for after, status, last in told:
                self.link.after(after, partial(self.notify, status, last=last))

        self.on_refer = take

    def notify(self, status: int, *, last: bool) -> None:
        """Tell how the call fares that we were asked for."""
        assert self.dialog is not None
        state = "terminated;reason=noresource" if last else "active;expires=60"
        self.dialog.request(
            "NOTIFY",
            body=f"SIP/2.0 {status} Whatever\r\n".encode(),
            content_type="message/sipfrag;version=2.0",
            headers=(("Event", "refer"), ("Subscription-State", state)),
            now=self.link.now,
        )

    # Events.

    def on_event(self, event: object) -> None:
        """Note the fact and call the hook."""
        self.events.append(event)
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _on_invite_received(self, event: events.InviteReceived) -> None:
        self.facts.append("invited")
        self.incoming = event.invite
        self.on_invite(event.invite)

    def _on_cancelled(self, event: events.InviteCancelled) -> None:
        self.facts.append("cancelled by BYE" if event.by_bye else "cancelled")

    def _on_provisional(self, event: events.ProvisionalReceived) -> None:
        self.provisionals.append(event.response.status)

    def _on_answered(self, event: events.InviteAnswered) -> None:
        self.facts.append("answered")
        self.dialog = event.dialog
        self.on_answered(event.dialog)

    def _on_rejected(self, event: events.InviteRejected) -> None:
        self.facts.append(f"rejected {event.status} {event.why}")

    def _on_ack(self, event: events.AckReceived) -> None:
        self.facts.append(f"acked {event.body.decode()}".strip().replace("\r\n", " "))
        self.on_acked(event.dialog)

    def _on_reinvite(self, event: events.ReinviteReceived) -> None:
        self.facts.append("reinvited")
        self.on_reinvite(event.dialog)

    def _on_reinvite_answered(self, event: events.ReinviteAnswered) -> None:
        self.facts.append("reinvite answered")
        self.on_reinvite_done(event.dialog)

    def _on_reinvite_rejected(self, event: events.ReinviteRejected) -> None:
        self.facts.append(f"reinvite rejected {event.status}")
        self.on_reinvite_done(event.dialog)

    def _on_request(self, event: events.RequestReceived) -> None:
        self.facts.append(f"asked {event.request.method}")
        if event.request.method == "REFER":
            self.on_refer(event.transaction)

    def _on_refer_ended(self, event: events.ReferEnded) -> None:
        self.facts.append(f"refer {event.why} {event.status}")
        self.on_refer_ended()

    def _on_response(self, event: events.ResponseReceived) -> None:
        # A NOTIFY that was overtaken by the next one is refused, without harm.
        if event.request.method != "NOTIFY":
            self.facts.append("ResponseReceived")

    def _on_nothing(self, _event: object) -> None:
        """Provisional: may get lost without harm."""

    def _on_terminated(self, event: events.DialogTerminated) -> None:
        self.facts.append(event.why)

    def _on_other(self, event: object) -> None:
        self.facts.append(type(event).__name__)


_HANDLERS: dict[type, Callable[..., None]] = {
    events.InviteReceived: Agent._on_invite_received,
    events.InviteCancelled: Agent._on_cancelled,
    events.ProvisionalReceived: Agent._on_provisional,
    events.InviteAnswered: Agent._on_answered,
    events.InviteRejected: Agent._on_rejected,
    events.AckReceived: Agent._on_ack,
    events.ReinviteReceived: Agent._on_reinvite,
    events.ReinviteAnswered: Agent._on_reinvite_answered,
    events.ReinviteRejected: Agent._on_reinvite_rejected,
    events.DialogTerminated: Agent._on_terminated,
    events.AckTimedOut: Agent._on_other,
    events.ForkAnswered: Agent._on_other,
    events.ReinviteCancelled: Agent._on_other,
    events.RequestReceived: Agent._on_request,
    events.ResponseReceived: Agent._on_response,
    events.ReferProgressed: Agent._on_nothing,
    events.ReferEnded: Agent._on_refer_ended,
    events.RequestTimedOut: Agent._on_other,
}


def pair(
    fates: Mapping[PacketName, Fate] | None = None, *, transport: str = "udp"
) -> tuple[Link, Agent, Agent]:
    """Give a link with alice (who calls) and bob (who is called)."""
    link = Link(fates or {})
    alice = Agent(link, "alice", "192.0.2.1", transport=transport)
    bob = Agent(link, "bob", "192.0.2.22", transport=transport)
    return link, alice, bob


def leftovers(*agents: Agent) -> Counter[str]:
    """Count what the stacks still hold: empty once the last timer is over."""
    total: Counter[str] = Counter()
    for agent in agents:
        total.update(agent.stack.counts())
    return +total
