"""What is known of a number: where it is, what kind of line, whose network; and who is in a region.

What the line is (type, network) and its area code are asked of the number. Where the caller is
(country, state, city, zip, time zone) is asked of the JIP first, if the call came with one that is
in the North American plan: the switch where a call starts says more about the place of a mobile or
ported number than its digits do. When nothing is known of the JIP's state, everything is asked of
the number, so that a place is never put together from two.

Each column comes from the first table of prefixes that has a value in it, of a table from its
longest prefix with one; what no table says, from the area code (`softswitch.campaign.nanp`) and
from `phonenumbers`. North American mobile numbers cannot be told from landlines without a table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import PhoneNumberType, timezone

from config.model import PrefixTable, Region
from softswitch.campaign.nanp import PROVINCES, STATE_OF_AREA_CODE, TOLL_FREE

__all__ = ["NOTHING_KNOWN", "NumberAbout", "NumberIndex", "PrefixSet", "in_region"]

MAX_REMEMBERED = 4096
"""Numbers of which it is remembered what is known: a call asks several times, and callers call
again."""
MAX_DIGITS = 15
"""ITU-T E.164 section 6.2.1."""

_LINE_TYPES: Mapping[int, str] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.TOLL_FREE: "toll_free",
}
_PLACE = ("country", "state", "city", "zip", "time_zone")


@dataclass(frozen=True, slots=True)
class NumberAbout:
    """What is known of a number; None where nothing is."""

    country: str | None = None
    state: str | None = None
    city: str | None = None
    """Lower case."""
    zip: str | None = None
    area_code: str | None = None
    network: str | None = None
    line_type: str | None = None
    time_zone: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of tables, those above too, by their own names."""


NOTHING_KNOWN = NumberAbout()


class PrefixSet:
    """Beginnings of numbers, with +; asked by length, so thousands cost no more than one."""

    __slots__ = ("_lengths", "_prefixes")

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._prefixes = frozenset(prefixes)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def __contains__(self, number: str) -> bool:
        return any(number[:length] in self._prefixes for length in self._lengths)


class NumberIndex:
    """Answers what is known of numbers, from tables of prefixes and the plans of the world."""

    def __init__(self, tables: Iterable[PrefixTable]) -> None:
        self._tables = [_PrefixIndex(table) for table in tables]
        self._remembered: dict[tuple[str, str | None], NumberAbout] = {}

    def about(self, number: str, jip: str | None = None) -> NumberAbout:
        """What is known of an E.164 number whose call started at a switch."""
        key = (number, jip)
        found = self._remembered.get(key)
        if found is None:
            found = self._find(number, jip)
            if len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = found
        return found

    def _find(self, number: str, jip: str | None) -> NumberAbout:
        known = self._known(number)
        if jip is not None and len(jip) == 6 and jip.isascii() and jip.isdigit():
            # Four more digits make a number of it, of which only the beginning is looked at.
            start = self._known(f"+1{jip}0000")
            if "state" in start:
                kept = {name: value for name, value in known.items() if name not in _PLACE}
                known = {**kept, **{name: start[name] for name in _PLACE if name in start}}
        return NumberAbout(
            country=known.get("country"),
            state=known.get("state"),
            city=known.get("city", "").lower() or None,
            zip=known.get("zip"),
            area_code=known.get("area_code"),
            network=known.get("network"),
            line_type=known.get("type"),
            time_zone=known.get("time_zone"),
            columns=known,
        )

    def _known(self, number: str) -> dict[str, str]:
        """Columns with values; earlier tables win over later ones, all tables over the plans."""
        if not number.startswith("+") or not number[1:].isdigit() or len(number) > MAX_DIGITS + 1:
            return {}
        known: dict[str, str] = {}
        for source in (_of_plan(number), *(table.find(number) for table in self._tables[::-1])):
            known.update(source)
        return known


class _PrefixIndex:
    """One table of prefixes, with the lengths that occur in it."""

    def __init__(self, table: PrefixTable) -> None:
        self._columns = table.columns
        self._rows = table.rows
        self._lengths = sorted({len(prefix) for prefix in table.rows})

    def find(self, number: str) -> dict[str, str]:
        """The columns of the longest prefix that has a value in them."""
        digits = number[1:]
        found: dict[str, str] = {}
        for length in self._lengths:
            row = self._rows.get(digits[:length]) if length <= len(digits) else None
            if row is not None:
                pairs = zip(self._columns, row, strict=False)
                found.update({name: value for name, value in pairs if value})
        return found


def in_region(region: Region, about: NumberAbout, number: str, prefixes: PrefixSet) -> bool:
    """Whether a caller is in a region: when any of its places says so."""
    return (
        about.country in region.countries
        or about.state in region.states
        or about.city in region.cities
        or about.zip in region.zips
        or about.area_code in region.area_codes
        or number in prefixes
    )


# Numbering plans.


def _of_plan(number: str) -> dict[str, str]:
    """What a number says by itself."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return {}
    country = phonenumbers.region_code_for_number(parsed)
    found = {
        "country": country if country != "001" else None,
        "type": _LINE_TYPES.get(phonenumbers.number_type(parsed)),
    }
    if number.startswith("+1"):
        found |= _north_american(number, found["country"])
    else:
        found["area_code"] = _area_code(parsed)
    if found["type"] != "toll_free":
        found["time_zone"] = _time_zone(parsed)
    return {name: value for name, value in found.items() if value}


def _north_american(number: str, country: str | None) -> dict[str, str | None]:
    code = number[2:5]
    if code in TOLL_FREE:
        return {"area_code": code, "type": "toll_free", "country": None}
    state = STATE_OF_AREA_CODE.get(code)
    if state is not None:
        # Also where the plan of the library does not know the exchange.
        country = "CA" if state in PROVINCES else country or "US"
    return {"area_code": code, "state": state, "country": country}


def _area_code(parsed: phonenumbers.PhoneNumber) -> str | None:
    length = phonenumbers.length_of_geographical_area_code(parsed)
    return phonenumbers.national_significant_number(parsed)[:length] or None


def _time_zone(parsed: phonenumbers.PhoneNumber) -> str | None:
    """The zone of a number, where it lies in one only."""
    zones = timezone.time_zones_for_number(parsed)
    return zones[0] if len(zones) == 1 and zones[0] != "Etc/Unknown" else None
