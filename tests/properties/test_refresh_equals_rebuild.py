"""A refresh gives the marts that a rebuild gives, row by row, whatever is delivered and when.

Random companies are built at their first delivery and refreshed at each later one, and between
deliveries when only time has passed; after every step all marts are compared with those of a
rebuild from nothing that is asked the same. COLLECTIONS_SEQUENCES says how many sequences are
drawn and COLLECTIONS_FIRST_SEQUENCE the number of the first. A step costs nearly the same whatever
the number of companies, so that one sequence has many.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.builds import Recorded, recorded_builds
from tests.properties.companies import DELIVERIES
from tests.properties.sequences import DeliverySequence, Step, draw_sequence
from tests.warehouse import end_of_day, write_lake, write_run_parameters

pytestmark = pytest.mark.warehouse

COMPANIES = 32
SEQUENCES = int(os.environ.get("COLLECTIONS_SEQUENCES", "1"))
FIRST_SEQUENCE = int(os.environ.get("COLLECTIONS_FIRST_SEQUENCE", "16"))
"""In the sixteenth a delivery comes after a day, a week, a month and two months; between deliveries
once nothing happens and once two months pass; and a currency gets its first rate late."""
SHOWN_ROWS = 12

Warehouse = duckdb.DuckDBPyConnection
Rows = Counter[tuple[Any, ...]]


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return recorded_builds()


@pytest.mark.parametrize("number", range(FIRST_SEQUENCE, FIRST_SEQUENCE + SEQUENCES))
def test_a_refresh_gives_the_marts_of_a_rebuild(
    recorded: Recorded, tmp_path: Path, number: int
) -> None:
    for _ in refreshed_by_step(recorded, tmp_path, draw_sequence(number, COMPANIES)):
        pass


def refreshed_by_step(
    recorded: Recorded, home: Path, sequence: DeliverySequence
) -> Iterator[Warehouse]:
    """The warehouse after each step, once it was found equal to one that is built from nothing."""
    write_lake(home, sequence.rows, quarantined_rows=sequence.quarantined_rows)
    refreshed = recorded.open(home)
    for place, step in enumerate(sequence.steps):
        asked = {"as_of_date": step.as_of_date, "known_at": step.known_at}
        write_run_parameters(home, **asked)
        if place == 0:
            recorded.build(refreshed)
        else:
            rebuilt = recorded.open(home)
            recorded.build(rebuilt)
            before = {name: rows_of(refreshed, name) for name in changing_models(refreshed)}
            _continue_parameters(home, asked, sequence.steps[place - 1])
            recorded.continue_build(refreshed)
            require_true_changes(before, refreshed, step)
            require_equal_marts(refreshed, rebuilt, sequence, place)
            rebuilt.close()
        yield refreshed
    refreshed.close()


def _continue_parameters(home: Path, asked: dict[str, Any], previous: Step) -> None:
    """State a run that continues the one before, of which the rebuild may have overwritten it."""
    write_run_parameters(home, as_of_date=previous.as_of_date, known_at=previous.known_at)
    write_run_parameters(home, **asked, continues=True)


# -- what a refresh leaves alone ----------------------------------------------------------------

FIRST, SECOND = DELIVERIES[1], DELIVERIES[2]
DOCUMENTS: list[dict[str, Any]] = [
    {
        "document_id": f"D{number}",
        "customer_id": f"A{number % 4}",
        "document_type": "invoice",
        "document_date": date(2024, 1, 5 + number),
        "due_date": date(2024, 2, 5 + number),
        "currency_code": "USD" if number % 3 == 0 else "CNY",
        "amount": "100.00",
    }
    for number in range(12)
]
PAYMENTS: list[dict[str, Any]] = [
    {
        "payment_id": f"P{number}",
        "customer_id": f"A{number % 4}",
        "payment_date": date(2024, 2, 20),
        "currency_code": "CNY",
        "amount": "40.00",
        "document_id": f"D{number}",
    }
    for number in (1, 2, 4, 5)
]
RATES: list[dict[str, Any]] = [
    {"rate_date": day, "from_currency": "USD", "to_currency": "CNY", "rate": "7.00"}
    for day in (date(2024, 1, 1), date(2024, 1, 10))
]


def told_first() -> dict[str, list[dict[str, Any]]]:
    """What the first delivery brings."""
    rows = {"ledger": DOCUMENTS, "payments": PAYMENTS, "fx_rates": RATES}
    return {name: [row | {"_delivery_date": FIRST} for row in told] for name, told in rows.items()}


def _kept_open(steps: Iterator[Warehouse]) -> Iterator[Warehouse]:
    """All but the end of the steps, which closes what they yield."""
    yield next(steps)
    yield next(steps)


def changed_documents(refreshed: Warehouse, model: str) -> set[str]:
    query = f"select distinct document_id from intermediate.changes_of_{model}"  # noqa: S608
    return {document_id for (document_id,) in refreshed.execute(query).fetchall()}


JOURNAL = ("receivable_movements", "receivable_items", "receivables_by_span")


def test_what_is_corrected_or_late_changes_what_it_is_about_and_nothing_else(
    recorded: Recorded, tmp_path: Path
) -> None:
    rows = told_first()
    corrected = DOCUMENTS[1] | {"amount": "90.00"}
    late = PAYMENTS[1] | {"payment_id": "late", "payment_date": date(2024, 2, 27)}
    rate = RATES[1] | {"rate": "7.50"}
    for name, row in (("ledger", corrected), ("payments", late), ("fx_rates", rate)):
        rows[name].append(row | {"_delivery_date": SECOND})
    steps = [Step(SECOND, end_of_day(FIRST)), Step(SECOND, end_of_day(SECOND))]
    sequence = DeliverySequence(0, rows, [], steps)
    *_, refreshed = _kept_open(refreshed_by_step(recorded, tmp_path, sequence))
    # The late payment pays D2. Of D0, D3, D6 and D9 the last two are of days of the changed rate,
    # which is in no item: it holds the document's own currency.
    changed = {model: changed_documents(refreshed, model) - {"late"} for model in JOURNAL}
    assert changed == {
        "receivable_movements": {"D1", "D2", "D6", "D9"},
        "receivable_items": {"D1"},
        "receivables_by_span": {"D1", "D2", "D6", "D9"},
    }
    (closed,) = refreshed.execute(
        "select cash_applied_amount from marts.turnover_by_period where period_type = 'month' "
        "and period_start = date '2024-02-01' and scope_type = 'company'"
    ).fetchall()
    assert closed == (200,)


def test_days_that_pass_change_no_movement_and_no_item(recorded: Recorded, tmp_path: Path) -> None:
    write_lake(tmp_path, told_first())
    write_run_parameters(tmp_path, as_of_date=date(2024, 3, 30), known_at=end_of_day(FIRST))
    with recorded.open(tmp_path) as warehouse:
        recorded.build(warehouse)
        for day in (date(2024, 3, 31), date(2024, 4, 1), date(2024, 4, 30)):
            known_at = end_of_day(SECOND)
            write_run_parameters(tmp_path, as_of_date=day, known_at=known_at, continues=True)
            recorded.continue_build(warehouse)
            assert not any(changed_documents(warehouse, model) for model in JOURNAL), day


def test_a_first_ledger_makes_what_was_told_before_it_known_from_the_beginning(
    recorded: Recorded, tmp_path: Path
) -> None:
    promise = {
        "contact_id": "T",
        "customer_id": "promised",
        "collector_id": "K",
        "contacted_at": datetime(2024, 1, 5, 2),
        "channel": "phone",
        "outcome": "promise_to_pay",
        "promised_amount": "50.00",
        "promised_date": date(2024, 1, 10),
        "_delivery_date": FIRST,
    }
    payment = {
        "payment_id": "P",
        "customer_id": "paid",
        "payment_date": date(2024, 1, 20),
        "currency_code": "CNY",
        "amount": "40.00",
        "_delivery_date": FIRST,
    }
    rows = {
        "contact_log": [promise],
        "payments": [payment],
        "ledger": [document | {"_delivery_date": SECOND} for document in DOCUMENTS],
    }
    steps = [Step(SECOND, end_of_day(FIRST)), Step(SECOND, end_of_day(SECOND))]
    sequence = DeliverySequence(0, rows, [], steps)
    *_, refreshed = _kept_open(refreshed_by_step(recorded, tmp_path, sequence))
    counted = refreshed.execute(
        "select customer_id, min(month_start) from marts.credit_points_by_customer_month "
        "where broken_promise_count > 0 or balance_amount < 0 group by customer_id order by all"
    ).fetchall()
    assert counted == [("paid", date(2024, 1, 1)), ("promised", date(2024, 1, 1))]


# -- comparing --------------------------------------------------------------------------------


def require_equal_marts(
    refreshed: Warehouse, rebuilt: Warehouse, sequence: DeliverySequence, place: int
) -> None:
    """Fail with the first model that differs, in the order in which they are built."""
    steps = sequence.steps
    asked = list(_asked(steps[place]))
    different = [
        query
        for query in (*models_of(rebuilt, "marts"), *asked)
        if _fingerprint(refreshed, query) != _fingerprint(rebuilt, query)
    ]
    if not different:
        return
    causes = [
        name
        for name in models_of(rebuilt, "intermediate")
        if not name.endswith("_touched")
        and not name.startswith("intermediate.changes_of_")
        and _fingerprint(refreshed, name) != _fingerprint(rebuilt, name)
    ]
    before, step = steps[place - 1], steps[place]
    message = [
        f"sequence {sequence.number}, step {place}: {before} -> {step}",
        f"marts that differ: {different}",
        f"intermediate models that differ: {causes}",
    ]
    shown = different[:2] + [name for name in causes if name not in different][:3]
    keys: set[str] = set()
    for query in shown:
        here, there = rows_of(refreshed, query), rows_of(rebuilt, query)
        message.append(f"\n{query}")
        columns = _columns(rebuilt, query)
        for label, rows in (("refreshed", here - there), ("rebuilt", there - here)):
            message.append(f"  only {label}: {rows.total()} rows")
            for row in sorted(rows, key=str)[:SHOWN_ROWS]:
                message.append("    " + _told(dict(zip(columns, row, strict=True))))
            keys |= {str(value) for row in rows for value in row if isinstance(value, str)}
    message += _deliveries(sequence, steps[place], keys)
    pytest.fail("\n".join(message), pytrace=False)


def _asked(step: Step) -> Iterator[str]:
    """The table macros on the run's day, on a month end and on a day in between."""
    known_at = step.known_at.isoformat(sep=" ")
    month_end = step.as_of_date.replace(day=1) - timedelta(days=1)
    for day, instant in (
        (step.as_of_date, known_at),
        (month_end, known_at),
        (date(2024, 3, 20), end_of_day(DELIVERIES[1]).isoformat(sep=" ")),
    ):
        for macro in ("aging_as_of", "open_items_as_of"):
            yield f"marts.{macro}('{day}', '{instant}')"


