"""One call as a pcap file: its SIP messages, and the RTP that its parties send us.

RTP is made again of what the taps hand over: payload, sequence, timestamp and time of arrival are
those of the packets, the SSRC is not known here, and the addresses are those agreed on in SDP. What
is said or pressed while a secret is asked for is left out. Bounded in bytes and in time; written by
a thread, a batch at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtp.engine import TapBatch, TapFlag
from softswitch.call.call import Call
from softswitch.call.leg import Leg
from softswitch.traces.addresses import Address
from softswitch.traces.pcap import FILE_HEADER, packet, rtp_packet
from softswitch.traces.trace import SipMessage

__all__ = ["MAX_BYTES", "MAX_SECONDS", "Capture"]

logger = logging.getLogger(__name__)

MAX_SECONDS = 3600.0
"""A capture that was forgotten ends by itself."""
MAX_BYTES = 200 << 20
"""Of one file: two hours of both parties."""

MAX_PENDING_BYTES = 4 << 20
"""What a slow disk may owe us: a minute of a call."""

WRITE_SECONDS = 0.5

AFTER_END_SECONDS = 2.0
"""The answer to the last BYE comes after the end of the call."""


class _Sound(NamedTuple):
    """Where the sound of a leg comes from."""

    leg: Leg
    source: Address
    ours: Address


class Capture:
    """One file while it is written; `finish` it."""

    def __init__(self, call: Call, path: Path, *, seconds: float, with_sound: bool) -> None:
        self.call = call
        self.path = path
        self.with_sound = with_sound
        self.packets = 0
        self.bytes = len(FILE_HEADER)
        """Those that were taken; when the file could not be written, those that are in it."""
        self.secret_packets = 0
        """Left out because a secret was asked for."""
        self.why = ""
        """Why it is over; empty: it is not."""
        self._legs: dict[int, _Sound] = {}
        """By their numbers in the engine."""
        self._pending = [FILE_HEADER]
        self._pending_bytes = 0
        self._saved_bytes = 0
        self._saved_records = 0
        """Whole ones, the head of the file too."""
        self._over = asyncio.Event()
        self._offset = time.time() - time.monotonic()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(seconds, self.finish, "time")
        self._end: asyncio.TimerHandle | None = None
        self.task = loop.create_task(self._write(), name=f"pcap {call.call_id}")

    # What comes.

    def on_message(self, message: SipMessage) -> None:
        """A SIP message of the call."""
        source, destination = message.peer, message.ours
        if message.direction == "out":
            source, destination = destination, source
        self._put(packet(message.data, source=source, destination=destination, at=message.at))

    def on_tap(self, batch: TapBatch) -> None:
        """What all legs of the switch have received in a tick."""
        if self.why:
            return
        self._note_legs()
        legs = self._legs
        mine = np.isin(batch.entries["leg"], np.fromiter(legs, np.uint64, len(legs)))
        for entry in batch.entries[mine]:
            self._put_sound(legs[int(entry["leg"])], entry, batch)

    def on_call_ended(self) -> None:
        """The call is over: its last messages are still on their way."""
        if self._end is None and not self.why:
            loop = asyncio.get_running_loop()
            self._end = loop.call_later(AFTER_END_SECONDS, self.finish, "call ended")

    def finish(self, why: str) -> None:
        """Take no more; what waits is written."""
        if self.why:
            return
        self.why = why
        self._deadline.cancel()
        if self._end is not None:
            self._end.cancel()
        self._over.set()

    async def written(self) -> None:
        """Wait until the file is whole."""
        await asyncio.wait((self.task,))

    # Private.

    def _note_legs(self) -> None:
        """Whose sound is whose: known on when a leg is over, whose last packets come a tick
        later."""
        for leg in self.call.legs:
            media = leg.media
            if leg.ended or media is None or media.agreement is None:
                continue
            source = media.agreement.remote_host, media.agreement.remote_port
            ours = media.local.host, media.local.rtp_port
            self._legs[media.port.leg] = _Sound(leg, source, ours)

    def _put_sound(self, sound: _Sound, entry: np.void, batch: TapBatch) -> None:
        leg, arrived = sound.leg, int(entry["arrived_ns"]) / 1e9
        if leg.secrets or arrived < leg.secret_until or leg.secret_during(arrived, arrived):
            self.secret_packets += 1
            return
        start = int(entry["offset"])
        rtp = rtp_packet(
            batch.payload[start : start + int(entry["length"])].tobytes(),
            payload_type=int(entry["payload_type"]),
            sequence=int(entry["sequence"]),
            timestamp=int(entry["timestamp"]),
            source=int(entry["leg"]),
            marker=bool(int(entry["flags"]) & TapFlag.MARKER),
        )
        at = arrived + self._offset
        self._put(packet(rtp, source=sound.source, destination=sound.ours, at=at))

    def _put(self, record: bytes) -> None:
        if self.why:
            return
        if self.bytes + len(record) > MAX_BYTES:
            self.finish("size")
            return
        if self._pending_bytes + len(record) > MAX_PENDING_BYTES:
            self.finish("slow disk")
            return
        self._pending.append(record)
        self._pending_bytes += len(record)
        self.bytes += len(record)
        self.packets += 1

    async def _write(self) -> None:
        """Write what comes until the end; whatever the disk does, the call goes on."""
        try:
            file = await asyncio.to_thread(_open, self.path)
        except OSError as error:
            self._fail(error)
            return
        try:
            with file:
                while not self.why:
                    await self._wait()
                    await asyncio.to_thread(self._save, file, self._take())
                # What has come while the last batch was written.
                await asyncio.to_thread(self._save, file, self._take())
        except OSError as error:
            self._fail(error)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._over.wait()
        except TimeoutError:
            return

    def _take(self) -> list[bytes]:
        records, self._pending = self._pending, []
        self._pending_bytes = 0
        return records

    def _save(self, file: FileIO, records: list[bytes]) -> None:
        """Write records, and count those that are in the file as a whole; raises OSError."""
        data = memoryview(b"".join(records))
        done = 0
        try:
            while done < len(data):
                done += file.write(data[done:])
        except OSError:
            self._count_saved(records, done)
            with contextlib.suppress(OSError):
                file.truncate(self._saved_bytes)  # not half a record: readers stumble over it
            raise
        self._count_saved(records, done)

    def _count_saved(self, records: list[bytes], done: int) -> None:
        for record in records:
            done -= len(record)
            if done < 0:
                break
            self._saved_bytes += len(record)
            self._saved_records += 1

    def _fail(self, error: OSError) -> None:
        """The file has what it has."""
        logger.warning("trace of call %s: %s: %s", self.call.call_id, self.path, error.strerror)
        self.finish("cannot be written")
        self.why = f"cannot be written: {error.strerror}"
        self.bytes, self.packets = self._saved_bytes, max(0, self._saved_records - 1)


def _open(path: Path) -> FileIO:
    """A conversation is nobody's business but of whom the switch runs as."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
