"""The worked company: what README.md works out by hand, from the warehouse and from the oracle."""

from dataclasses import asdict, astuple, fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import aging
from tests.oracle.arithmetic import round_ratio
from tests.oracle.balances import fx_residues, open_items
from tests.oracle.cash import Application, applications
from tests.oracle.inputs import Extracts, Parameters, Seeds
from tests.oracle.journal import Item, journal
from tests.oracle.receivables import Receivable, receivables
from tests.oracle.reckoning import Reckoning
from tests.properties.lake import read_lake
from tests.warehouse import fetch, write_lake
from tests.worked_company.company import (
    AS_OF_DATE,
    KNOWN_AT_QUARTER_END,
    KNOWN_LATER,
    OWN_SEEDS,
    QUARTER_END,
    as_text,
    deliveries,
    expected,
)

KNOWN = {"then": KNOWN_AT_QUARTER_END, "later": KNOWN_LATER}
PARAMETERS = Parameters(AS_OF_DATE, KNOWN_LATER)
BUCKETS = Seeds().buckets()


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Extracts:
    home = tmp_path_factory.mktemp("worked_company_lake")
    write_lake(home, deliveries())
    return read_lake(home)


def by_hand(name: str, **where: str) -> list[tuple[str, ...]]:
    """Expected rows, without the columns by which they were chosen."""
    return sorted(
        tuple(value for column, value in row.items() if column not in where)
        for row in expected(name)
        if all(row[column] == value for column, value in where.items())
    )


# -- the oracle -------------------------------------------------------------------------------


def test_the_oracle_writes_the_journal_of_the_page(extracts: Extracts) -> None:
    book = journal(extracts, PARAMETERS)
    assert as_text(
        [
            (
                m.item.item_type,
                m.item.document_id,
                m.item.installment_no,
                m.customer_id,
                m.movement_type,
                m.effective_date,
                m.currency_code,
                m.amount_document,
                m.amount,
                m.source_id,
            )
            for m in book.movements
        ]
    ) == by_hand("movements")
    assert not book.flags


@pytest.mark.parametrize(
    ("as_of_date", "known"),
    [(QUARTER_END, "later"), (QUARTER_END, "then"), (AS_OF_DATE, "later")],
)
def test_the_oracle_ages_the_items_of_the_page(
    extracts: Extracts, as_of_date: date, known: str
) -> None:
    book = journal(extracts, PARAMETERS, KNOWN[known])
    lines: dict[Item, list[Any]] = {}
    for item in sorted(aging.aging(book, as_of_date, BUCKETS), key=lambda i: i.bucket_set):
        facts = item.open_item.facts
        line = lines.setdefault(
            facts.item,
            [
                facts.item.document_id,
                facts.item.installment_no,
                facts.customer_id,
                facts.currency_code,
                facts.due_date,
                item.days_past_due,
                item.open_item.open_amount_document,
                item.open_item.open_amount,
            ],
        )
        line += [item.aging_bucket, item.aging_bucket_by_document_date]
    for line in lines.values():
        line[9], line[10] = line[10], line[9]  # both sets by due date, then by document date
    assert as_text(list(lines.values())) == by_hand(
        "open_items", as_of_date=str(as_of_date), known=known
    )


def test_the_oracle_finds_the_fx_residue_and_the_totals_of_the_page(extracts: Extracts) -> None:
    later, then = journal(extracts, PARAMETERS), journal(extracts, PARAMETERS, KNOWN["then"])
    d08 = Item("main", "document", "D08", 1)
    assert fx_residues(later, QUARTER_END) == {d08: Decimal("-100.00")}
    totals = [
        sum(item.open_amount or 0 for item in open_items(book, day))
        for book, day in ((later, QUARTER_END), (then, QUARTER_END), (later, AS_OF_DATE))
    ]
    assert totals == [Decimal("2305.00"), Decimal("2235.00"), Decimal("3105.00")]


def test_the_oracle_lists_the_documents_of_the_page(extracts: Extracts) -> None:
    told = receivables(extracts, PARAMETERS, journal(extracts, PARAMETERS), BUCKETS)
    columns = list(expected("receivables_by_document")[0])
    assert as_text(
        [
            tuple((asdict(item) | asdict(line))[column] for column in columns)
            for item, line in told.items()
        ]
    ) == by_hand("receivables_by_document")


