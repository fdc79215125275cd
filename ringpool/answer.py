"""What somebody who asked for a number is told: to be shown, clicked, and kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from config.model import Expression, Pool, Template, Value
from ringpool.request import AllocationRequest
from ringpool.values import Answer
from softswitch.campaign.evaluate import evaluate
from softswitch.campaign.operators import text_of

__all__ = ["Allocation", "allocation_of", "click_url", "formatted"]

REMEMBERED = 10_000
"""Numbers whose national form is remembered; some 20 us are saved each time."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """The answer to a request for a number."""

    pool: str
    owner: str
    publisher: str | None
    """Party credited for calls to the number."""
    parameters: Mapping[str, str]
    number: str | None
    """E.164. None: the pool has nothing to give, not even an overflow number."""
    formatted: str | None
    """As people of the country write it."""
    click_url: str | None
    overflow: bool
    """Whether it is the pool's overflow number: calls to it do not know the parameters."""
    why: str
    """Why it is: `exhausted`, `ended`, `database away`; else empty."""
    step: str
    """Which step of the algorithm answered: same, fixed, free, grown, rebound, overflow."""
    binding: str | None
    """Id of the binding."""
    expires_at: float | None
    """When the number may be given to others at the earliest. None: not as things are."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times in ISO 8601, UTC."""
        expires = None
        if self.expires_at is not None:
            moment = datetime.fromtimestamp(self.expires_at, UTC)
            expires = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "pool": self.pool,
            "owner": self.owner,
            "publisher": self.publisher,
            "parameters": dict(self.parameters),
            "number": self.number,
            "formatted": self.formatted,
            "click_url": self.click_url,
            "overflow": self.overflow,
            "why": self.why or None,
            "step": self.step,
            "binding": self.binding,
            "expires": expires,
        }


def allocation_of(
    request: AllocationRequest,
    pool: Pool,
    answer: Answer,
    *,
    publisher: str | None,
    country: str,
) -> Allocation:
    """The answer of the core, made fit to be told; `publisher`: of calls without one in their
    binding."""
    binding = answer.binding
    if binding is not None and binding.publisher is not None:
        publisher = binding.publisher
    return Allocation(
        pool=pool.name,
        owner=request.owner,
        publisher=publisher,
        parameters=request.parameters,
        number=answer.number,
        formatted=None if answer.number is None else formatted(answer.number, country),
        click_url=click_url(pool, answer.number, request, publisher),
        overflow=answer.overflow,
        why=answer.why,
        step=answer.kind,
        binding=None if binding is None else binding.binding_id,
        expires_at=answer.expires_at,
    )


@lru_cache(maxsize=REMEMBERED)
def formatted(number: str, country: str) -> str:
    """A number as people in `country` write it: national, or international from elsewhere."""
    # Takes 0.1 s to import, for what a switch without pools never needs.
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    home = phonenumbers.country_code_for_region(country)
    form = phonenumbers.PhoneNumberFormat
    kind = form.NATIONAL if parsed.country_code == home else form.INTERNATIONAL
    return phonenumbers.format_number(parsed, kind)


def click_url(
    pool: Pool, number: str | None, request: AllocationRequest, publisher: str | None
) -> str | None:
    """The pool's click-through URL with the values in it, percent-encoded; None without either."""
    template: Template | None = pool.click_url
    if template is None or number is None:
        return None
    facts = _Facts(pool, number, request, publisher)
    return "".join([_part(part, facts) for part in template.parts])


def _part(part: str | Expression, facts: _Facts) -> str:
    return part if isinstance(part, str) else quote(text_of(evaluate(part, facts)), safe="")


class _Facts:
    """What may stand in a click-through URL."""

    def __init__(
        self, pool: Pool, number: str, request: AllocationRequest, publisher: str | None
    ) -> None:
        self._facts: dict[str, Value] = {
            "number": number,
            "called.number": number,
            # A bare name that is no fact of the language means a value of the binding.
            "binding.number": number,
            "binding.owner": request.owner,
            "publisher": publisher,
            "campaign": pool.campaign,
            "pool": pool.name,
        }
        self._facts |= {f"binding.{name}": value for name, value in request.parameters.items()}

    def fact(self, name: str) -> Value:
        return self._facts.get(name)

    def function(self, name: str, arguments: tuple[Value, ...]) -> Value:
        return None
