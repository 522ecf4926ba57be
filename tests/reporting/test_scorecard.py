"""The printed summary: what a person sees of scorecard, proofs, loads and quarantine."""

from pathlib import Path

import duckdb
import pytest

from reporting.scorecard import SHOWN_PROOFS, describe_open_proofs, summarise

SCORECARD = """
create table marts.scorecard_by_quarter (
    company_code varchar, quarter_start date, is_complete boolean, measure_order integer,
    label_en varchar, label_zh varchar, value decimal(28, 8), target_comparison varchar,
    target_value decimal(28, 8), status varchar, previous_value decimal(28, 8),
    change_value decimal(28, 8), rate_status varchar
);
insert into marts.scorecard_by_quarter values
    ('all', '2026-01-01', true, 1, 'Recovery rate', '回收率', 0.5, null, null, 'ok', null, null,
     'missing'),
    ('all', '2026-04-01', false, 2, 'Days', '天数', 1234.50000001, 'at_most', 30, 'missed', 30.25,
     1204.25, 'ok'),
    ('all', '2026-04-01', false, 1, 'Recovery rate', '回收率', 0.9046, 'at_least', 0.95, 'missed',
     0.5, 0.4046, 'ok'),
    ('1000', '2026-04-01', false, 1, 'Recovery of one', '回收率', 0.1, null, null, 'ok', null, null,
     'ok')
"""
EXCEPTIONS = """
create table marts.exceptions_by_document (
    company_code varchar, source_type varchar, source_id varchar, source_line_no integer,
    exception_code varchar, currency_code varchar
);
insert into marts.exceptions_by_document values
    ('1000', 'ledger', 'D1', 1, 'missing_rate', 'USD'),
    ('1000', 'ledger', 'D1', 2, 'missing_rate', 'USD'),
    ('1000', 'ledger', 'D2', 1, 'missing_rate', 'EUR'),
    ('1000', 'payments', 'D1', 1, 'missing_rate', 'USD'),
    ('1000', 'ledger', 'D3', 1, 'over_applied', 'GBP')
"""
PROOFS = """
create table marts.proofs (
    proof_code varchar, company_code varchar, currency_code varchar, as_of_date date,
    left_amount decimal(28, 2), right_amount decimal(28, 2), difference_amount decimal(28, 2),
    is_closed boolean
);
insert into marts.proofs values
    ('P1', '1000', 'CNY', '2026-06-30', 10.00, 10.00, 0.00, true),
    ('P3', '1000', 'CNY', '2026-06-30', 5.00, 5.00, 0.00, true)
"""
LOADS = """
create table marts.load_history (load_status varchar);
insert into marts.load_history values ('admitted'), ('admitted'), ('duplicate')
"""
QUARANTINE = """
create table marts.quarantined_rows (reason_code varchar, is_resolved boolean);
insert into marts.quarantined_rows values
    ('BAD_DATE', true), ('BAD_DATE', false), ('MISSING_KEY', false)
"""


def write_copy(folder: Path, *statements: str) -> Path:
    """A database with the marts that the statements make."""
    path = folder / "collections.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema if not exists marts")
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return write_copy(tmp_path, SCORECARD, PROOFS, LOADS, QUARANTINE)


def test_the_latest_quarter_of_all_companies_is_told_in_order(copy: Path) -> None:
    told = summarise(copy).splitlines()
    assert told[0] == "Scorecard of all companies, 2026 Q2 to date"
    assert [line.split() for line in told[2:4]] == [
        ["Recovery", "rate", "回收率", "0.9046", "≥", "0.95", "missed", "0.5", "0.4046"],
        ["Days", "天数", "1,234.5", "≤", "30", "missed", "30.25", "1,204.25"],
    ]
    assert "Recovery of one" not in "\n".join(told)


def test_rates_missing_in_the_latest_quarter_are_told_with_what_to_do(
    copy: Path, tmp_path: Path
) -> None:
    assert "Exchange rates" not in summarise(copy)
    write_copy(
        tmp_path,
        EXCEPTIONS,
        "update marts.scorecard_by_quarter set rate_status = 'missing' "
        "where company_code = '1000' and quarter_start = '2026-04-01'",
    )
    (told,) = [line for line in summarise(copy).splitlines() if "Exchange rates" in line]
    assert "3 documents and payments in EUR, USD" in told
    assert "Deliver fx_rates" in told
    assert "COLLECTIONS_REPORTING_CURRENCY" in told


def test_proofs_loads_and_quarantine_are_counted(copy: Path) -> None:
    told = summarise(copy)
    assert "Proofs: all 2 close to the cent (P1, P3)." in told
    assert "Loads: 2 admitted, 1 duplicate." in told
    assert "Quarantined rows: 3, of which 1 resolved (BAD_DATE 2, MISSING_KEY 1)." in told
    assert describe_open_proofs(copy) is None


def test_a_proof_that_does_not_close_is_told_with_both_sides_and_what_to_do(
    copy: Path, tmp_path: Path
) -> None:
    write_copy(
        tmp_path,
        "insert into marts.proofs values "
        "('P5', '2000', 'USD', '2026-05-31', 1000.00, 999.99, 0.01, false), "
        "('P7', '1000', 'CNY', '2026-06-30', null, 3.00, null, false)",
    )
    told = describe_open_proofs(copy)
    assert told is not None
    lines = [line.split() for line in told.splitlines()]
    assert lines[0] == ["Proofs:", "2", "of", "4", "DO", "NOT", "close:"]
    assert lines[2] == ["P5", "2000", "USD", "2026-05-31", "1000.00", "999.99", "0.01"]
    assert lines[3] == ["P7", "1000", "CNY", "2026-06-30", "–", "3.00", "–"]
    assert "refresh again" in told
    assert "P5" in summarise(copy)


def test_more_open_proofs_than_fit_are_counted(copy: Path, tmp_path: Path) -> None:
    write_copy(
        tmp_path,
        "insert into marts.proofs select 'P9', '1000', 'CNY', date '2026-01-01' + day::integer, "
        "1, 2, -1, false from range(13) as days(day)",
    )
    told = describe_open_proofs(copy)
    assert told is not None
    assert told.count("P9") == SHOWN_PROOFS
    assert f"and {13 - SHOWN_PROOFS} more" in told


def test_absent_and_empty_marts_are_named(tmp_path: Path) -> None:
    path = write_copy(tmp_path, PROOFS, "delete from marts.proofs")
    told = summarise(path)
    assert "The mart scorecard_by_quarter is not published." in told
    assert "Proofs: none, because there is nothing to prove." in told
    assert "The mart load_history is not published." in told
    assert describe_open_proofs(path) is None
    other = tmp_path / "other"
    other.mkdir()
    assert describe_open_proofs(write_copy(other, LOADS)) is None
