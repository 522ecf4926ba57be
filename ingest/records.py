"""The records that ingest keeps of every delivered file: what came in, what entered, what not.

Here live the load record, its schema, the schema of quarantined rows and of expectation results,
and the arithmetic that a load record must satisfy. Reading files, judging rows and writing to the
lake do not live here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import polars as pl

ADMITTED: Final = "admitted"
DUPLICATE: Final = "duplicate"
REJECTED: Final = "rejected"

DELTA: Final = "delta"
FULL: Final = "full"

EXPECTATION_FAILED: Final = "EXPECTATION_FAILED"
"""Reason code of a load that could be read but failed a critical expectation."""

INSTANT: Final = pl.Datetime("us")
"""An instant: naive, in UTC, to the microsecond."""

HASH_TOTAL: Final = pl.Decimal(28, 2)
"""A plain sum of amounts over rows, whatever their currency: an auditor's hash total."""

LOAD_METADATA_SCHEMA: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "_load_id": pl.String(),
        "_load_sequence": pl.Int64(),
        "_source": pl.String(),
        "_source_file": pl.String(),
        "_row_number": pl.Int64(),
        "_delivery_date": pl.Date(),
        "_delivery_kind": pl.String(),
        "_recorded_at": INSTANT,
    }
)
"""The columns that every row in the lake carries behind the columns of its extract.

`_row_number` counts the records of the file from 1, headers not counted.
"""

LOAD_RECORD_SCHEMA: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "load_id": pl.String(),
        "load_sequence": pl.Int64(),
        "run_id": pl.String(),
        "source": pl.String(),
        "extract": pl.String(),
        "delivery_date": pl.Date(),
        "delivery_kind": pl.String(),
        "file_name": pl.String(),
        "file_sha256": pl.String(),
        "file_bytes": pl.Int64(),
        "mapping_fingerprint": pl.String(),
        "status": pl.String(),
        "reason_code": pl.String(),
        "reason_detail": pl.String(),
        "recorded_at": INSTANT,
        "received_at": INSTANT,
        "rows_read": pl.Int64(),
        "rows_accepted": pl.Int64(),
        "rows_duplicate": pl.Int64(),
        "rows_quarantined": pl.Int64(),
        "rows_dropped": pl.Int64(),
        "rows_filtered": pl.Int64(),
        "amount_read": HASH_TOTAL,
        "amount_accepted": HASH_TOTAL,
        "amount_duplicate": HASH_TOTAL,
        "amount_quarantined": HASH_TOTAL,
        "amount_dropped": HASH_TOTAL,
        "amount_filtered": HASH_TOTAL,
        "control_row_count": pl.Int64(),
        "control_amount": HASH_TOTAL,
        "unknown_columns": pl.String(),
        "parquet_path": pl.String(),
        "parquet_sha256": pl.String(),
    }
)
"""Columns of `lake/_loads/*.parquet`, in the order of `LoadRecord`'s fields."""

QUARANTINE_SCHEMA: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "load_id": pl.String(),
        "source": pl.String(),
        "extract": pl.String(),
        "delivery_date": pl.Date(),
        "source_file": pl.String(),
        "row_number": pl.Int64(),
        "reason_code": pl.String(),
        "column_name": pl.String(),
        "expected": pl.String(),
        "found": pl.String(),
        "raw_text": pl.String(),
        "row_key": pl.String(),
        "amount": HASH_TOTAL,
        "recorded_at": INSTANT,
    }
)
"""Columns of `quarantine/*.parquet`: one row per delivered row that could not enter.

`row_key` is the extract's key values joined by `|`, null where the key itself cannot be read.
`raw_text` is the whole row as delivered.
"""

EXPECTATION_RESULT_SCHEMA: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "run_id": pl.String(),
        "load_id": pl.String(),
        "extract": pl.String(),
        "source": pl.String(),
        "delivery_date": pl.Date(),
        "expectation_code": pl.String(),
        "severity": pl.String(),
        "is_met": pl.Boolean(),
        "checked_count": pl.Int64(),
        "unexpected_count": pl.Int64(),
        "sample": pl.String(),
        "observed": pl.String(),
        "description": pl.String(),
    }
)
"""Columns of `lake/_expectation_results/*.parquet`: one row per load and expectation."""

