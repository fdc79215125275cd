"""Numbers as a trunk writes them, and as the switch reads what it wrote.

Inside the switch a number is E.164 (`config.e164`). RFC 3966 (tel URIs; section 5.1.5: a number
that is not global needs a phone-context), RFC 3261 section 19.1.6 (user=phone). Knows no header
field and no policy but the rule it is given.
"""

from __future__ import annotations

import re

from config.e164 import COUNTRIES, dialled, normalise, split_sip_uri
from config.model import NumberRule, Trunk
from softswitch.sip.addresses import DEFAULT_SIP_PORT, sip_uri

__all__ = [
    "called_uri",
    "caller_uri",
    "received_number",
    "received_uri",
    "sent_number",
]

MAX_NUMBER = 64
"""Characters of a number that forms are applied to: what is longer is none."""

_NUMBER = re.compile(rf"\+?[0-9*#]{{1,{MAX_NUMBER}}}\Z")


def sent_number(number: str, rule: NumberRule, country: str, home: str) -> str:
    """A number in the form of a rule; what is no number stays as it is.

    `country` is the trunk's; `home` the switch's, by which a number without + is read.
    """
    if not _NUMBER.match(number):
        return number
    formatted = _formatted(number, rule, country, home)
    return rule.add + (formatted.removeprefix(rule.strip) or formatted)


def _formatted(number: str, rule: NumberRule, country: str, home: str) -> str:
    if rule.format == "as_is":
        return number
    global_number = number if number.startswith("+") else normalise(number, home)
    if global_number is None:
        return number  # a short code
    digits = global_number.removeprefix("+")
    if rule.format == "e164":
        return global_number
    if rule.format == "digits":
        return digits
    place = COUNTRIES[country]
    if not digits.startswith(place.code):
        return place.international[0] + digits
    national = digits.removeprefix(place.code)
    return place.national + national if rule.format == "national" else national


def received_number(text: str, rule: NumberRule, country: str | None) -> str:
    """A number that a trunk has sent, as the switch is to read it: without a country of the
    trunk's own it is left to the switch's."""
    if not _NUMBER.match(text):
        return text
    if text.startswith(rule.strip) and text != rule.strip:
        text = rule.add + text.removeprefix(rule.strip)
    if country is None:
        return text
    return normalise(text, country) or text


def called_uri(number: str, trunk: Trunk, home: str) -> str:
    """The URI by which a trunk is asked for a number."""
    numbers = trunk.numbers
    if numbers is None:
        return sip_uri(number, trunk.host, trunk.port)
    country, address = numbers.country or home, (trunk.host, trunk.port)
    return _written(number, numbers.send_called, country, home, address)[1]


def caller_uri(number: str, trunk: Trunk, home: str, host: str) -> tuple[str, str]:
    """A calling or diverting number as a trunk is told it: the number, and its URI at our host."""
    numbers = trunk.numbers
    if numbers is None:
        return number, sip_uri(number, host, DEFAULT_SIP_PORT)
    country, address = numbers.country or home, (host, DEFAULT_SIP_PORT)
    return _written(number, numbers.send_caller, country, home, address)


def _written(
    number: str, rule: NumberRule, country: str, home: str, address: tuple[str, int]
) -> tuple[str, str]:
    """A number in the form of a rule, and the URI that it stands in."""
    sent = sent_number(number, rule, country, home)
    uri = sip_uri(sent, *address)
    if rule.uri == "sip" or not _NUMBER.match(sent):
        return sent, uri
    if rule.uri == "phone":
        return sent, f"{uri};user=phone"
    return sent, _tel_uri(number, sent, rule, country, home)


def _tel_uri(number: str, sent: str, rule: NumberRule, country: str, home: str) -> str:
    """RFC 3966 section 5.1.4: a local number holds within its context, and is read as what follows
    that. So it has no prefix that people dial, and a number of another country is a global one."""
    if sent.startswith("+"):
        return f"tel:{sent}"
    context = f"+{COUNTRIES[country].code}"
    global_number = number if number.startswith("+") else normalise(number, home)
    if global_number is None or rule.add:  # a short code, or what only this trunk understands
        return f"tel:{sent};phone-context={context}"
    foreign = not global_number.startswith(context)
    if foreign or sent == global_number.removeprefix("+"):
        return f"tel:{global_number}"
    return f"tel:{global_number.removeprefix(context)};phone-context={context}"


def received_uri(uri: str, trunk: Trunk) -> str:
    """The Request-URI of a trunk's INVITE with its number as the switch is to read it."""
    numbers = trunk.numbers
    if numbers is None:
        return uri
    text = dialled(uri)
    number = received_number(text, numbers.receive_called, numbers.country)
    if number == text:
        return uri
    address = split_sip_uri(uri)
    if address is None:
        return f"tel:{number}"
    return sip_uri(number, address.host, address.port or DEFAULT_SIP_PORT)
