"""The prompts of a configuration, ready to play: synthesised ahead of time, loaded into the engine
once.

`prepare` does all that can be slow (synthesis, reading files) before the switch says that it is
ready; a call only looks up. A configuration that comes later is made ready the same way before it
is taken into force, and what only earlier ones play is let go when no call has them any more. A
file that was recorded anew is found by its time and size. Texts with values in them are spoken for
all values known: the first MAX_VALUES_FIRST before the switch is ready, others and those of new
bindings behind; meanwhile their constant parts are played.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from config.model import Configuration, Prompt, Template
from ivr.prompt_texts import constant_text, known_texts, prompts_of, texts_of_binding
from media import tones
from media.g711 import encode
from media.prompt_cache import PromptCache, PromptCacheError
from media.speech.synthesis import Synthesiser, SynthesisError, available_synthesisers
from media.wav import WavError, read_wav
from rtp.engine import Engine
from softswitch.call.services import LoadedPrompt

__all__ = ["PromptError", "PromptLibrary", "ReadyPrompts", "prompts_of"]

logger = logging.getLogger(__name__)

SAMPLE_RATE = 8000

MAX_VALUES_FIRST = 50
"""Texts with values that are spoken before the switch is ready: a few seconds' work."""
MAX_WAITING_TEXTS = 5000
"""Texts that wait to be spoken; at a tenth of a second each that is eight minutes' work."""
MAX_BATCH = 20
"""Texts given to the synthesiser at once: it is started for each batch."""
MAX_RENDERED_BYTES = 256 * 1024 * 1024
"""Sound of texts with values held in memory: two thousand prompts of five seconds. Those that
were not played for longest go first, and are spoken again when their binding is made again."""


class PromptError(Exception):
    """A prompt cannot be made ready; the text says which and why."""


TONE_SECONDS = 4.0
"""A call progress tone that is played as a prompt lasts at least so long: a few periods of its
cadence."""


_Key = tuple[str | None, Path | None]
_Stamp = tuple[int, int] | str
"""When a file was written (ns), and its size; of a text, who speaks it."""


@dataclass(frozen=True, slots=True)
class ReadyPrompts:
    """What a configuration plays, made ready but not in force."""

    configuration: Configuration
    keys: frozenset[_Key]
    """All that it plays, but tones."""
    fresh: Mapping[_Key, LoadedPrompt]
    """What was not there yet, or is another sound by now."""
    stamps: Mapping[_Key, _Stamp]
    renewed: tuple[Path, ...]
    """Files that were there with another sound."""


