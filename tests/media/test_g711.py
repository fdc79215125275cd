import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from media import g711
from media.g711 import Law

LAWS: tuple[Law, Law] = ("PCMU", "PCMA")
EVERY_OCTET = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)


def reference(name: str) -> Callable[[bytes, int], bytes]:
    """A function of the standard library's audioop, which Python 3.13 no longer has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            audioop: Any = importlib.import_module("audioop")
        except ModuleNotFoundError:
            pytest.skip("this Python has no audioop to compare with")
    function: Callable[[bytes, int], bytes] = getattr(audioop, name)
    return function


@pytest.mark.parametrize(("law", "name"), [("PCMU", "ulaw2lin"), ("PCMA", "alaw2lin")])
def test_every_octet_decodes_as_the_standard_library_does(law: Law, name: str) -> None:
    assert g711.decode(EVERY_OCTET, law).tobytes() == reference(name)(EVERY_OCTET, 2)


def test_every_sample_encodes_to_a_law_as_the_standard_library_does() -> None:
    assert g711.encode(EVERY_SAMPLE, "PCMA") == reference("lin2alaw")(EVERY_SAMPLE.tobytes(), 2)


def ulaw_by_decision_values(sample: int) -> int:
    """Tables 2a and 2b of G.711, read literally: count the decision values at or below."""
    magnitude = (~sample if sample < 0 else sample) >> 2
    decisions = [1 + 2 * n for n in range(15)]
    step, edge = 4, 31
    for _ in range(7):
        decisions += [edge + step * n for n in range(16)]
        edge += 16 * step
        step *= 2
    interval = sum(1 for decision in decisions if decision <= magnitude)
    return (0x7F if sample < 0 else 0xFF) - interval


def alaw_by_decision_values(sample: int) -> int:
    """Tables 1a and 1b of G.711, read literally, on the scale of 4096."""
    magnitude = (~sample if sample < 0 else sample) >> 3
    decisions = [2 * n for n in range(1, 32)]
    step, edge = 4, 64
    for _ in range(6):
        decisions += [edge + step * n for n in range(16)]
        edge += 16 * step
        step *= 2
    interval = sum(1 for decision in decisions if decision <= magnitude)
    return (interval | (0 if sample < 0 else 0x80)) ^ 0x55


def test_every_sample_encodes_to_mu_law_by_the_decision_values_of_the_standard() -> None:
    encoded = g711.encode(EVERY_SAMPLE, "PCMU")
    wrong = [
        int(sample)
        for sample, octet in zip(EVERY_SAMPLE[::3], encoded[::3], strict=True)
        if octet != ulaw_by_decision_values(int(sample))
    ]
    assert wrong == []


def test_every_sample_encodes_to_a_law_by_the_decision_values_of_the_standard() -> None:
    encoded = g711.encode(EVERY_SAMPLE, "PCMA")
    wrong = [
        int(sample)
        for sample, octet in zip(EVERY_SAMPLE[::3], encoded[::3], strict=True)
        if octet != alaw_by_decision_values(int(sample))
    ]
    assert wrong == []


@pytest.mark.parametrize("law", LAWS)
def test_decoding_and_encoding_again_changes_no_octet_but_mu_laws_second_zero(law: Law) -> None:
    again = g711.encode(g711.decode(EVERY_OCTET, law), law)
    expected = EVERY_OCTET if law == "PCMA" else EVERY_OCTET.replace(b"\x7f", b"\xff")
    assert again == expected


@pytest.mark.parametrize("law", LAWS)
def test_encoding_is_monotonic_and_errs_by_at_most_half_an_interval(law: Law) -> None:
    there_and_back = g711.decode(g711.encode(EVERY_SAMPLE, law), law).astype(np.int32)
    assert np.all(np.diff(there_and_back) >= 0)
    errors = np.abs(there_and_back - EVERY_SAMPLE)
    # The widest interval is 1024 of the 16-bit scale; mu-law clips at 32635.
    assert errors.max() <= 644
    assert errors[np.abs(EVERY_SAMPLE.astype(np.int32)) < 250].max() <= 8


def test_silence_is_the_octet_of_a_zero_sample() -> None:
    assert g711.SILENCE == {"PCMU": 0xFF, "PCMA": 0xD5}


@pytest.mark.parametrize(("source", "target"), [("PCMU", "PCMA"), ("PCMA", "PCMU")])
def test_transcoding_equals_decoding_and_encoding(source: Law, target: Law) -> None:
    expected = g711.encode(g711.decode(EVERY_OCTET, source), target)
    assert g711.transcode(EVERY_OCTET, source, target) == expected


@pytest.mark.parametrize("law", LAWS)
def test_transcoding_to_the_same_law_changes_nothing(law: Law) -> None:
    assert g711.transcode(EVERY_OCTET, law, law) == EVERY_OCTET


def test_nothing_becomes_nothing() -> None:
    assert g711.encode(g711.decode(b"")) == b""


def test_samples_with_gaps_between_them_encode_in_order() -> None:
    every_other = EVERY_SAMPLE[::2]
    assert g711.encode(every_other) == g711.encode(every_other.copy())
