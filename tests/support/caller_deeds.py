"""What the caller of a `Talk` does, and what must have come of it: the record, and what is told.

Each deed is the `about` of features in tests/scenarios/test_features_calling.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from tests.support.calling import OFFER, Spec, Talk
from tests.support.phone import Call
from tests.support.program import Record, wait_for

THIRD = "+16025550177"
PRIVATE = [
    ("Privacy", "id"),
    ("P-Asserted-Identity", "<sip:+16025550123@127.0.0.9>"),
]


def called(record: Record) -> list[dict[str, Any]]:
    """The legs that were called."""
    return [leg for leg in record["legs"] if leg["side"] == "called"]


def ended(
    talk: Talk, by: str = "calling", cause: str = "hung_up", statuses: Sequence[int] = (200,)
) -> Record:
    """The record, which must say who ended the call, and how each called leg has ended."""
    record = talk.record()
    assert (record["ended_by"], record["cause"]) == (by, cause)
    assert [leg["status"] for leg in called(record)] == list(statuses)
    return record


# What the caller does.


def talks(talk: Talk) -> None:
    """Is answered, and hangs up."""
    talk.hang_up(talk.answered())
    ended(talk)


def says_why(talk: Talk) -> None:
    """Hangs up, and says why."""
    talk.hang_up(talk.answered(), [("Reason", 'Q.850;cause=27;text="Destination out of order"')])
    ended(talk)


def holds(talk: Talk) -> None:
    """Holds, and hangs up."""
    calling = talk.answered()
    hold(calling, "sendonly", "recvonly", 2)
    talk.hang_up(calling)
    ended(talk)


def holds_and_resumes(talk: Talk) -> None:
    """Holds, takes the call back, and hangs up."""
    calling = talk.answered()
    hold(calling, "sendonly", "recvonly", 2)
    talk.wait_for_message(Spec("> ACK /2"))
    hold(calling, "sendrecv", "sendrecv", 3)
    talk.hang_up(calling)
    ended(talk)


def hold(calling: Call, direction: str, answered: str, version: int) -> None:
    """The caller asks for another direction, and is answered at once."""
    offer = OFFER.replace(b"1 1 IN", b"1 %d IN" % version)
    calling.reinvite(offer.replace(b"a=sendrecv", f"a={direction}".encode()))
    assert f"a={answered}".encode() in calling.expect(200, within=10).body
    calling.ack()


def is_private(talk: Talk) -> None:
    """Does not want to be known."""
    talk.hang_up(talk.answered(PRIVATE, from_='"Anonymous" <sip:anonymous@anonymous.invalid>'))
    assert ended(talk)["caller"] == "+16025550123"


def is_hung_up_on(talk: Talk) -> None:
    """Is told why the far end has left."""
    bye = talk.answered().expect("BYE", within=10)
    assert "Q.850;cause=31" in bye.get("reason")
    assert called(ended(talk, by="called"))[0]["q850"] == 31


def cancels(talk: Talk) -> None:
    """Gives up while it rings."""
    calling = talk.invite()
    calling.expect(180, within=10)
    calling.cancel()
    calling.expect(200, to="CANCEL", within=10)
    calling.expect(487, within=10)
    ended(talk, cause="cancelled", statuses=[487])


def is_refused(status: int, *, by: str = "called", statuses: list[int]) -> Callable[[Talk], None]:
    """Is refused with this status."""

    def refused(talk: Talk) -> None:
        talk.refused(status)
        record = talk.record()
        assert record["ended_by"] == by
        assert record["answered_at"] is None
        assert [leg["status"] for leg in called(record)] == statuses

    return refused


def talks_to(*statuses: int) -> Callable[[Talk], None]:
    """Talks to the last of several destinations."""

    def talked(talk: Talk) -> None:
        talk.hang_up(talk.answered())
        ended(talk, statuses=statuses)

    return talked


# What else is to be seen of it.


def talks_elsewhere(talk: Talk) -> None:
    """Talks to whom the far end has named."""
    talk.hang_up(talk.answered())
    (leg,) = called(ended(talk))
    assert [(one["status"], one["why"]) for one in leg["redirected"]] == [(302, "")]
    assert THIRD in leg["redirected"][0]["to"]


def goes_round(talk: Talk) -> None:
    """Is refused where two send it to each other."""
    is_refused(480, statuses=[301])(talk)
    (leg,) = called(talk.record())
    assert [(one["status"], one["why"]) for one in leg["redirected"]] == [(302, ""), (301, "loop")]


def is_moved(talk: Talk) -> None:
    """Is moved by the called party to a third."""
    talk.hang_up(talk.answered())
    record = ended(talk, statuses=[200, 200])
    assert [(one["ok"], one["to"]) for one in record["transfers"]] == [(True, THIRD)]


def is_given_back(talk: Talk) -> None:
    """Is to be moved to a third who is busy, and talks on."""
    talk.hang_up(talk.answered())
    record = ended(talk, statuses=[200, 486])
    assert [(one["ok"], one["status"]) for one in record["transfers"]] == [(False, 486)]


def has_the_far_end_sent(ok: bool, status: int) -> Callable[[Talk], None]:
    """Sees the called party sent elsewhere by the switch."""

    def sent(talk: Talk) -> None:
        calling = talk.answered()
        with closing(talk.control()) as peer:
            call = talk.call_id(peer)
            outcome = peer.ask("call.transfer", call=call, leg="b1", to=THIRD, within=20)
        assert (outcome["ok"], outcome["status"]) == (ok, status)
        if ok:
            calling.expect("BYE", within=10)
            record = ended(talk, by="switch", cause="transferred")
        else:
            talk.hang_up(calling)
            record = ended(talk)
        assert [(one["ok"], one["asked_by"]) for one in record["transfers"]] == [(ok, "switch")]

    return sent


def hears_a_key(talk: Talk) -> None:
    """Talks to somebody who presses a key."""
    talks(talk)
    with closing(talk.control()) as peer:
        keys = [one for one in talk.events(peer, "call.dtmf") if one["campaign"] == talk.name]
    assert [(one["facts"]["leg"], one["facts"]["digit"]) for one in keys] == [("b1", "5")]


def sees_the_trunk_go(talk: Talk) -> None:
    """Talks by a trunk that was there, was not, and is there again."""
    with closing(talk.control()) as peer:
        trunk = f"{talk.name}-0"

        def told() -> list[str]:
            events = talk.events(peer, "trunk.down", "trunk.up")
            return [one["kind"] for one in events if one["facts"]["trunk"] == trunk]

        wait_for("the trunk to be back", lambda: len(told()) >= 2, within=30)
        assert told() == ["trunk.down", "trunk.up"]
        talks(talk)
        assert told() == ["trunk.down", "trunk.up"]


def is_registered(talk: Talk) -> None:
    """Nobody calls; the switch registers, and again in time."""
    path = talk.paths[0]
    wait_for("a refresh", lambda: path.count("200 REGISTER", towards="switch") >= 2, within=40)
    with closing(talk.control()) as peer:
        events = talk.events(peer, "trunk.registered", "trunk.unregistered")
    told = [one["kind"] for one in events if one["facts"]["trunk"] == f"{talk.name}-0"]
    assert told == ["trunk.registered"]
