"""How a caller's number was verified, and what becomes of the call for it (STIR/SHAKEN).

Reads of an INVITE what `softswitch.stir` asks for, and applies the policy of its trunk. RFC 8224
section 6.2; 3GPP TS 24.229 section 7.2A.20 (`verstat`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from config.e164 import dialled, normalise
from config.model import IdentityPolicy, TrunkVouching
from softswitch.sip.errors import ParseError
from softswitch.sip.headers.date import parse_date
from softswitch.sip.headers.identity import identities_of
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.identity import CallerIdentity, telephone_number
from softswitch.sip.message import Request
from softswitch.stir.asked import Asked
from softswitch.stir.passport import MalformedPassport, Party, number_party, uri_party
from softswitch.stir.verdict import NO_IDENTITY, Result, Verdict, Verified

__all__ = ["MARK", "asked_of", "believed", "marked", "party_of", "policy_for"]

MARK = "Unverified"
"""Stands before the name of a caller that a policy marks."""

MAX_CALLERS = 3
"""Asserted numbers looked at beside the one that is shown: RFC 3325 knows a sip and a tel URI."""

_VERSTAT = re.compile(r"(TN-Validation-Passed|TN-Validation-Failed|No-TN-Validation)(?:-([ABC]))?")
_RESULTS: dict[str, Result] = {
    "TN-Validation-Passed": "passed",
    "TN-Validation-Failed": "failed",
    "No-TN-Validation": "none",
}


def asked_of(
    request: Request, identity: CallerIdentity, caller: str, number: str, country: str
) -> Asked:
    """What the signatures of an INVITE have to agree with: `caller` as the call is presented with,
    `number` the number of ours that is called."""
    return Asked(
        identities_of(request.headers),
        _callers(identity, caller, country),
        _called(request, number, country),
        _date_of(request),
        request.call_id,
    )


def party_of(number: str, country: str) -> Party | None:
    """A number as signatures have it; None for what is none."""
    try:
        return number_party(normalise(number, country) or number)
    except MalformedPassport:
        return None


def _callers(identity: CallerIdentity, caller: str, country: str) -> tuple[Party, ...]:
    if identity.number:
        return _known([party_of(caller, country)])
    # Nobody is shown: From is anonymous. The number that others assert may be signed all the same.
    numbers = [telephone_number(one.uri) for one in identity.asserted[:MAX_CALLERS]]
    found = _known(party_of(number, country) for number in numbers if number)
    return found or _uris([identity.uri])


def _called(request: Request, number: str, country: str) -> tuple[Party, ...]:
    """RFC 8224 section 6.2.1 compares To; who changes the Request-URI alone has not signed it, and
    who has been changed by a gateway of ours is the number itself."""
    texts = [request.uri, str(request.to.uri)]
    numbers = [dialled(text) for text in texts]
    found = _known(party_of(one, country) for one in (*numbers, number) if one)
    return (*found, *_uris(texts))


def _known(parties: Iterable[Party | None]) -> tuple[Party, ...]:
    return tuple(dict.fromkeys(party for party in parties if party is not None))


def _uris(texts: Iterable[str]) -> tuple[Party, ...]:
    parties: dict[Party, None] = {}
    for text in texts:
        try:
            parties[uri_party(text)] = None
        except MalformedPassport:
            continue
    return tuple(parties)


def _date_of(request: Request) -> int | None:
    value = request.headers.get("Date")
    if value is None:
        return None
    try:
        return parse_date(value)
    except ParseError:
        return None


# What the carrier says.


def believed(request: Request, identity: CallerIdentity, caller: str, country: str) -> Verified:
    """What a carrier that is believed has found."""
    party = party_of(caller, country) if caller else None
    number = party.text if party is not None else ""
    said = next(filter(None, map(_verstat_of, _speakers(request, identity))), None)
    if said is None:
        return Verified(NO_IDENTITY, number)
    result, attestation = said
    if result != "passed":
        why = "by-carrier" if result == "failed" else "missing"
        return Verified(Verdict(result, why, believed=True), number)
    attestation = attestation or _indicator(request)
    return Verified(Verdict("passed", attestation=attestation, believed=True), number)


def _speakers(request: Request, identity: CallerIdentity) -> tuple[NameAddress, ...]:
    return (*identity.asserted[:MAX_CALLERS], request.from_)


def _verstat_of(address: NameAddress) -> tuple[Result, str] | None:
    uri = address.uri
    text = uri.user_parameters.get("verstat") or uri.parameters.get("verstat") or ""
    matched = _VERSTAT.fullmatch(text)
    return None if matched is None else (_RESULTS[matched[1]], matched[2] or "")


def _indicator(request: Request) -> str:
    """`P-Attestation-Indicator`, which carriers write beside it."""
    value = (request.headers.get("P-Attestation-Indicator") or "").strip()
    return value if value in ("A", "B", "C") else ""


# What becomes of the call.


def policy_for(verdict: Verdict, trunk: TrunkVouching) -> IdentityPolicy:
    """What a trunk wants done with such a call."""
    if verdict.result == "passed":
        return "accept"
    return trunk.missing if verdict.result == "none" else trunk.failed


def marked(name: str) -> str:
    """The name of a caller that is to be marked."""
    return f"{MARK} {name}" if name else MARK
