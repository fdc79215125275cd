"""Fax over a trunk, as operators write it."""

from tests.support.configurations import loaded, told


def test_fax_is_not_passed_on_by_default() -> None:
    made = loaded("trunks: {a: 192.0.2.1, b: {address: 192.0.2.2}}\n").trunks
    assert {trunk.t38 for trunk in made.values()} == {False}


def test_a_trunk_may_have_fax_passed_on() -> None:
    assert loaded("trunks: {c: {address: 192.0.2.1, t38: yes}}\n").trunks["c"].t38


def test_another_word_is_told() -> None:
    assert "true, false or offer" in "\n".join(
        told("trunks: {c: {address: 192.0.2.1, t38: maybe}}\n")
    )


def test_a_trunk_may_have_the_switch_ask_for_fax() -> None:
    assert loaded("trunks: {c: {address: 192.0.2.1, t38: Offer}}\n").trunks["c"].t38 == "offer"
