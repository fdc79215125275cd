"""Spoken prompts on disk: each text is synthesised once, ahead of the calls that need it.

A file's name is the hash of all that decides how it sounds, so an entry is never out of date. Files
appear whole or not at all, and several processes may share the folder. Who speaks is not known
here.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from media.wav import WavError, decode_wav, encode_wav

FORMAT = "1"
"""Grows when the same words would be made into a different file: level, band, trimming."""


class PromptCacheError(Exception):
    """The folder cannot be used; the text is a sentence for the operator."""


class PromptSynthesiser(Protocol):
    """Who speaks: `identity` is part of the key, `synthesise` makes each file whole or raises."""

    @property
    def identity(self) -> str:
        """Name, version and voice."""

    def synthesise(self, jobs: Iterable[tuple[str, Path]]) -> None:
        """Speak each text to its file."""


class PromptCache:
    """The folder of prompts of one synthesiser."""

    def __init__(self, directory: Path, synthesiser: PromptSynthesiser) -> None:
        self.directory = directory
        self._synthesiser = synthesiser

    def path(self, text: str) -> Path:
        """Where the file of a text is, or will be."""
        parts = (FORMAT, self._synthesiser.identity, text)
        # The length before each part keeps two different lists of parts apart.
        spelt = "".join([f"{len(part)}:{part}" for part in parts])
        digest = hashlib.sha256(spelt.encode("utf-8", "surrogatepass")).hexdigest()
        return self.directory / f"{digest}.wav"

    def prepare(self, texts: Iterable[str]) -> dict[str, Path]:
        """Make the files that are missing or damaged; all texts with their files.

        Blocks while prompts are spoken. Raises PromptCacheError, or what the synthesiser raises.
        """
        paths = {text: self.path(text) for text in texts}
        missing = [(text, path) for text, path in paths.items() if not is_whole(path)]
        if missing:
            self._make_directory()
            self._synthesiser.synthesise(missing)
        return paths

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PromptCacheError(
                f"the prompt folder {self.directory} cannot be made: {error.strerror}"
            ) from error
        if not os.access(self.directory, os.W_OK | os.X_OK):
            raise PromptCacheError(f"the prompt folder {self.directory} cannot be written to")


def is_whole(path: Path) -> bool:
    """Whether a file is a prompt with all of its audio, as its header says."""
    try:
        data = path.read_bytes()
        return data == encode_wav(decode_wav(data))
    except (WavError, OSError):
        return False
