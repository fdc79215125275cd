"""What a cadence is: ringback, busy or reorder, of any of the plans of `media.tones`.

Told by durations and by the frequencies of the bursts. How those were measured is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from media.tones import TONE_PLANS, Tone

__all__ = ["FREQUENCIES", "MAX_SEGMENTS", "PAUSE", "Sounded", "burst", "name_cadence"]

FREQUENCIES: Final = tuple(
    sorted(
        {
            frequency
            for plan in TONE_PLANS.values()
            for tone in (plan.ringback, plan.busy, plan.reorder)
            for segment in tone.segments
            for frequency in segment.frequencies
        }
    )
)
"""Of ringback, busy and reorder in all plans, in Hz."""

MAX_SEGMENTS: Final = 9
"""Bursts and pauses kept of a leg: two periods of the longest cadence with a burst to spare."""
_ENOUGH: Final = 4
"""Busy and reorder are told after two bursts and their pauses."""
_LONG_MS: Final = 800.0
_LEAST_ALONE: Final = 0.8
"""Share of the energy of a burst that is told alone: nothing else sounds with it."""
_CONTRADICTED: Final = 0.05
"""Cadences whose mean errors are nearer to each other than this cannot be told apart yet."""


Chord = tuple[float, ...]
"""Frequencies that sound together, in Hz."""
PAUSE: Final[frozenset[Chord]] = frozenset([()])


@dataclass(frozen=True, slots=True)
class Sounded:
    """A burst or a pause."""

    milliseconds: float
    chords: frozenset[Chord]
    """What it may have been, of the chords of the plans; the empty one alone for a pause."""
    share: float = 0.0
    """Of its energy in the best of them."""


@dataclass(frozen=True, slots=True)
class _Cadence:
    countries: frozenset[str]
    name: str
    durations: tuple[float, ...]
    """Milliseconds on and off in turn."""
    chords: tuple[Chord, ...]
    """Of each burst; the empty one of pauses."""


def name_cadence(segments: Sequence[Sounded], country: str = "") -> str | None:
    """What these bursts and pauses are: ringback, busy, reorder, or nothing that is known (yet).

    The last is the latest; what came before a segment that fits no longer does not matter. A long
    burst alone is a ringback when nothing else is as long; what has two bursts and pauses is what
    it has most segments in common with, in the plan of the country if it has the tone.
    """
    last = segments[-1]
    found: dict[str, tuple[int, float]] = {}
    own: dict[str, tuple[int, float]] = {}
    for cadence, place in _PLACES:
        if not _fits(cadence, place, last):
            continue
        match = _match(cadence, place, segments)
        found[cadence.name] = max(match, found.get(cadence.name, match))
        if country in cadence.countries:
            own[cadence.name] = max(match, own.get(cadence.name, match))
    alone = last.milliseconds >= _LONG_MS and last.share >= _LEAST_ALONE
    return _nearest(own or found, alone)


def _nearest(matches: Mapping[str, tuple[int, float]], alone: bool) -> str | None:
    """The name of the best match, if it is good enough to say so; `alone`: the last segment is."""
    if not matches:
        return None
    name = max(matches, key=matches.__getitem__)
    count, error = matches[name]
    others = [match for other, match in matches.items() if other != name and match[0] == count]
    if count < _ENOUGH:
        return name if alone and name == "ringback" and not others else None
    if count < MAX_SEGMENTS - 1 and any(error - other[1] < _CONTRADICTED for other in others):
        return None
    return name


def _match(cadence: _Cadence, place: int, segments: Sequence[Sounded]) -> tuple[int, float]:
    """How many segments fit, counted back from the last which is this one of the cadence, and how
    far the durations are off: minus the mean error, as a share."""
    total, count = 0.0, 0
    for sounded in reversed(segments):
        if not _fits(cadence, place, sounded):
            break
        expected = cadence.durations[place]
        total += abs(sounded.milliseconds - expected) / expected
        count += 1
        place = place - 1 if place else len(cadence.durations) - 1
    return count, -total / count


def _fits(cadence: _Cadence, place: int, sounded: Sounded) -> bool:
    expected = cadence.durations[place]
    off = abs(sounded.milliseconds - expected)
    return off <= 0.1 * expected + 35 and cadence.chords[place] in sounded.chords


def _cadences() -> tuple[_Cadence, ...]:
    """Each different one once, with the countries that have it."""
    countries: dict[tuple[str, Tone], list[str]] = {}
    for plan in TONE_PLANS.values():
        for name in ("ringback", "busy", "reorder"):
            countries.setdefault((name, plan.tone(name)), []).append(plan.country)
    return tuple(
        _Cadence(
            frozenset(where),
            name,
            tuple(float(segment.duration_ms) for segment in tone.segments),
            tuple(segment.frequencies for segment in tone.segments),
        )
        for (name, tone), where in countries.items()
    )


_CADENCES: Final = _cadences()
_PLACES: Final = tuple(
    (cadence, place) for cadence in _CADENCES for place in range(len(cadence.durations))
)
_NEAR_HZ: Final = 12.0
"""A frequency counts for those so near to it: 100 ms tell no less, networks are a little off."""
_NEAR: Final = {
    frequency: tuple(i for i, one in enumerate(FREQUENCIES) if abs(one - frequency) <= _NEAR_HZ)
    for frequency in FREQUENCIES
}
_CHORDS: Final = frozenset(chord for cadence in _CADENCES for chord in cadence.chords if chord)
_LEAST_TOGETHER: Final = 0.55
"""Share of the energy in the cadence's frequencies: of a modulated tone two thirds, the rest is in
its sidebands."""
_LEAST_EACH: Final = 0.12


def burst(milliseconds: float, shares: Sequence[float]) -> Sounded:
    """A burst in whose energy FREQUENCIES have these shares."""
    chords, best = [], 0.0
    for chord in _CHORDS:
        each = [max(shares[i] for i in _NEAR[frequency]) for frequency in chord]
        if min(each) >= _LEAST_EACH and sum(each) >= _LEAST_TOGETHER:
            chords.append(chord)
            best = max(best, sum(each))
    return Sounded(milliseconds, frozenset(chords), best)
