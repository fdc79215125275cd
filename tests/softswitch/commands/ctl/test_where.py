"""Which switch is meant."""

import pytest

from softswitch.commands.ctl import _address
from softswitch.commands.ctl.peer import Where
from softswitch.commands.ctl.verb import WrongUsageError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8022", "127.0.0.1", 8022),
        ("switch.example.org", "switch.example.org", 8021),
        ("[::1]:8022", "::1", 8022),
        ("[::1]", "::1", 8021),
        ("::1", "::1", 8021),
    ],
)
def test_a_host_may_have_a_port(text: str, host: str, port: int) -> None:
    assert _address(text) == (host, port)


@pytest.mark.parametrize("text", ["", ":8021", "a:", "a:b", "a:0", "a:65536", "a:-1", "[]:1"])
def test_what_is_none_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsageError, match="is no host:port such as"):
        _address(text)


def test_a_switch_is_named_as_one_would_write_it() -> None:
    assert str(Where(host="::1", port=8021)) == "[::1]:8021"
    assert str(Where(host="a", port=1)) == "a:1"
