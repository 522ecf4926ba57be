"""The printed summary: scorecard, proofs, what came in, read from a published copy.

Computing and judging are the marts' work; here their rows become lines for a terminal.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import duckdb

from reporting.contents import CLOSED_SETTINGS

SHOWN_PROOFS: Final = 10
GROUP: Final = "all"
"""The scope of all companies together; where it is, each company's own is left to the mart."""

_AFTER_OPEN_PROOFS: Final = (
    "Two ways to the same sum differ, so that nothing of this build is published. The query of "
    "each proof is in",
    "dbt_project/models/marts/trust/proofs.sql; its sides can be asked of the warehouse as it "
    "stands. Look at what was",
    "delivered since the last good run (marts.load_history), correct the delivery or the model, "
    "and refresh again.",
)
_DIGITS: Final = Decimal("0.0001")


def summarise(database: Path) -> str:
    """Tell what a published copy says, for a terminal.

    Args:
        database: A published `collections.duckdb`.

    Returns:
        Lines: the latest quarter's scorecard, the proofs' verdict, loads and quarantined rows. A
        part whose mart is absent or empty says so.
    """
    with duckdb.connect(str(database), read_only=True, config=dict(CLOSED_SETTINGS)) as connection:
        present = {
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
        }
        parts = [
            describe(connection) if mart in present else [f"The mart {mart} is not published."]
            for mart, describe in (
                ("scorecard_by_quarter", _scorecard),
                ("proofs", _proofs),
                ("load_history", _loads),
                ("quarantined_rows", _quarantined_rows),
            )
        ]
    return "\n".join([*parts[0], "", *parts[1], *parts[2], *parts[3]])


def describe_open_proofs(database: Path) -> str | None:
    """Tell which proofs of a warehouse do not close, and what to do.

    Args:
        database: A warehouse or a published copy; nobody writes into it.

    Returns:
        Lines: the open rows, both sides and their difference, and the next step. Null where the
        mart of proofs is absent or every proof closes.
    """
    with duckdb.connect(str(database), read_only=True, config=dict(CLOSED_SETTINGS)) as connection:
        is_there = connection.execute(
            "select 1 from information_schema.tables "
            "where table_schema = 'marts' and table_name = 'proofs'"
        ).fetchone()
        if (
            is_there is None
            or not connection.execute(
                "select 1 from marts.proofs where not is_closed limit 1"
            ).fetchone()
        ):
            return None
        return "\n".join([*_proofs(connection), *_AFTER_OPEN_PROOFS])


