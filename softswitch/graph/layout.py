"""Gives every box a place and every edge a way, without overlaps.

A list of steps is a column: its boxes stand below each other, in the middle. The branches of a
step stand side by side below it, each a column of its own, and the step that follows stands below
them all. So boxes never overlap, and below the last box of a branch the way is free down to where
it goes on. A goto leaves to the left, through the gap beside its column, up to the gap above the
branches, and so on outwards until it is beside its target: it crosses edges, and no box.
Knows neither the model nor SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from softswitch.graph.outline import Branch, Chart, Step
from softswitch.graph.text import width, wrap

__all__ = ["Box", "Drawing", "Edge", "arrange"]

TITLE_SIZE = 13.0
TEXT_SIZE = 11.0
LINE = 14.0
TEXT_WIDTH = 230.0
MAX_LINES = 4
"""Lines of one fact in a box; the whole text is the box's tooltip."""
MAX_FACTS = 8
"""Facts in a box; how many more there are is said."""
MAX_LABEL_LINES = 3
"""Lines beside an arrow, so that labels of neighbours stay apart."""
LABEL_WIDTH = 190.0

SIDE = 18.0
"""Space left and right of the text in a box: the slanted shapes need it."""
TOP = 20.0
MARGIN = 40.0
GAP = 36.0
"""Between columns, and between a column and what goes round it."""
BUS = 22.0
"""From a box down to the line its branches hang on."""
BACK = 9.0
"""From a box down to the line gotos run on."""
DROP = 20.0
"""From a line or a label down to a box."""
CHART_GAP = 60.0
LANES = 5
LANE = 4.0
"""Gotos run on lanes beside each other, so that fewer lie on one line."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A step with its place; x and y are its upper left corner."""

    step: Step
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]

    @property
    def middle(self) -> float:
        """The x of its vertical axis."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one box to another; `back` marks a goto."""

    source: str
    target: str
    points: tuple[Point, ...]
    label: tuple[str, ...] = ()
    label_at: Point = (0.0, 0.0)
    """Middle of the label's upper edge."""
    back: bool = False


@dataclass(slots=True)
class Drawing:
    """All boxes and edges, and the size of the whole."""

    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """The column a box stands in, for the way out of it: its gap on the left, and the line above
    the branches it is one of."""

    gap: float
    line: float
    outer: _Frame | None


@dataclass(frozen=True, slots=True)
class _Open:
    """An end that waits for the step it goes on with."""

    source: str
    points: tuple[Point, ...]
    label: tuple[str, ...] = ()
    label_at: Point = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Size:
    """What a step needs: its box, its branches, and the whole."""

    box: Point
    lines: tuple[str, ...]
    ways: tuple[_Way, ...]
    label: tuple[str, ...]
    """Of the way onwards, where it has no lane among the branches."""
    width: float


@dataclass(frozen=True, slots=True)
class _Way:
    """A branch, or (without steps) the lane of the way onwards beside branches."""

    label: tuple[str, ...]
    steps: tuple[tuple[Step, _Size], ...]
    width: float


def arrange(charts: Sequence[Chart]) -> Drawing:
    """Place the boxes and edges of the charts, one chart below the other."""
    placer = _Placer()
    top = MARGIN
    for chart in charts:
        top = placer.chart(chart, top) + CHART_GAP
    placer.gotos()
    drawing = placer.drawing
    drawing.height = top - CHART_GAP + MARGIN
    drawing.width = max((box.x + box.width for box in drawing.boxes), default=0.0)
    drawing.width = max(drawing.width, placer.right) + MARGIN
    return drawing


def _measure(step: Step) -> _Size:
    lines = [
        line
        for fact in step.facts[:MAX_FACTS]
        for line in wrap(fact, TEXT_SIZE, TEXT_WIDTH, MAX_LINES)
    ]
    if len(step.facts) > MAX_FACTS:
        lines.append(f"and {len(step.facts) - MAX_FACTS} more")
    title = wrap(step.title, TITLE_SIZE, TEXT_WIDTH, 1)[0]
    inner = max([width(title, TITLE_SIZE), *(width(line, TEXT_SIZE) for line in lines), 60.0])
    box = (inner + 2 * SIDE, 2 * TOP + LINE * (len(lines) + 0.4))
    ways = [_measure_way(branch) for branch in step.branches]
    label: tuple[str, ...] = ()
    if step.onward is not None and ways:
        ways.append(_measure_way(Branch(step.onward, ())))
    elif step.onward:
        label = _label(step.onward)
    below = sum(way.width for way in ways) + GAP * max(0, len(ways) - 1)
    whole = max(box[0], below, _label_width(label))
    return _Size(box, (title, *lines), tuple(ways), label, whole)


def _measure_way(branch: Branch) -> _Way:
    label = _label(branch.label)
    steps = tuple((step, _measure(step)) for step in branch.steps)
    widest = max((size.width for _step, size in steps), default=0.0)
    return _Way(label, steps, max(widest, _label_width(label)))


def _label(text: str) -> tuple[str, ...]:
    return tuple(wrap(text, TEXT_SIZE, LABEL_WIDTH, MAX_LABEL_LINES)) if text else ()


def _label_width(label: tuple[str, ...]) -> float:
    return max((width(line, TEXT_SIZE) + 12 for line in label), default=24.0)


