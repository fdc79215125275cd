"""What is heard when somebody, or something, answers: greetings made by synthesisers.

Persons say a little and wait; machines talk on, and some beep. Texts and voices of the tuning set
and of the test set have nothing in common. Every scene is 8 kHz, mu-law, with a delay before the
first word, noise, and lost frames.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from media import SAMPLE_RATE
from media.g711 import decode, encode
from media.level import TARGET_LEVEL_DBFS, to_telephone_speech
from media.wav import decode_wav, read_wav

__all__ = ["FRAME", "Scene", "Side", "beep_scenes", "hard_scenes", "pink", "scenes"]

Sound = NDArray[np.float32]
Side = Literal["tuning", "test"]
FRAME: Final = 160
SECONDS: Final = 6.0
"""Of each scene: past every verdict."""
MAX_LAST_SECONDS: Final = 2.5
"""Of a sentence whose beep, at latest 2.2 seconds after it, still lies within a scene."""
MAX_SPEAK_SECONDS: Final = 30.0
ESPEAK_WORDS: Final = 165
"""A minute, at its natural speed."""

VOICES: Final[dict[Side, tuple[str, ...]]] = {
    "tuning": ("flite:slt", "flite:kal16", "espeak-ng:en-us", "espeak-ng:en-us+f2"),
    "test": ("hibari:heart", "flite:rms", "flite:awb", "espeak-ng:en-gb", "espeak-ng:en-us+f4"),
}
STRETCH: Final = {"human": (0.8, 1.0), "machine": (0.9, 1.1)}
"""How slowly it is said: a person rattles off what he says fifty times a day, an announcement is
read out."""
PERSONS: Final[dict[Side, tuple[str, ...]]] = {
    "tuning": (
        "Hello?",
        "Yes?",
        "Hi.",
        "Hello. Hello?",
        "Hello, Dave speaking.",
        "This is Karen.",
        "Yeah, who is this?",
        "Good morning, how can I help?",
        "Smith and Sons, good afternoon.",
        "Blue River Dental, this is Anna speaking.",
        "Thanks for calling Hill Motors, how may I help you?",
        "Front desk, Michael here, what can I do for you?",
        "Johnson residence.",
        "Good evening, Casa Roma, would you like to book a table?",
    ),
    "test": (
        "Hello?",
        "Hey.",
        "Hallo, yes?",
        "Speaking.",
        "Hi, it's Paul.",
        "Susan Miller.",
        "Who's calling please?",
        "Hello, hello, who is there?",
        "Acme plumbing, this is Mark, how can I help you?",
        "Good afternoon, City Vet, Laura speaking.",
        "North Side Insurance, may I help you?",
        "Thank you for calling Green Garden, this is Tom.",
        "Yes, hello, the Parker family.",
        "Reception, good morning, one moment, yes, how can I help?",
    ),
}
MACHINES: Final[dict[Side, tuple[str, ...]]] = {
    "tuning": (
        "Hi, this is Robert. I can't come to the phone right now. Please leave your name and number"
        " and I will call you back.",
        "You have reached the voice mailbox of five five five, one two three four. Please record"
        " your message after the tone.",
        "The person you are trying to reach is not available. At the tone, please record your"
        " message.",
        "Hello, you've reached the Wilson family. We are out at the moment, so leave a message.",
        "Thank you for calling Lake Side Clinic. Our office is closed. Our hours are nine to five,"
        " Monday to Friday.",
        "Hey, it's Jenny, sorry I missed you, leave me a message and have a great day.",
        "Your call has been forwarded to an automatic voice message system.",
        "Welcome to First Bank. For English, press one. For account balances, press two.",
        "We're not home. Leave a message.",
    ),
    "test": (
        "Hi, you've reached Steve and Linda. We're unable to take your call. Please leave a message"
        " after the beep.",
        "Hello. Nobody is here to answer the phone just now. Leave your number and we'll ring you"
        " back as soon as possible.",
        "I'm sorry, the subscriber you have called is not available. Please try again later, or"
        " leave a message after the tone.",
        "This is the mailbox of Peter Young at Delta Consulting. I am travelling this week with"
        " limited access to my phone.",
        "You are connected to the answering service of Doctor Brown. The practice is closed today.",
        "Hey there! I can't talk at the moment. You know what to do after the beep.",
        "Thanks for calling Sun Travel. All of our agents are busy helping other customers. Please"
        " stay on the line.",
        "Good day. This number is not attended outside business hours. Please send us an e-mail.",
        "Sorry we missed you. Leave a message.",
    ),
}
Truth = Literal["human", "machine"]
HARD_VOICES: Final[dict[Side, tuple[str, ...]]] = {
    "tuning": ("hibari:heart", "flite:slt", "espeak-ng:en-us"),
    "test": ("hibari:heart", "flite:rms", "flite:awb"),
}
"""There is one neural voice; the texts differ all the same."""
HARD_PERSONS: Final[dict[Side, tuple[str, ...]]] = {
    "tuning": (
        "Thank you for calling Smith and Sons Roofing, this is Anna, how can I help you?",
        "Good morning, Doctor Miller's office, can you hold please?",
        "Hello? Hello? Who is this?",
        "Hello, this is John.",
        "Good afternoon, thank you for calling Bright Smile Dental, my name is Rosa.",
        "Yes? Hello? Is anybody there?",
    ),
    "test": (
        "Thanks for calling Riverside Auto Repair, Jack speaking, what can I do for you today?",
        "Good afternoon, law offices of Baker and Stone, how may I direct your call?",
        "Hello? Yes? Who is calling?",
        "Hi, Maria here.",
        "Good evening, Hotel Astoria, reception, this is Peter.",
        "Thank you for calling Summit Heating and Cooling, this is Diane, may I have your name?",
        "Hello? Sorry, I did not hear you, who is it?",
        "Yeah, this is Frank.",
    ),
}
HARD_MACHINES: Final[dict[Side, tuple[str, ...]]] = {
    "tuning": (
        "Hi, you have reached John Smith. Please leave a message after the tone.",
        "The person you are calling is not available. Please try again later.",
        "Hello, this is Anna. I can't come to the phone right now. Please leave your name.",
        "Hey, it's Mike. Leave a message.",
        "Sorry, nobody is available to take your call. Leave a message after the beep.",
        "Thank you for calling Lake Side Clinic. Our office is closed.",
    ),
    "test": (
        "You've reached the Cooper family. Please leave us a message.",
        "The number you have dialed cannot be reached. Please call again at another time.",
        "Hi, this is Laura. I'm away from my desk. Leave your name and number.",
        "Hey, Greg here. You know what to do.",
        "Welcome to Harbor Insurance. To speak with an agent, press two.",
        "Thanks for calling Green Valley Vet. We are closed until Monday.",
        "Your call has been sent to voicemail. At the tone, record your message.",
        "Hello. The Martins are not at home. Speak after the beep.",
    ),
}
HARD_PAUSE: Final = (0.5, 1.0)
"""Seconds between the sentences of a machine: as long as a person waits."""
PAUSES: Final = (0.05, 0.55)
"""Seconds between sentences."""
KINDS: Final[tuple[tuple[Truth, dict[Side, tuple[str, ...]]], ...]] = (
    ("human", PERSONS),
    ("machine", MACHINES),
)
NOISE_DB: Final = (None, 30.0, 20.0, 12.0)
"""Ratios of speech to noise; None: silence between the words."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The first seconds after an answer."""

    truth: Truth
    what: str
    voice: str
    samples: NDArray[np.int16]
    lost: NDArray[np.bool_]
    """[frames] those that do not arrive."""
    beep_ends: float | None
    """Seconds from the answer to the end of the beep, when it lies within the scene."""


