"""Copies that are made once and kept, and a ledger that shows every change."""

import json
import stat
from datetime import date, datetime
from pathlib import Path

import pytest

from ingest import files
from ingest.archive import (
    ArchiveError,
    Ledger,
    LedgerEntry,
    LedgerHead,
    append_lines,
    archived_path,
    entries_of,
    keep,
    ledger_lines,
    read_ledger,
    receive,
    sweep_incoming,
    verify_archive,
)
from ingest.files import FileState, NotRegularError, StillWritingError, sha256_of
from ingest.records import LoadRecord

DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of b"abc"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive" / "incoming" / "run1").mkdir(parents=True)
    return tmp_path / "archive"


def delivered(archive: Path, content: bytes = b"abc") -> Path:
    path = archive.parent / "delivered.csv"
    path.write_bytes(content)
    return path


def incoming(archive: Path, number: int = 1) -> Path:
    return archive / "incoming" / "run1" / str(number)


def entry(sequence: int, *, sha256: str = DIGEST, file_name: str = "应收单.csv") -> LedgerEntry:
    delivery_date, recorded_at = date(2026, 7, 1), datetime(2026, 7, 1, 15, 59, 59, 999999)
    received_at = datetime(2026, 7, 1, 1, 2, 3, 4)
    return LedgerEntry(
        sequence=sequence,
        run_id="run1",
        delivery_date=delivery_date,
        source="acme",
        file_name=file_name,
        sha256=sha256,
        state=FileState(bytes=3, modified_ns=1_000, changed_ns=2_000),
        received_at=received_at,
        recorded_at=recorded_at,
        mapping_fingerprint="ffff",
        delivery_kind="delta",
        control={"row_count": 1, "amount": "80.00"},
        control_sha256="cc",
        loads=(
            LoadRecord(
                load_id=f"{sequence:016x}",
                load_sequence=sequence,
                run_id="run1",
                source="acme",
                extract="ledger",
                delivery_date=delivery_date,
                delivery_kind="delta",
                file_name=file_name,
                file_sha256=sha256,
                file_bytes=3,
                mapping_fingerprint="ffff",
                status="rejected",
                reason_code="EMPTY_FILE",
                recorded_at=recorded_at,
                received_at=received_at,
                rows_read=2,
                rows_accepted=2,
            ),
        ),
    )


# Copies -------------------------------------------------------------------------------------------


def test_a_copy_is_hashed_as_it_is_made(archive: Path) -> None:
    copied = receive(delivered(archive), incoming(archive))
    assert (copied.sha256, copied.bytes) == (DIGEST, 3)
    assert incoming(archive).read_bytes() == b"abc"


def test_a_large_copy_is_whole(archive: Path) -> None:
    content = bytes(range(256)) * 20_000
    copied = receive(delivered(archive, content), incoming(archive))
    assert incoming(archive).read_bytes() == content
    assert copied.sha256 == sha256_of(incoming(archive))


def test_a_kept_copy_lies_under_its_hash_and_is_read_only(archive: Path) -> None:
    receive(delivered(archive), incoming(archive))
    keep(archive, sha256=DIGEST, incoming=incoming(archive))
    path = archive / "ba" / DIGEST
    assert path == archived_path(archive, DIGEST)
    assert path.read_bytes() == b"abc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not incoming(archive).exists()


def test_keeping_can_be_repeated(archive: Path) -> None:
    receive(delivered(archive), incoming(archive))
    for _ in range(2):
        keep(archive, sha256=DIGEST, incoming=incoming(archive))
    assert archived_path(archive, DIGEST).read_bytes() == b"abc"


def test_the_same_bytes_are_kept_once(archive: Path) -> None:
    for number in (1, 2):
        receive(delivered(archive), incoming(archive, number))
        keep(archive, sha256=DIGEST, incoming=incoming(archive, number))
    assert [path.name for path in archive.glob("??/*")] == [DIGEST]
    assert not incoming(archive, 2).exists()


def test_a_damaged_copy_is_replaced_when_the_same_bytes_come_again(archive: Path) -> None:
    receive(delivered(archive), incoming(archive))
    keep(archive, sha256=DIGEST, incoming=incoming(archive))
    archived_path(archive, DIGEST).chmod(0o600)
    archived_path(archive, DIGEST).write_bytes(b"abd")
    receive(delivered(archive), incoming(archive, 2))
    keep(archive, sha256=DIGEST, incoming=incoming(archive, 2))
    assert archived_path(archive, DIGEST).read_bytes() == b"abc"


def test_a_copy_that_is_nowhere_is_missed(archive: Path) -> None:
    with pytest.raises(ArchiveError, match=f"the archived copy {DIGEST} is missing"):
        keep(archive, sha256=DIGEST, incoming=incoming(archive))


