"""The section numbers: which numbers are live, what each stands for.

A mapping from a number to its settings, or to the name of its campaign alone. What stands before
the colon is a phone number in any usual form, a SIP URI, or a pattern of numbers (config.e164 has
the rules); `as_is` takes it as it is written.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from config.addresses import sip_uri_problem
from config.document import Scalar, Table, Tree
from config.e164 import normalise, normalise_pattern, split_sip_uri
from config.errors import did_you_mean
from config.kinds import (
    BOOLEAN,
    CAMPAIGN_NAME,
    NAME,
    POOL_NAME,
    REFUSAL,
)
from config.model import NOTHING, Location, Number, Pool
from config.parameters import PARAMETERS
from config.reading import (
    Fields,
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    note,
    read_fields,
    shorten,
)
from config.stocks import ATTRIBUTES, Item

MAX_NUMBER = 250
"""Characters of a number or SIP URI; what a peer sends is cut off at 256."""
TOLL_FREE_CODES = frozenset({"800", "822", "833", "844", "855", "866", "877", "888"})
"""Area codes of the North American plan; 822 is the next."""

# What is in E.164 already, as nearly all numbers of a large file are (config.e164, rule 3).
_E164 = re.compile(r"\+(?:1[2-9][0-9]{9}|[2-9][0-9]{6,14})\Z")
_AS_IS_PATTERN = re.compile(r"[0-9+*#]*[Xx][0-9+*#Xx]*[*.]?\Z|[0-9+#]*[*.]\Z")
_AS_IS_EXACT = re.compile(r"[^\s@:;<>\"\x00-\x1f\x7f]{1,100}\Z")
_LOOKS_LIKE_PATTERN = re.compile(
    r".*[0-9Xx][*.]\s*\Z|[^a-wyzA-WYZ]*[Xx][^a-wyzA-WYZ]*\Z|[+]?[*.]\Z"
)

NumberKind = Literal["exact", "uri", "pattern"]


class NumberKeys:
    """Keys of a number."""

    CAMPAIGN = Key(
        "campaign",
        CAMPAIGN_NAME,
        "Its campaign. Needed unless its pool names one.",
        otherwise="the pool's",
        example="spring-sale",
    )
    PUBLISHER = Key(
        "publisher",
        NAME,
        "Party credited for its calls.",
        otherwise="the pool's, then the campaign's",
        example="p1",
    )
    POOL = Key("pool", POOL_NAME, "Its pool.", otherwise="none", example="ad-placement")
    PARAMETERS = Key(
        "parameters",
        PARAMETERS,
        "What the number stands for. In a pool: a value for each of the pool's parameters; without "
        "it, the number is bound when it is asked for.",
        otherwise="none",
        example="{website: one, location: footer, path: home}",
    )
    AS_IS = Key(
        "as_is",
        BOOLEAN,
        "Compare it with what was dialled as it is: for short codes, extensions and tests.",
        default="false",
        example="true",
    )
    REFUSE = Key(
        "refuse",
        REFUSAL,
        "Take the signalling and refuse the call with this status, never answer.",
        otherwise="calls are treated",
        example="480",
    )
    ATTRIBUTES = Key(
        "attributes",
        ATTRIBUTES,
        "In a pool: what a request can ask for. `area_code` and `toll_free` (yes or no) are filled "
        "in.",
        otherwise="none",
        example="{vanity: FANS}",
    )


NUMBER = Section(
    "a number",
    "A number that is live. Calls to any other are refused with 404.",
    keys_of(NumberKeys),
    short="the name of its campaign alone",
    example="numbers:\n"
    "  +1 866 683 1950: spring-sale\n"
    "  sip:sales@example.org: spring-sale\n"
    "  1xxxxx: {campaign: load, as_is: true}",
)


class TakenNumbers:
    """Where each number stands that was read, so that none stands twice."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._normal: dict[str, Location] = {}
        self._as_is: dict[str, Location] = {}

    def take(self, pattern: str, written: str, place: Location, *, as_is: bool = False) -> bool:
        """Note where it stands; False (and a problem) when it stands elsewhere already."""
        taken = self._as_is if as_is else self._normal
        first = taken.setdefault(pattern, place)
        if first is place:
            return True
        where = f"line {first.line}" if first.file == place.file else str(first)
        said = "" if written == pattern else f" is {pattern}, which"
        message = f'"{shorten(written)}"{said} stands in {where} already'
        self._reading.problems.add(place, f"number: {message}")
        return False


