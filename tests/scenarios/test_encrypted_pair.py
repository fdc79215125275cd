"""Two switches with an encrypted trunk between them: TLS, SRTP and one port; phones without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.certificates import CERTIFICATE, KEY
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, wait_for
from tests.support.rtp_end import RtpEnd, digits_heard, heard, known_signal
from tests.support.srtp import needs_srtp
from tests.support.stage import CALLER, DIRECT, configuration

pytestmark = needs_srtp
SUITE = "AES_CM_128_HMAC_SHA1_80"
PLAIN_HOST = "127.0.0.2"
"""Where the phone calls from: the other switch is at 127.0.0.1."""


class Pair:
    """A phone calls `near`, which calls `far` by TLS, which calls a phone by UDP."""

    def __init__(self, folder: Path) -> None:
        (folder / "cert.pem").write_text(CERTIFICATE)
        (folder / "key.pem").write_text(KEY)
        self._folder = folder
        self._made = ExitStack()
        self.agent = Phone(user="agent")
        self._made.callback(self.agent.close)
        near_port, far_port = free_sip_port(), free_sip_port()
        near_lines = f"    srtp: required\n    rtcp_mux: true\n  phones: {PLAIN_HOST}\n"
        safe = f"127.0.0.1:{near_port};transport=tls"
        far_lines = f'  safe: {{address: "{safe}", srtp: optional}}\n'
        self.far = self._start("far", f"127.0.0.1:{self.agent.port}", far_port, far_lines)
        self.near = self._start(
            "near", f"127.0.0.1:{far_port};transport=tls", near_port, near_lines
        )
        self.caller = Phone(self.near.address, host=PLAIN_HOST, user=CALLER)
        self._made.callback(self.caller.close)

    def _start(self, name: str, trunk: str, port: int, lines: str) -> Switch:
        files = "certificate: ../cert.pem, key: ../key.pem, authorities: ../cert.pem"
        tls = f"{{{files}, listen: 127.0.0.1:{port}}}"
        file = self._folder / f"{name}.yaml"
        file.write_text(configuration(switch={"tls": tls}, trunk=lines))
        switch = Switch(self._folder / name, file, trunk=trunk).start()
        self._made.callback(_end, switch)
        return switch

    def close(self) -> None:
        self._made.close()


def _end(switch: Switch) -> None:
    if switch.is_running():
        switch.stop()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with closing(Pair(tmp_path)) as made:
        yield made


def test_sound_keys_and_holds_cross_an_encrypted_trunk(pair: Pair) -> None:
    with closing(RtpEnd()) as near, closing(RtpEnd()) as far:
        calling = pair.caller.invite(DIRECT, near.sdp())
        called = pair.agent.expect_call(10)
        assert called.invite is not None
        assert b"crypto" not in called.invite.body
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        near.aim_by(calling.expect(200, within=10).body)
        calling.ack()
        called.expect("ACK")
        near.wait_for_packets(5, within=10)
        far.wait_for_packets(5, within=10)
        signals = known_signal(1.0, seed=1), known_signal(1.0, seed=2)
        near.play(signals[0])
        far.play(signals[1])
        near.press("7")
        near.wait_until_played()
        far.wait_until_played()
        far.wait_for_packets(10)
        assert signals[0] in heard(far.arrivals)
        assert signals[1] in heard(near.arrivals)
        assert digits_heard(far.arrivals) == "7"
        calling.reinvite(near.sdp(direction="sendonly", version=2))
        calling.expect(200)
        calling.ack()
        assert b"a=sendonly" in called.expect("INVITE").body
        called.respond(200, far.sdp(direction="recvonly", version=2))
        called.expect("ACK")
        called.bye()
        calling.expect("BYE")
    for switch in (pair.near, pair.far):
        wait_for("a record", lambda switch=switch: bool(switch.records()))  # type: ignore[misc]
    (near_record,), (far_record,) = pair.near.records(), pair.far.records()
    assert [leg.get("srtp") for leg in near_record["legs"]] == [None, SUITE]
    assert [leg.get("srtp") for leg in far_record["legs"]] == [SUITE, None]
    assert all(leg["lost"] == 0 for record in (near_record, far_record) for leg in record["legs"])
    assert "srtp: the keys go over" not in pair.near.output() + pair.far.output()
