"""One node in a storm of allocations: `python -m tests.support.pool_storm DSN FOLDER FILE CLIENTS`.

Clients ask at random, again and again, until the process is stopped or killed. Every answer is
a line of JSON in the output file, written at once: what a client was told stays told.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

from config.model import Configuration, Pool
from ringpool.service import AllocationRequest
from softswitch.store.postgres.database import Database
from tests.support.pools import PoolNode, configuration, numbers_from

POOLS = 5
VISITORS = 60
"""Different visitors of a pool: more than it may have numbers."""


def storm_configuration() -> Configuration:
    """Pools that share a stock too small for all of them."""
    pools = [
        Pool(
            f"p{n}",
            ("a",),
            campaign="sale",
            minimum_lifetime_seconds=0.2,
            maximum_size=25,
            stock="s",
            overflow=f"+1800999000{n}",
        )
        for n in range(POOLS)
    ]
    own = {f"p{n}": numbers_from(16025550000 + 100 * n, 10) for n in range(POOLS)}
    return configuration(pools, own=own, stocks={"s": numbers_from(18005550000, 50)})


async def storm(dsn: str, folder: Path, output: Path, clients: int) -> None:
    """Run until SIGTERM."""
    node = PoolNode(storm_configuration(), Database(dsn, folder))
    await node.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    tasks = [asyncio.create_task(_client(node, out)) for _ in range(clients)]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await node.close()
    os.close(out)


async def _client(node: PoolNode, out: int) -> None:
    chance = random.Random()
    while True:
        pool, visitor = f"p{chance.randrange(POOLS)}", f"v{chance.randrange(VISITORS)}"
        answer = await node.service.allocate(AllocationRequest(pool, {"a": visitor}), within=10)
        line = [pool, visitor, answer.number, answer.binding, answer.step, answer.why]
        os.write(out, json.dumps(line).encode() + b"\n")
        if chance.random() < 0.1 and answer.binding is not None and answer.number is not None:
            node.service.called(pool, answer.number, answer.binding)
        if chance.random() < 0.02 and answer.binding is not None:
            await node.service.release(pool, answer.binding)


if __name__ == "__main__":
    asyncio.run(storm(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
