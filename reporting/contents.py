"""What a published file holds: marts written whole, or the last file's marts brought up to date.

Here live the tables, views, macros and comments of one database file. Its name, its swap into
place and its account do not live here.

A file is written whole from the warehouse, or it is a copy of the file published before, to which
what the build changed is applied: `intermediate.changes_of_<mart>` holds the rows that it removed
from a big mart and added to it. Small marts are written whole in either case.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

SCHEMA: Final = "marts"
CHANGES: Final = "intermediate.changes_of_"
PERSONAL_TAG: Final = "pii"

CLOSED_SETTINGS: Final[Mapping[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Settings of every connection of ours: nothing is fetched from anywhere."""

_HASH_BLOCK: Final = 64


class PublicationError(Exception):
    """A warehouse that cannot be published: says what, where, and the next step."""


class NotFollowedError(Exception):
    """A copy that could not be brought to what the warehouse holds: says where they differ."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model that is published, as dbt's manifest describes it.

    Attributes:
        name: Its name.
        schema: Its schema: of the marts, or of a big table that a mart's view reads.
        description: What it is, which becomes a comment.
        stays_view: Whether it is published as a view, because all that it reads is published.
        is_big: Whether the warehouse keeps what a build changed in it.
        is_counted: Whether the rows are counted: not those of a view of big tables, which would
            have to be computed for it.
        touched_keys: Columns that narrow the search for changed rows, where it is big.
        column_descriptions: What its columns are.
        personal_columns: Columns to be hashed or left out.
        withheld_columns: Columns that are left out where there are such, whatever the key: outside
            of the marts nothing is tagged.
    """

    name: str
    schema: str
    description: str
    stays_view: bool
    is_big: bool
    is_counted: bool
    touched_keys: tuple[str, ...]
    column_descriptions: Mapping[str, str]
    personal_columns: frozenset[str]
    withheld_columns: frozenset[str]

    @property
    def table(self) -> str:
        """Its quoted name with its schema."""
        return f"{self.schema}.{_name(self.name)}"


def read_models(manifest: Path) -> list[Model]:
    """Read which models are published, each after the models that it reads.

    They are the models of the marts' schema, and the big tables outside of it that a mart's view
    reads: without these the view would have to be written out as a table.

    Args:
        manifest: dbt's manifest.

    Returns:
        The models.

    Raises:
        PublicationError: When there are no marts.
    """
    nodes = {
        unique_id: node
        for unique_id, node in json.loads(manifest.read_text("utf-8"))["nodes"].items()
        if node["resource_type"] == "model"
    }
    marts = {unique_id for unique_id, node in nodes.items() if node["schema"] == SCHEMA}
    if not marts:
        raise PublicationError(f"{manifest} names no model in the schema {SCHEMA}.")
    personal = {column for node in nodes.values() for column in _personal_columns(node)}
    whole: set[str] = set()
    above_big: set[str] = set()
    found: dict[str, Model] = {}

    def is_published(unique_id: str) -> bool:
        """Whether a model is in the copy with all its rows and columns."""
        node = nodes.get(unique_id)
        if unique_id in marts or node is None:
            return unique_id in whole
        return _is_big(node) and not personal & set(node["columns"])

    def place(unique_id: str) -> None:
        if unique_id in found or unique_id not in nodes:
            return
        node = nodes[unique_id]
        parents = node["depends_on"]["nodes"]
        for parent in parents:
            if parent in marts:
                place(parent)
        is_view = node["config"]["materialized"] == "view"
        stays_view = is_view and bool(parents) and all(map(is_published, parents))
        if stays_view:
            for parent in parents:
                place(parent)
        withheld = frozenset() if unique_id in marts else frozenset(personal)
        if _is_big(node) or (stays_view and above_big.intersection(parents)):
            above_big.add(unique_id)
        found[unique_id] = _model_of(
            node,
            stays_view=stays_view,
            is_counted=not stays_view or unique_id not in above_big,
            withheld=withheld,
        )
        if not found[unique_id].personal_columns:
            whole.add(unique_id)

    for unique_id in sorted(marts):
        place(unique_id)
    return list(found.values())


