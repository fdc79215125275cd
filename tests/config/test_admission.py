"""The section admission."""

from __future__ import annotations

import pytest

from config.errors import ConfigErrors
from config.model import Admission
from tests.support.configurations import MINIMAL, loaded, told


def test_nothing_said_is_a_switch_that_guards_itself_only() -> None:
    assert loaded(MINIMAL).admission == Admission(None, 0, 0.5, True)


def test_every_key_reaches_the_model() -> None:
    text = (
        MINIMAL + "admission: {calls_per_second: 7, free_ports: 8, loop_lag: 90 ms, backlog: no}\n"
    )
    assert loaded(text).admission == Admission(7, 8, 0.09, False)


def test_the_loop_may_be_as_late_as_it_likes() -> None:
    assert loaded(MINIMAL + "admission: {loop_lag: off}\n").admission.loop_lag_seconds is None


@pytest.mark.parametrize(
    "text", ["calls_per_second: 0", "free_ports: -1", "loop_lag: 1 ms", "backlog: perhaps", "x: 1"]
)
def test_nonsense_is_told(text: str) -> None:
    with pytest.raises(ConfigErrors, match=text.partition(":")[0]):
        loaded(MINIMAL + f"admission: {{{text}}}\n")


@pytest.mark.parametrize("kept", [5, 6, 10_000])
def test_a_switch_that_would_keep_all_its_ports_is_refused(kept: int) -> None:
    text = f"switch: {{rtp_ports: 20000-20009}}\nadmission: {{free_ports: {kept}}}\n"

    (found,) = told(text + MINIMAL)

    assert found.startswith(f"2:25: free_ports: {kept} of 5 pairs of media ports are kept"), found


def test_a_switch_may_keep_all_its_ports_but_one_pair() -> None:
    text = "switch: {rtp_ports: 20000-20009}\nadmission: {free_ports: 4}\n"
    assert loaded(text + MINIMAL).admission.free_ports == 4
