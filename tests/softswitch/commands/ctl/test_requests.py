"""`ctl ask`: parameters of any name, and switches that do not say what they want."""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import threading
from typing import Any

import pytest

from softswitch.commands.ctl import requests
from softswitch.commands.ctl.output import Output
from softswitch.commands.ctl.peer import ANSWER_SECONDS, AwayError, Peer, Where
from softswitch.commands.ctl.verb import Run

CATALOGUE = {
    "methods": [
        {"name": "number.get", "params": [{"name": "number", "schema": {"type": "string"}}]},
    ]
}


class Verb:
    """Takes the verb, and has it asked of a switch that tells back what it was asked."""

    def __init__(self, *, discover: dict[str, Any]) -> None:
        self.discover = discover
        self.parser = argparse.ArgumentParser()
        requests.add(self)

    def add(self, name: str, run: Run, says: str) -> argparse.ArgumentParser:
        self.run = run
        return self.parser

    def _serve(self, server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                asked = json.loads(line)
                is_about = asked["method"] == "rpc.discover"
                body = self.discover if is_about else {"result": asked["params"]}
                answer = {"jsonrpc": "2.0", "id": asked["id"], **body}
                connection.sendall(json.dumps(answer).encode() + b"\n")

    def ask(self, *words: str) -> int:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(20)
            thread = threading.Thread(target=self._serve, args=(server,))
            thread.start()
            with Peer(Where(port=server.getsockname()[1])) as peer:
                status = self.run(self.parser.parse_args(words), peer, Output(as_json=True))
            thread.join(20)
        return status


@pytest.mark.parametrize("name", ["within", "method", "self", "written", "params"])
def test_a_parameter_may_have_any_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    verb = Verb(discover={"result": CATALOGUE})
    assert verb.ask("call.transfer", f"{name}=6", "to=x") == 0
    assert json.loads(capsys.readouterr().out) == {name: 6, "to": "x"}


def test_a_number_stays_text_where_the_catalogue_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert Verb(discover={"result": CATALOGUE}).ask("number.get", "number=602") == 0
    assert json.loads(capsys.readouterr().out) == {"number": "602"}


def test_without_a_catalogue_it_is_asked_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    refused = {"error": {"code": -32601, "message": "no such method"}}
    assert Verb(discover=refused).ask("call.transfer", "within=6") == 0
    assert json.loads(capsys.readouterr().out) == {"within": 6}


class Busy:
    """A switch that takes its time for the catalogue, by a clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def ask(self, _method: str, *, within: float = ANSWER_SECONDS) -> Any:
        if within < self.seconds:
            raise AwayError("not answered")
        return CATALOGUE


def test_the_catalogue_is_waited_for_as_long_as_the_answer() -> None:
    for seconds, number in (20.0, "602"), (requests.SLOW_SECONDS + 1, 602):
        busy: Any = Busy(seconds)
        assert requests.parameters(busy, "number.get", ["number=602"]) == {"number": number}
