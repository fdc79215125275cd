"""Requests in a dialog that do not come from where its peer is."""

from __future__ import annotations

import pytest

from softswitch.sip.dialog import Dialog
from softswitch.sip.events import (
    AckReceived,
    ByeReceived,
    DialogTerminated,
    InviteAnswered,
    InviteCancelled,
    InviteReceived,
)
from softswitch.sip.flow import Flow
from softswitch.sip.peer import Peer
from tests.support.wire import PEER, SDP, US, Wire, request, response

STRANGER = Flow("udp", "203.0.113.66", 5060)
CONTACT = Flow("udp", "192.0.2.77", 5060)
PROXY = Flow("udp", "192.0.2.51", 5060)
KNOWN = Flow("udp", "192.0.2.2", 5060)


@pytest.fixture
def wire() -> Wire:
    made = Wire()
    made.stack.tell_strangers(lambda host: host not in (PEER.host, KNOWN.host))
    return made


def called(wire: Wire, *, acknowledged: bool = True) -> tuple[Dialog, str]:
    """A dialog with a peer that names another host in Contact, and a proxy, and our To."""
    wire.give(
        request(
            body=SDP,
            contact=f"<sip:caller@{CONTACT.host}>",
            headers=[f"Record-Route: <sip:{PROXY.host};lr>"],
        )
    )
    dialog = wire.event(InviteReceived).invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    if acknowledged:
        wire.give(request("ACK", to=to))
        wire.event(AckReceived)
    return dialog, to


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "UPDATE", "OPTIONS"])
def test_a_stranger_who_has_overheard_a_dialog_gets_nothing_done(wire: Wire, method: str) -> None:
    dialog, to = called(wire)
    (answer,) = wire.give(request(method, number=2, to=to), STRANGER)
    assert answer.status == 403
    wire.no_event()
    assert wire.refused == [(403, "not-the-peers")]
    assert dialog.flow.host == PEER.host
    # And has not used the number up.
    (answer,) = wire.give(request("BYE", number=2, to=to))
    assert answer.status == 200
    wire.event(ByeReceived)


@pytest.mark.parametrize("flow", [PEER, PEER._replace(port=40000), CONTACT, PROXY, KNOWN])
def test_the_peer_is_where_it_was_heard_where_it_says_or_somebody_of_ours(
    wire: Wire, flow: Flow
) -> None:
    _, to = called(wire)
    (answer,) = wire.give(request("BYE", number=2, to=to), flow)
    assert answer.status == 200
    wire.event(ByeReceived)


def test_an_ack_of_a_stranger_is_no_ack(wire: Wire) -> None:
    _, to = called(wire, acknowledged=False)
    assert wire.give(request("ACK", to=to), STRANGER) == []
    wire.no_event()
    assert wire.stack.drops["not-the-peers"] == 1
    wire.give(request("ACK", to=to))
    wire.event(AckReceived)


def test_a_cancel_of_a_stranger_finds_no_invite(wire: Wire) -> None:
    """9.2, with the branch and sent-by of the INVITE."""
    wire.give(request(body=SDP, branch="z9hG4bKheard"))
    wire.event(InviteReceived)
    cancel = request("CANCEL", branch="z9hG4bKheard", contact=None)
    assert [one.status for one in wire.give(cancel, STRANGER)] == [481]
    wire.no_event()
    assert 487 in [one.status for one in wire.give(cancel)]
    wire.event(InviteCancelled)


def test_the_same_holds_for_a_dialog_that_we_began(wire: Wire) -> None:
    wire.stack.invite(
        uri="sip:callee@192.0.2.1", to_flow=PEER, from_=f"<sip:us@{US}>",
        to="<sip:callee@192.0.2.1>", contact_user="us", body=SDP, now=wire.now,
    )  # fmt: skip
    (message,) = wire.take()
    wire.give(response(message, 200, body=SDP))
    dialog = wire.event(InviteAnswered).dialog
    bye = request(
        "BYE", from_=message.get("to") + ";tag=far", to=message.get("from"), call_id=message.call_id
    )
    assert [one.status for one in wire.give(bye, STRANGER)] == [403]
    assert [one.status for one in wire.give(bye)] == [200]
    wire.event(ByeReceived)
    assert isinstance(wire.event(DialogTerminated).dialog, type(dialog))


def test_where_strangers_are_not_told_apart_all_are_believed() -> None:
    wire = Wire()
    _, to = called(wire)
    assert [one.status for one in wire.give(request("BYE", number=2, to=to), STRANGER)] == [200]


OTHER = Flow("udp", "192.0.2.3", 5060)
"""Another trunk's host."""


@pytest.fixture
def owned() -> Wire:
    """Each host has an owner of its own; strangers have none."""
    made = Wire()
    hosts = {PEER.host: "peer", KNOWN.host: "peer", OTHER.host: "other"}
    made.stack.tell_strangers(
        lambda host: host not in hosts, lambda owner, host: hosts.get(host) == owner
    )
    return made


def owned_call(wire: Wire) -> tuple[Dialog, str]:
    wire.give(request(body=SDP, contact=f"<sip:caller@{CONTACT.host}>"))
    invite = wire.event(InviteReceived).invite
    invite.owner = "peer"
    dialog = invite.accept(body=SDP, now=wire.now)
    to = wire.take()[0].get("to")
    wire.give(request("ACK", to=to))
    wire.event(AckReceived)
    return dialog, to


@pytest.mark.parametrize("method", ["BYE", "INVITE", "NOTIFY", "UPDATE", "INFO", "OPTIONS"])
def test_another_trunk_gets_no_more_done_than_a_stranger(owned: Wire, method: str) -> None:
    dialog, to = owned_call(owned)
    (answer,) = owned.give(request(method, number=2**30, to=to), OTHER)
    assert answer.status == 403
    owned.no_event()
    assert owned.refused == [(403, "not-the-peers")]
    assert dialog.flow.host == PEER.host
    (answer,) = owned.give(request("BYE", number=2, to=to))
    assert answer.status == 200


@pytest.mark.parametrize("flow", [PEER, CONTACT, KNOWN])
def test_the_owners_hosts_and_those_of_the_dialog_may(owned: Wire, flow: Flow) -> None:
    _, to = owned_call(owned)
    (answer,) = owned.give(request("BYE", number=2, to=to), flow)
    assert answer.status == 200


def test_who_was_heard_elsewhere_meanwhile_is_known_at_home(owned: Wire) -> None:
    """The first host named neither itself nor a route, and is no configured one."""
    dialog, to = owned_call(owned)
    dialog.peer = Peer(None, (STRANGER.host,))
    (answer,) = owned.give(request("BYE", number=2, to=to), STRANGER)
    assert answer.status == 200


def test_a_cancel_of_another_trunk_finds_no_invite(owned: Wire) -> None:
    owned.give(request(body=SDP, branch="z9hG4bKheard"))
    owned.event(InviteReceived).invite.owner = "peer"
    cancel = request("CANCEL", branch="z9hG4bKheard", contact=None)
    assert [one.status for one in owned.give(cancel, OTHER)] == [481]
    owned.no_event()
    assert owned.refused == [(481, "not-the-peers")]
    assert 487 in [one.status for one in owned.give(cancel, KNOWN)]
    owned.event(InviteCancelled)
