"""Staged loads in a database of their own, ready to be judged.

Here a temporary DuckDB file is filled with what the suite of one extract asks about: the rows of
its staged loads without personal columns, one row of facts per load, and the lookups. Many rows are
a view of their Parquet files, few are a table. Nothing is judged here.
"""

# ruff: noqa: S608 - identifiers come from contracts and catalogue, values and paths are bound

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb

from quality import databases
from quality.catalogue import (
    FEWEST_RECENT_DELIVERIES,
    RECENT_DELIVERIES,
    SMALLEST_FULL_JUDGED,
    SMALLEST_SHARE_KEPT,
    SUITES,
    Reach,
)
from quality.contracts import CONTRACTS, METADATA, TYPE_FAMILIES
from quality.results import LoadUnderJudgement

ROWS: Final = "judged_rows"
LOADS: Final = "judged_loads"

MOST_ROWS_COPIED: Final = 100_000
"""Copying a million rows costs more than all questions about them; opening a hundred small files
again for every question costs more than copying their rows once."""

LOAD_FACTS: Final = """
    _load_id varchar primary key,
    _row_number bigint,
    source varchar,
    delivery_date date,
    delivery_kind varchar,
    missing_columns varchar,
    mistyped_columns varchar,
    foreign_row_count bigint,
    staged_row_count bigint,
    staged_amount decimal(38, 2),
    staged_net_amount decimal(38, 2),
    rows_accepted bigint,
    amount_accepted decimal(38, 2),
    rows_delivered bigint,
    amount_delivered decimal(38, 2),
    file_row_count bigint,
    file_amount decimal(38, 2),
    control_row_count bigint,
    control_amount decimal(38, 2),
    delivery_row_count bigint,
    delivery_amount decimal(38, 2),
    delivery_net_amount decimal(38, 2),
    known_row_count bigint,
    known_amount decimal(38, 2),
    totals_row_count bigint,
    totals_amount decimal(38, 2),
    unit_row_count bigint,
    unit_amount decimal(38, 2),
    is_volume_drop boolean,
    last_full_row_count bigint,
    latest_full_date date,
    is_history_long_enough boolean,
    usual_row_count bigint,
    usual_amount decimal(38, 2)
"""
"""Columns of the judged loads. A *unit* is what one source delivered of the extract for one date in
this run; *delivered* counts rows kept aside too, *known* adds what was admitted for that date,
*file* counts rows of other extracts too. *Net* takes off what reduces receivables, as senders do
whose credits are negative; amounts are plain sums otherwise."""

_REDUCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ledger": "document_type in ('credit_memo', 'write_off')",
        "payments": "reverses_payment_id is not null",
    }
)
"""Rows that a sender may deliver and total as negative, and a mapping store as positive."""

_READ: Final = "read_parquet($files, union_by_name = true, hive_partitioning = false)"

_STAGED_FACTS: Final = """
    with found as (
        select filename, _load_id, _source, _delivery_date, count(*) as row_count,
            min(_delivery_kind) as delivery_kind, sum({amount}) as amount, sum({net}) as net_amount
        from read_parquet(
            $files, union_by_name = true, hive_partitioning = false, filename = true
        )
        group by filename, _load_id, _source, _delivery_date
    ),

    facts as (
        select l._load_id, min(found.delivery_kind) as delivery_kind,
            sum(found.amount) as amount, sum(found.net_amount) as net_amount,
            coalesce(sum(found.row_count) filter (
                where found._load_id is distinct from l._load_id
                    or found._source is distinct from l.source
                    or found._delivery_date is distinct from l.delivery_date
            ), 0) as foreign_row_count
        from found
        inner join staged_files as f on f.file = found.filename
        inner join judged_loads as l on l._load_id = f.load_id
        group by l._load_id
    )

    update judged_loads
    set
        delivery_kind = coalesce(judged_loads.delivery_kind, facts.delivery_kind),
        foreign_row_count = facts.foreign_row_count,
        staged_amount = case when facts.foreign_row_count = 0 then facts.amount end,
        staged_net_amount = case when facts.foreign_row_count = 0 then facts.net_amount end
    from facts
    where facts._load_id = judged_loads._load_id
"""
"""What the rows of well-shaped loads say together, in one pass: how many are not the load's own,
and the staged money, plainly and net of what reduces receivables."""

