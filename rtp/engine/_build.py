"""How the native engine is built. Read by setup.py before the package can be imported."""

from pathlib import Path

from setuptools import Extension

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=gnu11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-pthread"]


def extension() -> Extension:
    """The extension module, with paths as seen from the folder of setup.py."""
    folder = "rtp/engine"
    return Extension(
        "rtp.engine._engine",
        sources=[f"{folder}/_engine.pyx", *core_sources(folder)],
        depends=sorted(f"{folder}/{path.name}" for path in HERE.glob("*.h")),
        include_dirs=[folder],
        extra_compile_args=FLAGS,
        extra_link_args=["-pthread"],
    )


def core_sources(folder: str) -> list[str]:
    """The plain C files, which the sanitizer programs and the fuzzer are built from as well."""
    return sorted(f"{folder}/{path.name}" for path in HERE.glob("*.c") if path.name[0] != "_")
