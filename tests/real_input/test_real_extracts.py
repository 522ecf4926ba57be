"""Real extracts, loaded as their systems wrote them, against truths computed outside this project.

One home receives both sources; the refresh is the command that users run.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import made_once

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
INVOICES = DATA / "ibm_ar" / "WA_Fn-UseC_-Accounts-Receivable.csv"
CONTACTS = DATA / "uk_debt_messy_sample" / "communications_raw_first60.csv"
PAYMENTS = DATA / "uk_debt_messy_sample" / "payments_raw_first60.csv"

pytestmark = [
    pytest.mark.warehouse,
    pytest.mark.skipif(not INVOICES.exists(), reason="the real extracts are not beside this clone"),
]

AS_OF_DATES = ("2012-12-31", "2013-06-30", "2013-12-31")
BUCKETS = ("current", "1-30", "31-60", "61-90", "91-180", "181-365", "over 365")


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return json.loads((DATA / "ibm_ar" / "truth.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def contact_truth() -> dict[str, Any]:
    return json.loads((DATA / "uk_debt_messy_sample" / "truth.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "real_input", _make_home)


def _make_home(folder: Path) -> Path:
    home = folder / "home"
    for source, delivery_date, file in (
        ("ibm_ar", "2014-01-31", INVOICES),
        ("uk_debt", "2026-10-31", CONTACTS),
        ("uk_debt", "2026-10-31", PAYMENTS),
    ):
        folder = home / "landing" / delivery_date / source
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / file.name)
    subprocess.run(
        [sys.executable, "-m", "orchestration.refresh"],
        cwd=ROOT,
        env={
            **os.environ,
            "COLLECTIONS_HOME": str(home),
            "COLLECTIONS_AS_OF": "2014-01-31",
            "COLLECTIONS_REPORTING_CURRENCY": "USD",
        },
        check=True,
    )
    return home


@pytest.fixture(scope="module")
def published(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(
        str(home / "published" / "current" / "collections.duckdb"), read_only=True
    ) as connection:
        yield connection


@pytest.mark.parametrize("as_of_date", AS_OF_DATES)
def test_aging_equals_the_published_truth_to_the_cent(
    published: duckdb.DuckDBPyConnection, truth: dict[str, Any], as_of_date: str
) -> None:
    expected = next(slice_ for slice_ in truth["aging"] if slice_["as_of"] == as_of_date)
    expected_rows = {
        bucket: (
            expected["invoices_by_bucket"]["365+" if bucket == "over 365" else bucket],
            Decimal(expected["amount_by_bucket"]["365+" if bucket == "over 365" else bucket]),
        )
        for bucket in BUCKETS
        if expected["invoices_by_bucket"]["365+" if bucket == "over 365" else bucket]
    }
    kept = published.execute(
        """
        select aging_bucket, sum(document_count), sum(open_amount)
        from marts.aging_by_bucket
        where as_of_date = cast(? as date) and bucket_set = 'days' and age_basis = 'due_date'
          and currency_code = 'USD' and document_count > 0
        group by all
        """,
        [as_of_date],
    ).fetchall()
    assert {bucket: (count, amount) for bucket, count, amount in kept} == expected_rows
    asked = published.execute(
        """
        select aging_bucket, count(*), sum(open_amount)
        from marts.aging_as_of(cast(? as date), timestamp '9000-01-01')
        where bucket_set = 'days' and currency_code = 'USD'
        group by all
        """,
        [as_of_date],
    ).fetchall()
    assert {bucket: (count, amount) for bucket, count, amount in asked} == expected_rows


@pytest.mark.parametrize("as_of_date", AS_OF_DATES)
def test_disputed_and_largest_open_items_equal_the_truth(
    published: duckdb.DuckDBPyConnection, truth: dict[str, Any], as_of_date: str
) -> None:
    disputed = next(s for s in truth["aging_disputed_only"] if s["as_of"] == as_of_date)
    found = published.execute(
        """
        select count(*), sum(open_amount)
        from marts.open_items_as_of(cast(? as date), timestamp '9000-01-01')
        where currency_code = 'USD' and has_open_dispute
        """,
        [as_of_date],
    ).fetchone()
    assert found == (disputed["open_invoices"], Decimal(disputed["total_open"]))
    expected = next(s for s in truth["aging"] if s["as_of"] == as_of_date)
    largest = published.execute(
        """
        select customer_id, sum(open_amount) as open_amount
        from marts.open_items_as_of(cast(? as date), timestamp '9000-01-01')
        where currency_code = 'USD'
        group by customer_id
        order by open_amount desc, customer_id
        limit 10
        """,
        [as_of_date],
    ).fetchall()
    assert [(customer, str(amount)) for customer, amount in largest] == [
        tuple(row) for row in expected["top_customers_by_open"]
    ]


@pytest.mark.parametrize(
    ("movement_type", "truth_key", "sign"),
    [("invoice", "monthly_billed", 1), ("payment", "monthly_collected", -1)],
)
def test_monthly_billing_and_collection_equal_the_truth(
    published: duckdb.DuckDBPyConnection,
    truth: dict[str, Any],
    movement_type: str,
    truth_key: str,
    sign: int,
) -> None:
    found = published.execute(
        """
        select strftime(effective_date, '%Y-%m') as month, count(*), ? * sum(amount)
        from marts.receivable_movements
        where currency_code = 'USD' and movement_type = ? and is_current
        group by month
        """,
        [sign, movement_type],
    ).fetchall()
    assert {month: (count, Decimal(amount)) for month, count, amount in found} == {
        month: (row["count"], Decimal(row["amount"])) for month, row in truth[truth_key].items()
    }


def test_days_to_settle_and_on_time_rate_equal_the_truth(
    published: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> None:
    found = published.execute(
        """
        select
            count(*) as invoice_count,
            sum(days_from_document_date) as days_to_settle,
            sum(days_from_document_date * amount) as weighted_days_to_settle,
            sum(greatest(days_from_due_date, 0)) as days_past_due,
            max(days_from_due_date) as most_days_past_due,
            count(*) filter (where days_from_due_date <= 0) as on_time_count,
            sum(amount) filter (where days_from_due_date <= 0) as on_time_amount,
            sum(amount) as paid_amount
        from marts.cash_applications
        where currency_code = 'USD'
        """
    ).fetchone()
    weighted = truth["avg_days_to_settle_amount_weighted"]
    assert found == (
        truth["rows"],
        int(truth["avg_days_to_settle"]["numerator"]),
        Decimal(weighted["numerator"]),
        int(truth["avg_days_late_all"]["numerator"]),
        truth["max_days_late"],
        int(truth["on_time_rate_by_count"]["numerator"]),
        Decimal(truth["on_time_rate_by_amount"]["numerator"]),
        Decimal(truth["total_collected"]),
    )


def test_collection_effectiveness_equals_the_truth(
    published: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> None:
    for month, expected in truth["cei"].items():
        found = published.execute(
            """
            select collection_effectiveness_index
            from marts.turnover_by_period
            where period_type = 'month' and strftime(period_start, '%Y-%m') = ?
              and company_code = 'ibm' and scope_type = 'company'
            """,
            [month],
        ).fetchone()
        assert found is not None
        assert round(found[0], 4) == Decimal(expected["cei_percent"])


def test_ids_keep_their_leading_zeros(
    published: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> None:
    found = published.execute(
        """
        select count(*), count(distinct document_id),
            count(*) filter (where document_id like '0%')
        from marts.receivables_by_document
        where currency_code = 'USD'
        """
    ).fetchone()
    with_leading_zero = truth["consistency_violations"]["invoiceNumber with leading zero"]
    assert found == (truth["rows"], truth["distinct_invoice_numbers"], with_leading_zero)


def test_ambiguous_contact_and_payment_dates_are_quarantined_not_guessed(
    published: duckdb.DuckDBPyConnection, contact_truth: dict[str, Any]
) -> None:
    def ambiguous(kinds: dict[str, int]) -> int:
        return sum(count for kind, count in kinds.items() if kind.startswith("AMBIGUOUS"))

    found = dict(
        published.execute(
            """
            select extract_name, count(*)
            from marts.quarantined_rows
            where source_name = 'uk_debt' and reason_code = 'AMBIGUOUS_DATE'
            group by extract_name
            """
        ).fetchall()
    )
    # A row that is no money (failed, pending) is filtered before its date is read.
    assert found["contact_log"] == ambiguous(contact_truth["comm_date_kinds"])
    assert 0 < found["payments"] <= ambiguous(contact_truth["payment_date_kinds"])


def test_only_cleared_payments_are_money(
    published: duckdb.DuckDBPyConnection, contact_truth: dict[str, Any]
) -> None:
    cleared = contact_truth["amount_by_status"]["Cleared"]
    status = contact_truth["amount_by_status"]
    found = published.execute(
        """
        select read_row_count, accepted_row_count + quarantined_row_count, filtered_row_count,
            accepted_amount + quarantined_amount, filtered_amount
        from marts.load_history
        where source_name = 'uk_debt' and extract_name = 'payments'
        """
    ).fetchall()
    assert found == [
        (
            contact_truth["rows"]["payments"],
            cleared["count"],
            status["Failed"]["count"] + status["Pending"]["count"],
            Decimal(cleared["amount"]),
            Decimal(status["Failed"]["amount"]) + Decimal(status["Pending"]["amount"]),
        )
    ]
