"""Phone numbers as people and carriers write them, to E.164 (`+18666831950`), and patterns of them.

Rules, for a switch that stands in one country:

1. `tel:` and `sip:` addresses give their number (the user part), without parameters; `%2B` is `+`.
   A `phone-context` of a tel URI that begins with `+` is put before a local number (RFC 3966
   section 5.1.4).
2. Separators (space - . ( ) /) do not count.
3. `+` and 7 to 15 digits (E.164 section 6.2) is taken as it is; in the North American plan `+1`
   needs exactly ten more, the first of them 2-9.
4. The country's international prefix (`011` or `00` in the US, `00` in most of Europe) is `+`.
5. The country's national prefix (`1` in the US, `0` in Germany) and a national number of a
   possible length gets the country's code.
6. Without a prefix: a national number, or one with the country's code but no `+`. Where the country
   has a national prefix, a number that could be either has the code; elsewhere it is national.

Anything else (a short code, an extension, a word) is not E.164: None. In a pattern the letter X
stands for a digit, and a last `*` (any further digits, or none) or `.` (at least one more) for the
rest; the rules are the same, but a pattern without fixed length must begin with `+` or rule 4.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

MAX_DIGITS = 15
"""E.164 section 6.2.1: country code and national number together."""
MIN_DIGITS = 7
"""Shortest number taken as international; shorter ones are short codes."""
MAX_TEXT = 256
"""Longest text looked at: a peer chooses what it sends as a number."""

REMEMBERED = 2048
"""Texts whose number is remembered: each is asked for several times a call, and numbers that are
called come again. At most a megabyte; a peer that varies them costs what it costs without."""

_SEPARATORS = str.maketrans("", "", " -.()/\u00a0")
_NUMBER = re.compile(r"\+?[0-9]+\Z")
_PATTERN = re.compile(r"\+?[0-9X]+\Z")
_SIP_URI = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[^@]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:;?@\[\]\s]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[;?].*)?\Z",
    re.IGNORECASE | re.DOTALL,
)
# What would end the user part of a SIP URI, or begin something else in it.
_SPECIAL = re.compile(r"[%:@;<>\"\s\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Country:
    """How a country writes numbers."""

    code: str
    """Country code, without +."""
    international: tuple[str, ...]
    """Prefixes that stand for +."""
    national: str
    """Prefix of a national number, or empty."""
    shortest: int
    """Digits of a national number without prefix, at least."""
    longest: int
    first: str = "123456789"
    """Possible first digits of a national number."""


_NANP = Country("1", ("011", "00"), "1", 10, 10, "23456789")
# The members that a switch may stand in; the others dial the same way.
# fmt: off
_NANP_COUNTRIES = (
    "US", "CA", "PR", "VI", "GU", "AS", "MP", "AG", "AI", "BS", "BB", "BM", "VG", "KY", "DM", "DO",
    "GD", "JM", "MS", "KN", "LC", "VC", "SX", "TT", "TC",
)
# fmt: on

COUNTRIES: dict[str, Country] = {
    **dict.fromkeys(_NANP_COUNTRIES, _NANP),
    "AE": Country("971", ("00",), "0", 8, 9),
    "AR": Country("54", ("00",), "0", 10, 11),
    "AT": Country("43", ("00",), "0", 5, 13),
    "AU": Country("61", ("0011",), "0", 9, 10),
    "BE": Country("32", ("00",), "0", 8, 9),
    "BG": Country("359", ("00",), "0", 7, 9),
    "BR": Country("55", ("00",), "0", 10, 11),
    "CH": Country("41", ("00",), "0", 9, 9),
    "CL": Country("56", ("00",), "", 9, 9),
    "CN": Country("86", ("00",), "0", 10, 11),
    "CO": Country("57", ("00",), "", 10, 10),
    "CZ": Country("420", ("00",), "", 9, 9),
    "DE": Country("49", ("00",), "0", 5, 13),
    "DK": Country("45", ("00",), "", 8, 8),
    "EE": Country("372", ("00",), "", 7, 8),
    "ES": Country("34", ("00",), "", 9, 9),
    "FI": Country("358", ("00",), "0", 5, 12),
    "FR": Country("33", ("00",), "0", 9, 9),
    "GB": Country("44", ("00",), "0", 9, 10),
    "GR": Country("30", ("00",), "", 10, 10),
    "HK": Country("852", ("001",), "", 8, 8),
    "HR": Country("385", ("00",), "0", 8, 9),
    "HU": Country("36", ("00",), "06", 8, 9),
    "IE": Country("353", ("00",), "0", 7, 10),
    "IL": Country("972", ("00",), "0", 8, 9),
    "IN": Country("91", ("00",), "0", 10, 10),
    "IS": Country("354", ("00",), "", 7, 9),
    # Italy keeps the 0 of its area codes behind the country code.
    "IT": Country("39", ("00",), "", 6, 11, "0123456789"),
    "JP": Country("81", ("010",), "0", 9, 10),
    "KR": Country("82", ("001", "002"), "0", 8, 10),
    "LT": Country("370", ("00",), "0", 8, 8),
    "LU": Country("352", ("00",), "", 6, 11),
    "LV": Country("371", ("00",), "", 8, 8),
    "MX": Country("52", ("00",), "", 10, 10),
    "NL": Country("31", ("00",), "0", 7, 10),
    "NO": Country("47", ("00",), "", 8, 8),
    "NZ": Country("64", ("00",), "0", 8, 10),
    "PL": Country("48", ("00",), "", 9, 9),
    "PT": Country("351", ("00",), "", 9, 9),
    "RO": Country("40", ("00",), "0", 9, 9),
    "RU": Country("7", ("810",), "8", 10, 10),
    "SE": Country("46", ("00",), "0", 7, 10),
    "SG": Country("65", ("000", "001"), "", 8, 8),
    "SI": Country("386", ("00",), "0", 8, 8),
    "SK": Country("421", ("00",), "0", 9, 9),
    "TR": Country("90", ("00",), "0", 10, 10),
    "UA": Country("380", ("00",), "0", 9, 9),
    "ZA": Country("27", ("00",), "0", 9, 9),
}


@dataclass(frozen=True, slots=True)
class SipAddress:
    """The parts of a SIP URI that say whom it is for; user unescaped, host in lower case."""

    user: str
    host: str
    port: int | None

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        user = _SPECIAL.sub(lambda found: quote(found[0], safe=""), self.user)
        return f"sip:{user}@{self.host}{port}"


def normalise(text: str, country: str = "US") -> str | None:
    """The number in E.164 with its +, or None when the text is not one."""
    return _normalise(dialled(text), country)


@lru_cache(maxsize=REMEMBERED)
def _normalise(number: str, country: str) -> str | None:
    digits = number.translate(_SEPARATORS)
    if not _NUMBER.match(digits):
        return None
    return _international(digits, COUNTRIES[country])


def normalise_pattern(text: str, country: str = "US") -> str | None:
    """The pattern in E.164 form (`+1866683XXXX`, `+1866*`), or None when it is not one."""
    text = text.strip()
    wildcard = text[-1:] if text.endswith(("*", ".")) else ""
    digits = text[: len(text) - len(wildcard)].translate(_SEPARATORS).upper()
    place = COUNTRIES[country]
    if not wildcard:
        return _international(digits, place) if _PATTERN.match(digits) else None
    for prefix in place.international:
        if digits.startswith(prefix):
            digits = f"+{digits[len(prefix) :]}"
            break
    if digits != "+" and (not digits.startswith("+") or not _PATTERN.match(digits)):
        return None
    # Nothing can follow a whole number.
    longest = 11 if digits.startswith("+1") else MAX_DIGITS
    return digits + wildcard if len(digits) <= longest else None


def dialled(text: str) -> str:
    """What was dialled: the number of a tel or SIP URI without parameters, or the text itself."""
    return "" if len(text) > MAX_TEXT else _dialled(text)


@lru_cache(maxsize=REMEMBERED)
def _dialled(text: str) -> str:
    lower = text[:5].lower()
    if lower.startswith("tel:"):
        return _tel_number(text[4:])
    if lower.startswith(("sip:", "sips:")):
        address = split_sip_uri(text)
        return address.user if address else ""
    return user_number(text)


def user_number(user: str) -> str:
    """A user part without its parameters (`;rn=...`, RFC 3261 section 19.1.6) and escapes."""
    user = user.partition(";")[0].strip()
    return unquote(user) if "%" in user else user


def split_sip_uri(text: str) -> SipAddress | None:
    """The address in a SIP URI, without password and parameters; None when it is none."""
    match = _SIP_URI.match(text.strip()) if len(text) <= MAX_TEXT * 4 else None
    if match is None:
        return None
    user = (match["user"] or "").partition(":")[0]
    port = int(match["port"]) if match["port"] else None
    return SipAddress(user_number(user), match["host"].lower(), port)


def _tel_number(subscriber: str) -> str:
    number, _, parameters = subscriber.partition(";")
    number = unquote(number)
    if not number.startswith("+"):
        for parameter in parameters.split(";"):
            name, _, value = parameter.partition("=")
            if name.lower() == "phone-context" and value.startswith("+"):
                return value + number
    return number


def _international(digits: str, place: Country) -> str | None:
    """Rules 3 to 6; X counts as any digit."""
    if digits.startswith("+"):
        return _checked(digits[1:])
    for prefix in place.international:
        if digits.startswith(prefix):
            return _checked(digits[len(prefix) :])
    prefix = place.national
    if prefix and digits.startswith(prefix) and _is_national(digits[len(prefix) :], place):
        return f"+{place.code}{digits[len(prefix) :]}"
    rest = digits[len(place.code) :] if digits.startswith(place.code) else ""
    with_code = f"+{digits}" if rest and _is_national(rest, place) else None
    without_code = f"+{place.code}{digits}" if _is_national(digits, place) else None
    return (with_code or without_code) if prefix else (without_code or with_code)


def _is_national(digits: str, place: Country) -> bool:
    if not place.shortest <= len(digits) <= place.longest:
        return False
    return digits[0] in place.first or digits[0] == "X"


def _checked(digits: str) -> str | None:
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS or digits[0] == "0":
        return None
    if digits[0] == "1" and not _is_national(digits[1:], _NANP):
        return None
    return f"+{digits}"
