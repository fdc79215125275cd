"""A peer says far too much: calls beside it are heard as before, and nothing of it is left.

Scanners are test_defence.py's. What is promised stands in docs/failures.md.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from tests.support.control import ControlPeer
from tests.support.phone import Call, Phone
from tests.support.program import leg, wait_for
from tests.support.rtp_end import audio_address, discontinuities
from tests.support.stage import CALLER, DIRECT, Bridge, Stage

MakeStage = Callable[..., Stage]
STRANGER = "127.0.0.66"
PACKETS = 6000
REQUESTS = 300


def is_heard(bridge: Bridge, since: tuple[int, int]) -> None:
    """Both ends have had sound without a gap since so many packets."""
    for end, before in zip((bridge.near, bridge.far), since, strict=True):
        end.wait_for_packets(before + 25, within=20)
        assert discontinuities(end.arrivals[before:], slack=0.5) == []


def so_far(bridge: Bridge) -> tuple[int, int]:
    return len(bridge.near.arrivals), len(bridge.far.arrivals)


@contextmanager
def somebody(host: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((host, 0))
        yield made


def test_sound_from_somebody_else_reaches_nobody_however_much_it_is(stage: Stage) -> None:
    bridge = stage.bridge()
    bridge.near.wait_for_packets(10)
    before = so_far(bridge)
    assert bridge.calling.final is not None
    target = audio_address(bridge.calling.final.body)
    with somebody(STRANGER) as stranger:
        for number in range(PACKETS):
            head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, 0xBAD)
            noise = (head + b"\x2a" * 160, os.urandom(40), b"\x00\x01\x00\x00" + os.urandom(16))
            stranger.sendto(noise[number % 3], target)
            if number % 20 == 0:
                time.sleep(0.005)
    is_heard(bridge, before)
    assert all(b"\x2a" * 20 not in one.payload for one in bridge.far.arrivals)
    bridge.hang_up()
    record = stage.switch.record()
    assert leg(record, "calling")["lost"] == 0
    wait_for("what was dropped", lambda: '"other_source":' in stage.switch.output())


def test_requests_without_end_inside_a_call_are_all_answered_and_disturb_no_other(
    stage: Stage,
) -> None:
    loud, quiet = stage.bridge(), stage.bridge()
    quiet.near.wait_for_packets(10)
    before = so_far(quiet)
    for number in range(REQUESTS):
        loud.calling.send(("OPTIONS", "INFO", "MESSAGE")[number % 3])
    answers = [
        loud.calling.expect(lambda one: (one.status or 0) >= 200, within=20)
        for _ in range(REQUESTS)
    ]
    assert {one.status for one in answers} <= {200, 405, 415, 481, 500, 501, 503}
    is_heard(quiet, before)
    quiet.hang_up()
    loud.hang_up()
    stage.switch.wait_for_records(2)


def test_the_same_invite_a_thousand_times_is_one_call(stage: Stage) -> None:
    calling = stage.caller.invite(DIRECT)
    called = stage.callee.expect_call()
    assert calling.invite is not None
    for _ in range(1000):
        stage.caller.send_raw(bytes(calling.invite), stage.switch.address)
    stage.callee.expect_no_call(during=0.5)
    calling.cancel()
    called.expect("CANCEL")
    calling.expect(200, to="CANCEL", within=10)
    calling.expect(487, within=10)
    stage.switch.record()


def test_a_burst_of_a_trunk_is_taken_or_told_to_come_again_and_all_of_it_is_over_afterwards(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(trunk_lines="    max_calls: 40\n", rtp_count=200)
    bridge = stage.bridge()
    bridge.near.wait_for_packets(10)
    before = so_far(bridge)
    with closing(Phone(stage.switch.address, user=CALLER)) as burst:
        calls = [burst.invite(DIRECT) for _ in range(200)]
        wait_for(
            "an answer to each, or its call",
            lambda: sum(map(_is_refused, calls)) + len(stage.callee.calls) == len(calls) + 1,
            within=30,
        )
        taken = [one for one in calls if not _is_refused(one)]
        assert 1 <= len(taken) < 40
        for one in taken:
            one.cancel()
        for one in taken:
            one.expect(200, to="CANCEL", within=20)
            one.expect(487, within=20)
        is_heard(bridge, before)
        bridge.hang_up()
        # Those that found no leg for their way out have a record, too.
        with closing(ControlPeer(("127.0.0.1", stage.switch.control_port))) as peer:
            wait_for("no leg", lambda: peer.ask("status")["calls"] == 0, within=10)
            presented = peer.ask("status")["presented"]
            assert len(taken) < presented <= 41
            stage.switch.wait_for_records(presented, within=20)
            (trunk,) = peer.ask("trunk.list")["trunks"]
            assert trunk["legs"] == 0


def _is_refused(calling: Call) -> bool:
    return any(message.status == 503 for message in calling.inbox)
