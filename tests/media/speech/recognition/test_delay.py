"""The delay that workers show: it falls while there is nothing to do."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from media.speech.recognition import recognisers
from media.speech.recognition.recognisers import HALF_LIFE_SECONDS
from media.speech.recognition.window import Window


class Worker(recognisers._Worker):
    """One without a process, whose last answer was late."""

    def __init__(self, delay: float) -> None:
        super().__init__("scripted", None, lambda window, result: None)
        self._delay = delay
        self._answered = asyncio.get_running_loop().time()


def pass_time(worker: Worker, seconds: float) -> None:
    worker._answered -= seconds


def window() -> Window:
    return Window(1, np.zeros(160, np.int16), 0, "segment", True, ())


async def test_the_delay_halves_again_and_again_while_nothing_waits() -> None:
    worker = Worker(3.2)
    for delay in (1.6, 0.8, 0.4, 0.2):
        pass_time(worker, HALF_LIFE_SECONDS)
        assert worker.delay_now() == pytest.approx(delay, rel=0.05)
    pass_time(worker, 1e9)
    assert worker.delay_now() < 1e-9


async def test_it_stays_while_windows_wait_and_what_has_passed_is_kept() -> None:
    worker = Worker(3.2)
    pass_time(worker, HALF_LIFE_SECONDS)
    worker.submit(window())
    pass_time(worker, 1e9)
    worker.submit(window())
    assert worker.delay_now() == pytest.approx(1.6, rel=0.05)
