"""Judging loads: on which load a result lands, what loads are compared with, what is refused."""

import datetime as dt
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingest.extracts import EXTRACTS
from ingest.records import EXPECTATION_RESULT_SCHEMA
from quality import (
    ExpectationResult,
    LoadUnderJudgement,
    blocked_loads,
    databases,
    expectation_codes,
    judge_loads,
)
from quality.catalogue import CONTROLLED, SHAPE_CODES, SUITES, Expectation, Kind
from quality.contracts import CONTRACTS, METADATA, TYPE_FAMILIES
from quality.results import CRITICAL, WARNING
from quality.staged import StagedLoads
from tests.quality.staged_loads import (
    DELIVERY,
    Load,
    valid_load,
    write_history,
    write_lake,
)


def _judge(
    tmp_path: Path, loads: Sequence[LoadUnderJudgement], extract: str = "ledger"
) -> list[ExpectationResult]:
    return judge_loads(extract, loads, lake=tmp_path / "lake", run_id="run-1")


def _not_met(results: Sequence[ExpectationResult]) -> set[tuple[str, str]]:
    return {(one.load_id, one.expectation_code) for one in results if not one.is_met}


def _blocking(results: Sequence[ExpectationResult]) -> set[tuple[str, str]]:
    return {(one.load_id, one.expectation_code) for one in results if one.is_blocking}


def test_results_of_two_loads_land_on_the_right_load(tmp_path: Path) -> None:
    first, second = valid_load("ledger", "first"), valid_load("ledger", "second")
    first.rows[0]["document_type"] = None
    second.rows[1]["amount"] = Decimal("-1.00")
    second.rows[2]["amount"] = Decimal("-2.00")
    results = _judge(tmp_path, [first.stage(tmp_path), second.stage(tmp_path)])
    found = {
        (one.load_id, one.expectation_code): (one.unexpected_count, one.checked_count, one.sample)
        for one in results
        if not one.is_met and one.severity == CRITICAL
    }
    assert found == {
        ("first", "document_type_is_filled"): (1, 7, "main|D1|1 (row 1)"),
        ("second", "amount_is_not_negative"): (2, 7, "main|D2|1 (row 2); main|D3|1 (row 3)"),
    }
    assert [one.load_id for one in results] == ["first"] * len(SUITES["ledger"]) + ["second"] * len(
        SUITES["ledger"]
    )


def test_the_same_key_in_two_loads_is_no_duplicate(tmp_path: Path) -> None:
    loads = [valid_load("ledger", name).stage(tmp_path) for name in ("first", "second")]
    assert (
        _not_met(_judge(tmp_path, loads))
        & {
            ("first", "key_is_unique"),
            ("second", "key_is_unique"),
        }
        == set()
    )


def test_a_sample_names_the_keys_of_the_first_ten_rows_only(tmp_path: Path) -> None:
    load = valid_load("surveys", "long")
    load.rows = [
        {**load.rows[0], "survey_id": f"S{number:02}", "score": Decimal(101)}
        for number in range(25)
    ]
    (result,) = [
        one
        for one in _judge(tmp_path, [load.stage(tmp_path)], "surveys")
        if one.expectation_code == "score_is_in_range"
    ]
    assert result.unexpected_count == result.checked_count == 25
    assert result.sample == "; ".join(f"S{number:02} (row {number + 1})" for number in range(10))
    assert result.observed == "25 of 25 rows"


def test_a_load_that_lacks_a_column_is_asked_nothing_else_and_hides_no_other(
    tmp_path: Path,
) -> None:
    misshapen, broken = valid_load("payments", "misshapen"), valid_load("payments", "broken")
    misshapen.dropped_column = "amount"
    misshapen.rows[0]["payment_id"] = None
    broken.rows[0]["payment_id"] = None
    results = _judge(tmp_path, [misshapen.stage(tmp_path), broken.stage(tmp_path)], "payments")
    assert _blocking(results) == {
        ("misshapen", "columns_are_complete"),
        ("broken", "payment_id_is_filled"),
    }
    asked = {one.expectation_code for one in results if one.load_id == "misshapen"}
    assert asked == SHAPE_CODES
    assert "missing: amount" in {one.observed for one in results if not one.is_met}


