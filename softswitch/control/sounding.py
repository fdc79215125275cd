"""What a controller may have played: by its name in the configuration, as text, tone or file.

Reads the parameters that all methods with a sound have in common, and finds the sound. Who makes it
is behind a Protocol: texts and files take time.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from msgspec import Meta

from config.model import Prompt, Switch
from ivr.journey import Journey
from ivr.sounds import MAX_SPOKEN_CHARACTERS, SoundError, SoundsBusy
from media.tones import TONE_NAMES
from softswitch.call.services import LoadedPrompt
from softswitch.control.catalogue import Params
from softswitch.control.errors import ControlError, ErrorCode

__all__ = ["SoundParams", "Sounds", "is_given", "sound_of"]

TONES = frozenset({"chime", *TONE_NAMES})

Text = Annotated[str, Meta(min_length=1, max_length=MAX_SPOKEN_CHARACTERS)]
FileName = Annotated[str, Meta(min_length=1, max_length=255)]


class Sounds(Protocol):
    """Where sounds come from that were not made ready ahead."""

    async def spoken(self, text: str, switch: Switch) -> LoadedPrompt:
        """A text as speech; raises SoundError, SoundsBusy."""

    async def file(self, name: str) -> LoadedPrompt:
        """A WAV file of the folder of sounds; raises SoundError, SoundsBusy."""


class SoundParams(Params):
    """For which call, and what is played: one of them."""

    call: str
    prompt: str | None = None
    """A name in the section `prompts` of the configuration; it is ready at once."""
    text: Text | None = None
    """Spoken; it takes a moment the first time."""
    tone: str | None = None
    """chime, busy, ringback and so on, as in the campaign's country."""
    file: FileName | None = None
    """A WAV file in the folder `sounds` of the data folder."""


def is_given(params: SoundParams) -> bool:
    """Whether there is something to be played; raises ControlError when it is said twice."""
    given = [params.prompt, params.text, params.tone, params.file]
    count = sum(one is not None for one in given)
    if count > 1:
        raise ControlError(
            ErrorCode.INVALID_PARAMS, "say one of prompt, text, tone and file, not several"
        )
    return count == 1


async def sound_of(sounds: Sounds | None, journey: Journey, params: SoundParams) -> LoadedPrompt:
    """The sound that is asked for, ready to play; raises ControlError."""
    if not is_given(params):
        raise ControlError(ErrorCode.INVALID_PARAMS, "say one of prompt, text, tone and file")
    if params.prompt is not None:
        return _named(journey, params.prompt)
    if params.tone is not None:
        return _tone(journey, params.tone)
    if sounds is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "only prompts of the configuration are played")
    try:
        if params.text is not None:
            return await sounds.spoken(params.text, journey.configuration.switch)
        return await sounds.file(params.file or "")
    except SoundError as error:
        raise ControlError(ErrorCode.MEDIA_UNAVAILABLE, str(error)) from None
    except SoundsBusy:
        raise ControlError(ErrorCode.TOO_MANY_REQUESTS, "too many wait for their sounds") from None


def _named(journey: Journey, name: str) -> LoadedPrompt:
    prompt = journey.configuration.prompts.get(name)
    shelf = journey.call.services.prompts
    if prompt is None:
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such prompt", prompt=name[:100])
    sound = journey.sound(prompt)
    if isinstance(sound, LoadedPrompt):
        return sound
    if not shelf.is_ready(sound):
        raise ControlError(ErrorCode.MEDIA_UNAVAILABLE, "the prompt is not ready", prompt=name)
    return shelf.prompt(sound, country=journey.call.campaign.ringback)


def _tone(journey: Journey, name: str) -> LoadedPrompt:
    if name not in TONES:
        told = ", ".join(sorted(TONES))
        raise ControlError(ErrorCode.INVALID_PARAMS, f"tone is one of {told}")
    call = journey.call
    return call.services.prompts.prompt(Prompt(tone=name), country=call.campaign.ringback)
