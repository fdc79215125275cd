"""One measured figure beside what is wanted of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Figure", "at_least", "at_most", "stated"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table of results."""

    name: str
    value: float | str
    unit: str
    floor: str = ""
    """What must be reached, as it is to be read: "<= 0.5"; empty where nothing is wanted."""
    aim: str = ""
    """What would be better still."""
    holds: bool | None = None
    """Whether the floor is reached; None where nothing is wanted."""


def at_most(name: str, value: float, unit: str, floor: float, aim: float | None = None) -> Figure:
    """A figure that is better the lower it is."""
    wanted = "" if aim is None else f"<= {aim:g}"
    return Figure(name, value, unit, f"<= {floor:g}", wanted, value <= floor)


def at_least(name: str, value: float, unit: str, floor: float, aim: float | None = None) -> Figure:
    """A figure that is better the higher it is."""
    wanted = "" if aim is None else f">= {aim:g}"
    return Figure(name, value, unit, f">= {floor:g}", wanted, value >= floor)


def stated(name: str, value: float | str, unit: str = "") -> Figure:
    """A figure of which nothing is wanted but to be known."""
    return Figure(name, value, unit)
