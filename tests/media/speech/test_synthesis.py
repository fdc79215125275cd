import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import media
from media.level import active_level
from media.prompt_cache import PromptCache
from media.speech.engines import ENGINES, find_engine
from media.speech.synthesis import (
    LEFTOVER_SECONDS,
    Synthesiser,
    SynthesisError,
    available_synthesisers,
    choose_synthesiser,
    synthesise,
)
from media.wav import read_wav

Install = Callable[..., Path]


def environment() -> dict[str, str]:
    """That of a process with this package on its path."""
    return os.environ | {"PYTHONPATH": str(Path(media.__file__).parents[1])}


SPEAK = '/bin/cat "${0%/*}/voice.wav"'


def make(name: str = "espeak-ng", deadline_seconds: float = 20) -> Synthesiser:
    return Synthesiser(name, deadline_seconds=deadline_seconds)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def test_a_program_speaks_to_a_telephone_file(install: Install, tmp_path: Path) -> None:
    install(SPEAK)
    used = synthesise("Hello.", tmp_path / "hello.wav", synthesiser="espeak-ng")
    assert used == "espeak-ng"
    spoken = read_wav(tmp_path / "hello.wav")
    assert active_level(spoken.astype(np.float32) / 32768) == pytest.approx(-18, abs=0.5)


def test_one_worker_speaks_several_texts(install: Install, tmp_path: Path) -> None:
    install('echo "$PPID" >> "${0%/*}/workers"', SPEAK)
    jobs = [(f"Number {n}.", tmp_path / f"{n}.wav") for n in range(3)]
    make().synthesise(jobs)
    assert all(path.exists() for _, path in jobs)
    assert len(set((tmp_path / "bin" / "workers").read_text().split())) == 1


def test_a_program_gets_the_text_as_it_is(install: Install, tmp_path: Path) -> None:
    install('/bin/cat > "${0%/*}/text"', SPEAK)
    text = "--help; $(reboot) \u00e9\n[[two lines]]"
    make().synthesise([(text, tmp_path / "a.wav")])
    assert (tmp_path / "bin" / "text").read_text() == text


def test_the_identity_names_program_and_version(install: Install) -> None:
    install(SPEAK)
    assert make().identity == "espeak-ng 1.0"


