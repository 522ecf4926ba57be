"""The journal's rules, each on a company of its own, all in one warehouse.

Balances are asked through the table macros, for any day and any instant of knowledge, so that what
analysts ask is what is tested.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.records import LoadRecord
from tests.builds import build, build_warehouse
from tests.conftest import made_once
from tests.warehouse import end_of_day, fetch

pytestmark = pytest.mark.warehouse

FIRST = date(2024, 3, 1)
SECOND = date(2024, 4, 1)
AS_OF = date(2024, 4, 30)

Rows = list[dict[str, Any]]
Ask = Callable[..., Any]


def _day(month: int, day: int) -> date:
    return date(2024, month, day)


def invoice(company: str, amount: str, **rest: object) -> dict[str, Any]:
    return {
        "company_code": company,
        "document_id": "I1",
        "customer_id": "C1",
        "document_type": "invoice",
        "document_date": _day(1, 10),
        "due_date": _day(2, 10),
        "currency_code": "CNY",
        "amount": amount,
        "_delivery_date": FIRST,
        **rest,
    }


def payment(company: str, amount: str, **rest: object) -> dict[str, Any]:
    return {
        "company_code": company,
        "payment_id": "P1",
        "customer_id": "C1",
        "payment_date": _day(2, 5),
        "currency_code": "CNY",
        "amount": amount,
        "document_id": "I1",
        "_delivery_date": FIRST,
        **rest,
    }


LEDGER: Rows = [
    invoice("reversed", "100.00"),
    invoice("early", "100.00"),
    invoice("refinanced", "100.00", currency_code="USD", amount_reporting="700.00"),
    invoice("unrated", "100.00", currency_code="XAF"),
    invoice("foreign", "100.00", currency_code="USD"),
    *[
        invoice("installments", amount, installment_no=number, due_date=_day(1 + number, 10))
        for number, amount in ((1, "30.00"), (2, "30.00"), (3, "40.00"))
    ],
    *[
        invoice("named", amount, installment_no=number, due_date=_day(1 + number, 10))
        for number, amount in ((1, "50.00"), (2, "50.00"))
    ],
    # A full list of two documents; the next full list holds one of them.
    invoice("listed", "100.00", document_id="stays", _source="list", _delivery_kind="full"),
    invoice("listed", "40.00", document_id="goes", _source="list", _delivery_kind="full"),
    invoice(
        "listed",
        "100.00",
        document_id="stays",
        _source="list",
        _delivery_kind="full",
        _delivery_date=SECOND,
    ),
    # Of the second full list only one row came, and that went into quarantine.
    invoice("held", "100.00", document_id="broken", _source="sheet", _delivery_kind="full"),
    invoice("held", "40.00", document_id="gone", _source="sheet", _delivery_kind="full"),
    invoice("corrected", "100.00"),
    invoice("corrected", "80.00", _delivery_date=SECOND),
    invoice("disputed", "100.00"),
    invoice("disputed", "100.00", has_open_dispute=True, _delivery_date=SECOND),
    invoice("over_applied", "100.00"),
    invoice("late_invoice", "100.00", _delivery_date=SECOND),
    invoice("spread", "60.00", document_id="I1"),
    invoice("spread", "40.00", document_id="I2"),
    invoice("memo", "100.00", document_date=_day(2, 20), due_date=_day(3, 20)),
    invoice(
        "memo",
        "30.00",
        document_id="M1",
        document_type="credit_memo",
        document_date=_day(2, 1),
        due_date=None,
        applies_to_document_id="I1",
    ),
    invoice("recovered", "100.00"),
    invoice(
        "recovered",
        "100.00",
        document_id="W1",
        document_type="write_off",
        document_date=_day(3, 1),
        applies_to_document_id="I1",
    ),
    invoice(
        "recovered",
        "25.00",
        document_id="R1",
        document_type="recovery",
        document_date=_day(3, 20),
        applies_to_document_id="I1",
    ),
    invoice("giving", "100.00", document_id="I1", due_date=_day(3, 30)),
    invoice("giving", "50.00", document_id="I2", due_date=_day(4, 20)),
    invoice("giving", "120.00", document_id="M1", document_type="credit_memo", due_date=None),
    invoice("terms", "100.00", document_id="I1", due_date=None),
    invoice("terms", "100.00", document_id="I2", due_date=None, payment_terms_days=10),
    invoice("terms", "100.00", document_id="I3", due_date=None, customer_id="nobody"),
    invoice("discounted", "100.00"),
    invoice("future", "100.00", document_date=_day(6, 1), due_date=_day(5, 1)),
    invoice("withdrawn", "100.00"),
    invoice("withdrawn", "100.00", is_withdrawn=True, _delivery_date=SECOND),
    invoice("same_instant", "100.00", _source_file="a.csv"),
    invoice("same_instant", "90.00", _source_file="b.csv"),
]
PAYMENTS: Rows = [
    payment("reversed", "100.00"),
    payment(
        "reversed",
        "100.00",
        payment_id="B1",
        payment_date=_day(2, 20),
        document_id=None,
        reverses_payment_id="P1",
    ),
    payment("early", "100.00", payment_date=_day(1, 3)),
    payment("refinanced", "100.00", currency_code="USD"),
    payment("foreign", "100.00"),
    payment("installments", "45.00"),
    payment("installments", "60.00", payment_id="P2", payment_date=_day(3, 5)),
    payment("named", "20.00", installment_no=2),
    payment("named", "60.00", payment_id="P2", payment_date=_day(2, 6)),
    payment("over_applied", "130.00"),
    payment("late_invoice", "100.00"),
    payment("spread", "60.00", line_no=1, document_id="I1"),
    payment("spread", "40.00", line_no=2, document_id="I2"),
    payment(
        "spread",
        "70.00",
        payment_id="B1",
        payment_date=_day(3, 1),
        document_id=None,
        reverses_payment_id="P1",
    ),
    payment(
        "spread",
        "50.00",
        payment_id="B2",
        payment_date=_day(3, 2),
        document_id=None,
        reverses_payment_id="P1",
    ),
    payment("discounted", "97.00", discount_amount="3.00"),
    payment("unknown", "10.00", document_id="gone"),
    payment("giving", "60.00", document_id=None),
]

SECOND_SHEET = LoadRecord(
    load_id="second_sheet",
    load_sequence=1000,
    run_id="test",
    source="sheet",
    extract="ledger",
    delivery_date=SECOND,
    delivery_kind="full",
    file_name="sheet.csv",
    file_sha256="second_sheet",
    file_bytes=1,
    mapping_fingerprint="test",
    status="admitted",
    recorded_at=end_of_day(SECOND),
    received_at=end_of_day(SECOND),
    rows_read=1,
    rows_quarantined=1,
    amount_read=Decimal(0),
    amount_quarantined=Decimal(0),
)
QUARANTINED = {
    "load_id": SECOND_SHEET.load_id,
    "source": "sheet",
    "extract": "ledger",
    "delivery_date": SECOND,
    "source_file": "sheet.csv",
    "row_number": 1,
    "reason_code": "BAD_AMOUNT",
    "raw_text": "held,broken,1,…",
    "row_key": "held|broken|1",
    "recorded_at": end_of_day(SECOND),
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "journal", _make_warehouse)


def _make_warehouse(home: Path) -> Path:
    return build_warehouse(
        home,
        {
            "ledger": LEDGER,
            "payments": PAYMENTS,
            "customers": [
                {
                    "customer_id": "C1",
                    "customer_name": "One",
                    "payment_terms_days": 30,
                    "_delivery_date": FIRST,
                },
                {
                    "customer_id": "C1",
                    "customer_name": "One",
                    "payment_terms_days": 45,
                    "_delivery_date": SECOND,
                },
            ],
            "fx_rates": [
                {
                    "rate_date": _day(1, 1),
                    "from_currency": "USD",
                    "to_currency": "CNY",
                    "rate": "7.1",
                },
                {
                    "rate_date": _day(2, 1),
                    "from_currency": "USD",
                    "to_currency": "CNY",
                    "rate": "7.2",
                },
            ],
        },
        as_of_date=AS_OF,
        loads=[SECOND_SHEET],
        quarantined_rows=[QUARANTINED],
        is_tested=True,
    )


@pytest.fixture(scope="module")
def open_items(warehouse: Path) -> Ask:
    def ask(company: str, on: date, known_at: datetime | None = None) -> dict[str, Decimal]:
        """Open document amounts by item, `payment/…` for cash that is not applied."""
        rows = fetch(
            warehouse,
            """
            select
                case when item_type = 'payment' then 'payment/' else '' end
                || document_id
                || case when installment_no > 1 then '/' || installment_no else '' end,
                open_amount_document
            from marts.open_items_as_of($1, $2)
            where company_code = $3
            """,
            [on, known_at or datetime(2100, 1, 1), company],
        )
        return dict(rows)

    return ask


def test_a_reversal_counts_from_its_own_day(open_items: Ask) -> None:
    assert open_items("reversed", _day(2, 4)) == {"I1": Decimal("100.00")}
    assert open_items("reversed", _day(2, 5)) == {}
    assert open_items("reversed", _day(2, 19)) == {}
    assert open_items("reversed", _day(2, 20)) == {"I1": Decimal("100.00")}


def test_cash_before_its_invoice_waits_unapplied(open_items: Ask) -> None:
    assert open_items("early", _day(1, 2)) == {}
    assert open_items("early", _day(1, 3)) == {"payment/P1": Decimal("-100.00")}
    assert open_items("early", _day(1, 9)) == {"payment/P1": Decimal("-100.00")}
    assert open_items("early", _day(1, 10)) == {}


def test_a_settled_document_keeps_its_residue_of_conversion_apart(
    warehouse: Path, open_items: Ask
) -> None:
    assert open_items("refinanced", AS_OF) == {}
    rows = fetch(
        warehouse,
        """
        select original_amount, paid_amount, open_amount, fx_residue_amount, settled_date
        from marts.receivables_by_document where company_code = 'refinanced'
        """,
    )
    assert rows == [
        (Decimal("700.00"), Decimal("720.00"), Decimal("0.00"), Decimal("-20.00"), _day(2, 5))
    ]


def test_a_missing_rate_nulls_the_converted_amount_only(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            open_amount_document, open_amount, rate_status, revalued_open_amount,
            revalued_rate_status
        from marts.aging_by_bucket
        where company_code = 'unrated' and bucket_set = 'days' and age_basis = 'due_date'
            and as_of_date = $1
        """,
        [AS_OF],
    )
    assert rows == [(Decimal("100.00"), None, "missing", None, "missing")]


