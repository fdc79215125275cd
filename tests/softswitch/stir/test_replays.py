"""Signatures are good for one call."""

from softswitch.stir.replays import Replays


def test_a_signature_is_good_for_one_call() -> None:
    replays = Replays()

    assert not replays.is_copy(b"s", "call-1", until=160, now=100)
    assert replays.is_copy(b"s", "call-2", until=160, now=101)


def test_the_same_call_may_come_again() -> None:
    replays = Replays()
    replays.is_copy(b"s", "call-1", until=160, now=100)

    assert not replays.is_copy(b"s", "call-1", until=160, now=101)


def test_it_is_forgotten_when_nobody_would_believe_it() -> None:
    replays = Replays()
    replays.is_copy(b"s", "call-1", until=160, now=100)
    replays.is_copy(b"t", "call-2", until=260, now=161)

    assert len(replays) == 1


def test_no_more_than_so_many_are_remembered() -> None:
    replays = Replays(most=2)
    for number in range(5):
        replays.is_copy(bytes([number]), f"call-{number}", until=160, now=100)

    assert len(replays) == 2
    assert replays.is_copy(b"\x04", "another", until=160, now=100)
    assert not replays.is_copy(b"\x00", "another", until=160, now=100)
