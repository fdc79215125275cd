"""JSON-RPC 2.0: the specification's own examples, and what hostile peers send."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.rpc import (
    MAX_BATCH,
    Lines,
    Rejected,
    Request,
    event_message,
    read_message,
    response,
    responses,
)


def read(text: str) -> list[Request | Rejected]:
    return read_message(text.encode())[0]


def only(text: str) -> Request | Rejected:
    (one,) = read(text)
    return one


def code(one: Request | Rejected) -> ErrorCode:
    assert isinstance(one, Rejected)
    return one.error.code


# Lines.


def test_lines_may_come_in_any_pieces() -> None:
    lines = Lines()
    assert lines.receive(b'{"a"') == []
    assert lines.receive(b":1}\r\n\r\n{}\n{") == [b'{"a":1}', b"{}"]
    assert lines.waiting == 1
    assert lines.receive(b"}\n") == [b"{}"]


@given(st.lists(st.binary(min_size=1, max_size=30).filter(lambda b: b"\n" not in b)), st.data())
def test_where_the_stream_is_cut_does_not_matter(texts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(text + b"\n" for text in texts)
    whole = Lines().receive(stream)
    lines, found, at = Lines(), [], 0
    while at < len(stream):
        end = data.draw(st.integers(at + 1, len(stream)))
        found += lines.receive(stream[at:end])
        at = end
    assert found == whole == [text.strip() for text in texts if text.strip()]


def test_a_line_without_end_is_refused_once_and_passed_over() -> None:
    lines = Lines(limit=100)
    found = [one for _ in range(50) for one in lines.receive(b"x" * 60)]
    assert [code(one) for one in found if isinstance(one, Rejected)] == [ErrorCode.LINE_TOO_LONG]
    assert lines.waiting <= 100
    assert lines.receive(b"the rest\n{}\n") == [b"{}"]


def test_a_line_that_comes_whole_and_is_too_long_is_refused() -> None:
    first, second = Lines(limit=100).receive(b"x" * 101 + b"\n{}\n")
    assert isinstance(first, Rejected)
    assert second == b"{}"


# Messages: section 7 of the specification.


def test_a_request_has_method_parameters_and_an_id() -> None:
    one = only('{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}')
    assert one == Request("subtract", [42, 23], 1)
    named = only('{"jsonrpc": "2.0", "method": "m", "params": {"a": 1}, "id": "x"}')
    assert named == Request("m", {"a": 1}, "x")


def test_a_notification_has_no_id() -> None:
    one = only('{"jsonrpc": "2.0", "method": "update"}')
    assert isinstance(one, Request)
    assert one.is_notification
    null = only('{"jsonrpc": "2.0", "method": "update", "id": null}')
    assert isinstance(null, Request)
    assert not null.is_notification


@pytest.mark.parametrize(
    "text",
    ['{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', "\x00\xff", "NaN", "{", ""],
)
def test_what_is_no_json_is_a_parse_error(text: str) -> None:
    assert code(only(text)) is ErrorCode.PARSE_ERROR


@pytest.mark.parametrize(
    "text",
    [
        '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
        '{"jsonrpc": "1.0", "method": "m"}',
        '{"method": "m"}',
        '{"jsonrpc": "2.0", "method": "m", "params": 1}',
        '{"jsonrpc": "2.0", "method": "m", "id": true}',
        '{"jsonrpc": "2.0", "method": "m", "id": [1]}',
        '{"jsonrpc": "2.0", "method": ""}',
        "[]",
        "1",
        '"text"',
        "null",
    ],
)
def test_what_is_no_request_is_an_invalid_one(text: str) -> None:
    assert code(only(text)) is ErrorCode.INVALID_REQUEST


def test_an_invalid_request_keeps_its_id() -> None:
    one = only('{"jsonrpc": "2.0", "method": 1, "id": 7}')
    assert isinstance(one, Rejected)
    assert one.id == 7


def test_a_batch_may_hold_good_and_bad() -> None:
    requests, is_batch = read_message(
        b'[{"jsonrpc":"2.0","method":"a","id":1}, 1, {"foo":"boo"}, {"jsonrpc":"2.0","method":"b"}]'
    )
    assert is_batch
    assert [type(one) for one in requests] == [Request, Rejected, Rejected, Request]


def test_a_batch_is_bounded() -> None:
    many = json.dumps([{"jsonrpc": "2.0", "method": "m"}] * (MAX_BATCH + 1))
    assert code(only(many)) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(("value", "identity"), [('"\\ud800"', "7"), ("1e999", '"a"')])
def test_what_cannot_be_read_of_a_request_is_answered_with_its_id(
    value: str, identity: str
) -> None:
    one = only(f'{{"jsonrpc": "2.0", "id": {identity}, "method": "m", "params": {{"x": {value}}}}}')
    assert code(one) is ErrorCode.PARSE_ERROR
    assert one.id == json.loads(identity)
    requests, is_batch = read_message(f'[{{"id": 1, "a": {value}}}, {{"id": 2}}, 3]'.encode())
    assert is_batch
    assert [(code(each), each.id) for each in requests] == [
        (ErrorCode.PARSE_ERROR, 1), (ErrorCode.PARSE_ERROR, 2), (ErrorCode.PARSE_ERROR, None),
    ]  # fmt: skip


@pytest.mark.parametrize("identity", ['"\\ud800"', "1e999", '["\\ud800"]', "NaN"])
def test_an_id_that_cannot_be_sent_back_is_none(identity: str) -> None:
    one = only(f'{{"id": {identity}, "a": "\\ud800"}}')
    assert code(one) is ErrorCode.PARSE_ERROR
    assert one.id is None


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_what_is_nested_without_end_is_refused(opening: str) -> None:
    for times in (1000, 100_000):
        one = only('{"jsonrpc":"2.0","method":"m","params":' + opening * times)
        assert code(one) in (ErrorCode.INVALID_REQUEST, ErrorCode.PARSE_ERROR)


@given(st.binary(max_size=200))
def test_nothing_that_is_sent_raises(line: bytes) -> None:
    requests, _ = read_message(line)
    assert requests
    for one in requests:
        if isinstance(one, Rejected):
            json.loads(response(one.id, one.error))


# Answers.


def decoded(data: bytes) -> Any:
    assert b"\n" not in data
    return json.loads(data)


def test_a_response_has_a_result_or_an_error() -> None:
    assert decoded(response(1, {"a": 1})) == {"jsonrpc": "2.0", "id": 1, "result": {"a": 1}}
    error = ControlError(ErrorCode.CALL_NOT_FOUND, "no such call", call="c1")
    assert decoded(response("x", error)) == {
        "jsonrpc": "2.0",
        "id": "x",
        "error": {
            "code": 100,
            "message": "no such call",
            "data": {"reason": "call_not_found", "call": "c1"},
        },
    }


def test_a_batch_of_notifications_is_not_answered() -> None:
    assert responses([]) == b""
    assert decoded(responses([response(1, 1), response(2, 2)]))[1]["id"] == 2


def test_an_event_is_a_notification() -> None:
    assert decoded(event_message("event", {"kind": "call.ended"})) == {
        "jsonrpc": "2.0",
        "method": "event",
        "params": {"kind": "call.ended"},
    }


def test_text_that_no_encoding_knows_still_goes_out() -> None:
    answer = decoded(response(1, {"user_agent": "caf\udce9", "facts": MappingProxyType({"a": 1})}))
    assert answer["result"] == {"user_agent": "caf?", "facts": {"a": 1}}


def test_codes_never_change() -> None:
    assert {one.name: int(one) for one in ErrorCode} == {
        "PARSE_ERROR": -32700, "INVALID_REQUEST": -32600, "METHOD_NOT_FOUND": -32601,
        "INVALID_PARAMS": -32602, "INTERNAL_ERROR": -32603, "LINE_TOO_LONG": -32000,
        "NOT_AUTHENTICATED": -32001, "FORBIDDEN": -32002, "TOO_MANY_REQUESTS": -32003,
        "SHUTTING_DOWN": -32004, "CALL_NOT_FOUND": 100, "CALL_ENDED": 101, "LEG_NOT_FOUND": 102,
        "WRONG_STATE": 103, "NOT_IN_CONTROL": 104, "TIMED_OUT": 105,
        "DESTINATION_NOT_ALLOWED": 106, "LIMIT_REACHED": 107, "NO_CAPACITY": 108,
        "MEDIA_UNAVAILABLE": 109, "CONFERENCE_NOT_FOUND": 110, "MONITOR_NOT_FOUND": 111,
        "POOL_NOT_FOUND": 200, "NUMBER_NOT_FOUND": 201,
        "NUMBER_IN_USE": 202, "POOL_UNAVAILABLE": 203, "CONFIGURATION_INVALID": 300,
        "NOT_CONFIGURED": 301, "NOT_SUPPORTED": 302, "DATABASE_AWAY": 303, "EVENTS_GONE": 400,
        "SUBSCRIPTION_NOT_FOUND": 401, "KEY_REUSED": 500,
    }  # fmt: skip
