"""What is heard on calls in progress: pausing recordings, and other keywords than configured."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.expression import ExpressionError
from config.keywords import MAX_RULES, MAX_WEIGHT
from config.kinds import MAX_NAME
from config.model import Campaign, KeywordRule
from config.said import parse_said
from softswitch.call.call import Call
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk, KeywordRules, Tapes
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.methods.calls import going_on, leg_of
from softswitch.control.session import Caller

__all__ = ["METHODS"]

METHODS = Catalogue()

_ABOUT_RECORDING = (
    ErrorCode.CALL_NOT_FOUND,
    ErrorCode.CALL_ENDED,
    ErrorCode.LEG_NOT_FOUND,
    ErrorCode.WRONG_STATE,
    ErrorCode.NOT_SUPPORTED,
)


class WhichSound(Params):
    """Whose sound."""

    call: str
    leg: str | None = None
    """Null: of all legs."""


class Recorded(msgspec.Struct, frozen=True):
    """Whether what is said is recorded from now on."""

    call: str
    leg: str | None
    recording: bool


class WhichCall(Params):
    """Which call."""

    call: str


class RecordingBegun(msgspec.Struct, frozen=True):
    """Where the recording will be."""

    call: str
    path: str
    """Within the data folder; `recording.saved` tells when it is whole."""


class RecordingOver(msgspec.Struct, frozen=True):
    """The call whose recording ends here."""

    call: str


_ABOUT_CALL = (
    ErrorCode.CALL_NOT_FOUND,
    ErrorCode.CALL_ENDED,
    ErrorCode.NOT_IN_CONTROL,
    ErrorCode.WRONG_STATE,
    ErrorCode.NOT_SUPPORTED,
)


@METHODS.method("call.record.start", role="control", errors=_ABOUT_CALL)
async def start(desk: Desk, caller: Caller, params: WhichCall) -> RecordingBegun:
    """Record an answered call from now on, in the form of its campaign's `record` if it has one.

    Each start makes a file of its own. Whether the parties know of it is for whoever asks to see
    to: a notice is played only where the campaign has one.
    """
    tapes = _tapes(desk, desk.steered(params.call, caller))
    path = tapes.start(params.call)
    if path is None:
        raise ControlError(
            ErrorCode.WRONG_STATE, "the call is recorded already, or cannot be recorded now"
        )
    return RecordingBegun(params.call, path)


@METHODS.method("call.record.stop", role="control", errors=_ABOUT_CALL)
async def stop(desk: Desk, caller: Caller, params: WhichCall) -> RecordingOver:
    """End the recording of a call, also one that its campaign began; what there is is kept."""
    tapes = _tapes(desk, desk.steered(params.call, caller))
    if not tapes.stop(params.call):
        raise ControlError(ErrorCode.WRONG_STATE, "the call is not being recorded")
    return RecordingOver(params.call)


def _tapes(desk: Desk, call: Call) -> Tapes:
    if desk.tapes is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "nothing is heard: switch.tap is off")
    if not call.caller.answered:
        raise ControlError(ErrorCode.WRONG_STATE, "the caller is not answered")
    return desk.tapes


@METHODS.method("call.record.pause", role="control", errors=_ABOUT_RECORDING)
async def pause(desk: Desk, caller: Caller, params: WhichSound) -> Recorded:
    """Record silence in place of what is said, until `call.record.resume`; twice is once."""
    tapes = _checked(desk, caller, params)
    if not tapes.pause(params.call, params.leg):
        raise ControlError(ErrorCode.WRONG_STATE, "the call is not being recorded")
    return Recorded(params.call, params.leg, recording=False)


@METHODS.method("call.record.resume", role="control", errors=_ABOUT_RECORDING)
async def resume(desk: Desk, caller: Caller, params: WhichSound) -> Recorded:
    """Record again what is said; without a leg, on all, however they were paused."""
    tapes = _checked(desk, caller, params)
    if not tapes.resume(params.call, params.leg):
        raise ControlError(ErrorCode.WRONG_STATE, "the call is not being recorded")
    return Recorded(params.call, params.leg, recording=True)


def _checked(desk: Desk, caller: Caller, params: WhichSound) -> Tapes:
    call = going_on(desk, caller, params.call)
    if params.leg is not None:
        leg_of(call, params.leg)
    if desk.tapes is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "nothing is heard: switch.tap is off")
    return desk.tapes


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A keyword rule, as under `keywords` in the configuration."""

    say: str
    leg: Literal["caller", "agent", "any"] = "any"
    weight: Annotated[int, Meta(ge=-MAX_WEIGHT, le=MAX_WEIGHT)] = 1
    confidence: Annotated[float, Meta(ge=0, le=1)] = 0.5


class SetRules(Params):
    """Whose rules, and which."""

    rules: dict[str, str | Rule] | None
    """Names, and what is said alone or a whole rule; null: as configured."""
    call: str | None = None
    campaign: str | None = None


