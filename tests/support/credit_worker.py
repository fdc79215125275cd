"""A node in a process of its own that makes as many calls as its caps allow: for storms.

`python -m tests.support.credit_worker DSN FOLDER LOG SECONDS`. The log says what really happened,
whatever the books say: `T id time` a call was made, `G id time` it came to nothing, `K id time` it
was connected and has ended. What is not counted is written before it is given back, so that a
process killed in between has used more than its log says, never less.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from decimal import Decimal
from pathlib import Path

from config.model import Cap
from softswitch.switchboard.credit import Credit
from tests.support.credit_desks import DeskNode, capped

DAILY = 1500
AT_ONCE = 12
PAUSE = 0.002

CAMPAIGN = capped(
    Cap("daily cap", "daily", Decimal(DAILY)),
    Cap("at once", "concurrent", Decimal(AT_ONCE)),
)


class Worker:
    def __init__(self, node: DeskNode, log: Path) -> None:
        self.node = node
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.calls: set[asyncio.Task[None]] = set()

    def say(self, what: str, call_id: str) -> None:
        os.write(self.log, f"{what} {call_id} {time.monotonic()}\n".encode())

    async def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end:
            number += 1
            self.node.desk.presented(CAMPAIGN, None)
            credit = self.node.take(f"{os.getpid()}-{number}")
            if isinstance(credit, Credit):
                self.say("T", credit.call_id)
                task = asyncio.create_task(self.talk(credit))
                self.calls.add(task)
                task.add_done_callback(self.calls.discard)
            await asyncio.sleep(PAUSE)
        await asyncio.gather(*self.calls)

    async def talk(self, credit: Credit) -> None:
        await asyncio.sleep(random.uniform(0.001, 0.03))
        if random.random() < 0.4:
            self.say("G", credit.call_id)
            credit.give_back()
        else:
            self.say("K", credit.call_id)
            credit.keep(connected=True, converted=lambda _cap: True)


async def main(dsn: str, folder: str, log: str, seconds: str) -> None:
    node = await DeskNode(dsn, Path(folder), CAMPAIGN).start()
    await Worker(node, Path(log)).run(float(seconds))
    await node.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
