"""Quoted text: the streaming reader gives what the exact reader gives, or leaves the file to it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import staging
from ingest.mappings import canonical_mapping
from ingest.readers import RawRecords, delimited, read_records
from ingest.readers.records import RAW_TEXT, ROW_NUMBER, FileRejectedError
from tests.ingest.staging_helpers import (
    GOOD_ROW,
    LEDGER_HEADER,
    accepted,
    ledger_csv,
    quarantined,
    stage,
)

COLUMNS = ("collector_id", "collector_name", "team_id", "role")
HEADER = ",".join(COLUMNS)

CONTENTS = st.one_of(
    st.sampled_from(["", " ", "A1", "collector", "x, y", '"', '""', "1\n2", "1\r\n2", " pad", "é"]),
    st.text(alphabet='a1,"\n ;=+(é\t', max_size=5),
    st.text(alphabet='a,"\r\n \x07\x7f', max_size=5),
)
"""What a field holds, before it is written."""

WRITINGS = st.sampled_from(["quoted"] * 12 + ["plain", "plain", "blank behind", "stray", "open"])


def written(content: str, writing: str) -> str:
    quoted = '"' + content.replace('"', '""') + '"'
    if writing == "quoted":
        return quoted
    if writing == "plain":
        return content
    if writing == "blank behind":
        return quoted + " "
    return content + '"' if writing == "stray" else '"' + content


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Records of mostly four fields, mostly quoted as RFC 4180 says."""
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    regular = draw(st.booleans())
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        width = 4 if regular else draw(st.sampled_from([4, 4, 4, 4, 3, 5]))
        fields = [
            written(draw(CONTENTS), "quoted" if regular else draw(WRITINGS)) for _ in range(width)
        ]
        lines.append(",".join(fields))
    end = draw(st.sampled_from([line_end, line_end, ""]))
    return HEADER + line_end + line_end.join(lines) + end


def read(text: str, scratch: Path, *, is_exact: bool) -> RawRecords | str:
    path = scratch / "delivered"
    path.write_bytes(text.encode())
    mapping = canonical_mapping().file_mapping("collectors.csv")
    assert mapping is not None
    try:
        return read_records(
            path,
            file_name="collectors.csv",
            mapping=mapping,
            timezone=None,
            scratch=scratch,
            is_exact=is_exact,
        )
    except FileRejectedError as error:
        return str(error)


