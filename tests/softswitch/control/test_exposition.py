"""The text that Prometheus reads, as its documentation says it is."""

from __future__ import annotations

from softswitch.control.exposition import Histogram, counter, gauge, text_of


def test_a_family_has_help_type_and_samples() -> None:
    assert text_of([gauge("a_b", "What\nit is.", 1.5)]) == (
        "# HELP a_b What\\nit is.\n# TYPE a_b gauge\na_b 1.5\n"
    )


def test_labels_are_quoted() -> None:
    found = text_of([counter("x_total", "X.", {'a"b\\c\nd': 2}, "name")])
    assert found.splitlines()[-1] == 'x_total{name="a\\"b\\\\c\\nd"} 2'


def test_a_family_without_samples_is_still_told() -> None:
    assert (
        text_of([counter("x_total", "X.", {}, "name")])
        == "# HELP x_total X.\n# TYPE x_total counter\n"
    )


def test_buckets_count_all_below_them() -> None:
    found = Histogram("h", "H.", (0.5, 1))
    for value in (0.25, 0.5, 0.75, 7):
        found.observe(value)
    assert text_of([found.family()]).splitlines()[2:] == [
        'h_bucket{le="0.5"} 2',
        'h_bucket{le="1"} 3',
        'h_bucket{le="+Inf"} 4',
        "h_sum 8.5",
        "h_count 4",
    ]
