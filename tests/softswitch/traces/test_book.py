"""Which messages belong to which call, and that it is all bounded."""

from __future__ import annotations

from typing import Any

from softswitch.call.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallPresented,
    CallRecorded,
    CallRefused,
    LegOriginated,
)
from softswitch.traces import book as book_module
from softswitch.traces.book import CallBrief, TraceBook
from softswitch.traces.trace import MAX_TRACE_BYTES, CallTrace, SipMessage


class Told:
    """A clock, and what is told by it."""

    def __init__(self, book: TraceBook) -> None:
        self.book = book
        self.now = 0.0

    def message(self, sip_id: str, text: str = "INVITE", size: int = 0) -> CallTrace | None:
        self.now += 1
        data = f"{text} sip:x SIP/2.0\r\nCall-ID: {sip_id}\r\n\r\n".encode() + b"x" * size
        return self.book.on_message(
            SipMessage(self.now, "in", "udp", ("10.0.0.1", 5060), ("192.0.2.1", 5060), data)
        )

    def event(self, kind: type[CallEvent], call_id: str = "", **facts: Any) -> None:
        self.now += 1
        self.book.on_event(kind(call_id=call_id, number=1, at=self.now, clock=self.now, **facts))

    def presented(self, call_id: str, sip_id: str, **facts: Any) -> None:
        base: dict[str, Any] = {
            "leg": "a", "trunk": "carrier", "sip_call_id": sip_id, "source": "192.0.2.1:5060",
            "called": "100", "called_number": "+100", "caller": "+200", "signalling": {},
            "campaign": "news", "publisher": None, "pool": None, "parameters": {},
            "config_version": "1",
        }  # fmt: skip
        self.event(CallPresented, call_id, **{**base, **facts})

    def originated(self, call_id: str, sip_id: str, leg: str = "b1", trunk: str = "far") -> None:
        self.event(
            LegOriginated, call_id, leg=leg, trunk=trunk, sip_call_id=sip_id,
            from_number="+200", to_number="+300",
        )  # fmt: skip

    def refused(self, sip_id: str, trunk: str | None = "carrier") -> None:
        self.event(
            CallRefused, "", trunk=trunk, sip_call_id=sip_id, source="192.0.2.1:5060",
            called="100", caller="+200", status=404, why="not active",
        )  # fmt: skip

    def ended(self, call_id: str) -> None:
        self.event(CallEnded, call_id, ended_by="calling", cause="hung_up")

    def whole_call(self, call_id: str) -> None:
        self.message(call_id)
        self.presented(call_id, call_id)
        self.ended(call_id)


def tracing(what: str = "all", value: str = "", *, calls: int = 10, **more: Any) -> Told:
    told = Told(TraceBook(**more))
    told.book.order(what, value, calls=calls, until=1000.0)
    return told


def story(trace: CallTrace) -> list[str]:
    return [
        f"{entry.leg} {entry.data.split()[0].decode()}"
        if isinstance(entry, SipMessage)
        else entry.kind
        for entry in trace.entries
    ]


def test_a_call_is_traced_from_its_invite_to_the_answer_to_its_last_bye() -> None:
    told = tracing()
    told.message("one")
    told.presented("c1", "one")
    told.message("two")
    told.originated("c1", "two")
    told.message("two", "SIP/2.0")
    told.event(CallAnswered, "c1", leg="a", codec=None)
    told.message("one", "BYE")
    told.ended("c1")
    told.message("two", "SIP/2.0")
    told.event(CallRecorded, "c1", record={})
    trace = told.book.traces["c1"]
    assert story(trace) == [
        "a INVITE", "call.presented", "b1 INVITE", "leg.originated", "b1 SIP/2.0",
        "call.answered", "a BYE", "call.ended", "b1 SIP/2.0",
    ]  # fmt: skip
    assert (trace.campaign, trace.called, trace.caller) == ("news", "100", "+200")
    assert trace.ended


def test_a_message_says_whose_trace_it_went_into() -> None:
    told = tracing()
    assert told.message("one") is None
    told.presented("c1", "one")
    assert told.message("one", "ACK") is told.book.traces["c1"]


def test_only_the_calls_that_are_meant_are_traced() -> None:
    for what, value, is_meant in [
        ("number", "100", True),
        ("number", "+100", True),
        ("number", "+200", True),
        ("number", "+201", False),
        ("trunk", "carrier", True),
        ("trunk", "other", False),
    ]:
        told = tracing(what, value)
        told.whole_call("c1")
        assert ("c1" in told.book.traces) is is_meant, (what, value)


def test_a_call_that_is_meant_for_its_outbound_trunk_is_traced_with_its_caller() -> None:
    brief = CallBrief("news", "100", "+200", {"one": "a"})
    told = tracing("trunk", "far", find_call={"c1": brief}.get)
    told.message("one")
    told.presented("c1", "one")
    told.message("two")
    told.originated("c1", "two")
    trace = told.book.traces["c1"]
    assert story(trace) == ["a INVITE", "b1 INVITE", "leg.originated"]
    assert trace.campaign == "news"


