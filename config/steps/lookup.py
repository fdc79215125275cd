"""The step lookup: ask an HTTP server about the call."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Literal

from config.addresses import host_port, unusable
from config.document import Scalar, Sequence, Table, Tree
from config.expression import EXPRESSION, TEMPLATE
from config.header_names import HEADER_VALUE
from config.kinds import LINE, duration, mapping_of, one_of
from config.model import Location, Lookup, Node, Template, Value, ValueType
from config.reading import (
    Fields,
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    describe,
    keys_of,
    note,
    read_fields,
    scalar,
    shorten,
)
from config.steps.dial_keys import MAX_HEADERS
from config.steps.lists import STEPS, fact_name, is_fact_name

MAX_FIELDS = 50
"""Fields sent or taken by one look-up."""

OWN_FIELDS = frozenset({"call_id", "campaign", "caller", "called", "time"})
OWN_HTTP_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "x-softswitch-signature",
        "x-softswitch-timestamp",
    }
)
Method = Literal["GET", "POST"]

_METHODS: tuple[Method, ...] = ("GET", "POST")
_TYPES: tuple[ValueType, ...] = ("text", "number", "boolean", "list", "any")
_HTTP_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_URL = re.compile(r"https?://(?P<where>[^/?#]+)(?P<rest>[/?#].*)?\Z", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?\Z")


def _read_url(tree: Tree, reading: Reading) -> Template:
    template = TEMPLATE.read(tree, reading)
    first = template.parts[0] if template.parts else ""
    match = _URL.match(first) if isinstance(first, str) else None
    if match is None:
        raise RefusedError(f"expected {URL.says}, {describe(tree)}")
    if not match["rest"] and len(template.parts) > 1:
        # What follows would belong to the host, and a caller could choose whom we ask.
        message = "the host of a URL is written out: values of the call stand behind it"
        raise RefusedError(message, suggestion="http://HOST/...{value}")
    _check_host(match["where"])
    return template


def _check_host(where: str) -> None:
    """Refuse what stands between // and / when it is no host and port."""
    if "@" in where:
        hint = "name and password stand in a header field: headers: {Authorization: ...}"
        raise RefusedError("a URL stands without name and password here", suggestion=hint)
    try:
        found = host_port(80, where)
    except RefusedError:
        raise
    except ValueError:
        raise RefusedError(f'"{shorten(where)}" is no host (and port) of a URL') from None
    why = unusable(found.host, wildcard=False)
    if why is not None:
        raise RefusedError(f"{found.host} is {why}")


URL = Kind("a URL that begins with http://HOST or https://HOST", _read_url)


def _http_header(text: str) -> str:
    if not _HTTP_TOKEN.match(text):
        raise ValueError(text)
    if text.lower() in OWN_HTTP_HEADERS:
        raise RefusedError(f"{text} is written by the switch")
    return text


HTTP_HEADER = scalar("the name of an HTTP header field", _http_header)


def _entries(tree: Tree) -> Table:
    if not isinstance(tree, Table):
        raise RefusedError(f"expected a mapping, {describe(tree)}")
    if len(tree.entries) > MAX_FIELDS:
        raise RefusedError(f"expected up to {MAX_FIELDS} fields, not {len(tree.entries)}")
    return tree


def _read_types(tree: Tree, reading: Reading) -> Mapping[str, ValueType]:
    if isinstance(tree, Sequence):
        names = [item.text if isinstance(item, Scalar) else "" for item in tree.items]
        types: dict[str, ValueType] = dict.fromkeys(names, "text")
        places = {name: item.location for name, item in zip(names, tree.items, strict=True)}
    else:
        table = _entries(tree)
        types, places = {}, {name: table.keys[name].location for name in table.entries}
        for name, written in table.entries.items():
            try:
                types[name] = _TYPE.read(written, reading)
            except RefusedError as error:
                note(reading, error, written, shorten(name))
    for name in types:
        if not is_fact_name(name):
            message = f'"{shorten(name)}" is no name of a field: letters, digits and _ only'
            reading.problems.add(places[name], message)
    return MappingProxyType(types)


_TYPE = one_of(_TYPES)


