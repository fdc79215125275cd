"""Text messages that are asked for when a call has ended."""

from config.document import Tree
from config.expression import CONDITION, TEMPLATE
from config.model import AfterCall
from config.parties import NUMBER_TEMPLATE
from config.reading import Key, Reading, Section, keys_of, read_fields, section_kind

MAX_SMS = 20
"""Text messages of a campaign: each is a condition that is looked at after every call."""


class AfterCallKeys:
    """Keys of a text message after the call."""

    WHEN = Key(
        "when",
        CONDITION,
        "It is asked for when this holds at the end of the call.",
        otherwise="after every call",
        example='caller.line_type = "mobile"',
    )
    TO = Key("to", NUMBER_TEMPLATE, "Whom it goes to.", required=True, example='"{caller.number}"')
    TEXT = Key("text", TEMPLATE, "What it says.", required=True, example='"Thank you."')


AFTER_CALL = Section(
    "a text message",
    "A text message that is asked for when a call has ended: the event `sms.requested`.",
    keys_of(AfterCallKeys),
    example='sms:\n  - {when: bridged, to: "{caller.number}", text: "Thank you for calling."}',
)


def _read_after_call(tree: Tree, reading: Reading) -> AfterCall:
    keys = AfterCallKeys
    fields = read_fields(tree, AFTER_CALL, reading)
    fields.need_condition(keys.WHEN, reading)
    when, to, text = fields.get(keys.WHEN), fields[keys.TO], fields[keys.TEXT]
    return AfterCall(when, to, text, location=tree.location)


AFTER_CALL_KIND = section_kind(AFTER_CALL, _read_after_call)
