"""The scanner keeps to loopback and to its time; what a storm did is judged."""

from __future__ import annotations

import socket
import sys

import pytest

from bench import scanner, storm
from bench.processes import Refused
from bench.storm import Half, Storm


def test_nobody_but_loopback_is_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["scanner", "192.0.2.1", "5060", "1", "1"])
    assert scanner.main() == 2


def test_it_sends_to_one_number_after_the_other_for_its_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        sent, answered = scanner.scan(victim.getsockname(), 0.2, 100)
        assert sent >= 1
        assert answered == 0
        victim.settimeout(5)
        assert victim.recv(4096).startswith(b"INVITE sip:100000000@")


def half(set_up: float = 8.0, loss: float = 0.0) -> Half:
    return Half((4.0, set_up), loss, 900.0, 20.0)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Storm(half(), half(set_up=250.0), 1), "250 ms"),
        (Storm(half(), half(loss=0.5), 1), "sound is lost"),
        (Storm(half(), half(), 0), "told of 0 times"),
    ],
)
def test_a_storm_that_is_noticed_is_refused(found: Storm, why: str) -> None:
    with pytest.raises(Refused, match=why):
        storm.judge(found)


def test_a_storm_that_nobody_notices_is_told() -> None:
    found = Storm(half(), half(), 1)
    storm.judge(found)
    assert "| stormy |" in storm.report(found)
    assert found.as_json()["bans"] == 1
