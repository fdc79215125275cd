"""Who guesses tokens is soon not listened to any more; who has the wrong one now and then is."""

from __future__ import annotations

import pytest

from softswitch.control import wrong_tokens
from softswitch.control.wrong_tokens import MAX_WRONG, WINDOW_SECONDS, WrongTokens

GUESSER = "192.0.2.1"


def guesses(wrong: WrongTokens, count: int, address: str = GUESSER, now: float = 100.0) -> None:
    for _ in range(count):
        wrong.add(address, now=now)


def test_an_address_waits_after_so_many_wrong_ones_until_the_minute_is_over() -> None:
    wrong = WrongTokens()
    guesses(wrong, MAX_WRONG - 1)
    assert wrong.wait(GUESSER, now=100.0) == 0.0
    guesses(wrong, 1, now=101.0)
    assert wrong.wait(GUESSER, now=101.0) == WINDOW_SECONDS - 1
    assert wrong.wait("192.0.2.2", now=101.0) == 0.0
    assert wrong.wait(GUESSER, now=100.0 + WINDOW_SECONDS) == 0.0


def test_each_minute_counts_for_itself() -> None:
    wrong = WrongTokens()
    for minute in range(5):
        guesses(wrong, MAX_WRONG - 1, now=minute * WINDOW_SECONDS)
        assert wrong.wait(GUESSER, now=minute * WINDOW_SECONDS) == 0.0


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("fe80::1%eth0", "fe80::2", "fe81::1"),
    ],
)
def test_a_network_of_ipv6_is_one_guesser(address: str, same: str, other: str) -> None:
    wrong = WrongTokens()
    guesses(wrong, MAX_WRONG, address)
    assert wrong.wait(same, now=100.0)
    assert not wrong.wait(other, now=100.0)


def test_nobody_is_counted_on_a_unix_socket() -> None:
    wrong = WrongTokens()
    guesses(wrong, MAX_WRONG, "")
    assert not wrong.wait("", now=100.0)


def test_only_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong_tokens, "MAX_ADDRESSES", 3)
    wrong = WrongTokens()
    guesses(wrong, MAX_WRONG, "192.0.2.9")
    for last in range(3):
        guesses(wrong, 1, f"192.0.2.{last}")
        guesses(wrong, 1, "192.0.2.9")
    assert len(wrong) == 3
    assert wrong.wait("192.0.2.9", now=100.0)
