"""The SQLAlchemy dialect `duckdb+gx`, on which Great Expectations can read DuckDB.

Great Expectations fetches the rows of a result after its connection went back to the pool. The
pool then rolls back, which in DuckDB discards the pending result: expectations raise "list index
out of range", or silently see nothing and succeed. Here begin, commit and rollback do nothing, so
that a result outlives its connection's return to the pool. Suites only read, so no transaction is
lost by that. A test proves that an expectation that ought to fail does fail.
"""

from typing import Any, Final

from duckdb_sqlalchemy import Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL
from sqlalchemy.pool import Pool, QueuePool

from quality.databases import lock

DRIVER: Final = "duckdb+gx"


class GreatExpectationsDialect(Dialect):
    """DuckDB without transactions: every statement stands alone. The database is locked."""

    supports_statement_cache = True

    def connect(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Open a connection that can read nothing but the database and the `files` named."""
        files = options.pop("files")
        connection = super().connect(*arguments, **options)
        lock(connection, files)
        return connection

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Keep connections, so that a pending result keeps the one it came from."""
        return QueuePool

    def do_begin(self, dbapi_connection: object) -> None:
        """Do nothing: see the module."""

    def do_commit(self, dbapi_connection: object) -> None:
        """Do nothing: see the module."""

    def do_rollback(self, dbapi_connection: object) -> None:
        """Do nothing: see the module."""


registry.register("duckdb.gx", __name__, GreatExpectationsDialect.__name__)
