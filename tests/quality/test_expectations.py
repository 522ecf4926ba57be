"""Every expectation of every extract: met by valid rows at its limits, broken by one row.

All loads of an extract are judged together, each from a source of its own: one valid load, and for
each expectation one that breaks it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from quality import ExpectationResult, LoadUnderJudgement, expectation_codes, judge_loads
from quality.contracts import CONTRACTS
from tests.quality.staged_loads import (
    ALL_BREAKS,
    ALSO_BROKEN,
    KNOWN_ROWS,
    STAGED_ROWS,
    Load,
    broken_loads,
    valid_load,
    write_history,
    write_lake,
    write_totals,
)

Results = Mapping[str, Sequence[ExpectationResult]]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Results]:
    """Results by extract and load."""
    return {extract: _judge(extract, tmp_path_factory.mktemp(extract)) for extract in CONTRACTS}


def _judge(extract: str, folder: Path) -> Results:
    loads = [valid_load(extract), *broken_loads(extract)]
    loads[0].controls = {"control_row_count": loads[0].row_count}
    if loads[0].amount is not None:
        loads[0].controls["control_amount"] = loads[0].amount
    loads[0].history = [(loads[0].row_count, loads[0].amount or 0)] * 10
    lake = folder / "lake"
    for known, rows in KNOWN_ROWS.items():
        write_lake(lake, known, rows)
    write_history(lake, loads)
    if extract != "control_totals":
        write_totals(lake, loads)
    staged_other = {
        other: [Load(other, "erp", list(rows)).stage(folder / other).parquet]
        for other, rows in STAGED_ROWS.items()
    }
    under_judgement: list[LoadUnderJudgement] = [load.stage(folder / "staged") for load in loads]
    results: dict[str, list[ExpectationResult]] = {}
    for result in judge_loads(
        extract, under_judgement, lake=lake, run_id="run", staged_other=staged_other
    ):
        results.setdefault(result.load_id, []).append(result)
    return results


CASES = [(extract, code) for extract in CONTRACTS for code, _, _ in expectation_codes(extract)]


@pytest.mark.parametrize("extract", CONTRACTS)
def test_every_expectation_has_a_load_that_breaks_it(extract: str) -> None:
    codes = [code for code, _, _ in expectation_codes(extract)]
    assert sorted(ALL_BREAKS[extract]) == sorted(codes)
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("extract", CONTRACTS)
def test_a_valid_load_meets_every_expectation(judged: Mapping[str, Results], extract: str) -> None:
    results = judged[extract]["valid"]
    assert [one.expectation_code for one in results if not one.is_met] == []
    assert [(one.expectation_code, one.severity, one.description) for one in results] == (
        expectation_codes(extract)
    )


@pytest.mark.parametrize(("extract", "code"), CASES)
def test_a_broken_load_fails_exactly_the_expectation_it_breaks(
    judged: Mapping[str, Results], extract: str, code: str
) -> None:
    broken = {one.expectation_code: one for one in judged[extract][code] if not one.is_met}
    assert set(broken) == {code} | ALSO_BROKEN.get((extract, code), frozenset())
    assert broken[code].unexpected_count >= 1
    assert broken[code].observed


@pytest.mark.parametrize("extract", CONTRACTS)
def test_rows_read_in_place_are_judged_like_copied_ones(
    judged: Mapping[str, Results],
    extract: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quality.staged.MOST_ROWS_COPIED", 0)
    assert _judge(extract, tmp_path) == judged[extract]
