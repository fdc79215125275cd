import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.loader import load
from softswitch.cli import main
from softswitch.route_test import MomentError, Route, RouteDestination, moment, route, walk, zone_of
from softswitch.route_test.slips import answer_problem
from tests.support.configurations import loaded

MONDAY = moment("2026-11-23 09:00", "America/Phoenix", now=0)


def routed(name: str, called: str, caller: str = "602 555 0100") -> Route:
    configuration = load(Path("config/examples") / name, {})
    return route(configuration, caller=caller, called=called, at=MONDAY)


def test_a_call_through_a_menu_lists_each_answer() -> None:
    found = routed("baby-fans.yaml", "866 683 1950")
    assert (found.caller, found.number, found.campaign) == (
        "+16025550100",
        "+18666831950",
        "Baby Fan Sale",
    )
    assert (found.publisher, found.pool, found.treatment) == ("p1", None, "baby-fans")
    assert found.parameters == (("media", "Internet"),)
    assert found.first_node is not None
    assert found.first_node.startswith('which-fan: "You have reached ACME baby fans.')
    assert found.refusal is None
    assert found.destinations == (
        RouteDestination(
            ("which-fan", "key 1", "infant-agent"),
            "+16025551234",
            "sip:+16025551234@127.0.0.1:5080",
            "carrier",
            "127.0.0.1:5080;transport=udp",
            "+16025550100",
            30.0,
        ),
        RouteDestination(
            ("which-fan", "key 2", "toddler-agent"),
            "+16026661234",
            "sip:+16026661234@127.0.0.1:5080",
            "carrier",
            "127.0.0.1:5080;transport=udp",
            "+16025550100",
            30.0,
        ),
    )


def test_the_number_called_is_kept_where_it_is_taken_as_it_is() -> None:
    found = routed("load.yaml", "sip:100001@127.0.0.1:5060", caller="sipp")
    assert (found.caller, found.called, found.pattern) == ("sipp", "100001", "1XXXXX")
    assert [one.uri for one in found.destinations] == ["sip:100001@127.0.0.1:5080"]
    assert found.first_node == "connect-1: not answered before the destination answers"


def test_each_destination_of_a_failover_has_its_own_trunk_and_ring_time() -> None:
    found = routed("failover.yaml", "+18666831970")
    assert [(one.trunk, one.ring_seconds) for one in found.destinations] == [
        ("carrier", 10.0),
        ("carrier", 20.0),
        ("backup", 30.0),
    ]
    assert {one.caller_id for one in found.destinations} == {"+18666831970"}


def test_a_number_that_is_not_live_is_refused() -> None:
    found = routed("quickstart.yaml", "8666839999")
    assert found == Route("+16025550100", "8666839999", refusal=404, why="the number is not active")
    assert found.lines()[-1] == "refused:     404: the number is not active"


def test_a_number_that_only_captures_is_refused_with_its_status() -> None:
    found = routed("transparent.yaml", "8666831961")
    assert (found.refusal, found.destinations) == (480, ())


TREATMENTS = """\
trunks: {a: 192.0.2.1}
campaigns: {c: start, d: {treatment: bye, publisher: x}, e: here, f: tone}
treatments:
  start: [goto: bye]
  bye: [{name: closed, hang_up: 486}]
  here:
    - goto: last
    - menu: {prompt: x, choices: {1: [{name: last, hang_up: }]}}
  tone: [play: {tone: busy}, connect: {to: called, on_failure: [play: x, goto: more]}]
  more: [connect: {to: sip:a@b, prompt: hold}, play: y, goto: tone]
numbers: {8666830001: c, 8666830002: d, 8666830003: e, 8666830004: f}
"""


@pytest.mark.parametrize(
    ("called", "refusal", "first"),
    [
        ("8666830001", 486, "closed"),
        ("8666830002", 486, "closed"),
        ("8666830003", 480, "last"),
        ("8666830004", None, "play-1: tone busy"),
    ],
)
def test_the_first_step_is_found_behind_jumps(called: str, refusal: int | None, first: str) -> None:
    found = route(loaded(TREATMENTS), caller="", called=called)
    assert (found.refusal, found.first_node) == (refusal, first)


def test_treatments_that_jump_to_each_other_are_read_once() -> None:
    found = route(loaded(TREATMENTS), caller="", called="8666830004")
    assert [(one.path, one.uri) for one in found.destinations] == [
        (("connect-1",), "sip:8666830004@192.0.2.1"),
        (("connect-1", "on failure", "goto-1", "more", "connect-1"), "sip:a@b"),
    ]


def test_a_very_long_list_of_destinations_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_DESTINATIONS", 1)
    assert len(routed("failover.yaml", "+18666831970").destinations) == 1


