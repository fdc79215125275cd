"""The SIP stack as its shell sees it: bytes and time in, bytes, events and a deadline out.

Composition only: the way of a message is in receive.py, transactions in transaction/, dialogs in
dialog.py and the modules around it. After each call the shell takes datagrams_to_send(),
next_event(), flows_to_close() and next_timeout(). It knows neither sockets nor calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from urllib.parse import quote

from softswitch.sip.addresses import canonical_host
from softswitch.sip.authorizing import make_transaction
from softswitch.sip.compose import (
    Header,
    RequestHead,
    header_lines,
    max_forwards_of,
    one_line,
)
from softswitch.sip.context import Context, Limits, Trace
from softswitch.sip.dialog import Dialog
from softswitch.sip.digest import Credentials
from softswitch.sip.events import Event
from softswitch.sip.flow import Flow, Listener
from softswitch.sip.headers.replaces import Replaces
from softswitch.sip.ids import Ids
from softswitch.sip.invite_client import OutgoingInvite
from softswitch.sip.late_answers import end_late_answer
from softswitch.sip.peer import Peer
from softswitch.sip.probe import Probe
from softswitch.sip.receive import receive_message
from softswitch.sip.registration import Registration
from softswitch.sip.requests import OutgoingRequest
from softswitch.sip.routing import leads_by_sips
from softswitch.sip.source import IdentifySource
from softswitch.sip.streams import forget_stream, receive_bytes
from softswitch.sip.transaction.client_non_invite import ClientNonInviteTransaction

__all__ = ["ALLOW", "Flow", "Limits", "Listener", "Stack", "Trace"]

# What we serve; more joins by being named here (see checks.METHODS). SUBSCRIBE is about a REFER.
ALLOW = (
    "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY", "INFO", "UPDATE", "PRACK", "REFER",
    "SUBSCRIBE",
)  # fmt: skip

# RFC 5626 section 3.5.1: keep-alives that hold a NAT binding open, or its answer.
_KEEP_ALIVES = frozenset((b"", b"\0", b"\0\0\0\0", b"\r\n", b"\r\n\r\n"))
# The longest of them: what is longer is not looked up.
MAX_KEEP_ALIVE = 4


class Stack:
    """One user agent core on any number of listeners."""

    def __init__(
        self,
        *,
        listeners: Sequence[Listener],
        server: str = "softswitch",
        identify: IdentifySource,
        ids: Ids | None = None,
        allow: Sequence[str] = ALLOW,
        limits: Limits | None = None,
    ) -> None:
        self._context = Context(
            listeners=listeners,
            server=one_line(server),
            identify=identify,
            ids=ids or Ids(),
            allow=allow,
            limits=limits or Limits(),
        )
        self._context.on_late_answer = end_late_answer

    # What comes in.

    def receive_datagram(self, data: bytes, flow: Flow, *, now: float) -> None:
        """Take one datagram."""
        context = self._context
        context.now = now
        if not context.is_admitted(data, flow):
            return
        if context.trace is not None:
            context.trace(Trace("in", data, flow, "", now))
        if len(data) <= MAX_KEEP_ALIVE and data in _KEEP_ALIVES:
            context.drop("keep-alive", data, flow)
            return
        receive_message(context, data, flow)

    def receive_stream(self, data: bytes, flow: Flow, *, now: float) -> None:
        """Take what a connection brought; messages are cut out of it here."""
        context = self._context
        context.now = now
        if not context.is_admitted(data, flow):
            context.flows_to_close.append(flow)
            return
        receive_bytes(context, data, flow)

    def flow_closed(self, flow: Flow, *, now: float) -> None:
        """Learn that a connection is gone; what is under way goes on by other ways."""
        self._context.now = now
        forget_stream(self._context, flow)

    def send_failed(self, flow: Flow, *, now: float) -> None:
        """Learn that what was sent there does not arrive (ICMP, connection refused).

        17.1.4: a transport error ends the client transaction. Those that have an answer already,
        and responses, which the peer will ask for again, do not care.
        """
        context = self._context
        context.now = now
        destination = flow.destination
        failed = [t for t in context.unanswered.values() if t.flow.destination == destination]
        for transaction in failed:
            transaction.receive_transport_error()

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due."""
        self._context.now = now
        self._context.timers.fire(now)

    def is_stranger(self, host: str) -> bool:
        """Say whether a host is nobody of ours: little is waited for there."""
        return self._context.is_strange(host)

    # What goes out.

    def next_timeout(self) -> float | None:
        """Say when handle_timeout() is due, None for never."""
        return self._context.timers.next_timeout()

    def datagrams_to_send(self) -> list[tuple[bytes, Flow]]:
        """Hand out what is to be sent, once, in order."""
        context = self._context
        outbox = context.outbox
        if outbox:
            context.outbox = []
        return outbox

    def next_event(self) -> Event | None:
        """Hand out the next event, once."""
        events = self._context.events
        return events.popleft() if events else None

    def flows_to_close(self) -> list[Flow]:
        """Hand out the connections that cannot be read any further, once."""
        context = self._context
        flows, context.flows_to_close = context.flows_to_close, []
        return flows

    # Verbs.

    def invite(
        self,
        *,
        uri: str,
        to_flow: Flow,
        from_: str,
        to: str,
        contact_user: str,
        body: bytes = b"",
        content_type: str = "application/sdp",
        headers: Sequence[Header] = (),
        routes: Sequence[str] = (),
        call_id: str | None = None,
        owner: object = None,
        credentials: Credentials | None = None,
        session_interval: int = 0,
        may_use_tcp: bool = False,
        tcp_listener: int | None = None,
        peer: object = None,
        now: float,
    ) -> OutgoingInvite:
        """Send an INVITE; `from_` and `to` are header values without tags (13.2.1).

        `peer` is whom it goes to: responses of that one's are taken (`tell_answers`), within the
        dialog too.

        With credentials, challenges are answered, of requests inside its dialog too. With a
        session interval, in seconds, a session timer is asked for. One that is too large for a
        datagram may go by TCP, from a certain listener where one is given, and by UDP again where
        nobody takes it.

        Without a body the offer is left to the peer, and its answer goes into
        Dialog.acknowledge(); reliable provisional responses, which would have to carry it, are not
        asked for then. A stack that is full reports InviteRejected(503, "transport").
        """
        context = self._context
        context.now = now
        tag = context.ids.tag()
        head = self._head("INVITE", uri, to_flow, from_, tag, to, headers, routes, call_id)
        user = _escaped(contact_user)
        invite = OutgoingInvite(
            context,
            head,
            to_flow,
            local_tag=tag,
            contact_user=user,
            has_offer=bool(body),
            owner=owner,
            credentials=credentials,
            peer=Peer(peer),
        )
        if not context.has_room_for_transaction:
            invite.fail(503, "transport")
            return invite
        extra = (
            context.contact_line(
                user, to_flow, is_sips=to_flow.secure and leads_by_sips(uri, routes)
            )
            + context.allow_line
            + (context.supported_line if body else context.plain_supported_line)
            + header_lines(headers)
            + context.user_agent_line
        )
        invite.start(
            extra,
            body,
            content_type,
            session_interval=session_interval,
            may_use_tcp=may_use_tcp,
            tcp_listener=tcp_listener,
        )
        return invite

    def request(
        self,
        method: str,
        *,
        uri: str,
        to_flow: Flow,
        from_: str,
        to: str,
        body: bytes = b"",
        content_type: str = "",
        headers: Sequence[Header] = (),
        routes: Sequence[str] = (),
        call_id: str | None = None,
        owner: object = None,
        credentials: Credentials | None = None,
        peer: object = None,
        now: float,
    ) -> OutgoingRequest:
        """Send a request outside of any dialog that is no INVITE, OPTIONS say (8.1)."""
        context = self._context
        context.now = now
        tag = context.ids.tag()
        head = self._head(method, uri, to_flow, from_, tag, to, headers, routes, call_id)
        user = OutgoingRequest(context, method, head.call_id, None, owner)
        if not context.has_room_for_transaction:
            user.on_failure("transport")
            return user
        extra = header_lines(headers) + context.user_agent_line
        make_transaction(
            ClientNonInviteTransaction, context, head, (extra, body, content_type), to_flow, user,
            credentials, peer=Peer(peer),
        ).start()  # fmt: skip
        return user

    def register(
        self,
        *,
        registrar: str,
        aor: str,
        contact_user: str,
        line: str,
        expires: float,
        ways: Callable[[], list[Flow]],
        credentials: Credentials | None,
        owner: object = None,
        now: float,
    ) -> Registration:
        """Register a contact of ours, until it is stopped; `line` is a parameter of its URI, `ways`
        gives the flows to the registrar's servers, at least one, best first."""
        self._context.now = now
        registration = Registration(
            self._context,
            registrar=registrar,
            aor=aor,
            contact_user=_escaped(contact_user),
            line=line,
            expires=expires,
            ways=ways,
            credentials=credentials,
            owner=owner,
        )
        registration.start()
        return registration

    def probe(
        self,
        *,
        uri: str,
        local: str,
        to_flow: Flow,
        every: float,
        misses: int,
        down: Collection[int],
        owner: object = None,
        now: float,
    ) -> Probe:
        """Ask a peer by OPTIONS whether it is there, until that is stopped."""
        self._context.now = now
        probe = Probe(
            self._context,
            uri=uri,
            local=local,
            flow=to_flow,
            every=every,
            misses=misses,
            down=down,
            owner=owner,
        )
        probe.start()
        return probe

    def is_ours(self, host: str, port: int | None) -> bool:
        """Say whether a URI with this host and port leads to us."""
        return self._context.is_ours(host, port)

    def dialog(self, replaces: Replaces) -> Dialog | None:
        """The dialog that a Replaces header names (RFC 3891 section 3): its tags are compared as
        whoever gets the header sees them."""
        return self._context.dialogs.get((replaces.call_id, replaces.to_tag, replaces.from_tag))

    # State to look at.

    @property
    def draining(self) -> bool:
        """Whether OPTIONS and new INVITEs are answered 503."""
        return self._context.draining

    @draining.setter
    def draining(self, value: bool) -> None:
        self._context.draining = value

    @property
    def closed(self) -> str:
        """Why new INVITEs are answered 503 for the moment, before anything is done for them."""
        return self._context.closed

    @closed.setter
    def closed(self, why: str) -> None:
        self._context.closed = why

    @property
    def admits(self) -> Callable[[str, float], bool] | None:
        """Asked, with its host and the time, whether a message is looked at at all."""
        return self._context.admits

    @admits.setter
    def admits(self, admits: Callable[[str, float], bool] | None) -> None:
        self._context.admits = admits

    def reuse_connections(
        self, hosts: Collection[str], on_alias: Callable[[Flow, str, int], None]
    ) -> None:
        """Ask the trunks of these hosts to call us over our connections to them, by TLS (RFC 5923);
        `on_alias` is told which connection of a peer's is to be used for requests to it, and under
        which host and port it wants to be called there."""
        self._context.alias_hosts = frozenset(map(canonical_host, hosts))
        self._context.on_alias = on_alias if hosts else None

    def tell_strangers(
        self, by: Callable[[str], bool], belongs: Callable[[object, str], bool] | None = None
    ) -> None:
        """Have hosts told apart; before, no host is a stranger. `belongs` says whether a host may
        be the peer of an owner; without it, whoever is no stranger may be anybody's."""
        self._context.is_stranger = by
        self._context.belongs = belongs

    def tell_answers(
        self,
        answers: Callable[[object, Flow, Flow], bool],
        led: Callable[[Flow, Flow, float], bool] | None = None,
    ) -> None:
        """Have responses taken from those that may answer. `answers` says whether a peer may answer
        what went to one flow from another one; before, whoever is no stranger may. `led` says
        whether what was sent to one flow, since a moment, went to where another one leads."""
        self._context.answers = answers
        self._context.led = led

    @property
    def drops(self) -> Counter[str]:
        """How many messages were dropped, by reason."""
        return self._context.drops

    def take_dropped_from(self) -> dict[str, str]:
        """Hand out, once, by reason a host that some of them came from since this was asked last:
        one that is no stranger, where there was one."""
        context = self._context
        hosts, context.dropped_from = context.dropped_from, {}
        return hosts

    @property
    def refusals(self) -> Counter[str]:
        """How many requests were refused before they became a call, by reason."""
        return self._context.refusals

    @property
    def trace(self) -> Callable[[Trace], None] | None:
        """Who is shown every message and every drop."""
        return self._context.trace

    @trace.setter
    def trace(self, trace: Callable[[Trace], None] | None) -> None:
        self._context.trace = trace

    def counts(self) -> dict[str, int]:
        """Count what the stack holds; all are 0 when the last transaction has lingered out."""
        context = self._context
        return {
            "client_transactions": len(context.client_transactions),
            "server_transactions": len(context.server_transactions),
            "unanswered": len(context.unanswered),
            "merge_keys": len(context.merge_keys),
            "dialogs": len(context.dialogs),
            "timers": len(context.timers),
        }

    @property
    def unanswered_requests(self) -> int:
        """How many requests of ours have no response yet."""
        return len(self._context.unanswered)

    def busy(self) -> bool:
        """Say whether a peer still owes us something: what only lingers does not count."""
        context = self._context
        return (
            bool(context.unanswered)
            or bool(context.dialogs)
            or any(t.is_waiting for t in context.server_transactions.values())
        )

    def held(self) -> dict[str, int]:
        """Count what there is of peers: nothing, a while after the last of them."""
        context = self._context
        return {
            "timers": len(context.timers),
            "dialogs": len(context.dialogs),
            "client_transactions": len(context.client_transactions),
            "server_transactions": len(context.server_transactions),
        }

    # Private.

    def _head(
        self,
        method: str,
        uri: str,
        to_flow: Flow,
        from_: str,
        tag: str,
        to: str,
        headers: Sequence[Header],
        routes: Sequence[str],
        call_id: str | None,
    ) -> RequestHead:
        context = self._context
        return RequestHead(
            method=method,
            uri=one_line(uri),
            via=context.via_for(to_flow),
            branch=context.ids.branch(),
            routes="".join([f"Route: {one_line(route)}\r\n" for route in routes]),
            from_=f"{one_line(from_)};tag={tag}",
            to=one_line(to),
            call_id=context.ids.call_id() if call_id is None else one_line(call_id),
            number=1,
            max_forwards=max_forwards_of(headers),
        )


def _escaped(user: str) -> str:
    """The user part of a Contact; nearly every one is a number, with nothing to escape."""
    if user.isascii() and user.lstrip("+").isalnum():
        return user
    return quote(user, safe="+._~*!'()&=$,;?/-")
