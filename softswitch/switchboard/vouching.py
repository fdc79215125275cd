"""Who vouches for the callers of calls in, and our own word for those of calls out (STIR/SHAKEN).

The shell of `softswitch.stir`: asks it with the policy of each trunk, and counts what it says. A
signature is verified on the event loop, between two other things: it takes the fifth of a
millisecond. RFC 8588 section 5, RFC 8946.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from config.e164 import normalise
from config.header_names import SIGNED_FIELDS
from config.model import Attestation, Signing, Stir, Trunk
from softswitch.call.call import Call
from softswitch.call.dial_request import DialRequest
from softswitch.call.first_leg import FirstLeg
from softswitch.call.services import Services
from softswitch.sip.headers.date import format_date
from softswitch.sip.headers.identity import identities_of
from softswitch.sip.identity import CallerIdentity
from softswitch.sip.invite_server import IncomingInvite, InviteState
from softswitch.sip.message import Request
from softswitch.stir.passport import Party
from softswitch.stir.ready import Ready
from softswitch.stir.signing import origid_of, sign_call, sign_diversion
from softswitch.stir.verdict import Verdict, Verified
from softswitch.stir.verifying import certificates_named
from softswitch.switchboard.verification import (
    asked_of,
    believed,
    marked,
    party_of,
    policy_for,
)
from softswitch.switchboard.verstat import with_verstat
from softswitch.transport.certificate_fetch import CertificateFetcher

__all__ = ["Vouching", "refuses", "signed_headers", "take_verified"]

logger = logging.getLogger(__name__)

MAX_KINDS = 1000
"""Trunks times results that are counted apart."""

QUIET_SECONDS = 3600.0
"""How long it is not said again that nothing can be signed."""

NOTHING = Ready(Stir())

Header = tuple[str, str]


class Vouching:
    """Implements `softswitch.call.vouching.Vouches`; one for the process."""

    def __init__(
        self,
        services: Services,
        is_live: Callable[[str], bool],
        fetcher: CertificateFetcher | None = None,
    ) -> None:
        """`is_live`: whether a number (E.164) is one of ours."""
        self._services = services
        self._ready = NOTHING
        self._is_live = is_live
        self._fetcher = fetcher
        self.results: Counter[str] = Counter()
        """Calls in by result."""
        self.reasons: Counter[str] = Counter()
        """Those that have not passed, by why."""
        self.signed: Counter[str] = Counter()
        """Calls out by attestation; `div`: sent on, `none`: not signed."""
        self._told_at: float | None = None

    def use(self, ready: Ready) -> None:
        """Verify and sign with this from now on."""
        self._ready = ready
        if self._fetcher is not None:
            self._fetcher.use(ready.stir, ready.verifier.trust if ready.verifier else None)

    def status(self) -> dict[str, Any]:
        """What was found and signed so far."""
        return {
            "verified": dict(self.results),
            "why": dict(self.reasons),
            "signed": dict(self.signed),
            "fetched": dict(self._fetcher.fetched) if self._fetcher is not None else {},
        }

    # Calls in.

    def holds(self, invite: IncomingInvite, trunk: Trunk, receive: Callable[..., None]) -> bool:
        """Whether a call waits for certificates that are fetched; behind that it is received."""
        fetcher, policy = self._fetcher, trunk.identity
        if policy is None or not policy.verify or fetcher is None or not fetcher.is_on:
            return False

        def go_on() -> None:
            # Unless the caller has hung up meanwhile.
            if invite.state is InviteState.PROCEEDING:
                receive(invite, held=True)

        return fetcher.holds(certificates_named(identities_of(invite.request.headers)), go_on)

    def judge(
        self, request: Request, trunk: Trunk, identity: CallerIdentity, caller: str, number: str,
        country: str,
    ) -> Verified | None:  # fmt: skip
        """What is known of the caller's number; None where the trunk does not want it known."""
        policy = trunk.identity
        if policy is None or not (policy.verify or policy.believe):
            return None
        found: Verified | None = None
        verifier = self._ready.verifier
        if policy.verify and verifier is not None:
            asked = asked_of(request, identity, caller, number, country)
            found = verifier.verify(asked, self._services.wall_clock())
        if (found is None or found.verdict.result == "none") and policy.believe and trunk.trusted:
            found = believed(request, identity, caller, country)
        if found is None:
            return None
        self.results[found.verdict.result] += 1
        if found.verdict.why:
            self.reasons[found.verdict.why] += 1
        if policy_for(found.verdict, policy) == "mark":
            return msgspec.structs.replace(found, marked=True)
        return found

    # Calls out.

    def vouched(self, call: Call, request: DialRequest) -> DialRequest:
        """What goes to a trunk, with our word for its caller."""
        policy = request.trunk.identity
        country = call.configuration.switch.country
        orig = party_of(request.from_number, country)
        if policy is None or orig is None:
            return request  # nobody is shown: there is nothing to be said of a caller
        verified = call.verified
        is_callers = verified is not None and verified.number == orig.text
        if verified is not None and is_callers and policy.verstat:
            request = with_verstat(request, verified.verdict.verstat)
        values: tuple[str, ...] = ()
        if verified is not None and is_callers and policy.pass_on:
            values = verified.identities
        if policy.sign:
            dest = party_of(request.to_number, country)
            values = self._signed(call, request, orig, dest, values)
        return self._with_identities(request, values)

    def _signed(
        self, call: Call, request: DialRequest, orig: Party, dest: Party | None,
        passed: tuple[str, ...],
    ) -> tuple[str, ...]:  # fmt: skip
        """The values that came with a call, with one of ours."""
        signing, now = self._ready.signing, self._services.wall_clock()
        key = self._ready.key
        if key is None or signing is None or dest is None:
            return passed
        if now > key.ends:
            self._tell_ended(now)
            return passed
        iat = int(now)
        if passed:
            div = party_of(call.called_number, call.configuration.switch.country)
            if div is None or div == dest:
                return passed
            self.signed["div"] += 1
            return (*passed, sign_diversion(key, orig=orig, dest=dest, div=div, iat=iat))
        country = call.configuration.switch.country
        shown = normalise(request.from_number, country) or request.from_number
        is_claimed = _is_claimed(call, orig)
        attestation = signing.others if is_claimed else self._attestation(signing, shown)
        self.signed[attestation or "none"] += 1
        if attestation is None:
            return ()
        origid = signing.origid or origid_of(signing.x5u, call.caller.trunk.name)
        return (
            sign_call(
                key, orig=orig, dest=dest, attestation=attestation, origid=origid, iat=iat
            ),
        )  # fmt: skip

    def _attestation(self, signing: Signing, number: str) -> Attestation | None:
        """How far we can vouch for a number (RFC 8588 section 4)."""
        is_ours = number.startswith(signing.numbers) or self._is_live(number)
        return signing.ours if is_ours else signing.others

    def _with_identities(self, request: DialRequest, values: tuple[str, ...]) -> DialRequest:
        if not values:
            return request
        headers = signed_headers(request.headers, values, self._services.wall_clock())
        return msgspec.structs.replace(request, headers=headers)

    def _tell_ended(self, now: float) -> None:
        """A signature of a certificate that has ended is worse than none."""
        if self._told_at is None or abs(now - self._told_at) > QUIET_SECONDS:
            self._told_at = now
            logger.error("the certificate that calls are signed with has ended: none is signed")


def signed_headers(
    headers: tuple[Header, ...], values: tuple[str, ...], at: float
) -> tuple[Header, ...]:
    """Header fields with signatures, and the Date that belongs to them (RFC 8224 section 4.1); what
    campaigns and steps would write there themselves is left out."""
    others = [one for one in headers if one[0].lower() not in SIGNED_FIELDS]
    return (*others, *(("Identity", value) for value in values), ("Date", format_date(at)))


def _is_claimed(call: Call, orig: Party) -> bool:
    """Whether a number is what the caller of a call in says of itself: that it is one of ours makes
    it no truer."""
    country = call.configuration.switch.country
    is_ours = isinstance(call.caller, FirstLeg)
    return not is_ours and party_of(call.caller_number, country) == orig


def refuses(verdict: Verdict, trunk: Trunk) -> bool:
    """Whether a trunk's policy refuses calls that are verified so."""
    return trunk.identity is not None and policy_for(verdict, trunk.identity) == "refuse"


def take_verified(call: Call, verified: Verified) -> None:
    """Have a call know how its caller was verified."""
    call.verified = verified
    if verified.marked:
        call.caller_name = marked(call.caller_name)
