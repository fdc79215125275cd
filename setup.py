"""Builds the native parts: the media engine, and what reads SIP from the wire.

Everything else about the package stands in pyproject.toml.

The engine describes itself in rtp/engine/_build.py, which is loaded by its path, because
`rtp.engine` itself cannot be imported before it is built.
"""

import importlib.util
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

NATIVE = ("softswitch.sip._reader", "softswitch.sdp._lines", "softswitch.transport._datagrams")
BUILD_SCRIPT = Path(__file__).resolve().parent / "rtp" / "engine" / "_build.py"


def media_engine() -> Extension:
    """The extension as rtp/engine/_build.py describes it."""
    spec = importlib.util.spec_from_file_location("rtp_engine_build", BUILD_SCRIPT)
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot load {BUILD_SCRIPT}")
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
        [media_engine(), *wire_readers()],
        build_dir="build/cython",
        language_level=3,
    )
)
