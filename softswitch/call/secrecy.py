"""A stretch of a call in which the keys of one leg are nobody's business.

What is pressed meanwhile, and after it without a pause, is read by the question at most and stands
nowhere else: no event tells it, so no log, journal, record or subscriber knows it, and no other leg
hears it.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from softswitch.call.leg import Leg

__all__ = ["SECRET_REST_SECONDS", "Secrecy"]


SECRET_REST_SECONDS = 1.0
"""A pause this long ends a secret entry for good: who keys a card number into a question for four
digits goes on without one."""
MAX_SPANS = 16
"""Stretches remembered of a leg: what is said is recognised within seconds."""


class Secrecy:
    """Entered while a secret is asked for; may be nested."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    def __enter__(self) -> None:
        leg = self._leg
        leg.secrets += 1
        if leg.secrets == 1:
            span = (leg.services.now(), inf)
            leg.secret_spans = (*leg.secret_spans, span)[-MAX_SPANS:]
        leg.call.on_secrecy(leg)

    def __exit__(self, *exc: object) -> None:
        leg = self._leg
        leg.secrets -= 1
        leg.secret_until = leg.services.now() + SECRET_REST_SECONDS
        if not leg.secrets:
            leg.secret_spans = (*leg.secret_spans[:-1], (leg.secret_spans[-1][0], leg.secret_until))
        # A key too many must not become the answer to the next question, which is told.
        leg.keys.forget()
        leg.call.on_secrecy(leg)
