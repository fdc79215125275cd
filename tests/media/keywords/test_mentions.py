from hypothesis import given
from hypothesis import strategies as st

from media.keywords.mentions import MAX_MENTIONS, Mention, Mentions

SECOND = 1_000_000_000


def at(*seconds: float) -> list[Mention]:
    return [
        Mention(round(one * SECOND), round((one + 0.3) * SECOND), 0.9, "yes", "yes")
        for one in seconds
    ]


def starts(mentions: list[Mention]) -> list[float]:
    return [mention.start_ns / SECOND for mention in mentions]


def test_a_mention_that_is_reported_again_is_the_same() -> None:
    mentions = Mentions()
    assert starts(mentions.add(at(1.0), 0)) == [1.0]
    assert mentions.add(at(1.3), 0) == []
    assert mentions.add(at(0.7), 0) == []
    assert mentions.count == 1


def test_a_row_whose_times_are_all_off_is_counted_once() -> None:
    mentions = Mentions()
    mentions.add(at(1.0, 1.5), 0)
    assert starts(mentions.add(at(1.4, 1.9, 2.4), 0)) == [2.4]
    assert mentions.count == 3


def test_mentions_of_one_result_are_all_different() -> None:
    mentions = Mentions()
    assert len(mentions.add(at(1.0, 1.3, 1.6), 0)) == 3


def test_what_ended_before_a_window_is_not_in_it() -> None:
    mentions = Mentions()
    mentions.add(at(1.0), 0)
    assert starts(mentions.add(at(1.5), round(1.4 * SECOND))) == [1.5]


def test_a_late_result_is_put_in_its_place() -> None:
    mentions = Mentions()
    mentions.add(at(9.0), 0)
    mentions.add(at(3.0), 0)
    assert starts(list(mentions.last)) == [3.0, 9.0]
    assert starts(list(mentions.within(5 * SECOND))) == [9.0]
    assert len(mentions.within(None)) == 2


def test_what_is_remembered_is_bounded_and_the_count_is_not() -> None:
    mentions = Mentions()
    for number in range(MAX_MENTIONS * 2):
        mentions.add(at(number * 10.0), number * 10 * SECOND - 1)
    assert len(mentions.last) == MAX_MENTIONS
    assert mentions.count == MAX_MENTIONS * 2


@given(
    st.lists(st.floats(1.5, 5), min_size=1, max_size=30),
    st.lists(st.floats(-0.29, 0.29), min_size=30, max_size=30),
    st.floats(2, 6),
)
def test_what_is_said_once_counts_once_however_windows_roll(
    pauses: list[float], errors: list[float], width: float
) -> None:
    times = [sum(pauses[: index + 1]) for index in range(len(pauses))]
    mentions = Mentions()
    step = 0.5
    for window in range(int((times[-1] + width) / step) + 1):
        start = window * step - width
        reported = sorted(
            one + errors[(index + window) % len(errors)]
            for index, one in enumerate(times)
            if start <= one and one + 0.3 <= start + width
        )
        mentions.add(at(*reported), round(start * SECOND))
    assert mentions.count == len(times)
