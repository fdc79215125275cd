"""Several phones behind one number: which of them is heard before somebody answers."""

from __future__ import annotations

from softswitch.call.forks import MAX_FORKS, Forks
from softswitch.sip.flow import Flow
from softswitch.sip.message import Response, parse_message
from tests.support.laboratory import DIRECT, HOSTS, SWITCH, Laboratory, session_description


def early(tag: str) -> Response:
    message = parse_message(
        f"SIP/2.0 183 Session Progress\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
        f"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag={tag}\r\nCall-ID: c\r\n"
        f"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert isinstance(message, Response)
    return message


def test_the_first_that_describes_itself_is_kept_to() -> None:
    forks = Forks()
    assert forks.describes(early("a"))
    assert not forks.describes(early("b"))
    assert forks.describes(early("a"))


def test_another_is_heard_when_the_first_is_over() -> None:
    forks = Forks()
    forks.describes(early("a"))
    second = early("b")
    forks.describes(second)
    assert forks.ends(early("c")) is None
    assert forks.ends(early("a")) is second
    assert forks.heard == "b"
    assert forks.ends(early("b")) is None
    assert forks.describes(early("d"))


def test_who_answers_without_a_description_had_one_before() -> None:
    forks = Forks()
    first = early("a")
    forks.describes(first)
    assert forks.answers(early("a")) is first
    assert forks.answers(early("b")) is None


def test_so_many_are_kept_and_no_more() -> None:
    forks = Forks()
    for number in range(MAX_FORKS):
        forks.describes(early(f"f{number}"))
    assert not forks.describes(early("one more"))
    assert forks.answers(early("one more")) is None


# In a call.


def respond(lab: Laboratory, status: int, tag: str, port: int = 0) -> None:
    """A fork of the far end says something, with its sound at a port."""
    request = lab.callee.calls[0].request
    body = session_description(port) if port else b""
    fields = request.headers
    lines = [
        f"SIP/2.0 {status} Whatever",
        *(f"{name}: {fields.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq")),
        f"To: {fields.get('To')};tag={tag}",
        f"Contact: <sip:{tag}@{HOSTS['callee']}>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    data = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    lab._deliver("callee", data, Flow("udp", SWITCH, 5060))
    lab.settle()


def heard_at(lab: Laboratory) -> int:
    """The port whose sound the caller hears."""
    leg = lab.call.joined
    assert leg is not None
    assert leg.media is not None
    assert leg.media.agreement is not None
    return leg.media.agreement.remote_port


def test_a_caller_hears_the_fork_that_was_first(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    respond(lab, 183, "a", 20000)
    respond(lab, 183, "b", 20002)
    assert heard_at(lab) == 20000
    respond(lab, 199, "a")
    assert heard_at(lab) == 20002
    respond(lab, 180, "c")
    assert heard_at(lab) == 20002


def test_a_caller_talks_to_the_fork_that_has_answered(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    respond(lab, 183, "a", 20000)
    respond(lab, 183, "b", 20002)
    respond(lab, 200, "b")
    assert lab.call.bridged
    assert heard_at(lab) == 20002
    lab.caller.hang_up()
    lab.settle()


def test_who_answers_and_never_had_a_description_is_left(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()
    respond(lab, 183, "a", 20000)
    respond(lab, 200, "b")
    assert lab.record["legs"][1]["status"] == 488