def test_a_load_whose_columns_are_all_wrong_is_judged_alone(tmp_path: Path) -> None:
    load = valid_load("surveys", "floats")
    load.cast_column = "score"
    results = _judge(tmp_path, [load.stage(tmp_path)], "surveys")
    assert _not_met(results) == {("floats", "columns_have_the_right_type")}
    assert "score: expected decimal, found double" in {one.observed for one in results}


def test_a_load_without_rows_is_judged_by_its_totals(tmp_path: Path) -> None:
    empty = replace(
        valid_load("ledger", "empty").stage(tmp_path),
        parquet=None,
        rows_accepted=0,
        amount_accepted=Decimal(0),
        control_row_count=7,
    )
    assert _not_met(_judge(tmp_path, [empty])) == {("empty", "row_count_equals_the_file_control")}


def test_nothing_to_judge_gives_no_results(tmp_path: Path) -> None:
    assert _judge(tmp_path, []) == []


def test_counterparts_are_not_asked_for_where_their_extract_was_never_delivered(
    tmp_path: Path,
) -> None:
    load = valid_load("payments", "alone")
    load.rows[0] |= {"customer_id": "C9", "document_id": "D9"}
    assert _not_met(_judge(tmp_path, [load.stage(tmp_path)], "payments")) == {
        ("alone", "reversed_payment_is_known")
    }


def test_a_truncated_snapshot_is_refused_and_the_next_is_compared_with_the_last_whole_one(
    tmp_path: Path,
) -> None:
    def snapshot(name: str, day: int, row_count: int) -> Load:
        load = valid_load("ledger", name)
        load.rows = [{**load.rows[0], "document_id": f"D{number}"} for number in range(row_count)]
        load.source, load.delivery_kind = "erp", "full"
        load.delivery_date = DELIVERY + dt.timedelta(days=day)
        return load

    loads = [
        snapshot("whole", 0, 200),
        snapshot("truncated", 1, 10),
        snapshot("still_truncated", 2, 12),
        snapshot("half", 3, 100),
    ]
    results = _judge(tmp_path, [load.stage(tmp_path) for load in loads])
    drops = {
        one.load_id: one.observed
        for one in results
        if one.expectation_code == "full_delivery_keeps_its_volume" and one.is_blocking
    }
    assert drops == {
        "truncated": "10 rows, 200 in the full delivery before",
        "still_truncated": "12 rows, 200 in the full delivery before",
    }


def test_the_files_of_one_full_delivery_are_counted_together(tmp_path: Path) -> None:
    halves = [valid_load("ledger", name) for name in ("north", "south")]
    for half in halves:
        half.source, half.delivery_kind = "erp", "full"
        half.rows = [{**half.rows[0], "document_id": f"D{number}"} for number in range(11)]
    halves[0].history = [(40, Decimal(0))]
    write_history(tmp_path / "lake", halves)
    results = _judge(tmp_path, [half.stage(tmp_path) for half in halves])
    assert not [one for one in _not_met(results) if "volume" in one[1]]


def test_a_small_delta_is_no_volume_drop(tmp_path: Path) -> None:
    load = valid_load("ledger", "delta")
    load.history = [(1000, Decimal(0))]
    write_history(tmp_path / "lake", [load])
    assert _blocking(_judge(tmp_path, [load.stage(tmp_path)])) == set()


def test_deliveries_of_one_run_are_the_history_of_the_later_ones(tmp_path: Path) -> None:
    loads = []
    for day in range(6):
        load = valid_load("surveys", f"day_{day}")
        row_count = 200 if day == 5 else 30
        load.rows = [{**load.rows[0], "survey_id": f"S{number}"} for number in range(row_count)]
        load.source = "crm"
        load.delivery_date = DELIVERY + dt.timedelta(days=day)
        loads.append(load.stage(tmp_path))
    results = _judge(tmp_path, loads, "surveys")
    assert _not_met(results) == {("day_5", "volume_is_usual")}
    assert "200 rows, usually 30" in {one.observed for one in results}


