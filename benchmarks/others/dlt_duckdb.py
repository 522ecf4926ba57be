"""dlt into DuckDB by way of Arrow, then the floor's SQL. It keeps load ids and schemas.

Arrow batches are dlt's fastest way in: its rows of Python dictionaries cost many times more.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow import csv

from benchmarks.others.questions import Steps, run
from benchmarks.others.sql import answer_in_duckdb

MONEY = pa.decimal128(18, 2)
TYPES = {
    "ledger": {"document_date": pa.date32(), "due_date": pa.date32(), "amount": MONEY},
    "payments": {"payment_date": pa.date32(), "amount": MONEY},
    "contact_log": {
        "contacted_at": pa.timestamp("us", tz="UTC"),
        "promised_amount": MONEY,
        "promised_date": pa.date32(),
    },
}


def main(source: Path, target: Path) -> None:
    """Load the extracts with a pipeline and answer from the database that it filled."""
    # Its own switch for reports of use: nothing here talks to anybody.
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt

    def batches(name: str) -> Iterator[pa.Table]:
        path = source / f"{name}.csv"
        columns = path.open(encoding="utf-8").readline().strip().split(",")
        types = {column: TYPES[name].get(column, pa.string()) for column in columns}
        reader = csv.open_csv(
            path,
            read_options=csv.ReadOptions(block_size=16 << 20),
            convert_options=csv.ConvertOptions(
                column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )
        for batch in reader:
            yield pa.Table.from_batches([batch])

    steps = Steps(target)
    database = target / "dlt.duckdb"
    with steps.step("load"):
        pipeline = dlt.pipeline(
            pipeline_name="side_by_side",
            pipelines_dir=str(target / "pipelines"),
            destination=dlt.destinations.duckdb(str(database)),
            dataset_name="extracts",
        )
        extracts = [
            dlt.resource(batches(name), name=name, write_disposition="replace") for name in TYPES
        ]
        pipeline.run(extracts, loader_file_format="parquet")
    with duckdb.connect(str(database), config={"threads": 2}) as connection:
        connection.execute("set schema = 'extracts'")
        answer_in_duckdb(connection, steps)


if __name__ == "__main__":
    run(main)
