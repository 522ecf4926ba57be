"""Taking in deliveries: stage, judge, admit or refuse, and what is left standing in the way.

Here lives the order of the steps and nothing of their content: `ingest` reads and keeps, `quality`
judges. What Dagster shows of it is in `orchestration.assets`.
"""

import hashlib
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

import quality
from ingest import lake
from ingest.extracts import EXTRACTS
from ingest.files import write_atomic
from ingest.home import EXPECTATION_RESULTS
from ingest.lake import AdmittedRun, Folders, LakeError, StagedRun
from ingest.landing import LandingScan
from ingest.mappings import SourceMapping, load_mappings
from ingest.records import (
    ADMITTED,
    DUPLICATE,
    EXPECTATION_FAILED,
    REJECTED,
    LoadRecord,
)
from orchestration import state
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.state import BuildStamp
from quality import ExpectationResult, LoadUnderJudgement
from reporting.publication import current_version

SHIPPED_MAPPINGS: Final = PROJECT_ROOT / "ingest" / "sources"

RUN_PARAMETERS_SCHEMA: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "as_of_date": pl.Date(),
        "known_at": pl.Datetime("us"),
        "reporting_currency": pl.String(),
        "timezone": pl.String(),
        "run_id": pl.String(),
        "code_version": pl.String(),
        "previous_as_of_date": pl.Date(),
        "previous_known_at": pl.Datetime("us"),
    }
)

SECONDS_BETWEEN_LINES: Final = 3.0

Tell = Callable[[str], None]


class NothingDeliveredError(Exception):
    """A build that is asked for before anything was admitted."""


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """What one build is asked.

    Attributes:
        as_of_date: The business day that reports are as of.
        known_at: What was recorded later is left out, naive UTC.
        reporting_currency: The currency of `open_amount` and its like.
        timezone: The company's time zone.
        run_id: The refresh that asks.
        code_version: What the code and its seeds are.
        previous_as_of_date: The business day of the build that the warehouse holds and this one
            continues; null when it is built from nothing.
        previous_known_at: The knowledge time of that build.
    """

    as_of_date: date
    known_at: datetime
    reporting_currency: str
    timezone: str
    run_id: str
    code_version: str
    previous_as_of_date: date | None = None
    previous_known_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """What one refresh took in.

    Attributes:
        admitted: What became of every file that waited.
        results: What the expectations found in the loads of this run.
    """

    admitted: AdmittedRun
    results: tuple[ExpectationResult, ...]


def folders_of(settings: Settings) -> Folders:
    """The folders of a home as ingest names them."""
    return Folders.of_home(settings.home)


def mappings_of(settings: Settings) -> dict[str, SourceMapping]:
    """The shipped source mappings and the company's own, which win."""
    own = () if settings.sources is None else (settings.sources,)
    return load_mappings(SHIPPED_MAPPINGS, *own, timezone=settings.timezone)


def look(settings: Settings, *, settle_seconds: float | None = None) -> LandingScan:
    """See what waits in the landing folder, without touching anything.

    Args:
        settings: The settings in force; the home's folders exist.
        settle_seconds: How long a file must have been untouched; ingest's default when null.

    Returns:
        Pending, deferred and known files, and what is no delivery.
    """
    options = {} if settle_seconds is None else {"settle_seconds": settle_seconds}
    return lake.pending_files(folders_of(settings), mappings=mappings_of(settings), **options)


def nothing_to_do(settings: Settings) -> str | None:
    """Say why a refresh would change nothing.

    Args:
        settings: The settings in force.

    Returns:
        The reason, or null when there is something to do.
    """
    version = current_version(settings.published)
    if version is None or version.facts.get("inputs") != state.inputs_fingerprint(settings):
        return None
    if not version.is_intact():
        return None
    scan = look(settings)
    if scan.pending or scan.deferred:
        return None
    return f"Nothing new since {version.name} was published."


def recover(settings: Settings, *, tell: Tell) -> None:
    """Make the lake's folders, finish or sweep what a killed run left, and check every load's hash.

    Args:
        settings: The settings in force.
        tell: Receives one line per thing done.

    Raises:
        LakeError: The lake is lost or damaged; it can be rebuilt from the archive.
    """
    folders = folders_of(settings)
    lake.initialise(folders)
    for line in lake.recover(folders):
        tell(line)
    lake.require_intact(folders)


def rebuild_lake(
    settings: Settings, *, run_id: str, allows_changes: bool = False, tell: Tell
) -> None:
    """Make the lake anew from the archive, also where it is lost altogether.

    Args:
        settings: The settings in force.
        run_id: The run.
        allows_changes: Whether what was admitted may be read differently by the present mappings.
        tell: Receives lines for people.

    Raises:
        LakeError: A copy is missing or altered, or a load is not read as it was. The present lake
            stays.
    """
    folders = folders_of(settings)
    lake.initialise(folders)
    try:
        recover(settings, tell=tell)
    except LakeError as error:
        tell(f"the present lake is of no use ({error})")
    lake.rebuild_from_archive(
        folders,
        mappings=mappings_of(settings),
        run_id=run_id,
        allows_changes=allows_changes,
        progress=tell,
    )