class PromptLibrary:
    """Implements the calls' PromptShelf over the engine's shared buffers."""

    def __init__(self, engine: Engine, cache_folder: Path) -> None:
        self._engine = engine
        self._cache_folder = cache_folder
        self._prompts: dict[_Key, LoadedPrompt] = {}
        self._stamps: dict[_Key, _Stamp] = {}
        self._taken: list[ReadyPrompts] = []
        """Of the configuration in force, the last, and of those that calls still have."""
        self._tones: dict[tuple[str, str], LoadedPrompt] = {}
        self._ringbacks: dict[str, LoadedPrompt] = {}
        self.chimes = 0
        """Text prompts for which a chime plays, because no synthesiser is installed."""
        self._rendered: OrderedDict[str, LoadedPrompt] = OrderedDict()
        self._rendered_bytes = 0
        self._waiting: OrderedDict[str, Configuration] = OrderedDict()
        self._speaking: asyncio.Task[None] | None = None

    async def prepare(self, configuration: Configuration) -> None:
        """Make all prompts of a configuration ready and take them; raises PromptError."""
        self.take(await self.ready(configuration))

    async def ready(self, configuration: Configuration) -> ReadyPrompts:
        """Make all prompts of a configuration ready, beside those in force; raises PromptError."""
        wanted = {_key(prompt): _spoken(prompt) for prompt in prompts_of(configuration)}
        tones_named = {prompt.tone for prompt in wanted.values() if prompt.tone is not None}
        wanted = {key: prompt for key, prompt in wanted.items() if prompt.tone is None}
        stamps = await asyncio.to_thread(_stamps_of, tuple(wanted), configuration)
        missing = {
            key: prompt
            for key, prompt in wanted.items()
            if key not in self._prompts or stamps.get(key) != self._stamps.get(key)
        }
        texts = [prompt.text for prompt in missing.values() if prompt.text]
        files = await asyncio.to_thread(self._speak, texts, configuration) if texts else {}
        fresh = {
            key: await asyncio.to_thread(self._load, prompt, files)
            for key, prompt in missing.items()
        }
        for campaign in configuration.campaigns.values():
            self.ringback(campaign.ringback)
            for name in tones_named:
                self._tone(name, campaign.ringback)
        await self._prepare_values(configuration)
        renewed = tuple(key[1] for key in fresh if key[1] is not None and key in self._stamps)
        return ReadyPrompts(configuration, frozenset(wanted), fresh, stamps, renewed)

    def take(self, ready: ReadyPrompts, in_use: Collection[Configuration] = ()) -> None:
        """Play what was made ready from now on; `in_use` are the configurations that calls have,
        and whatever none of them plays is let go."""
        self._prompts.update(ready.fresh)
        self._stamps.update(ready.stamps)
        ids = {id(one) for one in in_use}
        self._taken = [one for one in self._taken if id(one.configuration) in ids]
        self._taken.append(ready)
        kept = frozenset().union(*(one.keys for one in self._taken))
        for key in [key for key in self._prompts if key not in kept]:
            del self._prompts[key]
            self._stamps.pop(key, None)

    async def _prepare_values(self, configuration: Configuration) -> None:
        # Of a hundred thousand numbers: not in the way of calls.
        texts = await asyncio.to_thread(_known_texts, configuration)
        fresh = [text for text in texts if text not in self._rendered]
        await self._render(fresh[:MAX_VALUES_FIRST], configuration)
        self._enqueue(fresh[MAX_VALUES_FIRST:], configuration)

    def prepare_binding(
        self,
        configuration: Configuration,
        *,
        campaign: str,
        publisher: str | None,
        pool: str,
        number: str,
        parameters: Mapping[str, str],
    ) -> None:
        """Have the texts spoken that calls of a new binding may hear; in the background."""
        texts = texts_of_binding(
            configuration,
            campaign=campaign,
            publisher=publisher,
            pool=pool,
            number=number,
            parameters=parameters,
        )
        self._enqueue([text for text in texts if text not in self._rendered], configuration)

    def _enqueue(self, texts: Iterable[str], configuration: Configuration) -> None:
        for text in texts:
            self._waiting[text] = configuration
            if len(self._waiting) > MAX_WAITING_TEXTS:
                self._waiting.popitem(last=False)
        if self._waiting and self._speaking is None:
            self._speaking = asyncio.get_running_loop().create_task(self._speak_waiting())

    async def _speak_waiting(self) -> None:
        try:
            while self._waiting:
                configuration = next(iter(self._waiting.values()))
                batch = [text for text, of in self._waiting.items() if of is configuration]
                batch = batch[:MAX_BATCH]
                for text in batch:
                    del self._waiting[text]
                try:
                    await self._render(batch, configuration)
                except PromptError as error:
                    logger.warning("prompts with values are not ready: %s", error)
        finally:
            self._speaking = None

    async def _render(self, texts: list[str], configuration: Configuration) -> None:
        """Speak texts and hold them; what is held too long goes."""
        if not texts:
            return
        files = await asyncio.to_thread(self._speak, texts, configuration)
        for text in texts:
            loaded = await asyncio.to_thread(self._load, Prompt(text=text), files)
            self._rendered[text] = loaded
            self._rendered_bytes += _bytes_of(loaded)
        while self._rendered_bytes > MAX_RENDERED_BYTES:
            _, oldest = self._rendered.popitem(last=False)
            self._rendered_bytes -= _bytes_of(oldest)

    async def close(self) -> None:
        """Leave what is not spoken yet."""
        self._waiting.clear()
        if self._speaking is not None:
            self._speaking.cancel()
            await asyncio.gather(self._speaking, return_exceptions=True)

    def _speak(self, texts: list[str], configuration: Configuration) -> dict[str, Path]:
        switch = configuration.switch
        if switch.without_synthesiser == "chime" and not available_synthesisers():
            self.chimes += len(texts)
            return {}
        try:
            synthesiser = Synthesiser(switch.synthesiser)
            return PromptCache(self._cache_folder, synthesiser).prepare(texts)
        except (SynthesisError, PromptCacheError) as error:
            raise PromptError(str(error)) from None

    def _load(self, prompt: Prompt, files: dict[str, Path]) -> LoadedPrompt:
        if prompt.text == "":
            # A template of nothing but values that are not ready.
            return self._loaded("silence", bytes(2 * SAMPLE_RATE // 50))
        path = prompt.wav if prompt.text is None else files.get(prompt.text)
        if path is None:
            return self._loaded(f"chime for: {prompt.text}", tones.chime().tobytes())
        try:
            samples = read_wav(path)
        except (WavError, OSError) as error:
            raise PromptError(f"{prompt.location}: prompt {path}: {error}") from None
        return self._loaded(prompt.text or path.name, samples.tobytes())

    def _loaded(self, name: str, samples: bytes) -> LoadedPrompt:
        audio = self._engine.load_prompt(samples)
        ulaw = encode(np.frombuffer(samples, np.int16))
        return LoadedPrompt(name, audio, len(ulaw) / SAMPLE_RATE, ulaw)

    def prompt(self, source: Prompt, *, country: str = tones.DEFAULT_COUNTRY) -> LoadedPrompt:
        """A prompt that `prepare` has made ready; a tone sounds as in the country."""
        if source.tone is not None:
            return self._tone(source.tone, country)
        return self._prompts[_key(source)]

    def rendered(self, template: Template, text: str) -> LoadedPrompt | None:
        """A template's prompt with its values, when it has been spoken."""
        found = self._rendered.get(text)
        if found is not None:
            self._rendered.move_to_end(text)
            return found
        return self._prompts.get((text, None))

    def is_ready(self, source: Prompt) -> bool:
        """Whether `prompt` has it."""
        return source.tone is not None or _key(source) in self._prompts

    def ringback(self, country: str) -> LoadedPrompt:
        """One cadence period of a country's ringback tone."""
        known = self._ringbacks.get(country)
        if known is None:
            samples = tones.render(tones.tone_plan(country).ringback)
            known = self._loaded(f"ringback {country}", samples.tobytes())
            self._ringbacks[country] = known
        return known

    def _tone(self, name: str, country: str) -> LoadedPrompt:
        known = self._tones.get((name, country))
        if known is None:
            known = self._loaded(name, _tone_samples(name, country))
            self._tones[name, country] = known
        return known


def _known_texts(configuration: Configuration) -> list[str]:
    """As many as may wait, each once."""
    return list(dict.fromkeys(islice(known_texts(configuration), MAX_WAITING_TEXTS)))


def _stamps_of(keys: Iterable[_Key], configuration: Configuration) -> dict[_Key, _Stamp]:
    """Of texts and files; one that cannot be looked at has none, and fails when it is loaded."""
    found: dict[_Key, _Stamp] = {}
    for key in keys:
        if key[1] is None:
            found[key] = configuration.switch.synthesiser
            continue
        with suppress(OSError):
            status = key[1].stat()
            found[key] = (status.st_mtime_ns, status.st_size)
    return found


def _key(prompt: Prompt) -> _Key:
    if prompt.template is not None:
        return constant_text(prompt.template), None
    return prompt.text, prompt.wav


def _spoken(prompt: Prompt) -> Prompt:
    """What is played for a prompt whose values are not ready."""
    if prompt.template is None:
        return prompt
    return Prompt(text=constant_text(prompt.template), location=prompt.location)


def _bytes_of(prompt: LoadedPrompt) -> int:
    """What a prompt takes: a byte a sample for each of two codecs in the engine, and one here."""
    return len(prompt.ulaw) * 3


def _tone_samples(name: str, country: str) -> bytes:
    if name == "chime":
        return tones.chime().tobytes()
    period = tones.render(tones.tone_plan(country).tone(name)).tobytes()
    return period * math.ceil(TONE_SECONDS * SAMPLE_RATE * 2 / len(period))
