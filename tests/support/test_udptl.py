"""Packets of fax in datagrams, and what losses leave of them."""

from __future__ import annotations

import pytest

from tests.support.udptl import MalformedError, Receiver, Sender, parse

PACKETS = [bytes([number]) * (1 + number) for number in range(200)]


def received(datagrams: list[bytes], receiver: Receiver | None = None) -> list[tuple[int, bytes]]:
    receiver = receiver or Receiver()
    return [one for datagram in datagrams for one in receiver.take(datagram)]


def test_what_was_sent_is_received_once_and_in_order() -> None:
    sender = Sender()
    datagrams = [sender.frame(packet) for packet in PACKETS]
    assert received(datagrams) == list(enumerate(PACKETS))
    doubled = [one for datagram in datagrams for one in (datagram, datagram)]
    assert received(doubled) == list(enumerate(PACKETS))


def test_a_datagram_is_what_the_recommendation_says() -> None:
    sender = Sender(depth=2)
    assert sender.frame(b"\x02") == b"\x00\x00\x01\x02\x00\x00"
    assert sender.frame(b"\x06\x07") == b"\x00\x01\x02\x06\x07\x00\x01\x01\x02"
    third = b"\x00\x02\x81\x00" + bytes(256) + b"\x00\x02\x02\x06\x07\x01\x02"
    assert sender.frame(bytes(256)) == third


def test_as_many_in_a_row_are_healed_as_go_along() -> None:
    sender, receiver = Sender(depth=3), Receiver()
    datagrams = [sender.frame(packet) for packet in PACKETS]
    left = datagrams[:10] + datagrams[13:50] + datagrams[51:]
    assert received(left, receiver) == list(enumerate(PACKETS))
    assert (receiver.healed, receiver.missing) == (4, 0)


def test_more_than_that_are_missing() -> None:
    sender, receiver = Sender(depth=1), Receiver()
    datagrams = [sender.frame(packet) for packet in PACKETS[:10]]
    numbers = [number for number, _ in received(datagrams[:3] + datagrams[6:], receiver)]
    assert numbers == [0, 1, 2, 5, 6, 7, 8, 9]
    assert (receiver.healed, receiver.missing) == (1, 2)


def test_numbers_begin_anew_behind_the_last() -> None:
    sender, receiver = Sender(number=0xFFFF), Receiver(expected=0xFFFF)
    datagrams = [sender.frame(packet) for packet in PACKETS[:3]]
    numbers = [number for number, _ in received([datagrams[0], datagrams[2]], receiver)]
    assert numbers == [0xFFFF, 0, 1]


def test_parity_is_passed_over() -> None:
    assert parse(b"\x00\x05\x01\x06\x80\x01\x01\x01\x06") == (5, b"\x06", [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x00\x01\x05\x06",
        b"\x00\x01\x01\x06",
        b"\x00\x01\x01\x06\x40\x00",
        b"\x00\x01\x01\x06\x00\x01",
        b"\x00\x01\x01\x06\x00\x00\x00",
        b"\x00\x01\xc1\x06\x00\x00",
    ],
)
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(data)


def test_numbers_far_ahead_are_of_something_else() -> None:
    receiver = Receiver()
    assert receiver.take(b"\x80\x00\x01\x06\x00\x00") == []
    assert receiver.take(b"\x00\x00\x01\x06\x00\x00") == [(0, b"\x06")]
