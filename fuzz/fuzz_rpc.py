"""Mutated lines of the control socket: each becomes requests or errors, whatever it is.

`python -m fuzz.fuzz_rpc [--seconds 10] [--seed N] [--keep]`. The bytes are cut into lines whole and
in pieces, which must give the same; each line is read, and what answers it must be JSON that a
strict reader takes, with an id that was there. A finding is printed as a Python literal.
"""

from __future__ import annotations

import json
import random
import sys

from fuzz.kept import Fuzz
from softswitch.control.rpc import Lines, Rejected, read_message, response, responses

# No line may hold the loop for longer; generous for a busy machine.
MAX_SECONDS = 0.25
# Shorter than in the product, so that lines are too long at times.
LIMIT = 600

SEEDS = (
    b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","method":"auth","params":{"token":"x"}}\r\n\r\n',
    b'[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","id":null,"method":"no"},1]\n',
    b'{"jsonrpc":"2.0","id":1.5,"method":"call.say","params":["c1","\\u00e9\\ud83d\\ude00",1e3]}\n',
    b'{"jsonrpc":"2.0","id":9007199254740993,"method":"x","params":{}}\n{"jsonrpc":"2.0","id":2',
    b"[]\n{}\nnull\n" + b"x" * (LIMIT + 50) + b"\n" + b'{"jsonrpc":"2.0","id":3,"method":"ping"}\n',
)
PIECES = (
    *(b"\n", b"\r\n", b"\0", b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\ud800"),
    b"\\u0000",
    *(b"NaN", b"1e999", b"-0", b"9" * 400, b'"id":[]', b'"id":{}', b'"id":true', b'"method":1'),
    *(b"[" * 300, b'{"a":' * 150, b'"params":null', b'"jsonrpc":"1.0"', b"\xef\xbb\xbf"),
    *(b"x" * LIMIT, b"\xff"),
)


def check(data: bytes, chance: random.Random) -> bool:
    """Cut and read it; whether there was a request in it. Raises for a finding."""
    found = Lines(limit=LIMIT).receive(data)
    in_pieces, pieces = Lines(limit=LIMIT), []
    place = 0
    while place < len(data):
        step = chance.choice((1, 7, 100))
        pieces += in_pieces.receive(data[place : place + step])
        place += step
        assert in_pieces.waiting <= LIMIT
    # Who is told in the middle of a line that it is too long is told no more of it.
    assert [one for one in pieces if isinstance(one, bytes)] == [
        one for one in found if isinstance(one, bytes)
    ]
    return sum(read(line) for line in found if isinstance(line, bytes)) > 0


def read(line: bytes) -> bool:
    """Read one line, and answer it."""
    requests, is_batch = read_message(line)
    assert requests or is_batch
    for request in requests:
        if not isinstance(request, Rejected):
            assert isinstance(request.method, str)
            answer = response(request.id, {"method": request.method, "params": request.params})
            assert json.loads(answer, parse_constant=_refuse)["id"] == request.id
    answers = [response(one.id, None) for one in requests]
    if answers:
        json.loads(responses(answers), parse_constant=_refuse)
    return any(not isinstance(one, Rejected) for one in requests)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


FUZZ = Fuzz(
    "rpc",
    check,
    seeds=SEEDS,
    pieces=PIECES,
    watched=("softswitch/control/rpc.py",),
    most_seconds=MAX_SECONDS,
)

if __name__ == "__main__":
    sys.exit(FUZZ.main(__doc__))
