"""Calls with a phone that is none of ours, Debian's baresip: both ways, by each transport, held,
by G.722, and found through Debian's Kamailio. Each side hears the tone that the other plays.

How it refers and is referred is in test_transfer_baresip.py, its SRTP in test_encrypted_baresip.py.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from tests.support.baresip import TONE_HZ, Baresip, needs_baresip
from tests.support.certificates import write_certificate
from tests.support.kamailio import needs_kamailio
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import wait_for
from tests.support.registrar import PASSWORD, SWITCH, Registrar
from tests.support.rtp_end import PCMU
from tests.support.sounding_end import G722, RATES, SoundingEnd, purity_db, sound_of
from tests.support.stage import AGENT, CALLER, DECLINED, DIRECT, FIXED_ID, Stage

pytestmark = needs_baresip
MakeStage = Callable[..., Stage]
MakePhone = Callable[..., Baresip]
REGISTERED = f"    outbound_auth: {{user: {SWITCH}, password: {PASSWORD}}}\n    register: true\n"
OURS_HZ = 1000
"""What the other party of baresip plays."""
CLEAR_DB = 20
"""So much stronger than all else is a tone that is heard."""


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[MakePhone]:
    """Makes phones, and ends them."""
    with ExitStack() as made:

        def make(**options: object) -> Baresip:
            new: Callable[..., Baresip] = Baresip
            one = new(tmp_path / f"bare{len(list(tmp_path.iterdir()))}", **options)
            made.callback(one.close)
            return one

        yield make
        # Beside a failure.
        for log in tmp_path.glob("bare*/log"):
            lines = log.read_text(errors="replace").splitlines()
            sys.stdout.write("\n".join(line for line in lines if "(bit/s)" not in line))


def started(one: Baresip) -> Baresip:
    """The phone, ready."""
    one.start()
    wait_for("ready", lambda: "baresip is ready" in one.said(), within=20)
    return one


def phone_hears(one: Baresip, codec: int = PCMU, tone_hz: int = OURS_HZ) -> bool:
    """Whether the last quarter of a second that it heard is the tone."""
    sound = one.heard()[-RATES[codec] // 4 :]
    return len(sound) == RATES[codec] // 4 and purity_db(sound, codec, tone_hz) > CLEAR_DB


def end_hears(end: SoundingEnd, tone_hz: int = TONE_HZ) -> bool:
    """Whether the last quarter of a second that came is the tone."""
    codec = end.payload_type
    arrivals = [one for one in end.arrivals if one.payload_type == codec]
    if len(arrivals) < 20:
        return False
    sound = sound_of(arrivals, codec)[-RATES[codec] // 4 :]
    return purity_db(sound, codec, tone_hz) > CLEAR_DB


def hear_each_other(one: Baresip, end: SoundingEnd, codec: int = PCMU) -> None:
    wait_for("the phone's tone", lambda: end_hears(end), within=20)
    wait_for("our tone", lambda: phone_hears(one, codec), within=20)


def speak_again(end: SoundingEnd) -> int:
    """After a re-INVITE, which ends the phone's own tape: its tone comes in packets that are new.
    How many we had sent before, at most, when a second of ours has followed."""
    before = end.sent
    end.arrivals.clear()
    wait_for("the phone's tone", lambda: end_hears(end), within=20)
    wait_for("ours", lambda: end.sent > before + 50, within=20)
    return before


def sent_to(stage: Stage, leg: str) -> int:
    """How many packets of ours went on to the phone."""
    found = re.compile(rf' leg\.ended .* leg={leg} .*"packets_sent":(\d+)')
    wait_for("its end", lambda: bool(found.search(stage.switch.output())))
    return int(found.findall(stage.switch.output())[0])


def is_over(one: Baresip) -> None:
    """The phone was hung up on."""
    wait_for("its end", lambda: "session closed" in one.said(), within=10)


class Way:
    """A transport of SIP: what a switch needs for it, and where each finds the other."""

    def __init__(self, transport: str, folder: Path) -> None:
        self.transport = transport
        self.settings: dict[str, str] = {}
        self.tls_port = free_sip_port()
        if transport == "tls":
            certificate, key = write_certificate(folder)
            files = f"certificate: {certificate}, key: {key}, authorities: {certificate}"
            self.settings["tls"] = f"{{{files}, listen: 127.0.0.1:{self.tls_port}}}"

    def to_switch(self, number: str, stage: Stage) -> str:
        """What the phone dials."""
        port = self.tls_port if self.transport == "tls" else stage.switch.sip_port
        return f"sip:{number}@127.0.0.1:{port}"

    def to_phone(self, one: Baresip) -> dict[str, str]:
        """Where the switch's trunk is; the phone takes TLS at the port above its own."""
        place = f"127.0.0.1:{one.port}" if self.transport != "tls" else f"localhost:{one.port + 1}"
        return {"SOFTSWITCH_TRUNK": f"{place};transport={self.transport}"}


