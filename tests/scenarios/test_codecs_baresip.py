"""Codecs of a phone that is none of ours: Debian's baresip, with its own G.722 and libopus."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rtp.engine import has_opus
from tests.support.baresip import Baresip, hears_the_tone, needs_baresip
from tests.support.program import wait_for
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]
pytestmark = needs_baresip
needs_opus = pytest.mark.skipif(
    not has_opus(), reason="libopus is not installed: tools/setup.sh opus"
)
CODECS = ["g722", pytest.param("opus", marks=needs_opus)]
LINES = "    codecs: [PCMU, G722, opus]\n"
NAMES = {"g722": "G722", "opus": "opus"}


@pytest.mark.parametrize("codec", CODECS)
def test_baresip_calls_a_phone_of_g711(make_stage: MakeStage, tmp_path: Path, codec: str) -> None:
    stage = make_stage(trunk_lines=LINES)
    far = stage.rtp()
    uri = f"sip:{DIRECT}@127.0.0.1:{stage.switch.sip_port}"
    phone = Baresip(tmp_path / "bare", dial=uri, codec=codec)
    with closing(phone):
        phone.start()
        called = stage.callee.expect_call(within=20)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        called.expect("ACK", within=20)
        wait_for("the tone", lambda: hears_the_tone(far), within=20)
        called.bye()
    legs = stage.switch.record()["legs"]
    assert [leg["codec"] for leg in legs] == [NAMES[codec], "PCMU"]
    assert [leg["lost"] for leg in legs] == [0, 0]


@pytest.mark.parametrize("codec", CODECS)
def test_baresip_is_called_by_a_phone_of_g711(
    make_stage: MakeStage, tmp_path: Path, codec: str
) -> None:
    phone = Baresip(tmp_path / "bare", user=DIRECT, codec=codec)
    stage = make_stage(trunk_port=phone.port, trunk_lines=LINES)
    near = stage.rtp()
    with closing(phone):
        phone.start()
        wait_for("ready", lambda: "baresip is ready" in phone.said(), within=20)
        calling = stage.caller.invite(DIRECT, near.sdp())
        near.aim_by(calling.expect(200, within=20).body)
        calling.ack()
        wait_for("the tone", lambda: hears_the_tone(near), within=20)
        calling.bye()
        legs = stage.switch.record()["legs"]
    assert [leg["codec"] for leg in legs] == ["PCMU", NAMES[codec]]
