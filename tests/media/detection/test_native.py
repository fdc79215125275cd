"""The parts of the native detectors beside plain models of them, and all of it under sanitizers."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fuzz.engine import native
from media import SAMPLE_RATE
from media.detection._detectors import Detectors
from tests.support.tone_lines import FRAME, Sound, sine

HERE = Path(__file__).resolve().parent
FUZZER = native.ROOT / "fuzz" / "detection" / "fuzz_detectors.c"
TIME = np.arange(FRAME) / SAMPLE_RATE


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C parts as a library."""
    library = tmp_path_factory.mktemp("detection") / "parts.so"
    core = sorted(str(path) for path in native.DETECTION.glob("*.c") if path.name[0] != "_")
    command = ["gcc", "-shared", "-fPIC", "-std=gnu11", "-O2", f"-I{native.DETECTION}"]
    source = str(HERE / "native" / "faces.c")
    subprocess.run([*command, source, *core, "-lm", "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.face_kept.restype = ctypes.c_float
    return loaded


def pcm(*sounds: Sound) -> NDArray[np.int16]:
    sound = np.sum(sounds, axis=0)[:FRAME]
    return np.asarray(np.clip(np.rint(sound * 32767), -32768, 32767), np.int16)


def floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return np.asarray(samples / np.float32(32768), np.float32)


def pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def strengths(
    parts: ctypes.CDLL, samples: NDArray[np.int16], frequencies: list[float], *, plain: bool = False
) -> NDArray[np.float32]:
    hertz, found = np.array(frequencies), np.zeros(len(frequencies), np.float32)
    parts.face_strengths(
        int(plain), pointer(hertz), len(frequencies), pointer(samples), pointer(found)
    )
    return found


def look_at(parts: ctypes.CDLL, samples: NDArray[np.int16], near: float) -> NDArray[np.float32]:
    found, sound = np.zeros(4, np.float32), floats(samples)
    parts.face_look_at(pointer(sound), ctypes.c_float(near), pointer(found))
    return found


def look_for(parts: ctypes.CDLL, samples: NDArray[np.int16]) -> tuple[float, float]:
    found, sound = np.zeros(2, np.float32), floats(samples)
    parts.face_look_for(pointer(sound), pointer(found))
    return float(found[0]), float(found[1])


def naive(samples: NDArray[np.int16], frequencies: list[float]) -> NDArray[np.float64]:
    """A sine's mean square is half of its amplitude's square."""
    turns = np.exp(-2j * np.pi * np.outer(frequencies, TIME))
    return np.asarray(2 * np.abs(turns @ (samples / 32768) / FRAME) ** 2)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.floats(50, 3950), min_size=1, max_size=24),
    st.sampled_from([1.0, 0.1, 1e-4]),
    st.booleans(),
)
def test_the_bank_is_a_fourier_transform(
    parts: ctypes.CDLL, seed: int, frequencies: list[float], level: float, plain: bool
) -> None:
    rng = np.random.default_rng(seed)
    samples = np.asarray(np.clip(rng.normal(0, level, FRAME) * 32768, -32768, 32767), np.int16)
    found = strengths(parts, samples, frequencies, plain=plain)
    power = float(np.mean((samples / 32768) ** 2))
    assert np.allclose(found, naive(samples, frequencies), rtol=1e-3, atol=1e-5 * power + 1e-12)


@pytest.mark.parametrize("frequency", [350.0, 697.0, 1100.0, 2100.0])
def test_a_tone_has_its_mean_square_in_its_place(parts: ctypes.CDLL, frequency: float) -> None:
    samples = pcm(sine(frequency, 0.02))
    (found,) = strengths(parts, samples, [frequency])
    assert found == pytest.approx(np.mean(floats(samples) ** 2), rel=0.1)


