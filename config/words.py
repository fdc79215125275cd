"""Text as spoken words: what a phrase of a keyword rule is, and what a recogniser has written.

Lower case, letters and digits, apostrophes inside a word; signs that are spoken become words (`$50`
is "50 dollars", `&` is "and"). Both sides of a comparison are made alike here, so that spelling
makes no difference. Knows no grammar and no language of rules.
"""

import re
import unicodedata

__all__ = ["MAX_WORD", "words_of"]

MAX_WORD = 40
"""Letters of a word that are looked at: no spoken word has more."""
MAX_TEXT = 20_000
"""Characters looked at: hours of one window's speech would not be more."""

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'", "\u00b4": "'"})
_CURRENCIES = {
    "$": ("dollar", "cents"),
    "\u20ac": ("euro", "cents"),
    "\u00a3": ("pound", "pence"),
}
_ACCENT = re.compile("[\u0300-\u036f]")
_MONEY = re.compile("([$\u20ac\u00a3]) ?([0-9]+)(?:[.]([0-9]{2})(?![0-9]))?")
_GROUPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_POINT = re.compile(r"(?<=[0-9])\.(?=[0-9])")
_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}")
"""`a.m.`, `u.s.a.`: one word."""
_SIGNS = {"%": " percent ", "&": " and ", "+": " plus ", "@": " at ", "#": " number "}
_SIGN = re.compile("[%&+@]|#(?=[0-9])")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, as they are compared."""
    text = _plain(text[:MAX_TEXT]).translate(_APOSTROPHES)
    text = _MONEY.sub(_money, _GROUPED.sub("", text))
    text = _SIGN.sub(lambda match: _SIGNS[match[0]], _POINT.sub(" point ", text))
    text = _INITIALS.sub(lambda match: match[0].replace(".", ""), text)
    return tuple(word[:MAX_WORD] for word in _WORD.findall(text))


def _plain(text: str) -> str:
    """Lower case without accents: recognisers leave them out as they like."""
    text = text.lower()
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _ACCENT.sub("", parts)).lower()


def _money(match: re.Match[str]) -> str:
    """An amount in the order in which it is spoken."""
    unit, small = _CURRENCIES[match[1]]
    units = unit if int(match[2]) == 1 else f"{unit}s"
    rest = f" and {int(match[3])} {small}" if match[3] and int(match[3]) else ""
    return f" {match[2]} {units}{rest} "
