"""Where the worked company's buckets went, how its aging shifted and what was collected of it."""

from pathlib import Path

import pytest

from tests.warehouse import fetch
from tests.worked_company.company import expected

pytestmark = pytest.mark.warehouse

KEYS = {
    "aging_roll_rates_by_month": ("month_start", "aging_bucket"),
    "aging_shift_by_bucket": ("month_start", "aging_bucket"),
    "aging_shift_by_month": ("month_start", "bucket_set"),
    "vintage_by_month": ("billing_month_start", "months_since_billing"),
    "loss_rates_by_bucket": ("month_start", "aging_bucket"),
}


def test_every_bucket_goes_where_the_page_says(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select month_start, aging_bucket, next_state, migrated_amount, migration_rate
        from marts.aging_migration_by_month
        where scope_type = 'company' and bucket_set = 'days' and is_complete
        """,
    )
    assert sorted(tuple(str(value) for value in row) for row in rows) == sorted(
        tuple(row.values()) for row in expected("aging_migration_by_month")
    )


@pytest.mark.parametrize(
    "row", expected("aging_measures"), ids=lambda row: f"{row['key']} {row['measure']}"
)
def test_measures_of_the_aging_are_those_of_the_page(warehouse: Path, row: dict[str, str]) -> None:
    month, key = KEYS[row["mart"]]
    scope = "segment = 'all'" if row["mart"] == "loss_rates_by_bucket" else "scope_type = 'company'"
    bucket_set = "" if row["mart"] == "vintage_by_month" else "and bucket_set = 'days'"
    ((value, status),) = fetch(
        warehouse,
        f"""
        select {row["measure"]}, {row["measure"]}_status from marts.{row["mart"]}
        where {scope} {bucket_set} and {month} = ? and cast({key} as varchar) = ?
        """,  # noqa: S608
        [row["month"], row["key"]],
    )
    assert ("" if value is None else f"{value:f}", status) == (row["value"], row["status"])


def test_the_signal_is_the_page_s(warehouse: Path) -> None:
    signals = fetch(
        warehouse,
        """
        select month_start, shift_signal_code from marts.aging_shift_by_month
        where scope_type = 'company' and bucket_set = 'days' and is_complete
        order by month_start
        """,
    )
    assert [signal for _, signal in signals] == [None, None, "lengthened"]


def test_what_a_bucket_changed_by_is_the_page_s(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select aging_bucket, changed_amount, changed_bucket_rate from marts.aging_shift_by_bucket
        where
            scope_type = 'company' and bucket_set = 'days' and month_start = date '2026-03-01'
            and open_amount <> 0
        order by aging_bucket_order
        """,
    )
    assert [(bucket, str(amount), str(share)) for bucket, amount, share in rows] == [
        ("current", "-8080.00", "-0.58105775"),
        ("1-30", "-1215.00", "0.23075225"),
        ("31-60", "860.00", "0.35030550"),
    ]


@pytest.mark.parametrize(
    ("presentation", "changed"),
    [
        ("credits_aged", {"current": "360.00", "unapplied_credit": "0.00"}),
        ("credits_applied", {"31-60": "710.00", "unapplied_credit": "0.00"}),
    ],
)
def test_credits_can_be_presented_otherwise(
    warehouse: Path, presentation: str, changed: dict[str, str]
) -> None:
    rows = fetch(
        warehouse,
        f"""
        select aging_bucket, sum(open_amount), sum(open_amount_{presentation})
        from marts.aging_by_bucket
        where as_of_date = '2026-03-31' and bucket_set = 'days' and age_basis = 'due_date'
        group by aging_bucket
        """,  # noqa: S608
    )
    assert {bucket: str(shown) for bucket, own, shown in rows if own != shown} == changed
    assert [str(sum(column)) for column in list(zip(*rows, strict=True))[1:]] == ["2305.00"] * 2


def test_dollars_are_revalued_at_the_closing_rate(warehouse: Path) -> None:
    revalued = fetch(
        warehouse,
        """
        select open_amount, revalued_open_amount, revalued_rate_status from marts.aging_by_bucket
        where
            as_of_date = '2026-03-31' and currency_code = 'USD' and bucket_set = 'days'
            and age_basis = 'due_date' and document_count > 0
        """,
    )
    assert [tuple(str(value) for value in row) for row in revalued] == [("705.00", "710.00", "ok")]