class NumberReader:
    """Reads the numbers one after the other: those of the section, of pools and of stocks."""

    def __init__(self, pools: Mapping[str, Pool], taken: TakenNumbers, reading: Reading) -> None:
        self._pools = pools
        self._taken = taken
        self._reading = reading

    def read(self, written: Scalar, tree: Tree) -> Number | None:
        """One number: what stands before the colon, and behind it. None when it is no use."""
        if isinstance(tree, Scalar):
            tree = Table(tree.file, tree.mark, {NumberKeys.CAMPAIGN.name: tree})
        try:
            fields = read_fields(tree, NUMBER, self._reading)
            as_is = fields[NumberKeys.AS_IS]
            pattern, kind = self._number(written, as_is=as_is)
            self._taken.take(pattern, written.text, written.location, as_is=as_is)
            return self._build(pattern, kind, fields, written.location)
        except MissingError:
            return None

    def read_item(self, item: Item, pool: Pool) -> Number | None:
        """One number of a pool's own list."""
        number = item.number
        if number is None or not self._taken.take(number, number, item.location):
            return None
        if pool.campaign is None:
            # Of an overflow number, and of a campaign that was refused, it is told already.
            if not item.overflow:
                message = f'the pool "{pool.name}" needs a "campaign" for its numbers'
                self._reading.problems.add(item.location, message)
            return None
        if item.parameters is not None:
            self._check_binding(item.parameters, pool, item.location, None)
        return Number(
            pattern=number,
            kind="exact",
            campaign=pool.campaign,
            publisher=pool.publisher,
            pool=pool.name,
            parameters=item.parameters or NOTHING,
            attributes=attributes_of(number, item.attributes),
            dynamic=item.parameters is None and not item.overflow,
            location=item.location,
        )

    def _build(self, pattern: str, kind: NumberKind, fields: Fields, place: Location) -> Number:
        keys = NumberKeys
        pool = self._pools.get(fields.get(keys.POOL) or "")
        parameters = fields.get(keys.PARAMETERS)
        dynamic = False
        if pool is not None:
            dynamic = parameters is None and not fields.refused(keys.PARAMETERS)
            self._check_in_pool(fields, pool, kind, place)
        campaign = fields.get(keys.CAMPAIGN) or (pool.campaign if pool else None)
        if campaign is None:
            self._note_missing_campaign(fields, place, pool)
            raise MissingError(keys.CAMPAIGN.name)
        given = fields.get(keys.ATTRIBUTES) or NOTHING
        return Number(
            pattern=pattern,
            kind=kind,
            campaign=campaign,
            publisher=fields.get(keys.PUBLISHER) or (pool.publisher if pool else None),
            pool=pool.name if pool else None,
            parameters=parameters or NOTHING,
            as_is=fields[keys.AS_IS],
            refuse=fields.get(keys.REFUSE),
            attributes=attributes_of(pattern, given) if pool else given,
            dynamic=dynamic,
            location=place,
        )

    def _note_missing_campaign(self, fields: Fields, place: Location, pool: Pool | None) -> None:
        # One that was written and refused, or a pool that was, has its own problem.
        told = fields.refused(NumberKeys.CAMPAIGN)
        if not told and (pool is not None or NumberKeys.POOL.name not in fields.table.entries):
            written = fields.table.entries.get(NumberKeys.CAMPAIGN.name)
            message = 'a number needs a "campaign", here or in its pool'
            self._reading.problems.add(written.location if written else place, message)

    def _number(self, written: Scalar, *, as_is: bool) -> tuple[str, NumberKind]:
        try:
            return classify(written.text, self._reading.country, as_is=as_is)
        except RefusedError as error:
            note(self._reading, error, written, "number")
            raise MissingError("number") from None

    def _check_in_pool(self, fields: Fields, pool: Pool, kind: NumberKind, place: Location) -> None:
        """In a pool stand phone numbers, without a binding or with one that is complete."""
        keys = NumberKeys
        if kind != "exact" or fields[keys.AS_IS]:
            message = f'the pool "{pool.name}" has phone numbers only'
            self._reading.problems.add(place, f"number: {message}")
        values = fields.get(keys.PARAMETERS)
        if values is not None:
            written = fields.table.entries.get(keys.PARAMETERS.name)
            self._check_binding(values, pool, fields.place(keys.PARAMETERS), written)

    def _check_binding(
        self, values: Mapping[str, str], pool: Pool, place: Location, written: Tree | None
    ) -> None:
        """A binding has a value for each parameter of the pool, and no others."""
        missing = [name for name in pool.parameters if name not in values]
        if missing:
            message = f'parameters: the pool "{pool.name}" needs a value for {", ".join(missing)}'
            self._reading.problems.add(place, message)
        for name in values:
            if name not in pool.parameters:
                self._reading.problems.add(
                    written.keys[name].location if isinstance(written, Table) else place,
                    f'parameters: "{shorten(name)}" is no parameter of the pool "{pool.name}"',
                    did_you_mean(name, pool.parameters),
                )