_KNOWN_LOADS: Final = """
    create table admitted_loads as
    select extract, source, delivery_date, delivery_kind, recorded_at, load_id,
        rows_accepted, amount_accepted, rows_accepted + rows_duplicate + rows_quarantined
            as rows_delivered,
        case when amount_accepted is not null then amount_accepted
            + coalesce(amount_duplicate, 0) + coalesce(amount_quarantined, 0) end
            as amount_delivered
    from read_parquet($files, union_by_name = true, hive_partitioning = false)
    where status = 'admitted'
"""

_NO_KNOWN_LOADS: Final = """
    create table admitted_loads (
        extract varchar, source varchar, delivery_date date, delivery_kind varchar,
        recorded_at timestamp, load_id varchar, rows_accepted bigint,
        amount_accepted decimal(38, 2), rows_delivered bigint, amount_delivered decimal(38, 2)
    )
"""

_TOTALS: Final = """
    create table totals as
    select source, delivery_date,
        arg_max(row_count, row(_recorded_at, _load_sequence, _row_number)) as row_count,
        arg_max(amount, row(_recorded_at, _load_sequence, _row_number)) as amount
    from read_parquet($files, union_by_name = true, hive_partitioning = false)
    where extract = $extract
    group by source, delivery_date
"""

_USUAL: Final = f"""
    with deliveries as (
        select source, delivery_date, rows_accepted, amount_accepted
        from admitted_loads
        where extract = $extract and load_id not in (select _load_id from judged_loads)
        union all
        select source, delivery_date, rows_accepted, amount_accepted
        from judged_loads
    ),

    days as (
        select source, delivery_date, sum(rows_accepted) as row_count,
            abs(sum(amount_accepted)) as amount
        from deliveries
        group by source, delivery_date
    ),

    compared as (
        select source, delivery_date,
            count(*) over recent as day_count,
            median(row_count) over recent as row_count,
            median(amount) over recent as amount
        from days
        window recent as (
            partition by source order by delivery_date
            rows between {RECENT_DELIVERIES} preceding and 1 preceding
        )
    )

    update judged_loads
    set
        is_history_long_enough = compared.day_count >= {FEWEST_RECENT_DELIVERIES}
            and compared.row_count >= {SMALLEST_FULL_JUDGED},
        usual_row_count = cast(round(compared.row_count) as bigint),
        usual_amount = cast(compared.amount as decimal(38, 2))
    from compared
    where compared.source = judged_loads.source
        and compared.delivery_date = judged_loads.delivery_date
"""

_UNITS: Final = """
    with units as (
        select source, delivery_date, sum(rows_accepted) as row_count,
            sum(amount_accepted) as amount, sum(rows_delivered) as delivered_row_count,
            sum(amount_delivered) as delivered_amount,
            sum(amount_delivered - staged_amount + staged_net_amount) as delivered_net_amount
        from judged_loads
        group by source, delivery_date
    ),

    admitted as (
        select source, delivery_date, sum(rows_delivered) as row_count,
            sum(amount_delivered) as amount
        from admitted_loads
        where extract = $extract and load_id not in (select _load_id from judged_loads)
        group by source, delivery_date
    ),

    facts as (
        select units.*,
            units.delivered_row_count + coalesce(admitted.row_count, 0) as known_row_count,
            case when units.delivered_amount is null then admitted.amount
                else units.delivered_amount + coalesce(admitted.amount, 0) end as known_amount,
            totals.row_count as totals_row_count,
            totals.amount as totals_amount
        from units
        left join admitted using (source, delivery_date)
        left join totals using (source, delivery_date)
    )

    update judged_loads
    set
        unit_row_count = facts.row_count,
        unit_amount = facts.amount,
        delivery_row_count = facts.delivered_row_count,
        delivery_amount = facts.delivered_amount,
        delivery_net_amount = facts.delivered_net_amount,
        known_row_count = facts.known_row_count,
        known_amount = facts.known_amount,
        totals_row_count = facts.totals_row_count,
        totals_amount = facts.totals_amount
    from facts
    where facts.source = judged_loads.source
        and facts.delivery_date = judged_loads.delivery_date
"""


