"""How an English word probably sounds, as a key: two spellings of one sound have the same.

For names and rare words, which a recogniser spells as it likes: `medicaire`, `Cristal`,
`Katherine`. Unlike the keys that find names in registers, it keeps every vowel and every difference
of voice, so that order, border, odor and ardor stay apart, as do card, cord, guard and court.
"""

import re
from functools import lru_cache

__all__ = ["sound_of"]

_CONSONANT = "[bcdfghjklmnpqrstvwxz]"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        # Letters that are not heard.
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^ps", "s"),
        (r"^(?:wh)", "w"),
        (r"^x", "z"),
        (r"^rh", "r"),
        (r"mb$", "m"),
        # An s that is voiced: between vowels, and where it ends a word.
        (r"(?<=[aeiouy])s(?=[aeiouy])", "z"),
        (r"(?<=[a-z]{2}[^sui])s$", "z"),
        # Endings without stress; a doubled l has some.
        (r"(?<=[a-z]{2}[^aeioul])(?:el|al)$", "L"),
        # Groups of consonants that are one sound; capitals are sounds that no letter has.
        (r"tch", "C"),
        (r"sch", "sk"),
        (r"(?<=[aeiou])ght", "Ht"),
        (r"ch(?=[rl])", "k"),
        (r"ch", "C"),
        (r"sh", "S"),
        (r"ph", "f"),
        (r"th", "T"),
        (r"(?:ti|si|ci)on", "Sn"),
        (r"dg(?=e|i)", "j"),
        (r"cc(?=[eiy])", "ks"),
        (r"sc(?=[eiy])", "s"),
        (r"c(?=[eiy])", "s"),
        # Between vowels a doubled consonant tells the vowel before: later, latter.
        (r"(?<=[aeiou])ck(?=[aeiouy])", "kk"),
        (r"ck|qu?(?=$)|c|q(?!u)", "k"),
        (r"qu", "kw"),
        (r"x", "ks"),
        (rf"({_CONSONANT})\1(?![aeiouyL])", r"\1"),
        # Vowels, each group of letters one sound.
        (r"igh|iH", "I"),
        (r"eiH|eigh", "A"),
        (r"(?:auH|augh|au|aw)", "W"),
        (r"(?:ee|ie(?=[a-zA-Z])|ey$)", "E"),
        (r"(?:ai|ay)", "A"),
        (r"(?:oa|oe$)", "O"),
        (r"(?:oo|ew|ue)", "U"),
        (r"(?:oi|oy)", "Y"),
        # A vowel made long by an e that is not heard.
        (r"a([bdfgjklmnprstvzCST])e$", r"A\1"),
        (r"e([bdfgjklmnprstvzCST])e$", r"E\1"),
        (r"i([bdfgjklmnprstvzCST])e$", r"I\1"),
        (r"o([bdfgjklmnprstvzCST])e$", r"O\1"),
        (r"u([bdfgjklmnprstvzCST])e$", r"U\1"),
        (r"(?<=[a-zA-Z]{2})e$", ""),
        (r"(?<=[aeiouAEIOUWY][a-zCST])(?:er|or|ar|re)$", "R"),
        (r"(?<=[aeiouAEIOUWY][a-zCST]{2})(?:er|or|ar|re)$", "R"),
        (r"(?<=[a-zA-Z]{2})(?:y|i)$", "E"),
        (r"y", "i"),
    )
)


@lru_cache(maxsize=16384)
def sound_of(word: str) -> str:
    """The key of a word of letters in lower case."""
    for pattern, sound in _RULES:
        word = pattern.sub(sound, word)
    return word
