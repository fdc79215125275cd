import numpy as np

from softswitch.hearing.sound_ring import RING_FRAMES, SoundRing

FRAME_NS = 20_000_000
START = 1_000_000_000


def write(ring: SoundRing, row: int, number: int, value: int) -> None:
    ring.write(
        np.array([row]),
        np.full((1, 160), value, np.int16),
        np.array([START + number * FRAME_NS], np.int64),
    )


def values(ring: SoundRing, row: int, first: int, last: int) -> list[int]:
    samples, _ = ring.cut(row, START + first * FRAME_NS, START + last * FRAME_NS)
    return [int(value) for value in samples[::160]]


def test_what_was_heard_is_cut_out_by_time() -> None:
    ring = SoundRing()
    row = ring.take_row()
    for number in range(10):
        write(ring, row, number, number + 1)
    samples, start_ns = ring.cut(row, START + 3 * FRAME_NS, START + 6 * FRAME_NS)
    assert [int(value) for value in samples[::160]] == [4, 5, 6]
    assert start_ns == START + 3 * FRAME_NS


def test_what_was_not_sent_is_silence() -> None:
    ring = SoundRing()
    row = ring.take_row()
    write(ring, row, 0, 1)
    write(ring, row, 3, 4)
    assert values(ring, row, 0, 4) == [1, 0, 0, 4]


def test_a_frame_that_is_a_little_late_is_no_gap() -> None:
    ring = SoundRing()
    row = ring.take_row()
    write(ring, row, 0, 1)
    late = np.array([START + FRAME_NS + 8_000_000], np.int64)
    ring.write(np.array([row]), np.full((1, 160), 2, np.int16), late)
    assert values(ring, row, 0, 3) == [1, 2]


def test_the_oldest_is_overwritten() -> None:
    ring = SoundRing()
    row = ring.take_row()
    for number in range(RING_FRAMES + 5):
        write(ring, row, number, number % 1000)
    kept = values(ring, row, 0, RING_FRAMES + 5)
    assert kept == [number % 1000 for number in range(5, RING_FRAMES + 5)]


def test_a_gap_longer_than_the_ring_leaves_silence_only() -> None:
    ring = SoundRing()
    row = ring.take_row()
    write(ring, row, 0, 1)
    write(ring, row, 3 * RING_FRAMES, 2)
    kept = values(ring, row, 0, 3 * RING_FRAMES + 1)
    assert kept[-1] == 2
    assert not any(kept[:-1])


def test_rows_do_not_mix_and_are_clean_when_taken_again() -> None:
    ring = SoundRing()
    rows = [ring.take_row() for _ in range(9)]
    assert len(set(rows)) == 9
    times = np.full(9, START, np.int64)
    samples = np.repeat(np.arange(1, 10, dtype=np.int16)[:, None], 160, axis=1)
    ring.write(np.array(rows), samples, times)
    assert [values(ring, row, 0, 1) for row in rows] == [[value] for value in range(1, 10)]
    ring.give_back(rows[4])
    assert ring.take_row() == rows[4]
    assert values(ring, rows[4], 0, 1) == []


def test_nothing_is_cut_from_where_nothing_was_heard() -> None:
    ring = SoundRing()
    row = ring.take_row()
    assert ring.cut(row, 0, START)[0].size == 0
    write(ring, row, 0, 1)
    assert ring.cut(row, START + 50 * FRAME_NS, START + 60 * FRAME_NS)[0].size == 0
