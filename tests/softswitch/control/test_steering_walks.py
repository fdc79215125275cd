"""Controllers that do anything at any moment, in sense and nonsense; whatever they did, every
request has its answer and every call leaves behind what a call leaves."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.softswitch.control.steering_bench import Bench, Connection
from tests.support.laboratory import laboratory

WALKS = 30
STEPS = 60

ERRORS = {
    "call_not_found", "call_ended", "not_in_control", "wrong_state", "leg_not_found",
    "limit_reached", "not_configured", "invalid_params", "destination_not_allowed",
    "too_many_requests", "media_unavailable", "not_supported",
}  # fmt: skip


def requests(chance: Random) -> tuple[str, dict[str, Any]]:
    """Something to ask for."""
    leg = chance.choice(("a", "b1", "b1", "b2", "b3"))
    if chance.random() < 0.02:
        treatment = chance.choice(("afterwards", "steered"))
        return chance.choice(
            (("call.release", {}), ("call.hangup", {}), ("call.route", {"treatment": treatment}))
        )
    sound = chance.choice(({"prompt": "short"}, {"prompt": "long"}, {"text": "Hello."}, {}))
    return chance.choice(
        (
            ("call.take", {}),
            ("call.answer", {}),
            ("call.ring", {}),
            ("call.play", {"leg": leg, "barge_in": chance.random() < 0.5, **sound}),
            ("call.play", {"leg": leg, "repeat": True, "prompt": "long"}),
            ("call.stop", {"leg": leg}),
            ("call.gather", {"leg": leg, "max": 2, "secret": chance.random() < 0.5, **sound}),
            ("call.dial", {"to": "+16025551234", "ring_seconds": 3}),
            ("call.dial", {"to": "+16025551234", "ring_seconds": 30}),
            ("call.dial", {"to": "+18005551234"}),
            ("call.bridge", {"leg": leg}),
            ("call.bridge", {"leg": "b1"}),
            ("call.unbridge", sound),
            ("call.leg_hangup", {"leg": leg}),
        )
    )


class Walk:
    """One call, two connections, and chance."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.chance = Random(seed)
        self.connections = [bench.connection(), bench.connection()]
        self.closed: list[Connection] = []

    def step(self) -> None:
        """Something happens."""
        lab, chance = self.bench.lab, self.chance
        what = chance.random()
        if what < 0.6:
            method, params = requests(chance)
            # The first has the call, mostly; the second is in its way.
            self.connections[chance.random() < 0.1].begin(method, **params)
        elif what < 0.72:
            lab.callee.answer()
        elif what < 0.75:
            lab.callee.hang_up()
        elif what < 0.77:
            lab.callee.refuse()
        elif what < 0.9:
            for call in tuple(lab.switchboard.calls.values()):
                if not call.ended:
                    chance.choice(call.legs).on_digit(chance.choice("123#"))
        elif what < 0.91:
            self.lose(chance.randrange(2))
        elif what < 0.915:
            lab.caller.hang_up()
        else:
            lab.advance(chance.choice((0.1, 1.0, 2.5)))
        lab.settle()

    def lose(self, number: int) -> None:
        """A connection is lost, another comes."""
        lost = self.connections[number]
        lost.close()
        self.closed.append(lost)
        self.connections[number] = self.bench.connection()


@pytest.mark.parametrize("seed", range(WALKS))
def test_whatever_controllers_do_is_answered_and_leaves_nothing_behind(
    seed: int, tmp_path: Path
) -> None:
    with laboratory(tmp_path / "data") as lab:
        bench = Bench(lab)
        walk = Walk(bench, seed)
        bench.offer()
        # In most walks somebody takes it at once, or little would happen.
        if seed % 5:
            walk.connections[0].ask("call.take")
        if seed % 3:
            walk.connections[0].ask("call.answer")
        for _ in range(STEPS):
            walk.step()
        lab.do(lambda: lab.switchboard.end_all("over"))
        lab.advance(130)
        for connection in walk.connections:
            assert len(connection.answers) == connection.asked
            told = {one for one in connection.answers.values() if isinstance(one, str)}
            assert told <= ERRORS
        assert bench.desk.holders == {}
        assert bench.steering.status()["offered"] == bench.steering.status()["steered"] == 0
        assert bench.steering.running == 0
