"""The measures on companies small enough to reckon on paper, all in one warehouse.

Every company shows one thing; its numbers are worked out beside the test that asks for them. The
rates and rules are those of the shipped seeds.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.records import LoadRecord
from tests.builds import build_warehouse, recorded_builds
from tests.conftest import made_once
from tests.warehouse import end_of_day, fetch, run_dbt, write_lake

pytestmark = pytest.mark.warehouse

AS_OF = date(2024, 6, 30)
FIRST_QUARTER, SECOND_QUARTER = date(2024, 1, 1), date(2024, 4, 1)
DELIVERED = date(2024, 6, 30)

MARTS = (
    "turnover_by_period",
    "bad_debt_by_period",
    "allowance_by_bucket",
    "allowance_roll_forward",
    "allowance_back_test",
    "promises",
    "cash_by_earner",
    "cash_attribution",
    "performance_by_collector_month",
    "performance_by_team_month",
    "incentives_by_collector_month",
    "targets_by_period",
    "scorecard_by_quarter",
    "proofs",
    "load_history",
    "quarantined_rows",
)

Rows = list[dict[str, Any]]
Warehouse = duckdb.DuckDBPyConnection


def _day(month: int, day: int) -> date:
    return date(2024, month, day)


def document(
    company: str, number: str, day: date, due: date, amount: str, **rest: object
) -> dict[str, Any]:
    return {
        "company_code": company,
        "document_id": f"{company}-{number}",
        "customer_id": f"{company}-C",
        "document_type": "invoice",
        "document_date": day,
        "due_date": due,
        "currency_code": "CNY",
        "amount": amount,
        "_delivery_date": DELIVERED,
        **rest,
    }


def against(
    company: str, number: str, kind: str, day: date, amount: str, target: str
) -> dict[str, Any]:
    return document(
        company,
        number,
        day,
        day,
        amount,
        document_type=kind,
        applies_to_document_id=f"{company}-{target}",
    )


def payment(
    company: str, number: str, day: date, amount: str, target: str | None, **rest: object
) -> dict[str, Any]:
    return {
        "company_code": company,
        "payment_id": f"{company}-{number}",
        "customer_id": f"{company}-C",
        "payment_date": day,
        "currency_code": "CNY",
        "amount": amount,
        "document_id": None if target is None else f"{company}-{target}",
        "_delivery_date": DELIVERED,
        **rest,
    }


def contact(
    company: str, number: str, at: datetime, outcome: str, **rest: object
) -> dict[str, Any]:
    return {
        "contact_id": f"{company}-{number}",
        "customer_id": f"{company}-C",
        "collector_id": "K1",
        "contacted_at": at,
        "channel": "phone",
        "outcome": outcome,
        "_delivery_date": DELIVERED,
        **rest,
    }


def promise(
    company: str, number: str, day: date, amount: str, until: date, target: str | None
) -> dict[str, Any]:
    """A promise at ten in the morning in Shanghai."""
    return contact(
        company,
        number,
        datetime(day.year, day.month, day.day, 2),
        "promise_to_pay",
        promised_amount=amount,
        promised_date=until,
        document_id=None if target is None else f"{company}-{target}",
    )


TURNOVER_LEDGER: Rows = [
    document("turn", "A", _day(1, 10), _day(2, 9), "3000.00"),
    document("turn", "B", _day(2, 15), _day(3, 16), "6000.00"),
    against("turn", "CM", "credit_memo", _day(3, 10), "500.00", "B"),
    document("minus", "CM", _day(5, 5), _day(5, 5), "100.00", document_type="credit_memo"),
]
TURNOVER_PAYMENTS: Rows = [
    payment("turn", "P1", _day(2, 20), "3000.00", "A"),
    payment("turn", "P2", _day(3, 1), "2000.00", "B"),
]

RECOVERY_LEDGER: Rows = [
    document("reco", "R1", _day(2, 1), _day(3, 2), "1000.00"),
    document("reco", "R2", _day(3, 20), _day(4, 19), "2000.00"),
    document("reco", "R3", _day(5, 1), _day(7, 15), "700.00"),
    document("reco", "R4", _day(4, 5), _day(5, 5), "800.00"),
    against("reco", "W4", "write_off", _day(6, 10), "800.00", "R4"),
    against("reco", "V4", "recovery", _day(6, 20), "200.00", "R4"),
    document("reco", "R5", _day(4, 10), _day(5, 10), "300.00"),
]
RECOVERY_PAYMENTS: Rows = [
    payment("reco", "P1", _day(4, 10), "400.00", "R1"),
    payment("reco", "P2", _day(3, 25), "500.00", "R2"),
    payment("reco", "P3", _day(5, 19), "1500.00", "R2"),
    payment("reco", "P4", _day(6, 20), "700.00", "R3"),
    payment("reco", "P5", _day(5, 8), "300.00", "R5"),
    payment("reco", "B5", _day(5, 20), "300.00", None, reverses_payment_id="reco-P5"),
    payment("reco", "P6", _day(6, 25), "300.00", "R5"),
]

PROMISE_COMPANIES = (
    "last_day",
    "cent_short",
    "day_late",
    "running",
    "renewed",
    "shared",
    "credited",
    "bounced",
    "midnight",
)
PROMISE_LEDGER: Rows = [
    *(
        document(company, "D", _day(4, 1), _day(4, 20), "1000.00")
        for company in PROMISE_COMPANIES
        if company != "midnight"
    ),
    document("midnight", "D", _day(4, 1), _day(4, 20), "2000.00"),
    against("credited", "CM", "credit_memo", _day(5, 5), "1000.00", "D"),
]
PROMISE_PAYMENTS: Rows = [
    payment("last_day", "P", _day(5, 13), "950.00", "D"),
    payment("cent_short", "P", _day(5, 13), "949.99", "D"),
    payment("day_late", "P", _day(5, 14), "1000.00", "D"),
    payment("renewed", "P", _day(5, 6), "1000.00", "D"),
    payment("shared", "P", _day(5, 6), "800.00", "D"),
    payment("bounced", "P", _day(5, 6), "1000.00", "D"),
    payment("bounced", "B", _day(5, 20), "1000.00", None, reverses_payment_id="bounced-P"),
    payment("midnight", "P", _day(5, 1), "1000.00", "D"),
]
PROMISES: Rows = [
    promise("last_day", "T", _day(5, 1), "1000.00", _day(5, 10), "D"),
    promise("cent_short", "T", _day(5, 1), "1000.00", _day(5, 10), "D"),
    promise("day_late", "T", _day(5, 1), "1000.00", _day(5, 10), "D"),
    promise("running", "T", _day(6, 27), "1000.00", _day(6, 27), "D"),
    promise("renewed", "T1", _day(5, 1), "1000.00", _day(5, 10), "D"),
    promise("renewed", "T2", _day(5, 5), "1000.00", _day(5, 20), "D"),
    promise("shared", "T1", _day(5, 1), "500.00", _day(5, 10), None),
    promise("shared", "T2", _day(5, 2), "500.00", _day(5, 10), "D"),
    promise("credited", "T", _day(5, 1), "1000.00", _day(5, 10), "D"),
    promise("bounced", "T", _day(5, 1), "1000.00", _day(5, 10), "D"),
    # 17:00 UTC is 01:00 of the next day in Shanghai: cash of 1 May came before the promise.
    contact(
        "midnight",
        "T",
        datetime(2024, 5, 1, 17),
        "promise_to_pay",
        promised_amount="1000.00",
        promised_date=_day(5, 10),
        document_id="midnight-D",
    ),
]

ATTRIBUTION_LEDGER: Rows = [
    document(company, "D", _day(1, 2), _day(2, 1), "900.00")
    for company in (
        *("owned", "touched", "faded", "nobody"),
        *("split", "weighted", "limited", "promising"),
    )
]
ATTRIBUTION_PAYMENTS: Rows = [
    payment("owned", "P1", _day(2, 29), "100.00", "D"),
    payment("owned", "P2", _day(3, 1), "200.00", "D"),
    payment("owned", "B1", _day(4, 10), "100.00", None, reverses_payment_id="owned-P1"),
    payment("touched", "P", _day(2, 29), "300.00", "D"),
    payment("faded", "P", _day(2, 29), "400.00", "D"),
    payment("nobody", "P", _day(2, 29), "500.00", "D"),
    payment("split", "P", _day(2, 29), "100.00", "D"),
    payment("split", "B", _day(4, 10), "100.00", None, reverses_payment_id="split-P"),
    payment("weighted", "P", _day(2, 29), "100.00", "D"),
    payment("limited", "P", _day(2, 29), "100.00", "D"),
    payment("promising", "P1", _day(2, 29), "100.00", "D"),
    payment("promising", "P2", _day(3, 1), "100.00", "D"),
    payment("promising", "P3", _day(3, 2), "100.00", "D"),
]
NOON = timedelta(hours=4)
CONTACTS: Rows = [
    # 30 days before the payment is within the window, 31 days is not.
    contact("touched", "T1", datetime(2024, 1, 30) + NOON, "right_party", collector_id="K8"),
    contact("touched", "T2", datetime(2024, 1, 30) + NOON, "right_party", collector_id="K9"),
    # The last contact reached nobody, which is no touch.
    contact("touched", "T3", datetime(2024, 2, 10) + NOON, "no_answer", collector_id="K7"),
    contact("touched", "T4", datetime(2024, 3, 5) + NOON, "complaint", collector_id="K8"),
    contact("faded", "T", datetime(2024, 1, 29) + NOON, "right_party", collector_id="K9"),
    *(
        contact(
            company,
            f"T{day}",
            datetime(2024, 2, day) + NOON,
            "right_party",
            collector_id=collector,
        )
        for company, collectors in (
            ("split", ("K1", "K2", "K8")),
            ("weighted", ("K9", "K1", "K9")),
            ("limited", ("K1", "K2", "K2", "K2", "K2", "K2")),
        )
        for day, collector in enumerate(collectors, start=20)
    ),
    # Till 27 February, and three days of grace: the last of them is 1 March.
    promise("promising", "T1", _day(2, 10), "900.00", _day(2, 27), "D") | {"collector_id": "K8"},
    contact("promising", "T2", datetime(2024, 2, 20) + NOON, "right_party", collector_id="K9"),
]
PORTFOLIOS: Rows = [
    {"customer_id": "owned-C", "valid_from": _day(1, 1), "collector_id": "K1"},
    {"customer_id": "owned-C", "valid_from": _day(3, 1), "collector_id": "K2"},
    {
        "customer_id": "faded-C",
        "valid_from": _day(1, 1),
        "valid_to": _day(2, 28),
        "collector_id": "K1",
    },
]

# One collector each, who owns one customer, with a plan of 1,000.00 for March.
PAID = {
    "cents_short_of_80": "799.99",
    "just_80": "800.00",
    "just_100": "1000.00",
    "cents_short_of_120": "1199.99",
    "just_120": "1200.00",
    "clawed": "1200.00",
    "complained": "1000.00",
    "untrained": "1000.00",
    "trained": "1000.00",
    "breaching": "1000.00",
    "unplanned": "1000.00",
}
INCENTIVE_LEDGER: Rows = [
    document(company, "D", _day(1, 2), _day(2, 1), "2000.00") for company in PAID
]
INCENTIVE_PAYMENTS: Rows = [
    *(payment(company, "P", _day(3, 5), amount, "D") for company, amount in PAID.items()),
    payment("clawed", "B", _day(5, 10), "200.01", None, reverses_payment_id="clawed-P"),
]
INCENTIVE_PORTFOLIOS: Rows = [
    {"customer_id": f"{company}-C", "valid_from": _day(1, 1), "collector_id": company}
    for company in PAID
]
INCENTIVE_CONTACTS: Rows = [
    contact(
        "complained",
        "T",
        datetime(2024, 3, 12, 4),
        "complaint",
        collector_id="complained",
        is_complaint_upheld=True,
    ),
    # At three in the morning in Shanghai.
    contact("breaching", "T", datetime(2024, 3, 12, 19), "right_party", collector_id="breaching"),
]
INCENTIVE_TRAININGS: Rows = [
    {
        "collector_id": collector,
        "course_id": "law",
        "attempt_no": attempt,
        "training_date": _day(3, 1),
        "assessed_date": assessed,
        "is_passed": is_passed,
    }
    for collector, attempt, assessed, is_passed in (
        ("untrained", 1, _day(3, 31), False),
        ("untrained", 2, _day(4, 1), True),
        ("trained", 1, _day(3, 10), False),
        ("trained", 2, _day(3, 31), True),
    )
]

SCORECARD_LEDGER: Rows = [
    document("strict", "D", _day(4, 10), _day(7, 9), "10000.00"),
    against("strict", "W", "write_off", _day(5, 1), "100.00", "D"),
    *(
        document(company, "D", _day(4, 1), _day(5, 1), "1000.00")
        for company in ("reached", "raised")
    ),
]
SCORECARD_PAYMENTS: Rows = [
    payment(company, "P", _day(5, 20), "950.00", "D") for company in ("reached", "raised")
]
SURVEYS: Rows = [
    {
        "survey_id": f"{company}-{number}",
        "customer_id": f"{company}-C",
        "surveyed_at": datetime(2024, 5, 10),
        "score": "85.00",
    }
    for company, answers in (("reached", 30), ("raised", 29))
    for number in range(answers)
]
TRAININGS: Rows = [
    # A month after 31 January is 29 February: the first counts, the second came a day late.
    {
        "collector_id": collector,
        "course_id": "law",
        "training_date": _day(1, 31),
        "assessed_date": assessed,
        "is_passed": is_passed,
    }
    for collector, assessed, is_passed in (
        ("K1", _day(2, 29), True),
        ("K2", _day(3, 1), False),
    )
]


def _of_2023(month: int, day: int) -> date:
    return date(2023, month, day)


# Worked examples that others published; each test names its source.
PUBLISHED_LEDGER: Rows = [
    *(
        document(company, str(month), _of_2023(month, 10), _of_2023(month + 1, 9), amount)
        for company, amounts in {
            "by_oracle": ("5538.00", "4566.00", "7570.00"),
            "by_creditguru": ("3390.00", "3610.00", "3890.00"),
            "counted_back": ("700000.00", "800000.00", "900000.00"),
        }.items()
        for month, amount in enumerate(amounts, start=1)
    ),
    document(
        "by_creditguru",
        "0",
        date(2022, 12, 31),
        date(2022, 12, 31),
        "6200.00",
        document_type="opening_balance",
    ),
    document("pattern", "1", _of_2023(1, 15), _of_2023(2, 14), "100000.00"),
    *(
        document("weighted_days", amount, _of_2023(3, 1), _of_2023(3, 31), amount)
        for amount in ("10.00", "100.00")
    ),
]
PUBLISHED_PAYMENTS: Rows = [
    payment("by_oracle", "P1", _of_2023(2, 20), "5538.00", "1"),
    payment("by_oracle", "P2", _of_2023(3, 20), "1267.00", "2"),
    payment("by_creditguru", "P0", _of_2023(1, 20), "6200.00", "0"),
    payment("by_creditguru", "P1", _of_2023(2, 20), "640.00", "1"),
    payment("by_creditguru", "P2", _of_2023(3, 5), "3610.00", "2"),
    payment("by_creditguru", "P3", _of_2023(3, 20), "300.00", "3"),
    payment("counted_back", "P1", _of_2023(2, 20), "300000.00", "1"),
    *(
        payment("pattern", f"P{month}", _of_2023(month, 20), amount, "1")
        for month, amount in enumerate(
            ("5000.00", "50000.00", "30000.00", "10000.00", "5000.00"), start=1
        )
    ),
    payment("weighted_days", "P1", _of_2023(3, 6), "10.00", "10.00"),
    payment("weighted_days", "P2", _of_2023(3, 11), "100.00", "100.00"),
]
# One item each, or two: how old they are on average on 30 April and 31 May, and in which bucket.
SHIFTED_LEDGER: Rows = [
    document("longer", "D", _of_2023(5, 1), _of_2023(6, 25), "1000.00"),
    document("hardly_longer", "D", _of_2023(5, 1), _of_2023(6, 24), "1000.00"),
    document("longer_in_parts", "A", _of_2023(12, 1), _day(4, 29), "500.00"),
    document("longer_in_parts", "B", _of_2023(12, 1), _day(4, 28), "100.00"),
    document("longer_in_parts", "C", _day(5, 2), _day(5, 30), "43.00"),
    document("longer_in_parts", "D", _day(5, 2), _day(5, 29), "17.00"),
    *(
        row
        for company in ("shorter", "hardly_shorter")
        for row in (
            document(company, "A", _of_2023(12, 1), _day(2, 26), "1000.00"),
            document(company, "B", _of_2023(12, 1), _of_2023(12, 16), "1000.00"),
        )
    ),
    *(
        row
        for company, amount in (("surging", "120.00"), ("hardly_surging", "119.99"))
        for row in (
            document(company, "A", _day(4, 1), _day(4, 15), "100.00"),
            document(company, "B", _day(5, 1), _day(5, 15), amount),
        )
    ),
]
SHIFTED_PAYMENTS: Rows = [
    payment("shorter", "P", _day(5, 20), "1000.00", "B"),
    payment("hardly_shorter", "P", _day(5, 20), "999.99", "B"),
    payment("longer_in_parts", "P1", _day(5, 20), "500.00", "A"),
    payment("longer_in_parts", "P2", _day(5, 20), "100.00", "B"),
]
RETURNED_LEDGER: Rows = [
    document("returned", "D", _of_2023(1, 10), _of_2023(2, 9), "100.00"),
    against("returned", "W", "write_off", _of_2023(6, 15), "100.00", "D"),
    against("returned", "R1", "recovery", _day(6, 15), "20.00", "D"),
    against("returned", "R2", "recovery", _day(6, 16), "30.00", "D"),
]
TARGETS: Rows = [
    {
        "period_start": start,
        "period_type": period_type,
        "scope_type": scope_type,
        "scope_id": scope_id,
        "measure": measure,
        "target_value": value,
    }
    for start, period_type, scope_type, scope_id, measure, value in (
        (SECOND_QUARTER, "quarter", "company", "raised", "recovery_rate", "0.96"),
        (_day(2, 1), "month", "collector", "K1", "collected_amount", "400"),
        *(
            (_day(3, 1), "month", "collector", name, "collected_amount", "1000")
            for name in PAID
            if name != "unplanned"
        ),
        (_day(1, 1), "year", "collector", "just_100", "collected_amount", "3660"),
        (_day(1, 1), "half_year", "collector", "just_100", "collected_amount", "1000"),
        (_day(7, 1), "month", "collector", "just_100", "collected_amount", "1000"),
        (_day(3, 1), "month", "collector", "just_100", "happiness", "1"),
        (_day(3, 1), "month", "collector", "absent", "collected_amount", "10"),
        (FIRST_QUARTER, "quarter", "collector", "complained", "complaint_count", "0"),
        (_day(4, 1), "month", "company", "raised", "recovery_rate", "0.5"),
        (FIRST_QUARTER, "quarter", "team", "T1", "recovery_rate", "0.3"),
        (FIRST_QUARTER, "quarter", "team", "T1", "collected_amount", "300"),
        (_day(1, 1), "half_year", "team", "T1", "credit_sales_amount", "1000"),
        (FIRST_QUARTER, "quarter", "team", "T1", "complaint_rate", "100"),
        (FIRST_QUARTER, "quarter", "collector", "K8", "complaint_rate", "400"),
        (FIRST_QUARTER, "quarter", "company", "all", "complaint_rate", "250"),
        (FIRST_QUARTER, "quarter", "company", "all", "contact_count", "30"),
        (FIRST_QUARTER, "quarter", "company", "turn", "contact_count", "1"),
        (FIRST_QUARTER, "quarter", "collector", "K1", "credit_sales_amount", "1"),
        (_day(1, 1), "half_year", "company", "turn", "training_pass_rate", "0.9"),
        (_day(5, 1), "month", "company", "reached", "satisfaction_score", "85"),
        (_day(5, 1), "month", "collector", "K1", "success_rate", "0.5"),
        (SECOND_QUARTER, "quarter", "collector", "K1", "success_rate", "0.5"),
    )
]
QUARANTINED: Rows = [
    {
        "load_id": "earlier",
        "source": "canonical",
        "extract": "ledger",
        "delivery_date": _day(6, 1),
        "source_file": "rows.csv",
        "row_number": number,
        "reason_code": "BAD_DATE",
        "raw_text": "…",
        "row_key": key,
        "recorded_at": end_of_day(_day(6, 1)),
    }
    for number, key in ((7, "turn|turn-A|1"), (8, "turn|turn-X|1"))
]

EXTRACTS: dict[str, Rows] = {
    "ledger": [
        *TURNOVER_LEDGER,
        *RECOVERY_LEDGER,
        *PROMISE_LEDGER,
        *ATTRIBUTION_LEDGER,
        *INCENTIVE_LEDGER,
        *SCORECARD_LEDGER,
        *PUBLISHED_LEDGER,
        *SHIFTED_LEDGER,
        *RETURNED_LEDGER,
    ],
    "payments": [
        *TURNOVER_PAYMENTS,
        *RECOVERY_PAYMENTS,
        *PROMISE_PAYMENTS,
        *ATTRIBUTION_PAYMENTS,
        *INCENTIVE_PAYMENTS,
        *SCORECARD_PAYMENTS,
        *PUBLISHED_PAYMENTS,
        *SHIFTED_PAYMENTS,
    ],
    "contact_log": [*PROMISES, *CONTACTS, *INCENTIVE_CONTACTS],
    "collectors": [
        {
            "collector_id": name,
            "collector_name": name,
            "team_id": "T1",
            "role": "collector",
        }
        for name in ("K1", "K2", "K8", "K9")
    ],
    "portfolios": [*PORTFOLIOS, *INCENTIVE_PORTFOLIOS],
    "surveys": SURVEYS,
    "trainings": [*TRAININGS, *INCENTIVE_TRAININGS],
    "targets": TARGETS,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which everything was built and every test of the project has passed."""
    return made_once(tmp_path_factory, "measures", _make_home)


