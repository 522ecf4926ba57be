"""Every mart equals the oracle, to the cent.

For random companies, many to a warehouse, and for the sample company, which comes through the real
ingest. A random company that disagrees is printed with all its rows.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from ingest.lake import Folders, admit, initialise, stage_pending
from ingest.mappings import load_mappings
from ingest.sample import Settings, write_company
from tests.builds import build, build_warehouse
from tests.conftest import made_once
from tests.oracle import (
    aging,
    cash,
    compliance,
    credit,
    expectations,
    forecast,
    migration,
    performance,
    presentation,
    receivables,
    strategy,
    turnover,
)
from tests.oracle.arithmetic import (
    Ratio,
    add_months,
    month_end,
    month_start,
    period_of,
    ratio,
    round_money,
)
from tests.oracle.balances import open_items
from tests.oracle.conversion import Rates
from tests.oracle.inputs import Extracts, Parameters, Seeds
from tests.oracle.journal import Journal
from tests.oracle.reckoning import Group, History, Measured, Reckoning
from tests.oracle.scopes import UNASSIGNED, attribute, customers_known, teams_owning
from tests.properties.companies import DELIVERIES, delivered_rows, master_rows
from tests.properties.drawn import draw_plans
from tests.properties.lake import read_lake
from tests.properties.provisions import write_provisions
from tests.properties.work import with_work, write_rules
from tests.warehouse import end_of_day, write_run_parameters

pytestmark = pytest.mark.warehouse

COMPANIES = 50
RUNS = (
    # as-of date, deliveries known, seed
    (date(2024, 6, 10), DELIVERIES[4], 1),
    (date(2024, 5, 31), DELIVERIES[3], 2),
)
ASKED_OF_COMPANIES = (
    (date(2024, 2, 29), end_of_day(DELIVERIES[0])),
    (date(2024, 3, 31), end_of_day(DELIVERIES[1])),
    (date(2024, 3, 30), end_of_day(DELIVERIES[3])),
    (date(2024, 5, 1), end_of_day(DELIVERIES[2])),
    (date(2024, 6, 30), end_of_day(DELIVERIES[2])),
)
SOURCES = Path(__file__).resolve().parents[2] / "ingest" / "sources"
SEEDS = Seeds()
BUCKETS = SEEDS.buckets()

PARTIES = ("ledger", "payments", "customers", "collectors", "portfolios", "contact_log")

Lines = dict[tuple[Any, ...], tuple[Any, ...]]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Company:
    """One company: the rows drawn for it, if it was drawn, and what the oracle reckons of them."""

    code: str
    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    reckoning: Reckoning

    @property
    def book(self) -> Journal:
        return self.reckoning.book

    def book_known_at(self, known_at: datetime) -> Journal:
        return self.reckoning.book_known_at(known_at)


@dataclass(frozen=True)
class Built:
    """A warehouse and the companies in it."""

    warehouse: Path
    parameters: Parameters
    companies: Sequence[Company]
    asked: Sequence[tuple[date, datetime]]
    """Days and instants other than the run's own, at which the warehouse is asked again."""
    all_together: Reckoning
    """All companies in one: for people, who work for several."""

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The warehouse opened, once, because that takes longer than most queries."""
        return duckdb.connect(str(self.warehouse), read_only=True)

    def agree(
        self, mart: str, key: Sequence[str], expected: Mapping[Any, Row], where: str = "true"
    ) -> None:
        """Fail where rows of a mart are other than expected by key; columns are named there."""
        assert expected, f"{mart}: there was nothing to compare"
        columns = list(next(iter(expected.values())))
        found: dict[Any, dict[str, Any]] = {}
        for row in self.connection.execute(
            f"select {', '.join([*key, *columns])} from marts.{mart} where {where}"  # noqa: S608
        ).fetchall():
            assert row[: len(key)] not in found, f"twice in {mart}: {row[: len(key)]}"
            found[row[: len(key)]] = dict(zip(columns, row[len(key) :], strict=True))
        message = []
        for place in sorted(found.keys() | expected.keys(), key=str):
            left, right = found.get(place), expected.get(place)
            if left is None or right is None:
                message += [f"  {place}", f"    warehouse: {left}", f"    oracle:    {right}"]
            elif left != right:
                message.append(f"  {place}")
                message += [
                    f"    {name}: warehouse {left[name]}, oracle {right[name]}"
                    for name in columns
                    if left[name] != right[name]
                ]
        if message:
            pytest.fail("\n".join([f"{mart}:", *message[:60]]), pytrace=False)

    def lines(
        self, query: str, key_length: int, parameters: Sequence[Any] = ()
    ) -> dict[str, Lines]:
        """A query's rows by company, its first column; then the key's columns, then the values."""
        by_company: dict[str, Lines] = defaultdict(dict)
        for company_code, *row in self.connection.execute(query, parameters).fetchall():
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


@pytest.fixture(
    scope="module", params=[*RUNS, None], ids=lambda run: f"seed{run[2]}" if run else "sample"
)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """A warehouse of random companies, or of the sample company through the real ingest."""
    if request.param is None:
        made = built_sample(made_once(tmp_path_factory, "sample_of_oracle", build_sample))
    else:
        drawn = partial(build_companies, *request.param)
        name = f"companies_of_seed_{request.param[2]}"
        made = built_companies(*made_once(tmp_path_factory, name, drawn), *request.param[:2])
    with made.connection:
        yield made


SAMPLE = Settings(documents=1_200, months=13, weekly_deliveries=4, daily_deliveries=6)
SAMPLE_KNOWN_AT = datetime(2026, 7, 1)


def build_sample(home: Path) -> Path:
    folders = Folders.of_home(home)
    initialise(folders)
    write_company(folders.landing, SAMPLE)
    run = stage_pending(
        folders,
        mappings=load_mappings(SOURCES),
        timezone=ZoneInfo("Asia/Shanghai"),
        now=datetime(2026, 7, 1, tzinfo=UTC),
        run_id="sample",
        settle_seconds=0,
    )
    admit(folders, run, rejections={})
    write_run_parameters(home, as_of_date=SAMPLE.end_date, known_at=SAMPLE_KNOWN_AT)
    build(home, is_tested=True)
    return home


def built_sample(home: Path) -> Built:
    parameters = Parameters(SAMPLE.end_date, SAMPLE_KNOWN_AT)
    lake = read_lake(home)
    codes = sorted({row["company_code"] for row in lake.ledger})
    companies = [Company(code, {}, Reckoning(code, lake, parameters, SEEDS)) for code in codes]
    instants = sorted({row["_recorded_at"] for row in lake.ledger})
    asked = [
        (date(2025, 12, 31), instants[0]),
        (date(2026, 3, 31), instants[len(instants) // 3]),
        (date(2026, 4, 15), instants[len(instants) // 2]),
        (date(2026, 2, 28), instants[-2]),
        (date(2026, 7, 31), instants[-1]),
    ]
    together = companies[0].reckoning
    return Built(home / "warehouse.duckdb", parameters, companies, asked, together)


DrawnCompanies = Mapping[int, Mapping[str, Sequence[Row]]]
"""What is delivered of each company, by its number."""


def build_companies(
    as_of_date: date, last_known: date, draw_seed: int, home: Path
) -> tuple[Path, DrawnCompanies]:
    numbers = range(1, COMPANIES + 1)
    by_company = {
        number: with_work(delivered_rows(plan, number), number, draw_seed)
        for number, plan in zip(numbers, draw_plans(COMPANIES, draw_seed=draw_seed), strict=True)
    }
    everything: dict[str, list[dict[str, Any]]] = {"fx_rates": master_rows([])["fx_rates"]}
    for rows in by_company.values():
        for extract, lines in rows.items():
            everything.setdefault(extract, []).extend(lines)
    own_seeds = home / "seeds"
    write_provisions(own_seeds, numbers)
    write_rules(own_seeds)
    build_warehouse(
        home,
        everything,
        as_of_date=as_of_date,
        known_at=end_of_day(last_known),
        seeds=own_seeds,
        is_tested=True,
    )
    return home, by_company


def built_companies(
    home: Path, by_company: DrawnCompanies, as_of_date: date, last_known: date
) -> Built:
    parameters = Parameters(as_of_date, end_of_day(last_known))
    lake = read_lake(home)
    seeds = Seeds(own=home / "seeds")
    companies = [
        Company(
            f"co_{number:03d}",
            rows,
            Reckoning(f"co_{number:03d}", _own(lake, number), parameters, seeds),
        )
        for number, rows in by_company.items()
    ]
    asked = [(day, min(known_at, parameters.known_at)) for day, known_at in ASKED_OF_COMPANIES]
    together = Reckoning("all", lake, parameters, seeds)
    return Built(home / "warehouse.duckdb", parameters, companies, asked, together)


def _own(lake: Extracts, number: int) -> Extracts:
    """A company's own rows of a lake, and the rates, which are everybody's."""
    source = f"erp_{number:03d}"
    owned = {
        name: [row for row in getattr(lake, name) if row["_source"] == source]
        for name in (*PARTIES, "surveys", "trainings", "targets")
    }
    return Extracts(**owned, fx_rates=lake.fx_rates)


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


@pytest.mark.parametrize("number", range(len(ASKED_OF_COMPANIES)))
def test_the_journal_as_known_at_other_times(built: Built, number: int) -> None:
    _, known_at = built.asked[number]
    actual = built.lines(MOVEMENTS, 8, [known_at])
    built.compare(
        actual,
        lambda company: movement_lines(company.book_known_at(known_at)),
        f"journal known at {known_at}",
    )


def test_what_a_person_should_look_at(built: Built) -> None:
    """Documents not found, of another currency or over-applied, and reversals of nothing."""
    expected: dict[tuple[Any, ...], dict[str, Any]] = {}
    for company in built.companies:
        found = [astuple(flag) for flag in company.book.flags]
        for item in open_items(company.book, built.parameters.as_of_date):
            key = item.facts.item
            if (
                key.item_type == "document"
                and aging.standing_apart(item.facts) is None
                and item.open_amount_document < 0
            ):
                place = (key.document_id, key.installment_no)
                found.append((key.company_code, "ledger", *place, "over_applied"))
        for flag in found:
            if flag[0] == company.code:
                expected[flag] = {"company_code": company.code}
    codes = sorted({key[-1] for key in expected})
    built.agree(
        "exceptions_by_document",
        ("company_code", "source_type", "source_id", "source_line_no", "exception_code"),
        expected,
        where=f"exception_code in ({', '.join(repr(code) for code in codes)})",
    )


# -- documents and cash on them ---------------------------------------------------------------


def test_every_document_and_what_has_happened_to_it(built: Built) -> None:
    expected = {
        (item.company_code, item.document_id, item.installment_no): asdict(line)
        for company in built.companies
        for item, line in receivables.receivables(
            company.reckoning.extracts, built.parameters, company.book, BUCKETS
        ).items()
    }
    for name in HAPPENED:
        assert any(line[name] for line in expected.values()), f"{name} is nowhere"
    key = ("company_code", "document_id", "installment_no")
    built.agree("receivables_by_document", key, expected)


HAPPENED = (
    *(f"{kind}_amount_document" for kind in receivables.HAPPENINGS),
    "fx_residue_amount",
    "settled_date",
    "last_payment_date",
    "is_over_applied",
)


def test_what_every_payment_did_to_every_document(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, company_code, payment_id, line_no, document_id, installment_no,
            effective_date, is_reversed_cash,
            original_payment_id, customer_id, payer_customer_id, payment_date, document_date,
            due_date, days_from_document_date, days_from_due_date, currency_code, payment_method,
            count(*), sum(amount_document), coalesce(sum(amount), 0),
            count(*) filter (where rate_status = 'missing' and amount is null)
        from marts.cash_applications
        group by all
        """,
        7,
    )

    def expected(company: Company) -> Lines:
        found = cash.applications(company.reckoning.extracts, built.parameters, company.book)
        return {key: astuple(line) for key, line in found.items()}

    built.compare(actual, expected, "cash_applications")


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


