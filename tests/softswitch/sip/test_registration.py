"""Our registrations and probes on a clock moved by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from softswitch.sip.digest import Credentials
from softswitch.sip.events import ProbeChanged, RegistrationChanged
from softswitch.sip.flow import Flow
from softswitch.sip.probe import MAX_PATIENCE, Probe
from softswitch.sip.registration import BASE_WAIT, MAX_WAIT, TABLE, Input, Registration, State
from tests.support.agents import Pseudorandom
from tests.support.sip_text import Message
from tests.support.wire import PEER, US, Wire, response

ASKS = 'WWW-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"'


@pytest.fixture
def wire() -> Wire:
    return Wire()


OTHER = PEER._replace(port=5070)


def register(
    wire: Wire, expires: float = 600.0, ways: Sequence[Flow] = (PEER,)
) -> tuple[Registration, Message]:
    made = wire.stack.register(
        registrar="sip:carrier.example",
        aor="sip:us@carrier.example",
        contact_user="us",
        line="abc",
        expires=expires,
        ways=lambda: list(ways),
        credentials=Credentials("us", "secret", random_bytes=Pseudorandom(6)),
        now=wire.now,
    )
    (message,) = wire.take()
    return made, message


def granted(message: Message, expires: int | None = None, contact: str | None = None) -> bytes:
    headers = [] if expires is None else [f"Expires: {expires}"]
    return response(message, 200, contact=contact or message.get("contact"), headers=headers)


def refused(message: Message, status: int, headers: Sequence[str] = ()) -> bytes:
    return response(message, status, contact=None, headers=headers)


def next_request(wire: Wire, method: str, within: float) -> tuple[Message, float]:
    """The next request of a method, and when it went out; the clock stands there."""
    end = wire.now + within
    while wire.now < end:
        sent = [one for one in wire.wait(0.05) if one.what == method]
        if sent:
            return sent[0].message, sent[0].at
    raise AssertionError(f"no {method} within {within} s")


def next_register(wire: Wire, within: float) -> tuple[Message, float]:
    return next_request(wire, "REGISTER", within)


def test_the_register_says_what_it_must(wire: Wire) -> None:
    """RFC 3261 section 10.2."""
    _, message = register(wire)
    assert message.start_line == "REGISTER sip:carrier.example SIP/2.0"
    assert message.get("to") == "<sip:us@carrier.example>"
    assert message.get("from").startswith("<sip:us@carrier.example>;tag=")
    assert message.get("contact") == f"<sip:us@{US}:5060;line=abc>"
    assert message.get("expires") == "600"


def test_a_server_that_is_away_leads_to_the_next_at_once_which_is_kept(wire: Wire) -> None:
    made, first = register(wire, ways=(PEER, OTHER))
    wire.give(refused(first, 503))
    second, _ = next_register(wire, 1.0)
    assert second.get("cseq") == "2 REGISTER"
    wire.no_event()
    wire.give(granted(second), OTHER)
    assert wire.event(RegistrationChanged).registered
    assert made._flow == OTHER
    next_register(wire, 600.0)
    assert made._flow == OTHER


def test_all_servers_away_is_one_failure_and_the_first_is_next(wire: Wire) -> None:
    made, message = register(wire, ways=(PEER, OTHER))
    wire.give(refused(message, 503))
    message, _ = next_register(wire, 1.0)
    wire.give(refused(message, 503), OTHER)
    assert not wire.event(RegistrationChanged).registered
    assert made.state is State.RETRYING
    next_register(wire, BASE_WAIT + 1.0)
    assert made._flow == PEER


def test_a_server_that_refuses_is_not_gone_round(wire: Wire) -> None:
    made, message = register(wire, ways=(PEER, OTHER))
    wire.give(refused(message, 404))
    assert made.state is State.RETRYING


def test_it_is_refreshed_before_it_expires_with_the_next_number(wire: Wire) -> None:
    made, first = register(wire)
    wire.give(granted(first, 100))
    changed = wire.event(RegistrationChanged)
    assert (changed.registration, changed.registered, changed.status) == (made, True, 200)
    before = wire.now
    second, at = next_register(wire, 100)
    assert 80 <= at - before <= 90
    assert second.call_id == first.call_id
    assert second.get("cseq") == "2 REGISTER"
    wire.give(granted(second, 100))
    wire.no_event()


def test_what_the_registrar_grants_counts(wire: Wire) -> None:
    _, first = register(wire)
    contact = f"<sip:other@x>;expires=7, {first.get('contact')};expires=40"
    wire.give(granted(first, 3600, contact=contact))
    before = wire.now
    _, at = next_register(wire, 60)
    assert 32 <= at - before <= 36


@pytest.mark.parametrize("how", ["no time", "no contact"])
def test_a_registrar_that_takes_us_for_no_time_is_a_failure(wire: Wire, how: str) -> None:
    made, first = register(wire)
    if how == "no time":
        wire.give(refused(first, 200, ["Expires: 0"]))
    else:
        wire.give(response(first, 200, contact="*"))
    told = wire.event(RegistrationChanged)
    assert (told.registered, told.why) == (False, "no-binding")
    before = wire.now
    _, at = next_register(wire, BASE_WAIT + 1)
    assert at - before >= BASE_WAIT / 2
    assert not made.registered


def test_a_challenge_is_answered(wire: Wire) -> None:
    _, first = register(wire)
    (second,) = wire.give(refused(first, 401, [ASKS]))
    assert second.get("cseq") == "2 REGISTER"
    assert re.search('username="us"', second.get("authorization"))
    wire.give(granted(second, 100))
    assert wire.event(RegistrationChanged).registered
    third, _ = next_register(wire, 100)
    assert third.get("cseq") == "3 REGISTER"


def test_an_interval_that_is_too_brief_is_made_longer(wire: Wire) -> None:
    """10.2.8."""
    _, first = register(wire, 60)
    (second,) = wire.give(refused(first, 423, ["Min-Expires: 300"]))
    assert second.get("expires") == "300"
    wire.give(granted(second, 300))
    assert wire.event(RegistrationChanged).registered


@pytest.mark.parametrize(
    "shortest", ["", "Min-Expires: 30", "Min-Expires: 99999999999", "Min-Expires: x"]
)
def test_a_registrar_that_cannot_be_pleased_is_no_loop(wire: Wire, shortest: str) -> None:
    _, first = register(wire, 60)
    assert wire.give(refused(first, 423, [shortest] if shortest else [])) == []
    assert wire.event(RegistrationChanged).status == 423


def test_failures_are_told_and_tried_again_later_and_later(wire: Wire) -> None:
    _, message = register(wire)
    waits = []
    for _ in range(9):
        wire.give(refused(message, 500))
        assert not wire.event(RegistrationChanged).registered
        before = wire.now
        message, at = next_register(wire, MAX_WAIT + 1)
        waits.append(at - before)
    for number, wait in enumerate(waits):
        longest = min(MAX_WAIT, BASE_WAIT * 2**number)
        assert longest / 2 <= wait <= longest


def test_a_registrar_says_when_to_come_again(wire: Wire) -> None:
    _, message = register(wire)
    wire.give(refused(message, 503, ["Retry-After: 7"]))
    before = wire.now
    _, at = next_register(wire, 10)
    assert 7 <= at - before <= 7.1


def test_silence_leaves_a_registration_good_until_its_time_is_over(wire: Wire) -> None:
    made, first = register(wire)
    wire.give(granted(first, 100))
    wire.event(RegistrationChanged)
    wire.wait(90 + 33)
    told = wire.event(RegistrationChanged)
    assert (told.status, told.why) == (0, "timeout")
    assert not told.registered or wire.now < 200
    wire.wait(200)
    assert not made.registered


def test_a_refusal_by_name_ends_it_at_once(wire: Wire) -> None:
    made, first = register(wire)
    wire.give(granted(first, 100))
    second, _ = next_register(wire, 91)
    wire.give(refused(second, 403))
    told = [one.registered for one in wire.events() if isinstance(one, RegistrationChanged)]
    assert told == [True, False]
    assert not made.registered


def test_it_is_taken_back_at_the_end(wire: Wire) -> None:
    made, first = register(wire)
    wire.give(granted(first, 100))
    wire.event(RegistrationChanged)
    made.stop(now=wire.now)
    (last,) = wire.take()
    assert last.get("expires") == "0"
    assert last.get("contact") == first.get("contact")
    (last,) = wire.give(refused(last, 401, [ASKS]))
    wire.give(granted(last, 0))
    assert made.state is State.OVER
    wire.no_event()
    wire.wait(400)
    assert set(wire.stack.counts().values()) == {0}


def test_stopping_while_it_waits_or_tries_leaves_nothing(wire: Wire) -> None:
    trying, _ = register(wire)
    trying.stop(now=wire.now)
    wire.take()
    waiting, message = register(wire)
    wire.give(refused(message, 500))
    waiting.stop(now=wire.now)
    wire.wait(64)
    assert (trying.state, waiting.state) == (State.OVER, State.OVER)
    assert set(wire.stack.counts().values()) == {0}


def test_the_table_knows_every_state_and_input() -> None:
    assert set(TABLE) == {(state, happened) for state in State for happened in Input}


# Probes.


def probe(wire: Wire, misses: int = 2) -> Probe:
    return wire.stack.probe(
        uri="sip:192.0.2.1", local=f"sip:{US}", to_flow=PEER, every=10.0, misses=misses,
        down=(408, 503), now=wire.now,
    )  # fmt: skip


def asked(wire: Wire, within: float = 11.0) -> Message:
    """The next OPTIONS."""
    return next_request(wire, "OPTIONS", within)[0]


def test_a_peer_that_answers_is_told_once(wire: Wire) -> None:
    made = probe(wire)
    wire.give(refused(asked(wire), 200))
    told = wire.event(ProbeChanged)
    assert (told.probe, told.up, told.status) == (made, True, 200)
    for status in (404, 401, 500):
        wire.give(refused(asked(wire), status))
        assert made.up
    wire.no_event()


def test_a_peer_is_down_after_its_misses_and_up_at_the_first_answer(wire: Wire) -> None:
    made = probe(wire)
    wire.give(refused(asked(wire), 503))
    wire.no_event()
    wire.give(refused(asked(wire), 408))
    told = wire.event(ProbeChanged)
    assert (told.probe, told.up, told.status) == (made, False, 408)
    wire.give(refused(asked(wire), 200))
    assert wire.event(ProbeChanged).up


def test_silence_is_a_miss(wire: Wire) -> None:
    made = probe(wire, misses=1)
    asked(wire, 1.0)
    wire.wait(MAX_PATIENCE + 0.1)
    assert wire.event(ProbeChanged).status == 0
    assert made.up is False
    made.stop()
    wire.wait(64)
    assert set(wire.stack.counts().values()) == {0}


def test_a_peer_that_cannot_be_reached_is_a_miss(wire: Wire) -> None:
    probe(wire, misses=1)
    asked(wire, 1.0)
    wire.stack.send_failed(PEER, now=wire.now)
    assert not wire.event(ProbeChanged).up


def test_a_late_answer_is_of_no_probe(wire: Wire) -> None:
    made = probe(wire, misses=1)
    message = asked(wire, 1.0)
    wire.wait(MAX_PATIENCE + 0.1)
    wire.event(ProbeChanged)
    wire.give(refused(message, 200))
    wire.no_event()
    assert made.up is False
