"""A switch with a caller on one side and a called party on the other, for scenario tests.

`Stage` starts the real program with a configuration that has one treatment of each kind, a phone
that calls it and a phone that is its trunk. What it made it closes; a phone that saw a bad message,
and a switch that left anything behind, fail the test then.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.support.phone import Call, Phone
from tests.support.ports import free_rtp_range, free_sip_port
from tests.support.program import Switch
from tests.support.rtp_end import DIGITS, PCMU, RtpEnd

DIRECT = "100001"
"""Rings through to the number called."""
MENU = "200001"
"""Asks; 1 connects to AGENT, 2 hangs up; four wrong keys or two silences end the call."""
FAILOVER = "200002"
"""FIRST for a second, then SECOND."""
ANSWERED_FIRST = "200003"
"""Plays a chime, then connects to AGENT, so that the caller hears ringback."""
SHORT = "200004"
"""Rings through; two seconds of talk at most."""
CAPTURE_ONLY = "200005"
"""Refused by the number itself with 480."""
DECLINED = "200006"
"""Refused by its treatment with 603."""
CALLED_ID = "200007"
"""Rings through to AGENT with the number called as caller id."""
FIXED_ID = "200008"
"""Rings through to AGENT with FIXED_NUMBER as caller id."""
POOLED = "+18666831950"
"""A pooled number with a binding; rings through to AGENT."""
HOLD_MUSIC = "200009"
"""Connects to AGENT with a prompt that plays while it rings."""
TWO_TRUNKS = "200010"
"""FIRST by the trunk for a second, then SECOND by the second trunk."""
STEERED = "200011"
"""Waits for a controller, two seconds; without one a hang-up with the cause `untaken`, behind it
a chime and a hang-up with the cause `released`. The controller may call +1602555*."""
CONFERENCE = "200013"
"""The conference `room`; who is put out of it hears a chime, and a hang-up with the cause `out`."""
KEPT = "200012"
"""Rings through to AGENT; when it has left, the caller is waited with until a key."""

CALLER = "+16025550100"
AGENT = "+16025551234"
FIRST = "+16025551111"
SECOND = "+16025552222"
FIXED_NUMBER = "+16025559999"

CONFIGURATION = f"""
switch:
  listen: ${{SOFTSWITCH_SIP:-127.0.0.1:5060}}
  advertise: ${{SOFTSWITCH_ADVERTISE:-}}
  rtp_ports: ${{SOFTSWITCH_RTP:-20000-29999}}
  control: ${{SOFTSWITCH_CONTROL:-127.0.0.1:8021}}
  data: ${{SOFTSWITCH_DATA:-./var}}
  database: ${{SOFTSWITCH_DATABASE:-}}
  without_synthesiser: chime
@switch@
trunks:
  carrier:
    address: ${{SOFTSWITCH_TRUNK:-127.0.0.1:5080}}
    trusted: @trusted@
@trunk@
@trunks@
pools:
  ad-placement:
    parameters: [website, location]
    campaign: pooled
    publisher: p1
numbers:
  1xxxxx: {{campaign: direct, as_is: true}}
  {MENU}: {{campaign: menu, as_is: true}}
  {FAILOVER}: {{campaign: failover, as_is: true}}
  {ANSWERED_FIRST}: {{campaign: answered-first, as_is: true}}
  {SHORT}: {{campaign: short, as_is: true}}
  {CAPTURE_ONLY}: {{campaign: direct, as_is: true, refuse: 480}}
  {DECLINED}: {{campaign: declined, as_is: true}}
  {CALLED_ID}: {{campaign: called-id, as_is: true}}
  {FIXED_ID}: {{campaign: fixed-id, as_is: true}}
  {HOLD_MUSIC}: {{campaign: hold-music, as_is: true}}
  {TWO_TRUNKS}: {{campaign: two-trunks, as_is: true}}
  {STEERED}: {{campaign: steered, as_is: true}}
  {KEPT}: {{campaign: kept, as_is: true}}
  {CONFERENCE}: {{campaign: conference, as_is: true}}
  "{POOLED}": {{pool: ad-placement, parameters: {{website: one, location: footer}}}}
