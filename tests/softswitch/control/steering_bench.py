"""A whole switch between two scripted phones, and connections that steer its calls."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from softswitch.call.services import LoadedPrompt
from softswitch.control.access import ADMINISTRATOR, Access, Identity
from softswitch.control.desk import Desk
from softswitch.control.history import EventHistory
from softswitch.control.methods.all import all_methods
from softswitch.control.session import Session
from softswitch.control.steering import Steering
from softswitch.switchboard.guards import Guards
from tests.support.laboratory import STEERED, Laboratory


class Sounds:
    """Every text is a short sound, `long` a long one; made when the test says so."""

    def __init__(self, lab: Laboratory) -> None:
        self._lab = lab
        self.made = asyncio.Event()
        self.made.set()

    async def spoken(self, text: str, switch: Any) -> LoadedPrompt:
        await self.made.wait()
        seconds = 10.0 if text == "long" else 0.02
        audio = self._lab.engine.load_prompt(bytes(int(seconds * 16000)))
        return LoadedPrompt(text, audio, seconds)

    async def file(self, name: str) -> LoadedPrompt:
        return await self.spoken(name, None)


class Connection:
    """One connection of a controller; requests side by side, their answers by number."""

    def __init__(self, bench: Bench, identity: Identity) -> None:
        self._bench = bench
        self._numbers = 0
        self.answers: dict[int, Any] = {}
        self.session = Session(
            all_methods(), bench.desk, self._send, access=Access(), identity=identity
        )

    @property
    def asked(self) -> int:
        """Requests so far."""
        return self._numbers

    async def _send(self, *messages: bytes) -> None:
        for message in messages:
            told = json.loads(message)
            answer = told["result"] if "result" in told else told["error"]["data"]["reason"]
            self.answers[told["id"]] = answer

    def begin(self, method: str, **params: Any) -> int:
        """Ask about the one call, without waiting for the answer; the number of the request."""
        self._numbers += 1
        params.setdefault("call", self._bench.call_id)
        request = {"jsonrpc": "2.0", "id": self._numbers, "method": method, "params": params}
        self._bench.lab.begin(self.session.receive(json.dumps(request).encode()))
        self._bench.lab.settle()
        return self._numbers

    def ask(self, method: str, **params: Any) -> Any:
        """The result of what takes no time, or the reason of its error."""
        return self.answers[self.begin(method, **params)]

    def close(self) -> None:
        """The connection is lost."""
        self._bench.lab.begin(self.session.close())
        self._bench.lab.settle()


class Bench:
    """The switch, and who steers its calls."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.desk = Desk(
            switchboard=lab.switchboard,
            services=lab.services,
            history=EventHistory(lab.services.events, epoch="e1"),
            configuration=lambda: lab.configuration,
            guards=Guards(lambda: lab.configuration, lab.switchboard.calls, now=lab.loop.time),
        )
        self.steering = self.desk.steering = Steering(self.desk.holders)
        lab.switchboard.means.nodes.controllers = self.steering
        self.sounds = Sounds(lab)
        self.desk.sounds = self.sounds
        self.call_id = ""

    def connection(self, identity: Identity = ADMINISTRATOR) -> Connection:
        """One more connection."""
        return Connection(self, identity)

    def offer(self, number: str = STEERED) -> str:
        """A call comes in and is offered."""
        self.lab.caller.invite(number)
        self.lab.settle()
        self.call_id = self.lab.call.call_id
        return self.call_id

    def taken(self) -> Connection:
        """A call that a connection has taken, and not answered yet."""
        self.offer()
        connection = self.connection()
        assert connection.ask("call.take")["state"] == "presented"
        return connection

    def answered(self) -> Connection:
        """A call that a connection has taken and answered."""
        connection = self.taken()
        assert connection.ask("call.answer") == {"call": self.call_id}
        return connection

    def dialled(self, connection: Connection) -> str:
        """A further leg that is up; its name."""
        number = connection.begin("call.dial", to="+16025551234")
        self.lab.callee.answer()
        self.lab.settle()
        told = connection.answers[number]
        assert told["outcome"] == "answered", told
        leg: str = told["leg"]
        return leg

    def bridged(self) -> tuple[Connection, str]:
        """The caller talks to a leg that the controller has called."""
        connection = self.answered()
        leg = self.dialled(connection)
        assert connection.ask("call.bridge", leg=leg) == {"call": self.call_id, "leg": leg}
        return connection, leg
