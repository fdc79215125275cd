"""Voice activity of the WebRTC project, one detector a leg (package webrtcvad-wheels, optional).

Light, and at home in quiet lines: tones and music count as voice, and so does noise at 10 dB.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE

__all__ = ["WebrtcActivity", "WebrtcMissing"]

MODE: Final = 3
"""The strictest of 0 to 3: fewest frames of noise taken for voice, at little loss of voice."""


class WebrtcMissing(Exception):
    """The package is not installed."""


class WebrtcActivity:
    """One detector a leg, made when it is first heard; raises WebrtcMissing at the beginning."""

    def __init__(self) -> None:
        try:
            self._module: Any = importlib.import_module("webrtcvad")
        except ImportError as error:
            raise WebrtcMissing(f"the package webrtcvad-wheels: {error}") from error
        self._detectors: dict[int, Any] = {}

    def grow(self, rows: int) -> None:
        """Nothing to do: there is a detector only where one is needed."""

    def reset(self, slot: int) -> None:
        """Forget what was in a slot."""
        self._detectors.pop(slot, None)

    def hear(self, slots: NDArray[np.intp], samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """1 where a frame [M, 160] is voice, else 0."""
        answers = [
            self._detector(slot).is_speech(frame.tobytes(), SAMPLE_RATE)
            for slot, frame in zip(slots.tolist(), samples, strict=True)
        ]
        return np.array(answers, np.float32)

    def _detector(self, slot: int) -> Any:
        detector = self._detectors.get(slot)
        if detector is None:
            detector = self._detectors[slot] = self._module.Vad(MODE)
        return detector
