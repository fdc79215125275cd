"""What the toll guard lets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import CallerId
from softswitch.switchboard.guards import Guards, NotAllowed, Permit, party_names
from tests.support.configurations import loaded

CONFIGURATION = """
trunks: {a: "192.0.2.1", b: "192.0.2.2", c: "192.0.2.3"}
originate: {to: ["+1602*"], never: ["+1602976*"], per_minute: 5, at_once: 3}
control:
  tokens:
    crm: {secret: 0123456789abcdef, roles: [control]}
    kiosk:
      secret: 0123456789abcdeg
      roles: [control]
      originate: {to: [+1 602 555 1234], per_minute: 1, at_once: 1}
campaigns:
  plain: {treatment: t, trunk: a}
  homeless: {treatment: t}
  own:
    treatment: t
    trunk: a
    originate:
      to: ["+1 800 555 XXXX", "sip:*@pbx.example", "sip:desk@192.0.2.7:5070", "+49."]
      never: ["+1 800 555 9999"]
      trunks: [b]
      caller_ids: ["+1 602 555 01XX"]
      per_minute: 100
      at_once: 2
treatments: {t: [hang_up]}
"""


class Bench:
    """Guards on a clock moved by hand."""

    def __init__(self, text: str = CONFIGURATION) -> None:
        self.configuration = loaded(text)
        self.calls: set[str] = set()
        self.now = 1000.0
        self.guards = Guards(lambda: self.configuration, self.calls, now=lambda: self.now)

    def check(self, to: str, campaign: str = "plain", **options: str) -> Permit | NotAllowed:
        return self.guards.check(self.configuration.campaigns[campaign], to, **options)

    def permit(self, to: str, campaign: str = "plain", **options: str) -> Permit:
        found = self.check(to, campaign, **options)
        assert isinstance(found, Permit), found
        return found

    def why(self, to: str, campaign: str = "plain", **options: str) -> str:
        found = self.check(to, campaign, **options)
        assert isinstance(found, NotAllowed), found
        return found.what


def test_without_rules_nobody_is_called() -> None:
    bench = Bench("trunks: {a: h}\ncampaigns: {plain: t}\ntreatments: {t: [hang_up]}\n")
    assert bench.why("+16025551234") == "destination"


def test_who_is_listed_is_called_by_the_campaigns_trunk() -> None:
    permit = Bench().permit("(602) 555-1234")
    assert (permit.destination.kind, permit.destination.number) == ("number", "+16025551234")
    assert permit.destination.trunk is None
    assert permit.trunk.name == "a"
    assert permit.caller_id is None


@pytest.mark.parametrize(
    "to",
    [
        "+16035551234", "+442071234567", "9011442071234567", "agent", "", " ", "+1602976123",
        "+16029761234", "sip:+16025551234@192.0.2.1", "sips:+16025551234@h", "1602", "+1602*",
        "tel:+16025551234;phone-context=x@y", "sip:a@pbx.example", "+1" * 500,
    ],
)  # fmt: skip
def test_who_is_not_listed_is_not_called(to: str) -> None:
    if to.startswith("tel:"):
        assert Bench().permit(to).destination.number == "+16025551234"
    else:
        assert Bench().why(to) == "destination"


def test_the_rules_of_a_campaign_stand_in_place_of_those_for_all() -> None:
    bench = Bench()
    assert bench.permit("800 555 1234", "own").destination.number == "+18005551234"
    for to in ("+16025551234", "+18005559999", "+180055512345", "+49"):
        assert bench.why(to, "own") == "destination", to
    bench.permit("+4930123456", "own")


@pytest.mark.parametrize(
    ("to", "allowed"),
    [
        ("sip:anybody@pbx.example", True),
        ("sip:anybody@PBX.example:5060", True),
        ("SIP:anybody@pbx.example;transport=tcp", True),
        ("sip:anybody@pbx.example:5061", False),
        ("sip:anybody@pbx.example.org", False),
        ("sip:pbx.example", False),
        ("sip:anybody@pbx.example;maddr=192.0.2.66", False),
        ("sip:anybody@pbx.example?Route=%3Csip:x%3E", False),
        ("sip:anybody:secret@pbx.example", False),
        ("sip:any%62ody@pbx.example", False),
        ("sip:a@evil@pbx.example", False),
        ("sip:18005559999@pbx.example", False),
        ("sip:desk@192.0.2.7:5070", True),
        ("sip:desks@192.0.2.7:5070", False),
        ("sip:desk@192.0.2.7", False),
        ("sip:desk@192.0.2.7:5070\r\nX: y", False),
    ],
)
def test_addresses_are_compared_as_a_whole(to: str, allowed: bool) -> None:
    assert isinstance(Bench().check(to, "own"), Permit) is allowed


@pytest.mark.parametrize(
    ("to", "called"),
    [
        ("SIP:anybody@PBX.example", "sip:anybody@pbx.example"),
        ("Sip:Bob@pbx.example:5060;Transport=TCP", "sip:Bob@pbx.example:5060;transport=tcp"),
    ],
)
def test_an_address_is_called_as_one_however_it_is_written(to: str, called: str) -> None:
    destination = Bench().permit(to, "own").destination
    assert (destination.kind, destination.number) == ("uri", called)


def test_somebody_is_one_party_however_written() -> None:
    assert party_names("SIP:Bob@H.example:5060;transport=udp", "US") == (
        "sip:Bob@h.example:5060;transport=udp", "sip:Bob@h.example",
    )  # fmt: skip
    assert party_names("sip:16025551234@h", "US")[-1] == "+16025551234"
    for junk in ("602-555-7703 Bob", "5557703", "+44", "1\r\n2", "\x00", "9" * 256, "sip:", ""):
        assert party_names(junk, "US") == (), junk


def test_what_was_not_even_tried_counts_for_nothing() -> None:
    bench = Bench()
    for _ in range(9):
        bench.permit("+16025551234").withdraw()
    bench.permit("+16025551234").release()


def test_parties_see_each_other_where_the_campaign_says_so_or_both_are_listed() -> None:
    bench = Bench(CONFIGURATION.replace("trunk: a}", "trunk: a, caller_id: original}"))
    listed, other = "602 555 0123", "+16025559999"

    def may(name: str, *numbers: str, token: str = "") -> bool:
        campaign = bench.configuration.campaigns[name]
        return bench.guards.may_show_original(campaign, numbers, token=token)

    object.__setattr__(bench.configuration.campaigns["own"], "caller_id", CallerId("called"))
    assert may("plain", other, "sip:bob@h")
    assert may("own", listed)
    assert not may("own", listed, other)
    assert not may("own", "sip:bob@h")
    assert not may("own")


def test_a_trunk_has_to_be_listed_unless_it_is_the_campaigns() -> None:
    bench = Bench()
    assert bench.permit("+18005551234", "own", trunk="b").destination.trunk == "b"
    assert bench.permit("+18005551234", "own", trunk="a").trunk.name == "a"
    assert bench.why("+18005551234", "own", trunk="c") == "trunk"
    assert bench.why("+18005551234", "own", trunk="zzz") == "trunk"
    assert bench.why("+16025551234", trunk="b") == "trunk"
    assert bench.why("+16025551234", "homeless") == "trunk"


def test_a_caller_id_has_to_be_listed() -> None:
    bench = Bench()
    assert bench.permit("+18005551234", "own", caller_id="602 555 0123").caller_id == "+16025550123"
    assert bench.why("+18005551234", "own", caller_id="+16025551234") == "caller_id"
    assert bench.why("+18005551234", "own", caller_id="nobody") == "caller_id"
    assert bench.why("+16025551234", caller_id="+16025550123") == "caller_id"


def test_a_token_may_have_called_whom_both_allow() -> None:
    bench = Bench()
    assert bench.why("+16025559999", token="kiosk") == "destination"
    assert bench.why("+18005551234", "own", token="kiosk") == "destination"
    bench.permit("+16025551234", token="kiosk")
    bench.permit("+16025559999", token="crm")


def test_no_more_calls_are_in_progress_than_may_be() -> None:
    bench = Bench()
    one, two, three = (bench.permit("+16025551234") for _ in range(3))
    assert bench.why("+16025551234") == "concurrency"
    one.release()
    one.release()
    bench.calls.add("call-2")
    two.hold_for("call-2")
    four = bench.permit("+16025551234")
    assert bench.why("+16025551234") == "concurrency"
    bench.calls.remove("call-2")
    bench.permit("+16025551234")
    assert not three.released
    assert not four.released


def test_no_more_calls_are_placed_in_a_minute_than_may_be() -> None:
    bench = Bench()
    for _ in range(5):
        bench.permit("+16025551234").release()
        bench.now += 10
    assert bench.why("+16025551234") == "rate"
    bench.now += 9.9
    assert bench.why("+16025551234") == "rate"
    bench.now += 0.1
    bench.permit("+16025551234").release()
    assert bench.why("+16025551234") == "rate"


def test_who_asks_for_what_is_not_listed_stands_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.why("+44\n2071234567", token="kiosk")
    (line,) = [record.getMessage() for record in caplog.records]
    assert "kiosk may not have '+44\\n2071234567' called" in line


def test_what_is_not_placed_does_not_count() -> None:
    bench = Bench()
    bench.permit("+16025551234", token="kiosk").release()
    for _ in range(10):
        assert bench.why("+16025551234", token="kiosk") == "rate"
    for _ in range(4):
        bench.permit("+16025551234").release()


def test_the_rules_are_those_of_the_configuration_that_new_calls_get() -> None:
    bench = Bench()
    old = bench.configuration.campaigns["own"]
    bench.configuration = loaded(CONFIGURATION.replace("+1 800 555 XXXX", "+1 888 555 XXXX"))
    assert isinstance(bench.guards.check(old, "+18005551234"), NotAllowed)
    assert isinstance(bench.guards.check(old, "+18885551234"), Permit)


def test_counts_that_are_over_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.switchboard.guards.MAX_SCOPES", 2)
    bench = Bench()
    bench.permit("+18005551234", "own").release()
    bench.now += 61
    bench.permit("+16025551234", token="kiosk").release()
    assert set(bench.guards._scopes) == {"", "token kiosk"}


@given(st.text(max_size=40), st.sampled_from(["plain", "own"]))
def test_whatever_is_asked_for_is_answered(to: str, campaign: str) -> None:
    assert isinstance(Bench().check(to, campaign), Permit | NotAllowed)