def _control_total(lake: Path, load: Load, row_count: int, amount: str) -> None:
    write_lake(
        lake,
        "control_totals",
        [
            {
                "extract": load.extract,
                "delivery_date": load.delivery_date,
                "source": load.source,
                "row_count": row_count,
                "amount": Decimal(amount),
            }
        ],
    )


def _two_files(source: str) -> list[Load]:
    loads = [valid_load("ledger", name) for name in ("north", "south")]
    for load in loads:
        load.source = source
        load.rows = load.rows[:2]
    return loads


def test_a_control_total_speaks_of_all_files_of_a_delivery(tmp_path: Path) -> None:
    loads = _two_files("erp")
    _control_total(tmp_path / "lake", loads[0], 4, "400.00")
    assert _not_met(_judge(tmp_path, [load.stage(tmp_path) for load in loads])) == set()
    assert _not_met(_judge(tmp_path, [loads[0].stage(tmp_path)])) == {
        ("north", "row_count_equals_the_control_total"),
        ("north", "amount_equals_the_control_total"),
    }


def test_a_control_total_counts_files_of_the_delivery_that_were_admitted_before(
    tmp_path: Path,
) -> None:
    lake = tmp_path / "lake"
    north, south = _two_files("erp")
    _control_total(lake, north, 4, "400.00")
    north.delivery_date += dt.timedelta(days=1)
    north.history = [(2, Decimal("200.00"))]
    write_history(lake, [north])
    assert _not_met(_judge(tmp_path, [south.stage(tmp_path)])) == set()


def test_rows_that_ingest_kept_aside_count_for_controls(tmp_path: Path) -> None:
    load = valid_load("ledger", "quarantined").stage(tmp_path)
    assert load.amount_accepted is not None
    announced = replace(
        load, control_row_count=8, control_amount=load.amount_accepted + Decimal("9.99")
    )
    assert _blocking(_judge(tmp_path, [announced])) == {
        ("quarantined", "row_count_equals_the_file_control"),
        ("quarantined", "amount_equals_the_file_control"),
    }
    accounted = replace(
        announced, rows_delivered=8, amount_delivered=load.amount_accepted + Decimal("9.99")
    )
    assert _blocking(_judge(tmp_path, [accounted])) == set()


