import pytest

from softswitch.sdp.codec import PCMA, PCMU, STATIC_ENCODINGS, Codec, fold_encoding


def test_an_encoding_is_written_as_rtpmap_wants_it() -> None:
    assert PCMU.encoding == "PCMU/8000"
    assert Codec("L16", 44100, 2).encoding == "L16/44100/2"


@pytest.mark.parametrize("spelt", ["PCMU/8000", "pcmu/8000", "PcMu/8000/1", " PCMU/8000 "])
def test_encodings_are_compared_without_case_and_default_channels(spelt: str) -> None:
    assert fold_encoding(spelt) == "pcmu/8000"


def test_more_channels_are_another_encoding() -> None:
    assert fold_encoding("PCMU/8000/2") != fold_encoding("PCMU/8000")


def test_static_numbers_are_those_of_rfc_3551() -> None:
    assert (PCMU.payload_type, PCMA.payload_type) == (0, 8)
    assert STATIC_ENCODINGS[0] == PCMU.encoding.lower()
    assert STATIC_ENCODINGS[8] == PCMA.encoding.lower()
