"""Turnover and collection days: how fast sales become cash. Nothing of who collected it.

Amounts are in reporting currency. Items and movements that could not be converted are left out of
sums; the marts count them beside the measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from tests.oracle.aging import standing_apart
from tests.oracle.arithmetic import (
    Period,
    Ratio,
    add_months,
    ends_within,
    month_count,
    month_end,
    ratio,
    round_ratio,
)
from tests.oracle.balances import OpenItem, open_items
from tests.oracle.cash import Cash
from tests.oracle.journal import ZERO, Journal

Parts = tuple[Decimal | None, ...]
"""A numerator and a denominator."""

SALES_TYPES = ("invoice", "debit_memo", "credit_memo")


def amount_of(items: Iterable[OpenItem]) -> Decimal:
    """The sum of open amounts in reporting currency."""
    return sum((item.open_amount for item in items if item.open_amount is not None), ZERO)


def receivable(book: Journal, day: date) -> Decimal:
    """AR: all that is open, credits and unapplied cash taken off.

    Source: measures, section 1 (credits stay in the totals).
    """
    return amount_of(open_items(book, day))


def owed(book: Journal, day: date) -> list[OpenItem]:
    """The open items that somebody owes: all but unapplied cash and credits, which stand apart."""
    return [item for item in open_items(book, day) if standing_apart(item.facts) is None]


def current(book: Journal, day: date) -> Decimal:
    """What is owed and not past due on the day; due today is not past due."""
    return amount_of(item for item in owed(book, day) if item.facts.due_date >= day)


def sales(book: Journal, period: Period) -> Decimal:
    """S: invoices and debit memos less credit memos of the period."""
    return sum(
        (
            movement.amount
            for movement in book.movements
            if movement.movement_type in SALES_TYPES
            and period.holds(movement.effective_date)
            and movement.amount is not None
        ),
        ZERO,
    )


def cash_amount(pieces: Iterable[Cash]) -> Decimal:
    """Cash applied less cash taken back."""
    return sum((piece.amount for piece in pieces if piece.amount is not None), ZERO)


def cash_days(pieces: Iterable[Cash], *, from_due_date: bool) -> Decimal:
    """Days from the document (or its due date) to the payment, weighted by the cash."""
    return sum(
        (
            piece.amount
            * (
                piece.payment_date
                - (piece.facts.due_date if from_due_date else piece.facts.document_date)
            ).days
            for piece in pieces
            if piece.amount is not None
        ),
        ZERO,
    )


def amounts(book: Journal, cash: Sequence[Cash], period: Period) -> dict[str, Decimal]:
    """The amounts that the measures are made of."""
    return {
        "opening_receivables_amount": receivable(book, period.day_before),
        "closing_receivables_amount": receivable(book, period.end),
        "closing_current_amount": current(book, period.end),
        "credit_sales_amount": sales(book, period),
        "cash_applied_amount": cash_amount(p for p in cash if period.holds(p.effective_date)),
    }


def turnover(
    book: Journal, cash: Sequence[Cash], period: Period, history_start: date
) -> dict[str, Ratio]:
    """All measures of a period, by name.

    Args:
        book: The journal of the scope.
        cash: Its cash on documents.
        period: The period; a running one ends on the as-of date.
        history_start: The month in which the company's books begin.

    Source: measures, section 3.
    """
    opening = receivable(book, period.day_before)
    closing = receivable(book, period.end)
    not_past_due = current(book, period.end)
    sold = sales(book, period)
    months = month_count(period)
    applied = [piece for piece in cash if period.holds(piece.effective_date)]
    collected = cash_amount(applied)
    unpaid = amount_of(owed(book, period.end))
    month_ends = ends_within(period, step_months=1)
    quarter_ends = ends_within(period, step_months=3)
    last_months = three_months(period)
    measures = {
        "receivables_turnover": ratio(sold * 2, opening + closing),
        "receivables_turnover_13_point": ratio(
            sold * len(month_ends), sum((receivable(book, day) for day in month_ends), ZERO)
        ),
        "receivables_turnover_5_point": (
            Ratio(None, sold, None, "not_applicable")
            if period.kind == "month"
            else ratio(
                sold * len(quarter_ends),
                sum((receivable(book, day) for day in quarter_ends), ZERO),
            )
        ),
        "turnover_days": ratio((opening + closing) * period.days, sold * 2),
        "days_sales_outstanding": ratio(closing * period.days, sold),
        "days_sales_outstanding_rolling_3m": (
            from_history(
                ratio(closing * last_months.days, sales(book, last_months)), period, history_start
            )
        ),
        "best_possible_days_sales_outstanding": ratio(not_past_due * period.days, sold),
        "average_days_delinquent": ratio((closing - not_past_due) * period.days, sold),
        "average_collection_days": ratio(cash_days(applied, from_due_date=False), collected),
        "average_collection_days_from_due_date": ratio(
            cash_days(applied, from_due_date=True), collected
        ),
        "unpaid_rate": ratio(unpaid, unpaid + collected),
        "collection_effectiveness_index": ratio(
            100 * ((opening - closing) * months + sold), (opening - not_past_due) * months + sold
        ),
        "collection_effectiveness_index_period_total": ratio(
            100 * (opening + sold - closing), opening + sold - not_past_due
        ),
    }
    if opening + closing <= 0:
        # n / turnover: without a turnover there are no turnover days.
        measures["turnover_days"] = Ratio(
            None, None, sold * 2, measures["receivables_turnover"].status
        )
    return measures


def three_months(period: Period) -> Period:
    """The three calendar months that end with a period."""
    return Period("month", add_months(period.end.replace(day=1), -2), period.end)


def from_history(rate: Ratio, period: Period, history_start: date) -> Ratio:
    """A rate over the three months, of books that begin with the first of them or before.

    Its parts stand all the same: another company's books may begin before.
    """
    if three_months(period).start >= history_start:
        return rate
    return Ratio(None, rate.numerator, rate.denominator, "insufficient_history")


def told_parts(measure: str, rate: Ratio, period: Period) -> Parts:
    """The parts as they are told beside a measure: sales and averages, not exact multiples of both.

    An average is told in the eight decimals of a ratio.
    """
    count = {
        "receivables_turnover": 2,
        "receivables_turnover_13_point": len(ends_within(period, step_months=1)),
        "receivables_turnover_5_point": len(ends_within(period, step_months=3)),
        "turnover_days": 2,
        "bad_debt_rate_of_average_receivables": 2,
        "collection_effectiveness_index": month_count(period),
    }.get(measure, 1)
    if measure == "receivables_turnover_5_point" and rate.denominator is None:
        count = 1
    return tuple(
        None if part is None else round_ratio(part / count)
        for part in (rate.numerator, rate.denominator)
    )


def counted_back(book: Journal, period: Period, periods: Sequence[Period]) -> dict[str, Ratio]:
    """Receivables taken off the sales of periods of the same kind, from the newest back.

    A period without sales counts its days (headline), is skipped, or stops the count. Where the
    count ends before the receivables are used up, the value is absent; `lower_bounds` tells the
    days counted until then.

    Source: measures, section 3 (days_sales_outstanding_countback).
    """
    return {
        f"days_sales_outstanding_countback{suffix}": _count_back(book, period, periods, policy)[0]
        for suffix, policy in (("", "count"), ("_skip", "skip"), ("_stop", "stop"))
    }


def lower_bounds(book: Journal, period: Period, periods: Sequence[Period]) -> dict[str, int | None]:
    """The days counted back where the receivables were not used up."""
    return {
        f"days_sales_outstanding_countback{suffix}_lower_bound": _count_back(
            book, period, periods, policy
        )[1]
        for suffix, policy in (("", "count"), ("_skip", "skip"), ("_stop", "stop"))
    }


def _count_back(
    book: Journal, period: Period, periods: Sequence[Period], policy: str
) -> tuple[Ratio, int | None]:
    left = receivable(book, period.end)
    if left < 0:
        return Ratio(None, None, None, "not_applicable"), None
    if left == 0:
        return ratio(0, 1), None
    days = 0
    before = [one for one in periods if one.kind == period.kind and one.start <= period.start]
    for one in sorted(before, key=lambda one: one.start, reverse=True):
        sold = sales(book, one)
        if sold <= 0:
            if policy == "stop":
                break
            days += one.days if policy == "count" else 0
        elif left <= sold:
            return ratio(days * sold + one.days * left, sold), None
        else:
            left -= sold
            days += one.days
    return Ratio(None, None, None, "insufficient_history"), days


def weighted_by_sales(book: Journal, period: Period, history_start: date) -> dict[str, Ratio]:
    """Age x open amount of what is owed, over the sales of the month of its document.

    Each month's share is rounded as a ratio is. A month that cannot be divided by leaves no value.

    Source: measures, section 3 (true_days_sales_outstanding).
    """
    aged: dict[date, Decimal] = {}
    for item in owed(book, period.end):
        if item.open_amount is not None:
            document_date = item.facts.document_date
            month = document_date.replace(day=1)
            age = (period.end - document_date).days
            aged[month] = aged.get(month, ZERO) + age * item.open_amount
    total, missing = ZERO, []
    for month, amount in aged.items():
        share = ratio(
            amount, sales(book, Period("month", month, min(month_end(month), period.end)))
        )
        if month < history_start:
            missing.append("insufficient_history")
        elif share.value is None:
            missing.append(share.status)
        else:
            total += share.value
    name = "true_days_sales_outstanding"
    return {name: Ratio(None, None, None, min(missing)) if missing else ratio(total, 1)}