def test_rows_of_other_extracts_count_for_the_control_of_the_file_only(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    load = valid_load("ledger", "shared")
    load.source = "erp"
    _control_total(lake, load, 7, str(load.amount))
    staged = load.stage(tmp_path)
    assert staged.amount_accepted is not None
    shared = replace(
        staged,
        rows_filtered=3,
        amount_filtered=Decimal("30.00"),
        control_row_count=10,
        control_amount=staged.amount_accepted + Decimal("30.00"),
    )
    assert _blocking(_judge(tmp_path, [shared])) == set()


@pytest.mark.parametrize(
    ("announced", "is_met"), [("110.00", True), ("90.00", True), ("100.00", False)]
)
def test_a_sender_may_add_its_credits_or_take_them_off(
    tmp_path: Path, announced: str, is_met: bool
) -> None:
    load = valid_load("ledger", "credits")
    invoice = {**load.rows[0], "amount": Decimal("100.00")}
    credit = {**invoice, "document_id": "M", "document_type": "credit_memo"}
    load.rows = [invoice, {**credit, "amount": Decimal("10.00")}]
    load.source = "erp"
    _control_total(tmp_path / "lake", load, 2, announced)
    staged = replace(load.stage(tmp_path), control_amount=Decimal(announced))
    expected = (
        set()
        if is_met
        else {
            ("credits", "amount_equals_the_file_control"),
            ("credits", "amount_equals_the_control_total"),
        }
    )
    assert _blocking(_judge(tmp_path, [staged])) == expected


def test_blocked_loads_say_why(tmp_path: Path) -> None:
    load = valid_load("ledger", "bad")
    load.rows[0] |= {"legal_status": "sued", "amount": Decimal(0)}
    reasons = blocked_loads(_judge(tmp_path, [load.stage(tmp_path)]))
    assert set(reasons) == {"bad"}
    assert "legal_status_is_a_known_code" in reasons["bad"]
    assert "main|D1|1 (row 1)" in reasons["bad"]
    assert "amount_is_not_zero" not in reasons["bad"]


def test_results_have_the_columns_of_the_lake_table() -> None:
    assert [field.name for field in fields(ExpectationResult)] == list(EXPECTATION_RESULT_SCHEMA)


def _family(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Decimal):
        return "decimal"
    if dtype.is_integer():
        return "integer"
    return {pl.String: "text", pl.Date: "date", pl.Datetime: "instant", pl.Boolean: "boolean"}[
        dtype.base_type()
    ]


@pytest.mark.parametrize("extract", EXTRACTS)
def test_the_contracts_of_ingest_and_quality_agree(extract: str) -> None:
    ours, theirs = CONTRACTS[extract], EXTRACTS[extract]
    assert {name: _family(dtype) for name, dtype in theirs.schema.items()} == dict(ours.columns)
    assert {name: _family(dtype) for name, dtype in theirs.lake_schema.items()} == {
        **ours.columns,
        **METADATA,
    }
    assert theirs.key == ours.key
    assert theirs.amount_column == ours.amount_column


@pytest.mark.parametrize("extract", EXTRACTS)
def test_what_ingest_requires_and_lists_is_expected(extract: str) -> None:
    filled = {one.columns[0] for one in SUITES[extract] if one.kind == "not_null"}
    codes = {one.columns[0]: one.values for one in SUITES[extract] if one.kind == "in_set"}
    required = {
        column.name
        for column in EXTRACTS[extract].columns
        if column.is_required or column.default is not None
    }
    assert filled == required
    assert {column.name: column.codes for column in EXTRACTS[extract].columns if column.codes} == {
        name: values for name, values in codes.items() if name != "extract"
    }


def test_there_is_a_suite_for_every_extract() -> None:
    assert set(SUITES) == set(EXTRACTS) == set(CONTROLLED) - {"gl_balance"}
    assert all(
        severity in {CRITICAL, WARNING} and description.endswith(".")
        for extract in EXTRACTS
        for _, severity, description in expectation_codes(extract)
    )


def test_a_float_belongs_to_no_type_family() -> None:
    assert not {"FLOAT", "DOUBLE"} & set(TYPE_FAMILIES)


def _numbers(folder: Path) -> Path:
    database = folder / "numbers.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create table numbers as select 'load' as _load_id, i as _row_number,"
            " case when i < 3 then i end as number, 3 - i as rest, i % 2 as parity"
            " from range(4) as t (i)"
        )
    return database


FAILING: Sequence[tuple[Kind, dict[str, object], int]] = [
    ("not_null", {"columns": ("number",)}, 1),
    ("in_set", {"columns": ("number",), "values": ("1",)}, 2),
    ("between", {"columns": ("number",), "minimum": 1}, 1),
    ("between", {"columns": ("number",), "maximum": 1}, 1),
    ("not_less", {"columns": ("number", "rest")}, 2),
    ("equal", {"columns": ("number", "parity")}, 1),
    ("unique", {"columns": ("_load_id", "parity")}, 4),
    ("never", {"condition": "number > 0"}, 2),
    ("never", {"condition": "number in (select parity from numbers) or parity is null"}, 2),
    ("sql", {"query": "select * from {batch} where number > 0"}, 2),
]


@pytest.mark.parametrize(("kind", "settings", "unexpected_count"), FAILING)
def test_a_failing_expectation_really_fails_on_duckdb(
    tmp_path: Path, kind: Kind, settings: dict[str, object], unexpected_count: int
) -> None:
    from quality.validation import validate

    expectation = Expectation("code", CRITICAL, "Words.", kind, **settings)  # type: ignore[arg-type]
    (validation,) = validate(
        _numbers(tmp_path), {"numbers": [expectation]}, name="numbers", run_id="run", config={}
    )
    assert validation.counts == [unexpected_count]
    assert not validation.result.success


def test_rows_that_lack_the_same_values_of_a_key_share_it(tmp_path: Path) -> None:
    load = valid_load("ledger", "incomplete")
    for row in load.rows[:2]:
        row |= {"document_id": None}
    found = {
        one.expectation_code: one.unexpected_count
        for one in _judge(tmp_path, [load.stage(tmp_path)])
        if not one.is_met
    }
    assert found["key_is_unique"] == found["document_id_is_filled"] == 2


