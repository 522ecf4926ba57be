"""Grades, expected cash, strategies and the worklist of a small company, worked out by hand.

One warehouse of a first delivery on 30 June 2025 and two later ones, asked for 31 March 2026.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builds import build_warehouse
from tests.oracle import expectations
from tests.oracle.arithmetic import add_months
from tests.oracle.inputs import Parameters, Seeds
from tests.oracle.reckoning import Reckoning
from tests.properties.lake import read_lake
from tests.warehouse import end_of_day, fetch

pytestmark = pytest.mark.warehouse

FIRST, SECOND, LAST = date(2025, 6, 30), date(2025, 9, 10), date(2026, 3, 31)
KNOWN_AT = end_of_day(LAST)

Row = dict[str, Any]


def invoice(number: str, customer: str, day: date, due: date, amount: str, **more: object) -> Row:
    return {
        "company_code": more.pop("company_code", "main"),
        "document_id": number,
        "customer_id": customer,
        "document_type": "invoice",
        "document_date": day,
        "due_date": due,
        "currency_code": "CNY",
        "amount": amount,
        "_delivery_date": FIRST,
        **more,
    }


def payment(
    number: str, customer: str, day: date, document: str | None, amount: str, **more: object
) -> Row:
    return {
        "company_code": more.pop("company_code", "main"),
        "payment_id": number,
        "customer_id": customer,
        "payment_date": day,
        "currency_code": "CNY",
        "amount": amount,
        "document_id": document,
        "_delivery_date": FIRST,
        **more,
    }


def contact(number: str, customer: str, day: date, outcome: str, **more: object) -> Row:
    return {
        "contact_id": number,
        "customer_id": customer,
        "collector_id": "K1",
        "contacted_at": datetime(day.year, day.month, day.day, 2),
        "channel": "phone",
        "outcome": outcome,
        "_delivery_date": LAST,
        **more,
    }


def monthly() -> tuple[list[Row], list[Row]]:
    """X1 of company `exp`: 1,000.00 on the 1st, due on the 15th; 600.00 comes on the 5th of the
    next month and 400.00 on the 5th of the one after. The 400.00 of December come a month late.
    """
    invoices, payments = [], []
    for number in range(15):
        month = add_months(date(2025, 1, 1), number)
        told = FIRST if month < date(2025, 7, 1) else LAST
        more: Mapping[str, object] = {"company_code": "exp"}
        invoices.append(
            invoice(
                f"X{number}",
                "X1",
                month,
                month.replace(day=15),
                "1000.00",
                _delivery_date=told,
                **more,
            )
        )
        late = 3 if month == date(2025, 12, 1) else 2
        for part, amount in ((1, "600.00"), (late, "400.00")):
            day = add_months(month, part).replace(day=5)
            if day <= LAST:
                payments.append(
                    payment(
                        f"X{number}-{part}",
                        "X1",
                        day,
                        f"X{number}",
                        amount,
                        _delivery_date=FIRST if day <= FIRST else LAST,
                        **more,
                    )
                )
    return invoices, payments


def paid_items(customer: str, days: Sequence[tuple[date, date]]) -> tuple[list[Row], list[Row]]:
    """Invoices of 100.00, each with the day it is due and the day it is paid."""
    return (
        [
            invoice(f"{customer}-{n}", customer, due.replace(day=1), due, "100.00")
            for n, (due, _) in enumerate(days, start=1)
        ],
        [
            payment(f"P-{customer}-{n}", customer, paid, f"{customer}-{n}", "100.00")
            for n, (_, paid) in enumerate(days, start=1)
        ],
    )


# Paid on the sixtieth day.
LATE = [(date(2025, 2, 10), date(2025, 4, 11))] * 3
IN_TIME = [
    (date(2025, 4, 30), date(2025, 4, 30)),
    (date(2025, 5, 10), date(2025, 5, 9)),
    (date(2025, 5, 31), date(2025, 5, 31)),
]


def company() -> dict[str, list[Row]]:
    invoices, payments = monthly()
    late = paid_items(
        "S1",
        [
            (date(2025, 1, 31), date(2025, 1, 31)),
            (date(2025, 2, 28), date(2025, 3, 30)),
            (date(2025, 3, 31), date(2025, 4, 30)),
        ],
    )
    told_late, insolvent, bounced = (paid_items(c, IN_TIME) for c in ("S2", "S3", "S4"))
    for pair in (late, told_late, insolvent, bounced, paid_items("S5", LATE)):
        invoices += pair[0]
        payments += pair[1]
    for row in payments:
        if row["payment_id"] == "P-S2-3":
            row["_delivery_date"] = SECOND
    payments.append(
        payment(
            "R-S4",
            "S4",
            date(2025, 7, 5),
            None,
            "100.00",
            reverses_payment_id="P-S4-3",
            _delivery_date=SECOND,
        )
    )
    work = [
        ("W1", date(2025, 12, 11), date(2026, 1, 10), "150000.00", {}),
        ("W2", date(2026, 2, 1), date(2026, 2, 20), "500.00", {}),
        ("W3", date(2026, 2, 1), date(2026, 2, 20), "500.00", {}),
        ("W4", date(2026, 2, 1), date(2026, 2, 20), "300.00", {}),
        ("W5", date(2026, 2, 1), date(2026, 2, 20), "300.00", {}),
        ("W6", date(2026, 2, 1), date(2026, 2, 19), "300.00", {}),
        ("W7", date(2026, 2, 1), date(2026, 2, 19), "300.00", {}),
        ("W8", date(2026, 3, 20), date(2026, 4, 20), "50.00", {"has_open_dispute": True}),
        ("W9", date(2026, 3, 20), date(2026, 3, 31), "50.00", {}),
        ("S3", date(2025, 12, 1), date(2025, 12, 31), "100.00", {}),
        ("S5", date(2026, 2, 1), date(2026, 2, 20), "400.00", {}),
        ("W10", date(2025, 12, 1), date(2025, 12, 30), "200.00", {}),
        ("W11", date(2026, 3, 20), date(2026, 4, 20), "100.00", {}),
        ("W12", date(2026, 3, 20), date(2026, 4, 20), "100.00", {}),
    ]
    invoices += [
        invoice(f"I-{customer}", customer, day, due, amount, _delivery_date=LAST, **more)
        for customer, day, due, amount, more in work
    ]
    return {
        "ledger": invoices,
        "payments": payments,
        "customers": [
            {
                "customer_id": "S1",
                "customer_name": "S1",
                "credit_limit": "1000.00",
                "_delivery_date": FIRST,
            },
            {
                "customer_id": "S3",
                "customer_name": "S3",
                "is_insolvent": False,
                "_delivery_date": FIRST,
            },
            {
                "customer_id": "S3",
                "customer_name": "S3",
                "is_insolvent": True,
                "_delivery_date": SECOND,
            },
            *(
                {
                    "customer_id": customer,
                    "customer_name": customer,
                    "credit_limit": limit,
                    "_delivery_date": FIRST,
                }
                for customer, limit in (("S5", "1000.00"), ("W11", "99.99"), ("W12", "100.00"))
            ),
        ],
        "collectors": [
            {
                "collector_id": "K1",
                "collector_name": "Kim",
                "team_id": "T1",
                "role": "collector",
                "hourly_cost": "60.00",
                "_delivery_date": FIRST,
            },
        ],
        "portfolios": [
            {
                "customer_id": "X1",
                "valid_from": date(2025, 1, 1),
                "collector_id": "K1",
                "_delivery_date": FIRST,
            },
        ],
        "contact_log": [
            contact(
                "T0",
                "S1",
                date(2025, 6, 20),
                "promise_to_pay",
                promised_amount="50.00",
                promised_date=date(2025, 6, 27),
                _delivery_date=SECOND,
            ),
            contact("T1", "X1", date(2026, 1, 3), "right_party", duration_seconds=1800),
            contact("T2", "X1", date(2026, 1, 20), "left_message", channel="email"),
            contact("T3", "X1", date(2026, 2, 1), "right_party"),
            contact(
                "T4",
                "W1",
                date(2026, 3, 1),
                "promise_to_pay",
                promised_amount="150000.00",
                promised_date=date(2026, 3, 10),
            ),
            contact(
                "T5",
                "W2",
                date(2026, 3, 20),
                "promise_to_pay",
                promised_amount="500.00",
                promised_date=date(2026, 4, 5),
            ),
            contact(
                "T6",
                "W3",
                date(2026, 3, 20),
                "promise_to_pay",
                promised_amount="500.00",
                promised_date=date(2026, 3, 31),
            ),
            contact("T7", "W4", date(2026, 3, 29), "no_answer"),
            contact("T8", "W5", date(2026, 3, 28), "no_answer"),
            contact("T9", "W6", date(2026, 3, 28), "right_party"),
            contact("T10", "W7", date(2026, 3, 28), "right_party"),
        ],
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("strategy")
    build_warehouse(
        home,
        company(),
        as_of_date=LAST,
        known_at=KNOWN_AT,
    )
    return home


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Path:
    return home / "warehouse.duckdb"


def grade(warehouse: Path, customer: str, month: date) -> tuple[Any, ...]:
    ((*found,),) = fetch(
        warehouse,
        """
        select credit_grade, paid_item_count from marts.credit_grades_by_customer_month
        where customer_id = $1 and month_start = $2
        """,
        [customer, month],
    )
    return tuple(found)


def test_a_grade_shows_the_points_of_its_parts(warehouse: Path) -> None:
    # S1 by the end of April: 0, 30 and 30 days late on 100.00 each.
    #   days late      6,000 / 300 = 20; 35 x (60 - 20) / 60 = 23.33
    #   on time        100 / 300, less than a half: nothing
    #   promises 15, disputes 0 / 3: 10, balance 0 of 1,000: 10, solvent 10
    # 68.33 of 100 is a C (from 55, below 70).
    rows = fetch(
        warehouse,
        """
        select
            credit_grade, credit_score, days_late, days_late_points, on_time_rate, on_time_points,
            broken_promises_points, dispute_rate, disputes_points, limit_utilisation_rate,
            limit_utilisation_points, insolvency_points
        from marts.credit_grades_by_customer_month
        where customer_id = 'S1' and month_start = '2025-04-01'
        """,
    )
    assert rows == [
        (
            "C",
            Decimal("68.33"),
            Decimal("20"),
            Decimal("23.33"),
            Decimal("0.33333333"),
            Decimal("0"),
            Decimal("15"),
            Decimal("0"),
            Decimal("10"),
            Decimal("0"),
            Decimal("10"),
            Decimal("10"),
        )
    ]


def test_a_customer_of_fewer_than_three_paid_items_is_unrated(warehouse: Path) -> None:
    assert grade(warehouse, "S1", date(2025, 3, 1)) == ("unrated", 2)
    assert grade(warehouse, "S1", date(2025, 4, 1)) == ("C", 3)
    rows = fetch(
        warehouse,
        """
        select credit_score, credit_score_status from marts.credit_grades_by_customer_month
        where customer_id = 'S1' and month_start = '2025-03-01'
        """,
    )
    assert rows == [(None, "insufficient_sample")]


def test_a_part_that_cannot_be_had_leaves_its_weight_out(warehouse: Path) -> None:
    # S2 has no credit limit, so that 90 points are to be had: 35 + 20 + 15 + 10 + 10. It has them.
    rows = fetch(
        warehouse,
        """
        select
            credit_score, credit_score_denominator, limit_utilisation_rate,
            limit_utilisation_rate_status, limit_utilisation_points, on_time_points
        from marts.credit_grades_by_customer_month
        where customer_id = 'S2' and month_start = '2025-09-01'
        """,
    )
    assert rows == [(Decimal(100), Decimal(90), None, "not_applicable", None, Decimal(20))]


def test_a_payment_counts_for_twelve_months(warehouse: Path) -> None:
    # What S1 paid in January counts in December and not in the January after.
    assert grade(warehouse, "S1", date(2025, 12, 1)) == ("C", 3)
    assert grade(warehouse, "S1", date(2026, 1, 1)) == ("unrated", 2)


def test_what_is_told_later_changes_no_grade_before(warehouse: Path) -> None:
    # S2's third payment, of 31 May, was delivered on 10 September.
    assert grade(warehouse, "S2", date(2025, 8, 1)) == ("unrated", 2)
    assert grade(warehouse, "S2", date(2025, 9, 1)) == ("A", 3)


def test_a_promise_is_broken_from_when_it_is_told_of(warehouse: Path) -> None:
    # Its last day of grace was 30 June, so that July counts it, and eleven months after; it was
    # told of on 10 September.
    rows = fetch(
        warehouse,
        """
        select month_start, broken_promise_count from marts.credit_points_by_customer_month
        where customer_id = 'S1' and month_start between '2025-07-01' and '2025-09-01'
        order by month_start
        """,
    )
    assert [count for _, count in rows] == [0, 0, 1]


def test_an_insolvent_customer_has_the_last_grade_from_when_it_is_known(warehouse: Path) -> None:
    assert grade(warehouse, "S3", date(2025, 8, 1)) == ("A", 3)
    assert grade(warehouse, "S3", date(2025, 9, 1)) == ("E", 3)


def test_a_bounced_payment_pays_no_item_from_when_it_is_known(warehouse: Path) -> None:
    assert grade(warehouse, "S4", date(2025, 8, 1)) == ("A", 3)
    assert grade(warehouse, "S4", date(2025, 9, 1)) == ("unrated", 2)
    # What it took back takes its days along: the other two were paid on time.
    rows = fetch(
        warehouse,
        """
        select days_late_numerator, days_late_denominator, on_time_rate
        from marts.credit_grades_by_customer_month
        where customer_id = 'S4' and month_start = '2025-09-01'
        """,
    )
    assert rows == [(Decimal(0), Decimal(200), Decimal(1))]


def test_expected_cash_is_what_such_balances_brought_in_twelve_months(warehouse: Path) -> None:
    # When a month begins 1,000.00 stand in 1-30, which bring 600.00, and 400.00 in 31-60, which
    # bring all. The first balance opened February 2025: January 2026 has eleven months behind it.
    # February 2026 expects 600 + 400; December's 400.00 fail to come, so 600.00 came.
    # March opens with January's 400.00 in 31-60, December's in 61-90, a bucket without history.
    # X1 is a C since April 2025 (three items); of the ten openings of May to February nine brought
    # their 400.00: 0.9. Expected 600 + 360, come 600 + 400 + 400.
    rows = fetch(
        warehouse,
        """
        select
            month_start, assigned_amount, assigned_without_rate_amount, expected_amount,
            collected_amount, lift, lift_status
        from marts.expected_cash_by_collector_month
        where company_code = 'exp' and collector_id = 'K1' and month_start >= '2026-01-01'
        order by month_start
        """,
    )
    assert rows == [
        (date(2026, 1, 1), 1400, 1400, None, 1000, None, "insufficient_history"),
        (date(2026, 2, 1), 1400, 0, 1000, 600, Decimal("0.6"), "ok"),
        (date(2026, 3, 1), 1800, 400, 960, 1400, Decimal("1.45833333"), "ok"),
    ]
    teams = fetch(
        warehouse,
        """
        select team_id, collector_count, expected_amount, lift
        from marts.expected_cash_by_team_month
        where company_code = 'exp' and month_start = '2026-03-01'
        """,
    )
    assert teams == [("T1", 1, 960, Decimal("1.45833333"))]
    rates = fetch(
        warehouse,
        """
        select
            credit_grade, aging_bucket, collection_rate, collection_rate_numerator,
            collection_rate_denominator, collection_rate_status
        from marts.collection_rates_by_month
        where company_code = 'exp' and month_start = '2026-03-01' and credit_grade in ('C', 'all')
        order by all
        """,
    )
    assert rates == [
        ("C", "1-30", Decimal("0.6"), 6000, 10000, "ok"),
        ("C", "31-60", Decimal("0.9"), 3600, 4000, "ok"),
        ("C", "61-90", None, 0, 0, "zero_denominator"),
        ("all", "1-30", Decimal("0.6"), 7200, 12000, "ok"),
        ("all", "31-60", Decimal("0.91666667"), 4400, 4800, "ok"),
        ("all", "61-90", None, 0, 0, "zero_denominator"),
    ]


def test_the_oracle_expects_the_same_cash(home: Path, warehouse: Path) -> None:
    parameters, seeds = Parameters(LAST, KNOWN_AT), Seeds()
    reckoning = Reckoning("exp", read_lake(home), parameters, seeds)
    months = [add_months(date(2025, 1, 1), n) for n in range(15)]
    told = expectations.openings(
        reckoning.extracts,
        parameters,
        reckoning.book,
        reckoning.cash,
        seeds.buckets(),
        {("X1", month): "C" for month in months if month >= date(2025, 4, 1)},
        months,
    )
    found = fetch(
        warehouse,
        """
        select month_start, collector_id, assigned_amount, expected_amount, collected_amount, lift
        from marts.expected_cash_by_collector_month
        where company_code = 'exp' order by month_start, collector_id
        """,
    )
    rate_of = expectations.collection_rates(told, seeds)
    expected = [
        (month, collector, line.assigned, line.expected, line.collected, line.lift.value)
        for month in months
        for collector, line in sorted(
            expectations.expected_by_collector(told, month, rate_of).items()
        )
    ]
    assert found == expected


def test_a_strategy_is_measured_by_what_follows_the_first_contact(warehouse: Path) -> None:
    # January opened with 1,000.00 in 1-30 and 400.00 in 31-60: C, 31-60, small is `call`.
    # Called on the 3rd (1,800 s at 60.00 an hour: 30.00), the cash of the 5th came within 30 days;
    # written to on the 20th, nothing came until 19 February on what was past due in January.
    # February: called on the 1st, 600.00 of 1,400.00, and 1,000.00 were expected.
    rows = fetch(
        warehouse,
        """
        select
            month_start, channel, strategy_code, credit_grade, worked_customer_count,
            contact_count, worked_amount, collected_amount, collected_rate, expected_amount, lift,
            lift_status, contact_cost_amount, previous_collected_rate, collected_rate_change,
            is_complete
        from marts.strategy_effectiveness_by_month
        where company_code = 'exp'
        order by month_start, channel
        """,
    )
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    of_january = Decimal("0.71428571")
    of_february = Decimal("0.42857143")
    short = "insufficient_history"
    assert [row for row in rows if row[0] == january] == [
        (
            january,
            "all",
            "call",
            "C",
            1,
            2,
            1400,
            1000,
            of_january,
            None,
            None,
            short,
            30,
            None,
            None,
            True,
        ),
        (
            january,
            "email",
            "call",
            "C",
            1,
            1,
            1400,
            0,
            0,
            None,
            None,
            short,
            None,
            None,
            None,
            True,
        ),
        (
            january,
            "phone",
            "call",
            "C",
            1,
            1,
            1400,
            1000,
            of_january,
            None,
            None,
            short,
            30,
            None,
            None,
            True,
        ),
    ]
    assert [row for row in rows if row[0] == february] == [
        (
            february,
            channel,
            "call",
            "C",
            1,
            1,
            1400,
            600,
            of_february,
            1000,
            Decimal("0.6"),
            "ok",
            None,
            of_january,
            of_february - of_january,
            True,
        )
        for channel in ("all", "phone")
    ]


def test_a_month_is_told_of_when_its_window_has_closed(warehouse: Path) -> None:
    # W1 was contacted in March, whose window closes on 30 April. It opened 49 days
    # past due: unrated, 31-60, large is `press`.
    rows = fetch(
        warehouse,
        """
        select strategy_code, worked_amount, collected_rate, collected_rate_status, is_complete
        from marts.strategy_effectiveness_by_month
        where
            company_code = 'main' and month_start = '2026-03-01' and channel = 'phone'
            and worked_amount = 150000
        """,
    )
    assert rows == [("press", 150000, None, "insufficient_history", False)]


def test_the_matrix_assigns_every_customer_that_owes_something(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            customer_id, credit_grade, aging_bucket, amount_class, owed_amount, past_due_amount,
            strategy_code, first_channel, collector_id
        from marts.strategy_assignments
        where customer_id in ('X1', 'W1', 'W8', 'W9', 'S1')
        order by customer_id
        """,
    )
    assert rows == [
        ("W1", "unrated", "61-90", "large", 150000, 150000, "letter", "letter", "unattributed"),
        ("W8", "unrated", "current", "small", 50, 0, "monitor", "email", "unattributed"),
        ("W9", "unrated", "current", "small", 50, 0, "monitor", "email", "unattributed"),
        ("X1", "C", "31-60", "small", 1400, 1400, "call", "phone", "K1"),
    ]