def test_the_best_synthesiser_that_is_installed_is_chosen(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(SPEAK, name="flite")
    monkeypatch.setattr("media.speech.engines._distribution_version", lambda _: None)
    assert available_synthesisers() == ("flite",)
    install(SPEAK, name="espeak-ng")
    assert choose_synthesiser() == "espeak-ng"
    monkeypatch.setattr("media.speech.engines._distribution_version", lambda _: "0.2.1")
    assert available_synthesisers() == ENGINES
    assert choose_synthesiser() == "hibari"
    assert Synthesiser().identity == "hibari 0.2.1 heart"


def test_without_a_synthesiser_the_operator_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("media.speech.engines._distribution_version", lambda _: None)
    hint = r"pip install 'softswitch\[speech\]', or apt-get install espeak-ng"
    assert available_synthesisers() == ()
    with pytest.raises(SynthesisError, match=f"no speech synthesiser is installed: {hint}"):
        Synthesiser()
    with pytest.raises(SynthesisError, match=f"flite is not installed: {hint}"):
        Synthesiser("flite")
    with pytest.raises(SynthesisError, match="there is no speech synthesiser 'parrot'"):
        Synthesiser("parrot")


FAULTS = {
    "fails": (["echo no voice >&2", "exit 3"], r"espeak-ng failed \(3\): no voice"),
    "writes no audio": (["echo hello"], "espeak-ng made no audio: this is not a WAV file"),
    "is silent": (["exit 0"], "made no sound"),
    "is killed": (["kill -9 $$"], r"failed \(-9\)"),
    "hangs": (["exec /bin/sleep 60"], "took longer than"),
    "ends the worker": (["kill -9 $PPID"], "the speech worker has ended"),
}


@pytest.mark.parametrize(("script", "text"), FAULTS.values(), ids=FAULTS.keys())
def test_a_program_that_does_not_speak_is_a_sentence(
    install: Install, tmp_path: Path, script: list[str], text: str
) -> None:
    install(*script)
    with pytest.raises(SynthesisError, match=rf"the prompt 'Hello\.' cannot be spoken: .*{text}"):
        make(deadline_seconds=2.0).synthesise([("Hello.", tmp_path / "a.wav")])
    assert not (tmp_path / "a.wav").exists()


def test_a_program_that_hangs_is_ended(install: Install, tmp_path: Path) -> None:
    install('echo $$ > "${0%/*}/pid"', "exec /bin/sleep 60")
    with pytest.raises(SynthesisError, match="took longer than"):
        make(deadline_seconds=1.0).synthesise([("Hello.", tmp_path / "a.wav")])
    pid = int((tmp_path / "bin" / "pid").read_text())
    wait_until(lambda: not is_running(pid), "the program still runs")


def test_a_file_that_cannot_be_written_is_a_sentence(install: Install, tmp_path: Path) -> None:
    install(SPEAK)
    with pytest.raises(SynthesisError, match="No such file"):
        make().synthesise([("Hello.", tmp_path / "missing" / "a.wav")])


@pytest.mark.parametrize(
    ("text", "sentence"), [("", "no text"), (" \n", "no text"), ("x" * 2001, "2001 characters")]
)
def test_a_text_that_is_nothing_or_too_much_is_refused(
    install: Install, tmp_path: Path, text: str, sentence: str
) -> None:
    install(SPEAK)
    with pytest.raises(SynthesisError, match=sentence):
        make().synthesise([("Hello.", tmp_path / "a.wav"), (text, tmp_path / "b.wav")])
    assert not (tmp_path / "a.wav").exists()


def test_the_worker_inherits_no_descriptor(install: Install, tmp_path: Path) -> None:
    install('/bin/ls -l "/proc/$PPID/fd" > "${0%/*}/descriptors"', SPEAK)
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        make().synthesise([("Hello.", tmp_path / "a.wav")])
    listing = (tmp_path / "bin" / "descriptors").read_text()
    assert "pipe:" in listing
    assert "secret" not in listing
    assert "socket:" not in listing


def test_the_worker_dies_with_a_switch_that_is_killed(install: Install, tmp_path: Path) -> None:
    programs = install('echo $$ $PPID > "${0%/*}/pids"', "exec /bin/sleep 60")
    program = (
        "from pathlib import Path; from media.speech.synthesis import Synthesiser;"
        f"Synthesiser('espeak-ng').synthesise([('Hello.', Path({str(tmp_path / 'a.wav')!r}))])"
    )
    switch = subprocess.Popen([sys.executable, "-c", program], env=environment())
    try:
        wait_until((programs / "pids").exists, "nothing was spoken")
        wait_until(lambda: len((programs / "pids").read_text().split()) == 2, "no process ids")
    finally:
        switch.send_signal(signal.SIGKILL)
        switch.wait()
    helpers = [int(pid) for pid in (programs / "pids").read_text().split()]
    wait_until(lambda: not any(map(is_running, helpers)), "a helper lived on")


def test_parts_of_files_that_were_left_long_ago_are_removed(
    install: Install, tmp_path: Path
) -> None:
    install(SPEAK)
    for name, age in ((".old.part", LEFTOVER_SECONDS + 60), (".new.part", 60)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    make().synthesise([("Hello.", tmp_path / "a.wav")])
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".new.part"]


def test_processes_that_prepare_the_same_prompts_do_no_harm(
    install: Install, tmp_path: Path
) -> None:
    install(SPEAK)
    program = (
        "from pathlib import Path; from media.speech.synthesis import Synthesiser;"
        "from media.prompt_cache import PromptCache, is_whole;"
        f"cache = PromptCache(Path({str(tmp_path / 'prompts')!r}), Synthesiser('espeak-ng'));"
        "assert all(map(is_whole, cache.prepare(['one', 'two', 'three']).values()))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program], env=environment()) for _ in range(2)
    ]
    assert [process.wait(timeout=40) for process in processes] == [0, 0]
    assert len(list((tmp_path / "prompts").iterdir())) == 3


@pytest.mark.parametrize("name", ENGINES)
def test_a_real_synthesiser_speaks_for_the_telephone(name: str, tmp_path: Path) -> None:
    if not find_engine(name):
        pytest.skip(f"{name} is not installed")
    texts = ["Please press or say one.", "Now connecting to an agent. Please hold."]
    paths = PromptCache(tmp_path, Synthesiser(name)).prepare(texts)
    for text in texts:
        samples = read_wav(paths[text])
        assert 0.04 < samples.size / 8000 / len(text) < 0.12
        assert active_level(samples.astype(np.float32) / 32768) == pytest.approx(-18, abs=4)


def test_a_worker_that_cannot_be_started_is_a_sentence(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(SPEAK)
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    with pytest.raises(SynthesisError, match="the speech worker cannot be started"):
        make().synthesise([("Hello.", tmp_path / "a.wav")])


def test_an_engine_that_went_away_is_a_sentence(install: Install, tmp_path: Path) -> None:
    programs = install(SPEAK)
    synthesiser = make()
    (programs / "espeak-ng").unlink()
    with pytest.raises(SynthesisError, match=r"espeak-ng cannot be used: .* not installed"):
        synthesiser.synthesise([("Hello.", tmp_path / "a.wav")])


def test_an_engine_that_does_not_tell_its_version_is_a_sentence(
    install: Install, tmp_path: Path
) -> None:
    (install(SPEAK) / "espeak-ng").write_bytes(b"\x7fELF broken")
    with pytest.raises(SynthesisError, match="espeak-ng does not run"):
        make()


def test_a_synthesis_that_is_stopped_ends_at_once(install: Install, tmp_path: Path) -> None:
    programs = install('echo $$ > "${0%/*}/pid"', "exec /bin/sleep 60")
    synthesiser = make(deadline_seconds=60)
    jobs = [("Hello.", tmp_path / "a.wav")]
    with ThreadPoolExecutor(1) as pool:
        speaking = pool.submit(synthesiser.synthesise, jobs)
        wait_until((programs / "pid").exists, "nothing was spoken")
        synthesiser.stop()
        with pytest.raises(SynthesisError, match="the speech worker has ended"):
            speaking.result(timeout=20)
    with pytest.raises(SynthesisError, match="was stopped"):
        synthesiser.synthesise(jobs)
