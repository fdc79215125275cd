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


def test_a_silent_party_is_asked_after_a_minute_or_as_long_as_the_trunk_says() -> None:
    made = loaded(
        "trunks: {a: 192.0.2.1, b: {address: 192.0.2.2, silence_check: 30 s}, "
        "c: {address: 192.0.2.3, silence_check: off}}\n"
    ).trunks
    assert [trunk.silence_check_seconds for trunk in made.values()] == [60.0, 30.0, None]


def test_a_silent_party_is_not_asked_all_the_time() -> None:
    (found,) = told("trunks: {c: {address: 192.0.2.1, silence_check: 1 s}}\n")
    assert "5 s to 1 h" in found