@pytest.mark.parametrize("number", range(len(ASKED_OF_COMPANIES)))
def test_aging_as_of_any_day_as_known_at_any_time(built: Built, number: int) -> None:
    as_of_date, known_at = built.asked[number]
    actual = built.lines(
        f"select {AGING_COLUMNS} from marts.aging_as_of($1, $2)",  # noqa: S608
        5,
        [as_of_date, known_at],
    )
    built.compare(
        actual,
        lambda company: aging_lines(company.book_known_at(known_at), as_of_date),
        f"aging_as_of {as_of_date} known at {known_at}",
    )


@pytest.mark.parametrize("number", range(len(ASKED_OF_COMPANIES)))
def test_restatements_are_the_difference_of_two_agings(built: Built, number: int) -> None:
    as_of_date, known_from = built.asked[number]
    changed = 0
    for known_to in sorted({instant for _, instant in built.asked} - {known_from}):
        told = built.lines(
            """
            select
                company_code, bucket_set, aging_bucket, customer_id, currency_code,
                sum(change_amount_document), coalesce(sum(change_amount), 0)
            from marts.restatements_between($1, $2, $3)
            group by all
            """,
            4,
            [as_of_date, known_from, known_to],
        )
        for company in built.companies:
            before, after = company.book_known_at(known_from), company.book_known_at(known_to)
            expected = {
                place: (
                    stood_after[0] - stood_before[0],
                    None
                    if stood_after[1] is None or stood_before[1] is None
                    else stood_after[1] - stood_before[1],
                )
                for place, stood_before, stood_after in side_by_side(
                    placed_amounts(before, as_of_date), placed_amounts(after, as_of_date)
                )
            }
            without_rate = {
                (book.items[movement.item].customer_id)
                for book in (before, after)
                for movement in book.movements
                if movement.amount is None
            }
            lines = told.get(company.code, {})
            for place in expected.keys() | lines.keys():
                amounts = expected.get(place, (Decimal(0), Decimal(0)))
                line = lines.get(place, (Decimal(0), Decimal(0)))
                changed += line[0] != 0
                what = f"{company.code} {place} on {as_of_date}: {known_from} to {known_to}"
                assert line[0] == amounts[0], what
                # An item with any movement that has no rate has no amount: parts of it do.
                if place[2] not in without_rate:
                    assert line[1] == amounts[1], what
    assert changed, "nothing was restated"


Placed = dict[tuple[str, ...], tuple[Decimal, Decimal | None]]


def placed_amounts(book: Journal, day: date) -> Placed:
    """What is open by bucket set, bucket, customer and currency."""
    return {
        (key.bucket_set, key.aging_bucket, str(key.customer_id), key.currency_code): (
            line.open_amount_document,
            line.open_amount,
        )
        for key, line in aging.totals(aging.aging(book, day, BUCKETS), by_customer=True).items()
        if key.age_basis == "due_date"
    }


