"""The echo of what was played: whether it is in what a leg sends, and that without it.

Lines send back what is played to them: a hybrid 10 to 30 dB lower, a telephone on a table louder
and later. The path is taken for a linear one of so many samples, found anew in each stretch of
sound, by least squares over the pieces in which nobody seems to speak besides, and again where a
packet buffer has moved the echo; what is left where a path explains nearly all is silence. Pure.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from media.g711 import Samples

__all__ = ["AHEAD", "BEHIND", "without_echo"]

BEHIND = 6400
"""Samples (0.8 s) that an echo may come late: further than any path but a satellite's two."""
AHEAD = 800
"""Samples (0.1 s) that it may come early: clocks of what was sent and of what was heard differ."""
TAPS = 128
"""Of a path (16 ms): a hybrid rings for 8 ms, and the strongest tap is not the first."""
BEFORE = 32
"""Taps before the strongest."""
BLOCK = 200
"""Samples (25 ms) that are echo or not."""
LEARNT_BLOCKS = 32
"""From so many a path is learnt: six samples for each tap. From less than half of it, none."""
PART_BLOCKS = 32
"""A part (0.8 s) that no path explains is looked at by itself."""
MAX_PATHS = 8
"""Of one stretch: half a second of work. An echo that jumps more often is not followed."""
LOUD_SHARE = 0.02
"""Blocks that were played softer than this share of the loudest teach nothing."""
KNOWN_SHARE = 0.6
"""Of those blocks' energy: a path that explains less of them was made of chance."""
LEFT_SHARE = 0.12
"""A block of which less energy than this is left (9 dB) was echo; G.711's own noise leaves 0.1 %,
and whoever speaks besides is seldom so much softer."""
QUIET_SHARE = 0.01
"""A block left 20 dB below the loudest echo is what the path did not explain of it."""
DAMPING = 1e-4

Sound = NDArray[np.float64]


def without_echo(samples: Samples, sent: Samples) -> Samples:
    """What was heard without the echo of what was sent meanwhile: silence where there was nothing
    else. `sent` begins BEHIND samples before it and ends AHEAD samples after."""
    blocks = -(-len(samples) // BLOCK)
    if blocks < LEARNT_BLOCKS // 2 or not samples.any() or not sent.any():
        return samples
    heard = _padded(samples, 0, blocks * BLOCK).reshape(blocks, BLOCK)
    echo = _echo_in(heard, sent.astype(np.float64))
    if not echo.any():
        return samples
    left = heard - echo
    of_left, of_echo = _energies(left), _energies(echo)
    faint = (of_left < QUIET_SHARE * of_echo.max()) & (of_echo > of_left)
    left[(of_left <= LEFT_SHARE * _energies(heard)) | faint] = 0.0
    cleaned = left.reshape(-1)[: len(samples)]
    return np.asarray(np.clip(np.rint(cleaned), -32768, 32767), np.int16)


def _echo_in(heard: Sound, sent: Sound) -> Sound:
    """The echo in each block, by the path that explains most of it."""
    echo = np.zeros_like(heard)
    blocks, paths = len(heard), 0
    parts = range(0, max(blocks - PART_BLOCKS // 2, 1), PART_BLOCKS // 2)
    for part in (slice(0, blocks), *(slice(one, one + PART_BLOCKS) for one in parts)):
        missed, there = _energies(heard[part] - echo[part]), _energies(heard[part])
        if paths == MAX_PATHS or missed.sum() <= LEFT_SHARE * there.sum():
            continue
        found = _learn(heard[part], sent[part.start * BLOCK :])
        if found is None:
            continue
        paths += 1
        played = sliding_window_view(_padded(sent, found[0], heard.size + TAPS - 1), TAPS)
        other = np.asarray((played @ found[1]).reshape(heard.shape), np.float64)
        better = _energies(heard - other) < _energies(heard - echo)
        echo[better] = other[better]
    return echo


def _learn(heard: Sound, sent: Sound) -> tuple[int, Sound] | None:
    """Where in what was sent a path begins, and its taps, the last sample's first; None when there
    is none."""
    energies = _energies(heard)
    first = _delay(heard, sent, energies) + BEFORE - TAPS + 1
    played = _padded(sent, first, heard.size + TAPS - 1)
    direct = _energies(played[TAPS - 1 - BEFORE :][: heard.size].reshape(heard.shape))
    ratio = np.where(direct > LOUD_SHARE * direct.max(), direct / (energies + BLOCK), 0.0)
    learnt = np.argsort(ratio)[::-1][: min(LEARNT_BLOCKS, np.count_nonzero(ratio))]
    if len(learnt) < LEARNT_BLOCKS // 2:
        return None
    places = (learnt[:, None] * BLOCK + np.arange(BLOCK)).reshape(-1)
    known, wanted = sliding_window_view(played, TAPS)[places], heard[learnt].reshape(-1)
    itself = known.T @ known
    itself[np.diag_indices(TAPS)] += DAMPING * itself.trace() / TAPS + 1.0
    path = np.linalg.solve(itself, known.T @ wanted)
    missed = np.square(wanted - known @ path).sum()
    return (first, path) if missed < (1.0 - KNOWN_SHARE) * np.square(wanted).sum() else None


def _delay(heard: Sound, sent: Sound, energies: Sound) -> int:
    """Where in what was sent that begins whose echo is strongest. All blocks count alike, however
    loudly somebody speaks in some."""
    even = (heard / np.sqrt(energies + BLOCK)[:, None]).reshape(-1)
    sent = sent[: heard.size + BEHIND + AHEAD]
    size = 1 << (len(sent) + heard.size).bit_length()
    product = np.conj(np.fft.rfft(even, size)) * np.fft.rfft(sent, size)
    return int(np.argmax(np.abs(np.fft.irfft(product, size)[: BEHIND + AHEAD])))


def _energies(blocks: Sound) -> Sound:
    return np.asarray(np.square(blocks).sum(axis=1), np.float64)


def _padded(sound: Samples | Sound, first: int, length: int) -> Sound:
    """So many samples from a place on, zero where there are none."""
    found = np.zeros(length)
    start = max(first, 0)
    piece = sound[start : max(first + length, start)]
    found[start - first : start - first + len(piece)] = piece
    return found
