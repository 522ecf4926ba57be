"""What Dagster loads for the real project: every extract, model, expectation and job."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from ingest.extracts import EXTRACTS
from orchestration import dbt_runs
from orchestration.assets import DELIVERY_DATES, PUBLISHED, extract_key
from orchestration.dbt_runs import (
    DbtError,
    SeedError,
    build,
    prepare_project,
    project_fingerprint,
)
from orchestration.definitions import build_definitions
from orchestration.jobs import DAILY_REFRESH, REBUILD
from orchestration.settings import PROJECT_ROOT, Settings, load_settings, prepare_home
from quality import expectation_codes

pytestmark = pytest.mark.warehouse

JUDGED_TWICE = "c,A,,2024-01-01,,2024-01-01,0.5,\nc,A,,2024-03-01,,2024-01-01,0.6,"


def test_every_extract_model_and_expectation_is_in_the_graph(
    tmp_path: Path, environment: None
) -> None:
    settings = load_settings({"COLLECTIONS_HOME": str(tmp_path)}, env_file=Path("no such file"))
    prepare_home(settings)
    definitions = build_definitions(settings)
    graph = definitions.resolve_asset_graph()
    for extract in EXTRACTS:
        node = graph.get(extract_key(extract))
        assert node.partitions_def == DELIVERY_DATES
        codes = {code for code, _, _ in expectation_codes(extract)}
        assert codes <= {key.name for key in graph.get_check_keys_for_assets({node.key})}
    manifest = json.loads(prepare_project(settings).manifest.read_text("utf-8"))
    models = {
        node["name"]: node["schema"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    assert {"aging_by_bucket", "proofs", "scorecard_by_quarter"} <= set(models)
    names = {key.path[-1] for key in graph.get_all_asset_keys()}
    assert set(models) <= names
    marts = {name for name, schema in models.items() if schema == "marts"}
    parents = {key.path[-1] for key in graph.get(PUBLISHED).parent_keys}
    assert parents == marts
    checks = {key.name for key in graph.asset_check_keys}
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert tests <= checks
    for name in (DAILY_REFRESH, REBUILD):
        job = definitions.resolve_job_def(name)
        assert job.partitions_def is None
        assert {node.name for node in job.graph.node_defs} == {
            "take_in_deliveries",
            "judged_loads",
            "build_warehouse",
            "judged_marts",
            "published__collections",
        }
    for key in graph.get(PUBLISHED).parent_keys:
        spec = graph.assets_def_for_key(key).get_asset_spec(key)
        assert isinstance(spec.freshness_policy, dg.FreshnessPolicy)


def test_seeds_of_the_company_with_a_gap_and_an_overlap_stop_the_build_and_are_named(
    tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    ours = PROJECT_ROOT / "dbt_project" / "seeds"
    for name, right, wrong in (
        ("aging_buckets", "over 365,7,day,,", "over 365,7,day,999,"),
        ("loss_rates", "aging,*,31-60,0.03\n", ""),
        ("specific_provisions", "", f"{JUDGED_TWICE}\n"),
    ):
        text = (ours / f"{name}.csv").read_text("utf-8")
        assert right in text
        changed = text.replace(right, wrong) if right else text + wrong
        (seeds / f"{name}.csv").write_text(changed, "utf-8")
    for name, folder in (("COLLECTIONS_HOME", tmp_path / "home"), ("COLLECTIONS_SEEDS", seeds)):
        monkeypatch.setenv(name, str(folder))
    settings = load_settings(env_file=Path("no such file"))
    prepare_home(settings)
    project = prepare_project(settings)
    with pytest.raises(DbtError, match="assert_seeds_are_valid") as stopped:
        for _ in build(project, select=["resource_type:seed", "assert_seeds_are_valid"]):
            pass
    for fault in (
        "aging_buckets: gap: days, nothing holds ages above 999",
        "loss_rates: no rate for every segment (*): aging, 31-60",
        "specific_provisions: overlaps the one from 2024-03-01: c, A, every document, "
        "from 2024-01-01",
    ):
        assert fault in str(stopped.value)


def test_a_seed_of_the_company_replaces_ours_and_an_unknown_one_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "limits.csv").write_text("lowest_amount\n50\n")
    own = load_settings(
        {"COLLECTIONS_HOME": str(settings.home), "COLLECTIONS_SEEDS": str(seeds)},
        env_file=Path("no such file"),
    )
    assert project_fingerprint(own) != project_fingerprint(settings)
    prepared = prepare_project(own)
    assert (prepared.project / "seeds" / "limits.csv").read_text() == "lowest_amount\n50\n"
    (seeds / "limit.csv").touch()
    with pytest.raises(SeedError, match=r"limit\.csv, which replaces no seed; allowed are limits"):
        project_fingerprint(own)


def test_what_lints_the_project_is_no_part_of_it(
    settings: Settings, small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project_fingerprint(settings)
    copy = Path(shutil.copytree(small_project, tmp_path / "project"))
    monkeypatch.setattr(dbt_runs, "SOURCE", copy)
    for name in ("lint/__pycache__/target.pyc", "lint_sql.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).touch()
    assert project_fingerprint(settings) == before
    (copy / "macros" / "more.sql").touch()
    assert project_fingerprint(settings) != before