def _model_of(
    node: Mapping[str, Any], *, stays_view: bool, is_counted: bool, withheld: frozenset[str]
) -> Model:
    meta = {**node.get("meta", {}), **node["config"].get("meta", {})}
    return Model(
        name=node["alias"],
        schema=node["schema"],
        description=node["description"],
        stays_view=stays_view,
        is_big=_is_big(node),
        is_counted=is_counted,
        touched_keys=tuple(meta.get("touched_keys", ())),
        column_descriptions={
            column["name"]: column["description"]
            for column in node["columns"].values()
            if column["description"]
        },
        personal_columns=_personal_columns(node),
        withheld_columns=withheld,
    )


def _is_big(node: Mapping[str, Any]) -> bool:
    config = node["config"]
    if config["materialized"] != "incremental":
        return False
    # Sums that a refresh adds to keep no record of what it changed.
    return bool(config.get("incremental_strategy") != "add_changes")


def _personal_columns(node: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        column["name"]
        for column in node["columns"].values()
        if PERSONAL_TAG in {*column.get("tags", ()), *column.get("config", {}).get("tags", ())}
    )


def write_whole(
    file: Path,
    warehouse: Path,
    models: Sequence[Model],
    *,
    pii_key: bytes | None,
    memory_limit: str | None = None,
) -> dict[str, int]:
    """Write the models into a new file, check it on its own, and close it.

    Args:
        file: The file, which is not there yet.
        warehouse: The working warehouse.
        models: What is published.
        pii_key: With a key, a personal column becomes the HMAC-SHA-256 of its value; without, it
            is left out.
        memory_limit: What DuckDB may hold in memory; its own default when null.

    Returns:
        Rows by mart; a view of big tables is left out.

    Raises:
        PublicationError: When the warehouse lacks a mart, or a view or macro cannot stand without
            it.
    """
    with _open(file, warehouse, models, memory_limit) as writer:
        for schema in sorted({model.schema for model in models}):
            writer.connection.execute(f"create schema {schema}")
        tables = [model for model in models if not model.stays_view]
        for model in tables:
            writer.write_table(model, pii_key)
        writer.comment(tables)
        wrong = writer.differences()
        if wrong:
            raise PublicationError(f"The copy is not what the warehouse holds: {'; '.join(wrong)}.")
        writer.write_views()
        return writer.row_counts()


def follow(
    file: Path,
    warehouse: Path,
    models: Sequence[Model],
    *,
    pii_key: bytes | None,
    memory_limit: str | None = None,
) -> dict[str, int]:
    """Bring a copy of the last published file to what the warehouse holds, and close it.

    Args:
        file: The copy; it was published from the very build that the warehouse's build continued,
            by the same code, with the same key.
        warehouse: The working warehouse.
        models: What is published.
        pii_key: The key of personal columns.
        memory_limit: What DuckDB may hold in memory; its own default when null.

    Returns:
        Rows by mart; a view of big tables is left out.

    Raises:
        NotFollowedError: When the copy is not what the warehouse holds.
        PublicationError: When the warehouse lacks a mart, or a view or macro cannot stand without
            it.
    """
    with _open(file, warehouse, models, memory_limit) as writer:
        tables = [model for model in models if not model.stays_view]
        followed = [model for model in tables if writer.has_changes(model)]
        replaced = [model for model in tables if model not in followed]
        writer.drop_views()
        for model in replaced:
            writer.connection.execute(f"drop table {model.table}")
        # So that what is written next takes the place of what left, and the file does not grow.
        writer.connection.execute("checkpoint")
        for model in followed:
            writer.apply_changes(model, pii_key)
        for model in replaced:
            writer.write_table(model, pii_key)
        writer.comment(replaced)
        wrong = writer.differences()
        if wrong:
            raise NotFollowedError("; ".join(wrong))
        writer.write_views()
        return writer.row_counts()


