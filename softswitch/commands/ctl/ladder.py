"""The trace of a call as a ladder: time downwards, a column a party, an arrow a message.

Made of the answer of `trace.get`, and of nothing else; every line ends without spaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from softswitch.commands.ctl.output import clean, told
from softswitch.commands.ctl.sip_lines import arrow_label, media_of

__all__ = ["Step", "ladder", "mermaid", "messages", "steps_of"]

TIME_WIDTH = 24
"""Time of day with milliseconds, then seconds since the message before."""

NARROWEST = 30
"""Of the room between two columns."""

MAX_FACTS = 110
"""Letters of what an event says."""

QUIET = frozenset({"call.quality", "leg.quality", "call.decision", "call.talk"})
"""Events that come often and say nothing of signalling; `--json` has them."""

SWITCH = "softswitch"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the ladder."""

    at: str
    clock: float
    leg: str
    """Whose message it is; empty: an event."""
    direction: str
    label: str
    media: str
    again: bool
    """Whether the same was on the wire before: a retransmission."""
    between: tuple[str, str] | None = None
    """Legs that hear each other from now on."""


def steps_of(trace: dict[str, Any], *, events: bool = True) -> list[Step]:
    """What there is to draw."""
    return list(_steps(trace, events=events))


def _steps(trace: dict[str, Any], *, events: bool) -> Iterator[Step]:
    seen: set[tuple[str, str]] = set()
    # Some facts are told later than they happened: the end of a call waits for its recording.
    for entry in sorted(trace["entries"], key=lambda entry: entry["clock"]):
        at, clock = entry["at"], entry["clock"]
        direction = entry.get("direction", "")
        if not direction:
            if events and entry["event"] not in QUIET:
                yield Step(at, clock, "", "", _event_label(entry), "", False, _between(entry))
            continue
        text = entry["text"]
        label = clean(arrow_label(text))
        if direction == "drop":
            label = f"{label} (dropped: {clean(entry.get('why', ''))})"
        key = (direction, text)
        again = direction != "drop" and key in seen
        seen.add(key)
        media = clean(media_of(text))
        yield Step(at, clock, entry.get("leg") or "?", direction, label, media, again)


def _between(entry: dict[str, Any]) -> tuple[str, str] | None:
    facts = entry.get("facts") or {}
    joined = entry["event"] == "call.bridged" and "leg" in facts and "other_leg" in facts
    return (facts["leg"], facts["other_leg"]) if joined else None


def _event_label(entry: dict[str, Any]) -> str:
    facts = " ".join(
        f"{name}={told(value)}"
        for name, value in (entry.get("facts") or {}).items()
        if value not in (None, "", [], {}, False) and name not in _DULL
    )
    text = f"{entry['event']} {facts}".rstrip()
    return clean(text if len(text) <= MAX_FACTS else f"{text[:MAX_FACTS]}...")


_DULL = frozenset(
    {"signalling", "source", "sip_call_id", "called_number", "config_version", "quality", "inputs"}
)
"""Facts that stand in the messages, or are too long."""


def ladder(trace: dict[str, Any], *, events: bool = True) -> list[str]:
    """Lines of text."""
    parties = _parties(trace)
    steps = steps_of(trace, events=events)
    texts = [text for step in steps if step.leg for text in (_arrow_text(step), step.media)]
    width = max(NARROWEST, max(map(len, texts), default=0) + 6)
    drawing = _Drawing([leg for leg, _ in parties], width)
    lines = [_title(trace), "", *drawing.heads(parties)]
    before: float | None = None
    for step in steps:
        lines += drawing.lines(step, before)
        before = step.clock
    if trace["dropped"]:
        lines.append(f"{trace['dropped']} more messages and events found no room")
    return [line.rstrip() for line in lines]


def _title(trace: dict[str, Any]) -> str:
    state = "" if trace["ended"] else ", in progress"
    caller = trace["caller"] or "unknown"
    campaign = f", campaign {trace['campaign']}" if trace["campaign"] else ""
    title = f"call {trace['call']}: {caller} to {trace['called']}{campaign}, {trace['at']}{state}"
    return clean(title)


def _parties(trace: dict[str, Any]) -> list[tuple[str, str]]:
    """Legs in their columns, the caller's first, the switch second; with their addresses."""
    peers: dict[str, str] = {}
    ours = ""
    for entry in trace["entries"]:
        if entry.get("direction"):
            peers.setdefault(entry.get("leg") or "?", entry.get("peer", ""))
            ours = ours or entry.get("ours", "")
    callers = [(leg, peer) for leg, peer in peers.items() if leg == "a"]
    others = [(leg, peer) for leg, peer in peers.items() if leg != "a"]
    return [*(callers or [("a", "")]), (SWITCH, ours), *others]


def _arrow_text(step: Step) -> str:
    return f"{step.label}{' (again)' if step.again else ''}"


