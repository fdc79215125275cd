"""A stranger who has overheard a call, against the real program."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.phone import Call, Phone
from tests.support.program import wait_for
from tests.support.stage import Stage

HOST = "127.0.0.66"
"""Of no trunk."""


def overheard(calling: Call, stranger: Phone) -> Call:
    """The same dialog in a stranger's hands, a request ahead of its peer."""
    call = Call(
        stranger, calling.call_id, calling.local, calling.remote, calling.target,
        local_tag=calling.local_tag, remote_tag=calling.remote_tag, cseq=calling.cseq + 5,
        peer=calling.peer,
    )  # fmt: skip
    stranger.calls[calling.call_id] = call
    return call


@pytest.mark.parametrize("method", ["BYE", "INVITE"])
def test_a_call_goes_on_when_a_stranger_would_end_or_move_it(stage: Stage, method: str) -> None:
    bridge = stage.bridge()
    stranger = stage.phone(host=HOST)
    mine = overheard(bridge.calling, stranger)
    if method == "INVITE":
        mine.never_ack = True
        mine.reinvite(stage.rtp().sdp())
        mine.expect(403)
    else:
        mine.send("BYE")
        mine.expect(403, to="BYE")
    wait_for(
        "a line of the log",
        lambda: f"{method} from {HOST}" in stage.switch.output(),
        within=10,
    )
    bridge.called.expect_nothing(during=0.3)
    bridge.calling.bye()
    bridge.called.expect("BYE")
    record = stage.switch.record()
    assert (record["ended_by"], record["cause"]) == ("calling", "hung_up")


@pytest.mark.parametrize("method", ["BYE", "INVITE", "REFER", "NOTIFY"])
def test_another_trunk_does_no_more_than_a_stranger(
    make_stage: Callable[..., Stage], method: str
) -> None:
    stage = make_stage(trunk_lines=f"    transfers: allow\n  other: {HOST}:5060")
    bridge = stage.bridge()
    mine = overheard(bridge.calling, stage.phone(host=HOST))
    mine.cseq += 2**30
    if method == "INVITE":
        mine.never_ack = True
        mine.reinvite(stage.rtp().sdp())
    else:
        mine.send(method, headers=[("Refer-To", "<sip:1@127.0.0.1>"), ("Event", "refer")])
    mine.expect(403, to=method)
    wait_for(
        "a line of the log that names it",
        lambda: any(
            f"{method} from {HOST}" in line and "trunk other" in line
            for line in stage.switch.output().splitlines()
        ),
        within=10,
    )
    bridge.called.expect_nothing(during=0.3)
    bridge.calling.bye()
    bridge.called.expect("BYE")
