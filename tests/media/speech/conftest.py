"""A stand-in for speech synthesisers: shell scripts on a PATH of the test's own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from media.wav import write_wav

Install = Callable[..., Path]
TONE = np.asarray(3000 * np.sin(np.arange(8000) * 0.8), np.int16)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a shell script as a synthesiser, on a PATH that has no other."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    write_wav(programs / "voice.wav", TONE)

    def install_script(*lines: str, name: str = "espeak-ng") -> Path:
        version = '[ "$1" = --version ] && { echo 1.0; exit; }'
        (programs / name).write_text("\n".join(["#!/bin/sh", version, *lines]))
        (programs / name).chmod(0o755)
        return programs

    return install_script
