"""Several listeners, and IPv6 everywhere: the running program with sound, in and out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch
from tests.support.rtp_end import RtpEnd, audio_address, heard, known_signal
from tests.support.sip_text import Message
from tests.support.stage import CALLER, DIRECT, configuration

FOUR, SIX = "127.0.0.1", "::1"
LISTEN = "  listen: ${SOFTSWITCH_SIP:-127.0.0.1:5060}\n"


@pytest.fixture
def made() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def start(made: ExitStack, folder: Path, text: str, carrier: str) -> Switch:
    file = folder / "switch.yaml"
    file.write_text(text)
    return made.enter_context(Switch(folder / "run", file, trunk=carrier))


def talk(
    made: ExitStack, caller: Phone, callee: Phone, hosts: tuple[str, str]
) -> tuple[Message, Message]:
    """A bridged call with sound both ways, hung up by the caller; both sides' first messages of the
    switch: its answer to the caller, its INVITE to the agent."""
    near, far = (made.enter_context(closing(RtpEnd(host))) for host in hosts)
    calling = caller.invite(DIRECT, near.sdp())
    called = callee.expect_call(10)
    assert called.invite is not None
    far.aim_by(called.invite.body)
    called.respond(200, far.sdp())
    answer = calling.expect(200, within=10)
    calling.ack()
    called.expect("ACK")
    near.aim_by(answer.body)
    for one, other, seed in ((near, far, 1), (far, near, 2)):
        signal = known_signal(0.5, seed=seed)
        one.play(signal)
        one.wait_until_played()
        other.wait_for_packets(5)
        assert signal[-800:] in heard(other.arrivals)
    calling.bye()
    called.expect("BYE")
    return answer, called.invite


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_over_ipv6_comes_in_and_goes_out_with_sound(
    made: ExitStack, tmp_path: Path, transport: str
) -> None:
    port = free_sip_port(SIX)
    callee = made.enter_context(closing(Phone(host=SIX, transport=transport, user="agent")))
    text = configuration().replace(LISTEN, f'  listen: "[::1]:{port}"\n')
    switch = start(made, tmp_path, text, f"[::1]:{callee.port};transport={transport}")
    address = (SIX, port)
    caller = made.enter_context(closing(Phone(address, host=SIX, transport=transport, user=CALLER)))
    answer, invite = talk(made, caller, callee, (SIX, SIX))
    suffix = ";transport=tcp" if transport == "tcp" else ""
    for message in (answer, invite):
        assert audio_address(message.body)[0] == SIX
        assert f"@[::1]:{port}{suffix}>" in message.get("contact")
    assert invite.uri == f"sip:{DIRECT}@[::1]:{callee.port}"
    assert invite.get("via").startswith(f"SIP/2.0/{transport.upper()} [::1]:{port};")
    assert invite.get("from").count("@[::1]") == 1
    record = switch.record()
    assert record["ended_by"] == "calling"


def test_a_caller_by_ipv4_talks_to_an_agent_by_ipv6_each_by_its_listener(
    made: ExitStack, tmp_path: Path
) -> None:
    callee = made.enter_context(closing(Phone(host=SIX, user="agent")))
    four, six = free_sip_port(FOUR), free_sip_port(SIX)
    listen = (
        "  listen:\n"
        f"    - {{name: four, address: 127.0.0.1:{four}}}\n"
        f'    - {{name: six, address: "[::1]:{six}", advertise: "::1"}}\n'
    )
    text = configuration(trunk="    sources: [127.0.0.1]\n").replace(LISTEN, listen)
    start(made, tmp_path, text, f"[::1]:{callee.port}")
    caller = made.enter_context(closing(Phone((FOUR, four), host=FOUR, user=CALLER)))
    answer, invite = talk(made, caller, callee, (FOUR, SIX))
    assert audio_address(answer.body)[0] == FOUR
    assert f"@127.0.0.1:{four}>" in answer.get("contact")
    assert audio_address(invite.body)[0] == SIX
    assert f"@[::1]:{six}>" in invite.get("contact")
    assert invite.get("via").startswith(f"SIP/2.0/UDP [::1]:{six};")


@pytest.mark.parametrize("listener", ["inside", "public"])
def test_a_trunk_leaves_by_the_listener_it_names_under_its_advertised_host(
    made: ExitStack, tmp_path: Path, listener: str
) -> None:
    callee = made.enter_context(closing(Phone(user="agent")))
    ports = {"inside": free_sip_port("127.0.0.1"), "public": free_sip_port("127.0.0.2")}
    listen = (
        "  listen:\n"
        f"    - {{name: inside, address: 127.0.0.1:{ports['inside']}}}\n"
        f"    - {{name: public, address: 127.0.0.2:{ports['public']}, advertise: 127.0.0.3}}\n"
    )
    text = configuration(trunk=f"    listen: {listener}\n").replace(LISTEN, listen)
    start(made, tmp_path, text, f"127.0.0.1:{callee.port}")
    caller = made.enter_context(closing(Phone(("127.0.0.1", ports["inside"]), user=CALLER)))
    host = {"inside": "127.0.0.1", "public": "127.0.0.3"}[listener]
    answer, invite = talk(made, caller, callee, (FOUR, FOUR))
    # What comes in by one listener stays with it, whatever the trunk's is.
    assert f"@127.0.0.1:{ports['inside']}>" in answer.get("contact")
    assert audio_address(answer.body)[0] == "127.0.0.1"
    assert f"@{host}:{ports[listener]}>" in invite.get("contact")
    assert invite.get("via").startswith(f"SIP/2.0/UDP {host}:{ports[listener]};")
    assert audio_address(invite.body)[0] == host
