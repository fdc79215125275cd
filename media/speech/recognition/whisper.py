"""Whisper as a recogniser: windows of many streams in, words with times out, in batches.

Three habits make it cheap enough to run on what is being said. A window is as long as its sound,
not 30 s. A word that was understood a while ago is not decoded again: it stands before the text,
where a token costs next to nothing (see whisper_model). And windows of many streams share each
step of the decoder, whose price is reading its weights.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.g711 import Samples
from media.level import active_level
from media.speech.recognition.mel import BANDS, log_mel
from media.speech.recognition.result import Recognised, Word
from media.speech.recognition.whisper_model import WhisperModel
from media.speech.recognition.window import Window
from media.speech.recognition.words import Spoken, is_monotonous, normalise, without_invented

__all__ = ["WhisperEngine"]

MAX_BATCH = 16
"""Windows decoded together: beyond that a step costs in proportion."""
MAX_LENGTH_RATIO = 1.5
"""Windows share a batch when none is so many times longer than another: all are padded to it."""
MAX_STREAMS = 4096
"""Streams whose last words are remembered; beyond it the one longest unheard is forgotten, which
costs it one full decoding."""
MAX_HINT_TOKENS = 120
"""Of what may be said: half of what Whisper takes before the text."""
MAX_GAIN = 30.0
"""Nothing fainter than 30 dB below the level wanted is lifted to it: that is noise."""

LEVEL_DBFS = -20.0
"""What Whisper is used to."""
SETTLED_SECONDS = 0.7
"""A word so long before a window's end does not change any more with what follows."""
SETTLED_CONFIDENCE = 0.5
"""A word less sure than that is decoded again."""
TAIL_SECONDS = 0.7
"""Silence after a window: what tells Whisper that nothing follows."""
ANSWER_TAIL_SECONDS = 4.0
"""After a word or two, more of it: else they are written again, and a zip code gets longer."""
TOKENS_PER_SECOND, SPARE_TOKENS = 4.5, 4
ROLLING_TOKENS_PER_SECOND, ROLLING_SPARE_TOKENS = 3.5, 2
"""Of a window that another one follows: what a fast talker says too much comes with that. A window
that ends midway seldom ends for Whisper, which writes on to the last token it is given."""
FAINT = 10 ** (-30.0 / 10)
"""Share of the loudest frame's power below which a frame is a pause."""
SILENT_PROBABILITY = 0.6
SILENT_SCORE = -1.0
"""No speech so likely and text so unlikely: nothing was said (as in Whisper)."""
FRAMES_STEP = 50
"""Lengths are rounded up to half seconds: each new one costs the library its preparations."""
ALIGNED_SECONDS = 0.02
"""The encoder halves the frames."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The last words of a stream, with the end of the window they were in."""

    words: tuple[tuple[Spoken, int], ...]
    """Each with the monotonic time its window began."""
    end_ns: int


@dataclass(slots=True)
class _Item:
    """A window on its way."""

    window: Window
    mel: NDArray[np.float32]
    known: list[int]
    """Tokens that are settled already."""
    unknown: float
    """Seconds of the window after them."""
    tokens: list[int] = field(default_factory=list)
    words: list[Spoken] = field(default_factory=list)
    score: float = 0.0
    silent: float = 0.0