@pytest.mark.parametrize("as_of_date", [QUARTER_END, AS_OF_DATE])
def test_the_oracle_adds_up_the_buckets_of_the_page(extracts: Extracts, as_of_date: date) -> None:
    totals = aging.totals(aging.aging(journal(extracts, PARAMETERS), as_of_date, BUCKETS))
    wanted = by_hand("aging_by_bucket", as_of_date=str(as_of_date))
    written = {row[1:3] for row in wanted}
    assert (
        as_text(
            [
                (
                    key.currency_code,
                    key.bucket_set,
                    key.age_basis,
                    key.aging_bucket,
                    line.document_count,
                    line.open_amount_document,
                    line.open_amount,
                )
                for key, line in totals.items()
                if (key.bucket_set, key.age_basis) in written
            ]
        )
        == wanted
    )


@pytest.fixture(scope="module")
def reckoning(extracts: Extracts) -> Reckoning:
    return Reckoning("main", extracts, PARAMETERS, Seeds(own=OWN_SEEDS))


def test_the_oracle_measures_turnover_recovery_and_bad_debt_as_the_page(
    reckoning: Reckoning,
) -> None:
    found = []
    for mart, lines in (
        ("turnover_by_period", reckoning.turnover),
        ("bad_debt_by_period", reckoning.bad_debt),
    ):
        for line in lines:
            if line.scope.scope_type == "company":
                key = (mart, line.period.kind, line.period.start)
                found += [(*key, name, amount, "") for name, amount in line.amounts.items()]
                found += [
                    (*key, name, rate.value, rate.status) for name, rate in line.rates.items()
                ]
    assert set(by_hand("measures")) <= set(as_text(found))


def test_the_oracle_makes_the_allowance_of_the_page(reckoning: Reckoning) -> None:
    april = date(2026, 4, 1)
    assert as_text(
        [
            (
                month.start,
                segment,
                bucket,
                line.open_amount,
                None if line.rate is None else round_ratio(line.rate),
                line.required,
            )
            for month, method, segment, bucket, line in reckoning.allowance_by_bucket()
            if method == "aging" and month.start < april and line.open_amount != 0
        ]
    ) == by_hand("allowance_by_bucket")
    assert as_text(
        [
            (month.start, segment, *astuple(line))
            for month, method, segment, line in reckoning.allowance_roll_forward()
            if method == "aging" and month.start < april
        ]
    ) == by_hand("allowance_roll_forward")
    assert as_text(
        [
            (knowledge, month.start, segment, line.predicted, line.written_off, line.recovered)
            for knowledge, month, segment, method, line in reckoning.allowance_back_test()
            if method == "aging"
        ]
    ) == by_hand("allowance_back_test")


def test_the_oracle_judges_the_promises_of_the_page(reckoning: Reckoning) -> None:
    # The page has all but the parts from which the last columns are made.
    assert as_text([astuple(p)[:-2] for p in reckoning.promises()]) == by_hand("promises")


def test_the_oracle_attributes_cash_as_the_page(reckoning: Reckoning) -> None:
    assert as_text(
        [
            (
                given.piece.payment_id,
                given.piece.facts.item.document_id,
                given.piece.facts.item.installment_no,
                given.method,
                given.piece.payment_date,
                given.piece.effective_date,
                given.earned_date,
                given.collector_id,
                given.share,
                given.amount,
            )
            for given in reckoning.attribution()
        ]
    ) == by_hand("cash_attribution")


# -- the warehouse ----------------------------------------------------------------------------