def scenes(side: Side, *, rounds: int) -> Iterator[Scene]:
    """Every text in every voice, `rounds` times with other noise, delays, pauses and losses."""
    dice = random.Random(f"greetings {side}")
    for voice in filter(_installed, VOICES[side]):
        for truth, texts in KINDS:
            for text in texts[side]:
                stretch = dice.uniform(*STRETCH[truth])
                parts = [_speak(voice, part, stretch) for part in re.split(r"(?<=[.!]) ", text)]
                for _round in range(rounds):
                    yield _scene(truth, text, voice, parts, dice)


def hard_scenes(side: Side, *, rounds: int) -> Iterator[Scene]:
    """Machines that pause like persons, and persons who greet as long as machines."""
    dice = random.Random(f"hard greetings {side}")
    kinds: tuple[tuple[Truth, dict[Side, tuple[str, ...]]], ...] = (
        ("human", HARD_PERSONS),
        ("machine", HARD_MACHINES),
    )
    for voice in filter(_installed, HARD_VOICES[side]):
        for truth, texts in kinds:
            for text in texts[side]:
                stretch = dice.uniform(*STRETCH[truth])
                parts = [_speak(voice, part, stretch) for part in re.split(r"(?<=[.!?]) ", text)]
                pauses = HARD_PAUSE if truth == "machine" else PAUSES
                for _round in range(rounds):
                    yield _scene(truth, text, voice, parts, dice, pauses)


def beep_scenes(side: Side, *, rounds: int) -> Iterator[Scene]:
    """The last sentence of every machine's greeting with its beep, and persons without one."""
    dice = random.Random(f"beeps {side}")
    for voice in filter(_installed, VOICES[side]):
        for truth, texts in KINDS:
            for text in texts[side]:
                last = re.split(r"(?<=[.!]) ", text)[-1]
                part = _speak(voice, last, dice.uniform(*STRETCH[truth]))
                if len(part) > MAX_LAST_SECONDS * SAMPLE_RATE:
                    continue
                for _round in range(rounds):
                    yield _scene(truth, last, voice, [part], dice)


