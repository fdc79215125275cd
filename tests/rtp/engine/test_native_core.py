"""Runs the tests of the C core (native/core_test.c), and a short fuzz, under the sanitizers."""

import subprocess
from pathlib import Path

import pytest

from fuzz.engine import native
from tests.support.ports import free_rtp_range

HERE = Path(__file__).resolve().parent
TESTS = HERE / "native" / "core_test.c"
THREADS = HERE / "native" / "threads_test.c"
FUZZER = native.ROOT / "fuzz" / "engine" / "fuzz_engine.c"


def names() -> list[str]:
    """The tests as the C file lists them."""
    lines = TESTS.read_text().splitlines()
    return [line.strip()[5:-2] for line in lines if line.startswith("    TEST(")]


@pytest.fixture(scope="session")
def core_test(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("native") / "core_test"
    native.build(TESTS, program)
    return program


def test_every_c_test_is_listed_here(core_test: Path) -> None:
    assert native.run(core_test, timeout=20).stdout.split() == names()
    assert len(names()) > 20


@pytest.mark.parametrize("name", names())
def test_core(core_test: Path, name: str) -> None:
    result = native.run(core_test, name, timeout=50)
    assert result.returncode == 0, result.stderr


def test_the_fuzzer_finds_nothing_in_a_few_rounds(tmp_path: Path) -> None:
    program = tmp_path / "fuzz_engine"
    native.build(FUZZER, program)
    result = native.run(program, "2026", "60", "10", timeout=50)
    assert result.returncode == 0, result.stderr
    assert "10 rounds" in result.stdout


def test_threads_share_nothing_unguarded(tmp_path: Path) -> None:
    program = tmp_path / "threads_test"
    native.build(THREADS, program, sanitizers=native.THREAD_SANITIZER)
    # Older thread sanitizers cannot place their memory beside a randomised layout.
    command = ["setarch", "-R", str(program), str(free_rtp_range(200)[0])]
    result = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    if "unexpected memory mapping" in result.stderr or "setarch:" in result.stderr:
        pytest.skip("the thread sanitizer does not run on this kernel")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "clean\n"


def test_threads_and_sockets_leak_nothing(tmp_path: Path) -> None:
    program = tmp_path / "threads_test"
    native.build(THREADS, program)
    result = native.run(program, str(free_rtp_range(200)[0]), timeout=50)
    assert result.returncode == 0, result.stderr
