"""Far ends that send a call elsewhere: whom it reaches, and when it is not followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from config.model import Configuration, ControlToken, OriginateRules
from softswitch.call.called_leg import CalledLeg
from softswitch.sip.headers.name_address import NameAddress
from softswitch.switchboard.guards import Guards, Permit
from softswitch.switchboard.spending import Spending
from softswitch.switchboard.transfers import Transfers
from tests.support.laboratory import AGENT, DIRECT, HOSTS, KEPT, SWITCH, Laboratory, laboratory
from tests.support.referring import RULES, THIRD, Referring
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
        {"leg": "b1", "status": 302, "to": f"sip:{THIRD}@{HERE}", "trunk": "agents", "why": ""}
    ]
    answer(lab, 1)
    assert lab.call.bridged
    lab.caller.hang_up()
    lab.settle()
    assert [leg["to"] for leg in lab.record["legs"]] == ["100001", "100001"]
    assert lab.record["legs"][1]["redirected"] == [
        {"status": 302, "to": f"sip:{THIRD}@{HERE}", "trunk": "agents", "why": ""}
    ]


def test_the_best_is_called_first_and_then_the_others(lab: Laboratory) -> None:
    begin(lab)
    contacts = (f"<sip:+16025550001@{SWITCH}>;q=0.2", f"<sip:+16025550002@{SWITCH}>;q=0.9")
    redirect(lab, 0, *contacts, status=300)
    refuse(lab, 1, 486)
    assert called(lab)[1:] == [f"sip:+16025550002@{HERE}", f"sip:+16025550001@{HERE}"]
    refuse(lab, 2, 480)
    assert lab.record["legs"][1]["status"] == 480


def test_a_place_that_fails_is_no_redirection(lab: Laboratory) -> None:
    begin(lab)
    contacts = (f"<sip:+16025550001@{SWITCH}>", f"<sip:+16025550002@{SWITCH}>")
    redirect(lab, 0, *contacts)
    refuse(lab, 1, 486)
    refuse(lab, 2, 480)
    told = [(fact["status"], fact["to"]) for fact in lab.facts("leg.redirected")]
    assert told == [(302, f"sip:+1602555000{n}@{HERE}") for n in (1, 2)]


@pytest.mark.parametrize("to", ["<sips:carol@192.0.2.50>", "<sip:carol@192.0.2.50;transport=tls>"])
def test_who_is_named_by_tls_is_called_by_tls(tmp_path: Path, to: str) -> None:
    with laboratory(tmp_path / "data", agents="redirects: follow") as lab:
        bench = Referring(lab, replace(RULES, to=("sip:*@192.0.2.50",)))
        begin(lab)
        leg = next(one for one in lab.call.legs if isinstance(one, CalledLeg))
        request = bench.desk.redirect(leg, NameAddress.parse(to).uri)
        assert request is not None
        assert request.uri == "sip:carol@192.0.2.50;transport=tls"
        assert request.flow[:3] == ("tls", "192.0.2.50", 5061)
        lab.caller.cancel()
        lab.settle()


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
        (f"<sip:100001@{HERE};transport=tcp>", "loop"),
        (f"<sip:100001@{HERE}:5061;transport=TLS>", "loop"),
        (f"<sips:100001@{HERE}>", "loop"),
        (f"<sip:{THIRD}@{HERE};transport=tls>", "not_allowed"),
        (f"<sips:{THIRD}@{HERE}>", "not_allowed"),
        (f"<sips:{THIRD}@{SWITCH}>", "not_allowed"),
        (f"<sips:carol@{HERE}>", "not_allowed"),
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


# Toll fraud.


def limited(lab: Laboratory, most: str) -> Configuration:
    """The lab's configuration with a limit on what all campaigns may spend."""
    campaigns = {
        name: replace(one, max_spend_per_hour=Decimal(most))
        for name, one in lab.configuration.campaigns.items()
    }
    return replace(lab.configuration, campaigns=campaigns)


def test_nobody_is_called_for_a_campaign_that_has_spent_all_meanwhile(lab: Laboratory) -> None:
    spending = Spending(lab.services, lab.switchboard.calls.get)
    spending.use(limited(lab, "5"))
    begin(lab)
    redirect(lab, 0, f"<sip:{THIRD}@{SWITCH}>")
    assert len(called(lab)) == 2
    spending.use(limited(lab, "0"))
    redirect(lab, 1, f"<sip:+16025550001@{SWITCH}>")
    assert len(called(lab)) == 2
    assert [fact["why"] for fact in lab.facts("leg.redirected")] == ["", "spent"]
    assert len(lab.facts("spend.reached")) == 1
    assert lab.record["legs"][1]["status"] == 302


@pytest.mark.parametrize(("never", "why"), [("+16025551235", ""), (AGENT, "not_allowed")])
def test_the_number_called_goes_to_another_trunk_unless_nobody_may_call_it(
    tmp_path: Path, never: str, why: str
) -> None:
    with laboratory(tmp_path / "data", agents="redirects: follow") as lab:
        # It need not be listed: it was called already.
        Referring(lab, replace(RULES, to=("+18005550100",), never=(never,)))
        lab.caller.invite(KEPT)
        lab.settle()
        assert called(lab) == [f"sip:{AGENT}@{HERE}"]
        redirect(lab, 0, f"<sip:{AGENT}@{HOSTS['caller']}>")
        assert [fact["why"] for fact in lab.facts("leg.redirected")] == [why]
        lab.caller.cancel()
        lab.settle()


@pytest.mark.parametrize(("allowed", "why"), [("+1602555*", ""), (AGENT, "not_allowed")])
def test_the_rules_of_a_token_hold_for_where_its_calls_are_sent(
    lab: Laboratory, allowed: str, why: str
) -> None:
    rules = OriginateRules((AGENT, allowed))
    token = ControlToken("kiosk", "0123456789abcdef", ("control",), originate=rules)
    control = replace(lab.configuration.control, tokens=(token,))
    configuration = replace(lab.configuration, originate=RULES, control=control)
    guards = Guards(lambda: configuration, lab.switchboard.calls, now=lab.loop.time)
    lab.services.transfers = Transfers(lab.switchboard, guards)
    begin(lab)
    permit = guards.check(lab.call.campaign, AGENT, token="kiosk")
    assert isinstance(permit, Permit)
    permit.hold_for(lab.call.call_id)
    redirect(lab, 0, f"<sip:{THIRD}@{SWITCH}>")
    assert [fact["why"] for fact in lab.facts("leg.redirected")] == [why]
    lab.caller.cancel()
    lab.settle()
