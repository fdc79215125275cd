"""Far ends that send a call elsewhere: whom it reaches, and when it is not followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.laboratory import DIRECT, HOSTS, SWITCH, Laboratory, laboratory
from tests.support.referring import THIRD, Referring
from tests.support.treated import answer, refuse

HERE = HOSTS["callee"]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with laboratory(tmp_path / "data", agents="redirects: follow") as lab:
        Referring(lab)
        yield lab


def redirect(lab: Laboratory, place: int, *contacts: str, status: int = 302) -> None:
    """A far end sends a call elsewhere."""
    headers = [("Contact", contact) for contact in contacts]
    lab.callee.calls[place].reject(status, headers=headers, now=lab.loop.time())
    lab.callee.pump.flush()
    lab.settle()


def called(lab: Laboratory) -> list[str]:
    """The request URIs of all INVITEs to the far end."""
    return [call.request.uri for call in lab.callee.calls]


def begin(lab: Laboratory) -> None:
    lab.caller.invite(DIRECT)
    lab.settle()


def test_a_call_goes_where_the_rules_let_it(lab: Laboratory) -> None:
    begin(lab)
    redirect(lab, 0, f"<sip:{THIRD}@{SWITCH};user=phone?X-Evil=1>;q=0.5")
    assert called(lab) == [f"sip:100001@{HERE}", f"sip:{THIRD}@{HERE}"]
    assert "X-Evil" not in lab.callee.calls[1].request.headers
    assert lab.facts("leg.redirected") == [
        {"leg": "b1", "status": 302, "to": f"sip:{THIRD}@{HERE}", "why": ""}
    ]
    answer(lab, 1)
    assert lab.call.bridged
    lab.caller.hang_up()
    lab.settle()
    assert [leg["to"] for leg in lab.record["legs"]] == ["100001", "100001"]
    assert lab.record["legs"][1]["redirected"] == [
        {"status": 302, "to": f"sip:{THIRD}@{HERE}", "why": ""}
    ]


def test_the_best_is_called_first_and_then_the_others(lab: Laboratory) -> None:
    begin(lab)
    contacts = (f"<sip:+16025550001@{SWITCH}>;q=0.2", f"<sip:+16025550002@{SWITCH}>;q=0.9")
    redirect(lab, 0, *contacts, status=300)
    refuse(lab, 1, 486)
    assert called(lab)[1:] == [f"sip:+16025550002@{HERE}", f"sip:+16025550001@{HERE}"]
    refuse(lab, 2, 480)
    assert lab.record["legs"][1]["status"] == 480


def test_a_busy_everywhere_is_not_gone_round(lab: Laboratory) -> None:
    begin(lab)
    redirect(lab, 0, f"<sip:+16025550001@{SWITCH}>", f"<sip:+16025550002@{SWITCH}>")
    refuse(lab, 1, 603)
    assert len(called(lab)) == 2


@pytest.mark.parametrize(
    ("contact", "why"),
    [
        ("<sip:+18005550177@192.0.2.9>", "not_allowed"),
        ("<sip:+16025559000@192.0.2.9>", "not_allowed"),
        ("<sip:carol@192.0.2.77>", "not_allowed"),
        ("<tel:+18005550177>", "not_allowed"),
        (f"<sip:100001@{HERE}>", "loop"),
        ("<mailto:x@example.com>", "nowhere"),
        ("<sip:", "nowhere"),
    ],
)
def test_nobody_is_called_whom_the_rules_do_not_list(
    lab: Laboratory, contact: str, why: str
) -> None:
    begin(lab)
    redirect(lab, 0, contact)
    assert len(called(lab)) == 1
    assert [fact["why"] for fact in lab.facts("leg.redirected")] == [why]
    assert lab.record["legs"][1]["status"] == 302


def test_a_redirection_without_contacts_is_a_failure(lab: Laboratory) -> None:
    begin(lab)
    redirect(lab, 0)
    assert [fact["why"] for fact in lab.facts("leg.redirected")] == ["nowhere"]


@pytest.mark.parametrize("status", [305, 380])
def test_what_is_no_other_address_is_not_followed(lab: Laboratory, status: int) -> None:
    begin(lab)
    redirect(lab, 0, f"<sip:{THIRD}@{SWITCH}>", status=status)
    assert len(called(lab)) == 1
    assert lab.facts("leg.redirected") == []


def test_nobody_is_sent_round_without_end(lab: Laboratory) -> None:
    begin(lab)
    for place in range(5):
        redirect(lab, place, f"<sip:+1602555010{place}@{SWITCH}>")
    redirect(lab, 5, f"<sip:{THIRD}@{SWITCH}>")
    assert len(called(lab)) == 6
    assert lab.facts("leg.redirected")[-1]["why"] == "too_many"


def test_who_is_sent_back_has_been_there(lab: Laboratory) -> None:
    begin(lab)
    redirect(lab, 0, f"<sip:{THIRD}@{SWITCH}>")
    redirect(lab, 1, f"<sip:{THIRD}@{SWITCH}>")
    assert len(called(lab)) == 2
    assert lab.facts("leg.redirected")[-1]["why"] == "loop"


def test_who_may_not_redirect_has_failed(tmp_path: Path) -> None:
    with laboratory(tmp_path / "data") as lab:
        Referring(lab)
        begin(lab)
        redirect(lab, 0, f"<sip:{THIRD}@{SWITCH}>")
        assert len(called(lab)) == 1
        assert lab.record["legs"][1]["status"] == 302


def test_the_ring_time_is_that_of_the_leg(lab: Laboratory) -> None:
    begin(lab)
    lab.advance(3.0)
    redirect(lab, 0, f"<sip:{THIRD}@{SWITCH}>")
    lab.advance(2.1)
    assert lab.record["legs"][1]["status"] == 408


def test_a_caller_may_leave_while_it_is_sent_elsewhere(lab: Laboratory) -> None:
    begin(lab)
    redirect(lab, 0, f"<sip:{THIRD}@{SWITCH}>")
    lab.caller.cancel()
    lab.settle()
    assert lab.record["cause"] == "cancelled"