campaigns:
  direct: {{treatment: direct, trunk: carrier}}
  menu: {{treatment: menu, trunk: carrier}}
  failover: {{treatment: failover, trunk: carrier}}
  answered-first: {{treatment: answered-first, trunk: carrier}}
  short: {{treatment: direct, trunk: carrier, max_call_time: 2 s}}
  declined: {{treatment: declined, trunk: carrier}}
  called-id: {{treatment: agent, trunk: carrier, caller_id: called}}
  fixed-id: {{treatment: agent, trunk: carrier, caller_id: "{FIXED_NUMBER}"}}
  pooled: {{treatment: agent, trunk: carrier}}
  hold-music: {{treatment: hold-music, trunk: carrier}}
  two-trunks: {{treatment: two-trunks, trunk: carrier}}
  steered: {{treatment: steered, trunk: carrier, originate: {{to: ["+1602555*"]}}}}
  kept: {{treatment: kept, trunk: carrier}}
  conference: {{treatment: conference, trunk: carrier}}
treatments:
  conference:
    - conference: room
    - play: {{tone: chime}}
    - hang_up: out
  steered:
    - controller: {{system: test, within: 2 s, on_failure: [hang_up: untaken]}}
    - play: {{tone: chime}}
    - hang_up: released
  kept:
    - connect:
        to: "{AGENT}"
        after_agent:
          - wait: {{for: 1 min, barge_in: true}}
          - hang_up: kept
  direct:
    - connect: called
  agent:
    - connect: "{AGENT}"
  menu:
    - menu:
        prompt: {{tone: chime}}
        timeout: 1 s
        timeouts_limit: 1
        choices:
          1: [connect: "{AGENT}"]
          2: hang_up
  failover:
    - connect:
        to: ["{FIRST}", "{SECOND}"]
        ring_time: 1 s
  two-trunks:
    - connect:
        to:
          - {{number: "{FIRST}", trunk: carrier, ring_time: 1 s}}
          - {{number: "{SECOND}", trunk: @second@}}
  answered-first:
    - play: {{tone: chime}}
    - connect: "{AGENT}"
  declined:
    - hang_up: 603
  hold-music:
    - connect:
        to: "{AGENT}"
        prompt: {{tone: chime}}
