"""A fax machine without its signalling, in a process of its own: sound and T.38 by one UDP port.

    python -m tests.support.spandsp_fax send|receive FILE [--law N] [--ecm] [--lose-every N]

First it writes `{"port": N}`. Lines on standard input turn it to what the signalling has agreed:
`sound HOST PORT`, `fax HOST PORT`; each begins the fax anew, but for a turn to the same, which
only aims. When the fax is through it writes what has become of it, and goes on with silence until
standard input ends. `tests.support.fax_machine` is its hand in a test.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import select
import socket
import struct
import sys
import time
from pathlib import Path

import numpy as np

from tests.support.rtp_end import PCMA, PCMU, alaw_to_linear, ulaw_to_linear
from tests.support.spandsp_library import FRAME, PacketTerminal, SoundTerminal, read_page
from tests.support.udptl import MalformedError, Receiver, Sender

TICK = 0.02
MAX_SECONDS = 180.0
"""A machine that is forgotten ends by itself."""
MAX_BEHIND = 1.0
"""What it does not make up for after it was stopped."""
MAX_FILLED = 50
"""Frames that were lost in a row; further ahead is another source."""
_HEAD = struct.Struct("!BBHII")
_DECODERS = {PCMU: ulaw_to_linear, PCMA: alaw_to_linear}


class Law:
    """G.711, from and to samples."""

    def __init__(self, payload_type: int) -> None:
        decode = _DECODERS[payload_type]
        self.levels = np.array([decode(octet) for octet in range(256)], np.int16)
        order = np.argsort(self.levels, kind="stable")
        ranked = self.levels[order].astype(np.int32)
        between = (ranked[1:] + ranked[:-1]) // 2
        self._octets = order[np.searchsorted(between, np.arange(-32768, 32768))].astype(np.uint8)

    def encode(self, samples: np.ndarray) -> bytes:
        return self._octets[samples.astype(np.int32) + 32768].tobytes()


class Machine:
    """One fax, by whichever way is agreed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.socket = _even_port()
        self.target = ("", 0)
        self.sound: SoundTerminal | None = None
        self.fax: PacketTerminal | None = None
        self.law = Law(options.law)
        self.sender, self.receiver = Sender(), Receiver()
        self.datagrams = self.lost = self.gaps = 0
        self.told = False
        self._sequence, self._timestamp = random.randrange(1 << 15), random.randrange(1 << 31)
        self._source = random.randrange(1 << 32)
        self._heard: int | None = None

    def turn(self, kind: str, host: str, port: int) -> None:
        """Do what was agreed, with whom."""
        self.target = (host, port)
        if (self.fax if kind == "fax" else self.sound) is not None:
            return
        self.stop()
        self.told = False
        calling = self.options.what == "send"
        if kind == "fax":
            self.sender, self.receiver = Sender(), Receiver()
            self.fax = PacketTerminal(
                self.options.file, calling=calling, ecm=self.options.ecm, send=self.send_packet
            )
        else:
            self._heard = None
            self.sound = SoundTerminal(self.options.file, calling=calling, ecm=self.options.ecm)

    def stop(self) -> None:
        for terminal in (self.sound, self.fax):
            if terminal is not None:
                terminal.close()
        self.sound = self.fax = None

    def tick(self) -> None:
        """20 ms are over."""
        if self.fax is not None:
            self.fax.let_pass(FRAME)
        elif self.sound is not None:
            self.send_sound(self.law.encode(self.sound.say()))
        terminal = self.fax or self.sound
        if terminal is not None and terminal.completion is not None and not self.told:
            self.told = True
            say(self.outcome(terminal))

    def outcome(self, terminal: PacketTerminal | SoundTerminal) -> dict[str, object]:
        rate, ecm, pages = terminal.statistics()
        page = ""
        if self.options.what == "receive":
            page = f"{self.options.file}.rows"
            Path(page).write_bytes(read_page(self.options.file))
        return {
            "by": "fax" if self.fax is not None else "sound",
            "completion": terminal.completion,
            "words": terminal.words(),
            "rate": rate,
            "ecm": ecm,
            "pages": pages,
            "page": page,
            "datagrams": self.datagrams,
            "lost": self.lost,
            "healed": self.receiver.healed,
            "missing": self.receiver.missing,
            "gaps": self.gaps,
        }

    # What goes out.

    def send_sound(self, payload: bytes) -> None:
        head = _HEAD.pack(0x80, self.options.law, self._sequence, self._timestamp, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        self.transmit(head + payload)

    def send_packet(self, packet: bytes, count: int) -> None:
        datagram = self.sender.frame(packet)
        for _ in range(count):
            self.datagrams += 1
            if self.options.lose_every and self.datagrams % self.options.lose_every == 0:
                self.lost += 1
            else:
                self.transmit(datagram)

    def transmit(self, data: bytes) -> None:
        try:
            self.socket.sendto(data, self.target)
        except OSError as error:  # an earlier one that nobody took
            sys.stderr.write(f"not sent: {error}\n")

    # What comes in.

    def receive(self) -> None:
        try:
            data = self.socket.recv(4096)
        except ConnectionError:
            return
        if self.fax is not None:
            self.take_datagram(self.fax, data)
        elif self.sound is not None and len(data) > _HEAD.size and data[0] == 0x80:
            self.take_sound(self.sound, data)

    def take_datagram(self, fax: PacketTerminal, data: bytes) -> None:
        try:
            packets = self.receiver.take(data)
        except MalformedError as error:
            sys.stderr.write(f"not UDPTL: {error}: {data.hex()}\n")
            return
        for number, packet in packets:
            fax.hear(number, packet)

    def take_sound(self, sound: SoundTerminal, data: bytes) -> None:
        _, kind, sequence, _, _ = _HEAD.unpack_from(data)
        if kind & 0x7F != self.options.law:
            return
        ahead = 0 if self._heard is None else (sequence - self._heard) & 0xFFFF
        if ahead >= 0x8000:
            return  # it came before
        if 0 < ahead <= MAX_FILLED:
            self.gaps += ahead
            sound.miss(ahead * FRAME)
        self._heard = (sequence + 1) & 0xFFFF
        sound.hear(self.law.levels[np.frombuffer(data, np.uint8, offset=_HEAD.size)])


def _even_port() -> socket.socket:
    """A port whose neighbour is nobody's: reports of the sound go there."""
    for port in itertools.islice(iter(lambda: random.randrange(32768, 60000, 2), None), 200):
        taken = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        try:
            for offset, one in enumerate(taken):
                one.bind(("127.0.0.1", port + offset))
        except OSError:
            for one in taken:
                one.close()
            continue
        taken[1].close()
        return taken[0]
    raise AssertionError("no free even port and its neighbour")


def say(told: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def run(machine: Machine) -> None:
    """Until standard input ends."""
    started = due = time.monotonic()
    commands = b""
    sources: list[socket.socket | int] = [machine.socket, 0]
    while time.monotonic() - started < MAX_SECONDS:
        wait = due - time.monotonic()
        if wait <= 0:
            due = max(due + TICK, time.monotonic() - MAX_BEHIND)
            machine.tick()
            continue
        ready, _, _ = select.select(sources, [], [], wait)
        if machine.socket in ready:
            machine.receive()
        if 0 in ready:
            told = os.read(0, 4096)
            if not told:
                return
            *lines, commands = (commands + told).split(b"\n")
            for line in lines:
                kind, host, port = line.decode().split()
                machine.turn(kind, host, int(port))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["send", "receive"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--law", type=int, default=PCMU, choices=list(_DECODERS))
    parser.add_argument("--ecm", action="store_true")
    parser.add_argument("--lose-every", type=int, default=0)
    machine = Machine(parser.parse_args())
    say({"port": machine.socket.getsockname()[1]})
    try:
        run(machine)
    finally:
        machine.stop()
        machine.socket.close()


if __name__ == "__main__":
    main()
