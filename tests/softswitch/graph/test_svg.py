from __future__ import annotations

from xml.etree import ElementTree

from config.model import Play, Prompt, Treatment
from softswitch.graph import arrange, draw, outline
from softswitch.graph.layout import TEXT_SIZE, TITLE_SIZE
from softswitch.graph.outline import _TELLERS
from softswitch.graph.svg import _COLOURS
from softswitch.graph.text import width
from tests.support.treatments import configuration, everything

SVG = "{http://www.w3.org/2000/svg}"


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def test_boxes_and_ways_are_all_in_the_file() -> None:
    drawing = arrange(outline(everything()))
    root = parsed(draw(drawing, "all"))
    groups = {group.get("id") for group in root.iter(f"{SVG}g") if group.get("id")}
    assert groups == {box.step.id for box in drawing.boxes}
    ways = {
        (path.get("data-from"), path.get("data-to"))
        for path in root.iter(f"{SVG}path")
        if path.get("data-from")
    }
    assert ways == {(edge.source, edge.target) for edge in drawing.edges}


def test_text_is_escaped_and_kept() -> None:
    words = '<script>alert("1")</script> & "quotes" \x00\x1b\ud800 ü 電話'
    found = configuration(Treatment("a<b", (Play("x", Prompt(text=words)),)))
    svg = draw(arrange(outline(found)), "a<b & c")
    root = parsed(svg)
    assert root.find(f"{SVG}title") is not None
    assert root.findtext(f"{SVG}title") == "a<b & c"
    assert "<script" not in svg
    svg.encode("utf-8")
    told = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    assert "<script>alert(" in told
    assert "電話" in told


def test_every_line_fits_its_box() -> None:
    for box in arrange(outline(everything())).boxes:
        sizes = [TITLE_SIZE, *[TEXT_SIZE] * (len(box.lines) - 1)]
        for line, size in zip(box.lines, sizes, strict=True):
            assert width(line, size) <= box.width, line


def test_every_kind_has_its_colours_in_the_light_and_in_the_dark() -> None:
    assert set(_COLOURS) == {
        "start",
        "end",
        "campaign",
        *(kind for kind, _tell in _TELLERS.values()),
    }
    svg = draw(arrange(outline(everything())), "all")
    assert "prefers-color-scheme: dark" in svg


def test_the_same_treatment_gives_the_same_file() -> None:
    one, other = (draw(arrange(outline(everything())), "all") for _turn in range(2))
    assert one == other
