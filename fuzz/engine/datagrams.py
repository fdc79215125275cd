"""Datagrams for the engine: seeds and corpora of the drivers in Python, one file each."""

from __future__ import annotations

from pathlib import Path

from fuzz import fuzz_noise, fuzz_rtcp, fuzz_rtp

DRIVERS = (fuzz_rtp.FUZZ, fuzz_rtcp.FUZZ, fuzz_noise.FUZZ)


def write_datagrams(folder: Path) -> list[str]:
    """Write them into a new folder; their paths."""
    folder.mkdir()
    paths = []
    for driver in DRIVERS:
        for number, data in enumerate(driver.start()):
            path = folder / f"{driver.name}-{number}"
            path.write_bytes(data)
            paths.append(str(path))
    return paths
