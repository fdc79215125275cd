"""Every kind of step, called through by its example in config/examples/nodes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.support.example_switch import CALLER, Example, accept, header
from tests.support.phone import Call
from tests.support.program import wait_for
from tests.support.rtp_end import digits_heard

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "examples" / "nodes"


@pytest.fixture
def example(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Example]]:
    made: list[Example] = []
    failed_before = request.session.testsfailed

    def make(name: str, **environment: str) -> Example:
        made.append(Example(tmp_path, EXAMPLES / f"{name}.yaml", **environment))
        return made[-1]

    yield make
    for one in made:
        one.close(failed=request.session.testsfailed > failed_before)


def test_play_speaks_the_value_of_the_number_that_was_called(
    example: Callable[..., Example],
) -> None:
    switch = example("play", SOFTSWITCH_LOG_LEVEL="debug")
    calling, near = switch.answered("+18666831951")
    near.wait_for_packets(20)
    calling.expect("BYE", within=15)
    record = switch.record()
    assert record["path"] == ["play-1", "play-2", "hang_up-1"]
    assert record["cause"] == "played"
    spoken = "You are interested in toddler fans."
    wait_for(spoken, lambda: spoken in switch.switch.output())


def test_menu_takes_the_choice_of_a_key(example: Callable[..., Example]) -> None:
    switch = example("menu")
    calling, near = switch.answered()
    near.wait_for_packets(10)
    near.press("1")
    called = switch.rings("16025551234")
    switch.takes(called)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["keys"] == ["1"]
    assert record["path"] == ["department", "connect-1"]


def test_ask_takes_answers_and_a_secret_stands_nowhere(example: Callable[..., Example]) -> None:
    switch = example("ask")
    calling, near = switch.answered()
    near.wait_for_packets(10)
    near.press("85001")
    near.wait_until_played()
    near.wait_for_packets(60)
    near.press("482915#")
    called = switch.rings("16025551234")
    assert header(called, "X-Zip") == "85001"
    assert header(called, "X-Pin") == "482915"
    switch.takes(called)
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["answers"] == {"zip": "85001", "pin": {"value": "", "secret": True}}
    assert record["keys"] == list("85001")
    assert [one["about"] for one in record["decisions"]] == ["valid"]
    assert "482915" not in json.dumps(record)
    assert "482915" not in switch.switch.output()
    for path in switch.switch.data.rglob("*"):
        assert not path.is_file() or b"482915" not in path.read_bytes(), path


def test_ask_says_no_to_an_answer_that_is_not_valid(example: Callable[..., Example]) -> None:
    switch = example("ask")
    calling, near = switch.answered()
    near.wait_for_packets(10)
    for _ in range(4):
        near.press("10001")
        near.wait_until_played()
        time.sleep(0.5)
    calling.expect("BYE", within=15)
    assert switch.record()["cause"] == "no-zip"


@pytest.mark.parametrize(
    ("hours", "caller", "destination"),
    [
        ("Mon-Sun 0:00-24:00", CALLER, "16025557777"),
        ("Mon-Sun 0:00-24:00", "+16025550101", "16025551234"),
        ("Mon-Sun 0:00-24:00", "+12125550101", None),
        ("Mon-Sun 3:00-3:01", "+16025550101", None),
    ],
    ids=["vip", "open", "too far", "closed"],
)
def test_condition_follows_what_holds(
    example: Callable[..., Example], hours: str, caller: str, destination: str | None
) -> None:
    switch = example("condition", OFFICE_HOURS=hours)
    calling, near = switch.call(user=caller)
    if destination is None:
        accept(calling, near)
        calling.expect("BYE", within=15)
        assert switch.record()["cause"] == "not-served"
        return
    called = switch.bridged(calling, near, destination)
    calling.bye()
    called.expect("BYE")
    decisions = switch.record()["decisions"]
    assert decisions[-1]["result"] is True
    assert decisions[0]["inputs"] == {'listed("vips")': caller == CALLER}


def test_set_computes_what_later_steps_use(example: Callable[..., Example]) -> None:
    switch = example("set")
    calling, near = switch.call()
    called = switch.rings("16025551234")
    assert header(called, "X-Score") == "50"
    switch.takes(called)
    accept(calling, near)
    calling.bye()
    called.expect("BYE")
    variables = switch.record()["variables"]
    assert variables["score"] == {"number": "50"}
    assert variables["tier"] == "gold"


class Bids(BaseHTTPRequestHandler):
    """Answers bids, and keeps what was asked."""

    answer: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((dict(self.headers), body))
        content = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def bids() -> Iterator[str]:
    Bids.asked = []
    Bids.answer = {"number": "602 555 1234", "price": 12.5, "open": True, "more": "dropped"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bids)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/bids"
    server.shutdown()
    thread.join()
    server.server_close()


def test_lookup_asks_who_takes_the_call(example: Callable[..., Example], bids: str) -> None:
    switch = example("lookup", BID_URL=bids)
    calling, near = switch.call()
    called = switch.bridged(calling, near, "16025551234")
    calling.bye()
    called.expect("BYE")
    (looked_up,) = switch.record()["lookups"]
    assert looked_up["fields"] == {
        "number": "602 555 1234",
        "price": {"number": "12.5"},
        "open": True,
    }
    (headers, body), *_ = Bids.asked
    assert json.loads(body)["state"] == "AZ"
    assert headers["X-Softswitch-Signature"].startswith("sha256=")


def test_lookup_takes_its_defaults_when_nobody_answers(example: Callable[..., Example]) -> None:
    switch = example("lookup", BID_URL="http://127.0.0.1:9/bids")
    calling, near = switch.call()
    called = switch.bridged(calling, near, "16025559999")
    calling.bye()
    called.expect("BYE")
    (looked_up,) = switch.record()["lookups"]
    assert (looked_up["ok"], looked_up["why"]) == (False, "unreachable")


def test_connect_asks_the_agent_before_the_caller_is_joined(
    example: Callable[..., Example],
) -> None:
    switch = example("connect")
    calling, near = switch.answered()
    first = switch.rings("16025551234")
    assert header(first, "X-Keyword") == "infant fans"
    far = switch.takes(first)
    far.wait_for_packets(100, within=10)
    far.press("2")
    first.expect("BYE", within=20)
    second = switch.rings("16025555678")
    far = switch.takes(second)
    far.wait_for_packets(100, within=10)
    assert digits_heard(far.arrivals) == "204"
    far.press("1")
    near.play(bytes(range(1, 161)) * 10)
    far.wait_for_packets(len(far.arrivals) + 20)
    calling.bye()
    second.expect("BYE")
    assert switch.record()["talk_seconds"] > 0
    wait_for("accepted", lambda: "leg.accepted" in switch.switch.output())
    assert switch.switch.output().count("leg.declined") == 1


def test_ring_group_rings_all_at_once_and_cancels_the_others(
    example: Callable[..., Example],
) -> None:
    switch = example("ring_group")
    calling, near = switch.call()
    group = {header_user(one): one for one in (switch.rings(""), switch.rings(""))}
    assert sorted(group) == ["+16025551111", "+16025552222"]
    winner, loser = group["+16025552222"], group["+16025551111"]
    loser.respond(180)
    switch.takes(winner)
    cancel = loser.expect("CANCEL", to="CANCEL")
    assert 'cause=200;text="Call completed elsewhere"' in cancel.all("reason")[0]
    loser.respond(200, request=cancel)
    loser.respond(487)
    accept(calling, near)
    calling.bye()
    winner.expect("BYE")
    assert switch.record()["ended_by"] == "calling"


def test_ring_group_goes_along_a_chain(example: Callable[..., Example]) -> None:
    switch = example("ring_group", GROUP_RING_TIME="1 s")
    calling, near = switch.call()
    for one in (switch.rings(""), switch.rings("")):
        one.respond(480)
    switch.rings("16025553333").respond(480)
    called = switch.bridged(calling, near, "16025554444")
    calling.bye()
    called.expect("BYE")
    assert switch.record()["path"] == ["ring_group-1", "chain"]


def header_user(called: Call) -> str:
    """The number that a call is for."""
    assert called.invite is not None
    return called.invite.uri.removeprefix("sip:").partition("@")[0]


def test_nearest_calls_the_store_next_to_the_zip(example: Callable[..., Example]) -> None:
    switch = example("nearest")
    calling, near = switch.answered()
    near.wait_for_packets(10)
    near.press("90401")
    called = switch.rings("12135551234")
    switch.takes(called)
    calling.bye()
    called.expect("BYE")
    (chosen,) = switch.record()["destinations"]
    assert chosen["policy"] == "nearest"
    assert chosen["destinations"] == ["+12135551234"]
    assert chosen["inputs"]["place"]["from"] == "zip"


def test_nearest_says_when_there_is_none(example: Callable[..., Example]) -> None:
    switch = example("nearest")
    calling, near = switch.answered()
    near.wait_for_packets(10)
    near.press("10001")
    calling.expect("BYE", within=15)
    assert switch.record()["cause"] == "too-far"


def test_distribute_gives_the_call_to_the_highest_bid_that_takes_it(
    example: Callable[..., Example],
) -> None:
    switch = example("distribute")
    calling, near = switch.call()
    called = switch.bridged(calling, near, "16025551234")
    calling.bye()
    called.expect("BYE")
    record = switch.record()
    assert record["campaign"] == "plumbers"
    assert record["distributed_from"] == "exchange"
    assert record["destinations"][0]["destinations"] == ["plumbers", "electricians"]


def test_send_dtmf_presses_keys_towards_the_caller(example: Callable[..., Example]) -> None:
    switch = example("send_dtmf")
    calling, near = switch.answered()
    calling.expect("BYE", within=10)
    assert digits_heard(near.arrivals) == "12#"
    assert switch.record()["cause"] == "sent"


def test_sms_asks_for_text_messages(example: Callable[..., Example]) -> None:
    switch = example("sms")
    calling, near = switch.call()
    called = switch.bridged(calling, near, "16025551234")
    calling.bye()
    called.expect("BYE")
    assert switch.record()["path"] == ["sms-1", "sms-2", "connect-1"]
    texts = ("Thank you for calling about infant fans.", f"{CALLER} called.")
    wait_for("both", lambda: all(text in switch.switch.output() for text in texts))


def test_transfer_sends_the_caller_elsewhere(example: Callable[..., Example]) -> None:
    switch = example("transfer")
    calling, _near = switch.answered()
    refer = calling.expect("REFER", to="REFER")
    assert "16025551234" in refer.all("refer-to")[0]
    calling.respond(202, request=refer)
    calling.send(
        "NOTIFY",
        b"SIP/2.0 200 OK\r\n",
        [
            ("Event", "refer"),
            ("Subscription-State", "terminated;reason=noresource"),
            ("Content-Type", "message/sipfrag"),
        ],
    )
    calling.expect(200, to="NOTIFY")
    calling.expect("BYE")
    assert switch.record()["cause"] == "transferred"


def test_transfer_goes_on_when_it_is_refused(example: Callable[..., Example]) -> None:
    switch = example("transfer")
    calling, _near = switch.answered()
    refer = calling.expect("REFER", to="REFER")
    calling.respond(603, request=refer)
    calling.expect("BYE", within=15)
    assert switch.record()["cause"] == "not-transferred"


def test_python_runs_a_coroutine_of_the_operators(example: Callable[..., Example]) -> None:
    switch = example("python")
    calling, near = switch.answered()
    near.wait_for_packets(10)
    near.press("7")
    called = switch.rings("16025551234")
    assert header(called, "X-Key") == "7"
    called.respond(486)
    calling.expect("BYE", within=15)
    record = switch.record()
    assert record["variables"] == {"key": "7"}
    assert record["cause"] == "after-greeting"


def test_hang_up_refuses_or_ends(example: Callable[..., Example]) -> None:
    switch = example("hang_up")
    calling, _ = switch.call()
    calling.expect(603)
    calling, near = switch.call("+18666831951")
    accept(calling, near)
    calling.expect("BYE", within=10)
    causes = [record["cause"] for record in switch.switch.wait_for_records(2)]
    assert causes == ["closed-for-good", "hang_up"]


def test_goto_leads_elsewhere(example: Callable[..., Example]) -> None:
    switch = example("goto")
    calling, near = switch.answered()
    near.wait_for_packets(10)
    near.press("1")
    calling.expect("BYE", within=10)
    record = switch.record()
    assert record["path"] == ["goto-1", "question", "goto-2", "hang_up-1"]
    assert record["cause"] == "arrived"


def test_there_is_an_example_of_every_kind_of_step() -> None:
    from config.steps import BUILDERS

    # A variant is named after its step: menu-spoken.
    assert {path.stem.partition("-")[0] for path in EXAMPLES.glob("*.yaml")} == set(BUILDERS)