def _make_home(home: Path) -> Path:
    build_warehouse(home, EXTRACTS, as_of_date=AS_OF, quarantined_rows=QUARANTINED, is_tested=True)
    return home


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Iterator[Warehouse]:
    """What was built, opened once: that takes longer than a question does."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def ask(warehouse: Warehouse, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
    return warehouse.execute(query, parameters).fetchall()


def measures(
    warehouse: Warehouse,
    mart: str,
    company: str,
    period_type: str,
    start: date,
    names: tuple[str, ...],
) -> dict[str, tuple[Decimal | None, str]]:
    """Value and status of some measures of a company in a period."""
    columns = ", ".join(f"{name}, {name}_status" for name in names)
    (row,) = ask(
        warehouse,
        f"""
        select {columns} from marts.{mart}
        where company_code = ? and period_type = ? and period_start = ? and scope_type = 'company'
        """,  # noqa: S608
        [company, period_type, start],
    )
    return {name: (row[2 * n], row[2 * n + 1]) for n, name in enumerate(names)}


def ok(value: str) -> tuple[Decimal, str]:
    return Decimal(value), "ok"


def test_the_turnover_of_a_quarter_is_that_reckoned_by_hand(warehouse: Warehouse) -> None:
    # S = 3000 + 6000 - 500 = 8500; opening 0, closing 6000 - 2000 - 500 = 3500, all past due;
    # month ends 0, 3000, 6000, 3500; 91 days.
    found = measures(
        warehouse,
        "turnover_by_period",
        "turn",
        "quarter",
        FIRST_QUARTER,
        (
            "receivables_turnover",
            "receivables_turnover_13_point",
            "receivables_turnover_5_point",
            "turnover_days",
            "days_sales_outstanding",
            "days_sales_outstanding_rolling_3m",
            "best_possible_days_sales_outstanding",
            "average_days_delinquent",
            "average_collection_days",
            "average_collection_days_from_due_date",
            "unpaid_rate",
            "collection_effectiveness_index",
            "collection_effectiveness_index_period_total",
        ),
    )
    assert found == {
        "receivables_turnover": ok("4.85714286"),  # 8500 / 1750
        "receivables_turnover_13_point": ok("2.72"),  # 8500 / (12500 / 4)
        "receivables_turnover_5_point": ok("4.85714286"),
        "turnover_days": ok("18.73529412"),  # 91 x 1750 / 8500
        "days_sales_outstanding": ok("37.47058824"),  # 3500 x 91 / 8500
        "days_sales_outstanding_rolling_3m": ok("37.47058824"),
        "best_possible_days_sales_outstanding": ok("0"),
        "average_days_delinquent": ok("37.47058824"),
        "average_collection_days": ok("30.6"),  # (41 x 3000 + 15 x 2000) / 5000
        "average_collection_days_from_due_date": ok("0.6"),  # (11 x 3000 - 15 x 2000) / 5000
        "unpaid_rate": ok("0.41176471"),  # 3500 / (3500 + 5000)
        "collection_effectiveness_index": ok("-23.52941176"),  # (8500/3 - 3500) / (8500/3)
        "collection_effectiveness_index_period_total": ok("58.82352941"),  # 5000 / 8500
    }


@pytest.mark.parametrize(
    ("company", "period_type", "month", "measure", "published"),
    [
        # Oracle, JD Edwards EnterpriseOne Accounts Receivable, "Current Balance Divided by Sales":
        # (10869 x 90) / (5538 + 4566 + 7570) = 55.35.
        ("by_oracle", "quarter", 1, "days_sales_outstanding", "55.35"),
        # CreditGuru, "Collection Effectiveness Index": from January to March sales of 10,890 in
        # three months, 6,200 at first, 6,340 at last, of which 3,590 are current: 55.9 %.
        ("by_creditguru", "quarter", 1, "collection_effectiveness_index", "55.9"),
        # The same receivables by the definitions of the page on the best possible days (money-zine,
        # "Best Possible DSO"): 3,590 x 90 / 10,890; 6,340 - 3,590 = 2,750 are delinquent.
        ("by_creditguru", "quarter", 1, "best_possible_days_sales_outstanding", "29.67"),
        ("by_creditguru", "quarter", 1, "average_days_delinquent", "22.73"),
        # "Debtor Days Calculation Count Back Method": 2,100,000 are open; March 900,000 in 31 days,
        # February 800,000 in 28, and 400,000 of January's 700,000 in 31: 31 + 28 + 17.71.
        ("counted_back", "month", 3, "days_sales_outstanding_countback", "76.71"),
        # Dynamics 365, "average payment days": 10 paid in 5 days and 100 in 10 days are 9.55 when
        # they are weighted, and not 7.5.
        ("weighted_days", "month", 3, "average_collection_days", "9.55"),
    ],
)
def test_a_published_example_comes_out_as_published(
    warehouse: Warehouse, company: str, period_type: str, month: int, measure: str, published: str
) -> None:
    found = measures(
        warehouse, "turnover_by_period", company, period_type, _of_2023(month, 1), (measure,)
    )
    value, status = found[measure]
    assert status == "ok"
    assert value is not None
    assert round(value, len(published.partition(".")[2])) == Decimal(published)


def test_a_published_payment_pattern_is_the_vintage_of_its_month(warehouse: Warehouse) -> None:
    # Figurewizard, "How cash receipts from clients are calculated": of 100,000, 5 % come in the
    # month of the invoice, then 50 %, 30 %, 10 % and 5 %.
    rows = ask(
        warehouse,
        """
        select collected_rate from marts.vintage_by_month
        where
            company_code = 'pattern' and scope_type = 'company'
            and billing_month_start = date '2023-01-01' and months_since_billing < 6
        order by months_since_billing
        """,
    )
    expected = ("0.05", "0.55", "0.85", "0.95", "1", "1")
    assert [rate for (rate,) in rows] == [Decimal(rate) for rate in expected]


def test_a_month_that_was_credited_in_full_has_nothing_to_collect(warehouse: Warehouse) -> None:
    # The 1,000 of April were credited in May. July, the third month after, is not over.
    rows = ask(
        warehouse,
        """
        select net_billed_amount, collected_rate, collected_rate_status
        from marts.vintage_by_month
        where
            company_code = 'credited' and scope_type = 'company'
            and billing_month_start = date '2024-04-01' and months_since_billing between 1 and 3
        order by months_since_billing
        """,
    )
    assert rows == [
        (Decimal(0), None, "zero_denominator"),
        (Decimal(0), None, "zero_denominator"),
        (Decimal(0), None, "insufficient_history"),
    ]


def test_a_measure_without_a_denominator_says_so(warehouse: Warehouse) -> None:
    names = ("receivables_turnover", "turnover_days", "days_sales_outstanding")
    without_sales = measures(
        warehouse, "turnover_by_period", "turn", "quarter", SECOND_QUARTER, names
    )
    assert without_sales == {
        "receivables_turnover": ok("0"),
        "turnover_days": (None, "zero_denominator"),
        "days_sales_outstanding": (None, "zero_denominator"),
    }
    only_a_credit = measures(
        warehouse, "turnover_by_period", "minus", "quarter", SECOND_QUARTER, names
    )
    assert only_a_credit == dict.fromkeys(names, (None, "negative_denominator"))


@pytest.mark.parametrize(
    ("company", "period_type", "start", "mart", "expected"),
    [
        # Nothing was sold or paid: 3,500 past due stay 3,500, and none of it was collected.
        (
            "turn",
            "quarter",
            SECOND_QUARTER,
            "turnover_by_period",
            {
                "average_collection_days": (None, "zero_denominator"),
                "average_collection_days_from_due_date": (None, "zero_denominator"),
                "unpaid_rate": ok("1"),
                "collection_effectiveness_index": ok("0"),
                "best_possible_days_sales_outstanding": (None, "zero_denominator"),
                "average_days_delinquent": (None, "zero_denominator"),
            },
        ),
        ("turn", "quarter", SECOND_QUARTER, "bad_debt_by_period", {"bad_debt_rate": ok("0")}),
        # A credit memo is all there is: sales of -100 and receivables of -100.
        (
            "minus",
            "quarter",
            SECOND_QUARTER,
            "turnover_by_period",
            {
                "unpaid_rate": (None, "zero_denominator"),
                "collection_effectiveness_index": (None, "negative_denominator"),
                "collection_effectiveness_index_period_total": (None, "negative_denominator"),
                "best_possible_days_sales_outstanding": (None, "negative_denominator"),
                "average_days_delinquent": (None, "negative_denominator"),
                "days_sales_outstanding_countback": (None, "not_applicable"),
            },
        ),
        (
            "minus",
            "quarter",
            SECOND_QUARTER,
            "bad_debt_by_period",
            {
                "recovery_rate": (None, "zero_denominator"),
                "bad_debt_rate": (None, "negative_denominator"),
                "bad_debt_rate_of_average_receivables": (None, "negative_denominator"),
                "bad_debt_rate_of_credit_sales": (None, "negative_denominator"),
            },
        ),
        # Of April is only the cheque of 100 that bounced: 700 are owed of 700 - 100.
        (
            "owned",
            "month",
            _day(4, 1),
            "turnover_by_period",
            {
                "average_collection_days": (None, "negative_denominator"),
                "unpaid_rate": ok("1.16666667"),
            },
        ),
        # 600 were past due when April began.
        ("owned", "month", _day(4, 1), "bad_debt_by_period", {"recovery_rate": ok("-0.16666667")}),
    ],
)
def test_a_measure_of_nothing_or_less_has_a_status_or_says_how_much(
    warehouse: Warehouse,
    company: str,
    period_type: str,
    start: date,
    mart: str,
    expected: dict[str, tuple[Decimal | None, str]],
) -> None:
    assert measures(warehouse, mart, company, period_type, start, tuple(expected)) == expected


# 310 days past due become 341, which is ten per cent more; 311 become 342.
# A 64 days and B 136 days are 100 on average, and A alone is 95 a month later, five per cent less;
# a cent of B that is left is 167 days old and makes it 95.00072. Where 5 are late by a day and 1 by
# two, then 43 by a day and 17 by two, 7/6 days become 77/60: ten per cent more, though neither has
# eight decimals.
@pytest.mark.parametrize(
    ("company", "growth", "signal"),
    [
        ("longer", "0.10000000", "lengthened"),
        ("hardly_longer", "0.09967846", "steady"),
        ("longer_in_parts", "0.10000000", "lengthened"),
        ("shorter", "-0.05000000", "shortened"),
        ("hardly_shorter", "-0.04999280", "steady"),
    ],
)
def test_the_aging_has_shifted_from_its_threshold_on(
    warehouse: Warehouse, company: str, growth: str, signal: str
) -> None:
    rows = ask(
        warehouse,
        """
        select weighted_days_growth_rate, shift_signal_code from marts.aging_shift_by_month
        where
            company_code = ? and scope_type = 'company' and bucket_set = 'days'
            and month_start = date '2024-05-01'
        """,
        [company],
    )
    assert rows == [(Decimal(growth), signal)]


@pytest.mark.parametrize(
    ("company", "growth", "is_surge"),
    [("surging", "0.20000000", True), ("hardly_surging", "0.19990000", False)],
)
def test_a_bucket_surges_from_its_threshold_on(
    warehouse: Warehouse, company: str, growth: str, is_surge: bool
) -> None:
    # In April A was in 1-30, in May B is; A has gone on.
    rows = ask(
        warehouse,
        """
        select growth_rate, is_bucket_surge from marts.aging_shift_by_bucket
        where
            company_code = ? and scope_type = 'company' and bucket_set = 'days'
            and month_start = date '2024-05-01' and aging_bucket = '1-30'
        """,
        [company],
    )
    assert rows == [(Decimal(growth), is_surge)]


def test_what_comes_back_after_a_year_and_a_day_is_late(warehouse: Warehouse) -> None:
    # 20 of 100 came to the day a year after the write-off, 30 the day after. Of a write-off of the
    # last month no twelve have passed.
    rows = ask(
        warehouse,
        """
        select
            recovery_of_written_off_rate, recovery_of_written_off_within_12_months_rate,
            recovery_of_written_off_within_12_months_rate_status
        from marts.recovery_by_write_off_month
        where company_code in ('returned', 'reco') and scope_type = 'company'
        order by company_code desc
        """,
    )
    assert rows == [
        (Decimal("0.5"), Decimal("0.2"), "ok"),
        (Decimal("0.25"), None, "insufficient_history"),
    ]


def test_a_measure_that_needs_more_history_says_so(warehouse: Warehouse) -> None:
    names = ("days_sales_outstanding_rolling_3m", "receivables_turnover_5_point")
    january = measures(warehouse, "turnover_by_period", "turn", "month", FIRST_QUARTER, names)
    assert january == {
        "days_sales_outstanding_rolling_3m": (None, "insufficient_history"),
        "receivables_turnover_5_point": (None, "not_applicable"),
    }


def test_recovery_counts_what_was_open_or_billed_and_fell_due(warehouse: Warehouse) -> None:
    # Past due at the start R1 1000; falling due R2 1500 (500 came before), R4 800, R5 300. R3 falls
    # due later and its cash is left out. Cash: 400 + 1500 + 300 - 300 (bounced) + 300.
    found = measures(
        warehouse,
        "bad_debt_by_period",
        "reco",
        "quarter",
        SECOND_QUARTER,
        (
            "recovery_rate",
            "bad_debt_rate",
            "bad_debt_rate_of_average_receivables",
            "bad_debt_rate_of_credit_sales",
        ),
    )
    assert found == {
        "recovery_rate": ok("0.61111111"),  # 2200 / 3600
        "bad_debt_rate": ok("0.57142857"),  # 800 / (600 + 800)
        "bad_debt_rate_of_average_receivables": ok("0.51612903"),  # 800 / ((2500 + 600) / 2)
        "bad_debt_rate_of_credit_sales": ok("0.44444444"),  # 800 / 1800
    }


def test_a_write_off_that_is_recovered_keeps_both_amounts(warehouse: Warehouse) -> None:
    (row,) = ask(
        warehouse,
        """
        select write_off_amount, recovery_of_written_off_amount, net_write_off_amount
        from marts.bad_debt_by_period
        where company_code = 'reco' and period_type = 'month' and period_start = date '2024-06-01'
            and scope_type = 'company'
        """,
    )
    assert row == (Decimal("800.00"), Decimal("200.00"), Decimal("600.00"))


def test_recovery_within_days_waits_for_its_window_to_close(warehouse: Warehouse) -> None:
    names = tuple(f"recovery_rate_within_{days}_days" for days in (0, 30, 60, 90))
    # R2 fell due on 19 April: 500 came before, 1500 on the 30th day. 30 April + 60 is 29 June.
    april = measures(warehouse, "bad_debt_by_period", "reco", "month", _day(4, 1), names)
    assert list(april.values()) == [
        ok("0.25"),
        ok("1"),
        ok("1"),
        (None, "insufficient_history"),
    ]
    # R4 800 and R5 300: 300 came in time and bounced within 30 days. 31 May + 30 is the as-of date.
    may = measures(warehouse, "bad_debt_by_period", "reco", "month", _day(5, 1), names)
    assert list(may.values()) == [
        ok("0.27272727"),
        ok("0"),
        (None, "insufficient_history"),
        (None, "insufficient_history"),
    ]


def test_the_allowance_rolls_from_month_to_month(warehouse: Warehouse) -> None:
    # 31 May: R1 600 x 10 % (90 days), R3 700 x 0.5 %, R4 800 x 1 %, R5 300 x 1 % = 74.50.
    # 30 June: R1 600 x 25 % (120 days) = 150.00. Charge 150 - (74.50 - 800 + 200) = 675.50.
    (row,) = ask(
        warehouse,
        """
        select
            opening_allowance_amount, charge_amount, release_amount, write_off_amount,
            recovery_amount, closing_allowance_amount
        from marts.allowance_roll_forward
        where company_code = 'reco' and allowance_method = 'aging'
            and period_start = date '2024-06-01'
        """,
    )
    assert [str(amount) for amount in row] == [
        "74.50",
        "675.50",
        "0.00",
        "800.00",
        "200.00",
        "150.00",
    ]


def test_the_other_allowance_methods_foot_as_well(warehouse: Warehouse) -> None:
    # Receivables of 600 x 2 %; sales of 1000 (Feb), 2000 (Mar), 1100 (Apr) and 700 (May) x 0.5 %
    # are 24.00, less 800 written off, plus 200; direct write-off sets nothing aside; nothing is
    # judged alone; and of five months no roll rates of twelve can be had.
    rows = ask(
        warehouse,
        """
        select allowance_method, closing_allowance_amount
        from marts.allowance_roll_forward
        where company_code = 'reco' and period_start = date '2024-06-01'
            and allowance_method <> 'aging'
        order by allowance_method
        """,
    )
    assert rows == [
        ("direct_write_off", Decimal("0.00")),
        ("expected_loss", None),
        ("percent_of_receivables", Decimal("12.00")),
        ("percent_of_sales", Decimal("-576.00")),
        ("specific", Decimal("0.00")),
    ]


@pytest.mark.parametrize(
    ("promise_id", "status", "matched"),
    [
        ("last_day-T", "kept", "950.00"),
        ("cent_short-T", "partly_kept", "949.99"),
        ("day_late-T", "broken", "0.00"),
        ("running-T", "open", "0.00"),
        ("renewed-T1", "superseded", "0.00"),
        ("renewed-T2", "kept", "1000.00"),
        ("shared-T1", "kept", "500.00"),
        ("shared-T2", "partly_kept", "300.00"),
        ("credited-T", "cancelled", "0.00"),
        ("bounced-T", "broken", "0.00"),
        ("midnight-T", "broken", "0.00"),
    ],
)
def test_a_promise_is_what_its_cash_makes_of_it(
    warehouse: Warehouse, promise_id: str, status: str, matched: str
) -> None:
    (row,) = ask(
        warehouse,
        "select promise_status, matched_amount_document from marts.promises where promise_id = ?",
        [promise_id],
    )
    assert row == (status, Decimal(matched))


def test_a_promise_bears_the_day_of_the_company(warehouse: Warehouse) -> None:
    (row,) = ask(
        warehouse, "select promise_date from marts.promises where promise_id = 'midnight-T'"
    )
    assert row == (_day(5, 2),)


@pytest.mark.parametrize(
    ("payment_id", "owner", "toucher"),
    [
        ("owned-P1", "K1", "unattributed"),
        ("owned-P2", "K2", "unattributed"),
        ("owned-B1", "K1", "unattributed"),
        ("touched-P", "unattributed", "K9"),
        ("faded-P", "unattributed", "unattributed"),
        ("nobody-P", "unattributed", "unattributed"),
    ],
)
def test_cash_is_given_to_who_earned_it(
    warehouse: Warehouse, payment_id: str, owner: str, toucher: str
) -> None:
    rows = ask(
        warehouse,
        """
        select attribution_method, collector_id from marts.cash_attribution
        where payment_id = ? and attribution_method in ('portfolio_owner', 'last_touch')
        order by attribution_method
        """,
        [payment_id],
    )
    assert rows == [("last_touch", toucher), ("portfolio_owner", owner)]


# Two contacts of one instant go by their number: the first one is T1, the last one T2.
@pytest.mark.parametrize(
    ("payment_id", "method", "earned"),
    [
        ("touched-P", "first_touch", {"K8": "300.00"}),
        ("touched-P", "linear", {"K8": "150.00", "K9": "150.00"}),
        ("faded-P", "first_touch", {"unattributed": "400.00"}),
        ("faded-P", "linear", {"unattributed": "400.00"}),
        ("faded-P", "promise_first", {"unattributed": "400.00"}),
        # A third of 100.00 is 33.33 and a third of a cent: the first name has the cent.
        ("split-P", "linear", {"K1": "33.34", "K2": "33.33", "K8": "33.33"}),
        ("split-B", "linear", {"K1": "-33.34", "K2": "-33.33", "K8": "-33.33"}),
        # 66.66 and two thirds of a cent, 33.33 and a third: the larger remainder has the cent.
        ("weighted-P", "linear", {"K9": "66.67", "K1": "33.33"}),
        # Five contacts share, and the sixth before them none, which was the first one still.
        ("limited-P", "linear", {"K2": "100.00"}),
        ("limited-P", "first_touch", {"K1": "100.00"}),
        ("promising-P1", "promise_first", {"K8": "100.00"}),
        ("promising-P1", "last_touch", {"K9": "100.00"}),
        ("promising-P2", "promise_first", {"K8": "100.00"}),
        ("promising-P3", "promise_first", {"K9": "100.00"}),
    ],
)
def test_cash_is_given_out_by_every_method(
    warehouse: Warehouse, payment_id: str, method: str, earned: dict[str, str]
) -> None:
    rows = ask(
        warehouse,
        """
        select collector_id, attributed_amount from marts.cash_attribution
        where payment_id = $1 and attribution_method = $2
        """,
        [payment_id, method],
    )
    assert dict(rows) == {name: Decimal(amount) for name, amount in earned.items()}


def test_shares_that_do_not_divide_are_one_together(warehouse: Warehouse) -> None:
    rows = ask(
        warehouse,
        """
        select collector_id, attribution_share from marts.cash_attribution
        where payment_id = 'split-P' and attribution_method = 'linear'
        """,
    )
    assert dict(rows) == {
        "K1": Decimal("0.33333334"),
        "K2": Decimal("0.33333333"),
        "K8": Decimal("0.33333333"),
    }


def test_cash_taken_back_was_earned_when_it_came(warehouse: Warehouse) -> None:
    rows = ask(
        warehouse,
        """
        select payment_id, effective_date, earned_date from marts.cash_by_earner
        where payment_id in ('owned-P1', 'owned-B1') and is_portfolio_owner
        """,
    )
    assert set(rows) == {
        ("owned-P1", _day(2, 29), _day(2, 29)),
        ("owned-B1", _day(4, 10), _day(2, 29)),
    }


def test_a_collectors_month_stands_beside_its_target(warehouse: Warehouse) -> None:
    (row,) = ask(
        warehouse,
        """
        select
            collected_amount, collected_target_amount, collected_target_attainment_rate,
            training_pass_rate, satisfaction_score_status
        from marts.performance_by_collector_month
        where collector_id = 'K1' and month_start = date '2024-02-01'
        """,
    )
    # Of February K1 has owned-P1 only; the reversal counts in April.
    assert row == (
        Decimal("100.00"),
        Decimal("400.00"),
        Decimal("0.25"),
        Decimal(1),
        "insufficient_sample",
    )
    (april,) = ask(
        warehouse,
        """
        select collected_amount from marts.performance_by_collector_month
        where collector_id = 'K1' and month_start = date '2024-04-01'
        """,
    )
    assert april == (Decimal("-100.00"),)


# Tiers of the shipped seed: 0.2 % from 80 % of the plan, 0.4 % from 100 %, 0.6 % from 120 %. Of
# 1,200.00, 200.01 came back in May: 999.99 are left of it, in the tier below.
@pytest.mark.parametrize(
    ("collector", "tier", "before_gates", "incentive", "clawed_back"),
    [
        ("cents_short_of_80", "below_80", "0.00", "0.00", "0.00"),
        ("just_80", "from_80", "1.60", "1.60", "0.00"),
        ("just_100", "from_100", "4.00", "4.00", "0.00"),
        ("cents_short_of_120", "from_100", "4.80", "4.80", "0.00"),
        ("just_120", "from_120", "7.20", "7.20", "0.00"),
        ("clawed", "from_80", "2.00", "2.00", "5.20"),
        ("complained", "from_100", "4.00", "0.00", "0.00"),
        ("untrained", "from_100", "4.00", "0.00", "0.00"),
        ("trained", "from_100", "4.00", "4.00", "0.00"),
        ("breaching", "from_100", "4.00", "0.00", "0.00"),
    ],
)
def test_an_incentive_is_that_of_its_tier_behind_its_gates(
    warehouse: Warehouse,
    collector: str,
    tier: str,
    before_gates: str,
    incentive: str,
    clawed_back: str,
) -> None:
    (row,) = ask(
        warehouse,
        """
        select incentive_tier, tier_incentive_amount, incentive_amount, clawed_back_amount
        from marts.incentives_by_collector_month
        where collector_id = ? and month_start = date '2024-03-01'
        """,
        [collector],
    )
    assert row == (tier, Decimal(before_gates), Decimal(incentive), Decimal(clawed_back))


def test_without_a_plan_there_is_no_incentive(warehouse: Warehouse) -> None:
    (row,) = ask(
        warehouse,
        """
        select incentive_tier, incentive_amount, attainment_rate_status, kept_amount
        from marts.incentives_by_collector_month where collector_id = 'unplanned'
        """,
    )
    assert row == (None, None, "not_applicable", Decimal("1000.00"))


# 182 of 366 days have gone: 1,000.00 x 366 / 182 at the end of the year, and 3,660.00 x 182 / 366
# planned till now.
@pytest.mark.parametrize(
    ("period_type", "start", "scope_id", "measure", "expected"),
    [
        ("year", 1, "just_100", "collected_amount", ("1000", "1820", "2010.98901099", "missed")),
        ("half_year", 1, "just_100", "collected_amount", ("1000", "1000", "1000", "met")),
        ("month", 7, "just_100", "collected_amount", (None, "0", None, "not_applicable")),
        ("month", 3, "just_100", "happiness", (None, "1", None, "not_applicable")),
        ("month", 3, "absent", "collected_amount", ("0", "10", "0", "missed")),
        ("quarter", 1, "complained", "complaint_count", ("1", "0", "1", "missed")),
        # Nothing of April was paid in it.
        ("month", 4, "raised", "recovery_rate", (None, "0.5", None, "zero_denominator")),
        # Of T1's collectors only K2 owns a customer on the as-of date: of its 900.00, of 2 January
        # and due on 1 February, 100.00 came while it was K1's, 200.00 came since.
        ("quarter", 1, "T1", "recovery_rate", ("0.33333333", "0.3", "0.33333333", "met")),
        ("quarter", 1, "T1", "collected_amount", ("300", "300", "300", "met")),
        ("half_year", 1, "T1", "credit_sales_amount", ("900", "1000", "900", "missed")),
        # One complaint in March of a customer called in January as well: the six customers of the
        # quarter are no sum of two, four and one.
        ("quarter", 1, "T1", "complaint_rate", ("166.66666667", "100", "166.66666667", "missed")),
        # K8 has two other customers, of February.
        ("quarter", 1, "K8", "complaint_rate", ("333.33333333", "400", "333.33333333", "met")),
        # The two collectors without a team have a customer each, and one complaint.
        ("quarter", 1, "all", "complaint_rate", ("250", "250", "250", "met")),
        # 4 touched, 1 faded, 3 split, 3 weighted, 6 limited, 2 promising, and one each of the two.
        ("quarter", 1, "all", "contact_count", ("21", "30", "21", "missed")),
        # Nobody knows for which of its companies a customer is called, or a collector sells.
        ("quarter", 1, "turn", "contact_count", (None, "1", None, "not_applicable")),
        ("quarter", 1, "K1", "credit_sales_amount", (None, "1", None, "not_applicable")),
        # Of the first quarter 2 of 4, of April the second try of one: it passed.
        ("half_year", 1, "turn", "training_pass_rate", ("0.6", "0.9", "0.6", "missed")),
        ("month", 5, "reached", "satisfaction_score", ("85", "85", "85", "met")),
        # Eight items of K1's calls in May: a promise kept to the tolerance, one paid late but
        # within 30 days, one paid the day after. One called on 27 June may still be paid in July.
        ("month", 5, "K1", "success_rate", ("0.375", "0.5", "0.375", "missed")),
        ("quarter", 4, "K1", "success_rate", (None, "0.5", None, "insufficient_history")),
    ],
)
def test_a_plan_stands_beside_what_came_of_it(
    warehouse: Warehouse,
    period_type: str,
    start: int,
    scope_id: str,
    measure: str,
    expected: tuple[str | None, str, str | None, str],
) -> None:
    (row,) = ask(
        warehouse,
        """
        select actual_value, target_to_date_value, projected_value, target_status
        from marts.targets_by_period
        where period_type = $1 and period_start = $2 and scope_id = $3 and measure = $4
        """,
        [period_type, _day(start, 1), scope_id, measure],
    )
    *values, status = expected
    assert row == (*(None if value is None else Decimal(value) for value in values), status)


@pytest.mark.parametrize(
    ("period_type", "scope_id", "measure", "rate", "status"),
    [
        ("year", "just_100", "collected_amount", "0.27322404", "ok"),  # 1,000 / 3,660
        # No complaint was planned for, and one came.
        ("quarter", "complained", "complaint_count", None, "zero_denominator"),
        ("month", "just_100", "happiness", None, "not_applicable"),
    ],
)
def test_a_plan_is_attained_by_what_was_reached_of_it(
    warehouse: Warehouse,
    period_type: str,
    scope_id: str,
    measure: str,
    rate: str | None,
    status: str,
) -> None:
    (row,) = ask(
        warehouse,
        """
        select attainment_rate, attainment_rate_status from marts.targets_by_period
        where period_type = $1 and scope_id = $2 and measure = $3
        """,
        [period_type, scope_id, measure],
    )
    assert row == (None if rate is None else Decimal(rate), status)


def test_a_plan_for_all_asks_the_same_as_one_for_the_only_company(tmp_path: Path) -> None:
    # Two calls about one past-due document, one of them answered; five days later it is paid.
    measured = {
        "contact_count": ("2", None, None),
        "right_party_contact_rate_of_attempts": ("0.5", "1", "2"),
        "success_rate": ("1", "1", "1"),
    }
    target = {"period_start": _day(3, 1), "period_type": "month", "scope_type": "company"}
    path = build_warehouse(
        tmp_path,
        {
            "ledger": [document("only", "D", _day(2, 1), _day(3, 1), "100.00")],
            "payments": [payment("only", "P", _day(3, 25), "100.00", "D")],
            "contact_log": [
                contact("only", "1", datetime(2024, 3, 20, 2), "no_answer", document_id="only-D"),
                contact("only", "2", datetime(2024, 3, 20, 3), "right_party", document_id="only-D"),
            ],
            "targets": [
                {"scope_id": scope_id, "measure": measure, "target_value": 1, **target}
                for scope_id in ("all", "only")
                for measure in measured
            ],
        },
        as_of_date=AS_OF,
        only=["targets_by_period"],
    )
    rows = fetch(
        path,
        """
        select scope_id, measure, actual_value, actual_numerator, actual_denominator
        from marts.targets_by_period
        """,
    )
    assert sorted(rows) == [
        (scope_id, measure, *(None if value is None else Decimal(value) for value in values))
        for scope_id in ("all", "only")
        for measure, values in sorted(measured.items())
    ]


def scorecard(warehouse: Warehouse, company: str, measure: str, start: date) -> tuple[Any, ...]:
    (row,) = ask(
        warehouse,
        """
        select value, target_value, status, previous_value, change_value
        from marts.scorecard_by_quarter
        where company_code = ? and measure = ? and quarter_start = ?
        """,
        [company, measure, start],
    )
    return row


def test_a_bad_debt_rate_of_one_percent_is_not_below_it(warehouse: Warehouse) -> None:
    found = scorecard(warehouse, "strict", "bad_debt_rate", SECOND_QUARTER)
    assert found[:3] == (Decimal("0.01"), Decimal("0.01"), "missed")


def test_a_recovery_at_its_target_is_met_unless_the_target_was_raised(warehouse: Warehouse) -> None:
    reached = scorecard(warehouse, "reached", "recovery_rate", SECOND_QUARTER)
    assert reached[:3] == (Decimal("0.95"), Decimal("0.95"), "met")
    raised = scorecard(warehouse, "raised", "recovery_rate", SECOND_QUARTER)
    assert raised[:3] == (Decimal("0.95"), Decimal("0.96"), "missed")


def test_thirty_answers_are_a_sample_and_twenty_nine_are_not(warehouse: Warehouse) -> None:
    enough = scorecard(warehouse, "reached", "satisfaction_score", SECOND_QUARTER)
    assert enough[:3] == (Decimal(85), Decimal(85), "met")
    too_few = scorecard(warehouse, "raised", "satisfaction_score", SECOND_QUARTER)
    assert too_few[:3] == (None, Decimal(85), "insufficient_sample")


def test_an_assessment_after_more_than_a_month_does_not_count(warehouse: Warehouse) -> None:
    # K1 passed; of those with a second try, one failed in the quarter, the other failed and passed.
    # K2 was assessed a day late: with that one it would be 2 of 5.
    found = scorecard(warehouse, "turn", "training_pass_rate", FIRST_QUARTER)
    assert found[:3] == (Decimal("0.5"), Decimal("0.9"), "missed")


def test_a_quarter_stands_beside_the_one_before(warehouse: Warehouse) -> None:
    # The first quarter of R1 and R2: 0 of 1000 due; 500 came on an item not yet due.
    found = scorecard(warehouse, "reco", "recovery_rate", SECOND_QUARTER)
    assert found[3:] == (Decimal(0), Decimal("0.61111111"))


def test_the_group_adds_up_its_companies(warehouse: Warehouse) -> None:
    (row,) = ask(
        warehouse,
        """
        select
            sum(case when company_code = 'all' then numerator else -numerator end),
            sum(case when company_code = 'all' then denominator else -denominator end)
        from marts.scorecard_by_quarter
        where measure in ('recovery_rate', 'bad_debt_rate', 'days_sales_outstanding')
        """,
    )
    assert row == (0, 0)


def test_a_company_that_began_later_counts_in_the_days_of_its_group(tmp_path: Path) -> None:
    # Of `first` 4000 were sold in February and 2000 in April, and 3000 stay; `young` sold 1000 in
    # April, and 1000 stay. At the end of April, 90 days from February on: 4000 x 90 / 7000 for the
    # group, 3000 x 90 / 6000 for `first`; `young` has no three months. At the end of March the
    # group's books, which began in February, were no three months old.
    ledger = [
        document("first", "A", _day(2, 1), _day(3, 1), "4000.00"),
        document("first", "B", _day(4, 2), _day(5, 2), "2000.00"),
        document("young", "A", _day(4, 3), _day(5, 3), "1000.00"),
    ]
    payments = [payment("first", "P", _day(4, 20), "3000.00", "A")]
    measure = "days_sales_outstanding_rolling_3m"
    plans = [
        {
            "period_start": _day(month, 1),
            "period_type": "month",
            "scope_type": "company",
            "scope_id": scope_id,
            "measure": measure,
            "target_value": "45",
            "_delivery_date": DELIVERED,
        }
        for month in (3, 4)
        for scope_id in ("all", "first", "young")
    ]
    path = build_warehouse(
        tmp_path,
        {"ledger": ledger, "payments": payments, "targets": plans},
        as_of_date=_day(4, 30),
        only=["targets_by_period"],
    )
    rows = fetch(
        path,
        """
        select month(period_start), scope_id, actual_value, actual_status
        from marts.targets_by_period
        """,
    )
    assert {(month, scope_id): found for month, scope_id, *found in rows} == {
        (3, "all"): [None, "insufficient_history"],
        (3, "first"): [None, "insufficient_history"],
        (3, "young"): [None, "not_applicable"],
        (4, "all"): [Decimal("51.42857143"), "ok"],
        (4, "first"): [Decimal("45"), "ok"],
        (4, "young"): [None, "insufficient_history"],
    }


UNRATED_LEDGER: Rows = [
    document("unrated", "A", _day(4, 5), _day(5, 5), "1050.00"),
    against("unrated", "W", "write_off", _day(6, 1), "10.00", "A"),
    document("unrated", "B", _day(5, 10), _day(6, 9), "100.00", currency_code="USD"),
    # Written off in the month of its billing: no month's end holds it.
    document("settled", "A", _day(1, 5), _day(2, 4), "1000.00"),
    document("settled", "B", _day(2, 5), _day(2, 20), "100.00", currency_code="USD"),
    against("settled", "W", "write_off", _day(2, 25), "100.00", "B") | {"currency_code": "USD"},
    document("other", "A", _day(4, 5), _day(5, 5), "1000.00"),
]
RATED = {"from_currency": "USD", "to_currency": "CNY", "rate_date": _day(1, 1), "rate": "7"}
MARTS_OF_MONEY = (
    "turnover_by_period",
    "bad_debt_by_period",
    "allowance_by_bucket",
    "allowance_roll_forward",
)
MEASURES_OF_MONEY = ("bad_debt_rate", "days_sales_outstanding")


@pytest.fixture(scope="module")
def without_rates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Only a ledger, partly in a currency that has no rate; every test of the project passed."""
    path = made_once(tmp_path_factory, "without_rates", _make_without_rates)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def _make_without_rates(home: Path) -> Path:
    return build_warehouse(home, {"ledger": UNRATED_LEDGER}, as_of_date=AS_OF, is_tested=True)