def test_credits_are_applied_cash_first_to_the_oldest_and_the_rest_stays(warehouse: Path) -> None:
    # Owed are 100 and, later due, 50. Cash of 60 and 40 of the credit memo settle the first, 50
    # of the memo the second, and 30 of its 120 are left.
    rows = fetch(
        warehouse,
        """
        select aging_bucket, open_amount, open_amount_credits_applied
        from marts.aging_by_bucket
        where
            company_code = 'giving' and bucket_set = 'days' and age_basis = 'due_date'
            and as_of_date = $1 and open_amount <> 0
        order by aging_bucket_order
        """,
        [AS_OF],
    )
    assert rows == [
        ("1-30", 50, 0),
        ("31-60", 100, 0),
        ("unapplied_cash", -60, 0),
        ("unapplied_credit", -120, -30),
    ]


def test_cash_in_another_currency_is_not_applied(warehouse: Path, open_items: Ask) -> None:
    assert open_items("foreign", AS_OF) == {
        "I1": Decimal("100.00"),
        "payment/P1": Decimal("-100.00"),
    }
    assert _exceptions(warehouse, "foreign") == {("P1", "currency_mismatch")}


def test_installments_are_paid_first_in_first_out(open_items: Ask) -> None:
    assert open_items("installments", _day(2, 5)) == {
        "I1/2": Decimal("15.00"),
        "I1/3": Decimal("40.00"),
    }
    # 105 paid of 100: the last installment goes negative, nothing is clipped.
    assert open_items("installments", _day(3, 5)) == {"I1/3": Decimal("-5.00")}


