"""Checks: every expectation of every extract, and of the marts before they are published.

Which expectations there are, how severe each is and what it found is `quality`'s; here its results
become asset checks, and the critical ones a gate.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import dagster as dg

from ingest.extracts import EXTRACTS
from ingest.lake import load_records
from ingest.records import LoadRecord, load_records_from_frame
from orchestration import deliveries, state
from orchestration.assets import LOADS, Gate, extract_key, published_load_sequence
from orchestration.metadata import expectation_metadata
from orchestration.resources import POOL, RETRIES, WRITER, lasting_failures
from orchestration.settings import Settings
from quality import ExpectationResult, expectation_codes, judge_marts
from quality.mart_catalogue import MART_SUITES, mart_expectation_codes
from reporting.publication import current_version

CRITICAL: Final = "critical"
JUDGED_LOADS: Final = "judged_loads"


class GateConfig(dg.Config):
    """Whether to go on without loads that were rejected.

    Only for the run in which it is set: the marts are then published without those loads, in
    knowledge of them.
    """

    without_rejected: bool = False


def gate_of(settings: Settings) -> Gate:
    """Build what stands before the warehouse in a run that leaves the checks of loads out.

    The UI launches no check of an asset that the run does not materialize, such as the deliveries.
    What was found in their loads is then reported beside the run, and stops it all the same.
    """

    def hold(context: dg.AssetExecutionContext) -> None:
        if JUDGED_LOADS in {node.name for node in context.job_def.nodes}:
            return
        standing, results = _found(settings, run_id=context.run.run_id)
        every = {
            dg.AssetCheckKey(extract_key(extract), code)
            for extract in EXTRACTS
            for code, _, _ in expectation_codes(extract)
        }
        for one in _check_results(results, {record.load_id for record in standing}, every):
            assert one.asset_key is not None  # noqa: S101 - given above
            assert one.check_name is not None  # noqa: S101 - given above
            context.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=one.asset_key,
                    check_name=one.check_name,
                    passed=one.passed,
                    severity=one.severity,
                    description=one.description,
                    metadata=one.metadata,
                )
            )
        _stop_before(standing)

    return hold


def _found(
    settings: Settings, *, run_id: str
) -> tuple[Sequence[LoadRecord], Mapping[str, Sequence[ExpectationResult]]]:
    """Rejected loads that nobody has answered, and by extract what its loads met or not."""
    records = load_records_from_frame(load_records(deliveries.folders_of(settings)))
    standing = deliveries.standing_rejections(
        records, published_load_sequence=published_load_sequence(settings)
    )
    return standing, deliveries.results_of(settings, records, run_id=run_id, standing=standing)


def _stop_before(standing: Sequence[LoadRecord]) -> None:
    if standing:
        raise dg.Failure(description=deliveries.standing_message(standing), allow_retries=False)


def judged_loads(settings: Settings) -> dg.AssetChecksDefinition:
    """Build the checks of loads: one per extract and expectation.

    They show what was found in this run's loads, and in loads rejected before that nobody has
    answered yet; an extract without either shows what was found last. While a rejected load
    stands, nothing downstream runs.
    """
    specs = [
        dg.AssetCheckSpec(
            code,
            asset=extract_key(extract),
            description=description,
            blocking=severity == CRITICAL,
            additional_deps=[LOADS],
            metadata={"severity": severity},
        )
        for extract in EXTRACTS
        for code, severity, description in expectation_codes(extract)
    ]

    @dg.multi_asset_check(
        name=JUDGED_LOADS,
        description="What the expectations found in the loads; a critical one stops the run here.",
        specs=specs,
        can_subset=True,
        required_resource_keys={WRITER},
        retry_policy=RETRIES,
        pool=POOL,
    )
    def judged(
        context: dg.AssetCheckExecutionContext, config: GateConfig
    ) -> Iterator[dg.AssetCheckResult]:
        with lasting_failures():
            standing, results = _found(settings, run_id=context.run.run_id)
            blocked = [] if config.without_rejected else standing
            yield from _check_results(
                results,
                {record.load_id for record in blocked},
                context.selected_asset_check_keys,
            )
            _stop_before(blocked)
            for record in standing:
                context.log.warning(f"going on without {record.source}/{record.file_name}")

    return judged


def _check_results(
    results: Mapping[str, Sequence[ExpectationResult]],
    blocked: AbstractSet[str],
    selected: AbstractSet[dg.AssetCheckKey],
) -> Iterator[dg.AssetCheckResult]:
    """One result per selected check: an error where it stands in the way, else a warning."""
    for extract in EXTRACTS:
        by_code: dict[str, list[ExpectationResult]] = {}
        for result in results[extract]:
            by_code.setdefault(result.expectation_code, []).append(result)
        for code, _, _ in expectation_codes(extract):
            if dg.AssetCheckKey(extract_key(extract), code) not in selected:
                continue
            found = by_code.get(code, [])
            failed = [result for result in found if not result.is_met]
            blocks = any(result.is_blocking and result.load_id in blocked for result in failed)
            yield dg.AssetCheckResult(
                asset_key=extract_key(extract),
                check_name=code,
                passed=not failed,
                severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
                description=(
                    failed[0].observed if failed else None if found else "No load was judged yet."
                ),
                metadata=expectation_metadata(found),
            )


def judged_marts(
    settings: Settings, keys_by_mart: Mapping[str, dg.AssetKey]
) -> dg.AssetChecksDefinition:
    """Build the checks of marts: one per mart and expectation, before the publication.

    Args:
        settings: The settings in force.
        keys_by_mart: The assets of the marts by name; marts that the project lacks are left out.
    """
    families = {
        family: [one for one in mart_expectation_codes(family) if one[0] in keys_by_mart]
        for family in MART_SUITES
    }
    specs = [
        dg.AssetCheckSpec(
            code,
            asset=keys_by_mart[mart],
            description=description,
            blocking=severity == CRITICAL,
            metadata={"severity": severity},
        )
        for expectations in families.values()
        for mart, code, severity, description in expectations
    ]

    @dg.multi_asset_check(
        name="judged_marts",
        description="What the expectations found in the marts; a critical one stops publication.",
        specs=specs,
        can_subset=True,
        required_resource_keys={WRITER},
        retry_policy=RETRIES,
        pool=POOL,
    )
    def judged(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        failures: list[str] = []
        with lasting_failures():
            continued = continues_published(settings)
            for family, expectations in families.items():
                if not expectations:
                    continue
                context.log.info(f"judging the marts of {family}")
                results = judge_marts(
                    settings.warehouse,
                    family,
                    run_id=context.run.run_id,
                    data_docs=settings.data_docs,
                    continued=continued,
                )
                for result in results:
                    key = dg.AssetCheckKey(
                        keys_by_mart.get(result.source, dg.AssetKey(result.source)),
                        result.expectation_code,
                    )
                    if key not in context.selected_asset_check_keys:
                        continue
                    yield dg.AssetCheckResult(
                        asset_key=key.asset_key,
                        check_name=key.name,
                        passed=result.is_met,
                        severity=(
                            dg.AssetCheckSeverity.ERROR
                            if result.severity == CRITICAL
                            else dg.AssetCheckSeverity.WARN
                        ),
                        description=None if result.is_met else result.observed,
                        metadata=expectation_metadata([result]),
                    )
                    if result.is_blocking:
                        failures.append(
                            f"{result.source}, {result.expectation_code}: {result.description} "
                            f"Found: {result.observed} {result.sample}".rstrip()
                        )
            if failures:
                raise dg.Failure(
                    description="\n".join(
                        [
                            f"{len(failures)} critical expectations of marts are not met; the "
                            "published copy stays as it is:",
                            *failures,
                        ]
                    ),
                    allow_retries=False,
                )

    return judged


def continues_published(settings: Settings) -> bool:
    """Whether the warehouse continues the build that was published last.

    Nothing is published before every mart met everything. A build that was not published may hold
    what was found wrong with it, in rows that the builds after it do not change.
    """
    stamp = state.read_stamp(settings)
    version = current_version(settings.published)
    if stamp is None or version is None:
        return False
    return stamp.continued is not None and stamp.continued == version.build
