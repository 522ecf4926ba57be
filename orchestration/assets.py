"""Assets: what came in, every dbt model, and the published copy.

An asset here is wiring: it calls `ingest`, `quality`, dbt or `reporting` and says what happened.
Which assets a job takes is in `orchestration.jobs`; checks of loads are in `orchestration.checks`.
"""

import itertools
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Final

import dagster as dg
import duckdb
import polars as pl
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from ingest.extracts import EXTRACTS
from ingest.lake import has_published_totals, load_records, record_published_totals
from ingest.records import ADMITTED, LoadRecord, load_records_from_frame
from orchestration import dbt_runs, deliveries, state, warehouse
from orchestration.dbt_runs import ParsedProject
from orchestration.metadata import (
    column_schema,
    delivery_metadata,
    register_metadata,
    row_count_table,
)
from orchestration.resources import POOL, RETRIES, WRITER, lasting_failures
from orchestration.settings import Settings
from reporting.publication import PublishedVersion, current_version, publish
from reporting.scorecard import describe_open_proofs
from reporting.totals import open_totals

DELIVERY_DATES: Final = dg.DynamicPartitionsDefinition(name="delivery_date")

LOADS: Final = dg.AssetKey(["raw", "loads"])
QUARANTINED_ROWS: Final = dg.AssetKey(["raw", "quarantined_rows"])
EXPECTATION_RESULTS: Final = dg.AssetKey(["raw", "expectation_results"])
RUN_PARAMETERS: Final = dg.AssetKey(["raw", "run_parameters"])
PUBLISHED_TOTALS: Final = dg.AssetKey(["raw", "published_totals"])
PUBLISHED: Final = dg.AssetKey(["published", "collections"])

Gate = Callable[[dg.AssetExecutionContext], None]
"""Fails when the warehouse must not be built."""

OWNERS: Final = ("team:data",)
"""Who is asked about an asset."""

DEADLINE_CRON: Final = "0 8 * * *"
"""By when, in the company's time zone, the marts are expected to be of the day."""

_PROOFS: Final = "proofs"
FRESH_WITHIN: Final = timedelta(hours=4)


class Mode(Enum):
    """What a run does before it builds."""

    REFRESH = "refresh"
    REBUILD = "rebuild"
    REBUILD_FROM_ARCHIVE = "rebuild_from_archive"


class TakeInConfig(dg.Config):
    """What to do with landing folder, lake and warehouse before the build.

    `refresh` takes in what waits. `rebuild` deletes the warehouse and takes nothing in.
    `rebuild_from_archive` does that and makes the lake anew from the archive; with
    `allows_changes` also where a mapping was corrected since and reads files differently.
    """

    mode: Mode = Mode.REFRESH
    allows_changes: bool = False


def extract_key(extract: str) -> dg.AssetKey:
    """The asset that stands for an extract's rows in the lake; also the key of dbt's source."""
    return dg.AssetKey(["raw", extract])


def extract_specs() -> list[dg.AssetSpec]:
    """One asset per extract, partitioned by delivery date.

    They are filled by `take_in_deliveries`, which takes in all waiting deliveries at once and
    reports each under its own date.

    Returns:
        The specs, in the order of the contracts.
    """
    return [
        dg.AssetSpec(
            extract_key(extract.name),
            description=(
                f"{extract.description} One row per delivered record, in the version in which it "
                f"came. Key: {', '.join(extract.key)}. One partition per delivery date, filled by "
                "take_in_deliveries."
            ),
            group_name="extracts",
            kinds={"parquet", "polars"},
            owners=OWNERS,
            metadata={"dagster/column_schema": column_schema(extract)},
            partitions_def=DELIVERY_DATES,
        )
        for extract in EXTRACTS.values()
    ]


def published_totals_spec() -> dg.AssetSpec:
    """Specify what earlier versions said was open.

    Each publication adds to it, for the proofs of the next build: as an asset of this one's run it
    would stand before and after the models at once.
    """
    return dg.AssetSpec(
        PUBLISHED_TOTALS,
        description="One row per published version, company and currency: what it said was open.",
        group_name="register",
        owners=OWNERS,
        kinds={"parquet"},
    )