def test_the_worklist_says_whom_to_turn_to_first_and_why(warehouse: Path) -> None:
    # W2 has promised for later, W4 was called two days ago, W9 is due today: not on the list.
    # W6 and W7 go by number, W5 owes as much but is younger. S4's bounced cheque is past due since
    # May, more than 90 days, and nobody has called. S3 is 90 days past due, W10 91. W11 owes a cent
    # more than its limit, W12 all of it, and neither is past due. S5 has no points for lateness and
    # none for time, 45 of 100 in all: a D, which is poor; X1 is a C.
    rows = fetch(
        warehouse,
        """
        select
            customer_id, worklist_score, reasons, recommended_action, recommended_channel,
            deadline_date, past_due_amount
        from marts.collection_worklist
        order by worklist_rank
        """,
    )
    again = date(2026, 4, 4)
    assert rows == [
        (
            "S3",
            80,
            "insolvent, past_due, poor_grade, never_contacted",
            "file_claim",
            "letter",
            LAST,
            100,
        ),
        (
            "W1",
            70,
            "broken_promise, past_due, large_amount",
            "follow_up_promise",
            "letter",
            LAST,
            150000,
        ),
        ("W3", 45, "promise_due, past_due", "confirm_promise", "phone", LAST, 500),
        ("W10", 45, "past_due, long_past_due, never_contacted", "contact", "letter", LAST, 200),
        ("S4", 45, "past_due, long_past_due, never_contacted", "contact", "letter", LAST, 100),
        ("S5", 40, "past_due, poor_grade, never_contacted", "contact", "phone", LAST, 400),
        ("X1", 30, "past_due, never_contacted", "contact", "phone", LAST, 1400),
        ("W6", 20, "past_due", "contact", "phone", again, 300),
        ("W7", 20, "past_due", "contact", "phone", again, 300),
        ("W5", 20, "past_due", "contact", "email", again, 300),
        ("W8", 15, "open_dispute", "resolve_dispute", "email", date(2026, 4, 30), 0),
        ("W11", 10, "over_limit", "review_limit", "email", date(2026, 4, 30), 0),
    ]
