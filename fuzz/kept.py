"""Drivers whose input is bytes, with a corpus that is kept: fuzz/corpus/NAME, one file an input.

What such a driver mutates are its seeds and its corpus. With `--keep` it also watches which lines
of the product an input reaches: one that reaches a line that none before it did is shortened as far
as it still does, and becomes a file of the corpus. tests/fuzz gives every file of every corpus to
its driver again, so that what was found once is looked at for ever. It knows no formats.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

__all__ = ["CORPUS", "Fuzz", "chance_of", "change"]

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
# Files of one corpus: all of them are checked in each run of the unit tests, in seconds.
MAX_KEPT = 250
# A file of a corpus is for people to read; what needs more than this is a test of its own.
MAX_KEPT_BYTES = 4_096
# Inputs in memory that are mutated further, besides seeds and corpus; then one replaces another.
MAX_POOL = 200
# What is mutated must not grow from change to change without end.
MAX_BYTES = 6_000
# How often a find is tried with a piece left out; beyond it the find is kept as long as it is.
MAX_CUTS = 200

Check = Callable[[bytes, random.Random], object]
Change = Callable[[bytes, random.Random], bytes]


def chance_of(data: bytes) -> random.Random:
    """The chance that belongs to an input: a check that draws from it does the same each time."""
    return random.Random(zlib.crc32(data))


def change(
    data: bytes, chance: random.Random, *, pieces: Sequence[bytes], others: Sequence[bytes]
) -> bytes:
    """Give a variant: a few cuts, copies, insertions, flips, shuffled lines, parts of others."""
    text = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.choice((1, 1, 2, 8, 40, 200)))
        kind = chance.randrange(8)
        if kind == 0:
            del text[start:end]
        elif kind in (1, 2) and pieces:
            text[start : start if kind == 1 else end] = chance.choice(pieces)
        elif kind == 3:
            text[start:start] = text[start:end] * chance.choice((1, 1, 2, 30))
        elif kind == 4 and text:
            text[start % len(text)] = chance.randrange(256)
        elif kind == 5 and text:
            text[start % len(text)] ^= 1 << chance.randrange(8)
        elif kind == 6:
            lines = text.split(b"\n")
            chance.shuffle(lines)
            text = bytearray(b"\n".join(lines))
        elif others:
            other = chance.choice(others)
            cut = chance.randint(0, len(other))
            text[start:start] = other[cut : cut + 60]
    return bytes(text)


class Fuzz:
    """A driver: what it mutates and how, and what must hold of every input."""

    def __init__(
        self,
        name: str,
        check: Check,
        *,
        seeds: Sequence[bytes],
        pieces: Sequence[bytes] = (),
        mutate: Change | None = None,
        watched: Sequence[str] = (),
        most_seconds: float = 0.25,
    ) -> None:
        """`check` raises for a finding and gives whether the input was good; `watched` are the
        folders and files of the product whose lines count as new; no input may take more than
        `most_seconds` of processor time."""
        self.name = name
        self.folder = CORPUS / name
        self._check = check
        self._seeds = tuple(seeds)
        self._pieces = tuple(pieces)
        self._mutate = mutate
        self._watched = tuple(str(ROOT / path) for path in watched)
        self._most_seconds = most_seconds

    def corpus(self) -> dict[str, bytes]:
        """The files that are kept, by their names."""
        if not self.folder.is_dir():
            return {}
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}

    def check(self, data: bytes, *, timed: bool = True) -> bool:
        """Do everything with one input; raises for a finding."""
        began = time.process_time()
        good = bool(self._check(data, chance_of(data)))
        took = time.process_time() - began
        assert not timed or took <= self._most_seconds, f"took {took:.2f} s"
        return good

    def main(self, description: str | None) -> int:
        """Run from the command line; the exit status, 1 for a finding."""
        parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
        parser.add_argument("--seconds", type=float, default=10.0)
        parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
        parser.add_argument("--keep", action="store_true", help="add what is new to the corpus")
        options = parser.parse_args()
        run = Run(self, options.seed)
        try:
            run.go_on(options.seconds, keep=options.keep)
        except Exception:  # noqa: BLE001 - whatever comes out is the finding
            print(f"finding after {run.tried}, seed {options.seed}:\n{run.data!r}")
            traceback.print_exc(file=sys.stdout)
            return 1
        kept = f", {run.kept} kept" if options.keep else ""
        print(
            f"fuzz_{self.name}: seed {options.seed}, {run.tried} tried, {run.good} of them good"
            f"{kept}, no finding"
        )
        return 0

    def mutate(self, data: bytes, chance: random.Random) -> bytes:
        """A variant of an input."""
        if self._mutate is not None:
            return self._mutate(data, chance)
        return change(data, chance, pieces=self._pieces, others=self._seeds)

    def start(self) -> list[bytes]:
        """What is mutated first."""
        return [*self._seeds, *self.corpus().values()]

    def reached(self) -> Reached:
        """Who watches the lines that matter here."""
        return Reached(self._watched)

    def keep(self, data: bytes) -> None:
        """Make an input a file of the corpus."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


