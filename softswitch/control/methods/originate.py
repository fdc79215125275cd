"""Calls of our own making: one party is called, then another, or a treatment follows."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.model import Campaign, Prompt
from ivr.click_to_call import Plan
from softswitch.control.catalogue import Catalogue, Params
from softswitch.control.desk import Desk
from softswitch.control.errors import ControlError, ErrorCode
from softswitch.control.session import Caller
from softswitch.control.showing import ORIGINAL, check_original
from softswitch.switchboard.guards import NotAllowed, Permit
from softswitch.switchboard.originate import NotPlaced

__all__ = ["METHODS", "Address", "campaign_of", "permit_for", "prompt_named"]

METHODS = Catalogue()

MAX_ATTRIBUTES = 100
"""Each is in the call's record, in its events, and in the facts of its conditions."""
MAX_TEXT = 2000
"""As long as a parameter of a number may be."""

Address = Annotated[str, Meta(min_length=1, max_length=256)]
AttributeName = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Attributes = Annotated[
    dict[AttributeName, Annotated[str, Meta(max_length=MAX_TEXT)]],
    Meta(max_length=MAX_ATTRIBUTES),
]


class Originate(Params):
    """Whom to call, and what follows."""

    campaign: str
    """Whose call it is: its trunk, caller id, caps, payout and record."""
    first: Address
    """A number or SIP URI. Its party is leg a, where a caller would be."""
    second: Address | None = None
    """Whom the first is connected to; or give `treatment`."""
    treatment: str | None = None
    """What the first party gets instead of a second."""
    criterion: Literal["ringing", "answered", "any_key", "key", "word"] = "answered"
    """What the first party does before the second is called: it rings, answers, presses a key,
    presses `key`, or says `word` (or presses `key`)."""
    key: Annotated[str, Meta(pattern="^[0-9*#]$")] = "1"
    word: Annotated[str, Meta(pattern="^[a-z][a-z' ]{0,39}$")] | None = None
    """In lower case; needs a recogniser."""
    reverse: bool = False
    """Call `second` first, and `first` when it is there."""
    prompt: str | None = None
    """Name of a prompt of the section `prompts`: what the party called first hears when it has
    answered; the question, for a criterion that asks."""
    press_to_accept: str | None = None
    """Name of a prompt: asked of the party called second before it is connected, which key 1
    does."""
    caller_id: Annotated[str, Meta(max_length=64)] | None = None
    """Number that both are shown; the campaign's when left out. `original`: each is shown the
    other's, where the campaign does so or both numbers are listed."""
    leave_machines: bool = False
    """Whether the call ends when an answering machine has answered first."""
    attributes: Attributes = msgspec.field(default_factory=dict)
    """Beside those that the campaign computes, `attribute.NAME`."""
    time_limit: Annotated[float, Meta(ge=1, le=86400)] | None = None
    """Longest call, in seconds from the first answer."""
    ring_seconds: Annotated[float, Meta(ge=1, le=600)] = 30.0
    """How long each may ring."""
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    """Said again within a day, it places no second call."""


class Placed(msgspec.Struct, frozen=True):
    """The call that was begun; what becomes of it is told by its events."""

    call: str


@METHODS.method(
    "call.originate",
    role="control",
    errors=(
        ErrorCode.NOT_CONFIGURED,
        ErrorCode.DESTINATION_NOT_ALLOWED,
        ErrorCode.LIMIT_REACHED,
        ErrorCode.NO_CAPACITY,
        ErrorCode.MEDIA_UNAVAILABLE,
        ErrorCode.NOT_SUPPORTED,
    ),
)
async def originate(desk: Desk, caller: Caller, params: Originate) -> Placed:
    """Call somebody and connect them to somebody else, or to a treatment.

    Nobody is called who is not listed under `originate` of the campaign, or of the configuration.
    """
    if desk.originator is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch places no calls")
    campaign = campaign_of(desk, caller, params.campaign)
    _check(desk, params)
    prompt, accept = prompt_named(desk, params.prompt), prompt_named(desk, params.press_to_accept)
    first, second = _parties(params)
    original = params.caller_id == ORIGINAL
    if original:
        if second is None:
            raise ControlError(ErrorCode.INVALID_PARAMS, "caller_id: original needs a second")
        check_original(desk, caller, campaign, (first, second))
    shown = None if original else params.caller_id
    permits = _permits(desk, caller, campaign, first, second, shown)
    plan = Plan(
        permits[0].destination,
        permits[1].destination if second is not None else None,
        params.treatment,
        criterion=params.criterion,
        key=params.key,
        word=params.word or "",
        prompt=prompt,
        accept=accept,
        caller_id=ORIGINAL if original else permits[0].caller_id,
        leave_machines=params.leave_machines,
        attributes=params.attributes,
        time_limit=params.time_limit,
        within=caller.identity.campaigns,
        ring_seconds=params.ring_seconds,
    )
    placed = desk.originator.place(campaign, plan, permits)
    if isinstance(placed, NotPlaced):
        raise ControlError(ErrorCode.NO_CAPACITY, placed.why)
    return Placed(placed.call_id)


