"""The prompts of a configuration, ready to play: synthesised ahead of time, loaded into the engine
once.

`prepare` does all that can be slow (synthesis, reading files) before the switch says that it is
ready; a call only looks up. A configuration that comes later is prepared the same way before it is
taken into force.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path

from config.model import Configuration, Connect, Menu, Node, Play, Prompt
from media import tones
from media.prompt_cache import PromptCache, PromptCacheError
from media.speech.synthesis import Synthesiser, SynthesisError, available_synthesisers
from media.wav import WavError, read_wav
from rtp.engine import Engine
from softswitch.call.services import LoadedPrompt

__all__ = ["PromptError", "PromptLibrary", "prompts_of"]

SAMPLE_RATE = 8000


class PromptError(Exception):
    """A prompt cannot be made ready; the text says which and why."""


def prompts_of(configuration: Configuration) -> Iterator[Prompt]:
    """Every prompt that a configuration can play."""
    for treatment in configuration.treatments.values():
        for node in treatment.nodes:
            yield from _prompts_of_node(node)


def _prompts_of_node(node: Node) -> Iterator[Prompt]:
    if isinstance(node, Play):
        yield node.prompt
    elif isinstance(node, Menu):
        yield node.prompt
        if node.invalid_prompt is not None:
            yield node.invalid_prompt
        for nodes in (*node.choices.values(), node.on_no_input):
            for inner in nodes:
                yield from _prompts_of_node(inner)
    elif isinstance(node, Connect):
        if node.prompt is not None:
            yield node.prompt
        for inner in node.on_failure:
            yield from _prompts_of_node(inner)


TONE_SECONDS = 4.0
"""A call progress tone that is played as a prompt lasts at least so long: a few periods of its
cadence."""


class PromptLibrary:
    """Implements the calls' PromptShelf over the engine's shared buffers."""

    def __init__(self, engine: Engine, cache_folder: Path) -> None:
        self._engine = engine
        self._cache_folder = cache_folder
        self._prompts: dict[tuple[str | None, Path | None], LoadedPrompt] = {}
        self._tones: dict[tuple[str, str], LoadedPrompt] = {}
        self._ringbacks: dict[str, LoadedPrompt] = {}
        self.chimes = 0
        """Text prompts for which a chime plays, because no synthesiser is installed."""

    async def prepare(self, configuration: Configuration) -> None:
        """Make all prompts of a configuration ready; raises PromptError."""
        wanted = {_key(prompt): prompt for prompt in prompts_of(configuration)}
        missing = {
            key: prompt
            for key, prompt in wanted.items()
            if key not in self._prompts and prompt.tone is None
        }
        tones_named = {prompt.tone for prompt in wanted.values() if prompt.tone is not None}
        texts = [prompt.text for prompt in missing.values() if prompt.text is not None]
        files = await asyncio.to_thread(self._speak, texts, configuration) if texts else {}
        for key, prompt in missing.items():
            self._prompts[key] = await asyncio.to_thread(self._load, prompt, files)
        for campaign in configuration.campaigns.values():
            self.ringback(campaign.ringback)
            for name in tones_named:
                self._tone(name, campaign.ringback)

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
        path = prompt.wav if prompt.text is None else files.get(prompt.text)
        if path is None:
            return self._loaded(f"chime for: {prompt.text}", tones.chime().tobytes())
        try:
            samples = read_wav(path)
        except (WavError, OSError) as error:
            raise PromptError(f"{prompt.location}: prompt {path}: {error}") from None
        return self._loaded(prompt.text or path.name, samples.tobytes())

    def _loaded(self, name: str, samples: bytes) -> LoadedPrompt:
        return LoadedPrompt(name, self._engine.load_prompt(samples), len(samples) / 2 / SAMPLE_RATE)

    def prompt(self, source: Prompt, *, country: str = tones.DEFAULT_COUNTRY) -> LoadedPrompt:
        """A prompt that `prepare` has made ready; a tone sounds as in the country."""
        if source.tone is not None:
            return self._tone(source.tone, country)
        return self._prompts[_key(source)]

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


def _key(prompt: Prompt) -> tuple[str | None, Path | None]:
    return prompt.text, prompt.wav


def _tone_samples(name: str, country: str) -> bytes:
    if name == "chime":
        return tones.chime().tobytes()
    period = tones.render(tones.tone_plan(country).tone(name)).tobytes()
    return period * math.ceil(TONE_SECONDS * SAMPLE_RATE * 2 / len(period))
