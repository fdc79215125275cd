"""How a trunk writes numbers: a form for each direction and party.

That the numbers come out so is `softswitch.routing.number_forms`'s.
"""

import re
from typing import get_args

from config import hints
from config.document import Scalar, Tree
from config.kinds import COUNTRY, one_of
from config.model import NumberFormat, NumberRule, NumberUri, TrunkNumbers
from config.model.trunk_policies import AS_IS
from config.reading import (
    Key,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    scalar,
    section_kind,
)

__all__ = ["NUMBERS", "NUMBERS_KIND", "RECEIVE", "RECEIVED", "SEND", "SENT"]

MAX_PREFIX = 24
"""Characters: a prefix and the 15 digits of the longest number fit into any carrier's field."""

_PREFIX = re.compile(rf"\+?[0-9*#]{{1,{MAX_PREFIX}}}\Z|\+\Z")


def _prefix(text: str) -> str:
    if not _PREFIX.match(text):
        raise ValueError
    return text


PREFIX = scalar(f"up to {MAX_PREFIX} digits (0-9 * #), + before them or alone", _prefix)


_FORMATS: tuple[NumberFormat, ...] = get_args(NumberFormat)
_URIS: tuple[NumberUri, ...] = get_args(NumberUri)
_FORMAT = one_of(_FORMATS)


class SentKeys:
    """Keys of a form of numbers that are sent."""

    FORMAT = Key(
        "format",
        _FORMAT,
        "`e164`: +16025551234. `digits`: 16025551234. `national`: as it is dialled in the country, "
        "with its national prefix (16025551234 in the US, 0301234567 in Germany), other countries' "
        "numbers with the international prefix before them. `bare`: likewise, without the national "
        "prefix (6025551234). `as_is`: as the switch has it. What is no phone number stays as it "
        "is.",
        default="as_is",
        example="national",
    )
    STRIP = Key(
        "strip",
        PREFIX,
        "Taken from the beginning of what has come out so, where it begins so.",
        otherwise="nothing",
        example='"+"',
    )
    ADD = Key(
        "add",
        PREFIX,
        "Put before it, after that.",
        otherwise="nothing",
        example='"9011#"',
    )
    URI = Key(
        "uri",
        one_of(_URIS),
        "The URI that the number stands in: `sip`, `phone` (sip with user=phone), or `tel`, where "
        "a national number has the country as its phone-context (RFC 3966).",
        default="sip",
        example="tel",
    )


SENT = Section(
    "a form of numbers",
    "What is done to a number that is sent: format, then strip, then add.",
    keys_of(SentKeys),
    short="the format alone",
    short_schema=hints.words(_FORMATS),
    example='called: {format: digits, add: "9011#", uri: phone}\n# or\ncalled: national',
)


class ReceivedKeys:
    """Keys of a form of numbers that come in."""

    STRIP = Key(
        "strip",
        PREFIX,
        "Taken from the beginning, where a number begins so.",
        otherwise="nothing",
        example='"9011#"',
    )
    ADD = Key(
        "add",
        PREFIX,
        "Put before it, after that; only before a number that had what `strip` says, where that is "
        "said too.",
        otherwise="nothing",
        example='"+49"',
    )


RECEIVED = Section(
    "a form of received numbers",
    "What is done to a number that comes in: strip, then add. Then it is read as one of the "
    "country.",
    keys_of(ReceivedKeys),
    example='called: {strip: "0", add: "+49"}',
)


def _read_sent(tree: Tree, reading: Reading) -> NumberRule:
    if isinstance(tree, Scalar):
        return NumberRule(format=_FORMAT.read(tree, reading))
    keys = SentKeys
    fields = read_fields(tree, SENT, reading)
    return NumberRule(
        fields[keys.FORMAT],
        fields.get(keys.STRIP) or "",
        fields.get(keys.ADD) or "",
        fields[keys.URI],
    )


def _read_received(tree: Tree, reading: Reading) -> NumberRule:
    if isinstance(tree, Scalar):
        raise RefusedError("expected strip, add or both")
    keys = ReceivedKeys
    fields = read_fields(tree, RECEIVED, reading)
    return NumberRule(strip=fields.get(keys.STRIP) or "", add=fields.get(keys.ADD) or "")


