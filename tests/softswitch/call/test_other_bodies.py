"""Bodies that are no session description, ISUP for instance, and those that have one inside.

RFC 3261 section 13.2.1: once there is an answer, the UAC MUST ignore what later responses to the
INVITE describe; what describes nothing is no answer at all.
"""

from __future__ import annotations

import pytest

from softswitch.sip import events
from tests.support.laboratory import DIRECT, Laboratory

ISUP = b"\x01\x11\x48\x00\x0a"
MIXED = "multipart/mixed;boundary=b1"
TEXT = (("Content-Disposition", "render;handling=optional"),)


def mixed(description: bytes = b"") -> bytes:
    """ISUP that may be passed over, and perhaps a session description before it."""
    parts = [b"Content-Type: application/isup\r\nContent-Disposition: signal;handling=optional"]
    bodies = [ISUP]
    if description:
        parts.insert(0, b"Content-Type: application/sdp")
        bodies.insert(0, description)
    text = b"".join(
        b"--b1\r\n" + head + b"\r\n\r\n" + body + b"\r\n"
        for head, body in zip(parts, bodies, strict=True)
    )
    return text + b"--b1--\r\n"


def begin(lab: Laboratory, body: bytes | None = None) -> None:
    lab.caller.invite(DIRECT, body=body)
    lab.settle()


def provisional(lab: Laboratory, status: int, body: bytes, content_type: str) -> None:
    lab.callee.calls[-1].provisional(
        status, body=body, content_type=content_type, now=lab.callee.now
    )
    lab.callee.pump.flush()
    lab.settle()


def answer(lab: Laboratory, body: bytes, content_type: str) -> None:
    phone = lab.callee
    phone.dialog = phone.calls[-1].accept(body=body, content_type=content_type, now=phone.now)
    phone.dialogs.append(phone.dialog)
    phone.pump.flush()
    lab.settle()


def ends_well(lab: Laboratory) -> None:
    assert lab.call.bridged
    lab.caller.hang_up()
    lab.settle()
    record = lab.record
    assert (record["ended_by"], [leg["codec"] for leg in record["legs"]]) == (
        "calling",
        ["PCMU", "PCMU"],
    )
    assert all(leg["answered_at"] for leg in record["legs"])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(ISUP, "application/isup"), (mixed(), MIXED), (b"<tariff/>", "application/xml")],
)
def test_an_answer_from_before_holds_where_the_200_describes_nothing(
    lab: Laboratory, body: bytes, content_type: str
) -> None:
    begin(lab)
    lab.callee.ring(183, media=True)
    lab.settle()
    answer(lab, body, content_type)
    ends_well(lab)


def test_what_describes_nothing_is_not_remembered_in_place_of_a_description(
    lab: Laboratory,
) -> None:
    begin(lab)
    lab.callee.ring(183, media=True)
    lab.settle()
    provisional(lab, 180, ISUP, "application/isup")
    answer(lab, b"", "")
    ends_well(lab)


def test_what_describes_nothing_is_no_early_media(lab: Laboratory) -> None:
    begin(lab)
    provisional(lab, 183, ISUP, "application/isup")
    assert lab.facts("leg.progressed") == [{"leg": "b1", "status": 183, "early_media": False}]
    answer(lab, lab.callee.description, "application/sdp")
    ends_well(lab)


def test_an_answer_in_the_ack_is_found_among_other_parts(lab: Laboratory) -> None:
    lab.caller.description = mixed(lab.caller.description)
    lab.caller.described_as = MIXED
    begin(lab, b"")
    lab.callee.answer()
    lab.settle()
    ends_well(lab)


def test_an_ack_with_another_body_alone_has_no_answer(lab: Laboratory) -> None:
    lab.caller.description = mixed()
    lab.caller.described_as = MIXED
    begin(lab, b"")
    lab.callee.answer()
    lab.settle()
    assert (lab.record["ended_by"], lab.record["cause"]) == ("switch", "not_acceptable")


def test_an_answer_in_the_ack_of_a_re_invite_is_found_among_other_parts(lab: Laboratory) -> None:
    begin(lab)
    lab.callee.answer()
    lab.settle()
    assert lab.caller.dialog is not None
    lab.caller.description = mixed(lab.caller.description)
    lab.caller.described_as = MIXED
    lab.caller.dialog.reinvite(body=b"", now=lab.caller.now)
    lab.caller.pump.flush()
    lab.settle()
    assert lab.caller.count(events.ReinviteAnswered) == 1
    ends_well(lab)


@pytest.mark.parametrize(
    ("body", "content_type", "headers"), [(mixed(), MIXED, ()), (b"hello", "text/plain", TEXT)]
)
def test_a_re_invite_with_another_body_alone_wants_an_offer(
    lab: Laboratory, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...]
) -> None:
    begin(lab)
    lab.callee.answer()
    lab.settle()
    assert lab.caller.dialog is not None
    lab.caller.dialog.reinvite(
        body=body, content_type=content_type, headers=headers, now=lab.caller.now
    )
    lab.caller.pump.flush()
    lab.settle()
    (answered,) = [one for one in lab.caller.events if isinstance(one, events.ReinviteAnswered)]
    assert b"m=audio" in answered.response.body
    ends_well(lab)
