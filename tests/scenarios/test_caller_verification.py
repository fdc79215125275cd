"""Signatures of callers (STIR/SHAKEN): calls in are verified, calls out signed."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.support import certificates
from tests.support.digest import Carrier
from tests.support.phone import Headers, Phone
from tests.support.program import Switch, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.sip_text import Message
from tests.support.stage import (
    CALLED_ID,
    CALLER,
    DIRECT,
    FIXED_ID,
    FIXED_NUMBER,
    Stage,
    configuration,
)
from tests.support.stir import X5U, Authority, Signer, code_list, lay_out, shaken

MakeStage = Callable[..., Stage]

ROOT = Authority()
CARRIER = ROOT.signer(numbers=code_list("709J"))
OURS = ROOT.signer("Ours", numbers=code_list("123A"))
OURS_X5U = "https://certs.example.net/ours.pem"
NUMBER = CALLER.removeprefix("+")


class Files:
    """The files that the section stir names."""

    def __init__(self, folder: Path, *, carrier: Signer = CARRIER, ours: Signer = OURS) -> None:
        self.authorities, self.certificates = lay_out(folder, ROOT, carrier)
        self.key, self.certificate = folder / "ours.key", folder / "ours.pem"
        self.key.write_bytes(ours.key_pem)
        self.certificate.write_bytes(ours.pem)

    def section(self, more: str = "", sign: str = "") -> str:
        """The section; `more` and `sign` are further keys of it and of what is signed with."""
        return (
            f"stir:\n  authorities: {self.authorities}\n  certificates: {self.certificates}\n"
            f"  sign: {{key: {self.key}, certificate: {self.certificate}, x5u: '{OURS_X5U}'"
            f"{sign}}}\n{more}"
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "stir")


def policy(text: str) -> str:
    """The trunk's line."""
    return f"    identity: {{{text}}}\n"


def signed(dest: str = DIRECT, **payload: Any) -> tuple[str, str]:
    """A header field for a call of now."""
    made = shaken(NUMBER, dest, iat=int(time.time()), **payload)
    return ("Identity", CARRIER.identity(made))


def called_invite(stage: Stage, number: str = DIRECT, headers: Headers = ()) -> Message:
    """The INVITE that the far end gets; it declines."""
    calling = stage.caller.invite(number, stage.rtp().sdp(), headers)
    called = stage.callee.expect_call()
    called.respond(486)
    calling.expect(486)
    assert called.invite is not None
    return called.invite


def found(stage: Stage) -> dict[str, Any]:
    """What the one record says of the caller's signature."""
    return dict(stage.switch.record()["signalling"]["identity"])


# Calls in.


