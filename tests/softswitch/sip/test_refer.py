"""What a REFER of ours says, which NOTIFY is about it, and how it ends; RFC 3515 and RFC 6665.

That no lost, doubled or late packet changes an outcome is in test_stack_exchanges.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from softswitch.sip.events import ReferEnded, ReferProgressed, ResponseReceived
from softswitch.sip.message import Request, parse_message
from softswitch.sip.refer import TABLE, Input, State
from tests.support.agents import ANSWER, Agent, leftovers, pair
from tests.support.link import Link

Headers = Sequence[tuple[str, str]]


class Talk:
    """An answered call in which alice sends REFER and bob tells what he likes."""

    def __init__(self) -> None:
        self.link, self.alice, self.bob = pair()
        self.bob.ring_and_answer(after=0.0)
        self.bob.take_refer()
        self.alice.call(self.bob)
        self.wait()

    def wait(self, seconds: float = 1.0) -> None:
        self.link.run(until=self.link.now + seconds)

    def tell(self, body: bytes, headers: Headers) -> int:
        """Bob's NOTIFY; the status it is answered with."""
        assert self.bob.dialog is not None
        self.bob.dialog.request("NOTIFY", body=body, headers=headers, now=self.link.now)
        self.wait()
        answers = [event for event in self.bob.events if isinstance(event, ResponseReceived)]
        return answers[-1].response.status

    def told(self) -> list[tuple[int, str]]:
        """What alice's shell was told."""
        found = []
        for event in self.alice.events:
            if isinstance(event, ReferEnded):
                found.append((event.status, event.why))
            elif isinstance(event, ReferProgressed):
                found.append((event.status, ""))
        return found

    def refers(self) -> list[Request]:
        messages = [parse_message(data) for name, data in self.link.sent if name.what == "REFER"]
        return [message for message in messages if isinstance(message, Request)]

    def close(self) -> None:
        self.alice.hang_up()
        self.link.run()
        assert not leftovers(self.alice, self.bob)


ACTIVE = ("Subscription-State", "active;expires=60")
ENDED = ("Subscription-State", "terminated;reason=noresource")
OK = b"SIP/2.0 200 OK\r\n"


def referred() -> Talk:
    talk = Talk()
    talk.alice.refer()
    talk.wait()
    return talk


def test_the_states_and_inputs_are_all_in_the_table() -> None:
    assert set(TABLE) == {(state, happened) for state in State for happened in Input}


def test_what_is_over_stays_over_and_is_not_told_again() -> None:
    assert {TABLE[State.OVER, happened] for happened in Input} == {(State.OVER, None)}


def test_a_refer_says_where_to_and_by_whom() -> None:
    """RFC 3515 section 2.1: exactly one Refer-To; RFC 3892 section 2.1: Referred-By."""
    talk = referred()
    (refer,) = talk.refers()
    assert refer.headers.get_all("Refer-To") == ["<sip:carol@192.0.2.33>"]
    assert refer.headers.get_all("Referred-By") == ["<sip:alice@192.0.2.1>"]
    assert "NOTIFY" in (refer.headers.get("Allow") or "")
    assert refer.headers.get("Contact")
    assert refer.cseq.number == 2
    assert talk.told() == [(202, "")]
    talk.close()


@pytest.mark.parametrize(
    ("body", "state", "told"),
    [
        (b"SIP/2.0 100 Trying\r\n", ACTIVE, (100, "")),
        (b"SIP/2.0 180", ACTIVE, (180, "")),
        (b"SIP/2.0 200 OK\r\n", ENDED, (200, "told")),
        (b"\r\nSIP/2.0 200 OK\r\nTo: <sip:carol@192.0.2.33>\r\n", ENDED, (200, "told")),
        (b"SIP/2.0 200 OK\r\n", ACTIVE, (200, "told")),
        (b"SIP/2.0 603 Decline\r\n", ENDED, (603, "told")),
        (b"SIP/2.0 100 Trying\r\n", ENDED, (100, "silenced")),
        (b"", ENDED, (202, "silenced")),
        (b"HTTP/1.1 200 OK\r\n", ACTIVE, (202, "")),
        (b"SIP/2.0 2000 OK\r\n", ACTIVE, (202, "")),
        (b"SIP/2.0 999 Odd\r\n", ENDED, (202, "silenced")),
    ],
)
def test_the_first_line_of_what_is_told_counts(
    body: bytes, state: tuple[str, str], told: tuple[int, str]
) -> None:
    talk = referred()
    assert talk.tell(body, (("Event", "refer"), state)) == 200
    assert talk.told() == [(202, ""), told]
    talk.close()


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("refer", 200),
        ("Refer;id=2", 200),
        ("refer; id = 2 ;x=1", 200),
        ("refer;id=1", 481),
        ("refer;id=", 481),
        ("presence", 489),
        ("", 489),
    ],
)
def test_only_what_is_told_of_our_refer_is_taken(event: str, status: int) -> None:
    """RFC 3515 section 2.4.6: id is the CSeq number of the REFER."""
    talk = referred()
    headers = (("Event", event), ENDED) if event else (ENDED,)
    assert talk.tell(OK, headers) == status
    assert talk.told()[1:] == ([(200, "told")] if status == 200 else [])
    talk.close()


