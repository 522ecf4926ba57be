"""How the aging shifts from month end to month end, and how vintages are collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.aging import bucket_of
from tests.oracle.arithmetic import Period, Ratio, add_months, month_end, month_start, ratio
from tests.oracle.cash import Cash
from tests.oracle.inputs import Bucket, Seeds
from tests.oracle.journal import ZERO, Journal
from tests.oracle.migration import kind_of, owed

BILLED_TYPES = ("invoice", "debit_memo")
NO_HISTORY = Ratio(None, None, None, "insufficient_history")
NOT_APPLICABLE = Ratio(None, None, None, "not_applicable")


@dataclass(frozen=True)
class Shape:
    """What a scope is owed on a day, by bucket of one set."""

    buckets: Mapping[str, Decimal]
    past_due: Decimal
    past_due_days: Decimal

    @property
    def total(self) -> Decimal:
        """Everything owed."""
        return sum(self.buckets.values(), ZERO)


def shape(book: Journal, day: date, of_set: Sequence[Bucket]) -> Shape:
    """Measure a day. Items without a rate of exchange are left out."""
    amounts = {bucket.aging_bucket: ZERO for bucket in of_set}
    past_due, past_due_days = ZERO, ZERO
    for open_item in owed(book, day).values():
        if open_item.open_amount is None:
            continue
        days = (day - open_item.facts.due_date).days
        amounts[bucket_of(open_item.facts.due_date, day, of_set)] += open_item.open_amount
        if days > 0:
            past_due += open_item.open_amount
            past_due_days += open_item.open_amount * days
    return Shape(amounts, past_due, past_due_days)


@dataclass(frozen=True)
class Shift:
    """One month beside the one before."""

    now: Shape
    past_due_rate: Ratio
    weighted_days: Ratio
    growth: Ratio
    signal: str | None
    bucket_rates: Mapping[str, Ratio]
    bucket_growths: Mapping[str, Ratio]
    surges: frozenset[str]


def shift(now: Shape, before: Shape | None, seeds: Seeds) -> Shift:
    """Compare a month's end with the one before; the first has none.

    Source: measures, section 2 (aging shift).
    """
    (rules,) = seeds.rows("aging_rules")
    weighted = ratio(now.past_due_days, now.past_due)
    growth = NO_HISTORY
    if before is not None:
        past = ratio(before.past_due_days, before.past_due)
        growth = (
            NOT_APPLICABLE
            if past.value is None or weighted.value is None
            # now.days / now.amount over before.days / before.amount, less 1, without a division.
            else ratio(
                now.past_due_days * before.past_due - before.past_due_days * now.past_due,
                before.past_due_days * now.past_due,
            )
        )
    signal = None
    if growth.value is not None:
        signal = "steady"
        if growth.value >= Decimal(rules["lengthened_growth_rate"]):
            signal = "lengthened"
        elif -growth.value >= Decimal(rules["shortened_fall_rate"]):
            signal = "shortened"
    growths = {
        bucket: NO_HISTORY
        if before is None
        else ratio(amount - before.buckets[bucket], before.buckets[bucket])
        for bucket, amount in now.buckets.items()
    }
    threshold = Decimal(rules["bucket_surge_growth_rate"])
    return Shift(
        now=now,
        past_due_rate=ratio(now.past_due, now.total),
        weighted_days=weighted,
        growth=growth,
        signal=signal,
        bucket_rates={b: ratio(amount, now.total) for b, amount in now.buckets.items()},
        bucket_growths=growths,
        surges=frozenset(
            b for b, g in growths.items() if g.value is not None and g.value >= threshold
        ),
    )


def shifts(
    book: Journal, months: Sequence[Period], of_set: Sequence[Bucket], seeds: Seeds
) -> Mapping[Period, Shift]:
    """Every month from the first at whose end anything is owed."""
    result = {}
    before: Shape | None = None
    for month in months:
        if before is None and not owed(book, month.end):
            continue
        now = shape(book, month.end, of_set)
        result[month] = shift(now, before, seeds)
        before = now
    return result


@dataclass(frozen=True)
class Vintage:
    """What was billed in a month, and how much of it was collected by when."""

    billed: Decimal
    credited: Decimal
    collected: Mapping[int, Ratio]


def vintages(
    book: Journal, cash: Sequence[Cash], as_of_date: date, seeds: Seeds
) -> Mapping[date, Vintage]:
    """Every month of billing with its windows of months, open ones without a value.

    Source: measures, section 2 (vintage).
    """
    (rules,) = seeds.rows("aging_rules")
    billed: dict[date, Decimal] = {}
    credited: dict[date, Decimal] = {}
    for movement in book.movements:
        facts = book.items[movement.item]
        if facts.document_type not in BILLED_TYPES or movement.effective_date > as_of_date:
            continue
        month = month_start(facts.document_date)
        amount = movement.amount or ZERO
        kind = kind_of(movement)
        if kind == "credited":
            credited[month] = credited.get(month, ZERO) - amount
        elif kind is None and movement.movement_type in BILLED_TYPES:
            billed[month] = billed.get(month, ZERO) + amount
    result = {}
    for month, amount in billed.items():
        net = amount - credited.get(month, ZERO)
        windows = {}
        for months in range(int(rules["vintage_months"]) + 1):
            last = month_end(add_months(month, months))
            collected = sum(
                (
                    piece.amount
                    for piece in cash
                    if piece.facts.document_type in BILLED_TYPES
                    and month_start(piece.facts.document_date) == month
                    and piece.effective_date <= last
                    and piece.amount is not None
                ),
                ZERO,
            )
            windows[months] = ratio(collected, net) if last <= as_of_date else NO_HISTORY
        result[month] = Vintage(amount, credited.get(month, ZERO), windows)
    return result
