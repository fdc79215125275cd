"""A process that is a SIP peer by sippy's stack (PyPI), whose SIP is none of ours: a user agent, a
registrar and a B2BUA at one UDP port. Run by tests/support/sippy_peer.py.

It does what lines of JSON on its standard input say, and tells what happened by lines `@{...}` on
its standard output; what it sends and receives goes to standard error. Sound is not its business:
session descriptions are given to it, or passed on as they came.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from sippy.CCEvents import (
    CCEventConnect,
    CCEventDisconnect,
    CCEventFail,
    CCEventRing,
    CCEventTry,
    CCEventUpdate,
)
from sippy.Core.EventDispatcher import ED2
from sippy.MsgBody import MsgBody
from sippy.SipConf import SipConf
from sippy.SipContact import SipContact
from sippy.SipHeader import SipHeader
from sippy.SipLogger import SipLogger
from sippy.SipTransactionManager import SipTransactionManager
from sippy.SipWWWAuthenticate import SipWWWAuthenticate
from sippy.UA import UA

REALM = "sippy.test"


def tell(event: str, **what: object) -> None:
    """A line to the test."""
    sys.stdout.write("@" + json.dumps({"event": event, **what}) + "\n")
    sys.stdout.flush()


class Bridged:
    """Two dialogs whose events go across: what a B2BUA is."""

    def __init__(self, peer: Peer, near: UA) -> None:
        self._peer = peer
        self._near = near
        self._far: UA | None = None
        near.event_cb = self.take

    def take(self, event: Any, agent: UA) -> None:
        """An event of one side is one for the other."""
        if agent is not self._near:
            tell("bridged", what=event.name)
            self._near.recvEvent(event)
            return
        if self._far is None:
            if not isinstance(event, CCEventTry):
                return
            self._far = self._peer.toward(event, self.take)
        tell("bridged", what=event.name)
        self._far.recvEvent(event)


class Peer:
    """All that the process is; everything runs in sippy's loop."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._agents: dict[str, UA] = {}
        self._names: dict[UA, str] = {}
        self._registered: dict[str, Any] = {}
        SipConf.my_uaname = "sippy"
        self._config: dict[str, Any] = {
            "_sip_address": settings["host"],
            "_sip_port": settings["port"],
            "_sip_logger": SipLogger("peer"),
        }
        self._config["_sip_tm"] = SipTransactionManager(self._config, self.request)

    # ---- what comes over SIP ----------------------------------------------------------------

    def request(self, request: Any, transaction: Any) -> Any:
        """A request outside of dialogs that there are."""
        method = request.getMethod()
        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "No Such Call"), None, None
        if method in self._settings["challenged"] and not self._is_proven(request):
            refused = request.genResponse(401, "Unauthorized")
            algorithm = self._settings["algorithm"]
            challenge = SipWWWAuthenticate(realm=REALM, algorithm=algorithm)
            refused.appendHeader(SipHeader(body=challenge))
            return refused, None, None
        if method == "REGISTER":
            return self._register(request), None, None
        if method == "OPTIONS":
            return request.genResponse(200, "OK"), None, None
        if method != "INVITE":
            return request.genResponse(501, "Not Implemented"), None, None
        return self._called(request, transaction)

    def _is_proven(self, request: Any) -> bool:
        if request.countHFs("authorization") == 0:
            return False
        shown = request.getHFBody("authorization")
        user, password = self._settings["login"]
        good = bool(shown.verify(password, request.getMethod())) and shown.username == user
        tell("credentials", good=good, algorithm=shown.algorithm, method=request.getMethod())
        return good

    def _register(self, request: Any) -> Any:
        contact = request.getHFBody("contact").getCopy()
        user = request.getHFBody("to").getUrl().username
        seconds = contact.address.params.get("expires")
        if seconds is None and request.countHFs("expires"):
            seconds = request.getHFBody("expires").getNum()
        seconds = 60 if seconds is None else int(seconds)
        taken = request.genResponse(200, "OK")
        if seconds > 0:
            self._registered[user] = contact.getUrl().getCopy()
            contact.address.params["expires"] = str(seconds)
            taken.appendHeader(SipHeader(name="contact", body=contact))
        else:
            self._registered.pop(user, None)
        tell("registered", user=user, seconds=seconds)
        return taken

    def _called(self, request: Any, transaction: Any) -> Any:
        agent = UA(self._config)
        if self._settings["bridge"]:
            Bridged(self, agent)
        else:
            self._name(f"in{len(self._agents)}", agent)
        return agent.recvRequest(request, transaction)

    def toward(self, event: Any, event_cb: Any) -> UA:
        """The second dialog of a call that is passed on: to who is registered, for what the phone
        calls, else to the phone."""
        host, port = self._settings["phone"]
        source = event.getData()[1]
        agent = UA(self._config, event_cb=event_cb, nh_address=(host, port))
        contact = next(iter(self._registered.values()), None)
        if contact is None or source in self._registered or source != self._settings["caller"]:
            return agent
        target = contact.getCopy()
        target.username = event.getData()[2]

        def aim(caller: UA) -> None:
            caller.rTarget = target

        event.onUacSetupComplete = aim
        agent.setNextHop((target.host, int(target.port or 5060)))
        return agent

    # ---- what the test says -----------------------------------------------------------------

    def _name(self, name: str, agent: UA) -> None:
        self._agents[name] = agent
        self._names[agent] = name
        agent.event_cb = self._happened

    def _happened(self, event: Any, agent: UA) -> None:
        data, told = event.getData(), {}
        if isinstance(event, CCEventTry):
            told = {"from": data[1], "to": data[2], "sdp": _text(data[3])}
        elif isinstance(event, CCEventUpdate):
            told = {"sdp": _text(data)}
        elif isinstance(event, CCEventConnect | CCEventRing):
            told = {"code": data[0], "sdp": _text(data[2])}
        elif isinstance(event, CCEventFail):
            told = {"code": data[0]}
        elif isinstance(event, CCEventDisconnect) and data is not None:
            told = {"also": str(data)}
        tell(event.name.removeprefix("CCEvent").lower(), id=self._names[agent], **told)

    def do(self, told: dict[str, Any]) -> None:
        """One command."""
        if told["do"] == "call":
            self._call(told)
            return
        agent = self._agents[told["id"]]
        body = MsgBody(told["sdp"]) if told.get("sdp") else None
        code = int(told.get("code") or 0)
        events = {
            "ring": lambda: CCEventRing((code or 180, "Ringing", body)),
            "answer": lambda: CCEventConnect((200, "OK", body)),
            "fail": lambda: CCEventFail((code, "Refused")),
            "update": lambda: CCEventUpdate(body),
            "hang_up": CCEventDisconnect,
        }
        agent.recvEvent(events[told["do"]]())

    def _call(self, told: dict[str, Any]) -> None:
        agent = UA(
            self._config,
            username=told.get("user"),
            password=told.get("password"),
            nh_address=tuple(told["by"]),
        )
        if told.get("algorithm"):
            agent.auth_enalgs = (told["algorithm"],)
        agent.lContact = SipContact()
        self._name(told["id"], agent)
        offer = MsgBody(told["sdp"]) if told.get("sdp") else None
        event = CCEventTry((None, told["from"], told["to"], offer, None, None))
        if told.get("replaces"):
            event.extra_headers = (SipHeader(f"Replaces: {told['replaces']}"),)
        agent.recvEvent(event)


def _text(body: Any) -> str:
    return "" if body is None else str(body)


def _read(peer: Peer) -> None:
    for line in sys.stdin:
        ED2.callFromThread(peer.do, json.loads(line))
    ED2.callFromThread(ED2.breakLoop)


def main() -> None:
    """Runs until standard input ends."""
    peer = Peer(json.loads(sys.argv[1]))
    threading.Thread(target=_read, args=(peer,), daemon=True).start()
    tell("ready")
    ED2.loop()


if __name__ == "__main__":
    main()
