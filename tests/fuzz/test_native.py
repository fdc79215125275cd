import subprocess
from pathlib import Path

import pytest

from fuzz.engine import native

MAIN = '#include <stdio.h>\n#include "it.h"\nint main(void) { printf("%d", it()); return 0; }\n'


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(native, "OBJECTS", tmp_path / "objects")
    folder = tmp_path / "core"
    folder.mkdir()
    (folder / "it.h").write_text("#define IT 1\nint it(void);\n")
    (folder / "it.c").write_text('#include "it.h"\nint it(void) { return IT; }\n')
    (tmp_path / "main.c").write_text(MAIN)
    return folder


def says(core: Path) -> str:
    program = core.parent / "program"
    native.build(core.parent / "main.c", program, sanitizers=(), folder=core)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_core_is_compiled_once(core: Path) -> None:
    assert says(core) == "1"
    (place,) = native.OBJECTS.iterdir()
    before = (place / "it.o").stat()
    assert says(core) == "1"
    assert list(native.OBJECTS.iterdir()) == [place]
    assert (place / "it.o").stat() == before


@pytest.mark.parametrize("changed", ["it.c", "it.h"])
def test_a_core_that_has_changed_is_compiled_again(core: Path, changed: str) -> None:
    assert says(core) == "1"
    text = (core / changed).read_text()
    (core / changed).write_text(text.replace("return IT", "return 2").replace("IT 1", "IT 2"))
    assert says(core) == "2"


def test_a_core_that_does_not_compile_leaves_nothing(core: Path) -> None:
    (core / "it.c").write_text("int it(void) { return }\n")
    with pytest.raises(subprocess.CalledProcessError):
        says(core)
    assert list(native.OBJECTS.iterdir()) == []
