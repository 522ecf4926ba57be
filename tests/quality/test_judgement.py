"""Judging staged loads: results land on the right load, and a failing expectation fails."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingest.extracts import EXTRACTS
from quality import LoadUnderJudgement, judge_loads

DELIVERY = dt.date(2026, 1, 31)
INVOICE = {
    "company_code": "main",
    "document_id": "D1",
    "installment_no": 1,
    "customer_id": "C1",
    "document_type": "invoice",
    "document_date": DELIVERY,
    "currency_code": "CNY",
    "amount": Decimal("1.00"),
    "has_open_dispute": False,
    "legal_status": "none",
    "is_withdrawn": False,
}


def _stage(folder: Path, load_id: str, rows: list[dict[str, object]]) -> LoadUnderJudgement:
    schema = EXTRACTS["ledger"].lake_schema
    metadata = {
        "_load_id": load_id,
        "_load_sequence": 1,
        "_source": "acme",
        "_source_file": "ledger.csv",
        "_delivery_date": DELIVERY,
        "_delivery_kind": "delta",
        "_recorded_at": dt.datetime(2026, 1, 31, 15, 59, 59),
    }
    staged = pl.DataFrame(
        [
            {**dict.fromkeys(schema), **metadata, "_row_number": number, **row}
            for number, row in enumerate(rows, start=1)
        ],
        schema=schema,
    )
    parquet = folder / f"{load_id}.parquet"
    staged.write_parquet(parquet)
    return LoadUnderJudgement(
        load_id=load_id,
        extract="ledger",
        parquet=parquet,
        delivery_date=DELIVERY,
        source="acme",
        rows_accepted=len(rows),
        amount_accepted=sum((Decimal(str(row["amount"])) for row in rows), Decimal(0)),
    )


def test_a_broken_row_is_found_on_its_own_load_only(tmp_path: Path) -> None:
    good = _stage(tmp_path, "good", [INVOICE, {**INVOICE, "document_id": "D2"}])
    bad = _stage(tmp_path, "bad", [INVOICE, {**INVOICE, "document_id": None}])
    results = judge_loads("ledger", [good, bad], lake=tmp_path / "lake", run_id="run")
    broken = {(one.load_id, one.expectation_code) for one in results if not one.is_met}
    assert broken == {("bad", "document_id_is_filled")}
