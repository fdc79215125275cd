"""How many legs one worker carries, and what the relay notices of a worker that never rests.

Legs: in virtual time, each talking two thirds of its time, which is more than the 40 % of a usual
leg; a number of legs is carried when nine windows of ten are words within the limit. Relay: calls
through the switch with a speech worker on the switch's own core, at idle priority, that always has
another window to recognise.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from bench import media as relay
from bench.hearing.figure import Figure, at_most, stated
from bench.hearing.spotting import CLEAN, Heard, hear, score
from bench.hearing.tracks import Track, make_tracks
from bench.hearing.voices import available, sentences, speak
from bench.processes import SWITCH_CPU, Refused
from config.model import SpeechMode
from media.speech.recognition.engines import Engine, RecogniserError, load_engine
from media.speech.recognition.recognisers import Recognisers
from media.speech.recognition.result import Recognised
from media.speech.recognition.window import Window

__all__ = ["run"]

MAX_DELAY: Final = {"rolling": 1.2, "segment": 3.0}
"""Seconds from a word's end to its hit, nine times of ten: twice what it takes with few legs."""
STEPS: Final = {"rolling": (4, 8, 12, 16, 24, 32), "segment": (16, 32, 48, 64, 96)}
USUAL_SHARE: Final = 0.4
CALLS: Final = 100
BUSY_STREAMS: Final = 8


def run(*, quick: bool) -> list[Figure]:
    """Legs carried in each mode; then the relay's delay beside a busy worker."""
    try:
        engine = load_engine("whisper")
    except RecogniserError as error:
        print(f"load: {error}")
        return []
    tracks = make_tracks("test", engine, share=0.15 if quick else 0.4)
    modes: tuple[SpeechMode, ...] = ("rolling", "segment")
    figures = [_carried(engine, tracks, mode, quick=quick) for mode in modes if tracks]
    return [*figures, *_relay(quick=quick)]


def _carried(engine: Engine, tracks: list[Track], mode: SpeechMode, *, quick: bool) -> Figure:
    most, share = 0, 0.0
    for legs in STEPS[mode][: 2 if quick else None]:
        heard = hear(engine, _crowd(tracks, legs), CLEAN, mode, hint=False)
        share = heard.talk_seconds / heard.seconds
        if not _keeps_up(heard, mode):
            break
        most = legs
    name = f"{mode}: legs at once that one worker carries, each talking {100 * share:.0f} %"
    usual = round(most * share / USUAL_SHARE)
    return stated(name, f"{most} (as {usual} that talk 40 %)", "legs")


def _keeps_up(heard: Heard, mode: SpeechMode) -> bool:
    delay = score(heard, 0.0).delay(90)
    print(f"{mode}: {heard.windows} windows, {heard.superseded} superseded, p90 {delay:.2f} s")
    return delay <= MAX_DELAY[mode] and heard.superseded <= heard.windows // 20


def _crowd(tracks: list[Track], legs: int) -> list[Track]:
    """So many legs, none of which says the same as another at the same time."""
    dice = np.random.default_rng(3)
    crowd = []
    for leg in range(legs):
        track = tracks[leg % len(tracks)]
        lead = int(dice.integers(0, 8 * 8000))
        sound = np.concatenate([np.zeros(lead, np.int16), track.sound])
        said = [(keyword, start + lead, end + lead) for keyword, start, end in track.said]
        crowd.append(replace(track, sound=sound, said=said))
    return crowd


# The relay.


def _relay(*, quick: bool) -> list[Figure]:
    seconds = 5.0 if quick else 20.0
    figures = []
    for busy in (False, True):
        beside = "beside a busy speech worker" if busy else "alone"
        with tempfile.TemporaryDirectory() as folder:
            try:
                with _busy_worker() if busy else contextlib.nullcontext():
                    found = relay.compare(Path(folder), CALLS, seconds=seconds, runs=1)
            except (Refused, AssertionError) as error:
                print(f"relay {beside}: refused: {error}")
                continue
        name = f"relay of {CALLS} calls, p99 of the added delay, {beside}"
        p99 = round(found.values("switch", "p99_us")[0] / 1000, 3)
        figures.append(at_most(name, p99, "ms", 2.0) if busy else stated(name, p99, "ms"))
    return figures


@contextlib.contextmanager
def _busy_worker() -> Iterator[None]:
    """A worker on the switch's core that always has work."""
    stop = threading.Event()
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_keep_busy(ready, stop)))
    thread.start()
    try:
        ready.wait(60)
        yield
    finally:
        stop.set()
        thread.join()


async def _keep_busy(ready: threading.Event, stop: threading.Event) -> None:
    sound = speak(available("test")[0], sentences("test", with_keywords=True)[0])

    def again(window: Window, _result: Recognised | None) -> None:
        if not stop.is_set():
            workers.submit(replace(window, final=True))

    # What it spawns stays on the core that this thread is on.
    os.sched_setaffinity(0, {SWITCH_CPU})
    workers = Recognisers("whisper", again)
    await workers.start()
    await workers.ready(60.0)
    for stream in range(BUSY_STREAMS):
        workers.submit(Window(stream, sound, 0, "segment", True))
    ready.set()
    await asyncio.get_running_loop().run_in_executor(None, stop.wait)
    await workers.stop()
