"""Admission that is atomic and durable, knowledge time, recovery, rebuild, verification."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.archive import archived_path, read_ledger
from ingest.extracts import EXTRACTS
from ingest.lake import (
    Folders,
    LakeError,
    StagedLoad,
    StagedRun,
    admit,
    has_published_totals,
    initialise,
    load_records,
    rebuild_from_archive,
    record_expectation_results,
    record_published_totals,
    recover,
    require_intact,
    stage_pending,
    verify,
)
from ingest.records import (
    EXPECTATION_RESULT_SCHEMA,
    LOAD_RECORD_SCHEMA,
    QUARANTINE_SCHEMA,
    LoadRecord,
    UnbalancedLoadError,
    assert_balanced,
    load_record_from_json,
    load_record_to_json,
    load_records_frame,
    load_records_from_frame,
)
from tests.ingest.faults import Fault, Mode, armed
from tests.ingest.home_in_use import LATER, SHANGHAI, Home, ledger, payments


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path)


# Making it ----------------------------------------------------------------------------------------


def test_every_table_is_there_and_empty_from_the_start(home: Home) -> None:
    for extract in EXTRACTS.values():
        rows = home.rows(extract.name)
        assert rows.is_empty()
        assert dict(rows.schema) == extract.lake_schema
    assert dict(home.records().schema) == dict(LOAD_RECORD_SCHEMA)
    quarantine = pl.read_parquet(home.folders.quarantine / "*.parquet")
    assert dict(quarantine.schema) == dict(QUARANTINE_SCHEMA)


def test_folders_and_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        home = Home.at(tmp_path)
        home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00", "INV-2 bad"))
        home.deliver("2026-07-01", "ledger_bad.csv", "")
        home.refresh()
    finally:
        os.umask(before)
    folders = home.folders
    for name in ("archive", "lake", "quarantine", "rejected", "staging"):
        for path in (folders.all()[name], *folders.all()[name].rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    [copy] = [path for path in folders.archive.glob("??/*") if path.stat().st_size]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o400


def test_a_folder_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    landing = tmp_path / "home" / "landing"
    landing.mkdir(parents=True)
    landing.chmod(0o775)
    Home.at(tmp_path)
    assert stat.S_IMODE(landing.stat().st_mode) == 0o775


@pytest.mark.parametrize(
    ("outer", "inner"), [("landing", "lake"), ("lake", "landing"), ("archive", "staging")]
)
def test_a_folder_inside_another_is_refused(tmp_path: Path, outer: str, inner: str) -> None:
    folders = Folders.of_home(tmp_path)
    folders = replace(folders, **{inner: folders.all()[outer] / "below"})
    with pytest.raises(LakeError, match=f"the {inner} folder .* lies in the {outer} folder"):
        initialise(folders)


def test_a_run_id_that_is_no_plain_name_is_refused(home: Home) -> None:
    for run_id in ("", "../elsewhere", "a b"):
        with pytest.raises(LakeError, match="run id"):
            stage_pending(
                home.folders, mappings=home.mappings, timezone=SHANGHAI, now=LATER, run_id=run_id
            )


# Records ------------------------------------------------------------------------------------------


def a_record(**values: object) -> LoadRecord:
    return LoadRecord(
        **{
            "load_id": "0123456789abcdef",
            "load_sequence": 1,
            "run_id": "run1",
            "source": "acme",
            "extract": "ledger",
            "delivery_date": date(2026, 7, 1),
            "delivery_kind": "delta",
            "file_name": "应收单.csv",
            "file_sha256": "ab" * 32,
            "file_bytes": 12,
            "mapping_fingerprint": "ffff",
            "status": "admitted",
            "recorded_at": datetime(2026, 7, 1, 15, 59, 59, 999999),
            "received_at": datetime(2026, 7, 1, 3, 0, 0, 1),
            **values,
        }
    )


def test_a_load_record_survives_its_table_and_its_json() -> None:
    record = a_record(rows_read=2, rows_accepted=2, amount_read=Decimal("3.50"), reason_detail="x")
    assert load_records_from_frame(load_records_frame([record])) == [record]
    assert load_record_from_json(json.loads(json.dumps(load_record_to_json(record)))) == record


def test_rows_that_do_not_add_up_are_refused() -> None:
    assert_balanced(a_record(rows_read=3, rows_accepted=1, rows_dropped=2))
    with pytest.raises(UnbalancedLoadError, match="rows read 3, but accepted 1"):
        assert_balanced(a_record(rows_read=3, rows_accepted=1))


def test_money_that_does_not_add_up_is_refused() -> None:
    assert_balanced(a_record(amount_read=Decimal("1.10"), amount_filtered=Decimal("1.10")))
    with pytest.raises(UnbalancedLoadError, match=r"difference 0\.01"):
        assert_balanced(a_record(amount_read=Decimal("1.11"), amount_accepted=Decimal("1.10")))
    with pytest.raises(UnbalancedLoadError, match="amount read None"):
        assert_balanced(a_record(amount_accepted=Decimal("1.10")))


# Knowledge time -----------------------------------------------------------------------------------


def recorded(home: Home) -> list[datetime]:
    return home.records()["recorded_at"].to_list()


def test_a_delivery_of_the_past_is_known_at_the_end_of_its_day(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    home.deliver("2026-07-01", "open_items.csv", ledger("INV-1 80.00"), source="changes")
    home.refresh()
    end_of_day = datetime(2026, 7, 1, 15, 59, 59, 999999)  # 23:59:59.999999 in Shanghai
    assert recorded(home) == [end_of_day, end_of_day]
    assert home.rows()["_recorded_at"].to_list() == [end_of_day, end_of_day]


def test_a_delivery_of_today_is_known_now(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    home.refresh(now=datetime(2026, 7, 1, 3, 0))
    assert recorded(home) == [datetime(2026, 7, 1, 3, 0)]


def test_knowledge_never_goes_back(home: Home) -> None:
    home.deliver("2026-07-05", "ledger.csv", ledger("INV-1 80.00"))
    home.refresh()
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-2 80.00"))
    home.deliver("2026-07-02", "ledger.csv", ledger("INV-3 80.00"))
    home.refresh(now=datetime(2026, 7, 1))  # and the clock went back
    first = datetime(2026, 7, 5, 15, 59, 59, 999999)
    step = timedelta(microseconds=1)
    assert recorded(home) == [first, first + step, first + 2 * step]


def test_what_was_published_is_never_rewritten(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    published = datetime(2026, 7, 20, 12, 0)
    home.refresh(published_known_at=published)
    assert recorded(home) == [published + timedelta(microseconds=1)]


# Writing it atomically ----------------------------------------------------------------------------


def before_the_fault(path: Path) -> Home:
    """A home with one admitted delivery, and two more that wait."""
    home = Home.at(path)
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00", "INV-2 20.00", "INV-3 bad"))
    home.deliver("2026-07-01", "open_items.csv", ledger("OPEN-1 1.00"), source="snapshots")
    home.refresh()
    home.deliver("2026-07-02", "ledger_a.csv", ledger("INV-1 88.00", "INV-4 oops"))
    home.deliver("2026-07-02", "ledger_again.csv", ledger("INV-1 88.00", "INV-4 oops"))
    home.deliver("2026-07-02", "ledger_empty.csv", "")
    home.deliver("2026-07-02", "payments.csv", payments("PAY-1 1 80.00 INV-1"))
    home.deliver("2026-07-02", "open_items.csv", ledger("OPEN-2 2.00"), source="snapshots")
    home.deliver("2026-07-03", "ledger.csv", ledger("INV-5 5.00"))
    return home


def judge(load: StagedLoad) -> str | None:
    return "payments are implausible" if load.record.extract == "payments" else None


Content = dict[str, list[tuple[Any, ...]]]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True)
class Template:
    """A run that is staged and not yet admitted, in a home that can be put back as it was.

    Attributes:
        home: The home in use.
        run: Two deliveries, staged in it.
        saved: A copy of the home as it was then.
        snapshots: All that is kept in the home when none, one or both deliveries are admitted.
        contents: What the lake holds then.
    """

    home: Home
    run: StagedRun
    saved: Path
    snapshots: list[dict[str, bytes]]
    contents: list[Content]

    @property
    def folder(self) -> Path:
        return self.home.folders.lake.parent

    @property
    def rejections(self) -> dict[str, str]:
        reasons = {load.record.load_id: judge(load) for load in self.run.loads}
        return {load_id: reason for load_id, reason in reasons.items() if reason is not None}

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self.saved, self.folder)

    def admit(self, *, deliveries: int = 2) -> None:
        run = replace(self.run, deliveries=self.run.deliveries[:deliveries])
        admit(self.home.folders, run, rejections=self.rejections)

    def kept(self) -> dict[str, bytes]:
        folders = self.home.folders.all()
        return {
            f"{name}/{path}": content
            for name in ("archive", "lake", "quarantine", "rejected", "staging")
            for path, content in snapshot(folders[name]).items()
        }


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    path = tmp_path_factory.mktemp("template")
    home = before_the_fault(path / "used")
    template = Template(
        home=home, run=home.stage(), saved=path / "saved", snapshots=[], contents=[]
    )
    shutil.copytree(template.folder, template.saved)
    for deliveries in range(3):
        template.restore()
        template.admit(deliveries=deliveries)
        assert verify(home.folders) == []
        template.snapshots.append(template.kept())
        template.contents.append(home.lake_content())
    return template


def assert_rerun_gives_the_newest(template: Template, *, context: str) -> None:
    home = template.home
    home.refresh(judge=judge)
    assert home.lake_content() == template.contents[-1], context
    assert verify(home.folders) == [], context
    assert home.refresh(judge=judge).records == (), context


def test_deliveries_enter_one_after_the_other(template: Template) -> None:
    assert template.contents[0] != template.contents[1] != template.contents[2]
    statuses = [row[10] for row in template.contents[-1]["_loads"]]
    assert sorted(statuses) == ["admitted"] * 5 + ["duplicate"] + ["rejected"] * 2


@pytest.mark.parametrize("deliveries", [0, 1, 2])
def test_a_rerun_after_any_delivery_gives_the_same_lake(
    template: Template, deliveries: int
) -> None:
    template.restore()
    template.admit(deliveries=deliveries)
    assert_rerun_gives_the_newest(template, context=f"after {deliveries} deliveries")


@pytest.mark.parametrize("mode", ["kill", "torn", "power"])
def test_death_at_any_operation_of_an_admission_leaves_the_old_lake_or_the_new(
    template: Template, mode: Mode
) -> None:
    template.restore()
    with armed(Fault(template.folder, at=None)) as fault:
        template.admit()
    assert template.kept() == template.snapshots[-1]
    assert fault.count > 60
    staged = (template.home.folders.staging, template.home.folders.archive / "incoming")
    states = []
    for at in fault.writes if mode == "torn" else range(1, fault.count + 1):
        template.restore()
        with armed(Fault(template.folder, at=at, mode=mode, unsynced=staged)):
            template.admit()
        with armed(Fault(template.folder, at=None)):
            recover(template.home.folders)
        context = f"{mode} at operation {at} of {fault.count}"
        assert template.kept() in template.snapshots, context
        states.append(template.snapshots.index(template.kept()))
    assert states == sorted(states)
    assert set(states) == {0, 1, 2}


def test_death_during_recovery_is_recovered_from(template: Template, tmp_path: Path) -> None:
    committed = None
    for at in range(1, 1000):
        template.restore()
        with armed(Fault(template.folder, at=at)):
            template.admit()
        if list((template.home.folders.lake / "_admissions").glob("*.json")):
            committed = shutil.copytree(template.folder, tmp_path / "committed")
            break
    assert committed is not None
    with armed(Fault(template.folder, at=None)) as fault:
        recover(template.home.folders)
    assert fault.count > 20
    for at in range(1, fault.count + 1):
        shutil.rmtree(template.folder)
        shutil.copytree(committed, template.folder)
        with armed(Fault(template.folder, at=at, mode="torn")):
            recover(template.home.folders)
        with armed(Fault(template.folder, at=None)):
            recover(template.home.folders)
        context = f"recovery, operation {at} of {fault.count}"
        assert template.kept() == template.snapshots[1], context


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_death_while_staging_leaves_the_old_lake(template: Template, share: float) -> None:
    template.restore()
    with armed(Fault(template.folder, at=None)) as fault:
        template.home.stage()
    at = round(fault.count * share)
    template.restore()
    with armed(Fault(template.folder, at=at, mode="power")):
        template.home.stage()
    context = f"staging, operation {at} of {fault.count}"
    recover(template.home.folders)
    assert template.kept() == template.snapshots[0], context
    assert_rerun_gives_the_newest(template, context=context)


DYING_REFRESH = """
import os, sys
from pathlib import Path
from ingest.lake import Folders
from ingest.mappings import load_mappings
from tests.ingest.faults import Fault, armed
from tests.ingest.home_in_use import Home
from tests.ingest.test_lake import judge

