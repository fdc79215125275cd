"""Money: amounts, and what calls earn.

An amount is a decimal number (never a float) of the payout's currency. Where an amount is computed
(`10% * result.amount`), the most a call can earn has to be said, because budgets reserve it.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Literal

from config import hints, payouts
from config.document import Scalar, Table, Tree
from config.expression import AMOUNT, CONDITION
from config.kinds import CURRENCY, NAME, duration, list_of, mapping_of, one_of
from config.model import (
    Constant,
    Expression,
    Location,
    Payout,
    PriceRule,
    Repeat,
    Unary,
)
from config.payouts import minor_unit, rounded
from config.rating import MAX_RULES, check_reached
from config.reading import (
    Fields,
    Key,
    Kind,
    Reading,
    RefusedError,
    Section,
    keys_of,
    read_fields,
    scalar,
    section_kind,
)

MAX_AMOUNT = Decimal(1_000_000_000)
"""No call and no budget is worth more; sums of a year stay exact in the database."""
MAX_DECIMALS = 4
"""Places behind the point: a hundredth of a cent."""
MAX_PUBLISHERS = 10_000
"""Publishers with a price of their own in one campaign; a mapping of more is written by no hand."""

_REPEAT_BY: tuple[Literal["campaign", "publisher", "number"], ...] = (
    "campaign", "publisher", "number",
)  # fmt: skip


_WRITTEN = frozenset("0123456789.")
"""What a constant amount is written with; a unit (10%, 5 min) makes something else of it."""


def _digits_problem(text: str) -> str | None:
    whole, point, part = text.partition(".")
    digits = whole.isascii() and whole.isdigit() and (not point or part.isdigit())
    if not digits or not part.isascii():
        return "an amount is digits alone, such as 5.00; its currency is the campaign's"
    if len(part) > MAX_DECIMALS:
        return f"an amount has at most {MAX_DECIMALS} decimal places"
    return None if len(whole) <= 12 and Decimal(text) <= MAX_AMOUNT else _too_much()


def _too_much() -> str:
    return f"an amount is at most {MAX_AMOUNT}"


def _money(text: str) -> Decimal:
    problem = _digits_problem(text)
    if problem is not None:
        raise RefusedError(problem)
    return Decimal(text)


MONEY = scalar("an amount such as 5.00", _money, hints.text(r"^[0-9]{1,12}(\.[0-9]{1,4})?$"))


def _read_amount(tree: Tree, reading: Reading) -> Expression:
    """An amount, or an expression for one; a constant keeps the bounds of money."""
    expression = AMOUNT.read(tree, reading)
    term = expression.term
    if isinstance(term, Unary) and isinstance(term.operand, Constant):
        raise RefusedError("an amount is not negative")
    if isinstance(term, Constant) and isinstance(term.value, Decimal):
        value = term.value
        if not set(expression.text) <= _WRITTEN:
            hint = "a part of a sale is computed: 10% * result.amount" if value < 1 else None
            raise RefusedError(
                f"{expression.text} is no amount: an amount is digits alone", suggestion=hint
            )
        if value > MAX_AMOUNT:
            raise RefusedError(_too_much())
        # Its digits behind the point, trailing zeros not counted.
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > MAX_DECIMALS:
            raise RefusedError(f"an amount has at most {MAX_DECIMALS} decimal places")
    return expression


PRICE = Kind("an amount such as 5.00, or an expression for one", _read_amount, hints.SCALAR)


# Payout.


class PriceKeys:
    """Keys of a price rule."""

    NAME = Key(
        "name",
        NAME,
        "Name for the record.",
        otherwise="`base-1`, `bonus-1` and so on",
        example="sale",
    )
    WHEN = Key(
        "when",
        CONDITION,
        "The rule counts when this holds.",
        otherwise="always",
        example='rating = "high"',
    )
    AMOUNT = Key(
        "amount",
        PRICE,
        "What the call earns then.",
        required=True,
        example="10% * result.amount",
    )


PRICE_RULE = Section(
    "a price rule",
    "An amount and when it is earned.",
    keys_of(PriceKeys),
    short="the amount alone",
    short_schema=PRICE.schema,
    example='base:\n  - {when: rating = "high", amount: 5.00}\n  - {amount: 1.00}',
)


def _read_price_rule(tree: Tree, reading: Reading) -> PriceRule:
    if isinstance(tree, Scalar):
        return PriceRule("", None, PRICE.read(tree, reading), location=tree.location)
    fields = read_fields(tree, PRICE_RULE, reading)
    fields.need_condition(PriceKeys.WHEN, reading)
    return PriceRule(
        name=fields.get(PriceKeys.NAME) or "",
        when=fields.get(PriceKeys.WHEN),
        amount=fields[PriceKeys.AMOUNT],
        location=tree.location,
    )


_PRICE_RULE = section_kind(PRICE_RULE, _read_price_rule)


def _check_names(rules: tuple[PriceRule, ...], reading: Reading) -> None:
    """A record has a line for each rule that counted, and lines of its own beside them."""
    names: dict[str, Location] = {}
    for rule in rules:
        name, message = rule.name, ""
        if name in names:
            message = f'another rule is named "{name}", in line {names[name].line}'
        elif name in (payouts.MAXIMUM, payouts.REPEAT) or name.startswith(payouts.CAP):
            message = f'"{name}" is what a line of the record is called; choose another name'
        names.setdefault(name, rule.location)
        if message:
            reading.problems.add(rule.location, message)
    for rule in rules:
        of = rule.name.removesuffix(payouts.AMOUNT)
        if of != rule.name and of in names:
            message = f'"{rule.name}" is what the amount of another rule is called'
            reading.problems.add(rule.location, message, "choose another name")


def _price_rules(word: str) -> Kind[tuple[PriceRule, ...]]:
    """A list of price rules; those without a name are called after the list."""
    rules = list_of(_PRICE_RULE, most=MAX_RULES)

    def read(tree: Tree, reading: Reading) -> tuple[PriceRule, ...]:
        found = rules.read(tree, reading)
        named = [
            replace(rule, name=rule.name or f"{word}-{number}")
            for number, rule in enumerate(found, 1)
        ]
        if word == "base":
            check_reached(named, word, reading)
        return tuple(named)

    return Kind(rules.says, read, rules.schema)


class RepeatKeys:
    """Keys of what a repeat caller earns."""

    WITHIN = Key(
        "within",
        duration("1 min", "1000 days"),
        "A caller who has called within this time before is a repeat caller.",
        required=True,
        example="30 days",
    )
    AMOUNT = Key(
        "amount",
        MONEY,
        "What such a call earns, instead of base and bonuses.",
        default="0",
        example="0.50",
    )
    BY = Key(
        "by",
        one_of(_REPEAT_BY),
        "Earlier calls that count: to this campaign, of this publisher, or to this number.",
        default="campaign",
        example="publisher",
    )


REPEAT = Section(
    "repeat",
    "What a caller earns who has called before.",
    keys_of(RepeatKeys),
    short="the time alone",
    short_schema=hints.SCALAR,
    example="repeat: {within: 30 days, amount: 0}",
)


def _read_repeat(tree: Tree, reading: Reading) -> Repeat:
    if isinstance(tree, Scalar):
        return Repeat(RepeatKeys.WITHIN.kind.read(tree, reading), location=tree.location)
    fields = read_fields(tree, REPEAT, reading)
    return Repeat(
        fields[RepeatKeys.WITHIN],
        fields[RepeatKeys.AMOUNT],
        fields[RepeatKeys.BY],
        location=tree.location,
    )


class PayoutKeys:
    """Keys of a payout."""

    BASE = Key(
        "base",
        _price_rules("base"),
        "What a call earns: the first rule that holds. When none does it earns nothing, and no "
        "bonus either.",
        required=True,
        example='[{when: rating = "high", amount: 5.00}, {amount: 1.00}]',
    )
    BONUSES = Key(
        "bonuses",
        _price_rules("bonus"),
        "Each that holds is added.",
        otherwise="none",
        example="[{name: sale, when: result.sale = true, amount: 10% * result.amount}]",
    )
    REPEAT = Key(
        "repeat",
        section_kind(REPEAT, _read_repeat),
        "What a caller earns who has called before.",
        otherwise="the same as any",
        example="{within: 30 days, amount: 0}",
    )
    PUBLISHERS = Key(
        "publishers",
        mapping_of(MONEY, most=MAX_PUBLISHERS, noun="publisher"),
        "Base by publisher: where a rule of the base holds, this is its amount for that publisher.",
        otherwise="all alike",
        example="{p1: 4.50, p2: 6.00}",
    )
    MAXIMUM = Key(
        "maximum",
        MONEY,
        "No call earns more. Budgets reserve it for each call. Needed where an amount is computed.",
        otherwise="the highest base and all bonuses",
        example="20.00",
    )
    CURRENCY = Key(
        "currency", CURRENCY, "Currency of the amounts.", otherwise="the switch's", example="EUR"
    )


PAYOUT = Section(
    "a payout",
    "What a call earns its publisher: base and bonuses, each with a condition.",
    keys_of(PayoutKeys),
    short="the amount alone",
    short_schema=PRICE.schema,
    example='payout:\n  base: [{when: rating = "high", amount: 5.00}, {amount: 1.00}]\n'
    "  repeat: {within: 30 days, amount: 0}\n  maximum: 20.00",
)


def _read_payout(tree: Tree, reading: Reading) -> Payout:
    if isinstance(tree, Scalar):
        amount = PRICE.read(tree, reading)
        if not isinstance(amount.term, Constant):
            raise RefusedError(
                "an amount that is computed needs a maximum",
                suggestion=f"{{base: {amount.text}, maximum: 20.00}}",
            )
        rule = PriceRule("base-1", None, amount, location=tree.location)
        _check_unit(amount.term.value, reading.currency, tree.location, reading)
        return Payout(reading.currency, (rule,), location=tree.location)
    keys = PayoutKeys
    fields = read_fields(tree, PAYOUT, reading)
    base = fields[keys.BASE]
    bonuses = fields.get(keys.BONUSES) or ()
    rules = (*base, *bonuses)
    _check_maximum(fields, rules, reading)
    _check_names(rules, reading)
    currency = fields.get(keys.CURRENCY) or reading.currency
    _check_currency(currency, fields, rules, reading)
    _note_publishers(fields, reading)
    return Payout(
        currency=currency,
        base=base,
        bonuses=bonuses,
        repeat=fields.get(keys.REPEAT),
        prices=fields.get(keys.PUBLISHERS) or {},
        maximum=fields.get(keys.MAXIMUM),
        location=tree.location,
    )


def _check_maximum(fields: Fields, rules: tuple[PriceRule, ...], reading: Reading) -> None:
    if PayoutKeys.MAXIMUM in fields or fields.refused(PayoutKeys.MAXIMUM):
        return
    computed = [rule for rule in rules if not isinstance(rule.amount.term, Constant)]
    if computed:
        line = computed[0].location.line
        message = f'a payout needs "maximum": the amount in line {line} is computed'
        hint = "it is what a budget reserves for each call"
        reading.problems.add(fields.table.location, message, hint)


def _check_unit(amount: object, currency: str, place: Location, reading: Reading) -> None:
    """What is paid is rounded to the currency's unit, so an amount finer than that would lie."""
    if isinstance(amount, Decimal) and rounded(amount, currency) != amount:
        message = f"{amount} {currency} cannot be paid: the least of it is {minor_unit(currency)}"
        reading.problems.add(place, message)


