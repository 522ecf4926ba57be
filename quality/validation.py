"""Running expectations on tables of a DuckDB file with Great Expectations.

Here an expectation of the catalogue becomes one of Great Expectations, a validation runs, and its
counts come back. Values of rows never do. Which load a breach belongs to is `quality.judgement`'s
matter.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from quality.catalogue import Expectation
from quality.counting import (
    ConditionNeverMetExpectation,
    UnexpectedRowsCountedExpectation,
)
from quality.dialect import DRIVER
from quality.gx import (
    ExpectationValidationResult,
    ExpectColumnPairValuesAToBeGreaterThanB,
    ExpectColumnPairValuesToBeEqual,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    GxExpectation,
    ProgressBarsConfig,
    QueryAsset,
    RunIdentifier,
    SQLDatasource,
    TableAsset,
    gx,
)

NO_PARTS: Final[Mapping[str, str]] = MappingProxyType({})

SAMPLE_SIZE: Final = 10
LONGEST_KEY: Final = 80
"""How many keys a result names, and how much of each value in them."""


class ContradictoryResultError(RuntimeError):
    """Great Expectations and the query of the same rule counted different numbers of rows."""


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


def key_text(key: Sequence[str]) -> str:
    """Write the SQL of a row's key as text, `|` between its values and `?` for absent ones.

    Args:
        key: The key's columns.

    Returns:
        A SQL expression.

    Examples:
        >>> key_text(["survey_id"])
        "concat_ws('|', left(coalesce(cast(survey_id as varchar), '?'), 80))"
    """
    values = (f"left(coalesce(cast({one} as varchar), '?'), {LONGEST_KEY})" for one in key)
    return f"concat_ws('|', {', '.join(values)})"


def confirm(expectation: Expectation, count: int, explained: int) -> None:
    """Assert that the query of an expectation finds as many rows as its validation counted.

    Args:
        expectation: The expectation.
        count: Unexpected rows by Great Expectations.
        explained: Unexpected rows by the query.

    Raises:
        ContradictoryResultError: They differ.
    """
    if explained != count:
        raise ContradictoryResultError(
            f"expectation {expectation.code}: {count} unexpected rows by Great Expectations, "
            f"{explained} by its query"
        )


def validate(
    database: Path,
    tables: Mapping[str, Sequence[Expectation]],
    *,
    name: str,
    run_id: str,
    config: Mapping[str, Any],
    schema: str | None = None,
    files: Sequence[str] = (),
    parts: Mapping[str, str] = NO_PARTS,
) -> list[Validation]:
    """Run the expectations of several tables of a DuckDB file.

    Args:
        database: The DuckDB file.
        tables: Expectations by table.
        name: Name of the suite.
        run_id: The refresh that asks.
        config: Settings of the connection.
        schema: Schema of the tables; by default the database's own.
        files: The only files that may be read beside the database.
        parts: Queries of the rows to look at, of tables of which only some are.

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
        "kwargs": {"connect_args": {"config": dict(config), "files": list(files)}},
    }
    source = context.data_sources.add_sql(name, **options)
    try:
        return [
            _validate_rows(
                _asset(source, table, schema, parts.get(table)),
                table,
                expectations,
                name=name,
                run_id=run_id,
            )
            for table, expectations in tables.items()
        ]
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()


def _validate_rows(
    asset: TableAsset | QueryAsset,
    table: str,
    expectations: Sequence[Expectation],
    *,
    name: str,
    run_id: str,
) -> Validation:
    # Nothing is kept in the context, which would write down all that it holds each time.
    suite = gx.ExpectationSuite(
        name=f"{name}.{table}", expectations=[_expectation_of(one) for one in expectations]
    )
    batch = asset.get_batch(asset.build_batch_request())
    result = batch.validate(
        suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
    )
    result.meta["run_id"] = RunIdentifier(run_name=run_id)
    counts = {_code_of(one): _unexpected_count(one) for one in result.results}
    return Validation(table, expectations, [counts[one.code] for one in expectations], result)


def _asset(
    source: SQLDatasource, table: str, schema: str | None, part: str | None
) -> TableAsset | QueryAsset:
    """The rows as an asset. DuckDB's connections know no schema, so that it is named here."""
    if part is not None:
        return source.add_query_asset(table, query=part)
    if schema is None:
        return source.add_table_asset(table, table_name=table)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`schema_name` is deprecated", DeprecationWarning)
        return source.add_table_asset(table, table_name=table, schema_name=schema)


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
    # Of a table without rows nothing is counted.
    found = result.result.get("unexpected_count", result.result.get("observed_value"))
    unexpected_count = int(found or 0)
    if bool(unexpected_count) == result.success:
        raise ContradictoryResultError(
            f"expectation {code}: success {result.success} with {found} unexpected rows"
        )
    return unexpected_count


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
    if expectation.kind == "never":
        return ConditionNeverMetExpectation(
            unexpected_rows_query=expectation.unexpected_rows,
            condition=expectation.condition,
            **common,
        )
    return UnexpectedRowsCountedExpectation(
        unexpected_rows_query=expectation.unexpected_rows, **common
    )
