"""The ladder, drawn from what `trace.get` answers."""

from __future__ import annotations

from typing import Any

from softswitch.commands.ctl.ladder import ladder, mermaid, messages

INVITE = (
    "INVITE sip:100@127.0.0.1 SIP/2.0\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\r\n"
    "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
)


LADDER = """\
call ab12: 200 to 100, campaign news, 2026-11-22T08:00:00.000Z

                        leg a                          softswitch                     leg b1
                        192.0.2.1:5060                 10.0.0.1:5060                  192.0.2.2:5060
08:00:00.000            |----------- INVITE ---------->|                              |
                        |   PCMU/keys 192.0.2.1:4000   |                              |
08:00:00.001    +0.001  |<-------- 100 Trying ---------|                              |
08:00:00.002    +0.001  |                              | * call.presented leg=a called=100
08:00:00.003    +0.001  |                              |----------- INVITE ---------->|
                        |                              |   PCMU/keys 192.0.2.1:4000   |
08:00:00.500    +0.497  |                              |<---------- 200 OK -----------|
08:00:00.501    +0.001  |============== call.bridged leg=a other_leg=b1 ==============|
08:00:02.000    +1.499  |------- BYE (Q.850 16) ------>|                              |
08:00:02.001    +0.001  |<------- 200 OK (BYE) --------|                              |"""


def message(clock: float, direction: str, text: str, leg: str = "a", **more: str) -> dict[str, Any]:
    peer = {"a": "192.0.2.1:5060", "b1": "192.0.2.2:5060"}.get(leg, "192.0.2.9:5060")
    at = f"2026-11-22T08:00:0{clock:.3f}Z"
    sides = {"ours": "10.0.0.1:5060", "peer": peer, "transport": "udp"}
    return {
        "at": at, "clock": clock, "leg": leg, "direction": direction, "text": text, **sides, **more
    }  # fmt: skip


def event(clock: float, kind: str, **facts: Any) -> dict[str, Any]:
    return {"at": f"2026-11-22T08:00:0{clock:.3f}Z", "clock": clock, "event": kind, "facts": facts}


def response(status: str, method: str = "INVITE") -> str:
    return f"SIP/2.0 {status}\r\nCSeq: 1 {method}\r\n\r\n"


def trace(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"call": "ab12", "at": "2026-11-22T08:00:00.000Z", "campaign": "news", "called": "100"}
    return {**about, "caller": "200", "ended": True, "dropped": 0, "entries": entries, **more}


def test_arrows_go_from_the_caller_to_the_switch_and_on_with_media_below_them() -> None:
    drawn = ladder(
        trace(
            message(0.0, "in", INVITE),
            message(0.001, "out", response("100 Trying")),
            event(0.002, "call.presented", leg="a", called="100"),
            message(0.003, "out", INVITE, "b1"),
            message(0.500, "in", response("200 OK"), "b1"),
            event(0.501, "call.bridged", leg="a", other_leg="b1"),
            message(2.0, "in", "BYE sip:x SIP/2.0\r\nReason: Q.850;cause=16;text=x\r\n\r\n"),
            message(2.001, "out", response("200 OK", "BYE")),
        )
    )
    assert "\n".join(drawn) == LADDER


def test_a_retransmission_and_a_dropped_message_are_seen_to_be_such() -> None:
    drawn = "\n".join(
        ladder(
            trace(
                message(0.0, "in", INVITE),
                message(0.5, "in", INVITE),
                message(0.6, "drop", response("200 OK"), why="stray-response"),
            )
        )
    )
    assert drawn.count("INVITE") == 2
    assert drawn.count("INVITE (again)") == 1
    assert "200 OK (dropped: stray-response)" in drawn


def test_what_is_told_late_stands_where_it_happened() -> None:
    told = trace(event(2.0, "leg.talk"), event(1.0, "call.ended"), ended=True)
    drawn = ladder(told)
    assert [line.rpartition("* ")[2] for line in drawn[-2:]] == ["call.ended", "leg.talk"]


def test_events_may_be_left_out() -> None:
    told = trace(message(0.0, "in", INVITE), event(0.1, "call.answered", leg="a"))
    assert any("call.answered" in line for line in ladder(told))
    assert not any("call.answered" in line for line in ladder(told, events=False))


def test_a_call_in_progress_and_a_trace_that_is_full_say_so() -> None:
    drawn = ladder(trace(message(0.0, "in", INVITE), ended=False, dropped=7))
    assert drawn[0].endswith(", in progress")
    assert drawn[-1] == "7 more messages and events found no room"


def test_nothing_that_a_terminal_obeys_comes_through() -> None:
    sdp = "v=0\r\nc=IN IP4 \u202e\x1b[2J\r\nm=audio 1 RTP/AVP \x1b[5m\r\n"
    hostile = "\x1b[2J\x1b]0;owned\x07 sip:x SIP/2.0\r\nCall-ID: one\r\nX: \x1b[31m\r\n\r\n" + sdp
    told = trace(
        message(0.0, "in", hostile), event(0.1, "call.presented", caller="\x1b[5m"), called="\x07"
    )
    lines = [*ladder(told), *mermaid(told), *messages(told)]
    assert all(line.isprintable() for line in lines)


def test_a_dialog_of_which_nobody_knows_whose_it_is_has_a_column_of_its_own() -> None:
    drawn = ladder(trace(message(0.0, "out", INVITE, leg="")))
    assert "leg ?" in drawn[2]
    assert drawn[4].endswith("|----------- INVITE ---------->|")


def test_a_call_that_was_refused_has_two_columns_and_says_why() -> None:
    refused = event(0.2, "call.refused", called="999", source="192.0.2.1:5060", why="not active")
    drawn = ladder(trace(message(0.0, "in", INVITE), refused))
    assert drawn[-1].endswith(
        "|                              | * call.refused called=999 why=not active"
    )


def test_a_trace_without_a_message_is_drawn_too() -> None:
    assert ladder(trace(ended=False))[2].split() == ["leg", "a", "softswitch"]


def test_mermaid_has_a_participant_a_party_and_nothing_of_its_own_language_in_texts() -> None:
    lines = mermaid(
        trace(
            message(0.0, "in", INVITE),
            message(0.1, "out", "FOO#;<b> x\r\n\r\n", "b1"),
            event(0.2, "call.ended", cause="a;b"),
        )
    )
    assert lines == [
        "sequenceDiagram",
        "    participant leg_a as leg a 192.0.2.1:5060",
        "    participant softswitch as softswitch",
        "    participant leg_b1 as leg b1 192.0.2.2:5060",
        "    leg_a->>softswitch: INVITE<br/>PCMU/keys 192.0.2.1:4000",
        "    softswitch->>leg_b1: FOO b",
        "    Note over softswitch: call.ended cause=a b",
    ]


def test_whole_messages_stand_below_where_they_went() -> None:
    lines = list(messages(trace(message(0.0, "out", response("200 OK")), event(1.0, "call.ended"))))
    assert lines == [
        "-- 2026-11-22T08:00:00.000Z leg a 10.0.0.1:5060 -> 192.0.2.1:5060 udp",
        "SIP/2.0 200 OK",
        "CSeq: 1 INVITE",
        "",
        "",
        "-- 2026-11-22T08:00:01.000Z call.ended",
    ]
