"""The certificates that calls may name, by where they say it is: a folder, and what was added.

In a folder a certificate stands at HOST/PATH of its URL, as `wget -x` leaves it. All files are read
at once, so that no call waits for a disk; each is judged when a call names it for the first time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from softswitch.stir.credentials import (
    MAX_AUTHORITIES,
    UNUSABLE,
    Authorities,
    Credential,
    read_certificates,
)
from softswitch.stir.errors import StirUnusable
from softswitch.stir.places import place_of

__all__ = ["TrustStore", "read_trust"]

MAX_FILES = 20_000
"""Of a folder: a certificate a provider, and some thousands of providers in a country."""
MAX_FILE_BYTES = 65_536
"""Of one: a chain has some kB."""
MAX_ADDED = 20_000
"""Certificates kept that were added; the oldest goes."""


class TrustStore:
    """Whom we believe, and what is known of certificates."""

    def __init__(self, authorities: Authorities, files: dict[str, bytes] | None = None) -> None:
        self._authorities = authorities
        self._files = dict(files or {})
        self._judged: dict[str, Credential] = {}

    def __len__(self) -> int:
        return len(self._files)

    def find(self, url: str, now: float) -> Credential | None:
        """The certificate at a URL, judged; None when nobody knows it, or it is no URL of one."""
        place = place_of(url)
        if place is None:
            return None
        found = self._judged.get(place)
        if found is None and place in self._files:
            found = self._judged[place] = self._judge(self._files[place], now)
        return found

    def add(self, url: str, data: bytes, now: float) -> Credential | None:
        """Keep what was found at a URL, and say what it is worth; None: it is no URL of one."""
        place = place_of(url)
        if place is None:
            return None
        if place not in self._files and len(self._files) >= MAX_FILES + MAX_ADDED:
            oldest = next(iter(self._files))
            del self._files[oldest]
            self._judged.pop(oldest, None)
        self._files[place] = data
        found = self._judged[place] = self._judge(data, now)
        return found

    def _judge(self, data: bytes, now: float) -> Credential:
        try:
            chain = read_certificates(data)
        except ValueError:
            return UNUSABLE
        return self._authorities.judge(chain, now)


def read_trust(authorities: Path, folder: Path | None) -> TrustStore:
    """Read the authorities and a folder of certificates; raises StirUnusable."""
    try:
        roots = read_certificates(_bytes_of(authorities, most=None), most=MAX_AUTHORITIES)
    except ValueError:
        raise StirUnusable(f"{authorities}: no certificates of authorities (PEM)") from None
    files = {} if folder is None else dict(_files(folder))
    return TrustStore(Authorities(roots), files)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What stands in a folder, by HOST/PATH."""
    if not folder.is_dir():
        raise StirUnusable(f"{folder}: no such folder")
    count = 0
    for where, names, files in os.walk(folder):
        names.sort()
        for name in sorted(files):
            count += 1
            if count > MAX_FILES:
                raise StirUnusable(f"{folder}: more than {MAX_FILES} files")
            path = Path(where, name)
            place = path.relative_to(folder).as_posix()
            host, slash, rest = place.partition("/")
            if slash:  # what stands in the folder itself has no host
                yield f"{host.lower()}/{rest}", _bytes_of(path)


def _bytes_of(path: Path, *, most: int | None = MAX_FILE_BYTES) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read() if most is None else file.read(most + 1)
    except OSError as error:
        raise StirUnusable(f"{path}: {error.strerror}") from None
    if most is not None and len(data) > most:
        raise StirUnusable(f"{path}: longer than {most} bytes")
    return data