def test_what_names_an_installment_goes_there_and_the_rest_fills_what_it_leaves(
    open_items: Ask,
) -> None:
    assert open_items("named", _day(2, 5)) == {"I1": Decimal("50.00"), "I1/2": Decimal("30.00")}
    assert open_items("named", _day(2, 6)) == {"I1/2": Decimal("20.00")}


def test_a_document_left_out_of_a_full_delivery_is_withdrawn_from_then_on(
    open_items: Ask,
) -> None:
    before = end_of_day(SECOND) - timedelta(microseconds=1)
    assert open_items("listed", AS_OF, before) == {
        "stays": Decimal("100.00"),
        "goes": Decimal("40.00"),
    }
    assert open_items("listed", AS_OF, end_of_day(SECOND)) == {"stays": Decimal("100.00")}


def test_a_row_in_quarantine_is_not_left_out_of_a_full_delivery(open_items: Ask) -> None:
    both = {"broken": Decimal("100.00"), "gone": Decimal("40.00")}
    assert open_items("held", AS_OF, end_of_day(FIRST)) == both
    assert open_items("held", AS_OF) == {"broken": Decimal("100.00")}


def test_a_correction_changes_the_past_only_for_who_knows_of_it(open_items: Ask) -> None:
    day = _day(1, 31)
    assert open_items("corrected", day, end_of_day(FIRST)) == {"I1": Decimal("100.00")}
    assert open_items("corrected", day, end_of_day(SECOND)) == {"I1": Decimal("80.00")}
    assert open_items("corrected", day, datetime(2024, 1, 31)) == {}


