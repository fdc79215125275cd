"""Call progress tones of the world's networks, and the chime: rendered once, played in a loop.

ITU-T E.180 / Q.35 (levels, cadences, special information tone) and the national plans, whose
sources are named beside them. Who plays a tone to whom, and when, is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.g711 import Samples

DEFAULT_LEVEL_DBM0: Final = -16.0
"""Level of a tone's sum of frequencies: within the -15 to -5 dBm0 of E.180 less the loss to come.
"""

# A sine that just does not clip has +3.14 dBm0 in A-law (G.711 section 4, table 5).
_FULL_SCALE_SINE_DBM0 = 3.14
_EDGE_MS = 3
# Tones that never pause are rendered for a second: whole numbers of Hz then end where they began.
_CONTINUOUS_MS = 1000


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one cadence: frequencies in Hz (none: silence), length in ms (0: for ever).

    `modulation` in Hz makes the amplitude rise and fall (Japan's and India's `400 x 25`).
    """

    frequencies: tuple[float, ...]
    duration_ms: int = 0
    modulation: float = 0.0


@dataclass(frozen=True, slots=True)
class Tone:
    """One period of a cadence, to be repeated for as long as the tone lasts."""

    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class TonePlan:
    """The tones of a country, and where they are laid down."""

    country: str
    dial: Tone
    ringback: Tone
    busy: Tone
    reorder: Tone
    source: str

    def tone(self, name: str) -> Tone:
        """A tone by its name in TONE_NAMES; raises KeyError."""
        tones = {
            "dial": self.dial,
            "ringback": self.ringback,
            "busy": self.busy,
            "reorder": self.reorder,
            "congestion": self.reorder,
            "sit": SPECIAL_INFORMATION,
        }
        return tones[name]


TONE_NAMES: Final = ("dial", "ringback", "busy", "reorder", "congestion", "sit")


def _cadence(frequencies: tuple[float, ...], *on_off_ms: int, modulation: float = 0.0) -> Tone:
    """A tone that is on and off for these milliseconds in turn; always on when none are given."""
    if not on_off_ms:
        return Tone((Segment(frequencies, 0, modulation),))
    segments = []
    for index, duration in enumerate(on_off_ms):
        on = index % 2 == 0
        segments.append(Segment(frequencies if on else (), duration, modulation if on else 0.0))
    return Tone(tuple(segments))


SPECIAL_INFORMATION: Final = Tone(
    (Segment((950.0,), 330), Segment((1400.0,), 330), Segment((1800.0,), 330), Segment((), 1000))
)
"""E.180 section 7: three tones in turn, each 330 ms, then a second of silence."""

_E180 = "ITU-T E.180 Supplement 2; ITU Operational Bulletin annex, Various tones used (2003)"


def _european(
    country: str,
    ringback: tuple[int, int] = (1000, 4000),
    busy: tuple[int, int] = (500, 500),
    reorder: tuple[int, ...] = (200, 200),
    *,
    dial: tuple[int, ...] = (),
    frequency: float = 425.0,
    source: str = _E180,
) -> TonePlan:
    """A plan with one frequency for everything, as CEPT's T/CS 20-15 recommended (425 Hz)."""
    one = (frequency,)
    return TonePlan(
        country,
        _cadence(one, *dial),
        _cadence(one, *ringback),
        _cadence(one, *busy),
        _cadence(one, *reorder),
        source,
    )


_NORTH_AMERICA = TonePlan(
    "us",
    dial=_cadence((350.0, 440.0)),
    ringback=_cadence((440.0, 480.0), 2000, 4000),
    busy=_cadence((480.0, 620.0), 500, 500),
    reorder=_cadence((480.0, 620.0), 250, 250),
    source="Telcordia GR-506 (precise tone plan); ITU-T E.180 Supplement 2",
)
_UNITED_KINGDOM = TonePlan(
    "gb",
    dial=_cadence((350.0, 440.0)),
    ringback=_cadence((400.0, 450.0), 400, 200, 400, 2000),
    busy=_cadence((400.0,), 375, 375),
    reorder=_cadence((400.0,), 400, 350, 225, 525),
    source="BT SIN 350",
)
_AUSTRALIA = TonePlan(
    "au",
    dial=_cadence((413.0, 438.0)),
    ringback=_cadence((413.0, 438.0), 400, 200, 400, 2000),
    busy=_cadence((425.0,), 375, 375),
    reorder=_cadence((425.0,), 375, 375),
    source="AS/ACIF S002",
)
_NEW_ZEALAND = TonePlan(
    "nz",
    dial=_cadence((400.0,)),
    ringback=_cadence((400.0, 450.0), 400, 200, 400, 2000),
    busy=_cadence((400.0,), 500, 500),
    reorder=_cadence((400.0,), 250, 250),
    source="Telecom New Zealand TNA 102",
)
_JAPAN = TonePlan(
    "jp",
    dial=_cadence((400.0,)),
    ringback=_cadence((400.0,), 1000, 2000, modulation=16.0),
    busy=_cadence((400.0,), 500, 500),
    reorder=_cadence((400.0,), 500, 500),
    source="ITU-T E.180 Supplement 2 (400 Hz modulated by 15 to 20 Hz)",
)
_INDIA = TonePlan(
    "in",
    dial=_cadence((400.0,), modulation=25.0),
    ringback=_cadence((400.0,), 400, 200, 400, 2000, modulation=25.0),
    busy=_cadence((400.0,), 750, 750),
    reorder=_cadence((400.0,), 250, 250),
    source="ITU-T E.180 Supplement 2 (400 Hz modulated by 25 Hz)",
)