def test_an_order_ends_after_its_calls_and_what_it_began_goes_on() -> None:
    told = tracing(calls=2)
    for call_id in ("c1", "c2", "c3"):
        told.message(call_id)
        told.presented(call_id, call_id)
    assert list(told.book.traces) == ["c1", "c2"]
    assert told.book.orders == {}
    assert told.book.wanted
    told.message("c1", "BYE")
    assert story(told.book.traces["c1"])[-1] == "a BYE"
    told.ended("c1")
    told.ended("c2")
    assert not told.book.wanted


def test_an_order_ends_after_its_time() -> None:
    told = tracing()
    told.book.expire(999.0)
    assert told.book.orders
    told.book.expire(1000.0)
    assert told.book.orders == {}


def test_a_call_in_progress_is_traced_from_now_on_with_the_legs_it_has() -> None:
    brief = CallBrief("news", "100", "+200", {"one": "a", "two": "b1"})
    told = Told(TraceBook(find_call={"c1": brief}.get))
    trace = told.book.begin("c1", at=0.0)
    assert told.book.begin("c1", at=5.0) is trace
    told.message("two", "BYE")
    told.message("three")
    told.originated("c1", "three", "b2")
    assert story(trace) == ["b1 BYE", "b2 INVITE", "leg.originated"]


def test_a_call_that_is_refused_has_a_trace_by_its_call_id() -> None:
    told = tracing("trunk", "carrier")
    told.message("one")
    told.message("one", "SIP/2.0")
    told.refused("one")
    told.refused("one")
    told.message("one", "ACK")
    trace = told.book.traces["one"]
    assert story(trace) == ["a INVITE", "a SIP/2.0", "call.refused", "a ACK"]
    assert trace.ended


def test_a_refused_call_of_nobody_is_traced_only_where_all_are() -> None:
    told = tracing("trunk", "carrier")
    told.refused("one", trunk=None)
    assert told.book.traces == {}
    told = tracing()
    told.refused("one", trunk=None)
    assert "one" in told.book.traces


def standing(calls: int) -> Told:
    told = Told(TraceBook())
    told.book.casual_calls = calls
    told.book.order("all", calls=0, until=float("inf"), standing=True)
    return told


def test_a_standing_order_keeps_the_last_calls() -> None:
    told = standing(3)
    for number in range(10):
        told.whole_call(f"c{number}")
    assert list(told.book.traces) == ["c7", "c8", "c9"]
    assert told.book.evicted == 7
    assert told.book.bytes == sum(trace.weight for trace in told.book.traces.values())


def test_a_call_that_somebody_asked_for_is_kept_beyond_the_standing_order() -> None:
    told = standing(2)
    told.book.order("number", "+200", calls=1, until=1000.0)
    for number in range(5):
        told.whole_call(f"c{number}")
    assert list(told.book.traces) == ["c0", "c3", "c4"]


def test_a_call_asked_for_while_it_goes_on_is_kept_too() -> None:
    told = standing(1)
    told.message("c0")
    told.presented("c0", "c0")
    told.book.begin("c0", at=0.0)
    for number in range(1, 4):
        told.whole_call(f"c{number}")
    assert list(told.book.traces) == ["c0", "c3"]


def test_messages_of_a_call_that_made_room_belong_to_nobody() -> None:
    told = standing(1)
    told.whole_call("c1")
    told.whole_call("c2")
    assert told.message("c1", "BYE") is None
    assert list(told.book.traces) == ["c2"]


def test_all_of_it_stays_below_a_bound_of_bytes() -> None:
    told = tracing(max_bytes=100_000, calls=1000)
    for number in range(200):
        told.message(f"c{number}", size=10_000)
        told.presented(f"c{number}", f"c{number}")
        assert told.book.bytes <= 100_000
    assert 5 <= len(told.book.traces) <= 10
    assert "c199" in told.book.traces


def test_one_call_that_sends_without_end_fills_its_trace_and_keeps_the_beginning() -> None:
    told = tracing()
    told.message("one")
    told.presented("c1", "one")
    for _ in range(2000):
        told.message("one", "INFO", size=1000)
    trace = told.book.traces["c1"]
    assert trace.weight <= MAX_TRACE_BYTES
    assert trace.dropped > 1000
    assert story(trace)[0] == "a INVITE"


def test_dialogs_of_which_nobody_is_told_wait_in_a_bounded_room() -> None:
    told = tracing()
    for number in range(book_module.MAX_WAITING * 2):
        for _ in range(3):
            told.message(f"d{number}")
    told.presented("old", "d0")
    told.presented("new", f"d{book_module.MAX_WAITING * 2 - 1}")
    assert story(told.book.traces["old"]) == ["call.presented"]
    assert story(told.book.traces["new"])[:3] == ["a INVITE"] * 3
    for _ in range(100):
        told.message("again")
    told.presented("again", "again")
    messages = told.book.traces["again"].messages
    assert messages == book_module.MAX_WAITING_MESSAGES


def test_a_message_without_a_call_id_is_nobodys() -> None:
    told = tracing()
    assert told.message("") is None
    told.presented("c1", "")
    assert story(told.book.traces["c1"]) == ["call.presented"]
