"""What collectors do, refreshed day by day, equals what is built from nothing.

Every case is a customer of its own, in one warehouse that is built once and refreshed with each
later delivery. After each of them it is compared, row by row, with a warehouse that knew it all.
"""

from datetime import date, datetime, time
from pathlib import Path
from shutil import copyfile
from typing import Any

import duckdb
import pytest

from ingest.records import LoadRecord
from tests.builds import build
from tests.conftest import made_once
from tests.warehouse import end_of_day, write_lake, write_run_parameters

pytestmark = pytest.mark.warehouse

# A delivery on most days of a change; the last run hears nothing new, but a month has ended.
FIRST, SECOND, THIRD, FOURTH = (
    date(2024, 2, 20),
    date(2024, 2, 22),
    date(2024, 3, 5),
    date(2024, 5, 2),
)
DAYS = (FIRST, SECOND, THIRD, FOURTH)

TABLES = (
    "intermediate.int_contacts_deduped",
    "intermediate.int_customers_contacted",
    "intermediate.int_customers_assigned",
    "intermediate.int_portfolios_spanned",
    "intermediate.int_promises_windowed",
    "intermediate.int_promises_paid",
    "intermediate.int_promises_judged",
    "intermediate.int_collector_months_counted",
    "intermediate.int_team_months_contacted",
    "marts.promises",
    "marts.cash_applications",
    "marts.cash_by_earner",
    "marts.cash_attribution",
    "marts.performance_by_collector_month",
    "marts.performance_by_team_month",
)
MODELS = tuple(table.split(".")[1] for table in TABLES)

Row = dict[str, Any]


def _day(month: int, day: int) -> date:
    return date(2024, month, day)


def invoice(customer: str, number: int = 1, delivered: date = FIRST, **rest: object) -> Row:
    return {
        "company_code": "main",
        "document_id": f"{customer}-D{number}",
        "customer_id": customer,
        "document_type": "invoice",
        "document_date": _day(1, 5),
        "due_date": _day(1, 20),
        "currency_code": "CNY",
        "amount": "100.00",
        "_delivery_date": delivered,
        **rest,
    }


def payment(
    customer: str, day: date, number: int = 1, delivered: date = FIRST, **rest: object
) -> Row:
    return {
        "company_code": "main",
        "payment_id": f"{customer}-P{number}",
        "customer_id": customer,
        "payment_date": day,
        "currency_code": "CNY",
        "amount": "100.00",
        "document_id": f"{customer}-D1",
        "_delivery_date": delivered,
        **rest,
    }


def contact(
    customer: str, day: date, number: int = 1, delivered: date = FIRST, **rest: object
) -> Row:
    return {
        "contact_id": f"{customer}-T{number}",
        "customer_id": customer,
        "collector_id": "K1",
        "contacted_at": datetime.combine(day, time(4)),
        "channel": "phone",
        "outcome": "right_party",
        "_delivery_date": delivered,
        **rest,
    }


def promise(
    customer: str,
    day: date,
    until: date,
    number: int = 1,
    delivered: date = FIRST,
    **rest: object,
) -> Row:
    return contact(
        customer,
        day,
        number,
        delivered,
        **{
            "outcome": "promise_to_pay",
            "document_id": f"{customer}-D1",
            "promised_amount": "100.00",
            "promised_date": until,
            **rest,
        },
    )


def owner(
    customer: str, collector: str, since: date, delivered: date = FIRST, **rest: object
) -> Row:
    return {
        "customer_id": customer,
        "collector_id": collector,
        "valid_from": since,
        "_delivery_date": delivered,
        **rest,
    }


LEDGER: list[Row] = [
    *[
        invoice(customer)
        for customer in (
            "late",
            "corrected",
            "moved",
            "receiver",
            "passing",
            "whole",
            "currency",
            "bounced",
            "owned",
            "teamed",
            "early",
            "future",
            "dated",
            "listed",
            "withheld",
            "reopened",
            "plans",
            "rated",
            "away",
        )
    ],
    invoice("whole", 2),
    invoice("moved", 2),
    invoice("plans", 2),
    # Promised for before it is known; then of two companies; then moved to another customer.
    invoice("unknown", delivered=SECOND),
    invoice("unknown", delivered=THIRD, company_code="other"),
    invoice("away", delivered=SECOND, customer_id="receiver"),
    # Of another currency than was said first.
    invoice("currency", delivered=SECOND, currency_code="USD"),
    # Due later than was said first.
    invoice("dated", delivered=SECOND, due_date=_day(3, 1)),
    # Worth more than was said first, so that cash leaves it open.
    invoice("reopened", delivered=THIRD, amount="180.00"),
    # A list of which the second full delivery leaves the document out.
    *[
        invoice(
            customer,
            delivered=delivered,
            _source="lists",
            _delivery_kind="full",
            _source_file=f"{delivered}.csv",
        )
        for customer, delivered in (("stays", FIRST), ("gone", FIRST), ("stays", SECOND))
    ],
    # Documents whose currency stands for their customer's promises.
    invoice("foreign", currency_code="EUR"),
    invoice("foreign", 2, delivered=THIRD, currency_code="USD"),
]

