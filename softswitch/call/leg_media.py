"""A leg's media: one port of the engine and the offer/answer state that steers it.

Joins `softswitch.sdp` (what was agreed, RFC 3264) to `rtp.engine` (what to do with packets). Of
SIP it knows only where a message carries its description.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import lru_cache

from config.model import Trunk
from rtp.engine import MediaPort, PortStatistics
from softswitch import sdp
from softswitch.call.events import LegQuality
from softswitch.call.services import MediaListener, Services
from softswitch.sdp.crypto import KEY_BYTES
from softswitch.sdp.errors import WARN_TRANSPORT_PROTOCOL
from softswitch.sip.errors import ParseError
from softswitch.sip.message import Request, Response
from softswitch.sip.multipart import find_session_description

__all__ = ["LegMedia", "codecs_named", "offering", "session_description_of"]

SDP = "application/sdp"

MAX_SESSION_ID = (1 << 31) - 1
"""Some peers read the numbers of the o= line as signed 32-bit integers."""

MAX_ORDERS = 64
"""Orders of codecs that are remembered: those of some trunks, with each of their codecs first."""

_CODECS = {codec.name: codec for codec in (sdp.PCMU, sdp.PCMA, sdp.G722, sdp.OPUS)}


@lru_cache(maxsize=MAX_ORDERS)
def codecs_named(names: tuple[str, ...], prefer: str | None = None) -> tuple[sdp.Codec, ...]:
    """The codecs of these names, in this order but for one that comes first."""
    return tuple(_CODECS[name] for name in sorted(names, key=lambda name: name != prefer))


def offering(request: Request) -> str:
    """What a request with an offer inside a dialog is called in the log."""
    return "re-INVITE" if request.method == "INVITE" else request.method


def session_description_of(message: Request | Response) -> bytes:
    """The session description a message carries, in whatever part of its body; empty without one.

    Raises sdp.ParseError when the body's structure cannot be read.
    """
    try:
        return find_session_description(message) or b""
    except ParseError as error:
        raise sdp.ParseError(str(error)) from None


class LegMedia:
    """One media port and what has been agreed about it; whoever opens it closes it."""

    __slots__ = (
        "_lost_suite",
        "_offered_direction",
        "_services",
        "agreement",
        "codecs",
        "comfort_noise",
        "local",
        "peer_direction",
        "port",
        "ptime_ms",
        "wished_ptime_ms",
    )

    def __init__(
        self,
        services: Services,
        listener: MediaListener,
        codecs: Sequence[sdp.Codec],
        *,
        beside: MediaPort | None = None,
        trunk: Trunk | None = None,
        socket: int = 0,
    ) -> None:
        """Open a port; raises PortsExhausted. `socket` is the number of that which the leg's SIP
        goes by: its peers are told where media goes."""
        self._services = services
        self.port = services.open_port(listener, beside=beside)
        self.codecs = tuple(codecs)
        self.local = sdp.LocalMedia(
            host=services.media_host_at(socket),
            rtp_port=self.port.rtp_port,
            session_id=services.ids.number(1, MAX_SESSION_ID),
        )
        if trunk is not None and trunk.srtp != "off":
            self.local.keyring = sdp.Keyring(required=trunk.srtp == "required", make_key=_new_key)
        self.local.rtcp_mux = trunk is not None and trunk.rtcp_mux
        self.agreement: sdp.AudioAgreement | None = None
        self.peer_direction = "sendrecv"
        """What the peer itself wants, as it wrote it: less than sendrecv is a hold of its own."""
        self.wished_ptime_ms = 0 if trunk is None else trunk.ptime_ms or 0
        self.ptime_ms = self.wished_ptime_ms or 20
        """How long the packets are that our offers ask for."""
        self.comfort_noise = trunk is not None and trunk.comfort_noise
        self._offered_direction = "sendrecv"
        self._lost_suite = ""
        """By which sound was encrypted, of a far end that has wanted it plain since."""

    def offer(self, *, direction: str = "sendrecv", anew: bool = False) -> bytes:
        """Our offer; `accept` takes its answer. `anew`: another than the peer may give it."""
        self._offered_direction = direction
        return sdp.offer(
            self.local,
            self.codecs,
            ptime_ms=self.ptime_ms,
            comfort_noise=self.comfort_noise,
            direction=direction,
            anew=anew,
        )

    def check(self, description: sdp.SessionDescription) -> str:
        """The codec the peer would like best of those it offers; raises sdp.NotAcceptable."""
        return sdp.check_offer(description, self.local, self.codecs)[0].name

    def answer(
        self,
        description: sdp.SessionDescription,
        *,
        prefer: str | None = None,
        direction: str = "sendrecv",
    ) -> bytes:
        """Answer the peer's offer and take it into force.

        `prefer` names the codec the other leg speaks, so that nothing need be transcoded.
        Raises sdp.NotAcceptable; the state is as before then.
        """
        answer, agreement = sdp.answer(
            description,
            self.local,
            self.codecs,
            direction=direction,
            prefer=None if prefer is None else _CODECS[prefer],
            ptime_ms=self.wished_ptime_ms,
            comfort_noise=self.comfort_noise,
        )
        self.peer_direction = agreement.peer_direction
        self._apply(agreement)
        return answer

    def accept(self, body: bytes) -> None:
        """Take the peer's answer to our offer into force.

        Raises sdp.ParseError or sdp.NotAcceptable; the state is as before then.
        """
        if self.local.offered is None:
            raise sdp.ParseError("there is no offer that this could answer")
        agreement = sdp.accept_answer(
            self.local, sdp.SessionDescription.parse(body), ptime_ms=self.wished_ptime_ms
        )
        if self._offered_direction == "sendrecv":
            # An answer to less than sendrecv repeats what we asked for and says nothing of the
            # peer.
            self.peer_direction = agreement.peer_direction
        self._apply(agreement)

    def _apply(self, agreement: sdp.AudioAgreement) -> None:
        before, port = self.agreement, self.port
        if agreement.srtp != (None if before is None else before.srtp):
            _secure(port, None if before is None else before.srtp, agreement.srtp)
            had = None if before is None else before.srtp
            self._lost_suite = had.suite if had is not None and agreement.srtp is None else ""
        if agreement.rtcp_mux != (before is not None and before.rtcp_mux):
            port.set_one_port(agreement.rtcp_mux)
        self.agreement = agreement
        if agreement.remote_port and (
            before is None
            or before.remote_host != agreement.remote_host
            or before.remote_port != agreement.remote_port
        ):
            port.set_remote(
                agreement.remote_host, agreement.remote_port, agreement.remote_rtcp_port
            )
        port.set_codecs(
            send=agreement.codec.name,
            send_payload_type=agreement.payload_type,
            ptime_ms=agreement.packets.ms,
            untouched_ms=agreement.packets.untouched_ms,
            receive=agreement.receive,
            digit_payload_type=agreement.digit_payload_type,
        )
        port.set_direction(send=agreement.send, receive=agreement.receive_)

    @property
    def srtp(self) -> str | None:
        """The suite by which sound is encrypted, once agreed; None: it is not."""
        agreed = None if self.agreement is None else self.agreement.srtp
        return None if agreed is None else agreed.suite

    @property
    def told_srtp(self) -> str | None:
        """The same for the record, which says too that sound became plain in mid-call."""
        return f"{self._lost_suite}, then plain" if self._lost_suite else self.srtp

    @property
    def codec(self) -> str | None:
        """Name of the codec we send, once agreed."""
        return None if self.agreement is None else self.agreement.codec.name

    @property
    def held(self) -> bool:
        """Whether the peer has put us on hold."""
        return self.peer_direction in ("sendonly", "inactive")

    def close(self) -> LegQuality:
        """Give the port back; what was received on it."""
        self._services.forget_port(self.port)
        return _quality_of(self.port.close())

    def quality(self) -> LegQuality:
        """What was received so far."""
        return _quality_of(self.port.statistics())


def _quality_of(statistics: PortStatistics) -> LegQuality:
    return LegQuality(
        packets=statistics.packets_received,
        lost=statistics.lost,
        jitter_ms=round(statistics.jitter_ms, 3),
        packets_sent=statistics.packets_sent,
        dropped={reason: n for reason, n in statistics.dropped.items() if n},
    )


def _new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _secure(port: MediaPort, before: sdp.SrtpKeys | None, agreed: sdp.SrtpKeys | None) -> None:
    """Have the port use the keys that are new; those that go on keep their counters."""
    if agreed is None:
        port.unsecure()
        return
    same_suite = before is not None and before.suite == agreed.suite
    same_ours = same_suite and before is not None and before.our_key == agreed.our_key
    same_theirs = same_suite and before is not None and before.their_key == agreed.their_key
    try:
        port.secure(
            agreed.suite,
            send_key=None if same_ours else agreed.our_key,
            receive_key=None if same_theirs else agreed.their_key,
        )
    except RuntimeError as error:
        raise sdp.NotAcceptable(WARN_TRANSPORT_PROTOCOL, str(error)) from None