def attributes_of(number: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """What a request can ask of a number in E.164: as given, the rest from its digits."""
    if not number.startswith("+1") or len(number) != 12:
        return given
    code = number[2:5]
    return MappingProxyType({**_by_area_code(code), **given}) if given else _by_area_code(code)


@lru_cache(maxsize=1000)
def _by_area_code(code: str) -> Mapping[str, str]:
    toll_free = "yes" if code in TOLL_FREE_CODES else "no"
    return MappingProxyType({"area_code": code, "toll_free": toll_free})


def classify(text: str, country: str, *, as_is: bool) -> tuple[str, NumberKind]:
    """The canonical text of what stands before the colon, and which kind it is."""
    if not as_is and _E164.match(text):
        return text, "exact"
    text = text.strip()
    if len(text) > MAX_NUMBER:
        raise RefusedError(f'"{shorten(text)}" is longer than {MAX_NUMBER} characters')
    if text.lower().startswith(("sip:", "sips:")):
        return _uri(text), "uri"
    if as_is:
        return _as_is(text)
    if _LOOKS_LIKE_PATTERN.match(text):
        pattern = normalise_pattern(text, country)
        if pattern is None:
            raise RefusedError(
                f'"{shorten(text)}" is no pattern of numbers in {country}',
                suggestion="begin with + and the country code, or set as_is: true",
            )
        return pattern, "pattern"
    number = normalise(text, country)
    if number is None:
        raise RefusedError(
            f'"{shorten(text)}" is no phone number in {country}',
            suggestion="begin with + and the country code, or set as_is: true to take it as it is",
        )
    return number, "exact"


def looks_like_pattern(text: str) -> bool:
    """Whether somebody who wrote this meant a pattern of numbers, usable or not."""
    return _LOOKS_LIKE_PATTERN.match(text.strip()) is not None


def _as_is(text: str) -> tuple[str, NumberKind]:
    if _AS_IS_PATTERN.match(text):
        return text.upper(), "pattern"
    if not _AS_IS_EXACT.match(text) or not text.isprintable():
        raise RefusedError(f'"{shorten(text)}" is nothing that can be dialled')
    return text, "exact"


def _uri(text: str) -> str:
    problem = sip_uri_problem(text)
    address = split_sip_uri(text)
    if problem is not None or address is None:
        raise RefusedError(problem or f'"{shorten(text)}" is no SIP URI')
    if set(text) & set(";?"):
        raise RefusedError("a SIP URI stands without parameters here")
    if not (address.user + address.host).isprintable():
        # An escape (%00) stands for what it says: RFC 3261 section 19.1.2.
        raise RefusedError(f'"{shorten(text)}" has characters in it that nobody sees')
    return str(address)