@pytest.mark.warehouse
def test_the_warehouse_writes_the_journal_of_the_page(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            item_type, document_id, installment_no, customer_id, movement_type, effective_date,
            currency_code, amount_document, amount, source_id
        from marts.receivable_movements
        where is_current
        """,
    )
    assert as_text(rows) == by_hand("movements")


@pytest.mark.warehouse
@pytest.mark.parametrize(
    ("as_of_date", "known"),
    [(QUARTER_END, "later"), (QUARTER_END, "then"), (AS_OF_DATE, "later")],
)
def test_the_warehouse_ages_the_items_of_the_page_as_of_any_day(
    warehouse: Path, as_of_date: date, known: str
) -> None:
    rows = fetch(
        warehouse,
        """
        select
            document_id, installment_no, customer_id, currency_code, due_date, days_past_due,
            open_amount_document, open_amount,
            max(aging_bucket) filter (where bucket_set = 'days'),
            max(aging_bucket) filter (where bucket_set = 'months'),
            max(aging_bucket_by_document_date) filter (where bucket_set = 'days'),
            max(aging_bucket_by_document_date) filter (where bucket_set = 'months')
        from marts.aging_as_of($1, $2)
        group by all
        """,
        [as_of_date, KNOWN[known]],
    )
    assert as_text(rows) == by_hand("open_items", as_of_date=str(as_of_date), known=known)


@pytest.mark.warehouse
@pytest.mark.parametrize("as_of_date", [QUARTER_END, AS_OF_DATE])
def test_the_warehouse_keeps_the_slices_of_the_page(warehouse: Path, as_of_date: date) -> None:
    items = fetch(
        warehouse,
        """
        select
            document_id, installment_no, customer_id, currency_code, due_date, days_past_due,
            open_amount_document, open_amount,
            max(aging_bucket) filter (where bucket_set = 'days'),
            max(aging_bucket) filter (where bucket_set = 'months'),
            max(aging_bucket_by_document_date) filter (where bucket_set = 'days'),
            max(aging_bucket_by_document_date) filter (where bucket_set = 'months')
        from marts.aging_by_document
        where as_of_date = $1
        group by all
        """,
        [as_of_date],
    )
    assert as_text(items) == by_hand("open_items", as_of_date=str(as_of_date), known="later")
    wanted = by_hand("aging_by_bucket", as_of_date=str(as_of_date))
    written = {row[1:3] for row in wanted}
    buckets = fetch(
        warehouse,
        """
        select
            currency_code, bucket_set, age_basis, aging_bucket, document_count,
            open_amount_document, open_amount
        from marts.aging_by_bucket
        where as_of_date = $1 and document_count > 0
        """,
        [as_of_date],
    )
    assert as_text([row for row in buckets if row[1:3] in written]) == wanted


@pytest.mark.warehouse
def test_the_warehouse_measures_turnover_recovery_and_bad_debt_as_the_page(
    warehouse: Path,
) -> None:
    found = []
    for row in expected("measures"):
        measure = row["measure"]
        status = f"{measure}_status" if row["status"] else "''"
        ((value, found_status),) = fetch(
            warehouse,
            f"""
            select {measure}, {status}
            from marts.{row["mart"]}
            where period_type = $1 and period_start = $2::date and scope_type = 'company'
            """,  # noqa: S608
            [row["period_type"], row["period_start"]],
        )
        found.append(
            (
                row["mart"],
                row["period_type"],
                row["period_start"],
                measure,
                value,
                found_status,
            )
        )
    assert as_text(found) == by_hand("measures")


@pytest.mark.warehouse
def test_the_warehouse_measures_regions_segments_and_customers_as_the_page(
    warehouse: Path,
) -> None:
    found = []
    for row in expected("measures_of_march_by_scope"):
        measure = row["measure"]
        ((value, status),) = fetch(
            warehouse,
            f"""
            select {measure}, {measure}_status from marts.{row["mart"]}
            where period_type = 'month' and period_start = date '2026-03-01'
                and scope_type = ? and scope_id = ?
            """,  # noqa: S608
            [row["scope_type"], row["scope_id"]],
        )
        found.append((row["mart"], row["scope_type"], row["scope_id"], measure, value, status))
    assert as_text(found) == by_hand("measures_of_march_by_scope")


@pytest.mark.warehouse
@pytest.mark.parametrize(
    ("mart", "condition"),
    [
        (
            "allowance_by_bucket",
            "allowance_method = 'aging' and open_amount <> 0 and period_start < '2026-04-01'",
        ),
        ("allowance_roll_forward", "allowance_method = 'aging' and period_start < '2026-04-01'"),
        ("allowance_back_test", "allowance_method = 'aging'"),
        ("promises", "true"),
        (
            "performance_by_collector_month",
            "month_start between '2026-02-01' and '2026-03-01'",
        ),
        ("scorecard_by_quarter", "quarter_start = '2026-01-01'"),
        ("receivables_by_document", "true"),
        ("exceptions_by_document", "true"),
    ],
)
def test_the_warehouse_fills_the_mart_as_the_page(
    warehouse: Path, mart: str, condition: str
) -> None:
    columns = list(expected(mart)[0])
    rows = fetch(
        warehouse,
        f"select {', '.join(columns)} from marts.{mart} where {condition}",  # noqa: S608
    )
    assert as_text(rows) == by_hand(mart)


@pytest.mark.warehouse
def test_the_warehouse_tells_of_every_document_what_the_oracle_does(
    warehouse: Path, extracts: Extracts
) -> None:
    columns = [field.name for field in fields(Receivable)]
    rows = fetch(
        warehouse,
        f"""
        select company_code, 'document', document_id, installment_no, {", ".join(columns)}
        from marts.receivables_by_document
        """,  # noqa: S608
    )
    told = receivables(extracts, PARAMETERS, journal(extracts, PARAMETERS), BUCKETS)
    assert {Item(*row[:4]): Receivable(*row[4:]) for row in rows} == told
    assert len(rows) == len(told)


@pytest.mark.warehouse
def test_the_warehouse_applies_cash_as_the_oracle(warehouse: Path, extracts: Extracts) -> None:
    rows = fetch(
        warehouse,
        """
        select
            company_code, payment_id, line_no, document_id, installment_no, effective_date,
            is_reversed_cash,
            original_payment_id, customer_id, payer_customer_id, payment_date, document_date,
            due_date, days_from_document_date, days_from_due_date, currency_code, payment_method,
            count(*), sum(amount_document), coalesce(sum(amount), 0),
            count(*) filter (where rate_status = 'missing' and amount is null)
        from marts.cash_applications
        group by all
        """,
    )
    told = applications(extracts, PARAMETERS, journal(extracts, PARAMETERS))
    assert {row[:7]: Application(*row[7:]) for row in rows} == told
    assert len(rows) == len(told)


@pytest.mark.warehouse
def test_the_warehouse_attributes_cash_as_the_page(warehouse: Path) -> None:
    columns = list(expected("cash_attribution")[0])
    rows = fetch(
        warehouse,
        f"select {', '.join(columns)} from marts.cash_attribution",  # noqa: S608
    )
    assert as_text(rows) == by_hand("cash_attribution")


@pytest.mark.warehouse
def test_every_proof_of_the_company_closes(warehouse: Path) -> None:
    rows = fetch(warehouse, "select proof_code, is_closed, count(*) from marts.proofs group by all")
    assert {code for code, _, _ in rows} >= {"P1", "P2", "P3", "P5", "P6", "P7", "P8", "P9"}
    assert all(is_closed for _, is_closed, _ in rows)


@pytest.mark.warehouse
def test_stated_balances_are_met_as_known_then(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select proof_code, as_of_date, currency_code, left_amount, right_amount
        from marts.proofs where proof_code in ('P2', 'P8')
        """,
    )
    february, march = date(2026, 2, 28), QUARTER_END
    stated = [
        ("P2", february, "CNY", "3660.00"),
        ("P2", february, "USD", "1000.00"),
        ("P2", march, "CNY", "1530.00"),
        ("P2", march, "USD", "100.00"),
        ("P8", march, "CNY", "1530.00"),
        ("P8", march, "USD", "100.00"),
    ]
    assert as_text(rows) == as_text([(*row, row[-1]) for row in stated])