def _scorecard(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("""
        select
            company_code, quarter_start, is_complete, label_en, label_zh, value, target_comparison,
            target_value, status, previous_value, change_value
        from marts.scorecard_by_quarter
        where quarter_start = (select max(quarter_start) from marts.scorecard_by_quarter)
        order by company_code, measure_order
    """).fetchall()
    if not rows:
        return ["The scorecard is empty."]
    companies = list(dict.fromkeys(row[0] for row in rows))
    if GROUP in companies:
        companies = [GROUP]
    lines = []
    for company in companies:
        of_company = [row for row in rows if row[0] == company]
        quarter, is_complete = of_company[0][1:3]
        lines += [
            f"Scorecard of {'all companies' if company == GROUP else company}, "
            f"{_quarter(quarter)}{'' if is_complete else ' to date'}",
            *_table(
                ("measure", "指标", "value", "target", "status", "quarter before", "change"),
                (
                    (
                        label_en,
                        label_zh,
                        _number(value),
                        _target(comparison, target),
                        status,
                        _number(previous),
                        _number(change),
                    )
                    for (
                        *_,
                        label_en,
                        label_zh,
                        value,
                        comparison,
                        target,
                        status,
                        previous,
                        change,
                    ) in of_company
                ),
            ),
        ]
    return [*lines, *_missing_rates(connection)]


def _missing_rates(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """One line where a rate is missing in the latest quarter's scorecard, else none."""
    (is_missing,) = connection.execute("""
        select coalesce(bool_or(rate_status = 'missing'), false)
        from marts.scorecard_by_quarter
        where quarter_start = (select max(quarter_start) from marts.scorecard_by_quarter)
    """).fetchall()[0]
    if not is_missing:
        return []
    document_count, currencies = connection.execute("""
        select
            count(distinct (company_code, source_type, source_id)),
            string_agg(distinct currency_code, ', ' order by currency_code)
        from marts.exceptions_by_document
        where exception_code = 'missing_rate'
    """).fetchall()[0]
    return [
        f"Exchange rates are missing: {document_count:,} documents and payments in {currencies} "
        "are in no converted total, and measures of money are not judged. Deliver fx_rates for "
        "them, or set COLLECTIONS_REPORTING_CURRENCY to the currency of the books, and refresh "
        "again."
    ]


def _proofs(connection: duckdb.DuckDBPyConnection) -> list[str]:
    closed = connection.execute(
        "select proof_code, count(*), count(*) filter (not is_closed) from marts.proofs "
        "group by proof_code order by proof_code"
    ).fetchall()
    if not closed:
        return ["Proofs: none, because there is nothing to prove."]
    total = sum(count for _, count, _ in closed)
    if not any(open_count for *_, open_count in closed):
        codes = ", ".join(code for code, *_ in closed)
        return [f"Proofs: all {total:,} close to the cent ({codes})."]
    open_proofs = connection.execute("""
        select
            proof_code, company_code, currency_code, as_of_date, left_amount, right_amount,
            difference_amount
        from marts.proofs
        where not is_closed
        order by proof_code, company_code, currency_code, as_of_date
    """).fetchall()
    lines = [
        f"Proofs: {len(open_proofs):,} of {total:,} DO NOT close:",
        *_table(
            ("proof", "company", "currency", "as of", "left", "right", "difference"),
            (
                ["–" if cell is None else str(cell) for cell in row]
                for row in open_proofs[:SHOWN_PROOFS]
            ),
        ),
    ]
    if len(open_proofs) > SHOWN_PROOFS:
        lines.append(f"  and {len(open_proofs) - SHOWN_PROOFS:,} more")
    return lines


def _loads(connection: duckdb.DuckDBPyConnection) -> list[str]:
    counts = connection.execute(
        "select load_status, count(*) from marts.load_history group by load_status "
        "order by load_status"
    ).fetchall()
    files = ", ".join(f"{count:,} {status}" for status, count in counts) or "none"
    return [f"Loads: {files}."]


def _quarantined_rows(connection: duckdb.DuckDBPyConnection) -> list[str]:
    reasons = connection.execute(
        "select reason_code, count(*), count(*) filter (is_resolved) from marts.quarantined_rows "
        "group by reason_code order by count(*) desc, reason_code"
    ).fetchall()
    if not reasons:
        return ["Quarantined rows: none."]
    total = sum(count for _, count, _ in reasons)
    resolved = sum(count for *_, count in reasons)
    listed = ", ".join(f"{reason} {count:,}" for reason, count, _ in reasons)
    return [f"Quarantined rows: {total:,}, of which {resolved:,} resolved ({listed})."]


_COMPARISONS: Final = {"at_least": "≥", "at_most": "≤", "below": "<"}


def _quarter(start: date) -> str:
    return f"{start.year} Q{(start.month + 2) // 3}"


def _target(comparison: str | None, target: Decimal | None) -> str:
    """What is to be reached, such as `≥ 0.95`; a dash where nothing is asked."""
    if target is None:
        return "–"
    return f"{_COMPARISONS.get(comparison or '', '')} {_number(target)}".strip()


def _number(value: Decimal | None) -> str:
    """Four decimals at most, without trailing zeros; a dash for what there is not."""
    if value is None:
        return "–"
    text = f"{value.quantize(_DIGITS):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    return [
        "  "
        + "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def _width(text: str) -> int:
    """Columns that a terminal gives to a text; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