folder, sources, at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
home = Home(folders=Folders.of_home(folder), mappings=load_mappings(sources), runs=90)
fault = Fault(folder, at=at)
fault.die = lambda: os._exit(77)
with armed(fault):
    home.refresh(judge=judge)
"""


def test_a_process_that_really_dies_leaves_the_old_lake_or_the_new(template: Template) -> None:
    template.restore()
    with armed(Fault(template.folder, at=None)) as fault:
        template.home.refresh(judge=judge)
    template.restore()
    at = fault.count - 20
    died = subprocess.run(  # noqa: S603 - the interpreter that runs this test
        [
            sys.executable,
            "-c",
            DYING_REFRESH,
            str(template.folder),
            str(template.folder.parent / "sources"),
            str(at),
        ],
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert died.returncode == 77
    context = f"exit at operation {at} of {fault.count}"
    recover(template.home.folders)
    assert template.home.lake_content() in template.contents, context
    assert_rerun_gives_the_newest(template, context=context)


def test_a_full_disk_fails_loudly_and_a_rerun_succeeds(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    template.restore()
    really_write, written = os.write, 0

    def no_space_after_a_while(descriptor: int, content: bytes) -> int:
        nonlocal written
        written += len(content)
        if written > 4000:
            raise OSError(28, "No space left on device")
        return really_write(descriptor, content)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", no_space_after_a_while)
        with pytest.raises(OSError, match="No space left"):
            template.admit()
    recover(template.home.folders)
    assert template.kept() in template.snapshots
    assert_rerun_gives_the_newest(template, context="full disk")


def test_too_little_space_is_said_before_a_copy_begins(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result([4096] * 2 + [0] * 8))
    with pytest.raises(OSError, match=r"needs \d+ bytes and leaves \d+ free, but only 0 are free"):
        home.refresh()


def test_a_failed_sync_fails_the_refresh(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    template.restore()

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            template.admit()
    recover(template.home.folders)
    assert template.kept() == template.snapshots[0]


# What is rejected ---------------------------------------------------------------------------------


def test_a_rejected_load_is_kept_with_its_rows_and_its_reason(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00", "INV-2 bad"))
    [record] = home.refresh(judge=lambda load: "amount is implausible").records
    folder = home.folders.rejected / "2026-07-01" / "canonical" / f"ledger.csv.{record.load_id}"
    assert pl.read_parquet(folder / "rows.parquet")["document_id"].to_list() == ["INV-1"]
    assert pl.read_parquet(folder / "quarantine.parquet").height == 1
    assert load_record_from_json(json.loads((folder / "record.json").read_text())) == record
    assert record.reason_detail == "amount is implausible"
    assert record.parquet_path is None
    assert home.rows().is_empty()
    assert pl.read_parquet(home.folders.quarantine / "*.parquet").is_empty()


def test_a_rejected_file_with_the_longest_name_is_kept(home: Home) -> None:
    name = "应" * 83 + ".c"
    home.deliver("2026-07-01", name, "x")
    [record] = home.refresh().records
    [folder] = (home.folders.rejected / "2026-07-01" / "canonical").iterdir()
    assert folder.name.startswith("应")
    assert folder.name.endswith(record.load_id)


def test_an_admitted_load_is_named_and_placed_by_its_record(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    [record] = home.refresh().records
    assert record.parquet_path == f"ledger/2026-07-01__canonical__{record.load_id}.parquet"
    rows = pl.read_parquet(home.folders.lake / record.parquet_path)
    assert dict(rows.schema) == EXTRACTS["ledger"].lake_schema
    assert rows["_load_id"].to_list() == [record.load_id]
    assert rows["_load_sequence"].to_list() == [1]


def test_load_sequences_have_no_gaps_and_follow_the_order_of_deliveries(home: Home) -> None:
    for day in ("03", "01", "02"):
        for name in ("ledger_b.csv", "ledger_a.csv"):
            home.deliver(f"2026-07-{day}", name, ledger(f"INV-{day}-{name} 1.00"))
    home.refresh()
    records = home.records()
    assert records["load_sequence"].to_list() == [1, 2, 3, 4, 5, 6]
    assert records.select("delivery_date", "file_name").rows() == sorted(
        records.select("delivery_date", "file_name").rows()
    )


# Verification -------------------------------------------------------------------------------------


def admitted_home(home: Home) -> Home:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00", "INV-2 bad"))
    home.deliver("2026-07-02", "ledger.csv", ledger("INV-1 88.00"))
    home.refresh()
    assert verify(home.folders) == []
    return home


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [flip, remove])
@pytest.mark.parametrize("tree", ["lake", "archive"])
def test_a_damaged_file_is_found(home: Home, tree: str, damage: Callable[[Path], None]) -> None:
    record = load_records_from_frame(admitted_home(home).records())[0]
    path = (
        home.folders.lake / (record.parquet_path or "")
        if tree == "lake"
        else archived_path(home.folders.archive, record.file_sha256)
    )
    damage(path)
    [fault] = verify(home.folders)
    assert str(path) in fault


@pytest.mark.parametrize("damage", [flip, remove])
def test_a_damaged_lake_is_refused(home: Home, damage: Callable[[Path], None]) -> None:
    record = load_records_from_frame(admitted_home(home).records())[0]
    require_intact(home.folders)
    path = home.folders.lake / (record.parquet_path or "")
    damage(path)
    with pytest.raises(LakeError, match=re.escape(str(path))):
        require_intact(home.folders)


def test_files_that_nobody_admitted_are_found(home: Home) -> None:
    admitted_home(home)
    for stray in (
        home.folders.lake / "ledger" / "stray.parquet",
        home.folders.quarantine / "stray.parquet",
        home.folders.archive / "ab" / "stray",
    ):
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"")
    assert len(verify(home.folders)) == 3


def test_a_lost_quarantine_file_is_found(home: Home) -> None:
    admitted_home(home)
    [path] = home.folders.quarantine.glob("2026*.parquet")
    path.unlink()
    assert verify(home.folders) == [f"{path} is missing"]


def test_a_shortened_ledger_stops_every_refresh(home: Home) -> None:
    admitted_home(home)
    path = home.folders.archive / "deliveries.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(LakeError, match=r"ends with line 1 .* was left at line 2"):
        home.refresh()


def test_a_lost_lake_stops_every_refresh_until_it_is_rebuilt(home: Home) -> None:
    content = admitted_home(home).lake_content()
    shutil.rmtree(home.folders.lake)
    shutil.rmtree(home.folders.quarantine)
    with pytest.raises(LakeError, match="rebuild the lake from the archive"):
        home.refresh()
    rebuild_from_archive(home.folders, mappings=home.mappings, run_id="rebuild")
    assert home.lake_content() == content
    assert home.refresh().records == ()


# Rebuild ------------------------------------------------------------------------------------------


def test_a_rebuild_gives_the_same_lake_to_the_byte(template: Template) -> None:
    template.restore()
    home = template.home
    home.refresh(judge=judge)
    for content in (ledger("OPEN-9 9.00"), ledger("OPEN-2 2.00")):  # back to an earlier content
        home.deliver("2026-07-02", "open_items.csv", content, source="snapshots")
        home.refresh(judge=judge)
    before = template.kept()
    records = load_records(home.folders)
    run = rebuild_from_archive(home.folders, mappings=home.mappings, run_id="rebuild")
    assert template.kept() == before
    assert load_records_frame(run.records).equals(records)
    assert verify(home.folders) == []
    assert recover(home.folders) == []


def test_a_rebuild_keeps_the_results_of_expectations(home: Home) -> None:
    admitted_home(home)
    record_expectation_results(home.folders, [a_result()])
    before = snapshot(home.folders.lake / "_expectation_results")
    rebuild_from_archive(home.folders, mappings=home.mappings, run_id="rebuild")
    assert snapshot(home.folders.lake / "_expectation_results") == before


@pytest.mark.parametrize("allows_changes", [False, True])
def test_a_rebuild_keeps_what_was_published_unless_it_may_change(
    home: Home, *, allows_changes: bool
) -> None:
    admitted_home(home)
    keep_total(home, datetime(2026, 7, 1, 16), "80.00")
    rebuild_from_archive(
        home.folders, mappings=home.mappings, run_id="rebuild", allows_changes=allows_changes
    )
    kept = has_published_totals(home.folders, "v000001", datetime(2026, 7, 1, 16))
    assert kept is not allows_changes


def keep_total(home: Home, known_at: datetime, amount: str) -> None:
    total = {
        "as_of_date": date(2026, 7, 1),
        "timezone": "Asia/Shanghai",
        "company_code": "main",
        "currency_code": "CNY",
        "open_amount_document": Decimal(amount),
    }
    record_published_totals(home.folders, "v000001", known_at, [total])


def test_published_totals_outlive_the_folder_of_versions(home: Home) -> None:
    """Where that folder is lost, the first version has the name of the first one before."""
    initialise(home.folders)
    first, second = datetime(2026, 7, 1, 16), datetime(2026, 7, 2, 16)
    keep_total(home, first, "80.00")
    assert not has_published_totals(home.folders, "v000001", second)
    keep_total(home, second, "90.00")
    kept = pl.read_parquet(home.folders.lake / "_published_totals" / "*.parquet")
    assert kept.select("known_at", "open_amount_document").sort("known_at").rows() == [
        (first, Decimal("80.00")),
        (second, Decimal("90.00")),
    ]


@pytest.mark.parametrize("damage", [flip, remove])
def test_a_rebuild_stops_at_a_damaged_copy_and_names_it(
    home: Home, damage: Callable[[Path], None]
) -> None:
    content = admitted_home(home).lake_content()
    entry = read_ledger(home.folders.archive).entries[1]
    damage(archived_path(home.folders.archive, entry.sha256))
    with pytest.raises(LakeError, match=r"2026-07-02/canonical/ledger\.csv"):
        rebuild_from_archive(home.folders, mappings=home.mappings, run_id="rebuild")
    assert home.lake_content() == content


def test_a_rebuild_takes_a_changed_mapping_only_when_allowed(home: Home) -> None:
    home.deliver("2026-07-01", "open_items.csv", ledger("INV-1 80.00"), source="changes")
    home.refresh()
    mapping = home.mappings["changes"].model_dump()
    mapping["files"][0]["extracts"][0]["columns"]["document_type"]["value"] = "debit_memo"
    mapping["files"][0]["extracts"][0]["columns"]["document_type"]["column"] = None
    home.mappings["changes"] = type(home.mappings["changes"]).model_validate(mapping)
    with pytest.raises(LakeError, match="the mapping of 'changes' has changed"):
        rebuild_from_archive(home.folders, mappings=home.mappings, run_id="rebuild")
    assert home.rows()["document_type"].to_list() == ["invoice"]
    recover(home.folders)
    rebuild_from_archive(
        home.folders, mappings=home.mappings, run_id="rebuild", allows_changes=True
    )
    assert home.rows()["document_type"].to_list() == ["debit_memo"]
    assert verify(home.folders) == []


def test_a_rebuild_without_the_mapping_of_a_source_stops(home: Home) -> None:
    admitted_home(home)
    with pytest.raises(LakeError, match="no mapping names its source 'canonical'"):
        rebuild_from_archive(home.folders, mappings={}, run_id="rebuild")


@pytest.mark.parametrize("mode", ["kill", "power"])
def test_death_during_a_rebuild_leaves_the_same_lake(
    template: Template, tmp_path: Path, mode: Mode
) -> None:
    """Around the commit at every operation; in the long reading before it, here and there."""
    template.restore()
    template.admit()
    saved = shutil.copytree(template.folder, tmp_path / "saved")
    home = template.home

    def rebuild() -> None:
        rebuild_from_archive(home.folders, mappings=home.mappings, run_id="rebuild")

    with armed(Fault(template.folder, at=None)) as fault:
        rebuild()
    assert fault.count > 100
    for at in (*range(1, fault.count - 24, 60), *range(fault.count - 24, fault.count + 1)):
        shutil.rmtree(template.folder)
        shutil.copytree(saved, template.folder)
        with armed(Fault(template.folder, at=at, mode=mode)):
            rebuild()
        with armed(Fault(template.folder, at=None)):
            initialise(home.folders)
            recover(home.folders)
        assert template.kept() == template.snapshots[-1], f"operation {at} of {fault.count}"


# Expectation results ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    run_id: str
    load_id: str
    extract: str
    source: str
    delivery_date: date
    expectation_code: str
    severity: str
    is_met: bool
    checked_count: int
    unexpected_count: int
    sample: str
    observed: str
    description: str


def a_result(**values: object) -> Result:
    return Result(
        **{
            "run_id": "run1",
            "load_id": "0123456789abcdef",
            "extract": "ledger",
            "source": "acme",
            "delivery_date": date(2026, 7, 1),
            "expectation_code": "amount_in_range",
            "severity": "critical",
            "is_met": True,
            "checked_count": 2,
            "unexpected_count": 0,
            "sample": "",
            "observed": "",
            "description": "Amounts are plausible.",
            **values,
        }
    )


def test_expectation_results_are_kept_by_run_and_extract(home: Home) -> None:
    results = [a_result(), a_result(extract="payments"), a_result(run_id="run2")]
    record_expectation_results(home.folders, results)
    record_expectation_results(home.folders, results[:1])
    folder = home.folders.lake / "_expectation_results"
    assert sorted(path.name for path in folder.iterdir()) == [
        "_schema.parquet",
        "run1__ledger.parquet",
        "run1__payments.parquet",
        "run2__ledger.parquet",
    ]
    kept = pl.read_parquet(folder / "*.parquet")
    assert kept.height == 3
    assert dict(kept.schema) == dict(EXPECTATION_RESULT_SCHEMA)
