"""How a judged database is opened: what it may use, and which files it may read.

Here are the settings of every connection of the suites, and the lock that is put on a database
before anything is judged in it. What lies in the database is `quality.staged`'s matter, or dbt's.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb

SETTINGS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": "2GB",
        "python_enable_replacements": "false",
    }
)
"""Settings of every connection here: nothing is fetched from elsewhere, and memory is bounded. What
does not fit spills beside the database file."""


def lock(connection: duckdb.DuckDBPyConnection, files: Iterable[str]) -> None:
    """Let a database read nothing but itself and the files named, for as long as it is open.

    The lock holds for all connections to the database in this process, and cannot be undone.

    Args:
        connection: A connection to the database.
        files: Paths of the files that its views read.
    """
    (is_locked,) = connection.execute("select current_setting('lock_configuration')").fetchall()[0]
    if is_locked:
        return
    # In this order: no path can be allowed once external access is off.
    connection.execute(f"set allowed_paths = {literal_list(files)}")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def connect_locked(
    database: Path, settings: Mapping[str, Any], files: Iterable[str]
) -> closing[duckdb.DuckDBPyConnection]:
    """Open a database that can read nothing but itself and the files named.

    Args:
        database: The DuckDB file.
        settings: Settings of the connection.
        files: Paths of the files that its views read.

    Returns:
        A connection, as a context that closes it.
    """
    connection = duckdb.connect(str(database), config=dict(settings))
    lock(connection, files)
    return closing(connection)


def literal_list(values: Iterable[str]) -> str:
    """Write texts as a SQL list, where no parameter can be bound.

    Examples:
        >>> literal_list(["a", "o'clock"])
        "['a', 'o''clock']"
    """
    quoted = ("'" + value.replace("'", "''") + "'" for value in values)
    return f"[{', '.join(quoted)}]"
