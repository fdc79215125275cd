"""Whisper's tokens to text and back: GPT-2's byte-level pieces.

A token is a run of bytes, each written as one printable character (a space as Ġ). To text that is
exact; to tokens the longest pieces are taken from the left, which is how whole words come out.
"""

from collections.abc import Iterable, Sequence

__all__ = ["Vocabulary"]

MAX_PIECE = 24
"""Characters of the longest piece that `encode` looks for: no prompt needs a longer one."""


def _characters() -> dict[int, str]:
    """The character that stands for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    shown = {byte: chr(byte) for byte in printable}
    return shown | {byte: chr(256 + place) for place, byte in enumerate(others)}


_SHOWN = _characters()
_BYTES = {character: byte for byte, character in _SHOWN.items()}


class Vocabulary:
    """The tokens of a model, by number."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self.numbers = {token: number for number, token in enumerate(tokens)}

    def special(self, name: str) -> int:
        """Number of a control token; raises KeyError."""
        return self.numbers[f"<|{name}|>"]

    def begins_word(self, number: int) -> bool:
        """Whether a token starts with a space."""
        return self.tokens[number].startswith("Ġ")

    def decode(self, numbers: Iterable[int]) -> str:
        """Text of tokens; bytes that are no UTF-8 are marked."""
        shown = "".join([self.tokens[number] for number in numbers])
        return bytes([_BYTES.get(one, 63) for one in shown]).decode("utf-8", "replace")

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, longest pieces first."""
        shown = "".join([_SHOWN[byte] for byte in text.encode("utf-8", "replace")])
        numbers = []
        while shown:
            piece = self._longest_piece(shown)
            numbers.append(self.numbers[piece])
            shown = shown[len(piece) :]
        return numbers

    def _longest_piece(self, shown: str) -> str:
        for length in range(min(len(shown), MAX_PIECE), 1, -1):
            if shown[:length] in self.numbers:
                return shown[:length]
        return shown[0]
