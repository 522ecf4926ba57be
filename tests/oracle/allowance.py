"""The allowance for bad debts by each method, how it moves from month to month, and its back-test.

The loss rates of the method ``expected_loss`` are not made here (``loss_rates``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.aging import aging, standing_apart
from tests.oracle.arithmetic import (
    Period,
    Ratio,
    add_months,
    month_end,
    periods_until,
    ratio,
    round_money,
)
from tests.oracle.bad_debt import moved
from tests.oracle.balances import open_items
from tests.oracle.inputs import Bucket, Seeds
from tests.oracle.journal import ZERO, ItemFacts, Journal
from tests.oracle.scopes import first_day
from tests.oracle.turnover import receivable, sales

WHOLE = "all"
SPECIFIC = "specific"

LossRates = Mapping[tuple[date, str, str], Decimal]
"""Loss rates from roll rates, by the month they are of, segment (`all`: the company) and bucket."""


@dataclass(frozen=True)
class Line:
    """What a method asks for in one bucket; without a rate it asks for nothing that could be told.

    What is judged alone has no one rate.
    """

    open_amount: Decimal
    base: Decimal
    rate: Decimal | None
    required: Decimal | None


def seed_rate(seeds: Seeds, method: str, segment: str, bucket: str) -> Decimal | None:
    """The rate of a bucket in the seed: the segment's own, else everybody's."""
    rates = {
        (row["segment"], row["aging_bucket"]): Decimal(row["loss_rate"])
        for row in seeds.rows("loss_rates")
        if row["allowance_method"] == method
    }
    own = rates.get((segment, bucket))
    return rates.get(("*", bucket)) if own is None else own


def judgement(seeds: Seeds, facts: ItemFacts, day: date, known_on: date) -> Decimal | None:
    """The rate at which an item is judged alone on a day, as known at the end of another.

    An item's own judgement goes before its customer's. Rows of one ``valid_from`` are versions of
    one judgement; the last known holds, and one without a rate takes it back. Credits stand apart
    and are not judged.

    Source: measures, section 4 (specific: an item or customer judged alone leaves the matrix).
    """
    if standing_apart(facts) is not None:
        return None
    for document_id in (facts.item.document_id, ""):
        known = [
            row
            for row in seeds.rows("specific_provisions")
            if (row["company_code"], row["customer_id"], row["document_id"])
            == (facts.item.company_code, facts.customer_id, document_id)
            and date.fromisoformat(row["known_from"]) <= known_on
        ]
        last = {row["valid_from"]: row for row in sorted(known, key=lambda row: row["known_from"])}
        for row in last.values():
            if (
                row["loss_rate"]
                and date.fromisoformat(row["valid_from"]) <= day
                and (not row["valid_to"] or day <= date.fromisoformat(row["valid_to"]))
            ):
                return Decimal(row["loss_rate"])
    return None


@dataclass(frozen=True)
class Allowances:
    """The allowances of one company and segment, on what one journal tells.

    ``known_on`` is the business day at whose end the journal and the judgements were known.
    """

    book: Journal
    segment: str
    months: Sequence[Period]
    buckets: Sequence[Bucket]
    seeds: Seeds
    known_on: date
    loss_rates: LossRates

    def required(self, method: str, bucket_set: str, month: Period) -> Mapping[str, Line]:
        """What a method asks for at a month's end, by bucket.

        Source: measures, section 4 (allowance methods). Items without a rate of exchange are left
        out of every amount.
        """
        if bucket_set:
            return self._by_bucket(method, bucket_set, month)
        whole = receivable(self.book, month.end)
        if method == "specific":
            amount, required = self._judged(month)
            return {SPECIFIC: Line(amount, amount, None, required)}
        if method == "direct_write_off":
            return {WHOLE: Line(whole, ZERO, ZERO, ZERO)}
        rate = seed_rate(self.seeds, method, self.segment, WHOLE)
        assert rate is not None
        if method == "percent_of_receivables":
            return {WHOLE: Line(whole, whole, rate, round_money(whole * rate))}
        assert method == "percent_of_sales"
        accumulated = sum(
            (
                round_money(sales(self.book, earlier) * rate)
                - moved(self.book, earlier, "write_off")
                + moved(self.book, earlier, "recovery")
                for earlier in self._months_until(month)
            ),
            ZERO,
        )
        return {WHOLE: Line(whole, sales(self.book, month), rate, accumulated)}

    def _by_bucket(self, method: str, bucket_set: str, month: Period) -> Mapping[str, Line]:
        """Bucket × rate over what is not judged alone, and what is, each item at its own rate."""
        opened: dict[str, Decimal] = {}
        for item in aging(self.book, month.end, self.buckets):
            amount = item.open_item.open_amount
            if item.bucket_set != bucket_set or amount is None:
                continue
            if self._judgement(item.open_item.facts, month) is None:
                opened[item.aging_bucket] = opened.get(item.aging_bucket, ZERO) + amount
        lines = {}
        for bucket, amount in opened.items():
            rate = self._rate(method, bucket, month)
            if rate is None:
                lines[bucket] = Line(amount, amount, None, None if amount else ZERO)
            else:
                lines[bucket] = Line(amount, amount, rate, round_money(amount * rate))
        amount, required = self._judged(month)
        lines[SPECIFIC] = Line(amount, amount, None, required)
        return lines

    def _rate(self, method: str, bucket: str, month: Period) -> Decimal | None:
        if method == "expected_loss":
            is_over = month.end == month_end(month.start)
            rates_of = month.start if is_over else add_months(month.start, -1)
            for segment in (self.segment, WHOLE):
                rate = self.loss_rates.get((rates_of, segment, bucket))
                if rate is not None:
                    return rate
        rate = seed_rate(self.seeds, method, self.segment, bucket)
        if rate is None and bucket.startswith("unapplied_"):
            return ZERO
        return rate

    def _months_until(self, month: Period) -> Sequence[Period]:
        """The months from the first booking that the journal tells of."""
        start = first_day(self.book, month.end)
        periods = [] if start is None else periods_until(start, month.end)
        return [period for period in periods if period.kind == "month"]

    def _judgement(self, facts: ItemFacts, month: Period) -> Decimal | None:
        return judgement(self.seeds, facts, month.end, self.known_on)

    def _judged(self, month: Period) -> tuple[Decimal, Decimal]:
        """What is open on items judged alone, and what is asked for them."""
        amount, required = ZERO, ZERO
        for item in open_items(self.book, month.end):
            rate = self._judgement(item.facts, month)
            if rate is not None and item.open_amount is not None:
                amount += item.open_amount
                required += round_money(item.open_amount * rate)
        return amount, required

    def total(self, method: str, bucket_set: str, month: Period) -> Decimal | None:
        """What a method asks for in all, unless it lacks a rate for something open."""
        total = ZERO
        for line in self.required(method, bucket_set, month).values():
            if line.required is None:
                return None
            total += line.required
        return total


@dataclass(frozen=True)
class RollForward:
    """How one month's allowance came about."""

    opening: Decimal | None
    charge: Decimal | None
    release: Decimal | None
    write_off: Decimal
    recovery: Decimal
    closing: Decimal | None