def _scene(
    truth: Truth,
    text: str,
    voice: str,
    parts: list[Sound],
    dice: random.Random,
    pauses: tuple[float, float] = PAUSES,
) -> Scene:
    delay = _delay(truth, dice)
    pieces = [np.zeros(int(delay * SAMPLE_RATE), np.float32)]
    for part in parts:
        pieces += [part, _silence(dice.uniform(*pauses))]
    beep_ends = None
    if truth == "machine":
        pieces[-1] = _silence(dice.uniform(0.2, 1.0))
        pieces.append(_beep(dice))
        end = sum(map(len, pieces)) / SAMPLE_RATE
        beep_ends = end if end < SECONDS else None
    elif dice.random() < 0.3:  # an impatient one asks again
        pieces += [_silence(dice.uniform(1.6, 2.6)), parts[0]]
    sound = np.concatenate([*pieces, _silence(SECONDS)])[: int(SECONDS * SAMPLE_RATE)]
    sound = _on_the_line(sound, dice)
    loss = dice.choice((0.0, 0.0, 0.01, 0.02))
    lost = np.array([dice.random() < loss for _ in range(len(sound) // FRAME)])
    samples = np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return Scene(truth, text, voice, decode(encode(samples)), lost, beep_ends)


def _delay(truth: str, dice: random.Random) -> float:
    if truth == "machine":
        return dice.uniform(0.2, 1.2)
    # One person in five listens first.
    return dice.uniform(1.2, 2.4) if dice.random() < 0.2 else dice.uniform(0.1, 1.0)


def _on_the_line(sound: Sound, dice: random.Random) -> Sound:
    gain = np.float32(10 ** (dice.uniform(-10, 4) / 20))
    ratio = dice.choice(NOISE_DB)
    if ratio is None:
        return sound * gain
    generator = np.random.default_rng(dice.randrange(1 << 30))
    noise = pink(len(sound), generator) * np.float32(10 ** ((TARGET_LEVEL_DBFS - ratio) / 20))
    return (sound + noise) * gain


def pink(count: int, generator: np.random.Generator) -> Sound:
    """Noise of 300 to 3400 Hz that falls by 3 dB an octave, mean square 1."""
    spectrum = np.fft.rfft(generator.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    shape = np.where((frequency > 300) & (frequency < 3400), 1 / np.sqrt(frequency + 1), 0)
    noise = np.fft.irfft(spectrum * shape, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), np.float32)


def _beep(dice: random.Random) -> Sound:
    count = int(dice.uniform(0.2, 1.0) * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    tone = 0.2 * np.sin(2 * np.pi * dice.choice((440, 800, 1000, 1400, 2000)) * time)
    return np.asarray(tone, np.float32)


def _silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


# Voices.


def _installed(voice: str) -> bool:
    engine = voice.partition(":")[0]
    if engine == "hibari":
        return importlib.util.find_spec("hibari") is not None
    return shutil.which(engine) is not None


def _speak(voice: str, text: str, stretch: float) -> Sound:
    engine, _, name = voice.partition(":")
    speak = {"hibari": _hibari, "flite": _flite, "espeak-ng": _espeak}[engine]
    samples, rate = speak(name, text, stretch)
    return to_telephone_speech(samples, rate).astype(np.float32) / np.float32(32768)


def _hibari(_name: str, text: str, stretch: float) -> tuple[Sound, int]:
    voice, rate = _load_hibari()
    return np.asarray(voice(text, seed=0, speed=1 / stretch), np.float32), rate


@cache
def _load_hibari() -> tuple[Any, int]:
    module = importlib.import_module("hibari")
    return module.Hibari(), int(module.SAMPLE_RATE)


def _flite(name: str, text: str, stretch: float) -> tuple[Sound, int]:
    with tempfile.TemporaryDirectory(prefix="bench-greetings-") as folder:
        target = Path(folder, "speech.wav")
        speed = ["--setf", f"duration_stretch={stretch:.2f}"]
        _run(["flite", "-voice", name, *speed, "-t", text, "-o", str(target)])
        return read_wav(target).astype(np.float32) / np.float32(32768), SAMPLE_RATE


def _espeak(name: str, text: str, stretch: float) -> tuple[Sound, int]:
    wav = _run(["espeak-ng", "-v", name, "-s", f"{ESPEAK_WORDS / stretch:.0f}", "--stdout", text])
    return decode_wav(wav).astype(np.float32) / np.float32(32768), SAMPLE_RATE


def _run(command: list[str]) -> bytes:
    # flite ends with 1 whatever it has done.
    done = subprocess.run(command, capture_output=True, timeout=MAX_SPEAK_SECONDS, check=False)
    return done.stdout
