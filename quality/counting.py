"""How Great Expectations counts rows here: in one pass where it can be, and never fetching them.

Great Expectations adds up all its questions about columns in one statement, but runs each query of
its own and each question about several columns alone. The expectations here put their counts into
that one statement too, or ask for them in the cheapest way.
"""

from typing import Any, ClassVar

import sqlalchemy

from quality.gx import (
    ExecutionEngine,
    MetricDomainTypes,
    MetricPartialFunctionTypes,
    SqlAlchemyExecutionEngine,
    TableMetricProvider,
    UnexpectedRowsExpectation,
    metric_partial,
    pydantic,
)


class RowsMeetingConditionCount(TableMetricProvider):
    """The number of rows that meet a condition, counted in one pass with other such numbers."""

    metric_name = "rows_meeting_condition.count"
    value_keys = ("condition",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # noqa: N805 - Great Expectations makes it a class method
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        condition: sqlalchemy.ColumnElement[bool] = sqlalchemy.literal_column(
            f"({metric_value_kwargs['condition']})"
        )
        return sqlalchemy.func.count().filter(condition), metric_domain_kwargs, {}


class UnexpectedRowsCountedExpectation(UnexpectedRowsExpectation):
    """A query that must return no rows. They are counted, and never fetched."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    @pydantic.validator("unexpected_rows_query")
    def _validate_query(cls, query: str) -> str:  # noqa: N805 - pydantic makes it a class method
        """Take a query that names its tables itself, of which its parent would print a warning."""
        return query

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        (name,) = self.metric_dependencies
        unexpected_count = metrics[name]
        return {
            "success": unexpected_count == 0,
            "result": {"observed_value": unexpected_count},
        }


class ConditionNeverMetExpectation(UnexpectedRowsCountedExpectation):
    """A condition that no row may meet: a query of its rows, counted in one pass with others."""

    condition: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (RowsMeetingConditionCount.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("unexpected_rows_query", "condition")
