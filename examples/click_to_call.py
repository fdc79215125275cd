"""Click to call: has the switch call two parties and join them, and tells what becomes of it.

    python examples/click_to_call.py HOST:PORT CAMPAIGN FIRST SECOND [ORDER]

FIRST is called; when it has answered, SECOND is, and the two talk. ORDER is what the web page calls
this wish: run again with the same one, because the answer got lost say, nobody is called twice; a
call that goes on is followed, of one that is over is said that it is.
Nothing but Python is needed. Where the switch wants a token, it is in CONTROL_TOKEN.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

LATE_SECONDS = 2.0
"""How long the last events of a call that is over may be on their way."""


class Refused(Exception):
    """The switch says why it does not do something."""


class Switch:
    """One connection to the control socket: JSON-RPC 2.0, one message a line."""

    def __init__(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        self.peer = socket.create_connection((host, int(port)), 10)
        self.peer.settimeout(None)
        self.lines = self.peer.makefile("rwb")
        self.told: list[dict[str, Any]] = []

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a request; events that come before it are kept."""
        request = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
        self.lines.write(json.dumps(request).encode() + b"\n")
        self.lines.flush()
        while (message := json.loads(self.lines.readline())).get("id") != method:
            self.told.append(message["params"])
        if "error" in message:
            raise Refused(f"{method}: {message['error']['message']}")
        return message["result"]

    def events(self) -> Iterator[dict[str, Any]]:
        """What happens, as it happens."""
        while True:
            yield self.told.pop(0) if self.told else json.loads(self.lines.readline())["params"]


def main(address: str, campaign: str, first: str, second: str, order: str = "") -> None:
    """Place the call and follow it to its record."""
    switch = Switch(address)
    if "CONTROL_TOKEN" in os.environ:
        switch.ask("auth", token=os.environ["CONTROL_TOKEN"])
    switch.ask("events.subscribe", kinds=["call.*", "leg.*"], campaigns=[campaign])
    wish = {"attributes": {"order": order}, "idempotency_key": order} if order else {}
    call = switch.ask(
        "call.originate", campaign=campaign, first=first, second=second, time_limit=3600, **wish
    )["call"]
    try:
        switch.ask("call.get", call=call)
    except Refused:  # over: long since, or just now and its last events are still on the way
        switch.peer.settimeout(LATE_SECONDS)
    for event in switch.events():
        if event.get("call") != call:
            continue
        print(event["kind"], event["facts"].get("leg", ""), flush=True)
        if event["kind"] == "call.record":
            record = event["facts"]["record"]
            print(f"{record['ended_by']} {record['cause']}, talked {record['talk_seconds']:.1f} s")
            return


if __name__ == "__main__":
    try:
        main(*sys.argv[1:6])
    except TimeoutError:
        print("the call is over: who asked for it first was told how it ended")
    except Refused as refused:
        sys.exit(str(refused))
