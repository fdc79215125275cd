"""What people are shown of trunks and of a call, from answers of the switch."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from softswitch.commands.ctl import calls, overview
from softswitch.commands.ctl.output import Output
from softswitch.commands.ctl.verb import Run

TRUNK = {"trunk": "carrier", "address": "carrier.example:5060", "state": "up", "probe_status": 200}
SERVERS = [
    {"address": "192.0.2.1:5060", "transport": "udp", "state": "down", "probe_status": 0},
    {"address": "192.0.2.2:5060", "transport": "udp", "state": "up", "probe_status": 200},
]
LEG = {
    "leg": "a", "side": "calling", "state": "answered", "trunk": "carrier", "number": "+1602",
    "codec": "PCMU", "seconds": 3.0, "talk_seconds": 1.0, "srtp": "AES_CM_128_HMAC_SHA1_80",
}  # fmt: skip
CALL = {
    "call": "ab12" * 6, "state": "bridged", "campaign": "c", "caller": "+1602", "private": False,
    "called": "100", "seconds": 3.0, "record": {}, "legs": [LEG, {**LEG, "leg": "b", "srtp": None}],
}  # fmt: skip


class Desk:
    """The verbs, and a peer that has the answers."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.parsers: dict[str, tuple[Run, argparse.ArgumentParser]] = {}
        overview.add(self)
        calls.add(self)

    def add(self, name: str, run: Run, says: str) -> argparse.ArgumentParser:
        made = argparse.ArgumentParser(name, description=says)
        self.parsers[name] = run, made
        return made

    def ask(self, method: str, **_params: Any) -> Any:
        return self.answers[method]

    def run(self, *words: str) -> None:
        run, parser = self.parsers[words[0]]
        options = parser.parse_args(words[1:])
        assert run(options, self, Output(as_json=False)) == 0  # type: ignore[arg-type]


def test_each_server_of_a_trunk_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    plain = {**TRUNK, "trunk": "other", "servers": []}
    Desk({"trunk.list": {"trunks": [{**TRUNK, "servers": SERVERS}, plain]}}).run("trunks")
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    assert ["carrier", "192.0.2.1:5060", "udp", "down", "0"] in rows
    assert ["carrier", "192.0.2.2:5060", "udp", "up", "200"] in rows
    assert ["carrier", "carrier.example:5060", "up", "200"] in rows
    assert ["2", "trunks"] in rows
    assert ["2", "servers"] in rows


def test_trunks_without_servers_are_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    Desk({"trunk.list": {"trunks": [{**TRUNK, "servers": []}]}}).run("trunks")
    assert "servers" not in capsys.readouterr().out


def test_the_state_of_a_trunk_is_words(capsys: pytest.CaptureFixture[str]) -> None:
    away = {**TRUNK, "address": "192.0.2.9", "state": "not_connected", "servers": []}
    Desk({"trunk.list": {"trunks": [away]}}).run("trunks")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["carrier", "192.0.2.9", "not", "connected", "200"] in rows


def test_a_leg_shows_how_its_sound_is_encrypted(capsys: pytest.CaptureFixture[str]) -> None:
    Desk({"call.get": CALL}).run("call", "ab12" * 6)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    heads = next(row for row in rows if row[:1] == ["leg"])
    place = heads.index("srtp")
    shown = {row[0]: row[place] for row in rows if row[:1] in (["a"], ["b"])}
    assert shown == {"a": "AES_CM_128_HMAC_SHA1_80", "b": "no"}