_LATEST_FULL: Final = """
    update judged_loads
    set latest_full_date = admitted.delivery_date
    from (
        select source, max(delivery_date) as delivery_date
        from admitted_loads
        where extract = $extract and delivery_kind = 'full'
            and load_id not in (select _load_id from judged_loads)
        group by source
    ) as admitted
    where admitted.source = judged_loads.source and judged_loads.delivery_kind = 'full'
"""


class StagedLoads:
    """The staged loads of one extract as tables and a view of a DuckDB file.

    Attributes:
        extract: Name of the extract.
        path: The DuckDB file.
        files: The Parquet files that a view of the rows reads; none where they were copied.
        has_rows: Whether there are rows that can be read as declared.
        row_counts: Rows of each load.
    """

    def __init__(
        self,
        extract: str,
        loads: Sequence[LoadUnderJudgement],
        *,
        path: Path,
        lake: Path,
        staged_other: Mapping[str, Sequence[Path]],
    ) -> None:
        self.extract = extract
        self.path = path
        self._contract = CONTRACTS[extract]
        self._lake = lake
        self._staged = {
            **staged_other,
            extract: [
                *staged_other.get(extract, ()),
                *(load.parquet for load in loads if load.parquet is not None),
            ],
        }
        with duckdb.connect(str(path), config=dict(databases.SETTINGS)) as connection:
            # One transaction: nobody else reads the file, and each commit would write to disk.
            connection.begin()
            misshapen = self._describe_loads(connection, loads)
            self.files, self.has_rows = self._read_rows(connection, loads, misshapen)
            self._compare_with_history(connection)
            self._look_up(connection)
            self.row_counts: dict[str, int] = dict(
                connection.execute(
                    "select _load_id, coalesce(staged_row_count, 0) from judged_loads"
                ).fetchall()
            )
            connection.commit()

    def _describe_loads(
        self, connection: duckdb.DuckDBPyConnection, loads: Sequence[LoadUnderJudgement]
    ) -> set[str]:
        """Write one row of facts per load; return those whose columns are not as declared."""
        connection.execute(f"create table {LOADS} ({LOAD_FACTS})")
        files = [str(load.parquet) for load in loads if load.parquet is not None]
        found = _columns_of(connection, files)
        staged_row_counts = _row_counts_of(connection, files)
        misshapen = set()
        facts: list[dict[str, object]] = []
        for load in loads:
            missing, mistyped = (
                ([], [])
                if load.parquet is None
                else _compare_columns(self.extract, found[str(load.parquet)])
            )
            if missing or mistyped:
                misshapen.add(load.load_id)
            facts.append(
                {
                    "_load_id": load.load_id,
                    "_row_number": 0,
                    "source": load.source,
                    "delivery_date": load.delivery_date,
                    "delivery_kind": load.delivery_kind,
                    "missing_columns": ", ".join(missing) or None,
                    "mistyped_columns": ", ".join(mistyped) or None,
                    "foreign_row_count": None if missing or mistyped else 0,
                    "staged_row_count": staged_row_counts.get(str(load.parquet), 0),
                    "rows_accepted": load.rows_accepted,
                    "amount_accepted": load.amount_accepted,
                    "rows_delivered": _first(load.rows_delivered, load.rows_accepted),
                    "amount_delivered": _first(load.amount_delivered, load.amount_accepted),
                    "file_row_count": _sum(
                        _first(load.rows_delivered, load.rows_accepted), load.rows_filtered
                    ),
                    "file_amount": _sum(
                        _first(load.amount_delivered, load.amount_accepted), load.amount_filtered
                    ),
                    "control_row_count": load.control_row_count,
                    "control_amount": load.control_amount,
                }
            )
        columns = list(facts[0])
        marks = ", ".join(f"${position}" for position in range(1, len(columns) + 1))
        connection.executemany(
            f"insert into {LOADS} ({', '.join(columns)}) values ({marks})",
            [list(one.values()) for one in facts],
        )
        return misshapen

    def _read_rows(
        self,
        connection: duckdb.DuckDBPyConnection,
        loads: Sequence[LoadUnderJudgement],
        misshapen: set[str],
    ) -> tuple[list[str], bool]:
        """Make the rows of well-shaped loads readable; say from which files, and if there are any.

        A load in which a row is another's is left out whole.
        """
        well_shaped = {
            str(load.parquet): load.load_id
            for load in loads
            if load.parquet is not None and load.load_id not in misshapen
        }
        if not well_shaped:
            return [], False
        connection.execute("create table staged_files (file varchar, load_id varchar)")
        connection.executemany(
            "insert into staged_files values ($1, $2)",
            list(well_shaped.items()),
        )
        amount = self._contract.amount_column or "null::decimal(38, 2)"
        reduces = _REDUCES.get(self.extract, "false")
        connection.execute(
            _STAGED_FACTS.format(
                amount=amount,
                net=f"case when {reduces} then -abs({amount}) else {amount} end",
            ),
            {"files": list(well_shaped)},
        )
        row_counts: dict[str, int] = dict(
            connection.execute(
                "select f.file, l.staged_row_count from staged_files as f"
                " inner join judged_loads as l on l._load_id = f.load_id"
                " where l.foreign_row_count = 0 and l.staged_row_count > 0 order by f.file"
            ).fetchall()
        )
        if not row_counts:
            return [], False
        is_copied = sum(row_counts.values()) <= MOST_ROWS_COPIED
        columns = ", ".join(
            column
            for column in (*self._contract.columns, *METADATA)
            if column not in self._contract.personal
        )
        # A view takes no parameters.
        connection.execute(
            f"create {'table' if is_copied else 'view'} {ROWS} as select {columns}"
            f" from read_parquet({databases.literal_list(row_counts)}, union_by_name = true,"
            " hive_partitioning = false)"
        )
        return [] if is_copied else list(row_counts), True

    def _compare_with_history(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Put beside each load what its source delivered before, and what it was to deliver."""
        records = sorted(str(one) for one in (self._lake / "_loads").glob("*.parquet"))
        if records:
            connection.execute(_KNOWN_LOADS, {"files": records})
        else:
            connection.execute(_NO_KNOWN_LOADS)
        totals = (
            self._readable_files(connection, "control_totals")
            if self.extract != "control_totals"
            else []
        )
        if totals:
            connection.execute(_TOTALS, {"files": totals, "extract": self.extract})
        else:
            connection.execute(
                "create table totals (source varchar, delivery_date date, row_count bigint,"
                " amount decimal(38, 2))"
            )
        connection.execute(_UNITS, {"extract": self.extract})
        connection.execute(_USUAL, {"extract": self.extract})
        connection.execute(_LATEST_FULL, {"extract": self.extract})
        self._find_volume_drops(connection)

    def _find_volume_drops(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Compare each full delivery with the last one before it that was no drop itself."""
        history: dict[str, list[tuple[date, bool, int]]] = {}
        for source, delivery_date, row_count in connection.execute(
            """
            select source, delivery_date, sum(rows_accepted)
            from admitted_loads
            where extract = $extract and delivery_kind = 'full'
                and load_id not in (select _load_id from judged_loads)
            group by source, delivery_date, recorded_at
            order by delivery_date, recorded_at
            """,
            {"extract": self.extract},
        ).fetchall():
            history.setdefault(source, []).append((delivery_date, False, row_count))
        for source, delivery_date, row_count in connection.execute(
            """
            select source, delivery_date, any_value(unit_row_count)
            from judged_loads
            where delivery_kind = 'full'
            group by source, delivery_date
            order by delivery_date
            """
        ).fetchall():
            history.setdefault(source, []).append((delivery_date, True, row_count))
        for source, units in history.items():
            last: int | None = None
            for delivery_date, is_judged, row_count in sorted(units, key=lambda unit: unit[:2]):
                is_drop = (
                    is_judged
                    and last is not None
                    and last >= SMALLEST_FULL_JUDGED
                    and row_count < last * SMALLEST_SHARE_KEPT
                )
                if is_judged:
                    connection.execute(
                        "update judged_loads set is_volume_drop = $is_drop,"
                        " last_full_row_count = $last where source = $source"
                        " and delivery_date = $delivery_date and delivery_kind = 'full'",
                        {
                            "is_drop": is_drop,
                            "last": last,
                            "source": source,
                            "delivery_date": delivery_date,
                        },
                    )
                if not is_drop:
                    last = row_count

    def _look_up(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the lookup tables that the suite's queries name."""
        if not self.has_rows:
            return
        for reach in _reaches(self.extract):
            self._look_up_unknown(connection, reach)
        if self.extract == "fx_rates":
            connection.execute(
                "create table known_rates as select from_currency, to_currency, rate_date,"
                " arg_max(rate, row(_recorded_at, _load_sequence, _row_number)) as rate"
                f" from {_READ} where rate > 0"
                " group by from_currency, to_currency, rate_date",
                {"files": self._readable_files(connection, "fx_rates")},
            )
        if self.extract == "control_totals":
            connection.execute(
                "create table known_deliveries as"
                " select distinct extract, source, delivery_date from admitted_loads"
            )
            for extract in CONTRACTS:
                staged = [str(one) for one in self._staged.get(extract, ())]
                if staged:
                    connection.execute(
                        "insert into known_deliveries"
                        f" select distinct $extract, _source, _delivery_date from {_READ}",
                        {"extract": extract, "files": staged},
                    )

    def _look_up_unknown(self, connection: duckdb.DuckDBPyConnection, reach: Reach) -> None:
        """Collect the referring keys whose counterpart is neither in the lake nor staged.

        Where the extract of the counterparts was never delivered, nothing can be said and nothing
        is unknown.
        """
        referring = ", ".join(reach.columns)
        known = ", ".join(reach.known_columns)
        files = self._readable_files(connection, reach.known_extract)
        is_known_at_all = (
            bool(files)
            and connection.execute(
                f"select {known} from {_READ} limit 1",
                {"files": files},
            ).fetchone()
        )
        if is_known_at_all:
            connection.execute(
                f"create table {reach.table} as select distinct {referring} from {ROWS}"
                f" where ({reach.where}) and {_all_filled(reach.columns)} and ({referring})"
                # NULL among the known would make every answer NULL.
                f" not in (select ({known}) from {_READ} where {_all_filled(reach.known_columns)})",
                {"files": files},
            )
        else:
            connection.execute(
                f"create table {reach.table} as select {referring} from {ROWS} limit 0"
            )

    def _readable_files(self, connection: duckdb.DuckDBPyConnection, extract: str) -> list[str]:
        """Files of an extract that can be read as declared: the lake's, and staged ones if so."""
        admitted = sorted(str(one) for one in (self._lake / extract).glob("*.parquet"))
        staged = list(dict.fromkeys(str(one) for one in self._staged.get(extract, ())))
        if not staged:
            return admitted
        found = _columns_of(connection, staged)
        return [
            *admitted,
            *(file for file in staged if not any(_compare_columns(extract, found[file]))),
        ]


def _columns_of(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Columns of each Parquet file and their DuckDB types."""
    if not files:
        return {}
    found: dict[str, dict[str, str]] = {file: {} for file in files}
    for file, column, type_name in connection.execute(
        "select file_name, name, duckdb_type from parquet_schema($files)"
        " where num_children is null",
        {"files": list(files)},
    ).fetchall():
        found[file][column] = type_name
    return found


def _row_counts_of(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> dict[str, int]:
    """Rows of each Parquet file by its footer."""
    if not files:
        return {}
    return dict(
        connection.execute(
            "select file_name, num_rows from parquet_file_metadata($files)", {"files": list(files)}
        ).fetchall()
    )


def _compare_columns(extract: str, found: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Name the columns that are missing, and those of the wrong family with both types."""
    missing, mistyped = [], []
    for column, family in {**CONTRACTS[extract].columns, **METADATA}.items():
        if column not in found:
            missing.append(column)
        elif TYPE_FAMILIES.get(found[column].split("(")[0]) != family:
            mistyped.append(f"{column}: expected {family}, found {found[column].lower()}")
    return missing, mistyped


def _all_filled(columns: Iterable[str]) -> str:
    return " and ".join(f"{column} is not null" for column in columns)


def _reaches(extract: str) -> Iterable[Reach]:
    return (one.reach for one in SUITES[extract] if one.reach is not None)


def _first(value: int | Decimal | None, otherwise: int | Decimal | None) -> int | Decimal | None:
    return otherwise if value is None else value


def _sum(value: int | Decimal | None, added: int | Decimal | None) -> int | Decimal | None:
    return value if value is None or added is None else value + added
