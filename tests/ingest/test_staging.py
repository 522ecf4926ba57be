"""Staging: balance, duplicates, limits, totals, one file to several extracts, every extract."""

from __future__ import annotations

import gzip
import io
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import staging
from ingest.extracts import EXTRACTS
from ingest.mappings import SourceMapping, canonical_mapping
from ingest.readers.delimited import _fields_of
from ingest.readers.text import Limits
from ingest.staging import StagedLoad
from tests.ingest.staging_helpers import (
    GOOD_ROW,
    LEDGER_HEADER,
    accepted,
    ledger_csv,
    quarantined,
    stage,
)

FULL_ROWS = {
    "ledger": {
        "company_code": "1000", "document_id": "I1", "installment_no": "2", "customer_id": "C1",
        "document_type": "credit_memo", "document_date": "2026-06-01", "due_date": "2026-07-01",
        "payment_terms_days": "30", "currency_code": "CNY", "amount": "12.30",
        "amount_reporting": "12.30", "applies_to_document_id": "I0", "has_open_dispute": "yes",
        "dispute_reason": "price", "legal_status": "litigation", "salesperson_id": "S1",
        "description": "x", "is_withdrawn": "0",
    },
    "payments": {
        "company_code": "1000", "payment_id": "P1", "line_no": "3", "customer_id": "C1",
        "payment_date": "2026-06-01", "currency_code": "EUR", "amount": "-5.00",
        "document_id": "I1", "installment_no": "1", "application_date": "2026-06-02",
        "discount_amount": "0.10", "method": "wire", "reverses_payment_id": "P0",
        "is_withdrawn": "false",
    },
    "contact_log": {
        "contact_id": "K1", "customer_id": "C1", "document_id": "I1", "collector_id": "A1",
        "contacted_at": "2026-06-01 10:00:00", "channel": "phone", "direction": "inbound",
        "outcome": "promise_to_pay", "promised_amount": "100.00", "promised_date": "2026-06-10",
        "duration_seconds": "65", "is_complaint_upheld": "no", "evidence_reference": "r/1",
        "note": "said so",
    },
    "customers": {
        "customer_id": "C1", "customer_name": "甲公司", "segment": "key", "region": "East",
        "parent_customer_id": "C0", "credit_limit": "1000.00", "payment_terms_days": "60",
        "currency_code": "CNY", "timezone": "Asia/Shanghai", "is_insolvent": "false",
        "onboarded_date": "2020-01-01", "phone": "13800138000", "email": "a@example.com",
    },
    "collectors": {
        "collector_id": "A1", "collector_name": "Li", "team_id": "T1", "role": "collector",
        "hired_date": "2020-01-01", "left_date": "2026-01-01", "hourly_cost": "80.00",
    },
    "portfolios": {
        "customer_id": "C1", "valid_from": "2026-01-01", "collector_id": "A1",
        "valid_to": "2026-06-30",
    },
    "targets": {
        "period_start": "2026-01-01", "period_type": "quarter", "scope_type": "company",
        "scope_id": "main", "measure": "recovery_rate", "target_value": "0.95",
    },
    "surveys": {
        "survey_id": "V1", "customer_id": "C1", "surveyed_at": "2026-06-01T10:00:00+08:00",
        "score": "85.5",
    },
    "trainings": {
        "collector_id": "A1", "course_id": "L1", "attempt_no": "2", "training_date": "2026-05-01",
        "assessed_date": "2026-05-20", "score": "91.0", "is_passed": "true",
    },
    "fx_rates": {
        "rate_date": "2026-06-01", "from_currency": "USD", "to_currency": "CNY",
        "rate": "7.12345678",
    },
    "control_totals": {
        "extract": "gl_balance", "delivery_date": "2026-07-31", "source": "finance",
        "row_count": "0", "amount": "-10.00", "company_code": "1000", "currency_code": "CNY",
        "balance_date": "2026-07-31",
    },
}  # fmt: skip


def test_every_extract_is_tried() -> None:
    assert set(FULL_ROWS) == set(EXTRACTS)
    for name, row in FULL_ROWS.items():
        assert set(row) == set(EXTRACTS[name].schema)


