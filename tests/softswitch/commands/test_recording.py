"""softswitch recording: what is on disk, where, and whether it is what the records say."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Protocol

import pytest

from media.recording.file import WaveFile
from media.recording.repair import repair_recordings, unfinished_recordings
from softswitch.commands.recording import add
from tests.support.commands import run_command

CONFIGURATION = """
switch: {{data: {data}, database: "off"}}
hearing: {{recordings: {folder}}}
trunks: {{carrier: 127.0.0.1:5080}}
campaigns: {{one: {{treatment: goodbye}}}}
treatments: {{goodbye: [hang_up]}}
"""
CALL, OTHER = "0123456789abcdef01234567", "89abcdef0123456789abcdef"


class Run(Protocol):
    """Runs `recording VERB` with some words more; status, what it said, what it complained of."""

    def __call__(self, verb: str, *words: str) -> tuple[int, str, str]: ...


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the recordings of two calls, a clip, and one that is being written."""
    data = tmp_path / "data"
    write(data / "recordings" / "2026-11-21" / f"{OTHER}.wav", 1.0)
    write(data / "recordings" / "2026-11-22" / f"{CALL}.wav", 2.5)
    write(data / "recordings" / "2026-11-22" / f"{CALL}-1-friend.wav", 0.5)
    unfinished = WaveFile(data / "recordings" / "2026-11-22" / "ffff.wav", "ulaw")
    unfinished.append(bytes(16000))
    unfinished.close()
    lines = [record(data, "2026-11-22", CALL), record(data, "2026-11-21", OTHER), "torn {"]
    (data / "records.jsonl").write_text("\n".join(lines))
    return data


def write(path: Path, seconds: float) -> None:
    file = WaveFile(path, "pcm")
    file.append(bytes(round(seconds * 32000)))
    file.finish()


def record(data: Path, day: str, call_id: str) -> str:
    path = f"recordings/{day}/{call_id}.wav"
    sha256 = hashlib.sha256((data / path).read_bytes()).hexdigest()
    entry = {"path": path, "sha256": sha256, "seconds": 1.0}
    return json.dumps({"call_id": call_id, "recordings": [entry]})


@pytest.fixture
def run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    path = tmp_path / "switch.yaml"
    path.write_text(CONFIGURATION.format(data=data, folder=data / "recordings"))

    def run(verb: str, *words: str) -> tuple[int, str, str]:
        status = run_command(add, "recording", verb, "-c", str(path), *words)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_what_is_on_disk_is_listed(run: Run, data: Path) -> None:
    status, said, _ = run("list")
    assert status == 0
    *lines, total = said.splitlines()
    rows = [line.split() for line in lines]
    assert [row[:4] for row in rows] == [
        [OTHER, "call", "1.0", "s"],
        [CALL, "clip", "0.5", "s"],
        [CALL, "call", "2.5", "s"],
        ["ffff", "unfinished", "1.0", "s"],
    ]
    assert rows[0][-1] == f"2026-11-21/{OTHER}.wav"
    assert rows[0][-2] == "32,044"
    assert total == f"4 files, 0.1 MB in {data}/recordings"


def test_a_day_is_listed_by_itself(run: Run) -> None:
    status, said, _ = run("list", "--day", "2026-11-21")
    assert (status, len(said.splitlines())) == (0, 2)
    assert run("list", "--day", "2020-01-01")[1].startswith("0 files")
    assert run("list", "--day", "../*")[0] == 2


def test_the_path_of_a_call_is_printed(run: Run, data: Path) -> None:
    status, said, _ = run("path", CALL)
    assert (status, said) == (0, f"{data}/recordings/2026-11-22/{CALL}.wav\n")
    status, said, complaint = run("path", "0000")
    assert (status, said) == (1, "")
    assert "no recording of the call 0000" in complaint
    assert run("path", "*")[0] == 2


def test_what_is_as_recorded_verifies(run: Run) -> None:
    status, said, _ = run("verify")
    assert status == 0
    assert said.endswith("2 recordings are as recorded, 0 are not\n")
    status, said, _ = run("verify", CALL)
    assert said.splitlines()[0].startswith(f"{CALL}  as recorded  recordings/2026-11-22/")
    assert "1 recordings are as recorded" in said


