"""Frames of the legs that are taped, and of no other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from softswitch.hearing.ear import Ear
from softswitch.hearing.heard import FRAME, Heard
from softswitch.hearing.strands import CAPACITY, Strands

FRAME_NS = 20_000_000


def ear(slot: int, *spans: tuple[float, float]) -> Ear:
    leg = SimpleNamespace(leg_id="a", call=None, side="calling", secret_spans=spans)
    return Ear(slot, cast("Any", leg), cast("Any", None), 0)


def heard(slots: list[int], number: int = 0) -> Heard:
    """A round in which each leg says its slot and one."""
    count = len(slots)
    samples = np.repeat(np.array(slots, np.int16)[:, None] + 1, FRAME, axis=1)
    return Heard(
        np.array(slots, np.intp),
        samples,
        np.ones((count, FRAME), np.bool_),
        np.full(count, number * FRAME, np.int64),
        np.full(count, number * FRAME_NS, np.int64),
        number * FRAME_NS + FRAME_NS,
    )


def test_only_legs_that_are_taped_are_gathered_however_many_there_are() -> None:
    strands = Strands()
    ears = [ear(slot) for slot in range(100)]
    for one in ears:
        strands.reserve(one.slot)
    taped = [strands.open(one, 0) for one in ears if one.slot % 3 == 0]
    strands.gather(heard(list(range(100))))
    strands.gather(heard([1, 2, 4]))
    for strand in taped:
        block = strands.take(strand)
        assert block is not None
        assert block.frames.shape == (1, FRAME)
        assert (block.frames == strand.ear.slot + 1).all()
        assert strands.take(strand) is None
    assert len({strand.source for strand in taped}) == len(taped)


def test_a_row_that_is_full_is_named_and_goes_on_when_it_was_taken() -> None:
    strands = Strands()
    strand = strands.open(ear(0), 0)
    full = [strands.gather(heard([0], number)) for number in range(CAPACITY)]
    assert full[:-1] == [[]] * (CAPACITY - 1)
    assert full[-1] == [strand]
    block = strands.take(strand)
    assert block is not None
    assert block.positions.tolist() == [number * FRAME for number in range(CAPACITY)]
    assert strands.gather(heard([0], CAPACITY)) == []


def test_a_closed_row_is_used_again_and_nothing_of_it_is_left() -> None:
    strands = Strands()
    first = strands.open(ear(0), 0)
    strands.hush(first, muted=True)
    strands.gather(heard([0]))
    assert strands.close(first) is not None
    strands.gather(heard([0]))
    second = strands.open(ear(7), 1)
    assert second.row == first.row
    assert strands.take(second) is None
    strands.gather(heard([0, 7]))
    block = strands.close(second)
    assert block is not None
    assert (block.frames == 8).all()
    assert block.channel == 1
    assert strands.strands == {}


def test_a_leg_is_silenced_until_a_time_however_late_its_frames_come() -> None:
    strands = Strands()
    strand = strands.open(ear(0), 0)
    strands.hush(strand, muted=True)
    strands.gather(heard([0], 0))
    strands.hush(strand, muted=False, until_ns=2 * FRAME_NS)
    for number in (1, 2, 3):
        strands.gather(heard([0], number))
    block = strands.take(strand)
    assert block is not None
    assert block.frames[:, 0].tolist() == [0, 0, 1, 1]
    assert not strands._quiet


def test_frames_of_a_secret_are_silence_also_when_nobody_said_so_in_time() -> None:
    strands = Strands()
    strand = strands.open(ear(0, (0.05, 0.09)), 0)
    for number in range(6):
        strands.gather(heard([0], number))
    block = strands.take(strand)
    assert block is not None
    assert block.frames[:, 0].tolist() == [1, 1, 0, 0, 0, 1]
