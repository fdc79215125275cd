"""Who calls: every header that speaks of the caller, read into one value.

RFC 3261 (From), RFC 3323 and 3325 (privacy, asserted identity), Remote-Party-ID, RFC 5806, RFC
7044, RFC 8496, RFC 4694. It does not know which peers are trusted (it is told), nor how numbers
are normalised.
"""

from __future__ import annotations

import re

import msgspec

from softswitch.sip.errors import ParseError
from softswitch.sip.headers.asserted_identity import parse_asserted_identities
from softswitch.sip.headers.charge_info import ChargeInfo
from softswitch.sip.headers.diversion import Diversion
from softswitch.sip.headers.history_info import HistoryInfo
from softswitch.sip.headers.name_address import NameAddress
from softswitch.sip.headers.privacy import Privacy
from softswitch.sip.headers.remote_party_id import RemotePartyId
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

# RFC 3323 section 4.1.1.3 has <sip:anonymous@anonymous.invalid>; gateways use these users too.
_ANONYMOUS_USERS = frozenset(("anonymous", "restricted", "private"))
_ANONYMOUS_HOST = "anonymous.invalid"
# Not the caller's wish, but no number either.
_UNKNOWN_USERS = frozenset(("unavailable", "unknown", "asterisk", "invalid"))

_VISUAL_SEPARATORS = re.compile(r"[\-.() ]")
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_LINE_INFO = ("isup-oli", "oli")
_LINE_INFO_VALUE = re.compile(r"[0-9]{1,2}")
_NO_DIGIT = re.compile(r"[^0-9]")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


# Whoever else speaks of the caller beside From; most requests have none of them.
_FURTHER_WORDS = frozenset(
    (
        "P-Asserted-Identity",
        "Remote-Party-ID",
        "P-Charge-Info",
        "Diversion",
        "History-Info",
        "Privacy",
    )
)


class CallerIdentity(msgspec.Struct, frozen=True):
    """What signalling said about the caller of one request.

    `number` is the best known calling number as it was written, without visual separators, and ""
    when there is none. It stays known when the caller is private: show it to nobody then.
    """

    number: str
    uri: str
    display_name: str
    is_private: bool
    from_uri: str
    asserted: tuple[NameAddress, ...]
    """P-Asserted-Identity as received: true only when `is_trusted`."""
    is_trusted: bool
    charge_number: str | None
    diversions: tuple[Diversion, ...]
    history: tuple[HistoryInfo, ...]
    jip: str | None
    """NPA-NXX of the switch the call started at, six digits."""
    rn: str | None
    """Routing number of the called number, when number portability was looked up."""
    line_info: str | None = None
    """Originating line information, two digits: 61 to 63 are mobile lines, 70 a pay phone."""


def read_identity(request: Request, *, trusted: bool) -> CallerIdentity:
    """Read all identity headers. Only From can raise ParseError, which `validate` rules out.

    RFC 3325 section 5: a proxy that does not trust the sender must not use its
    P-Asserted-Identity; the same holds for Remote-Party-ID and P-Charge-Info.
    """
    headers = request.headers
    from_ = request.from_
    if _FURTHER_WORDS.isdisjoint(headers.fields):
        return _read_from_alone(request, from_, trusted)
    asserted = parse_asserted_identities(headers)
    remote_party = _calling_party(request)
    chosen = _choose(from_, asserted, remote_party) if trusted else from_
    charge = ChargeInfo.find(headers) if trusted else None
    speakers = (from_, *asserted) if trusted else (from_,)
    return CallerIdentity(
        number=telephone_number(chosen.uri),
        uri=str(chosen.uri),
        display_name=_visible(chosen.display_name or from_.display_name),
        is_private=_is_private(request, from_, remote_party),
        from_uri=str(from_.uri),
        asserted=asserted,
        is_trusted=trusted,
        charge_number=(telephone_number(charge.address.uri) or None) if charge else None,
        diversions=Diversion.parse_all(headers),
        history=HistoryInfo.parse_all(headers),
        jip=_find_jip(request, speakers),
        rn=_find_routing_number(request),
        line_info=_find_line_info(speakers),
    )


