"""Places on the globe: how far apart they are, and where a zip, area code or switch lies.

Latitudes and longitudes in degrees. Knows no destinations.
"""

import math
from collections.abc import Iterable, Mapping

from config.model import PlaceSource, PlaceTable

__all__ = ["Place", "distance_km", "locate"]

Place = tuple[float, float]
"""Latitude and longitude."""

_EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG)."""
_KEY_LENGTHS: Mapping[PlaceSource, int] = {"zip": 5, "jip": 3, "area_code": 3}
"""Characters of each source that a table of places is asked for."""


def distance_km(one: Place, other: Place) -> float:
    """The length of the great circle between two places (haversine)."""
    first, second = math.radians(one[0]), math.radians(other[0])
    across = math.sin((second - first) / 2) ** 2
    along = math.sin(math.radians(other[1] - one[1]) / 2) ** 2
    chord = across + math.cos(first) * math.cos(second) * along
    return 2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


def locate(
    table: PlaceTable, sources: Iterable[PlaceSource], known: Mapping[PlaceSource, str | None]
) -> tuple[PlaceSource, Place] | None:
    """Where a caller is, by the first source that is known and stands in the table.

    A zip is asked for as it is and by its first five characters, a JIP by its area code.
    """
    for source in sources:
        text = (known.get(source) or "").strip()
        for key in (text, text[: _KEY_LENGTHS[source]]):
            place = table.rows.get(key) if key else None
            if place is not None:
                return source, place
    return None
