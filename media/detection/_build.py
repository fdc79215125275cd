"""How the native detectors are built. Read by setup.py before the package can be imported."""

from pathlib import Path

from setuptools import Extension

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=gnu11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"]


def extension() -> Extension:
    """The extension module, with paths as seen from the folder of setup.py."""
    folder = "media/detection"
    return Extension(
        "media.detection._detectors",
        sources=[f"{folder}/_detectors.pyx", *core_sources(folder)],
        depends=sorted(f"{folder}/{path.name}" for path in HERE.glob("*.h")),
        include_dirs=[folder],
        libraries=["m"],
        extra_compile_args=FLAGS,
    )


def core_sources(folder: str) -> list[str]:
    """The plain C files, which the sanitizer programs and the fuzzer are built from as well."""
    return sorted(f"{folder}/{path.name}" for path in HERE.glob("*.c") if path.name[0] != "_")
