"""Rounding, ratios and calendar steps, as the measures' book fixes them. Nothing of a subject."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache

CENT = Decimal("0.01")
RATIO_DIGITS = Decimal("0.00000001")
LARGEST_RATIO = 9_999_999_999


def round_money(value: Decimal) -> Decimal:
    """Round to the cent, a half away from zero.

    Examples:
        >>> round_money(Decimal("0.125")), round_money(Decimal("-0.125"))
        (Decimal('0.13'), Decimal('-0.13'))
    """
    with localcontext() as context:
        context.prec = 60
        return value.quantize(CENT, rounding=ROUND_HALF_UP) + 0  # no minus before a zero


def round_ratio(value: Decimal) -> Decimal:
    """Round to the eight decimals in which ratios are stored, a half away from zero."""
    with localcontext() as context:
        context.prec = 60
        return value.quantize(RATIO_DIGITS, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Ratio:
    """A ratio with its parts and, where it cannot be had, the reason.

    Source: measures, section 1 (a ratio that cannot be had is NULL; every ratio keeps its parts).
    """

    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    status: str


def ratio(numerator: Decimal | int, denominator: Decimal | int) -> Ratio:
    """Divide two exact sums. A quotient of more than ten digits before the point is no answer.

    Examples:
        >>> ratio(Decimal("1.00"), Decimal("3.00")).value
        Decimal('0.33333333')
        >>> ratio(1, 0).status
        'zero_denominator'
        >>> ratio(10**12, 1).status
        'not_applicable'
    """
    above, below = Decimal(numerator), Decimal(denominator)
    if below == 0:
        return Ratio(None, above, below, "zero_denominator")
    if below < 0:
        return Ratio(None, above, below, "negative_denominator")
    with localcontext() as context:
        context.prec = 60
        if abs(above) >= below * LARGEST_RATIO:
            return Ratio(None, above, below, "not_applicable")
        return Ratio(round_ratio(above / below), above, below, "ok")


def add_months(day: date, months: int) -> date:
    """Step whole months, clamped to the month's end.

    Source: measures, section 1.

    Examples:
        >>> add_months(date(2023, 1, 31), 1), add_months(date(2024, 1, 31), 1)
        (datetime.date(2023, 2, 28), datetime.date(2024, 2, 29))
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def month_start(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def month_end(day: date) -> date:
    """The last day of the day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


@dataclass(frozen=True, order=True)
class Period:
    """A calendar period, both ends included."""

    kind: str
    start: date
    end: date

    @property
    def days(self) -> int:
        """Its number of days."""
        return (self.end - self.start).days + 1

    @property
    def day_before(self) -> date:
        """The day on which its opening balance stands."""
        return self.start - timedelta(days=1)

    def holds(self, day: date) -> bool:
        """Whether a day falls in it."""
        return self.start <= day <= self.end


MONTHS_OF = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


def period_of(kind: str, day: date) -> Period:
    """The period of a kind in which a day falls.

    Examples:
        >>> period_of("half_year", date(2026, 8, 9)).start
        datetime.date(2026, 7, 1)
    """
    months = MONTHS_OF[kind]
    first = (day.month - 1) // months * months + 1
    start = date(day.year, first, 1)
    return Period(kind, start, month_end(add_months(start, months - 1)))


def periods_until(first_day: date, as_of_date: date) -> list[Period]:
    """Every period of every kind from the month of a first day to the as-of date.

    The running period ends, for all purposes, on the as-of date.
    """
    periods = set()
    for kind in MONTHS_OF:
        start = period_of(kind, first_day).start
        while start <= as_of_date:
            whole = period_of(kind, start)
            periods.add(Period(kind, start, min(whole.end, as_of_date)))
            start = add_months(start, MONTHS_OF[kind])
    return sorted(periods)


def month_count(period: Period) -> int:
    """The number of months that have begun in a period."""
    return (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1


@cache
def ends_within(period: Period, *, step_months: int) -> Sequence[date]:
    """The opening day, the ends of the steps (months, quarters) in the period, the closing day.

    Examples:
        >>> [str(d) for d in ends_within(period_of("quarter", date(2026, 2, 1)), step_months=1)]
        ['2025-12-31', '2026-01-31', '2026-02-28', '2026-03-31']
    """
    days = {period.day_before, period.end}
    end = month_end(period.start)
    while end < period.end:
        if end.month % step_months == 0:
            days.add(end)
        end = month_end(add_months(end.replace(day=1), 1))
    return tuple(sorted(days))
