"""A running switch with one configuration, a caller, and the phone that its destinations are."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.support.phone import Call, Phone
from tests.support.program import Record, Switch
from tests.support.rtp_end import RtpEnd

CALLER = "+16025550100"
NUMBER = "+18666831950"


class Example:
    """A switch that runs one example, a caller, and the phone that all of its destinations are."""

    def __init__(self, folder: Path, path: Path, **environment: str) -> None:
        self.callee = Phone(user="agent")
        self.switch = Switch(
            folder,
            path,
            trunk=f"127.0.0.1:{self.callee.port}",
            environment={"SOFTSWITCH_DATABASE": "off", **environment},
        )
        self.switch.start()
        self.caller = Phone(self.switch.address, user=CALLER)
        self.ends: list[RtpEnd] = []

    def rtp(self) -> RtpEnd:
        """An end of a media stream."""
        self.ends.append(RtpEnd())
        return self.ends[-1]

    def call(self, number: str = NUMBER, *, user: str = CALLER) -> tuple[Call, RtpEnd]:
        """A call that the switch has not answered yet."""
        near = self.rtp()
        self.caller.user = user
        return self.caller.invite(number, near.sdp()), near

    def answered(self, number: str = NUMBER) -> tuple[Call, RtpEnd]:
        """A call that the switch answers by itself."""
        calling, near = self.call(number)
        accept(calling, near)
        return calling, near

    def rings(self, to: str) -> Call:
        """The call that comes in at a destination."""
        called = self.callee.expect_call(within=10)
        assert called.invite is not None
        assert to in called.invite.uri
        return called

    def takes(self, called: Call) -> RtpEnd:
        """The destination answers."""
        far = self.rtp()
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.sdp())
        called.expect("ACK")
        return far

    def bridged(self, calling: Call, near: RtpEnd, to: str) -> Call:
        """A call that rings through to a destination, which answers."""
        called = self.rings(to)
        self.takes(called)
        accept(calling, near)
        return called

    def record(self) -> Record:
        """The one record."""
        return self.switch.record(within=10)

    def close(self, *, failed: bool) -> None:
        """Stop everything; what a switch must leave behind is asserted."""
        for end in self.ends:
            end.close()
        for phone in (self.caller, self.callee):
            phone.close()
        if failed:
            sys.stdout.write(f"{self.caller.ladder()}\n{self.callee.ladder()}\n")
            sys.stdout.write(self.switch.output()[-6000:])
            self.switch.kill()
        else:
            self.switch.stop()


def accept(calling: Call, near: RtpEnd) -> None:
    """The caller hears that it is answered."""
    answer = calling.expect(200, within=10)
    calling.ack()
    near.aim_by(answer.body)


def header(called: Call, name: str) -> str | None:
    """A header field of the INVITE at a destination."""
    assert called.invite is not None
    values = called.invite.all(name)
    return values[0] if values else None


def chimed(text: str) -> str:
    """The example with a chime for each text, which is spoken sooner."""
    text = re.sub(r'(prompt|play|hold|press|web-customer): "[^"]*"', r"\1: {tone: chime}", text)
    return re.sub(r'accept: "[^"]*"', "accept: {prompt: {tone: chime}}", text)