def test_a_signed_call_is_taken_and_its_record_says_so(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(trunk_lines=policy("verify: true"), sections=files.section())

    called_invite(stage, headers=[signed()])

    assert found(stage) == {
        "result": "passed",
        "attestation": "A",
        "origid": "123e4567-e89b-12d3-a456-426655440000",
        "signer": "709J",
        "x5u": X5U,
    }


def test_nobody_looks_where_the_trunk_does_not_want_it(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(sections=files.section())

    called_invite(stage, headers=[signed(), ("Identity", "rubbish")])

    assert "identity" not in stage.switch.record()["signalling"]


def test_a_call_that_is_not_good_goes_on_where_the_trunk_accepts_it(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(trunk_lines=policy("verify: true"), sections=files.section())

    called_invite(stage, headers=[signed(dest="100002")])

    assert found(stage) == {"result": "failed", "why": "other-destination", "signer": "709J",
                            "x5u": X5U}  # fmt: skip


def test_each_kind_of_failure_is_refused_with_its_status(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(
        trunk_lines=policy("verify: true, missing: refuse, failed: refuse"),
        sections=files.section(),
    )
    old = shaken(NUMBER, DIRECT, iat=int(time.time()) - 100)
    nobody = Authority("Nobody").signer()
    unknown = "https://certs.example.org/unknown.pem"
    good = shaken(NUMBER, DIRECT, iat=int(time.time()))
    for value, status, phrase in (
        ("", 428, "Use Identity Header"),
        (CARRIER.identity(old), 403, "Stale Date"),
        (CARRIER.identity(good, x5u=unknown), 436, "Bad Identity Info"),
        (nobody.identity(good), 438, "Invalid Identity Header"),
        ("x" * 8000, 438, "Invalid Identity Header"),
    ):
        headers = [("Identity", value)] if value else []
        answer = stage.caller.invite(DIRECT, b"", headers).expect(status)
        assert answer.start_line == f"SIP/2.0 {status} {phrase}"
    wait_for("their lines", lambda: stage.switch.output().count("caller is not verified") >= 5)
    for why in ("missing", "stale", "unknown-certificate", "bad-signature", "malformed"):
        assert f"caller is not verified: {why}" in stage.switch.output()
    # A good one is taken all the same.
    called_invite(stage, headers=[signed()])


def test_a_marked_caller_is_shown_as_one(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(trunk_lines=policy("verify: true, missing: mark"), sections=files.section())

    invite = called_invite(stage)

    assert invite.get("from").startswith(f'"Unverified {CALLER}" <sip:')
    assert found(stage) == {"result": "none", "why": "missing", "marked": True}


def test_an_invite_that_is_doubled_and_lost_is_one_call(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(trunk_lines=policy("verify: true, failed: refuse"), sections=files.section())
    stage.caller.fault("out", "INVITE", "double")
    called_invite(stage, headers=[signed()])
    stage.caller.fault("in", 486, "lose")
    called_invite(stage, headers=[signed()])

    records = stage.switch.wait_for_records(2)

    assert [one["signalling"]["identity"]["result"] for one in records] == ["passed", "passed"]


def test_a_copied_signature_is_good_for_one_call(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(trunk_lines=policy("verify: true, failed: refuse"), sections=files.section())
    copied = signed()

    called_invite(stage, headers=[copied])

    stage.caller.invite(DIRECT, b"", [copied]).expect(438)


def test_what_a_trusted_carrier_says_is_believed(make_stage: MakeStage) -> None:
    stage = make_stage(trunk_lines=policy("believe: true"))
    asserted = f"<sip:{CALLER};verstat=TN-Validation-Passed@127.0.0.1;user=phone>"

    called_invite(
        stage, headers=[("P-Asserted-Identity", asserted), ("P-Attestation-Indicator", "B")]
    )

    assert found(stage) == {"result": "passed", "attestation": "B", "believed": True}


def test_what_another_carrier_says_is_not_believed(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(trunk_lines=policy("verify: true"), sections=files.section(), trusted=False)
    asserted = f"<sip:{CALLER};verstat=TN-Validation-Passed@127.0.0.1;user=phone>"

    called_invite(stage, headers=[("P-Asserted-Identity", asserted)])

    assert found(stage) == {"result": "none", "why": "missing"}


def test_certificates_that_come_later_are_known_after_a_reload(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(trunk_lines=policy("verify: true, failed: refuse"), sections=files.section())
    other = ROOT.signer()
    url = "https://other.example.org:8443/a/b.pem"

    def headers() -> Headers:
        made = shaken(NUMBER, DIRECT, iat=int(time.time()))
        return [("Identity", other.identity(made, x5u=url))]

    stage.caller.invite(DIRECT, b"", headers()).expect(436)
    place = files.certificates / "other.example.org:8443" / "a" / "b.pem"
    place.parent.mkdir(parents=True)
    place.write_bytes(other.pem)
    subprocess.run(["kill", "-HUP", str(stage.switch.pid)], check=True)
    wait_for("the reload", lambda: "config.reloaded" in stage.switch.output(), within=15)

    called_invite(stage, headers=headers())


# Certificates that are fetched.


class Host:
    """Serves one certificate over HTTPS, when it may."""

    def __init__(self, folder: Path, body: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "server.pem"
        self.certificate.write_text(certificates.CERTIFICATE + certificates.KEY)
        self.may_answer = threading.Event()
        self.asked = threading.Event()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.set()
                host.may_answer.wait(30)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.place = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "host", CARRIER.pem)
    yield made
    made.close()


def fetching(make_stage: MakeStage, files: Files, host: Host) -> Stage:
    """A switch that may ask the host."""
    return make_stage(
        trunk_lines=policy("verify: true, failed: refuse"),
        sections=files.section(more=f"  fetch: {{hosts: ['{host.place}'], wait: 3 s}}\n"),
        environment={"SSL_CERT_FILE": str(host.certificate)},
    )


def test_a_call_waits_for_the_certificate_that_it_names(
    make_stage: MakeStage, files: Files, host: Host
) -> None:
    stage = fetching(make_stage, files, host)
    host.may_answer.set()

    called_invite(stage, headers=[signed_by(host)])

    assert found(stage)["result"] == "passed"
    kept = files.certificates / host.place / "carrier.pem"
    wait_for("the file", kept.exists)


def test_a_caller_who_hangs_up_while_its_certificate_is_fetched_is_gone(
    make_stage: MakeStage, files: Files, host: Host
) -> None:
    stage = fetching(make_stage, files, host)
    calling = stage.caller.invite(DIRECT, stage.rtp().sdp(), [signed_by(host)])
    assert host.asked.wait(10)

    calling.cancel()
    calling.expect(200, to="CANCEL")
    calling.expect(487)
    host.may_answer.set()

    # The next one finds it, and is the first that is presented.
    called_invite(stage, headers=[signed_by(host)])
    assert len(stage.switch.records()) == 1


def signed_by(host: Host) -> tuple[str, str]:
    made = shaken(NUMBER, DIRECT, iat=int(time.time()))
    return ("Identity", CARRIER.identity(made, x5u=f"https://{host.place}/carrier.pem"))


# Calls out.


def verified(invite: Message, signer: Signer = OURS) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload of the one Identity, its signature checked by hand."""
    (value,) = invite.all("identity")
    return checked(value, signer)


def checked(value: str, signer: Signer = OURS) -> tuple[dict[str, Any], dict[str, Any]]:
    token, *parameters = value.split(";")
    head, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key = signer.key.public_key()
    der = utils.encode_dss_signature(r, s)
    key.verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    assert parameters == [f"info=<{header['x5u']}>", "alg=ES256", f"ppt={header['ppt']}"]
    return header, json.loads(base64.urlsafe_b64decode(payload + "=="))


def test_a_call_that_shows_our_number_is_attested_fully(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(trunk_lines=policy("sign: true"), sections=files.section())

    invite = called_invite(stage, CALLED_ID)
    header, payload = verified(invite)

    assert header == {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": OURS_X5U}
    assert payload["attest"] == "A"
    assert payload["orig"] == {"tn": CALLED_ID}
    assert payload["dest"] == {"tn": ["16025551234"]}
    assert abs(payload["iat"] - time.time()) < 30
    assert invite.get("date").endswith("GMT")


def test_a_call_that_shows_the_callers_number_is_attested_as_a_gateways(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(trunk_lines=policy("sign: true"), sections=files.section())

    _, payload = verified(called_invite(stage))

    assert (payload["attest"], payload["orig"]) == ("C", {"tn": NUMBER})


def test_a_caller_who_claims_a_number_of_ours_is_not_attested_fully(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(
        trunk_lines=policy("sign: true"), sections=files.section(sign=", numbers: ['+1602']")
    )

    _, payload = verified(called_invite(stage))

    assert (payload["attest"], payload["orig"]) == ("C", {"tn": NUMBER})


def test_further_numbers_are_ours_and_origid_is_what_is_said(
    make_stage: MakeStage, files: Files
) -> None:
    origid = "00000000-0000-4000-8000-000000000001"
    sign = f", ours: B, numbers: ['{FIXED_NUMBER[:6]}'], origid: {origid}"
    stage = make_stage(trunk_lines=policy("sign: true"), sections=files.section(sign=sign))

    _, payload = verified(called_invite(stage, FIXED_ID))

    assert (payload["attest"], payload["origid"]) == ("B", origid)


def test_calls_with_other_numbers_may_go_unsigned(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(
        trunk_lines=policy("sign: true"), sections=files.section(sign=", others: off")
    )

    assert called_invite(stage).all("identity") == []
    assert len(called_invite(stage, CALLED_ID).all("identity")) == 1


def test_a_private_callers_number_is_in_no_signature(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(
        trunk_lines=policy("sign: true, verify: true, verstat: true, pass: true"),
        sections=files.section(),
    )

    invite = called_invite(stage, headers=[("Privacy", "id"), signed()])

    assert invite.all("identity") == []
    assert NUMBER not in str(invite)


def test_the_good_signature_of_a_caller_is_passed_on_with_ours_behind_it(
    make_stage: MakeStage, files: Files
) -> None:
    stage = make_stage(
        trunk_lines=policy("verify: true, pass: true, sign: true"), sections=files.section()
    )
    sent = shaken(NUMBER, FIXED_ID, iat=int(time.time()))
    dropped = Authority("Nobody").signer().identity(sent)
    # What is called is 200008; it is sent on to the agent, but as a fixed number.
    assert len(called_invite(stage, FIXED_ID, [("Identity", CARRIER.identity(sent))])
               .all("identity")) == 1  # fmt: skip
    pooled = "+18666831950"
    sent = shaken(NUMBER, pooled[1:], iat=int(time.time()))
    value = CARRIER.identity(sent)

    invite = called_invite(stage, pooled, [("Identity", value), ("Identity", dropped)])
    values = invite.all("identity")

    assert values[0] == value
    header, payload = checked(values[1])
    assert header["ppt"] == "div"
    assert payload["div"] == {"tn": pooled[1:]}
    assert payload["dest"] == {"tn": ["16025551234"]}
    assert payload["orig"] == {"tn": NUMBER}
    assert len(values) == 2


@pytest.mark.parametrize(
    ("headers", "said"),
    [((), "No-TN-Validation"), (True, "TN-Validation-Passed")],
)
def test_verstat_tells_the_trunk_what_was_found(
    make_stage: MakeStage, files: Files, headers: object, said: str
) -> None:
    stage = make_stage(
        trunk_lines=policy("verify: true, verstat: true")
        + "    caller_identity: {write: [P-Asserted-Identity]}\n",
        sections=files.section(),
    )

    invite = called_invite(stage, headers=[signed()] if headers else [])

    assert f"{CALLER};verstat={said}@" in invite.get("p-asserted-identity")


def test_verstat_is_in_from_where_nothing_is_asserted(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(trunk_lines=policy("verify: true, verstat: true"), sections=files.section())

    assert f"{CALLER};verstat=TN-Validation-Passed@" in called_invite(
        stage, headers=[signed()]
    ).get("from")
    # The number shown is not the caller's: nothing is said of it.
    assert "verstat" not in str(called_invite(stage, FIXED_ID, [signed(FIXED_ID)]))


def test_a_call_that_is_challenged_keeps_its_signature(tmp_path: Path, files: Files) -> None:
    login = "    outbound_auth: {user: switch-1, password: 's3cret word'}\n"
    file = tmp_path / "switch.yaml"
    file.write_text(configuration(trunk=policy("sign: true") + login) + files.section())
    with ExitStack() as made:
        carrier = made.enter_context(closing(Carrier(challenges=frozenset({"INVITE"}))))
        switch = made.enter_context(
            Switch(tmp_path / "run", file, trunk=f"127.0.0.1:{carrier.port}")
        )
        caller = made.enter_context(closing(Phone(switch.address, user=CALLER)))
        near = made.enter_context(closing(RtpEnd()))
        calling = caller.invite(DIRECT, near.sdp())
        called = carrier.expect_call(within=10)
        called.respond(486)
        calling.expect(486, within=10)

    assert called.invite is not None
    assert called.invite.get("cseq") == "2 INVITE"
    _, payload = verified(called.invite)
    assert payload["orig"] == {"tn": NUMBER}


def test_calls_go_unsigned_when_our_certificate_has_ended(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    files = Files(tmp_path / "stir", ours=ROOT.signer("Ours", days=(-30, -1)))
    stage = make_stage(trunk_lines=policy("sign: true"), sections=files.section())

    assert called_invite(stage).all("identity") == []

    wait_for("the error", lambda: "has ended: none is signed" in stage.switch.output())
    wait_for("the event", lambda: "certificate.expiring" in stage.switch.output())
    assert "section=stir" in stage.switch.output()


# Both.


def test_one_switch_signs_and_another_verifies(make_stage: MakeStage, tmp_path: Path) -> None:
    """The first one's trunk is the second one, which sends the call on to a phone."""
    signer, verifier = Files(tmp_path / "signer"), Files(tmp_path / "verifier")
    place = verifier.certificates / OURS_X5U.removeprefix("https://")
    place.parent.mkdir(parents=True)
    place.write_bytes(OURS.pem)
    second = make_stage(
        trunk_lines=policy("verify: true, failed: refuse, missing: refuse"),
        sections=verifier.section(),
    )
    first = make_stage(
        trunk_lines=policy("sign: true"),
        trunk_port=second.switch.address[1],
        sections=signer.section(),
    )

    calling = first.caller.invite(DIRECT, first.rtp().sdp())
    called = second.callee.expect_call(within=10)
    called.respond(486)
    calling.expect(486, within=10)

    signed_as = found(second)
    assert (signed_as["result"], signed_as["attestation"]) == ("passed", "C")
    assert signed_as["signer"] == "123A"


def test_calls_that_the_switch_places_are_signed(make_stage: MakeStage, files: Files) -> None:
    stage = make_stage(trunk_lines=policy("sign: true"), sections=files.section())
    request = {
        "jsonrpc": "2.0", "id": 1, "method": "call.originate",
        "params": {"campaign": "steered", "first": "+16025551234", "second": "+16025551111"},
    }  # fmt: skip
    with socket.create_connection(("127.0.0.1", stage.switch.control_port), 10) as peer:
        peer.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(peer.makefile().readline())
        assert "result" in answer, answer
        called = stage.callee.expect_call(within=10)
        assert called.invite is not None
        called.respond(486)
    stage.switch.wait_for_records(1)

    _, payload = verified(called.invite)
    assert payload["dest"] == {"tn": ["16025551234"]}