def take_in(
    settings: Settings,
    *,
    run_id: str,
    published_known_at: datetime | None,
    tell: Tell,
) -> TakenIn:
    """Stage, judge and admit everything that waits in the landing folder.

    Args:
        settings: The settings in force; `recover` came first.
        run_id: The refresh.
        published_known_at: Knowledge time of the published copy, which no new row may precede.
        tell: Receives lines for people.

    Returns:
        One record per load, durable, and the results of the expectations.
    """
    folders = folders_of(settings)
    tell_sometimes = _sparse(tell)
    staged = lake.stage_pending(
        folders,
        mappings=mappings_of(settings),
        timezone=ZoneInfo(settings.timezone),
        now=datetime.now(UTC),
        run_id=run_id,
        published_known_at=published_known_at,
        progress=tell_sometimes,
    )
    results = _judge(settings, staged, run_id=run_id, tell=tell)
    # Kept before any load is admitted, so that no admitted load lacks its judgement.
    lake.record_expectation_results(folders, results)
    rejections = quality.blocked_loads(results)
    return TakenIn(
        admitted=lake.admit(folders, staged, rejections=rejections, progress=tell_sometimes),
        results=tuple(results),
    )


def _sparse(tell: Tell) -> Tell:
    """Pass a line on only when the one before was some time ago."""
    told = time.monotonic() - SECONDS_BETWEEN_LINES

    def tell_sometimes(line: str) -> None:
        nonlocal told
        if time.monotonic() - told >= SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            tell(line)

    return tell_sometimes


def _judge(
    settings: Settings, staged: StagedRun, *, run_id: str, tell: Tell
) -> list[ExpectationResult]:
    """Judge the staged loads, one suite run per extract, each with the others in reach."""
    under_judgement: dict[str, list[LoadUnderJudgement]] = {}
    for load in staged.loads:
        record = load.record
        if record.status != ADMITTED:
            continue
        under_judgement.setdefault(record.extract, []).append(
            LoadUnderJudgement(
                load_id=record.load_id,
                extract=record.extract,
                parquet=load.parquet,
                delivery_date=record.delivery_date,
                source=record.source,
                rows_accepted=record.rows_accepted,
                amount_accepted=record.amount_accepted,
                control_row_count=record.control_row_count,
                control_amount=record.control_amount,
                delivery_kind=record.delivery_kind,
                rows_delivered=record.rows_accepted
                + record.rows_quarantined
                + record.rows_duplicate,
                amount_delivered=_sum_of(
                    record.amount_accepted, record.amount_quarantined, record.amount_duplicate
                ),
                rows_filtered=record.rows_filtered,
                amount_filtered=record.amount_filtered,
            )
        )
    parquets = {
        extract: [load.parquet for load in loads if load.parquet is not None]
        for extract, loads in under_judgement.items()
    }
    results: list[ExpectationResult] = []
    for extract in (name for name in EXTRACTS if name in under_judgement):
        loads = under_judgement[extract]
        tell(f"judging {len(loads)} loads of {extract}")
        results += quality.judge_loads(
            extract,
            loads,
            lake=settings.lake,
            run_id=run_id,
            data_docs=settings.data_docs,
            staged_other={name: paths for name, paths in parquets.items() if name != extract},
            scratch=settings.staging,
        )
    return results


def _sum_of(*amounts: Decimal | None) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, start=Decimal(0)) if known else None


def results_of(
    settings: Settings,
    records: Sequence[LoadRecord],
    *,
    run_id: str,
    standing: Sequence[LoadRecord],
) -> dict[str, list[ExpectationResult]]:
    """Read back what the expectations found last.

    Args:
        settings: The settings in force.
        records: All load records, in order.
        run_id: The refresh whose results are wanted.
        standing: Rejected loads of earlier refreshes whose results are wanted too.

    Returns:
        Results by extract: of this run and of standing loads; where there are none, of the last
        run that judged a load of the extract.
    """
    rejected = {record.load_id for record in standing}
    found: dict[str, list[ExpectationResult]] = {}
    for extract in EXTRACTS:
        runs = list(dict.fromkeys(record.run_id for record in records if record.extract == extract))
        wanted = {run_id, *(record.run_id for record in standing if record.extract == extract)}
        current = [
            result
            for run in runs
            if run in wanted
            for result in _kept_results(settings, run, extract)
            if run == run_id or result.load_id in rejected
        ]
        if not current:
            last = (_kept_results(settings, run, extract) for run in reversed(runs))
            current = next((results for results in last if results), [])
        found[extract] = current
    return found


def _kept_results(settings: Settings, run_id: str, extract: str) -> list[ExpectationResult]:
    path = settings.lake / EXPECTATION_RESULTS / f"{run_id}__{extract}.parquet"
    if not path.is_file():
        return []
    return [ExpectationResult(**row) for row in pl.read_parquet(path).iter_rows(named=True)]