@contextmanager
def _open(
    file: Path, warehouse: Path, models: Sequence[Model], memory_limit: str | None
) -> Iterator["_Writer"]:
    """Open a file beside the warehouse; after the block it is checkpointed and closed."""
    config = {
        **CLOSED_SETTINGS,
        # Tried for a sixth of the time that writing takes, and saves no room.
        "disabled_compression_methods": "fsst",
        "temp_directory": str(file.parent / "spill"),
        "file_search_path": str(warehouse.parent),
        **({} if memory_limit is None else {"memory_limit": memory_limit}),
    }
    with duckdb.connect(str(file), config=config) as connection:
        yield _Writer(connection, warehouse, models)
        connection.execute("checkpoint")
    if wal_of(file).exists():
        raise PublicationError(f"{wal_of(file)} is left after closing; nothing was published.")
    shutil.rmtree(file.parent / "spill", ignore_errors=True)


class _Writer:
    """Writes models of an attached warehouse into the database of a connection."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, warehouse: Path, models: Sequence[Model]
    ) -> None:
        self.connection = connection
        self._models = models
        # Attached under its own name, because the views in it name their tables with it.
        self._source = warehouse.stem
        ((self._database,),) = connection.execute("select current_database()").fetchall()
        connection.execute(f"attach {_text(str(warehouse))} as {_name(self._source)} (read_only)")
        self._stored: dict[tuple[str, str], str | None] = {
            (schema, name): sql
            for schema, name, sql in connection.execute(
                "select schema_name, table_name, null from duckdb_tables() "
                "where database_name = $source "
                "union all "
                "select schema_name, view_name, sql from duckdb_views() "
                "where database_name = $source",
                {"source": self._source},
            ).fetchall()
        }
        self._columns = self._columns_of(self._source)
        missing = [
            f"{model.schema}.{model.name}"
            for model in models
            if (model.schema, model.name) not in self._stored
        ]
        if missing:
            raise PublicationError(
                f"{warehouse} lacks {', '.join(sorted(missing))}: it was not built to its end. "
                "Refresh again, or rebuild it."
            )

    def write_table(self, model: Model, pii_key: bytes | None) -> None:
        """Copy one model, personal columns hashed with the key or left out."""
        columns, parameters = self._published_columns(model, pii_key)
        # Names come from the catalog and are quoted; values are bound.
        self.connection.execute(
            f"create table {model.table} as from {_name(self._source)}.{model.table} "
            f"select {', '.join(columns.values())}",
            parameters,
        )

    def has_changes(self, model: Model) -> bool:
        """Whether the warehouse says what the build changed in a model."""
        schema, _, prefix = CHANGES.partition(".")
        return model.is_big and (schema, f"{prefix}{model.name}") in self._stored

    def apply_changes(self, model: Model, pii_key: bytes | None) -> None:
        """Remove and add the rows of a big model that the build removed and added."""
        columns, parameters = self._published_columns(model, pii_key)
        changes = f"{_name(self._source)}.{CHANGES}{model.name}"
        for change in ("removed", "added"):
            self.connection.execute(
                f"create or replace temporary table {change} as from {changes} "
                f"select {', '.join(columns.values())} where _change = $change",
                {**parameters, "change": change},
            )
        keys = [key for key in model.touched_keys if key in columns]
        names = ", ".join(map(_name, columns))
        # Narrowed by the few keys first: comparing every column of every row costs twice as much.
        self.connection.execute(
            "create or replace temporary table leaving as "  # noqa: S608 - names are quoted
            "with touched as materialized ("
            f"select rowid as _row, {names} from {model.table} as present "
            f"where exists (select 1 from removed where {_equal('present', 'removed', keys)})"
            ") select touched._row from touched inner join removed "
            f"on {_equal('touched', 'removed', columns)}"
        )
        removed, leaving = self._count("removed"), self._count("leaving")
        if removed != leaving:
            raise NotFollowedError(
                f"of {removed} rows that left {model.schema}.{model.name}, the copy has {leaving}"
            )
        if leaving:
            self.connection.execute(
                f"delete from {model.table} "  # noqa: S608 - names are quoted
                "where rowid in (from leaving)"
            )
        self.connection.execute(f"insert into {model.table} by name from added")

    def differences(self) -> list[str]:
        """Where the written tables and the warehouse's differ: in rows, or in a sum of money."""
        found = []
        for model in self._models:
            if model.stays_view:
                continue
            sums = [
                f"sum({_name(column)})"
                for column, data_type in self._columns[model.schema, model.name].items()
                if data_type.startswith("DECIMAL")
                and column not in model.personal_columns | model.withheld_columns
            ]
            query = f"select {', '.join(['count(*)', *sums])} from"
            here = self.connection.execute(f"{query} {model.table}").fetchone()
            there = self.connection.execute(
                f"{query} {_name(self._source)}.{model.table}"
            ).fetchone()
            if here != there:
                found.append(f"{model.schema}.{model.name} has {here}, expected {there}")
        return found

    def drop_views(self) -> None:
        """Drop the views and macros of an earlier file."""
        for kind, schema, name in self.connection.execute(
            "select 'view', schema_name, view_name from duckdb_views() "
            "where database_name = current_database() and not internal "
            "union all "
            "select 'macro table', schema_name, function_name from duckdb_functions() "
            "where database_name = current_database() and function_type = 'table_macro' "
            "and not internal"
        ).fetchall():
            self.connection.execute(f"drop {kind} {schema}.{_name(name)}")

    def write_views(self) -> None:
        """Make the views, their comments and the macros; the warehouse is let go before."""
        macros = self.connection.execute(
            "select function_name, parameters, macro_definition from duckdb_functions() "
            "where database_name = $source and schema_name = $schema "
            "and function_type = 'table_macro' and not internal order by function_name",
            {"source": self._source, "schema": SCHEMA},
        ).fetchall()
        self.connection.execute(f"detach {_name(self._source)}")
        views = [model for model in self._models if model.stays_view]
        for model in views:
            self._create_view(model)
        self.comment(views)
        self._create_macros(macros)

    def row_counts(self) -> dict[str, int]:
        """Rows by mart, where they are counted."""
        return {
            model.name: self._count(model.table)
            for model in self._models
            if model.schema == SCHEMA and model.is_counted
        }

    def comment(self, models: Iterable[Model]) -> None:
        """Set the descriptions of models that are written, and of their columns, as comments."""
        present = self._columns_of(self._database)
        # Each comment is a statement, and a transaction of its own would cost more than it does.
        self.connection.begin()
        for model in models:
            kind = "view" if model.stays_view else "table"
            if model.description:
                self.connection.execute(
                    f"comment on {kind} {model.table} is {_text(model.description)}"
                )
            for column, description in model.column_descriptions.items():
                if column in present[model.schema, model.name]:
                    self.connection.execute(
                        f"comment on column {model.table}.{_name(column)} is {_text(description)}"
                    )
        self.connection.commit()

    def _columns_of(self, database: str) -> dict[tuple[str, str], dict[str, str]]:
        """The columns of every table and view of a database with their types, in their order."""
        columns: dict[tuple[str, str], dict[str, str]] = {}
        for schema, name, column, data_type in self.connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where database_name = $database order by column_index",
            {"database": database},
        ).fetchall():
            columns.setdefault((schema, name), {})[column] = data_type
        return columns

    def _published_columns(
        self, model: Model, pii_key: bytes | None
    ) -> tuple[dict[str, str], dict[str, bytes]]:
        """The columns of a model in the copy, each with what it is made of, and what they bind."""
        columns = [
            column
            for column in self._columns[model.schema, model.name]
            if column not in model.withheld_columns
        ]
        absent = sorted(model.personal_columns - set(columns))
        if absent:
            raise PublicationError(
                f"{model.schema}.{model.name} lacks the columns {', '.join(absent)} that dbt tags "
                f"as {PERSONAL_TAG}: the manifest is of another build. Refresh again."
            )
        published = {}
        for column in columns:
            if column not in model.personal_columns:
                published[column] = _name(column)
            elif pii_key is not None:
                published[column] = (
                    "sha256($outer || unhex(sha256($inner || encode(cast("
                    f"{_name(column)} as varchar))))) as {_name(column)}"
                )
        if pii_key is None or not model.personal_columns:
            return published, {}
        inner, outer = _hash_pads(pii_key)
        return published, {"inner": inner, "outer": outer}

    def _create_view(self, model: Model) -> None:
        statement = self._stored[(model.schema, model.name)]
        try:
            self.connection.execute(self._without_catalog(statement or ""))
            self.connection.execute(f"from {model.table} limit 0")
        except duckdb.Error as error:
            raise PublicationError(
                f"The view {model.schema}.{model.name} cannot stand in the published copy: {error}"
            ) from error

    def _create_macros(self, macros: Sequence[tuple[str, Sequence[str], str]]) -> None:
        """Create the table macros, each after those it calls, and ask each once, without rows."""
        waiting = list(macros)
        while waiting:
            failures = {}
            for name, parameters, definition in waiting:
                body = self._without_catalog(definition)
                nothing = ", ".join("null" for _ in parameters)
                try:
                    self.connection.execute(
                        f"create macro {SCHEMA}.{_name(name)}({', '.join(map(_name, parameters))}) "
                        f"as table {body}"
                    )
                    self.connection.execute(f"from {SCHEMA}.{_name(name)}({nothing}) limit 0")
                except duckdb.Error as error:
                    failures[name] = error
            if len(failures) == len(waiting):
                name, reason = next(iter(failures.items()))
                raise PublicationError(
                    f"The macro {SCHEMA}.{name} cannot stand in the published copy: it may read "
                    f"the marts only. {reason}"
                ) from reason
            waiting = [macro for macro in waiting if macro[0] in failures]

    def _without_catalog(self, sql: str) -> str:
        """A statement that names its tables by schema alone, whatever file it is in.

        Text literals are left as they are.
        """
        catalog = re.escape(self._source)
        schemas = "|".join(sorted({SCHEMA, *(model.schema for model in self._models)}))
        pattern = re.compile(
            rf"""('(?:[^']|'')*')|(?<![\w".])(?:{catalog}|"{catalog}")\."""
            rf"""(?="?(?:{schemas})"?\.)"""
        )
        return pattern.sub(lambda found: found.group(1) or "", sql)

    def _count(self, relation: str) -> int:
        """Rows of a table or view, by its quoted name."""
        row = self.connection.execute(f"from {relation} select count(*)").fetchone()
        if row is None:
            raise PublicationError(f"{relation} gave no count; the file cannot be read.")
        return int(row[0])


def wal_of(path: Path) -> Path:
    """The log that DuckDB keeps beside a file that is open or was not closed."""
    return path.with_name(f"{path.name}.wal")


def _equal(left: str, right: str, columns: Iterable[str]) -> str:
    """A condition that two rows are equal in columns, nulls included; true for no columns."""
    conditions = [
        f"{left}.{_name(column)} is not distinct from {right}.{_name(column)}" for column in columns
    ]
    return " and ".join(conditions) or "true"


def _hash_pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer pads of HMAC-SHA-256.

    Source: RFC 2104, section 2: H(K xor opad, H(K xor ipad, text)).
    """
    block = hashlib.sha256(key).digest() if len(key) > _HASH_BLOCK else key
    block = block.ljust(_HASH_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _name(identifier: str) -> str:
    quoted = identifier.replace('"', '""')
    return f'"{quoted}"'


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
