"""A refreshed journal equals a rebuilt one, row by row, whatever the next delivery says.

Every way in which what is known of a key can change is a company of its own. Three deliveries are
told day by day to a warehouse that is refreshed, and at once to one that is built from nothing;
what is only known later is hidden by the run's `known_at`, so that both read one lake.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest.records import LoadRecord
from tests.builds import build, build_warehouse
from tests.conftest import made_once
from tests.warehouse import end_of_day, fetch, write_run_parameters

pytestmark = pytest.mark.warehouse

DELIVERIES = (date(2024, 3, 1), date(2024, 3, 8), date(2024, 3, 15))
BY_COMPANY = (
    "intermediate.int_documents_versioned",
    "intermediate.int_payments_versioned",
    "intermediate.int_applications_unresolved",
    "marts.receivable_movements",
    "marts.receivable_items",
    "marts.receivables_by_span",
    "marts.exceptions_by_document",
)
WHOLE = (
    "intermediate.int_customer_terms_versioned",
    "intermediate.int_fx_rates_spanned",
)
MODELS = tuple(table.split(".")[1] for table in (*BY_COMPANY, *WHOLE))

Row = dict[str, Any]
State = dict[str, dict[str, list[tuple[Any, ...]]]]


def doc(delivery: int, amount: str = "100.00", **rest: object) -> Row:
    return {
        "_extract": "ledger",
        "document_id": "I1",
        "customer_id": "C1",
        "document_type": "invoice",
        "document_date": date(2024, 1, 10),
        "due_date": date(2024, 2, 10),
        "currency_code": "CNY",
        "amount": amount,
        "_delivery_date": DELIVERIES[delivery],
        **rest,
    }


def memo(delivery: int, amount: str, kind: str = "credit_memo", **rest: object) -> Row:
    return doc(
        delivery,
        amount,
        **{
            "document_id": "M1",
            "document_type": kind,
            "document_date": date(2024, 2, 1),
            "due_date": None,
            "applies_to_document_id": "I1",
            **rest,
        },
    )


def cash(delivery: int, amount: str = "40.00", **rest: object) -> Row:
    return {
        "_extract": "payments",
        "payment_id": "P1",
        "customer_id": "C1",
        "payment_date": date(2024, 2, 5),
        "currency_code": "CNY",
        "amount": amount,
        "document_id": "I1",
        "_delivery_date": DELIVERIES[delivery],
        **rest,
    }


def back(delivery: int, amount: str = "40.00", **rest: object) -> Row:
    return cash(
        delivery,
        amount,
        **{
            "payment_id": "B1",
            "document_id": None,
            "reverses_payment_id": "P1",
            "payment_date": date(2024, 2, 20),
            **rest,
        },
    )


def installments(delivery: int, *amounts: str, **rest: object) -> list[Row]:
    return [
        doc(delivery, amount, installment_no=number, due_date=date(2024, 1 + number, 10), **rest)
        for number, amount in enumerate(amounts, start=1)
    ]


def listed(source: str, delivery: int, **rest: object) -> Row:
    return {
        "_source": source,
        "_delivery_kind": "full",
        "_delivery_date": DELIVERIES[delivery],
    } | rest


CASES: Mapping[str, Sequence[Row]] = {
    "late": [doc(0), doc(1, document_id="I0", document_date=date(2023, 6, 1)), cash(2)],
    "corrected": [doc(0), cash(0), doc(1, "80.00"), doc(2, "90.00")],
    "corrected_back": [doc(0), cash(0), doc(1, "80.00"), doc(2)],
    "repeated": [doc(0), cash(0), doc(1), cash(1), doc(2, "70.00")],
    "withdrawn": [doc(0), cash(0), doc(1, is_withdrawn=True), doc(2)],
    "cash_withdrawn": [doc(0), cash(0), cash(1, is_withdrawn=True), cash(2, "30.00")],
    "cash_corrected": [doc(0), cash(0), cash(1, "60.00"), cash(2, payment_date=date(2024, 2, 7))],
    "left_out": [
        doc(0, document_id="stays", **listed("books", 0)),
        doc(0, document_id="goes", **listed("books", 0)),
        cash(0, document_id="goes"),
        doc(1, document_id="stays", **listed("books", 1)),
        doc(2, document_id="stays", **listed("books", 2)),
        doc(2, document_id="goes", **listed("books", 2)),
    ],
    "cash_left_out": [
        doc(0),
        cash(0, **listed("bank", 0)),
        cash(0, payment_id="P2", **listed("bank", 0)),
        cash(1, payment_id="P2", **listed("bank", 1)),
        cash(2, payment_id="P3", **listed("bank", 2)),
    ],
    # Its row of the second full list is in quarantine; the third leaves it out.
    "held": [
        doc(0, document_id="broken", **listed("sheet", 0)),
        doc(0, document_id="other", **listed("sheet", 0)),
        doc(1, document_id="other", **listed("sheet", 1)),
        doc(2, document_id="other", **listed("sheet", 2)),
    ],
    "terms": [doc(0, due_date=None, customer_id="T1"), cash(0), doc(1, document_id="I2")],
    "own_terms": [doc(0, due_date=None, customer_id="T1", payment_terms_days=5), doc(1, "50.00")],
    "reversed": [doc(0), cash(0), back(1), back(2, "10.00", payment_id="B2")],
    "reversal_first": [doc(0), back(0), cash(1), cash(2, "70.00")],
    "reversed_lines": [
        doc(0),
        doc(0, document_id="I2"),
        cash(0, "60.00"),
        cash(0, "40.00", line_no=2, document_id="I2"),
        back(0, "70.00"),
        cash(1, "30.00", line_no=2, document_id="I2"),
        back(2, "20.00", payment_id="B0", payment_date=date(2024, 2, 19)),
    ],
    "reversal_of_reversal": [
        doc(0),
        cash(0),
        back(0),
        back(1, payment_id="B2", reverses_payment_id="B1"),
        back(2, payment_id="B1", reverses_payment_id=None, document_id="I1"),
    ],
    "reversal_changes_payment": [
        doc(0),
        cash(0),
        cash(0, "50.00", payment_id="P2"),
        back(0),
        back(0, "5.00", payment_id="B2"),
        back(0, "5.00", payment_id="B3", reverses_payment_id="P2"),
        back(1, reverses_payment_id="P2"),
        back(2, reverses_payment_id="P1"),
    ],
    "reversal_of_two": [
        doc(0),
        cash(0),
        cash(0, "50.00", payment_id="P2"),
        back(0, "40.00"),
        back(0, "45.00", line_no=2, reverses_payment_id="P2"),
        back(0, "5.00", payment_id="B2", reverses_payment_id="P2"),
        cash(1, "30.00"),
        back(2, "1.00", payment_id="B0", reverses_payment_id="P2"),
    ],
    "cash_first": [cash(0), doc(1), doc(2, "20.00")],
    "memo_first": [memo(0, "30.00"), memo(0, "5.00", "write_off", document_id="W1"), doc(1)],
    "memo_moves": [
        doc(0),
        doc(0, document_id="I2"),
        memo(0, "30.00"),
        memo(1, "30.00", applies_to_document_id="I2"),
        memo(2, "30.00", applies_to_document_id="I1"),
    ],
    "recovered": [
        doc(0),
        memo(0, "100.00", "write_off", document_id="W1"),
        memo(1, "20.00", "recovery", document_id="R1", document_date=date(2024, 3, 4)),
        memo(2, "30.00", "recovery", document_id="R1", document_date=date(2024, 3, 4)),
    ],
    "adjusted": [
        doc(0),
        memo(1, "7.00", "adjustment", document_id="A1"),
        memo(1, "9.00", "adjustment", document_id="A2", applies_to_document_id=None),
        cash(2, "9.00", document_id="A2"),
    ],
    "cash_moves": [
        doc(0),
        doc(0, document_id="I2"),
        cash(0),
        cash(1, document_id="I2"),
        cash(2, document_id=None),
    ],
    "cash_moves_among_installments": [
        *installments(0, "30.00", "40.00", "50.00"),
        *installments(0, "30.00", "40.00", document_id="I2"),
        cash(0, "35.00"),
        cash(0, "35.00", payment_id="P2", payment_date=date(2024, 2, 6)),
        cash(0, "25.00", payment_id="P3", document_id="I2", payment_date=date(2024, 2, 6)),
        cash(1, "35.00", document_id="I2"),
        cash(2, "35.00", document_id="I1"),
    ],
    # The first payment ties two documents together; what changes touches only the one.
    "tied_installments": [
        *installments(0, "30.00", "40.00", "50.00"),
        *installments(0, "30.00", "40.00", document_id="I2"),
        cash(0, "35.00"),
        cash(0, "35.00", line_no=2, document_id="I2"),
        cash(0, "5.00", payment_id="P2", document_id="I2", payment_date=date(2024, 2, 9)),
        memo(0, "6.00", applies_to_document_id="I2"),
        cash(1, "31.00", payment_id="P0", payment_date=date(2024, 1, 20)),
        cash(2, "9.00", payment_id="P9", document_id="I2", payment_date=date(2024, 1, 20)),
    ],
    "installments_added": [
        doc(0, installment_no=1),
        cash(0, "120.00"),
        doc(1, "60.00", installment_no=2, due_date=date(2024, 1, 20)),
        doc(2, "60.00", installment_no=2, due_date=date(2024, 1, 20), is_withdrawn=True),
    ],
    "installments_removed": [
        *installments(0, "30.00", "40.00", "50.00"),
        cash(0, "60.00"),
        memo(0, "11.00"),
        doc(1, "40.00", installment_no=2, due_date=date(2024, 3, 10), is_withdrawn=True),
        doc(2, "30.00", installment_no=1, due_date=date(2024, 5, 10)),
    ],
    "named_installment": [
        *installments(0, "30.00", "40.00"),
        cash(0, "20.00"),
        cash(1, "25.00", payment_id="P2", installment_no=1),
        cash(2, "25.00", payment_id="P2", installment_no=2, discount_amount="1.00"),
    ],
    "discounted": [doc(0), cash(0, discount_amount="2.00"), cash(1, discount_amount="3.00")],
    "moved_customer": [doc(0), cash(0), doc(1, customer_id="C2"), doc(2, customer_id="C1")],
    "moved_currency": [doc(0), cash(0), doc(1, currency_code="USD"), doc(2)],
    "rate_corrected": [doc(0, currency_code="USD"), cash(0, currency_code="USD"), doc(1, "3.00")],
    "rate_to_come": [
        doc(0, currency_code="EUR", document_date=date(2024, 3, 20)),
        doc(0, currency_code="EUR", document_id="I2", document_date=date(2024, 3, 1)),
        cash(0, currency_code="EUR", payment_date=date(2024, 3, 12)),
        cash(0, currency_code="EUR", payment_id="P2", application_date=date(2024, 3, 13)),
        memo(0, "4.00", currency_code="EUR", document_date=date(2024, 1, 1)),
    ],
    "first_rate": [doc(0, currency_code="GBP"), cash(0, currency_code="GBP")],
    "rate_by_document": [
        doc(0, currency_code="CHF", amount_reporting="800.00"),
        cash(0, currency_code="CHF"),
        doc(1, currency_code="CHF", amount_reporting="810.00"),
        doc(2, currency_code="CHF"),
    ],
    "booked": [doc(0, currency_code="USD", amount_reporting="700.00"), doc(1, document_id="I2")],
    "one_instant": [
        doc(0),
        doc(1, "80.00", _source_file="a.csv"),
        doc(1, "70.00", _source_file="b.csv"),
        cash(1, "1.00", _source_file="a.csv"),
        cash(1, "2.00", _source_file="b.csv"),
        doc(2, "80.00"),
    ],
    "future": [doc(0, document_date=date(2024, 3, 5)), cash(0, payment_date=date(2024, 3, 12))],
    "unknown_customer": [doc(0, customer_id="N1"), cash(1, customer_id="N2")],
    "over_applied": [doc(0), cash(0, "120.00"), cash(1, "100.00"), cash(2, "101.00")],
    "due_before": [doc(0), doc(1, due_date=date(2024, 1, 1)), doc(2)],
    "booked_apart": [doc(0), cash(0, document_id=None), cash(1)],
    "applied_later": [doc(0), cash(0), cash(1, application_date=date(2024, 3, 6)), cash(2)],
}

RATES = [
    (0, "USD", date(2024, 1, 1), "7.00"),
    (0, "USD", date(2024, 2, 1), "7.10"),
    (1, "USD", date(2024, 1, 1), "7.05"),
    (2, "USD", date(2024, 2, 3), "7.30"),
    (0, "EUR", date(2024, 2, 28), "7.80"),
    (1, "EUR", date(2024, 3, 7), "7.85"),
    (2, "EUR", date(2024, 3, 13), "7.90"),
    (1, "GBP", date(2024, 1, 15), "9.00"),
    (2, "GBP", date(2024, 1, 5), "9.10"),
]
CUSTOMERS = [
    (0, "C1", 30),
    (0, "C2", None),
    (0, "T1", 14),
    (1, "T1", 20),
    (2, "T1", 14),
    (2, "N1", None),
]
SECOND_SHEET = LoadRecord(
    load_id="second_sheet",
    load_sequence=1000,
    run_id="test",
    source="sheet",
    extract="ledger",
    delivery_date=DELIVERIES[1],
    delivery_kind="full",
    file_name="sheet.csv",
    file_sha256="second_sheet",
    file_bytes=1,
    mapping_fingerprint="test",
    status="admitted",
    recorded_at=end_of_day(DELIVERIES[1]),
    received_at=end_of_day(DELIVERIES[1]),
    rows_read=1,
    rows_quarantined=1,
)
QUARANTINED = {
    "load_id": SECOND_SHEET.load_id,
    "source": "sheet",
    "extract": "ledger",
    "delivery_date": DELIVERIES[1],
    "source_file": "sheet.csv",
    "row_number": 1,
    "reason_code": "BAD_AMOUNT",
    "row_key": "held|broken|1",
    "recorded_at": end_of_day(DELIVERIES[1]),
}


def _extracts() -> dict[str, list[Row]]:
    extracts: dict[str, list[Row]] = {"ledger": [], "payments": []}
    for company, rows in CASES.items():
        for row in rows:
            plain = {name: value for name, value in row.items() if name != "_extract"}
            extracts[row["_extract"]].append({"company_code": company, **plain})
    extracts["fx_rates"] = [
        {
            "rate_date": day,
            "from_currency": currency,
            "to_currency": "CNY",
            "rate": rate,
            "_delivery_date": DELIVERIES[delivery],
        }
        for delivery, currency, day, rate in RATES
    ]
    extracts["customers"] = [
        {
            "customer_id": customer,
            "customer_name": customer,
            "payment_terms_days": terms,
            "_delivery_date": DELIVERIES[delivery],
        }
        for delivery, customer, terms in CUSTOMERS
    ]
    return extracts


def _asked(delivery: int) -> dict[str, Any]:
    return {"as_of_date": DELIVERIES[delivery], "known_at": end_of_day(DELIVERIES[delivery])}


def _state(warehouse: Path) -> State:
    state: State = {}
    for table in BY_COMPANY:
        by_company: dict[str, list[tuple[Any, ...]]] = {}
        columns = [
            name
            for (name,) in fetch(
                warehouse,
                "select column_name from information_schema.columns where table_schema = ? and"
                " table_name = ? and column_name <> 'company_code' order by ordinal_position",
                table.split("."),
            )
        ]
        for company, *row in fetch(
            warehouse,
            f"select company_code, {', '.join(columns)} from {table} order by all",  # noqa: S608
        ):
            by_company.setdefault(company, []).append(tuple(row))
        state[table] = by_company
    for table in WHOLE:
        query = f"select * from {table} order by all"  # noqa: S608
        state[table] = {"": fetch(warehouse, query)}
    return state


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[State]]:
    """What the refreshed and the rebuilt warehouse hold after each delivery."""
    return made_once(tmp_path_factory, "journal_refresh", _make_states)


def _make_states(home: Path) -> dict[str, list[State]]:
    warehouse = build_warehouse(
        home,
        _extracts(),
        loads=[SECOND_SHEET],
        quarantined_rows=[QUARANTINED],
        only=MODELS,
        **_asked(0),
    )
    refreshed = [_state(warehouse)]
    for delivery in (1, 2):
        write_run_parameters(home, continues=True, **_asked(delivery))
        build(home, only=MODELS)
        refreshed.append(_state(warehouse))
        # Built whole, it would leave no changes.
        assert fetch(warehouse, "select 1 from intermediate.changes_of_receivables_by_span limit 1")
    rebuilt = [refreshed[0]]
    for delivery in (1, 2):
        write_run_parameters(home, **_asked(delivery))
        build(home, only=MODELS)
        rebuilt.append(_state(warehouse))
    return {"refreshed": refreshed, "rebuilt": rebuilt}


@pytest.mark.parametrize("delivery", [1, 2])
@pytest.mark.parametrize("company", CASES)
def test_refreshed_as_rebuilt(states: dict[str, list[State]], company: str, delivery: int) -> None:
    for table in BY_COMPANY:
        refreshed = states["refreshed"][delivery][table].get(company)
        assert refreshed == states["rebuilt"][delivery][table].get(company), table


@pytest.mark.parametrize("delivery", [1, 2])
@pytest.mark.parametrize("table", WHOLE)
def test_what_has_no_company_is_refreshed_as_rebuilt(
    states: dict[str, list[State]], table: str, delivery: int
) -> None:
    assert states["refreshed"][delivery][table] == states["rebuilt"][delivery][table]


@pytest.mark.parametrize("company", CASES)
def test_each_company_tests_a_refresh(states: dict[str, list[State]], company: str) -> None:
    told = [
        [
            # Exceptions begin with their as-of date, which every day changes.
            [row[1:] for row in state[table].get(company, [])]
            if "exceptions" in table
            else state[table].get(company)
            for table in BY_COMPANY
        ]
        for state in states["rebuilt"]
    ]
    assert told[0] != told[1] or told[1] != told[2]