@pytest.mark.warehouse
def test_what_restated_the_quarter_end(warehouse: Path) -> None:
    between = fetch(
        warehouse,
        """
        select document_id, change_type, aging_bucket, change_amount_document
        from marts.restatements_between($1, $2, $3) where bucket_set = 'days'
        """,
        [QUARTER_END, KNOWN_AT_QUARTER_END, KNOWN_LATER],
    )
    assert as_text(between) == [
        ("D12", "entry_added", "1-30", "380.00"),
        ("D12", "entry_removed", "1-30", "-400.00"),
        ("D13", "entry_added", "current", "90.00"),
    ]
    restated = fetch(
        warehouse,
        """
        select document_id, change_type, effective_month_start, change_amount_document
        from marts.restatements where restated_at > $1 and effective_date <= $2
        """,
        [KNOWN_AT_QUARTER_END, QUARTER_END],
    )
    assert as_text(restated) == [
        ("D12", "entry_added", "2026-02-01", "380.00"),
        ("D12", "entry_removed", "2026-02-01", "-400.00"),
        ("D13", "entry_added", "2026-03-01", "90.00"),
    ]


@pytest.mark.warehouse
def test_what_came_back_of_march_s_write_offs_is_that_of_the_page(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select
            write_off_month_start, write_off_amount, recovery_of_written_off_amount,
            recovery_of_written_off_rate, recovery_of_written_off_rate_status,
            recovery_of_written_off_within_12_months_rate_status
        from marts.recovery_by_write_off_month
        where scope_type = 'company'
        """,
    )
    assert rows == [
        (
            date(2026, 3, 1),
            Decimal("700.00"),
            Decimal("200.00"),
            Decimal("0.28571429"),
            "ok",
            "insufficient_history",
        )
    ]


@pytest.mark.warehouse
def test_march_is_judged_by_itself_as_the_page_measures_it(warehouse: Path) -> None:
    rows = fetch(
        warehouse,
        """
        select measure, value, target_value, status
        from marts.scorecard_by_period
        where
            period_type = 'month' and period_start = '2026-03-01' and scope_type = 'company'
            and measure in ('recovery_rate', 'average_collection_days', 'unpaid_rate')
        order by measure_order
        """,
    )
    assert rows == [
        ("recovery_rate", Decimal("0.75697211"), Decimal("0.95"), "missed"),
        ("average_collection_days", Decimal("30.86285714"), Decimal(30), "missed"),
        ("unpaid_rate", Decimal("0.21909862"), None, "ok"),
    ]
