"""Writes a drawing as SVG: one file, no script, no font of its own, light and dark.

The same drawing gives the same bytes. Colours follow the reader's `prefers-color-scheme`. All text
is escaped; what XML cannot hold is left out. Knows no layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from softswitch.graph.layout import LINE, TEXT_SIZE, TITLE_SIZE, Box, Drawing, Edge, Point
from softswitch.graph.text import width

__all__ = ["draw"]

# What XML 1.0 (section 2.2) does not count as a character.
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

FONT = "Verdana, DejaVu Sans, Segoe UI, Helvetica, Arial, sans-serif"
CORNER = 7.0

# Kind of step: fill and line in the light, fill and line in the dark.
_COLOURS = {
    "start": ("#24292f", "#24292f", "#d0d7de", "#d0d7de"),
    "end": ("#eaeef2", "#8c959f", "#21262d", "#6e7681"),
    "play": ("#ddf4ff", "#218bff", "#0c2d4a", "#388bfd"),
    "menu": ("#fff8c5", "#bf8700", "#3b2e04", "#d29922"),
    "ask": ("#fff1e5", "#bc4c00", "#40230a", "#db6d28"),
    "condition": ("#fbefff", "#8250df", "#2b1c46", "#a371f7"),
    "connect": ("#dafbe1", "#1a7f37", "#0d3319", "#3fb950"),
    "lookup": ("#e6fafa", "#0a7a7a", "#083335", "#39c5cf"),
    "distribute": ("#ffeff7", "#bf3989", "#42132f", "#db61a2"),
    "campaign": ("#ffffff", "#bf3989", "#0d1117", "#db61a2"),
    "set": ("#f6f8fa", "#57606a", "#1c2128", "#8b949e"),
    "python": ("#f6f8fa", "#3572a5", "#1c2128", "#79b8ff"),
    "send_dtmf": ("#f6f8fa", "#57606a", "#1c2128", "#8b949e"),
    "sms": ("#f6f8fa", "#57606a", "#1c2128", "#8b949e"),
    "transfer": ("#dafbe1", "#1a7f37", "#0d3319", "#3fb950"),
    "wait": ("#f6f8fa", "#57606a", "#1c2128", "#8b949e"),
    "conference": ("#dafbe1", "#1a7f37", "#0d3319", "#3fb950"),
    "controller": ("#e6fafa", "#0a7a7a", "#083335", "#39c5cf"),
    "hang_up": ("#ffebe9", "#cf222e", "#450c0f", "#f85149"),
    "goto": ("#ffffff", "#6639ba", "#0d1117", "#a371f7"),
}
_LIGHT = (
    ".paper{fill:#ffffff}.text{fill:#1f2328}.kind{fill:#57606a}.label{fill:#424a53}"
    ".way{stroke:#6e7781}.tip{fill:#6e7781}.back{stroke:#8250df}.backtip{fill:#8250df}"
    ".start text{fill:#ffffff}"
)
_DARK = (
    ".paper{fill:#0d1117}.text{fill:#e6edf3}.kind{fill:#9198a1}.label{fill:#b1bac4}"
    ".way{stroke:#8b949e}.tip{fill:#8b949e}.back{stroke:#a371f7}.backtip{fill:#a371f7}"
    ".start text{fill:#0d1117}"
)


def draw(drawing: Drawing, title: str) -> str:
    """The drawing as an SVG document."""
    wide, high = _number(drawing.width), _number(drawing.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}" role="img" font-family="{FONT}">',
        f"<title>{_text(title)}</title>",
        f"<style>{_style()}</style>",
        f"<defs>{_arrow('arrow', 'tip')}{_arrow('backarrow', 'backtip')}</defs>",
        f'<rect class="paper" width="{wide}" height="{high}"/>',
        *(_way(edge) for edge in drawing.edges),
        *(_label(edge) for edge in drawing.edges if edge.label),
        *(_box(box) for box in drawing.boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style() -> str:
    common = (
        ".way,.back{fill:none;stroke-width:1.4}.back{stroke-dasharray:5 3}"
        ".shape{stroke-width:1.5}.goto .shape,.campaign .shape{stroke-dasharray:5 3}"
        f".title{{font-size:{TITLE_SIZE:g}px;font-weight:600}}.text,.label{{font-size:{TEXT_SIZE:g}px}}"
        ".title{font-size:13px}.kind{font-size:9px}text{text-anchor:middle}"
    )
    light = "".join(_colour(kind, *colours[:2]) for kind, colours in _COLOURS.items())
    dark = "".join(_colour(kind, *colours[2:]) for kind, colours in _COLOURS.items())
    return f"{common}{_LIGHT}{light}@media (prefers-color-scheme: dark){{{_DARK}{dark}}}"


def _colour(kind: str, fill: str, line: str) -> str:
    return f".{kind} .shape{{fill:{fill};stroke:{line}}}"


def _arrow(name: str, style: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path class="{style}" d="M0 0L8 4L0 8z"/></marker>'
    )


# Boxes.


def _box(box: Box) -> str:
    step = box.step
    whole = "\n".join([f"{step.kind}: {step.title}", *step.facts])
    middle = _number(box.middle)
    baseline = box.y + 17
    texts = [f'<text class="kind" x="{middle}" y="{_number(baseline)}">{_text(_word(box))}</text>']
    for place, line in enumerate(box.lines):
        baseline += LINE + (2 if place == 0 else 0)
        style = "text title" if place == 0 else "text"
        texts.append(
            f'<text class="{style}" x="{middle}" y="{_number(baseline)}">{_text(line)}</text>'
        )
    return (
        f'<g class="{step.kind}" id={quoteattr(step.id)}><title>{_text(whole)}</title>'
        f'<path class="shape" d="{_shape(box)}"/>{"".join(texts)}</g>'
    )


def _word(box: Box) -> str:
    return {"start": "treatment", "end": "", "goto": "go to"}.get(
        box.step.kind, box.step.kind.replace("_", " ")
    )


def _shape(box: Box) -> str:
    """The outline of a box by its kind; all stay within the box's rectangle."""
    left, top, right, bottom = box.x, box.y, box.x + box.width, box.bottom
    middle = (top + bottom) / 2
    kind = box.step.kind
    if kind in {"condition", "distribute"}:
        return _polygon(
            (left, middle), (left + 14, top), (right - 14, top),
            (right, middle), (right - 14, bottom), (left + 14, bottom),
        )  # fmt: skip
    if kind in {"menu", "ask"}:
        return _polygon(
            (left + 10, top), (right - 10, top), (right, top + 10), (right, bottom - 10),
            (right - 10, bottom), (left + 10, bottom), (left, bottom - 10), (left, top + 10),
        )  # fmt: skip
    if kind in {"lookup", "sms", "send_dtmf"}:
        return _polygon((left + 12, top), (right, top), (right - 12, bottom), (left, bottom))
    if kind in {"connect", "transfer"}:
        frame = _polygon((left, top), (right, top), (right, bottom), (left, bottom))
        bars = (left + 6, right - 6)
        return frame + "".join(f"M{_point((x, top))}V{_number(bottom)}" for x in bars)
    round_ends = kind in {"start", "end", "hang_up", "goto", "campaign"}
    return _rounded(box, min(box.height / 2, 18.0) if round_ends else 5.0)


