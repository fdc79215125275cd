"""Transfers and redirections of a trunk, as operators write them."""

from tests.support.configurations import loaded, told


def test_nobody_is_moved_or_sent_elsewhere_by_default() -> None:
    made = loaded("trunks: {carrier: 192.0.2.1, other: {address: 192.0.2.2}}\n").trunks
    found = {(trunk.transfers, trunk.redirects) for trunk in made.values()}
    assert found == {("refuse", "refuse")}


def test_a_trunk_may_be_allowed_both() -> None:
    text = "trunks: {c: {address: 192.0.2.1, transfers: allow, redirects: follow}}\n"
    trunk = loaded(text).trunks["c"]
    assert (trunk.transfers, trunk.redirects) == ("allow", "follow")


def test_another_word_is_told_with_those_there_are() -> None:
    found = "\n".join(told("trunks: {c: {address: 192.0.2.1, transfers: yes}}\n"))
    assert "refuse or allow" in found
