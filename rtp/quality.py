"""How a stream sounds, from what was measured of it: the E-model of ITU-T G.107.

R = 93.2 - Id - Ie,eff: the rating of a perfect narrowband connection with all else at its default,
less what delay and loss of packets take away. For G.711 only (Ie = 0). Loss counts for more when
it comes in bursts. Pure: it reads no statistics and no clock.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "Concealment",
    "burst_ratio",
    "delay_impairment",
    "loss_impairment",
    "mean_opinion_score",
    "mouth_to_ear_ms",
    "rating",
]

Concealment = Literal["none", "repeating"]
"""What the listener's equipment does about a lost packet: nothing, or what G.711 Appendix I
says."""

BEST_RATING = 93.2
"""G.107 table 3: R with all parameters at their defaults."""

ROBUSTNESS = {"none": 4.3, "repeating": 25.1}
"""Bpl of G.711 with packets of 10 to 20 ms, from G.113 Appendix I."""

DELAY_TURN_MS = 177.3
"""From here on people begin to talk at once."""

MAX_BURST_RATIO = 10.0
"""G.107 was fitted to bursts twice as long as chance makes them; what is far beyond is an outage,
whose share of the time says more."""

MAX_LOSS = 0.5
"""Beyond it nothing is understood."""

BUFFER_JITTERS = 2.5
"""A jitter buffer that holds packets for so many mean deviations loses few of them."""
MIN_BUFFER_MS = 40.0
MAX_BUFFER_MS = 200.0
"""No telephone waits longer for a packet: talking to each other would suffer more."""

WORST_SCORE, BEST_SCORE = 1.0, 4.5


def delay_impairment(one_way_ms: float) -> float:
    """Id: what so much delay from mouth to ear takes away, with echo cancelled.

    The two straight lines that G.107's curves (talker echo, listener echo, delay alone) are
    commonly replaced by: within 1.1 of their sum up to 300 ms, 3 at 400 ms.
    """
    delay = max(0.0, one_way_ms)
    return 0.024 * delay + 0.11 * max(0.0, delay - DELAY_TURN_MS)


def loss_impairment(
    loss: float, bursts: float = 1.0, *, concealment: Concealment = "repeating"
) -> float:
    """Ie,eff (G.107 section 7.5): what the loss of a share of the packets, 0 to 1, takes away.

    `bursts` is the burst ratio: 1 is chance; less than that is taken for it.
    """
    percent = 100.0 * min(max(loss, 0.0), MAX_LOSS)
    ratio = min(max(bursts, 1.0), MAX_BURST_RATIO)
    return 95.0 * percent / (percent / ratio + ROBUSTNESS[concealment])


def rating(
    loss: float,
    one_way_ms: float,
    bursts: float = 1.0,
    *,
    concealment: Concealment = "repeating",
) -> float:
    """R, 0 to 93.2."""
    taken = delay_impairment(one_way_ms) + loss_impairment(loss, bursts, concealment=concealment)
    return max(0.0, BEST_RATING - taken)


def mean_opinion_score(r: float) -> float:
    """The opinion that a rating stands for (G.107 Annex B): 1, bad, to 4.5."""
    if r <= 0.0:
        return WORST_SCORE
    if r >= 100.0:
        return BEST_SCORE
    # Below 6.5 the curve dips under the worst score there is.
    return max(WORST_SCORE, 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6)


def burst_ratio(lost: int, runs: int, expected: int) -> float:
    """How much longer the stretches of lost packets are than chance would make them.

    Chance that loses a share p of the packets makes stretches of 1 / (1 - p) on average.
    """
    if lost <= 0 or runs <= 0 or expected <= 0:
        return 1.0
    return lost / runs * (1.0 - min(lost / expected, 1.0))


def mouth_to_ear_ms(round_trip_ms: float | None, jitter_ms: float, ptime_ms: float = 20.0) -> float:
    """The delay one way: half the round trip (none where it was not measured), the packet that is
    filled first, and a jitter buffer that suits the jitter."""
    network = 0.0 if round_trip_ms is None else max(0.0, round_trip_ms) / 2.0
    buffer = min(max(BUFFER_JITTERS * jitter_ms, MIN_BUFFER_MS), MAX_BUFFER_MS)
    return network + ptime_ms + buffer