def test_a_file_in_which_one_bit_was_changed_is_found(run: Run, data: Path) -> None:
    path = data / "recordings" / "2026-11-22" / f"{CALL}.wav"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    status, said, _ = run("verify", CALL)
    assert status == 1
    assert "CHANGED" in said
    assert run("verify", OTHER)[0] == 0


def test_a_missing_file_and_an_unknown_call_are_told(run: Run, data: Path) -> None:
    (data / "recordings" / "2026-11-22" / f"{CALL}.wav").unlink()
    status, said, complaint = run("verify", CALL, "0000")
    assert status == 1
    assert "cannot be read: No such file" in said
    assert "no record of the call 0000" in complaint
    assert "0 recordings are as recorded, 1 are not" in said


def test_a_recording_that_failed_has_nothing_to_compare_with(
    run: Run, data: Path, tmp_path: Path
) -> None:
    rotated = tmp_path / "rotated.jsonl"
    entry = {"path": "recordings/x.wav", "sha256": None, "why": "No space left on device"}
    rotated.write_text(json.dumps({"call_id": CALL, "recordings": [entry]}) + "\n[]\n")
    status, said, _ = run("verify", "--records", str(rotated))
    assert status == 1
    assert "nothing to compare with: No space left on device" in said


def test_where_there_were_no_calls_there_is_nothing_wrong(run: Run, data: Path) -> None:
    (data / "records.jsonl").unlink()
    for path in (data / "recordings").rglob("*.wav*"):
        path.unlink()
    assert run("verify") == (0, "0 recordings are as recorded, 0 are not\n", "")
    complaint = f"softswitch recording: there is no record of the call {CALL}\n"
    assert run("verify", CALL) == (1, "", complaint)
    with pytest.raises(FileNotFoundError):  # told by the command line
        run("verify", "--records", str(data / "none"))


def test_a_recording_that_was_mended_after_a_crash_is_compared_with_the_hash_beside_it(
    run: Run, data: Path
) -> None:
    folder = data / "recordings" / "2026-11-22"
    (mended,), _ = repair_recordings(unfinished_recordings(data / "recordings"))
    entry = {"path": "recordings/2026-11-22/ffff.wav", "sha256": None, "why": "cut off by a crash"}
    with (data / "records.jsonl").open("a") as records:
        records.write("\n" + json.dumps({"call_id": "ffff", "recordings": [entry]}))
    status, said, _ = run("verify")
    assert status == 0
    assert "ffff  as recorded  recordings/2026-11-22/ffff.wav" in said
    assert "3 recordings are as recorded, 0 are not" in said
    content = bytearray(mended.path.read_bytes())
    content[1000] ^= 1
    (folder / "ffff.wav").write_bytes(content)
    status, said, _ = run("verify", "ffff")
    assert status == 1
    assert "ffff  CHANGED" in said


def test_recordings_that_no_record_names_are_told_apart(run: Run, data: Path) -> None:
    repair_recordings(unfinished_recordings(data / "recordings"))
    write(data / "recordings" / "2026-11-22" / "eeee.wav", 1.0)
    status, said, _ = run("verify")
    assert status == 0
    assert "2 recordings are as recorded, 0 are not" in said
    assert "without a record: nothing to compare with  2026-11-22/eeee.wav" in said
    assert "without a record: as mended after a crash  2026-11-22/ffff.wav" in said
    assert "friend" not in said, "a clip is no recording of a call"
    (data / "recordings" / "2026-11-22" / "ffff.wav").write_bytes(b"RIFF")
    status, said, _ = run("verify")
    assert status == 1
    assert "without a record: CHANGED" in said
    assert "without a record" not in run("verify", CALL)[1]


@pytest.mark.parametrize("missing", ["data", "data/recordings"])
def test_a_folder_that_is_not_there_is_told(run: Run, data: Path, missing: str) -> None:
    shutil.rmtree(data.parent / missing)
    for words in (["list"], ["verify"], ["path", CALL]):
        status, said, complaint = run(words[0], *words[1:])
        assert (status, said) == (1, "")
        assert f"there is no folder {data.parent / missing}" in complaint


def test_a_bad_configuration_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("switch: 7")
    for verb in (["list"], ["path", CALL], ["verify"]):
        assert run_command(add, "recording", verb[0], "-c", str(path), *verb[1:]) == 1
        assert "bad.yaml" in capsys.readouterr().err
