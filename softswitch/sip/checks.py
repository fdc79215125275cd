"""The checks a request must pass before anybody thinks about it (RFC 3261 section 8.2), in order.

Syntax, version, scheme, method, Require, body; who sent it is looked at only after that, in
stack.py. Each check is one function; the order is the tuple CHECKS. It knows no dialogs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from softswitch.sip.context import SUPPORTED, Context
from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import is_token
from softswitch.sip.inspect import is_of_rfc_2543, method_of
from softswitch.sip.message import SIP_VERSION, Request
from softswitch.sip.multipart import needed_part
from softswitch.sip.session_timer import check_interval
from softswitch.sip.validation import has_one_contact, validate

# A session description with a dozen streams is 2 kB; beyond this the answer is 413.
MAX_BODY = 32_768


class MethodRule(NamedTuple):
    """Where a method may be met; whether it is served at all is the stack's `allow`."""

    outside: bool
    """Outside of any dialog."""
    inside: bool
    """Inside a dialog."""


# RFC 3261 and its extensions; what is not here is unknown (501), what is here but not allowed 405.
METHODS: dict[str, MethodRule] = {
    "INVITE": MethodRule(outside=True, inside=True),
    "ACK": MethodRule(outside=False, inside=True),
    "CANCEL": MethodRule(outside=True, inside=True),
    "BYE": MethodRule(outside=False, inside=True),
    "OPTIONS": MethodRule(outside=True, inside=True),
    "REGISTER": MethodRule(outside=True, inside=False),
    "INFO": MethodRule(outside=False, inside=True),  # RFC 6086
    "PRACK": MethodRule(outside=False, inside=True),  # RFC 3262
    "UPDATE": MethodRule(outside=False, inside=True),  # RFC 3311
    "REFER": MethodRule(outside=False, inside=True),  # RFC 3515
    "NOTIFY": MethodRule(outside=False, inside=True),  # RFC 6665
    "SUBSCRIBE": MethodRule(outside=True, inside=True),  # RFC 6665
    "MESSAGE": MethodRule(outside=True, inside=True),  # RFC 3428
    "PUBLISH": MethodRule(outside=True, inside=False),  # RFC 3903
}

# tel: is a number called as well as sip: is.
SCHEMES = ("sip", "tel")
# 26.3.1: "All SIP elements that support TLS MUST also support the SIPS URI scheme." It asks for TLS
# on every hop (26.2.2), which the last one was not where a request came in the clear.
SECURE_SCHEMES = (*SCHEMES, "sips")

SESSION_DESCRIPTION = "application/sdp"
ACCEPTED_TYPES = (SESSION_DESCRIPTION, "multipart/mixed", "multipart/alternative")
ACCEPT_LINE = f"Accept: {', '.join(ACCEPTED_TYPES)}\r\n"
ACCEPT_ENCODING_LINE = "Accept-Encoding: identity\r\n"
ACCEPT_LANGUAGE_LINE = "Accept-Language: en\r\n"
_ACCEPT_RANGES = {"*/*", "application/*", SESSION_DESCRIPTION}


class Refusal(NamedTuple):
    """A final answer to a request that goes no further; `lines` are whole header lines."""

    status: int
    why: str
    lines: str = ""
    reason: str | None = None
    user: str = ""
    """For whom wrong credentials spoke."""


def check_syntax(request: Request, _context: Context) -> Refusal | None:
    """8.1.1: a valid request MUST contain To, From, CSeq, Call-ID, Max-Forwards and Via.

    Max-Forwards is not asked for, because elements older than RFC 3261 left it out; a Contact is,
    of an INVITE, where "the Contact header field MUST be present" (8.1.1.8), unless its branch says
    that the caller follows RFC 2543, where it need not.
    """
    try:
        validate(request)
        if request.method == "INVITE" and not has_one_contact(request) and _needs_contact(request):
            return _bad("one Contact is needed")
    except ParseError as error:
        return Refusal(error.status_hint, error.reason, _warning(error.reason))
    return None


def check_number(request: Request, _context: Context) -> Refusal | None:
    """8.1.1.5: the method in CSeq MUST match that of the request."""
    if method_of(request) != request.method:
        return _bad("cseq-method-mismatch")
    return None


def check_version(request: Request, _context: Context) -> Refusal | None:
    """21.5.6: 505 refuses a protocol version that the server does not speak."""
    if request.version != SIP_VERSION:
        return Refusal(505, "version")
    return None


