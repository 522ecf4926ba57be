"""Staging: one delivered file becomes typed Parquet, quarantined rows and load records.

Here live the passes over a file's records, the search for repeated keys, the limits on bad rows,
control totals and the balance of each load. Admission to the lake does not live here.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import ValidationError

from ingest.conversion import (
    Check,
    Conversion,
    cleaned_columns,
    conversions_of,
    readable_amount,
    text_name,
)
from ingest.extracts import EXTRACTS, TEXT, Extract
from ingest.mappings import ColumnSource, Control, ExtractMapping, FileMapping, SourceMapping
from ingest.readers import FileRejectedError, RawRecords, read_records
from ingest.readers.records import (
    DEFECT_CODE,
    DEFECT_EXPECTED,
    DEFECT_FOUND,
    RAW_TEXT,
    ROW_NUMBER,
)
from ingest.readers.text import DEFAULT_LIMITS, Limits
from ingest.records import (
    ADMITTED,
    DELTA,
    DUPLICATE,
    HASH_TOTAL,
    LOAD_METADATA_SCHEMA,
    QUARANTINE_SCHEMA,
    REJECTED,
    LoadRecord,
    assert_balanced,
    load_id_of,
)

_CENT: Final = Decimal("0.01")
_FOUND_CHARACTERS: Final = 200
_TRAILER: Final = (
    r"(?i)^[\s*#=-]*(?:(?:grand|sub|report|page)?[ -]?totals?|sum|count|trailer|eof|"
    r"end of (?:file|report|data)|总?合计|小计|总计|本[页月年](?:合计|累计)|累计)[\s:：*=-]*$"
)

_ACCEPTED: Final = 0
_QUARANTINED: Final = 1
_DROPPED: Final = 2
_FILTERED: Final = 3
_STATE: Final = "_state"
_READABLE: Final = "_readable"
_FIRST: Final = "_first"
_REASON: Final = "_reason"
_KEY_HASH: Final = "_key_hash"
_ARROW_SCHEMA: Final = "ARROW:schema"
_IS_DROPPED: Final = "_is_dropped"
_IS_FILTERED: Final = "_is_filtered"

_HASH_PARTITION_ROWS: Final = 4_000_000
"""Key hashes compared at once: 32 MB and a sorted copy, whatever the size of the file."""


_FEW_ROWS: Final = 20_000
_FEW_BYTES: Final = 4_194_304
"""A file of no more rows and bytes is typed in memory: the streaming engine takes longer to start
than such rows to type."""

_COMPRESSION_LEVEL: Final = 1
"""Measured on 1 M documents: 8 % less time than the default level, and a smaller file; leaving
out the statistics of columns that are mostly constant in a load saves another 11 %."""


_RAW_ROWS: Final = 100_000
"""More bad rows than that are not read again for their raw text: the exact reader keeps it."""


class _NeedsExactReaderError(Exception):
    """The streamed text cannot give the raw text of so many bad rows."""


@dataclass(frozen=True)
class StagedLoad:
    """One file in one extract, staged.

    Attributes:
        record: Counts, money and status; `admitted` means that it may be.
        parquet: The typed rows, None when none may enter.
        quarantine: The quarantined rows, None when there are none.
    """

    record: LoadRecord
    parquet: Path | None
    quarantine: Path | None


def stage_file(
    archived: Path,
    *,
    file_name: str,
    source: SourceMapping,
    delivery_date: date,
    recorded_at: datetime,
    received_at: datetime,
    file_sha256: str,
    run_id: str,
    next_sequence: int,
    folder: Path,
    control: Mapping[str, Any] | None = None,
    is_duplicate: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> list[StagedLoad]:
    """Read, map, type and split one archived file.

    Args:
        archived: The archived bytes.
        file_name: The delivered name.
        source: The mapping of the source.
        delivery_date: The landing folder's date.
        recorded_at: The knowledge time of the delivery, naive UTC.
        received_at: When the file arrived, naive UTC.
        file_sha256: SHA-256 of the bytes.
        run_id: The refresh.
        next_sequence: Load sequence of the first record; the following ones count on.
        folder: Where staged files are written, under names unique to the load.
        control: Totals delivered beside the file; they win over the mapping's.
        is_duplicate: Whether the file is known to be in the lake; its rows are only counted.
        limits: What a packed file may become.

    Returns:
        One staged load per extract of the file, in the mapping's order. Bad input never raises:
        it gives rejected records.

    Raises:
        UnbalancedLoadError: Rows or money read differ from where they went: a defect here.
    """
    base = {
        "run_id": run_id,
        "source": source.source,
        "delivery_date": delivery_date,
        "file_name": file_name,
        "file_sha256": file_sha256,
        "file_bytes": archived.stat().st_size,
        "mapping_fingerprint": source.fingerprint(),
        "recorded_at": recorded_at,
        "received_at": received_at,
    }
    mapping = source.file_mapping(file_name)
    if mapping is None:
        patterns = ", ".join(file.pattern for file in source.files)
        detail = (
            f"expected a file named like {patterns}; found {file_name}; "
            "correct the name, or add its pattern to the mapping"
        )
        return [_rejected(base, "", DELTA, next_sequence, "NO_MAPPING", detail)]
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="reading-", dir=folder))
    try:
        promised = _promised(mapping, control)
        loads = _read_and_stage(
            archived,
            mapping,
            source=source,
            base=base,
            sequence=next_sequence,
            folder=folder,
            scratch=scratch,
            limits=limits,
            is_exact=False,
        )
        return _judged(loads, source=source, promised=promised, is_duplicate=is_duplicate)
    except FileRejectedError as error:
        return [
            _rejected(
                base,
                part.extract,
                mapping.delivery,
                next_sequence + position,
                error.reason_code,
                error.detail,
            )
            for position, part in enumerate(mapping.extracts)
        ]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _read_and_stage(
    archived: Path,
    mapping: FileMapping,
    *,
    source: SourceMapping,
    base: Mapping[str, Any],
    sequence: int,
    folder: Path,
    scratch: Path,
    limits: Limits,
    is_exact: bool,
) -> list[_Part]:
    records = read_records(
        archived,
        file_name=base["file_name"],
        mapping=mapping,
        timezone=source.timezone,
        scratch=scratch,
        limits=limits,
        is_exact=is_exact,
    )
    if records.row_count == 0 and mapping.delivery != DELTA:
        raise FileRejectedError(
            "NO_ROWS",
            "expected records in a full delivery, found none: every document would be "
            "withdrawn; deliver again",
        )
    try:
        return [
            _Staging(
                extract=EXTRACTS[part.extract],
                mapping=part,
                columns={
                    name: column
                    for name, column in part.columns.items()
                    if column.column not in records.absent_columns
                },
                file_mapping=mapping,
                source=source,
                records=records,
                base=base,
                sequence=sequence + position,
                folder=folder,
                scratch=scratch,
            ).stage()
            for position, part in enumerate(mapping.extracts)
        ]
    except (pl.exceptions.PolarsError, _NeedsExactReaderError) as error:
        if records.is_streamed_text and not is_exact:
            # Some record has more fields than the header, or too many are to be quarantined.
            return _read_and_stage(
                archived,
                mapping,
                source=source,
                base=base,
                sequence=sequence,
                folder=folder,
                scratch=scratch,
                limits=limits,
                is_exact=True,
            )
        raise FileRejectedError(
            "CORRUPT_FILE",
            f"{base['file_name']}: expected records that the mapping can read, found "
            f"{str(error)[:500]}; check where, drop_rows and expression in the mapping, "
            "or deliver the file again",
        ) from error


def _rejected(
    base: Mapping[str, Any],
    extract: str,
    delivery_kind: str,
    sequence: int,
    reason_code: str,
    detail: str,
) -> StagedLoad:
    record = LoadRecord(
        **base,
        load_id=load_id_of(
            file_sha256=base["file_sha256"],
            source=base["source"],
            extract=extract,
            mapping_fingerprint=base["mapping_fingerprint"],
            delivery_kind=delivery_kind,
            delivery_date=base["delivery_date"],
        ),
        load_sequence=sequence,
        extract=extract,
        delivery_kind=delivery_kind,
        status=REJECTED,
        reason_code=reason_code,
        reason_detail=detail,
    )
    return StagedLoad(record=record, parquet=None, quarantine=None)


def _promised(mapping: FileMapping, control: Mapping[str, Any] | None) -> Control | None:
    if control is None:
        return mapping.control
    try:
        return Control.model_validate(dict(control))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise FileRejectedError(
            "CONTROL_TOTAL",
            f"control file: expected row_count, a whole number, and amount, a number in quotes, "
            f"found {dict(control)} ({problems}); correct the control file",
        ) from error


@dataclass(frozen=True)
class _Part:
    """One extract of a file after its passes."""

    load: StagedLoad
    signed_amount: Decimal | None


def _judged(
    parts: list[_Part],
    *,
    source: SourceMapping,
    promised: Control | None,
    is_duplicate: bool,
) -> list[StagedLoad]:
    """Apply the limits and totals that hold for the whole file.

    Totals are held against a duplicate too: they may have come after the file was admitted.
    """
    refusal = _broken_promise(parts, promised)
    if is_duplicate and refusal is None:
        return [_as_duplicate(part.load) for part in parts]
    if not is_duplicate:
        refusal = _too_many_bad_rows(parts, source) or refusal
    loads = []
    for part in parts:
        record = part.load.record
        if promised is not None:
            is_first = part is _measured(parts)
            record = replace(
                record,
                control_row_count=promised.row_count,
                control_amount=promised.amount if is_first else None,
            )
        if refusal is not None:
            record = replace(
                record, status=REJECTED, reason_code=refusal[0], reason_detail=refusal[1]
            )
        loads.append(replace(part.load, record=record))
    return loads


def _measured(parts: list[_Part]) -> _Part:
    """The part that an announced amount is about: the first whose extract has an amount."""
    for part in parts:
        if part.signed_amount is not None:
            return part
    return parts[0]


def _too_many_bad_rows(parts: list[_Part], source: SourceMapping) -> tuple[str, str] | None:
    limits = source.quarantine
    for part in parts:
        record = part.load.record
        bad = record.rows_quarantined
        if bad > limits.max_rows and bad > limits.max_rate * record.rows_read:
            return (
                "TOO_MANY_BAD_ROWS",
                f"{record.file_name} ({record.extract}): expected at most {limits.max_rows} bad "
                f"rows or {limits.max_rate:%} of the file, found {bad} of {record.rows_read}; see "
                "their reasons beside the rejected file, then correct the mapping or the export",
            )
    return None


def _broken_promise(parts: list[_Part], promised: Control | None) -> tuple[str, str] | None:
    if promised is None:
        return None
    record = parts[0].load.record
    rows = record.rows_read - record.rows_dropped
    if promised.row_count is not None and promised.row_count != rows:
        return (
            "CONTROL_TOTAL",
            f"{record.file_name}: expected {promised.row_count} rows as announced, found {rows}; "
            "deliver the whole file again or correct the total",
        )
    amount = _measured(parts).signed_amount
    if promised.amount is not None and promised.amount != amount:
        return (
            "CONTROL_TOTAL",
            f"{record.file_name}: expected the amount {promised.amount} as announced, found "
            f"{amount}; deliver the whole file again or correct the total",
        )
    return None


def _as_duplicate(load: StagedLoad) -> StagedLoad:
    record = load.record
    amounts = (record.amount_accepted, record.amount_duplicate, record.amount_quarantined)
    known = [amount for amount in amounts if amount is not None]
    return StagedLoad(
        record=replace(
            record,
            status=DUPLICATE,
            rows_duplicate=record.rows_accepted + record.rows_duplicate + record.rows_quarantined,
            rows_accepted=0,
            rows_quarantined=0,
            amount_duplicate=sum(known, start=Decimal("0.00")) if known else None,
            amount_accepted=Decimal("0.00") if known else None,
            amount_quarantined=Decimal("0.00") if known else None,
        ),
        parquet=None,
        quarantine=None,
    )


@dataclass(frozen=True)
class _Counts:
    """What the first pass counted, over all records; money as it can be read from the text."""

    rows: int
    amount: Decimal | None
    signed: Decimal | None
    rows_accepted: int
    rows_quarantined: int
    rows_dropped: int
    rows_filtered: int
    amount_dropped: Decimal | None
    amount_filtered: Decimal | None
    is_ordered: bool
    """Whether a column of the key is greater in every record than in the one before."""


@dataclass(frozen=True)
class _Reason:
    """A reason for quarantine: what it says, and where it holds."""

    reason_code: str | pl.Expr
    column: str | None
    expected: str | pl.Expr
    found: pl.Expr
    is_failed: pl.Expr


@dataclass(frozen=True)
class _Staging:
    """The passes over the records of one file for one extract."""

    extract: Extract
    mapping: ExtractMapping
    columns: Mapping[str, ColumnSource]
    file_mapping: FileMapping
    source: SourceMapping
    records: RawRecords
    base: Mapping[str, Any]
    sequence: int
    folder: Path
    scratch: Path

    @property
    def load_id(self) -> str:
        return load_id_of(
            file_sha256=self.base["file_sha256"],
            source=self.base["source"],
            extract=self.extract.name,
            mapping_fingerprint=self.base["mapping_fingerprint"],
            delivery_kind=self.file_mapping.delivery,
            delivery_date=self.base["delivery_date"],
        )

    def _path(self, kind: str) -> Path:
        return self.folder / f"{self.sequence:09d}-{self.extract.name}-{self.load_id}{kind}.parquet"

    def stage(self) -> _Part:
        """Write the accepted and quarantined rows, and account for every record."""
        conversions = conversions_of(
            self.extract,
            self.columns,
            codes=self.mapping.codes,
            file_mapping=self.file_mapping,
            facts=self.records.facts,
            timezone=self.source.timezone,
        )
        typed = self._typed(conversions)
        accepted = self._path("")
        rejected = self.scratch / f"rejected-{self.sequence}.parquet"
        counts = self._first_pass(typed, conversions, accepted=accepted, rejected=rejected)
        rows_read = counts.rows
        if rows_read != self.records.row_count:
            message = (
                f"{self.base['file_name']} ({self.extract.name}): the pre-flight counted "
                f"{self.records.row_count} records, the typing {rows_read}"
            )
            raise RuntimeError(message)
        fates = None
        if not counts.is_ordered:
            fates = _repeated_keys(
                accepted, self.extract, varying=self._varying_key, row_count=counts.rows_accepted
            )
        duplicates = 0
        duplicate_amount = Decimal("0.00")
        conflicts = self.scratch / f"conflicts-{self.sequence}.parquet"
        if fates is not None:
            repeated = fates.filter(~pl.col("is_conflict"))
            duplicates = repeated.height
            duplicate_amount = self._take_out(accepted, fates=fates, repeated=repeated)
            self._rejectable(typed, conversions).join(
                fates.filter("is_conflict").lazy().select(ROW_NUMBER), on=ROW_NUMBER, how="semi"
            ).sink_parquet(conflicts, compression="lz4", engine="streaming")
        quarantine = self._path(".quarantine")
        quarantined, quarantined_amount = 0, _cents(0)
        if counts.rows_quarantined or conflicts.exists():
            quarantined, quarantined_amount = self._explain(
                conversions, rejected=rejected, conflicts=conflicts, target=quarantine
            )
        amounts = self._amounts(accepted)
        rows_accepted = amounts[0]
        has_amount = self._amount_column is not None
        record = LoadRecord(
            **self.base,
            load_id=self.load_id,
            load_sequence=self.sequence,
            extract=self.extract.name,
            delivery_kind=self.file_mapping.delivery,
            status=ADMITTED,
            rows_read=rows_read,
            rows_accepted=rows_accepted,
            rows_duplicate=duplicates,
            rows_quarantined=quarantined,
            rows_dropped=counts.rows_dropped,
            rows_filtered=counts.rows_filtered,
            amount_read=_cents(counts.amount) if has_amount else None,
            amount_accepted=amounts[1] if has_amount else None,
            amount_duplicate=duplicate_amount if has_amount else None,
            amount_quarantined=quarantined_amount if has_amount else None,
            amount_dropped=_cents(counts.amount_dropped) if has_amount else None,
            amount_filtered=_cents(counts.amount_filtered) if has_amount else None,
            unknown_columns=",".join(self.records.unknown_columns) or None,
        )
        assert_balanced(record)
        if not quarantined:
            quarantine.unlink(missing_ok=True)
        if not rows_accepted:
            accepted.unlink(missing_ok=True)
        return _Part(
            load=StagedLoad(
                record=record,
                parquet=accepted if rows_accepted else None,
                quarantine=quarantine if quarantined else None,
            ),
            signed_amount=_cents(counts.signed) if has_amount else None,
        )

    @property
    def _varying_key(self) -> list[str]:
        """The key's columns that the mapping supplies; the others are the same in every row."""
        return [name for name in self.extract.key if name in self.columns]

    @property
    def _amount_column(self) -> str | None:
        name = self.extract.amount_column
        return name if name is not None and name in self.columns else None

    @property
    def _cleaned(self) -> list[pl.Expr]:
        return cleaned_columns(
            self.file_mapping,
            absent=self.records.absent_columns,
            facts=self.records.facts,
        )

    def _typed(self, conversions: list[Conversion]) -> pl.LazyFrame:
        """Raw records with texts, values and the state of each row."""
        rows = self.records.rows
        columns = self.records.columns
        has_defects = self.records.has_own_text
        cleaned = self._cleaned
        if cleaned:
            if self.records.delimiter is not None:
                rows = rows.with_columns(_joined(columns, self.records.delimiter))
            rows = rows.with_columns(cleaned)
        drops = [
            pl.sql_expr(expression).fill_null(value=False)
            for expression in self.file_mapping.drop_rows
        ]
        is_blank = pl.all_horizontal(pl.col(column).is_null() for column in columns)
        if has_defects:
            is_blank = is_blank & pl.col(DEFECT_CODE).is_null()
        flags = [pl.any_horizontal(is_blank, *drops).alias(_IS_DROPPED)]
        if self.mapping.where is not None:
            keeps = pl.sql_expr(self.mapping.where).fill_null(value=False)
            flags.append((~keeps).alias(_IS_FILTERED))
        rows = rows.with_columns(*flags, *(conversion.text for conversion in conversions)).rename(
            {column: f"_raw:{position}" for position, column in enumerate(columns)}
        )
        rows = rows.with_columns(conversion.value for conversion in conversions)
        problems = [conversion.is_bad for conversion in conversions]
        problems += [rule.is_broken.fill_null(value=False) for rule in self._rules]
        states = [(pl.col(_IS_DROPPED), _DROPPED)]
        if has_defects:
            states.append((pl.col(DEFECT_CODE).is_not_null(), _QUARANTINED))
        if self.mapping.where is not None:
            states.append((pl.col(_IS_FILTERED), _FILTERED))
        states.append((pl.any_horizontal(problems), _QUARANTINED))
        state = pl.coalesce(
            *(pl.when(condition).then(pl.lit(value, dtype=pl.Int8)) for condition, value in states),
            pl.lit(_ACCEPTED, dtype=pl.Int8),
        )
        added = [state.alias(_STATE)]
        if self._amount_column is not None:
            source = self.columns[self._amount_column]
            readable = readable_amount(
                source, self.file_mapping, text=pl.col(text_name(self._amount_column))
            )
            added.append(readable.alias(_READABLE))
        return rows.with_columns(added)

    @property
    def _rules(self) -> list[Any]:
        names = set(self.columns)
        return [
            rule for rule in self.extract.rules if set(rule.is_broken.meta.root_names()) <= names
        ]

    def _first_pass(
        self,
        typed: pl.LazyFrame,
        conversions: list[Conversion],
        *,
        accepted: Path,
        rejected: Path,
    ) -> _Counts:
        """Write accepted and rejected rows in one pass, and count."""
        amount = pl.col(_READABLE) if self._amount_column is not None else pl.lit(Decimal(0))
        is_absolute = self._amount_column is not None and self.columns[self._amount_column].absolute
        size = amount.abs() if is_absolute else amount
        totals = (pl.len().alias("rows"), size.sum().alias("amount"), amount.sum().alias("signed"))
        ascents = [
            (pl.col(name) > pl.col(name).shift(1)).sum().alias(f"_ascents:{name}")
            for name in self._varying_key
        ]
        is_small = self.records.row_count <= _FEW_ROWS and self.base["file_bytes"] <= _FEW_BYTES
        if is_small:
            typed = typed.collect().lazy()
        # Most rows are accepted: counting the others apart costs next to nothing.
        others = typed.filter(pl.col(_STATE) != _ACCEPTED).group_by(_STATE).agg(totals)
        into_lake = typed.filter(pl.col(_STATE) == _ACCEPTED).select(self._lake_columns())
        aside = self._rejectable(typed.filter(pl.col(_STATE) == _QUARANTINED), conversions)
        if is_small:
            summed = typed.select(*totals, *ascents).collect()
            counted_others = others.collect()
            into_lake.collect().write_parquet(
                accepted,
                compression_level=_COMPRESSION_LEVEL,
                statistics=False,
                metadata=_declared_types(self.extract),
            )
            if counted_others.height:
                aside.collect().write_parquet(rejected, compression="lz4")
        else:
            _, _, summed, counted_others = pl.collect_all(
                [
                    into_lake.sink_parquet(
                        accepted,
                        compression_level=_COMPRESSION_LEVEL,
                        statistics=False,
                        metadata=_declared_types(self.extract),
                        lazy=True,
                    ),
                    aside.sink_parquet(rejected, compression="lz4", lazy=True),
                    typed.select(*totals, *ascents),
                    others,
                ],
                engine="streaming",
            )
        rows, amount_read, signed, *ascended = summed.row(0)
        counted = {state: rest for state, *rest in counted_others.iter_rows()}
        nothing = (0, Decimal(0), Decimal(0))
        dropped = counted.get(_DROPPED, nothing)
        filtered = counted.get(_FILTERED, nothing)
        return _Counts(
            rows=rows,
            amount=amount_read,
            signed=Decimal(signed or 0) - Decimal(dropped[2] or 0),
            rows_accepted=rows - sum(rest[0] for rest in counted.values()),
            rows_quarantined=counted.get(_QUARANTINED, nothing)[0],
            rows_dropped=dropped[0],
            rows_filtered=filtered[0],
            amount_dropped=dropped[1],
            amount_filtered=filtered[1],
            is_ordered=any(count == rows - 1 for count in ascended),
        )

    def _lake_columns(self) -> list[pl.Expr]:
        columns = [
            pl.col(column.name)
            if column.name in self.columns
            else _constant(column.default, column.dtype).alias(column.name)
            for column in self.extract.columns
        ]
        metadata = {
            "_load_id": self.load_id,
            "_load_sequence": self.sequence,
            "_source": self.base["source"],
            "_source_file": self.base["file_name"],
            "_delivery_date": self.base["delivery_date"],
            "_delivery_kind": self.file_mapping.delivery,
            "_recorded_at": self.base["recorded_at"],
        }
        for name, dtype in LOAD_METADATA_SCHEMA.items():
            if name == ROW_NUMBER:
                columns.append(pl.col(ROW_NUMBER).cast(dtype))
            else:
                columns.append(_constant(metadata[name], dtype).alias(name))
        return columns

    def _rejectable(self, rows: pl.LazyFrame, conversions: list[Conversion]) -> pl.LazyFrame:
        raw = [f"_raw:{position}" for position in range(len(self.records.columns))]
        columns: list[pl.Expr] = [pl.col(ROW_NUMBER).cast(pl.Int64)]
        if self.records.has_own_text:
            columns += [
                pl.col(name) for name in (RAW_TEXT, DEFECT_CODE, DEFECT_EXPECTED, DEFECT_FOUND)
            ]
        else:
            if self.records.delimiter is not None:
                is_kept = bool(self._cleaned)
                joined = _joined(raw, self.records.delimiter)
                columns.append(pl.col(RAW_TEXT) if is_kept else joined)
            columns += [
                pl.lit(None, dtype=pl.String()).alias(name)
                for name in (DEFECT_CODE, DEFECT_EXPECTED, DEFECT_FOUND)
            ]
        columns.append(pl.coalesce(raw).alias(_FIRST))
        if self._amount_column is not None:
            columns.append(pl.col(_READABLE))
        for conversion in conversions:
            name = conversion.column.name
            columns += [pl.col(text_name(name)), pl.col(name)]
        return rows.select(columns)

    def _take_out(self, accepted: Path, *, fates: pl.DataFrame, repeated: pl.DataFrame) -> Decimal:
        """Take repeated rows out of the accepted ones; the amount of mere duplicates."""
        rows = pl.scan_parquet(accepted, glob=False, hive_partitioning=False)
        amount = Decimal(0)
        if self._amount_column is not None:
            amount = (
                rows.join(repeated.lazy(), on=ROW_NUMBER, how="semi")
                .select(pl.col(self._amount_column).cast(HASH_TOTAL).sum())
                .collect(engine="streaming")
                .item()
            ) or Decimal(0)
        kept = accepted.with_suffix(".kept")
        rows.join(
            fates.lazy().select(ROW_NUMBER), on=ROW_NUMBER, how="anti", maintain_order="left"
        ).sink_parquet(
            kept, compression_level=_COMPRESSION_LEVEL, statistics=False, engine="streaming"
        )
        kept.replace(accepted)
        return _cents(amount)

    def _amounts(self, accepted: Path) -> tuple[int, Decimal]:
        rows = pl.scan_parquet(accepted, glob=False, hive_partitioning=False)
        amount = (
            pl.col(self._amount_column).cast(HASH_TOTAL).sum()
            if self._amount_column is not None
            else pl.lit(Decimal(0))
        )
        count, total = rows.select(pl.len(), amount.alias("amount")).collect().row(0)
        return count, _cents(total or Decimal(0))

    def _explain(
        self, conversions: list[Conversion], *, rejected: Path, conflicts: Path, target: Path
    ) -> tuple[int, Decimal]:
        """Write the quarantined rows with their reasons; their number and readable money."""
        reasons = self._reasons(conversions)
        frames = []
        if rejected.exists():
            frames.append(self._quarantined(self._with_raw_text(rejected), reasons))
        if conflicts.exists():
            keys = ", ".join(self.extract.key)
            conflict = _Reason(
                "DUPLICATE_KEY_CONFLICT",
                None,
                f"one content per key ({keys}) in a file",
                self._row_key(),
                pl.lit(value=True),
            )
            frames.append(self._quarantined(self._with_raw_text(conflicts), [conflict]))
        pl.concat(frames).sink_parquet(target, engine="streaming")
        count, amount = (
            pl.scan_parquet(target, glob=False).select(pl.len(), pl.col("amount").sum()).collect()
        ).row(0)
        return count, _cents(amount or Decimal(0))

    def _with_raw_text(self, path: Path) -> pl.LazyFrame:
        rows = pl.scan_parquet(path, glob=False)
        if self.records.raw_texts is None:
            return rows
        numbers = rows.select(pl.col(ROW_NUMBER).sort()).collect().to_series()
        texts = self.records.raw_texts(numbers.to_list()) if len(numbers) <= _RAW_ROWS else None
        if texts is None:
            raise _NeedsExactReaderError
        return rows.join(texts.lazy(), on=ROW_NUMBER, how="left", maintain_order="left")

    def _reasons(self, conversions: list[Conversion]) -> list[_Reason]:
        first = pl.col(_FIRST).str.strip_chars()
        reasons = [
            _Reason(
                "TRAILER",
                None,
                "a record, not a total",
                first,
                first.str.contains(_TRAILER).fill_null(value=False),
            )
        ]
        headers = [
            pl.col(text_name(name)).str.to_lowercase() == source.column.casefold()
            for name, source in self.columns.items()
            if source.column is not None and not source.optional and name not in self.mapping.codes
        ]
        if headers:
            reasons.append(
                _Reason(
                    "REPEATED_HEADER",
                    None,
                    "a record, not the header again",
                    first,
                    pl.sum_horizontal(header.fill_null(value=False) for header in headers)
                    >= min(2, len(headers)),
                )
            )
        reasons.append(
            _Reason(
                pl.col(DEFECT_CODE),
                None,
                pl.col(DEFECT_EXPECTED),
                pl.col(DEFECT_FOUND),
                pl.col(DEFECT_CODE).is_not_null(),
            )
        )
        for conversion in conversions:
            column = conversion.column
            found = pl.col(text_name(column.name))
            reasons += [_of_check(column.name, found, check) for check in conversion.checks]
        reasons += [
            _Reason(
                rule.reason_code,
                rule.column,
                rule.expected,
                pl.col(text_name(rule.column)),
                rule.is_broken,
            )
            for rule in self._rules
        ]
        return reasons

    def _row_key(self) -> pl.Expr:
        """The key as typed; NULL where a part of it could not be, for then it is none."""
        parts = []
        for name in self.extract.key:
            column = self.extract.column(name)
            if name in self.columns:
                text = pl.col(name).cast(pl.String)
            else:
                text = pl.lit(None if column.default is None else str(column.default))
            parts.append(text.fill_null("") if column.is_nullable else text)
        return pl.concat_str(parts, separator="|")

    def _quarantined(self, rows: pl.LazyFrame, reasons: list[_Reason]) -> pl.LazyFrame:
        """Give every rejected row the first of the reasons that holds."""
        number = pl.coalesce(
            pl.when(reason.is_failed.fill_null(value=False)).then(position)
            for position, reason in enumerate(reasons)
        )
        amount = pl.col(_READABLE) if self._amount_column is not None else pl.lit(None)
        if self._amount_column and self.columns[self._amount_column].absolute:
            amount = amount.abs()
        columns = {
            "load_id": pl.lit(self.load_id),
            "source": pl.lit(self.base["source"]),
            "extract": pl.lit(self.extract.name),
            "delivery_date": pl.lit(self.base["delivery_date"]),
            "source_file": pl.lit(self.base["file_name"]),
            "row_number": pl.col(ROW_NUMBER),
            "reason_code": _chosen([reason.reason_code for reason in reasons]),
            "column_name": _chosen([reason.column for reason in reasons]),
            "expected": _chosen([reason.expected for reason in reasons]),
            "found": _chosen([reason.found for reason in reasons]).str.slice(0, _FOUND_CHARACTERS),
            "raw_text": pl.col(RAW_TEXT),
            "row_key": self._row_key(),
            "amount": amount,
            "recorded_at": pl.lit(self.base["recorded_at"]),
        }
        return rows.with_columns(number.alias(_REASON)).select(
            columns[name].cast(dtype).alias(name) for name, dtype in QUARANTINE_SCHEMA.items()
        )


