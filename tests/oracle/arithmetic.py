"""Rounding, ratios and calendar steps, as the measures' book fixes them. Nothing of a subject."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

CENT = Decimal("0.01")
RATIO_DIGITS = Decimal("0.00000001")
FAR_FUTURE = date(9999, 12, 31)


def round_money(value: Decimal) -> Decimal:
    """Round to the cent, a half away from zero.

    Examples:
        >>> round_money(Decimal("0.125")), round_money(Decimal("-0.125"))
        (Decimal('0.13'), Decimal('-0.13'))
    """
    with localcontext() as context:
        context.prec = 60
        return value.quantize(CENT, rounding=ROUND_HALF_UP)


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
    """Divide two exact sums.

    Examples:
        >>> ratio(Decimal("1.00"), Decimal("3.00")).value
        Decimal('0.33333333')
        >>> ratio(1, 0).status
        'zero_denominator'
    """
    above, below = Decimal(numerator), Decimal(denominator)
    if below == 0:
        return Ratio(None, above, below, "zero_denominator")
    if below < 0:
        return Ratio(None, above, below, "negative_denominator")
    with localcontext() as context:
        context.prec = 60
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


def months_of(period: Period) -> list[Period]:
    """The months of a period, oldest first."""
    months = []
    start = period.start
    while start <= period.end:
        months.append(Period("month", start, month_end(start)))
        start = add_months(start, 1)
    return months
