from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.chart import Bar, bar_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_is_well_formed_and_its_bars_are_to_scale() -> None:
    bars = [Bar("ours & theirs", 1.0, 0.9, 1.1), Bar("<floor>", 2.0, 2.0, 2.2, ours=False)]
    chart = ElementTree.fromstring(bar_chart("Cost < all", "ms", bars))
    widths = [float(one.get("width") or 0) for one in chart.iter(f"{SVG}rect")]
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)
    texts = [one.text for one in chart.iter(f"{SVG}text")]
    assert {"ours & theirs", "<floor>", "Cost < all", "1 ms", "2 ms"} <= set(texts)
