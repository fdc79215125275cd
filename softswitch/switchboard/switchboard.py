"""Takes calls: admission, look-up, the presented event, the treatment; and watches over calls in
progress.

An INVITE that is refused here leaves one log line and a count, no record: nothing was presented.
From `call.presented` on there is exactly one record. RFC 3261 section 21 (the status codes), RFC
6357 (503 with Retry-After when full).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, partial

from config.model import Campaign, Configuration, Trunk
from ivr.flow import run_treatment
from ivr.journey import Journey, original_of
from ivr.serve import serve
from ringpool.lookup import NumberMatch, NumberTable
from rtp.engine import PortsExhausted
from softswitch import sdp
from softswitch.call.call import MAX_RETRY_AFTER, Call
from softswitch.call.called_leg import CalledLeg
from softswitch.call.calling_leg import CallingLeg
from softswitch.call.end_hold import MAX_HOLD_SECONDS
from softswitch.call.events import AttributesSet, CallPresented, CallRefused, SmsRequested
from softswitch.call.services import Services
from softswitch.call.silence import ask_silent, is_held, silent_for
from softswitch.campaign.evaluate import plain
from softswitch.campaign.facts import CallFacts, PresentedFacts
from softswitch.campaign.tables import Tables
from softswitch.routing.number_forms import received_uri
from softswitch.routing.sources import SourceTable
from softswitch.routing.trunks import TrunkTable
from softswitch.sip.errors import ParseError
from softswitch.sip.events import RequestRefused
from softswitch.sip.flow import Flow
from softswitch.sip.identity import CallerIdentity, read_identity
from softswitch.sip.in_dialog import IN_THE_CLEAR, NOT_THE_PEERS
from softswitch.sip.invite_server import IncomingInvite
from softswitch.sip.message import Request
from softswitch.stir.verdict import Verified
from softswitch.switchboard.means import Means
from softswitch.switchboard.passed_fields import PassedFields
from softswitch.switchboard.protocols import WriteError
from softswitch.switchboard.recorder import Recorder
from softswitch.switchboard.signalling import (
    called_number,
    calling_number,
    drop_fields,
    signalling_facts,
)
from softswitch.switchboard.sources import Sources
from softswitch.switchboard.vouching import refuses, take_verified

logger = logging.getLogger(__name__)

__all__ = ["Snapshot", "Switchboard", "syndicated"]


ASK_SECONDS = 5.0
"""How often peers are looked for that have been silent for so long that they are asked."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    why: str
    retry: bool = False
    user: str | None = None
    phrase: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """A configuration with the tables made of it; a call keeps the one it began with."""

    configuration: Configuration
    numbers: NumberTable
    trunks: TrunkTable

    @cached_property
    def tables(self) -> Tables:
        """Hours, regions, lists and tables, made ready to be asked."""
        return Tables(self.configuration)

    @cached_property
    def sources(self) -> SourceTable:
        """Whose a request is."""
        return SourceTable(self.configuration, self.trunks)

    @cached_property
    def passed_fields(self) -> PassedFields:
        """Header fields that some trunk may be sent; all others end at the switch."""
        return PassedFields(self.configuration)


