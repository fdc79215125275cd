"""Both channels of a call on one time line, with what is played to the caller."""

import numpy as np

from media.g711 import Samples, encode
from media.recording import RIGHT
from media.recording.tape import WINDOW, Tape
from tests.support.taped_sound import SAMPLE_NS, block, click_places, clicks

SECOND_NS = 1_000_000_000


def mixed_until(tape: Tape, seconds: float) -> Samples:
    pieces = list(tape.mix(round(seconds * SECOND_NS)))
    return np.concatenate(pieces) if pieces else np.empty((0, 2), np.int16)


def test_each_leg_has_its_channel_and_its_place() -> None:
    tape = Tape(0)
    caller = clicks(8000, 8000, first=800)
    tape.add([block(caller), block(caller, channel=RIGHT, start_ns=SECOND_NS // 2)])
    stereo = mixed_until(tape, 2)
    assert len(stereo) == 16000
    assert click_places(stereo[:, 0]).tolist() == [800]
    assert click_places(stereo[:, 1]).tolist() == [4800]


def test_what_is_mixed_is_handed_on_once_and_the_rest_waits() -> None:
    tape = Tape(0)
    tape.add([block(clicks(16000, 4000, first=100))])
    first = mixed_until(tape, 1)
    second = mixed_until(tape, 2)
    assert [len(first), len(second)] == [8000, 8000]
    assert click_places(first[:, 0]).tolist() == click_places(second[:, 0]).tolist() == [100, 4100]
    assert mixed_until(tape, 2).size == 0
    assert mixed_until(tape, 1).size == 0


def test_a_prompt_is_heard_on_the_right_until_it_is_cut() -> None:
    tape = Tape(0)
    prompt = encode(np.full(8000, 7932, np.int16))
    tape.play(SECOND_NS // 2, prompt, repeat=False)
    tape.stop_playing(SECOND_NS)
    stereo = mixed_until(tape, 2)
    assert np.flatnonzero(stereo[:, 1]).tolist() == list(range(4000, 8000))
    assert not stereo[:, 0].any()


def test_a_prompt_that_is_not_cut_ends_by_itself_across_hand_overs() -> None:
    tape = Tape(0)
    tape.play(0, encode(np.full(12000, 7932, np.int16)), repeat=False)
    first, second = mixed_until(tape, 1), mixed_until(tape, 3)
    assert np.count_nonzero(first[:, 1]) == 8000
    assert np.flatnonzero(second[:, 1]).tolist() == list(range(4000))


def test_a_repeated_sound_goes_on_until_the_next_one() -> None:
    tape = Tape(0)
    tape.play(0, encode(clicks(800, 800, first=10)), repeat=True)
    tape.play(SECOND_NS, encode(np.zeros(80, np.int16)), repeat=False)
    assert click_places(mixed_until(tape, 2)[:, 1]).tolist() == list(range(10, 8000, 800))


def test_a_prompt_over_a_voice_is_mixed_and_never_wraps_around() -> None:
    tape = Tape(0)
    tape.add([block(np.full(1600, 30_000, np.int16), channel=RIGHT)])
    tape.play(0, encode(np.full(800, 30_000, np.int16)), repeat=False)
    right = mixed_until(tape, 1)[:, 1]
    assert (right[:800] == 32767).all()
    assert (right[800:1600] == 30_000).all()


def test_prompts_without_sound_are_silence() -> None:
    tape = Tape(0)
    tape.play(0, b"", repeat=True)
    assert not mixed_until(tape, 1).any()


def test_sound_far_ahead_or_already_handed_on_is_lost_and_counted() -> None:
    tape = Tape(0)
    one = np.full(160, 1, np.int16)
    mixed_until(tape, 1)
    tape.add([block(one)])
    assert tape.lost == [160, 0]
    tape.add([block(one, channel=RIGHT, start_ns=(8000 + WINDOW - 80) * SAMPLE_NS)])
    assert tape.lost == [160, 80]


def test_a_long_silence_is_handed_on_in_pieces() -> None:
    tape = Tape(0)
    pieces = [len(piece) for piece in tape.mix(60 * SECOND_NS)]
    assert sum(pieces) == 60 * 8000
    assert max(pieces) == WINDOW


def test_what_is_past_is_remembered_as_long_as_clips_may_want_it() -> None:
    tape = Tape(0, history=8000)
    for second in range(5):
        tape.add([block(clicks(8000, 8000, first=50), start_ns=second * SECOND_NS,
                        position=second * 8000)])  # fmt: skip
        mixed_until(tape, second + 1)
    assert len(tape.cut(0, 40000)) == 8000
    cut = tape.cut(32000, 36000)
    assert len(cut) == 4000
    assert np.flatnonzero(cut[:, 0] != 0xFF).tolist() == [50, 51, 52, 53]
    assert len(tape.cut(0, 100)) == 0


def test_without_clips_nothing_is_remembered_until_they_are_wanted() -> None:
    tape = Tape(0)
    mixed_until(tape, 1)
    assert len(tape.cut(0, 8000)) == 0
    tape.remember(16000)
    mixed_until(tape, 2)
    assert len(tape.cut(0, 16000)) == 8000
