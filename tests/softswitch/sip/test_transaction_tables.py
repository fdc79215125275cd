"""The four state tables against the figures of RFC 3261 section 17 and RFC 6026."""

from __future__ import annotations

import itertools
from enum import IntEnum
from types import ModuleType

import pytest

from softswitch.sip.transaction import (
    client_invite,
    client_non_invite,
    server_invite,
    server_non_invite,
)

TABLES: list[ModuleType] = [client_invite, client_non_invite, server_invite, server_non_invite]

# Every arrow that leads to another state; all other pairs stay where they are.
ARROWS: dict[ModuleType, dict[tuple[str, str], str]] = {
    client_invite: {
        ("CALLING", "PROVISIONAL"): "PROCEEDING",
        ("CALLING", "SUCCESS"): "ACCEPTED",
        ("CALLING", "FAILURE"): "COMPLETED",
        ("CALLING", "TIMER_B"): "TERMINATED",
        ("CALLING", "TRANSPORT_ERROR"): "TERMINATED",
        ("PROCEEDING", "SUCCESS"): "ACCEPTED",
        ("PROCEEDING", "FAILURE"): "COMPLETED",
        ("COMPLETED", "TIMER_D"): "TERMINATED",
        ("COMPLETED", "TRANSPORT_ERROR"): "TERMINATED",
        ("ACCEPTED", "TIMER_M"): "TERMINATED",
    },
    client_non_invite: {
        ("TRYING", "PROVISIONAL"): "PROCEEDING",
        ("TRYING", "FINAL"): "COMPLETED",
        ("TRYING", "TIMER_F"): "TERMINATED",
        ("TRYING", "TRANSPORT_ERROR"): "TERMINATED",
        ("PROCEEDING", "FINAL"): "COMPLETED",
        ("PROCEEDING", "TIMER_F"): "TERMINATED",
        ("PROCEEDING", "TRANSPORT_ERROR"): "TERMINATED",
        ("COMPLETED", "TIMER_K"): "TERMINATED",
    },
    server_invite: {
        ("PROCEEDING", "SEND_SUCCESS"): "ACCEPTED",
        ("PROCEEDING", "SEND_FAILURE"): "COMPLETED",
        ("COMPLETED", "ACK"): "CONFIRMED",
        ("COMPLETED", "TIMER_H"): "TERMINATED",
        ("CONFIRMED", "TIMER_I"): "TERMINATED",
        ("ACCEPTED", "TIMER_L"): "TERMINATED",
    },
    server_non_invite: {
        ("TRYING", "SEND_PROVISIONAL"): "PROCEEDING",
        ("TRYING", "SEND_FINAL"): "COMPLETED",
        ("PROCEEDING", "SEND_FINAL"): "COMPLETED",
        ("COMPLETED", "TIMER_J"): "TERMINATED",
    },
}

# Pairs in which something is done without leaving the state.
BUSY_PAIRS: dict[ModuleType, set[tuple[str, str]]] = {
    client_invite: {
        ("CALLING", "TIMER_A"),
        ("PROCEEDING", "PROVISIONAL"),
        ("COMPLETED", "FAILURE"),
        # No figure has it; 16.7 lets a proxy pass on a 2xx after a refusal.
        ("COMPLETED", "SUCCESS"),
        ("ACCEPTED", "SUCCESS"),
    },
    client_non_invite: {
        ("TRYING", "TIMER_E"),
        ("PROCEEDING", "PROVISIONAL"),
        ("PROCEEDING", "TIMER_E"),
    },
    server_invite: {
        ("PROCEEDING", "REQUEST"),
        ("PROCEEDING", "SEND_PROVISIONAL"),
        ("COMPLETED", "REQUEST"),
        ("COMPLETED", "TIMER_G"),
        ("ACCEPTED", "SEND_SUCCESS"),
    },
    server_non_invite: {
        ("PROCEEDING", "REQUEST"),
        ("PROCEEDING", "SEND_PROVISIONAL"),
        ("COMPLETED", "REQUEST"),
    },
}


def name_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", TABLES, ids=name_of)
def test_every_state_knows_every_input(module: ModuleType) -> None:
    states: type[IntEnum] = module.State
    inputs: type[IntEnum] = module.Input
    assert set(module.TABLE) == set(itertools.product(states, inputs))


@pytest.mark.parametrize("module", TABLES, ids=name_of)
def test_the_arrows_are_those_of_the_figures(module: ModuleType) -> None:
    for (state, happened), (after, _) in module.TABLE.items():
        expected = ARROWS[module].get((state.name, happened.name), state.name)
        assert after.name == expected, (state.name, happened.name)


@pytest.mark.parametrize("module", TABLES, ids=name_of)
def test_whatever_is_no_arrow_and_no_action_of_the_figures_is_ignored(module: ModuleType) -> None:
    acting = {
        (state.name, happened.name)
        for (state, happened), (_, action) in module.TABLE.items()
        if action is not None
    }
    assert acting == set(ARROWS[module]) | BUSY_PAIRS[module]


@pytest.mark.parametrize("module", TABLES, ids=name_of)
def test_nothing_leaves_the_last_state(module: ModuleType) -> None:
    last = module.State.TERMINATED
    assert all(module.TABLE[last, happened] == (last, None) for happened in module.Input)