PAYMENTS: list[Row] = [
    payment("late", _day(1, 30)),
    payment("corrected", _day(2, 10)),
    payment("moved", _day(2, 12)),
    payment("whole", _day(2, 18)),
    payment("whole", _day(2, 19), 2, document_id="whole-D2"),
    payment("currency", _day(2, 15), delivered=SECOND, currency_code="USD"),
    # Paid in two pieces and taken back in part, then as a whole; with the document in between.
    payment("bounced", _day(2, 10), amount="60.00"),
    payment("bounced", _day(2, 12), 2, amount="40.00"),
    payment("bounced", _day(2, 21), 3, SECOND, amount="25.00", reverses_payment_id="bounced-P1"),
    payment("bounced", _day(3, 2), 4, THIRD, amount="40.00", reverses_payment_id="bounced-P2"),
    payment("owned", _day(1, 25)),
    payment("owned", _day(2, 21), 2, SECOND, amount="10.00"),
    payment("teamed", _day(2, 1)),
    # Kept before the month that it was promised for.
    payment("early", _day(2, 19)),
    # Dated ahead of the first two runs.
    payment("future", _day(3, 1)),
    payment("dated", _day(2, 15)),
    payment("listed", _day(2, 10)),
    payment("withheld", _day(2, 10)),
    payment("reopened", _day(2, 10)),
    payment("stays", _day(2, 10)),
    # A payment that is taken back from the source, and one whose amount and date are corrected.
    payment("plans", _day(2, 10), amount="55.00"),
    payment("plans", _day(2, 11), delivered=SECOND, amount="75.00"),
    payment("rated", _day(2, 14), delivered=THIRD),
]

CONTACTS: list[Row] = [
    # Told after the payment that it earned.
    contact("late", _day(1, 15), delivered=SECOND, collector_id="K2"),
    contact("late", _day(1, 20), 2, delivered=THIRD, collector_id="K3"),
    # A promise that was none, and is one again with another amount.
    promise("corrected", _day(2, 1), _day(2, 12)),
    contact("corrected", _day(2, 1), delivered=SECOND, outcome="no_answer"),
    promise("corrected", _day(2, 1), _day(2, 12), delivered=THIRD, promised_amount="250.00"),
    # To another document, then to another customer, then to another day.
    promise("moved", _day(2, 5), _day(2, 15)),
    promise("moved", _day(2, 5), _day(2, 15), delivered=SECOND, document_id="moved-D2"),
    promise(
        "moved",
        _day(2, 5),
        _day(2, 15),
        delivered=THIRD,
        customer_id="receiver",
        document_id="receiver-D1",
    ),
    promise(
        "moved",
        _day(4, 5),
        _day(4, 15),
        delivered=FOURTH,
        customer_id="receiver",
        document_id="receiver-D1",
    ),
    # Nothing happens but that its deadline passes.
    promise("passing", _day(2, 10), _day(2, 18)),
    promise("passing", _day(2, 19), _day(2, 28), 2),
    # Promises on two documents; then one for all, which is taken back.
    promise("whole", _day(2, 5), _day(2, 20)),
    promise("whole", _day(2, 5), _day(2, 20), 2, document_id="whole-D2"),
    promise(
        "whole", _day(2, 6), _day(2, 20), 3, SECOND, document_id=None, promised_amount="120.00"
    ),
    contact("whole", _day(2, 6), 3, THIRD, outcome="refusal"),
    promise("unknown", _day(2, 10), _day(2, 25)),
    promise("away", _day(2, 10), _day(2, 25)),
    promise("currency", _day(2, 10), _day(2, 25)),
    promise("foreign", _day(2, 10), _day(2, 25), document_id=None),
    promise("bounced", _day(2, 5), _day(2, 14)),
    contact("owned", _day(1, 20), collector_id="K3"),
    contact("teamed", _day(1, 20), collector_id="K4"),
    promise("teamed", _day(1, 21), _day(2, 5), 2, collector_id="K4"),
    promise("early", _day(2, 15), _day(4, 10)),
    promise("future", _day(2, 15), _day(3, 10)),
    promise("reopened", _day(2, 5), _day(2, 8)),
    promise("gone", _day(2, 5), _day(2, 15)),
    promise("stays", _day(2, 5), _day(2, 15)),
    promise("rated", _day(2, 1), _day(2, 15)),
    # A plan of two parts; then the newer one replaces it.
    promise("plans", _day(2, 1), _day(2, 12), outcome="payment_plan", promised_amount="50.00"),
    promise("plans", _day(2, 1), _day(2, 26), 2, outcome="payment_plan", promised_amount="50.00"),
    promise("plans", _day(2, 21), _day(3, 1), 3, SECOND, promised_amount="30.00"),
    # Dated ahead of the run: it is told before its day has come.
    contact("ahead", _day(2, 28), collector_id="K5"),
    # Nobody delivered this customer; the contact is corrected to one that is known.
    contact("nobody", _day(2, 10)),
    contact("nobody", _day(2, 10), delivered=THIRD, customer_id="late"),
    # Full lists: the second leaves a contact out, and another whose row it holds back; the third
    # brings the first one back.
    *[
        promise(
            customer,
            _day(2, 5),
            _day(2, 15),
            delivered=delivered,
            _source="dialer",
            _delivery_kind="full",
            _source_file=f"{delivered}.csv",
        )
        for customer, delivered in (
            ("listed", FIRST),
            ("withheld", FIRST),
            ("passed", FIRST),
            ("passed", SECOND),
            ("listed", THIRD),
        )
    ],
]