@pytest.mark.parametrize("change", [b"abcd", b"ab", b"xyz"], ids=["grows", "shrinks", "changes"])
def test_a_file_that_changes_under_the_copy_leaves_no_copy(
    archive: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    path = delivered(archive)
    really_read = files._read

    def change_meanwhile(file: object, name: Path) -> bytes:
        chunk = really_read(file, name)  # type: ignore[arg-type]
        if chunk:
            path.write_bytes(change)
        return chunk

    monkeypatch.setattr(files, "_read", change_meanwhile)
    with pytest.raises(StillWritingError, match="changed while it was copied"):
        receive(path, incoming(archive))
    assert not incoming(archive).exists()


def test_a_path_exchanged_for_a_link_after_the_look_is_not_followed(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = delivered(archive)
    regular = path.lstat()
    path.unlink()
    path.symlink_to("/etc/passwd")
    monkeypatch.setattr(Path, "lstat", lambda self: regular)
    with pytest.raises(OSError, match="symbolic links"):
        receive(path, incoming(archive))


def test_a_path_exchanged_for_a_hard_link_after_the_look_is_refused(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = delivered(archive)
    regular = path.lstat()
    path.with_name("other").hardlink_to(path)
    monkeypatch.setattr(Path, "lstat", lambda self: regular)
    with pytest.raises(NotRegularError, match="hard links"):
        receive(path, incoming(archive))


def test_copies_of_a_run_that_was_cut_short_are_swept(archive: Path) -> None:
    receive(delivered(archive), incoming(archive))
    assert sweep_incoming(archive) == 1
    assert list((archive / "incoming").iterdir()) == []
    assert sweep_incoming(archive) == 0


# Ledger -------------------------------------------------------------------------------------------


def ledger_of(archive: Path, count: int) -> Ledger:
    head = LedgerHead()
    for sequence in range(1, count + 1):
        head = append_lines(archive, head, ledger_lines(head, [entry(sequence)]))
    return read_ledger(archive)


def test_an_archive_without_ledger_has_an_empty_one(archive: Path) -> None:
    assert read_ledger(archive) == Ledger(entries=(), head=LedgerHead())


def test_entries_are_read_as_they_were_written(archive: Path) -> None:
    ledger = ledger_of(archive, 3)
    assert ledger.entries == tuple(entry(sequence) for sequence in (1, 2, 3))
    assert ledger.head.sequence == 3
    assert ledger.head.bytes == (archive / "deliveries.jsonl").stat().st_size
    assert ledger.last_load_sequence == 3
    assert ledger.last_recorded_at == entry(1).recorded_at
    assert stat.S_IMODE((archive / "deliveries.jsonl").stat().st_mode) == 0o600


def test_a_line_says_who_what_and_when_in_words(archive: Path) -> None:
    ledger_of(archive, 1)
    line = json.loads((archive / "deliveries.jsonl").read_text())
    assert line["file_name"] == "应收单.csv"
    assert line["outcome"] == "rejected"
    assert line["recorded_at"] == "2026-07-01T15:59:59.999999"
    assert line["previous_line_sha256"] == "0" * 64


def test_appending_can_be_repeated(archive: Path) -> None:
    head = ledger_of(archive, 1).head
    lines = ledger_lines(head, [entry(2), entry(3)])
    before = [append_lines(archive, head, lines), (archive / "deliveries.jsonl").read_bytes()]
    after = [append_lines(archive, head, lines), (archive / "deliveries.jsonl").read_bytes()]
    assert after == before
    assert entries_of(lines) == [entry(2), entry(3)]


@pytest.mark.parametrize("torn", [1, 100, 900])
def test_torn_lines_are_replaced_when_their_admission_is_carried_out_again(
    archive: Path, torn: int
) -> None:
    head = ledger_of(archive, 1).head
    lines = ledger_lines(head, [entry(2), entry(3)])
    with (archive / "deliveries.jsonl").open("ab") as file:
        file.write("".join(lines).encode()[:torn])
    with pytest.raises(ArchiveError, match=r"line [23] is torn"):
        read_ledger(archive)
    append_lines(archive, head, lines)
    assert read_ledger(archive).entries == (entry(1), entry(2), entry(3))


def test_lines_are_not_appended_to_another_ledger(archive: Path) -> None:
    head = ledger_of(archive, 2).head
    path = archive / "deliveries.jsonl"
    path.write_bytes(path.read_bytes().replace(b"run1", b"run2"))
    with pytest.raises(ArchiveError, match="does not hold line 2"):
        append_lines(archive, head, ledger_lines(head, [entry(3)]))


@pytest.mark.parametrize("line_no", [1, 2])
def test_a_changed_line_is_found_by_its_successor(archive: Path, line_no: int) -> None:
    ledger_of(archive, 3)
    path = archive / "deliveries.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line_no - 1] = lines[line_no - 1].replace(b"EMPTY_FILE", b"ENCODING")
    path.write_bytes(b"".join(lines))
    with pytest.raises(ArchiveError, match=f"line {line_no + 1}: the line before it was changed"):
        read_ledger(archive)


def test_a_removed_or_moved_line_is_found(archive: Path) -> None:
    ledger_of(archive, 3)
    path = archive / "deliveries.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    for lines in ([second, third], [first, third], [first, third, second]):
        path.write_bytes(b"".join(lines))
        with pytest.raises(ArchiveError, match="was changed"):
            read_ledger(archive)


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"[]\n"])
def test_a_line_that_is_no_entry_is_found(archive: Path, line: bytes) -> None:
    ledger_of(archive, 1)
    with (archive / "deliveries.jsonl").open("ab") as file:
        file.write(line)
    with pytest.raises(ArchiveError, match="line 2"):
        read_ledger(archive)


def test_verification_names_each_fault(archive: Path) -> None:
    receive(delivered(archive), incoming(archive))
    keep(archive, sha256=DIGEST, incoming=incoming(archive))
    head = append_lines(archive, LedgerHead(), ledger_lines(LedgerHead(), [entry(1)]))
    assert verify_archive(archive) == []
    append_lines(archive, head, ledger_lines(head, [entry(2, sha256="ab" * 32)]))
    archived_path(archive, DIGEST).chmod(0o600)
    archived_path(archive, DIGEST).write_bytes(b"abd")
    (archive / "cc").mkdir()
    (archive / "cc" / "stray").write_bytes(b"")
    altered, missing, stray = verify_archive(archive)
    assert "was altered: the copy of 2026-07-01/acme/应收单.csv" in altered
    assert "is missing" in missing
    assert "named by no delivery" in stray
