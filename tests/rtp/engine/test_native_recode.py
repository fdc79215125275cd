"""Runs the tests of what is recoded (native/recode_test.c) under the sanitizers."""

from pathlib import Path

import pytest

from fuzz.engine import native
from rtp.engine import has_opus, has_srtp

TESTS = Path(__file__).resolve().parent / "native" / "recode_test.c"


def names() -> list[str]:
    """The tests as the C file lists them."""
    lines = TESTS.read_text().splitlines()
    return [line.strip()[5:-2] for line in lines if line.startswith("    TEST(")]


@pytest.fixture(scope="session")
def recode_test(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("native") / "recode_test"
    native.build(TESTS, program)
    return program


def test_every_c_test_is_listed_here(recode_test: Path) -> None:
    assert native.run(recode_test, timeout=20).stdout.split() == names()


@pytest.mark.parametrize("name", names())
def test_recoding(recode_test: Path, name: str) -> None:
    if "opus" in name and not has_opus():
        pytest.skip("libopus is not installed: tools/setup.sh opus")
    if "encrypted" in name and not has_srtp():
        pytest.skip("libsrtp2 is not installed: tools/setup.sh srtp")
    result = native.run(recode_test, name, timeout=50)
    assert result.returncode == 0, result.stderr
