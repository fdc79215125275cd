"""Lists of numbers, called by the real program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.control import ControlPeer, Refused
from tests.support.rtp_end import DIGITS, PCMU
from tests.support.stage import FIRST, SECOND, Stage

MakeStage = Callable[..., Stage]

SECTIONS = """
originate: {to: ["+1602555*"]}
prompts:
  ding: {tone: chime}
"""


@contextmanager
def control(stage: Stage) -> Iterator[ControlPeer]:
    with ControlPeer(("127.0.0.1", stage.switch.control_port)) as peer:
        yield peer


def start(peer: ControlPeer, **params: Any) -> Any:
    return peer.ask("list.start", **{
        "list": "spring", "campaign": "menu", "treatment": "menu", "numbers": [FIRST, SECOND],
        **params,
    })  # fmt: skip


def test_who_presses_the_key_is_called_by_no_list_again_even_after_a_kill(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(sections=SECTIONS)
    with control(stage) as peer:
        peer.ask("events.subscribe", kinds=["list.*"])
        assert start(peer, opt_out_key="9", prompt="ding")["state"] == "running"
        first = stage.callee.expect_call()
        end = stage.rtp()
        assert first.invite is not None
        end.aim_by(first.invite.body)
        first.respond(200, end.sdp((PCMU, DIGITS)))
        first.expect("ACK")
        end.press("9")
        first.expect("BYE")
        assert peer.event("list.opted_out")["facts"] == {"list": "spring", "party": FIRST}
        stage.callee.expect_call().respond(486)
        ended = peer.event("list.ended")["facts"]
        assert (ended["answered"], ended["unanswered"]) == (1, 1)
        (state,) = peer.ask("list.status")["lists"]
        assert (state["state"], state["numbers"], state["left"]) == ("done", 2, 0)
    opted, _ = sorted(stage.switch.wait_for_records(2), key=lambda one: str(one["cause"]))
    assert opted["cause"] == "opted_out"
    assert opted["attributes"] == {"list": "spring"}
    stage.switch.kill()
    stage.switch.start()
    with control(stage) as peer:
        start(peer, numbers=[FIRST, SECOND])
        again = stage.callee.expect_call()
        assert again.invite is not None
        assert SECOND in again.invite.start_line
        again.respond(486)
        stage.callee.expect_no_call(during=0.2)
        assert peer.ask("list.opt_out", party="(602) 555-1111", called=True) == {
            "party": FIRST, "called": True,
        }  # fmt: skip
        start(peer, list="summer", numbers=[FIRST])
        stage.callee.expect_call().respond(486)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"campaign": "nobodys"}, "not_configured"),
        ({"treatment": "nobodys"}, "not_configured"),
        ({"second": FIRST}, "invalid_params"),
        ({"hours": "nobodys"}, "not_configured"),
        ({"prompt": "nobodys"}, "media_unavailable"),
        ({"numbers": []}, "invalid_params"),
        ({"at_once": 0}, "invalid_params"),
    ],
)
def test_what_cannot_be_done_is_said(stage: Stage, params: dict[str, Any], reason: str) -> None:
    with control(stage) as peer:
        with pytest.raises(Refused) as refused:
            start(peer, **params)
        assert refused.value.reason == reason
        assert peer.ask("list.status") == {"lists": []}


@pytest.mark.parametrize(
    "party", ["602-555-7703 Bob", "5557703", "+44", "+1602\r\n5557703", "\x00", "9" * 256, "bob"]
)
def test_nobody_opts_out_who_is_no_party(stage: Stage, party: str) -> None:
    with control(stage) as peer:
        with pytest.raises(Refused) as refused:
            peer.ask("list.opt_out", party=party)
        assert refused.value.reason == "invalid_params"


def test_an_address_opts_out_however_it_is_written(stage: Stage) -> None:
    with control(stage) as peer:
        told = peer.ask("list.opt_out", party="SIP:bob@Desk.example:5060;transport=UDP")
        assert told == {"party": "sip:bob@desk.example", "called": False}
        told = peer.ask("list.opt_out", party="sip:bob@desk.example", called=True)
        assert told == {"party": "sip:bob@desk.example", "called": True}


TOKENS = """
originate: {to: ["+1602555*"]}
control:
  tokens:
    all: {secret: 0123456789abcdef, roles: [control]}
    one: {secret: 0123456789abcdeg, roles: [control], campaigns: [direct]}
"""


def test_a_token_of_some_campaigns_takes_no_opt_out_back(make_stage: MakeStage) -> None:
    stage = make_stage(sections=TOKENS)
    with control(stage) as peer:
        peer.ask("auth", token="0123456789abcdeg")
        assert peer.ask("list.opt_out", party=FIRST) == {"party": FIRST, "called": False}
        with pytest.raises(Refused) as refused:
            peer.ask("list.opt_out", party=FIRST, called=True)
        assert refused.value.reason == "forbidden"
    with control(stage) as peer:
        peer.ask("auth", token="0123456789abcdef")
        assert peer.ask("list.opt_out", party=FIRST, called=True)["called"]