PUBLISHED_TOTAL_SCHEMA: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "version": pl.String(),
        "as_of_date": pl.Date(),
        "known_at": INSTANT,
        "timezone": pl.String(),
        "company_code": pl.String(),
        "currency_code": pl.String(),
        "open_amount_document": pl.Decimal(28, 2),
    }
)
"""Columns of `lake/_published_totals/*.parquet`: one row per version, company and currency.

What readers were told was open in all, on the as-of date and as known then.
"""

_BALANCE_PARTS: Final = ("accepted", "duplicate", "quarantined", "dropped", "filtered")


@dataclass(frozen=True, kw_only=True)
class LoadRecord:
    """What happened to one delivered file in one extract.

    A file that feeds several extracts has one record for each. A file that was rejected before
    its rows could be read has counts of zero; in another rejected load the counts say how its rows
    were read, though none of them entered. Amounts are null where the extract has no amount.

    Attributes:
        load_id: Identity of the content under its mapping; see `load_id_of`.
        load_sequence: Position in the order of all loads ever handled, from 1.
        run_id: The refresh that handled the file.
        source: Name of the landing folder and of its mapping.
        extract: The extract that the rows belong to, empty when no mapping matches the file.
        delivery_date: Date of the delivery, the name of the landing folder.
        delivery_kind: `delta`, or `full` when absence from the file means withdrawal.
        file_name: Name of the delivered file.
        file_sha256: SHA-256 of the delivered bytes, their address in the archive; empty for a
            file that could not be copied.
        file_bytes: Size of the delivered file.
        mapping_fingerprint: Identity of the mapping that read the file.
        status: `admitted`, `duplicate` or `rejected`.
        reason_code: Why the load was rejected, null otherwise.
        reason_detail: What, where, expected and found, for a reader.
        recorded_at: When the warehouse knew it: the `_recorded_at` of the load's rows.
        received_at: When the file was last modified in the landing folder.
        rows_read: Rows in the file; equals the sum of the five counts below.
        rows_accepted: Rows that entered the lake.
        rows_duplicate: Rows that the lake or the file already held.
        rows_quarantined: Rows kept aside with a reason.
        rows_dropped: Rows that the mapping declares to be no records.
        rows_filtered: Rows that the mapping leaves to another extract.
        amount_read: Sum over the raw column; equals the sum of the five amounts below.
        amount_accepted: Sum over accepted rows.
        amount_duplicate: Sum over duplicate rows.
        amount_quarantined: Sum over quarantined rows whose amount can be read.
        amount_dropped: Sum over dropped rows whose amount can be read.
        amount_filtered: Sum over filtered rows whose amount can be read.
        control_row_count: Row count that the sender announced, if any.
        control_amount: Amount that the sender announced, if any.
        unknown_columns: Columns that the mapping does not use, joined by commas.
        parquet_path: Path of the rows relative to the lake folder, null unless admitted with rows.
        parquet_sha256: SHA-256 of that Parquet file.
    """

    load_id: str
    load_sequence: int
    run_id: str
    source: str
    extract: str
    delivery_date: date
    delivery_kind: str
    file_name: str
    file_sha256: str
    file_bytes: int
    mapping_fingerprint: str
    status: str
    reason_code: str | None = None
    reason_detail: str | None = None
    recorded_at: datetime
    received_at: datetime
    rows_read: int = 0
    rows_accepted: int = 0
    rows_duplicate: int = 0
    rows_quarantined: int = 0
    rows_dropped: int = 0
    rows_filtered: int = 0
    amount_read: Decimal | None = None
    amount_accepted: Decimal | None = None
    amount_duplicate: Decimal | None = None
    amount_quarantined: Decimal | None = None
    amount_dropped: Decimal | None = None
    amount_filtered: Decimal | None = None
    control_row_count: int | None = None
    control_amount: Decimal | None = None
    unknown_columns: str | None = None
    parquet_path: str | None = None
    parquet_sha256: str | None = None


