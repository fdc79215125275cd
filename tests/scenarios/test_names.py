"""Trunks by name: the running program with a name server of its own."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.certificates import write_certificate
from tests.support.name_server import NameServer
from tests.support.phone import Phone
from tests.support.ports import free_sip_port
from tests.support.program import Switch, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.sip_text import Message
from tests.support.stage import CALLER, CAPTURE_ONLY, DIRECT, configuration


def _is_final(message: Message) -> bool:
    return message.status is not None and message.status >= 200


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer() as made:
        yield made


def is_welcome(caller: Phone, near: RtpEnd) -> bool:
    """Whether a call from there is a trunk's; not so often that it were a scanner."""
    time.sleep(0.3)
    return caller.invite(CAPTURE_ONLY, near.sdp()).expect(_is_final).status == 480


def test_a_trunk_calls_from_the_servers_that_its_name_leads_to(
    names: NameServer, tmp_path: Path
) -> None:
    with ExitStack() as made:
        carrier = made.enter_context(closing(Phone(host="127.0.0.2", user="carrier")))
        near = made.enter_context(closing(RtpEnd()))
        names.srv("_sip._udp.carrier.test", (1, 0, carrier.port, "sbc.carrier.test"))
        names.records["sbc.carrier.test.", "A"] = ["127.0.0.2"]
        file = tmp_path / "switch.yaml"
        servers = f"[127.0.0.1:{names.port}]"
        file.write_text(configuration(switch={"name_servers": servers}))
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk="carrier.test"))
        caller = made.enter_context(closing(Phone(switch.address, host="127.0.0.2", user=CALLER)))
        other = made.enter_context(closing(Phone(switch.address, host="127.0.0.3", user=CALLER)))
        wait_for("the trunk to be known", lambda: is_welcome(caller, near), within=20)
        assert not is_welcome(other, near)
        # It goes out to the server, whose address the name server says.
        calling = caller.invite(DIRECT, near.sdp())
        called = carrier.expect_call(10)
        calling.cancel()
        called.expect("CANCEL")
        calling.expect(200, to="CANCEL")
        calling.expect(487)
        wait_for("its record", lambda: len(switch.records()) == 2)
        assert [one["trunk"] for one in switch.records()[1]["legs"]] == ["carrier", "carrier"]


def test_an_address_that_changes_is_followed_and_kept_while_nobody_answers(
    names: NameServer, tmp_path: Path
) -> None:
    with ExitStack() as made:
        near = made.enter_context(closing(RtpEnd()))
        names.seconds = 1
        names.records["gw.carrier.test.", "A"] = ["127.0.0.2"]
        file = tmp_path / "switch.yaml"
        servers = f"[127.0.0.1:{names.port}]"
        file.write_text(configuration(switch={"name_servers": servers}))
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk="gw.carrier.test:5070"))
        before, after = (
            made.enter_context(closing(Phone(switch.address, host=host, user=CALLER)))
            for host in ("127.0.0.2", "127.0.0.3")
        )
        assert is_welcome(before, near)
        assert not is_welcome(after, near)
        names.records["gw.carrier.test.", "A"] = ["127.0.0.3"]
        wait_for("the new address", lambda: is_welcome(after, near), within=60)
        assert not is_welcome(before, near)
        names.broken = True
        asked = len(names.asked)
        wait_for("a question", lambda: len(names.asked) > asked + 2, within=60)
        assert is_welcome(after, near)


def test_the_transport_of_a_trunk_is_what_its_name_likes_best(
    names: NameServer, tmp_path: Path
) -> None:
    with ExitStack() as made:
        stream = made.enter_context(closing(Phone(transport="tcp", user="stream")))
        datagrams = made.enter_context(closing(Phone(user="datagrams")))
        near = made.enter_context(closing(RtpEnd()))
        names.records["carrier.test.", "NAPTR"] = [
            '10 1 "s" "SIPS+D2T" "" _sips._tcp.carrier.test.',
            '20 1 "s" "SIP+D2T" "" _sip._tcp.carrier.test.',
            '30 1 "s" "SIP+D2U" "" _sip._udp.carrier.test.',
        ]
        names.srv("_sip._tcp.carrier.test", (1, 0, stream.port, "localhost"))
        names.srv("_sip._udp.carrier.test", (1, 0, datagrams.port, "localhost"))
        file = tmp_path / "switch.yaml"
        servers = f"[127.0.0.1:{names.port}]"
        trunk = "    no_response_time: 2 s\n"
        file.write_text(configuration(switch={"name_servers": servers}, trunk=trunk))
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk="carrier.test"))
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        wait_for("the trunk to be known", lambda: is_welcome(caller, near), within=20)
        calling = caller.invite(DIRECT, near.sdp())
        called = stream.expect_call(10)
        assert called.invite is not None
        assert called.invite.get("via").startswith("SIP/2.0/TCP ")
        assert ";transport=tcp>" in called.invite.get("contact")
        # Full: the next is another transport's.
        called.respond(503)
        called = datagrams.expect_call(10)
        assert called.invite is not None
        assert called.invite.get("via").startswith("SIP/2.0/UDP ")
        calling.cancel()
        called.expect("CANCEL")
        calling.expect(200, to="CANCEL")
        calling.expect(487)


def test_a_server_with_the_certificate_of_its_own_name_gets_no_call(
    names: NameServer, tmp_path: Path
) -> None:
    """Whoever forges the records of a trunk's name has a certificate of another name."""
    with ExitStack() as made:
        forger = made.enter_context(closing(Forger(tmp_path)))
        carrier = made.enter_context(closing(Phone(user="carrier")))
        near = made.enter_context(closing(RtpEnd()))
        names.records["carrier.test.", "NAPTR"] = [
            '10 1 "s" "SIPS+D2T" "" _sips._tcp.carrier.test.',
            '20 1 "s" "SIP+D2U" "" _sip._udp.carrier.test.',
        ]
        names.srv("_sips._tcp.carrier.test", (1, 0, forger.port, "localhost"))
        names.srv("_sip._udp.carrier.test", (1, 0, carrier.port, "localhost"))
        file = tmp_path / "switch.yaml"
        (path, key), port = write_certificate(tmp_path), free_sip_port()
        servers = f"[127.0.0.1:{names.port}]"
        tls = (
            f"{{certificate: {path}, key: {key}, authorities: {path}, listen: '127.0.0.1:{port}'}}"
        )
        file.write_text(configuration(switch={"name_servers": servers, "tls": tls}))
        switch = made.enter_context(Switch(tmp_path / "run", file, trunk="carrier.test"))
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        wait_for("the trunk to be known", lambda: is_welcome(caller, near), within=20)
        calling = caller.invite(DIRECT, near.sdp())
        called = carrier.expect_call(20)
        assert forger.shown == ["carrier.test"]
        assert forger.heard == []
        calling.cancel()
        called.expect("CANCEL")
        calling.expect(200, to="CANCEL")
        calling.expect(487)


class Forger:
    """Speaks TLS with the certificate of localhost, and notes whom it is taken for."""

    def __init__(self, folder: Path) -> None:
        self.shown: list[str] = []
        """The names that clients have asked it for."""
        self.heard: list[bytes] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*write_certificate(folder))
        self._context.sni_callback = lambda _, name, __: self.shown.append(name)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            plain.settimeout(10)
            try:
                with self._context.wrap_socket(plain, server_side=True) as safe:
                    self.heard.append(safe.recv(4096))
            except OSError:
                plain.close()

    def close(self) -> None:
        """Take nobody any more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(20)
