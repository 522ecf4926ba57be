"""Which files in the landing folder are taken, left, or reported."""

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from ingest.files import FileState, sha256_of
from ingest.landing import (
    DeliveredFile,
    FileKey,
    KnownFile,
    LandingScan,
    find_pending,
    instant_of,
    safe_name,
    scan_landing,
)
from tests.ingest.home_in_use import Home, ledger

DAY = date(2026, 7, 1)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    (tmp_path / "landing" / "2026-07-01" / "acme").mkdir(parents=True)
    return tmp_path / "landing"


def folder_of(landing: Path) -> Path:
    return landing / "2026-07-01" / "acme"


def scan(landing: Path, settle_seconds: float = 0, **known: KnownFile) -> LandingScan:
    return scan_landing(
        landing,
        known={FileKey(DAY, "acme", name.replace("_", ".")): file for name, file in known.items()},
        settle_seconds=settle_seconds,
    )


def known_file(path: Path, *, is_final: bool = True, control_sha256: str = "") -> KnownFile:
    return KnownFile(
        state=FileState.of(path.lstat()),
        sha256=sha256_of(path),
        control_sha256=control_sha256,
        is_final=is_final,
    )


def test_files_come_by_delivery_date_source_and_name(landing: Path) -> None:
    places = [
        "2026-07-02/acme/a.csv",
        "2026-07-01/zeta/a.csv",
        "2026-07-01/acme/b.csv",
        "2026-07-01/acme/a.csv",
    ]
    for place in places:
        (landing / place).parent.mkdir(parents=True, exist_ok=True)
        (landing / place).write_text("x")
    found = find_pending(landing, known={}, settle_seconds=0)
    assert [str(file.path.relative_to(landing)) for file in found] == sorted(places)
    assert found[0].key == FileKey(DAY, "acme", "a.csv")


@pytest.mark.parametrize(
    "name", ["a.csv.part", "a.csv.TMP", "~$book.xlsx", ".hidden.csv", "a.csv.filepart", "a.csv~"]
)
def test_temporary_names_are_ignored(landing: Path, name: str) -> None:
    (folder_of(landing) / name).write_text("x")
    assert scan(landing) == LandingScan(pending=(), deferred=(), known=(), problems=())


@pytest.mark.parametrize(
    "name",
    [
        "x*.csv",
        "x[12].csv",
        "$(touch x);.csv",
        "-rf.csv",
        "应收单.csv",
        "%2e%2e.csv",
        "{{ x }}.csv",
    ],
)
def test_odd_names_that_people_can_read_are_taken(landing: Path, name: str) -> None:
    (folder_of(landing) / name).write_text("x")
    [file] = scan(landing).pending
    assert (file.key.file_name, file.reason_code) == (name, None)


def test_a_name_of_200_characters_is_taken(landing: Path) -> None:
    (folder_of(landing) / ("x" * 196 + ".csv")).write_text("x")
    assert scan(landing).pending[0].reason_code is None


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        (b"two\nlines.csv", "two\\nlines.csv"),
        (b"bell\x07.csv", "bell\\x07.csv"),
        ("evil\u202egpj.csv".encode(), "evil\\u202egpj.csv"),
        (b"gbk-\xb5\xa5.csv", "gbk-\\udcb5\\udca5.csv"),
    ],
)
def test_names_with_control_characters_are_unsafe(landing: Path, name: bytes, escaped: str) -> None:
    Path(os.fsdecode(os.fsencode(folder_of(landing)) + b"/" + name)).write_text("x")
    [file] = scan(landing).pending
    assert (file.reason_code, file.key.file_name) == ("UNSAFE_NAME", escaped)
    assert safe_name(escaped) == escaped


def link_to_a_file(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def link_to_a_folder(path: Path) -> None:
    path.symlink_to("..")


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def hard_link(path: Path) -> None:
    other = path.parent.parent.parent / "elsewhere"
    other.write_text("x")
    path.hardlink_to(other)


def unix_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (link_to_a_file, "a symbolic link"),
        (link_to_a_folder, "a symbolic link"),
        (dangling_link, "a symbolic link"),
        (hard_link, "a file with 2 names (hard links)"),
        (os.mkfifo, "a pipe"),
        (unix_socket, "a socket"),
        (os.mkdir, "a folder"),
    ],
)
def test_what_is_no_regular_file_is_rejected_without_being_opened(
    landing: Path, make: Callable[[Path], None], found: str
) -> None:
    make(folder_of(landing) / "a.csv")
    [file] = scan(landing).pending
    assert file.reason_code == "NOT_REGULAR"
    assert file.reason_detail is not None
    assert found in file.reason_detail


def test_a_sparse_file_of_a_tebibyte_is_too_large(landing: Path) -> None:
    with (folder_of(landing) / "a.csv").open("wb") as file:
        file.truncate(1 << 40)
    [found] = scan(landing).pending
    assert found.reason_code == "TOO_LARGE"


