"""G.722 against an independent coder (the package G722), to the bit, and by tones."""

import ctypes
import os
import shlex
import subprocess

import G722 as REFERENCE
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fuzz.engine import native

Samples = NDArray[np.int16]
BITS = 64000
STATE_BYTES = 1024


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    program = tmp_path_factory.mktemp("g722") / "g722.so"
    source = native.ENGINE / "g722.c"
    command = [*shlex.split(os.environ.get("CC", "gcc")), "-std=gnu11", "-O2", "-shared", "-fPIC"]
    command += [str(source), "-o", str(program)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(program))


class Coder:
    """The engine's, with a state of its own."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._state = ctypes.create_string_buffer(STATE_BYTES)
        library.g722_init(self._state)

    def encode(self, samples: Samples) -> bytes:
        out = ctypes.create_string_buffer(len(samples))
        self._library.g722_encode(
            self._state, samples.tobytes(), ctypes.c_size_t(len(samples)), out
        )
        return out.raw

    def decode(self, octets: bytes) -> Samples:
        out = ctypes.create_string_buffer(2 * len(octets))
        self._library.g722_decode(self._state, octets, ctypes.c_size_t(len(octets)), out)
        samples: Samples = np.frombuffer(out.raw, np.int16)
        return samples


def tone(hz: float, amplitude: float, seconds: float = 1.0) -> Samples:
    steps = np.arange(round(8000 * seconds)) * (2 * np.pi * hz / 8000)
    samples: Samples = np.rint(amplitude * np.sin(steps)).astype(np.int16)
    return samples


def sounds() -> dict[str, Samples]:
    chance = np.random.default_rng(7)
    return {
        "tone": tone(1000, 8000),
        "loudest tone": tone(440, 32767),
        "noise": chance.normal(0, 6000, 16000).clip(-32768, 32767).astype(np.int16),
        "any sample": chance.integers(-32768, 32768, 16000).astype(np.int16),
        "square": np.where(np.arange(8000) % 16 < 8, 32767, -32768).astype(np.int16),
        "whisper": chance.integers(-4, 5, 8000).astype(np.int16),
        "silence": np.zeros(8000, np.int16),
    }


@pytest.mark.parametrize("name", sounds())
def test_code_words_are_those_of_another_coder(library: ctypes.CDLL, name: str) -> None:
    samples = sounds()[name]
    theirs = bytes(REFERENCE.G722(8000, BITS).encode(samples.tolist()))
    assert Coder(library).encode(samples) == theirs


@pytest.mark.parametrize("name", sounds())
def test_sound_is_that_of_another_decoder(library: ctypes.CDLL, name: str) -> None:
    octets = bytes(REFERENCE.G722(8000, BITS).encode(sounds()[name].tolist()))
    theirs = np.array(REFERENCE.G722(8000, BITS).decode(octets), np.int16)
    assert (Coder(library).decode(octets) == theirs).all()


@given(octets=st.binary(min_size=1, max_size=2000))
def test_whatever_octets_come_are_decoded_as_elsewhere(library: ctypes.CDLL, octets: bytes) -> None:
    theirs = np.array(REFERENCE.G722(8000, BITS).decode(octets), np.int16)
    assert (Coder(library).decode(octets) == theirs).all()


@given(values=st.lists(st.integers(-32768, 32767), min_size=1, max_size=1000))
def test_whatever_samples_come_are_coded_as_elsewhere(
    library: ctypes.CDLL, values: list[int]
) -> None:
    theirs = bytes(REFERENCE.G722(8000, BITS).encode(values))
    assert Coder(library).encode(np.array(values, np.int16)) == theirs


@pytest.mark.parametrize("hz", [300, 1000, 2000, 3400])
@pytest.mark.parametrize("amplitude", [300, 3000, 30000])
def test_tones_come_out_as_they_went_in(library: ctypes.CDLL, hz: float, amplitude: float) -> None:
    samples = tone(hz, amplitude)
    heard = Coder(library).decode(Coder(library).encode(samples)).astype(float)
    error = (heard - samples)[800:]
    wanted = samples[800:].astype(float)
    assert 10 * np.log10((wanted @ wanted) / (error @ error)) > 25


@pytest.mark.parametrize("hz", [500, 1000, 3000])
def test_sound_that_was_coded_at_16_khz_is_heard_at_8(library: ctypes.CDLL, hz: float) -> None:
    steps = np.arange(16000) * (2 * np.pi * hz / 16000)
    wide = np.rint(8000 * np.sin(steps)).astype(np.int16)
    octets = bytes(REFERENCE.G722(16000, BITS).encode(wide.tolist()))
    heard = Coder(library).decode(octets).astype(float)[800:]
    steps = np.arange(len(heard)) * (2 * np.pi * hz / 8000)
    basis = np.stack([np.sin(steps), np.cos(steps)], axis=1)
    parts, *_ = np.linalg.lstsq(basis, heard, rcond=None)
    rest = heard - basis @ parts
    assert 10 * np.log10((heard @ heard) / (rest @ rest)) > 25
    assert 7000 < np.hypot(*parts) < 9000


def test_sound_at_8_khz_is_heard_where_both_sub_bands_are(library: ctypes.CDLL) -> None:
    octets = Coder(library).encode(tone(1000, 8000))
    wide = np.array(REFERENCE.G722(16000, BITS).decode(octets), float)[1600:]
    steps = np.arange(len(wide)) * (2 * np.pi * 1000 / 16000)
    basis = np.stack([np.sin(steps), np.cos(steps)], axis=1)
    parts, *_ = np.linalg.lstsq(basis, wide, rcond=None)
    rest = wide - basis @ parts
    assert 10 * np.log10((wide @ wide) / (rest @ rest)) > 25