SENT_KIND = section_kind(SENT, _read_sent)
RECEIVED_KIND = section_kind(RECEIVED, _read_received)


class SendKeys:
    """Keys of the forms of a direction."""

    CALLED = Key(
        "called",
        SENT_KIND,
        "The number called: Request-URI and To.",
        otherwise="as it is",
        example="national",
    )
    CALLER = Key(
        "caller",
        SENT_KIND,
        "The caller's, and those that a call came by: From, Contact, and the fields of "
        "`caller_identity`.",
        otherwise="as it is",
        example="e164",
    )


SEND = Section(
    "send",
    "How numbers are written in calls to the trunk.",
    keys_of(SendKeys),
    short="the format of both",
    short_schema=hints.words(_FORMATS),
    example="send: {called: national, caller: e164}\n# or\nsend: digits",
)


class ReceiveKeys:
    """The same of the other direction."""

    CALLED = Key(
        "called",
        RECEIVED_KIND,
        "The number called, before it is looked up.",
        otherwise="as it is",
        example='{strip: "9011#"}',
    )
    CALLER = Key(
        "caller",
        RECEIVED_KIND,
        "The calling number, and that which is charged.",
        otherwise="as it is",
        example='{strip: "0", add: "+49"}',
    )


RECEIVE = Section(
    "receive",
    "How numbers are read in calls from the trunk.",
    keys_of(ReceiveKeys),
    example='receive: {called: {strip: "9011#"}}',
)


def _read_send(tree: Tree, reading: Reading) -> tuple[NumberRule, NumberRule]:
    if isinstance(tree, Scalar):
        both = NumberRule(format=_FORMAT.read(tree, reading))
        return both, both
    fields = read_fields(tree, SEND, reading)
    return fields.get(SendKeys.CALLED) or AS_IS, fields.get(SendKeys.CALLER) or AS_IS


def _read_receive(tree: Tree, reading: Reading) -> tuple[NumberRule, NumberRule]:
    if isinstance(tree, Scalar):
        raise RefusedError("expected called, caller or both")
    fields = read_fields(tree, RECEIVE, reading)
    return fields.get(ReceiveKeys.CALLED) or AS_IS, fields.get(ReceiveKeys.CALLER) or AS_IS


class NumbersKeys:
    """Keys of a trunk's numbers."""

    COUNTRY = Key(
        "country",
        COUNTRY,
        "Whose national numbers and prefixes the trunk writes.",
        otherwise="the switch's",
        example="DE",
    )
    SEND = Key(
        "send",
        section_kind(SEND, _read_send),
        "Numbers of calls to the trunk.",
        otherwise="as they are",
        example="{called: national, caller: e164}",
    )
    RECEIVE = Key(
        "receive",
        section_kind(RECEIVE, _read_receive),
        "Numbers of calls from it.",
        otherwise="as they are",
        example='{called: {strip: "9011#"}}',
    )


NUMBERS = Section(
    "numbers of a trunk",
    "How the trunk writes numbers, each way. Inside the switch, in events and in records they are "
    "E.164 whatever a trunk makes of them.",
    keys_of(NumbersKeys),
    short="the format of all numbers that are sent",
    short_schema=hints.words(_FORMATS),
    example="numbers: {country: DE, send: {called: national, caller: e164}}\n# or\nnumbers: digits",
)


def _read_numbers(tree: Tree, reading: Reading) -> TrunkNumbers:
    if isinstance(tree, Scalar):
        both = NumberRule(format=_FORMAT.read(tree, reading))
        return TrunkNumbers(send_called=both, send_caller=both)
    keys = NumbersKeys
    fields = read_fields(tree, NUMBERS, reading)
    send = fields.get(keys.SEND) or (AS_IS, AS_IS)
    receive = fields.get(keys.RECEIVE) or (AS_IS, AS_IS)
    return TrunkNumbers(fields.get(keys.COUNTRY), *send, *receive)


NUMBERS_KIND = section_kind(NUMBERS, _read_numbers)
