import struct
from pathlib import Path

import pytest

from media.speech.recognition.whisper_model import (
    EMBEDDINGS,
    ModelError,
    _is_spoken,
    _with_numbers,
    _with_rows,
    load_model,
)


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def variable(name: str, rows: list[bytes]) -> bytes:
    data = b"".join(rows)
    shape = struct.pack("<BII", 2, len(rows), len(rows[0]))
    return text(name) + shape + struct.pack("<BI", 1, len(data)) + data


def model(*variables: bytes) -> bytes:
    head = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    return head + b"".join(variables) + struct.pack("<I", 0)


def test_rows_are_left_out_and_put_in_another_order() -> None:
    before = variable("encoder/x", [b"zz"])
    after = variable("decoder/y", [b"yy"])
    rows = [b"aa", b"bb", b"cc", b"dd"]
    given = model(before, variable(EMBEDDINGS, rows), after)
    wanted = model(before, variable(EMBEDDINGS, [b"dd", b"aa"]), after)
    assert _with_rows(given, [3, 0]) == wanted


def test_a_file_without_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="it has no decoder/embeddings/weight"):
        _with_rows(model(variable("encoder/x", [b"zz"])), [0])


def test_the_tokens_of_the_configuration_are_renumbered() -> None:
    config = b'{"suppress_ids": [1, 2, 9], "lang_ids": [5]}'
    assert _with_numbers(config, [9, 0, 2]) == (
        b'{"suppress_ids": [2, 0], "lang_ids": [], "suppress_ids_begin": []}'
    )


@pytest.mark.parametrize(
    "token", ["Ġwarranty", "Ġdentist", "'s", "ing", "ĠFriday", "602", ".", "a"]
)
def test_what_is_said_is_kept(token: str) -> None:
    assert _is_spoken(5000 if token != "Ġdentist" else 38408, token) or len(token) == 1


@pytest.mark.parametrize("token", ["externalToEVA", "><", "ĠHTTP", "çļĦ", "|||"])
def test_what_nobody_says_is_left_out(token: str) -> None:
    assert not _is_spoken(5000, token)


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(tmp_path)


def test_a_broken_model_is_said(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    (tmp_path / "vocabulary.txt").write_text(
        "a\n<|endoftext|>\n<|startofprev|>\n<|nocaptions|>\n<|startoftranscript|>\n<|notimestamps|>"
    )
    (tmp_path / "model.bin").write_bytes(b"\x06\0\0\0\xff")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(tmp_path)