def _check_currency(
    currency: str, fields: Fields, rules: tuple[PriceRule, ...], reading: Reading
) -> None:
    keys = PayoutKeys
    for rule in rules:
        if isinstance(rule.amount.term, Constant):
            _check_unit(rule.amount.term.value, currency, rule.location, reading)
    repeat = fields.get(keys.REPEAT)
    if repeat is not None:
        _check_unit(repeat.amount, currency, repeat.location, reading)
    for publisher, amount in (fields.get(keys.PUBLISHERS) or {}).items():
        _check_unit(amount, currency, _publisher_place(fields, publisher), reading)
    most = fields.get(keys.MAXIMUM)
    _check_unit(most, currency, fields.place(keys.MAXIMUM), reading)


def _publisher_place(fields: Fields, publisher: str) -> Location:
    table = fields.table.entries.get(PayoutKeys.PUBLISHERS.name)
    return table.keys[publisher].location if isinstance(table, Table) else fields.table.location


def _note_publishers(fields: Fields, reading: Reading) -> None:
    """Whether somebody is called so is known when all numbers are."""
    publishers = fields.get(PayoutKeys.PUBLISHERS) or {}
    reading.priced.extend((name, _publisher_place(fields, name)) for name in publishers)


PAYOUT_KIND = section_kind(PAYOUT, _read_payout)
