"""What a called party is asked before it is connected."""

import re

from config import hints
from config.document import Scalar, Tree
from config.kinds import duration
from config.model import Accept
from config.prompts import PROMPT_KIND
from config.reading import Key, Kind, Reading, Section, keys_of, read_fields, scalar

_KEY = re.compile(r"[0-9*#]\Z")


def _one_key(text: str) -> str:
    if not _KEY.match(text):
        raise ValueError(text)
    return text


ONE_KEY = scalar('a key of a telephone (0-9, "*" or "#")', _one_key)


class AcceptKeys:
    """Keys of what the called party is asked."""

    PROMPT = Key(
        "prompt",
        PROMPT_KIND,
        "What the called party hears.",
        required=True,
        example='"A call from the web site. Press 1 to take it."',
    )
    KEY = Key("key", ONE_KEY, "The key that takes the call.", default="1", example="5")
    TIMEOUT = Key(
        "timeout",
        duration("1 s", "1 min"),
        "How long to wait for it after the prompt; then the next destination is tried.",
        default="10 s",
        example="5 s",
    )


ACCEPT = Section(
    "accept",
    "The called party has to press a key before it is connected. Any other key declines.",
    keys_of(AcceptKeys),
    short="its prompt alone",
    example='accept: {prompt: "A call from the web site. Press 1 to take it.", timeout: 8 s}',
)


def _read_accept(tree: Tree, reading: Reading) -> Accept:
    if isinstance(tree, Scalar):
        return Accept(PROMPT_KIND.read(tree, reading))
    fields = read_fields(tree, ACCEPT, reading)
    return Accept(fields[AcceptKeys.PROMPT], fields[AcceptKeys.KEY], fields[AcceptKeys.TIMEOUT])


ACCEPT_KIND = Kind("a prompt, or settings of accept", _read_accept, hints.section("accept"))
