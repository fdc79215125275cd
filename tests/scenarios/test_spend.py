"""A campaign that may spend so much an hour, in the running program."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.database import OwnServer
from tests.support.phone import Phone
from tests.support.program import Switch, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.stage import AGENT, CALLER, DIRECT, configuration


def test_nobody_is_called_for_a_campaign_that_has_spent_what_it_may(tmp_path: Path) -> None:
    with ExitStack() as made:
        callee = made.enter_context(closing(Phone(user="agent")))
        near, far = (made.enter_context(closing(RtpEnd())) for _ in range(2))
        file = tmp_path / "switch.yaml"
        text = configuration(trunk="    cost: 0.75\n").replace(
            "direct: {treatment: direct, trunk: carrier}",
            "direct: {treatment: direct, trunk: carrier, max_spend_per_hour: 0.75}",
        )
        file.write_text(text + 'originate: {to: ["+1602555*"]}\n')
        switch = made.enter_context(
            Switch(tmp_path / "run", file, trunk=f"127.0.0.1:{callee.port}")
        )
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        calling = caller.invite(DIRECT, near.sdp())
        called = callee.expect_call(10)
        called.respond(200, far.sdp())
        calling.expect(200)
        calling.ack()
        called.expect("ACK")
        # Its first minute has cost all there is: the next caller is told that nobody is there.
        caller.invite(DIRECT, near.sdp()).expect(480)
        wait_for("the event", lambda: "spend.reached" in switch.output())
        wait_for("the line", lambda: "campaign direct calls nobody" in switch.output())
        with ControlPeer((switch.host, switch.control_port)) as peer, pytest.raises(Refused) as no:
            peer.ask("call.originate", campaign="direct", first=AGENT, second=AGENT)
        assert "max_spend_per_hour" in str(no.value)
        # The call that is there goes on; another campaign spends its own.
        called.bye()
        calling.expect("BYE")
        calling = caller.invite("200007", near.sdp())
        callee.expect_call(10)
        calling.cancel()
        calling.expect(200, to="CANCEL")
        calling.expect(487)
        wait_for("records", lambda: len(switch.records()) == 3)


def test_what_one_node_has_spent_counts_on_the_other(tmp_path: Path) -> None:
    server = OwnServer()
    server.start()
    with ExitStack() as made:
        made.callback(server.close)
        callee = made.enter_context(closing(Phone(user="agent")))
        near, far = (made.enter_context(closing(RtpEnd())) for _ in range(2))
        text = configuration(trunk="    cost: 0.75\n").replace(
            "direct: {treatment: direct, trunk: carrier}",
            "direct: {treatment: direct, trunk: carrier, max_spend_per_hour: 1.50}",
        )
        dsn = server.dsn()
        nodes = []
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            file = folder / "switch.yaml"
            file.write_text(text)
            trunk, environment = f"127.0.0.1:{callee.port}", {"SOFTSWITCH_DATABASE": dsn}
            nodes.append(Switch(folder / "run", file, trunk=trunk, environment=environment))
            made.enter_context(nodes[-1])
        callers = [made.enter_context(closing(Phone(n.address, user=CALLER))) for n in nodes]
        for caller in callers:
            calling = caller.invite(DIRECT, near.sdp())
            called = callee.expect_call(15)
            called.respond(200, far.sdp())
            calling.expect(200, within=15)
            calling.ack()
            called.expect("ACK", within=15)
            calling.bye()
            called.expect("BYE", within=15)
        # Each node has spent half of it; when both have heard of that, neither calls anybody.
        for node, caller in zip(nodes, callers, strict=True):
            refused = partial(is_refused, caller, callee, near)
            wait_for("a refusal", refused, within=40)
            said = "campaign direct calls nobody: 1.50 spent"
            wait_for("a word why", partial(is_said, node, said))


def is_said(node: Switch, what: str) -> bool:
    """Whether it stands in what a switch has written."""
    return what in node.output()


def is_refused(caller: Phone, callee: Phone, near: RtpEnd) -> bool:
    """Whether nobody is called for one more call; who is, is busy."""
    calling = caller.invite(DIRECT, near.sdp())
    deadline = time.monotonic() + 20
    while not any((message.status or 0) >= 300 for message in list(calling.inbox)):
        assert time.monotonic() < deadline, caller.ladder()
        with suppress(AssertionError):
            called = callee.expect_call(0.2)
            called.respond(486)
            called.expect("ACK", within=10)
            calling.expect(486, within=10)
            time.sleep(0.3)  # its media port rests
            return False
    calling.expect(480, within=10)
    return True
