"""A stretch of one leg's sound that is to be recognised, as it goes to a recogniser."""

from dataclasses import dataclass
from typing import Literal

from media import SAMPLE_RATE
from media.g711 import Samples

__all__ = ["MAX_WINDOW_SECONDS", "Purpose", "Window"]

Purpose = Literal["answer", "segment", "rolling"]
"""What for, most urgent first: a spoken answer, the whole of what was said, what is being said."""

MAX_WINDOW_SECONDS = 15.0
"""No window is longer: a recogniser takes at most 30 s at once, and its cost grows with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One window of one stream."""

    stream: int
    """Whose: windows of a stream follow each other, and may overlap."""
    samples: Samples
    """Linear at 8 kHz; zero where nothing arrived."""
    start_ns: int
    """Monotonic time of the first sample."""
    purpose: Purpose
    final: bool
    """Whether what was said ends here."""
    words: tuple[str, ...] = ()
    """What may be said: the recogniser leans to it. For engines that spot keywords, these."""
    sent: Samples | None = None
    """What was played to the leg meanwhile, as `media.voice.echo` wants it: its echo is no speech.
    None: nothing was."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples.size / SAMPLE_RATE

    @property
    def end_ns(self) -> int:
        """Monotonic time after its last sample."""
        return self.start_ns + self.samples.size * 1_000_000_000 // SAMPLE_RATE
