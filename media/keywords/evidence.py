"""Whether what a rule listens for was said, and which mentions make it true."""

from collections.abc import Callable, Sequence
from itertools import product

from config.model import AllSaid, AnySaid, CountSaid, NearSaid, NotSaid, Phrase, Said
from media.keywords.mentions import Mention

__all__ = ["evidence", "is_plain", "needs_silence"]

Lookup = Callable[[Phrase], Sequence[Mention]]
"""The mentions of a phrase that count, in the order of time."""

MAX_PAIRED = 32
"""Mentions of each side that are looked at for `near`: the last ones."""


def is_plain(said: Said) -> bool:
    """Whether each mention is a hit: a phrase, or one of several."""
    return isinstance(said, Phrase) or (
        isinstance(said, AnySaid) and all(map(is_plain, said.parts))
    )


def needs_silence(said: Said) -> bool:
    """Whether something must not be said, which is known at the end only."""
    if isinstance(said, NotSaid):
        return True
    return isinstance(said, AllSaid | AnySaid) and any(map(needs_silence, said.parts))


def evidence(said: Said, lookup: Lookup) -> list[Mention] | None:
    """The mentions that make it true, the latest there are; None when it is not."""
    if isinstance(said, Phrase):
        mentions = lookup(said)
        return [mentions[-1]] if mentions else None
    if isinstance(said, CountSaid):
        mentions = lookup(said.phrase)
        return list(mentions[-said.times :]) if len(mentions) >= said.times else None
    if isinstance(said, NearSaid):
        return _near(lookup(said.first), lookup(said.second), said.seconds)
    if isinstance(said, NotSaid):
        return [] if evidence(said.part, lookup) is None else None
    found = [evidence(part, lookup) for part in said.parts]
    true = [mentions for mentions in found if mentions is not None]
    if isinstance(said, AnySaid):
        return max(true, key=_latest) if true else None
    return (
        [mention for mentions in true for mention in mentions] if len(true) == len(found) else None
    )


def _latest(mentions: list[Mention]) -> int:
    return max((mention.start_ns for mention in mentions), default=0)


def _near(
    first: Sequence[Mention], second: Sequence[Mention], seconds: float
) -> list[Mention] | None:
    """The latest pair within so many seconds of each other, from the end of one to the begin of the
    other."""
    pairs = [
        pair
        for pair in product(first[-MAX_PAIRED:], second[-MAX_PAIRED:])
        if pair[0].start_ns != pair[1].start_ns and _gap_ns(*pair) <= seconds * 1e9
    ]
    return list(max(pairs, key=lambda pair: _latest([*pair]))) if pairs else None


def _gap_ns(one: Mention, other: Mention) -> int:
    return max(other.start_ns - one.end_ns, one.start_ns - other.end_ns, 0)
