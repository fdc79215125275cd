"""Steers calls from outside: takes those that are offered, asks, calls an agent, bridges.

    python examples/controller.py HOST:PORT NUMBER-OF-THE-AGENT

Nothing but Python is needed. Where the switch wants a token, it is in CONTROL_TOKEN.
"""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any


class Switch:
    """One connection to the control socket: JSON-RPC 2.0, one message a line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.numbers = itertools.count(1)
        self.asked: dict[int, asyncio.Future[Any]] = {}
        self.talking: set[str] = set()

    async def ask(self, method: str, **params: Any) -> Any:
        """The result of a request; raises RuntimeError."""
        number = next(self.numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.asked[number] = asyncio.get_running_loop().create_future()
        self.writer.write(json.dumps(request).encode() + b"\n")
        return await self.asked[number]

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What happens, as it happens; answers on the way go to who has asked."""
        async for line in self.reader:
            message = json.loads(line)
            if message.get("method") == "event":
                yield message["params"]
            elif "error" in message:
                self.asked.pop(message["id"]).set_exception(RuntimeError(message["error"]))
            elif "id" in message:
                self.asked.pop(message["id"]).set_result(message["result"])


async def serve(switch: Switch, call: str, number: str) -> None:
    """A call is offered."""
    await attempt(call, connect(switch, call, number))
    if call not in switch.talking:
        await attempt(call, switch.ask("call.release", call=call))


async def connect(switch: Switch, call: str, number: str) -> None:
    """What cannot be done any more (the caller has left, say) is an error."""
    await switch.ask("call.take", call=call)
    await switch.ask("call.answer", call=call)
    await switch.ask("call.play", call=call, tone="chime")
    question = "Press 1 to talk to an agent."
    keys = await switch.ask("call.gather", call=call, text=question, max=1, timeout=10)
    if keys["digits"] == "1":
        await switch.ask("call.play", call=call, tone="ringback", repeat=True)
        agent = await switch.ask("call.dial", call=call, to=number, ring_seconds=20)
        if agent["outcome"] == "answered":
            await switch.ask("call.say", call=call, leg=agent["leg"], text="A call for you.")
            await switch.ask("call.bridge", call=call, leg=agent["leg"])
            switch.talking.add(call)  # events tell who of them leaves


async def part(switch: Switch, call: str) -> None:
    """The agent has left, the caller is still there."""
    await attempt(call, switch.ask("call.say", call=call, text="Thank you for calling."))
    await attempt(call, switch.ask("call.hangup", call=call, cause="served"))


async def attempt(call: str, work: Any) -> None:
    """Do something, and say so when it did not work."""
    try:
        await work
    except RuntimeError as error:
        print(call, error, flush=True)


async def main(address: str, number: str) -> None:
    """Serve every call that is offered."""
    host, port = address.rsplit(":", 1)
    switch = Switch(*await asyncio.open_connection(host, int(port), limit=1 << 22))
    tasks = {asyncio.create_task(attempt("subscribing", begin(switch)))}
    async for event in switch.events():
        call, kind = event["call"], event["kind"]
        print(call, kind, json.dumps(event["facts"])[:200], flush=True)
        if kind == "call.offered":
            tasks.add(asyncio.create_task(serve(switch, call, number)))
        elif kind == "call.unbridged":
            tasks.add(asyncio.create_task(part(switch, call)))
        elif kind == "call.ended":
            switch.talking.discard(call)
        tasks = {task for task in tasks if not task.done()}


async def begin(switch: Switch) -> None:
    """Say who we are, and what we want to know."""
    if "CONTROL_TOKEN" in os.environ:
        await switch.ask("auth", token=os.environ["CONTROL_TOKEN"])
    await switch.ask("events.subscribe", kinds=["call.*", "leg.*"])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