class WhisperEngine:
    """One model for all streams; one thread."""

    name = "whisper"

    def __init__(self, model: WhisperModel) -> None:
        self._whisper = model.whisper
        self._storage = model.storage
        self._vocabulary = model.vocabulary
        self._start = model.vocabulary.special("startoftranscript")
        self._text = model.vocabulary.special("notimestamps")
        self._previous = model.vocabulary.special("startofprev")
        self._control = {
            number for number, token in enumerate(model.vocabulary.tokens) if token[:2] == "<|"
        }
        self._streams: OrderedDict[int, _Known] = OrderedDict()

    def recognise(self, windows: Sequence[Window]) -> list[Recognised]:
        """What was said in each window, in their order."""
        items = [self._prepare(window) for window in windows]
        for batch in _batches(items):
            self._decode(batch)
        return [self._conclude(item) for item in items]

    def _prepare(self, window: Window) -> _Item:
        known, until_ns = self._settled(window)
        unknown = max(0, window.end_ns - until_ns) / 1e9
        return _Item(window, log_mel(_levelled(window)), known, unknown)

    def _settled(self, window: Window) -> tuple[list[int], int]:
        """Tokens of words of the last window that this one begins with; when they end."""
        last = self._streams.get(window.stream)
        tokens: list[int] = []
        until_ns = window.start_ns
        if last is None or window.purpose != "rolling":
            return tokens, until_ns
        for word, origin_ns in last.words:
            if origin_ns + int(word.start * 1e9) < window.start_ns - 50_000_000:
                continue
            settled = origin_ns + int((word.end + SETTLED_SECONDS) * 1e9) < last.end_ns
            if not settled or word.confidence < SETTLED_CONFIDENCE:
                break
            tokens += word.tokens
            until_ns = origin_ns + int(word.end * 1e9)
        return tokens, until_ns

    def _decode(self, batch: list[_Item]) -> None:
        """Tokens of a batch, all with as many known ones before them."""
        frames = max([item.mel.shape[1] for item in batch])
        frames += -frames % FRAMES_STEP
        encoded = self._encode(batch, frames)
        known = min([len(item.known) for item in batch])
        hint = self._hint(batch[0].window.words)
        prompts = [[*hint, self._start, self._text, *item.known[:known]] for item in batch]
        most = max([_most_tokens(item) for item in batch])
        most += max([len(item.known) for item in batch]) - known
        results = self._generate(encoded, prompts, known, most)
        for item, result in zip(batch, results, strict=True):
            tokens = item.known[:known] + list(result.sequences_ids[0])
            item.score, item.silent = result.scores[0], result.no_speech_prob
            item.tokens = [] if _is_nothing(item) else self._without_control(tokens)
        self._align(batch, encoded)

    def _without_control(self, tokens: list[int]) -> list[int]:
        return [token for token in tokens if token not in self._control]

    def _encode(self, batch: list[_Item], frames: int) -> Any:
        mels = np.full((len(batch), BANDS, frames), 0.0, np.float32)
        for row, item in enumerate(batch):
            # The floor of the window itself: digital silence stands 8 decades below its loudest.
            mels[row] = item.mel.min(initial=0.0)
            mels[row, :, : item.mel.shape[1]] = item.mel
        return self._whisper.encode(self._storage.from_array(mels))

    def _hint(self, words: tuple[str, ...]) -> list[int]:
        if not words:
            return []
        tokens = self._vocabulary.encode(" " + ", ".join(words))
        return [self._previous, *tokens[:MAX_HINT_TOKENS]]

    def _generate(self, encoded: Any, prompts: list[list[int]], known: int, most: int) -> list[Any]:
        """Decode what follows each prompt; all are equally long.

        CTranslate2 insists on timestamps when the first prompt of a batch does not end with
        <|notimestamps|>, as none does that goes on within a text. So a row is put before them that
        does, and whose outcome is left.
        """
        features = encoded
        rows = prompts
        if known:
            array = np.array(encoded)
            features = np.concatenate([np.zeros_like(array[:1]), array])
            features = self._storage.from_array(features)
            length = len(prompts[0])
            place = prompts[0].index(self._start)
            first = prompts[0][: place + 1] + [self._text] * (length - place - 1)
            rows = [first, *prompts]
        results = self._whisper.generate(
            features,
            rows,
            beam_size=1,
            # CTranslate2 gives half of it to what is new.
            max_length=max(2 * most, most + len(prompts[0])),
            suppress_blank=False,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return list(results[1:] if known else results)

    def _align(self, batch: list[_Item], encoded: Any) -> None:
        """Find the words and when each was said."""
        frames = [item.mel.shape[1] // 2 * 2 for item in batch]
        tokens = [item.tokens for item in batch]
        if not any(tokens):
            return
        found = self._whisper.align(encoded, [self._start], tokens, frames)
        for item, one in zip(batch, found, strict=True):
            if item.tokens:
                starts = _starts(one.alignments, len(item.tokens) + 1)
                words = self._words(item.tokens, starts, one.text_token_probs)
                item.words = without_invented(words, _sound_end(item.window.samples))

    def _words(
        self, tokens: list[int], starts: list[float], probabilities: list[float]
    ) -> list[Spoken]:
        words = []
        begins = [
            place
            for place, token in enumerate(tokens)
            if place == 0 or self._vocabulary.begins_word(token)
        ]
        for begin, end in zip(begins, [*begins[1:], len(tokens)], strict=True):
            part = tuple(tokens[begin:end])
            text = self._vocabulary.decode(part)
            sure = float(min(probabilities[begin:end]))
            words.append(Spoken(text, part, starts[begin], starts[end], sure))
        return words

    def _conclude(self, item: _Item) -> Recognised:
        window, words = item.window, item.words
        text = "".join([word.text for word in words]).strip()
        if is_monotonous(text):
            words, text = [], ""
        self._remember(window, words)
        return Recognised(
            words=tuple([one for word in words for one in _timed(word, window.start_ns)]),
            start_ns=window.start_ns,
            end_ns=window.end_ns,
            mode="rolling" if window.purpose == "rolling" else "segment",
            engine=self.name,
            final=window.final,
            text=text,
        )

    def _remember(self, window: Window, words: list[Spoken]) -> None:
        self._streams.pop(window.stream, None)
        if window.final or window.purpose != "rolling":
            return
        spoken = tuple([(word, window.start_ns) for word in words])
        self._streams[window.stream] = _Known(spoken, window.end_ns)
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)


def _levelled(window: Window) -> NDArray[np.float32]:
    """The window's sound at the level wanted, and silence after it."""
    sound = window.samples.astype(np.float32) * np.float32(1 / 32768)
    level = active_level(sound)
    gain = 10 ** (min(LEVEL_DBFS - level, MAX_GAIN) / 20) if np.isfinite(level) else 1.0
    tail = ANSWER_TAIL_SECONDS if window.purpose == "answer" else TAIL_SECONDS
    return np.pad(sound * np.float32(gain), (0, int(tail * 8000)))


def _sound_end(samples: Samples) -> float:
    """Seconds to the end of the last frame that sounds, not much fainter than the loudest."""
    frames = samples[: samples.size // 160 * 160].reshape(-1, 160).astype(np.float32)
    power = np.mean(frames**2, axis=1)
    sounding = np.flatnonzero(power > power.max(initial=0.0) * FAINT)
    return (int(sounding[-1]) + 1) * 0.02 if sounding.size else samples.size / 8000


def _batches(items: list[_Item]) -> list[list[_Item]]:
    """Items in groups of like length and hint: they go through the model together."""
    batches: list[list[_Item]] = []
    for item in sorted(items, key=lambda one: (one.window.words, one.mel.shape[1])):
        batch = batches[-1] if batches else []
        if (
            batch
            and len(batch) < MAX_BATCH
            and batch[0].window.words == item.window.words
            and item.mel.shape[1] <= MAX_LENGTH_RATIO * batch[0].mel.shape[1]
        ):
            batch.append(item)
        else:
            batches.append([item])
    return batches


def _most_tokens(item: _Item) -> int:
    """Of what is not known yet."""
    if item.window.purpose == "rolling" and not item.window.final:
        return ROLLING_SPARE_TOKENS + int(ROLLING_TOKENS_PER_SECOND * item.unknown)
    return SPARE_TOKENS + int(TOKENS_PER_SECOND * item.unknown)


def _is_nothing(item: _Item) -> bool:
    return item.silent > SILENT_PROBABILITY and item.score < SILENT_SCORE


def _starts(alignments: list[tuple[int, int]], tokens: int) -> list[float]:
    """When each token begins, in seconds; those the alignment does not reach begin at its end."""
    last = max([frame for _, frame in alignments], default=0) + 1
    starts = [last * ALIGNED_SECONDS] * (tokens + 1)
    for token, frame in reversed(alignments):
        if token <= tokens:
            starts[token] = frame * ALIGNED_SECONDS
    return starts


def _timed(word: Spoken, origin_ns: int) -> list[Word]:
    start_ns, end_ns = origin_ns + int(word.start * 1e9), origin_ns + int(word.end * 1e9)
    return [Word(text, start_ns, end_ns, word.confidence) for text in normalise(word.text)]