class _Drawing:
    """Columns and what is drawn between them."""

    def __init__(self, columns: list[str], width: int) -> None:
        self._places = {leg: place * (width + 1) for place, leg in enumerate(columns)}
        self._width = width

    def heads(self, parties: list[tuple[str, str]]) -> list[str]:
        names = {leg: SWITCH if leg == SWITCH else f"leg {leg}" for leg, _ in parties}
        return [
            " " * TIME_WIDTH + self._row(names),
            " " * TIME_WIDTH + self._row({leg: clean(peer) for leg, peer in parties}),
        ]

    def _row(self, texts: dict[str, str]) -> str:
        row = ""
        for leg, text in texts.items():
            row = row.ljust(self._places[leg])
            row += f"{text} " if len(text) < self._width else f"{text[: self._width - 1]} "
        return row

    def _bars(self) -> list[str]:
        last = max(self._places.values())
        bars = [" "] * (last + 1)
        for place in self._places.values():
            bars[place] = "|"
        return bars

    def lines(self, step: Step, before: float | None) -> Iterator[str]:
        since = "" if before is None else f"+{max(0.0, step.clock - before):.3f}"
        time = f"{step.at.partition('T')[2].rstrip('Z'):<12} {since:>9}".ljust(TIME_WIDTH)
        if not step.leg:
            yield time + (self._joined(step) or self._event(step))
            return
        yield time + self._arrow(step, _arrow_text(step), "-")
        if step.media:
            yield " " * TIME_WIDTH + self._arrow(step, step.media, "=")

    def _event(self, step: Step) -> str:
        """Beside the switch, where there is most room, over whatever bars are there."""
        bars = "".join(self._bars())
        begin = self._places[SWITCH] + 2
        return f"{bars[:begin].ljust(begin)}* {step.label}{bars[begin + len(step.label) + 2 :]}"

    def _joined(self, step: Step) -> str:
        """A line from party to party; empty where they have no columns."""
        places = sorted(self._places.get(leg, -1) for leg in step.between or ("", ""))
        if places[0] < 0 or places[0] == places[1]:
            return ""
        bars = self._bars()
        room = places[1] - places[0] - 1
        bars[places[0] + 1 : places[1]] = list(f" {step.label} "[:room].center(room, "="))
        return "".join(bars)

    def _arrow(self, step: Step, text: str, line: str) -> str:
        """From the party to the switch or back; a message we threw away ends before it."""
        bars = self._bars()
        place, switch = self._places[step.leg], self._places[SWITCH]
        left, right = min(place, switch) + 1, max(place, switch)
        to_right = (place < switch) is (step.direction != "out")
        room = right - left
        drawn = f" {text[: room - 6]} ".center(room - 2, line) if line == "-" else (
            f" {text[: room - 6]} ".center(room - 2)
        )  # fmt: skip
        end = "x" if step.direction == "drop" else ">" if to_right else "<"
        if line != "-":
            drawn = f" {drawn} "
        else:
            drawn = f"{line}{drawn}{end}" if to_right else f"{end}{drawn}{line}"
        bars[left:right] = list(drawn.ljust(room)[:room])
        return "".join(bars)


def mermaid(trace: dict[str, Any], *, events: bool = True) -> list[str]:
    """A sequence diagram in the language of Mermaid, for tickets and wikis."""
    lines = ["sequenceDiagram"]
    for leg, peer in _parties(trace):
        name = SWITCH if leg == SWITCH else f"leg {leg} {peer}"
        lines.append(f"    participant {_mermaid_id(leg)} as {_plain(name)}")
    for step in steps_of(trace, events=events):
        if not step.leg:
            lines.append(f"    Note over {SWITCH}: {_plain(step.label)}")
            continue
        party = _mermaid_id(step.leg)
        ends = (SWITCH, party) if step.direction == "out" else (party, SWITCH)
        arrow = "-x" if step.direction == "drop" else "->>"
        media = f"<br/>{_plain(step.media)}" if step.media else ""
        lines.append(f"    {ends[0]}{arrow}{ends[1]}: {_plain(_arrow_text(step))}{media}")
    return lines


def _mermaid_id(leg: str) -> str:
    return leg if leg == SWITCH else f"leg_{leg if leg.isalnum() else 'unknown'}"


def _plain(text: str) -> str:
    """Without what Mermaid takes for its own."""
    return " ".join("".join(" " if sign in '#;<>"' else sign for sign in clean(text)).split())


def messages(trace: dict[str, Any]) -> Iterator[str]:
    """Whole messages, each below a line that says where it went."""
    for entry in trace["entries"]:
        direction = entry.get("direction", "")
        if not direction:
            yield f"-- {entry['at']} {_event_label(entry)}"
            continue
        way = "->" if direction == "out" else "<-"
        why = f" dropped: {clean(entry.get('why', ''))}" if direction == "drop" else ""
        yield (
            f"-- {entry['at']} leg {entry.get('leg') or '?'} {entry.get('ours', '')} {way} "
            f"{entry.get('peer', '')} {entry.get('transport', '')}{why}"
        )
        for line in entry["text"].splitlines():
            yield clean(line)
        yield ""
