"""The caller's leg: an INVITE that came in, answered, refused or left ringing. RFC 3261 sections
13.3 and 15."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from config.model import Trunk
from softswitch import sdp
from softswitch.call.events import CallAnswered
from softswitch.call.leg import DIALOG_HANDLERS, Handler, Leg
from softswitch.call.leg_media import LegMedia, codecs_named, session_description_of
from softswitch.call.reasons import parting_of
from softswitch.sip import events as sip_events
from softswitch.sip.headers.container import Headers
from softswitch.sip.invite_server import IncomingInvite

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.call.services import Services

__all__ = ["CallingLeg"]


class CallingLeg(Leg):
    """The leg a call came in on."""

    side: ClassVar[str] = "calling"

    def __init__(
        self, call: Call, leg_id: str, trunk: Trunk, services: Services, invite: IncomingInvite
    ) -> None:
        super().__init__(call, leg_id, trunk, services)
        self.handlers = CALLING_HANDLERS
        self.invite = invite
        self.offer: sdp.SessionDescription | None = None
        """The caller's offer, once read; None when it left the offer to us."""
        self.best_codec: str | None = None
        """What the caller would speak best."""
        self._description: bytes | None = None
        """What we put into 183 or 200; the same in both (RFC 3261 13.2.1)."""
        invite.owner = self

    def open_media(self) -> None:
        """Take a media port; raises PortsExhausted."""
        self.media = LegMedia(
            self.services, self, codecs_named(self.trunk.codecs), trunk=self.trunk,
            socket=self.invite.flow.listener,
        )  # fmt: skip

    def read_offer(self) -> None:
        """Read the caller's offer, if it made one; raises sdp.ParseError or sdp.NotAcceptable."""
        assert self.media is not None
        body = session_description_of(self.invite.request)
        if body:
            self.offer = sdp.SessionDescription.parse(body)
            self.best_codec = self.media.check(self.offer)

    @property
    def waiting(self) -> bool:
        """Whether the INVITE has no final answer yet."""
        return not self.answered and not self.ended

    def describe(self, prefer: str | None = None) -> bytes:
        """Our session description for this caller: the answer to its offer, or an offer of ours.

        Raises sdp.NotAcceptable.
        """
        assert self.media is not None
        if self._description is None:
            if self.offer is not None:
                self._description = self.media.answer(self.offer, prefer=prefer)
            else:
                self._description = self.media.offer()
                self._answering_offer_with_ours = True
        return self._description

    def ring(self, status: int) -> None:
        """Pass a provisional answer on; a caller that requires reliable ones (RFC 3262) and made no
        offer gets ours with the first."""
        body = self.describe() if self.invite.needs_offer else b""
        self.invite.provisional(status, body=body, now=self.services.now())
        self.services.flush_soon()

    def open_early_media(self, status: int, prefer: str | None) -> bool:
        """Send a provisional answer with our description; False when the caller made no offer, and
        gets none before the answer.

        Without an offer of the caller's there is nothing that a 183 could answer: it is passed on
        bare.
        """
        if self.offer is None:
            self.ring(status)
            return self.invite.has_offered
        self.invite.provisional(status, body=self.describe(prefer), now=self.services.now())
        self.services.flush_soon()
        return True

    def answer(self, prefer: str | None = None) -> None:
        """Answer with 200; raises like `describe` and leaves the INVITE open then."""
        body = b"" if self.invite.has_offered else self.describe(prefer)
        now = self.services.now()
        self.dialog = self.invite.accept(body=body, now=now)
        self.dialog.credentials = self.services.logins.of(self.trunk)
        self.dialog.owner = self
        self.answered = True
        self.answered_clock = now
        self.services.flush_soon()
        assert self.media is not None
        self.call.emit(CallAnswered, leg=self.leg_id, codec=self.media.codec)

    def refuse(self, status: int, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Give the INVITE a final answer of 300 or more."""
        self.invite.reject(status, headers=headers, now=self.services.now())
        self.services.flush_soon()

    def _on_cancelled(self, event: sip_events.InviteCancelled) -> None:
        parting = parting_of(Headers([] if event.reason is None else [("Reason", event.reason)]))
        self.call.on_cancelled(self, reason=parting.reason, q850=parting.q850)

    def _detach(self) -> None:
        super()._detach()
        self.invite.owner = None
        if self.invite.dialog is not None:
            self.invite.dialog.owner = None


CALLING_HANDLERS: dict[type, Handler] = {
    **DIALOG_HANDLERS,
    sip_events.InviteCancelled: CallingLeg._on_cancelled,
}
