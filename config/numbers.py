"""The section numbers: which numbers are live, what each stands for.

A mapping from a number to its settings, or to the name of its campaign alone. What stands before
the colon is a phone number in any usual form, a SIP URI, or a pattern of numbers (config.e164 has
the rules); `as_is` takes it as it is written.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from config.addresses import sip_uri_problem
from config.document import Scalar, Table, Tree
from config.e164 import normalise, normalise_pattern, split_sip_uri
from config.errors import did_you_mean
from config.kinds import (
    BOOLEAN,
    CAMPAIGN_NAME,
    MAX_NAME,
    MAX_VALUE,
    NAME,
    POOL_NAME,
    REFUSAL,
)
from config.model import NOTHING, Location, Number, Pool
from config.reading import (
    Fields,
    Key,
    Kind,
    MissingError,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    note,
    read_fields,
    refuse_all,
    shorten,
)

MAX_NUMBER = 250
"""Characters of a number or SIP URI; what a peer sends is cut off at 256."""
MAX_PARAMETERS = 50
"""Parameters of a number without a pool; a pool has 10."""

_AS_IS_PATTERN = re.compile(r"[0-9+*#]*[Xx][0-9+*#Xx]*[*.]?\Z|[0-9+#]*[*.]\Z")
_AS_IS_EXACT = re.compile(r"[^\s@:;<>\"\x00-\x1f\x7f]{1,100}\Z")
_LOOKS_LIKE_PATTERN = re.compile(
    r".*[0-9Xx][*.]\s*\Z|[^a-wyzA-WYZ]*[Xx][^a-wyzA-WYZ]*\Z|[+]?[*.]\Z"
)

NumberKind = Literal["exact", "uri", "pattern"]


def _parameters(tree: Tree, _reading: Reading) -> Mapping[str, str]:
    if not isinstance(tree, Table):
        raise RefusedError(f"expected {PARAMETERS.says}, {describe(tree)}")
    if len(tree.entries) > MAX_PARAMETERS:
        raise RefusedError(f"at most {MAX_PARAMETERS} parameters, not {len(tree.entries)}")
    values: dict[str, str] = {}
    errors: list[RefusedError] = []
    for name, value in tree.entries.items():
        if not 0 < len(name) <= MAX_NAME:
            message = f"the name of a parameter has 1 to {MAX_NAME} characters"
            errors.append(RefusedError(message, location=tree.keys[name].location))
        if isinstance(value, Scalar) and len(value.text) <= MAX_VALUE:
            values[name] = value.text
        else:
            message = f"{shorten(name)}: expected text of up to {MAX_VALUE} characters"
            errors.append(RefusedError(message, location=value.location))
    refuse_all(errors)
    return MappingProxyType(values)


PARAMETERS = Kind("a mapping from the names of parameters to their values", _parameters)


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
        "What the number stands for. In a pool: a value for each of the pool's parameters.",
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


class NumberReader:
    """Reads the numbers one after the other and sees doubles."""

    def __init__(self, pools: Mapping[str, Pool], reading: Reading) -> None:
        self._pools = pools
        self._reading = reading
        self._seen: dict[tuple[str, bool], Location] = {}

    def read(self, written: Scalar, tree: Tree) -> Number | None:
        """One number: what stands before the colon, and behind it. None when it is no use."""
        if isinstance(tree, Scalar):
            tree = Table(tree.file, tree.mark, {NumberKeys.CAMPAIGN.name: tree})
        try:
            fields = read_fields(tree, NUMBER, self._reading)
            pattern, kind = self._number(written, as_is=fields[NumberKeys.AS_IS])
            self._check_double(pattern, written, as_is=fields[NumberKeys.AS_IS])
            return self._build(pattern, kind, fields, written.location)
        except MissingError:
            return None

    def _build(self, pattern: str, kind: NumberKind, fields: Fields, place: Location) -> Number:
        keys = NumberKeys
        pool = self._pools.get(fields.get(keys.POOL) or "")
        if pool is not None:
            self._check_binding(fields, pool)
        campaign = fields.get(keys.CAMPAIGN) or (pool.campaign if pool else None)
        if campaign is None:
            self._note_missing_campaign(fields, place, pool)
            raise MissingError(keys.CAMPAIGN.name)
        return Number(
            pattern=pattern,
            kind=kind,
            campaign=campaign,
            publisher=fields.get(keys.PUBLISHER) or (pool.publisher if pool else None),
            pool=pool.name if pool else None,
            parameters=fields.get(keys.PARAMETERS) or NOTHING,
            as_is=fields[keys.AS_IS],
            refuse=fields.get(keys.REFUSE),
            location=place,
        )

    def _note_missing_campaign(self, fields: Fields, place: Location, pool: Pool | None) -> None:
        # One that was written and refused, or a pool that was, has its own problem.
        written = fields.table.entries.get(NumberKeys.CAMPAIGN.name)
        told = written is not None and not (isinstance(written, Scalar) and written.absent)
        if not told and (pool is not None or NumberKeys.POOL.name not in fields.table.entries):
            message = 'a number needs a "campaign", here or in its pool'
            self._reading.problems.add(written.location if written else place, message)

    def _number(self, written: Scalar, *, as_is: bool) -> tuple[str, NumberKind]:
        try:
            return classify(written.text, self._reading.country, as_is=as_is)
        except RefusedError as error:
            note(self._reading, error, written, "number")
            raise MissingError("number") from None

    def _check_double(self, pattern: str, written: Scalar, *, as_is: bool) -> None:
        first = self._seen.setdefault((pattern, as_is), written.location)
        if first != written.location:
            message = f'"{shorten(written.text)}" is {pattern}, which stands in line {first.line}'
            self._reading.problems.add(written.location, f"number: {message} already")

    def _check_binding(self, fields: Fields, pool: Pool) -> None:
        """A number in a pool has a value for each parameter of the pool, and no others."""
        written = fields.table.entries.get(NumberKeys.PARAMETERS.name)
        if written is not None and NumberKeys.PARAMETERS not in fields:
            return
        values = fields.get(NumberKeys.PARAMETERS) or NOTHING
        place = fields.place(NumberKeys.PARAMETERS)
        missing = [name for name in pool.parameters if name not in values]
        if missing:
            message = f'parameters: the pool "{pool.name}" needs a value for {", ".join(missing)}'
            self._reading.problems.add(place, message)
        for name in values:
            if name not in pool.parameters and isinstance(written, Table):
                self._reading.problems.add(
                    written.keys[name].location,
                    f'parameters: "{shorten(name)}" is no parameter of the pool "{pool.name}"',
                    did_you_mean(name, pool.parameters),
                )


def classify(text: str, country: str, *, as_is: bool) -> tuple[str, NumberKind]:
    """The canonical text of what stands before the colon, and which kind it is."""
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


def _as_is(text: str) -> tuple[str, NumberKind]:
    if _AS_IS_PATTERN.match(text):
        return text.upper(), "pattern"
    if not _AS_IS_EXACT.match(text):
        raise RefusedError(f'"{shorten(text)}" is nothing that can be dialled')
    return text, "exact"


def _uri(text: str) -> str:
    problem = sip_uri_problem(text)
    address = split_sip_uri(text)
    if problem is not None or address is None:
        raise RefusedError(problem or f'"{shorten(text)}" is no SIP URI')
    if set(text) & set(";?"):
        raise RefusedError("a SIP URI stands without parameters here")
    return str(address)