def side_by_side(
    before: Placed, after: Placed
) -> Iterator[
    tuple[tuple[str, ...], tuple[Decimal, Decimal | None], tuple[Decimal, Decimal | None]]
]:
    """Every place of the two, with what stands there; nothing is zero."""
    nothing = (Decimal(0), Decimal(0))
    for place in before.keys() | after.keys():
        yield place, before.get(place, nothing), after.get(place, nothing)


def test_restatements_change_every_reported_month_end(built: Built) -> None:
    """Between any two instants, of every month end that the first of them had reached."""
    instants = built.connection.execute(
        "select recorded_at, max(delivery_date) from marts.load_history group by 1 order by 1"
    ).fetchall()
    restated = built.connection.execute(
        "select company_code, currency_code, effective_date, restated_at,"
        " sum(change_amount_document) from marts.restatements group by all"
    ).fetchall()
    chosen = [instants[0], *instants[1 : -1 : max(1, len(instants) // 3)], instants[-1]]
    changed = 0
    for company in built.companies:
        for (known_from, reached), (known_to, _) in pairwise(chosen):
            for months in (0, 2, 5):
                day = add_months(reached.replace(day=1), -months) - timedelta(days=1)
                expected: Counter[str] = Counter()
                for sign, known_at in ((-1, known_from), (1, known_to)):
                    for movement in company.book_known_at(known_at).movements:
                        if movement.effective_date <= day:
                            expected[movement.currency_code] += sign * movement.amount_document
                told: Counter[str] = Counter()
                for company_code, currency_code, effective_date, restated_at, amount in restated:
                    if (
                        company_code == company.code
                        and effective_date <= day
                        and known_from < restated_at <= known_to
                    ):
                        told[currency_code] += amount
                changed += any(told.values())
                nothing = dict.fromkeys(expected.keys() | told.keys(), 0)
                assert {**nothing, **told} == {**nothing, **expected}, (company.code, day)
    assert changed, "nothing was restated"


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
    slices = kept_slices(built.companies, built.parameters.as_of_date)
    days = [*[day for day in slices if day == month_end(day)][-3:], built.parameters.as_of_date]
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


PRESENTED = (
    "open_amount_document",
    "open_amount",
    "open_amount_credits_aged_document",
    "open_amount_credits_aged",
    "open_amount_credits_applied_document",
    "open_amount_credits_applied",
    "revalued_open_amount",
)


def presented_lines(company: Company, day: date, *, by_customer: bool) -> Lines:
    """Buckets in the three presentations and at the closing rate, empty ones left out."""
    rates = Rates(
        company.reckoning.extracts.fx_rates,
        known_at=company.reckoning.parameters.known_at,
        reporting_currency=company.reckoning.parameters.reporting_currency,
    )
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for place, line in presentation.presented(company.book, day, BUCKETS).items():
        key = (
            day,
            *((place.customer_id,) if by_customer else ()),
            place.currency_code,
            place.bucket_set,
            place.age_basis,
            place.aging_bucket,
        )
        amounts = [*line.headline, *line.aged, *line.applied]
        before = sums.get(key, [Decimal(0)] * 6)
        sums[key] = [
            None if left is None or right is None else left + right
            for left, right in zip(before, amounts, strict=True)
        ]
    return {
        key: (*amounts, rates.convert(amounts[0], key[-4], day))
        for key, amounts in sums.items()
        if any(amount is None or amount for amount in amounts)
    }


@pytest.mark.parametrize("grain", ["bucket", "customer"])
def test_aging_in_every_presentation_of_credits(built: Built, grain: str) -> None:
    slices = kept_slices(built.companies, built.parameters.as_of_date)
    days = [*[day for day in slices if day == month_end(day)][-3:], built.parameters.as_of_date]
    customer = "customer_id," if grain == "customer" else ""
    actual = built.lines(
        f"""
        select
            company_code, as_of_date, {customer} currency_code, bucket_set, age_basis,
            aging_bucket, {", ".join(PRESENTED)}
        from marts.aging_by_{grain}
        where
            list_contains($1, as_of_date)
            and ({" or ".join(f"{c} is null or {c} <> 0" for c in PRESENTED[:-1])})
        """,  # noqa: S608
        6 if grain == "customer" else 5,
        [days],
    )

    def expected(company: Company) -> Lines:
        lines: Lines = {}
        for day in days:
            lines |= presented_lines(company, day, by_customer=grain == "customer")
        return lines

    built.compare(actual, expected, f"presentations of aging_by_{grain}")


def test_where_every_bucket_went_and_what_was_re_aged(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, month_start, scope_type, scope_id, bucket_set, aging_bucket, next_state,
            migrated_amount, re_aged_amount, migration_rate, migration_rate_status
        from marts.aging_migration_by_month
        """,
        6,
    )

    def expected(company: Company) -> Lines:
        lines: Lines = {}
        for scope, month, cells, moved in company.reckoning.migrations():
            opened: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
            for cell, amount in cells.items():
                opened[cell.bucket_set, cell.aging_bucket] += amount
            for cell in cells.keys() | {cell for cell, amount in moved.items() if amount}:
                amount = cells.get(cell, Decimal(0))
                rate = ratio(amount, opened[cell.bucket_set, cell.aging_bucket])
                lines[
                    month.start,
                    scope.scope_type,
                    scope.scope_id,
                    cell.bucket_set,
                    cell.aging_bucket,
                    cell.next_state,
                ] = (amount, moved.get(cell, Decimal(0)), rate.value, rate.status)
        return lines

    built.compare(actual, expected, "aging_migration_by_month")


def test_the_rates_at_which_buckets_roll_are_cured_and_flow_on(built: Built) -> None:
    names = ("roll_rate", "cure_rate", "net_flow_rate")
    actual = built.lines(
        f"""
        select
            company_code, month_start, scope_type, scope_id, bucket_set, aging_bucket,
            {", ".join(f"{n}, {n}_numerator, {n}_denominator, {n}_status" for n in names)}
        from marts.aging_roll_rates_by_month
        where opening_amount <> 0 or closing_amount <> 0
        """,  # noqa: S608
        5,
    )

    def expected(company: Company) -> Lines:
        lines: Lines = {}
        for scope, month, cells, moved in company.reckoning.migrations():
            for name, of_set in migration.sets_of(BUCKETS).items():
                for bucket, rates in migration.rates(cells, moved, of_set).items():
                    closing = sum(
                        (
                            a
                            for c, a in cells.items()
                            if c.bucket_set == name and c.next_state == bucket
                        ),
                        Decimal(0),
                    )
                    if rates.roll.denominator or closing:
                        lines[month.start, scope.scope_type, scope.scope_id, name, bucket] = tuple(
                            part
                            for rate in (rates.roll, rates.cure, rates.net_flow)
                            for part in astuple(rate)
                        )
        return lines

    built.compare(actual, expected, "aging_roll_rates_by_month")


def test_the_losses_that_roll_rates_foretell(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, month_start, segment, bucket_set, aging_bucket,
            roll_rate, roll_rate_numerator, roll_rate_denominator, roll_rate_status,
            loss_rate, adjusted_loss_rate, loss_rate_status
        from marts.loss_rates_by_bucket
        """,
        4,
    )

    def expected(company: Company) -> Lines:
        return {
            place: (*astuple(loss.roll), loss.loss_rate, loss.adjusted, loss.status)
            for place, loss in company.reckoning.losses.items()
        }

    built.compare(actual, expected, "loss_rates_by_bucket")


def test_the_losses_that_roll_rates_foretold_on_what_was_known_then(built: Built) -> None:
    """Where anything was in a bucket: the warehouse has a row for every bucket of every month."""
    actual = built.lines(
        """
        select
            company_code, month_start, segment, bucket_set, aging_bucket,
            roll_rate, roll_rate_numerator, roll_rate_denominator, roll_rate_status,
            loss_rate, adjusted_loss_rate, loss_rate_status
        from intermediate.int_loss_rates_chained
        where knowledge = 'then' and (roll_rate_numerator <> 0 or roll_rate_denominator <> 0)
        """,
        4,
    )
    otherwise = []

    def expected(company: Company) -> Lines:
        lines: Lines = {}
        for month, book in company.reckoning.months_known_then():
            for place, loss in company.reckoning.losses_known_then(month, book).items():
                if loss.roll.numerator or loss.roll.denominator:
                    lines[place] = (*astuple(loss.roll), loss.loss_rate, loss.adjusted, loss.status)
                    if company.reckoning.losses.get(place) != loss:
                        otherwise.append(place)
        return lines

    built.compare(actual, expected, "int_loss_rates_chained, as known then")
    assert otherwise, "what was known then was known now"


def test_the_shift_of_the_aging(built: Built) -> None:
    by_month = built.lines(
        """
        select
            company_code, month_start, scope_type, scope_id, bucket_set,
            open_amount, past_due_amount, past_due_rate, past_due_rate_status,
            weighted_days_past_due, weighted_days_past_due_status,
            weighted_days_growth_rate, weighted_days_growth_rate_status,
            shift_signal_code, bucket_surge_count
        from marts.aging_shift_by_month
        """,
        4,
    )
    by_bucket = built.lines(
        """
        select
            company_code, month_start, scope_type, scope_id, bucket_set, aging_bucket,
            open_amount, bucket_rate, bucket_rate_status, growth_rate, growth_rate_status,
            is_bucket_surge
        from marts.aging_shift_by_bucket
        """,
        5,
    )

    def months_expected(company: Company) -> Lines:
        return {
            (month.start, scope.scope_type, scope.scope_id, name): (
                shifted.now.total,
                shifted.now.past_due,
                shifted.past_due_rate.value,
                shifted.past_due_rate.status,
                shifted.weighted_days.value,
                shifted.weighted_days.status,
                shifted.growth.value,
                shifted.growth.status,
                shifted.signal,
                len(shifted.surges),
            )
            for scope, name, months in company.reckoning.shifts()
            for month, shifted in months.items()
        }

    def buckets_expected(company: Company) -> Lines:
        return {
            (month.start, scope.scope_type, scope.scope_id, name, bucket): (
                amount,
                shifted.bucket_rates[bucket].value,
                shifted.bucket_rates[bucket].status,
                shifted.bucket_growths[bucket].value,
                shifted.bucket_growths[bucket].status,
                bucket in shifted.surges,
            )
            for scope, name, months in company.reckoning.shifts()
            for month, shifted in months.items()
            for bucket, amount in shifted.now.buckets.items()
        }

    built.compare(by_month, months_expected, "aging_shift_by_month")
    built.compare(by_bucket, buckets_expected, "aging_shift_by_bucket")


def test_every_vintage_in_every_window(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, billing_month_start, scope_type, scope_id, months_since_billing,
            billed_amount, credited_amount, collected_rate, collected_rate_status
        from marts.vintage_by_month
        where billed_amount <> 0
        """,
        4,
    )

    def expected(company: Company) -> Lines:
        return {
            (month, scope.scope_type, scope.scope_id, months): (
                vintage.billed,
                vintage.credited,
                rate.value,
                rate.status,
            )
            for scope, vintages in company.reckoning.vintages()
            for month, vintage in vintages.items()
            if vintage.billed
            for months, rate in vintage.collected.items()
        }

    built.compare(actual, expected, "vintage_by_month")


# -- turnover and bad debt --------------------------------------------------------------------

TURNOVER_MEASURES = (
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
    "days_sales_outstanding_countback",
    "days_sales_outstanding_countback_skip",
    "days_sales_outstanding_countback_stop",
    "true_days_sales_outstanding",
)
BAD_DEBT_MEASURES = (
    "recovery_rate",
    "recovery_rate_within_0_days",
    "recovery_rate_within_30_days",
    "recovery_rate_within_60_days",
    "recovery_rate_within_90_days",
    "bad_debt_rate",
    "bad_debt_rate_of_average_receivables",
    "bad_debt_rate_of_credit_sales",
)
BAD_DEBT_AMOUNTS = (
    "past_due_opening_amount",
    "falling_due_amount",
    "cash_on_due_items_amount",
    "cash_applied_amount",
    "cash_reversed_amount",
    "write_off_amount",
    "recovery_of_written_off_amount",
    "net_write_off_amount",
)
TURNOVER_AMOUNTS = (
    "opening_receivables_amount",
    "closing_receivables_amount",
    "closing_current_amount",
    "credit_sales_amount",
    "cash_applied_amount",
)


def measured(company: Company, mart: str) -> Iterator[tuple[tuple[Any, ...], Measured]]:
    """The oracle's lines of a mart by period and scope, without those in which nothing is."""
    reckoning = company.reckoning
    lines = reckoning.turnover if mart == "turnover_by_period" else reckoning.bad_debt
    for line in lines:
        if any(line.amounts.values()):
            yield (
                (
                    line.period.kind,
                    line.period.start,
                    line.scope.scope_type,
                    line.scope.scope_id,
                ),
                line,
            )


@pytest.mark.parametrize(
    ("mart", "measures", "amounts"),
    [
        ("turnover_by_period", TURNOVER_MEASURES, TURNOVER_AMOUNTS),
        ("bad_debt_by_period", BAD_DEBT_MEASURES, BAD_DEBT_AMOUNTS),
    ],
)
def test_measures_of_every_period_and_scope(
    built: Built, mart: str, measures: Sequence[str], amounts: Sequence[str]
) -> None:
    columns = [*amounts, *(f"{m}{part}" for m in measures for part in ("", "_status"))]
    actual = built.lines(
        f"""
        select company_code, period_type, period_start, scope_type, scope_id, {", ".join(columns)}
        from marts.{mart}
        where {" or ".join(f"{amount} <> 0" for amount in amounts)}
        """,  # noqa: S608
        4,
    )

    def expected(company: Company) -> Lines:
        return {
            key: (
                *(line.amounts[amount] for amount in amounts),
                *(
                    part
                    for measure in measures
                    for part in (line.rates[measure].value, line.rates[measure].status)
                ),
            )
            for key, line in measured(company, mart)
        }

    built.compare(actual, expected, f"{mart}({', '.join(columns)})")


@pytest.mark.parametrize(
    ("mart", "measures", "amounts"),
    [
        ("turnover_by_period", TURNOVER_MEASURES, TURNOVER_AMOUNTS),
        ("bad_debt_by_period", BAD_DEBT_MEASURES, BAD_DEBT_AMOUNTS),
    ],
)
def test_the_parts_of_every_rate_are_the_oracle_s(
    built: Built, mart: str, measures: Sequence[str], amounts: Sequence[str]
) -> None:
    columns = [f"{m}_{part}" for m in measures for part in ("numerator", "denominator")]
    actual = built.lines(
        f"""
        select company_code, period_type, period_start, scope_type, scope_id, {", ".join(columns)}
        from marts.{mart}
        where {" or ".join(f"{amount} <> 0" for amount in amounts)}
        """,  # noqa: S608
        4,
    )

    def expected(company: Company) -> Lines:
        return {
            key: tuple(
                part
                for measure in measures
                for part in turnover.told_parts(measure, line.rates[measure], line.period)
            )
            for key, line in measured(company, mart)
        }

    built.compare(actual, expected, f"{mart}({', '.join(columns)})")


def test_days_counted_until_history_runs_out(built: Built) -> None:
    suffixes = ("", "_skip", "_stop")
    bounds = [f"days_sales_outstanding_countback{suffix}_lower_bound" for suffix in suffixes]
    actual = built.lines(
        f"""
        select company_code, period_type, period_start, scope_type, scope_id, {", ".join(bounds)}
        from marts.turnover_by_period
        where {" or ".join(f"{bound} is not null" for bound in bounds)}
        """,  # noqa: S608
        4,
    )

    def expected(company: Company) -> Lines:
        lines: Lines = {}
        periods = company.reckoning.periods
        for scope, book, _ in company.reckoning.scopes():
            for period in periods:
                days = turnover.lower_bounds(book, period, periods)
                if any(day is not None for day in days.values()):
                    key = (period.kind, period.start, scope.scope_type, scope.scope_id)
                    lines[key] = tuple(days[bound] for bound in bounds)
        return lines

    built.compare(actual, expected, "lower bounds")


def test_what_came_back_of_each_month_s_write_offs(built: Built) -> None:
    rates = ("recovery_of_written_off_rate", "recovery_of_written_off_within_12_months_rate")
    columns = [f"{rate}{part}" for rate in rates for part in ("", "_status")]
    actual = built.lines(
        f"""
        select
            company_code, scope_type, scope_id, write_off_month_start,
            write_off_amount, recovery_of_written_off_amount, {", ".join(columns)}
        from marts.recovery_by_write_off_month
        """,  # noqa: S608
        3,
    )

    def expected(company: Company) -> Lines:
        return {
            (scope.scope_type, scope.scope_id, month): (
                gone,
                back,
                *(part for rate in found for part in (rate.value, rate.status)),
            )
            for scope, month, (gone, back, *found) in company.reckoning.recovery_by_vintage()
        }

    built.compare(actual, expected, "recovery_by_write_off_month")


# -- allowance --------------------------------------------------------------------------------


def test_what_every_allowance_method_asks_for(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, period_start, allowance_method, segment, aging_bucket,
            open_amount, base_amount, loss_rate, required_allowance_amount
        from marts.allowance_by_bucket
        where
            (open_amount <> 0 or base_amount <> 0 or required_allowance_amount <> 0)
        """,
        4,
    )

    def expected(company: Company) -> Lines:
        return {
            (month.start, method, segment, bucket): astuple(line)
            for month, method, segment, bucket, line in company.reckoning.allowance_by_bucket()
            if line.open_amount or line.base or line.required
        }

    built.compare(actual, expected, "allowance_by_bucket")


def test_how_every_allowance_rolls_forward(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, period_start, allowance_method, segment, opening_allowance_amount,
            charge_amount, release_amount, write_off_amount, recovery_amount,
            closing_allowance_amount
        from marts.allowance_roll_forward
        where
            (
                opening_allowance_amount <> 0 or closing_allowance_amount <> 0
                or write_off_amount <> 0 or recovery_amount <> 0
            )
        """,
        3,
    )

    def expected(company: Company) -> Lines:
        return {
            (month.start, method, segment): astuple(line)
            for month, method, segment, line in company.reckoning.allowance_roll_forward()
            if line.opening or line.closing or line.write_off or line.recovery
        }

    built.compare(actual, expected, "allowance_roll_forward")


def test_what_every_allowance_foretold_on_what_was_known_then(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, knowledge, period_start, segment, allowance_method,
            predicted_loss_amount, written_off_amount, recovered_amount, prediction_error_amount,
            loss_coverage_rate, loss_coverage_rate_status
        from marts.allowance_back_test
        where
            (predicted_loss_amount <> 0 or written_off_amount <> 0 or recovered_amount <> 0)
        """,
        4,
    )

    def expected(company: Company) -> Lines:
        return {
            (knowledge, month.start, segment, method): (
                line.predicted,
                line.written_off,
                line.recovered,
                line.error,
                line.coverage.value,
                line.coverage.status,
            )
            for knowledge, month, segment, method, line in company.reckoning.allowance_back_test()
            if line.predicted or line.written_off or line.recovered
        }

    built.compare(actual, expected, "allowance_back_test")


# -- promises and attribution -----------------------------------------------------------------


def test_every_promise_ends_as_the_oracle_says(built: Built) -> None:
    actual = built.lines(
        """
        select
            'all', promise_id, customer_id, collector_id, document_id,
            promise_date, promised_date, deadline_date, superseded_date, currency_code,
            promised_amount_document, matched_amount_document, kept_date, promise_status
        from marts.promises
        """,
        1,
    )

    by_company = {
        company.code: {
            (row["contact_id"],): actual["all"][(row["contact_id"],)]
            for row in company.reckoning.extracts.contact_log
            if (row["contact_id"],) in actual["all"]
        }
        for company in built.companies
    }

    def expected(company: Company) -> Lines:
        return {
            (promise.promise_id,): astuple(promise)[1:-2]
            for promise in company.reckoning.promises()
        }

    built.compare(by_company, expected, "promises")


def test_every_piece_of_cash_is_earned_by_whom_the_oracle_says(built: Built) -> None:
    actual = built.lines(
        """
        select
            company_code, attribution_method, payment_id, line_no, document_id, installment_no,
            effective_date, is_reversed_cash, collector_id, payment_date, earned_date,
            count(*), sum(attribution_share),
            sum(attributed_amount_document), sum(attributed_amount)
        from marts.cash_attribution
        group by all
        """,
        8,
    )

    def expected(company: Company) -> Lines:
        sums: dict[tuple[Any, ...], list[Any]] = {}
        for given in company.reckoning.attribution():
            piece = given.piece
            key = (
                given.method,
                piece.payment_id,
                piece.line_no,
                piece.facts.item.document_id,
                piece.facts.item.installment_no,
                piece.effective_date,
                piece.is_reversal,
                given.collector_id,
            )
            line = sums.setdefault(
                key, [piece.payment_date, given.earned_date, 0, 0, Decimal(0), None]
            )
            line[2] += 1
            line[3] += given.share
            line[4] += given.amount_document
            if given.amount is not None:
                line[5] = (line[5] or 0) + given.amount
        return {key: tuple(line) for key, line in sums.items()}

    built.compare(actual, expected, "cash_attribution")


# -- contacts and what they led to ------------------------------------------------------------


def test_every_contact_breaks_the_rules_that_the_oracle_says(built: Built) -> None:
    actual = built.lines(
        """
        select
            'all', contact_id, rule_code, rule_pack, judged_timezone, is_timezone_unknown,
            local_contacted_at, window_start_date, window_end_date, counted_count
        from marts.contact_compliance
        """,
        2,
    )["all"]
    customers = {
        row["customer_id"]: row
        for company in built.companies
        for row in customers_known(company.reckoning.extracts, built.parameters).values()
    }
    zones = {row["timezone"] for row in customers.values() if row.get("timezone")}

    by_company = {
        company.code: {
            key: line
            for key, line in actual.items()
            if key[0] in {row["contact_id"] for row in company.reckoning.extracts.contact_log}
        }
        for company in built.companies
    }

    def expected(company: Company) -> Lines:
        found = compliance.breaches(company.reckoning.extracts, built.parameters, SEEDS, zones)
        return {
            (breach.contact_id, breach.rule_code): (breach.rule_pack, *astuple(breach)[3:])
            for breach in found
        }

    built.compare(by_company, expected, "contact_compliance")


def test_breaches_are_counted_by_month_and_collector(built: Built) -> None:
    reckoning = built.all_together
    contacts = {
        row["contact_id"]: (month_start(day), row)
        for day, row in performance.contacts_until(reckoning.extracts, built.parameters)
    }
    found: dict[tuple[Any, ...], list[compliance.Breach]] = {
        (month, collector_id, "any", "any"): []
        for (collector_id, month), line in reckoning.work["collector"].items()
        if line["attempt_count"]
    }
    for breach in reckoning.breaches:
        month, row = contacts[breach.contact_id]
        place = (month, row["collector_id"])
        found.setdefault((*place, breach.rule_pack, breach.rule_code), []).append(breach)
        found[*place, "any", "any"].append(breach)
    expected = {}
    for (month, collector_id, pack, rule), breaches in found.items():
        broken = {breach.contact_id for breach in breaches}
        attempts = reckoning.work["collector"][collector_id, month]["attempt_count"]
        expected[month, collector_id, pack, rule] = {
            "attempt_count": attempts,
            "breach_count": len(breaches),
            "breached_contact_count": len(broken),
            "breached_customer_count": len({contacts[b][1]["customer_id"] for b in broken}),
            "unknown_timezone_breach_count": sum(b.is_timezone_unknown for b in breaches),
            **with_parts({"breach_rate": ratio(len(broken), attempts)}),
        }
    key = ("month_start", "collector_id", "rule_pack", "rule_code")
    built.agree("contact_compliance_by_month", key, expected)


def test_work_on_past_due_items_succeeds_as_the_oracle_says(built: Built) -> None:
    reckoning = built.all_together
    (rules,) = reckoning.seeds.rows("success_rules")
    window = timedelta(days=int(rules["window_days"]))
    expected = {}
    for (month, scope_type, scope_id), line in reckoning.success().items():
        worked, paid, kept, succeeded, worked_amount, succeeded_amount = line.counts()
        is_over = month_end(month) + window <= built.parameters.as_of_date
        rates = {
            "success_rate": ratio(succeeded, worked),
            "success_rate_by_amount": ratio(succeeded_amount, worked_amount),
        }
        if not is_over:
            rates = {
                name: Ratio(None, None, rate.denominator, "insufficient_history")
                for name, rate in rates.items()
            }
        expected[month, scope_type, scope_id] = {
            "is_complete": is_over,
            "worked_item_count": worked,
            "paid_item_count": paid,
            "promise_kept_item_count": kept,
            "succeeded_item_count": succeeded,
            "worked_amount": worked_amount,
            "succeeded_amount": succeeded_amount,
            **with_parts(rates),
        }
    key = ("month_start", "scope_type", "scope_id")
    built.agree("collection_success_by_month", key, expected)


# -- collectors and teams ----------------------------------------------------------------------

WORK_COUNTS = (
    "contact_count",
    *(
        f"{channel}_{count}_count"
        for channel in performance.CHANNELS
        for count in ("contact", "attempt", "connect", "right_party_contact")
    ),
    "attempt_count",
    "connect_count",
    "right_party_contact_count",
    "complaint_count",
    "upheld_complaint_count",
    "promise_made_count",
    "promise_made_amount",
    *(f"promise_{end}_{unit}" for end in performance.JUDGED for unit in ("count", "amount")),
    "collected_amount",
    "collected_portfolio_owner_amount",
    "collected_last_touch_amount",
    "collected_first_touch_amount",
    "collected_linear_amount",
    "collected_promise_first_amount",
    "survey_count",
    "satisfied_survey_count",
    "assessed_count",
    "passed_count",
    "timed_contact_count",
    "contact_second_count",
)


def with_parts(rates: Mapping[str, Ratio]) -> dict[str, Any]:
    """The four columns of every rate."""
    return {
        f"{name}{part}": value
        for name, rate in rates.items()
        for part, value in zip(
            ("", "_numerator", "_denominator", "_status"), astuple(rate), strict=True
        )
    }


@pytest.mark.parametrize("scope_type", ["collector", "team"])
def test_what_everybody_did_and_what_came_of_it(built: Built, scope_type: str) -> None:
    reckoning = built.all_together
    expected = {}
    for (scope_id, month), line in reckoning.work[scope_type].items():
        target = reckoning.planned_cash(scope_type, scope_id, month)
        daily, projected = performance.per_day(
            line["collected_amount"], month, built.parameters.as_of_date
        )
        expected[scope_id, month] = {
            **({} if scope_type == "team" else {"team_id": reckoning.teams.of(scope_id, month)}),
            **{name: line[name] for name in WORK_COUNTS},
            "customer_contacted_count": len(line.customers),
            "collected_target_amount": target,
            "collected_per_day_amount": daily,
            "collected_projected_amount": projected,
            "promise_kept_target_rate": performance.planned_kept_rate(
                scope_type, scope_id, month, reckoning.targets
            ),
            "contact_cost_amount": None if line.cost is None else round_money(line.cost),
            "costed_collected_amount": line.costed_cash,
            **with_parts(performance.rates(line, target, reckoning.seeds)),
        }
    built.agree(f"performance_by_{scope_type}_month", (f"{scope_type}_id", "month_start"), expected)


def test_what_the_cash_of_a_month_pays_its_collector(built: Built) -> None:
    expected = {
        key: {
            "earned_amount": line.earned,
            "taken_back_amount": line.taken_back,
            "kept_amount": line.kept,
            "collected_target_amount": line.target,
            **with_parts({"attainment_rate": line.attainment}),
            "incentive_tier": line.tier,
            "incentive_rate": line.rate,
            **{f"{gate}_count": count for gate, count in line.counts.items()},
            **{f"is_withheld_for_{gate}": gate in line.closed for gate in line.counts},
            "withheld_rate": line.withheld_rate,
            "tier_incentive_amount": line.before_gates,
            "withheld_incentive_amount": line.withheld,
            "incentive_amount": line.paid,
            "incentive_at_month_end_amount": line.paid_at_month_end,
            "clawed_back_amount": line.clawed_back,
        }
        for key, line in built.all_together.incentives().items()
    }
    built.agree("incentives_by_collector_month", ("collector_id", "month_start"), expected)


# -- the scorecard -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def group(built: Built) -> Group:
    """All companies side by side."""
    return Group(built.all_together, {c.code: c.reckoning for c in built.companies})


def test_every_measure_beside_its_target_and_the_period_before(built: Built, group: Group) -> None:
    expected = {
        (
            period.kind,
            period.start,
            place.company_code,
            place.scope_type,
            place.scope_id,
            measure,
        ): {
            "value": told.line.rate.value,
            "numerator": told.line.parts[0],
            "denominator": told.line.parts[1],
            "target_value": told.target,
            "status": told.status,
            "rate_status": "missing" if told.line.is_rate_missing else "ok",
            "previous_value": told.previous,
            "change_value": told.change,
        }
        for (place, period, measure), told in group.scorecard.items()
    }
    key = ("period_type", "period_start", "company_code", "scope_type", "scope_id", "measure")
    built.agree("scorecard_by_period", key, expected)
    shown = {row["measure"] for row in SEEDS.rows("scorecard_targets")}
    built.agree(
        "scorecard_by_quarter",
        ("quarter_start", "company_code", "measure"),
        {
            (start, company_code, measure): columns
            for (kind, start, company_code, scope_type, _, measure), columns in expected.items()
            if (kind, scope_type) == ("quarter", "company") and measure in shown
        },
    )


def test_complaints_stand_beside_the_shift_of_the_aging(built: Built, group: Group) -> None:
    (rules,) = SEEDS.rows("measure_rules")
    extracts, parameters = built.all_together.extracts, built.parameters
    customers = customers_known(extracts, parameters)
    teams = teams_owning(extracts, parameters)
    # Of a customer that neither books nor the extract of customers name, nothing is known.
    known = customers.keys() | frozenset[str]().union(*group.booked.values())
    expected = {}
    for company in built.companies:
        made: dict[tuple[date, str, str], list[Row]] = defaultdict(list)
        for day, row in group.people_of(company.code).contacts:
            customer_id = row["customer_id"]
            for scope_type, scope_id in (
                ("company", company.code),
                ("segment", attribute(customers, customer_id, "segment")),
                ("region", attribute(customers, customer_id, "region")),
                ("team", teams[customer_id] if customer_id in known & teams.keys() else UNASSIGNED),
            ):
                made[month_start(day), scope_type, scope_id].append(row)
        for scope, bucket_set, months in company.reckoning.shifts():
            for month in months:
                rows = made[month.start, scope.scope_type, scope.scope_id]
                rate = performance.complaint_rate(
                    sum(row["outcome"] == "complaint" for row in rows),
                    len({row["customer_id"] for row in rows}),
                    rules["complaint_rate_customers"],
                )
                expected[month.start, *astuple(scope), bucket_set] = with_parts(
                    {"complaint_rate": rate}
                )
    key = ("month_start", "company_code", "scope_type", "scope_id", "bucket_set")
    built.agree("aging_shift_by_month", key, expected)


def test_every_plan_and_what_came_of_it(built: Built, group: Group) -> None:
    expected = {
        key: {
            "period_end": line.period.end,
            "is_complete": line.period.end <= built.parameters.as_of_date,
            "day_count": line.period.days,
            "elapsed_day_count": line.elapsed_days,
            "is_known_measure": line.is_known,
            "is_additive": line.is_additive,
            "target_comparison": line.comparison,
            "target_value": line.target,
            "actual_value": line.actual,
            "actual_status": line.status,
            "actual_numerator": line.parts[0],
            "actual_denominator": line.parts[1],
            **with_parts({"attainment_rate": performance.unless_missing(line.actual, line.target)}),
            "target_to_date_value": line.to_date,
            "run_rate_value": line.run_rate,
            "projected_value": line.projected,
            "target_status": line.target_status,
            "projected_status": line.projected_status,
        }
        for key, line in group.progress.items()
    }
    built.agree("targets_by_period", performance.TARGET_KEY, expected)


# -- grades and expected cash ------------------------------------------------------------------

GRADED_MONTHS = 3
"""Months of the sample that are graded: for each the whole journal is written as known then."""
GRADE_PARTS = (
    "days_late",
    "on_time",
    "broken_promises",
    "disputes",
    "limit_utilisation",
    "insolvency",
)


def first_ledger_instant(companies: Sequence[Company]) -> datetime:
    return min(row["_recorded_at"] for c in companies for row in c.reckoning.extracts.ledger)


def months_told(built: Built) -> list[date]:
    first = min(m.effective_date for c in built.companies for m in c.book.movements)
    months = []
    month = month_start(first)
    while month <= built.parameters.as_of_date:
        months.append(month)
        month = add_months(month, 1)
    return months if len(built.companies) == COMPANIES else months[-GRADED_MONTHS:]


def grades_of(built: Built, company: Company) -> Iterator[tuple[str, date, credit.Grade]]:
    reckoning = company.reckoning
    yield from credit.grades(
        reckoning.extracts,
        built.parameters,
        reckoning.seeds,
        first_ledger_instant(built.companies),
        months_told(built),
    )


def test_every_customer_is_graded_as_known_at_the_month_s_end(built: Built) -> None:
    points = [f"{part}_points" for part in GRADE_PARTS]
    actual = built.lines(
        f"""
        select
            'all', customer_id, month_start, credit_grade, paid_item_count, paid_amount,
            late_amount_days, on_time_amount, broken_promise_count, disputed_item_count,
            billed_item_count, balance_amount, credit_limit_amount, is_insolvent,
            {", ".join(points)}
        from marts.credit_points_by_customer_month
        where
            list_contains($1, month_start)
            and (balance_amount <> 0 or billed_item_count > 0 or paid_item_count > 0)
        """,  # noqa: S608
        2,
        [months_told(built)],
    )["all"]
    expected = {
        company.code: {
            (customer_id, month): (
                grade.credit_grade,
                grade.paid_item_count,
                grade.paid_amount,
                grade.late_amount_days,
                grade.on_time_amount,
                grade.broken_promise_count,
                grade.disputed_item_count,
                grade.billed_item_count,
                grade.balance_amount,
                grade.credit_limit_amount,
                grade.is_insolvent,
                *(grade.points[part] for part in GRADE_PARTS),
            )
            for customer_id, month, grade in grades_of(built, company)
            if grade.balance_amount or grade.billed_item_count or grade.paid_item_count
        }
        for company in {id(c.reckoning.extracts): c for c in built.companies}.values()
    }
    own = {key: code for code, lines in expected.items() for key in lines}
    customers = {key[0]: code for key, code in own.items()}
    by_company: dict[str, Lines] = defaultdict(dict)
    for key, line in actual.items():
        by_company[customers[key[0]]][key] = line
    built.compare(by_company, lambda company: expected.get(company.code, {}), "grades")
    ((otherwise,),) = built.connection.execute(
        """
        select count(*)
        from intermediate.int_promises_judged_then as judged_then
        inner join intermediate.int_promises_judged as judged_now
            on judged_then.promise_id = judged_now.promise_id
        where
            judged_then.is_broken <> (judged_now.promise_status = 'broken')
            and datediff('month', date '1970-01-01', judged_then.deadline_date)
            <= judged_then.last_known_no
        """
    ).fetchall()
    assert otherwise or not built.companies[0].rows, "no promise was judged otherwise then"


@pytest.fixture(scope="module")
def histories(built: Built) -> Mapping[str, History]:
    """Every company's balances by month, with the grades that the warehouse gave."""
    grades = {
        (customer_id, month): grade
        for customer_id, month, grade in built.connection.execute(
            "select customer_id, month_start, credit_grade"
            " from marts.credit_grades_by_customer_month"
        ).fetchall()
    }
    return {company.code: company.reckoning.history(grades) for company in built.companies}


def test_cash_is_expected_as_such_balances_brought_it(
    built: Built, histories: Mapping[str, History]
) -> None:
    collectors, teams, rates = {}, {}, {}
    for code, history in histories.items():
        for month, by_collector in history.expected.items():
            for collector, line in by_collector.items():
                collectors[month, code, collector] = expectation_columns(line)
            for team, (count, line) in history.expected_by_team(month).items():
                teams[month, code, team] = expectation_columns(line) | {"collector_count": count}
        for (month, grade, bucket), (opening, collected) in history.openings_and_after().items():
            rates[month, code, grade, bucket] = {
                "opening_amount": opening,
                "collected_amount": collected,
                **with_parts({"collection_rate": history.rate_of(month, grade, bucket)}),
            }
    key = ("month_start", "company_code")
    built.agree("expected_cash_by_collector_month", (*key, "collector_id"), collectors)
    built.agree("expected_cash_by_team_month", (*key, "team_id"), teams)
    built.agree("collection_rates_by_month", (*key, "credit_grade", "aging_bucket"), rates)


def expectation_columns(line: expectations.Expectation) -> dict[str, Any]:
    return {
        "assigned_amount": line.assigned,
        "assigned_without_rate_amount": line.without_rate,
        "expected_amount": line.expected,
        "collected_amount": line.collected,
        **with_parts({"lift": line.lift}),
    }


# -- strategy ----------------------------------------------------------------------------------


def test_what_each_strategy_brought(built: Built, histories: Mapping[str, History]) -> None:
    expected = {}
    for company in built.companies:
        told = company.reckoning.effectiveness(histories[company.code])
        for (month, strategy_code, channel, grade), line in told.items():
            before = told.get((add_months(month, -1), strategy_code, channel, grade))
            rate = line.collected_rate.value
            previous = None if before is None else before.collected_rate.value
            expected[month, company.code, strategy_code, channel, grade] = {
                "is_complete": line.is_complete,
                "worked_customer_count": line.effect.customers,
                "contact_count": line.effect.contacts,
                "worked_amount": line.effect.worked,
                "collected_amount": line.effect.collected,
                "expected_amount": line.effect.expected_amount,
                "costed_contact_count": line.effect.costed_contacts,
                "contact_cost_amount": line.effect.cost,
                **with_parts({"collected_rate": line.collected_rate, "lift": line.lift}),
                "previous_collected_rate": previous,
                "collected_rate_change": None
                if rate is None or previous is None
                else rate - previous,
            }
    built.agree(
        "strategy_effectiveness_by_month",
        ("month_start", "company_code", "strategy_code", "channel", "credit_grade"),
        expected,
    )


def test_how_every_customer_is_to_be_worked(built: Built) -> None:
    reckoning = built.all_together
    grades = reckoning.grades_today(first_ledger_instant(built.companies))
    expected = {
        (one.company_code, one.customer_id): {
            "as_of_date": built.parameters.as_of_date,
            "credit_grade": one.credit_grade,
            "aging_bucket": one.bucket.aging_bucket,
            "aging_bucket_order": one.bucket.order,
            "is_past_due": strategy.is_past_due(one.bucket),
            "amount_class": one.amount_class,
            "owed_amount": one.owed_amount,
            "past_due_amount": one.past_due_amount,
            "rate_status": "missing" if one.is_rate_missing else "ok",
            "collector_id": one.collector_id,
            **strategy_columns(one.strategy),
            **{
                name: one.strategy[name] or None
                for name in ("second_channel", "third_channel", "fallback_strategy_code")
            },
            "first_channel": one.strategy["first_channel"],
            "deadline_days": int(one.strategy["deadline_days"]),
        }
        for one in reckoning.assignments(grades)
    }
    built.agree("strategy_assignments", ("company_code", "customer_id"), expected)


def strategy_columns(row: Row) -> dict[str, Any]:
    names = ("strategy_code", "tone", "responsible_role", "escalation_strategy_code")
    return {name: row[name] or None for name in names}


def test_what_is_to_be_done_today(built: Built) -> None:
    reckoning = built.all_together
    grades = reckoning.grades_today(first_ledger_instant(built.companies))
    expected = {}
    for place, task in enumerate(reckoning.worklist(grades), start=1):
        one = task.assignment
        last_day, last = task.last_contact or (None, {})
        day = built.parameters.as_of_date
        expected[(one.customer_id,)] = {
            "worklist_rank": place,
            "worklist_score": task.score,
            "reasons": ", ".join(task.reasons),
            "recommended_action": task.action,
            "recommended_channel": task.channel,
            "collector_id": one.collector_id,
            "deadline_date": task.deadline_date,
            "company_code": one.company_code,
            **strategy_columns(one.strategy),
            "credit_grade": one.credit_grade,
            "aging_bucket": one.bucket.aging_bucket,
            "amount_class": one.amount_class,
            "owed_amount": task.owed_amount,
            "past_due_amount": task.past_due_amount,
            "oldest_due_date": task.oldest_due_date,
            "days_past_due": None
            if task.oldest_due_date is None
            else (day - task.oldest_due_date).days,
            "last_contact_date": last_day,
            "last_contact_channel": last.get("channel"),
            "last_contact_outcome": last.get("outcome"),
            "last_contact_collector_id": last.get("collector_id"),
            "open_promise_date": task.open_promise_date,
            "open_promise_amount": task.open_promise_amount,
            "disputed_item_count": task.disputed_item_count,
            "disputed_amount": task.disputed_amount,
        }
    built.agree("collection_worklist", ("customer_id",), expected)


# -- cash to come ------------------------------------------------------------------------------


def test_cash_to_come_by_week(built: Built) -> None:
    reckoning = built.all_together
    day = built.parameters.as_of_date
    rules = forecast.rules_of(reckoning.seeds)
    half_year = period_of("half_year", day + timedelta(days=1))
    _, weeks = reckoning.forecasts[day]
    expected = {}
    for (code, number), week in weeks.items():
        first = day + timedelta(days=7 * number - 6)
        days_within = min(7, max(0, (half_year.end - first).days + 1))
        lower, upper = week.interval(rules)
        expected[code, number] = {
            "week_start": first,
            "week_end": first + timedelta(days=6),
            **{f"{way}_amount": week.amount(way) for way in forecast.WAYS},
            "forecast_amount": week.forecast,
            "lower_amount": lower,
            "upper_amount": upper,
            "half_year_end_date": half_year.end,
            "until_half_year_end_amount": round_money(week.forecast * days_within / 7),
        }
    built.agree("cash_forecast_by_week", ("company_code", "week_no"), expected)


def test_how_good_past_forecasts_were(built: Built) -> None:
    reckoning = built.all_together
    rules = forecast.rules_of(reckoning.seeds)
    expected = {
        (origin, code): {
            "week_count": line.week_count,
            "is_complete": line.week_count == int(rules["week_count"]),
            "forecast_amount": line.forecast,
            "actual_amount": line.actual,
            **with_parts(
                {
                    "weighted_absolute_error_rate": line.error,
                    "bias_rate": line.bias,
                    "interval_coverage_rate": line.coverage,
                }
            ),
        }
        for origin, (items, weeks) in reckoning.forecasts.items()
        if origin < built.parameters.as_of_date
        for code, line in forecast.accuracy(
            origin, items, weeks, reckoning.whole_cash, built.parameters.as_of_date, reckoning.seeds
        ).items()
    }
    built.agree("cash_forecast_accuracy", ("origin_date", "company_code"), expected)
