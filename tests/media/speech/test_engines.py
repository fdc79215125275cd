import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from media.speech.engines import EngineError, describe_engine, find_engine, load_engine

Install = Callable[..., Path]
SPEAK = '/bin/cat "${0%/*}/voice.wav"'


def speak(name: str, text: str = "Hello.") -> int:
    """The number of samples an engine makes of a text."""
    samples, rate = load_engine(name, deadline_seconds=5.0)(text)
    assert rate in {8000, 24000}
    assert samples.dtype == np.float32
    assert np.abs(samples).max(initial=0) <= 1
    return int(samples.size)


def test_espeak_gets_the_text_on_its_input_and_speaks_on_its_output(install: Install) -> None:
    programs = install('echo "$@" > "${0%/*}/arguments"', '/bin/cat > "${0%/*}/text"', SPEAK)
    assert speak("espeak-ng", "--version") == 8000
    assert (programs / "text").read_text() == "--version"
    assert "--version" not in (programs / "arguments").read_text()


def test_flite_reads_and_writes_files_that_are_removed(install: Install) -> None:
    programs = install(
        'echo "$4" "$5" > "${0%/*}/files"',
        '/bin/cat "$5" > "${0%/*}/text"',
        '/bin/cp "${0%/*}/voice.wav" "$4"',
        name="flite",
    )
    assert speak("flite", "caf\u00e9 \ud800") == 8000
    assert (programs / "text").read_text() == "caf\u00e9 ?"
    target, source = (programs / "files").read_text().split()
    assert not Path(target).exists()
    assert not Path(source).exists()


def test_flite_that_writes_nothing_is_silent(install: Install) -> None:
    install("exit 0", name="flite")
    assert speak("flite") == 0


@pytest.mark.parametrize("name", ["espeak-ng", "flite"])
def test_a_program_that_is_not_there_is_an_engine_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not find_engine(name)
    with pytest.raises(EngineError, match=f"{name} is not installed"):
        describe_engine(name)
    with pytest.raises(EngineError, match=f"{name} is not installed"):
        load_engine(name, deadline_seconds=1.0)


FAULTS = {
    "exit status": (["echo oh no >&2; exit 7"], r"espeak-ng failed \(7\): oh no"),
    "no audio": (["echo oh no"], "espeak-ng made no audio"),
    "time": (["exec /bin/sleep 9"], "espeak-ng took longer than 0.3 s"),
}


@pytest.mark.parametrize(("script", "text"), FAULTS.values(), ids=FAULTS.keys())
def test_a_program_that_does_not_speak_is_an_engine_error(
    install: Install, script: list[str], text: str
) -> None:
    install(*script)
    say = load_engine("espeak-ng", deadline_seconds=0.3 if "longer" in text else 9.0)
    with pytest.raises(EngineError, match=text):
        say("Hello.")


def test_a_program_that_cannot_be_run_is_an_engine_error(install: Install) -> None:
    program = install(SPEAK) / "espeak-ng"
    say = load_engine("espeak-ng", deadline_seconds=5.0)
    program.write_bytes(b"\x7fELF broken")
    with pytest.raises(EngineError, match="espeak-ng does not run"):
        describe_engine("espeak-ng")
    with pytest.raises(EngineError, match="espeak-ng does not run"):
        say("Hello.")


def test_an_engine_of_another_name_is_not_found() -> None:
    assert not find_engine("sh")


def fake_hibari(monkeypatch: pytest.MonkeyPatch, voice: Callable[[], object]) -> None:
    """A module in the place of hibari-tts's."""
    module = ModuleType("hibari")
    vars(module).update(Hibari=voice, SAMPLE_RATE=24000)
    monkeypatch.setitem(sys.modules, "hibari", module)


def test_hibari_speaks_a_text_always_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def say(text: str, *, seed: int) -> list[float]:
        asked.append((text, seed))
        return [0.5] * 24

    fake_hibari(monkeypatch, lambda: say)
    assert speak("hibari") == 24
    assert asked == [("Hello.", 0)]


def test_hibari_that_cannot_be_loaded_is_an_engine_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> object:
        raise RuntimeError("no model")

    fake_hibari(monkeypatch, fail)
    with pytest.raises(EngineError, match="hibari-tts cannot be loaded: no model"):
        load_engine("hibari", deadline_seconds=1.0)
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(EngineError, match="hibari-tts cannot be loaded"):
        load_engine("hibari", deadline_seconds=1.0)
