"""Python's small objects in huge pages; a process of its own each time, there is no way back."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from softswitch._memory import use_huge_pages


def advised():
    "Bytes of address space for which huge pages are asked, and the addresses of it."
    spans = []
    for line in open("/proc/self/smaps"):
        first, *rest = line.split()
        if "-" in first:
            span = range(*(int(bound, 16) for bound in first.split("-")))
        if first == "VmFlags:" and "hg" in rest:
            spans.append(span)
    return sum(map(len, spans)), spans


assert advised()[0] == 0
assert use_huge_pages()
assert use_huge_pages()  # again is nothing new
"""


def run(program: str, first: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", first + PROGRAM + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_objects_lie_where_huge_pages_are_asked_for() -> None:
    run("""
objects = [(number, str(number)) for number in range(100_000)]
size, spans = advised()
assert size >= 64 << 20
assert any(id(objects[-1]) in span for span in spans)
""")


def test_what_is_given_back_is_used_again() -> None:
    out = run("""
import gc
for _ in range(20):
    objects = [(number, str(number)) for number in range(300_000)]
    del objects
    gc.collect()
    print(advised()[0])
""")
    assert len(set(out.split())) == 1


def test_memory_of_before_may_be_given_back_after() -> None:
    run(
        """
del before
more = [(number, str(number)) for number in range(600_000)]
assert sum(number for number, _ in more) == 600_000 * 599_999 // 2
""",
        first="before = [(number, str(number)) for number in range(300_000)]",
    )


def test_threads_and_children_get_memory_too() -> None:
    run("""
import os, threading
kept = []
work = lambda: kept.append([str(number) for number in range(50_000)])
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(kept) == 8
child = os.fork()
if child == 0:
    more = [str(n) for n in range(200_000)]
    os._exit(0 if len(more) == 200_000 else 1)
assert os.waitpid(child, 0)[1] == 0
""")
