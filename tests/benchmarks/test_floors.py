"""The hand-written floors answer for a small company, so that no ratio stops half-way."""

from pathlib import Path

import duckdb
import pytest

from benchmarks import data
from benchmarks.floors import ingest, script


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a company of 500 documents, made by the floors of ingest, load and marts."""
    folder = tmp_path_factory.mktemp("floors")
    data.write_extracts(folder / "extracts", documents=500)
    ingest.main(folder / "extracts", folder / "parquet")
    script.main("load", folder / "parquet", folder / "floor.duckdb")
    script.main("marts", folder / "parquet", folder / "floor.duckdb")
    return folder / "floor.duckdb"


def test_every_table_of_the_floor_has_rows(floor: Path) -> None:
    with duckdb.connect(str(floor), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        empty = {name for (name,) in tables if not connection.table(name).limit(1).fetchall()}
    assert len(tables) > 40
    # Three clean years have nothing that somebody must look at.
    assert empty == {"exceptions_by_document"}
