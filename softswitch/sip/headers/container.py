"""The header lines of a message, raw, under their canonical names (RFC 3261 section 7.3).

It knows names: case, compact forms, and the spelling to write. It does not know what a value means;
the typed headers beside it do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from softswitch.sip.errors import LocalProtocolError
from softswitch.sip.grammar import has_line_break, is_token, split_commas

# IANA "SIP Header Field Compact Forms".
COMPACT_FORMS = {
    "a": "Accept-Contact",  # RFC 3841
    "b": "Referred-By",  # RFC 3892
    "c": "Content-Type",  # RFC 3261
    "d": "Request-Disposition",  # RFC 3841
    "e": "Content-Encoding",  # RFC 3261
    "f": "From",  # RFC 3261
    "i": "Call-ID",  # RFC 3261
    "j": "Reject-Contact",  # RFC 3841
    "k": "Supported",  # RFC 3261
    "l": "Content-Length",  # RFC 3261
    "m": "Contact",  # RFC 3261
    "n": "Identity-Info",  # RFC 4474
    "o": "Event",  # RFC 6665
    "r": "Refer-To",  # RFC 3515
    "s": "Subject",  # RFC 3261
    "t": "To",  # RFC 3261
    "u": "Allow-Events",  # RFC 6665
    "v": "Via",  # RFC 3261
    "x": "Session-Expires",  # RFC 4028
    "y": "Identity",  # RFC 8224
}

_WELL_KNOWN = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow"),
    *("Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Contact"),
    *(
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Length",
        "Content-Type",
    ),
    *("CSeq", "Date", "Diversion", "Error-Info", "Event"),
    *("Expires", "From", "Geolocation", "History-Info", "In-Reply-To"),
    *("Info-Package", "Join", "Max-Forwards", "MIME-Version", "Min-Expires"),
    *(
        "Min-SE",
        "Organization",
        "P-Access-Network-Info",
        "P-Asserted-Identity",
        "P-Called-Party-ID",
    ),
    *("P-Charge-Info", "P-Charging-Vector", "P-Early-Media", "P-Preferred-Identity", "Path"),
    *("Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require"),
    *("RAck", "Reason", "Record-Route", "Recv-Info", "Refer-Sub"),
    *("Refer-To", "Referred-By", "Remote-Party-ID", "Replaces", "Reply-To"),
    *("Require", "Retry-After", "Route", "RSeq", "Server"),
    *("Service-Route", "Session-Expires", "SIP-ETag", "SIP-If-Match", "Subject"),
    *("Subscription-State", "Supported", "Timestamp", "To", "Unsupported"),
    *("User-Agent", "User-to-User", "Via", "Warning", "WWW-Authenticate"),
)

# Every spelling met in the field, ready for one look-up: canonical, lower and upper case, compact.
CANONICAL_NAMES: dict[str, str] = {}
for _name in [*_WELL_KNOWN, *COMPACT_FORMS.values()]:
    CANONICAL_NAMES[_name] = CANONICAL_NAMES[_name.lower()] = CANONICAL_NAMES[_name.upper()] = _name
for _short, _name in COMPACT_FORMS.items():
    CANONICAL_NAMES[_short] = CANONICAL_NAMES[_short.upper()] = _name


def canonical_name(name: str) -> str:
    """Give the spelling under which a header is kept and written; unknown ones as `X-Some-Thing`.

    7.3.1: "When comparing header fields, field names are always case-insensitive."
    """
    known = CANONICAL_NAMES.get(name) or CANONICAL_NAMES.get(name.lower())
    return known or "-".join([part.capitalize() for part in name.split("-")])


class Headers:
    """Header fields of one message: canonical name -> raw values, one per line, in order.

    `fields` is open to the parser and the writer of messages, which are too hot for a call a line.
    """

    __slots__ = ("fields",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self.fields: dict[str, list[str]] = {}
        for name, value in items:
            self.add(name, value)

    def get(self, name: str) -> str | None:
        """Give the first line of that name, raw, or None."""
        values = self.fields.get(name) or self.fields.get(canonical_name(name))
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """Give the raw value of every line of that name."""
        return list(self.fields.get(canonical_name(name), ()))

    def get_list(self, name: str) -> list[str]:
        """Give every value of that name, in order, with comma-joined lines taken apart."""
        values = self.fields.get(name) or self.fields.get(canonical_name(name))
        if not values:
            return []
        if len(values) == 1:
            return split_commas(values[0])
        return [part for value in values for part in split_commas(value)]

    def add(self, name: str, value: str) -> None:
        """Append a line. A name or value that would break the message is a LocalProtocolError."""
        name = _check(name, value)
        self.fields.setdefault(name, []).append(value)

    def set(self, name: str, value: str) -> None:
        """Replace all lines of that name by one."""
        name = _check(name, value)
        self.fields[name] = [value]

    def remove(self, name: str) -> None:
        """Drop all lines of that name, if any."""
        self.fields.pop(canonical_name(name), None)

    def names(self) -> list[str]:
        """Give the canonical names that occur, in order of first occurrence."""
        return list(self.fields)

    def items(self) -> Iterator[tuple[str, str]]:
        """Give every line as name and raw value; lines of one name follow each other."""
        for name, values in self.fields.items():
            for value in values:
                yield name, value

    def copy(self) -> Headers:
        """Give an independent copy."""
        twin = Headers()
        twin.fields = {name: list(values) for name, values in self.fields.items()}
        return twin

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in self.fields or canonical_name(name) in self.fields
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self.fields == other.fields

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Headers({list(self.items())!r})"


def _check(name: str, value: str) -> str:
    known = CANONICAL_NAMES.get(name)
    if known is None:
        if not is_token(name):
            raise LocalProtocolError(f"{name!r} is not a header name")
        known = canonical_name(name)
    if has_line_break(value):
        raise LocalProtocolError(f"line break in the value of {known}")
    return known
