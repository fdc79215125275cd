"""The sections hours, regions, lists and tables: what conditions look things up in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from config.model.values import NOWHERE, Location


@dataclass(frozen=True, slots=True)
class OpenTime:
    """A span of minutes of some weekdays, by the schedule's own clock."""

    weekdays: frozenset[int]
    """0 is Monday."""
    first_minute: int
    """Minutes after midnight, 0-1439."""
    last_minute: int
    """Exclusive, 1-1440; not more than first_minute: it ends on the next day."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A schedule: when something is open."""

    name: str
    time_zone: str
    """IANA name; daylight saving time is the zone's."""
    open: tuple[OpenTime, ...]
    """Spans; empty: never open."""
    holidays: frozenset[date] = frozenset()
    """Days it is closed all day."""
    special: Mapping[date, tuple[OpenTime, ...]] = field(default_factory=dict)
    """Days with times of their own (weekdays are not looked at)."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Region:
    """A set of places: a caller is in it when any of them says so."""

    name: str
    countries: frozenset[str] = frozenset()
    """ISO 3166, two letters."""
    states: frozenset[str] = frozenset()
    """Two letters in the US and Canada."""
    cities: frozenset[str] = frozenset()
    """Lower case."""
    zips: frozenset[str] = frozenset()
    area_codes: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    """Beginnings of E.164 numbers, with +."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NumberList:
    """A named set of numbers: blocked callers, VIPs."""

    name: str
    numbers: frozenset[str]
    """E.164."""
    prefixes: tuple[str, ...] = ()
    """Beginnings, with +, longest first."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PrefixTable:
    """What is known of numbers by their beginning: line type, state, city, zip, network."""

    name: str
    columns: tuple[str, ...]
    """Without the prefix; `type`, `state`, `city`, `zip`, `network`, `country`, and any others."""
    rows: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Digits of the prefix (E.164 without +) to the values; the longest prefix counts."""
    location: Location = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """Where zips and area codes lie."""

    name: str
    rows: Mapping[str, tuple[float, float]] = field(repr=False)
    """Zip or area code to latitude and longitude in degrees."""
    path: Path = Path()
    location: Location = field(default=NOWHERE, compare=False, repr=False)
