import pytest

from media.speech.recognition.result import Recognised, Word
from media.speech.recognition.window import Purpose
from softswitch.hearing.speech_plan import (
    AGAIN_NS,
    KEPT_NS,
    MAX_PART_NS,
    MAX_ROLLING_NS,
    PART_NS,
    STEP_NS,
    Cut,
    SpeechPlan,
)

FRAME_NS = 20_000_000
SECOND = 1_000_000_000


def play(plan: SpeechPlan, frames: str, start_ns: int = 0) -> list[Cut]:
    """The windows that are cut while frames pass: `v` voiced, `-` not."""
    cuts = []
    for number, frame in enumerate(frames, 1):
        cut = plan.hear(start_ns + number * FRAME_NS, voiced=frame == "v")
        if cut is not None:
            cuts.append(cut)
    return cuts


def result(start_ns: int, end_ns: int, *words: tuple[str, float]) -> Recognised:
    timed = tuple(
        [
            Word(text, int(start * SECOND), int(start * SECOND) + 300_000_000, 0.9)
            for text, start in words
        ]
    )
    text = " ".join([word.text for word in timed])
    return Recognised(timed, start_ns, end_ns, "rolling", "x", False, text)


def texts(found: Recognised | None) -> list[str]:
    assert found is not None
    return [word.text for word in found.words]


def test_rolling_windows_come_every_step_and_at_a_pause() -> None:
    plan = SpeechPlan(0, "rolling")
    cuts = play(plan, "v" * 40 + "-" * 10)
    step = STEP_NS
    assert [cut.end_ns for cut in cuts] == [step, 41 * FRAME_NS]
    assert {(cut.start_ns, cut.purpose, cut.final) for cut in cuts} == {(0, "rolling", False)}