def campaign_of(desk: Desk, caller: Caller, name: str) -> Campaign:
    """A campaign that whoever asks may have calls placed for; raises ControlError."""
    campaign = desk.configuration().campaigns.get(name)
    if campaign is None or not caller.identity.sees(name):
        raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such campaign")
    return campaign


def _check(desk: Desk, params: Originate) -> None:
    """What goes together, and what this switch can do."""
    if (params.second is None) == (params.treatment is None):
        raise ControlError(ErrorCode.INVALID_PARAMS, "give either second or treatment")
    if params.treatment is not None:
        if params.treatment not in desk.configuration().treatments:
            raise ControlError(ErrorCode.NOT_CONFIGURED, "there is no such treatment")
        if params.criterion == "ringing" or params.reverse or params.press_to_accept is not None:
            raise ControlError(
                ErrorCode.INVALID_PARAMS, "ringing, reverse and press_to_accept need a second"
            )
    if params.criterion in ("any_key", "key", "word") and params.prompt is None:
        raise ControlError(ErrorCode.INVALID_PARAMS, f"{params.criterion} needs a prompt that asks")
    ears = desk.services.ears
    if params.leave_machines and (ears is None or params.criterion == "ringing"):
        raise ControlError(ErrorCode.NOT_SUPPORTED, "no machine can be told from a person here")
    if params.criterion == "word":
        if params.word is None:
            raise ControlError(ErrorCode.INVALID_PARAMS, "which word?")
        if ears is None or not ears.understands:
            raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch understands no speech")


def prompt_named(desk: Desk, name: str | None) -> Prompt | None:
    """A prompt of the configuration; raises ControlError when it cannot be played."""
    if name is None:
        return None
    prompt = desk.configuration().prompts.get(name)
    if prompt is None or not desk.services.prompts.is_ready(prompt):
        raise ControlError(ErrorCode.MEDIA_UNAVAILABLE, f"there is no prompt {name[:100]}")
    return prompt


def _parties(params: Originate) -> tuple[str, str | None]:
    """Who is called first, and who after that."""
    if params.reverse and params.second is not None:
        return params.second, params.first
    return params.first, params.second


def _permits(
    desk: Desk, caller: Caller, campaign: Campaign, first: str, second: str | None,
    caller_id: str | None,
) -> list[Permit]:  # fmt: skip
    permits: list[Permit] = []
    try:
        for to in (first, second):
            if to is not None:
                permits.append(permit_for(desk, caller, campaign, to, caller_id=caller_id))
    except ControlError as error:
        for permit in permits:
            permit.withdraw()
        if permits and error.code is ErrorCode.LIMIT_REACHED:
            message = f"{error.message}, or all but one: the request needs two"
            raise ControlError(error.code, message, **error.details) from None
        raise
    return permits


def permit_for(
    desk: Desk, caller: Caller, campaign: Campaign, to: str, *, caller_id: str | None = None,
    trunk: str | None = None,
) -> Permit:  # fmt: skip
    """The right to call somebody; raises ControlError."""
    if desk.guards is None:
        raise ControlError(ErrorCode.NOT_SUPPORTED, "this switch places no calls")
    allowed = desk.guards.check(
        campaign, to, token=caller.identity.name, trunk=trunk, caller_id=caller_id
    )
    if isinstance(allowed, NotAllowed):
        limits = allowed.what in ("rate", "concurrency")
        code = ErrorCode.LIMIT_REACHED if limits else ErrorCode.DESTINATION_NOT_ALLOWED
        raise ControlError(code, allowed.message, what=allowed.what)
    return allowed
