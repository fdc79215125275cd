"""Codes of places: countries, states, zips, area codes, beginnings of numbers, as text.

Each function takes what was written and gives its canonical form; it raises RefusedError when there
is no such place. ISO 3166-1 (countries), ISO 3166-2 (states of the US and provinces of Canada).
"""

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from config.e164 import COUNTRIES
from config.errors import did_you_mean
from config.reading import RefusedError, shorten

_ISO_3166 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR "
    "BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ "
    "EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW "
    "GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY "
    "KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV "
    "MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY "
    "QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG "
    "TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA "
    "ZM ZW"
)
_COUNTRY_CODES = frozenset(_ISO_3166.split())
_OTHER_NAMES = {"USA": "US", "UK": "GB", "UAE": "AE"}

STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "PR": "Puerto Rico", "VI": "Virgin Islands", "GU": "Guam", "AS": "American Samoa",
    "MP": "Northern Mariana Islands",
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "NT": "Northwest Territories",
    "NU": "Nunavut", "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec",
    "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip
_STATE_CODES = {name.lower(): code for code, name in STATES.items()}

_SEPARATORS = str.maketrans("", "", " -.()/")
_ZIP = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{1,9}\Z")
_US_ZIP = re.compile(r"([0-9]{5})(?:-[0-9]{4})?\Z")
_AREA_CODE = re.compile(r"[2-9][0-9]{2}\Z")
_OTHER_AREA_CODE = re.compile(r"[0-9]{1,6}\Z")
_PREFIX = re.compile(r"\+?[0-9]{1,15}\Z")

Code = Callable[[str, str], str]
"""A canonical code from what was written and the switch's country."""


def is_north_american(country: str) -> bool:
    """Whether a country is in the North American numbering plan."""
    return COUNTRIES[country].code == "1"


def country_code(text: str, _country: str) -> str:
    """Two capital letters."""
    code = text.strip().upper()
    if code not in _COUNTRY_CODES:
        near = _OTHER_NAMES.get(code)
        hint = f'did you mean "{near}"?' if near else "two letters, ISO 3166, such as US"
        raise RefusedError(f'there is no country "{shorten(text)}"', suggestion=hint)
    return code


def state_code(text: str, country: str) -> str:
    """Two letters of a state or province, from its name too; elsewhere as it is written."""
    text = text.strip()
    found = text.upper() if text.upper() in STATES else _STATE_CODES.get(text.lower())
    if found is not None:
        return found
    if country not in ("US", "CA") and text:
        return text
    near = did_you_mean(text, STATES.values())
    hint = near or "two letters such as CA, or the name in English"
    raise RefusedError(f'there is no state "{shorten(text)}"', suggestion=hint)


def city_name(text: str, _country: str) -> str:
    """Lower case, single spaces."""
    name = " ".join(text.lower().split())
    if not 0 < len(name) <= 100:
        raise RefusedError(f'"{shorten(text)}" is no name of a city')
    return name


def zip_code(text: str, country: str) -> str:
    """Five digits in the US; elsewhere as it is written, in capital letters."""
    text = text.strip()
    match = _US_ZIP.match(text)
    if match is not None:
        return match[1]
    if country == "US":
        short = text.isascii() and text.isdigit() and len(text) < 5
        hint = f'a spreadsheet took zeros away: "{text:0>5}"' if short else "five digits"
        raise RefusedError(f'"{shorten(text)}" is no zip', suggestion=hint)
    if not _ZIP.match(text):
        raise RefusedError(f'"{shorten(text)}" is no zip')
    return text.upper()


def area_code(text: str, country: str) -> str:
    """Three digits in the North American plan, up to six elsewhere."""
    code = text.translate(_SEPARATORS)
    pattern = _AREA_CODE if is_north_american(country) else _OTHER_AREA_CODE
    if not pattern.match(code):
        hint = "three digits such as 602" if is_north_american(country) else "up to six digits"
        raise RefusedError(f'"{shorten(text)}" is no area code', suggestion=hint)
    return code


def number_prefix(text: str, country: str) -> str:
    """The beginning of an E.164 number, with +.

    Without + it is taken so too, but in the North American plan it must begin with 1 then: 602 is
    written there for Phoenix, and is Malaysia's +60.
    """
    digits = text.translate(_SEPARATORS)
    if not _PREFIX.match(digits):
        hint = "digits such as +1602, without a * at the end" if "*" in text else "such as +1602"
        raise RefusedError(f'"{shorten(text)}" is no beginning of numbers', suggestion=hint)
    bare = digits.removeprefix("+")
    if not digits.startswith("+") and is_north_american(country) and bare[0] != "1":
        message = f'"{shorten(text)}" has no country code'
        raise RefusedError(message, suggestion=f"+1{bare}, or +{bare} if it is another country's")
    if bare[0] == "0":
        raise RefusedError(f'"{shorten(text)}": no country code begins with 0')
    return f"+{bare}"


def time_zone(text: str, _country: str) -> str:
    """The IANA name of a zone."""
    name = text.strip()
    try:
        ZoneInfo(name)
    # Names of folders and files that are no zones, and names that are no paths.
    except (KeyError, ValueError, OSError):
        message = f'there is no time zone "{shorten(text)}"'
        raise RefusedError(message, suggestion="such as America/New_York") from None
    return name