@pytest.mark.parametrize("off", [-40.0, -12.5, 0.0, 3.0, 45.0])
def test_a_closer_look_finds_frequency_share_and_phase(parts: ctypes.CDLL, off: float) -> None:
    samples = pcm(sine(1100 + off, 0.02))
    frequency, share, real, imaginary = look_at(parts, samples, 1100.0)
    assert frequency == pytest.approx(1100 + off, abs=3)
    assert share == pytest.approx(1, abs=0.05)
    if off == 0:
        amplitude = 2 * np.mean(floats(samples) * np.exp(-2j * np.pi * 1100 * TIME))
        assert complex(real, imaginary) == pytest.approx(complex(amplitude), rel=0.01)


@pytest.mark.parametrize("frequency", [400.0, 1003.0, 1999.0])
def test_the_tone_that_carries_a_frame_is_found_wherever_it_is(
    parts: ctypes.CDLL, frequency: float
) -> None:
    found, share = look_for(parts, pcm(sine(frequency, 0.02)))
    assert found == pytest.approx(frequency, abs=6)
    assert share > 0.9


def test_what_no_tone_carries_has_none(parts: ctypes.CDLL) -> None:
    rng = np.random.default_rng(1)
    frames = [pcm(rng.normal(0, 0.1, FRAME)) for _ in range(50)]
    assert max(look_for(parts, frame)[1] for frame in frames) < 0.5
    assert look_for(parts, pcm(sine(2600.0, 0.02))) == (0.0, 0.0)
    assert look_for(parts, np.zeros(FRAME, np.int16)) == (0.0, 0.0)
    assert look_at(parts, frames[0], 3000.0)[1] == 0


def test_the_series_for_what_is_lost_off_frequency_is_near(parts: ctypes.CDLL) -> None:
    for off in range(-50, 51):
        found = parts.face_kept(ctypes.c_float(off))
        assert found == pytest.approx(np.sinc(off * 0.01) ** 2, abs=0.002)


def test_the_fuzzer_finds_nothing_in_a_few_rounds(tmp_path: Path) -> None:
    program = tmp_path / "fuzz_detectors"
    native.build(FUZZER, program, folder=native.DETECTION)
    result = native.run(program, "2026", "60", "6", timeout=50)
    assert result.returncode == 0, result.stderr
    assert "6 rounds" in result.stdout
    signs = int(result.stdout.split(" signs")[0].split()[-1])
    assert signs > 2_000


# The face.


def frames(rows: int) -> list[NDArray[np.generic]]:
    """Slots, samples, valid, positions, power."""
    return [
        np.arange(rows),
        np.zeros((rows, FRAME), np.int16),
        np.ones((rows, FRAME), np.bool_),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.float32),
    ]


def test_a_round_without_frames_says_nothing() -> None:
    tonal, beep, signs = Detectors([440.0]).hear(*frames(0))  # type: ignore[arg-type]
    assert (tonal.size, beep.size, signs) == (0, 0, [])


@pytest.mark.parametrize("at", range(5))
def test_arrays_of_another_kind_or_shape_are_refused(at: int) -> None:
    detectors = Detectors([440.0])
    for slot in range(3):
        detectors.open(slot)
    kind, shape = frames(3), frames(3)
    kind[at] = kind[at].astype(np.float64)
    shape[at] = shape[at][:2] if at else shape[at][:, None]
    for bad in (kind, shape):
        with pytest.raises(ValueError, match="are"):
            detectors.hear(*bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("slot", [-1, 64, 1 << 40])
def test_a_slot_that_was_not_opened_is_refused(slot: int) -> None:
    detectors, heard = Detectors([440.0]), frames(3)
    for opened in range(3):
        detectors.open(opened)
    heard[0] = np.array([0, slot, 2])
    with pytest.raises(IndexError, match="not opened"):
        detectors.hear(*heard)  # type: ignore[arg-type]
    with pytest.raises(IndexError, match="not opened"):
        detectors.want(slot)


def test_there_is_an_end_to_slots_and_frequencies() -> None:
    detectors = Detectors([440.0])
    detectors.open((1 << 17) - 1)
    for slot in (-1, 1 << 17, 1 << 70):
        with pytest.raises(ValueError, match="not below"):
            detectors.open(slot)
    with pytest.raises(ValueError, match="more than 24"):
        Detectors([440.0] * 25)