# Its row of the second list is held back: it is not left out.
WITHHELD = LoadRecord(
    load_id="withheld",
    load_sequence=1000,
    run_id="test",
    source="dialer",
    extract="contact_log",
    delivery_date=SECOND,
    delivery_kind="full",
    file_name="withheld.csv",
    file_sha256="withheld",
    file_bytes=1,
    mapping_fingerprint="test",
    status="admitted",
    recorded_at=end_of_day(SECOND),
    received_at=end_of_day(SECOND),
    rows_read=1,
    rows_quarantined=1,
)
QUARANTINED: Row = {
    "load_id": WITHHELD.load_id,
    "source": WITHHELD.source,
    "extract": WITHHELD.extract,
    "delivery_date": SECOND,
    "source_file": WITHHELD.file_name,
    "row_number": 1,
    "reason_code": "unknown_code",
    "row_key": "withheld-T1",
    "recorded_at": WITHHELD.recorded_at,
}

PORTFOLIOS: list[Row] = [
    owner("late", "K1", _day(1, 1)),
    owner("bounced", "K2", _day(1, 1)),
    owner("teamed", "K4", _day(1, 1)),
    # Handed over in the past, and then again.
    owner("owned", "K1", _day(1, 1)),
    owner("owned", "K2", _day(1, 20), SECOND),
    owner("owned", "K3", _day(1, 24), THIRD),
    # A full list that leaves an owner out.
    *[
        owner(
            customer,
            "K5",
            _day(1, 1),
            delivered,
            _source="crm",
            _delivery_kind="full",
            _source_file=f"{delivered}.csv",
        )
        for customer, delivered in (("early", FIRST), ("future", FIRST), ("early", THIRD))
    ],
]

COLLECTORS: list[Row] = [
    *[
        {"collector_id": f"K{number}", "team_id": team, "_delivery_date": FIRST}
        for number, team in ((1, "north"), (2, "north"), (3, "south"), (4, "south"))
    ],
    {"collector_id": "K4", "team_id": "north", "_delivery_date": SECOND},
    {"collector_id": "K5", "team_id": "south", "_delivery_date": THIRD},
    {"collector_id": "K1", "team_id": None, "_delivery_date": THIRD},
]

CUSTOMERS: list[Row] = [
    {"customer_id": "currency", "_delivery_date": FIRST},
    {"customer_id": "rated", "currency_code": "CNY", "_delivery_date": FIRST},
    {"customer_id": "foreign", "_delivery_date": FIRST},
    {"customer_id": "unknown", "currency_code": "EUR", "_delivery_date": FIRST},
    {"customer_id": "unknown", "currency_code": "USD", "_delivery_date": SECOND},
]

