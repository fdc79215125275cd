"""Packet time and comfort noise of trunks, as operators write them."""

import pytest

from tests.support.configurations import loaded, told


def trunk_text(text: str) -> str:
    return f"trunks: {{carrier: {{address: 192.0.2.1, {text}}}}}\n"


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 50, 60])
def test_a_packet_has_ten_to_sixty_milliseconds(ptime: int) -> None:
    made = loaded(trunk_text(f"ptime: {ptime} ms")).trunks["carrier"]
    assert made.ptime_ms == ptime


@pytest.mark.parametrize("wrong", ["5 ms", "25 ms", "70 ms", "20", "x", "[20 ms]", "0.0301 s"])
def test_any_other_packet_time_is_refused_with_those_there_are(wrong: str) -> None:
    assert "10, 20, 30, 40, 50 or 60 ms" in "\n".join(told(trunk_text(f"ptime: {wrong}")))


def test_nothing_is_said_of_packets_and_noise_by_default() -> None:
    made = loaded("trunks: {carrier: 192.0.2.1, other: {address: 192.0.2.2}}\n").trunks
    assert {(trunk.ptime_ms, trunk.comfort_noise) for trunk in made.values()} == {(None, False)}


def test_comfort_noise_can_be_allowed() -> None:
    assert loaded(trunk_text("comfort_noise: yes")).trunks["carrier"].comfort_noise
