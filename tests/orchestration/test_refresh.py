"""Whole refreshes of a small home, through the real job, as the command line runs them.

A refresh costs seconds, so each test here is a course of days in one home.
"""

import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import duckdb
import pytest

from ingest.lake import load_records
from orchestration import deliveries, refresh
from orchestration.assets import DELIVERY_DATES, LOADS, PUBLISHED, extract_key
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.jobs import DAILY_REFRESH
from orchestration.settings import PROJECT_ROOT, Settings
from reporting.publication import current_version
from tests.orchestration.conftest import TOTALS_HEADER, deliver

pytestmark = pytest.mark.warehouse

GOOD = "A-1,C-1,invoice,2026-01-10,CNY,100.00\nA-2,C-1,invoice,2026-01-11,USD,30.50\n"
LATER = "A-3,C-2,invoice,2026-01-12,CNY,11.00\n"
CORRECTED = "A-3,C-2,invoice,2026-01-12,CNY,12.00\nA-4,C-2,invoice,2026-01-12,CNY,1.00\n"
ANSWERED = {"CNY": Decimal("113.00"), "USD": Decimal("30.50")}
TWO_ROWS_ANNOUNCED = "ledger,2026-01-13,canonical,2\n"


def billed(settings: Settings) -> dict[str, Decimal]:
    """What the published copy says was billed."""
    path = settings.published / "current" / "collections.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return dict(connection.execute("from marts.billed_by_currency").fetchall())


def large(settings: Settings) -> dict[str, Decimal]:
    """The big mart that reads the seed, as published."""
    path = settings.published / "current" / "collections.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return dict(connection.execute("from marts.large_by_document").fetchall())


def history(settings: Settings) -> list[tuple[str, dg.DagsterRunStatus, list[str]]]:
    """Runs in the order in which they began: id, status and the steps that were started."""
    with open_instance(settings) as instance:
        return [
            (
                run.run_id,
                run.status,
                [
                    record.event_log_entry.step_key or ""
                    for record in instance.get_records_for_run(
                        run.run_id, of_type=dg.DagsterEventType.STEP_START
                    ).records
                ],
            )
            for run in reversed(instance.get_runs())
        ]


