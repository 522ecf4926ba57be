"""The published copy: the marts in a file of their own that a reader may open at any time.

Here live the building of a version, its swap into place, and the account that each version gives
of itself. When a warehouse is fit to be published does not live here: the caller decides, and
sees to it that only one publication runs at a time.

A version is a folder, ``published/v000123/``, with ``collections.duckdb`` and ``manifest.json``.
``published/current`` is a link to one of them. Nothing is written in place: a version is built in a
private folder, checkpointed, closed and flushed to disk, gets its name by one rename, and becomes
current by one more. Whoever is killed at any point leaves the old version or the new one.
"""

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

FILE_NAME: Final = "collections.duckdb"
MANIFEST_NAME: Final = "manifest.json"
CURRENT: Final = "current"
SCHEMA: Final = "marts"
PERSONAL_TAG: Final = "pii"
KEPT_VERSIONS: Final = 5

CLOSED_SETTINGS: Final[Mapping[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Settings of every connection of ours: nothing is fetched from anywhere."""

_BUILDING: Final = ".building"
_REMOVING: Final = ".removing"
_NEXT_LINK: Final = ".current.next"
_VERSION: Final = re.compile(r"v(\d{6,})")
_READABLE: Final = 0o440
_HASH_BLOCK: Final = 64


class PublicationError(Exception):
    """A warehouse that cannot be published: says what, where, and the next step."""


@dataclass(frozen=True, kw_only=True)
class PublishedVersion:
    """One version of the published copy.

    Attributes:
        name: Its folder's name, such as `v000123`.
        path: The database file.
        sha256: SHA-256 of the database file.
        size_bytes: Size of the database file.
        row_counts: Rows by table or view.
        facts: What the caller said of it: run, as-of date, known-at and the like.
    """

    name: str
    path: Path
    sha256: str
    size_bytes: int
    row_counts: Mapping[str, int]
    facts: Mapping[str, str]

    def is_intact(self) -> bool:
        """Whether the file is still the one that was published, byte by byte."""
        try:
            return (
                self.path.stat().st_size == self.size_bytes
                and _sha256_of(self.path) == self.sha256
                and not _wal_of(self.path).exists()
            )
        except OSError:
            return False


@dataclass(frozen=True, kw_only=True)
class _Mart:
    """One model of the marts' schema, as dbt's manifest describes it."""

    name: str
    description: str
    is_view: bool
    column_descriptions: Mapping[str, str]
    personal_columns: frozenset[str]
    parents: frozenset[str]


def publish(
    warehouse: Path,
    published: Path,
    *,
    manifest: Path,
    pii_key: bytes | None = None,
    keep_versions: int = KEPT_VERSIONS,
    facts: Mapping[str, str] | None = None,
) -> PublishedVersion:
    """Build a version from the marts of a warehouse and make it the current one.

    Args:
        warehouse: The working warehouse; closed, and read only here.
        published: The folder of versions.
        manifest: dbt's manifest of that warehouse: which models are marts, which of their columns
            are tagged `pii`, and the descriptions, which become comments.
        pii_key: With a key, a personal column becomes the HMAC-SHA-256 of its value; without, it
            is left out.
        keep_versions: How many versions stay, the new one included.
        facts: What the new version shall say of itself in its manifest.

    Returns:
        The version that is now current.

    Raises:
        PublicationError: When the warehouse is not closed, lacks a mart, or a view or macro cannot
            stand without it. The version before stays current.
    """
    if keep_versions < 1:
        raise PublicationError(f"keep_versions is {keep_versions}; allowed is 1 or more.")
    if not warehouse.is_file():
        raise PublicationError(f"There is no warehouse at {warehouse}; build it first.")
    if _wal_of(warehouse).exists():
        raise PublicationError(
            f"{_wal_of(warehouse)} is beside the warehouse: it was not closed, and a copy would "
            "lack its last changes. Close every connection to it, or rebuild it."
        )
    marts = _read_marts(manifest)
    published.mkdir(parents=True, exist_ok=True)
    sweep(published)
    name = f"v{_latest_number(published) + 1:06d}"
    building = published / f"{_BUILDING}-{name}"
    building.mkdir()
    # Whoever may read the folder of versions may read each version.
    building.chmod(stat.S_IMODE(published.stat().st_mode))
    try:
        version = _build_version(building, name, warehouse, marts, pii_key, dict(facts or {}))
    except Exception:
        shutil.rmtree(building, ignore_errors=True)
        raise
    building.rename(published / name)
    _flush(published)
    _make_current(published, name)
    _prune(published, keep_versions)
    return version


def current_version(published: Path) -> PublishedVersion | None:
    """The version that readers see.

    Args:
        published: The folder of versions.

    Returns:
        The version, or null when nothing was published or its manifest cannot be read.
    """
    link = published / CURRENT
    try:
        folder = published / link.readlink().name
        account = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
        return PublishedVersion(
            name=folder.name,
            path=folder / FILE_NAME,
            sha256=account["sha256"],
            size_bytes=account["size_bytes"],
            row_counts=account["row_counts"],
            facts=account["facts"],
        )
    except (OSError, ValueError, KeyError):
        return None


def sweep(published: Path) -> list[str]:
    """Remove what killed publications left behind.

    That is: unfinished builds, versions that never became current, folders on their way out, and
    write-ahead logs beside a version, which no reader may replay.

    Args:
        published: The folder of versions.

    Returns:
        The names of what was removed.
    """
    if not published.is_dir():
        return []
    link = published / CURRENT
    current = _number_of(link.readlink().name) if link.is_symlink() else 0
    removed = []
    for path in sorted(published.iterdir()):
        number = _number_of(path.name)
        if path.name.startswith((f"{_BUILDING}-", f"{_REMOVING}-")) or (
            number > 0 and (number > current or not (path / MANIFEST_NAME).is_file())
        ):
            if number == current:
                continue
            shutil.rmtree(path)
            removed.append(path.name)
        elif path.name == _NEXT_LINK:
            path.unlink()
            removed.append(path.name)
        elif number > 0 and _wal_of(path / FILE_NAME).exists():
            _wal_of(path / FILE_NAME).unlink()
            removed.append(f"{path.name}/{FILE_NAME}.wal")
    return removed


def _read_marts(manifest: Path) -> list[_Mart]:
    """The models of the marts' schema, each after the models that it reads."""
    nodes = json.loads(manifest.read_text("utf-8"))["nodes"]
    found = {
        unique_id: node
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model" and node["schema"] == SCHEMA
    }
    if not found:
        raise PublicationError(f"{manifest} names no model in the schema {SCHEMA}.")
    ordered: list[_Mart] = []
    placed: set[str] = set()

    def place(unique_id: str) -> None:
        if unique_id in placed or unique_id not in found:
            return
        placed.add(unique_id)
        node = found[unique_id]
        parents = node["depends_on"]["nodes"]
        for parent in parents:
            place(parent)
        columns = node["columns"].values()
        ordered.append(
            _Mart(
                name=node["alias"],
                description=node["description"],
                is_view=node["config"]["materialized"] == "view",
                column_descriptions={
                    column["name"]: column["description"]
                    for column in columns
                    if column["description"]
                },
                personal_columns=frozenset(
                    column["name"] for column in columns if _is_personal(column)
                ),
                parents=frozenset(
                    found[parent]["alias"] if parent in found else parent for parent in parents
                ),
            )
        )

    for unique_id in sorted(found):
        place(unique_id)
    return ordered


def _is_personal(column: Mapping[str, Any]) -> bool:
    tags = {*column.get("tags", ()), *column.get("config", {}).get("tags", ())}
    return PERSONAL_TAG in tags


def _build_version(
    building: Path,
    name: str,
    warehouse: Path,
    marts: Sequence[_Mart],
    pii_key: bytes | None,
    facts: Mapping[str, str],
) -> PublishedVersion:
    """Make the database file and its manifest in a private folder, flushed to disk."""
    file = building / FILE_NAME
    row_counts = _build(file, warehouse, marts, pii_key)
    file.chmod(_READABLE)
    _flush(file)
    version = PublishedVersion(
        name=name,
        path=building.parent / name / FILE_NAME,
        sha256=_sha256_of(file),
        size_bytes=file.stat().st_size,
        row_counts=row_counts,
        facts=facts,
    )
    _write_manifest(building / MANIFEST_NAME, version)
    _flush(building)
    return version


def _build(
    file: Path, warehouse: Path, marts: Sequence[_Mart], pii_key: bytes | None
) -> dict[str, int]:
    """Write the marts into a new file, check it on its own, and close it.

    Returns:
        Rows by table or view.
    """
    # Attached under its own name, because the views in it name their tables with it.
    source = warehouse.stem
    config = {
        **CLOSED_SETTINGS,
        "temp_directory": str(file.parent / "spill"),
        "file_search_path": str(warehouse.parent),
    }
    with duckdb.connect(str(file), config=config) as connection:
        connection.execute(f"attach {_text(str(warehouse))} as {_name(source)} (read_only)")
        connection.execute(f"create schema {SCHEMA}")
        stored: dict[str, str] = dict(
            connection.execute(
                "select table_name, null from duckdb_tables() "
                "where database_name = $source and schema_name = $schema "
                "union all "
                "select view_name, sql from duckdb_views() "
                "where database_name = $source and schema_name = $schema",
                {"source": source, "schema": SCHEMA},
            ).fetchall()
        )
        missing = sorted({mart.name for mart in marts} - set(stored))
        if missing:
            raise PublicationError(
                f"{warehouse} lacks {', '.join(f'{SCHEMA}.{name}' for name in missing)}: it was "
                "not built to its end. Refresh again, or rebuild it."
            )
        whole: set[str] = set()
        views: list[_Mart] = []
        expected_counts = {}
        for mart in marts:
            expected_counts[mart.name] = _count(
                connection, f"{_name(source)}.{SCHEMA}.{_name(mart.name)}"
            )
            if mart.is_view and mart.parents and mart.parents <= whole:
                views.append(mart)
            else:
                _copy_table(connection, source, mart, pii_key)
            if not mart.personal_columns:
                whole.add(mart.name)
        macros = connection.execute(
            "select function_name, parameters, macro_definition from duckdb_functions() "
            "where database_name = $source and schema_name = $schema "
            "and function_type = 'table_macro' and not internal order by function_name",
            {"source": source, "schema": SCHEMA},
        ).fetchall()
        connection.execute(f"detach {_name(source)}")
        for mart in views:
            _create(connection, _without_catalog(stored[mart.name], source), mart.name)
        for mart in marts:
            _comment(connection, mart, is_view=mart in views)
        _create_macros(connection, macros, source)
        counts = {mart.name: _count(connection, f"{SCHEMA}.{_name(mart.name)}") for mart in marts}
        connection.execute("checkpoint")
    if counts != expected_counts:
        wrong = {name for name in counts if counts[name] != expected_counts[name]}
        raise PublicationError(f"Row counts differ from the warehouse's in {sorted(wrong)}.")
    if _wal_of(file).exists():
        raise PublicationError(f"{_wal_of(file)} is left after closing; nothing was published.")
    shutil.rmtree(file.parent / "spill", ignore_errors=True)
    return counts


def _copy_table(
    connection: duckdb.DuckDBPyConnection, source: str, mart: _Mart, pii_key: bytes | None
) -> None:
    """Copy one mart, personal columns hashed with the key or left out."""
    target = f"{SCHEMA}.{_name(mart.name)}"
    columns = [
        row[0]
        for row in connection.execute(
            "select column_name from duckdb_columns() where database_name = $source "
            "and schema_name = $schema and table_name = $table order by column_index",
            {"source": source, "schema": SCHEMA, "table": mart.name},
        ).fetchall()
    ]
    absent = sorted(mart.personal_columns - set(columns))
    if absent:
        raise PublicationError(
            f"{SCHEMA}.{mart.name} lacks the columns {', '.join(absent)} that dbt tags as "
            f"{PERSONAL_TAG}: the manifest is of another build. Refresh again."
        )
    selected = []
    for column in columns:
        if column not in mart.personal_columns:
            selected.append(_name(column))
        elif pii_key is not None:
            selected.append(
                "sha256($outer || unhex(sha256($inner || encode(cast("
                f"{_name(column)} as varchar))))) as {_name(column)}"
            )
    parameters = {}
    if pii_key is not None and mart.personal_columns:
        inner, outer = _hash_pads(pii_key)
        parameters = {"inner": inner, "outer": outer}
    # Names come from the catalog and are quoted; values are bound.
    connection.execute(
        f"create table {target} as from {_name(source)}.{target} select {', '.join(selected)}",
        parameters,
    )


def _hash_pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer pads of HMAC-SHA-256.

    Source: RFC 2104, section 2: H(K xor opad, H(K xor ipad, text)).
    """
    block = hashlib.sha256(key).digest() if len(key) > _HASH_BLOCK else key
    block = block.ljust(_HASH_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _create(connection: duckdb.DuckDBPyConnection, statement: str, name: str) -> None:
    try:
        connection.execute(statement)
        connection.execute(f"from {SCHEMA}.{_name(name)} limit 0")
    except duckdb.Error as error:
        raise PublicationError(
            f"The view {SCHEMA}.{name} cannot stand in the published copy: {error}"
        ) from error


def _create_macros(
    connection: duckdb.DuckDBPyConnection,
    macros: Sequence[tuple[str, Sequence[str], str]],
    catalog: str,
) -> None:
    """Create the table macros, each after those that it calls, and ask each once, without rows."""
    waiting = list(macros)
    while waiting:
        failures = {}
        for name, parameters, definition in waiting:
            body = _without_catalog(definition, catalog)
            nothing = ", ".join("null" for _ in parameters)
            try:
                connection.execute(
                    f"create macro {SCHEMA}.{_name(name)}({', '.join(map(_name, parameters))}) "
                    f"as table {body}"
                )
                connection.execute(f"from {SCHEMA}.{_name(name)}({nothing}) limit 0")
            except duckdb.Error as error:
                failures[name] = error
        if len(failures) == len(waiting):
            name, reason = next(iter(failures.items()))
            raise PublicationError(
                f"The macro {SCHEMA}.{name} cannot stand in the published copy: it may read the "
                f"marts only. {reason}"
            ) from reason
        waiting = [macro for macro in waiting if macro[0] in failures]


def _comment(connection: duckdb.DuckDBPyConnection, mart: _Mart, *, is_view: bool) -> None:
    """Set the descriptions of a mart and its columns as comments."""
    table = f"{SCHEMA}.{_name(mart.name)}"
    kind = "view" if is_view else "table"
    if mart.description:
        connection.execute(f"comment on {kind} {table} is {_text(mart.description)}")
    present = {
        row[0]
        for row in connection.execute(
            "select column_name from duckdb_columns() where schema_name = $schema "
            "and table_name = $table",
            {"schema": SCHEMA, "table": mart.name},
        ).fetchall()
    }
    for column, description in mart.column_descriptions.items():
        if column in present:
            connection.execute(f"comment on column {table}.{_name(column)} is {_text(description)}")


def _without_catalog(sql: str, catalog: str) -> str:
    """A statement that names its tables by schema alone, whatever file it is in.

    Text literals are left as they are.
    """
    pattern = re.compile(
        rf"""('(?:[^']|'')*')|(?<![\w".])(?:{re.escape(catalog)}|"{re.escape(catalog)}")\."""
        rf"""(?="?{SCHEMA}"?\.)"""
    )
    return pattern.sub(lambda found: found.group(1) or "", sql)


