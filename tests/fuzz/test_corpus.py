"""What the fuzz drivers have kept is looked at in every run; what watches and shortens is right."""

from __future__ import annotations

import importlib
import pkgutil
import random
from pathlib import Path

import pytest

import fuzz
from fuzz import kept
from fuzz.kept import MAX_KEPT, MAX_KEPT_BYTES, Fuzz, Reached, Run, shortened


def drivers() -> list[Fuzz]:
    found = []
    for module in pkgutil.iter_modules(list(fuzz.__path__)):
        if module.name.startswith("fuzz_"):
            driver = getattr(importlib.import_module(f"fuzz.{module.name}"), "FUZZ", None)
            if isinstance(driver, Fuzz):
                assert f"fuzz_{driver.name}" == module.name
                found.append(driver)
    return found


DRIVERS = drivers()


def named(driver: Fuzz) -> str:
    return driver.name


def test_each_folder_of_the_corpus_has_its_driver() -> None:
    folders = {path.name for path in kept.CORPUS.iterdir() if path.is_dir()}
    assert folders == {driver.name for driver in DRIVERS}


@pytest.mark.parametrize("driver", DRIVERS, ids=named)
def test_a_driver_finds_nothing_in_its_seeds_and_its_corpus(driver: Fuzz) -> None:
    start = driver.start()
    assert len(start) > len(driver.corpus()) > 0
    good = sum(driver.check(data, timed=False) for data in start)
    assert good > 0, "not one input is good: what lies behind the first check is never reached"


@pytest.mark.parametrize("driver", DRIVERS, ids=named)
def test_a_driver_finds_nothing_in_a_few_variants(driver: Fuzz) -> None:
    chance = random.Random(driver.name)
    start = driver.start()
    for _ in range(200):
        driver.check(driver.mutate(chance.choice(start), chance), timed=False)


@pytest.mark.parametrize("driver", DRIVERS, ids=named)
def test_a_corpus_is_small(driver: Fuzz) -> None:
    corpus = driver.corpus()
    assert len(corpus) <= MAX_KEPT
    assert max(map(len, corpus.values())) <= MAX_KEPT_BYTES


# The driver itself.


FOUND = b"A%, which nobody comes upon by chance"


def read(data: bytes, _chance: random.Random) -> bool:
    """Something to fuzz, with lines that few inputs reach."""
    if not data.startswith(b"A"):
        return False
    if b"%" in data:
        assert data != FOUND, "found"
        return True
    return len(data) > 1


def here(check: kept.Check = read, **settings: object) -> Fuzz:
    return Fuzz("here", check, seeds=(b"Axx", b"B"), pieces=(b"%",), **settings)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "CORPUS", tmp_path)
    return tmp_path / "here"


def test_what_reaches_a_new_line_is_kept_and_shortened(folder: Path) -> None:
    run = Run(here(watched=("tests/fuzz",)), seed=1)
    run.go_on(1.0, keep=True)
    assert run.kept >= 1
    assert b"A%" in {path.read_bytes() for path in folder.iterdir()}


def test_nothing_is_kept_unless_asked(folder: Path) -> None:
    run = Run(here(watched=("tests/fuzz",)), seed=1)
    run.go_on(0.2, keep=False)
    assert run.tried > 2
    assert not folder.exists()


def test_a_corpus_is_tried_first_and_a_finding_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fuzz_here = here()
    fuzz_here.keep(FOUND)
    assert list(fuzz_here.corpus().values()) == [FOUND]
    monkeypatch.setattr("sys.argv", ["fuzz", "--seconds", "1", "--seed", "7"])
    assert fuzz_here.main("What it is.") == 1
    told = capsys.readouterr().out
    assert "finding after 2, seed 7:" in told
    assert repr(FOUND) in told


def test_what_takes_too_long_is_a_finding() -> None:
    slow = here(lambda _data, _chance: sum(range(300_000)), most_seconds=0.0001)
    with pytest.raises(AssertionError, match="took"):
        slow.check(b"")
    slow.check(b"", timed=False)


def test_the_same_input_is_checked_the_same_way_each_time() -> None:
    drawn: list[float] = []
    draws = here(lambda _data, chance: drawn.append(chance.random()))
    draws.check(b"x")
    draws.check(b"x")
    draws.check(b"y")
    assert drawn[0] == drawn[1] != drawn[2]


def test_pieces_that_do_not_matter_are_left_out() -> None:
    assert shortened(b"xxxxAxxxxBxx", lambda data: b"A" in data and b"B" in data) == b"AB"


def test_lines_outside_of_the_folders_do_not_count() -> None:
    nobody = Reached(("/nowhere",))
    assert nobody.lines_of(lambda: read(b"A%", random.Random(1))) == set()
    here_too = Reached((str(Path(__file__).parent),))
    first = here_too.lines_of(lambda: read(b"B", random.Random(1)))
    here_too.remember()
    assert first
    again = here_too.lines_of(lambda: read(b"B", random.Random(1)))
    assert {line for code, line in again if code.co_name == "read"} == set()
