"""What a payout can come to: the units of currencies, and the most that one call can earn.

Asked while a configuration is read, and again when calls are paid. Knows neither files nor calls.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from config.model import Constant, Payout, PriceRule

_CENT = Decimal("0.01")
_WHOLE = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
)  # fmt: skip
_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_MINOR_UNITS = {
    **dict.fromkeys(_WHOLE, Decimal(1)),
    **dict.fromkeys(_THOUSANDTHS, Decimal("0.001")),
}
"""ISO 4217: currencies whose smallest unit is not the hundredth part."""

UNKNOWN = Decimal("Infinity")
NOTHING = Decimal(0)

MAXIMUM = "maximum"
"""Name of the line in a record that takes away what is above the maximum."""
REPEAT = "repeat"
"""Name of the line that is the price of a repeat caller."""
CAP = "cap "
"""What the names of lines begin with that a cap has taken away."""
AMOUNT = " amount"
"""What the names of findings end with that tell how an amount was computed."""


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for most."""
    return _MINOR_UNITS.get(currency, _CENT)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount in whole minor units, half to even."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_EVEN)


def highest(payout: Payout) -> Decimal:
    """The most that one call can earn: what a budget reserves. Infinity where nothing says."""
    if payout.maximum is not None:
        return payout.maximum
    rules = (*payout.base, *payout.bonuses)
    if not all(isinstance(rule.amount.term, Constant) for rule in rules):
        return UNKNOWN
    currency = payout.currency
    base = max((rounded(amount, currency) for amount in _base_amounts(payout)), default=NOTHING)
    return base + sum((rounded(_constant(rule), currency) for rule in payout.bonuses), NOTHING)


def _base_amounts(payout: Payout) -> Iterator[Decimal]:
    yield from (_constant(rule) for rule in payout.base)
    yield from payout.prices.values()
    if payout.repeat is not None:
        yield payout.repeat.amount


def _constant(rule: PriceRule) -> Decimal:
    term = rule.amount.term
    value = term.value if isinstance(term, Constant) else NOTHING
    return max(value, NOTHING) if isinstance(value, Decimal) else NOTHING
