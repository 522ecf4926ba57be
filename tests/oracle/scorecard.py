"""The scorecard: what is judged, of whom, against which target, beside the period before.

Only gathers and judges; the measures of the books are those of ``turnover`` and ``bad_debt``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.aging import standing_apart
from tests.oracle.arithmetic import (
    MONTHS_OF,
    Period,
    Ratio,
    add_months,
    ends_within,
    month_end,
    month_start,
    period_of,
    ratio,
)
from tests.oracle.bad_debt import BILLING_TYPES
from tests.oracle.balances import open_items
from tests.oracle.cash import CASH_TYPES
from tests.oracle.inputs import Row, Seeds
from tests.oracle.journal import ZERO, Journal
from tests.oracle.performance import JUDGED, complaint_rate, is_in_time
from tests.oracle.promises import Promise
from tests.oracle.turnover import SALES_TYPES, Parts

ALL = "all"
COUNTED_TYPES = (*SALES_TYPES, *BILLING_TYPES, *CASH_TYPES, "write_off", "recovery")
NOT_SUMMABLE = ("days_sales_outstanding_countback", "true_days_sales_outstanding")
EXTRACT_OF = {
    "recovery_rate": "payments",
    "average_collection_days": "payments",
    "unpaid_rate": "payments",
    "collection_effectiveness_index": "payments",
    "promise_kept_rate": "contact_log",
    "complaint_rate": "contact_log",
    "satisfaction_score": "surveys",
    "training_pass_rate": "trainings",
}


@dataclass(frozen=True, order=True)
class Place:
    """What a line of the scorecard is about."""

    company_code: str
    scope_type: str
    scope_id: str


@dataclass(frozen=True)
class Line:
    """A measure of a place and period, before it is judged."""

    rate: Ratio
    is_rate_missing: bool
    told: Parts | None = None
    """The parts that are told, where they are other than those divided."""

    @property
    def parts(self) -> Parts:
        """Numerator and denominator as they are told."""
        return (self.rate.numerator, self.rate.denominator) if self.told is None else self.told


@dataclass(frozen=True)
class Judged:
    """A measure beside its target and the period before."""

    line: Line
    target: Decimal | None
    status: str
    previous: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """Value less that of the period before."""
        if self.line.rate.value is None or self.previous is None:
            return None
        return self.line.rate.value - self.previous


def lacks_rate(book: Journal, period: Period, *, is_of_turnover: bool, as_of_date: date) -> bool:
    """Whether an amount that measures of a period count has no rate of exchange.

    Source: measures, section 1 (a missing rate never drops a row): what is left out is told.
    """
    days = ends_within(period, step_months=1) if is_of_turnover else [period.day_before, period.end]
    if any(item.open_amount is None for day in days for item in open_items(book, day)):
        return True
    first = add_months(period.end.replace(day=1), -2) if is_of_turnover else period.start
    due_to = min(period_of(period.kind, period.start).end, as_of_date)
    for movement in book.movements:
        is_counted = (
            movement.item.item_type == "document" and movement.movement_type in COUNTED_TYPES
        )
        if is_counted and movement.amount is None and movement.effective_date <= as_of_date:
            day = movement.effective_date
            if period.holds(day) or first <= day <= period.end:
                return True
            facts = book.items[movement.item]
            is_due = standing_apart(facts) is None and period.start <= facts.due_date <= due_to
            if is_due and not is_of_turnover:
                return True
    return False


def summed(parts: Sequence[Line]) -> Line:
    """The same measure of several companies, added up and divided again."""
    numerators = [part.rate.numerator for part in parts if part.rate.numerator is not None]
    denominators = [part.rate.denominator for part in parts if part.rate.denominator is not None]
    missing = any(part.is_rate_missing for part in parts)
    told = tuple(_sum_of(part.parts[place] for part in parts) for place in (0, 1))
    if not numerators or not denominators:
        return Line(Ratio(None, None, None, "not_applicable"), missing, told)
    return Line(ratio(sum(numerators, ZERO), sum(denominators, ZERO)), missing, told)


def _sum_of(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what there is, if there is anything."""
    there = [amount for amount in amounts if amount is not None]
    return sum(there, ZERO) if there else None


def days_of(turnover: Ratio, period: Period) -> Ratio:
    """The turnover days of a turnover; without one there are none.

    Source: measures, section 3 (turnover days).
    """
    if turnover.numerator is None or turnover.denominator is None or turnover.denominator <= 0:
        return Ratio(None, None, None, turnover.status)
    return ratio(turnover.denominator * period.days, turnover.numerator)