class _Placer:
    def __init__(self) -> None:
        self.drawing = Drawing()
        self.right = 0.0
        self._frames: dict[str, _Frame] = {}
        self._places: dict[str, Box] = {}

    def chart(self, chart: Chart, top: float) -> float:
        """Place a chart; the y it ends at."""
        sized = tuple((step, _measure(step)) for step in chart.steps)
        whole = max(size.width for _step, size in sized)
        left = MARGIN + GAP
        self.right = max(self.right, left + whole)
        frame = _Frame(left - GAP / 2, top, None)
        bottom, ends = self._column(sized, left + whole / 2, top, frame, whole)
        if ends:
            end = Step(f"{chart.steps[0].id}.end", "end", "end of the call", onward=None)
            last = ((end, _measure(end)),)
            bottom, _none = self._column(last, left + whole / 2, bottom, frame, whole, ends)
        return bottom

    def _column(
        self,
        steps: Sequence[tuple[Step, _Size]],
        middle: float,
        top: float,
        frame: _Frame,
        whole: float,
        ends: Sequence[_Open] = (),
    ) -> tuple[float, list[_Open]]:
        """Place steps below each other; where they end, and the ends that lead on."""
        open_ends = [*ends]
        y = top
        for place, (step, size) in enumerate(steps):
            if place or ends:
                y += DROP
                self._join(open_ends, step.id, middle, y)
                y += DROP
            y, open_ends = self._place(step, size, middle, y, frame)
        return y, open_ends

    def _place(
        self, step: Step, size: _Size, middle: float, y: float, frame: _Frame
    ) -> tuple[float, list[_Open]]:
        width_, height = size.box
        box = Box(step, middle - width_ / 2, y, width_, height, size.lines)
        self.drawing.boxes.append(box)
        self._places[step.id], self._frames[step.id] = box, frame
        if size.ways:
            return self._branches(box, size, frame)
        if step.onward is None:
            return box.bottom, []
        at = (middle, box.bottom + 5)
        below = box.bottom + (LINE * len(size.label) + 8 if size.label else 0.0)
        return below, [_Open(step.id, ((middle, box.bottom),), size.label, at)]

    def _branches(self, box: Box, size: _Size, frame: _Frame) -> tuple[float, list[_Open]]:
        bus = box.bottom + BUS
        labels = max(len(way.label) for way in size.ways)
        top = bus + DROP + (labels * LINE + 6 if labels else 0.0)
        below = sum(way.width for way in size.ways) + GAP * (len(size.ways) - 1)
        left, bottom = box.middle - below / 2, top
        ends: list[_Open] = []
        for way in size.ways:
            middle = left + way.width / 2
            points = ((box.middle, box.bottom), (box.middle, bus), (middle, bus))
            label_at = (middle, bus + 8)
            if way.steps:
                inner = _Frame(left - GAP / 2, box.bottom + BACK, frame)
                arrow = ((*points, (middle, top)), way.label, label_at)
                self._edge(box.step.id, way.steps[0][0].id, *arrow)
                reached, more = self._column(way.steps, middle, top, inner, way.width)
                bottom, ends = max(bottom, reached), ends + more
            else:
                ends.append(_Open(box.step.id, points, way.label, label_at))
            left += way.width + GAP
        return bottom, ends

    def _edge(
        self,
        source: str,
        target: str,
        points: tuple[Point, ...],
        label: tuple[str, ...] = (),
        label_at: Point = (0.0, 0.0),
        back: bool = False,
    ) -> None:
        self.drawing.edges.append(Edge(source, target, points, label, label_at, back))

    def _join(self, ends: Sequence[_Open], target: str, middle: float, y: float) -> None:
        """Lead open ends to the box below them: straight down, then along one line."""
        for end in ends:
            x = end.points[-1][0]
            way = ((middle, y + DROP),) if abs(x - middle) < 0.01 else (
                (x, y), (middle, y), (middle, y + DROP)
            )  # fmt: skip
            self._edge(end.source, target, (*end.points, *way), end.label, end.label_at)

    def gotos(self) -> None:
        """Draw the ways of gotos, when every box has its place."""
        for count, box in enumerate([box for box in self.drawing.boxes if box.step.target]):
            target = self._places[box.step.target or ""]
            shift = (count % LANES - LANES // 2) * LANE
            points = self._way_back(box, target, shift)
            self._edge(box.step.id, target.step.id, points, back=True)

    def _way_back(self, box: Box, target: Box, shift: float) -> tuple[Point, ...]:
        out = self._outwards(box, shift)
        into = self._outwards(target, shift)
        # What both ways have in common lies outside of where they meet.
        while len(out) > 2 and len(into) > 2 and out[-2:] == into[-2:]:
            del out[-2:], into[-2:]
        if out[-1] == into[-1]:
            # Beside each other below one step: straight across.
            del out[-1], into[-1]
        return tuple(_straightened([*out, *reversed(into)]))

    def _outwards(self, box: Box, shift: float) -> list[Point]:
        """From a box to the left, and out of one column after the other."""
        y = box.y + box.height / 2 + shift
        frame: _Frame | None = self._frames[box.step.id]
        points: list[Point] = [(box.x, y)]
        while frame is not None:
            points.append((frame.gap + shift, y))
            y = frame.line + shift / 2
            frame = frame.outer
            if frame is not None:
                points.append((points[-1][0], y))
        return points


def _straightened(points: list[Point]) -> list[Point]:
    """Without corners that are none, and without ways there and back on one line."""
    kept: list[Point] = []
    for point in points:
        while len(kept) > 1 and _in_line(kept[-2], kept[-1], point):
            kept.pop()
        if not kept or point != kept[-1]:
            kept.append(point)
    return kept


def _in_line(one: Point, other: Point, third: Point) -> bool:
    return one[0] == other[0] == third[0] or one[1] == other[1] == third[1]
