"""Encrypted calls with a phone that is none of ours: Debian's baresip, whose SRTP is libre's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.baresip import Baresip, hears_the_tone, needs_baresip
from tests.support.program import wait_for
from tests.support.secure_end import SecureEnd
from tests.support.srtp import needs_srtp
from tests.support.stage import DIRECT, Stage

pytestmark = [needs_baresip, needs_srtp]
MakeStage = Callable[..., Stage]
SUITE = "AES_CM_128_HMAC_SHA1_80"


def test_baresip_calls_and_is_heard(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage(trunk_lines="    srtp: optional\n")
    far = stage.rtp()
    uri = f"sip:{DIRECT}@127.0.0.1:{stage.switch.sip_port}"
    phone = Baresip(tmp_path / "bare", encryption="srtp-mand", one_port=True, dial=uri)
    with closing(phone):
        phone.start()
        called = stage.callee.expect_call(within=20)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        called.expect("ACK", within=10)
        wait_for("the tone", lambda: hears_the_tone(far), within=20)
        assert f"SRTP is Enabled (cryptosuite={SUITE})" in phone.said()
        assert "RTP/RTCP multiplexing enabled" in phone.said()
        called.bye()
    calling = stage.switch.record()["legs"][0]
    assert calling["srtp"] == SUITE
    assert calling["packets"] > 10
    assert calling["lost"] == 0


@pytest.mark.parametrize(
    ("policy", "encryption"),
    [("optional", "srtp"), ("required", "srtp-mand")],
    ids=["beside RTP/AVP", "RTP/SAVP"],
)
def test_baresip_is_called_and_is_heard(
    make_stage: MakeStage, tmp_path: Path, policy: str, encryption: str
) -> None:
    phone = Baresip(tmp_path / "bare", user=DIRECT, encryption=encryption)
    lines = f"    srtp: {policy}\n    rtcp_mux: true\n"
    stage = make_stage(trunk_port=phone.port, trunk_lines=lines)
    with closing(phone), closing(SecureEnd()) as near:
        phone.start()
        wait_for("ready", lambda: "baresip is ready" in phone.said(), within=20)
        protocol = "RTP/AVP" if policy == "optional" else "RTP/SAVP"
        calling = stage.caller.invite(DIRECT, near.secure_sdp(protocol=protocol))
        near.meet(calling.expect(200, within=20).body)
        calling.ack()
        wait_for("the tone", lambda: hears_the_tone(near), within=20)
        assert f"SRTP is Enabled (cryptosuite={SUITE})" in phone.said()
        calling.bye()
        called = stage.switch.record()["legs"][1]
        assert called["srtp"] == SUITE
        assert called["lost"] == 0
