"""The frames' C core under the sanitizers, for a few rounds of its fuzzer."""

from pathlib import Path

from fuzz.engine import native

FUZZER = native.ROOT / "fuzz" / "engine" / "fuzz_framing.c"


def test_the_fuzzer_finds_nothing_in_a_few_rounds(tmp_path: Path) -> None:
    program = tmp_path / "fuzz_framing"
    native.build(FUZZER, program)
    result = native.run(program, "2026", "60", "6", timeout=50)
    assert result.returncode == 0, result.stderr
    assert "6 rounds" in result.stdout
    frames = int(result.stdout.split(" frames")[0].split()[-1])
    assert frames > 100_000
