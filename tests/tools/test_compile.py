"""The compiled form of the switch: what it is made of, and that mypyc takes it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.compile import (
    LEFT_BEHIND,
    MODULES,
    ROOT,
    SUFFIX,
    compile_into,
    copy_packages,
    digest,
    packaged,
)

SMALL = ("softswitch/sip/timers",)


def test_modules_to_compile_are_there_and_none_makes_values_by_msgspec() -> None:
    for module in MODULES:
        source = (ROOT / f"{module}.py").read_text()
        assert "msgspec" not in source, f"{module}: mypyc cannot take over its classes"


def heirs_of_compiled_classes() -> Iterator[str]:
    """Classes of modules that stay interpreted whose base is in one that is compiled."""
    compiled = {module.replace("/", ".") for module in MODULES}
    for path in packaged(ROOT):
        if path.suffix != ".py" or str(path.with_suffix("")) in MODULES:
            continue
        nodes = list(ast.walk(ast.parse((ROOT / path).read_text())))
        imported = {
            alias.asname or alias.name
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module in compiled
            for alias in node.names
        }
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                yield from (f"{path}: {node.name}" for _ in bases & imported)


def test_no_interpreted_class_is_derived_from_a_compiled_one() -> None:
    # Python would raise TypeError when the class is made: in the midst of a call, where its module
    # is loaded late.
    assert list(heirs_of_compiled_classes()) == []


def test_a_copy_of_the_packages_has_what_they_have_and_nothing_else(tmp_path: Path) -> None:
    copy_packages(tmp_path)
    stale = tmp_path / "softswitch" / "sip" / "once.py"
    stale.write_text("")
    compiled = tmp_path / f"{SMALL[0]}{SUFFIX}"
    compiled.write_bytes(b"")
    changed = tmp_path / "softswitch" / "version.py"
    changed.write_text("")
    same = tmp_path / "softswitch" / "app.py"
    before = same.stat().st_mtime_ns

    copy_packages(tmp_path, SMALL)

    assert not stale.exists()
    assert compiled.exists(), "what this module was compiled to stays"
    assert changed.read_bytes() == (ROOT / "softswitch" / "version.py").read_bytes()
    assert same.stat().st_mtime_ns == before, "what is the same keeps its date"
    copy_packages(tmp_path)
    assert set(packaged(tmp_path)) == set(packaged(ROOT))
    assert not {path.suffix for path in packaged(tmp_path)} & LEFT_BEHIND


def test_what_the_copy_is_made_of_is_told_by_one_hash() -> None:
    assert digest() == digest()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mypyc_takes_all_of_the_modules(tmp_path: Path) -> None:
    assert compile_into(tmp_path, MODULES, command=("--name",)) == 0
    assert list((tmp_path / "build").glob("__native_*.c"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_compiled_module_does_what_its_source_does(tmp_path: Path) -> None:
    assert compile_into(tmp_path, SMALL, optimisation="0") == 0
    script = (
        "from softswitch.sip import timers\n"
        "waiting, fired = timers.Timers(), []\n"
        "waiting.start(2.0, lambda: fired.append('second'))\n"
        "waiting.cancel(waiting.start(1.5, lambda: fired.append('never')))\n"
        "waiting.start(1.0, lambda: fired.append('first'))\n"
        "assert waiting.next_timeout() == 1.0\n"
        "waiting.fire(3.0)\n"
        "assert fired == ['first', 'second'], fired\n"
        "print(timers.__file__)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(tmp_path / f"{SMALL[0]}{SUFFIX}")
