"""Sums that are refreshed equal sums that are built from nothing, and every test of the project
holds after either.

One company is told in three deliveries, and looked at on days that lie a day, weeks and months
apart: slices come and go, month ends among them; a document turns up that is older than all before;
due dates and future payments are reached; a customer moves to another segment and a document to
another customer, currency and due date; a rate arrives.
"""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builds import build, build_warehouse
from tests.conftest import made_once
from tests.warehouse import end_of_day, fetch, write_run_parameters

pytestmark = pytest.mark.warehouse

FIRST, SECOND, THIRD = date(2024, 3, 1), date(2024, 3, 8), date(2024, 3, 15)
STEPS = (
    (date(2024, 3, 1), FIRST),
    (date(2024, 3, 8), SECOND),
    (date(2024, 3, 9), SECOND),
    (date(2024, 5, 20), THIRD),
)
RELATIONS = (
    "marts.aging_by_account",
    "marts.aging_accounts",
    "marts.aging_by_customer",
    "marts.aging_by_bucket",
    "marts.aging_by_due_date",
    "marts.receivables_summed",
    "marts.receivables_by_document",
    "marts.dim_customers",
    "marts.dim_dates",
    "marts.turnover_by_period",
    "marts.bad_debt_by_period",
    "marts.allowance_by_bucket",
    "marts.proofs",
    "marts.quarantined_rows",
    "intermediate.int_balances_sliced",
    "intermediate.int_movements_daily",
    "intermediate.int_movements_summed",
)

Row = dict[str, Any]


def document(number: str, delivery: date, **rest: object) -> Row:
    return {
        "document_id": number,
        "customer_id": "C1",
        "document_type": "invoice",
        "document_date": date(2024, 1, 10),
        "due_date": date(2024, 2, 10),
        "currency_code": "CNY",
        "amount": "100.00",
        "_delivery_date": delivery,
        **rest,
    }


def payment(number: str, delivery: date, **rest: object) -> Row:
    return {
        "payment_id": number,
        "customer_id": "C1",
        "payment_date": date(2024, 2, 20),
        "currency_code": "CNY",
        "amount": "40.00",
        "document_id": "I1",
        "_delivery_date": delivery,
        **rest,
    }


def customer(number: str, delivery: date, segment: str) -> Row:
    return {"customer_id": number, "segment": segment, "_delivery_date": delivery}


EXTRACTS: dict[str, list[Row]] = {
    "customers": [
        customer("C1", FIRST, "retail"),
        customer("C1", SECOND, "public"),
        customer("C3", THIRD, "retail"),
    ],
    "ledger": [
        document("I1", FIRST),
        document("I2", FIRST, due_date=date(2024, 3, 9)),
        document("I3", FIRST, customer_id="C3", due_date=date(2024, 4, 30)),
        document("I4", FIRST, document_date=date(2024, 3, 20), due_date=date(2024, 4, 20)),
        document("I5", FIRST, currency_code="USD", amount="10.00"),
        document("memo", FIRST, document_type="credit_memo", amount="15.00", due_date=None),
        document("late", SECOND, document_date=date(2023, 6, 30), due_date=date(2023, 7, 31)),
        document("I2", SECOND, customer_id="C2", due_date=date(2024, 3, 25)),
        document("I3", SECOND, customer_id="C3", currency_code="USD", due_date=date(2024, 3, 1)),
        document("I1", THIRD, document_type="debit_memo", amount="60.00"),
        document("late", THIRD, document_date=date(2023, 6, 30), is_withdrawn=True),
        document(
            "lost",
            THIRD,
            document_type="write_off",
            document_date=date(2024, 2, 29),
            due_date=None,
            amount="20.00",
            applies_to_document_id="I2",
        ),
    ],
    "payments": [
        payment("P1", FIRST),
        payment("P2", FIRST, document_id=None, amount="5.00"),
        payment("P3", FIRST, document_id="I2", payment_date=date(2024, 3, 9)),
        payment("P4", SECOND, document_id="late", payment_date=date(2024, 1, 31)),
        payment("P1", THIRD, amount="30.00"),
        payment("P5", THIRD, document_id="I4", amount="100.00", payment_date=date(2024, 4, 2)),
    ],
    "fx_rates": [
        {
            "rate_date": date(2024, 1, 1),
            "from_currency": "USD",
            "to_currency": "CNY",
            "rate": "7.10000000",
            "_delivery_date": THIRD,
        }
    ],
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What a refreshed home held beside what a rebuild held, step by step.

    The first step is a build from nothing in any case.
    """
    return made_once(tmp_path_factory, "sums_refresh", _make_compared)


def _make_compared(folder: Path) -> list[Any]:
    refreshed, rebuilt = folder / "refreshed", folder / "rebuilt"
    models = [relation.split(".")[1] for relation in RELATIONS]
    pairs: list[Any] = []
    for place, (day, known) in enumerate(STEPS):
        asked = {"as_of_date": day, "known_at": end_of_day(known)}
        if place == 0:
            build_warehouse(refreshed, EXTRACTS, is_tested=True, **asked)
            pairs.append((contents(refreshed), None))
        else:
            write_run_parameters(refreshed, **asked, continues=True)
            build(refreshed, is_tested=True)
            build_warehouse(rebuilt, EXTRACTS, only=models, **asked)
            pairs.append((contents(refreshed), contents(rebuilt)))
    return pairs


def contents(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the relations, by relation."""
    warehouse = home / "warehouse.duckdb"
    return {name: fetch(warehouse, f"from {name} order by all") for name in RELATIONS}


@pytest.mark.parametrize("place", range(1, len(STEPS)))
@pytest.mark.parametrize("relation", RELATIONS)
def test_a_refresh_equals_a_rebuild(compared: list[Any], place: int, relation: str) -> None:
    refreshed, rebuilt = compared[place]
    assert refreshed[relation] == rebuilt[relation]


def test_slices_come_and_go(compared: list[Any]) -> None:
    days = [{row[0] for row in pair[0]["marts.aging_by_account"]} for pair in compared]
    assert date(2024, 1, 27) in days[0]
    assert date(2024, 1, 27) not in days[1]
    assert date(2023, 6, 30) not in days[0]
    assert date(2023, 6, 30) in days[1]
    assert date(2023, 6, 30) not in days[3]
    assert {date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 20)} <= days[3]


def test_a_step_in_which_only_a_day_passes_changes_what_was_due(
    compared: list[Any],
) -> None:
    before, after = (
        {row[:2] for row in pair[0]["marts.receivables_summed"]} for pair in compared[1:3]
    )
    assert before == after
    assert (
        compared[1][0]["marts.receivables_summed"] != (compared[2][0]["marts.receivables_summed"])
    )