def models_of(warehouse: Warehouse, schema: str) -> list[str]:
    """Tables and views of a schema in the order in which they were made."""
    rows = warehouse.execute(
        """
        select table_name, table_oid from duckdb_tables()
        where schema_name = $schema and database_name = 'warehouse'
        union all
        select view_name, view_oid from duckdb_views()
        where schema_name = $schema and database_name = 'warehouse'
        order by table_oid
        """,
        {"schema": schema},
    ).fetchall()
    return [f"{schema}.{name}" for name, _ in rows]


def changing_models(warehouse: Warehouse) -> list[str]:
    """The models that are refreshed row by row."""
    rows = warehouse.execute(
        """
        select target.schema_name || '.' || target.table_name
        from duckdb_tables() as changes
        inner join duckdb_tables() as target
            on changes.table_name = 'changes_of_' || target.table_name
        where changes.schema_name = 'intermediate'
        """
    ).fetchall()
    return sorted(name for (name,) in rows)


def require_true_changes(before: dict[str, Rows], refreshed: Warehouse, step: Step) -> None:
    """Fail when a set of changes is not exactly what became different, or nothing had to."""
    for model in changing_models(refreshed):
        name = model.split(".")[1]
        told = {
            kind: rows_of(
                refreshed,
                f"(select * exclude (_change) from intermediate.changes_of_{name} "  # noqa: S608
                f"where _change = '{kind}')",
            )
            for kind in ("removed", "added")
        }
        after = rows_of(refreshed, model)
        if model in before:
            assert told["removed"] == before[model] - after, f"{model}: rows told as removed"
            assert told["added"] == after - before[model], f"{model}: rows told as added"
        if step.is_repeated:
            assert not any(told.values()), f"{model} changed though nothing happened: {told}"