@pytest.mark.parametrize(
    "name", ["2026-7-1", "20260701", "2026-02-30", "2026-W27-3", "yesterday", "currency=EUR"]
)
def test_a_folder_that_is_no_delivery_date_is_reported(landing: Path, name: str) -> None:
    (landing / name / "acme").mkdir(parents=True)
    (landing / name / "acme" / "a.csv").write_text("x")
    [problem] = scan(landing).problems
    assert (problem.path, problem.reason_code) == (name, "MISPLACED")
    assert "expected a calendar date written YYYY-MM-DD" in problem.detail


def test_files_in_the_wrong_place_are_reported(landing: Path) -> None:
    (landing / "a.csv").write_text("x")
    (landing / "2026-07-01" / "b.csv").write_text("x")
    (landing / "2026-07-02").symlink_to(landing / "2026-07-01")
    problems = {problem.path: problem.reason_code for problem in scan(landing).problems}
    assert problems == {
        "a.csv": "MISPLACED",
        "2026-07-01/b.csv": "MISPLACED",
        "2026-07-02": "NOT_REGULAR",
    }


def test_a_file_that_grows_is_left_for_the_next_run(landing: Path) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("half,")
    (folder_of(landing) / "b.csv").write_text("whole")
    writer = threading.Timer(0.2, lambda: path.write_text("half,half"))
    writer.start()
    found = scan(landing, settle_seconds=0.6)
    writer.join()
    assert [file.key.file_name for file in found.pending] == ["b.csv"]
    assert [(file.key.file_name, file.reason_code) for file in found.deferred] == [
        ("a.csv", "STILL_WRITING")
    ]


def test_a_control_file_that_still_changes_holds_its_file_back(landing: Path) -> None:
    (folder_of(landing) / "a.csv").write_text("x")
    control = folder_of(landing) / "a.csv.control.json"
    control.write_text('{"row_count": ')
    writer = threading.Timer(0.2, lambda: control.write_text('{"row_count": 1}'))
    writer.start()
    found = scan(landing, settle_seconds=0.6)
    writer.join()
    assert [file.key.file_name for file in found.deferred] == ["a.csv"]
    assert not found.pending


def test_a_control_file_that_comes_during_the_wait_holds_its_file_back(landing: Path) -> None:
    (folder_of(landing) / "a.csv").write_text("x")
    control = folder_of(landing) / "a.csv.control.json"
    writer = threading.Timer(0.2, lambda: control.write_text('{"row_count": 1}'))
    writer.start()
    found = scan(landing, settle_seconds=0.6)
    writer.join()
    assert [file.key.file_name for file in found.deferred] == ["a.csv"]


def test_old_files_need_no_wait(landing: Path) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("x")
    os.utime(path, (time.time() - 100, time.time() - 100))
    started = time.monotonic()
    assert len(scan(landing, settle_seconds=30).pending) == 1
    assert time.monotonic() - started < 5


def test_a_file_with_a_time_in_the_future_is_waited_for_no_longer_than_any(landing: Path) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("x")
    os.utime(path, (time.time() + 9999, time.time() + 9999))
    started = time.monotonic()
    assert len(scan(landing, settle_seconds=0.2).pending) == 1
    assert time.monotonic() - started < 5


def test_a_control_file_belongs_to_its_file(landing: Path) -> None:
    (folder_of(landing) / "a.csv").write_text("x")
    control = folder_of(landing) / "a.csv.control.json"
    control.write_text('{"row_count": 3, "amount": 1245.25}')
    [file] = scan(landing).pending
    assert file.control is not None
    assert file.control.content == {"row_count": 3, "amount": "1245.25"}


def test_a_control_file_without_its_file_is_reported(landing: Path) -> None:
    (folder_of(landing) / "a.csv.control.json").write_text("{}")
    found = scan(landing)
    assert not found.pending
    assert [problem.reason_code for problem in found.problems] == ["MISPLACED"]


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '"text"', '{"note": "\\ud800"}', "[" * 50000, "9" * 70000]
)
def test_a_control_file_that_cannot_be_read_rejects_its_file(landing: Path, content: str) -> None:
    (folder_of(landing) / "a.csv").write_text("x")
    (folder_of(landing) / "a.csv.control.json").write_text(content)
    [file] = scan(landing).pending
    assert file.reason_code == "CONTROL_TOTAL"
    assert "a.csv.control.json" in str(file.reason_detail)


def test_a_linked_control_file_is_not_followed(landing: Path) -> None:
    (folder_of(landing) / "a.csv").write_text("x")
    (landing / "elsewhere.json").write_text('{"row_count": 1}')
    (folder_of(landing) / "a.csv.control.json").symlink_to(landing / "elsewhere.json")
    [file] = scan(landing).pending
    assert file.reason_code == "CONTROL_TOTAL"


def test_a_handled_file_is_known(landing: Path) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("x")
    found = scan(landing, a_csv=known_file(path))
    assert not found.pending
    assert [file.key.file_name for file in found.known] == ["a.csv"]


def test_a_file_of_the_same_size_and_time_but_other_content_is_new(landing: Path) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("80.00")
    known = known_file(path)
    path.write_text("88.00")
    os.utime(path, ns=(known.state.modified_ns, known.state.modified_ns))
    assert len(scan(landing, a_csv=known).pending) == 1


