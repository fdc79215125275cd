import os
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import g711
from media.wav import (
    MAX_WAV_BYTES,
    WavError,
    decode_wav,
    encode_wav,
    read_wav,
    write_wav,
)

RAMP = np.arange(-4000, 4000, 7, dtype=np.int16)
PCM, FLOAT, ALAW, ULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


def fmt(
    tag: int = PCM, channels: int = 1, rate: int = 8000, bits: int = 16, block: int | None = None
) -> bytes:
    block = channels * ((bits + 7) // 8) if block is None else block
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block & 0xFFFF, bits)


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return (
        name
        + struct.pack("<I", len(body) if size is None else size)
        + body
        + b"\0" * (len(body) & 1)
    )


def riff(*chunks: bytes, size: int | None = None, kind: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if size is None else size) + body


def wav(data: bytes, **form: int) -> bytes:
    return riff(chunk(b"fmt ", fmt(**form)), chunk(b"data", data))


def test_telephone_pcm_is_read_sample_for_sample() -> None:
    assert np.array_equal(decode_wav(wav(RAMP.tobytes())), RAMP)


def test_what_the_standard_library_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(RAMP.tobytes())
    assert np.array_equal(read_wav(path), RAMP)


def test_what_is_written_the_standard_library_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, RAMP)
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert file.readframes(file.getnframes()) == RAMP.tobytes()


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_what_is_written_is_read_back(values: list[int]) -> None:
    samples = np.array(values, np.int16)
    assert np.array_equal(decode_wav(encode_wav(samples)), samples)


@pytest.mark.parametrize(("tag", "law"), [(ULAW, "PCMU"), (ALAW, "PCMA")])
def test_g711_is_decoded_exactly(tag: int, law: g711.Law) -> None:
    octets = bytes(range(256))
    assert np.array_equal(decode_wav(wav(octets, tag=tag, bits=8)), g711.decode(octets, law))


def test_eight_bit_pcm_is_unsigned() -> None:
    assert decode_wav(wav(bytes([0, 128, 255]), bits=8)).tolist() == [-32768, 0, 127 << 8]


def test_24_and_32_bit_pcm_keep_their_upper_bits() -> None:
    wide = RAMP.astype(np.int32) << 16
    three = b"".join(int(v).to_bytes(4, "little", signed=True)[1:] for v in wide)
    assert np.array_equal(decode_wav(wav(three, bits=24)), RAMP)
    assert np.array_equal(decode_wav(wav(wide.tobytes(), bits=32)), RAMP)


@pytest.mark.parametrize(("dtype", "bits"), [("<f4", 32), ("<f8", 64)])
def test_float_full_scale_is_one_and_what_is_no_number_is_silence(dtype: str, bits: int) -> None:
    values = np.array([0, 1, -1, 0.5, 3, -3, np.nan, np.inf, -np.inf], dtype)
    decoded = decode_wav(wav(values.tobytes(), tag=FLOAT, bits=bits))
    assert decoded.tolist() == [0, 32767, -32767, 16384, 32767, -32767, 0, 0, 0]


def test_stereo_is_averaged() -> None:
    left_right = np.array([[100, 300], [-100, 100], [32767, 32767]], np.int16)
    assert decode_wav(wav(left_right.tobytes(), channels=2)).tolist() == [200, 0, 32767]


def test_another_rate_is_resampled_to_eight_kilohertz() -> None:
    time = np.arange(48000) / 48000
    tone = np.asarray(8000 * np.sin(2 * np.pi * 400 * time), np.int16)
    decoded = decode_wav(wav(tone.tobytes(), rate=48000))
    assert decoded.size == 8000
    assert int(np.argmax(np.abs(np.fft.rfft(decoded)))) == 400


def test_extensible_format_is_read_by_its_subformat() -> None:
    tail = bytes.fromhex("000000001000800000aa00389b71")
    body = fmt(tag=EXTENSIBLE) + struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", PCM) + tail
    data = riff(chunk(b"fmt ", body), chunk(b"data", RAMP.tobytes()))
    assert np.array_equal(decode_wav(data), RAMP)
    with pytest.raises(WavError, match="extensible"):
        decode_wav(data.replace(tail, bytes(14)))


def test_other_chunks_of_odd_length_are_passed_over() -> None:
    data = riff(
        chunk(b"LIST", b"abc"),
        chunk(b"fmt ", fmt() + b"\0\0"),
        chunk(b"fact", b"\0" * 4),
        chunk(b"data", RAMP.tobytes()),
        chunk(b"id3 ", b"x"),
    )
    assert np.array_equal(decode_wav(data), RAMP)


