"""Promises as they were judged at the end of each month, on what was known by then.

One warehouse of customers with a document and a promise on it each, asked for 30 April 2024. Three
days of grace; grades and forecasts of the past ask for the promises.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builds import build_warehouse
from tests.warehouse import fetch

pytestmark = pytest.mark.warehouse

FIRST, AS_OF = date(2024, 1, 31), date(2024, 4, 30)

Row = dict[str, Any]


def day(month: int, number: int) -> date:
    return date(2024, month, number)


def invoice(customer: str) -> Row:
    return {
        "document_id": f"{customer}-D",
        "customer_id": customer,
        "document_type": "invoice",
        "document_date": day(1, 1),
        "due_date": day(1, 10),
        "currency_code": "CNY",
        "amount": "1000.00",
        "_delivery_date": FIRST,
    }


def payment(customer: str, paid: date, told: date, amount: str, **more: object) -> Row:
    return {
        "payment_id": f"{customer}-P{paid:%m%d}",
        "customer_id": customer,
        "payment_date": paid,
        "currency_code": "CNY",
        "amount": amount,
        "document_id": f"{customer}-D",
        "_delivery_date": told,
        **more,
    }


def bounced(customer: str, paid: date, back: date, amount: str) -> Row:
    """The payment of a day, taken back and told of on another."""
    reverses = f"{customer}-P{paid:%m%d}"
    return payment(customer, back, back, amount, document_id=None, reverses_payment_id=reverses)


def promise(customer: str, made: date, by: date, amount: str, told: date) -> Row:
    return {
        "contact_id": f"{customer}-C{made:%m%d}",
        "customer_id": customer,
        "document_id": f"{customer}-D",
        "collector_id": "K1",
        "contacted_at": datetime(made.year, made.month, made.day, 2),
        "channel": "phone",
        "outcome": "promise_to_pay",
        "promised_amount": amount,
        "promised_date": by,
        "_delivery_date": told,
    }


CUSTOMERS = ("told_late", "bounced", "replaced", "never", "paid_untold", "paid_and_back")
PAYMENTS = [
    payment("told_late", day(2, 3), day(3, 15), "1000.00"),
    payment("bounced", day(2, 3), day(2, 3), "1000.00"),
    bounced("bounced", day(2, 3), day(3, 10), "1000.00"),
    payment("paid_untold", day(2, 25), day(3, 5), "600.00"),
    payment("paid_and_back", day(2, 25), day(2, 26), "600.00"),
    bounced("paid_and_back", day(2, 25), day(3, 5), "600.00"),
]
PROMISES = [
    *(
        promise(customer, day(1, 20), day(2, 5), "1000.00", FIRST)
        for customer in ("told_late", "bounced", "replaced", "never")
    ),
    promise("replaced", day(2, 2), day(4, 20), "1000.00", day(3, 5)),
    *(
        promise(customer, day(2, 20), day(3, 10), "600.00", day(2, 21))
        for customer in ("paid_untold", "paid_and_back")
    ),
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(
        tmp_path_factory.mktemp("promises"),
        {
            "ledger": [invoice(customer) for customer in CUSTOMERS],
            "payments": PAYMENTS,
            "contact_log": PROMISES,
        },
        as_of_date=AS_OF,
    )


@pytest.mark.parametrize(
    ("customer", "broken", "status"),
    [
        # Broken on 9 February; that it was paid on the 3rd was told in March.
        ("told_late", [0, 1, 0, 0], {"kept"}),
        # Kept on 3 February, till the payment bounced in March.
        ("bounced", [0, 0, 1, 1], {"broken"}),
        # Broken at the end of February. In March a newer one of 2 February was told of, which took
        # its place, and was broken on 24 April.
        ("replaced", [0, 1, 0, 1], {"superseded", "broken"}),
        ("never", [0, 1, 1, 1], {"broken"}),
    ],
)
def test_a_promise_counts_in_a_grade_as_it_was_judged_then(
    warehouse: Path, customer: str, broken: list[int], status: set[str]
) -> None:
    counted = fetch(
        warehouse,
        """
        select broken_promise_count from marts.credit_points_by_customer_month
        where customer_id = ? order by month_start
        """,
        [customer],
    )
    assert [count for (count,) in counted] == broken
    now = fetch(
        warehouse,
        "select promise_status from marts.promises where customer_id = ?",
        [customer],
    )
    assert {value for (value,) in now} == status


def test_a_past_forecast_counts_on_the_promises_that_stood_then(warehouse: Path) -> None:
    # At the end of February the 600 of one were paid, but nobody knew: all of its 1000 was open,
    # and 600 promised. Those of the other were paid and had not bounced yet: 400 were open, and
    # nothing was promised any more.
    rows = fetch(
        warehouse,
        """
        select customer_id, open_amount, promise_amount from intermediate.int_items_forecast
        where origin_date = ? and customer_id like 'paid%'
        order by customer_id
        """,
        [day(2, 29)],
    )
    assert rows == [
        ("paid_and_back", Decimal("400.00"), Decimal(0)),
        ("paid_untold", Decimal("1000.00"), Decimal("600.00")),
    ]
