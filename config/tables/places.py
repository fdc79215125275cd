"""The section places: where zips and area codes lie, from CSV files."""

import math
from types import MappingProxyType

from config import hints
from config.document import Scalar, Table, Tree
from config.kinds import LINE
from config.model import PlaceTable
from config.reading import (
    Key,
    MissingError,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    shorten,
)
from config.rows import Rows
from config.tables.codes import Code, area_code, zip_code
from config.tables.files import only_rows

_KEYS: dict[str, Code] = {"zip": zip_code, "area_code": area_code}
_DEGREES = {"latitude": 90.0, "longitude": 180.0}


class PlaceKeys:
    """Keys of a table of places."""

    FILE = Key(
        "file",
        LINE,
        "CSV file with columns `zip` or `area_code`, `latitude` and `longitude` (degrees, west and "
        "south are negative), relative to the configuration's folder.",
        required=True,
        example="zips.csv",
    )


PLACES = Section(
    "a table of places",
    "Where zips and area codes lie, for the nearest destination. Without one, the area codes of "
    "North America are known.",
    keys_of(PlaceKeys),
    short="the name of the file alone",
    short_schema=hints.SCALAR,
    example="places:\n  zips: zips.csv",
)


def read_places(name: str, tree: Tree, reading: Reading) -> PlaceTable | None:
    """One table of places: its settings, or its file alone."""
    keys = PlaceKeys
    if isinstance(tree, Scalar) and not tree.absent:
        tree = Table(tree.file, tree.mark, {keys.FILE.name: tree})
    try:
        fields = read_fields(tree, PLACES, reading)
        rows = only_rows(fields, keys.FILE, reading)
    except MissingError:
        return None
    if rows is None or not rows.check_columns((*_KEYS, *_DEGREES), tuple(_DEGREES), free=True):
        return None
    key = next((column for column in _KEYS if column in rows.columns), None)
    if key is None:
        message = f"a column {' or '.join(_KEYS)} is missing"
        rows.refuse(rows.header_line, 0, message, "the first line of the file names its columns")
        return None
    places = _read_rows(rows, key, reading.country)
    path = reading.folder / fields[keys.FILE]
    return PlaceTable(name, MappingProxyType(places), path, tree.location)


def _read_rows(rows: Rows, key: str, country: str) -> dict[str, tuple[float, float]]:
    at, code = rows.columns.index(key), _KEYS[key]
    degrees = [(rows.columns.index(name), most) for name, most in _DEGREES.items()]
    places: dict[str, tuple[float, float]] = {}
    for line, fields in rows:
        try:
            found = code(fields[at], country)
        except RefusedError as error:
            rows.refuse(line, at, str(error), error.suggestion)
            continue
        values = [_degrees(rows, line, fields, index, most) for index, most in degrees]
        latitude, longitude = values
        if found in places:
            rows.refuse(line, at, f'"{shorten(fields[at])}" stands twice')
        elif latitude is not None and longitude is not None:
            places[found] = (latitude, longitude)
    return places


def _degrees(rows: Rows, line: int, fields: list[str], index: int, most: float) -> float | None:
    """A latitude or longitude; None (and a problem) when it is none."""
    try:
        value = float(fields[index])
    except ValueError:
        value = math.nan
    if abs(value) <= most:
        return value
    message = f'expected degrees from -{most:.0f} to {most:.0f}, not "{shorten(fields[index])}"'
    rows.refuse(line, index, message)
    return None
