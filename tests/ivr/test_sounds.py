"""Sounds that are asked for while a call goes on: texts and files, held for a while."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.model import Switch
from ivr import sounds
from ivr.sounds import SoundError, SoundsBusy, SoundShelf
from media.speech.synthesis import SynthesisError
from media.wav import write_wav
from rtp.engine import Engine
from tests.support.configurations import MINIMAL, loaded
from tests.support.ports import free_rtp_range


@pytest.fixture
def engine() -> Iterator[Engine]:
    first = free_rtp_range(2)[0]
    engine = Engine(first_port=first, last_port=first + 1)
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def switch() -> Switch:
    return loaded(MINIMAL).switch


class Speaker:
    """A synthesiser that says how often it was asked."""

    spoken: list[str]
    fails = False

    def __init__(self, name: str = "auto", *, deadline_seconds: float = 1.0) -> None:
        """Nothing is chosen here."""

    def synthesise(self, jobs: list[tuple[str, Path]]) -> None:
        for text, path in jobs:
            type(self).spoken.append(text)
            if self.fails:
                raise SynthesisError("it has lost its voice")
            write_wav(path, np.full(800, 1000, np.int16))


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> type[Speaker]:
    Speaker.spoken = []
    monkeypatch.setattr(Speaker, "fails", False)
    monkeypatch.setattr(sounds, "Synthesiser", Speaker)
    monkeypatch.setattr(sounds, "available_synthesisers", lambda: ("test",))
    return Speaker


def write(folder: Path, name: str, seconds: float = 0.5) -> None:
    folder.mkdir(exist_ok=True)
    write_wav(folder / name, np.full(int(8000 * seconds), 100, np.int16))


def test_a_text_is_spoken_once_however_many_ask(
    engine: Engine, switch: Switch, speaker: type[Speaker], tmp_path: Path
) -> None:
    async def ask() -> None:
        shelf = SoundShelf(engine, tmp_path)
        found = await asyncio.gather(*(shelf.spoken("Hello.", switch) for _ in range(20)))
        assert all(one is found[0] for one in found)
        assert found[0].seconds == pytest.approx(0.1)
        assert await shelf.spoken("Hello.", switch) is found[0]
        await shelf.close()

    asyncio.run(ask())
    assert speaker.spoken == ["Hello."]


def test_a_synthesiser_that_fails_is_told_to_each_who_asked(
    engine: Engine, switch: Switch, speaker: type[Speaker], tmp_path: Path
) -> None:
    speaker.fails = True

    async def ask() -> None:
        shelf = SoundShelf(engine, tmp_path)
        for _ in range(2):
            with pytest.raises(SoundError, match="lost its voice"):
                await shelf.spoken("Hello.", switch)
        await shelf.close()

    asyncio.run(ask())
    assert speaker.spoken == ["Hello."] * 2


def test_a_file_is_read_and_read_again_when_it_is_another(engine: Engine, tmp_path: Path) -> None:
    async def ask() -> None:
        shelf = SoundShelf(engine, tmp_path / "sounds")
        write(tmp_path / "sounds", "a.wav")
        first = await shelf.file("a.wav")
        assert first.seconds == pytest.approx(0.5)
        assert await shelf.file("a.wav") is first
        write(tmp_path / "sounds", "a.wav", 1.0)
        assert (await shelf.file("a.wav")).seconds == pytest.approx(1.0)
        await shelf.close()

    asyncio.run(ask())


@pytest.mark.parametrize(
    "name",
    ["../secret.wav", "no.wav", "a/../../secret.wav", ".", "", "a\0.wav", "x" * 5000, "link.wav"],
)
def test_no_name_leads_out_of_the_folder(engine: Engine, tmp_path: Path, name: str) -> None:
    write(tmp_path, "secret.wav")
    write(tmp_path / "sounds", "a.wav")
    os.symlink(tmp_path / "secret.wav", tmp_path / "sounds" / "link.wav")

    async def ask(name: str) -> None:
        shelf = SoundShelf(engine, tmp_path / "sounds")
        with pytest.raises(SoundError):
            await shelf.file(name)
        await shelf.close()

    asyncio.run(ask(name))
    asyncio.run(ask(str(tmp_path / "secret.wav")))


def test_what_is_no_sound_is_told(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sounds"
    write(folder, "empty.wav", 0.0)
    (folder / "text.wav").write_text("no sound")
    write(folder, "large.wav")

    async def ask() -> None:
        shelf = SoundShelf(engine, folder)
        for name in ("empty.wav", "text.wav"):
            with pytest.raises(SoundError):
                await shelf.file(name)
        monkeypatch.setattr(sounds, "MAX_FILE_BYTES", 100)
        with pytest.raises(SoundError, match="larger"):
            await shelf.file("large.wav")
        await shelf.close()

    asyncio.run(ask())


def test_what_was_not_played_for_longest_goes_first(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "MAX_HELD_BYTES", 3 * 8000)
    folder = tmp_path / "sounds"

    async def ask() -> None:
        shelf = SoundShelf(engine, folder)
        for name in ("a.wav", "b.wav", "c.wav"):
            write(folder, name, 0.45)
        first = await shelf.file("a.wav")
        await shelf.file("b.wav")
        assert await shelf.file("a.wav") is first
        await shelf.file("c.wav")
        assert await shelf.file("a.wav") is first
        assert shelf.held_bytes <= 3 * 8000
        await shelf.close()

    asyncio.run(ask())


def test_only_so_many_are_waited_for(
    engine: Engine, switch: Switch, speaker: type[Speaker], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sounds, "MAX_WAITING", 3)

    async def ask() -> None:
        shelf = SoundShelf(engine, tmp_path)
        texts = [f"Number {n}." for n in range(8)]
        found = await asyncio.gather(
            *(shelf.spoken(text, switch) for text in texts), return_exceptions=True
        )
        assert sum(isinstance(one, SoundsBusy) for one in found) == 5
        await shelf.spoken("Later.", switch)
        await shelf.close()

    asyncio.run(ask())


def test_without_a_synthesiser_a_chime_plays_where_that_is_wanted(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "available_synthesisers", tuple)
    chime = loaded("switch: {without_synthesiser: chime}\n" + MINIMAL).switch

    async def ask() -> None:
        shelf = SoundShelf(engine, tmp_path)
        assert (await shelf.spoken("Hello.", chime)).name == "chime for: Hello."
        await shelf.close()

    asyncio.run(ask())
