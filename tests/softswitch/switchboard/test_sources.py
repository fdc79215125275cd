"""Which hosts may speak for whose calls."""

from __future__ import annotations

from tests.support.laboratory import DIRECT, HOSTS, Laboratory


def test_a_host_speaks_for_its_own_trunk_only(lab: Laboratory) -> None:
    sources = lab.switchboard.sources
    lab.caller.invite(DIRECT)
    lab.settle()
    leg = lab.call.caller
    own, other = HOSTS["caller"], HOSTS["callee"]
    assert sources.belongs(leg, own)
    assert not sources.belongs(leg, other)
    assert not sources.belongs(leg, "203.0.113.66")
    assert sources.belongs("agents", other)
    assert not sources.belongs("agents", own)
    # Of nobody's dialog no call depends.
    assert sources.belongs(None, own)
    assert not sources.belongs(None, "203.0.113.66")
    lab.caller.cancel()
    lab.settle()