def test_a_change_of_permissions_makes_no_new_file(landing: Path) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("80.00")
    known = known_file(path)
    path.chmod(0o640)
    assert FileState.of(path.lstat()) != known.state
    assert not scan(landing, a_csv=known).pending


@pytest.mark.parametrize(
    ("is_final", "control", "expected"),
    [(True, "{}", 1), (True, None, 0), (False, "{}", 1), (False, None, 1)],
)
def test_other_totals_make_a_file_pending_again_their_withdrawal_only_one_that_did_not_enter(
    landing: Path, is_final: bool, control: str | None, expected: int
) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("x")
    known = known_file(path, is_final=is_final, control_sha256="earlier")
    if control is not None:
        (folder_of(landing) / "a.csv.control.json").write_text(control)
    assert len(scan(landing, a_csv=known).pending) == expected


def test_an_instant_keeps_its_microseconds() -> None:
    assert instant_of(1_782_864_000_123_456_789) == datetime(2026, 7, 1, 0, 0, 0, 123456)


def test_received_at_is_the_time_of_the_last_change(landing: Path) -> None:
    path = folder_of(landing) / "a.csv"
    path.write_text("x")
    os.utime(path, ns=(0, 1_782_864_000_123_456_789))
    [file] = scan(landing).pending
    assert isinstance(file, DeliveredFile)
    assert file.received_at == datetime(2026, 7, 1, 0, 0, 0, 123456)


# How a refresh takes them ------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path)


def test_an_unknown_source_is_rejected_by_name_and_taken_once_its_mapping_is_there(
    home: Home,
) -> None:
    home.deliver("2026-07-01", "open_items.csv", ledger("INV-1 80.00"), source="new_erp")
    [record] = home.refresh().records
    assert (record.status, record.reason_code) == ("rejected", "UNKNOWN_SOURCE")
    assert "'new_erp'" in str(record.reason_detail)
    assert home.refresh().records == ()
    mapping = home.mappings["changes"].model_dump()
    mapping["source"] = "new_erp"
    home.mappings["new_erp"] = type(home.mappings["changes"]).model_validate(mapping)
    assert [record.status for record in home.refresh().records] == ["admitted"]


def test_bad_entries_are_reported_by_every_run_and_keep_nothing_else_out(home: Home) -> None:
    home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    home.deliver("2026-13-01", "ledger.csv", ledger("INV-2 80.00"))
    os.mkfifo(home.folders.landing / "2026-07-01" / "canonical" / "ledger_pipe.csv")
    first, second = home.refresh(), home.refresh()
    assert [problem.path for problem in first.problems] == ["2026-13-01"]
    assert [problem.path for problem in second.problems] == ["2026-13-01"]
    assert home.statuses() == [
        ("ledger.csv", "admitted", None),
        ("ledger_pipe.csv", "rejected", "NOT_REGULAR"),
    ]


def test_an_unreadable_file_is_rejected_by_every_run_until_it_can_be_read(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    really_open = os.open

    def refuse(name: object, *rest: int, **more: int) -> int:
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied", str(name))
        return really_open(name, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        for _ in range(2):
            [record] = home.refresh().records
            assert (record.status, record.reason_code) == ("rejected", "UNREADABLE")
    assert [record.status for record in home.refresh().records] == ["admitted"]


def test_a_file_that_changes_while_it_is_copied_is_left_for_the_next_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.deliver("2026-07-01", "ledger.csv", ledger("INV-1 80.00"))
    home.deliver("2026-07-01", "ledger_other.csv", ledger("INV-2 80.00"))
    from ingest import files

    really_read = files._read

    def append_meanwhile(file: object, name: Path) -> bytes:
        chunk = really_read(file, name)  # type: ignore[arg-type]
        if chunk and name == path:
            path.write_text(ledger("INV-1 80.00", "INV-3 5.00"))
        return chunk

    with monkeypatch.context() as patched:
        patched.setattr(files, "_read", append_meanwhile)
        run = home.refresh()
    assert [(file.key.file_name, file.reason_code) for file in run.deferred] == [
        ("ledger.csv", "STILL_WRITING")
    ]
    assert [record.file_name for record in run.records] == ["ledger_other.csv"]
    assert [record.rows_accepted for record in home.refresh().records] == [2]


def test_one_file_still_being_written_holds_back_its_whole_full_delivery(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.deliver("2026-07-01", "open_items_a.csv", ledger("A-1 1.00"), source="snapshots")
    path = home.deliver("2026-07-01", "open_items_b.csv", ledger("B-1 1.00"), source="snapshots")
    from ingest import files

    really_read = files._read

    def append_meanwhile(file: object, name: Path) -> bytes:
        chunk = really_read(file, name)  # type: ignore[arg-type]
        if chunk and name == path:
            path.write_text(ledger("B-1 1.00", "B-2 1.00"))
        return chunk

    with monkeypatch.context() as patched:
        patched.setattr(files, "_read", append_meanwhile)
        run = home.refresh()
    assert run.records == ()
    assert len(run.deferred) == 2
    home.refresh()
    assert set(home.standing()) == {("A-1",), ("B-1",), ("B-2",)}
