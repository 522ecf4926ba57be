"""The borders of the house: who may import whom, and that no model reads a clock."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("ingest", "quality", "reporting", "orchestration")

ALLOWED_OURS = {
    "ingest": {"ingest"},
    "quality": {"quality"},
    "reporting": {"reporting"},
    "orchestration": set(OURS),
}
ONLY_IN = {
    "dagster": "orchestration",
    "dagster_dbt": "orchestration",
    "great_expectations": "quality",
}
CLOCK = re.compile(
    r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|getdate|localtimestamp|sysdate)", re.I
)


def _sources(folder: str) -> Iterator[Path]:
    return (ROOT / folder).rglob("*.py")


def _imported_packages(path: Path) -> set[str]:
    packages = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            packages.add("." if node.level else (node.module or "").split(".")[0])
    return packages


@pytest.mark.parametrize("folder", OURS)
def test_a_folder_imports_of_ours_only_what_the_design_allows(folder: str) -> None:
    sources = list(_sources(folder))
    assert sources
    wrong = {
        (str(path.relative_to(ROOT)), package)
        for path in sources
        for package in _imported_packages(path) & ({*OURS, "tests", "benchmarks", "."})
        if package not in ALLOWED_OURS[folder]
    }
    assert wrong == set()


@pytest.mark.parametrize(("package", "home"), ONLY_IN.items())
def test_a_tool_is_imported_only_where_it_belongs(package: str, home: str) -> None:
    importers = {
        folder
        for folder in OURS
        for path in _sources(folder)
        if package in _imported_packages(path)
    }
    assert importers == {home}


def test_no_model_reads_a_clock() -> None:
    models = list((ROOT / "dbt_project").glob("m*/**/*.sql"))
    assert models
    comments = re.compile(r"--[^\n]*|\{#.*?#\}", re.S)
    wrong = {
        (str(path.relative_to(ROOT)), found.group())
        for path in models
        for found in CLOCK.finditer(comments.sub("", path.read_text("utf-8")))
    }
    assert wrong == set()


def test_no_mart_reads_staging() -> None:
    wrong = {
        (path.name, found)
        for path in (ROOT / "dbt_project/models/marts").rglob("*.sql")
        for found in re.findall(r"ref\(\s*['\"](stg_\w+)", path.read_text("utf-8"))
    }
    assert wrong == set()