class RulesSet(msgspec.Struct, frozen=True):
    """What is listened for from the next words on."""

    call: str | None
    campaign: str | None
    rules: list[str] | None
    """Their names; null: those of the configuration."""


@METHODS.method(
    "keyword.set_rules",
    role="control",
    errors=(
        ErrorCode.CALL_NOT_FOUND,
        ErrorCode.CALL_ENDED,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.NOT_CONFIGURED,
        ErrorCode.NOT_SUPPORTED,
    ),
)
async def set_rules(desk: Desk, caller: Caller, params: SetRules) -> RulesSet:
    """Listen for other words on a call, or on all calls of a campaign, from the next word on.

    Rules of a call go before those of its campaign and end with it; those of a campaign end with
    the process. Only where speech is listened to already: `keywords` or `transcribe`.
    """
    keywords = _keywords(desk, caller, params)
    rules = None if params.rules is None else _read(params.rules)
    done = keywords.set_rules(rules, call_id=params.call or "", campaign=params.campaign or "")
    if not done:
        raise ControlError(ErrorCode.LIMIT_REACHED, "too many calls have rules of their own")
    names = None if rules is None else [rule.name for rule in rules]
    return RulesSet(params.call, params.campaign, names)


class WhoseRules(Params):
    """Whose rules: one of them."""

    call: str | None = None
    campaign: str | None = None


class RuleLine(msgspec.Struct, frozen=True):
    """A keyword rule."""

    name: str
    say: str
    leg: str
    """caller, agent or any."""
    weight: int
    confidence: float


class Rules(msgspec.Struct, frozen=True):
    """What is listened for."""

    call: str | None
    campaign: str
    """Of the call, where a call was asked for."""
    source: str
    """configuration, or who has rules of its own: call, campaign."""
    rules: list[RuleLine]


@METHODS.method(
    "keyword.list",
    role="read",
    errors=(ErrorCode.CALL_NOT_FOUND, ErrorCode.CALL_ENDED, ErrorCode.NOT_CONFIGURED,
            ErrorCode.NOT_SUPPORTED),
)  # fmt: skip
async def list_rules(desk: Desk, caller: Caller, params: WhoseRules) -> Rules:
    """What is listened for on a call, or on the calls of a campaign that have no rules of their
    own."""
    campaign = _whose(desk, caller, params)
    keywords = _heard(desk)
    live = keywords.live_rules(call_id=params.call or "", campaign=campaign.name)
    if live is None:
        configured = () if campaign.keywords is None else campaign.keywords.rules
        live = ("configuration", configured)
    source, rules = live
    lines = [
        RuleLine(rule.name, rule.text, rule.side, rule.weight, rule.confidence) for rule in rules
    ]
    return Rules(params.call, campaign.name, source, lines)


def _whose(desk: Desk, caller: Caller, params: WhoseRules | SetRules) -> Campaign:
    if bool(params.call) is bool(params.campaign):
        raise ControlError(ErrorCode.INVALID_PARAMS, "call or campaign: one of them is needed")
    if params.call:
        return going_on(desk, caller, params.call).counts_for
    return _campaign(desk, caller, params.campaign or "")


def _heard(desk: Desk) -> KeywordRules:
    if desk.keywords is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "nothing is heard: switch.tap is off")
    return desk.keywords


def _keywords(desk: Desk, caller: Caller, params: SetRules) -> KeywordRules:
    campaign = _whose(desk, caller, params)
    keywords = _heard(desk)
    if campaign.keywords is None and not campaign.transcribe:
        raise ControlError(
            ErrorCode.NOT_CONFIGURED,
            f"campaign {campaign.name} has no keywords and no transcribe: its speech is not heard",
        )
    return keywords


def _campaign(desk: Desk, caller: Caller, name: str) -> Campaign:
    campaign = desk.configuration().campaigns.get(name)
    if campaign is None or not caller.identity.sees(name):
        raise ControlError(ErrorCode.NOT_CONFIGURED, f"there is no campaign {name[:100]}")
    return campaign


def _read(written: dict[str, str | Rule]) -> tuple[KeywordRule, ...]:
    if len(written) > MAX_RULES:
        raise ControlError(ErrorCode.INVALID_PARAMS, f"rules: at most {MAX_RULES}")
    return tuple(_read_rule(name, rule) for name, rule in written.items())


def _read_rule(name: str, written: str | Rule) -> KeywordRule:
    rule = Rule(written) if isinstance(written, str) else written
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise ControlError(ErrorCode.INVALID_PARAMS, f"rules: a name has up to {MAX_NAME} letters")
    try:
        said = parse_said(rule.say)
    except ExpressionError as error:
        raise ControlError(
            ErrorCode.INVALID_PARAMS, f"rules.{name}: {error}", position=error.position
        ) from None
    return KeywordRule(
        name=name,
        said=said,
        text=rule.say,
        side=rule.leg,
        weight=rule.weight,
        confidence=rule.confidence,
    )
