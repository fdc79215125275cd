"""Who makes the offer, and how keys are told, as operators write them."""

from tests.support.configurations import loaded, told


def test_we_make_the_offer_and_send_tones_by_default() -> None:
    made = loaded("trunks: {carrier: 192.0.2.1, other: {address: 192.0.2.2}}\n").trunks
    assert {(trunk.offers, trunk.keys) for trunk in made.values()} == {("early", "tones")}


def test_both_can_be_otherwise() -> None:
    trunk = loaded("trunks: {c: {address: 192.0.2.1, offers: late, keys: info}}\n").trunks["c"]
    assert (trunk.offers, trunk.keys) == ("late", "info")


def test_other_words_are_told_with_those_there_are() -> None:
    found = "\n".join(told("trunks: {c: {address: 192.0.2.1, offers: never, keys: mouth}}\n"))
    assert "early or late" in found
    assert "tones or info" in found
