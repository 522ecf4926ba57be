"""Running a suite with Great Expectations and telling each load what was found in it.

One validation looks at all loads of an extract together, because its fixed cost is the same for one
load as for a hundred. It returns counts only. Where an expectation fails, the same rule, written as
a query, says which loads break it and by which keys; the two must find the same number of rows.
"""

# ruff: noqa: S608 - identifiers come from contracts and catalogue, values are bound

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

os.environ["GX_ANALYTICS_ENABLED"] = "False"

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
    import great_expectations as gx
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.data_context.abstract_data_context import (
        AbstractDataContext,
    )
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from great_expectations.execution_engine.execution_engine import ExecutionEngine
    from great_expectations.expectations.core.expect_column_pair_values_a_to_be_greater_than_b import (  # noqa: E501
        ExpectColumnPairValuesAToBeGreaterThanB,
    )
    from great_expectations.expectations.core.expect_column_pair_values_to_be_equal import (
        ExpectColumnPairValuesToBeEqual,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import (
        ExpectColumnValuesToBeInSet,
    )
    from great_expectations.expectations.core.expect_column_values_to_not_be_null import (
        ExpectColumnValuesToNotBeNull,
    )
    from great_expectations.expectations.core.expect_compound_columns_to_be_unique import (
        ExpectCompoundColumnsToBeUnique,
    )
    from great_expectations.expectations.core.unexpected_rows_expectation import (
        UnexpectedRowsExpectation,
    )
    from great_expectations.expectations.expectation import Expectation as GxExpectation

from quality.catalogue import SHAPE_CODES, SUITES, Expectation
from quality.contracts import CONTRACTS
from quality.data_docs import write_data_docs
from quality.dialect import DRIVER
from quality.results import ExpectationResult, LoadUnderJudgement
from quality.staged import DATABASE_SETTINGS, LOADS, ROWS, StagedLoads

SAMPLE_SIZE: Final = 10
LONGEST_KEY: Final = 80


class UnexpectedRowsCountedExpectation(UnexpectedRowsExpectation):
    """A query that must return no rows. They are counted, and never fetched."""

    metric_dependencies = ("unexpected_rows_query.row_count",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        unexpected_count = metrics["unexpected_rows_query.row_count"]
        return {
            "success": unexpected_count == 0,
            "result": {"observed_value": unexpected_count},
        }


class ContradictoryResultError(RuntimeError):
    """Great Expectations and the query of the same rule counted different numbers of rows."""


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
            staged.path, tables, name=extract, run_id=run_id, config=DATABASE_SETTINGS
        )
        breaches, observations = _explain(staged.path, extract, validations)
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


@dataclass(frozen=True)
class Validation:
    """What Great Expectations said of one table.

    Attributes:
        table: The table judged.
        expectations: The expectations asked, in the order of `counts`.
        counts: Rows that break each expectation.
        result: The validation's result as Great Expectations holds it.
    """

    table: str
    expectations: Sequence[Expectation]
    counts: Sequence[int]
    result: Any


def validate(
    database: Path,
    tables: Mapping[str, Sequence[Expectation]],
    *,
    name: str,
    run_id: str,
    config: Mapping[str, Any],
) -> list[Validation]:
    """Run the expectations of several tables of a DuckDB file.

    Args:
        database: The DuckDB file.
        tables: Expectations by table.
        name: Name of the suite.
        run_id: The refresh that asks.
        config: Settings of the connection.

    Returns:
        One validation per table.

    Raises:
        RuntimeError: An expectation could not be evaluated.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    options: dict[str, Any] = {
        "connection_string": f"{DRIVER}:///{database}",
        "create_temp_table": False,
        "kwargs": {"connect_args": {"config": {**config, **_LOCKED}}},
    }
    source = context.data_sources.add_sql(name, **options)
    try:
        return [
            _validate_table(context, source, table, expectations, name=name, run_id=run_id)
            for table, expectations in tables.items()
        ]
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()


_LOCKED: Final = {"enable_external_access": "false", "lock_configuration": "true"}
"""Suites read a database and nothing else, whatever a query would like to."""


def _validate_table(
    context: AbstractDataContext,
    source: SQLDatasource,
    table: str,
    expectations: Sequence[Expectation],
    *,
    name: str,
    run_id: str,
) -> Validation:
    batch = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table(table)
    suite = context.suites.add(gx.ExpectationSuite(name=f"{name}.{table}"))
    suite.expectations = [_expectation_of(one) for one in expectations]
    suite.save()
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=f"{name}.{table}", data=batch, suite=suite)
    )
    result = definition.run(
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
        run_id=RunIdentifier(run_name=run_id),
    )
    counts = {_code_of(one): _unexpected_count(one) for one in result.results}
    return Validation(table, expectations, [counts[one.code] for one in expectations], result)


def _code_of(result: ExpectationValidationResult) -> str:
    """The code of the expectation that a result belongs to."""
    configuration = result.expectation_config
    if configuration is None or configuration.meta is None:
        raise RuntimeError("Great Expectations returned a result without its expectation")
    return str(configuration.meta["code"])


def _unexpected_count(result: ExpectationValidationResult) -> int:
    """Rows that break an expectation, by its result; an expectation that raised raises here."""
    code = _code_of(result)
    if result.exception_info.get("raised_exception", True):
        raise RuntimeError(
            f"expectation {code} could not be evaluated: {_messages(result.exception_info)}"
        )
    unexpected_count = result.result.get("unexpected_count", result.result.get("observed_value"))
    if unexpected_count is None or bool(unexpected_count) == result.success:
        raise ContradictoryResultError(
            f"expectation {code}: success {result.success} with {unexpected_count} unexpected rows"
        )
    return int(unexpected_count)


def _messages(exception_info: Mapping[str, Any]) -> str:
    """Messages of an exception, which may be kept by metric."""
    if "exception_message" in exception_info:
        return str(exception_info["exception_message"])
    return "; ".join(
        str(one.get("exception_message", one)) for one in exception_info.values() if one
    )


def _expectation_of(expectation: Expectation) -> GxExpectation:
    """Great Expectations' own expectation where there is one, else the query."""
    common: dict[str, Any] = {
        "severity": expectation.severity,
        "description": f"{expectation.code}: {expectation.description}",
        "meta": {"code": expectation.code},
    }
    columns = expectation.columns
    if expectation.kind == "not_null":
        return ExpectColumnValuesToNotBeNull(column=columns[0], **common)
    if expectation.kind == "in_set":
        return ExpectColumnValuesToBeInSet(
            column=columns[0], value_set=list(expectation.values), **common
        )
    if expectation.kind == "between":
        return ExpectColumnValuesToBeBetween(
            column=columns[0],
            min_value=expectation.minimum,
            max_value=expectation.maximum,
            **common,
        )
    if expectation.kind == "not_less":
        return ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=columns[0],
            column_B=columns[1],
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            **common,
        )
    if expectation.kind == "equal":
        return ExpectColumnPairValuesToBeEqual(
            column_A=columns[0],
            column_B=columns[1],
            ignore_row_if="either_value_is_missing",
            **common,
        )
    if expectation.kind == "unique":
        return ExpectCompoundColumnsToBeUnique(
            column_list=list(columns), ignore_row_if="never", **common
        )
    return UnexpectedRowsCountedExpectation(
        unexpected_rows_query=expectation.unexpected_rows, **common
    )


def _explain(
    database: Path, extract: str, validations: Sequence[Validation]
) -> tuple[dict[str, dict[str, Breach]], dict[str, dict[str, str]]]:
    """Say which loads break which expectation by which keys, and what loads were found to be."""
    key = CONTRACTS[extract].key
    breaches: dict[str, dict[str, Breach]] = {}
    observations: dict[str, dict[str, str]] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
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
        else "concat("
        + ", '|', ".join(
            f"left(coalesce(cast({column} as varchar), '?'), {LONGEST_KEY})" for column in key
        )
        + ", ' (row ', _row_number, ')')"
    )
    breaches = {
        load_id: Breach(unexpected_count, "; ".join(one for one in sample if one))
        for load_id, unexpected_count, sample in connection.execute(
            f"select _load_id, count(*), arg_min({shown}, _row_number, {SAMPLE_SIZE})"
            f" from ({expectation.unexpected_rows.format(batch=table)})"
            " group by _load_id"
        ).fetchall()
    }
    explained = sum(breach.unexpected_count for breach in breaches.values())
    if explained != count:
        raise ContradictoryResultError(
            f"expectation {expectation.code}: {count} unexpected rows by Great Expectations, "
            f"{explained} by its query"
        )
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