@pytest.mark.parametrize("name", EXTRACTS)
def test_a_full_row_of_each_extract_is_accepted(name: str, tmp_path: Path) -> None:
    row = FULL_ROWS[name]
    text = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    (load,) = stage(tmp_path, f"{name}.csv", text)
    assert load.record.status == "admitted", load.record.reason_detail
    assert quarantined(load).height == 0
    rows = accepted(load).select(list(EXTRACTS[name].schema))
    assert not any(value is None for value in rows.row(0))


@pytest.mark.parametrize("name", EXTRACTS)
def test_a_row_of_required_columns_alone_takes_the_defaults(name: str, tmp_path: Path) -> None:
    extract = EXTRACTS[name]
    row = {column: FULL_ROWS[name][column] for column in extract.required}
    text = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    (load,) = stage(tmp_path, f"{name}.csv", text)
    (values,) = accepted(load).select(list(extract.schema)).to_dicts()
    for column in extract.columns:
        if column.name not in row:
            assert values[column.name] == column.default


@pytest.mark.parametrize("name", EXTRACTS)
def test_an_empty_required_column_is_quarantined(name: str, tmp_path: Path) -> None:
    extract = EXTRACTS[name]
    row = FULL_ROWS[name]
    lines = [",".join(row)]
    lines += [
        ",".join("" if column == emptied else value for column, value in row.items())
        for emptied in extract.required
    ]
    (load,) = stage(tmp_path, f"{name}.csv", "\n".join(lines) + "\n")
    assert load.record.rows_quarantined == len(extract.required)
    assert sorted(quarantined(load)["column_name"]) == sorted(extract.required)


def test_instants_become_utc(tmp_path: Path) -> None:
    rows = [
        f"K{n},C1,A1,{text},phone,no_answer"
        for n, text in enumerate(
            [
                "2026-06-01 10:00:00",
                "2026-06-01T10:00",
                "2026-06-01T10:00:00.5+02:00",
                "2026-06-01 10:00:00Z",
                "2026-06-01",
                "2026-06-01T10:00:00+0530",
            ]
        )
    ]
    header = "contact_id,customer_id,collector_id,contacted_at,channel,outcome"
    (load,) = stage(tmp_path, "contact_log.csv", "\n".join([header, *rows, ""]))
    assert accepted(load).sort("contact_id")["contacted_at"].dt.to_string("iso").to_list() == [
        "2026-06-01 02:00:00.000000",
        "2026-06-01 02:00:00.000000",
        "2026-06-01 08:00:00.500000",
        "2026-06-01 10:00:00.000000",
        "2026-05-31 16:00:00.000000",
        "2026-06-01 04:30:00.000000",
    ]


@pytest.mark.parametrize(
    ("timezone", "texts"),
    [
        ("Asia/Shanghai", ["2026-06-01 10:00:00", "1980-01-01 00:00:00", "2099-12-31 23:59:59"]),
        ("Asia/Shanghai", ["2026-06-01T10:00", "2026-06-01T24:00", "2026-02-30T10:00"]),
        ("Asia/Shanghai", ["2026-06-01 10:00:00", "2100-01-01 01:00:00", "1979-12-31 23:59:59"]),
        ("Europe/Berlin", ["2026-03-29 01:59:59", "2026-03-29 02:30:00"]),
        ("Europe/Berlin", ["2026-10-25 01:59:59", "2026-10-25 02:30:00"]),
        (None, ["2026-06-01 10:00:00", "2026-06-01 11:00:00"]),
        ("Asia/Shanghai", ["2026-06-01T10:00:00.250", "2026-06-01T10:00:00.5", ""]),
        ("Asia/Shanghai", ["2026-06-01T10:00:00.000001", "2026-06-01T10:00:00.999999"]),
        (None, ["2026-01-01T10:00:00+01:00", "2026-06-01T10:00:00+02:00"]),
        (None, ["2026-01-01T10:00:00-0330", "2026-06-01T10:00:00+0545"]),
        (None, ["2026-01-01T10:00:00Z", "2026-06-01T10:00:00+00:00"]),
        (None, ["2099-12-31T23:30:00+00:00", "2099-12-31T23:30:00-01:00"]),
        (None, ["1980-01-01T00:30:00+00:00", "1980-01-01T00:30:00+01:00"]),
        (None, ["2026-06-01T10:00:00+25:00", "2026-06-01T10:00:00+01:60"]),
        (None, ["2026-06-01T10:00:59+01:00", "2026-06-01T10:00:60+01:00"]),
        (None, [f"2026-06-01T10:00:00+{hour:02}:00" for hour in range(15)]),
    ],
)
def test_an_instant_means_the_same_alone_and_among_others(
    timezone: str | None, texts: list[str], tmp_path: Path
) -> None:
    """Batches written alike take the fast way, mixed ones the exact one."""

    def meanings(*others: str) -> list[tuple[str, object]]:
        rows = [f"K{n},C1,A1,{text},phone,no_answer" for n, text in enumerate((*texts, *others))]
        header = "contact_id,customer_id,collector_id,contacted_at,channel,outcome"
        content = "\n".join([header, *rows, ""])
        (load,) = stage(
            tmp_path, "contact_log.csv", content, source=canonical_mapping(timezone=timezone)
        )
        good = accepted(load).select("contact_id", "contacted_at").rows()
        bad = quarantined(load).select("row_key", "reason_code").rows()
        last = f"K{len(texts)}"
        return sorted(row for row in (*good, *bad) if row[0] != last)

    assert meanings() == meanings("yesterday")