def standing_rejections(
    records: Sequence[LoadRecord], *, published_load_sequence: int
) -> list[LoadRecord]:
    """Loads that failed a critical expectation and were not answered yet.

    A rejection is answered by a later load of the same source and extract that was admitted, or by
    a publication made in knowledge of it. Until then nothing is built, in this run or a later one:
    readers keep what was good.

    Args:
        records: All load records, in order.
        published_load_sequence: The last load that the published copy was made in knowledge of.

    Returns:
        The rejected loads, in order.
    """
    last_admitted = {
        (record.source, record.extract): record.load_sequence
        for record in records
        if record.status == ADMITTED
    }
    return [
        record
        for record in records
        if record.status == REJECTED
        and record.reason_code == EXPECTATION_FAILED
        and record.load_sequence > published_load_sequence
        and record.load_sequence > last_admitted.get((record.source, record.extract), 0)
    ]


def write_run_parameters(
    settings: Settings,
    records: Sequence[LoadRecord],
    *,
    run_id: str,
    code_version: str,
) -> RunParameters:
    """State what the next build is asked, as the one row that models read.

    Args:
        settings: The settings in force.
        records: All load records.
        run_id: The refresh.
        code_version: What the code and its seeds are.

    Returns:
        What was written: a build from nothing, until `continue_build` says otherwise.

    Raises:
        NothingDeliveredError: When no date is set and nothing was ever admitted.
    """
    known_at = settings.known_at
    if known_at is None:
        now = datetime.now(UTC).replace(tzinfo=None)
        # Knowledge time may run ahead of the clock, when the clock was set back.
        known_at = max([now, *(record.recorded_at for record in records)])
    as_of_date = settings.as_of_date
    if as_of_date is None:
        # A delivery that repeats what is known says that it still holds on its day.
        delivered = [
            record.delivery_date
            for record in records
            if record.status in (ADMITTED, DUPLICATE) and record.recorded_at <= known_at
        ]
        if not delivered:
            raise NothingDeliveredError(
                f"Nothing was admitted by {known_at}. Put files into {settings.landing}/"
                "<delivery date>/<source>/ and refresh again."
            )
        as_of_date = max(delivered)
    parameters = RunParameters(
        as_of_date=as_of_date,
        known_at=known_at,
        reporting_currency=settings.reporting_currency,
        timezone=settings.timezone,
        run_id=run_id,
        code_version=code_version,
    )
    _keep(settings, parameters)
    return parameters


def continue_build(settings: Settings, previous: BuildStamp | None) -> RunParameters:
    """State which build the next one continues, beside what it is asked.

    Args:
        settings: The settings in force.
        previous: The build that the warehouse holds; null when the next begins from nothing.

    Returns:
        What was written.
    """
    parameters = replace(
        read_run_parameters(settings),
        previous_as_of_date=None if previous is None else previous.as_of_date,
        previous_known_at=None if previous is None else previous.known_at,
    )
    _keep(settings, parameters)
    return parameters


def _keep(settings: Settings, parameters: RunParameters) -> None:
    frame = pl.DataFrame([asdict(parameters)], schema=dict(RUN_PARAMETERS_SCHEMA))
    content = io.BytesIO()
    frame.write_parquet(content)
    write_atomic(settings.run_parameters, content.getvalue())


def loads_fingerprint(records: Sequence[LoadRecord], *, known_at: datetime) -> str:
    """Identify what was admitted by an instant.

    Args:
        records: All load records.
        known_at: What was recorded later is left out, naive UTC.

    Returns:
        Sixteen hex digits. A lake that only grew since has the same; one that was rebuilt to
        other rows, or into which a load came with an older instant, has others.
    """
    digest = hashlib.sha256()
    for record in records:
        if record.status == ADMITTED and record.recorded_at <= known_at:
            line = (record.load_sequence, record.load_id, record.recorded_at, record.parquet_sha256)
            digest.update(repr(line).encode())
    return digest.hexdigest()[:16]


def read_run_parameters(settings: Settings) -> RunParameters:
    """Read back what the last build was asked.

    Args:
        settings: The settings in force.

    Returns:
        The parameters.

    Raises:
        FileNotFoundError: When nothing was built yet.
    """
    (row,) = pl.read_parquet(settings.run_parameters).iter_rows(named=True)
    return RunParameters(**row)


def nothing_taken_in(run_id: str) -> TakenIn:
    """The account of a run that does not look into the landing folder."""
    return TakenIn(
        admitted=AdmittedRun(run_id=run_id, records=(), deferred=(), problems=()), results=()
    )


def standing_message(standing: Sequence[LoadRecord]) -> str:
    """Say which rejected loads stand in the way, why, and what to do.

    Args:
        standing: The rejected loads, at least one.

    Returns:
        Lines for people.
    """
    lines = [
        f"{record.delivery_date}/{record.source}/{record.file_name} ({record.extract}): "
        f"{record.reason_detail}"
        for record in standing
    ]
    return "\n".join(
        [
            f"{len(standing)} loads failed a critical expectation and were rejected; the "
            "published marts stay as they are:",
            *lines,
            "Deliver corrected files, or go on without these loads: "
            "python -m orchestration.refresh --without-rejected",
        ]
    )