def test_nothing_was_asked_nothing_can_be_told() -> None:
    talk = Talk()
    assert talk.tell(OK, (("Event", "refer"), ENDED)) == 481
    assert talk.told() == []
    talk.link.run()


def test_what_is_told_before_the_refer_is_accepted_counts() -> None:
    """RFC 6665 section 4.1.2.4: a NOTIFY may come before the response."""
    talk = Talk()
    talk.bob.on_refer = lambda request: talk.link.after(
        3, lambda: request.respond(202, now=talk.link.now)
    )
    talk.alice.refer()
    talk.wait()
    assert talk.tell(b"SIP/2.0 100 Trying\r\n", (("Event", "refer"), ACTIVE)) == 200
    talk.wait(5)
    assert talk.tell(OK, (("Event", "refer"), ENDED)) == 200
    assert talk.told() == [(100, ""), (200, "told")]
    talk.close()


def test_a_refer_that_was_given_up_is_told_of_in_vain() -> None:
    """Many take a 481 for the end of the whole dialog (RFC 3261 section 12.2.1.2)."""
    talk = referred()
    assert talk.alice.dialog is not None
    refer = talk.alice.dialog.outgoing_refer
    assert refer is not None
    refer.give_up()
    assert talk.tell(OK, (("Event", "refer"), ENDED)) == 200
    assert talk.told() == [(202, "")]
    talk.close()


def test_of_a_second_refer_only_what_names_it_is_taken() -> None:
    """RFC 3515 section 2.4.6: for the second and later ones the id MUST be there."""
    talk = referred()
    assert talk.tell(b"SIP/2.0 486 Busy\r\n", (("Event", "refer"), ENDED)) == 200
    talk.alice.refer("sip:dave@192.0.2.44")
    talk.wait()
    for event in ("refer", "refer;id=2"):
        assert talk.tell(OK, (("Event", event), ENDED)) == 200
    assert talk.tell(OK, (("Event", "refer;id=4"), ENDED)) == 481
    talk = referred()
    assert talk.tell(b"SIP/2.0 486 Busy\r\n", (("Event", "refer"), ENDED)) == 200
    talk.alice.refer("sip:dave@192.0.2.44")
    talk.wait()
    assert talk.tell(OK, (("Event", "refer;id=3"), ENDED)) == 200
    assert talk.told() == [(202, ""), (486, "told"), (202, ""), (200, "told")]
    talk.close()


def test_of_a_refused_refer_nothing_can_be_told() -> None:
    talk = Talk()
    talk.bob.on_refer = lambda request: request.respond(603, now=talk.link.now)
    talk.alice.refer()
    talk.wait()
    assert talk.tell(OK, (("Event", "refer"), ENDED)) == 481
    assert talk.told() == [(603, "refused")]
    talk.link.run()


def test_nobody_answers_the_refer_and_the_dialog_is_over() -> None:
    """RFC 3261 section 12.2.1.2: 408 within a dialog ends it."""
    talk = Talk()
    talk.bob.on_refer = lambda _request: None
    talk.alice.refer()
    talk.link.run()
    assert talk.told() == [(408, "timeout")]
    assert talk.alice.facts[-1] == "request-timeout"
    assert not leftovers(talk.alice, talk.bob)


def test_a_peer_without_the_dialog_ends_it() -> None:
    talk = Talk()
    talk.bob.on_refer = lambda request: request.respond(481, now=talk.link.now)
    talk.alice.refer()
    talk.link.run()
    assert talk.told() == [(481, "refused")]
    assert talk.alice.facts[-1] == "no-such-dialog"


def test_a_refer_before_the_ack_waits_for_it_and_not_beyond_the_call() -> None:
    link, alice, bob = pair()

    def answer_refer_and_leave(_invite: object) -> None:
        assert bob.incoming is not None
        bob.dialog = bob.incoming.accept(body=ANSWER, now=link.now)
        bob.refer()
        bob.hang_up()

    bob.on_invite = answer_refer_and_leave
    alice.call(bob)
    link.run()
    assert "REFER" not in [name.what for name in link.names()]
    assert alice.facts == ["answered", "bye-received"]
    assert not leftovers(alice, bob)


def test_refers_of_a_peer_are_refused() -> None:
    link, alice, bob = pair()
    no_refer = Agent(link, "carol", "192.0.2.33")
    no_refer.stack._context.allow = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY")
    no_refer.ring_and_answer(after=0.0)
    alice.on_answered = lambda _dialog: alice.refer()
    alice.call(no_refer)
    link.run(until=link.now + 5)
    assert "refer refused 405" in alice.facts
    alice.hang_up()
    link.run()
    assert not leftovers(alice, bob, no_refer)


def test_a_refer_that_is_over_before_it_can_begin() -> None:
    link = Link({})
    alice, bob = Agent(link, "alice", "192.0.2.1"), Agent(link, "bob", "192.0.2.22")
    bob.on_invite = lambda invite: invite.provisional(180, now=link.now)
    alice.call(bob)
    link.run(until=1)
    assert bob.incoming is not None
    early = bob.incoming.dialog
    assert early is not None
    assert early.refer("sip:a@192.0.2.3", referred_by="sip:b@192.0.2.1", now=link.now) is None
    alice.cancel()
    link.run()
