"""Encryption of sound and one port for RTP and RTCP, as operators write them."""

import pytest

from tests.support.configurations import loaded, told


@pytest.mark.parametrize("policy", ["off", "optional", "required"])
def test_a_trunk_says_whether_its_sound_is_encrypted(policy: str) -> None:
    made = loaded(f"trunks: {{carrier: {{address: 192.0.2.1, srtp: {policy}}}}}\n")
    assert made.trunks["carrier"].srtp == policy


def test_nothing_is_encrypted_and_no_port_shared_by_default() -> None:
    made = loaded("trunks: {carrier: 192.0.2.1, other: {address: 192.0.2.2}}\n").trunks
    assert {(trunk.srtp, trunk.rtcp_mux) for trunk in made.values()} == {("off", False)}


def test_one_port_for_rtp_and_rtcp_can_be_asked_for() -> None:
    assert loaded("trunks: {c: {address: 192.0.2.1, rtcp_mux: yes}}\n").trunks["c"].rtcp_mux


def test_another_word_is_told_with_those_there_are() -> None:
    found = "\n".join(told("trunks: {c: {address: 192.0.2.1, srtp: maybe}}\n"))
    assert "off, optional or required" in found