"""


def configuration(
    *,
    switch: Mapping[str, str] | None = None,
    trunk: str = "",
    trusted: bool = True,
    second_trunk_port: int | None = None,
) -> str:
    """The configuration with further settings of the switch, of its trunk, and a second trunk.

    The second trunk is `second`; without one its destination goes by the first.
    """
    filled = {
        "@switch@": "\n".join(f"  {name}: {value}" for name, value in (switch or {}).items()),
        "@trunk@": trunk,
        "@trusted@": str(trusted).lower(),
        "@trunks@": f"  second: 127.0.0.1:{second_trunk_port}" if second_trunk_port else "",
        "@second@": "second" if second_trunk_port else "carrier",
    }
    text = CONFIGURATION
    for place, value in filled.items():
        text = text.replace(place, value)
    return "\n".join(line for line in text.splitlines() if line) + "\n"


class Stage:
    """A running switch, `caller` and `callee`; `close` it."""

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        trunk_lines: str = "",
        transport: str = "udp",
        trusted: bool = True,
        rtp_count: int = 100,
        occupied: Sequence[int] = (),
        trunk_port: int | None = None,
        second_trunk_port: int | None = None,
        environment: Mapping[str, str] | None = None,
        sections: str = "",
    ) -> None:
        """`sections` stands behind everything else in the configuration."""
        self.callee = Phone(transport=transport, user="agent")
        path = directory / "switch.yaml"
        directory.mkdir(parents=True, exist_ok=True)
        text = configuration(
            switch=settings,
            trunk=trunk_lines,
            trusted=trusted,
            second_trunk_port=second_trunk_port,
        )
        path.write_text(text + sections)
        suffix = ";transport=tcp" if transport == "tcp" else ""
        port = trunk_port or self.callee.port
        self.switch = Switch(
            directory / "run",
            path,
            trunk=f"127.0.0.1:{port}{suffix}",
            rtp=free_rtp_range(rtp_count),
            environment=environment,
        )
        self._occupants = [_occupant(self.switch.rtp[0] + offset) for offset in occupied]
        self.switch.start()
        self._set_up(transport)

    @classmethod
    def on(cls, switch: Switch) -> Stage:
        """A stage on a switch that runs already and goes on afterwards."""
        stage = cls.__new__(cls)
        stage.switch = switch
        stage.callee = Phone(port=int(switch.trunk.rpartition(":")[2]), user="agent")
        stage._occupants = []
        stage._set_up("udp")
        switch.mark()
        return stage

    def _set_up(self, transport: str) -> None:
        self.caller = Phone(self.switch.address, transport=transport, user=CALLER)
        self._ends: list[RtpEnd] = []
        self._phones = [self.caller, self.callee]

    def phone(self, *, transport: str = "udp", host: str = "127.0.0.1") -> Phone:
        """One more phone that calls the switch."""
        self._phones.append(Phone(self.switch.address, transport=transport, host=host, user=CALLER))
        return self._phones[-1]

    def rtp(self, payload_type: int = PCMU) -> RtpEnd:
        """An RTP end that is closed with the stage."""
        self._ends.append(RtpEnd(payload_type=payload_type))
        return self._ends[-1]

    def bridge(
        self, number: str = DIRECT, *, caller_codec: int = PCMU, callee_codec: int = PCMU
    ) -> Bridge:
        """A bridged call with RTP both ways."""
        ends = self.rtp(caller_codec), self.rtp(callee_codec)
        calling = self.caller.invite(number, ends[0].sdp((caller_codec, DIGITS)))
        called = self.callee.expect_call(within=15)
        assert called.invite is not None
        ends[1].aim_by(called.invite.body)
        called.respond(180)
        called.respond(200, ends[1].sdp((callee_codec, DIGITS)))
        answer = calling.expect(200, within=15)
        calling.ack()
        called.expect("ACK")
        ends[0].aim_by(answer.body)
        return Bridge(calling, called, *ends)

    def close(self, *, stop: bool, failed: bool = False) -> None:
        """Closes phones and RTP ends; asserts what must hold, unless the test failed already."""
        with ExitStack() as closing:
            for occupant in self._occupants:
                closing.callback(occupant.close)
            for end in self._ends:
                closing.callback(end.close)
            for phone in self._phones:
                closing.callback(phone.close)
            if failed:
                closing.callback(self._show)
                closing.callback(self.switch.kill)
            elif stop:
                self.switch.stop()
            else:
                self.switch.assert_no_traceback()
        if not failed:
            problems = [problem for phone in self._phones for problem in phone.problems]
            assert problems == []

    def _show(self) -> None:
        """What pytest shows beside a failure."""
        for phone in self._phones:
            sys.stdout.write(phone.ladder() + "\n")
        sys.stdout.write(self.switch.output()[-6000:])


class StandingSwitch:
    """A switch with the standard configuration that one test after the other uses; `trunk_lines`
    are further settings of its trunk."""

    def __init__(self, directory: Path, *, trunk_lines: str = "") -> None:
        self._directory = directory
        self._trunk_lines = trunk_lines
        self._switch: Switch | None = None
        self._count = 0

    def running(self) -> Switch:
        """The switch; a new one if the last was taken down."""
        if self._switch is None or not self._switch.is_running():
            self._count += 1
            directory = self._directory / str(self._count)
            directory.mkdir()
            path = directory / "switch.yaml"
            path.write_text(configuration(trunk=self._trunk_lines))
            trunk = f"127.0.0.1:{free_sip_port()}"
            self._switch = Switch(directory, path, trunk=trunk, rtp=free_rtp_range(400)).start()
        return self._switch

    def stop(self) -> None:
        """Ends it and asserts that nothing is left."""
        if self._switch is not None and self._switch.is_running():
            self._switch.stop()


def _occupant(port: int) -> socket.socket:
    """Another program's socket on a port of the switch's range."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", port))
    return taken


class Bridge:
    """Both ends of a bridged call."""

    def __init__(self, calling: Call, called: Call, near: RtpEnd, far: RtpEnd) -> None:
        self.calling = calling
        self.called = called
        self.near = near
        self.far = far

    def hang_up(self) -> None:
        """The caller hangs up and the far end is told."""
        self.calling.bye()
        self.called.expect("BYE")