class Run:
    """One run of a driver: its chance, its pool, what it has tried."""

    def __init__(self, fuzz: Fuzz, seed: int) -> None:
        self._fuzz = fuzz
        self._chance = random.Random(seed)
        self._pool = fuzz.start()
        self._first = len(self._pool)
        self.data = b""
        self.tried = self.good = self.kept = 0
        self._was_good = False

    def go_on(self, seconds: float, *, keep: bool) -> None:
        """Try what there is, then variants, for so long; a finding is raised."""
        end = time.monotonic() + seconds
        watch = self._fuzz.reached() if keep else None
        for data in self._inputs():
            self.data = data
            if watch is None:
                good = self._fuzz.check(data)
            else:
                good = self._watch(data, watch)
            self.good += good
            self.tried += 1
            if good and self.tried > self._first:
                self._mutate_further(data)
            if time.monotonic() >= end:
                return

    def _watch(self, data: bytes, watch: Reached) -> bool:
        new = watch.lines_of(lambda: self._try(data))
        good = self._was_good
        if new and self.tried >= self._first:
            self._keep(data, watch)
        watch.remember()
        return good

    def _try(self, data: bytes) -> None:
        self.data = data
        # Who is watched is slow, which is no finding.
        self._was_good = self._fuzz.check(data, timed=False)

    def _inputs(self) -> Iterator[bytes]:
        yield from tuple(self._pool)
        while True:
            yield self._fuzz.mutate(self._chance.choice(self._pool), self._chance)

    def _mutate_further(self, data: bytes) -> None:
        # Only what was good: of what is broken already, little is read.
        if len(data) > MAX_BYTES:
            return
        if len(self._pool) < self._first + MAX_POOL:
            self._pool.append(data)
        elif self._chance.random() < 0.02:
            self._pool[self._chance.randrange(self._first, len(self._pool))] = data

    def _keep(self, data: bytes, watch: Reached) -> None:
        new = watch.new
        short = shortened(data, lambda one: new <= watch.all_of(lambda: self._try(one)))
        watch.new = new
        if len(short) > MAX_KEPT_BYTES or len(self._fuzz.corpus()) >= MAX_KEPT:
            return
        self._fuzz.keep(short)
        self._pool.insert(self._first, short)
        self._first += 1
        self.kept += 1


def shortened(data: bytes, still: Callable[[bytes], bool]) -> bytes:
    """Leave out pieces for as long as it still does what it is kept for."""
    tries = 0
    size = len(data) // 2
    while size and tries < MAX_CUTS:
        place = 0
        while place < len(data) and tries < MAX_CUTS:
            tries += 1
            shorter = data[:place] + data[place + size :]
            if still(shorter):
                data = shorter
            else:
                place += size
        size //= 2
    return data


Line = tuple[CodeType, int]


class Reached:
    """Which lines of some folders an action runs through, and which of them are new."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)
        self._watched: dict[CodeType, bool] = {}
        self._seen: set[Line] = set()
        self._lines: set[Line] = set()
        self.new: set[Line] = set()

    def lines_of(self, action: Callable[[], object]) -> set[Line]:
        """The lines that are new with this action."""
        self.new = self.all_of(action) - self._seen
        return self.new

    def all_of(self, action: Callable[[], object]) -> set[Line]:
        """All lines of an action; of one that raises, too."""
        self._lines = set()
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            action()
        finally:
            sys.settrace(before)
        return self._lines

    def remember(self) -> None:
        """From now on, the new lines are old."""
        self._seen |= self.new

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        watched = self._watched.get(code)
        if watched is None:
            watched = code.co_filename.startswith(self._folders) if self._folders else False
            self._watched[code] = watched
        return self._step if watched else None

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self._lines.add((frame.f_code, frame.f_lineno))
        return self._step