def _polygon(*points: Point) -> str:
    return "M" + "L".join(map(_point, points)) + "Z"


def _rounded(box: Box, radius: float) -> str:
    r = _number(radius)
    across, down = _number(box.width - 2 * radius), _number(box.height - 2 * radius)
    return (
        f"M{_point((box.x + radius, box.y))}h{across}a{r} {r} 0 0 1 {r} {r}v{down}"
        f"a{r} {r} 0 0 1 -{r} {r}h-{across}a{r} {r} 0 0 1 -{r} -{r}v-{down}a{r} {r} 0 0 1 {r} -{r}Z"
    )


# Edges.


def _way(edge: Edge) -> str:
    style, arrow = ("back", "backarrow") if edge.back else ("way", "arrow")
    ends = f"data-from={quoteattr(edge.source)} data-to={quoteattr(edge.target)}"
    return f'<path class="{style}" {ends} marker-end="url(#{arrow})" d="{_path(edge.points)}"/>'


def _path(points: Sequence[Point]) -> str:
    """Straight pieces with round corners."""
    pieces = [f"M{_point(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        pieces.append(f"L{_point(_towards(corner, before, reach))}")
        pieces.append(f"Q{_point(corner)} {_point(_towards(corner, after, reach))}")
    pieces.append(f"L{_point(points[-1])}")
    return "".join(pieces)


def _distance(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(start: Point, end: Point, by: float) -> Point:
    whole = _distance(start, end) or 1.0
    return (
        start[0] + (end[0] - start[0]) / whole * by,
        start[1] + (end[1] - start[1]) / whole * by,
    )


def _label(edge: Edge) -> str:
    """The label on paper of its own, so that the way does not strike it through."""
    x, y = edge.label_at
    wide = max(width(line, TEXT_SIZE) for line in edge.label) + 6
    paper = (
        f'<rect class="paper" x="{_number(x - wide / 2)}" y="{_number(y)}" '
        f'width="{_number(wide)}" height="{_number(LINE * len(edge.label))}"/>'
    )
    return f'<g class="edge">{paper}{"".join(_label_lines(edge.label, x, y))}</g>'


def _label_lines(lines: Sequence[str], x: float, y: float) -> Iterator[str]:
    for place, line in enumerate(lines, 1):
        baseline = y + LINE * place - 3
        yield f'<text class="label" x="{_number(x)}" y="{_number(baseline)}">{_text(line)}</text>'


def _point(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    return f"{round(value, 1):g}" if abs(value) < 100_000 else f"{value:.0f}"


def _text(text: str) -> str:
    return escape(_UNFIT.sub("", text))
