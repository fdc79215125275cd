"""Identifiers and random delays (RFC 3261 sections 8.1.1.7, 14.1 and 19.3)."""

from __future__ import annotations

from softswitch.sip.ids import BLOCK_DIGITS, Ids


def test_identifiers_do_not_repeat() -> None:
    ids = Ids()
    made = [make() for _ in range(500) for make in (ids.branch, ids.tag, ids.call_id)]
    assert len(set(made)) == len(made)


def test_a_branch_begins_with_the_cookie() -> None:
    """8.1.1.7: the branch ID MUST always begin with the characters "z9hG4bK"."""
    assert Ids().branch().startswith("z9hG4bK")


def test_a_tag_has_64_random_bits() -> None:
    """19.3: at least 32 bits of randomness."""
    tag = Ids().tag()
    assert len(tag) == 16
    int(tag, 16)


def test_blocks_are_used_up_and_drawn_anew() -> None:
    drawn: list[int] = []

    def source(count: int) -> bytes:
        drawn.append(count)
        return bytes([len(drawn)]) * count

    ids = Ids(source)
    first = ids.digits(BLOCK_DIGITS)
    second = ids.digits(2)
    assert (first[:2], second) == ("01", "02")
    assert drawn == [BLOCK_DIGITS // 2] * 2


def test_numbers_and_delays_stay_in_their_range() -> None:
    """14.1: a random value in units of 10 ms."""
    ids = Ids()
    assert {ids.number(0, 10) for _ in range(500)} == set(range(11))
    delays = [ids.seconds(2.1, 4.0) for _ in range(500)]
    assert min(delays) >= 2.1
    assert max(delays) <= 4.0
    assert all(abs(delay * 100 - round(delay * 100)) < 1e-9 for delay in delays)
