"""The floor of ingest: Polars from CSV to typed Parquet, and nothing else.

No archive, no checks, no quarantine, no load record. Run as
``python -m benchmarks.floors.ingest <folder of CSV> <folder for Parquet>``.
"""

import sys
from pathlib import Path

import polars as pl

MONEY = pl.Decimal(18, 2)
TYPES: dict[str, dict[str, pl.DataType]] = {
    "ledger": {"document_date": pl.Date(), "due_date": pl.Date(), "amount": MONEY},
    "payments": {"payment_date": pl.Date(), "amount": MONEY},
    "contact_log": {"promised_date": pl.Date(), "promised_amount": MONEY},
    "portfolios": {"valid_from": pl.Date()},
    "customers": {"credit_limit": MONEY},
    "collectors": {},
}


def main(source: Path, target: Path) -> None:
    """Write one typed Parquet per extract."""
    target.mkdir(parents=True, exist_ok=True)
    for name, types in TYPES.items():
        rows = pl.scan_csv(source / f"{name}.csv", infer_schema=False).with_columns(
            pl.col(column).str.to_date("%Y-%m-%d")
            if isinstance(dtype, pl.Date)
            else pl.col(column).cast(dtype)
            for column, dtype in types.items()
        )
        if name == "contact_log":
            rows = rows.with_columns(
                pl.col("contacted_at")
                .str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us")
                .dt.replace_time_zone(None)
            )
        rows.sink_parquet(target / f"{name}.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
