"""What was played to a leg beside what was heard."""

from __future__ import annotations

import numpy as np

from media.g711 import encode
from media.voice.echo import AHEAD, BEHIND
from softswitch.call.player import Played
from softswitch.hearing.sent import sent_beside

LOUD = encode(np.full(8000, 1000, np.int16))
SECOND = 1_000_000_000


def places(*played: Played) -> tuple[int, int] | None:
    """The first and the last sample sent, from the first of a second heard from 10 s on."""
    sent = sent_beside(played, 10 * SECOND, 8000)
    if sent is None:
        return None
    assert len(sent) == BEHIND + 8000 + AHEAD
    sounding = np.flatnonzero(sent)
    return int(sounding[0]) - BEHIND, int(sounding[-1]) - BEHIND


def test_a_prompt_stands_where_it_was_sent() -> None:
    assert places(Played(LOUD, 10.25, False)) == (2000, 8000 + AHEAD - 1)
    assert places(Played(LOUD, 9.5, False, until=9.75)) == (-4000, -2001)


def test_what_was_over_long_before_is_not_there() -> None:
    assert places() is None
    assert places(Played(LOUD, 8.0, False, until=9.0)) is None


def test_what_repeats_goes_on() -> None:
    assert places(Played(LOUD, 2.0, True)) == (-BEHIND, 8000 + AHEAD - 1)