def _make_current(published: Path, name: str) -> None:
    """Point the link at a version: readers see the old one or the new one, nothing between."""
    following = published / _NEXT_LINK
    following.symlink_to(name, target_is_directory=True)
    following.replace(published / CURRENT)
    _flush(published)


def _prune(published: Path, keep_versions: int) -> None:
    versions = sorted(_versions(published), key=lambda path: _number_of(path.name))
    for version in versions[:-keep_versions]:
        leaving = version.rename(published / f"{_REMOVING}-{version.name}")
        shutil.rmtree(leaving)


def _versions(published: Path) -> Iterator[Path]:
    return (path for path in published.iterdir() if _number_of(path.name) > 0)


def _latest_number(published: Path) -> int:
    return max((_number_of(path.name) for path in _versions(published)), default=0)


def _number_of(name: str) -> int:
    """The number of a version's name, 0 of any other name."""
    found = _VERSION.fullmatch(name)
    return int(found.group(1)) if found else 0


def _write_manifest(path: Path, version: PublishedVersion) -> None:
    account = {
        "version": version.name,
        "file": FILE_NAME,
        "sha256": version.sha256,
        "size_bytes": version.size_bytes,
        "facts": dict(version.facts),
        "row_counts": dict(sorted(version.row_counts.items())),
    }
    path.write_text(json.dumps(account, indent=2, ensure_ascii=False) + "\n", "utf-8")
    path.chmod(_READABLE)
    _flush(path)


def _flush(path: Path) -> None:
    """Have the disk hold what was written to a file or folder before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _name(identifier: str) -> str:
    quoted = identifier.replace('"', '""')
    return f'"{quoted}"'


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a table or view, by its quoted name."""
    row = connection.execute(f"from {relation} select count(*)").fetchone()
    if row is None:
        raise PublicationError(f"{relation} gave no count; the file cannot be read.")
    return int(row[0])