class LookupKeys:
    """Keys of a lookup step."""

    URL = Key(
        "url",
        URL,
        "Where to ask. Values of the call may stand in it behind the host.",
        required=True,
        example="https://bids.example.com/calls",
    )
    METHOD = Key(
        "method",
        one_of(_METHODS),
        "POST sends one JSON object, GET a query.",
        default="POST",
        example="GET",
    )
    SEND = Key(
        "send",
        mapping_of(EXPRESSION, most=MAX_FIELDS, noun="field"),
        "What is sent beside `call_id`, `campaign`, `caller`, `called` and `time`.",
        otherwise="nothing more",
        example="{zip: answer.zip, mobile: 'caller.line_type = \"mobile\"'}",
    )
    HEADERS = Key(
        "headers",
        mapping_of(HEADER_VALUE, most=MAX_HEADERS, noun="header field", name=HTTP_HEADER),
        "Header fields of the request.",
        otherwise="none",
        example='{X-Api-Key: "our-key"}',
    )
    SECRET = Key(
        "secret",
        LINE,
        "Key of the signature: `X-Softswitch-Signature` is `sha256=` and the HMAC-SHA256 of "
        "`X-Softswitch-Timestamp`, a dot and the body (GET: the path with its query), in hex.",
        otherwise="not signed",
        example="${BID_SECRET:-change-me}",
    )
    TIMEOUT = Key(
        "timeout",
        duration("100 ms", "30 s"),
        "How long the whole exchange may take; then the defaults are taken.",
        default="2 s",
        example="800 ms",
    )
    CACHE = Key(
        "cache",
        duration("0 s", "24 h"),
        "How long an answer holds for calls that ask the same; call id and time are not compared.",
        default="0 s",
        example="5 min",
    )
    FIELDS = Key(
        "fields",
        Kind("a list of names, or a mapping from names to text, number, boolean, list or any",
             _read_types),
        "Fields of the answer that are used, `lookup.NAME.FIELD`; all others are dropped.",
        otherwise="none",
        example="{number: text, bid: number}",
    )  # fmt: skip
    DEFAULTS = Key(
        "defaults",
        Kind("a mapping from fields to values", lambda tree, _reading: _entries(tree)),
        "Values of fields when the server does not answer in time, or leaves them out.",
        otherwise="absent",
        example="{bid: 0}",
    )
    ON_FAILURE = Key(
        "on_failure",
        STEPS,
        "Steps when it did not answer as it should, after the defaults were taken.",
        otherwise="the step after the look-up",
        example="[connect: +1 602 555 1234]",
    )


LOOKUP = Section(
    "lookup",
    "Asks an HTTP server in the middle of the call. The answer is one JSON object; its fields are "
    "known from then on as `lookup.NAME.FIELD`, after the name of the step. The call is not "
    "answered by it.",
    keys_of(LookupKeys),
    example="- name: bid\n  lookup:\n    url: https://bids.example.com/calls\n"
    "    send: {state: caller.state}\n    fields: {number: text, price: number}\n"
    "    defaults: {price: 0}\n    timeout: 800 ms\n"
    '- connect: "{lookup.bid.number}"',
)


def read_lookup(name: str, tree: Tree, location: Location, reading: Reading) -> Node:
    """One question to a server; its name is that of the answer."""
    keys = LookupKeys
    fields = read_fields(tree, LOOKUP, reading)
    fact_name(name, "lookup", location, reading)
    types = fields.get(keys.FIELDS) or MappingProxyType({})
    _check_sent(fields, reading)
    return Lookup(
        name=name,
        url=fields[keys.URL],
        method=fields[keys.METHOD],
        send=fields.get(keys.SEND) or MappingProxyType({}),
        headers=tuple((fields.get(keys.HEADERS) or {}).items()),
        secret=fields.get(keys.SECRET),
        timeout_seconds=fields[keys.TIMEOUT],
        cache_seconds=fields[keys.CACHE],
        fields=types,
        defaults=_defaults(fields, types, reading),
        on_failure=fields.get(keys.ON_FAILURE) or (),
        location=location,
    )


def _check_sent(fields: Fields, reading: Reading) -> None:
    """What the switch sends by itself is not written over."""
    table = fields.table.entries.get(LookupKeys.SEND.name)
    for name in fields.get(LookupKeys.SEND) or ():
        if name in OWN_FIELDS and isinstance(table, Table):
            message = f"send: {name} is sent by the switch"
            reading.problems.add(table.keys[name].location, message, "choose another name")


def _defaults(
    fields: Fields, types: Mapping[str, ValueType], reading: Reading
) -> Mapping[str, Value]:
    table = fields.get(LookupKeys.DEFAULTS)
    values: dict[str, Value] = {}
    for name, written in table.entries.items() if table is not None else ():
        if name not in types:
            message = f'defaults: "{shorten(name)}" is none of the fields {", ".join(types)}'
            reading.problems.add(table.keys[name].location if table else written.location, message)
            continue
        try:
            values[name] = _default(written, types[name])
        except (ValueError, InvalidOperation):
            message = f"defaults: expected {types[name]} for {name}, {describe(written)}"
            reading.problems.add(written.location, message)
    return MappingProxyType(values)


def _default(tree: Tree, kind: ValueType) -> Value:
    if isinstance(tree, Sequence) and kind in ("list", "any"):
        return tuple(_default(item, "text") for item in tree.items)
    if not isinstance(tree, Scalar):
        raise ValueError(kind)
    if kind == "number":
        if not _NUMBER.match(tree.text):
            raise ValueError(tree.text)
        return Decimal(tree.text)
    if kind == "boolean":
        if tree.text.lower() not in ("true", "false", "yes", "no"):
            raise ValueError(tree.text)
        return tree.text.lower() in ("true", "yes")
    if kind == "list":
        raise ValueError(tree.text)
    return tree.text
