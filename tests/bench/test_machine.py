"""What a figure was measured on."""

from __future__ import annotations

from bench import machine
from bench.machine import Caches, Reads, caches


def test_the_caches_are_measured() -> None:
    found = caches()

    for reads in (found.small, found.large):
        assert reads.warm_ns > 0
        assert reads.cold_ns > 0


def test_a_line_says_what_the_caches_keep() -> None:
    told = str(Caches(Reads(4.1, 102.4), Reads(119.0, 141.0)))

    assert told == ("256 kB read again 4 ns a line, after 5 ms of sleep 102; 4 MB 119 and 141")


def test_a_machine_is_described() -> None:
    told = machine.describe()

    assert set(told) >= {"processor", "cores", "kernel", "python", "caches", "load_before"}
    assert all(told.values())
