"""No length, count or depth is limited without saying why, and what is not limited is found."""

import pytest

from tests.support.limits import in_c, in_python, limits


def test_every_limit_has_its_reason_beside_it() -> None:
    assert [str(limit) for limit in limits() if not limit.why] == []


def test_limits_are_found_in_every_room_that_strangers_reach() -> None:
    paths = [limit.path for limit in limits()]
    for room in ("sip", "sdp", "transport", "control", "call", "traces"):
        assert any(path.startswith(f"softswitch/{room}/") for path in paths), room
    for room in ("rtp/engine/", "rtp/rtcp.py", "config/", "media/"):
        assert any(path.startswith(room) for path in paths), room
    assert len(paths) > 400


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# Enough.\nMAX_A = 1\n", "Enough."),
        ("MAX_A = 1  # enough\n", "enough"),
        ('MAX_A: int = 1\n"""Enough."""\n', "Enough."),
        ("# Enough.\n_MAX_B = 2\nMAX_A = 1\n", "Enough."),
        ("class C:\n    # Enough.\n    MAX_A = 1\n", "Enough."),
        ("MAX_A = 1\n", ""),
        ("# Enough.\n\nMAX_A = 1\n", ""),
        ("MAX_B = 1  # enough\nMAX_A = 1\n", ""),
    ],
)
def test_the_reason_in_python_is_above_beside_or_below(text: str, why: str) -> None:
    (limit,) = [limit for limit in in_python("x.py", text) if limit.name == "MAX_A"]
    assert limit.why == why


@pytest.mark.parametrize(
    ("text", "has_reason"),
    [
        ("/* Enough. */\n#define MAX_A 1\n", True),
        ("#define MAX_A 1 /* enough */\n", True),
        ("#define MAX_A 1\n", False),
        ("int x;\n#define MAX_A 1\n", False),
    ],
)
def test_the_reason_in_c_is_above_or_beside(text: str, has_reason: bool) -> None:
    (limit,) = in_c("x.c", text)
    assert bool(limit.why) == has_reason