@pytest.mark.parametrize(
    ("document_id", "reason_code"),
    [
        ("=1+2", "FORMULA"),
        ("@x", "FORMULA"),
        ("+15", "FORMULA"),
        ("-x|y", "FORMULA"),
        (" =1", "FORMULA"),
        ("1.23E+15", "ID_PRECISION_LOST"),
        ("4e+7", "ID_PRECISION_LOST"),
        ("a=1", None),
        ("a@b", None),
        ("15+", None),
        ("a(-x)", None),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_identifier_is_no_formula(
    document_id: str, reason_code: str | None, line_end: str, tmp_path: Path
) -> None:
    row = f"{document_id},C001,invoice,2026-06-15,2026-07-15,USD,1.00"
    (load,) = stage(tmp_path, "ledger.csv", ledger_csv(GOOD_ROW, row).replace("\n", line_end))
    found = quarantined(load)["reason_code"].to_list()
    assert found == ([] if reason_code is None else [reason_code])


@pytest.mark.parametrize("few_rows", [20_000, 0])
def test_columns_of_one_value_are_text_to_every_reader(
    few_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_FEW_ROWS", few_rows)
    (load,) = stage(tmp_path, "ledger.csv", ledger_csv(GOOD_ROW))
    names = ["legal_status", "dispute_reason", "_source", "_source_file", "_delivery_kind"]
    assert load.parquet is not None
    arrow = pq.read_table(load.parquet, columns=names)
    with duckdb.connect() as connection:
        rows = connection.read_parquet(str(load.parquet)).project(", ".join(names))
        types, found = rows.types, rows.fetchall()
    values = ("none", None, "canonical", "ledger.csv", "delta")
    assert set(arrow.schema.types) == {pa.large_string()}
    assert set(types) == {"VARCHAR"}
    assert arrow.to_pylist() == [dict(zip(names, values, strict=True))]
    assert found == [values]
    assert accepted(load).select(names).rows() == [values]


def test_rows_keep_their_numbers_and_raw_text(tmp_path: Path) -> None:
    bad = 'INV-9,C001,invoice,2026-06-15,2026-07-15,USD,"1,5"'
    (load,) = stage(tmp_path, "ledger.csv", ledger_csv(GOOD_ROW, "", bad))
    assert accepted(load)["_row_number"].to_list() == [1]
    assert quarantined(load).select(
        "row_number", "raw_text", "row_key", "column_name", "found"
    ).row(0) == (2, bad, "main|INV-9|1", "amount", "1,5")


@pytest.mark.parametrize("quoted", [False, True])
def test_repeated_rows_count_as_duplicates_and_conflicts_are_quarantined(
    tmp_path: Path, quoted: bool
) -> None:
    lines = [f"INV-{n},C001,invoice,2026-06-15,,USD,{n}.00" for n in range(1, 50)]
    lines += [
        "INV-7,C001,invoice,2026-06-15,,USD,7",
        lines[8],
        "INV-5,C001,invoice,2026-06-15,,USD,6",
    ]
    if quoted:
        lines[0] = lines[0].replace("C001", '"C001"')
    (load,) = stage(tmp_path, "ledger.csv", ledger_csv(*lines))
    record = load.record
    assert (record.rows_read, record.rows_accepted, record.rows_duplicate) == (52, 48, 2)
    assert (record.amount_duplicate, record.amount_quarantined) == (Decimal(16), Decimal(11))
    assert accepted(load)["_row_number"].is_sorted()
    conflicts = quarantined(load)
    assert conflicts["reason_code"].unique().to_list() == ["DUPLICATE_KEY_CONFLICT"]
    assert conflicts["row_key"].unique().to_list() == ["main|INV-5|1"]
    assert conflicts["raw_text"].to_list() == [lines[4], lines[51]]


def test_repeated_keys_are_found_in_every_partition_of_the_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.staging._HASH_PARTITION_ROWS", 10)
    lines = [f"INV-{n},C001,invoice,2026-06-15,,USD,{n}.00" for n in range(1, 61)]
    (load,) = stage(tmp_path, "ledger.csv", ledger_csv(*lines, *lines))
    assert (load.record.rows_accepted, load.record.rows_duplicate) == (60, 60)
    assert accepted(load)["_row_number"].to_list() == list(range(1, 61))


def bad_rows(bad: int, good: int) -> str:
    """A ledger with so many bad and good rows."""
    rows = [f"INV-{n},C001,invoice,2026-06-15,,USD,1.00" for n in range(good)]
    rows += [f"BAD-{n},C001,invoice,2026-06-15,,USD,x" for n in range(bad)]
    return ledger_csv(*rows)


@pytest.mark.parametrize(
    ("bad", "good", "status"),
    [(20, 5, "admitted"), (21, 5, "rejected"), (21, 399, "admitted"), (21, 398, "rejected")],
)
def test_a_file_is_rejected_above_twenty_bad_rows_that_are_above_five_percent(
    tmp_path: Path, bad: int, good: int, status: str
) -> None:
    (load,) = stage(tmp_path, "ledger.csv", bad_rows(bad, good))
    assert load.record.status == status
    assert load.record.rows_quarantined == bad
    if status == "rejected":
        assert load.record.reason_code == "TOO_MANY_BAD_ROWS"


def split_source(**settings_: object) -> SourceMapping:
    """One file that is a ledger and its payments."""
    return SourceMapping.model_validate(
        {
            "source": "shop",
            "quarantine": settings_.pop("quarantine", {}),
            "files": [
                {
                    "pattern": "sales*",
                    "drop_rows": ["id in ('sum', 'count')"],
                    **settings_,
                    "extracts": [
                        {
                            "extract": "ledger",
                            "where": "kind = 'sale'",
                            "columns": {
                                "document_id": "id",
                                "customer_id": "customer",
                                "document_type": {"value": "invoice"},
                                "document_date": "day",
                                "currency_code": {"value": "USD"},
                                "amount": "amount",
                            },
                        },
                        {
                            "extract": "payments",
                            "where": "kind = 'cash'",
                            "columns": {
                                "payment_id": "id",
                                "customer_id": "customer",
                                "payment_date": "day",
                                "currency_code": {"value": "USD"},
                                "amount": {"column": "amount", "absolute": True},
                            },
                        },
                    ],
                }
            ],
        }
    )


SALES = (
    "id,kind,customer,day,amount\n"
    "S1,sale,C1,2026-06-01,10.00\n"
    "S2,sale,C1,2026-06-01,20.005\n"
    "P1,cash,C1,2026-06-02,-10.00\n"
    "X1,note,C1,2026-06-02,3.00\n"
    "sum,,,,23.005\n"
)


def test_one_file_feeds_two_extracts_and_both_balance(tmp_path: Path) -> None:
    ledger, payments = stage(tmp_path, "sales.csv", SALES, source=split_source())
    first, second = ledger.record, payments.record
    assert (
        first.rows_read,
        first.rows_accepted,
        first.rows_quarantined,
        first.rows_filtered,
        first.rows_dropped,
    ) == (5, 1, 1, 2, 1)
    assert (first.amount_read, first.amount_accepted, first.amount_filtered) == (
        Decimal("3.00"),
        Decimal("10.00"),
        Decimal("-7.00"),
    )
    assert (second.rows_accepted, second.rows_filtered, second.rows_dropped) == (1, 3, 1)
    assert accepted(payments)["amount"].to_list() == [Decimal("10.00")]
    assert first.load_id != second.load_id


def test_one_bad_extract_rejects_the_whole_file(tmp_path: Path) -> None:
    loads = stage(
        tmp_path,
        "sales.csv",
        SALES,
        source=split_source(quarantine={"max_rows": 0, "max_rate": "0.05"}),
    )
    assert [load.record.status for load in loads] == ["rejected", "rejected"]
    assert {load.record.reason_code for load in loads} == {"TOO_MANY_BAD_ROWS"}


def test_control_totals_hold_for_the_records_of_the_file(tmp_path: Path) -> None:
    text = SALES.replace("20.005", "20.00")
    good = {"row_count": 4, "amount": "23.00"}
    for load in stage(tmp_path, "sales.csv", text, source=split_source(), control=good):
        assert load.record.status == "admitted"
        assert load.record.control_row_count == 4
    wrong_sum = {"amount": "23.01"}
    for load in stage(tmp_path, "sales.csv", text, source=split_source(), control=wrong_sum):
        assert (load.record.status, load.record.reason_code) == ("rejected", "CONTROL_TOTAL")
    declared = split_source(control={"row_count": 5})
    (ledger, _) = stage(tmp_path, "sales.csv", text, source=declared)
    assert ledger.record.reason_code == "CONTROL_TOTAL"
    (ledger, _) = stage(tmp_path, "sales.csv", text, source=declared, control=good)
    assert ledger.record.status == "admitted", "the file beside the delivery wins"
    (ledger, _) = stage(tmp_path, "sales.csv", text, source=declared, control={"sum": 1})
    assert ledger.record.reason_code == "CONTROL_TOTAL"


def test_a_duplicate_file_is_only_counted(tmp_path: Path) -> None:
    loads = stage(tmp_path, "sales.csv", SALES, source=split_source(), is_duplicate=True)
    record = loads[0].record
    assert record.status == "duplicate"
    assert (record.rows_read, record.rows_duplicate, record.rows_filtered) == (5, 2, 2)
    assert loads[0].parquet is None
    assert loads[0].quarantine is None


def test_a_mapped_column_that_vanished_rejects_the_file(tmp_path: Path) -> None:
    (ledger, _) = stage(
        tmp_path, "sales.csv", SALES.replace("customer", "client"), source=split_source()
    )
    assert ledger.record.reason_code == "MISSING_COLUMN"
    assert "customer" in str(ledger.record.reason_detail)


def test_an_expression_that_cannot_run_rejects_the_file(tmp_path: Path) -> None:
    source = split_source(drop_rows=["cast(amount as bigint) = 1"])
    (ledger, _) = stage(tmp_path, "sales.csv", SALES, source=source)
    assert ledger.record.reason_code == "CORRUPT_FILE"
    assert "expression" in str(ledger.record.reason_detail)


def test_null_words_and_padding(tmp_path: Path) -> None:
    source = split_source(nulls=["", "--"], drop_rows=["id = '--'", "id is null"])
    text = SALES.replace("sum,,", " -- ,,").replace("S1,sale,C1", "S1 , sale,--")
    (ledger, _) = stage(tmp_path, "sales.csv", text, source=source)
    assert ledger.record.rows_dropped == 1
    reasons = quarantined(ledger)
    assert sorted(reasons["reason_code"]) == ["AMOUNT_SCALE", "MISSING_KEY"]
    assert reasons["raw_text"][0] == "S1 , sale,--,2026-06-01,10.00"


def test_packed_and_plain_files_give_the_same_rows(tmp_path: Path) -> None:
    text = ledger_csv(GOOD_ROW).encode()
    (plain,) = stage(tmp_path, "ledger.csv", text)
    expected = accepted(plain).drop(pl.selectors.starts_with("_"))
    (packed,) = stage(tmp_path, "ledger.csv.gz", gzip.compress(text))
    assert accepted(packed).drop(pl.selectors.starts_with("_")).equals(expected)


def outcome(load: StagedLoad) -> tuple[dict[str, object], dict[str, object]]:
    """What became of the rows, whatever path was taken."""
    rows = accepted(load).drop("_load_id").to_dict(as_series=False)
    reasons = quarantined(load).drop("load_id").to_dict(as_series=False)
    return rows, reasons


FIELDS = st.sampled_from(
    [
        "",
        "x",
        "1.00",
        "2026-06-15",
        "80.005",
        "USD",
        "JPY",
        "invoice",
        "10.5",
        "-3.00",
        " y ",
        "合计",
    ]
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["I1", "I2", "I3", "I4", "", "=x"]),
            st.sampled_from(["C1", "C2", ""]),
            st.sampled_from(["invoice", "INVOICE", "adjustment", "other"]),
            st.sampled_from(["2026-06-15", "15/06/26", "2026-02-30", "9999-12-31"]),
            FIELDS,
            st.sampled_from(["USD", "JPY", "usd", "DEM"]),
            FIELDS,
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_fast_and_the_exact_path_agree_and_balance(
    tmp_path: Path, rows: list[tuple[str, ...]]
) -> None:
    lines = [",".join(row) for row in rows]
    (fast,) = stage(tmp_path, "ledger.csv", ledger_csv(*lines))
    quoted_header = ",".join(f'"{name}"' for name in LEDGER_HEADER.split(","))
    first = f'"{rows[0][0]}",' + ",".join(rows[0][1:])
    (exact,) = stage(tmp_path, "ledger.csv", ledger_csv(first, *lines[1:], header=quoted_header))
    fast_rows, fast_reasons = outcome(fast)
    exact_rows, exact_reasons = outcome(exact)
    assert fast_rows == exact_rows
    fast_reasons.pop("raw_text")
    exact_reasons.pop("raw_text")
    assert fast_reasons == exact_reasons


@given(st.lists(st.text(alphabet='a," \u4e00', max_size=8), min_size=1, max_size=6))
def test_fields_are_split_as_they_were_joined(fields: list[str]) -> None:
    joined = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
    assert _fields_of(joined, ",") == (fields, False, False)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("note_length", [10, 65_000, 66_000, 200_000])
def test_rows_are_counted_across_chunks_whatever_their_length(
    tmp_path: Path, line_end: str, note_length: int
) -> None:
    rows = [f"D{n},C1,invoice,2026-06-01,USD,1.00,{'x' * (n % 97)}" for n in range(30_000)]
    rows[17_000] = f"D17000,C1,invoice,2026-06-01,USD,1.00,{'y' * note_length}"
    header = "document_id,customer_id,document_type,document_date,currency_code,amount,description"
    (load,) = stage(tmp_path, "ledger.csv", line_end.join([header, *rows]))
    is_too_long = note_length > 65_536
    assert load.record.rows_read == 30_000
    assert load.record.rows_accepted == 30_000 - is_too_long
    assert quarantined(load)["reason_code"].to_list() == ["FIELD_TOO_LARGE"] * is_too_long
    notes = accepted(load).filter(pl.col("document_id") == "D29999")["description"]
    assert notes.to_list() == ["x" * (29_999 % 97)]


@pytest.mark.parametrize("note_length", [65_536, 65_537])
def test_a_long_text_in_parquet_is_a_bad_row(tmp_path: Path, note_length: int) -> None:
    row = dict(zip(LEDGER_HEADER.split(","), GOOD_ROW.split(","), strict=True))
    rows = [
        {**row, "description": "ok"},
        {**row, "document_id": "I2", "description": "文" * note_length},
    ]
    buffer = io.BytesIO()
    pl.DataFrame(rows).write_parquet(buffer)
    (load,) = stage(tmp_path, "ledger.parquet", buffer.getvalue())
    is_too_long = note_length > 65_536
    assert load.record.rows_accepted == 2 - is_too_long
    bad = quarantined(load)
    assert bad["reason_code"].to_list() == ["FIELD_TOO_LARGE"] * is_too_long
    if is_too_long:
        assert bad["raw_text"][0].startswith("I2\tC001\tinvoice\t")
        assert load.record.amount_quarantined == Decimal("1200.50")


def test_the_texts_of_a_workbook_have_a_limit_of_their_own(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate((LEDGER_HEADER, GOOD_ROW)):
            sheet.write_row(number, 0, line.split(","))
    limits = Limits(max_string_bytes=200)
    (load,) = stage(tmp_path, "ledger.xlsx", buffer.getvalue(), limits=limits)
    assert load.record.reason_code == "TOO_LARGE"
    assert "200 bytes of texts" in (load.record.reason_detail or "")
