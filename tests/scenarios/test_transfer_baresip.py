"""Transfers with a phone that is none of ours: Debian's baresip refers, and is referred."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.support.baresip import Baresip, hears_the_tone, needs_baresip
from tests.support.program import wait_for
from tests.support.rtp_end import heard, known_signal
from tests.support.stage import DIRECT, Stage

pytestmark = needs_baresip
MakeStage = Callable[..., Stage]
THIRD = "+16025550177"
RULES = 'originate: {to: ["+1602555*"]}\n'


def test_baresip_has_the_other_moved(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage(trunk_lines="    transfers: allow\n", sections=RULES)
    far, new = stage.rtp(), stage.rtp()
    host = f"127.0.0.1:{stage.switch.sip_port}"
    phone = Baresip(tmp_path / "bare", dial=f"sip:{DIRECT}@{host}")
    with closing(phone):
        phone.start()
        called = stage.callee.expect_call(within=20)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        called.expect("ACK", within=10)
        wait_for("the tone", lambda: hears_the_tone(far), within=20)
        phone.do("transfer", f"sip:{THIRD}@{host}")
        third = stage.callee.expect_call(within=10)
        assert third.invite is not None
        new.aim_by(third.invite.body)
        third.respond(200, new.sdp())
        third.expect("ACK", within=10)
        sound = known_signal(0.4, seed=3)
        far.play(sound)
        wait_for(
            "the one that was kept", lambda: sound[1600:3200] in heard(new.arrivals), within=20
        )
        # It has hung up, or was hung up on: it was told that it is not needed any more.
        ended = re.compile(r" leg\.ended .* leg=a ")
        wait_for("its end", lambda: bool(ended.search(stage.switch.output())), within=20)
        third.bye()
        called.expect("BYE")
    record = stage.switch.record()
    assert [(one["ok"], one["to"]) for one in record["transfers"]] == [(True, THIRD)]


def test_baresip_is_moved(make_stage: MakeStage, tmp_path: Path) -> None:
    """It is the one that is kept: the agent has it moved, and it is heard by whom it comes to."""
    stage = make_stage(trunk_lines="    transfers: allow\n", sections=RULES)
    far, new = stage.rtp(), stage.rtp()
    host = f"127.0.0.1:{stage.switch.sip_port}"
    phone = Baresip(tmp_path / "bare", dial=f"sip:{DIRECT}@{host}")
    with closing(phone):
        phone.start()
        called = stage.callee.expect_call(within=20)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        called.expect("ACK", within=10)
        wait_for("the tone", lambda: hears_the_tone(far), within=20)
        called.send("REFER", headers=[("Refer-To", f"<sip:{THIRD}@{host}>")])
        third = stage.callee.expect_call(within=10)
        assert third.invite is not None
        new.aim_by(third.invite.body)
        third.respond(200, new.sdp())
        third.expect("ACK", within=10)
        wait_for("the tone", lambda: hears_the_tone(new), within=20)
        third.bye()
    assert stage.switch.record()["ended_by"] == "called"
