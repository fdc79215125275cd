"""What a recogniser might report: words at regular times."""

from media.speech.recognition.result import Recognised, Word

SECOND = 1_000_000_000


def recognised(
    text: str,
    at: float = 0.0,
    *,
    each: float = 0.4,
    confidence: float = 0.9,
    final: bool = True,
    start: float | None = None,
    end: float | None = None,
    mode: str = "rolling",
) -> Recognised:
    """The words of a text from a time on, in seconds; its window is as long as they are."""
    words = tuple(
        Word(
            word,
            round((at + index * each) * SECOND),
            round((at + (index + 0.9) * each) * SECOND),
            confidence,
        )
        for index, word in enumerate(text.split())
    )
    start = at if start is None else start
    end = at + len(words) * each if end is None else end
    return Recognised(
        words, round(start * SECOND), round(end * SECOND), mode, "test", final, text.capitalize()
    )
