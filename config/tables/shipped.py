"""The table of places that comes with the switch: where area codes lie, roughly."""

import csv
from functools import cache
from pathlib import Path
from types import MappingProxyType

from config.model import PlaceTable

__all__ = ["SAMPLES", "shipped_places"]

SAMPLES = Path(__file__).parents[1] / "samples"
"""Folder of the tables that come with the switch."""


@cache
def shipped_places() -> PlaceTable:
    """Area codes of North America and the middle of what they serve."""
    path = SAMPLES / "area-codes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = {
            row["area_code"]: (float(row["latitude"]), float(row["longitude"]))
            for row in csv.DictReader(file)
        }
    return PlaceTable("area-codes", MappingProxyType(rows), path)
