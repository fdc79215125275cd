"""Builds the native parts: the media engine, the tone detectors, what reads SIP from the wire, and
where Python has its memory from.

Everything else about the package stands in pyproject.toml.

The first two describe themselves in a _build.py, which is loaded by its path, because their
packages cannot be imported before they are built.
"""

import importlib.util
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

NATIVE = (
    "softswitch.sip._reader",
    "softswitch.sdp._lines",
    "softswitch.transport._datagrams",
    "softswitch._memory",
)
HERE = Path(__file__).resolve().parent
DESCRIBED = ("rtp/engine", "media/detection")


def described(folder: str) -> Extension:
    """The extension as the _build.py of this folder describes it."""
    script = HERE / folder / "_build.py"
    spec = importlib.util.spec_from_file_location(folder.replace("/", "_") + "_build", script)
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot load {script}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    extension: Extension = module.extension()
    return extension


def wire_readers() -> list[Extension]:
    """Small modules, each beside the Python code that it serves."""
    flags = ["-std=gnu11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"]
    return [
        Extension(name, [f"{name.replace('.', '/')}.pyx"], extra_compile_args=flags)
        for name in NATIVE
    ]


# Generated C goes to build/, so that no build leaves files among the sources.
setup(
    ext_modules=cythonize(
        [*map(described, DESCRIBED), *wire_readers()],
        build_dir="build/cython",
        language_level=3,
    )
)
