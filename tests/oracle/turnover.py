"""Turnover and collection days: how fast sales become cash. Nothing of who collected it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.arithmetic import MONTHS_OF, Period, Ratio, add_months, month_end, ratio
from tests.oracle.balances import OpenItem, open_items
from tests.oracle.cash import Cash
from tests.oracle.journal import ZERO, Journal

SALES_TYPES = ("invoice", "debit_memo", "credit_memo")


@dataclass(frozen=True)
class Turnover:
    """The measures of one company and period, in reporting currency."""

    opening_amount: Decimal
    closing_amount: Decimal
    closing_current_amount: Decimal
    sales_amount: Decimal
    receivables_turnover: Ratio
    receivables_turnover_13_point: Ratio
    receivables_turnover_5_point: Ratio
    turnover_days: Ratio
    days_sales_outstanding: Ratio
    days_sales_outstanding_rolling_3m: Ratio
    best_possible_days_sales_outstanding: Ratio
    average_days_delinquent: Decimal | None
    average_collection_days: Ratio
    average_collection_days_from_due: Ratio
    collection_effectiveness_index: Ratio
    collection_effectiveness_index_period_total: Ratio


def receivable(book: Journal, day: date) -> Decimal:
    """AR: all that is open, credits and unapplied cash taken off.

    Source: measures, section 1 (credits stay in the totals).
    """
    return _sum(open_items(book, day))


def current_receivable(book: Journal, day: date) -> Decimal:
    """The part of AR that is not past due on the day."""
    return _sum([item for item in open_items(book, day) if item.facts.due_date >= day])


def sales(book: Journal, period: Period) -> Decimal:
    """S: invoices and debit memos less credit memos of the period."""
    return sum(
        (
            movement.amount or ZERO
            for movement in book.movements
            if movement.movement_type in SALES_TYPES and period.holds(movement.effective_date)
        ),
        ZERO,
    )


def mean_receivable(book: Journal, period: Period, *, step_months: int) -> tuple[Decimal, int]:
    """The sum of AR at the period's opening and at every step's end, and the number of points."""
    points = [period.day_before]
    end = month_end(add_months(period.start, step_months - 1))
    while end <= period.end:
        points.append(end)
        end = month_end(add_months(end.replace(day=1), step_months))
    return sum((receivable(book, point) for point in points), ZERO), len(points)


def turnover(book: Journal, cash: Sequence[Cash], period: Period) -> Turnover:
    """All measures of a period that has ended.

    Source: measures, section 3.
    """
    opening = receivable(book, period.day_before)
    closing = receivable(book, period.end)
    current = current_receivable(book, period.end)
    sold = sales(book, period)
    months = MONTHS_OF[period.kind]
    three_months = Period("month", add_months(period.end.replace(day=1), -2), period.end)
    month_sum, month_points = mean_receivable(book, period, step_months=1)
    quarter_sum, quarter_points = mean_receivable(book, period, step_months=3)
    applied = [piece for piece in cash if period.holds(piece.effective_date)]
    applied_amount = sum((piece.amount or ZERO for piece in applied), ZERO)
    best_possible = ratio(current * period.days, sold)
    outstanding = ratio(closing * period.days, sold)
    return Turnover(
        opening_amount=opening,
        closing_amount=closing,
        closing_current_amount=current,
        sales_amount=sold,
        receivables_turnover=ratio(sold * 2, opening + closing),
        receivables_turnover_13_point=ratio(sold * month_points, month_sum),
        receivables_turnover_5_point=ratio(sold * quarter_points, quarter_sum),
        turnover_days=ratio((opening + closing) * period.days, sold * 2),
        days_sales_outstanding=outstanding,
        days_sales_outstanding_rolling_3m=ratio(
            closing * three_months.days, sales(book, three_months)
        ),
        best_possible_days_sales_outstanding=best_possible,
        average_days_delinquent=(
            None
            if outstanding.value is None or best_possible.value is None
            else outstanding.value - best_possible.value
        ),
        average_collection_days=ratio(
            sum(
                (
                    (piece.payment_date - piece.facts.document_date).days * (piece.amount or ZERO)
                    for piece in applied
                ),
                ZERO,
            ),
            applied_amount,
        ),
        average_collection_days_from_due=ratio(
            sum(
                (
                    (piece.payment_date - piece.facts.due_date).days * (piece.amount or ZERO)
                    for piece in applied
                ),
                ZERO,
            ),
            applied_amount,
        ),
        collection_effectiveness_index=ratio(
            100 * (months * opening + sold - months * closing),
            months * opening + sold - months * current,
        ),
        collection_effectiveness_index_period_total=ratio(
            100 * (opening + sold - closing), opening + sold - current
        ),
    )


def _sum(items: Sequence[OpenItem]) -> Decimal:
    return sum((item.open_amount or ZERO for item in items), ZERO)
