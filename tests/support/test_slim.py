from dataclasses import dataclass

from tests.support.slim import slim


@dataclass(frozen=True)
class Case:
    feature: str
    action: str
    message: str = ""


def row(feature: str, lost: str, doubled: str) -> list[Case]:
    return [
        Case(feature, ""),
        Case(feature, "tcp"),
        *(Case(feature, "lose", message) for message in lost),
        *(Case(feature, "double", message) for message in doubled),
    ]


def kept(*rows: list[Case]) -> list[tuple[str, str]]:
    return [(one.action, one.message) for one in slim(rows) if isinstance(one, Case)]


def test_of_each_feature_all_without_a_fault_and_one_of_each_fault_are_kept() -> None:
    assert kept(row("a", "xyz", "xy")) == [("", ""), ("tcp", ""), ("lose", "x"), ("double", "x")]


def test_the_next_feature_has_another_message_fail() -> None:
    rows = [row("a", "xyz", "xy"), row("b", "xyz", "xy"), row("c", "xyz", "xy")]
    faults = [one for one in kept(*rows) if one[1]]
    assert [message for _, message in faults] == ["x", "x", "y", "y", "z", "x"]


def test_a_feature_without_a_fault_is_kept_whole() -> None:
    assert kept(row("a", "", "")) == [("", ""), ("tcp", "")]


def test_no_case_is_left_out_of_all_and_their_order_stays() -> None:
    rows = [row("a", "xyz", "xy"), row("b", "", "yz")]
    cases = [one if isinstance(one, Case) else one.values[0] for one in slim(rows)]
    assert cases == [case for one in rows for case in one]
    marked = [one for one in slim(rows) if not isinstance(one, Case)]
    assert {mark.name for one in marked for mark in one.marks} == {"full"}
