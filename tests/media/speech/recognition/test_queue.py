import numpy as np

from media.speech.recognition.queue import WindowQueue
from media.speech.recognition.window import Purpose, Window


def window(stream: int, purpose: Purpose, start: int = 0, *, final: bool = False) -> Window:
    return Window(stream, np.zeros(160, np.int16), start, purpose, final)


def taken(queue: WindowQueue, most: int = 8) -> list[tuple[int, str]]:
    return [(one.stream, one.purpose) for one, _ in queue.take(most)]


def test_a_newer_rolling_window_supersedes_one_of_the_same_stream() -> None:
    queue = WindowQueue()
    first = window(1, "rolling")
    assert queue.put(first, 0.0) == []
    assert queue.put(window(2, "rolling"), 0.1) == []
    assert queue.put(window(1, "rolling"), 0.2) == [first]
    assert taken(queue) == [(2, "rolling"), (1, "rolling")]


def test_a_window_that_begins_later_does_not_cover_an_older_one() -> None:
    queue = WindowQueue()
    queue.put(window(1, "rolling", 0), 0.0)
    assert queue.put(window(1, "rolling", 5), 0.1) == []
    assert len(queue) == 2


def test_a_final_window_is_never_superseded() -> None:
    queue = WindowQueue()
    queue.put(window(1, "rolling", final=True), 0.0)
    assert queue.put(window(1, "rolling"), 0.1) == []


def test_segments_never_supersede_each_other() -> None:
    queue = WindowQueue()
    queue.put(window(1, "segment"), 0.0)
    assert queue.put(window(1, "segment"), 0.1) == []
    assert taken(queue) == [(1, "segment"), (1, "segment")]


def test_answers_come_first_and_alone_then_segments_then_rolling_windows() -> None:
    queue = WindowQueue()
    queue.put(window(1, "rolling"), 0.0)
    queue.put(window(2, "segment"), 0.1)
    queue.put(window(3, "answer"), 0.2)
    assert taken(queue) == [(3, "answer")]
    assert taken(queue) == [(2, "segment"), (1, "rolling")]
    assert taken(queue) == []


def test_no_more_are_taken_than_asked_for() -> None:
    queue = WindowQueue()
    for stream in range(5):
        queue.put(window(stream, "segment"), 0.0)
    assert taken(queue, 3) == [(0, "segment"), (1, "segment"), (2, "segment")]
    assert len(queue) == 2


def test_a_full_queue_leaves_out_the_oldest_of_the_least_urgent() -> None:
    queue = WindowQueue(limit=2)
    oldest = window(1, "rolling")
    queue.put(oldest, 0.0)
    queue.put(window(2, "segment"), 0.1)
    assert queue.put(window(3, "answer"), 0.2) == [oldest]
    dropped = queue.put(window(4, "answer"), 0.3)
    assert [one.purpose for one in dropped] == ["segment"]
    assert len(queue) == 2