def latest_check(settings: Settings, extract: str, code: str) -> tuple[str, dg.AssetCheckSeverity]:
    """Status and severity of the last evaluation of a check of an extract."""
    key = dg.AssetCheckKey(extract_key(extract), code)
    with open_instance(settings) as instance:
        (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert record.event is not None
        evaluation = record.event.asset_check_evaluation
        assert evaluation is not None
        return record.status.value, evaluation.severity


def test_what_was_delivered_is_published_once_and_rebuilt_to_the_same_numbers(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(settings, "2026-01-12", GOOD)
    assert refresh.main([]) == refresh.DONE
    told = capsys.readouterr().out
    assert billed(settings) == {"CNY": Decimal("100.00"), "USD": Decimal("30.50")}
    assert "Published: v000001, as of 2026-01-12" in told
    assert "Loads: 1 admitted." in told
    assert str(settings.warehouse) in told
    assert str(settings.data_docs / "index.html") in told
    assert (settings.data_docs / "index.html").is_file()

    ((run_id, status, steps),) = history(settings)
    assert status is dg.DagsterRunStatus.SUCCESS
    assert steps == [
        "take_in_deliveries",
        "judged_loads",
        "build_warehouse",
        "published__collections",
    ]
    version = current_version(settings.published)
    assert version is not None
    assert version.facts["run_id"] == run_id
    assert version.facts["load_sequence"] == "1"
    with open_instance(settings) as instance:
        assert instance.get_dynamic_partitions(DELIVERY_DATES.name or "") == ["2026-01-12"]
        event = instance.get_latest_materialization_event(extract_key("ledger"))
        assert event is not None
        materialization = event.asset_materialization
        assert materialization is not None
        assert materialization.partition == "2026-01-12"
        metadata = materialization.metadata
        assert metadata["rows read"].value == 2
        assert metadata["rows accepted"].value == 2
        assert metadata["amount accepted"].value == "130.50"
        assert "ledger.csv" in str(metadata["by file"].value)
        assert instance.get_latest_materialization_event(PUBLISHED) is not None
        assert instance.get_latest_materialization_event(LOADS) is not None
    assert latest_check(settings, "ledger", "key_is_unique")[0] == "SUCCEEDED"

    assert refresh.main([]) == refresh.DONE
    told = capsys.readouterr().out
    assert "Nothing new since v000001 was published. Nothing to do." in told
    assert "starting Dagster" not in told
    assert "Published: v000001, as of 2026-01-12" in told
    assert len(history(settings)) == 1

    # Warehouse and lake are lost, and rebuilt to the same numbers.
    numbers = billed(settings)
    records = load_records(deliveries.folders_of(settings))
    settings.warehouse.write_bytes(b"the stump of a killed build")
    assert refresh.main(["--rebuild"]) == refresh.DONE
    assert billed(settings) == numbers
    settings.warehouse.unlink()
    shutil.rmtree(settings.lake)
    assert refresh.main(["--from-archive"]) == refresh.DONE
    assert billed(settings) == numbers
    assert load_records(deliveries.folders_of(settings)).equals(records)
    version = current_version(settings.published)
    assert version is not None
    assert version.name == "v000003"


def test_bad_deliveries_keep_the_published_copy_until_they_are_answered(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    control_total = "row_count_equals_the_control_total"
    # The first day is published.
    deliver(settings, "2026-01-12", GOOD)
    assert refresh.main([]) == refresh.DONE
    before = billed(settings)

    # A load does not fit its control total: the run stops before dbt, and so does the next one.
    deliver(settings, "2026-01-13", LATER)
    deliver(
        settings,
        "2026-01-13",
        TWO_ROWS_ANNOUNCED,
        extract="control_totals",
        header=TOTALS_HEADER,
    )
    for _ in range(2):
        capsys.readouterr()
        assert refresh.main([]) == refresh.FAILED
        told = capsys.readouterr()
        assert control_total in told.err
        assert "Deliver corrected files" in told.err
        assert "2026-01-13/canonical/ledger.csv" in told.err
        _, status, steps = history(settings)[-1]
        assert status is dg.DagsterRunStatus.FAILURE
        assert steps == ["take_in_deliveries", "judged_loads"]
        assert billed(settings) == before
        error = dg.AssetCheckSeverity.ERROR
        assert latest_check(settings, "ledger", control_total) == ("FAILED", error)

    # Launched as the UI does, without the checks of what is only delivered, it stops as well.
    with open_instance(settings) as instance:
        job = build_definitions(settings).resolve_job_def(DAILY_REFRESH)
        materialized = sorted(job.asset_layer.executable_asset_keys)
        launched = job.execute_in_process(
            instance=instance, asset_selection=materialized, raise_on_error=False
        )
    assert not launched.success
    assert "judged_loads" not in {event.step_key for event in launched.all_events}
    assert control_total in failure_description(settings)
    assert billed(settings) == before
    assert latest_check(settings, "ledger", control_total) == ("FAILED", error)

    # Somebody decides to go on without it; what was decided once is not asked again.
    assert refresh.main(["--without-rejected"]) == refresh.DONE
    assert billed(settings) == before
    warning = dg.AssetCheckSeverity.WARN
    assert latest_check(settings, "ledger", control_total) == ("FAILED", warning)
    capsys.readouterr()
    assert refresh.main([]) == refresh.DONE
    assert "Nothing to do." in capsys.readouterr().out

    # A corrected file enters; an unreadable one beside it is told and stops nobody.
    deliver(settings, "2026-01-14", CORRECTED)
    deliver(settings, "2026-01-14", "1,2\n", extract="payments", header="no,known_column")
    assert refresh.main([]) == refresh.FAILED
    told = capsys.readouterr()
    assert "MISSING_COLUMN" in told.err
    assert "deliver them again" in told.err
    assert history(settings)[-1][1] is dg.DagsterRunStatus.SUCCESS
    assert billed(settings) == ANSWERED

    # A proof does not close: its sides are told, in the output and in the run, and what to do.
    deliver(settings, "2026-01-15", "A-5,C-2,invoice,2026-01-12,CNY,1000000.00\n")
    assert refresh.main([]) == refresh.FAILED
    told = capsys.readouterr()
    for text in (told.err, failure_description(settings)):
        assert "assert_proofs_are_closed" in text
        (row,) = [line.split() for line in text.splitlines() if line.startswith("  P1 ")]
        assert row == [
            *("P1", "main", "CNY", "2026-01-15"),
            *("1000113.00", "999999.00", "114.00"),
        ]
        assert "refresh again" in text
    assert billed(settings) == ANSWERED
    assert history(settings)[-1][2][-1] == "build_warehouse"
    version = current_version(settings.published)
    assert version is not None
    assert version.name == "v000003"


def failure_description(settings: Settings) -> str:
    """What the last run says of the step that failed."""
    run_id, _, _ = history(settings)[-1]
    with open_instance(settings) as instance:
        (record,) = instance.get_records_for_run(
            run_id, of_type=dg.DagsterEventType.STEP_FAILURE
        ).records
    event = record.event_log_entry.dagster_event
    assert event is not None
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return data.description or ""


def test_a_corrected_mapping_reads_history_again_only_when_asked(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    monkeypatch.setenv("COLLECTIONS_SOURCES", str(sources))
    columns = "document_id: no, customer_id: who, document_date: day, amount: "
    mapping = (
        "source: erp\nfiles: [{pattern: 'items*', extracts: [{extract: ledger, columns: "
        "{document_type: {value: invoice}, currency_code: {value: CNY}, " + columns
    )
    (sources / "erp.yaml").write_text(mapping + "net}}]}]\n")
    deliver(
        settings,
        "2026-01-12",
        "A-1,C-1,2026-01-10,100.00,106.00\n",
        extract="items",
        source="erp",
        header="no,who,day,net,gross",
    )
    assert refresh.main([]) == refresh.DONE
    assert billed(settings) == {"CNY": Decimal("100.00")}

    (sources / "erp.yaml").write_text(mapping + "gross}}]}]\n")
    assert refresh.main(["--from-archive"]) == refresh.FAILED
    assert "allow changes" in capsys.readouterr().err
    assert billed(settings) == {"CNY": Decimal("100.00")}
    assert refresh.main(["--from-archive", "--allow-changes"]) == refresh.DONE
    assert billed(settings) == {"CNY": Decimal("106.00")}


def test_two_refreshes_at_once_one_works_and_the_other_leaves(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(settings, "2026-01-12", GOOD)
    holder = subprocess.Popen(  # noqa: S603
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\n"
            "from orchestration.writer import hold_writer\n"
            "with hold_writer(Path(sys.argv[1]), purpose='the first refresh'):\n"
            "    print('held', flush=True)\n    sys.stdin.read()\n",
            str(settings.lock),
        ],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        assert refresh.main([]) == refresh.BUSY
        told = capsys.readouterr().err
        assert f"Process {holder.pid}" in told
        assert "the first refresh" in told

        job = build_definitions(settings).resolve_job_def(DAILY_REFRESH)
        with open_instance(settings) as instance:
            result = job.execute_in_process(instance=instance, raise_on_error=False)
        assert not result.success
        (failure,) = [event for event in result.all_events if event.is_run_failure]
        error = failure.job_failure_data.error
        assert error is not None
        assert error.cause is not None
        assert f"Process {holder.pid}" in error.cause.message
        assert not (settings.archive / "deliveries.jsonl").exists()
    finally:
        holder.communicate(b"")
        holder.stdout.close()


def test_the_sample_company_is_written_into_an_empty_home_only(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def write(landing: Path) -> SimpleNamespace:
        written.append(landing)
        deliver(settings, "2026-01-12", GOOD)
        return SimpleNamespace(delivery_dates=("2026-01-12",))

    monkeypatch.setattr("ingest.sample.write_sample_company", write)
    refresh._write_sample(settings)
    assert written == [settings.landing]
    assert (settings.home / refresh.SAMPLE_MARK).exists()
    refresh._write_sample(settings)
    assert written == [settings.landing]

    (settings.home / refresh.SAMPLE_MARK).unlink()
    shutil.rmtree(settings.landing / "2026-01-12")
    (settings.archive / "deliveries.jsonl").touch()
    refresh._write_sample(settings)
    assert written == [settings.landing]
    assert not (settings.home / refresh.SAMPLE_MARK).exists()


def own_seed(settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """Replace a seed as a company does."""
    folder = settings.home / "own_seeds"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text(text, "utf-8")
    monkeypatch.setenv("COLLECTIONS_SEEDS", str(folder))


def test_a_changed_seed_rebuilds_what_reads_it_and_a_faulty_one_publishes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(settings, "2026-01-12", GOOD)
    assert refresh.main([]) == refresh.DONE
    assert large(settings) == {"A-1": Decimal("100.00"), "A-2": Decimal("30.50")}

    # Nothing was delivered, but a seed says something else: all that descends from it follows.
    own_seed(settings, monkeypatch, "limits", "lowest_amount\n50\n")
    assert refresh.main([]) == refresh.DONE
    assert "whole what reads limits" in capsys.readouterr().out
    assert large(settings) == {"A-1": Decimal("100.00")}
    assert billed(settings) == {"CNY": Decimal("100.00")}

    own_seed(settings, monkeypatch, "limits", "lowest_amount\n-1\n")
    assert refresh.main([]) == refresh.FAILED
    assert "assert_seeds_are_valid" in (told := capsys.readouterr().err)
    assert "limits: below zero: -1" in told
    assert "limits: below zero: -1" in failure_description(settings)
    assert large(settings) == {"A-1": Decimal("100.00")}

    own_seed(settings, monkeypatch, "limits", "lowest_amount\n0\n")
    assert refresh.main([]) == refresh.DONE
    assert large(settings) == {"A-1": Decimal("100.00"), "A-2": Decimal("30.50")}
