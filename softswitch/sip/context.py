"""What the parts of one stack share: the tables, the way out, the clock's last word and the limits.

`now` is the moment of the input being worked on; every entry into the stack sets it first. It knows
where messages go, not what they mean.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from softswitch.sip.addresses import canonical_host
from softswitch.sip.compose import host_port
from softswitch.sip.flow import DEFAULT_PORT, Flow, Listener
from softswitch.sip.ids import Ids
from softswitch.sip.timers import Timer, Timers

if TYPE_CHECKING:
    from softswitch.sip.dialog import Dialog
    from softswitch.sip.events import Event
    from softswitch.sip.message import Response
    from softswitch.sip.source import IdentifySource
    from softswitch.sip.stream import StreamDecoder, WholeMessages
    from softswitch.sip.transaction.base import (
        ClientKey,
        ClientTransaction,
        ServerKey,
        ServerTransaction,
    )
    from softswitch.sip.transaction.client_invite import ClientInviteTransaction

# A bridged call leaves about four transactions behind for 32 s (Timers J, L, M), so this is about
# 1,500 calls a second; beyond it new requests get 503 with Retry-After, ours fail as 503 at once.
MAX_TRANSACTIONS = 200_000
# Far above the calls one node can carry media for; beyond it new INVITEs get 503.
MAX_DIALOGS = 100_000
# Carriers keep a few connections each; beyond it bytes on a new one are dropped and it is closed.
MAX_STREAMS = 4_096

DialogKey = tuple[str, str, str]


# Option tags of extensions we speak (20.37): session timers (RFC 4028), reliable provisional
# responses (RFC 3262), taking dialogs over (RFC 3891), REFER without a subscription (RFC 4488).
SUPPORTED: tuple[str, ...] = ("timer", "100rel", "replaces", "norefersub")

NOWHERE = Flow("udp", "", 0)


class Limits(NamedTuple):
    """How much a stack may hold; tests make it small."""

    transactions: int = MAX_TRANSACTIONS
    dialogs: int = MAX_DIALOGS
    streams: int = MAX_STREAMS


class Trace(NamedTuple):
    """One message in or out, or one dropped with its reason."""

    direction: str
    """ "in", "out" or "drop"."""
    data: bytes
    flow: Flow
    reason: str
    now: float


class Context:
    """The shared ground; one per stack."""

    __slots__ = (
        "_by_transport",
        "_contacts",
        "_listeners",
        "_secret",
        "_sent_bys",
        "_vias",
        "admits",
        "alias_hosts",
        "allow",
        "allow_line",
        "answers",
        "belongs",
        "client_transactions",
        "closed",
        "dialogs",
        "draining",
        "dropped_from",
        "drops",
        "events",
        "flows_to_close",
        "identify",
        "ids",
        "is_stranger",
        "led",
        "limits",
        "merge_keys",
        "now",
        "on_alias",
        "on_late_answer",
        "outbox",
        "plain_supported_line",
        "refusals",
        "server_line",
        "server_transactions",
        "source",
        "streams",
        "supported_line",
        "timers",
        "trace",
        "unanswered",
        "unfinished",
        "user_agent_line",
    )

    def __init__(
        self,
        *,
        listeners: Sequence[Listener],
        server: str,
        identify: IdentifySource,
        ids: Ids,
        allow: Sequence[str],
        limits: Limits,
    ) -> None:
        self.ids = ids
        self.identify = identify
        self._secret = ids.digits(32)
        self.timers = Timers()
        self.limits = limits
        self.now = 0.0
        self.allow = tuple(allow)
        self.server_line = f"Server: {server}\r\n"
        self.user_agent_line = f"User-Agent: {server}\r\n"
        self.allow_line = f"Allow: {', '.join(self.allow)}\r\n"
        # Of an INVITE that leaves the offer to the peer, and could answer one in a 2xx only.
        plain = ", ".join(tag for tag in SUPPORTED if tag != "100rel")
        self.plain_supported_line = f"Supported: {plain}\r\n"
        self.supported_line = f"Supported: {', '.join(SUPPORTED)}\r\n"
        self.draining = False
        # Why new INVITEs are answered 503 for the moment; empty: they are not.
        self.closed = ""
        # Whether a message from a host is looked at; None: all are.
        self.admits: Callable[[str, float], bool] | None = None
        # Whether a host is nobody of ours; None: no host is a stranger.
        self.is_stranger: Callable[[str], bool] | None = None
        # Whether a host may speak for what somebody owns; None: whoever is no stranger may.
        self.belongs: Callable[[object, str], bool] | None = None
        # Whether whom a request went to may answer from another flow; None: whoever is no stranger.
        self.answers: Callable[[object, Flow, Flow], bool] | None = None
        # Whether what was sent to a flow since a moment went to where another one leads; None: that
        # is what the flows say.
        self.led: Callable[[Flow, Flow, float], bool] | None = None
        # Hosts that are asked to call us over our connections (RFC 5923), and who is told of those
        # that ask it of us: over which connection, under which host and port.
        self.alias_hosts: frozenset[str] = frozenset()
        self.on_alias: Callable[[Flow, str, int], None] | None = None
        # What becomes of a 2xx after the refusal of its INVITE; None: nothing.
        self.on_late_answer: Callable[[ClientInviteTransaction, Response], None] | None = None
        # Where the message being worked on came from.
        self.source = NOWHERE
        # What goes out to the shell.
        self.outbox: list[tuple[bytes, Flow]] = []
        self.events: deque[Event] = deque()
        self.flows_to_close: list[Flow] = []
        self.drops: Counter[str] = Counter()
        self.dropped_from: dict[str, str] = {}
        self.refusals: Counter[str] = Counter()
        self.trace: Callable[[Trace], None] | None = None
        # Tables; each entry leaves by a timer or by its owner.
        self.client_transactions: dict[ClientKey, ClientTransaction] = {}
        self.unanswered: dict[ClientKey, ClientTransaction] = {}
        self.server_transactions: dict[ServerKey, ServerTransaction] = {}
        self.merge_keys: dict[tuple[object, ...], ServerTransaction] = {}
        self.dialogs: dict[DialogKey, Dialog] = {}
        self.streams: dict[Flow, StreamDecoder | WholeMessages] = {}
        # Until when those that have brought half a message wait for its rest.
        self.unfinished: dict[Flow, Timer] = {}
        # Texts of our listeners, written once.
        self._listeners = tuple(listeners)
        self._sent_bys = {(one.advertised_host, one.advertised_port) for one in listeners}
        self._by_transport: dict[str, list[int]] = {}
        for index, listener in enumerate(listeners):
            self._by_transport.setdefault(listener.transport, []).append(index)
        self._vias = [_via_text(listener) for listener in listeners]
        self._contacts = [_contact_text(listener) for listener in listeners]

    # The way out.

    def send(self, data: bytes, flow: Flow) -> None:
        """Put a message into the outbox."""
        self.outbox.append((data, flow))
        if self.trace is not None:
            self.trace(Trace("out", data, flow, "", self.now))

    def send_back(self, data: bytes, flow: Flow, fallback: Flow | None) -> None:
        """Send a response where its request came from.

        18.2.2: over a reliable transport the response MUST be sent on the existing connection; if
        that is no longer open, the server SHOULD open one to the address in "received", using the
        port of sent-by: this is `fallback`.
        """
        if fallback is not None and flow not in self.streams:
            flow = fallback
        self.send(data, flow)

    def emit(self, event: Event) -> None:
        """Tell the shell that something has happened."""
        self.events.append(event)

    def drop(self, reason: str, data: bytes, flow: Flow) -> None:
        """Count what is not worth an answer, or must not have one."""
        self.drops[reason] += 1
        if reason not in self.dropped_from or not self.is_strange(flow.host):
            # Who is one of ours is to be named, however many strangers do the same.
            self.dropped_from[reason] = flow.host
        if self.trace is not None:
            self.trace(Trace("drop", data, flow, reason, self.now))

    # What we are called.

    def listener_for(self, flow: Flow) -> int:
        """Give the index of the listener to name in Via and Contact on this flow."""
        listeners = self._listeners
        index = flow.listener
        if 0 <= index < len(listeners) and listeners[index].transport == flow.transport:
            return index
        fitting = self._by_transport.get(flow.transport, [0])
        if len(fitting) == 1:
            return fitting[0]
        return next((n for n in fitting if listeners[n].reaches(flow.host)), fitting[0])

    def by(self, flow: Flow, transport: str, listener: int | None = None) -> Flow:
        """Give the way to the same place by another transport, from a listener that has it."""
        flow = flow._replace(transport=transport, connection=0)
        if listener is not None:
            flow = flow._replace(listener=listener)
        return flow._replace(listener=self.listener_for(flow))

    def via_for(self, flow: Flow) -> str:
        """Give the Via value up to the branch."""
        via = self._vias[self.listener_for(flow)]
        if self.alias_hosts and self._is_alias(flow):
            return via.replace(";branch=", ";alias;branch=")
        return via

    def _is_alias(self, flow: Flow) -> bool:
        """Whether a peer is to call us over this connection; RFC 5923 is for those who have shown a
        certificate of their name."""
        return flow.transport == "tls" and (
            canonical_host(flow.name or flow.host) in self.alias_hosts
        )

    def contact_line(self, user: str, flow: Flow, *, is_sips: bool = False) -> str:
        """Write our Contact line with the transport the flow has, without a display name; as a SIPS
        URI for who may reach us by TLS only."""
        at_host = self._contacts[self.listener_for(flow)]
        scheme = "sip"
        if is_sips:
            # 26.2.2: 'The use of "transport=tls" has consequently been deprecated'.
            scheme, at_host = "sips", at_host.replace(";transport=tls>", ">")
        return f"Contact: <{scheme}:{user}{at_host if user else at_host[1:]}\r\n"

    def has_listener(self, transport: str) -> bool:
        """Say whether we speak this transport."""
        return transport in self._by_transport

    def is_ours(self, host: str, port: int | None) -> bool:
        """Say whether a sent-by names one of our listeners (18.1.2)."""
        return (host, port or DEFAULT_PORT) in self._sent_bys

    def is_open(self, flow: Flow) -> bool:
        """Say whether this very connection can still be written to."""
        return flow in self.streams

    def is_strange(self, host: str) -> bool:
        """Say whether a host is nobody of ours."""
        return self.is_stranger is not None and self.is_stranger(host)

    def may_speak(self, owner: object, host: str) -> bool:
        """Say whether a host may be the peer of who owns a dialog or a request of ours."""
        if self.belongs is None or owner is None:
            return not self.is_strange(host)
        return self.belongs(owner, host)

    def may_answer(self, who: object, asked: Flow, flow: Flow) -> bool:
        """Say whether somebody may answer from a flow that a request did not go to."""
        if self.answers is None:
            return not self.is_strange(flow.host)
        return self.answers(who, asked, flow)

    def is_admitted(self, data: bytes, flow: Flow) -> bool:
        """Say whether what came is looked at; what is not is counted, and not even traced: such
        come by the thousand. Answers to what we asked may come from anywhere."""
        admits = self.admits
        if admits is None or data.startswith(b"SIP/2.0 ") or admits(flow.host, self.now):
            return True
        self.drops["stranger"] += 1
        return False

    # Limits.

    @property
    def has_room_for_transaction(self) -> bool:
        """Whether one more transaction may be begun."""
        held = len(self.client_transactions) + len(self.server_transactions)
        return held < self.limits.transactions

    @property
    def has_room_for_dialog(self) -> bool:
        """Whether one more call may come in."""
        return len(self.dialogs) < self.limits.dialogs

    def fingerprint(self, what: object) -> int:
        """Give 64 bits that nobody can foresee, the same for the same text while we run."""
        return hash((self._secret, what)) & 0xFFFF_FFFF_FFFF_FFFF


def _via_text(listener: Listener) -> str:
    # RFC 3581 section 3: a client that wants symmetric responses adds "rport", without a value.
    rport = ";rport" if listener.transport == "udp" else ""
    address = host_port(listener.advertised_host, listener.advertised_port)
    return f"SIP/2.0/{listener.transport.upper()} {address}{rport};branch="


def _contact_text(listener: Listener) -> str:
    # RFC 7118 section 5.2: a URI has "ws" for both, with and without TLS.
    transport = "ws" if listener.transport == "wss" else listener.transport
    parameter = "" if transport == "udp" else f";transport={transport}"
    return f"@{host_port(listener.advertised_host, listener.advertised_port)}{parameter}>"
