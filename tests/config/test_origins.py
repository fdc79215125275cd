"""An origin has one spelling, however an operator or a client writes it."""

import pytest

from config.origins import plain_origin
from tests.support.configurations import loaded


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("https://Host.example:443", "https://host.example"),
        ("http://host.example:80", "http://host.example"),
        ("http://host.example:443", "http://host.example:443"),
        ("https://host.example:8443", "https://host.example:8443"),
        ("https://[2001:db8::443]", "https://[2001:db8::443]"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]"),
        ("null", "null"),
    ],
)
def test_an_origin_is_spelt_as_browsers_do(written: str, plain: str) -> None:
    assert plain_origin(written) == plain


def test_a_listed_origin_may_name_the_port_that_it_has_anyway() -> None:
    configuration = loaded(
        "trunks: {a: 198.51.100.1}\nswitch:\n  listen:\n    - {name: a, address: 192.0.2.2}\n"
        "    - {name: w, address: '192.0.2.1:8088', transports: ws, origins: ['https://A.b:443']}\n"
    )
    assert configuration.switch.listeners[1].origins == ("https://a.b",)