class Switchboard:
    """Owns the calls in progress, their tasks, and the sweep that watches them."""

    def __init__(
        self,
        services: Services,
        recorder: Recorder,
        snapshot: Snapshot,
        means: Means | None = None,
    ) -> None:
        self.services = services
        self.means = means or Means()
        self.recorder = recorder
        self.snapshot = snapshot
        self._drain_deadline: float | None = None
        self.sources = Sources(lambda: self.snapshot.sources, services, self._tell_refused)
        self.calls: dict[str, Call] = {}
        self.refusals: Counter[str] = Counter()
        self.presented = 0
        self._sweep_handle: asyncio.TimerHandle | None = None
        self._asks_at = 0.0
        """When silent peers are looked for next."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._random = random.SystemRandom()
        snapshot.tables  # noqa: B018 - made now, not for the first call

    # Calls come in.

    def receive(self, invite: IncomingInvite, *, held: bool = False) -> None:
        """Take or refuse an INVITE; `held`: it has waited for certificates."""
        snapshot = self.snapshot
        trunk = invite.source if isinstance(invite.source, Trunk) else None
        if trunk is not None and trunk.identity and not held and self._holds(invite, trunk):
            return
        if trunk is not None and trunk.headers is not None:
            drop_fields(invite.request, trunk.headers)
        if "Replaces" in invite.request.headers.fields and trunk is not None:
            self._replace(invite, trunk)
            return
        called = called_number(invite.request)
        identity = read_identity(invite.request, trusted=trunk is not None and trunk.trusted)
        caller = calling_number(identity, snapshot.configuration.switch.country, trunk)
        refusal: _Refusal | None
        match = None
        if trunk is None:
            refusal = _Refusal(403, "source is no trunk")
        else:
            # Before anything is looked up or opened for it.
            refusal = self._admit(snapshot.configuration, trunk)
        if trunk is not None and refusal is None:
            uri = received_uri(invite.request.uri, trunk)
            match = snapshot.numbers.find(uri, at=self.services.wall_clock())
            if match is None:
                refusal = _Refusal(404, f"number {called} is not active")
        verified: Verified | None = None
        if refusal is None and trunk is not None and trunk.identity and match is not None:
            verified, refusal = self._verify(invite.request, trunk, match, identity, caller)
        if refusal is None:
            assert trunk is not None
            assert match is not None
            refusal = self._present(invite, snapshot, trunk, match, identity, caller, verified)
        if refusal is not None:
            self._refuse(invite, refusal, trunk, called, caller)

    def _replace(self, invite: IncomingInvite, trunk: Trunk) -> None:
        """It is for a leg that is there already (RFC 3891)."""
        desk = self.services.transfers
        refused = (501, "Replaces") if desk is None else desk.replace(invite)
        if refused is not None:
            called = called_number(invite.request)
            self._refuse(invite, _Refusal(*refused), trunk, called, "")

    def _admit(self, configuration: Configuration, trunk: Trunk) -> _Refusal | None:
        if self.draining:
            return _Refusal(503, "switch is draining", retry=True)
        if len(self.calls) >= configuration.switch.max_calls:
            return _Refusal(503, "switch is full (max_calls)", retry=True)
        if trunk.max_calls is not None and self.services.trunk_legs[trunk.name] >= trunk.max_calls:
            return _Refusal(503, f"trunk {trunk.name} is full (max_calls)", retry=True)
        rate = self._too_many_a_second(configuration, trunk)
        if rate is not None:
            return _Refusal(503, rate, retry=True)
        return None

    def _too_many_a_second(self, configuration: Configuration, trunk: Trunk) -> str | None:
        """Which limit a further call now would break."""
        rate, now = self.services.call_rate, self.services.now()
        limit = trunk.calls_per_second
        if limit is not None and not rate.takes(f"from {trunk.name}", limit, now):
            return f"trunk {trunk.name} is full (calls_per_second)"
        limit = configuration.admission.calls_per_second
        if limit is not None and not rate.takes("switch", limit, now):
            return "switch is full (calls_per_second)"
        return None

    def _holds(self, invite: IncomingInvite, trunk: Trunk) -> bool:
        """Whether an INVITE waits until its certificates are there, or too long."""
        vouching = self.means.vouching
        return vouching is not None and vouching.holds(invite, trunk, self.receive)

    def _verify(
        self, request: Request, trunk: Trunk, match: NumberMatch, identity: CallerIdentity,
        caller: str,
    ) -> tuple[Verified | None, _Refusal | None]:  # fmt: skip
        """What is known of the caller's number, and whether the trunk's policy refuses it."""
        if self.means.vouching is None:
            return None, None
        country = self.snapshot.configuration.switch.country
        verified = self.means.vouching.judge(
            request, trunk, identity, caller, match.number, country
        )
        if verified is None or not refuses(verified.verdict, trunk):
            return verified, None
        verdict = verified.verdict
        why = f"caller is not verified: {verdict.why}"
        return verified, _Refusal(verdict.status, why, phrase=verdict.phrase)

    def _present(
        self,
        invite: IncomingInvite,
        snapshot: Snapshot,
        trunk: Trunk,
        match: NumberMatch,
        identity: CallerIdentity,
        caller: str,
        verified: Verified | None = None,
    ) -> _Refusal | None:
        configuration = snapshot.configuration
        campaign = configuration.campaigns[match.campaign]
        call = Call(
            self.services.new_call_id(),
            self.services,
            configuration,
            campaign,
            called=match.called,
            called_number=match.number,
        )
        leg = CallingLeg(call, "a", trunk, self.services, invite)
        try:
            leg.open_media()
        except PortsExhausted:
            invite.owner = None
            return _Refusal(503, "no media port is free", retry=True)
        event = call.fact(
            CallPresented,
            leg=leg.leg_id,
            trunk=trunk.name,
            sip_call_id=invite.call_id,
            source=f"{invite.flow.host}:{invite.flow.port}",
            called=match.called,
            called_number=match.number,
            caller=caller,
            signalling=signalling_facts(
                invite.request, identity, trunk, configuration.switch.country, verified
            ),
            campaign=campaign.name,
            publisher=match.publisher,
            pool=match.pool,
            parameters=match.binding,
            config_version=configuration.version,
            binding=match.binding_id,
            owner=match.owner,
            overflow=match.overflow,
            late=match.late,
            syndicated=syndicated(configuration, campaign),
        )
        try:
            self.recorder.open(event)
        except WriteError as error:
            assert leg.media is not None
            leg.media.close()
            invite.owner = None
            return _Refusal(503, str(error), retry=True)
        self._take(call, leg, identity, caller, invite.request)
        if verified is not None:
            take_verified(call, verified)
        self.services.events.publish(event)
        if match.pool is not None:
            self.means.count_call(match.pool, match.number, match.binding_id, event.at)
        self._start(call, leg, match, self.journey(call, event, snapshot))
        return None

    def journey(self, call: Call, event: CallPresented, snapshot: Snapshot) -> Journey:
        """What the call's treatment sees of it; its end is told to whoever counts and pays."""
        means = self.means
        facts = CallFacts(
            snapshot.configuration,
            call.campaign,
            presented_facts(event),
            snapshot.tables,
            means.history,
            self.services.wall_clock,
        )
        journey = Journey(call, facts, means.nodes, publisher=event.publisher)
        call.on_ending = partial(self._on_ending, journey)
        _set_attributes(journey)
        if means.heeding is not None:
            means.heeding.open(journey)
        if means.money is not None:
            means.money.open(call, facts)
        return journey

    def _take(
        self, call: Call, leg: CallingLeg, identity: CallerIdentity, caller: str, request: Request
    ) -> None:
        call.caller_number = caller
        call.caller_name = identity.display_name
        call.private = identity.is_private
        if request.max_forwards is not None:
            # RFC 7332 section 4: a back-to-back user agent hands the count on, or calls that come
            # back to it go round until nothing is left. Zero was refused with 483.
            call.max_forwards = max(0, request.max_forwards - 1)
        call.passed_headers = self.snapshot.passed_fields.of(request)
        self.presented += 1
        self.keep(call, leg)

    def keep(self, call: Call, leg: CallingLeg | CalledLeg) -> None:
        """Watch over a call with its first leg, until its end."""
        call.caller = leg
        call.on_ended = self._on_ended
        call.add_leg(leg)
        self.calls[call.call_id] = call
        self._idle.clear()
        self._watch()

    def _start(self, call: Call, leg: CallingLeg, match: NumberMatch, journey: Journey) -> None:
        if call.ended:
            return  # by a subscriber that saw it presented
        if match.refuse is not None:
            call.end("switch", "capture_only", status=match.refuse)
            return
        try:
            leg.read_offer()
        except (sdp.ParseError, sdp.NotAcceptable) as error:
            call.refuse_offer(error)
            return
        if match.treatment is None:
            call.start(partial(serve, journey))
        else:
            reserved = call.configuration.treatments[match.treatment]
            call.start(partial(run_treatment, journey, reserved))

    def _refuse(
        self, invite: IncomingInvite, refusal: _Refusal, trunk: Trunk | None, called: str,
        caller: str,
    ) -> None:  # fmt: skip
        headers: tuple[tuple[str, str], ...] = ()
        if refusal.retry:
            headers = (("Retry-After", str(self._random.randint(1, MAX_RETRY_AFTER))),)
        invite.reject(
            refusal.status, reason=refusal.phrase, headers=headers, now=self.services.now()
        )
        self.services.flush_soon()
        self._tell_refusal(invite.request, invite.flow, trunk, called, caller, refusal)

    def on_refused(self, event: RequestRefused) -> None:
        """Say why the SIP core refused an INVITE before it came here; other requests are
        counted."""
        self.sources.note_refused(event)
        if event.why not in (NOT_THE_PEERS, IN_THE_CLEAR):
            self._tell_refused(event)

    def _tell_refused(self, event: RequestRefused) -> None:
        request = event.request
        if request.method != "INVITE":
            return
        flow = event.flow
        trunk = self.snapshot.trunks.identify(flow.host, flow.transport, flow.port)
        refusal = _Refusal(event.status, event.why, user=event.user or None)
        called, caller = called_number(request), self._caller_of(request, trunk)
        self._tell_refusal(request, event.flow, trunk, called, caller, refusal)

    def _caller_of(self, request: Request, trunk: Trunk | None) -> str:
        """Who called by a carrier of ours; whom strangers claim to be is nothing to go by."""
        if trunk is None:
            return ""
        try:
            identity = read_identity(request, trusted=trunk.trusted)
        except ParseError:
            return ""
        return calling_number(identity, self.snapshot.configuration.switch.country, trunk)

    def _tell_refusal(
        self, request: Request, flow: Flow, trunk: Trunk | None, called: str, caller: str,
        refusal: _Refusal,
    ) -> None:  # fmt: skip
        self.refusals[str(refusal.status)] += 1
        self.services.tell(
            CallRefused,
            trunk=None if trunk is None else trunk.name,
            sip_call_id=request.headers.get("Call-ID") or "",
            source=f"{flow.host}:{flow.port}",
            called=called,
            caller=caller,
            status=refusal.status,
            why=refusal.why,
            user=refusal.user,
        )

    # Calls in progress.

    def _on_ending(
        self, journey: Journey, call: Call, ended_by: str, cause: str, clock: float
    ) -> None:
        """All legs are over: what the call has earned is told before its end."""
        call.on_ending = None  # the journey knows the call
        money = self.means.money
        talked = call.bridged or call.parted_from is not None
        converted = talked if money is None else money.at_end(call, ended_by, cause, clock)
        journey.close(converted=converted)
        _request_messages(journey)

    def _on_ended(self, call: Call) -> None:
        self.calls.pop(call.call_id, None)
        if not self.calls:
            self._idle.set()

    def _watch(self) -> None:
        if self._sweep_handle is None:
            self._sweep_handle = self.services.loop.call_later(self._sweep_period(), self._sweep)

    def _sweep_period(self) -> float:
        limit = self.snapshot.configuration.switch.no_media_seconds or 60.0
        return min(1.0, max(0.1, limit / 10))

    def _sweep(self) -> None:
        """End the calls on which no RTP arrives on any leg any more; ask who is silent."""
        self._sweep_handle = None
        now = self.services.now()
        asks = now >= self._asks_at
        if asks:
            self._asks_at = now + ASK_SECONDS
        for call in list(self.calls.values()):
            switch = call.configuration.switch
            limit = switch.held_no_media_seconds if is_held(call) else switch.no_media_seconds
            if limit is not None and silent_for(call, now) > limit:
                call.end("switch", "no_media", q850=102)
            elif asks:
                ask_silent(call, now)
        if self.calls:
            self._watch()

    @property
    def draining(self) -> bool:
        """Whether no new calls are taken."""
        return self._drain_deadline is not None

    @property
    def drain_seconds_left(self) -> float | None:
        """How long calls in progress may still go on; None while new ones are taken."""
        deadline = self._drain_deadline
        return None if deadline is None else max(0.0, deadline - self.services.now())

    def begin_to_drain(self, grace_seconds: float | None = None) -> None:
        """Take no new calls from now on; where that has begun already, its deadline stands. None:
        that of the configuration."""
        if self._drain_deadline is None:
            if grace_seconds is None:
                grace_seconds = self.snapshot.configuration.switch.grace_seconds
            self._drain_deadline = self.services.now() + grace_seconds
            self.services.stack.draining = True

    async def drain(self, grace_seconds: float | None = None) -> None:
        """Take no new calls, let those in progress go on for the grace period, then end them."""
        self.begin_to_drain(grace_seconds)
        try:
            async with asyncio.timeout(self.drain_seconds_left):
                await self._idle.wait()
        except TimeoutError:
            logger.info("grace_time is over: %d calls are hung up", len(self.calls))
            self.end_all("drained")

    def end_all(self, cause: str) -> None:
        """End every call now."""
        for call in list(self.calls.values()):
            call.end("switch", cause, q850=41, status=503)

    async def settle(self) -> None:
        """End what is left, and wait for the last facts of calls that have ended."""
        self.end_all("shutdown")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAX_HOLD_SECONDS + 1.0):
                await self._idle.wait()

    async def close(self) -> None:
        """End what is left and wait for the tasks."""
        self.sources.close()
        await self.settle()
        if self._sweep_handle is not None:
            self._sweep_handle.cancel()
            self._sweep_handle = None
        if self.services.tasks:
            await asyncio.wait(self.services.tasks, timeout=5.0)