def test_a_change_that_moves_no_money_writes_no_movement(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        "select count(*) from marts.receivable_movements where company_code = 'disputed'",
    )
    assert rows == [(1,)]
    disputes = fetch(
        warehouse,
        """
        select has_open_dispute from marts.receivable_items
        where company_code = 'disputed' order by _recorded_at
        """,
    )
    assert disputes == [(False,), (True,)]


def test_an_over_application_goes_negative_and_is_flagged(warehouse: Path, open_items: Ask) -> None:
    assert open_items("over_applied", AS_OF) == {"I1": Decimal("-30.00")}
    assert _exceptions(warehouse, "over_applied") == {("I1", "over_applied")}
    buckets = fetch(
        warehouse,
        """
        select aging_bucket, is_over_applied from marts.aging_by_document
        where company_code = 'over_applied' and as_of_date = $1 and bucket_set = 'days'
        """,
        [AS_OF],
    )
    assert buckets == [("61-90", True)]


def test_cash_stays_unapplied_until_its_document_is_known(open_items: Ask) -> None:
    assert open_items("late_invoice", AS_OF, end_of_day(FIRST)) == {
        "payment/P1": Decimal("-100.00")
    }
    assert open_items("late_invoice", AS_OF, end_of_day(SECOND)) == {}


def test_reversals_take_back_lines_from_the_last_and_never_more_than_was_paid(
    warehouse: Path, open_items: Ask
) -> None:
    # 70 of 40 + 60: the last line whole, 30 of the first.
    assert open_items("spread", _day(3, 1)) == {"I1": Decimal("30.00"), "I2": Decimal("40.00")}
    # 50 more: the 30 that are left, and 20 that reverse nothing.
    assert open_items("spread", _day(3, 2)) == {
        "I1": Decimal("60.00"),
        "I2": Decimal("40.00"),
        "payment/B2": Decimal("20.00"),
    }
    assert _exceptions(warehouse, "spread") == {("B2", "unknown_reversed_payment")}


def test_a_memo_waits_for_its_document_as_an_unapplied_credit(
    warehouse: Path, open_items: Ask
) -> None:
    assert open_items("memo", _day(2, 19)) == {"M1": Decimal("-30.00")}
    assert open_items("memo", _day(2, 20)) == {"I1": Decimal("70.00")}
    buckets = fetch(
        warehouse,
        """
        select bucket_set, aging_bucket, aging_bucket_by_document_date
        from marts.aging_as_of('2024-02-19', '2100-01-01') where company_code = 'memo'
        order by bucket_set
        """,
    )
    assert buckets == [
        ("days", "unapplied_credit", "unapplied_credit"),
        ("months", "unapplied_credit", "unapplied_credit"),
    ]


def test_a_recovery_is_put_back_and_paid_on_one_day(warehouse: Path, open_items: Ask) -> None:
    assert open_items("recovered", _day(2, 29)) == {"I1": Decimal("100.00")}
    assert open_items("recovered", _day(3, 1)) == {}
    assert open_items("recovered", _day(3, 20)) == {}
    rows = fetch(
        warehouse,
        """
        select written_off_amount, recovered_amount, paid_amount, open_amount, settled_date
        from marts.receivables_by_document where company_code = 'recovered'
        """,
    )
    assert rows == [
        (Decimal("100.00"), Decimal("25.00"), Decimal("0.00"), Decimal("0.00"), _day(3, 1))
    ]