def roll_forward(
    allowances: Allowances, method: str, bucket_set: str
) -> Mapping[Period, RollForward]:
    """Opening + charge − release − write-offs + recoveries = closing, month after month.

    What is required at a month's end is its closing; charge = required − (opening − write-offs +
    recoveries), and a negative charge is a release.

    Source: measures, section 4 (allowance roll-forward).
    """
    result = {}
    opening: Decimal | None = ZERO
    for month in allowances.months:
        closing = allowances.total(method, bucket_set, month)
        write_off = moved(allowances.book, month, "write_off")
        recovery = moved(allowances.book, month, "recovery")
        if opening is None or closing is None:
            result[month] = RollForward(opening, None, None, write_off, recovery, closing)
        else:
            charge = closing - (opening - write_off + recovery)
            result[month] = RollForward(
                opening, max(charge, ZERO), max(-charge, ZERO), write_off, recovery, closing
            )
        opening = closing
    return result


@dataclass(frozen=True)
class BackTest:
    """What a month's allowance foretold, and what came of it."""

    predicted: Decimal | None
    written_off: Decimal
    recovered: Decimal
    error: Decimal | None
    coverage: Ratio


def back_test(
    then: Allowances, now: Journal, month: Period, methods: Mapping[str, str], as_of_date: date
) -> Iterator[tuple[str, BackTest]]:
    """Each method's allowance at a month's end beside the later write-offs of what was open then.

    A window that has not closed by the as-of date has no error and no coverage.

    Source: measures, section 4 (back-test).
    """
    (rules,) = then.seeds.rows("allowance_rules")
    window_end = month_end(add_months(month.start, int(rules["back_test_months"])))
    open_then = {item.facts.item for item in open_items(then.book, month.end)}
    lost = {"write_off": ZERO, "recovery": ZERO}
    for movement in now.movements:
        if (
            movement.movement_type in lost
            and movement.item in open_then
            and month.end < movement.effective_date <= min(window_end, as_of_date)
            and movement.amount is not None
        ):
            lost[movement.movement_type] -= movement.amount
    written_off, recovered = lost["write_off"], lost["recovery"]
    for method, bucket_set in methods.items():
        predicted = then.total(method, bucket_set, month)
        if predicted is not None and window_end <= as_of_date:
            yield (
                method,
                BackTest(
                    predicted,
                    written_off,
                    recovered,
                    predicted - written_off,
                    ratio(predicted, written_off),
                ),
            )
        else:
            open_ended = Ratio(None, None, None, "insufficient_history")
            yield method, BackTest(predicted, written_off, recovered, None, open_ended)
