"""The competitors agree where they are the same, and a difference is found where there is one."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import data
from benchmarks.growth_chart import draw as draw_growth
from benchmarks.measure import Cost
from benchmarks.others import duckdb_sql, pandas_month_loop, pandas_vectorised, row_by_row
from benchmarks.others.agreement import DisagreementError, check_answers
from benchmarks.others.questions import ANSWERS, FIRST_MONTH, MONTH_ENDS
from benchmarks.side_by_side import COMPETITORS, Result, draw

WITHOUT_INSTALLATION: dict[str, Callable[[Path, Path], None]] = {
    "DuckDB": duckdb_sql.main,
    "pandas": pandas_vectorised.main,
    "pandas month by month": pandas_month_loop.main,
    "row by row": row_by_row.main,
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of answers for one company of 500 documents, by competitor."""
    folder = tmp_path_factory.mktemp("side_by_side")
    data.write_extracts(folder / "extracts", documents=500)
    folders = {name: folder / name for name in WITHOUT_INSTALLATION}
    for name, answer in WITHOUT_INSTALLATION.items():
        answer(folder / "extracts", folders[name])
    return folders


def test_the_competitors_agree_to_the_cent(answers: dict[str, Path]) -> None:
    counts = check_answers(answers)
    assert set(counts) == set(ANSWERS)
    assert counts["turnover"] == len(MONTH_ENDS)
    assert min(counts.values()) > 0


@pytest.mark.parametrize("question", ANSWERS)
def test_a_cent_too_much_stops_the_comparison(
    answers: dict[str, Path], tmp_path: Path, question: str
) -> None:
    for name in ANSWERS:
        (tmp_path / f"{name}.csv").write_text((answers["row by row"] / f"{name}.csv").read_text())
    altered = tmp_path / f"{question}.csv"
    lines = altered.read_text().splitlines()
    *cells, last = lines[-1].split(",")
    altered.write_text("\n".join([*lines[:-1], ",".join([*cells, str(int(last) + 1)])]))
    with pytest.raises(DisagreementError, match=f"differ in {question}"):
        check_answers({"DuckDB": answers["DuckDB"], "altered": tmp_path})


def test_a_row_that_is_there_twice_stops_the_comparison(
    answers: dict[str, Path], tmp_path: Path
) -> None:
    for name in ANSWERS:
        text = (answers["row by row"] / f"{name}.csv").read_text()
        (tmp_path / f"{name}.csv").write_text(text + text.splitlines()[-1] + "\n")
    with pytest.raises(DisagreementError, match="twice"):
        check_answers({"DuckDB": answers["DuckDB"], "twice": tmp_path})


def test_the_questions_are_about_the_months_of_the_data() -> None:
    assert data.FIRST_DAY == FIRST_MONTH
    assert MONTH_ENDS[-1] == data.LAST_DAY


def test_the_chart_of_the_competitors_shows_every_one_of_them() -> None:
    results = [
        Result(competitor, Cost(10.0**number / 100, 1.0, 50.0 + number), {})
        for number, competitor in enumerate(COMPETITORS)
    ]
    drawing = ElementTree.fromstring(draw(100_000, results))  # noqa: S314
    words = {element.text for element in drawing.iter(f"{SVG}text")}
    assert {competitor.label for competitor in COMPETITORS} <= words


def test_the_chart_of_growth_shows_every_measurement(tmp_path: Path) -> None:
    measurements = tmp_path / "measurements.jsonl"
    measurements.write_text(
        "".join(
            f'{{"documents": {documents}, "stage": "{stage}", "cpu_seconds": {cpu}, '
            f'"wall_seconds": 1, "peak_mib": {memory}}}\n'
            for documents, stage, cpu, memory in (
                (1_000, "full build", 41, 301),
                (1_000_000, "full build", 4_003, 3_005),
                (1_000, "daily refresh", 23, 302),
                (1_000_000, "daily refresh", 61, 407),
            )
        )
    )
    chart = tmp_path / "made" / "growth.svg"
    draw_growth(measurements, chart)
    drawing = ElementTree.fromstring(chart.read_text("utf-8"))  # noqa: S314
    words = {element.text for element in drawing.iter(f"{SVG}text")}
    assert {"41", "4,003", "23", "61", "301", "3,005", "302", "407", "1 k", "1 M"} <= words
    assert {"Full build", "Daily refresh"} <= words


def test_a_measurement_without_its_memory_is_refused(tmp_path: Path) -> None:
    measurements = tmp_path / "measurements.jsonl"
    measurements.write_text('{"documents": 1, "stage": "full build", "cpu_seconds": 1}\n')
    with pytest.raises(ValueError, match=r"measurements.jsonl:1"):
        draw_growth(measurements, tmp_path / "growth.svg")
