"""Who has answered, from when somebody speaks."""

from __future__ import annotations

import pytest

from media.voice.answering import QUIET_FRAMES, TALK_FRAMES, AnswerJudge, BeepWatch, Judgement

LIMIT = 4.0


def judge(*seconds: float) -> tuple[Judgement, float]:
    """What is made of silence, voice, silence... of so many seconds, and after how many."""
    one = AnswerJudge()
    now = 0
    for number, length in enumerate(seconds):
        for _ in range(round(length * 50)):
            found = one.hear(bool(number % 2))
            now += 1
            if found is not None:
                return found, now / 50
            if now >= LIMIT * 50:
                return one.out_of_time(), now / 50
    return one.out_of_time(), now / 50


def read(*said: float | str) -> tuple[Judgement, float]:
    """The same where words are understood: seconds of voice, of silence (negative), and all that
    was said until then."""
    one = AnswerJudge()
    one.reads = True
    now = 0
    for part in said:
        if isinstance(part, str):
            found = one.read(part, now)
            if found is not None:
                return found, now / 50
            continue
        for _ in range(round(abs(part) * 50)):
            found = one.hear(part > 0)
            now += 1
            if found is not None:
                return found, now / 50
            if now >= LIMIT * 50:
                return one.out_of_time(), now / 50
    return one.out_of_time(), now / 50


def test_words_tell_a_machine_before_its_first_pause_is_over() -> None:
    judgement, after = read(1.5, -0.2, "hi you have reached john smith", -3.0)
    assert judgement == Judgement("machine", "its words")
    assert after < 2.0


def test_a_name_and_a_pause_may_be_a_machine_that_goes_on() -> None:
    name = "hello this is anna"
    judgement, _ = read(1.2, -0.3, name, -0.6, 0.5, f"{name} i can't come to the phone", 2.0)
    assert judgement.verdict == "machine"
    assert read(1.2, -0.3, name, -2.0)[0].verdict == "human"


def test_a_long_greeting_that_asks_is_a_person() -> None:
    text = "thank you for calling smith and sons roofing this is anna"
    assert read(3.9, text, 1.0)[0] == Judgement("human", "its words")
    judgement, _ = read(2.8, -0.2, f"{text} how can i help you", -1.0)
    assert judgement == Judgement("human", "its words")


def test_one_who_greets_long_in_one_go_without_a_machines_words_is_a_person() -> None:
    text = "riverside auto repair you have jack on the line"
    assert read(3.9, text, 1.0)[0] == Judgement("human", "no words of a machine")
    assert read(3.9, "riverside auto", 1.0)[0].verdict == "machine"
    assert read(1.0, -0.5, 2.4, text, 1.0)[0].verdict == "machine"


def test_several_short_sentences_that_ask_are_a_person() -> None:
    judgement, after = read(0.5, -0.3, 0.5, -0.3, 0.8, -0.2, "hello hello who is this", -2.0)
    assert judgement.verdict == "human"
    assert after < 3.5
    assert judge(0.0, 0.5, 0.3, 0.5, 0.3, 0.8, 2.0)[0].verdict == "machine"  # without words


def test_words_that_never_come_are_not_waited_for_too_long() -> None:
    judgement, after = read(0.5, -3.5)
    assert judgement.verdict == "human"
    assert after < 2.0


def test_a_hello_and_a_pause_is_a_person_and_told_at_once() -> None:
    judgement, after = judge(0.6, 0.4, 3.0)
    assert judgement.verdict == "human"
    assert after < 2.0


def test_the_greeting_of_a_firm_and_a_pause_is_a_person() -> None:
    assert judge(0.4, 2.6, 3.0)[0].verdict == "human"


def test_one_who_talks_on_and_on_is_a_machine() -> None:
    judgement, after = judge(0.2, 9.0)
    assert judgement == Judgement("machine", "a long greeting")
    assert after < LIMIT


def test_several_sentences_are_a_machine_before_the_time_is_over() -> None:
    judgement, after = judge(0.3, 1.2, 0.5, 4.0)
    assert judgement == Judgement("machine", "several sentences")
    assert after < 3.0


def test_a_hello_said_twice_is_still_a_person() -> None:
    assert judge(0.5, 0.4, 0.4, 0.4, 3.0)[0].verdict == "human"


def test_one_who_listens_first_is_a_person() -> None:
    assert judge(2.3, 0.5, 3.0)[0].verdict == "human"


def test_one_who_begins_late_and_talks_on_is_a_machine_when_there_is_no_more_time() -> None:
    judgement, after = judge(1.3, 9.0)
    assert judgement.verdict == "machine"
    assert after == LIMIT


@pytest.mark.parametrize("clicks", [(4.0,), (1.0, 0.04, 2.96), (0.5, 0.02, 0.5, 0.04, 3.0)])
def test_silence_and_clicks_are_nobody(clicks: tuple[float, ...]) -> None:
    assert judge(*clicks)[0] == Judgement("unknown", "no voice")


def test_what_was_never_sent_is_a_pause() -> None:
    one = AnswerJudge()
    for _ in range(30):
        assert one.hear(True) is None
    judgement = one.hear(False, skipped=60)
    assert judgement is not None
    assert judgement.verdict == "human"


def test_a_beep_is_a_machine() -> None:
    assert AnswerJudge().beep().verdict == "machine"


def test_a_beep_has_come_after_quiet() -> None:
    watch = BeepWatch()
    assert not watch.hear(beep=True, voice=False)
    answers = [watch.hear(beep=False, voice=False) for _ in range(QUIET_FRAMES)]
    assert answers == [False] * (QUIET_FRAMES - 1) + [True]
    assert watch.came


def test_a_beep_that_rings_out_has_come_after_quiet() -> None:
    watch = BeepWatch()
    watch.hear(beep=True, voice=False)
    for _ in range(TALK_FRAMES - 1):
        assert not watch.hear(beep=False, voice=True)
    answers = [watch.hear(beep=False, voice=False) for _ in range(QUIET_FRAMES)]
    assert answers == [False] * (QUIET_FRAMES - 1) + [True]


def test_a_beep_that_is_talked_over_was_none() -> None:
    watch = BeepWatch()
    watch.hear(beep=True, voice=False)
    for _ in range(TALK_FRAMES):
        watch.hear(beep=False, voice=True)
    assert not any(watch.hear(beep=False, voice=False) for _ in range(50))


def test_the_silence_after_a_beep_need_not_be_sent() -> None:
    watch = BeepWatch()
    watch.hear(beep=True, voice=False)
    assert watch.hear(beep=False, voice=False, skipped=QUIET_FRAMES)


def test_quiet_without_a_beep_is_nothing() -> None:
    watch = BeepWatch()
    assert not any(watch.hear(beep=False, voice=False) for _ in range(100))
