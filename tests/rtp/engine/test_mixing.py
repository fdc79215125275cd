"""Legs that hear several others, over real sockets and threads: each says a steady level of its
own, so that what a listener gets is the sum of who it hears."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from media import g711
from rtp.engine import Engine, MediaPort
from tests.rtp.engine.conftest import MakeEngine
from tests.rtp.engine.peer import FRAME, PAYLOAD_TYPES, Peer, agree, until

LEVELS = (1000, 2000, 4000, 8000, 16000)
"""Each more than the sum of those before it: who is heard can be told from the sum."""


class Room:
    """Legs with peers that speak all the time, from a thread."""

    def __init__(self, engine: Engine, count: int, *, codecs: tuple[str, ...] = ("PCMU",)) -> None:
        self.ports = [engine.open_port() for _ in range(count)]
        self.peers = [Peer(port) for port in self.ports]
        self.codecs = [codecs[place % len(codecs)] for place in range(count)]
        for port, peer, codec in zip(self.ports, self.peers, self.codecs, strict=True):
            agree(port, peer, codec)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def _speak(self) -> None:
        frames = [
            g711.encode(np.full(FRAME, level, np.int16), codec)  # type: ignore[arg-type]
            for level, codec in zip(LEVELS, self.codecs, strict=False)
        ]
        due = time.monotonic()
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            due += 0.02
            for peer, frame, codec in zip(self.peers, frames, self.codecs, strict=False):
                peer.send(frame, payload_type=PAYLOAD_TYPES[codec])

    def heard(self, place: int) -> int:
        """The level that comes out at a peer now, to the nearest thousand."""
        self.peers[place].waiting()
        packets = self.peers[place].receive_many(5)
        law = self.codecs[place]
        samples = g711.decode(packets[-1].payload, law)  # type: ignore[arg-type]
        return round(float(np.median(samples)) / 1000) * 1000

    def hears(self, place: int, *others: int) -> None:
        """Wait until a peer hears exactly these."""
        wanted = sum(LEVELS[other] for other in others)
        until(lambda: self.heard(place) == wanted)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        for port, peer in zip(self.ports, self.peers, strict=True):
            port.close()
            peer.close()


@contextmanager
def room(engine: Engine, count: int, *, codecs: tuple[str, ...] = ("PCMU",)) -> Iterator[Room]:
    made = Room(engine, count, codecs=codecs)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_each_hears_all_but_itself(make_engine: MakeEngine, threads: int) -> None:
    with room(make_engine(threads=threads), 4, codecs=("PCMU", "PCMA")) as there:
        for port in there.ports:
            port.hears(there.ports)
        for place in range(4):
            there.hears(place, *({0, 1, 2, 3} - {place}))
        there.ports[0].hears([there.ports[2]])
        there.hears(0, 2)
        there.ports[0].hears([])
        there.hears(0)


def test_one_of_another_thread_is_heard_too(make_engine: MakeEngine) -> None:
    with room(make_engine(threads=2), 2) as there:
        one, two = there.ports
        one.hears([two])
        two.hears([one])
        there.hears(0, 1)
        there.hears(1, 0)


def test_who_is_closed_is_heard_no_more(engine: Engine) -> None:
    with room(engine, 3) as there:
        there.ports[0].hears(there.ports)
        there.hears(0, 1, 2)
        there.ports[1].close()
        there.hears(0, 2)


def test_too_loud_a_sum_is_clipped_once(engine: Engine) -> None:
    with room(engine, 5) as there:
        there.ports[0].hears([*there.ports[1:], there.ports[4]])
        loudest = int(g711.decode(g711.encode(np.array([30000], np.int16)))[0])
        until(lambda: abs(there.heard(0) - loudest) <= 1000)


def test_more_than_can_be_mixed_is_refused(make_engine: MakeEngine) -> None:
    engine = make_engine(pairs=140)
    ports: list[MediaPort] = [engine.open_port() for _ in range(130)]
    with pytest.raises(ValueError, match="128"):
        ports[0].hears(ports[1:])
    ports[0].hears(ports[:129])
    for port in ports:
        port.close()
