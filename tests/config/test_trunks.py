import pytest

from config.model import Trunk
from tests.support.configurations import loaded, mistakes, told


def test_a_trunk_is_an_address_or_settings() -> None:
    found = loaded("""\
        trunks:
          short: 192.0.2.1:5062;transport=tcp
          long:
            address: "[2001:db8::1]:5080"
            sources: [192.0.2.7, 198.51.100.0/24]
            trusted: yes
            max_calls: 20
            pass_headers: [X-Click-Id, User-to-User]
            hold: local
            codecs: [pcma]
        """).trunks
    assert found["short"] == Trunk("short", "192.0.2.1", 5062, "tcp")
    assert found["long"] == Trunk(
        "long",
        "2001:db8::1",
        5080,
        sources=("192.0.2.7", "198.51.100.0/24"),
        trusted=True,
        max_calls=20,
        pass_headers=("X-Click-Id", "User-to-User"),
        hold="local",
        codecs=("PCMA",),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("trunks:\n  a: 1.2.3.4:x\n", "2:6: a: expected host:port"),
        ("trunks:\n  a: {trusted: yes}\n", '2:6: a trunk needs "address": host:port'),
        ("trunks:\n  a: [x]\n", "2:6: expected the settings of a trunk, not a list"),
        ("trunks:\n  a: {address: h, hold: no}\n", '2:25: hold: expected pass or local, not "no"'),
        ("trunks:\n  a: {address: h, max_calls: 0}\n", "2:30: max_calls: expected a whole number"),
        ("trunks:\n  '': h\n", "2:3: : a name has 1 to 100 printable characters"),
        ("trunks:\n  a:\n", "2:5: a: expected host:port"),
        ("trunks: h\n", '1:9: trunks: expected a mapping from names to settings, not "h"'),
        ("pools: {}\n", '1:1: the section "trunks" is missing'),
        ("trunks:\n", '1:8: the section "trunks" is missing'),
    ],
)
def test_mistakes_in_trunks(text: str, complaint: str) -> None:
    (found,) = told(text)
    assert found.startswith(complaint)


def test_every_bad_header_to_pass_is_told() -> None:
    assert len(mistakes("trunks: {a: {address: h, pass_headers: [Via, X-A, to, X-B, X-A]}}\n")) == 3
