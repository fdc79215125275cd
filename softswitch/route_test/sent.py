"""What a trunk would be sent: the number as it wants it, who calls, and the fields that say so."""

from __future__ import annotations

from functools import partial

from config.model import CallerId, Campaign, Configuration, Destination, Trunk
from ivr.trunk_fields import header_text
from ringpool.lookup import NumberMatch
from softswitch.campaign.evaluate import render
from softswitch.campaign.facts import CallFacts
from softswitch.route_test.steps import RouteDestination
from softswitch.routing.caller_id import ANONYMOUS, ShownCaller, shown_caller
from softswitch.routing.destinations import destination_trunk, dial_address
from softswitch.routing.number_forms import caller_uri
from softswitch.routing.written_identity import CallIdentity, identity_fields

__all__ = ["sent_to"]


def sent_to(
    destination: Destination,
    *,
    configuration: Configuration,
    campaign: Campaign,
    match: NumberMatch,
    caller: str,
    caller_id: CallerId,
    path: tuple[str, ...],
    ring_seconds: float,
    facts: CallFacts,
) -> RouteDestination:
    """A destination with everything its INVITE would say of the call."""
    home = configuration.switch.country
    trunk = destination_trunk(configuration, campaign, destination)
    address = dial_address(destination, trunk, called=match.called, home=home)
    shown = _shown(configuration, trunk, match, caller, caller_id)
    flow = address.flow
    plain = trunk.numbers is None and trunk.caller_identity is None
    return RouteDestination(
        path=path,
        number=address.number,
        uri=address.uri,
        trunk=trunk.name,
        next_hop=f"{flow.host}:{flow.port};transport={flow.transport}",
        caller_id=shown.number,
        ring_seconds=ring_seconds,
        shown_as="" if plain else shown.from_header,
        fields=_fields(configuration, trunk, match, caller_id, address.uri, shown),
        headers=_set(trunk, facts),
        signed=shown.number != ANONYMOUS and _signs(configuration, trunk),
        srtp="" if trunk.srtp == "off" else trunk.srtp,
    )


def _set(trunk: Trunk, facts: CallFacts) -> tuple[str, ...]:
    """What the trunk's own fields say."""
    policy = () if trunk.headers is None else trunk.headers.set
    written = ((name, header_text(render(template, facts))) for name, template in policy)
    return tuple(f"{name}: {value}" for name, value in written if value)


def _signs(configuration: Configuration, trunk: Trunk) -> bool:
    signing = configuration.stir.signing
    return signing is not None and trunk.identity is not None and trunk.identity.sign


def _shown(
    configuration: Configuration,
    trunk: Trunk,
    match: NumberMatch,
    caller: str,
    caller_id: CallerId,
) -> ShownCaller:
    switch = configuration.switch
    return shown_caller(
        kind=caller_id.kind,
        fixed=caller_id.number,
        called=match.number,
        caller=caller,
        name="",
        private=False,
        host=switch.advertise_host,
        write=partial(caller_uri, trunk=trunk, home=switch.country, host=switch.advertise_host),
    )


def _fields(
    configuration: Configuration,
    trunk: Trunk,
    match: NumberMatch,
    caller_id: CallerId,
    uri: str,
    shown: ShownCaller,
) -> tuple[str, ...]:
    told = CallIdentity(
        shown="" if shown.number == ANONYMOUS else shown.from_header,
        true="",
        private=False,
        is_callers=caller_id.kind == "original",
        called=match.number,
        uri=uri,
    )
    switch = configuration.switch
    found = identity_fields(trunk, told, home=switch.country, host=switch.advertise_host)
    return tuple(f"{name}: {value}" for name, value in found)
