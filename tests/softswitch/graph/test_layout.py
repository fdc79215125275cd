from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.model import Configuration, Goto, HangUp, Menu, Node, Play, Treatment
from softswitch.check import load_checked
from softswitch.graph import arrange, outline
from softswitch.graph.layout import LINE, TEXT_SIZE, Box, Drawing, Edge
from softswitch.graph.text import width
from tests.support.treatments import configuration, deep, everything, text, wide

Rectangle = tuple[float, float, float, float]
EXAMPLES = sorted((Path(__file__).parents[3] / "config" / "examples").rglob("*.yaml"))
PICTURES = {"everything": everything(), "deep": deep(20), "wide": wide(10, 10)}


def place(box: Box) -> Rectangle:
    return box.x, box.y, box.x + box.width, box.bottom


def label_place(edge: Edge) -> Rectangle:
    x, y = edge.label_at
    half = max(width(line, TEXT_SIZE) for line in edge.label) / 2
    return x - half, y, x + half, y + LINE * len(edge.label)


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return (
        one[0] < other[2] - 0.5
        and other[0] < one[2] - 0.5
        and one[1] < other[3] - 0.5
        and other[1] < one[3] - 0.5
    )


def check(drawing: Drawing) -> None:
    """Boxes keep apart, ways and labels keep off boxes, all stays on the paper."""
    boxes = sorted(drawing.boxes, key=lambda box: box.y)
    for number, box in enumerate(boxes):
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.bottom <= drawing.height
        for other in boxes[number + 1 :]:
            if other.y > box.bottom:
                break
            assert not overlap(place(box), place(other)), (box.step.title, other.step.title)
    for edge in drawing.edges:
        check_edge(edge, boxes)


def check_edge(edge: Edge, boxes: list[Box]) -> None:
    by_id = {box.step.id: box for box in boxes}
    source, target = place(by_id[edge.source]), place(by_id[edge.target])
    assert touches(edge.points[0], source)
    assert touches(edge.points[-1], target)
    for (x1, y1), (x2, y2) in pairwise(edge.points):
        assert abs(x1 - x2) < 0.02 or abs(y1 - y2) < 0.02, "ways go straight down or across"
        piece = (min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 1, max(y1, y2) + 1)
        for box in boxes:
            if box.step.id not in {edge.source, edge.target}:
                assert not overlap(piece, place(box)), (edge.source, edge.target, box.step.title)
    if edge.back:
        for (x1, y1), (x2, y2), (x3, y3) in zip(
            edge.points, edge.points[1:], edge.points[2:], strict=False
        ):
            assert x1 != x2 or x2 != x3, "no way there and back"
            assert y1 != y2 or y2 != y3, "no way there and back"
    if edge.label:
        for box in boxes:
            assert not overlap(label_place(edge), place(box)), (edge.label, box.step.title)


def touches(point: tuple[float, float], box: Rectangle) -> bool:
    x, y = point
    inside = box[0] - 0.1 <= x <= box[2] + 0.1 and box[1] - 0.1 <= y <= box[3] + 0.1
    on_edge = any(abs(value - side) < 0.1 for value, side in zip((x, y, x, y), box, strict=True))
    return inside and on_edge


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_nothing_overlaps_in_the_examples(path: Path) -> None:
    drawing = arrange(outline(load_checked(path, {})))
    check(drawing)
    assert any(box.step.kind == "connect" for box in drawing.boxes) or len(drawing.boxes) > 2


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_overlaps(name: str) -> None:
    check(arrange(outline(PICTURES[name])))


def ways(drawing: Drawing) -> set[tuple[str, str, str]]:
    names = {box.step.id: box.step.title for box in drawing.boxes}
    kinds = {box.step.id: box.step.kind for box in drawing.boxes}
    return {
        (
            names[edge.source] if kinds[edge.source] != "goto" else f"goto {names[edge.source]}",
            " ".join(edge.label),
            names[edge.target] if kinds[edge.target] != "goto" else f"goto {names[edge.target]}",
        )
        for edge in drawing.edges
    }


def test_every_way_is_drawn() -> None:
    assert ways(arrange(outline(everything()))) == {
        ("main", "", "welcome"),
        ("welcome", "", "where"),
        ("where", 'if caller.state = "CA"', "west"),
        ("where", 'if caller.line_type = "mobile"', "goto share"),
        ("where", "otherwise", "which"),
        ("west", "", "which"),
        ("goto share", "", "share"),
        ("which", "key 1", "zip"),
        ("which", "key 2", "tones"),
        ("which", "key #", "bye"),
        ("which", "no key", "silence"),
        ("zip", "no answer", "no-zip"),
        ("zip", "answered", "bid"),
        ("no-zip", "", "bid"),
        ("bid", "failed", "cheap"),
        ("bid", "answered", "agent"),
        ("cheap", "", "agent"),
        ("agent", "nobody answered", "sorry"),
        ("agent", "too far", "far"),
        ("sorry", "", "goto which"),
        ("goto which", "", "which"),
        ("far", "", "note"),
        ("note", "", "own"),
        ("tones", "", "pause"),
        ("pause", "", "meeting"),
        ("meeting", "", "steered"),
        ("steered", "", "refer"),
        ("refer", "not transferred", "goto zip"),
        ("goto zip", "", "zip"),
        ("silence", "", "own"),
        ("own", "", "end of the call"),
        ("share", "", "market"),
        ("market", "weight 3", "a"),
        ("market", 'weight 1, caller.state = "NY"', "b"),
        ("market", "nobody takes it", "goto main"),
        ("a", "", "main"),
        ("b", "", "share"),
        ("goto main", "", "main"),
    }


@pytest.mark.parametrize(("levels", "boxes"), [(1, 5), (20, 43)])
def test_deep_trees_have_all_their_boxes(levels: int, boxes: int) -> None:
    # A start, an end, the menus, what each plays, and the way back.
    assert len(arrange(outline(deep(levels))).boxes) == boxes


def test_the_same_tree_is_drawn_alike() -> None:
    assert arrange(outline(everything())) == arrange(outline(everything()))


@st.composite
def treatments(draw: st.DrawFn) -> Configuration:
    """Trees of menus with gotos to any step of theirs, none of which is followed by another."""
    names = ["n0"]
    gotos: list[int] = []

    def steps(depth: int) -> tuple[Node, ...]:
        made: list[Node] = []
        for _place in range(draw(st.integers(1, 3))):
            name = f"n{len(names)}"
            kind = draw(st.sampled_from(["play", "play", "menu", "hang_up", "goto"]))
            if kind == "goto":
                gotos.append(1)
                return (*made, Goto(f"g{len(gotos)}", draw(st.sampled_from(names)), "node"))
            if kind == "hang_up" and made:
                names.append(name)
                return (*made, HangUp(name))
            names.append(name)
            if kind == "menu" and depth < 4:
                keys = draw(st.lists(st.sampled_from("0123456789*#"), min_size=1, max_size=4))
                made.append(
                    Menu(name, text("?"), {key: steps(depth + 1) for key in sorted(set(keys))})
                )
            else:
                made.append(Play(name, text(draw(st.text(max_size=80)))))
        return tuple(made)

    return configuration(Treatment("t", (Play("n0", text("first")), *steps(0))))


@given(treatments())
@settings(max_examples=60, deadline=None)
def test_no_tree_overlaps(found: Configuration) -> None:
    check(arrange(outline(found)))