def take_in_deliveries(settings: Settings) -> dg.AssetsDefinition:
    """Build the asset that stages, judges and admits what waits in the landing folder."""

    @dg.multi_asset(
        name="take_in_deliveries",
        description=(
            "Takes in every waiting delivery, by date: copies each file to the archive, reads and "
            "types it, judges the loads, admits them to the lake or refuses them. Fails when the "
            "disk does, or when the ledger and the lake do not fit together; refused files are "
            "reported, not raised."
        ),
        specs=[
            dg.AssetSpec(
                LOADS,
                description="One row per delivered file and extract: what came in, what did not.",
                group_name="register",
                owners=OWNERS,
                kinds={"parquet", "polars"},
            ),
            dg.AssetSpec(
                QUARANTINED_ROWS,
                description="One row per delivered row that could not enter, with its reason.",
                group_name="register",
                owners=OWNERS,
                kinds={"parquet", "polars"},
            ),
            dg.AssetSpec(
                EXPECTATION_RESULTS,
                description="One row per load and expectation.",
                group_name="register",
                owners=OWNERS,
                kinds={"parquet", "greatexpectations"},
            ),
            dg.AssetSpec(
                RUN_PARAMETERS,
                description="One row: what this run was asked (as-of date, known-at, currency).",
                group_name="register",
                owners=OWNERS,
                kinds={"parquet"},
            ),
        ],
        required_resource_keys={WRITER},
        retry_policy=RETRIES,
        pool=POOL,
    )
    def take_in(
        context: dg.AssetExecutionContext, config: TakeInConfig
    ) -> Iterator[dg.MaterializeResult[None]]:
        tell = context.log.info
        with lasting_failures():
            if config.mode is Mode.REBUILD_FROM_ARCHIVE:
                deliveries.rebuild_lake(
                    settings,
                    run_id=context.run_id,
                    allows_changes=config.allows_changes,
                    tell=tell,
                )
            deliveries.recover(settings, tell=tell)
            warehouse.sweep(settings, tell=tell)
            if config.mode is Mode.REFRESH:
                taken = deliveries.take_in(
                    settings,
                    run_id=context.run_id,
                    published_known_at=_last_known_at(settings),
                    tell=tell,
                )
            else:
                warehouse.delete(settings, tell=tell)
                taken = deliveries.nothing_taken_in(context.run_id)
            records = load_records_from_frame(load_records(deliveries.folders_of(settings)))
            parameters = deliveries.write_run_parameters(
                settings, records, run_id=context.run_id, code_version=state.code_version()
            )
            _report_deliveries(context, settings, taken.admitted.records)
        yield dg.MaterializeResult(
            asset_key=LOADS,
            metadata={
                **register_metadata(taken.admitted.records),
                "dagster/row_count": len(records),
                "still being written": len(taken.admitted.deferred),
                "not a delivery": dg.MetadataValue.json(
                    [problem.detail for problem in taken.admitted.problems]
                ),
            },
        )
        yield dg.MaterializeResult(
            asset_key=QUARANTINED_ROWS,
            metadata={
                "rows quarantined by this run": sum(
                    record.rows_quarantined for record in taken.admitted.records
                )
            },
        )
        yield dg.MaterializeResult(
            asset_key=EXPECTATION_RESULTS,
            metadata={
                "results": len(taken.results),
                "not met, critical": sum(result.is_blocking for result in taken.results),
                "not met, warning": sum(
                    not result.is_met and not result.is_blocking for result in taken.results
                ),
                "Data Docs": dg.MetadataValue.path(settings.data_docs / "index.html"),
            },
        )
        yield dg.MaterializeResult(
            asset_key=RUN_PARAMETERS,
            metadata={
                "as-of date": str(parameters.as_of_date),
                "known at (UTC)": str(parameters.known_at),
                "reporting currency": parameters.reporting_currency,
                "time zone": parameters.timezone,
                "code version": parameters.code_version,
            },
        )

    return take_in


class Translator(DagsterDbtTranslator):
    """Names dbt's nodes for Dagster: groups by folder, freshness of marts."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        # Made once: Dagster checks the cron line of each policy by walking through years of it.
        self._freshness = dg.FreshnessPolicy.cron(
            deadline_cron=DEADLINE_CRON,
            lower_bound_delta=FRESH_WITHIN,
            timezone=settings.timezone,
        )
        self._specs: dict[str, dg.AssetSpec] = {}

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The asset of a model, seed or source."""
        if unique_id not in self._specs:
            self._specs[unique_id] = self._make_spec(manifest, unique_id, project)
        return self._specs[unique_id]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the project says of a node; its SQL stands in the metadata."""
        return str(dbt_resource_props.get("description") or "")

    def _make_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec
        folders = node["fqn"][1:-1]
        if node["resource_type"] == "seed":
            group = "seeds"
        elif folders[:1] == ["marts"]:
            group = folders[-1]
        else:
            group = folders[0] if folders else "models"
        spec = spec.replace_attributes(
            group_name=group, kinds={"dbt", "duckdb"}, owners=OWNERS
        ).merge_attributes(metadata=_sql_of(node))
        if node["schema"] == "marts":
            return spec.replace_attributes(freshness_policy=self._freshness)
        return spec


def _sql_of(node: Mapping[str, Any]) -> dict[str, dg.MetadataValue]:
    """A model's SQL and the file that holds it."""
    place: dict[str, dg.MetadataValue] = {
        "project file": dg.MetadataValue.text(node["original_file_path"])
    }
    if node["resource_type"] != "model":
        return place
    return {**place, "SQL": dg.MetadataValue.md(f"```sql\n{node['raw_code']}\n```")}


