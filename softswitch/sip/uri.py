"""URIs: sip, sips and tel in full, every other scheme as scheme and rest (RFC 3261 section 19.1).

tel URIs follow RFC 3966. A scheme that we do not serve is no error here, because its answer is 416
and not 400. It does not know which scheme the switch serves, nor what a number means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote as escape
from urllib.parse import unquote as unescape

from softswitch.sip.errors import ParseError
from softswitch.sip.grammar import HOSTNAME, MAX_HOST, USUAL_PORT, format_host, parse_host_port
from softswitch.sip.parameters import NO_PARAMETERS, Parameters

# Longer than any URI of the trade and short enough for a log line; beyond it the answer is 414.
MAX_URI = 4096
# Headers in a URI (`?Replaces=...`): a handful is usual, the bound keeps an attacker's list short.
MAX_URI_HEADERS = 32

# The same URIs come with call after call: numbers that are called, contacts of trunks. What a peer
# varies costs what it costs without a memory, which stays below a megabyte.
REMEMBERED_URIS = 1024

# What nearly every URI on a trunk looks like: no escapes, no password, no IPv6, no headers.
_USER = r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]+"
_PARAMETER = r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$=]+"
_USUAL = re.compile(
    rf"(sips?):(?:({_USER})@)?({HOSTNAME})(?::({USUAL_PORT}))?(?:;({_PARAMETER}(?:;{_PARAMETER})*))?"
)
# The same without groups, for patterns that only judge. What it matches, `Uri.parse` accepts, as
# long as the whole is no longer than MAX_HOST.
USUAL_URI = rf"sips?:(?:{_USER}@)?{HOSTNAME}(?::(?:{USUAL_PORT}))?(?:;{_PARAMETER}){{0,8}}"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
# What can never stand in a URI on the wire: it would end the line, the part in <> or the word.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\"]")

# RFC 3261 section 25.1: what need not be escaped, besides letters, digits and "-_.~" which
# urllib never escapes.
_MARK = "!*'()"
_USER_SAFE = _MARK + "&=+$,;?/"
# Behind a `;` the parameters of a tel URI begin (RFC 3966 section 3).
_NUMBER_SAFE = _MARK + "&=+$,?/"
_PASSWORD_SAFE = _MARK + "&=+$,"
_PARAMETER_SAFE = _MARK + "[]/:&+$"
_HEADER_SAFE = _MARK + "[]/?:+$"

# Parameters that must agree even when only one of two URIs has them (section 19.1.4).
_NEVER_IGNORED = ("user", "ttl", "method", "maddr", "transport")


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI. `str()` gives back the very text that was parsed, or builds it from the fields.

    sip and sips: user, password, host (IPv6 without brackets), port, parameters, headers.
    tel: user is the number as written, with its parameters. Any other scheme: `opaque` is the rest.
    User, password, parameters and headers are held without %-escapes.
    """

    scheme: str
    user: str | None = None
    password: str | None = None
    host: str = ""
    port: int | None = None
    parameters: Parameters = NO_PARAMETERS
    headers: tuple[tuple[str, str], ...] = ()
    opaque: str = ""
    _text: str | None = field(default=None, init=False, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read a URI; a ParseError says "bad-uri", or "uri-too-long" with 414."""
        if len(text) > MAX_URI:
            raise ParseError("uri-too-long", 414, detail=f"{len(text)} characters")
        return _parse_once(text) if len(text) <= MAX_HOST else _parse_any(text)

    @property
    def is_sip(self) -> bool:
        """Whether the scheme is sip or sips."""
        return self.scheme in ("sip", "sips")

    @property
    def number(self) -> str:
        """The user part without its parameters: `+1234` of `sip:+1234;rn=+1999@host;user=phone`."""
        return (self.user or "").partition(";")[0]

    @property
    def user_parameters(self) -> Parameters:
        """Telephone parameters inside the user part of a sip URI (19.1.6); of tel, all of them."""
        if self.scheme == "tel":
            return self.parameters
        try:
            return Parameters.parse_uri((self.user or "").partition(";")[2], is_escaped=False)
        except ParseError:
            return NO_PARAMETERS

    def header(self, name: str) -> str | None:
        """Give the first URI header of that name, such as Replaces or Reason."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    def matches(self, other: Uri) -> bool:
        """Compare by RFC 3261 section 19.1.4.

        This is no `==`: it is not transitive, because most parameters count only when both URIs
        have them. An escaped reserved character equals the plain one here.
        """
        if not self.is_sip or not other.is_sip:
            return str(self) == str(other)
        return (
            self.scheme == other.scheme
            and self.user == other.user
            and self.password == other.password
            and self.host.lower() == other.host.lower()
            and self.port == other.port
            and _parameters_match(self.parameters, other.parameters)
            and _header_set(self) == _header_set(other)
        )

    def __str__(self) -> str:
        if self._text is None:
            object.__setattr__(self, "_text", _format(self))
        return self._text or ""


def _parse_any(text: str) -> Uri:
    usual = _USUAL.fullmatch(text)
    if usual is not None and len(usual[3]) <= MAX_HOST:
        scheme, user, host, port, parameters = usual.groups()
        uri = Uri(
            scheme,
            user,
            None,
            host,
            int(port) if port else None,
            Parameters.parse_uri(parameters) if parameters else NO_PARAMETERS,
        )
    else:
        uri = _parse(text)
    object.__setattr__(uri, "_text", text)
    return uri


_parse_once = lru_cache(maxsize=REMEMBERED_URIS)(_parse_any)


def _parse(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or not _SCHEME.fullmatch(scheme) or _FORBIDDEN.search(text):
        raise ParseError("bad-uri", detail=f"{text[:60]!r}")
    scheme = scheme.lower()
    if scheme in ("sip", "sips"):
        return _parse_sip(scheme, rest)
    if scheme == "tel":
        number, _, parameters = rest.partition(";")
        return Uri(scheme, unescape(number), parameters=Parameters.parse_uri(parameters))
    return Uri(scheme, opaque=rest)


def _parse_sip(scheme: str, rest: str) -> Uri:
    # "@" may stand in no other part unescaped, so the last one ends the userinfo. "?" and ";" may
    # stand in the user part: that is why it is cut off first.
    userinfo, at, after = rest.rpartition("@")
    user: str | None = None
    password: str | None = None
    if at:
        user, password = _parse_userinfo(userinfo)
    head, question, header_text = after.partition("?")
    host_port, semicolon, parameters = head.partition(";")
    host, port = parse_host_port(host_port, reason="bad-uri")
    return Uri(
        scheme,
        user,
        password,
        host,
        port,
        Parameters.parse_uri(parameters) if semicolon else NO_PARAMETERS,
        _parse_headers(header_text) if question else (),
    )


def _parse_userinfo(text: str) -> tuple[str, str | None]:
    user, colon, password = text.partition(":")
    if not user:
        raise ParseError("bad-uri", detail="the user part is empty")
    if "%" in text:
        user, password = unescape(user), unescape(password)
    return user, password if colon else None


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    fields = text.split("&")
    if len(fields) > MAX_URI_HEADERS:
        raise ParseError("bad-uri", detail=f"{len(fields)} headers in a URI")
    headers = []
    for one in fields:
        name, _, value = one.partition("=")
        if not name:
            raise ParseError("bad-uri", detail="a URI header without a name")
        headers.append((unescape(name), unescape(value)))
    return tuple(headers)


def _format(uri: Uri) -> str:
    parameters = "".join(
        f";{escape(name, safe=_PARAMETER_SAFE)}"
        if value is None
        else f";{escape(name, safe=_PARAMETER_SAFE)}={escape(value, safe=_PARAMETER_SAFE)}"
        for name, value in uri.parameters.items()
    )
    if uri.scheme == "tel":
        return f"tel:{escape(uri.user or '', safe=_NUMBER_SAFE)}{parameters}"
    if not uri.is_sip:
        return f"{uri.scheme}:{uri.opaque}"
    userinfo = ""
    if uri.user is not None:
        userinfo = escape(uri.user, safe=_USER_SAFE)
        if uri.password is not None:
            userinfo += ":" + escape(uri.password, safe=_PASSWORD_SAFE)
        userinfo += "@"
    port = "" if uri.port is None else f":{uri.port}"
    headers = "&".join(
        f"{escape(name, safe=_HEADER_SAFE)}={escape(value, safe=_HEADER_SAFE)}"
        for name, value in uri.headers
    )
    question = "?" if headers else ""
    return f"{uri.scheme}:{userinfo}{format_host(uri.host)}{port}{parameters}{question}{headers}"


def _parameters_match(ours: Parameters, theirs: Parameters) -> bool:
    """19.1.4: a parameter in both must match; some must match even when only one has them."""
    for name in {*ours, *theirs}:
        in_both = name in ours and name in theirs
        if not in_both and name not in _NEVER_IGNORED:
            continue
        if not in_both or (ours.get(name) or "").lower() != (theirs.get(name) or "").lower():
            return False
    return True


def _header_set(uri: Uri) -> frozenset[tuple[str, str]]:
    return frozenset((name.lower(), value) for name, value in uri.headers)
