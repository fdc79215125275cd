"""Whose responses to requests of the switch are taken for a trunk's."""

from config.kinds import one_of
from config.model import ResponsesFrom
from config.reading import Key

__all__ = ["RESPONSES_FROM"]

_RESPONSES_FROM: tuple[ResponsesFrom, ...] = ("trunk", "any")

RESPONSES_FROM = Key(
    "responses_from",
    one_of(_RESPONSES_FROM),
    "Where responses to requests that went to the trunk may come from: from where the request "
    "went, and from what else is the trunk's (`sources`, its servers, its proxies), by the same "
    "transport; or from anywhere, as long as they know the request.",
    default="trunk",
    example="any",
)