def read_manifest(project: ParsedProject) -> dict[str, Any]:
    """Read dbt's manifest, so completed that every data test is a check of one asset.

    A test of several models, such as a proof, is shown on the model that the others feed.

    Args:
        project: The parsed project.

    Returns:
        The manifest.
    """
    manifest: dict[str, Any] = json.loads(project.manifest.read_text("utf-8"))
    nodes = manifest["nodes"]
    depths: dict[str, int] = {}
    for node in nodes.values():
        if node["resource_type"] != "test" or node.get("attached_node"):
            continue
        parents = [name for name in node["depends_on"]["nodes"] if name in nodes]
        if parents and len(node["depends_on"]["nodes"]) > 1:
            last = max(parents, key=lambda name: (_depth(name, nodes, depths), name))
            node["config"].setdefault("meta", {}).setdefault("dagster", {}).setdefault(
                "ref", {"name": nodes[last]["name"]}
            )
    return manifest


def _depth(name: str, nodes: Mapping[str, Any], depths: dict[str, int]) -> int:
    """Steps from a source to a node; each is found once, because there are millions of ways."""
    if name not in depths:
        parents = [one for one in nodes[name]["depends_on"].get("nodes", ()) if one in nodes]
        depths[name] = 1 + max((_depth(one, nodes, depths) for one in parents), default=0)
    return depths[name]


