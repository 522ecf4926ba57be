"""Stage bytes as a delivered file, and look at what became of them."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ingest.extracts import EXTRACTS
from ingest.mappings import SourceMapping, canonical_mapping
from ingest.readers.text import DEFAULT_LIMITS, Limits
from ingest.records import QUARANTINE_SCHEMA, assert_balanced
from ingest.staging import StagedLoad, stage_file

LEDGER_HEADER = "document_id,customer_id,document_type,document_date,due_date,currency_code,amount"
GOOD_ROW = "INV-1001,C001,invoice,2026-06-15,2026-07-15,USD,1200.50"


def stage(
    folder: Path,
    file_name: str,
    content: bytes | str,
    *,
    source: SourceMapping | None = None,
    control: dict[str, Any] | None = None,
    is_duplicate: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    next_sequence: int = 1,
) -> list[StagedLoad]:
    """Stage one file and check what must hold whatever it holds."""
    archived = folder / "archived"
    archived.write_bytes(content.encode() if isinstance(content, str) else content)
    loads = stage_file(
        archived,
        file_name=file_name,
        source=source or canonical_mapping(),
        delivery_date=date(2026, 7, 31),
        recorded_at=datetime(2026, 7, 31, 15, 59, 59, 999_999),
        received_at=datetime(2026, 7, 31, 1),
        file_sha256=hashlib.sha256(archived.read_bytes()).hexdigest(),
        run_id="run",
        next_sequence=next_sequence,
        folder=folder / "staged",
        control=control,
        is_duplicate=is_duplicate,
        limits=limits,
    )
    left = [path.name for path in (folder / "staged").glob("reading-*")]
    assert not left, "private files must not stay"
    for load in loads:
        assert_balanced(load.record)
        check_files(load)
    return loads


def check_files(load: StagedLoad) -> None:
    """Files say what the record says, in the promised schema."""
    record = load.record
    if load.parquet is not None:
        rows = pl.read_parquet(load.parquet)
        extract = EXTRACTS[record.extract]
        assert dict(rows.schema) == extract.lake_schema
        assert rows.height == record.rows_accepted
        if extract.amount_column:
            total = rows[extract.amount_column].sum() or Decimal(0)
            assert total == (record.amount_accepted or Decimal(0))
    if load.quarantine is not None:
        rows = pl.read_parquet(load.quarantine)
        assert dict(rows.schema) == dict(QUARANTINE_SCHEMA)
        assert rows.height == record.rows_quarantined
        assert rows["reason_code"].null_count() == 0
        assert rows["raw_text"].null_count() == 0


def accepted(load: StagedLoad) -> pl.DataFrame:
    """The accepted rows."""
    if load.parquet is None:
        return pl.DataFrame(schema=EXTRACTS[load.record.extract].lake_schema)
    return pl.read_parquet(load.parquet)


def quarantined(load: StagedLoad) -> pl.DataFrame:
    """The quarantined rows."""
    if load.quarantine is None:
        return pl.DataFrame(schema=dict(QUARANTINE_SCHEMA))
    return pl.read_parquet(load.quarantine)


def ledger_csv(*rows: str, header: str = LEDGER_HEADER) -> str:
    """A ledger file of the canonical source."""
    return "\n".join([header, *rows]) + "\n"
