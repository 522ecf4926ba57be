"""The sample company's size, calendar and deliveries.

Here live the parameters that a caller chooses and what follows from them alone: the first day of
business, the delivery dates, the number of customers and collectors. What those people then do
lives in the modules beside this one. No wall clock is read: the same settings give the same bytes.
"""

from __future__ import annotations

import calendar
import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]

_EPOCH = date(1970, 1, 1)

#: Day number that is after everything: 9999-12-31.
NEVER = (date(9999, 12, 31) - _EPOCH).days


def day_number(day: date) -> int:
    """Count the days from 1970-01-01 to a date, the form in which dates are computed here."""
    return (day - _EPOCH).days


def date_of(number: int) -> date:
    """Turn a day number back into a date."""
    return _EPOCH + timedelta(days=int(number))


def month_end(day: date) -> date:
    """Return the last day of a date's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def add_months(day: date, months: int) -> date:
    """Move a date by whole months, clamped to the month's end."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Settings:
    """What a caller chooses about the sample company.

    Attributes:
        documents: Invoices, debit memos and migrated opening balances to bill; credit memos,
            write-offs, recoveries and adjustments come on top (about 5 in 100).
        seed: Start of every random draw.
        months: Months of business, the last one included.
        end_date: Last day of business and date of the last delivery.
        weekly_deliveries: Weekly deliveries before the daily ones.
        daily_deliveries: Days at the end that have a delivery each.
        opening_months: Months of history in the opening delivery.
        block_documents: About how many documents are held in memory at once.
    """

    documents: int = 12_000
    seed: int = 20260101
    months: int = 20
    end_date: date = date(2026, 6, 30)
    weekly_deliveries: int = 14
    daily_deliveries: int = 14
    opening_months: int = 3
    block_documents: int = 100_000

    def __post_init__(self) -> None:
        """Refuse sizes of which no company can be made."""
        if self.documents < 200:
            raise ValueError(f"documents: expected at least 200, found {self.documents}")
        if not 12 <= self.months <= 120:
            raise ValueError(f"months: expected 12 to 120, found {self.months}")
        if self.opening_months < 1 or self.weekly_deliveries < 1 or self.daily_deliveries < 1:
            raise ValueError("opening_months, weekly_deliveries, daily_deliveries: at least 1 each")
        if self.opening_months + 6 > self.months:
            raise ValueError(
                f"opening_months: expected at most months - 6, found {self.opening_months}"
            )
        if self.end_date != month_end(self.end_date):
            raise ValueError(f"end_date: expected the last day of a month, found {self.end_date}")

    @cached_property
    def start_date(self) -> date:
        """First day of business after the cut-over from the old system."""
        return add_months(self.end_date.replace(day=1), 1 - self.months)

    @cached_property
    def delivery_dates(self) -> tuple[date, ...]:
        """Delivery dates: opening with history, then month ends, then weeks, then days."""
        first_daily = self.end_date - timedelta(days=self.daily_deliveries - 1)
        # Weekly files come on Fridays.
        last_weekly = first_daily - timedelta(days=(first_daily.weekday() - 4) % 7 or 7)
        weekly = [last_weekly - timedelta(weeks=n) for n in range(self.weekly_deliveries)][::-1]
        opening = month_end(add_months(self.start_date, self.opening_months - 1))
        monthly = []
        day = month_end(add_months(opening, 1))
        while day < weekly[0]:
            monthly.append(day)
            day = month_end(add_months(day, 1))
        weekly = [day for day in weekly if day > opening]
        daily = [first_daily + timedelta(days=n) for n in range(self.daily_deliveries)]
        return (opening, *monthly, *weekly, *daily)

    @cached_property
    def deliveries(self) -> Days:
        """Delivery dates as day numbers."""
        return np.array([day_number(day) for day in self.delivery_dates], dtype=np.int64)

    @cached_property
    def month_starts(self) -> tuple[date, ...]:
        """First day of each month of business."""
        return tuple(add_months(self.start_date, n) for n in range(self.months))

    @cached_property
    def customer_count(self) -> int:
        """Customers grow slower than documents: big companies bill each of theirs more."""
        return max(40, round(300 * math.pow(self.documents / 12_000, 0.75)))

    @cached_property
    def collector_count(self) -> int:
        """People in the collection teams, managers, assistants and lawyers included."""
        return max(12, min(400, round(18 * math.sqrt(self.documents / 12_000))))

    @cached_property
    def team_count(self) -> int:
        """Teams of the collectors, the legal desk aside; the last one works overseas."""
        return max(3, self.collector_count // 8)

    def summary_delivery_of(self, days: Days) -> Days:
        """Return the same for systems that report on Fridays and at month ends only."""
        dates = self.delivery_dates
        number = np.array(
            [n for n, day in enumerate(dates) if day.weekday() == 4 or day == month_end(day)]
            + [len(dates)]
        )
        place = np.searchsorted(self.deliveries[number[:-1]], days, side="left")
        return number[place].astype(np.int64)

    def delivery_of(self, days: Days) -> Days:
        """Return for each day the number of the delivery that first can hold it.

        Days after the last delivery get the number of deliveries, which means: never delivered.
        """
        return np.searchsorted(self.deliveries, days, side="left").astype(np.int64)