def _constant(value: object, dtype: pl.DataType) -> pl.Expr:
    """The same value in every row of a load.

    Text becomes the only word of an enumeration. The writer then has its dictionary and need not
    hash the text of every row: measured, an eighth of the time, for most columns of a load.
    """
    if dtype != TEXT:
        return pl.lit(value).cast(dtype)
    return pl.lit(value, dtype=pl.Enum([] if value is None else [str(value)]))


def _declared_types(extract: Extract) -> dict[str, str]:
    """The entry of a file's metadata that tells Arrow's readers the types of the contract.

    Enumerations are stored like any text; only this entry would tell them apart.
    """
    file = io.BytesIO()
    pl.DataFrame(schema=extract.lake_schema).write_parquet(file)
    file.seek(0)
    return {_ARROW_SCHEMA: pl.read_parquet_metadata(file)[_ARROW_SCHEMA]}


def _of_check(column: str, found: pl.Expr, check: Check) -> _Reason:
    return _Reason(check.reason_code, column, check.expected, found, check.is_failed)


def _chosen(choices: list[Any]) -> pl.Expr:
    """The choice whose position the row's reason number names."""
    return pl.coalesce(
        pl.when(pl.col(_REASON) == position).then(
            choice if isinstance(choice, pl.Expr) else pl.lit(choice, dtype=pl.String())
        )
        for position, choice in enumerate(choices)
    )