@settings(max_examples=250, deadline=None)
@given(text=texts(), scan_bytes=st.sampled_from([7, 40, 1_048_576]))
def test_both_readers_split_alike(text: str, scan_bytes: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(delimited, "_SCAN_BYTES", scan_bytes)
        scratch = Path(folder)
        exact = read(text, scratch, is_exact=True)
        fast = read(text, scratch, is_exact=False)
        if isinstance(fast, str) or isinstance(exact, str):
            assert fast == exact
            return
        rows = exact.rows.collect()
        if fast.raw_texts is None:
            return
        assert fast.row_count == rows.height
        try:
            found = fast.rows.collect()
        except pl.exceptions.PolarsError:
            # Some record has other fields than the header: staging turns to the exact reader.
            assert rows["_defect_code"].null_count() < rows.height
            return
        assert found.select(COLUMNS).rows() == rows.select(COLUMNS).rows()
        assert found[ROW_NUMBER].to_list() == rows[ROW_NUMBER].to_list()
        again = fast.raw_texts(rows[ROW_NUMBER].to_list())
        assert again is not None
        assert again.rows() == rows.select(ROW_NUMBER, RAW_TEXT).rows()


def outcome(folder: Path, text: str, *, file_name: str, is_exact: bool) -> tuple[object, ...]:
    """Everything that staging says of a file, with rows in the order of the file."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        if is_exact:
            # The other way through staging too: a small file is typed in memory otherwise.
            patch.setattr(staging, "_FEW_ROWS", -1)
            patch.setattr(
                staging, "read_records", lambda *a, **k: read_records(*a, **{**k, "is_exact": True})
            )
        (load,) = stage(folder, file_name, text)
    return (
        load.record,
        accepted(load).sort("_row_number").rows(),
        quarantined(load).sort("row_number").rows(),
    )


@settings(max_examples=40, deadline=None)
@given(text=texts())
def test_both_readers_have_the_same_outcome(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        exact = outcome(Path(folder) / "exact", text, file_name="collectors.csv", is_exact=True)
        fast = outcome(Path(folder) / "fast", text, file_name="collectors.csv", is_exact=False)
    assert fast == exact


def all_quoted(row: str) -> str:
    return ",".join(f'"{field}"' for field in row.split(","))


ODD_ROWS = [
    all_quoted(GOOD_ROW),
    all_quoted(GOOD_ROW),
    all_quoted(GOOD_ROW.replace("1200.50", "9.00")),
    all_quoted(GOOD_ROW.replace("INV-1001", "I2").replace("1200.50", "12.345")),
    all_quoted(GOOD_ROW.replace("INV-1001", "I3").replace("2026-06-15", "15.06.2026")),
    all_quoted(GOOD_ROW.replace("INV-1001", "=I4")),
    all_quoted(GOOD_ROW.replace("INV-1001", " I5 ")),
    all_quoted(GOOD_ROW.replace("INV-1001", "I6").replace("C001", "C\n1")),
    all_quoted(GOOD_ROW.replace("INV-1001", "I7").replace("USD", "USD\n")),
    all_quoted(GOOD_ROW.replace("INV-1001", "I8\t9")),
    all_quoted(GOOD_ROW.replace("INV-1001", '""I9""')),
    all_quoted(GOOD_ROW.replace("INV-1001", "I10").replace("2026-07-15", "")),
    '"I11","a, b",invoice,2026-06-15,,USD,"1,200.50"',
]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("repeats", [1, 3_000])
def test_odd_rows_have_the_same_outcome(tmp_path: Path, line_end: str, repeats: int) -> None:
    good = [all_quoted(GOOD_ROW.replace("1001", f"{n:06d}")) for n in range(2_000, 2_000 + repeats)]
    rows = [*good[: repeats // 2], *ODD_ROWS, *good[repeats // 2 :]]
    text = ledger_csv(*rows).replace("\n", line_end)
    exact = outcome(tmp_path / "exact", text, file_name="ledger.csv", is_exact=True)
    fast = outcome(tmp_path / "fast", text, file_name="ledger.csv", is_exact=False)
    assert fast == exact
    assert len(exact[2]) >= 6


def test_a_regular_file_is_not_split_record_by_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the exact reader was called")

    monkeypatch.setattr(delimited, "_split", refuse)
    (load,) = stage(tmp_path, "ledger.csv", ledger_csv(*ODD_ROWS))
    assert load.record.rows_read == len(ODD_ROWS)


def test_many_bad_rows_are_left_to_the_exact_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ledger_csv(*ODD_ROWS)
    fast = outcome(tmp_path / "fast", text, file_name="ledger.csv", is_exact=False)
    monkeypatch.setattr(staging, "_RAW_ROWS", 2)
    assert outcome(tmp_path / "many", text, file_name="ledger.csv", is_exact=False) == fast
    monkeypatch.setattr(staging, "_RAW_ROWS", 1_000)
    monkeypatch.setattr(delimited, "_RAW_CHARACTERS", 100)
    assert outcome(tmp_path / "long", text, file_name="ledger.csv", is_exact=False) == fast


@pytest.mark.parametrize(
    ("body", "reason_code"),
    [
        (f'{GOOD_ROW}\n"INV-2,C001,invoice\n', "UNBALANCED_QUOTE"),
        (f'{GOOD_ROW}\n"INV-2\n{GOOD_ROW}\n",C1,invoice,2026-06-15,,USD,1.00\n', "EMBEDDED_RECORD"),
    ],
)
def test_a_rejection_names_the_line(tmp_path: Path, body: str, reason_code: str) -> None:
    (load,) = stage(tmp_path, "ledger.csv", f"{LEDGER_HEADER}\n{body}")
    assert load.record.reason_code == reason_code
    assert load.record.reason_detail is not None
    assert "line 3" in load.record.reason_detail