def test_what_a_window_cuts_is_looked_at_again_once_and_soon() -> None:
    plan = SpeechPlan(0, "rolling")
    play(plan, "v" * (STEP_NS // FRAME_NS))
    plan.look_again(STEP_NS)
    cuts = play(plan, "v" * (2 * STEP_NS // FRAME_NS), STEP_NS)
    assert [cut.end_ns for cut in cuts] == [STEP_NS + AGAIN_NS, 2 * STEP_NS + AGAIN_NS]


def test_what_a_later_window_has_is_not_looked_at_again() -> None:
    plan = SpeechPlan(0, "rolling")
    play(plan, "v" * (2 * STEP_NS // FRAME_NS))
    plan.look_again(STEP_NS)
    (cut,) = play(plan, "v" * (STEP_NS // FRAME_NS), 2 * STEP_NS)
    assert cut.end_ns == 3 * STEP_NS


def test_no_window_has_nothing_new() -> None:
    plan = SpeechPlan(0, "rolling")
    play(plan, "v" * 10 + "-" * 100)
    assert plan.end(110 * FRAME_NS) is None


def test_what_was_said_since_the_last_window_is_in_the_final_one() -> None:
    plan = SpeechPlan(0, "rolling")
    cuts = play(plan, "v" * 32)
    final = plan.end(32 * FRAME_NS)
    assert [cut.end_ns for cut in cuts] == [STEP_NS]
    assert final == Cut(0, 32 * FRAME_NS, "rolling", True)


def test_an_answer_is_cut_at_pauses_only() -> None:
    plan = SpeechPlan(0, "answer")
    cuts = play(plan, "v" * 60 + "-" * 4 + "v" * 10 + "-" * 4)
    assert [cut.end_ns // FRAME_NS for cut in cuts] == [61, 75]
    assert {cut.purpose for cut in cuts} == {"answer"}


def test_a_segment_is_cut_once_at_its_end() -> None:
    plan = SpeechPlan(0, "segment")
    assert play(plan, "v" * 100 + "-" * 5 + "v" * 50) == []
    assert plan.end(160 * FRAME_NS) == Cut(0, 160 * FRAME_NS, "segment", True)


def test_a_long_segment_is_cut_at_a_pause() -> None:
    plan = SpeechPlan(0, "segment")
    frames = PART_NS // FRAME_NS
    cuts = play(plan, "v" * (frames + 3) + "-" + "v" * 9)
    assert cuts == [Cut(0, (frames + 4) * FRAME_NS, "segment", True)]
    assert plan.is_part(cuts[0].end_ns)
    last = plan.end((frames + 13) * FRAME_NS)
    assert last is not None
    assert last.start_ns == cuts[0].end_ns
    assert not plan.is_part(last.end_ns)


def test_a_segment_without_a_pause_is_cut_all_the_same() -> None:
    plan = SpeechPlan(0, "segment")
    frames = MAX_PART_NS // FRAME_NS
    assert [cut.end_ns for cut in play(plan, "v" * (frames + 9))] == [MAX_PART_NS]


def test_the_window_moves_on_at_a_word_and_what_is_before_it_is_settled() -> None:
    plan = SpeechPlan(0, "rolling")
    end_ns = MAX_ROLLING_NS + STEP_NS
    play(plan, "v" * (end_ns // FRAME_NS))
    words = [("one", 0.5), ("two", 1.5), ("three", 2.4), ("four", 3.1), ("five", 4.0)]
    plan.understood(result(0, end_ns, *words))
    settled = plan.settle()
    assert texts(settled) == ["one", "two"]
    assert texts(plan.rest()) == ["three", "four", "five"]
    assert settled is not None
    assert settled.end_ns == 2_400_000_000 >= end_ns - KEPT_NS
    (cut,) = play(plan, "v" * (STEP_NS // FRAME_NS), end_ns)
    assert cut.start_ns == 2_400_000_000


def test_settled_words_are_not_told_again_by_a_window_that_was_on_its_way() -> None:
    plan = SpeechPlan(0, "rolling")
    end_ns = MAX_ROLLING_NS + STEP_NS
    play(plan, "v" * (end_ns // FRAME_NS))
    plan.understood(result(0, end_ns, ("one", 0.5), ("three", 2.4)))
    plan.settle()
    late = plan.understood(result(0, end_ns + STEP_NS, ("one", 0.5), ("three", 2.4), ("six", 4.5)))
    assert texts(late) == ["three", "six"]


def test_what_is_not_understood_yet_is_not_settled() -> None:
    plan = SpeechPlan(0, "rolling")
    end_ns = 2 * MAX_ROLLING_NS
    play(plan, "v" * (end_ns // FRAME_NS))
    plan.understood(result(0, SECOND, ("one", 0.1), ("two", 0.6)))
    settled = plan.settle()
    assert settled is not None
    assert settled.end_ns <= SECOND


def test_a_short_stretch_settles_nothing_before_its_end() -> None:
    plan = SpeechPlan(0, "rolling")
    play(plan, "v" * 60)
    plan.understood(result(0, SECOND, ("one", 0.1)))
    assert plan.settle() is None
    assert texts(plan.rest()) == ["one"]


def test_what_was_told_is_forgotten() -> None:
    plan = SpeechPlan(0, "segment")
    plan.understood(result(0, SECOND, ("one", 0.1)))
    plan.forget()
    assert plan.rest() is None


@pytest.mark.parametrize("purpose", ["rolling", "segment", "answer"])
def test_no_window_is_longer_than_a_recogniser_takes(purpose: Purpose) -> None:
    plan = SpeechPlan(0, purpose)
    cuts = play(plan, ("v" * 997 + "-") * 3)
    last = plan.end(3 * 998 * FRAME_NS)
    for cut in [*cuts, *([last] if last else [])]:
        assert 0 < cut.end_ns - cut.start_ns <= MAX_PART_NS


def test_a_last_word_that_the_windows_end_cuts_waits_for_the_next() -> None:
    plan = SpeechPlan(0, "rolling")
    play(plan, "v" * 35)
    cut = result(0, STEP_NS, ("a", 0.0), ("friend", 0.25))
    assert texts(plan.whole(cut)) == ["a"]
    followed = result(0, 2 * STEP_NS, ("friend", 0.25), ("of", 0.6), ("mine", 0.8))
    assert texts(plan.whole(followed)) == ["friend", "of"]


def test_words_squeezed_in_behind_a_word_that_is_cut_make_it_no_whole_one() -> None:
    plan = SpeechPlan(0, "rolling")
    play(plan, "v" * 35)
    words = ("her", 0.0), ("friend", 0.25), ("her", 0.28), ("friend", 0.29)
    assert texts(plan.whole(result(0, STEP_NS, *words))) == ["her"]


def test_a_last_word_with_a_pause_behind_it_is_whole() -> None:
    plan = SpeechPlan(0, "rolling")
    (cut,) = play(plan, "v" * 25 + "-" * 3)
    said = result(0, cut.end_ns, ("friend", 0.2))
    assert texts(plan.whole(said)) == ["friend"]
    play(plan, "v", 28 * FRAME_NS)
    assert texts(plan.whole(said)) == []


def test_a_last_word_long_before_the_windows_end_is_whole() -> None:
    plan = SpeechPlan(0, "rolling")
    play(plan, "v" * 60)
    assert texts(plan.whole(result(0, 2 * STEP_NS, ("friend", 0.2)))) == ["friend"]


def test_a_pause_right_behind_a_window_tells_its_last_word() -> None:
    plan = SpeechPlan(0, "rolling")
    frames = STEP_NS // FRAME_NS
    cuts = play(plan, "v" * frames + "-" * 5 + "v" * 2)
    assert [cut.end_ns // FRAME_NS for cut in cuts] == [frames, frames + 1]