def presented_facts(event: CallPresented) -> PresentedFacts:
    """What conditions may ask of a call from its first moment."""
    return PresentedFacts(
        caller=event.caller,
        called_number=event.called_number,
        called=event.called,
        received_at=event.at,
        trunk=event.trunk,
        signalling=event.signalling,
        publisher=event.publisher,
        pool=event.pool,
        parameters=event.parameters,
        overflow=event.overflow,
        late=event.late,
    )


def syndicated(configuration: Configuration, campaign: Campaign) -> dict[str, str | None] | None:
    """The original of a syndicated campaign: both are credited."""
    original = original_of(configuration, campaign)
    if original is campaign:
        return None
    return {"campaign": original.name, "publisher": original.publisher}


def _request_messages(journey: Journey) -> None:
    """Ask for the text messages that follow a call."""
    for message in journey.campaign.sms:
        if journey.holds("sms", message.to.text, message.when):
            to = journey.told_text(message.to).strip()
            if to:
                journey.call.emit(SmsRequested, to=to, text=journey.told_text(message.text))


def _set_attributes(journey: Journey) -> None:
    attributes = {**journey.call.campaign.attributes, **journey.campaign.attributes}
    values = {}
    for name, expression in attributes.items():
        value, _, private, inputs = journey.compute(expression)
        told = values[name] = plain("", value)
        journey.note("attribute", name, expression.text, inputs, told)
        journey.facts.set(f"attribute.{name}", value, private=private)
    if values:
        journey.call.emit(AttributesSet, values=values)
