"""How Great Expectations counts rows here: in one pass where it can be, and never fetching them.

Great Expectations adds up all its questions about columns in one statement, but runs each query of
its own and each question about several columns alone. The expectations here put their counts into
that one statement too, or ask for them in the cheapest way.
"""

from typing import Any, ClassVar, Final

import sqlalchemy

from quality.gx import (
    BatchExpectation,
    ExecutionEngine,
    ExpectCompoundColumnsToBeUnique,
    MetricDomainTypes,
    MetricPartialFunctionTypes,
    SqlAlchemyExecutionEngine,
    TableMetricProvider,
    UnexpectedRowsExpectation,
    metric_partial,
    metric_value,
)

ROW_COUNT: Final = "table.row_count"


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


class RowsSharingKeyCount(TableMetricProvider):
    """The number of rows whose key other rows have too; keys that lack a value are keys as well."""

    metric_name = "rows_sharing_key.count"
    value_keys = ("column_list",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,  # noqa: N805 - Great Expectations makes it a class method
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> int:
        rows, _, _ = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        count = sqlalchemy.func.count()
        shared = (
            sqlalchemy.select(count.label("row_count"))
            .select_from(rows)
            .group_by(*(sqlalchemy.column(one) for one in metric_value_kwargs["column_list"]))
            .having(count > 1)
            .subquery()
        )
        total = sqlalchemy.func.coalesce(sqlalchemy.func.sum(shared.c.row_count), 0)
        return int(execution_engine.execute_query(sqlalchemy.select(total)).fetchall()[0][0])


class UnexpectedRowsCountedExpectation(UnexpectedRowsExpectation):
    """A query that must return no rows. They are counted, and never fetched."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

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


class KeyIsUniqueExpectation(ExpectCompoundColumnsToBeUnique):
    """Columns that no two rows may share, asked by grouping instead of joining rows to groups."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (ROW_COUNT, RowsSharingKeyCount.metric_name)

    # Its parent would ask for values too.
    get_validation_dependencies = BatchExpectation.get_validation_dependencies

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> Any:  # noqa: ANN401
        return super()._validate(
            {
                ROW_COUNT: metrics[ROW_COUNT],
                f"{self.map_metric}.filtered_row_count": metrics[ROW_COUNT],
                f"{self.map_metric}.unexpected_count": metrics[RowsSharingKeyCount.metric_name],
                f"{self.map_metric}.unexpected_values": [],
            },
            runtime_configuration,
            execution_engine,
        )
