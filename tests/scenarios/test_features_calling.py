"""Each feature of the signalling towards a carrier, which SIPp plays: as it is, by TCP, and with
each message that matters lost once and doubled once. What `make test` has of them says
tests.support.slim.

SIPp checks what it is sent (sipp_scenarios/uas_*.xml); here stands what the caller does, and what
must have come of it: one record that is right, the fault that has happened, and nothing left.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.caller_deeds import (
    cancels,
    goes_round,
    has_the_far_end_sent,
    hears_a_key,
    holds,
    holds_and_resumes,
    is_given_back,
    is_hung_up_on,
    is_moved,
    is_private,
    is_refused,
    is_registered,
    says_why,
    sees_the_trunk_go,
    talks,
    talks_elsewhere,
    talks_to,
)
from tests.support.calling import AGENT, Case, Feature
from tests.support.hall import Hall
from tests.support.sipp import needs_sipp
from tests.support.slim import slim

pytestmark = [needs_sipp, pytest.mark.timeout(240)]

LOGIN = "outbound_auth: {user: switch-1, password: secret-1}"


def first(status: int) -> str:
    """A treatment with two destinations; the first is to refuse with this status."""
    numbers = (f"+1602555{status:04}", "+16025552222")
    places = [f"{{number: '{number}', trunk: T{at}}}" for at, number in enumerate(numbers)]
    return f"[connect: {{to: [{', '.join(places)}]}}]"


# The features.

RELIABLE = [
    Feature(
        "rings reliably", ("uas_reliable_ringing",), talks,
        both=("< 180 INVITE", "> PRACK", "< 200 PRACK"),
    ),
    Feature(
        "two reliable responses, the answer in the first", ("uas_reliable_media",), talks,
        both=("< 183 INVITE", "> PRACK", "< 180 INVITE", "> PRACK #2", "< 200 PRACK #2"),
    ),
    Feature(
        "UPDATE before the answer", ("uas_update_early",), talks,
        both=("< UPDATE", "> 200 UPDATE", "< 200 INVITE"),
    ),
]  # fmt: skip
ANSWERS = [
    Feature(
        "answers", ("uas_basic",), talks,
        both=("> INVITE", "< 200 INVITE", "> ACK", "> BYE"), doubled=("< 180 INVITE", "< 200 BYE"),
    ),
    Feature(
        "described before the answer only", ("uas_described_early",), talks,
        both=("< 200 INVITE",), doubled=("< 183 INVITE",), lost=("< 200 BYE",),
    ),
    Feature(
        "never described", ("uas_undescribed",), is_refused(488, by="switch", statuses=[488]),
        both=("< 200 INVITE", "> BYE"), doubled=("> ACK",),
    ),
    Feature(
        "delayed offer", ("uas_delayed_offer",), talks,
        trunk="offers: late", both=("< 200 INVITE", "> ACK"),
    ),
    Feature(
        "one of two forks answers", ("uas_forks",), talks,
        both=("< 200 INVITE", "> ACK"), doubled=("< 180 INVITE", "< 183 INVITE"),
    ),
    Feature(
        "both forks answer", ("uas_two_answers",), talks, last="< 200 BYE",
        both=("< 200 INVITE", "< 200 INVITE #2", "> BYE"), doubled=("> ACK #2",),
    ),
]  # fmt: skip
SESSION = [
    Feature(
        "hold by UPDATE", ("uas_update",), talks, last="> 200 UPDATE /2",
        both=("< UPDATE", "> 200 UPDATE", "< UPDATE /2"),
    ),
    Feature(
        "hold by re-INVITE", ("uas_hold",), talks, last="< ACK /2", hold_ms=100,
        both=("< INVITE", "> 200 INVITE", "< INVITE #2"), doubled=("< ACK",),
    ),
    Feature(
        "is held", ("uas_held",), holds_and_resumes, last="> ACK /3",
        both=("> INVITE #2", "< 200 INVITE #2", "> INVITE #3"), doubled=("> ACK #2",),
    ),
    Feature(
        "answers a hold with 491", ("uas_glare",), holds, last="> ACK /3",
        both=("< 491 INVITE", "< 200 INVITE #2", "> ACK /3"),
    ),
    Feature(
        "re-INVITE without a description", ("uas_reinvites_empty",), talks, last="< ACK /1",
        both=("< INVITE", "> 200 INVITE", "< ACK"),
    ),
    Feature(
        "session timer, 422", ("uas_session_timer",), talks,
        trunk="session_expires: 90 s", last="< ACK",
        both=(
            "< 422 INVITE", "> ACK", "> INVITE #2", "< UPDATE", "> 200 UPDATE", "< INVITE",
            "> 200 INVITE", "< ACK",
        ),
    ),
    Feature(
        "key by INFO from it", ("uas_sends_key",), hears_a_key,
        last="> 200 INFO", both=("< INFO", "> 200 INFO"),
    ),
    Feature(
        "keys by INFO to it", ("uas_takes_keys",), talks, last="< 200 INFO /3",
        trunk="keys: info", steps="[connect: {to: called, send_dtmf: '12'}]",
        both=("> INFO", "< 200 INFO", "> INFO /3"),
    ),
    Feature(
        "MESSAGE and unknown methods", ("uas_message",), talks,
        last="> 501 BREW", both=("< MESSAGE", "> 405 MESSAGE", "< BREW"),
    ),
]  # fmt: skip
ELSEWHERE = [
    Feature(
        "redirect followed", ("uas_redirects",), talks_elsewhere, trunk="redirects: follow",
        calls=(2,), both=("< 302 INVITE", "> ACK", "> INVITE #2"),
    ),
    Feature(
        "redirect refused", ("uas_redirects", "uas_basic"), talks_to(302, 200),
        steps=first(302), calls=(1, 1), both=("< 302 INVITE",),
    ),
    Feature(
        "redirects in a circle", ("uas_redirects_in_circle",), goes_round,
        trunk="redirects: follow", steps=f"[connect: '{AGENT}']", calls=(2,),
        both=("< 302 INVITE", "< 301 INVITE"),
    ),
    Feature(
        "refers", ("uas_refers",), is_moved, trunk="transfers: allow", last="> BYE", calls=(2,),
        both=("< REFER", "> 202 REFER", "> NOTIFY", "< 200 NOTIFY", "> NOTIFY #2"),
    ),
    Feature(
        "refers in vain", ("uas_refers_in_vain",), is_given_back, trunk="transfers: allow",
        last="< 200 NOTIFY /3", calls=(2,), both=("> INVITE #2", "< 486 INVITE", "> NOTIFY #2"),
    ),
    Feature(
        "is referred", ("uas_referred",), has_the_far_end_sent(True, 200),
        keys=(("outcome", "200 OK"),),
        both=("> REFER", "< 202 REFER", "< NOTIFY", "> 200 NOTIFY", "< NOTIFY #2"),
    ),
    Feature(
        "is referred in vain", ("uas_referred",), has_the_far_end_sent(False, 486),
        keys=(("outcome", "486 Busy Here"),), both=("< NOTIFY #2",),
    ),
]  # fmt: skip
REFUSALS = [
    Feature(
        "busy", ("uas_busy",), is_refused(486, statuses=[486]), both=("< 486 INVITE", "> ACK"),
    ),
    Feature(
        "busy leads on", ("uas_busy", "uas_basic"), talks_to(486, 200),
        steps=first(486), calls=(1, 1), trunk="failover: {go_on: [486]}",
        both=("< 486 INVITE", "> ACK"),
    ),
    Feature(
        "503 with Retry-After leads on", ("uas_refuses", "uas_basic"), talks_to(503, 200),
        keys=(("also", "Retry-After: 30"),),
        steps=first(503), calls=(1, 1), both=("< 503 INVITE",),
    ),
    Feature(
        "404 stops", ("uas_refuses", "uas_basic"), is_refused(404, statuses=[404]),
        keys=(("also", "X-None: 1"),),
        trunk="failover: {stop: [404]}", steps=first(404), calls=(1, 0), both=("< 404 INVITE",),
    ),
    Feature(
        "a cause leads on", ("uas_refuses", "uas_basic"), talks_to(486, 200),
        keys=(("also", "Reason: Q.850;cause=34"),),
        trunk="failover: {go_on_causes: [34]}", steps=first(486), calls=(1, 1),
    ),
    Feature(
        "a cause stops", ("uas_refuses", "uas_basic"), is_refused(480, statuses=[500]),
        keys=(("also", "Reason: Q.850;cause=28"),),
        trunk="failover: {stop_causes: [28]}", steps=first(500), calls=(1, 0),
    ),
    Feature(
        "100 and silence", ("uas_silent",), is_refused(480, by="switch", statuses=[408]),
        steps="[connect: {to: called, ring_time: 1 s}]", both=("< 100 INVITE", "> CANCEL"),
    ),
]  # fmt: skip
ENDS = [
    Feature(
        "given up while it rings", ("uas_no_answer",), cancels,
        both=("> CANCEL", "< 487 INVITE", "> ACK"), doubled=("< 200 CANCEL",),
    ),
    Feature(
        "its answer crosses the CANCEL", ("uas_answers_cancelled",), cancels,
        both=("> CANCEL", "< 200 INVITE", "> BYE"), doubled=("< 200 CANCEL", "> ACK"),
    ),
    Feature("both hang up at once", ("uas_crossed_bye",), talks, both=("< BYE", "> BYE")),
    Feature(
        "hangs up and says why", ("uas_says_why",), is_hung_up_on, both=("< BYE", "> 200 BYE"),
    ),
    Feature(
        "is told why", ("uas_told_why",), says_why, both=("> BYE",), lost=("< 200 BYE",),
    ),
]  # fmt: skip
POLICIES = [
    Feature(
        "proxy that challenges, stale", ("uas_challenges",), talks, trunk=LOGIN,
        both=("< 407 INVITE", "> ACK", "> INVITE #2", "< 407 INVITE #2", "> ACK #3"),
    ),
    Feature(
        "server that challenges without qop", ("uas_challenges_plainly",), talks, trunk=LOGIN,
        both=("< 401 INVITE", "> INVITE #2"),
    ),
    Feature(
        "proxy that challenges the BYE", ("uas_challenges_bye",), talks, trunk=LOGIN,
        both=("< 407 BYE", "> BYE #2"), lost=("< 200 BYE",),
    ),
    Feature(
        "behind proxies with Record-Route", ("uas_record_routes",), talks,
        both=("> ACK", "> BYE"),
    ),
    Feature(
        "probed", ("uas_probed",), sees_the_trunk_go, early=True, by_tcp=False, hold_ms=1500,
        trunk="probe: {every: 1 s, misses: 1}", calls=None,
        both=("> OPTIONS", "< 200 OPTIONS", "< 503 OPTIONS"),
    ),
    Feature(
        "registrar", ("uas_registrar",), is_registered, early=True, by_tcp=False,
        trunk=f"{LOGIN}, register: true", calls=None,
        both=(
            "> REGISTER", "< 401 REGISTER", "> REGISTER #2", "< 200 REGISTER", "> REGISTER #3",
            "< 200 REGISTER #2",
        ),
    ),
    Feature(
        "told who calls", ("uas_identity",), talks, both=("> INVITE",),
        trunk="oversize: udp, caller_identity: "
        "{write: [P-Asserted-Identity, Remote-Party-ID, Diversion, History-Info]}",
    ),
    Feature(
        "not told who is private", ("uas_private",), is_private, both=("> INVITE",),
        trunk="caller_identity: {write: [P-Asserted-Identity, Remote-Party-ID]}",
    ),
    Feature(
        "told who is private", ("uas_private_told",), is_private, both=("> INVITE",),
        trunk="trusted: true, caller_identity: {write: [P-Asserted-Identity]}",
    ),
    Feature(
        "numbers as they are written abroad", ("uas_foreign_number",), talks, both=("> INVITE",),
        steps="[connect: '+49 30 123456']",
        trunk="numbers: {country: DE, "
        "send: {called: {format: e164, uri: tel}, caller: national}}",
    ),
]  # fmt: skip
FEATURES = [*RELIABLE, *ANSWERS, *SESSION, *ELSEWHERE, *REFUSALS, *ENDS, *POLICIES]
CASES = slim(feature.cases() for feature in FEATURES)


@pytest.fixture(scope="module")
def hall(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Hall]:
    """The switch, and all cases that were asked for under way."""
    items = request.session.items
    params = [getattr(getattr(item, "callspec", None), "params", {}) for item in items]
    asked = [one["case"] for one in params if isinstance(one.get("case"), Case)]
    with Hall(tmp_path_factory.mktemp("hall"), asked) as standing:
        yield standing


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_feature_holds(hall: Hall, case: Case) -> None:
    hall.result(case)


@pytest.mark.parametrize("_of", ["these", pytest.param("all others", marks=pytest.mark.full)])
def test_nothing_is_left_of_all_these_calls(hall: Hall, _of: str) -> None:
    hall.wait_for_all()
    hall.assert_nothing_is_left()