def _joined(columns: Sequence[str], delimiter: str) -> pl.Expr:
    filled = [pl.col(column).fill_null("") for column in columns]
    return pl.concat_str(filled, separator=delimiter).alias(RAW_TEXT)


def _cents(amount: Decimal | int | None) -> Decimal:
    return Decimal(amount or 0).quantize(_CENT)


def _repeated_keys(
    accepted: Path, extract: Extract, *, varying: Sequence[str], row_count: int
) -> pl.DataFrame | None:
    """Rows whose key stands in the file more than once.

    Only hashes are compared for the whole file, in partitions of bounded size; keys and contents
    only of rows whose hash repeats.

    Args:
        accepted: The accepted rows.
        extract: Their contract.
        varying: The key's columns that may differ from row to row.
        row_count: Their number.

    Returns:
        `_row_number` and `is_conflict` of the rows to take out: every row of a key with several
        contents, and all but the first of a key with one content. None when no key repeats.
    """
    rows = pl.scan_parquet(accepted, glob=False, hive_partitioning=False)
    hashed = (pl.col(varying[0]) if len(varying) == 1 else pl.struct(varying)).hash(seed=0)
    partitions = -(-row_count // _HASH_PARTITION_ROWS)
    repeated = []
    for partition in range(partitions):
        hashes = rows.select(hashed.alias(_KEY_HASH))
        if partitions > 1:
            hashes = hashes.filter(pl.col(_KEY_HASH) % partitions == partition)
        ordered = hashes.collect(engine="streaming").to_series().sort()
        again = ordered.filter(ordered == ordered.shift(1))
        if again.len():
            repeated.append(again.unique())
    if not repeated:
        return None
    content = pl.struct(list(extract.schema)).hash(seed=1)
    groups = (
        rows.with_columns(hashed.alias(_KEY_HASH))
        .join(pl.concat(repeated).to_frame(_KEY_HASH).lazy(), on=_KEY_HASH, how="semi")
        .select(*extract.key, ROW_NUMBER, content.alias("content"))
        .with_columns(
            pl.len().over(extract.key).alias("count"),
            (pl.col("content").n_unique().over(extract.key) > 1).alias("is_conflict"),
            (pl.col(ROW_NUMBER) == pl.col(ROW_NUMBER).min().over(extract.key)).alias("is_first"),
        )
        .filter((pl.col("count") > 1) & (pl.col("is_conflict") | ~pl.col("is_first")))
        .select(ROW_NUMBER, "is_conflict")
        .collect()
    )
    return groups if groups.height else None
