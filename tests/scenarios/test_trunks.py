"""Trunks that ask for credentials, that the switch registers with, and that go away."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support import digest
from tests.support.certificates import CERTIFICATE, KEY
from tests.support.control import ControlPeer
from tests.support.digest import Carrier
from tests.support.name_server import NameServer
from tests.support.phone import Call, Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, base_environment, command, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.stage import CALLER, configuration

MakeLine = Callable[..., "Line"]

LOGIN = "outbound_auth: {user: switch-1, password: 's3cret word'}"
DIRECT = "100001"


class Line:
    """A switch with one trunk of the given settings; whoever calls comes from another address."""

    def __init__(self, folder: Path, carrier: Carrier, settings: str, second: int | None) -> None:
        self.carrier = carrier
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "switch.yaml"
        text = configuration(trunk=f"    {settings}\n", second_trunk_port=second)
        file.write_text(text)
        self.switch = Switch(folder / "run", file, trunk=f"127.0.0.1:{carrier.port}").start()
        self.caller = Phone(self.switch.address, user=CALLER)

    def close(self) -> None:
        self.caller.close()
        self.carrier.close()
        if self.switch.is_running():
            self.switch.stop()

    def call(self, near: RtpEnd, number: str = DIRECT) -> Call:
        return self.caller.invite(number, near.sdp())


def give_up(calling: Call, called: Call) -> None:
    """The caller hangs up while it rings."""
    calling.cancel()
    called.expect("CANCEL")
    calling.expect(200, to="CANCEL")
    calling.expect(487)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Callable[..., Line]]:
    with ExitStack() as made:

        def make(
            settings: str,
            challenges: frozenset[str] = frozenset(),
            algorithm: str = "SHA-256",
            second: int | None = None,
        ) -> Line:
            carrier = Carrier(algorithm=algorithm, challenges=challenges)
            line = Line(tmp_path, carrier, settings, second)
            made.callback(line.close)
            return line

        yield make


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_carrier_that_challenges_everything_is_called(line: MakeLine, algorithm: str) -> None:
    made = line(LOGIN, frozenset({"INVITE", "BYE"}), algorithm)
    with closing(RtpEnd()) as near, closing(RtpEnd()) as far:
        calling = made.call(near)
        called = made.carrier.expect_call()
        assert called.invite is not None
        assert called.invite.get("cseq") == "2 INVITE"
        called.respond(200, far.sdp())
        answer = calling.expect(200)
        calling.ack()
        called.expect("ACK")
        near.aim_by(answer.body)
        far.aim_by(called.invite.body)
        near.wait_for_packets(5)
        calling.bye()
        called.expect("BYE")
    record = made.switch.record()
    assert record["ended_by"] == "calling"
    assert made.carrier.refused == []


def test_without_the_right_password_the_call_fails_with_its_status(line: MakeLine) -> None:
    made = line("outbound_auth: {user: switch-1, password: wrong}", frozenset({"INVITE"}))
    with closing(RtpEnd()) as near:
        calling = made.call(near)
        calling.expect(lambda message: (message.status or 0) >= 400)
    record = made.switch.record()
    assert record["legs"][1]["status"] == 401
    assert len(made.carrier.refused) == 1
    assert "wrong" not in made.switch.output()


# Registration.


def test_the_switch_registers_takes_calls_there_and_unregisters(line: MakeLine) -> None:
    made = line(f"{LOGIN}\n    register: true", frozenset({"REGISTER"}))
    wait_for("a registration", lambda: len(made.carrier.registered) == 1)
    contact = made.carrier.registered[0].contact
    wait_for("its line", lambda: "trunk.registered" in made.switch.output())
    # From an address that nobody knows, to the contact that only the registrar was told.
    with (
        closing(Phone(made.switch.address, host="127.0.0.7")) as elsewhere,
        closing(RtpEnd("127.0.0.7")) as near,
    ):
        uri = contact.replace("switch-1", DIRECT)
        calling = elsewhere.invite(uri, near.sdp())
        called = made.carrier.expect_call()
        give_up(calling, called)
        elsewhere.invite(f"sip:{DIRECT}@{uri.partition('@')[2].partition(';')[0]}").expect(403)
    record = made.switch.record()
    assert record["legs"][0]["trunk"] == "carrier"
    made.switch.terminate()
    wait_for("the end of the registration", lambda: len(made.carrier.registered) >= 2)
    assert made.carrier.registered[-1].get("expires") == "0"
    assert made.switch.wait_for_exit() == 0


def test_a_registrar_that_refuses_is_a_line_of_the_log(line: MakeLine) -> None:
    made = line(
        "outbound_auth: {user: switch-1, password: wrong}\n    register: true",
        frozenset({"REGISTER"}),
    )
    wait_for("a line", lambda: "trunk.unregistered" in made.switch.output())
    (told,) = [one for one in made.switch.output().splitlines() if "trunk.unregistered" in one]
    assert "trunk=carrier" in told
    assert "status=401" in told


# Who calls.


def test_calls_must_show_what_the_trunk_asks_for(line: MakeLine) -> None:
    made = line("inbound_auth: {user: them, password: theirs}")
    uri = f"sip:{DIRECT}@{made.switch.host}:{made.switch.sip_port}"
    with (
        closing(Phone(made.switch.address, host="127.0.0.8")) as caller,
        closing(RtpEnd("127.0.0.8")) as near,
    ):

        def invite(password: str, algorithm: str = "MD5") -> Call:
            asked = caller.invite(DIRECT, near.sdp()).expect(401)
            shown = digest.answer(
                asked, user="them", password=password, method="INVITE", uri=uri,
                algorithm=algorithm,
            )  # fmt: skip
            return caller.invite(DIRECT, near.sdp(), [("Authorization", shown)])

        invite("guessed").expect(403)
        for algorithm in ("MD5", "SHA-256"):
            calling = invite("theirs", algorithm)
            called = made.carrier.expect_call()
            give_up(calling, called)
    wait_for("records", lambda: len(made.switch.records()) == 2)
    assert {one["legs"][0]["trunk"] for one in made.switch.records()} == {"carrier"}
    wait_for("the line", lambda: "refused" in made.switch.output())
    (refused,) = [one for one in made.switch.output().splitlines() if "refused" in one]
    assert "why=wrong-credentials" in refused
    assert "user=them" in refused
    assert "theirs" not in made.switch.output()


def test_an_address_is_not_enough_where_credentials_are_asked_for(line: MakeLine) -> None:
    made = line("inbound_auth: {user: them, password: theirs}")
    made.caller.invite(DIRECT).expect(401)
    assert made.caller.options(f"sip:{made.switch.host}:{made.switch.sip_port}").status == 200
    wait_for("why", lambda: "why=credentials-needed" in made.switch.output(), within=8)


def test_who_is_challenged_and_never_shows_anything_is_a_scanner_in_the_end(line: MakeLine) -> None:
    made = line("inbound_auth: {user: them, password: theirs}")
    with closing(Phone(made.switch.address, host="127.0.0.66")) as stranger:
        for _ in range(20):
            stranger.invite(DIRECT).expect(401)
        wait_for("the ban", lambda: "source.banned" in made.switch.output(), within=8)
        stranger.invite(DIRECT).expect_nothing(during=0.3)
    assert "why=credentials-needed" in made.switch.output()


def test_a_proxy_that_names_no_trunk_is_told_of(line: MakeLine) -> None:
    made = line("behind: {proxies: [127.0.0.1], header: X-Trunk}")
    made.caller.invite(DIRECT).expect(403)
    wait_for("why", lambda: "why=no-trunk-mark" in made.switch.output())
    with closing(RtpEnd()) as near:
        made.caller.invite(DIRECT, near.sdp(), [("X-Trunk", "carier")]).expect(403)
    wait_for("the mark", lambda: "why=wrong-trunk-mark user=carier" in made.switch.output())


def test_a_proxy_that_names_no_trunk_is_told_of_where_others_show_credentials(
    line: MakeLine,
) -> None:
    settings = "behind: {proxies: [127.0.0.1], header: X-Trunk}"
    made = line(
        f"{settings}\n  other:\n    address: 192.0.2.7:5060\n"
        "    inbound_auth: {user: them, password: theirs}"
    )
    made.caller.invite(DIRECT).expect(401)
    wait_for("why", lambda: "why=no-trunk-mark" in made.switch.output(), within=8)


# Probes.


def test_a_trunk_that_does_not_answer_is_left_out_until_it_does(line: MakeLine) -> None:
    with closing(Phone(user="second")) as second:
        made = line("probe: {every: 1 s, misses: 1}", second=second.port)
        wait_for("a probe", lambda: bool(made.carrier.strays), within=5)
        made.carrier.probe_status = 503
        wait_for("down", lambda: "trunk.down" in made.switch.output(), within=10)
        with closing(RtpEnd()) as near:
            # The first destination's trunk is down: the second gets the call at once.
            calling = made.call(near, "200010")
            called = second.expect_call()
            made.carrier.expect_no_call(during=0.2)
            give_up(calling, called)
            made.carrier.probe_status = 404
            wait_for("up", lambda: "trunk.up" in made.switch.output(), within=10)
            calling = made.call(near, "200010")
            called = made.carrier.expect_call()
            give_up(calling, called)


# TLS.


class Pair:
    """A switch that calls by TLS to another one, which calls by UDP."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cert.pem").write_text(CERTIFICATE)
        (folder / "key.pem").write_text(KEY)
        self.folder = folder
        self.agent = Phone(user="agent")
        self.far = self._switch("far", f"127.0.0.1:{self.agent.port}", "127.0.0.1")
        address = f"localhost:{self.far[1]};transport=tls"
        self.near = self._switch("near", address, "127.0.0.1")
        self.caller = Phone(self.near[0].address, user=CALLER)

    def _switch(self, name: str, trunk: str, source: str) -> tuple[Switch, int]:
        port = free_sip_port()
        files = "certificate: ../cert.pem, key: ../key.pem, authorities: ../cert.pem"
        tls = f"{{{files}, listen: 127.0.0.1:{port}, client_certificates: true}}"
        file = self.folder / f"{name}.yaml"
        file.write_text(configuration(switch={"tls": tls}, trunk=f"    sources: [{source}]\n"))
        switch = Switch(self.folder / name, file, trunk=trunk)
        return switch.start(), port

    def close(self) -> None:
        self.caller.close()
        self.agent.close()
        for switch, _ in (self.near, self.far):
            if switch.is_running():
                switch.stop()


