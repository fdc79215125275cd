"""Loads a configuration with everything checked that can be without taking a call.

`config.loader` stands below the media rooms and cannot ask them; this gives it what they know:
which tones and tone plans there are, and whether a WAV file can be played.
"""

from collections.abc import Mapping
from pathlib import Path

from config.loader import load
from config.model import Configuration
from media.tones import TONE_NAMES, TONE_PLANS
from media.wav import WavError, read_wav

__all__ = ["InstalledMedia", "load_checked"]


class InstalledMedia:
    """What the media rooms know (`config.reading.MediaKnowledge`)."""

    tone_plans = frozenset(TONE_PLANS)
    tones = frozenset({"chime", *TONE_NAMES})

    def wav_problem(self, path: Path) -> str | None:
        """Why a file cannot be played, or None when it can."""
        try:
            read_wav(path)
        except WavError as error:
            return str(error)
        return None


def load_checked(path: Path | str, environment: Mapping[str, str]) -> Configuration:
    """Load a file; raises config.loader.ConfigErrors with everything that is wrong."""
    return load(path, environment, media=InstalledMedia())
