"""Every age in exactly one bucket of every set: each boundary day, month ends and leap day too."""

import calendar
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.builds import build_warehouse
from tests.warehouse import fetch

pytestmark = pytest.mark.warehouse

DOCUMENT_DATE = date(2022, 1, 1)
FIRST_DUE = date(2022, 6, 1)
LAST_DUE = date(2024, 6, 30)
AS_OF = date(2024, 6, 30)
DAYS_ASKED = (
    date(2023, 2, 28),
    date(2023, 12, 31),
    date(2024, 1, 31),
    date(2024, 2, 28),
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2024, 3, 31),
    date(2024, 4, 30),
)


def bucket_of_days(due: date, as_of: date) -> str:
    age = (as_of - due).days
    for bound, bucket in (
        (0, "current"),
        (30, "1-30"),
        (60, "31-60"),
        (90, "61-90"),
        (180, "91-180"),
        (365, "181-365"),
    ):
        if age <= bound:
            return bucket
    return "over 365"


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def bucket_of_months(due: date, as_of: date) -> str:
    for bound, bucket in (
        (1, "within 1 month"),
        (3, "1-3 months"),
        (6, "3-6 months"),
        (12, "6-12 months"),
    ):
        if as_of <= months_later(due, bound):
            return bucket
    return "over 12 months"


BUCKET_OF = {"days": bucket_of_days, "months": bucket_of_months}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    due_dates = [
        FIRST_DUE + timedelta(days=number) for number in range((LAST_DUE - FIRST_DUE).days + 1)
    ]
    return build_warehouse(
        tmp_path_factory.mktemp("buckets"),
        {
            "ledger": [
                {
                    "document_id": due_date.isoformat(),
                    "customer_id": "C1",
                    "document_type": "invoice",
                    "document_date": DOCUMENT_DATE,
                    "due_date": due_date,
                    "currency_code": "CNY",
                    "amount": "1.00",
                }
                for due_date in due_dates
            ]
        },
        as_of_date=AS_OF,
    )


@pytest.mark.parametrize("as_of", DAYS_ASKED, ids=str)
def test_every_due_date_is_in_the_one_bucket_that_its_age_calls_for(
    warehouse: Path, as_of: date
) -> None:
    rows = fetch(
        warehouse,
        """
        select bucket_set, due_date, aging_bucket, aging_bucket_by_document_date, days_past_due
        from marts.aging_as_of($1, '2100-01-01') order by bucket_set, due_date
        """,
        [as_of],
    )
    count = (LAST_DUE - FIRST_DUE).days + 1
    expected = [
        (
            bucket_set,
            due_date,
            bucket_of(due_date, as_of),
            bucket_of(DOCUMENT_DATE, as_of),
            (as_of - due_date).days,
        )
        for bucket_set, bucket_of in sorted(BUCKET_OF.items())
        for due_date in (FIRST_DUE + timedelta(days=number) for number in range(count))
    ]
    assert rows == expected


def test_kept_slices_are_the_last_35_days_and_every_month_end(warehouse: Path) -> None:
    rows = fetch(warehouse, "select distinct as_of_date from marts.aging_by_bucket order by 1")
    days = {AS_OF - timedelta(days=number) for number in range(35)}
    month_ends = {
        months_later(date(2022, 1, 1), number + 1) - timedelta(days=1) for number in range(30)
    }
    assert [day for (day,) in rows] == sorted(days | month_ends)


def test_the_mart_by_bucket_counts_what_the_macro_lists(warehouse: Path) -> None:
    for as_of in (date(2023, 2, 28), date(2024, 2, 29), AS_OF):
        kept = fetch(
            warehouse,
            """
            select bucket_set, aging_bucket, document_count from marts.aging_by_bucket
            where as_of_date = $1 and age_basis = 'due_date' order by all
            """,
            [as_of],
        )
        asked = fetch(
            warehouse,
            """
            select bucket_set, aging_bucket, count(*)
            from marts.aging_as_of($1, '2100-01-01') group by all order by all
            """,
            [as_of],
        )
        assert kept == asked
        assert sum(count for _, _, count in kept) == 2 * ((LAST_DUE - FIRST_DUE).days + 1)
