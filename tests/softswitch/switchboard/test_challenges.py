"""Challenges that are answered are nothing; those that are not were tries in vain."""

from __future__ import annotations

import asyncio

import pytest

from softswitch.sip.events import RequestRefused
from softswitch.sip.flow import Flow
from softswitch.sip.message import Request, parse_message
from softswitch.switchboard import challenges
from softswitch.switchboard.challenges import Challenges


class Door:
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.challenges = Challenges(
            asyncio.get_running_loop(),
            lambda event, times: self.told.append((event.flow.host, times)),
        )

    def ask(self, host: str) -> None:
        request = parse_message(b"INVITE sip:1@h SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n")
        assert isinstance(request, Request)
        flow = Flow("udp", host, 5060)
        self.challenges.asked(RequestRefused(request, flow, 401, "credentials-needed"))


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges, "PATIENCE_SECONDS", 0.05)


async def test_silence_is_told_once_with_the_number_of_tries() -> None:
    door = Door()
    for host in ("a", "a", "b", "a"):
        door.ask(host)
    assert door.told == []
    await asyncio.sleep(0.2)
    assert door.told == [("a", 3), ("b", 1)]
    door.ask("a")
    await asyncio.sleep(0.2)
    assert door.told[2:] == [("a", 1)]


async def test_good_credentials_take_all_of_it_back() -> None:
    door = Door()
    for _ in range(50):
        door.ask("a")
    door.challenges.shown("a")
    door.challenges.shown("nobody")
    await asyncio.sleep(0.2)
    assert door.told == []


async def test_nobody_is_waited_for_at_the_end() -> None:
    door = Door()
    door.ask("a")
    door.challenges.close()
    await asyncio.sleep(0.2)
    assert door.told == []


async def test_in_a_flood_from_many_each_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges, "MAX_WAITING", 1)
    door = Door()
    for host in ("a", "b", "a"):
        door.ask(host)
    assert door.told == [("b", 1)]
    door.challenges.close()
