from hypothesis import given
from hypothesis import strategies as st

from softswitch.control.webhooks.entry import Entry
from softswitch.control.webhooks.window import Ticket, Window
from tests.softswitch.control.webhooks.test_spool import entry


def test_those_of_one_call_go_one_after_the_other_and_others_beside_them() -> None:
    window = Window(0)
    first, second = window.add(entry(1), 10), window.add(entry(2), 20)
    other = window.add(entry(1, call="d"), 30)
    assert (first.may_go, second.may_go, other.may_go) == (True, False, True)
    assert window.finish(first) is second
    assert second.may_go
    assert window.finish(second) is None


def test_entries_of_no_call_wait_for_nobody() -> None:
    window = Window(0)
    assert [window.add(entry(1, call=""), end).may_go for end in (1, 2, 3)] == [True] * 3


def test_the_place_is_before_the_first_that_is_not_done() -> None:
    window = Window(100)
    window.skip(150)
    assert window.place == 150
    first, second = window.add(entry(1), 160), window.add(entry(1, call="d"), 170)
    window.skip(180)
    assert window.place == 150
    window.finish(second)
    assert (window.place, window.span, window.under_way) == (150, 2, 1)
    assert window.oldest is first.entry
    window.finish(first)
    assert (window.place, window.span, window.under_way) == (180, 0, 0)


@given(st.lists(st.sampled_from("abc "), max_size=30), st.randoms(use_true_random=False))
def test_in_whatever_order_they_end_all_go_once_in_order_and_the_place_never_passes_one(
    calls: list[str], random: st.DataObject
) -> None:
    window = Window(0)
    going: list[Ticket] = []
    told: list[Entry] = []
    ends = {}
    for index, call in enumerate(calls):
        ticket = window.add(entry(index, call=call.strip()), index + 1)
        ends[id(ticket)] = index
        if ticket.may_go:
            going.append(ticket)
    undone = set(range(len(calls)))
    while going:
        ticket = going.pop(random.randrange(len(going)))  # type: ignore[attr-defined]
        told.append(ticket.entry)
        undone.discard(ends[id(ticket)])
        following = window.finish(ticket)
        if following is not None:
            going.append(following)
        assert window.place == min(undone, default=len(calls))
    assert len(told) == len(calls)
    for call in "abc":
        mine = [one.id for one in told if one.call == call]
        assert mine == [f"{call}.{index}" for index, one in enumerate(calls) if one == call]