def test_data_before_format_is_understood() -> None:
    data = riff(chunk(b"data", RAMP.tobytes()), chunk(b"fmt ", fmt()))
    assert np.array_equal(decode_wav(data), RAMP)


def test_data_cut_short_is_played_up_to_the_cut() -> None:
    whole = wav(RAMP.tobytes())
    assert np.array_equal(decode_wav(whole[:-101]), RAMP[:-51])


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_sizes_that_a_pipe_left_unfilled_mean_to_the_end(size: int) -> None:
    data = riff(chunk(b"fmt ", fmt()), chunk(b"data", RAMP.tobytes(), size=size), size=size)
    assert np.array_equal(decode_wav(data), RAMP)


def test_rf64_is_read() -> None:
    data = riff(
        chunk(b"ds64", bytes(28)),
        chunk(b"fmt ", fmt()),
        chunk(b"data", RAMP.tobytes(), size=0xFFFFFFFF),
        size=0xFFFFFFFF,
        kind=b"RF64",
    )
    assert np.array_equal(decode_wav(data), RAMP)


WRONG = {
    "empty file": (b"", "empty"),
    "text": (b"this is not audio at all", "not a WAV file"),
    "header only": (b"RIFF\0\0\0\0WAVE", "no format chunk"),
    "cut in the header": (b"RIFF\0\0", "not a WAV file"),
    "mp3": (b"ID3\x04" + bytes(40), "MP3"),
    "ogg": (b"OggS" + bytes(40), "Ogg"),
    "flac": (b"fLaC" + bytes(40), "FLAC"),
    "big endian": (riff(chunk(b"fmt ", fmt()), kind=b"RIFX"), "big-endian"),
    "no data": (riff(chunk(b"fmt ", fmt())), "no audio data"),
    "no format": (riff(chunk(b"data", b"1234")), "no format chunk"),
    "no samples": (wav(b""), "no audio in"),
    "half a sample": (wav(b"\0"), "no audio in"),
    "short format": (riff(chunk(b"fmt ", fmt()[:14]), chunk(b"data", b"12")), "cut short"),
    "no channels": (wav(b"12", channels=0), "0 channels"),
    "too many channels": (wav(b"12", channels=33), "33 channels"),
    "no rate": (wav(b"12", rate=0), "sample rate is 0"),
    "absurd rate": (wav(b"12", rate=0xFFFFFF), "sample rate is"),
    "odd bits": (wav(b"12" * 20, bits=40), "40 bits"),
    "no bits": (wav(b"12" * 20, bits=0), "0 bits"),
    "half float": (wav(b"12" * 20, tag=FLOAT, bits=16), "16 bits"),
    "adpcm": (wav(b"12" * 20, tag=2, bits=4), "ADPCM"),
    "unknown tag": (wav(b"12" * 20, tag=0x1234), "0x1234"),
    "blocks": (wav(b"12" * 20, block=7), "contradicts"),
    "huge chunk": (riff(chunk(b"LIST", b"", size=0xFFFFFFF0), chunk(b"fmt ", fmt())), "no format"),
    "many chunks": (riff(*[chunk(b"junk", b"")] * 2000, chunk(b"fmt ", fmt())), "no format"),
    "too long": (wav(bytes(1000 * 1801), bits=8, rate=1000), "longer than 30 minutes"),
}


@pytest.mark.parametrize(("data", "text"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_played_is_refused_in_a_sentence(data: bytes, text: str) -> None:
    with pytest.raises(WavError, match=text):
        decode_wav(data)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.wav"
    with path.open("wb") as file:
        file.write(wav(b"12"))
        file.truncate(MAX_WAV_BYTES + 1)
    with pytest.raises(WavError, match="larger than 64 MB"):
        read_wav(path)


def test_a_file_that_is_not_there_is_a_wav_error(tmp_path: Path) -> None:
    with pytest.raises(WavError, match="cannot be read"):
        read_wav(tmp_path / "missing.wav")
    with pytest.raises(WavError, match="cannot be read"):
        read_wav(tmp_path)


def test_a_name_that_no_file_can_have_is_a_wav_error() -> None:
    with pytest.raises(WavError, match="null character"):
        read_wav("a\0b.wav")


def test_a_device_is_not_read() -> None:
    with pytest.raises(WavError, match="not a regular file"):
        read_wav(os.devnull)


def test_a_pipe_without_a_writer_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WavError, match="not a regular file"):
        read_wav(tmp_path / "pipe")


def test_writing_leaves_no_other_file_behind(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", RAMP)
    write_wav(tmp_path / "a.wav", RAMP[::2])
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.wav"]
    assert np.array_equal(read_wav(tmp_path / "a.wav"), RAMP[::2])


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(OSError, match=r"a\.wav"):
        write_wav(tmp_path / "a.wav", RAMP)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.wav"]
