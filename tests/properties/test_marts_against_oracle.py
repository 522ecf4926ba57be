"""Random companies, many to a warehouse: every mart equals the oracle, to the cent.

A company that disagrees is printed with all its rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.oracle import aging
from tests.oracle.arithmetic import add_months, month_end
from tests.oracle.inputs import Extracts, Parameters, Seeds
from tests.oracle.journal import Journal, journal
from tests.properties.companies import DELIVERIES, delivered_rows, master_rows
from tests.properties.drawn import draw_plans
from tests.properties.lake import read_lake
from tests.warehouse import build_warehouse, end_of_day

pytestmark = pytest.mark.warehouse

COMPANIES = 80
RUNS = (
    # as-of date, deliveries known, seed
    (date(2024, 6, 10), DELIVERIES[4], 1),
    (date(2024, 5, 31), DELIVERIES[3], 2),
)
OTHER_DAYS = (
    # as-of date, known at
    (date(2024, 2, 29), end_of_day(DELIVERIES[0])),
    (date(2024, 3, 31), end_of_day(DELIVERIES[1])),
    (date(2024, 3, 30), end_of_day(DELIVERIES[3])),
    (date(2024, 5, 1), end_of_day(DELIVERIES[2])),
    (date(2024, 6, 30), end_of_day(DELIVERIES[2])),
)
BUCKETS = Seeds().buckets()

Lines = dict[tuple[Any, ...], tuple[Any, ...]]


@dataclass(frozen=True)
class Company:
    """One drawn company: its delivered rows and its journals by instant of knowledge."""

    code: str
    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    extracts: Extracts
    parameters: Parameters

    @cached_property
    def book(self) -> Journal:
        return journal(self.extracts, self.parameters)

    def book_known_at(self, known_at: datetime) -> Journal:
        return journal(self.extracts, self.parameters, known_at)


@dataclass(frozen=True)
class Built:
    """A warehouse and the companies in it."""

    warehouse: Path
    parameters: Parameters
    companies: Sequence[Company]

    def lines(
        self, query: str, key_length: int, parameters: Sequence[Any] = ()
    ) -> dict[str, Lines]:
        """A query's rows by company, its first column; then the key's columns, then the values."""
        by_company: dict[str, Lines] = defaultdict(dict)
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            for company_code, *row in connection.execute(query, parameters).fetchall():
                key = tuple(row[:key_length])
                assert key not in by_company[company_code], f"twice: {company_code} {key}"
                by_company[company_code][key] = tuple(row[key_length:])
        return by_company

    def compare(
        self, actual: Mapping[str, Lines], expected: Callable[[Company], Lines], what: str
    ) -> None:
        """Fail with the first company that disagrees, its rows and both sides."""
        compared = 0
        failures = []
        for company in self.companies:
            right = expected(company)
            left = actual.get(company.code, {})
            compared += len(right)
            differing = sorted(
                (key for key in left.keys() | right.keys() if left.get(key) != right.get(key)),
                key=str,
            )
            if differing:
                failures.append((company, differing, left, right))
        assert compared, f"{what}: there was nothing to compare"
        if failures:
            company, differing, left, right = min(failures, key=lambda f: _size(f[0]))
            message = [f"{what}: {len(failures)} companies disagree; the smallest:"]
            for key in differing[:20]:
                message.append(f"  {key}")
                message.append(f"    warehouse: {left.get(key)}")
                message.append(f"    oracle:    {right.get(key)}")
            for extract, rows in company.rows.items():
                message.append(f"  {extract}")
                message += [f"    {_told(row)}" for row in rows]
            pytest.fail("\n".join(message), pytrace=False)


def _told(row: Mapping[str, Any]) -> str:
    """A row without what is absent or the same in all rows."""
    told = {name: value for name, value in row.items() if value is not None}
    for name in ("_source", "_source_file", "company_code"):
        told.pop(name, None)
    told["_delivery_date"] = f"{told['_delivery_date']:%m-%d}"
    return " ".join(f"{name}={value}" for name, value in told.items())


def _size(company: Company) -> int:
    return sum(len(rows) for rows in company.rows.values())


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: f"seed{run[2]}")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    as_of_date, last_known, draw_seed = request.param
    home = tmp_path_factory.mktemp(f"companies_{draw_seed}")
    parameters = Parameters(as_of_date, end_of_day(last_known))
    numbers = range(1, COMPANIES + 1)
    by_company = {
        number: delivered_rows(plan, number)
        for number, plan in zip(numbers, draw_plans(COMPANIES, draw_seed=draw_seed), strict=True)
    }
    everything: dict[str, list[dict[str, Any]]] = master_rows(list(numbers))
    for rows in by_company.values():
        for extract, lines in rows.items():
            everything.setdefault(extract, []).extend(lines)
    warehouse = build_warehouse(
        home,
        everything,
        as_of_date=as_of_date,
        known_at=parameters.known_at,
        command="build",
    )
    lake = read_lake(home)
    companies = [
        Company(f"co_{number:03d}", rows, _own(lake, number), parameters)
        for number, rows in by_company.items()
    ]
    return Built(warehouse, parameters, companies)


def _own(lake: Extracts, number: int) -> Extracts:
    """A company's own rows of a lake, and the rates, which are everybody's."""
    source = f"erp_{number:03d}"
    owned = {
        name: [row for row in getattr(lake, name) if row["_source"] == source]
        for name in ("ledger", "payments", "customers", "portfolios", "contact_log")
    }
    prefix = f"{number:03d}-"
    collectors = [row for row in lake.collectors if row["collector_id"].startswith(prefix)]
    return Extracts(**owned, collectors=collectors, fx_rates=lake.fx_rates)


# -- the journal ------------------------------------------------------------------------------

MOVEMENTS = """
    select
        company_code,
        item_type, document_id, installment_no, movement_type, effective_date,
        source_type, source_id, source_line_no,
        min(customer_id), min(currency_code), sum(amount_document), sum(amount),
        count(*) filter (where amount is null)
    from marts.receivable_movements
    where _recorded_at <= $1 and _superseded_at > $1
    group by all
    having sum(amount_document) <> 0