FX_RATES: list[Row] = [
    {
        "rate_date": day,
        "from_currency": currency,
        "to_currency": "CNY",
        "rate": rate,
        "_delivery_date": delivered,
    }
    for day, currency, rate, delivered in (
        (_day(1, 1), "EUR", "7.8", FIRST),
        (_day(1, 1), "USD", "7.1", FIRST),
        (_day(2, 9), "EUR", "7.9", SECOND),
        (_day(1, 1), "USD", "7.3", THIRD),
    )
]

SURVEYS: list[Row] = [
    {
        "survey_id": survey,
        "customer_id": "owned",
        "surveyed_at": datetime.combine(day, time(4)),
        "score": 90,
        "_delivery_date": delivered,
    }
    for survey, day, delivered in (
        ("S1", _day(1, 22), FIRST),
        ("S2", _day(1, 23), THIRD),
        ("S3", _day(1, 26), THIRD),
    )
]

TRAININGS: list[Row] = [
    {
        "collector_id": "K6",
        "course_id": "talks",
        "attempt_no": 1,
        "training_date": _day(1, 10),
        "assessed_date": _day(1, 20),
        "is_passed": passed,
        "_delivery_date": delivered,
    }
    for passed, delivered in ((False, SECOND), (True, THIRD))
]

TARGETS: list[Row] = [
    {
        "period_start": _day(month, 1),
        "period_type": "month",
        "scope_type": scope,
        "scope_id": name,
        "measure": "collected_amount",
        "target_value": value,
        "_delivery_date": delivered,
    }
    for month, scope, name, value, delivered in (
        (2, "collector", "K1", "500", FIRST),
        (2, "collector", "K1", "600", SECOND),
        (3, "team", "west", "100", FIRST),
        (4, "collector", "K7", "100", SECOND),
    )
]

EXTRACTS = {
    "ledger": LEDGER,
    "payments": PAYMENTS,
    "contact_log": CONTACTS,
    "portfolios": PORTFOLIOS,
    "collectors": COLLECTORS,
    "customers": CUSTOMERS,
    "fx_rates": FX_RATES,
    "surveys": SURVEYS,
    "trainings": TRAININGS,
    "targets": TARGETS,
}


def _build(home: Path, day: date, *, continues: bool) -> Path:
    """What was delivered until a day, asked on that day."""
    write_run_parameters(home, as_of_date=day, known_at=end_of_day(day), continues=continues)
    return build(home, only=MODELS)


def _make_both(folder: Path) -> dict[date, tuple[Path, Path]]:
    """By day: the warehouse refreshed until then, and one built from nothing then.

    All deliveries are in the lake; a run knows those until its own day.
    """
    write_lake(folder, EXTRACTS, loads=[WITHHELD], quarantined_rows=[QUARANTINED])
    _build(folder, FIRST, continues=False)
    refreshed = {
        day: _keep(_build(folder, day, continues=True), folder / f"refreshed_{day}")
        for day in DAYS[1:]
    }
    rebuilt = {
        day: _keep(_build(folder, day, continues=False), folder / f"rebuilt_{day}")
        for day in DAYS[1:]
    }
    return {day: (refreshed[day], rebuilt[day]) for day in rebuilt}


def _keep(warehouse: Path, folder: Path) -> Path:
    """A copy of a warehouse, under its own name, by which its views call it."""
    folder.mkdir(exist_ok=True)
    return copyfile(warehouse, folder / warehouse.name)


def _rows(warehouse: Path, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cursor = connection.execute(f"select * from {table} order by all")  # noqa: S608
        return [column[0] for column in cursor.description], cursor.fetchall()


@pytest.fixture(scope="module", params=DAYS[1:], ids=str)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The warehouse refreshed until a day, and one built from nothing on it."""
    return made_once(tmp_path_factory, "refreshed_work", _make_both)[request.param]


@pytest.mark.parametrize("table", TABLES)
def test_a_refresh_equals_a_rebuild(both: tuple[Path, Path], table: str) -> None:
    names, refreshed = _rows(both[0], table)
    _, rebuilt = _rows(both[1], table)
    assert rebuilt, f"{table}: there was nothing to compare"
    stale = [row for row in refreshed if row not in rebuilt]
    missing = [row for row in rebuilt if row not in refreshed]
    assert (len(refreshed), stale, missing) == (len(rebuilt), [], []), names
