"""The header fields of calls out that are signed."""

from __future__ import annotations

from softswitch.switchboard.vouching import signed_headers


def test_nobody_writes_what_signatures_stand_in_beside_whoever_signs() -> None:
    told = (("X-A", "a"), ("identity", "rubbish"), ("Date", "yesterday"))

    made = signed_headers(told, ("one", "two"), 1289690940.0)

    assert made == (
        ("X-A", "a"),
        ("Identity", "one"),
        ("Identity", "two"),
        ("Date", "Sat, 13 Nov 2010 23:29:00 GMT"),
    )
