from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from media.detection.signs import Sign

@final
class Detectors:
    def __init__(self, frequencies: Sequence[float]) -> None: ...
    def open(
        self,
        slot: int,
        *,
        keys: bool = False,
        fax: bool = False,
        progress: bool = False,
        beep: bool = False,
    ) -> None: ...
    def want(
        self,
        slot: int,
        *,
        keys: bool = False,
        fax: bool = False,
        progress: bool = False,
        beep: bool = False,
    ) -> None: ...
    def hear(
        self,
        slots: NDArray[np.intp],
        samples: NDArray[np.int16],
        valid: NDArray[np.bool_],
        positions: NDArray[np.int64],
        power: NDArray[np.float32],
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[Sign]]: ...
