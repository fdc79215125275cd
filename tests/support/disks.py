"""A small disk of a test's own, which it fills and frees while a switch writes there.

A tmpfs, so that "No space left on device" is the kernel's own word. Mounting takes root.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

BLOCK = bytes(65_536)


class SmallDisk:
    """A mounted file system of so many kilobytes."""

    def __init__(self, folder: Path, kilobytes: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        size = f"size={kilobytes}k"
        mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
        if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a small disk can be mounted by root only")
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (len(BLOCK), 4096, 512, 1):
                while _takes(file.fileno(), BLOCK[:size]):
                    pass

    def free(self) -> None:
        """Give everything back that `fill` took."""
        self._ballast.unlink()

    def close(self) -> None:
        """Unmount it, even if somebody has files open there."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


def _takes(fd: int, data: bytes) -> bool:
    try:
        os.write(fd, data)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Four megabytes."""
    disk = SmallDisk(tmp_path / "disk", 4096)
    yield disk
    disk.close()
