"""The questions of docs/questions.md have the answers that the page shows, of the sample company.

The company has its default size, as `make run` writes it, so that a reader finds these answers.
"""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from ingest.lake import Folders, admit, initialise, stage_pending
from ingest.mappings import load_mappings
from ingest.sample import Settings, write_company
from tests.builds import build
from tests.docs.questions import PAGE, answer, questions
from tests.warehouse import write_run_parameters

pytestmark = pytest.mark.warehouse

SOURCES = Path(__file__).resolve().parents[2] / "ingest" / "sources"
QUESTIONS = list(questions(PAGE.read_text("utf-8")))


def build_sample(home: Path) -> Path:
    """The sample company's warehouse, without what judges and publishes it."""
    settings = Settings()
    folders = Folders.of_home(home)
    initialise(folders)
    write_company(folders.landing, settings)
    now = datetime(2026, 12, 31, tzinfo=UTC)
    run = stage_pending(
        folders,
        mappings=load_mappings(SOURCES),
        timezone=ZoneInfo("Asia/Shanghai"),
        now=now,
        run_id="questions",
        settle_seconds=0,
    )
    admit(folders, run, rejections={})
    write_run_parameters(home, as_of_date=settings.end_date, known_at=now.replace(tzinfo=None))
    return build(home)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sample(tmp_path_factory.mktemp("questions"))


def test_thirty_questions_are_answered() -> None:
    assert len(QUESTIONS) >= 30
    assert len({question.title for question in QUESTIONS}) == len(QUESTIONS)


# One test for all: the warehouse is built once, whichever worker asks first.
def test_every_question_has_the_answer_that_is_shown(sample: Path) -> None:
    with duckdb.connect(str(sample), read_only=True) as connection:
        wrong = {
            question.title: (question.shown, told)
            for question in QUESTIONS
            if (told := answer(connection, question.query)) != question.shown
        }
    assert not wrong
