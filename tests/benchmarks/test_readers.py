"""The fifty questions run on a published copy, and a wrong answer of a reader is found."""

import dataclasses
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks import readers
from benchmarks.queries import read_statements
from tests.conftest import SampleHome

STATEMENTS = read_statements(readers.QUESTIONS)

pytestmark = pytest.mark.warehouse


@pytest.fixture(scope="module")
def sets(sample_home: SampleHome) -> list[dict[str, Any]]:
    """Two sets of parameters drawn from the sample company."""
    copy = readers.published_copy(sample_home.home)
    with duckdb.connect(str(copy), read_only=True) as connection:
        return readers.draw_parameters(connection, random.Random(1), 2)  # noqa: S311


def read_once(home: Path, sets: list[dict[str, Any]]) -> list[readers.Read]:
    """All questions asked once."""
    return readers.read_round(readers.published_copy(home), STATEMENTS.items(), sets, 0)


def test_there_are_fifty_questions_and_half_have_parameters() -> None:
    assert len(STATEMENTS) == 50
    assert sum("$" in statement for statement in STATEMENTS.values()) == 25


@pytest.mark.parametrize("question", STATEMENTS)
def test_a_question_runs_on_the_published_copy(
    sample_home: SampleHome, sets: list[dict[str, Any]], question: str
) -> None:
    copy = readers.published_copy(sample_home.home)
    statement = STATEMENTS[question]
    with duckdb.connect(str(copy), read_only=True) as connection:
        for drawn in sets:
            connection.execute(statement, readers.parameters_of(statement, drawn)).fetchall()


def test_most_questions_have_an_answer(sample_home: SampleHome, sets: list[dict[str, Any]]) -> None:
    reads = read_once(sample_home.home, sets)
    assert [read.error for read in reads if read.error] == []
    empty = [read.question for read in reads if read.digest == readers.digest_of([])]
    assert len(empty) <= 10, empty


def test_answers_of_the_version_that_was_open_are_right(
    sample_home: SampleHome, sets: list[dict[str, Any]]
) -> None:
    reads = read_once(sample_home.home, sets)
    assert len(reads) == 50
    assert readers.find_wrong_reads(sample_home.home, reads, sets) == []


@pytest.mark.parametrize(
    "change",
    [{"digest": "another answer"}, {"version": 1_000_000}, {"error": "could not be read"}],
)
def test_an_answer_of_no_version_is_wrong(
    sample_home: SampleHome, sets: list[dict[str, Any]], change: dict[str, Any]
) -> None:
    first, *others = read_once(sample_home.home, sets)
    wrong = dataclasses.replace(first, **change)
    assert readers.find_wrong_reads(sample_home.home, [wrong, *others], sets) == [wrong]


def test_the_wait_that_is_told_is_one_that_was_waited() -> None:
    reads = [readers.Read("a_document", 0, 1, seconds / 1000, "") for seconds in range(100, 0, -1)]
    assert readers.waits(reads) == {"reads": 100, "p50_ms": 50.0, "p95_ms": 95.0}
