"""How much sound a packet has that goes to a peer: what it asked for, within what it takes.

RFC 8866 section 6.4: ptime is a wish, maxptime a limit. Knows no descriptions, only their numbers
(0: not said).
"""

from functools import lru_cache

import msgspec

__all__ = ["DEFAULT_PTIME_MS", "PacketTime", "choose_ptime", "packet_time"]

DEFAULT_PTIME_MS = 20
MIN_PTIME_MS = 10
MAX_PTIME_MS = 60
"""Above it a lost packet is heard as a gap, and nobody packs sound so long."""
PTIME_STEP_MS = 10
# What a packet of the media engine can hold at most; a limit above it limits nothing.
MAX_LIMIT_MS = 180


class PacketTime(msgspec.Struct, frozen=True):
    """Length of the packets that we make, and of those that go on as they come (least, most; most
    0: however long)."""

    ms: int = DEFAULT_PTIME_MS
    untouched_ms: tuple[int, int] = (0, 0)


def choose_ptime(ptime: int, max_ptime: int) -> int:
    """The packet length in milliseconds that suits a peer who asked for these (0: did not say).

    What is not a multiple of 10 between 10 and 60 is not obeyed.
    """
    chosen = ptime if is_usable(ptime) else DEFAULT_PTIME_MS
    if 0 < max_ptime < chosen:
        chosen = max(MIN_PTIME_MS, max_ptime - max_ptime % PTIME_STEP_MS)
    return chosen


def is_usable(ptime: int) -> bool:
    """Whether packets of this length can be made."""
    return MIN_PTIME_MS <= ptime <= MAX_PTIME_MS and ptime % PTIME_STEP_MS == 0


@lru_cache(maxsize=1024)
def packet_time(asked: int, limit: int, wish: int = 0) -> PacketTime:
    """What a peer gets that asked for `asked` and takes no more than `limit`, where we would like
    `wish`. Without any of them packets of others go on as they come."""
    said = asked if is_usable(asked) else wish
    chosen = choose_ptime(said, limit)
    if said:
        return PacketTime(chosen, (chosen, chosen))
    return PacketTime(chosen, (0, limit if limit <= MAX_LIMIT_MS else 0))
