"""Recordings of the real program when things go wrong: killed, disk full, a secret in the sound."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from media import dtmf, g711
from tests.support.example_switch import Example, accept
from tests.support.program import wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.taped_sound import read_stereo

NUMBER = "+18666831950"
AGENT = "16025551234"
CONFIGURATION = """
switch:
  listen: ${SOFTSWITCH_SIP:-127.0.0.1:5060}
  rtp_ports: ${SOFTSWITCH_RTP:-20000-29999}
  data: ${SOFTSWITCH_DATA:-./var}
  database: ${SOFTSWITCH_DATABASE:-}
  without_synthesiser: chime
hearing:
  recordings: ${RECORDINGS}
trunks:
  carrier: ${SOFTSWITCH_TRUNK:-127.0.0.1:5080}
numbers:
  866 683 1950: {campaign: sale}
campaigns:
  sale: {treatment: main, record: true}
treatments:
"""
RING_THROUGH = "  main: [connect: 602 555 1234]\n"
ASK_SECRET = """\
  main:
    - name: card
      ask: {prompt: "Your number?", kind: digits, digits: 4, secret: true}
    - connect: 602 555 1234
"""


@pytest.fixture
def switch_with(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Example]]:
    made: list[Example] = []
    failed_before = request.session.testsfailed

    def make(treatment: str, recordings: Path) -> Example:
        path = tmp_path / "switch.yaml"
        path.write_text(CONFIGURATION + treatment)
        made.append(Example(tmp_path / "run", path, RECORDINGS=str(recordings)))
        return made[-1]

    yield make
    for one in made:
        one.close(failed=request.session.testsfailed > failed_before)


def tone(frequency: float, seconds: float) -> bytes:
    """A tone as mu-law."""
    moments = np.arange(round(seconds * 8000)) / 8000
    return g711.encode(np.rint(8000 * np.sin(2 * np.pi * frequency * moments)).astype(np.int16))


def speaks(near: RtpEnd, seconds: float) -> None:
    near.play(tone(1000, seconds))
    near.wait_until_played()


def test_a_recording_cut_off_by_a_kill_is_made_whole_at_the_next_start(
    switch_with: Callable[..., Example], tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    switch = switch_with(RING_THROUGH, folder)
    calling, near = switch.call(NUMBER)
    switch.bridged(calling, near, AGENT)
    speaks(near, 4.0)
    (part,) = folder.glob("*/*.wav.part")
    switch.switch.kill()
    switch.switch.start()
    path = part.with_name(part.name.removesuffix(".part"))
    wait_for("the mended file", path.exists)
    assert sorted(folder.glob("*/*")) == [path, path.with_name(path.name + ".sha256")]
    left, _ = read_stereo(path)
    assert len(left) >= 8000
    assert np.abs(left).max() > 5000
    told = "1 recordings that a crash had cut off"
    wait_for("the line in the log", lambda: told in switch.switch.output())
    record = switch.record()
    assert record["ended_by"] == "crash"
    assert path.stem == record["call_id"]
    (recording,) = record["recordings"]
    assert (recording["path"], recording["sha256"]) == (str(path), None)
    assert recording["why"] == "cut off by a crash"


def test_what_is_said_after_a_hold_with_a_timestamp_that_stood_still_is_recorded_in_its_time(
    switch_with: Callable[..., Example], tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"
    switch = switch_with(RING_THROUGH, folder)
    calling, near = switch.call(NUMBER)
    switch.bridged(calling, near, AGENT)
    speaks(near, 1.0)
    near.sending = False
    time.sleep(2.5)
    near.sending = True
    speaks(near, 1.0)
    time.sleep(0.2)
    calling.bye()
    switch.record()
    (path,) = folder.glob("*/*.wav")
    left, _ = read_stereo(path)
    loud = np.flatnonzero(np.abs(left.astype(int)) > 4000)
    pauses = np.diff(loud)
    assert 2.4 < pauses.max() / 8000 < 2.7
    assert 1.9 < (loud[-1] - loud[0] - pauses.max()) / 8000 < 2.1
    assert "too late" not in switch.switch.output()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 kB: three seconds."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tiny disk can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full_ends_the_recording_and_not_the_call(
    tiny_disk: Path, switch_with: Callable[..., Example]
) -> None:
    switch = switch_with(RING_THROUGH, tiny_disk)
    calling, near = switch.call(NUMBER)
    called = switch.bridged(calling, near, AGENT)
    speaks(near, 5.0)
    wait_for("the recording to fail", lambda: "recording.failed" in switch.switch.output())
    speaks(near, 0.5)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["ended_by"] == "calling"
    (recording,) = record["recordings"]
    assert recording["why"] == "No space left on device"
    content = Path(recording["path"]).read_bytes()
    assert recording["sha256"] == hashlib.sha256(content).hexdigest()
    left, _ = read_stereo(Path(recording["path"]))
    assert len(left) / 8000 == pytest.approx(recording["seconds"], abs=0.001)
    assert 1.5 < recording["seconds"] < 3.2


def test_a_number_keyed_in_the_sound_of_a_secret_is_not_in_the_recording(
    switch_with: Callable[..., Example], tmp_path: Path
) -> None:
    switch = switch_with(ASK_SECRET, tmp_path / "recordings")
    near = switch.rtp()
    calling = switch.caller.invite(NUMBER, near.sdp((0,)))
    accept(calling, near)
    near.wait_for_packets(60)
    near.play(g711.encode(dtmf.render("4921")))
    called = switch.rings(AGENT)
    switch.takes(called)
    time.sleep(1.3)  # the second after a secret is silent too
    speaks(near, 1.0)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert "4921" not in str(record)
    (path,) = (tmp_path / "recordings").glob("*/*.wav")
    left, _ = read_stereo(path)
    loud = np.flatnonzero(np.abs(left.astype(np.int32)) > 1000)
    assert len(loud) > 4000, "the tone after it"
    assert loud[0] > len(left) - 12_000, "nothing before it"


def test_calls_that_are_ended_by_a_stop_have_their_recordings_in_their_records(
    switch_with: Callable[..., Example], tmp_path: Path
) -> None:
    switch = switch_with(RING_THROUGH, tmp_path / "recordings")
    calling, near = switch.call(NUMBER)
    switch.bridged(calling, near, AGENT)
    speaks(near, 1.0)
    switch.switch.terminate()
    time.sleep(0.2)
    switch.switch.terminate()
    switch.switch.wait_for_exit()
    (record,) = switch.switch.records()
    (recording,) = record["recordings"]
    assert "why" not in recording
    content = Path(recording["path"]).read_bytes()
    assert recording["sha256"] == hashlib.sha256(content).hexdigest()
    left, _ = read_stereo(Path(recording["path"]))
    assert np.count_nonzero(np.abs(left) > 5000) > 2000