@dataclass(frozen=True)
class People:
    """What people did, as far as the scorecard counts it: of some customers, or of a team."""

    promises: Sequence[Promise]
    contacts: Sequence[tuple[date, Row]]
    surveys: Sequence[tuple[date, Row]]
    trainings: Sequence[Row]

    def measures(self, period: Period, seeds: Seeds) -> Iterator[tuple[str, Ratio]]:
        """The four measures of people in a period, promises by the month promised for.

        A month that has not begun has no measures, and no longer period counts it.

        Source: measures, section 5.
        """
        (rules,) = seeds.rows("measure_rules")
        whole = period_of(period.kind, period.start)
        judged = [
            promise
            for promise in self.promises
            if promise.status in JUDGED
            and whole.holds(promise.promised_date)
            and month_start(promise.promised_date) <= period.end
        ]
        kept = sum(promise.status == "kept" for promise in judged)
        yield "promise_kept_rate", ratio(kept, len(judged))
        contacts = [row for day, row in self.contacts if period.holds(day)]
        yield (
            "complaint_rate",
            complaint_rate(
                sum(row["outcome"] == "complaint" for row in contacts),
                len({row["customer_id"] for row in contacts}),
                rules["complaint_rate_customers"],
            ),
        )
        scores = [row["score"] for day, row in self.surveys if period.holds(day)]
        mean = ratio(sum(scores, ZERO), len(scores))
        if len(scores) < int(rules["minimum_survey_count"]):
            mean = Ratio(None, mean.numerator, mean.denominator, "insufficient_sample")
        yield "satisfaction_score", mean
        assessed = [
            row
            for row in self.trainings
            if period.holds(row["assessed_date"]) and is_in_time(row, seeds)
        ]
        yield "training_pass_rate", ratio(sum(row["is_passed"] for row in assessed), len(assessed))


def target_of(place: Place, period: Period, targets: Iterable[Row], default: str) -> Decimal | None:
    """Of a measure's targets the one that holds: of the team, else the company, else all.

    Of those the one of the shortest period that holds the whole of this one.

    Source: measures, section 7 (targets can be set per team and period).
    """
    whole = period_of(period.kind, period.start)
    found = []
    for row in targets:
        months = MONTHS_OF[row["period_type"]]
        last = month_end(add_months(row["period_start"], months - 1))
        if not (row["period_start"] <= whole.start and whole.end <= last):
            continue
        of = (row["scope_type"], row["scope_id"])
        nearness = [
            (place.scope_type, place.scope_id),
            ("company", place.company_code),
            ("company", ALL),
        ]
        if of in nearness:
            found.append((nearness.index(of), months, Decimal(row["target_value"])))
    if found:
        return min(found)[2]
    return Decimal(default) if default else None


def is_met(value: Decimal, target: Decimal, comparison: str) -> bool:
    """Whether a value meets a target: at least, at most, or strictly below it.

    Examples:
        >>> [is_met(Decimal(1), Decimal(1), how) for how in ("at_least", "at_most", "below")]
        [True, True, False]
    """
    return {
        "at_least": value >= target,
        "at_most": value <= target,
        "below": value < target,
    }[comparison]


def judge(
    measured: Mapping[tuple[Place, Period], Mapping[str, Line]],
    targets: Sequence[Row],
    present: frozenset[str],
    seeds: Seeds,
) -> dict[tuple[Place, Period, str], Judged]:
    """Every measure of the scorecard, and those that a target names, beside target and past.

    Source: measures, section 7.
    """
    scorecard = {row["measure"]: row for row in seeds.rows("scorecard_targets")}
    comparisons = {
        row["measure"]: row["target_comparison"]
        for name in ("measure_comparisons", "scorecard_targets")
        for row in seeds.rows(name)
    }
    by_measure: dict[str, list[Row]] = {}
    for row in targets:
        if row["scope_type"] in ("company", "team"):
            by_measure.setdefault(row["measure"], []).append(row)
    named = by_measure.keys()
    judged: dict[tuple[Place, Period, str], Judged] = {}
    values: dict[tuple[Place, str, date, str], Decimal | None] = {}
    for (place, period), lines in sorted(measured.items()):
        for measure in (scorecard.keys() | named) & comparisons.keys() & lines.keys():
            line = lines[measure]
            if measure in EXTRACT_OF and EXTRACT_OF[measure] not in present:
                line = Line(Ratio(None, None, None, "not_applicable"), line.is_rate_missing)
            default = scorecard.get(measure, {}).get("target_value", "")
            target = target_of(place, period, by_measure.get(measure, ()), default)
            before = add_months(period.start, -MONTHS_OF[period.kind])
            value = line.rate.value
            status = line.rate.status
            if value is not None and line.is_rate_missing:
                status = "not_applicable"
            elif value is not None and target is not None:
                status = "met" if is_met(value, target, comparisons[measure]) else "missed"
            values[place, period.kind, period.start, measure] = value
            judged[place, period, measure] = Judged(
                line, target, status, values.get((place, period.kind, before, measure))
            )
    return judged
