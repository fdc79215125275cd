"""What would become of a call: number, campaign, decisions, treatment, destinations; or the
refusal.

Goes the way of a call through the same tables and decisions (ringpool.lookup, ivr.entry,
ivr.destinations, softswitch.routing) at a moment that is told, and calls nobody. What depends on
other calls (calls in progress, caps, fraud, who answers) is not asked; look-ups are not made, their
defaults are taken.
"""

from softswitch.route_test.moment import MomentError, moment
from softswitch.route_test.route import Route, route, zone_of
from softswitch.route_test.steps import RouteDecision, RouteDestination, RouteNote
from softswitch.route_test.walk import MAX_DESTINATIONS

__all__ = [
    "MAX_DESTINATIONS",
    "MomentError",
    "Route",
    "RouteDecision",
    "RouteDestination",
    "RouteNote",
    "moment",
    "route",
    "zone_of",
]
