"""What is kept of RTP, RTCP and noise, at the C core's ports for sound, under the sanitizers."""

from pathlib import Path

from fuzz.engine import native
from fuzz.engine.datagrams import write_datagrams

FUZZER = native.ROOT / "fuzz" / "engine" / "fuzz_packets.c"


def test_nothing_that_is_kept_does_harm_and_no_stranger_is_sent_anything(tmp_path: Path) -> None:
    program = tmp_path / "fuzz_packets"
    native.build(FUZZER, program)
    datagrams = write_datagrams(tmp_path / "datagrams")
    assert len(datagrams) > 50
    result = native.run(program, "2026", "0.5", *datagrams, timeout=50)
    assert result.returncode == 0, result.stderr
    assert f"{len(datagrams)} files" in result.stdout
