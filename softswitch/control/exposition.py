"""The text that Prometheus reads: families of samples.

https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4. Knows no metric of
ours.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["CONTENT_TYPE", "Family", "Histogram", "counter", "gauge", "histogram", "text_of"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    samples: Sequence[tuple[str, Labels, float]]
    """What stands behind the name (`_bucket`), labels, the value."""


def gauge(name: str, about: str, value: float | Mapping[str, float], label: str = "") -> Family:
    """What goes up and down; one value, or one for each value of a label."""
    return Family(name, "gauge", about, _samples(value, label))


def counter(name: str, about: str, value: float | Mapping[str, float], label: str = "") -> Family:
    """What only goes up; its name ends in `_total`."""
    return Family(name, "counter", about, _samples(value, label))


def _samples(value: float | Mapping[str, float], label: str) -> list[tuple[str, Labels, float]]:
    if isinstance(value, Mapping):
        return [("", {label: name}, number) for name, number in value.items()]
    return [("", {}, value)]


def histogram(
    name: str, about: str, bounds: Sequence[float], counts: Sequence[int], total: float
) -> Family:
    """Counts by upper bounds, the last of them beyond all; `total` is the sum of what was counted.

    Buckets count all that is below them, so they are added up here.
    """
    samples: list[tuple[str, Labels, float]] = []
    reached = 0
    for bound, count in zip((*map(_number, bounds), "+Inf"), counts, strict=True):
        reached += count
        samples.append(("_bucket", {"le": bound}, reached))
    return Family(
        name, "histogram", about, [*samples, ("_sum", {}, total), ("_count", {}, reached)]
    )


class Histogram:
    """Counts what is observed."""

    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._about = about
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def family(self) -> Family:
        """As it stands now."""
        return histogram(self._name, self._about, self._bounds, self._counts, self._total)


def text_of(families: Iterable[Family]) -> str:
    """All families, as Prometheus reads them."""
    return "".join(_family_text(family) for family in families)


def _family_text(family: Family) -> str:
    lines = [
        f"# HELP {family.name} {_escaped(family.about)}\n",
        f"# TYPE {family.name} {family.kind}\n",
    ]
    for behind, labels, value in family.samples:
        written = ",".join(f'{name}="{_quoted(text)}"' for name, text in labels.items())
        braces = f"{{{written}}}" if written else ""
        lines.append(f"{family.name}{behind}{braces} {_number(value)}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
