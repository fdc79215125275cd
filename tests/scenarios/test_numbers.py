"""Numbers activated and withdrawn while the switch runs, over reloads and restarts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.stage import DIRECT, POOLED, Stage

MakeStage = Callable[..., Stage]

FRESH = "+16025557777"


def peer_of(stage: Stage) -> ControlPeer:
    return ControlPeer(("127.0.0.1", stage.switch.control_port))


def refused(stage: Stage, number: str, status: int) -> None:
    """A call to a number is refused with a status."""
    stage.caller.invite(number, stage.rtp().sdp()).expect(status, within=10)


def reason(peer: ControlPeer, method: str, **params: object) -> str:
    with pytest.raises(Refused) as answer:
        peer.ask(method, **params)
    return str(answer.value.reason)


def test_a_number_is_live_from_its_activation_to_its_withdrawal_over_a_restart(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    refused(stage, FRESH, 404)
    with peer_of(stage) as peer:
        peer.ask("events.subscribe", kinds=["number.*"])
        wanted = {"number": "602 555 7777", "campaign": "direct", "publisher": "p7"}
        done = peer.ask("number.activate", **wanted)
        assert (done["number"], done["source"], done["live"]) == (FRESH, "activated", True)
        assert peer.event("number.activated")["facts"]["called_number"] == FRESH
        assert peer.ask("number.activate", **wanted) == done
        assert reason(peer, "number.activate", number=FRESH, campaign="menu") == "number_in_use"
    stage.bridge(FRESH).hang_up()
    assert stage.switch.wait_for_records(1)[0]["publisher"] == "p7"
    stage.switch.kill()
    stage.switch.start()
    stage.bridge(FRESH).hang_up()
    with peer_of(stage) as peer:
        assert peer.ask("number.list", source="activated")["numbers"] == [done]
        peer.ask("number.withdraw", number=FRESH)
        assert reason(peer, "number.withdraw", number=FRESH) == "number_not_found"
    refused(stage, FRESH, 404)


def test_a_number_of_the_configuration_is_withdrawn_and_brought_back(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        assert peer.ask("number.withdraw", number=DIRECT)["campaign"] == "direct"
        refused(stage, DIRECT, 404)
        peer.ask("config.reload")
        (line,) = peer.ask("number.list", source="withdrawn")["numbers"]
        assert (line["number"], line["campaign"], line["live"]) == (DIRECT, "direct", False)
    stage.switch.kill()
    stage.switch.start()
    refused(stage, DIRECT, 404)
    with peer_of(stage) as peer:
        back = peer.ask("number.activate", number=DIRECT, as_is=True)
        assert back["campaign"] == "direct"
    stage.bridge(DIRECT).hang_up()


def test_what_the_configuration_has_is_in_use(make_stage: MakeStage) -> None:
    stage = make_stage()
    with peer_of(stage) as peer:
        assert reason(peer, "number.activate", number=POOLED, campaign="menu") == "number_in_use"
        assert reason(peer, "number.activate", number="200001", campaign="direct", as_is=True) == (
            "number_in_use"
        )
        assert reason(peer, "number.activate", number="+1602555XXXX", campaign="direct") == (
            "invalid_params"
        )
        with pytest.raises(Refused, match="patterns stand in the configuration only"):
            peer.ask("number.activate", number="1xxxxx", campaign="direct")
        with pytest.raises(Refused, match="as_is: true"):
            peer.ask("number.activate", number="12", campaign="direct")
        with pytest.raises(Refused, match="nobody sees"):
            peer.ask("number.activate", number="sip:%00@x", campaign="direct")
        assert reason(peer, "number.activate", number=FRESH, campaign="none") == "not_configured"
        assert reason(peer, "number.activate", number=FRESH) == "invalid_params"
        assert reason(peer, "number.withdraw", number=POOLED) == "number_in_use"


def test_a_configuration_that_gets_the_number_goes_before_what_was_activated(
    make_stage: MakeStage,
) -> None:
    stage = make_stage()
    text = stage.switch.config.read_text()
    with peer_of(stage) as peer:
        peer.ask("number.activate", number=FRESH, campaign="direct")
        taken = text.replace("numbers:\n", f'numbers:\n  "{FRESH}": declined\n')
        stage.switch.config.write_text(taken)
        peer.ask("config.reload")
        refused(stage, FRESH, 603)
        lines = peer.ask("number.list")["numbers"]
        assert {(line["source"], line["live"]) for line in lines if line["number"] == FRESH} == {
            ("configuration", True), ("activated", False),
        }  # fmt: skip
        stage.switch.config.write_text(text)
        peer.ask("config.reload")
        stage.bridge(FRESH).hang_up()
        gone = text.replace("  direct: {treatment: direct, trunk: carrier}\n", "").replace(
            "campaign: direct", "campaign: menu"
        )
        stage.switch.config.write_text(gone)
        peer.ask("config.reload")
        refused(stage, FRESH, 404)
        assert peer.ask("number.activate", number=FRESH, campaign="short")["live"]
        stage.bridge(FRESH).hang_up()


def test_numbers_are_listed_page_by_page(stage: Stage) -> None:
    with peer_of(stage) as peer:
        seen: list[str] = []
        after = None
        while True:
            page = peer.ask("number.list", limit=5, **({"after": after} if after else {}))
            seen += [line["number"] for line in page["numbers"]]
            after = seen[-1]
            if not page["more"]:
                break
        assert seen == sorted(seen)
        there = peer.ask("config.show")["entries"]["numbers"]
        assert len(seen) == len(set(seen)) == there
        only = peer.ask("number.list", campaign="menu")["numbers"]
        assert [line["number"] for line in only] == ["200001"]
