"""The steps that send something: send_dtmf, sms and transfer."""

from config import hints
from config.document import Scalar, Tree
from config.expression import TEMPLATE
from config.kinds import duration
from config.model import Location, Node, SendDtmf, Sms, Template, Transfer
from config.parties import NUMBER_TEMPLATE, PARTY_TEMPLATE
from config.reading import (
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
)
from config.steps.lists import STEPS

MAX_DTMF = 64
"""Keys sent by one step: at 160 ms a key that is ten seconds."""
DTMF_KEYS = frozenset("0123456789*#ABCDw")


def _read_keys(tree: Tree, reading: Reading) -> Template:
    template = TEMPLATE.read(tree, reading)
    constant = "".join(part for part in template.parts if isinstance(part, str))
    if len(constant) > MAX_DTMF or set(constant) - DTMF_KEYS:
        raise RefusedError(f"expected {DTMF.says}")
    return template


DTMF = Kind(
    f"up to {MAX_DTMF} keys 0-9 * # A B C D, w to wait half a second, values in braces",
    _read_keys,
    hints.SCALAR,
)


class SendDtmfKeys:
    """Keys of a send_dtmf step."""

    DIGITS = Key("digits", DTMF, "The keys.", required=True, example='"1w204#"')


SEND_DTMF = Section(
    "send_dtmf",
    "Sends keys to the caller's side, answering the call first.",
    keys_of(SendDtmfKeys),
    short="the keys alone",
    example='- send_dtmf: "1w204#"',
)


def read_send_dtmf(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """Keys to the caller."""
    if isinstance(tree, Scalar):
        return SendDtmf(name, DTMF.read(tree, reading), location=location)
    fields = read_fields(tree, SEND_DTMF, reading)
    return SendDtmf(name, fields[SendDtmfKeys.DIGITS], location=location)


class SmsKeys:
    """Keys of an sms step."""

    TO = Key(
        "to", NUMBER_TEMPLATE, "To whom.", default="{caller.number}", example='"{answer.mobile}"'
    )
    TEXT = Key(
        "text",
        TEMPLATE,
        "What it says. Secret answers are left out of it.",
        required=True,
        example='"Thank you for calling."',
    )


SMS = Section(
    "sms",
    "Asks for a text message to be sent: an event `sms.requested`, for whoever sends them. The "
    "call goes on at once.",
    keys_of(SmsKeys),
    short="its text alone, to the caller",
    example='- sms: "Thank you for calling about {keyword}."\n'
    '- sms: {to: +1 602 555 1234, text: "{caller.number} called."}',
)


def read_sms(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """A text message."""
    keys = SmsKeys
    if isinstance(tree, Scalar):
        to = keys.TO.default_value
        assert to is not None
        return Sms(name, to, TEMPLATE.read(tree, reading), location=location)
    fields = read_fields(tree, SMS, reading)
    return Sms(name, fields[keys.TO], fields[keys.TEXT], location=location)


class TransferKeys:
    """Keys of a transfer step."""

    TO = Key(
        "to",
        PARTY_TEMPLATE,
        "A number or a SIP URI.",
        required=True,
        example="+1 602 555 1234",
    )
    TIMEOUT = Key(
        "timeout",
        duration("1 s", "5 min"),
        "How long to wait until the other side has called there.",
        default="30 s",
        example="20 s",
    )
    ON_FAILURE = Key(
        "on_failure",
        STEPS,
        "Steps when it did not.",
        otherwise="the step after the transfer",
        example="[connect: +1 602 555 1234]",
    )


TRANSFER = Section(
    "transfer",
    "Sends the caller elsewhere by REFER, answering the call first; the call ends here when that "
    "has worked.",
    keys_of(TransferKeys),
    short="the number or SIP URI alone",
    example="- transfer: +1 602 555 1234\n"
    '- transfer: {to: "sip:{answer.room}@pbx.example.com", on_failure: [play: "Good bye."]}',
)


def read_transfer(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """A REFER to the caller's side."""
    keys = TransferKeys
    if isinstance(tree, Scalar):
        return Transfer(name, PARTY_TEMPLATE.read(tree, reading), location=location)
    fields = read_fields(tree, TRANSFER, reading)
    return Transfer(
        name,
        fields[keys.TO],
        timeout_seconds=fields[keys.TIMEOUT],
        on_failure=fields.get(keys.ON_FAILURE) or (),
        location=location,
    )
