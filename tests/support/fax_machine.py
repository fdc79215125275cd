"""A fax machine for tests: Debian's libspandsp behind a phone, in a process of its own.

The test does the signalling with `tests.support.phone`, and hands the machine what was agreed:
`machine.turn_by(body)`. It begins with whichever way a description says, sound or T.38, and goes
over to the other when it is told so, as a machine does that is asked for T.38 in mid-call.
"""

from __future__ import annotations

import ctypes.util
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.fax_page import ROW_BYTES, write_tiff
from tests.support.rtp_end import PCMA, PCMU

needs_spandsp = pytest.mark.skipif(
    ctypes.util.find_library("spandsp") != "libspandsp.so.2", reason="libspandsp2 is not installed"
)
ROOT = Path(__file__).resolve().parents[2]
ATTRIBUTES = (
    "T38FaxVersion:0",
    "T38MaxBitRate:14400",
    "T38FaxRateManagement:transferredTCF",
    "T38FaxMaxBuffer:2000",
    "T38FaxMaxDatagram:400",
    "T38FaxUdpEC:t38UDPRedundancy",
)
_NAMES = {PCMU: "PCMU", PCMA: "PCMA"}


class Outcome(msgspec.Struct, frozen=True):
    """What has become of a fax, as one of the machines saw it."""

    by: str
    """sound or fax (T.38)."""
    completion: int
    """T.30's: 0 is well."""
    words: str
    rate: int
    ecm: bool
    pages: int
    page: str
    """The file with the rows that were received."""
    datagrams: int
    lost: int
    """Of its own datagrams, on purpose."""
    healed: int
    missing: int
    """Of the other's packets."""
    gaps: int
    """Packets of sound that did not come."""

    def rows(self) -> list[bytes]:
        """What was received."""
        data = Path(self.page).read_bytes()
        return [data[at : at + ROW_BYTES] for at in range(0, len(data), ROW_BYTES)]


class FaxMachine:
    """One machine that sends `page`, when it is given one, or receives; `close` it."""

    def __init__(
        self,
        folder: Path,
        *,
        page: Sequence[bytes] = (),
        law: int = PCMU,
        ecm: bool = False,
        lose_every: int = 0,
    ) -> None:
        """`lose_every` N: each Nth of its T.38 datagrams goes to nobody."""
        folder.mkdir(parents=True)
        self.law = law
        self.file = folder / "page.tiff"
        if page:
            write_tiff(self.file, page)
        command = [sys.executable, "-m", "tests.support.spandsp_fax"]
        command += ["send" if page else "receive", str(self.file), "--law", str(law)]
        command += ["--lose-every", str(lose_every), *(["--ecm"] if ecm else [])]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        self._said = b""
        self.port = int(self._next(within=20.0)["port"])

    def sound(self, *, version: int = 1) -> bytes:
        """A session description that asks for sound."""
        return self._description(
            version,
            f"m=audio {self.port} RTP/AVP {self.law}\r\n"
            f"a=rtpmap:{self.law} {_NAMES[self.law]}/8000\r\na=ptime:20\r\n",
        )

    def image(self, *, version: int = 2) -> bytes:
        """One that asks for T.38."""
        lines = "".join(f"a={attribute}\r\n" for attribute in ATTRIBUTES)
        return self._description(version, f"m=image {self.port} udptl t38\r\n{lines}")

    def _description(self, version: int, media: str) -> bytes:
        origin = f"o=fax {self.port} {version} IN IP4 127.0.0.1"
        return f"v=0\r\n{origin}\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{media}".encode()

    def turn_by(self, body: bytes) -> None:
        """Do what a description of the other side says, and with whom."""
        host = re.search(rb"^c=IN IP4 (\S+)", body, re.MULTILINE)
        media = re.search(rb"^m=(audio|image) ([1-9][0-9]*) ", body, re.MULTILINE)
        assert host is not None, body
        assert media is not None, body
        kind = b"fax" if media[1] == b"image" else b"sound"
        assert self._process.stdin is not None
        self._process.stdin.write(b"%s %s %s\n" % (kind, host[1], media[2]))
        self._process.stdin.flush()

    def outcome(self, *, within: float = 90.0) -> Outcome:
        """What has become of it, when it is through."""
        return msgspec.convert(self._next(within=within), Outcome)

    def _next(self, *, within: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + within
        while b"\n" not in self._said:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, left))
            assert ready, f"the fax machine says nothing\n{self._last_words()}"
            said = os.read(self._process.stdout.fileno(), 4096)
            assert said, f"the fax machine has ended\n{self._last_words()}"
            self._said += said
        line, _, self._said = self._said.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def close(self) -> None:
        """Ends it; a fax that is under way is cut."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()
