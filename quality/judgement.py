"""Running a suite with Great Expectations and telling each load what was found in it.

One validation looks at all loads of an extract together, because its fixed cost is the same for one
load as for a hundred. It returns counts only. Where an expectation fails, the same rule, written as
a query, says which loads break it and by which keys; the two must find the same number of rows.
"""

# ruff: noqa: S608 - identifiers come from contracts and catalogue, values are bound

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from quality import databases
from quality.catalogue import SHAPE_CODES, SUITES, Expectation
from quality.contracts import CONTRACTS
from quality.data_docs import write_data_docs
from quality.results import ExpectationResult, LoadUnderJudgement
from quality.staged import LOADS, ROWS, StagedLoads
from quality.validation import SAMPLE_SIZE, Validation, confirm, key_text, validate


@dataclass(frozen=True)
class Breach:
    """The rows of one load that break one expectation."""

    unexpected_count: int
    sample: str


def judge_loads(
    extract: str,
    loads: Sequence[LoadUnderJudgement],
    *,
    lake: Path,
    run_id: str,
    data_docs: Path | None = None,
    staged_other: Mapping[str, Sequence[Path]] | None = None,
    scratch: Path | None = None,
) -> list[ExpectationResult]:
    """Judge the staged loads of one extract by its suite.

    Args:
        extract: Name of the extract.
        loads: Its staged loads of this run, in any number and of any source and date.
        lake: The lake, for known counterparts and recent loads. It may be empty.
        run_id: The refresh that asks.
        data_docs: Folder of the Data Docs, or None to write none.
        staged_other: Staged files of this run by extract, as counterparts; those of `loads` are
            taken in any case.
        scratch: Folder for the temporary database; by default the system's.

    Returns:
        One result per load and expectation, in the order of loads and of the suite. A load whose
        rows cannot be read as declared has results only for the expectations that say so.
    """
    if not loads:
        return []
    with tempfile.TemporaryDirectory(prefix="quality-", dir=scratch) as folder:
        staged = StagedLoads(
            extract,
            loads,
            path=Path(folder) / "judged.duckdb",
            lake=lake,
            staged_other=staged_other or {},
        )
        tables = {LOADS: [one for one in SUITES[extract] if one.grain == "load"]}
        if staged.has_rows:
            tables[ROWS] = [one for one in SUITES[extract] if one.grain == "row"]
        validations = validate(
            staged.path,
            tables,
            name=extract,
            run_id=run_id,
            config=databases.SETTINGS,
            files=staged.files,
        )
        breaches, observations = _explain(staged, validations)
    results = [
        result
        for load in loads
        for result in _results_of(
            load, breaches, observations, run_id=run_id, row_count=staged.row_counts[load.load_id]
        )
    ]
    if data_docs is not None:
        write_data_docs(
            data_docs,
            name=extract,
            run_id=run_id,
            validations=[one.result for one in validations],
            results=results,
        )
    return results


def _explain(
    staged: StagedLoads, validations: Sequence[Validation]
) -> tuple[dict[str, dict[str, Breach]], dict[str, dict[str, str]]]:
    """Say which loads break which expectation by which keys, and what loads were found to be."""
    key = CONTRACTS[staged.extract].key
    breaches: dict[str, dict[str, Breach]] = {}
    observations: dict[str, dict[str, str]] = {}
    with databases.connect_locked(staged.path, databases.SETTINGS, staged.files) as connection:
        for validation in validations:
            for expectation, count in zip(validation.expectations, validation.counts, strict=True):
                breaches[expectation.code] = (
                    _breaches_of(connection, validation.table, expectation, key, count)
                    if count
                    else {}
                )
                if expectation.observed:
                    observations[expectation.code] = dict(
                        connection.execute(
                            f"select _load_id, {expectation.observed} from {LOADS}"
                        ).fetchall()
                    )
    return breaches, observations


def _breaches_of(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    expectation: Expectation,
    key: Sequence[str],
    count: int,
) -> dict[str, Breach]:
    """Count the rows that break an expectation by load, and name the first of them."""
    shown = (
        "''"
        if expectation.grain == "load"
        else f"concat({key_text(key)}, ' (row ', _row_number, ')')"
    )
    breaches = {
        load_id: Breach(unexpected_count, "; ".join(one for one in sample if one))
        for load_id, unexpected_count, sample in connection.execute(
            f"select _load_id, count(*), arg_min({shown}, _row_number, {SAMPLE_SIZE})"
            f" from ({expectation.unexpected_rows.format(batch=table)})"
            " group by _load_id"
        ).fetchall()
    }
    confirm(expectation, count, sum(breach.unexpected_count for breach in breaches.values()))
    return breaches


def _results_of(
    load: LoadUnderJudgement,
    breaches: Mapping[str, Mapping[str, Breach]],
    observations: Mapping[str, Mapping[str, str]],
    *,
    run_id: str,
    row_count: int,
) -> list[ExpectationResult]:
    """Write the results of one load in the order of its suite."""
    is_misshapen = any(load.load_id in breaches.get(code, {}) for code in SHAPE_CODES)
    results = []
    for expectation in SUITES[load.extract]:
        if is_misshapen and expectation.code not in SHAPE_CODES:
            continue
        breach = breaches.get(expectation.code, {}).get(load.load_id, Breach(0, ""))
        checked_count = 1 if expectation.grain == "load" else row_count
        results.append(
            ExpectationResult(
                run_id=run_id,
                load_id=load.load_id,
                extract=load.extract,
                source=load.source,
                delivery_date=load.delivery_date,
                expectation_code=expectation.code,
                severity=expectation.severity,
                is_met=breach.unexpected_count == 0,
                checked_count=checked_count,
                unexpected_count=breach.unexpected_count,
                sample=breach.sample,
                observed=observations.get(expectation.code, {}).get(load.load_id)
                or f"{breach.unexpected_count} of {checked_count} rows",
                description=expectation.description,
            )
        )
    return results
