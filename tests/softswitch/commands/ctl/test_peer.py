"""The connection of ctl, against peers that behave badly."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from softswitch.commands.ctl.peer import AwayError, Peer, RefusedError, Where

Behaviour = Callable[[socket.socket], None]


@contextlib.contextmanager
def switch(behaves: Behaviour) -> Iterator[Where]:
    """Something that listens; one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(20)
                behaves(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Where(host="127.0.0.1", port=server.getsockname()[1])
        finally:
            thread.join(20)


def says(*lines: bytes) -> Behaviour:
    """Reads one request, then says these lines and waits for the end."""

    def behave(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"".join(lines))
        connection.recv(1)

    return behave


def answer(number: int, **body: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, **body}).encode() + b"\n"


def event(number: int) -> bytes:
    told = {"jsonrpc": "2.0", "method": "event", "params": {"number": number}}
    return json.dumps(told).encode() + b"\n"


def test_events_between_a_request_and_its_answer_wait_in_their_order() -> None:
    lines = [event(1), event(2), answer(1, result="done"), event(3)]
    with switch(says(*lines)) as where, Peer(where) as peer:
        assert peer.ask("any") == "done"
        told = [peer.told(5.0) for _ in range(3)]
        assert [one and one["params"]["number"] for one in told] == [1, 2, 3]
        assert peer.told(0.01) is None


def test_an_answer_in_pieces_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answer(1, result="x" * 200_000)

    def behave(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        for place in range(0, len(whole), 40_000):
            connection.sendall(whole[place : place + 40_000])
        connection.recv(1)

    with switch(behave) as where, Peer(where) as peer:
        assert len(peer.ask("any")) == 200_000


def test_an_error_is_told_with_its_reason() -> None:
    error = {"code": 100, "message": "no such call", "data": {"reason": "call_not_found"}}
    with switch(says(answer(1, error=error))) as where, Peer(where) as peer:
        with pytest.raises(RefusedError, match="no such call") as refused:
            peer.ask("call.get", call="x")
        assert (refused.value.code, refused.value.reason) == (100, "call_not_found")


def test_a_switch_that_does_not_answer_is_given_up() -> None:
    with (
        switch(says()) as where,
        Peer(where) as peer,
        pytest.raises(AwayError, match=r"any was not answered within 0\.1 s"),
    ):
        peer.ask("any", within=0.1)


def test_who_waits_for_an_answer_is_told_so_once() -> None:
    told: list[str] = []

    def behave(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(event(1))
        time.sleep(1.3)
        connection.sendall(answer(1, result="late"))
        connection.recv(1 << 16)
        connection.sendall(answer(2, result="soon"))
        connection.recv(1)

    with switch(behave) as where, Peer(where, on_waiting=lambda: told.append("told")) as peer:
        assert peer.ask("any") == "late"
        assert told == ["told"]
        assert peer.ask("any") == "soon"
        assert told == ["told"]


@pytest.mark.parametrize("line", [b"HTTP/1.1 400\r\n", b"[1]\n", b"\xff\n", b"\n"])
def test_what_speaks_otherwise_is_no_switch(line: bytes) -> None:
    with (
        switch(says(line)) as where,
        Peer(where) as peer,
        pytest.raises(AwayError, match="what answers there is no switch"),
    ):
        peer.ask("any")


def test_a_token_that_is_refused_closes_the_connection() -> None:
    error = {"code": -32001, "message": "the token is not known"}
    with switch(says(answer(1, error=error))) as where:
        known = Where(host=where.host, port=where.port, token="secret-secret-secret")
        assert "secret" not in repr(known)
        with pytest.raises(RefusedError, match="the token is not known"):
            Peer(known)


def test_a_folder_in_place_of_a_socket_is_nobody(tmp_path: Path) -> None:
    with pytest.raises(AwayError, match="no switch answers at"):
        Peer(Where(tmp_path))
    with pytest.raises(AwayError):
        Peer(Where(tmp_path / ("x" * 200)))