def mart_keys(manifest: Mapping[str, Any], translator: Translator) -> dict[str, dg.AssetKey]:
    """Keys of the models that are published, by name."""
    return {
        node["name"]: translator.get_asset_spec(manifest, unique_id, None).key
        for unique_id, node in sorted(manifest["nodes"].items())
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def build_warehouse(
    settings: Settings,
    project: ParsedProject,
    manifest: Mapping[str, Any],
    translator: Translator,
    gate: Gate,
) -> dg.AssetsDefinition:
    """Build the asset of all dbt models, which `gate` may keep from being built."""

    @dbt_assets(
        manifest=manifest,
        name="build_warehouse",
        dagster_dbt_translator=translator,
        required_resource_keys={WRITER},
        retry_policy=RETRIES,
        pool=POOL,
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        total = sum(
            node["resource_type"] in ("model", "seed", "test")
            for node in manifest["nodes"].values()
        )
        select = _selected_names(context, manifest, translator)
        with lasting_failures():
            gate(context)
            warehouse.refuse_readers(settings)
            records = load_records_from_frame(load_records(deliveries.folders_of(settings)))
            if select:
                # What is built alone is built whole, and leaves a warehouse of two builds.
                state.remove_stamp(settings)
                deliveries.continue_build(settings, None)
            else:
                course = warehouse.choose_course(settings, project, records)
                warehouse.begin(settings, course, manifest, tell=context.log.info)
            context.log.info(f"dbt: building {len(select) or 'all'} models")
            try:
                for done, event in enumerate(dbt_runs.build(project, select=select), start=1):
                    if done % 50 == 0:
                        context.log.info(f"dbt: {done} of {total} models and tests")
                    yield from DbtCoreCliEventMessage(
                        raw_event=dict(event), event_history_metadata={}
                    ).to_default_asset_events(
                        manifest=manifest, dagster_dbt_translator=translator, context=context
                    )
            except dbt_runs.DbtError as error:
                raise _with_open_proofs(settings, error) from error
            if not select:
                warehouse.finish(settings, project, records, course, build_id=secrets.token_hex(8))

    return build


def _with_open_proofs(settings: Settings, error: dbt_runs.DbtError) -> dbt_runs.DbtError:
    """The failure of a build, with the proofs that do not close where there are any."""
    if _PROOFS not in str(error) or not settings.warehouse.exists():
        return error
    try:
        proofs = describe_open_proofs(settings.warehouse)
    except duckdb.Error:
        return error  # what failed is more than a proof: there is no warehouse to ask
    return error if proofs is None else error.followed_by(proofs)


def published_copy(
    settings: Settings, project: ParsedProject, marts: Iterable[dg.AssetKey]
) -> dg.AssetsDefinition:
    """Build the asset of the published copy."""

    @dg.asset(
        key=PUBLISHED,
        deps=list(marts),
        description=(
            "The marts in a file of their own, for BI and SQL: published/current/collections."
            "duckdb. Swapped in whole, after every blocking check, test and proof has passed; "
            "fails, and leaves the version before in place, when the warehouse is not of one build."
        ),
        group_name="published",
        owners=OWNERS,
        kinds={"duckdb"},
        required_resource_keys={WRITER},
        retry_policy=RETRIES,
        pool=POOL,
    )
    def collections(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with lasting_failures():
            stamp = warehouse.require_whole(settings, project)
            parameters = deliveries.read_run_parameters(settings)
            records = load_records(deliveries.folders_of(settings))
            # A publication killed at its end left a version of which nothing was kept.
            _keep_totals(settings, current_version(settings.published))
            version = publish(
                settings.warehouse,
                settings.published,
                manifest=project.manifest,
                pii_key=settings.pii_key,
                build=stamp.build_id,
                continued=stamp.continued,
                memory_limit=settings.memory_limit,
                facts={
                    "run_id": stamp.run_id,
                    "inputs": stamp.inputs,
                    "as_of_date": parameters.as_of_date.isoformat(),
                    "known_at": parameters.known_at.isoformat(),
                    "reporting_currency": parameters.reporting_currency,
                    "timezone": parameters.timezone,
                    "code_version": parameters.code_version,
                    "load_sequence": str(records["load_sequence"].max() or 0),
                },
            )
            _keep_totals(settings, version)
            how = f"written whole, because {version.whole_because}"
            context.log.info(
                f"published {version.name}: {len(version.row_counts)} marts, "
                f"{how if version.whole_because else 'following what changed'}"
            )
        return dg.MaterializeResult(
            metadata={
                "version": version.name,
                "file": dg.MetadataValue.path(version.path),
                "as-of date": version.facts["as_of_date"],
                "known at (UTC)": version.facts["known_at"],
                "bytes": version.size_bytes,
                "sha256": version.sha256,
                "rows": dg.MetadataValue.md(row_count_table(version.row_counts)),
            }
        )

    return collections


def _keep_totals(settings: Settings, version: PublishedVersion | None) -> None:
    """Keep what a version says is open, so that it can be asked again whether it is still so."""
    if version is None:
        return
    folders = deliveries.folders_of(settings)
    known_at = datetime.fromisoformat(version.facts["known_at"])
    if has_published_totals(folders, version.name, known_at):
        return
    as_of_date = date.fromisoformat(version.facts["as_of_date"])
    record_published_totals(
        folders,
        version.name,
        known_at,
        [
            {"as_of_date": as_of_date, "timezone": version.facts["timezone"], **total}
            for total in open_totals(version, as_of_date)
        ],
    )


def published_load_sequence(settings: Settings) -> int:
    """The last load that the published copy was made in knowledge of, 0 without a copy."""
    version = current_version(settings.published)
    return int(version.facts.get("load_sequence", "0")) if version is not None else 0


def _last_known_at(settings: Settings) -> datetime | None:
    """Knowledge time of the published copy or of the warehouse, whichever is later."""
    version = current_version(settings.published)
    stamp = state.read_stamp(settings)
    known = [] if stamp is None else [stamp.known_at]
    if version is not None and "known_at" in version.facts:
        known.append(datetime.fromisoformat(version.facts["known_at"]))
    return max(known, default=None)


def _report_deliveries(
    context: dg.AssetExecutionContext, settings: Settings, records: Sequence[LoadRecord]
) -> None:
    """Report each delivery of each extract under its date: as filled, or as refused only."""
    dates = sorted({record.delivery_date.isoformat() for record in records if record.extract})
    if not dates:
        return
    context.instance.add_dynamic_partitions(DELIVERY_DATES.name or "", dates)
    quarantined = (
        pl.scan_parquet(settings.quarantine / "*.parquet")
        .filter(pl.col("load_id").is_in([record.load_id for record in records]))
        .select("load_id", "reason_code", "column_name", "row_key")
        .collect()
    )
    by_load = quarantined.partition_by("load_id", as_dict=True)
    ordered = sorted(
        (record for record in records if record.extract),
        key=lambda record: (record.extract, record.delivery_date, record.load_sequence),
    )
    for (extract, delivery_date), group in itertools.groupby(
        ordered, key=lambda record: (record.extract, record.delivery_date)
    ):
        loads = list(group)
        rows = [by_load[(load.load_id,)] for load in loads if (load.load_id,) in by_load]
        event = (
            dg.AssetMaterialization
            if any(load.status == ADMITTED for load in loads)
            else dg.AssetObservation
        )
        context.log_event(
            event(
                asset_key=extract_key(extract),
                partition=delivery_date.isoformat(),
                metadata=delivery_metadata(loads, pl.concat(rows) if rows else quarantined.clear()),
            )
        )


def _selected_names(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], translator: Translator
) -> list[str]:
    """Names of the dbt resources of a run that takes only some of them; empty for all."""
    names = {
        translator.get_asset_spec(manifest, unique_id, None).key: node["name"]
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    chosen = context.selected_asset_keys
    return [] if chosen >= set(names) else sorted(names[key] for key in chosen if key in names)
