"""Every seed and every mart, and each of their columns, says what it is."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.warehouse import PROJECT

SEEDS = sorted((PROJECT / "seeds").glob("*.csv"))
MARTS = sorted((PROJECT / "models" / "marts").glob("*/*.sql"))


def declared(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in folder.rglob("*.yml"):
        for entry in yaml.safe_load(file.read_text("utf-8")).get(kind, []):
            yield entry["name"], entry


SEEDS_DECLARED = dict(declared(PROJECT / "seeds", "seeds"))
MARTS_DECLARED = dict(declared(PROJECT / "models" / "marts", "models"))


def described(entry: dict[str, Any]) -> set[str]:
    return {column["name"] for column in entry.get("columns", []) if column.get("description")}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda file: file.stem)
def test_a_seed_describes_each_of_its_columns_and_says_its_type(seed: Path) -> None:
    entry = SEEDS_DECLARED[seed.stem]
    with seed.open(encoding="utf-8") as file:
        header = set(next(csv.reader(file)))
    assert entry["description"].startswith("One row")
    assert described(entry) == header
    assert set(entry["config"]["column_types"]) == header


# The columns that a mart declares are those that it has: its contract says so.
@pytest.mark.parametrize("mart", MARTS, ids=lambda file: file.stem)
def test_a_mart_describes_each_of_its_columns(mart: Path) -> None:
    entry = MARTS_DECLARED[mart.stem]
    assert entry["description"].startswith("One row per")
    assert described(entry) == {column["name"] for column in entry["columns"]}