def test_the_json_form_says_the_same() -> None:
    found = routed("quickstart.yaml", "8666831950")
    data = json.loads(json.dumps(found.as_dict()))
    assert data["parameters"] == {"website": "example.com", "location": "footer"}
    assert data["pool"] == "web-ads"
    assert data["destinations"][0]["path"] == ["menu-1", "key 1", "connect-1"]
    assert data["refusal"] is None


def test_the_lines_are_for_people() -> None:
    lines = routed("quickstart.yaml", "8666831950").lines()
    assert lines[:9] == [
        "from:        +16025550100",
        "to:          8666831950",
        "number:      +18666831950",
        "campaign:    quickstart",
        "publisher:   p1",
        "pool:        web-ads",
        "parameter:   website = example.com",
        "parameter:   location = footer",
        "at:          2026-11-23 16:00 UTC",
    ]
    assert lines[-1] == (
        "destination: +16025555678 by trunk carrier (127.0.0.1:5080;transport=udp), "
        "caller id +16025550100, rings 30 s, at menu-1 > key 2 > connect-2"
    )


@pytest.mark.parametrize("text", ["", "\0", "x" * 100_000, "sip:", "sip:\r\nVia: x@h", "+"])
def test_any_text_may_be_asked_about(text: str) -> None:
    assert routed("load.yaml", text, caller=text).refusal == 404


# Decisions, at a moment.

DECIDED = """\
trunks: {a: 192.0.2.1}
hours:
  office: {open: Mon-Fri 8:00-17:00, time_zone: America/Phoenix}
regions:
  west: {states: [AZ, CA]}
lists:
  spam: [+1 602 555 0666]
campaigns:
  c:
    treatment: t
    hours: office
    after_hours: night
    regions: [west]
    blocked: {lists: [spam], then: busy}
  closed: {treatment: t, hours: office}
  first: {treatment: one, price: 5}
  second: {treatment: two, price: 9}
  resold: {syndicates: first}
treatments:
  t:
    - name: zip
      ask: {prompt: Zip?, kind: zip, on_failure: [connect: +1 602 555 0009]}
    - set: {score: 'length(answer.zip) * 2'}
    - name: bid
      lookup: {url: "http://h/x", fields: {price: number}, defaults: {price: 1}}
    - condition:
        cases:
          - {when: lookup.bid.price > 5, do: [connect: +1 602 555 0005]}
          - {when: var.score = 10, do: [connect: +1 602 555 0010]}
        else: [goto: question]
    - hang_up
    - name: question
      menu:
        prompt: Key?
        choices:
          1: [connect: +1 602 555 0001]
          2: [condition: {if: key = "2", then: [connect: +1 602 555 0002]}]
  night: [play: Closed., hang_up]
  one: [connect: {to: [+1 602 555 0001, +1 602 555 0002], choose: round_robin}]
  two: [distribute: {choose: price, campaigns: [first, {campaign: second2, price: 20}]}]
numbers:
  8666830001: c
  8666830002: closed
  8666830003: second
  8666830004: resold
"""
DECIDED = DECIDED.replace("  second: {", "  second2: {treatment: three}\n  second: {").replace(
    "  one: [", "  three: [transfer: sip:a@b, sms: x, connect: +1 602 555 0003]\n  one: ["
)


def decided(called: str = "8666830001", *, caller: str = "6025550100", **given: Any) -> Route:
    given.setdefault("at", MONDAY)
    return route(loaded(DECIDED), caller=caller, called=called, **given)


def dialled(found: Route) -> list[str]:
    return [one.number.removeprefix("+1602555") for one in found.destinations]


def test_a_call_goes_the_way_its_conditions_say() -> None:
    found = decided(answers={"zip": "85001"})
    assert dialled(found) == ["0010"]
    assert [(one.about, one.result) for one in found.decisions] == [
        ("blocked", None), ("hours", True), ("region", True),
        ("condition", False), ("condition", True),
    ]  # fmt: skip
    assert found.decisions[3].inputs == {"lookup.bid.price": {"number": "1"}}
    assert "the look-up is not made, its defaults are taken" in [one.text for one in found.notes]
    assert found.at == "2026-11-23 09:00 MST"


def test_a_field_of_a_look_up_may_be_given() -> None:
    found = decided(answers={"zip": "85001", "lookup.bid.price": "7.5"})
    assert dialled(found) == ["0005"]


def test_without_an_answer_both_ways_are_followed_and_without_a_key_all_choices() -> None:
    assert dialled(decided()) == ["0009", "0001", "0002"]
    assert dialled(decided(keys=["2"])) == ["0009", "0002"]
    assert dialled(decided(keys=["1"])) == ["0009", "0001"]
    found = decided(keys=["7"])
    assert dialled(found) == ["0009"]
    assert found.notes[-1].text == "there is no choice 7"


