import numpy as np
import pytest

from media.speech.recognition.engines import load_engine
from media.speech.recognition.whisper import WhisperEngine
from media.speech.recognition.window import Window
from tests.support.speakers import needs_speech, say

pytestmark = [needs_speech, pytest.mark.slow]


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    loaded = load_engine("whisper")
    assert isinstance(loaded, WhisperEngine)
    return loaded


@pytest.fixture(scope="module")
def sentence() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return say("A friend told me about your credit card offer.")


def texts(result: object) -> list[str]:
    return [word.text for word in result.words]  # type: ignore[attr-defined]


def test_what_was_said_is_understood_with_times(
    engine: WhisperEngine, sentence: np.ndarray[tuple[int], np.dtype[np.int16]]
) -> None:
    origin = 5_000_000_000
    (result,) = engine.recognise([Window(1, sentence, origin, "segment", True)])
    assert texts(result) == [
        "a",
        "friend",
        "told",
        "me",
        "about",
        "your",
        "credit",
        "card",
        "offer",
    ]
    starts = [word.start_ns for word in result.words]
    assert starts == sorted(starts)
    assert origin <= starts[0]
    assert result.words[-1].end_ns <= result.end_ns == origin + sentence.size * 125_000
    assert all(0.0 < word.confidence <= 1.0 for word in result.words)
    assert result.mode == "segment"
    assert result.final


def test_what_grows_is_understood_without_being_decoded_again(
    engine: WhisperEngine, sentence: np.ndarray[tuple[int], np.dtype[np.int16]]
) -> None:
    for seconds in (1.0, 1.6, 2.2):
        part = sentence[: int(seconds * 8000)]
        engine.recognise([Window(2, part, 0, "rolling", False)])
    known, until_ns = engine._settled(Window(2, sentence, 0, "rolling", True))
    (result,) = engine.recognise([Window(2, sentence, 0, "rolling", True)])
    assert engine._vocabulary.decode(known).split()[:3] == ["A", "friend", "told"]
    assert until_ns > 500_000_000
    assert texts(result)[-3:] == ["credit", "card", "offer"]
    assert result.mode == "rolling"


def test_a_window_that_another_follows_has_its_words_all_the_same(
    engine: WhisperEngine, sentence: np.ndarray[tuple[int], np.dtype[np.int16]]
) -> None:
    """Fewer tokens are decoded of it than of a last one."""
    for final in (False, True):
        window = Window(9, sentence[:9600], 0, "rolling", final)
        (result,) = engine.recognise([window])
        assert texts(result)[:3] == ["a", "friend", "told"]


def test_the_end_of_a_stretch_is_forgotten(engine: WhisperEngine) -> None:
    engine.recognise([Window(3, say("Hello."), 0, "rolling", True)])
    assert 3 not in engine._streams


def test_windows_of_many_legs_are_understood_together(
    engine: WhisperEngine, sentence: np.ndarray[tuple[int], np.dtype[np.int16]]
) -> None:
    other = say("I want a refund.")
    windows = [
        Window(4, sentence, 0, "segment", True),
        Window(5, other, 0, "segment", True, ("refund", "cancel")),
        Window(6, sentence[:12000], 0, "segment", True),
        Window(7, other, 0, "segment", True),
    ]
    results = engine.recognise(windows)
    assert [result.end_ns for result in results] == [window.end_ns for window in windows]
    assert "card" in texts(results[0])
    assert "refund" in texts(results[1])
    assert texts(results[2])[:2] == ["a", "friend"]
    assert "refund" in texts(results[3])


@pytest.mark.parametrize("level", [0, 30, 3000])
def test_nothing_is_understood_where_nothing_was_said(engine: WhisperEngine, level: int) -> None:
    noise = np.random.default_rng(1).normal(0, 1, 16000) * level
    (result,) = engine.recognise([Window(8, noise.astype(np.int16), 0, "segment", True)])
    assert [word for word in result.words if word.confidence > 0.5] == []


def test_a_window_of_nothing_is_no_harm(engine: WhisperEngine) -> None:
    (result,) = engine.recognise([Window(9, np.zeros(0, np.int16), 0, "segment", True)])
    assert result.words == ()


def test_a_quiet_voice_is_understood(
    engine: WhisperEngine, sentence: np.ndarray[tuple[int], np.dtype[np.int16]]
) -> None:
    quiet = (sentence / 50).astype(np.int16)
    (result,) = engine.recognise([Window(10, quiet, 0, "segment", True)])
    assert "friend" in texts(result)
