"""Until when certificates are good."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.transport.expiry import ends_of
from tests.support.certificates import CERTIFICATE, KEY, certificate_until


def test_a_year_of_four_digits_is_read() -> None:
    """RFC 5280 section 4.1.2.5: from 2050 on they are written as GeneralizedTime."""
    assert ends_of(CERTIFICATE.encode()) == [
        datetime(2126, 10, 29, 5, 7, 50, tzinfo=UTC).timestamp()
    ]


@pytest.mark.parametrize("days", [-3, 1, 400])
def test_a_year_of_two_digits_is_read(days: float) -> None:
    (end,) = ends_of(certificate_until(days).encode())
    assert end == pytest.approx(time.time() + days * 86400, abs=60)


def test_each_certificate_of_a_chain_counts_and_a_key_does_not() -> None:
    chain = certificate_until(10) + KEY + CERTIFICATE
    assert len(ends_of(chain.encode())) == 2


@given(st.binary(max_size=60), st.integers(0, 500))
def test_what_is_no_certificate_is_left_out(noise: bytes, place: int) -> None:
    whole = CERTIFICATE.encode()
    place %= len(whole)
    assert len(ends_of(whole[:place] + noise + whole[place:])) <= 1
    assert ends_of(noise) == []