class UnbalancedLoadError(ValueError):
    """A load record whose parts do not add up to what was read."""


def assert_balanced(record: LoadRecord) -> None:
    """Assert that rows and money read equal the sum of where they went.

    Args:
        record: The record to check.

    Raises:
        UnbalancedLoadError: Naming the file, both sides and their difference.
    """
    for measure in ("rows", "amount"):
        read = getattr(record, f"{measure}_read")
        parts = [getattr(record, f"{measure}_{part}") for part in _BALANCE_PARTS]
        if read is None and all(part is None for part in parts):
            continue
        left = read if read is not None else Decimal(0)
        right = sum((part for part in parts if part is not None), start=Decimal(0))
        if left != right:
            terms = " + ".join(
                f"{name} {part}" for name, part in zip(_BALANCE_PARTS, parts, strict=True)
            )
            message = (
                f"{record.source}/{record.file_name} ({record.extract}): {measure} read {read}, "
                f"but {terms} = {right}; difference {left - right}"
            )
            raise UnbalancedLoadError(message)


def load_id_of(
    *,
    file_sha256: str,
    source: str,
    extract: str,
    mapping_fingerprint: str,
    delivery_kind: str,
    delivery_date: date,
) -> str:
    """Name a load by its content, so that the same bytes read the same way are the same load.

    A full delivery states what exists on its date, so its date is part of its identity: the same
    bytes delivered on another day are another statement.

    Args:
        file_sha256: SHA-256 of the delivered bytes.
        source: Name of the source.
        extract: Name of the extract.
        mapping_fingerprint: Identity of the mapping.
        delivery_kind: `delta` or `full`.
        delivery_date: Date of the delivery.

    Returns:
        Sixteen hexadecimal digits.
    """
    parts = [file_sha256, source, extract, mapping_fingerprint]
    if delivery_kind == FULL:
        parts.append(delivery_date.isoformat())
    return sha256("|".join(parts).encode()).hexdigest()[:16]


def load_records_frame(records: Iterable[LoadRecord]) -> pl.DataFrame:
    """Lay load records out as a table.

    Args:
        records: The records, in any number.

    Returns:
        One row per record with `LOAD_RECORD_SCHEMA`, in the order given.
    """
    return pl.DataFrame([asdict(record) for record in records], schema=dict(LOAD_RECORD_SCHEMA))


def load_records_from_frame(load_records: pl.DataFrame) -> list[LoadRecord]:
    """Read load records back from their table.

    Args:
        load_records: Rows with `LOAD_RECORD_SCHEMA`.

    Returns:
        One record per row, in the order of the rows.
    """
    return [LoadRecord(**row) for row in load_records.iter_rows(named=True)]


def load_record_to_json(record: LoadRecord) -> dict[str, Any]:
    """Write a load record as plain JSON values: dates in ISO format, money as text.

    Args:
        record: The record.

    Returns:
        One entry per field, readable by `load_record_from_json`.
    """
    values = asdict(record)
    for name, value in values.items():
        if isinstance(value, date):
            values[name] = value.isoformat()
        elif isinstance(value, Decimal):
            values[name] = str(value)
    return values


def load_record_from_json(values: Mapping[str, Any]) -> LoadRecord:
    """Read a load record written by `load_record_to_json`.

    Args:
        values: The JSON object.

    Returns:
        The record that was written.
    """
    read: dict[str, Any] = {}
    for field in fields(LoadRecord):
        value = values[field.name]
        dtype = LOAD_RECORD_SCHEMA[field.name]
        if value is not None:
            if dtype == INSTANT:
                value = datetime.fromisoformat(value)
            elif dtype == pl.Date():
                value = date.fromisoformat(value)
            elif dtype == HASH_TOTAL:
                value = Decimal(value)
        read[field.name] = value
    return LoadRecord(**read)
