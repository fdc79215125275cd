"""Sounds asked for while a call goes on: texts spoken on demand, WAV files of a folder.

Both take time, in a thread; a call that asks hears nothing meanwhile, and other calls notice
nothing. What was made is held for the next who asks, the longest unused goes first. What the
configuration plays is made ready ahead instead, in `ivr.prompts`.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from config.model import Switch
from media import tones
from media.g711 import encode
from media.speech.synthesis import Synthesiser, SynthesisError, available_synthesisers
from media.wav import WavError, read_wav
from rtp.engine import Engine
from softswitch.call.services import LoadedPrompt

__all__ = ["MAX_SPOKEN_CHARACTERS", "SoundError", "SoundShelf", "SoundsBusy"]

logger = logging.getLogger(__name__)

SAMPLE_RATE = 8000

MAX_SPOKEN_CHARACTERS = 1000
"""About a minute of speech."""
MAX_FILE_BYTES = 32 * 1024 * 1024
"""Half an hour at 8 kHz and 16 bits: as much as anybody should hear, or memory hold, at once."""
MAX_HELD_BYTES = 64 * 1024 * 1024
"""Sound held in memory: four hundred texts of seven seconds."""
MAX_WAITING = 50
"""Sounds that are waited for; a text takes a tenth of a second and more."""
MAX_AT_WORK = 2
"""Threads at work: the synthesiser takes a core to itself."""
SPEAK_SECONDS = 20.0
"""Longest wait for a text, its place in the line included."""

_Key = tuple[str, str, int, int]
"""A text and who speaks it; or a file, when it was written, and its size."""


class SoundError(Exception):
    """There is no such sound; the text says why."""


class SoundsBusy(Exception):
    """Too many wait already."""


class SoundShelf:
    """One for the process."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._held: OrderedDict[_Key, LoadedPrompt] = OrderedDict()
        self._held_bytes = 0
        self._room = asyncio.Semaphore(MAX_AT_WORK)
        self._at_work: dict[_Key, asyncio.Task[LoadedPrompt]] = {}
        """Sounds that are being made, or wait for it: who asks for the same waits with them."""

    async def spoken(self, text: str, switch: Switch) -> LoadedPrompt:
        """A text as speech, a chime where the configuration says so; raises SoundError,
        SoundsBusy."""
        key = (text, switch.synthesiser, 0, 0)
        return await self._get(key, lambda: self._speak(text, switch))

    async def file(self, name: str) -> LoadedPrompt:
        """A WAV file by its name within the folder; raises SoundError, SoundsBusy."""
        path, key = self._look(name)
        return await self._get(key, lambda: self._read(path))

    @property
    def held_bytes(self) -> int:
        """Memory that is taken by what was made."""
        return self._held_bytes

    async def close(self) -> None:
        """Wait for the threads that are at work."""
        tasks = tuple(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _get(self, key: _Key, make: Callable[[], LoadedPrompt]) -> LoadedPrompt:
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
            return found
        task = self._at_work.get(key)
        if task is None:
            if len(self._at_work) >= MAX_WAITING:
                raise SoundsBusy
            task = asyncio.get_running_loop().create_task(self._make(key, make))
            self._at_work[key] = task
            task.add_done_callback(partial(self._on_made, key))
        try:
            # The work goes on without who asked: a thread cannot be broken off.
            return await asyncio.wait_for(asyncio.shield(task), SPEAK_SECONDS)
        except TimeoutError:
            raise SoundError("it is not ready in time") from None

    async def _make(self, key: _Key, make: Callable[[], LoadedPrompt]) -> LoadedPrompt:
        async with self._room:
            made = await asyncio.to_thread(make)
        self._hold(key, made)
        return made

    def _on_made(self, key: _Key, task: asyncio.Task[LoadedPrompt]) -> None:
        del self._at_work[key]
        if not task.cancelled() and task.exception() is not None:
            logger.info("a sound cannot be had: %s", task.exception())

    def _hold(self, key: _Key, made: LoadedPrompt) -> None:
        before = self._held.pop(key, None)
        if before is not None:
            self._held_bytes -= _bytes_of(before)
        self._held[key] = made
        self._held_bytes += _bytes_of(made)
        while self._held_bytes > MAX_HELD_BYTES and len(self._held) > 1:
            _, oldest = self._held.popitem(last=False)
            self._held_bytes -= _bytes_of(oldest)

    # In a thread.

    def _speak(self, text: str, switch: Switch) -> LoadedPrompt:
        if switch.without_synthesiser == "chime" and not available_synthesisers():
            return self._loaded(f"chime for: {text}", tones.chime().tobytes())
        try:
            with tempfile.TemporaryDirectory(prefix="softswitch-") as folder:
                path = Path(folder) / "spoken.wav"
                Synthesiser(switch.synthesiser, deadline_seconds=SPEAK_SECONDS).synthesise(
                    [(text, path)]
                )
                return self._loaded(text, read_wav(path).tobytes())
        except (SynthesisError, WavError, OSError) as error:
            raise SoundError(str(error)) from None

    def _read(self, path: Path) -> LoadedPrompt:
        try:
            return self._loaded(path.name, read_wav(path).tobytes())
        except (WavError, OSError) as error:
            raise SoundError(f"{path.name}: {error}") from None

    def _loaded(self, name: str, samples: bytes) -> LoadedPrompt:
        if not samples:
            raise SoundError(f"{name}: there is no sound in it")
        ulaw = encode(np.frombuffer(samples, np.int16))
        audio = self._engine.load_prompt(samples)
        return LoadedPrompt(name, audio, len(ulaw) / SAMPLE_RATE, ulaw)

    def _look(self, name: str) -> tuple[Path, _Key]:
        """The file of a name, wherever links lead never outside the folder; raises SoundError."""
        try:
            path = (self._folder / name).resolve()
            if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
                raise SoundError(f"there is no file {name[:100]} in the folder of sounds")
            status = path.stat()
        except (OSError, ValueError):
            raise SoundError(f"{name[:100]!r} cannot be read") from None
        if status.st_size > MAX_FILE_BYTES:
            raise SoundError(f"{name[:100]} is larger than {MAX_FILE_BYTES >> 20} MB")
        return path, (str(path), "", status.st_mtime_ns, status.st_size)


def _bytes_of(prompt: LoadedPrompt) -> int:
    """What a prompt takes: a byte a sample for each of two codecs in the engine, and one here."""
    return len(prompt.ulaw) * 3
