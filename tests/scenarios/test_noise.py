"""All that the fuzz drivers have kept, at every port of the running program, while a call goes on.

It comes from a trunk's address and from a stranger's: as datagrams, on connections, behind TLS
handshakes and instead of them, at the control socket, and at the ports for sound of the call.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fuzz import fuzz_noise, fuzz_rtcp, fuzz_rtp, fuzz_sip_message
from fuzz.kept import Fuzz
from tests.support.certificates import write_certificate
from tests.support.ports import free_sip_port
from tests.support.program import wait_for
from tests.support.rtp_end import discontinuities, heard, known_signal
from tests.support.stage import Bridge, Stage
from tests.support.torture_table import rows

MakeStage = Callable[..., Stage]
TRUNK = "127.0.0.1"
STRANGER = "127.9.9.9"
WITHIN = 10.0
# A number that the stage's switch has stands in the messages; nobody is to be called here.
LIVE, DEAD = b"8666831950", b"8666831949"


def kept(*drivers: Fuzz) -> list[bytes]:
    return [data.replace(LIVE, DEAD) for driver in drivers for data in driver.start()]


MESSAGES = [*kept(fuzz_sip_message.FUZZ, fuzz_noise.FUZZ), *(row.data for row in rows())]
PACKETS = kept(fuzz_rtp.FUZZ, fuzz_rtcp.FUZZ, fuzz_noise.FUZZ)


def send_datagrams(datagrams: list[bytes], host: str, *targets: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((host, 0))
        for data in datagrams:
            for target in targets:
                sender.sendto(data, target)


@contextlib.contextmanager
def connected(host: str, target: tuple[str, int]) -> Iterator[socket.socket]:
    made = socket.create_connection(target, WITHIN, source_address=(host, 0))
    try:
        yield made
    finally:
        made.close()


def send_streams(messages: list[bytes], host: str, target: tuple[str, int]) -> None:
    """Each on a connection of its own; who is sent away in the middle is."""
    for data in messages:
        with contextlib.suppress(ConnectionError), connected(host, target) as stream:
            stream.sendall(data)


def send_behind_tls(messages: list[bytes], host: str, target: tuple[str, int]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for data in messages:
        with (
            contextlib.suppress(ConnectionError, ssl.SSLError),
            connected(host, target) as plain,
            context.wrap_socket(plain) as stream,
        ):
            stream.sendall(data)


def assert_sound_goes_through(bridge: Bridge, seed: int, meanwhile: Callable[[], None]) -> None:
    """Sample for sample, both ways, in one stream, whatever else happens."""
    signals = known_signal(2.0, seed=seed), known_signal(2.0, seed=seed + 1)
    bridge.near.play(signals[0])
    bridge.far.play(signals[1])
    meanwhile()
    bridge.near.wait_until_played()
    bridge.far.wait_until_played()
    bridge.far.wait_for_packets(5)
    bridge.near.wait_for_packets(5)
    assert signals[0] in heard(bridge.far.arrivals)
    assert signals[1] in heard(bridge.near.arrivals)
    for end in (bridge.near, bridge.far):
        assert discontinuities(end.arrivals) == []
        assert end.malformed == 0


def media_ports(bridge: Bridge) -> list[tuple[str, int]]:
    """The switch's, of both legs, for RTP and RTCP."""
    targets = [end.target for end in (bridge.near, bridge.far)]
    return [(target[0], target[1] + odd) for target in targets if target for odd in (0, 1)]


def logged(stage: Stage, *texts: str) -> bool:
    """Whether one line of the log has all of it."""
    lines = stage.switch.output().splitlines()
    return any(all(text in line for text in texts) for line in lines)


@pytest.fixture
def tls_port() -> int:
    return free_sip_port()


def test_noise_at_every_port_is_not_heard_in_a_call(
    make_stage: MakeStage, tmp_path: Path, tls_port: int
) -> None:
    certificate, key = write_certificate(tmp_path)
    files = f"certificate: {certificate}, key: {key}, listen: {TRUNK}:{tls_port}"
    stage = make_stage(settings={"tls": f"{{{files}}}"})
    switch = stage.switch
    bridge = stage.bridge()
    bridge.near.wait_for_packets(10)
    bridge.far.wait_for_packets(10)
    ports = media_ports(bridge)
    chance = random.Random(7)

    def at_the_media_ports() -> None:
        send_datagrams(PACKETS, STRANGER, *ports)
        send_datagrams(PACKETS, TRUNK, *ports)

    def at_the_signalling() -> None:
        for host in (TRUNK, STRANGER):
            send_datagrams(chance.sample(MESSAGES, len(MESSAGES)), host, switch.address)
            send_streams(chance.sample(MESSAGES, 60), host, switch.address)
            send_streams(chance.sample(MESSAGES, 20), host, (TRUNK, tls_port))
            send_behind_tls(chance.sample(MESSAGES, 30), host, (TRUNK, tls_port))
            send_streams(chance.sample(MESSAGES, 30), host, (TRUNK, switch.control_port))

    assert_sound_goes_through(bridge, 1, at_the_media_ports)
    assert_sound_goes_through(bridge, 3, at_the_signalling)
    bridge.hang_up()
    assert stage.caller.ask("OPTIONS", f"sip:x@{TRUNK}:{switch.sip_port}", ()).status == 200
    record = switch.record()
    assert record["ended_by"] == "calling"
    # What is no RTP, and RTP from others, was seen, counted and left.
    assert [leg["lost"] for leg in record["legs"]] == [0, 0]
    for leg in ("leg=a", "leg=b1"):
        for reason in ('"bad_version":', '"other_source":'):
            wait_for(f"{reason} of {leg}", partial(logged, stage, "leg.ended", leg, reason))
    assert logged(stage, "source.banned", STRANGER)
