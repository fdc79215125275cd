"""Certificates end: those of ours are told of ahead, those of a carrier send calls elsewhere.

What is promised for it stands in docs/failures.md.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.scenarios.test_trunks import Pair
from tests.support.certificates import KEY, certificate_until
from tests.support.control import ControlPeer
from tests.support.phone import Call
from tests.support.ports import free_sip_port
from tests.support.program import Switch, wait_for
from tests.support.rtp_end import RtpEnd
from tests.support.stage import DIRECT, Stage

MakeStage = Callable[..., Stage]


def test_a_certificate_that_ends_soon_is_told_of_until_it_is_renewed(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    (tmp_path / "cert.pem").write_text(certificate_until(7))
    (tmp_path / "key.pem").write_text(KEY)
    files = f"certificate: {tmp_path}/cert.pem, key: {tmp_path}/key.pem"
    tls = f"{{{files}, listen: 127.0.0.1:{free_sip_port()}}}"
    stage = make_stage(settings={"tls": tls})
    wait_for("the line", lambda: "certificate.expiring" in stage.switch.output())
    with closing(ControlPeer(("127.0.0.1", stage.switch.control_port))) as peer:

        def days_left() -> float:
            return float(peer.ask("status")["parts"]["certificates"]["switch"]["days_left"])

        assert 6 < days_left() < 8
        (tmp_path / "cert.pem").write_text(certificate_until(90))
        peer.ask("config.reload")
        assert days_left() > 80
    assert stage.switch.output().count("certificate.expiring") == 1


def test_the_certificate_of_a_carrier_is_told_of_before_it_ends(tmp_path: Path) -> None:
    with closing(Pair(tmp_path)) as pair, closing(RtpEnd()) as near, closing(RtpEnd()) as far:
        (tmp_path / "cert.pem").write_text(certificate_until(7))
        ours, theirs = pair.near[0], pair.far[0]
        reload(theirs)
        reload(ours)
        calling, called = bridged(pair, near, far)
        reload(ours)
        told = "section=trunk path=localhost"
        wait_for("the event", lambda: told in ours.output())
        calling.bye()
        called.expect("BYE")


def reload(switch: Switch) -> None:
    """Have it read its files again."""
    with closing(ControlPeer((switch.host, switch.control_port))) as peer:
        peer.ask("config.reload")


def test_a_carrier_whose_certificate_has_ended_gets_no_calls_and_calls_in_progress_go_on(
    tmp_path: Path,
) -> None:
    with closing(Pair(tmp_path)) as pair, closing(RtpEnd()) as near, closing(RtpEnd()) as far:
        (tmp_path / "cert.pem").write_text(certificate_until(-1))
        calling, called = bridged(pair, near, far)
        reload(pair.far[0])
        far.wait_for_packets(len(far.arrivals) + 25)
        calling.bye()
        called.expect("BYE")
        # Over another connection it has to show itself.
        for switch, _ in (pair.far, pair.near):
            switch.terminate()
            switch.wait_for_exit()
            switch.start()
        pair.near[0].mark()
        pair.caller.invite(DIRECT, near.sdp()).expect(480, within=10)
        record = pair.near[0].record()
    assert record["legs"][1]["status"] == 503
    output = pair.near[0].output()
    assert f"no TLS with localhost:{pair.far[1]}: certificate has expired" in output


def bridged(pair: Pair, near: RtpEnd, far: RtpEnd) -> tuple[Call, Call]:
    """A call through both switches."""
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
    return calling, called
