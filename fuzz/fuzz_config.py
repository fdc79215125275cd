"""Mutated configuration files against the loader: a configuration or ConfigErrors, nothing else.

`python -m fuzz.fuzz_config [--seconds 10] [--seed N]`. Every file is loaded; one that loads is
asked for routes, because what the loader lets through the switch must be able to use. A finding is
printed as a Python literal, for a new test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

from config.errors import ConfigError
from config.loader import ConfigErrors, load_text
from config.model import Configuration
from softswitch.check import InstalledMedia
from softswitch.route_test import route

EXAMPLES = Path(__file__).parents[1] / "config" / "examples"

# No file of this size, however hostile, may take longer; generous for a busy machine.
MAX_SECONDS_A_FILE = 5.0
MAX_BYTES_A_FILE = 20_000

VARIABLES = {"A": "1", "B": "", "SOFTSWITCH_TRUNK": "127.0.0.1:5080"}
CALLED = ("8666831950", "100001", "sip:sales@example.org", "", "+1", "\x00")

# Pieces that mean something to YAML, to the substitution or to the language.
PIECES = (
    b"${A}", b"${B:-x}", b"${", b"$$", b"&a ", b"*a", b"<<: *a", b"!!x ", b"'", b'"', b"|", b">",
    b"{", b"}", b"[", b"]", b": ", b"- ", b"? ", b"#", b"\t", b"\n", b"\r", b"\x00", b"\xff",
    b"\xf0\x9f\x98\x80", b"---\n", b"...\n", b"%YAML 1.1\n", b"~", b"null", b"0", b"-1", b"999999",
    b"1e9", b"30 s", b"off", b"called", b"sip:a@b", b"+1866683xxxx", b"*", b"+*", b"1xxxxx",
    b"[::1]:5060", b"0.0.0.0", b"goto: question", b"goto: nowhere", b"hang_up", b"play: x",
    b"connect: called", b"menu: {prompt: x, choices: {1: hang_up}}", b"name: menu-1",
    b"caller.state", b"in_region(", b"{caller.number}", b"10% * result.amount", b" and ", b" not ",
    b"5.00", b"0.00001", b"30 days", b"4 rings", b"distribute: {campaigns: [c]}", b"number_files: ",
    b"condition: {if: overflow, then: hang_up}", b"syndicates: ", b"overflow: +18001234444",
    b"as_is: true", b"wav: /dev/zero", b"wav: ..", b"tone: busy", b"x" * 300,
)  # fmt: skip


def seeds() -> list[bytes]:
    """The examples, which between them use most of the language; no mutated module is imported."""
    texts = (path.read_bytes() for path in sorted(EXAMPLES.rglob("*.yaml")))
    return [text for text in texts if b"python:" not in text]


def mutate(data: bytes, chance: random.Random, corpus: list[bytes]) -> bytes:
    """A file with one to eight things done to it."""
    for _ in range(chance.randint(1, 8)):
        lines = data.split(b"\n")
        i, j = chance.randrange(len(lines)), chance.randrange(len(lines))
        at, to = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
        match chance.randrange(8):
            case 0:
                data = data[:at] + chance.choice(PIECES) + data[at:]
            case 1:
                data = data[:at] + chance.choice(PIECES) + data[min(to, at + 20) :]
            case 2:
                data = data[:at] + data[min(to, at + 30) :]
            case 3:
                lines[i], lines[j] = lines[j], lines[i]
                data = b"\n".join(lines)
            case 4:
                data = b"\n".join([*lines[:i], lines[j], *lines[i:]])
            case 5:
                lines[i] = b" " * chance.randint(0, 12) + lines[i].lstrip()
                data = b"\n".join(lines)
            case 6:
                other = chance.choice(corpus).split(b"\n")
                data = b"\n".join([*lines[:i], *other[chance.randrange(len(other)) :]])
            case _:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data[:MAX_BYTES_A_FILE]


def load(data: bytes) -> tuple[Configuration | None, list[ConfigError]]:
    """A configuration, or what is wrong."""
    try:
        configuration = load_text(data, EXAMPLES / "fuzz.yaml", VARIABLES, media=InstalledMedia())
    except ConfigErrors as errors:
        return None, errors.errors
    return configuration, []


def check(data: bytes) -> bool:
    """Load one file and use it; whether it loaded. Raises on a finding."""
    begun = time.perf_counter()
    configuration, mistakes = load(data)
    took = time.perf_counter() - begun
    assert took < MAX_SECONDS_A_FILE, f"loading took {took:.1f} s"
    if configuration is None:
        assert mistakes
        for mistake in mistakes:
            assert mistake.line >= 1, mistake
            assert mistake.column >= 1, mistake
            assert "\n" not in str(mistake), mistake
        return False
    for called in (*CALLED, *(number.pattern for number in configuration.numbers)):
        route(configuration, caller="6025550100", called=called).lines()
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    corpus = seeds()
    end = time.monotonic() + options.seconds
    files = good = 0
    while time.monotonic() < end:
        data = mutate(chance.choice(corpus), chance, corpus)
        try:
            good += check(data)
        except Exception:  # noqa: BLE001 - whatever comes out is the finding
            print(f"seed {seed}, file {files}: {data!r}")
            traceback.print_exc()
            return 1
        files += 1
    print(f"seed {seed}: {files} files, {good} of them good, no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
