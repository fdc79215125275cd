"""A pcap file on a disk that fills up."""

from __future__ import annotations

import errno
import os
from io import FileIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from softswitch.traces import capture as capture_module
from softswitch.traces.capture import Capture
from softswitch.traces.trace import SipMessage
from tests.support.pcap import read

ROOM = 1000


class FullDisk(FileIO):
    """A file with room for so many bytes; what does not fit is written in part, then refused."""

    def write(self, data: Any) -> int:
        left = ROOM - self.tell()
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(bytes(data)[:left])


async def test_what_is_told_of_a_file_is_what_is_in_it_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_module, "_open", lambda path: FullDisk(path, "wb"))
    call: Any = SimpleNamespace(call_id="c1", legs=())
    capture = Capture(call, tmp_path / "c1.pcap", seconds=20.0, with_sound=False)
    address = ("127.0.0.1", 5060)
    for _ in range(10):
        capture.on_message(SipMessage(1.0, "in", "udp", address, address, b"x" * 300))
    capture.finish("stopped")
    await capture.written()
    content = capture.path.read_bytes()
    assert capture.bytes == len(content) < ROOM
    assert capture.packets == len(read(content)) == 2
    assert capture.why == "cannot be written: No space left on device"
