"""The program that starts anew for huge pages: when, with what, and that it does so once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from softswitch.huge_pages import tuned

GLIBC = "glibc 2.36"

SHOW = """
import json, os, sys
from softswitch.huge_pages import restart
print("begun", flush=True)
restart()
print(json.dumps([os.environ.get("GLIBC_TUNABLES"), sys.argv, os.getpid()]))
"""


def test_the_c_library_is_asked_for_huge_pages() -> None:
    assert tuned({"A": "b"}, GLIBC) == {"A": "b", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def test_other_tunables_of_the_operator_stay() -> None:
    found = tuned({"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}, GLIBC)
    assert found == {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1"}


@pytest.mark.parametrize("said", ["glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=1"])
def test_what_the_operator_says_of_huge_pages_counts(said: str) -> None:
    assert tuned({"GLIBC_TUNABLES": said}, GLIBC) is None


@pytest.mark.parametrize("library", [None, "", "musl 1.2.4", "glibc", "glibc 2.34", "glibc new"])
def test_a_c_library_that_does_not_know_it_is_left_alone(library: str | None) -> None:
    assert tuned({}, library) is None


def test_it_starts_anew_once_in_the_same_process_with_the_same_arguments(tmp_path: Path) -> None:
    program = tmp_path / "show.py"
    program.write_text(SHOW)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("GLIBC_TUNABLES", None)
    with subprocess.Popen(
        [sys.executable, str(program), "one", "two words"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        out, _ = started.communicate(timeout=60)
    *begun, last = out.splitlines()
    tunables, arguments, pid = json.loads(last)
    assert pid == started.pid
    assert arguments == [str(program), "one", "two words"]
    if tuned({}, os.confstr("CS_GNU_LIBC_VERSION")) is None:
        assert begun == ["begun"]
    else:
        assert begun == ["begun", "begun"]
        assert tunables == "glibc.malloc.hugetlb=1"