def test_an_expectation_that_cannot_be_evaluated_raises(tmp_path: Path) -> None:
    from quality.validation import validate

    broken = Expectation("broken", WARNING, "Words.", "sql", query="select nothing from {batch}")
    with pytest.raises(RuntimeError, match=r"broken could not be evaluated: .*nothing"):
        validate(_numbers(tmp_path), {"numbers": [broken]}, name="n", run_id="run", config={})


def test_a_suite_cannot_read_files(tmp_path: Path) -> None:
    from quality.validation import validate

    (tmp_path / "secret.csv").write_text("a\n1\n")
    curious = Expectation(
        "curious",
        WARNING,
        "Words.",
        "sql",
        query=f"select * from '{tmp_path}/secret.csv', {{batch}}",  # noqa: S608
    )
    with pytest.raises(RuntimeError, match="disabled by configuration"):
        validate(_numbers(tmp_path), {"numbers": [curious]}, name="n", run_id="run", config={})


@pytest.mark.parametrize("most_rows_copied", [0, 1_000])
def test_a_judged_database_reads_its_own_loads_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_rows_copied: int
) -> None:
    monkeypatch.setattr("quality.staged.MOST_ROWS_COPIED", most_rows_copied)
    judged, other = (valid_load("customers", name).stage(tmp_path) for name in ("judged", "other"))
    staged = StagedLoads(
        "customers",
        [judged],
        path=tmp_path / "judged.duckdb",
        lake=tmp_path / "lake",
        staged_other={"customers": [other.parquet]} if other.parquet else {},
    )
    assert staged.files == ([] if most_rows_copied else [str(judged.parquet)])
    attempts = (
        f"from '{other.parquet}'",
        f"from '{tmp_path}/*.parquet'",
        f"from read_text('{__file__}')",
        f"copy (select 1) to '{tmp_path}/written.csv'",
        f"attach '{tmp_path}/attached.duckdb'",
        f"set allowed_paths = ['{other.parquet}']",
        "set enable_external_access = true",
    )
    with databases.connect_locked(staged.path, databases.SETTINGS, staged.files) as connection:
        assert connection.execute("select count(*) from judged_rows").fetchone() == (
            judged.rows_accepted,
        )
        for attempt in attempts:
            with pytest.raises(
                (duckdb.PermissionException, duckdb.InvalidInputException),
                match=r"disabled by config|has been locked",
            ):
                connection.execute(attempt)


@pytest.mark.parametrize("most_rows_copied", [0, 1_000])
@pytest.mark.parametrize("extract", CONTRACTS)
def test_personal_columns_are_not_in_the_judged_database(
    extract: str, most_rows_copied: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quality.staged.MOST_ROWS_COPIED", most_rows_copied)
    load = valid_load(extract).stage(tmp_path)
    staged = StagedLoads(
        extract, [load], path=tmp_path / "judged.duckdb", lake=tmp_path / "lake", staged_other={}
    )
    with duckdb.connect(str(staged.path)) as connection:
        columns = {
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns() where table_name = 'judged_rows'"
            ).fetchall()
        }
    assert columns == {*CONTRACTS[extract].columns, *METADATA} - CONTRACTS[extract].personal


def test_a_count_that_the_query_does_not_confirm_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quality import validation

    monkeypatch.setattr(validation, "_unexpected_count", lambda _: 5)
    load = valid_load("surveys").stage(tmp_path)
    with pytest.raises(validation.ContradictoryResultError, match="5 unexpected rows by Great"):
        _judge(tmp_path, [load], "surveys")


def test_importing_quality_loads_no_heavy_library() -> None:
    script = (
        "import sys, quality\n"
        "quality.expectation_codes('ledger')\n"
        "heavy = {'great_expectations', 'pandas', 'duckdb', 'sqlalchemy', 'polars'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_judgement_opens_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: socket.socket, address: object) -> None:
        raise AssertionError(f"a judgement connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    load = valid_load("surveys").stage(tmp_path)
    assert _blocking(_judge(tmp_path, [load], "surveys")) == set()
    assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
