"""Taking the head of a message apart into header lines, carefully (RFC 3261 sections 7.3.1, 7.5).

This is the slow and forgiving way: bare line feeds, folded lines, leading line breaks. It knows
lines and bytes, not what they mean.
"""

from __future__ import annotations

import re

from softswitch.sip.grammar import WHITE_SPACE

# An empty line, however its line ends are written.
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


def cut_head(data: bytes) -> tuple[bytes, bytes, bool]:
    """Cut a datagram into head, body, and whether the empty line between them was there.

    7.5: "Implementations processing SIP messages over stream-oriented transports MUST ignore any
    CRLF appearing before the start-line"; datagrams get the same kindness.
    """
    data = data.lstrip(b"\r\n")
    end = _END_OF_HEAD.search(data)
    if end is None:
        return data, b"", False
    return data[: end.start()], data[end.end() :], True


def decode_head(head: bytes) -> str:
    """Decode the head. Bytes that are not UTF-8 make it ISO 8859-1, which has no invalid bytes.

    So no half character ever reaches a record or a log, and what is written again is UTF-8.
    """
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("iso-8859-1")


def unfold(text: str) -> list[str]:
    """Give the lines of a head with continuation lines joined by one space (7.3.1)."""
    folded: list[list[str]] = []
    for line in text.split("\n"):
        if line.endswith("\r"):
            line = line[:-1]
        if line[:1] in (" ", "\t") and folded:
            folded[-1].append(line.strip(WHITE_SPACE))
        else:
            folded.append([line])
    return [parts[0] if len(parts) == 1 else " ".join(parts) for parts in folded]
