"""What asset pages tell: counts, money, files and reasons, as Dagster metadata.

Values of rows are never shown, only their keys, and those only where an expectation failed or a
row was quarantined.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import dagster as dg
import polars as pl

from ingest.extracts import Extract
from ingest.records import REJECTED, LoadRecord
from quality import ExpectationResult

SHOWN_FILES: Final = 50
SHOWN_KEYS: Final = 10

_ADDED: Final = {
    "_load_id": "The load that brought the row.",
    "_load_sequence": "Position of that load in the order of admission.",
    "_source": "The source mapping that read it.",
    "_source_file": "The delivered file.",
    "_row_number": "Position of the record in the file, from 1, headers not counted.",
    "_delivery_date": "The date of the delivery.",
    "_delivery_kind": "delta, or full: what is absent from a full delivery is withdrawn.",
    "_recorded_at": "The instant from which the row is known, UTC.",
}
_PARTS: Final = ("read", "accepted", "duplicate", "quarantined", "dropped", "filtered")


def column_schema(extract: Extract) -> dg.TableSchema:
    """Tell what columns the rows of an extract have.

    Args:
        extract: The contract.

    Returns:
        The contract's columns and those that ingest adds, with types and descriptions.
    """
    described = {column.name: column for column in extract.columns}
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=str(dtype),
                description=described[name].description if name in described else _ADDED[name],
                constraints=dg.TableColumnConstraints(
                    nullable=name in described and described[name].kind == "optional",
                    other=["key"] if name in extract.key else [],
                ),
            )
            for name, dtype in extract.lake_schema.items()
        ]
    )


def delivery_metadata(
    records: Sequence[LoadRecord], quarantined: pl.DataFrame
) -> dict[str, dg.MetadataValue]:
    """Tell what one delivery brought to one extract.

    Args:
        records: Load records of that extract and delivery date.
        quarantined: Quarantined rows of those loads.

    Returns:
        Rows and money by where they went, statuses, files, reasons, and keys to look at.
    """
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(sum(record.rows_accepted for record in records))
    }
    for part in _PARTS:
        metadata[f"rows {part}"] = dg.MetadataValue.int(
            sum(getattr(record, f"rows_{part}") for record in records)
        )
    for part in _PARTS:
        amounts = [getattr(record, f"amount_{part}") for record in records]
        known = [amount for amount in amounts if amount is not None]
        if known:
            metadata[f"amount {part}"] = dg.MetadataValue.text(
                f"{sum(known, start=Decimal(0)):,.2f}"
            )
    statuses = Counter(record.status for record in records)
    metadata["files"] = dg.MetadataValue.int(len({record.file_name for record in records}))
    metadata["loads"] = dg.MetadataValue.text(
        ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    )
    metadata["by file"] = dg.MetadataValue.md(
        markdown_table(
            ("file", "source", "status", "rows read", "accepted", "quarantined", "reason"),
            (
                (
                    record.file_name,
                    record.source,
                    record.status,
                    record.rows_read,
                    record.rows_accepted,
                    record.rows_quarantined,
                    record.reason_code or "",
                )
                for record in records
            ),
            limit=SHOWN_FILES,
        )
    )
    if quarantined.height:
        reasons = (
            quarantined.group_by("reason_code", "column_name")
            .agg(pl.len().alias("rows"), pl.col("row_key").drop_nulls().head(SHOWN_KEYS))
            .sort("rows", "reason_code", "column_name", descending=[True, False, False])
        )
        metadata["quarantined by reason"] = dg.MetadataValue.md(
            markdown_table(
                ("reason", "column", "rows", "keys of the first"),
                (
                    (reason, column or "", count, ", ".join(keys))
                    for reason, column, count, keys in reasons.select(
                        "reason_code", "column_name", "rows", "row_key"
                    ).iter_rows()
                ),
            )
        )
    return metadata


def expectation_metadata(results: Sequence[ExpectationResult]) -> dict[str, dg.MetadataValue]:
    """Tell what one expectation found in the loads of one extract.

    Args:
        results: Its results by load.

    Returns:
        Counts, and for each load that fails the keys of its first unexpected rows.
    """
    failed = [result for result in results if not result.is_met]
    metadata: dict[str, dg.MetadataValue] = {
        "loads judged": dg.MetadataValue.int(len(results)),
        "loads that fail": dg.MetadataValue.int(len(failed)),
        "rows checked": dg.MetadataValue.int(sum(result.checked_count for result in results)),
        "rows unexpected": dg.MetadataValue.int(sum(result.unexpected_count for result in results)),
    }
    if failed:
        metadata["sample"] = dg.MetadataValue.md(
            markdown_table(
                ("delivery", "source", "load", "unexpected", "found", "keys of the first rows"),
                (
                    (
                        result.delivery_date or "",
                        result.source,
                        result.load_id,
                        result.unexpected_count,
                        result.observed,
                        result.sample,
                    )
                    for result in failed
                ),
                limit=SHOWN_FILES,
            )
        )
    return metadata


def register_metadata(records: Sequence[LoadRecord]) -> dict[str, dg.MetadataValue]:
    """Tell what one refresh took in, over all extracts.

    Args:
        records: The load records of the refresh.

    Returns:
        Counts by status, and the rejected loads with their reasons.
    """
    statuses = Counter(record.status for record in records)
    metadata: dict[str, dg.MetadataValue] = {
        f"loads {status}": dg.MetadataValue.int(count) for status, count in sorted(statuses.items())
    }
    for part in _PARTS:
        metadata[f"rows {part}"] = dg.MetadataValue.int(
            sum(getattr(record, f"rows_{part}") for record in records)
        )
    rejected = [record for record in records if record.status == REJECTED]
    if rejected:
        metadata["rejected"] = dg.MetadataValue.md(rejection_table(rejected))
    return metadata


def rejection_table(records: Iterable[LoadRecord]) -> str:
    """List rejected loads with their reasons, as Markdown."""
    return markdown_table(
        ("delivery", "source", "file", "extract", "reason", "detail"),
        (
            (
                record.delivery_date,
                record.source,
                record.file_name,
                record.extract,
                record.reason_code or "",
                record.reason_detail or "",
            )
            for record in records
        ),
        limit=SHOWN_FILES,
    )


def row_count_table(row_counts: Mapping[str, int]) -> str:
    """List tables with their rows, as Markdown."""
    return markdown_table(
        ("table", "rows"), ((name, f"{count:,}") for name, count in sorted(row_counts.items()))
    )


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, limit: int | None = None
) -> str:
    r"""Write rows as a Markdown table; what a sender wrote cannot change its shape.

    Args:
        header: Names of the columns.
        rows: Cells.
        limit: Rows shown at most; a last line tells how many more there are.

    Returns:
        The table.

    Examples:
        >>> print(markdown_table(("file", "rows"), [("a|b<i>.csv", 2), ("c.csv", 3)], limit=1))
        | file | rows |
        | --- | --- |
        | a\|b&lt;i&gt;.csv | 2 |
        <BLANKLINE>
        and 1 more
    """
    lines = [_line(header), _line(["---"] * len(header))]
    more = 0
    for number, row in enumerate(rows, start=1):
        if limit is not None and number > limit:
            more += 1
        else:
            lines.append(_line([_escaped(cell) for cell in row]))
    if more:
        lines += ["", f"and {more:,} more"]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(cell: object) -> str:
    text = " ".join(str(cell).split())
    for character, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        text = text.replace(character, escape)
    return text