_PLANS = (
    _NORTH_AMERICA,
    replace(_NORTH_AMERICA, country="ca"),
    _UNITED_KINGDOM,
    replace(_UNITED_KINGDOM, country="uk"),
    replace(_UNITED_KINGDOM, country="ie", source=_E180),
    _AUSTRALIA,
    _NEW_ZEALAND,
    _JAPAN,
    _INDIA,
    _european("at", (1000, 5000), (400, 400), frequency=420.0),
    _european("be", (1000, 3000), reorder=(167, 167)),
    _european("br", busy=(250, 250), reorder=(250, 250, 750, 250), source="Anatel; " + _E180),
    _european("ch"),
    _european("cn", busy=(350, 350), reorder=(700, 700), frequency=450.0),
    _european("de", busy=(480, 480), reorder=(240, 240)),
    _european("dk"),
    _european("es", (1500, 3000), (200, 200), (200, 200, 200, 200, 200, 600)),
    _european("fi", busy=(300, 300)),
    _european("fr", (1500, 3500), reorder=(250, 250), frequency=440.0),
    _european("it", dial=(200, 200, 600, 1000)),
    _european("mx", busy=(250, 250), reorder=(250, 250)),
    _european("nl", reorder=(250, 250)),
    _european("no"),
)

TONE_PLANS: Final[Mapping[str, TonePlan]] = MappingProxyType({p.country: p for p in _PLANS})
"""Plans by ISO 3166 code in lower case (and `uk` beside `gb`)."""

DEFAULT_COUNTRY: Final = "us"


def tone_plan(country: str) -> TonePlan:
    """The plan of a country, in any case of letters; raises KeyError when there is none."""
    return TONE_PLANS[country.lower()]


def render(tone: Tone, *, level_dbm0: float = DEFAULT_LEVEL_DBM0) -> Samples:
    """One full period of a tone as int16, to be looped: its end meets its beginning without a
    click.

    A tone without pauses is a second long. Raises ValueError at a level that would clip.
    """
    pieces = [_render_segment(segment, level_dbm0) for segment in tone.segments]
    waveform = np.concatenate(pieces)
    if np.abs(waveform).max(initial=0.0) > 32767.0:
        raise ValueError(f"a tone at {level_dbm0} dBm0 is beyond full scale")
    return np.rint(waveform).astype(np.int16)


def _render_segment(segment: Segment, level_dbm0: float) -> NDArray[np.float64]:
    length = (segment.duration_ms or _CONTINUOUS_MS) * SAMPLE_RATE // 1000
    if not segment.frequencies:
        return np.zeros(length)
    time = np.arange(length) / SAMPLE_RATE
    waveform = np.zeros(length)
    for frequency in segment.frequencies:
        waveform += np.sin(2 * np.pi * frequency * time)
    power = len(segment.frequencies) / 2
    if segment.modulation:
        # Full depth: (1 + cos)/2 has a mean square of 3/8.
        waveform *= 0.5 - 0.5 * np.cos(2 * np.pi * segment.modulation * time)
        power *= 3 / 8
    waveform *= 32767 * 10 ** ((level_dbm0 - _FULL_SCALE_SINE_DBM0) / 20) * np.sqrt(0.5 / power)
    if segment.duration_ms:
        _soften_edges(waveform)
    return waveform


def _soften_edges(waveform: NDArray[np.float64]) -> None:
    """Let a burst come and go within a few milliseconds: cut off sharply, it would click."""
    length = min(_EDGE_MS * SAMPLE_RATE // 1000, waveform.size // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)
    waveform[:length] *= ramp
    waveform[waveform.size - length :] *= ramp[::-1]


def chime() -> Samples:
    """A soft two-note signal of 1.2 s, for a prompt that there is no voice for.

    Its notes keep clear of DTMF, fax and call progress frequencies, so that no detector takes it
    for one.
    """
    out = np.zeros(int(1.2 * SAMPLE_RATE))
    for start_seconds, frequency in ((0.0, 659.26), (0.35, 523.25)):
        start = int(start_seconds * SAMPLE_RATE)
        time = np.arange(out.size - start) / SAMPLE_RATE
        note = np.sin(2 * np.pi * frequency * time)
        note += 0.3 * np.sin(2 * np.pi * 2 * frequency * time) * np.exp(-6.0 * time)
        out[start:] += note * np.exp(-4.5 * time) * np.minimum(1.0, time / 0.005)
    fade = int(0.05 * SAMPLE_RATE)
    out[-fade:] *= np.linspace(1.0, 0.0, fade)
    return np.asarray(np.rint(out / np.abs(out).max() * 9000.0), np.int16)
