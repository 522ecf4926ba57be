"""Checks: every expectation of every extract, and of the marts before they are published.

Which expectations there are, how severe each is and what it found is `quality`'s; here its results
become asset checks, and the critical ones a gate.
"""

from collections.abc import Iterator
from typing import Final

import dagster as dg

from ingest.extracts import EXTRACTS
from ingest.lake import load_records
from ingest.records import load_records_from_frame
from orchestration import deliveries
from orchestration.assets import LOADS, extract_key, published_load_sequence
from orchestration.metadata import expectation_metadata
from orchestration.resources import POOL, RETRIES, WRITER, lasting_failures
from orchestration.settings import Settings
from quality import ExpectationResult, expectation_codes

CRITICAL: Final = "critical"


class GateConfig(dg.Config):
    """Whether to go on without loads that were rejected.

    Only for the run in which it is set: the marts are then published without those loads, in
    knowledge of them.
    """

    without_rejected: bool = False


def judged_loads(settings: Settings) -> dg.AssetChecksDefinition:
    """Build the checks of loads: one per extract and expectation.

    They show what was found in this run's loads, and in loads rejected before that nobody has
    answered yet. While such a load stands, nothing downstream runs.
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
        name="judged_loads",
        description="What the expectations found in the loads; a critical one stops the run here.",
        specs=specs,
        # An extract without a new load gets no result, so that its last one stays in view.
        can_subset=True,
        required_resource_keys={WRITER},
        retry_policy=RETRIES,
        pool=POOL,
    )
    def judged(
        context: dg.AssetCheckExecutionContext, config: GateConfig
    ) -> Iterator[dg.AssetCheckResult]:
        with lasting_failures():
            records = load_records_from_frame(load_records(deliveries.folders_of(settings)))
            standing = deliveries.standing_rejections(
                records, published_load_sequence=published_load_sequence(settings)
            )
            results = deliveries.results_of(
                settings,
                run_id=context.run.run_id,
                load_ids=[record.load_id for record in standing],
            )
            yield from _check_results(results, context.selected_asset_check_keys)
            if standing and not config.without_rejected:
                raise dg.Failure(
                    description=deliveries.standing_message(standing), allow_retries=False
                )
            for record in standing:
                context.log.warning(f"going on without {record.source}/{record.file_name}")

    return judged


def _check_results(
    results: list[ExpectationResult], selected: set[dg.AssetCheckKey] | frozenset[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    by_check: dict[dg.AssetCheckKey, list[ExpectationResult]] = {}
    for result in results:
        key = dg.AssetCheckKey(extract_key(result.extract), result.expectation_code)
        by_check.setdefault(key, []).append(result)
    for key, found in by_check.items():
        if key in selected:
            failed = [result for result in found if not result.is_met]
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=not failed,
                severity=(
                    dg.AssetCheckSeverity.ERROR
                    if found[0].severity == CRITICAL
                    else dg.AssetCheckSeverity.WARN
                ),
                description=failed[0].observed if failed else None,
                metadata=expectation_metadata(found),
            )
