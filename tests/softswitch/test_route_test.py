import json
from pathlib import Path

import pytest

from config.loader import load
from softswitch.route_test import MomentError, Route, RouteDestination, moment, route, walk
from tests.support.configurations import loaded


def routed(name: str, called: str, caller: str = "602 555 0100") -> Route:
    return route(load(Path("config/examples") / name, {}), caller=caller, called=called)


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
    found = routed("news-press.yaml", "8888695345")
    data = json.loads(json.dumps(found.as_dict()))
    assert data["parameters"] == {"website": "one", "location": "footer", "path": "home"}
    assert data["pool"] == "Ad Placement"
    assert data["destinations"][0]["path"] == ["right-number", "key 1", "transfer"]
    assert data["refusal"] is None


def test_the_lines_are_for_people() -> None:
    lines = routed("news-press.yaml", "8888695345").lines()
    assert lines[:8] == [
        "from:        +16025550100",
        "to:          8888695345",
        "number:      +18888695345",
        "campaign:    2011 Sale",
        "publisher:   news-press",
        "pool:        Ad Placement",
        "parameter:   website = one",
        "parameter:   location = footer",
    ]
    assert lines[-1] == (
        "destination: +18885551234 by trunk carrier (127.0.0.1:5080;transport=udp), "
        "caller id +16025550100, rings 30 s, at right-number > key 1 > transfer"
    )


@pytest.mark.parametrize("text", ["", "\0", "x" * 100_000, "sip:", "sip:\r\nVia: x@h", "+"])
def test_any_text_may_be_asked_about(text: str) -> None:
    assert routed("load.yaml", text, caller=text).refusal == 404