def test_a_due_date_comes_from_terms_as_they_were_known(warehouse: Path) -> None:
    def due_dates(known_at: datetime) -> list[tuple[Any, ...]]:
        return fetch(
            warehouse,
            """
            select document_id, due_date, due_date_source
            from marts.open_items_as_of($1, $2) where company_code = 'terms' order by 1
            """,
            [AS_OF, known_at],
        )

    document_terms = ("I2", _day(1, 20), "document_terms")
    nothing = ("I3", _day(1, 10), "document_date")
    assert due_dates(end_of_day(FIRST)) == [
        ("I1", _day(2, 9), "customer_terms"),
        document_terms,
        nothing,
    ]
    assert due_dates(end_of_day(SECOND)) == [
        ("I1", _day(2, 24), "customer_terms"),
        document_terms,
        nothing,
    ]


def test_a_discount_settles_with_its_payment(warehouse: Path, open_items: Ask) -> None:
    assert open_items("discounted", _day(2, 5)) == {}
    rows = fetch(
        warehouse,
        """
        select paid_amount, discounted_amount from marts.receivables_by_document
        where company_code = 'discounted'
        """,
    )
    assert rows == [(Decimal("97.00"), Decimal("3.00"))]


def test_a_booking_in_the_future_is_accepted_and_listed(warehouse: Path, open_items: Ask) -> None:
    assert open_items("future", AS_OF) == {}
    assert open_items("future", _day(6, 1)) == {"I1": Decimal("100.00")}
    assert _exceptions(warehouse, "future") == {
        ("I1", "due_before_document"),
        ("I1", "future_dated"),
    }


def test_a_withdrawn_document_is_gone_from_when_that_was_known(open_items: Ask) -> None:
    assert open_items("withdrawn", AS_OF, end_of_day(FIRST)) == {"I1": Decimal("100.00")}
    assert open_items("withdrawn", AS_OF) == {}


def test_of_two_rows_at_one_instant_the_last_load_counts_and_both_are_kept(
    warehouse: Path, open_items: Ask
) -> None:
    assert open_items("same_instant", AS_OF) == {"I1": Decimal("90.00")}
    rows = fetch(
        warehouse,
        """
        select amount_document, valid_from = valid_to
        from intermediate.int_documents_versioned
        where company_code = 'same_instant' order by amount_document
        """,
    )
    assert rows == [(Decimal("90.00"), False), (Decimal("100.00"), True)]


def test_an_unknown_document_is_listed_once(warehouse: Path) -> None:
    assert _exceptions(warehouse, "unknown") == {("P1", "unknown_document")}


def test_unknown_customers_are_listed_and_stand_in_the_dimension(warehouse: Path) -> None:
    assert ("I3", "unknown_customer") in _exceptions(warehouse, "terms")
    rows = fetch(
        warehouse, "select customer_id, is_unknown from marts.dim_customers order by customer_id"
    )
    assert rows == [("C1", False), ("nobody", True)]


def test_reversed_cash_takes_back_the_days_it_had_counted(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select payment_id, amount, days_from_document_date, effective_date
        from marts.cash_applications where company_code = 'reversed' order by payment_id
        """,
    )
    assert rows == [
        ("B1", Decimal("-100.00"), 26, _day(2, 20)),
        ("P1", Decimal("100.00"), 26, _day(2, 5)),
    ]


def _exceptions(warehouse: Path, company: str) -> set[tuple[str, str]]:
    rows = fetch(
        warehouse,
        """
        select source_id, exception_code from marts.exceptions_by_document
        where company_code = $1
        """,
        [company],
    )
    found = {(source_id, code) for source_id, code in rows}
    assert len(found) == len(rows)
    return found


def test_marts_do_not_depend_on_the_number_of_threads(
    warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("two_threads")
    for name in ("lake", "quarantine", "run_parameters.parquet"):
        (home / name).symlink_to(warehouse.parent / name)
    build(home, threads=2)
    query = (
        "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
    )
    with (
        duckdb.connect(str(warehouse), read_only=True) as one,
        duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as two,
    ):
        marts = one.execute(query).fetchall()
        assert len(marts) >= 12
        for (mart,) in marts:
            query = f"select * from marts.{mart} order by all"  # noqa: S608
            assert one.execute(query).fetchall() == two.execute(query).fetchall(), mart