def _read_from_alone(request: Request, from_: NameAddress, trusted: bool) -> CallerIdentity:
    """The identity by the one header that every request has."""
    uri = from_.uri
    text = str(uri)
    return CallerIdentity(
        number=telephone_number(uri),
        uri=text,
        display_name=_visible(from_.display_name),
        is_private=is_anonymous(uri),
        from_uri=text,
        asserted=(),
        is_trusted=trusted,
        charge_number=None,
        diversions=(),
        history=(),
        jip=_find_jip(request, (from_,)),
        rn=_find_routing_number(request),
        # The word alone costs a twentieth of the look; next to no caller has it.
        line_info=_find_line_info((from_,)) if "oli" in request.headers.fields["From"][0] else None,
    )


def telephone_number(uri: Uri) -> str:
    """Give the telephone number a sip or tel URI holds, without visual separators, or ""."""
    number = _VISUAL_SEPARATORS.sub("", uri.number)
    return number if _NUMBER.fullmatch(number) else ""


def is_anonymous(uri: Uri) -> bool:
    """Say whether a From URI hides the caller on purpose (RFC 3323 section 4.1.1.3)."""
    return uri.host.lower() == _ANONYMOUS_HOST or uri.number.lower() in _ANONYMOUS_USERS


def _choose(
    from_: NameAddress, asserted: tuple[NameAddress, ...], remote_party: RemotePartyId | None
) -> NameAddress:
    """Take the first asserted address with a number, else any asserted one, else From."""
    candidates = [*asserted, *([remote_party.address] if remote_party else [])]
    for candidate in candidates:
        if telephone_number(candidate.uri):
            return candidate
    usable = [one for one in candidates if not _says_nothing(one.uri)]
    if usable and _says_nothing(from_.uri):
        return usable[0]
    return from_


def _says_nothing(uri: Uri) -> bool:
    return is_anonymous(uri) or uri.number.lower() in _UNKNOWN_USERS


def _calling_party(request: Request) -> RemotePartyId | None:
    parties = RemotePartyId.parse_all(request.headers)
    return next((party for party in parties if party.party == "calling"), None)


def _is_private(request: Request, from_: NameAddress, remote_party: RemotePartyId | None) -> bool:
    """A wish for privacy is heeded whoever passes it on: hiding needs no trust."""
    return (
        is_anonymous(from_.uri)
        or ("Privacy" in request.headers.fields and Privacy.find(request.headers).hides_caller)
        or (remote_party is not None and remote_party.is_private)
    )


def _find_jip(request: Request, addresses: tuple[NameAddress, ...]) -> str | None:
    for uri in (*(address.uri for address in addresses), *_request_uri(request)):
        jip = _telephone_parameter(uri, "jip")
        if not jip:
            continue
        digits = _NO_DIGIT.sub("", jip)
        if len(digits) in (7, 11) and digits[0] == "1":
            digits = digits[1:]
        if len(digits) in (6, 10):
            return digits[:6]
    return None


def _find_line_info(addresses: tuple[NameAddress, ...]) -> str | None:
    """Read `isup-oli` (or `oli`), which gateways write into the user part, the URI or behind it."""
    for address in addresses:
        for name in _LINE_INFO:
            value = address.parameters.get(name) or _telephone_parameter(address.uri, name)
            if value and _LINE_INFO_VALUE.fullmatch(value):
                return value.zfill(2)
    return None


def _find_routing_number(request: Request) -> str | None:
    for uri in (*_request_uri(request), request.from_.uri):
        routing = _telephone_parameter(uri, "rn")
        number = _VISUAL_SEPARATORS.sub("", routing) if routing else ""
        if number and _NUMBER.fullmatch(number):
            return number
    return None


def _request_uri(request: Request) -> tuple[Uri, ...]:
    try:
        return (request.request_uri,)
    except ParseError:
        return ()


def _telephone_parameter(uri: Uri, name: str) -> str | None:
    """Read a parameter of RFC 4694 from the user part (19.1.6), or from the URI, seen as often."""
    if not uri.parameters and ";" not in (uri.user or ""):
        return None
    return uri.user_parameters.get(name) or uri.parameters.get(name)


def _visible(text: str) -> str:
    """Take out what would break a line of a log or a column of a database."""
    return text if text.isprintable() else _INVISIBLE.sub("", text)
