"""Tokens: whom they stand for, from where, and what becomes of those that are taken away."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from softswitch.control.access import ADMINISTRATOR, Access, Identity, Token
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.wrong_tokens import MAX_WRONG, WINDOW_SECONDS

CRM = Token.of("crm", "s3cret", ("control",), ("sale",))
BOARD = Token.of("board", "b0ard", ("read",))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def reason(access: Access, secret: str, address: str = "192.0.2.1") -> ErrorCode:
    with pytest.raises(ControlError) as refused:
        access.admit(secret, address)
    return refused.value.code


def test_after_many_wrong_tokens_a_right_one_is_not_looked_at_for_a_while() -> None:
    clock = Clock()
    access = Access([CRM], now=clock)
    for _ in range(MAX_WRONG):
        assert reason(access, "guess") is ErrorCode.NOT_AUTHENTICATED
    assert reason(access, CRM.secret) is ErrorCode.TOO_MANY_REQUESTS
    assert access.admit(CRM.secret, "192.0.2.2").name == "crm"
    assert access.admit(CRM.secret, "").name == "crm"
    clock.now = WINDOW_SECONDS
    assert access.admit(CRM.secret, "192.0.2.1").name == "crm"


def test_right_tokens_are_never_counted() -> None:
    access = Access([CRM])
    for _ in range(3 * MAX_WRONG):
        assert access.admit(CRM.secret, "192.0.2.1") == CRM.identity


def test_who_has_lost_its_token_is_told_and_nobody_else() -> None:
    access = Access([CRM, BOARD])
    told: list[Collection[Identity]] = []
    access.on_gone.add(told.append)
    access.use([CRM, BOARD])
    assert told == []
    access.use([CRM])
    assert told == [{BOARD.identity}]
    assert access.identify(BOARD.secret) is None
    access.use([Token("other-secret", CRM.identity)])
    assert told[1:] == [{CRM.identity}]


def test_with_the_first_token_those_without_one_are_nobody() -> None:
    access = Access()
    told: list[Collection[Identity]] = []
    access.on_gone.add(told.append)
    access.use([CRM])
    assert told == [{ADMINISTRATOR}]