def test_a_call_goes_over_tls_with_certificates_on_both_sides(tmp_path: Path) -> None:
    with closing(Pair(tmp_path)) as pair, closing(RtpEnd()) as near, closing(RtpEnd()) as far:
        for number in range(2):
            calling = pair.caller.invite(DIRECT, near.sdp())
            called = pair.agent.expect_call(10)
            assert called.invite is not None
            called.respond(200, far.sdp())
            answer = calling.expect(200)
            calling.ack()
            called.expect("ACK")
            near.aim_by(answer.body)
            far.aim_by(called.invite.body)
            far.wait_for_packets(5)
            ending, other = (calling, called) if number else (called, calling)
            ending.bye()
            other.expect("BYE")
        wait_for("records", lambda: len(pair.far[0].records()) == 2)
        # Both calls went over one connection, which is reused both ways.
        assert "tls_handshake_failed" not in pair.near[0].output()


def test_a_trunk_by_tls_needs_a_certificate(tmp_path: Path) -> None:
    file = tmp_path / "switch.yaml"
    file.write_text(configuration())
    done = subprocess.run(
        command("check", str(file)),
        env={**base_environment(), "SOFTSWITCH_TRUNK": "192.0.2.1;transport=tls"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "TLS needs a certificate" in done.stderr


# Servers behind a name.


def test_a_trunk_with_servers_is_up_and_registered_while_one_of_them_answers(
    tmp_path: Path,
) -> None:
    with ExitStack() as made:
        names = made.enter_context(NameServer())
        carrier = made.enter_context(closing(Carrier(challenges=frozenset())))
        silent = free_sip_port()
        names.srv(
            "_sip._udp.carrier.test",
            (1, 0, silent, "localhost"), (2, 0, carrier.port, "localhost"),
        )  # fmt: skip
        file = tmp_path / "switch.yaml"
        probing = "    probe: {every: 1 s, misses: 1}\n    register: {user: us}\n"
        servers = f"[127.0.0.1:{names.port}]"
        file.write_text(configuration(switch={"name_servers": servers}, trunk=probing))
        switch = Switch(tmp_path / "run", file, trunk="carrier.test").start()
        made.callback(switch.stop)
        # Nobody listens at the first.
        wait_for("a registration", lambda: len(carrier.registered) == 1, within=40)
        wait_for("its line", lambda: "trunk.registered" in switch.output())
        wait_for("probes", lambda: len(carrier.strays) >= 3, within=20)
        assert "trunk.down" not in switch.output()
        expected = {silent: "down", carrier.port: "up"}
        with ControlPeer(switch.data / "control.sock") as peer:
            wait_for("both states", lambda: states(peer) == expected, within=20)
        carrier.probe_status = 503
        wait_for("down", lambda: "trunk.down" in switch.output(), within=20)
        carrier.probe_status = 200
        wait_for("up", lambda: "trunk.up" in switch.output(), within=20)
        with ControlPeer(switch.data / "control.sock") as peer:
            assert states(peer) == expected


def states(peer: ControlPeer) -> dict[int, str]:
    """How the servers of the trunk stand, by their ports."""
    (trunk,) = peer.ask("trunk.list")["trunks"]
    return {int(one["address"].rpartition(":")[2]): one["state"] for one in trunk["servers"]}


def test_servers_of_a_name_are_tried_one_after_the_other(tmp_path: Path) -> None:
    with ExitStack() as made:
        names = made.enter_context(NameServer())
        first, second = (made.enter_context(closing(Phone(user=one))) for one in ("one", "two"))
        near = made.enter_context(closing(RtpEnd()))
        silent = free_sip_port()
        names.srv(
            "_sip._udp.carrier.test",
            (1, 0, silent, "localhost"),
            (2, 0, first.port, "localhost"),
            (3, 0, second.port, "localhost"),
        )
        file = tmp_path / "switch.yaml"
        servers = f"[127.0.0.1:{names.port}]"
        file.write_text(
            configuration(
                switch={"name_servers": servers},
                trunk="    sources: [127.0.0.1]\n    no_response_time: 2 s\n",
            )
        )
        switch = Switch(tmp_path / "run", file, trunk="carrier.test").start()
        made.callback(switch.stop)
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        wait_for("the records", lambda: "_sip._udp.carrier.test. SRV" in names.asked)
        # Nobody listens at the first, the second says that it is full.
        calling = caller.invite(DIRECT, near.sdp())
        called = first.expect_call(8)
        assert called.invite is not None
        assert called.invite.uri == f"sip:{DIRECT}@carrier.test"
        called.respond(503)
        called = second.expect_call(8)
        give_up(calling, called)
        # Those that failed come last for a while.
        calling = caller.invite(DIRECT, near.sdp())
        give_up(calling, second.expect_call(8))
        wait_for("records", lambda: len(switch.records()) == 2)
        assert [one["side"] for one in switch.records()[0]["legs"]] == ["calling", "called"]
        # The name service may go away: what was known holds on.
        names.broken = True
        calling = caller.invite(DIRECT, near.sdp())
        give_up(calling, second.expect_call(8))
