"""Voice activity by the silero network at 8 kHz, for many legs in one call of onnxruntime.

The network takes 256 samples, the 32 before them, and a state of its own a leg. Frames are 160
samples, so that five of eight frames of a leg complete a window; between windows the last answer
stands. Both packages are optional: the model is read out of the silero-vad package, whose code
(which needs torch) is never imported.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.voice.rows import FIRST_ROWS, grown

__all__ = ["SileroActivity", "SileroMissing", "find_model", "load_silero"]

WINDOW: Final = 256
CONTEXT: Final = 32
FRAME: Final = 160
STATE: Final = 128
MODEL_FILE: Final = "data/silero_vad.onnx"
FAILURES_MODULE: Final = "onnxruntime.capi.onnxruntime_pybind11_state"
LOG_ERRORS: Final = 3
"""onnxruntime's own warnings are about the making of the model."""


class SileroMissing(Exception):
    """A package that it needs is not installed, or does not work."""


def find_model() -> Path:
    """The network in the silero-vad package, without importing that; raises SileroMissing."""
    spec = importlib.util.find_spec("silero_vad")
    for folder in () if spec is None else spec.submodule_search_locations or ():
        model = Path(folder, MODEL_FILE)
        if model.is_file():
            return model
    raise SileroMissing("the package silero-vad is not installed")


def load_silero(model: Path) -> SileroActivity:
    """Load the network, to run in the caller's thread only; raises SileroMissing."""
    try:
        runtime: Any = importlib.import_module("onnxruntime")
        failures = _failures(importlib.import_module(FAILURES_MODULE))
    except ImportError as error:
        raise SileroMissing(f"onnxruntime cannot be loaded: {error}") from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = LOG_ERRORS
    try:
        session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        activity = SileroActivity(session)
        activity.try_out()
    except failures as error:
        raise SileroMissing(f"{model.name} does not work: {error}") from error
    return activity


def _failures(module: Any) -> tuple[type[Exception], ...]:
    """What onnxruntime raises: a class a cause, with no base but Exception."""
    kinds = vars(module).values()
    own = (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception))
    return (OSError, ValueError, *own)


class SileroActivity:
    """The network's state for many legs."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._samples = np.zeros((FIRST_ROWS, CONTEXT + WINDOW + FRAME), np.float32)
        self._filled = np.full(FIRST_ROWS, CONTEXT, np.intp)
        self._state = np.zeros((FIRST_ROWS, 2, STATE), np.float32)
        self._likely = np.zeros(FIRST_ROWS, np.float32)
        self._columns = np.arange(FRAME)

    def grow(self, rows: int) -> None:
        """Make room for slots below `rows`."""
        self._samples = grown(self._samples, rows, 0)
        self._filled = grown(self._filled, rows, CONTEXT)
        self._state = grown(self._state, rows, 0)
        self._likely = grown(self._likely, rows, 0)

    def reset(self, slot: int) -> None:
        """Forget what was in a slot."""
        self._samples[slot] = 0
        self._filled[slot] = CONTEXT
        self._state[slot] = 0
        self._likely[slot] = 0

    def try_out(self) -> None:
        """Run the network once on silence: whatever is wrong with it shows here."""
        self._run(np.zeros(1, np.intp))
        self.reset(0)

    def hear(self, slots: NDArray[np.intp], floats: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely somebody speaks on each leg, 0 to 1, after one more frame [M, 160] of each."""
        filled = self._filled[slots]
        self._samples[slots[:, None], filled[:, None] + self._columns] = floats
        filled = filled + FRAME
        full = filled >= CONTEXT + WINDOW
        self._filled[slots] = np.where(full, filled - WINDOW, filled)
        if full.any():
            self._run(slots[full])
        return np.asarray(self._likely[slots])

    def _run(self, slots: NDArray[np.intp]) -> None:
        samples = self._samples[slots]
        likely, state = self._session.run(
            None,
            {
                "input": samples[:, : CONTEXT + WINDOW],
                "state": np.ascontiguousarray(self._state[slots].transpose(1, 0, 2)),
                "sr": self._rate,
            },
        )
        self._likely[slots] = likely[:, 0]
        self._state[slots] = state.transpose(1, 0, 2)
        # The last samples of this window stand before the next one.
        self._samples[slots, : CONTEXT + FRAME] = samples[:, WINDOW:]