@pytest.mark.parametrize(
    ("called", "caller", "at", "treatment", "refusal", "why"),
    [
        ("8666830001", "6025550100", "2026-11-22 09:00", "night", None, None),
        ("8666830001", "2125550100", "2026-11-23 09:00", None, 480, "none of the regions"),
        ("8666830001", "6025550666", "2026-11-23 09:00", None, 486, "the caller is blocked"),
        ("8666830002", "6025550100", "2026-11-23 07:59", None, 480, "is closed"),
        ("8666830002", "6025550100", "2026-11-23 08:00", "t", None, None),
    ],
)
def test_what_meets_the_call_depends_on_caller_and_moment(
    called: str, caller: str, at: str, treatment: str | None, refusal: int | None, why: str | None
) -> None:
    found = decided(called, caller=caller, at=moment(at, "America/Phoenix", now=0))
    assert (found.treatment, found.refusal) == (treatment, refusal)
    assert why is None or why in str(found.why)
    assert found.refusal is None or found.destinations == ()


def test_the_campaign_with_the_highest_bid_is_followed() -> None:
    found = decided("8666830003")
    assert dialled(found) == ["0003"]
    assert [one.text for one in found.notes] == [
        "price: second2, first", "transfer to sip:a@b", "sms to +16025550100",
    ]  # fmt: skip


def test_a_syndicated_call_says_who_serves_it() -> None:
    found = decided("8666830004")
    assert (found.campaign, found.served_by) == ("resold", "first")
    assert dialled(found) == ["0001", "0002"]


def test_people_read_decisions_in_the_order_they_are_made() -> None:
    lines = decided(answers={"zip": "85001"}).lines()
    assert 'decision:    hours of c: open("office") is true' in lines
    assert lines.index("treatment:   t") < lines.index("note:        answer: 85001, at zip")
    assert (
        "decision:    condition of condition-1: var.score = 10 is true (var.score = 10), "
        "at condition-1" in lines
    )


def test_decisions_stand_in_the_json() -> None:
    data = json.loads(json.dumps(decided().as_dict()))
    assert data["decisions"][1]["inputs"] == {'open("office")': True}
    assert data["notes"][0]["path"] == ["zip"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-07-01 12:00", "2026-07-01T16:00:00+00:00"),
        ("2026-12-01T12:00", "2026-12-01T17:00:00+00:00"),
        ("2026-12-01T12:00-07:00", "2026-12-01T19:00:00+00:00"),
        ("2026-12-01T12:00Z", "2026-12-01T12:00:00+00:00"),
        ("9:30", "2026-03-01T14:30:00+00:00"),
    ],
)
def test_a_moment_is_read_by_the_clock_of_its_zone(text: str, found: str) -> None:
    now = datetime.fromisoformat("2026-03-02T01:00:00+00:00").timestamp()
    at = moment(text, "America/New_York", now=now)
    assert datetime.fromtimestamp(at, UTC).isoformat() == found


@pytest.mark.parametrize("text", ["", "noon", "25:00", "2026-13-01 12:00"])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(MomentError, match="is no time"):
        moment(text, "UTC", now=0)


def test_a_treatment_that_branches_without_end_is_walked_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(walk, "MAX_WALKED", 50)
    menus = "".join(
        f"    - menu: {{prompt: x, choices: {{1: [play: a{i}], 2: [play: b{i}]}}}}\n"
        for i in range(40)
    )
    text = "trunks: {a: h}\ncampaigns: {c: t}\nnumbers: {8666830001: c}\ntreatments:\n  t:\n"
    found = route(loaded(text + menus), caller="", called="8666830001")
    assert found.refusal is None


