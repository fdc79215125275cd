"""The tests of the Python module once more, against a build with the sanitizers inside."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from fuzz.engine import native

# They start compilers and other programs of their own, or this very test.
LEFT_OUT = (
    "test_native_core.py",
    "test_framing_native.py",
    "test_mixing_model.py",
    "test_native_packets.py",
    "test_native_recode.py",
    "test_sanitized_module.py",
)


def copy_tree(to: Path) -> None:
    """What these tests import, without any module that was built."""
    for folder in ("rtp", "media", "tests/rtp/engine", "tests/support", "fuzz/engine"):
        shutil.copytree(
            native.ROOT / folder,
            to / folder,
            ignore=shutil.ignore_patterns("*.so", "__pycache__", *LEFT_OUT),
        )
    shutil.copy(native.ROOT / "pyproject.toml", to)


def build_module(to: Path) -> None:
    """The extension module with the sanitizers, built without setuptools."""
    module = to / "rtp" / "engine"
    translated = to / "_engine.c"
    cython = [sys.executable, "-m", "cython", "-3", str(module / "_engine.pyx")]
    subprocess.run([*cython, "-o", str(translated)], check=True, cwd=to)
    output = module / f"_engine{sysconfig.get_config_var('EXT_SUFFIX')}"
    core = [str(path) for path in module.glob("*.c")]
    includes = [f"-I{module}", f"-I{sysconfig.get_path('include')}"]
    options = ["-shared", "-fPIC", "-std=gnu11", "-w", "-pthread", *native.SANITIZERS, *includes]
    subprocess.run(["gcc", *options, str(translated), *core, "-o", str(output)], check=True)


def library(name: str) -> str:
    found = subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_module_is_clean_under_the_sanitizers(tmp_path: Path) -> None:
    copy_tree(tmp_path)
    build_module(tmp_path)
    environment = {
        **os.environ,
        **native.ENVIRONMENT,
        "ASAN_OPTIONS": "detect_leaks=0:exitcode=99",
        "LD_PRELOAD": library("libasan.so"),
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(tmp_path),
    }
    # The profile has no deadlines: the sanitizers take several times as long.
    options = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile", "ci"]
    command = [sys.executable, "-m", "pytest", *options, "tests/rtp/engine"]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    assert "passed" in result.stdout
