"""The step play."""

from config.document import Scalar, Tree
from config.kinds import BOOLEAN
from config.model import Location, Node, Play
from config.prompts import PROMPT_KIND, PromptKeys, prompt_of
from config.reading import Key, Reading, Section, keys_of, read_fields


class PlayKeys(PromptKeys):
    """Keys of a play step: those of a prompt, and more."""

    BARGE_IN = Key(
        "barge_in", BOOLEAN, "Whether a key ends the prompt early.", default="false", example="true"
    )


PLAY = Section(
    "play",
    "Plays a prompt, answering the call first, and goes on.",
    [*keys_of(PromptKeys), PlayKeys.BARGE_IN],
    short="the text alone",
    example='- play: "Thank you for calling."\n- play: {wav: prompts/welcome.wav, barge_in: true}',
)


def read_play(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    if isinstance(tree, Scalar):
        return Play(name, PROMPT_KIND.read(tree, reading), location=location)
    fields = read_fields(tree, PLAY, reading)
    prompt = prompt_of(fields, tree.location, reading)
    return Play(name, prompt, barge_in=fields[PlayKeys.BARGE_IN], location=location)