"""


def movement_lines(book: Journal) -> Lines:
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for movement in book.movements:
        key = (
            movement.item.item_type,
            movement.item.document_id,
            movement.item.installment_no,
            movement.movement_type,
            movement.effective_date,
            movement.source_type,
            movement.source_id,
            movement.source_line_no,
        )
        line = sums.setdefault(key, [movement.customer_id, movement.currency_code, 0, None, 0])
        line[2] += movement.amount_document
        if movement.amount is None:
            line[4] += 1
        else:
            line[3] = (line[3] or 0) + movement.amount
    return {key: tuple(line) for key, line in sums.items() if line[2] != 0}


def test_the_journal_as_known_by_the_run(built: Built) -> None:
    actual = built.lines(MOVEMENTS, 8, [built.parameters.known_at])
    built.compare(actual, lambda company: movement_lines(company.book), "journal")


@pytest.mark.parametrize("delivery_date", DELIVERIES[:4])
def test_the_journal_as_known_after_every_delivery(built: Built, delivery_date: date) -> None:
    known_at = end_of_day(delivery_date)
    actual = built.lines(MOVEMENTS, 8, [known_at])
    built.compare(
        actual,
        lambda company: movement_lines(company.book_known_at(known_at)),
        f"journal known at {known_at}",
    )


# -- aging ------------------------------------------------------------------------------------


def kept_slices(companies: Sequence[Company], as_of_date: date) -> Iterator[date]:
    """Every day of the last 35, and every month end from the first effective month."""
    days = {as_of_date - timedelta(days=n) for n in range(35)}
    first = min(m.effective_date for c in companies for m in c.book.movements)
    end = month_end(first)
    while end <= as_of_date:
        days.add(end)
        end = month_end(add_months(end.replace(day=1), 1))
    yield from sorted(days)


def aging_lines(book: Journal, as_of_date: date) -> Lines:
    return {
        (
            as_of_date,
            item.open_item.facts.item.item_type,
            item.open_item.facts.item.document_id,
            item.open_item.facts.item.installment_no,
            item.bucket_set,
        ): (
            item.open_item.facts.customer_id,
            item.open_item.facts.document_type,
            item.open_item.facts.document_date,
            item.open_item.facts.due_date,
            item.days_past_due,
            item.aging_bucket,
            item.aging_bucket_by_document_date,
            item.open_item.open_amount_document,
            item.open_item.open_amount,
        )
        for item in aging.aging(book, as_of_date, BUCKETS)
    }


AGING_COLUMNS = """
    company_code, as_of_date, item_type, document_id, installment_no, bucket_set,
    customer_id, document_type, document_date, due_date, days_past_due, aging_bucket,
    aging_bucket_by_document_date, open_amount_document, open_amount
"""


def test_aging_by_document_in_every_kept_slice(built: Built) -> None:
    actual = built.lines(f"select {AGING_COLUMNS} from marts.aging_by_document", 5)  # noqa: S608
    slices = list(kept_slices(built.companies, built.parameters.as_of_date))

    def expected(company: Company) -> Lines:
        lines: Lines = {}
        for day in slices:
            lines |= aging_lines(company.book, day)
        return lines

    built.compare(actual, expected, "aging_by_document")


@pytest.mark.parametrize(("as_of_date", "known_at"), OTHER_DAYS)
def test_aging_as_of_any_day_as_known_at_any_time(
    built: Built, as_of_date: date, known_at: datetime
) -> None:
    actual = built.lines(
        f"select {AGING_COLUMNS} from marts.aging_as_of($1, $2)",  # noqa: S608
        5,
        [as_of_date, known_at],
    )
    built.compare(
        actual,
        lambda company: aging_lines(
            company.book_known_at(min(known_at, built.parameters.known_at)), as_of_date
        ),
        f"aging_as_of {as_of_date} known at {known_at}",
    )


def total_lines(book: Journal, day: date, *, by_customer: bool) -> Lines:
    return {
        (
            day,
            *((key.customer_id,) if by_customer else ()),
            key.currency_code,
            key.bucket_set,
            key.age_basis,
            key.aging_bucket,
        ): (line.document_count, line.open_amount_document, line.open_amount)
        for key, line in aging.totals(
            aging.aging(book, day, BUCKETS), by_customer=by_customer
        ).items()
    }


@pytest.mark.parametrize("grain", ["bucket", "customer"])
def test_aging_totals_at_month_ends_and_the_run_s_day(built: Built, grain: str) -> None:
    days = [date(2024, 2, 29), date(2024, 3, 31), built.parameters.as_of_date]
    customer = "customer_id," if grain == "customer" else ""
    actual = built.lines(
        f"""
        select
            company_code, as_of_date, {customer} currency_code, bucket_set, age_basis,
            aging_bucket, document_count, open_amount_document, open_amount
        from marts.aging_by_{grain}
        where list_contains($1, as_of_date) and document_count > 0
        """,  # noqa: S608
        6 if grain == "customer" else 5,
        [days],
    )

    def expected(company: Company) -> Lines:
        lines: Lines = {}
        for day in days:
            lines |= total_lines(company.book, day, by_customer=grain == "customer")
        return lines

    built.compare(actual, expected, f"aging_by_{grain}")
