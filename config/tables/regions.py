"""The section regions: sets of places, written out or from CSV files of thousands."""

from collections.abc import Mapping

from config import hints
from config.document import Scalar, Tree
from config.kinds import LINE, list_of, one_of
from config.model import Region
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
    read_fields,
)
from config.rows import Rows
from config.tables.codes import (
    Code,
    area_code,
    city_name,
    country_code,
    number_prefix,
    state_code,
    zip_code,
)
from config.tables.files import rows_of

MAX_INLINE = 1000
"""Entries of a list; more stand better in a file."""
MAX_FILES = 20
"""Files of one region: each is read at every load."""

_COLUMNS: Mapping[str, Code] = {
    "zip": zip_code,
    "area_code": area_code,
    "prefix": number_prefix,
    "city": city_name,
    "state": state_code,
    "country": country_code,
}


def _codes(says: str, code: Code) -> Kind[tuple[str, ...]]:
    def read(tree: Tree, reading: Reading) -> str:
        if not isinstance(tree, Scalar) or tree.absent:
            raise RefusedError(f"expected {says}, {describe(tree)}")
        return code(tree.text, reading.country)

    return list_of(Kind(says, read, hints.SCALAR), most=MAX_INLINE)


class RegionKeys:
    """Keys of a region."""

    COUNTRIES = Key(
        "countries", _codes("a country (two letters)", country_code), "Countries.", example="[US]"
    )
    STATES = Key(
        "states",
        _codes("a state or province (two letters, or its name)", state_code),
        "States of the US and provinces of Canada; elsewhere as the tables have them.",
        example="[CA, Nevada]",
    )
    CITIES = Key(
        "cities", _codes("a city", city_name), "Cities, in any case.", example="[San Diego]"
    )
    ZIPS = Key("zips", _codes("a zip", zip_code), "Zips.", example="[92101, 92102]")
    AREA_CODES = Key(
        "area_codes", _codes("an area code", area_code), "Area codes.", example="[602, 480]"
    )
    PREFIXES = Key(
        "prefixes",
        _codes("the beginning of numbers, such as +1602", number_prefix),
        "Beginnings of numbers.",
        example="[+1602555]",
    )
    FILE = Key(
        "file",
        list_of(LINE, most=MAX_FILES),
        "CSV files with a column of "
        f"{', '.join(_COLUMNS)}, relative to the configuration's folder.",
        example="west-coast-zips.csv",
    )
    COLUMN = Key(
        "column",
        one_of(tuple(_COLUMNS)),
        "Which column of the files counts.",
        otherwise="the only one of these that a file has",
        example="zip",
    )


REGION = Section(
    "a region",
    "A set of places: a caller is in it when any of them says so. Where callers are is told by the "
    "section `tables`, then by their area code; cities and zips by tables only.",
    keys_of(RegionKeys),
    example="regions:\n  State Level: {states: [California]}\n"
    "  west: {file: west-coast-zips.csv, area_codes: [206]}",
)


_LISTS = {
    "country": RegionKeys.COUNTRIES,
    "state": RegionKeys.STATES,
    "city": RegionKeys.CITIES,
    "zip": RegionKeys.ZIPS,
    "area_code": RegionKeys.AREA_CODES,
    "prefix": RegionKeys.PREFIXES,
}


def read_region(name: str, tree: Tree, reading: Reading) -> Region | None:
    """One region."""
    try:
        fields = read_fields(tree, REGION, reading)
    except MissingError:
        return None
    places = {column: {*(fields.get(key) or ())} for column, key in _LISTS.items()}
    before = len(reading.problems)
    _add_files(places, fields, reading)
    told = fields.refused(*_LISTS.values(), RegionKeys.FILE) or len(reading.problems) > before
    if not any(places.values()) and not told:
        message = "a region needs at least one place: nobody would ever be in it"
        hint = f"settings: {', '.join(REGION.keys)}"
        reading.problems.add(tree.location, message, hint)
    return Region(
        name=name,
        countries=frozenset(places["country"]),
        states=frozenset(places["state"]),
        cities=frozenset(places["city"]),
        zips=frozenset(places["zip"]),
        area_codes=frozenset(places["area_code"]),
        prefixes=tuple(sorted(places["prefix"])),
        location=tree.location,
    )


def _add_files(places: dict[str, set[str]], fields: Fields, reading: Reading) -> None:
    for rows in rows_of(fields, RegionKeys.FILE, reading):
        column = _column(rows, fields.get(RegionKeys.COLUMN))
        if column is not None:
            places[column].update(_codes_of(rows, column, reading.country))


def _column(rows: Rows, wanted: str | None) -> str | None:
    """The column that counts: one, because a row that names a zip and its state means the zip."""
    if not rows.check_columns(tuple(_COLUMNS), (wanted,) if wanted else (), free=True):
        return None
    found = [name for name in rows.columns if name in _COLUMNS]
    if wanted:
        return wanted
    if len(found) == 1:
        return found[0]
    hint = f"columns: {', '.join(_COLUMNS)}"
    message = "no column of this file is a place"
    if found:
        message = f"several columns of this file are places: {', '.join(found)}"
        hint = f'say "column: {found[0]}" in the region'
    rows.refuse(rows.header_line, 0, message, hint)
    return None


def _codes_of(rows: Rows, column: str, country: str) -> set[str]:
    """The codes in a column; one may stand in several rows, which tell other things of it."""
    index, code = rows.columns.index(column), _COLUMNS[column]
    codes: set[str] = set()
    for line, fields in rows:
        try:
            codes.add(code(fields[index], country))
        except RefusedError as error:
            rows.refuse(line, index, str(error), error.suggestion)
    return codes
