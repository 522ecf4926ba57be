"""dbt's ``target`` while sqlfluff renders a model: the default engine."""

type = "duckdb"
