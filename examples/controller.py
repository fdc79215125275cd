"""Steers calls from outside: takes those that are offered, asks, calls an agent, bridges.

    python examples/controller.py HOST:PORT NUMBER-OF-THE-AGENT

Nothing but Python is needed. Where the switch wants a token, it is in CONTROL_TOKEN.
"""

import asyncio
import json
import os
import sys
from functools import partial
from typing import Any


class Switch:
    """One connection to the control socket: JSON-RPC 2.0, one message a line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.asked: dict[int, asyncio.Future[Any]] = {}

    async def ask(self, method: str, **params: Any) -> Any:
        """The result of a request; raises RuntimeError."""
        answer = asyncio.get_running_loop().create_future()
        self.asked[id(answer)] = answer
        request = {"jsonrpc": "2.0", "id": id(answer), "method": method, "params": params}
        self.writer.write(json.dumps(request).encode() + b"\n")
        message = await answer
        if "error" in message:
            raise RuntimeError(message["error"])
        return message["result"]


async def serve(switch: Switch, call: str, number: str, parted: asyncio.Event) -> None:
    """A call is offered: ask the caller, and fetch the agent."""
    ask = partial(switch.ask, call=call)
    try:
        await ask("call.take")
        await ask("call.answer")
        await ask("call.play", tone="chime")
        keys = await ask("call.gather", text="Press 1 to talk to an agent.", max=1, timeout=10)
        if keys["digits"] == "1":
            agent = await ask("call.dial", to=number, ring_seconds=20)
            if agent["outcome"] == "answered":
                await ask("call.bridge", leg=agent["leg"])
                await parted.wait()
    finally:
        await ask("call.release")


async def begin(switch: Switch) -> None:
    """Say who we are, and what we want to know."""
    if "CONTROL_TOKEN" in os.environ:
        await switch.ask("auth", token=os.environ["CONTROL_TOKEN"])
    await switch.ask("events.subscribe", kinds=["call.*", "leg.*"])


async def attempt(call: str, work: Any) -> None:
    """Do something; what cannot be done any more (the caller has left, say) is told."""
    try:
        await work
    except RuntimeError as error:
        print(call, error, flush=True)


async def main(address: str, number: str) -> None:
    """Serve every call that is offered."""
    switch = Switch(*await asyncio.open_connection(*address.rsplit(":", 1), limit=1 << 22))
    calls = {"": (asyncio.Event(), asyncio.create_task(attempt("begin", begin(switch))))}
    async for line in switch.reader:
        message = json.loads(line)
        if "id" in message:
            switch.asked.pop(message["id"]).set_result(message)
            continue
        call, kind = message["params"]["call"], message["params"]["kind"]
        print(call, kind, json.dumps(message["params"]["facts"])[:200], flush=True)
        if kind == "call.offered":
            parted = asyncio.Event()
            task = asyncio.create_task(attempt(call, serve(switch, call, number, parted)))
            calls[call] = (parted, task)
        elif kind in {"call.unbridged", "call.ended"} and call in calls:
            calls.pop(call)[0].set()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
