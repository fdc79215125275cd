"""Whether the switch said everything once: what comes again must be the same, octet for octet.

A far end that hears a message twice must not be answered twice in different words, nor asked twice
(RFC 3261 sections 17.1, 17.2 and 13.2.2.4, RFC 3262 section 4). It looks at what passed a
`FaultyPath` and knows nothing of the scenario.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.faulty_path import Passed
from tests.support.sip_text import Message, parse


def assert_said_once(passed: Iterable[Passed]) -> None:
    """Fails where the switch has said the same thing in two ways, or asked for it twice."""
    known: dict[tuple[str, ...], bytes] = {}
    asked: dict[tuple[str, ...], int] = {}
    for one in passed:
        if one.towards != "far":
            continue
        message = parse(one.data)
        assert not message.problems, f"{message.problems}\n{message}"
        before = known.setdefault(_place(message), one.data)
        assert before == one.data, f"not the same again:\n{before.decode()}\n{message}"
        meaning = _meaning(message)
        number = asked.setdefault(meaning, message.cseq) if meaning else message.cseq
        assert number == message.cseq, f"asked twice, first as CSeq {number}:\n{message}"


def _place(message: Message) -> tuple[str, ...]:
    """What a message has in common with itself when it is sent again."""
    return (
        message.call_id,
        message.get("cseq"),
        str(message.status or message.method),
        message.to_tag,
    )


def _meaning(message: Message) -> tuple[str, ...]:
    """What may be asked for once in a dialog; nothing for all else."""
    if message.method in ("BYE", "CANCEL", "REFER"):
        # With credentials it is another one (RFC 3261 section 22.2).
        return (message.method, message.call_id, message.to_tag, message.get("proxy-authorization"))
    if message.method == "PRACK":
        return (message.method, message.call_id, message.to_tag, message.get("rack"))
    return ()