def test_a_moment_is_told_by_the_clock_of_the_campaign_that_is_called() -> None:
    configuration = loaded(DECIDED)
    assert zone_of(configuration, "8666830001") == "America/Phoenix"
    assert zone_of(configuration, "8666830003") == "UTC"
    assert zone_of(configuration, "unknown") == "UTC"


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        ((), 0, "treatment:   question"),
        (("--to", "8666839999"), 3, "refused:     404"),
        (("--at", "noon"), 2, '--at: "noon" is no time'),
        (("--answer", "zip"), 2, "--answer: expected NODE=VALUE"),
        (("--answer", "call.attestation=Z"), 2, 'call.attestation: "Z" is none of A, B, C'),
        (("--answer", "call.attestation=B"), 0, "treatment:   question"),
        (("--answer", "nosuch=5"), 2, '--answer: there is no step that asks "nosuch"'),
        (("--answer", "caller.stat=AZ"), 0, "treatment:   question"),
        (("--answer", "cal.attestation=A"), 2, 'no fact "cal.attestation" (did you mean "call.att'),
        (("--key", "2"), 0, "destination: +16025555678"),
        (("--key", "Z"), 2, '--key: "Z" is no key of a telephone'),
        (("--key", "2", "--key", "12"), 2, '--key: "12" is no key'),
        (("--key", ""), 2, '--key: "" is no key'),
        (("--json",), 0, '"treatment": "question"'),
    ],
)
def test_the_command_says_by_its_status_whether_the_call_would_be_served(
    more: tuple[str, ...], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = "config/examples/quickstart.yaml"
    words = ["route-test", file, "--from", "6025550100", "--to", "8666831950", *more]
    assert main(words) == status
    out = capsys.readouterr()
    assert told in (out.err if status == 2 else out.out)


ASKING = """
trunks: {a: h}
campaigns: {c: t}
treatments:
  t:
    - name: zip_code
      ask: {prompt: {tone: chime}, digits: 5}
    - name: bid
      lookup: {url: "http://h/", fields: {price: number}}
"""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("zip_code", ""),
        ("answer.zip_code", ""),
        ("lookup.bid.price", ""),
        ("binding.any", ""),
        ("attribute.any", ""),
        ("var.any", ""),
        ("zipcode", 'there is no step that asks "zipcode" (did you mean "zip_code"?)'),
        ("var", 'there is no step that asks "var"'),
        ("bid", 'there is no step that asks "bid"'),
        ("lookup.bid.prize", 'no fact "lookup.bid.prize" (did you mean "lookup.bid.price"?)'),
        ("answer.zip", 'no fact "answer.zip" (did you mean "answer.zip_code"?)'),
    ],
)
def test_an_answer_to_no_question_is_a_slip(name: str, problem: str) -> None:
    found = answer_problem(loaded(ASKING), {name: "1"})
    assert problem in found
    assert bool(found) == bool(problem)


def test_what_each_trunk_would_be_sent_is_told() -> None:
    found = routed("carriers.yaml", "8666831970")
    first, second = found.destinations
    assert (first.number, first.uri) == ("+16025551234", "sip:9011%236025551234@127.0.0.1:5080")
    assert first.shown_as == "<sip:16025550100@127.0.0.1>"
    assert first.fields == ("P-Asserted-Identity: <sip:16025550100@127.0.0.1>",)
    assert (second.number, second.uri) == ("+4930123456", "tel:+4930123456")
    assert second.shown_as == "<sip:0016025550100@127.0.0.1>"
    assert [field.partition(":")[0] for field in second.fields] == [
        "P-Asserted-Identity", "Diversion", "History-Info", "History-Info",
    ]  # fmt: skip
    lines = [line for line in found.lines() if line.startswith("destination")]
    assert "sent as tel:+4930123456; From: <sip:0016025550100@127.0.0.1>" in lines[1]


def test_nothing_is_told_of_what_a_trunk_without_forms_is_sent() -> None:
    found = routed("quickstart.yaml", "8666831950")
    assert "shown_as" not in found.as_dict()["destinations"][0]
    assert not any("sent as" in line for line in found.lines())


def test_numbers_are_read_as_the_trunk_writes_them(capsys: pytest.CaptureFixture[str]) -> None:
    path = "config/examples/carriers.yaml"
    to = ["--from", "6025550100", "--to", "9011#8666831970", "--at", "12:00"]
    assert main(["route-test", path, *to]) == 3
    assert "the number is not active" in capsys.readouterr().out
    assert main(["route-test", path, "--trunk", "carrier", *to]) == 0
    assert "number:      +18666831970" in capsys.readouterr().out
    assert main(["route-test", path, "--trunk", "nobody", *to]) == 2
    assert "abroad, carrier" in capsys.readouterr().err


SIGNING = """\
switch: {tls: {certificate: a.pem, key: a.key}}
stir: {sign: {key: s.key, certificate: s.pem, x5u: "https://us.example/s.pem"}}
trunks:
  carrier:
    address: "192.0.2.1:5061;transport=tls"
    srtp: required
    identity: {sign: true}
    headers: {set: {X-Account: "42-{campaign}"}}
numbers: {1000: {campaign: c, as_is: true}}
campaigns: {c: {treatment: t, trunk: carrier}}
treatments: {t: [connect: +1 602 555 5678]}
"""


def test_fields_a_signature_and_encryption_are_told() -> None:
    found = route(loaded(SIGNING), caller="602 555 0100", called="1000", at=MONDAY)
    (destination,) = found.destinations
    assert destination.headers == ("X-Account: 42-c",)
    assert (destination.signed, destination.srtp) == (True, "required")
    assert found.lines()[-1].endswith(", with X-Account: 42-c, signed, srtp required")
    assert found.as_dict()["destinations"][0]["srtp"] == "required"
