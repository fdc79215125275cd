"""Readers of the sections conditions look things up in: hours, regions, lists, tables, places.

Sections: `HOURS`, `REGION`, `LIST`, `TABLE`, `PLACES`. Tables are read before expressions are:
their columns become facts.
"""

from config.tables.hours import HOURS, read_hours
from config.tables.lists import LIST, read_list
from config.tables.places import PLACES, read_places
from config.tables.prefixes import TABLE, read_table
from config.tables.regions import REGION, read_region
from config.tables.shipped import shipped_places

__all__ = [
    "HOURS",
    "LIST",
    "PLACES",
    "REGION",
    "TABLE",
    "read_hours",
    "read_list",
    "read_places",
    "read_region",
    "read_table",
    "shipped_places",
]
