"""The facts of a call that is over, as its record has them: for the URLs and conditions of pixels.

What a private caller does not show is absent, for pixels go to strangers. Facts and functions that
no record keeps are taken from what its decisions rested on, where they did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from config.model import Value
from softswitch.campaign.evaluate import RecordedFacts, value_of
from softswitch.campaign.facts import Shown
from softswitch.campaign.operators import as_value
from softswitch.campaign.regions import NumberAbout

__all__ = ["About", "facts_of_record"]

About = Callable[[str, str | None], NumberAbout]
"""What is known of a number, whose call started at a switch."""

Record = Mapping[str, Any]


def facts_of_record(record: Record, about: About) -> Shown:
    """What strangers may know of a call."""
    return Shown(_RecordFacts(record, about))


class _RecordFacts:
    """All that a record says."""

    def __init__(self, record: Record, about: About) -> None:
        self._record = record
        self._about = about
        inputs: dict[str, Any] = {}
        for decision in _dicts(record.get("decisions")):
            inputs.update(_dict(decision.get("inputs")))
        self._noted = RecordedFacts(inputs)

    def fact(self, name: str) -> Value:
        getter = _GETTERS.get(name)
        if getter is not None:
            return as_value(getter(self._record))
        known = _KNOWN.get(name)
        if known is not None:
            return self._known_of_caller(known)
        first, _, rest = name.partition(".")
        if first == "binding":
            return self._bare(rest)
        if first == "answer":
            answer = _dict(self._record.get("answers")).get(rest)
            return None if isinstance(answer, Mapping) else as_value(answer)
        if first in _MAPPINGS:
            return value_of("", _dict(self._record.get(_MAPPINGS[first])).get(rest))
        return self._noted.fact(name)

    def _bare(self, name: str) -> Value:
        """A parameter of the binding, or what only a record knows."""
        parameters = _dict(_dict(self._record.get("binding")).get("parameters"))
        if name in parameters:
            return as_value(parameters[name])
        extra = _EXTRAS.get(name)
        return None if extra is None else as_value(extra(self._record))

    def _known_of_caller(self, name: str) -> Value:
        jip = _dict(self._record.get("signalling")).get("jip")
        about = self._about(_text(self._record.get("caller")), jip if jip else None)
        return as_value(getattr(about, name))

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return self._noted.function(name, arguments)


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _called(record: Record) -> list[Mapping[str, Any]]:
    return [leg for leg in _dicts(record.get("legs")) if leg.get("side") == "called"]


def _destination(record: Record) -> Any:
    """That which answered, else the last that was called."""
    legs = _called(record)
    answered = [leg for leg in legs if leg.get("answered_at")]
    return next((leg.get("to") for leg in reversed(answered or legs)), None)


def _status(record: Record) -> Any:
    return next((leg.get("status") for leg in reversed(_called(record))), None)


def _trunk(record: Record) -> Any:
    legs = _dicts(record.get("legs"))
    return legs[0].get("trunk") if legs else None


def _last_key(record: Record) -> Any:
    keys = record.get("keys")
    return keys[-1] if isinstance(keys, list) and keys else None


def _mos(side: str) -> Callable[[Record], Any]:
    def get(record: Record) -> Any:
        legs = [leg for leg in _dicts(record.get("legs")) if leg.get("side") == side]
        return next((leg.get("mos") for leg in reversed(legs)), None)

    return get


def _amount(record: Record) -> Any:
    return _dict(record.get("payout")).get("amount")


def _signalled(name: str) -> Callable[[Record], Any]:
    return lambda record: _dict(record.get("signalling")).get(name)


def _identity(name: str) -> Callable[[Record], Any]:
    return lambda record: _dict(_dict(record.get("signalling")).get("identity")).get(name)


def _same(name: str) -> Callable[[Record], Any]:
    return lambda record: record.get(name)


def _number(value: object) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, int | float) else None


_GETTERS: Mapping[str, Callable[[Record], Any]] = {
    "caller.number": _same("caller"),
    "caller.name": _signalled("name"),
    "caller.private": lambda record: _dict(record.get("signalling")).get("private") is True,
    "caller.jip": _signalled("jip"),
    "caller.charge_number": _signalled("charge_number"),
    "call.verstat": _identity("result"),
    "call.attestation": _identity("attestation"),
    "called.number": _same("number"),
    "called.as_dialled": _same("called"),
    "campaign": _same("campaign"),
    "publisher": _same("publisher"),
    "pool": lambda record: _dict(record.get("binding")).get("pool"),
    "overflow": _same("overflow"),
    "late": _same("late"),
    "trunk": _trunk,
    "user_agent": _signalled("user_agent"),
    "key": _last_key,
    "keys": _same("keys"),
    "rating": lambda record: _dict(record.get("rating")).get("rating"),
    "rating_score": lambda record: _number(_dict(record.get("rating")).get("score")),
    "machine": lambda record: _dict(record.get("machine")).get("verdict"),
    "fax": lambda record: bool(record.get("fax")),
    "caller_mos": _mos("calling"),
    "agent_mos": _mos("called"),
    "talk_seconds": lambda record: _number(record.get("talk_seconds")),
    "ivr_seconds": lambda record: _number(record.get("ivr_seconds")),
    "ring_seconds": lambda record: _number(record.get("ring_seconds")),
    "total_seconds": lambda record: _number(record.get("total_seconds")),
    "ended_by": _same("ended_by"),
    "cause": _same("cause"),
    "answered": lambda record: any(leg.get("answered_at") for leg in _called(record)),
    "bridged": lambda record: bool(record.get("talk_seconds")),
    "destination": _destination,
    "status": _status,
}

_KNOWN: Mapping[str, str] = {
    f"caller.{name}": name
    for name in ("country", "state", "city", "zip", "area_code", "network", "line_type",
                 "time_zone")
}  # fmt: skip
"""What is looked up from the caller's number."""

_MAPPINGS = {"attribute": "attributes", "var": "variables", "result": "results"}

_EXTRAS: Mapping[str, Callable[[Record], Any]] = {
    "call_id": _same("call_id"),
    "received": _same("received_at"),
    "answered_at": _same("answered_at"),
    "ended": _same("ended_at"),
    "payout": _amount,
    "currency": lambda record: _dict(record.get("payout")).get("currency"),
    "recording": lambda record: next(
        (one.get("sha256") for one in _dicts(record.get("recordings"))), None
    ),
}
"""`config.webhooks.PIXEL_EXTRAS`."""