@pytest.fixture(params=["udp", "tcp", "tls"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Way:
    return Way(request.param, tmp_path)


def test_baresip_calls_and_hangs_up(make_stage: MakeStage, phone: MakePhone, way: Way) -> None:
    stage = make_stage(settings=way.settings)
    one = phone(dial=way.to_switch(DIRECT, stage), transport=way.transport)
    with closing(SoundingEnd()) as far:
        one.start()
        called = stage.callee.expect_call(within=20)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(180)
        called.respond(200, far.describe())
        called.expect("ACK")
        hear_each_other(one, far)
        one.do("hangup")
        called.expect("BYE")
    assert stage.switch.record()["ended_by"] == "calling"


def test_baresip_is_called_and_hung_up_on(
    make_stage: MakeStage, phone: MakePhone, way: Way
) -> None:
    one = started(phone(user=DIRECT, transport=way.transport))
    stage = make_stage(settings=way.settings, environment=way.to_phone(one))
    with closing(SoundingEnd()) as near:
        calling = stage.caller.invite(DIRECT, near.describe())
        near.aim_by(calling.expect(200, within=20).body)
        calling.ack()
        hear_each_other(one, near)
        calling.bye()
        is_over(one)
    assert stage.switch.record()["ended_by"] == "calling"


def test_baresip_holds_resumes_and_hangs_up(make_stage: MakeStage, phone: MakePhone) -> None:
    one = started(phone(user=DIRECT))
    stage = make_stage(trunk_port=one.port)
    with closing(SoundingEnd()) as near:
        calling = stage.caller.invite(DIRECT, near.describe())
        near.aim_by(calling.expect(200, within=20).body)
        calling.ack()
        hear_each_other(one, near)
        for command, asked, answered in (
            ("hold", b"a=sendonly", ["a=recvonly"]),
            ("resume", b"a=sendrecv", ["a=sendrecv"]),
        ):
            one.do(command)
            offer = calling.expect("INVITE", within=10)
            assert asked in offer.body
            calling.respond(200, near.describe(attributes=answered), request=offer)
            calling.expect("ACK")
        before = speak_again(near)
        one.do("hangup")
        calling.expect("BYE")
    assert sent_to(stage, "b1") > before + 30
    assert stage.switch.record()["ended_by"] == "called"


def test_baresip_is_held_and_hung_up_on(make_stage: MakeStage, phone: MakePhone) -> None:
    stage = make_stage()
    one = phone(dial=f"sip:{DIRECT}@127.0.0.1:{stage.switch.sip_port}")
    with closing(SoundingEnd()) as far:
        one.start()
        called = stage.callee.expect_call(within=20)
        assert called.invite is not None
        far.aim_by(called.invite.body)
        called.respond(200, far.describe())
        called.expect("ACK")
        hear_each_other(one, far)
        for asked in ("a=sendonly", "a=sendrecv"):
            called.reinvite(far.describe(attributes=[asked]))
            called.expect(200)
            called.ack()
        before = speak_again(far)
        called.bye()
        is_over(one)
    assert sent_to(stage, "a") > before + 30
    assert stage.switch.record()["ended_by"] == "called"


@pytest.mark.parametrize("codec", [G722, PCMU], ids=["octet for octet", "transcoded"])
@pytest.mark.parametrize("calls", [True, False], ids=["calls", "is called"])
def test_baresip_speaks_g722(
    make_stage: MakeStage, phone: MakePhone, codec: int, calls: bool
) -> None:
    lines = "    codecs: [G722, PCMU]\n"
    with closing(SoundingEnd(codec)) as end:
        if calls:
            stage = make_stage(trunk_lines=lines)
            uri = f"sip:{DIRECT}@127.0.0.1:{stage.switch.sip_port}"
            one = phone(dial=uri, codec="g722")
            one.start()
            called = stage.callee.expect_call(within=20)
            assert called.invite is not None
            end.aim_by(called.invite.body)
            called.respond(200, end.describe())
            called.expect("ACK")
            hear_each_other(one, end, G722)
            called.bye()
        else:
            one = started(phone(user=DIRECT, codec="g722"))
            stage = make_stage(trunk_port=one.port, trunk_lines=lines)
            calling = stage.caller.invite(DIRECT, end.describe())
            end.aim_by(calling.expect(200, within=20).body)
            calling.ack()
            hear_each_other(one, end, G722)
            calling.bye()
    codecs = {leg["codec"] for leg in stage.switch.record()["legs"]}
    assert codecs == {"G722", "G722" if codec == G722 else "PCMU"}


# Through Debian's Kamailio, where the phones and the switch are registered.


@needs_kamailio
def test_phones_and_switch_find_each_other_through_a_registrar(
    make_stage: MakeStage, phone: MakePhone, tmp_path: Path
) -> None:
    """One phone calls a number, which the registrar gives to the registered switch; the switch
    calls another number there, which is that of the other phone."""
    with Registrar(tmp_path / "registrar") as registrar:
        place = (registrar.host, registrar.port)
        agent = phone(user=AGENT, registrar=place, password=PASSWORD)
        caller = phone(user=CALLER, registrar=place, password=PASSWORD)
        stage = make_stage(trunk_port=registrar.port, trunk_lines=REGISTERED)
        for one in (agent, caller):
            started(one)
        for user in (AGENT, CALLER, SWITCH):
            wait_for(f"{user} registered", partial(registrar.knows, user), within=20)
        caller.do("dial", f"sip:{FIXED_ID}@{place[0]}:{place[1]}")
        for one in (agent, caller):
            wait_for("a tone", partial(phone_hears, one, tone_hz=TONE_HZ), within=20)
        agent.do("hold")
        wait_for("its hold", lambda: " leg.held " in stage.switch.output(), within=10)
        agent.do("resume")
        wait_for("its return", lambda: " leg.resumed " in stage.switch.output(), within=10)
        agent.do("hangup")
        is_over(caller)
        assert stage.switch.record()["ended_by"] == "called"


@needs_kamailio
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_switch_registers_with_kamailio_and_is_called_there(
    make_stage: MakeStage, tmp_path: Path, algorithm: str
) -> None:
    with Registrar(tmp_path / "registrar", algorithm=algorithm) as registrar:
        stage = make_stage(trunk_lines=REGISTERED, trunk_port=registrar.port)
        wait_for("its registration", lambda: registrar.knows(SWITCH), within=20)
        with closing(Phone((registrar.host, registrar.port), user=CALLER)) as caller:
            calling = caller.invite(DECLINED, stage.rtp().sdp())
            calling.expect(603)
    assert stage.switch.record()["legs"][0]["trunk"] == "carrier"
