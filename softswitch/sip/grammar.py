"""The basic rules that every header shares: tokens, quoted strings, lists (RFC 3261 section 25.1).

Reading is lenient, writing is strict. It knows neither headers nor messages. All patterns run in
linear time on hostile input: no alternative can match the same text in two ways, and what opens
but never closes (a quote, an angle bracket) is taken up to the end of the text.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from softswitch.sip.errors import ParseError

# The characters of the token rule.
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
_TOKEN = re.compile(TOKEN)

# RFC 3261 and its extensions: words that are surely tokens.
USUAL_METHODS = frozenset(
    (
        *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "UPDATE"),
        *("REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"),
    )
)

# What may stand bare after "=" in a header parameter: token, or host with an IPv6 reference.
_BARE_VALUE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:]+")

# A quoted string, closed or running to the end; an angle-bracketed part, likewise.
_QUOTED = r'"(?:[^"\\]+|\\.)*+(?:"|\\?$)'
_BRACKETED = r"<[^>]*+(?:>|$)"
_COMMA = re.compile(f"{_QUOTED}|{_BRACKETED}|(,)", re.DOTALL)
_SEMICOLON = re.compile(f"{_QUOTED}|{_BRACKETED}|(;)", re.DOTALL)
_CLOSED_QUOTED = re.compile(r'"((?:[^"\\]+|\\.)*+)"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_LINE_BREAK = re.compile(r"[\r\n]")

WHITE_SPACE = " \t"

# hostname / IPv4address; names of machines do have underscores, whatever RFC 1123 says.
HOSTNAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_.])?"
_HOSTNAME = re.compile(HOSTNAME)
# A port that is surely in range; the others take the careful path.
USUAL_PORT = r"[0-9]{1,4}|[1-5][0-9]{4}"
_HOST_PORT = re.compile(rf"({HOSTNAME})(?::({USUAL_PORT}))?")
# RFC 5118 section 4.10: a mistake in the grammar of RFC 3261 puts three colons before an embedded
# IPv4 address, and "an implementation must tolerate" them.
_THREE_COLONS = re.compile(r":::(?=[0-9]{1,3}\.)")

# RFC 1035 section 2.3.4: names are limited to 255 octets.
MAX_HOST = 255
# RFC 3261 leaves the port to UDP and TCP, which have 16 bits for it.
MAX_PORT = 65_535


def is_token(text: str) -> bool:
    """Say whether the text is one token of RFC 3261 section 25.1."""
    return _TOKEN.fullmatch(text) is not None


def has_line_break(text: str) -> bool:
    """Say whether the text would break out of its header line."""
    return _LINE_BREAK.search(text) is not None


def quote(text: str) -> str:
    """Write a quoted-string, escaping what ends it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """Read a quoted-string; text that is not quoted comes back as it is."""
    matched = _CLOSED_QUOTED.fullmatch(text)
    if matched is None:
        return text
    inner = matched[1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner


def quote_unless_bare(text: str) -> str:
    """Write a parameter value: bare when it is a token or a host, else quoted."""
    return text if _BARE_VALUE.fullmatch(text) else quote(text)


def match_quoted(text: str) -> int:
    """Give the length of the quoted-string the text begins with, or 0 when it never closes."""
    matched = _CLOSED_QUOTED.match(text)
    return matched.end() if matched else 0


def split_commas(text: str) -> list[str]:
    """Split a comma-joined header value; commas in quotes and in <> do not count.

    The parts are stripped; an empty part stays as "" so that the reader of the header can refuse.
    """
    if "," not in text:
        return [text]
    return _split(_COMMA, text)


def split_semicolons(text: str) -> list[str]:
    """Split at the semicolons outside quotes and <>; parts are stripped, empty parts stay."""
    if '"' not in text and "<" not in text:
        return [part.strip(WHITE_SPACE) for part in text.split(";")]
    return _split(_SEMICOLON, text)


def _split(separator: re.Pattern[str], text: str) -> list[str]:
    parts = []
    start = 0
    for matched in separator.finditer(text):
        if matched[1] is not None:
            parts.append(text[start : matched.start()].strip(WHITE_SPACE))
            start = matched.end()
    parts.append(text[start:].strip(WHITE_SPACE))
    return parts


def parse_number(text: str, *, limit: int, reason: str) -> int:
    """Read a decimal number from 0 to `limit`; anything else is a ParseError named `reason`.

    Only ASCII digits count, and the text is bounded before it is converted: Python refuses to
    convert more than 4,300 digits, with another error than ours.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise ParseError(reason, detail=f"{text[:30]!r} is not a number from 0 to {limit}")
    number = int(text)
    if number > limit:
        raise ParseError(reason, detail=f"{number} is more than {limit}")
    return number


def parse_host_port(text: str, *, reason: str) -> tuple[str, int | None]:
    """Read `host [ ":" port ]`; an IPv6 reference loses its brackets."""
    matched = _HOST_PORT.fullmatch(text)
    if matched is not None and len(text) <= MAX_HOST:
        host, port = matched.groups()
        return host, int(port) if port else None
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        host = _check_ipv6(inside, reason) if closed else ""
    else:
        host, colon, rest = text.partition(":")
        rest = colon + rest
        host = host.strip(WHITE_SPACE)
        if not _HOSTNAME.fullmatch(host):
            host = ""
    if not host or len(host) > MAX_HOST:
        raise ParseError(reason, detail=f"{text[:60]!r} is not a host")
    rest = rest.strip(WHITE_SPACE)
    if not rest:
        return host, None
    if rest[0] != ":":
        raise ParseError(reason, detail=f"{rest[:20]!r} after the host")
    return host, parse_number(rest[1:].strip(WHITE_SPACE), limit=MAX_PORT, reason=reason)


def _check_ipv6(text: str, reason: str) -> str:
    address = _THREE_COLONS.sub("::", text)
    try:
        # A zone (`fe80::1%eth0`) means something on one machine only.
        IPv6Address(address if "%" not in address else "")
    except AddressValueError:
        raise ParseError(reason, detail=f"{text[:60]!r} is not an IPv6 address") from None
    return address


def format_host(host: str) -> str:
    """Write a host, an IPv6 address as the reference in brackets that the grammar wants."""
    return f"[{host}]" if ":" in host else host