def check_scheme(request: Request, context: Context) -> Refusal | None:
    """8.2.2.1: a Request-URI of an unsupported scheme SHOULD be rejected with 416."""
    schemes = SECURE_SCHEMES if context.source.secure else SCHEMES
    if request.request_uri.scheme not in schemes:
        return Refusal(416, "scheme")
    return None


def check_method(request: Request, context: Context) -> Refusal | None:
    """8.2.1: 405 with Allow for a method that is known but not supported; 21.5.2: else 501."""
    if request.method in context.allow:
        return None
    return Refusal(405 if request.method in METHODS else 501, "method", context.allow_line)


def check_require(request: Request, _context: Context) -> Refusal | None:
    """8.2.2.3: 420 with Unsupported that lists what we do not understand; not to CANCEL or ACK."""
    if "Require" not in request.headers.fields or request.method in ("ACK", "CANCEL"):
        return None
    unknown = [tag for tag in request.headers.get_list("Require") if tag not in SUPPORTED]
    if not unknown:
        return None
    known_as_tokens = [tag for tag in unknown if is_token(tag)]
    if not known_as_tokens:
        # 25.1: an option tag is a token; a 420 would have nothing to name.
        return _bad("bad option tag in Require")
    return Refusal(420, "require", f"Unsupported: {', '.join(known_as_tokens)}\r\n")


def check_body(request: Request, _context: Context) -> Refusal | None:
    """8.2.3: 415 with Accept or Accept-Encoding for a body not understood; 413 and 406 besides.

    Only the body of an INVITE or UPDATE means something to us; that of a BYE, say, is carried by
    some gateways and ignored.
    """
    if request.body and len(request.body) > MAX_BODY:
        return Refusal(413, "body-too-large")
    if request.method not in ("INVITE", "UPDATE"):
        return None
    fields = request.headers.fields
    if "Accept" in fields and not _accepts_session_description(request):
        return Refusal(406, "accept")
    if not request.body or _is_optional(request):
        return None
    encoding = fields.get("Content-Encoding")
    if encoding and encoding[0].strip().lower() != "identity":
        return Refusal(415, "content-encoding", ACCEPT_LINE + ACCEPT_ENCODING_LINE)
    content_type = request.content_type
    if content_type is None or content_type.name not in ACCEPTED_TYPES:
        return Refusal(415, "content-type", ACCEPT_LINE + ACCEPT_ENCODING_LINE)
    if content_type.type == "multipart" and needed_part(request) is not None:
        return Refusal(415, "body-part", ACCEPT_LINE + ACCEPT_ENCODING_LINE)
    return None


def check_session_interval(request: Request, _context: Context) -> Refusal | None:
    """RFC 4028 section 9: 422 with Min-SE for a session interval that is too short."""
    if "Session-Expires" not in request.headers.fields:
        return None
    lines = check_interval(request)
    return None if lines is None else Refusal(422, "session-interval", lines)


Check = Callable[[Request, Context], Refusal | None]

CHECKS: tuple[Check, ...] = (
    check_syntax,
    check_version,
    check_scheme,
    check_method,
    check_require,
    check_body,
    check_session_interval,
)

# Inside a dialog the tags have matched: the peer is known, and the Request-URI is our own Contact.
CHECKS_IN_DIALOG: tuple[Check, ...] = (
    check_number,
    check_method,
    check_require,
    check_body,
    check_session_interval,
)


def first_refusal(request: Request, context: Context, checks: tuple[Check, ...]) -> Refusal | None:
    """Give the refusal of the first check that fails; a header met too late to be read is 400."""
    try:
        for check in checks:
            refusal = check(request, context)
            if refusal is not None:
                return refusal
    except ParseError as error:
        return Refusal(error.status_hint, error.reason, _warning(error.reason))
    return None


def _accepts_session_description(request: Request) -> bool:
    ranges = {
        value.partition(";")[0].strip().lower() for value in request.headers.get_list("Accept")
    }
    return bool(ranges & _ACCEPT_RANGES) or not any(ranges)


def _needs_contact(request: Request) -> bool:
    return "Contact" in request.headers.fields or not is_of_rfc_2543(request)


def _is_optional(request: Request) -> bool:
    """8.2.3: a body whose Content-Disposition says handling=optional may be left unread."""
    disposition = request.headers.get("Content-Disposition") or ""
    return "handling=optional" in disposition.lower().replace(" ", "")


def _bad(what: str) -> Refusal:
    return Refusal(400, "syntax", _warning(what))


def _warning(what: str) -> str:
    """20.43: 399 is a miscellaneous warning, for people to read."""
    text = what.replace('"', "'").replace("\\", "/")
    return f'Warning: 399 softswitch "{text}"\r\n'