def _fingerprint(warehouse: Warehouse, query: str) -> tuple[Any, ...]:
    (found,) = warehouse.execute(
        f"select count(*), sum(hash(compared)::hugeint) from {query} as compared"  # noqa: S608
    ).fetchall()
    return found


def rows_of(warehouse: Warehouse, query: str) -> Rows:
    """All rows with how often each is there."""
    return Counter(
        tuple(str(value) if isinstance(value, list | dict) else value for value in row)
        for row in warehouse.execute(f"select * from {query}").fetchall()  # noqa: S608
    )


def _columns(warehouse: Warehouse, query: str) -> list[str]:
    cursor = warehouse.execute(f"select * from {query} limit 0")  # noqa: S608
    return [column[0] for column in cursor.description or ()]


def _told(row: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value}"
        for name, value in row.items()
        if value is not None and name not in ("_source", "company_code")
    )


def _deliveries(sequence: DeliverySequence, step: Step, keys: set[str]) -> Sequence[str]:
    """What was delivered until then that names any of the differing rows' keys."""
    lines = ["\ndelivered, of what these rows name:"]
    for extract, rows in sequence.rows.items():
        for row in rows:
            is_known = end_of_day(row["_delivery_date"]) <= step.known_at
            named = {
                str(value)
                for name, value in row.items()
                if name in ("document_id", "payment_id", "contact_id", "survey_id")
            }
            is_own = row.get("company_code") in keys or any(
                str(value)[:4] in {key[:4] for key in keys if key[3:4] == "-"}
                for name, value in row.items()
                if name == "customer_id"
            )
            if is_known and (extract == "fx_rates" or (is_own and named <= keys)):
                lines.append(f"  {extract}: {_told(row)}")
    return lines[:120]
