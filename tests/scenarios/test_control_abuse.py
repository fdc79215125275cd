"""Peers of the control socket that behave badly, beside a call with sound: they disturb nobody, and
nothing of them is left."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.support.control import ControlPeer
from tests.support.program import wait_for
from tests.support.rtp_end import discontinuities
from tests.support.stage import Stage

MakeStage = Callable[..., Stage]

SECONDS = 4.0
MEGABYTE = 1 << 20
SPARE_MEMORY = 150 * MEGABYTE
"""How much more may be held afterwards; what was sent is many times as much."""
SPARE_DESCRIPTORS = 5
"""What the loop and the engine open for themselves meanwhile."""


def line(method: str, **params: object) -> bytes:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.dumps(request).encode() + b"\n"


def broken(chance: random.Random) -> bytes:
    """Something that no program says on purpose."""
    return chance.choice(
        (
            chance.randbytes(3000),
            b"x" * (3 * MEGABYTE),
            b"[" * 2000 + b"\n",
            line("call.list")[: chance.randrange(5, 40)],
            line("call.hangup", call="nobody") * 50,
            b"[" + b",".join([line("status").strip()] * 500) + b"]\n",
            line("events.subscribe", after=0) * 30,
            line("events.poll", wait=60) * 40,
            line("call.set", call="nobody", attributes={"a": "x" * 5000}),
            line("ping")[:-1] + b"\r\n\r\n\r\n",
            b"GET /control HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        )
    )


def misbehave(port: int, seed: int, until: float) -> None:
    """One peer after the other; some read nothing, most leave in the middle."""
    chance = random.Random(seed)
    while time.monotonic() < until:
        with socket.create_connection(("127.0.0.1", port), 5) as peer:
            peer.settimeout(0.2)
            try:
                for _ in range(chance.randrange(1, 5)):
                    peer.sendall(broken(chance))
                    if chance.random() < 0.5:
                        peer.recv(1 << 16)
            except OSError:
                continue  # cut off, or neither of us reads


def memory(pid: int) -> int:
    """Bytes of a process in memory."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.timeout(120)
def test_a_call_hears_nothing_of_peers_that_misbehave(make_stage: MakeStage) -> None:
    stage = make_stage()
    switch = stage.switch
    bridge = stage.bridge()
    for end in (bridge.near, bridge.far):
        end.wait_for_packets(10)
    with ControlPeer(("127.0.0.1", switch.control_port)) as good:
        good.ask("status")
        before = descriptors(switch.pid), memory(switch.pid)
        until = time.monotonic() + SECONDS
        bad = [
            threading.Thread(target=misbehave, args=(switch.control_port, seed, until))
            for seed in range(6)
        ]
        for one in bad:
            one.start()
        answered = 0
        while time.monotonic() < until:
            assert good.ask("call.list")["total"] == 1
            answered += 1
            time.sleep(0.05)
        for one in bad:
            one.join(20)
        wait_for(
            "their connections are gone",
            lambda: descriptors(switch.pid) <= before[0] + SPARE_DESCRIPTORS,
        )
        assert answered >= SECONDS
        assert memory(switch.pid) - before[1] < SPARE_MEMORY
        assert good.ask("call.list")["calls"][0]["state"] == "bridged"
    for end in (bridge.near, bridge.far):
        # However late on a busy machine, every packet came, in one stream.
        assert discontinuities(end.arrivals, slack=5.0) == []
    bridge.hang_up()
    record = switch.record()
    assert all(leg["lost"] == 0 for leg in record["legs"])
    switch.assert_no_traceback()