@pytest.fixture(scope="module")
def with_rates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The same ledger, and the rate."""
    folder = tmp_path_factory.mktemp("with_rates")
    extracts = {"ledger": UNRATED_LEDGER, "fx_rates": [RATED]}
    marts = (*MARTS_OF_MONEY, "scorecard_by_quarter")
    path = build_warehouse(folder, extracts, as_of_date=AS_OF, only=marts)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def rate_statuses(warehouse: Warehouse, mart: str, company: str, condition: str) -> set[str]:
    rows = ask(
        warehouse,
        f"""
        select distinct rate_status from marts.{mart}
        where company_code = ? and {condition}
        """,  # noqa: S608
        [company],
    )
    return {status for (status,) in rows}


@pytest.mark.parametrize("mart", MARTS_OF_MONEY)
def test_a_month_tells_that_its_totals_leave_an_amount_out(
    without_rates: Warehouse, mart: str
) -> None:
    whole = {
        "allowance_by_bucket": "allowance_method = 'percent_of_receivables'",
        # The dollars are not judged alone.
        "allowance_roll_forward": "allowance_method <> 'specific'",
    }.get(mart, "period_type = 'month' and scope_type = 'company'")
    for month, statuses in ((4, {"ok"}), (5, {"missing"}), (6, {"missing"})):
        period = f"{whole} and period_start = '{_day(month, 1)}'"
        found = rate_statuses(without_rates, mart, "unrated", period)
        assert found == statuses, month
    assert rate_statuses(without_rates, mart, "other", "true") == {"ok"}


def test_a_bucket_without_the_amount_is_whole(without_rates: Warehouse) -> None:
    # At the end of May the dollars are not due, and the rest is 26 days past due.
    rows = ask(
        without_rates,
        """
        select aging_bucket, open_amount, rate_status from marts.allowance_by_bucket
        where
            company_code = 'unrated' and period_start = '2024-05-01'
            and allowance_method = 'aging'
            and aging_bucket in ('current', '1-30')
        order by 1
        """,
    )
    assert rows == [("1-30", Decimal("1050.00"), "ok"), ("current", Decimal("0.00"), "missing")]


def test_an_amount_that_no_month_end_holds_is_missed_too(without_rates: Warehouse) -> None:
    rows = ask(
        without_rates,
        """
        select month(period_start), turnover.rate_status, bad_debt.rate_status
        from marts.turnover_by_period as turnover
        inner join marts.bad_debt_by_period as bad_debt
            using (company_code, period_type, period_start, scope_type)
        where company_code = 'settled' and period_type = 'month' and scope_type = 'company'
        order by 1
        """,
    )
    # Credit sales of three months hold February until April.
    assert rows == [
        (1, "ok", "ok"),
        (2, "missing", "missing"),
        (3, "missing", "ok"),
        (4, "missing", "ok"),
        (5, "ok", "ok"),
        (6, "ok", "ok"),
    ]
    # What sales have charged stays in the allowance.
    for method, statuses in (("percent_of_sales", {"missing"}), ("aging", {"ok"})):
        condition = f"allowance_method = '{method}' and period_start = '2024-06-01'"
        found = rate_statuses(without_rates, "allowance_by_bucket", "settled", condition)
        assert found == statuses, method


@pytest.mark.parametrize("company", ["unrated", "all"])
def test_incomplete_money_is_shown_and_not_judged(without_rates: Warehouse, company: str) -> None:
    rows = ask(
        without_rates,
        """
        select measure, value is not null, status, rate_status
        from marts.scorecard_by_quarter
        where company_code = ? and quarter_start = ? and value is not null
        order by measure
        """,
        [company, SECOND_QUARTER],
    )
    assert rows == [(name, True, "not_applicable", "missing") for name in MEASURES_OF_MONEY]


def test_the_value_of_incomplete_money_is_of_what_converts(without_rates: Warehouse) -> None:
    found = scorecard(without_rates, "unrated", "bad_debt_rate", SECOND_QUARTER)
    # 10 of 1050; the dollars are in neither part.
    assert found[:3] == (Decimal("0.00952381"), Decimal("0.01"), "not_applicable")


def test_complete_money_is_judged(with_rates: Warehouse, without_rates: Warehouse) -> None:
    for mart in (*MARTS_OF_MONEY, "scorecard_by_quarter"):
        for company in ("unrated", "settled", "other"):
            assert rate_statuses(with_rates, mart, company, "true") == {"ok"}
    # 10 of 1050 + 700.
    found = scorecard(with_rates, "unrated", "bad_debt_rate", SECOND_QUARTER)
    assert found[:3] == (Decimal("0.00571429"), Decimal("0.01"), "met")
    untouched = scorecard(without_rates, "other", "bad_debt_rate", SECOND_QUARTER)
    assert untouched[:3] == (Decimal(0), Decimal("0.01"), "met")


def test_nobody_is_unknown_before_customers_are_delivered(without_rates: Warehouse) -> None:
    rows = ask(without_rates, "select distinct exception_code from marts.exceptions_by_document")
    assert rows == [("missing_rate",)]


def test_a_repaired_row_is_resolved_and_another_is_not(warehouse: Warehouse) -> None:
    rows = ask(
        warehouse, "select row_key, is_resolved from marts.quarantined_rows order by row_key"
    )
    assert rows == [("turn|turn-A|1", True), ("turn|turn-X|1", False)]


def test_every_kind_of_proof_is_there_and_closed(warehouse: Warehouse) -> None:
    rows = ask(
        warehouse,
        "select proof_code, bool_and(is_closed) from marts.proofs group by 1 order by 1",
    )
    # Nobody states a balance here, and nothing was published before: P2 and P8 have no rows.
    assert rows == [(code, True) for code in ("P1", "P3", "P4", "P5", "P6", "P7", "P9")]


def test_two_threads_build_the_same_marts(home: Path, tmp_path: Path) -> None:
    build_warehouse(
        tmp_path,
        EXTRACTS,
        as_of_date=AS_OF,
        quarantined_rows=QUARANTINED,
        threads=2,
        only=MARTS,
    )
    with (
        duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as one,
        duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as two,
    ):
        for mart in MARTS:
            query = f"select * from marts.{mart} order by all"  # noqa: S608
            assert one.execute(query).fetchall() == two.execute(query).fetchall(), mart


def build_proofs(home: Path, *models: str) -> None:
    warehouse = str(home / "warehouse.duckdb")
    with duckdb.connect(warehouse, config={"file_search_path": str(home)}) as connection:
        recorded_builds().build_again(connection, models)


def test_a_proof_that_does_not_close_stops_the_build(home: Path, tmp_path: Path) -> None:
    unbalanced = LoadRecord(
        load_id="unbalanced",
        load_sequence=99,
        run_id="test",
        source="canonical",
        extract="ledger",
        delivery_date=DELIVERED,
        delivery_kind="delta",
        file_name="lost.csv",
        file_sha256="0" * 64,
        file_bytes=1,
        mapping_fingerprint="test",
        status="rejected",
        recorded_at=end_of_day(DELIVERED),
        received_at=end_of_day(DELIVERED),
        rows_read=5,
        rows_accepted=4,
    )
    for name in ("warehouse.duckdb", "run_parameters.parquet"):
        (tmp_path / name).write_bytes((home / name).read_bytes())
    write_lake(tmp_path, EXTRACTS, loads=[unbalanced], quarantined_rows=QUARANTINED)
    build_proofs(tmp_path, "int_loads_counted", "proofs")
    with pytest.raises(AssertionError, match="assert_proofs_are_closed"):
        run_dbt(tmp_path, "test", select=["assert_proofs_are_closed"])
    rows = fetch(
        tmp_path / "warehouse.duckdb",
        "select left_amount, right_amount from marts.proofs where not is_closed",
    )
    assert rows == [(Decimal("5.00"), Decimal("4.00"))]


def test_every_side_of_a_proof_can_be_wrong(home: Path, tmp_path: Path) -> None:
    for name in ("warehouse.duckdb", "run_parameters.parquet"):
        (tmp_path / name).write_bytes((home / name).read_bytes())
    write_lake(tmp_path, EXTRACTS, quarantined_rows=QUARANTINED)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for fault in (
            # Opens elsewhere than the month before closed, and charges the difference.
            """update marts.allowance_roll_forward
            set opening_allowance_amount = 1, charge_amount = charge_amount - 1
            where allowance_method = 'percent_of_sales'
            and company_code = 'turn' and period_start = '2024-06-01'""",
            # Every scope alike, so that they still add up.
            """update marts.receivables_by_period
            set credit_sales_amount = credit_sales_amount + 1
            where period_type = 'month'
            and company_code = 'turn' and period_start = '2024-06-01'""",
            # What is left of settled documents, which only conversion can leave.
            """update marts.receivables_summed set remaining_amount = 0.01
            where company_code = 'turn' and open_amount_document = 0""",
            "delete from marts.performance_by_team_month where month_start = '2024-05-01'",
        ):
            connection.execute(fault)
    build_proofs(tmp_path, "proofs")
    rows = fetch(
        tmp_path / "warehouse.duckdb",
        "select proof_code, proof_subject from marts.proofs where not is_closed order by all",
    )
    assert rows == [
        ("P3", "fx_residue: balance of the journal = open items + residue of settled items"),
        (
            "P5",
            "allowance by percent_of_sales: required a month before + charges - net write-offs"
            " = required",
        ),
        ("P9", "cash collected by teams = cash attributed"),
        ("P9", "credit sales of the company = of the journal"),
    ]


@pytest.mark.parametrize(
    "fault",
    [
        "set upper_bound = 95 where aging_bucket = '31-60'",  # as far as the next one and beyond
        "set upper_bound = 999 where aging_bucket = 'over 365'",  # the oldest are in none
        "set unit = 'month' where aging_bucket = '1-30'",
        "set aging_bucket = 'unapplied_cash' where aging_bucket = '1-30'",
    ],
)
def test_buckets_that_overlap_or_leave_a_gap_are_refused(
    home: Path, tmp_path: Path, fault: str
) -> None:
    for name in ("warehouse.duckdb", "run_parameters.parquet"):
        (tmp_path / name).write_bytes((home / name).read_bytes())
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(f"update intermediate.aging_buckets {fault}")
    with pytest.raises(AssertionError, match="assert_seeds_are_valid"):
        run_dbt(tmp_path, "test", select=["assert_seeds_are_valid"])
