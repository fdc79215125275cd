"""Horizontal bars with their noise, as a small SVG that follows a light or dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 720
LABEL_WIDTH = 230
VALUE_WIDTH = 150
ROW = 30
TOP = 46
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #222 }
.title { font-weight: 600; font-size: 15px }
.bar { fill: #3f7cac } .other { fill: #9aa5b1 } .noise { stroke: #222; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .noise { stroke: #ddd } .other { fill: #66717d }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One measurement; `ours` tells the product from what it is compared with."""

    label: str
    value: float
    low: float
    high: float
    ours: bool = True


def bar_chart(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """The whole SVG document."""
    height = TOP + ROW * len(bars) + 12
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / max(bar.high for bar in bars)
    rows = [_row(TOP + ROW * place, bar, scale, unit) for place, bar in enumerate(bars)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="12" y="26">{escape(title)}</text>',
            *rows,
            "</svg>",
            "",
        ]
    )


def _row(top: int, bar: Bar, scale: float, unit: str) -> str:
    kind = "bar" if bar.ours else "other"
    middle = top + 10
    low, high = (LABEL_WIDTH + edge * scale for edge in (bar.low, bar.high))
    return "\n".join(
        [
            f'<text x="{LABEL_WIDTH - 10}" y="{middle + 5}" text-anchor="end">'
            f"{escape(bar.label)}</text>",
            f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{top}" rx="2" height="20" '
            f'width="{bar.value * scale:.1f}"/>',
            f'<path class="noise" d="M{low:.1f} {middle}H{high:.1f}"/>',
            f'<text x="{high + 8:.1f}" y="{middle + 5}">{bar.value:.3g} {escape(unit)}</text>',
        ]
    )
