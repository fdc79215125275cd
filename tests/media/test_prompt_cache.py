from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from media.prompt_cache import PromptCache, PromptCacheError, is_whole
from media.wav import encode_wav, read_wav, write_wav

SOUND = np.arange(1000, dtype=np.int16)


class FakeSynthesiser:
    """Writes the same sound for every text, and remembers what it was asked for."""

    def __init__(self, identity: str = "fake 1") -> None:
        self.identity = identity
        self.asked: list[str] = []

    def synthesise(self, jobs: Iterable[tuple[str, Path]]) -> None:
        for text, path in jobs:
            self.asked.append(text)
            write_wav(path, SOUND)


@pytest.fixture
def synthesiser() -> FakeSynthesiser:
    return FakeSynthesiser()


@pytest.fixture
def cache(tmp_path: Path, synthesiser: FakeSynthesiser) -> PromptCache:
    return PromptCache(tmp_path / "data" / "prompts", synthesiser)


def test_every_text_is_spoken_once(cache: PromptCache, synthesiser: FakeSynthesiser) -> None:
    paths = cache.prepare(["Hello.", "Goodbye.", "Hello."])
    assert synthesiser.asked == ["Hello.", "Goodbye."]
    assert np.array_equal(read_wav(paths["Hello."]), SOUND)
    assert cache.prepare(["Goodbye.", "Hello."]) == paths
    assert len(synthesiser.asked) == 2


def test_nothing_to_prepare_makes_no_folder(cache: PromptCache) -> None:
    assert cache.prepare([]) == {}
    assert not cache.directory.exists()


def test_another_cache_on_the_same_folder_finds_what_is_there(cache: PromptCache) -> None:
    cache.prepare(["Hello."])
    other = FakeSynthesiser()
    PromptCache(cache.directory, other).prepare(["Hello."])
    assert other.asked == []


def test_another_voice_has_files_of_its_own(cache: PromptCache) -> None:
    first = cache.prepare(["Hello."])
    second = PromptCache(cache.directory, FakeSynthesiser("fake 2")).prepare(["Hello."])
    assert first["Hello."] != second["Hello."]


def test_keys_do_not_run_into_each_other(tmp_path: Path) -> None:
    one = PromptCache(tmp_path, FakeSynthesiser("a")).path("b1:c")
    other = PromptCache(tmp_path, FakeSynthesiser("a1:b")).path("c")
    assert one != other


WHOLE = encode_wav(SOUND)
DAMAGED = {
    "empty": b"",
    "no audio": WHOLE[:44],
    "half a header": WHOLE[:30],
    "cut short": WHOLE[:-100],
    "cut by one octet": WHOLE[:-1],
    "too long": WHOLE + b"\0\0",
    "zeros": bytes(len(WHOLE)),
    "text": b"not audio",
    "another form": encode_wav(SOUND, rate=16_000),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_made_again(
    cache: PromptCache, synthesiser: FakeSynthesiser, data: bytes
) -> None:
    path = cache.prepare(["Hello."])["Hello."]
    path.write_bytes(data)
    assert not is_whole(path)
    cache.prepare(["Hello."])
    assert synthesiser.asked == ["Hello.", "Hello."]
    assert is_whole(path)


def test_text_that_is_not_unicode_has_a_key(cache: PromptCache) -> None:
    assert cache.path("\ud800") != cache.path("\ud801")


def test_a_folder_that_cannot_be_made_is_a_sentence(
    tmp_path: Path, synthesiser: FakeSynthesiser
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PromptCacheError, match="cannot be made"):
        PromptCache(tmp_path / "file" / "prompts", synthesiser).prepare(["Hello."])


def test_a_folder_that_cannot_be_written_to_is_a_sentence(
    tmp_path: Path, synthesiser: FakeSynthesiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PromptCacheError, match="cannot be written to"):
        PromptCache(tmp_path, synthesiser).prepare(["Hello."])
