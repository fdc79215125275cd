"""A peer of the control socket of a switch on the bench (`laboratory`), without sockets: what it
asks is answered by the methods themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from config.model import Configuration, OriginateRules, Prompt
from ringpool.lookup import NumberTable
from softswitch.control.access import ADMINISTRATOR, Access, Identity
from softswitch.control.desk import Desk
from softswitch.control.history import EventHistory
from softswitch.control.methods.all import all_methods
from softswitch.control.session import Session
from softswitch.routing.trunks import TrunkTable
from softswitch.switchboard.guards import Guards
from softswitch.switchboard.heeding import Heeding
from softswitch.switchboard.switchboard import Snapshot
from tests.support.laboratory import DIRECT, Laboratory


class DeskBench:
    """A switch, and one connection to its control socket."""

    def __init__(
        self,
        lab: Laboratory,
        *,
        originate: OriginateRules | None = None,
        prompts: Mapping[str, Prompt] | None = None,
    ) -> None:
        self.lab = lab
        self.configuration: Configuration = replace(
            lab.configuration, originate=originate, prompts=prompts or {}
        )
        lab.switchboard.snapshot = Snapshot(
            self.configuration, NumberTable(self.configuration), TrunkTable(self.configuration)
        )
        lab.switchboard.means.heeding = Heeding(lab.services.events)
        self.desk = Desk(
            switchboard=lab.switchboard,
            services=lab.services,
            history=EventHistory(lab.services.events, epoch="e1"),
            configuration=lambda: self.configuration,
            guards=Guards(lambda: self.configuration, lab.switchboard.calls, now=lab.loop.time),
        )
        self.access = Access()
        self.got: list[Any] = []
        self._session: Session | None = None

    def session(self, identity: Identity = ADMINISTRATOR) -> Session:
        """A connection of its own."""
        return Session(all_methods(), self.desk, self._send, access=self.access, identity=identity)

    async def _send(self, *messages: bytes) -> None:
        self.got += [json.loads(message) for message in messages]

    def begin(self, method: str, identity: Identity = ADMINISTRATOR, **params: Any) -> None:
        """Ask, without waiting for the answer; an administrator is one connection."""
        if identity is ADMINISTRATOR:
            session = self._session = self._session or self.session()
        else:
            session = self.session(identity)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.lab.begin(session.receive(json.dumps(request).encode()))
        self.lab.settle()

    def ask(self, method: str, identity: Identity = ADMINISTRATOR, **params: Any) -> Any:
        """The result, or the reason of the error."""
        before = len(self.got)
        self.begin(method, identity, **params)
        (answer,) = self.got[before:]
        return result_of(answer)

    def bridge(self, number: str = DIRECT) -> str:
        """A bridged call; its id."""
        self.lab.caller.invite(number)
        self.lab.settle()
        self.lab.callee.answer()
        self.lab.settle()
        return self.lab.call.call_id


def result_of(answer: Any) -> Any:
    """The result, or the reason of the error."""
    return answer["result"] if "result" in answer else answer["error"]["data"]["reason"]
