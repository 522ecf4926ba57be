"""Judging loads and marts with Great Expectations before anybody builds on them.

Importing this package is cheap: the suites are plain data, and Great Expectations is loaded by the
first judgement. What happens to a load that fails is not decided here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from quality.catalogue import expectation_codes
from quality.mart_catalogue import mart_expectation_codes
from quality.results import ExpectationResult, LoadUnderJudgement, Severity, blocked_loads

__all__ = [
    "ExpectationResult",
    "LoadUnderJudgement",
    "Severity",
    "blocked_loads",
    "expectation_codes",
    "judge_loads",
    "judge_marts",
    "mart_expectation_codes",
]


def judge_loads(
    extract: str,
    loads: Sequence[LoadUnderJudgement],
    *,
    lake: Path,
    run_id: str,
    data_docs: Path | None = None,
    staged_other: Mapping[str, Sequence[Path]] | None = None,
    scratch: Path | None = None,
) -> list[ExpectationResult]:
    """Judge the staged loads of one extract by its suite.

    Args:
        extract: Name of the extract.
        loads: Its staged loads of this run, in any number and of any source and date.
        lake: The lake, for known counterparts and recent loads. It may be empty.
        run_id: The refresh that asks.
        data_docs: Folder of the Data Docs, or None to write none.
        staged_other: Staged files of this run by extract, as counterparts; those of `loads` are
            taken in any case.
        scratch: Folder for the temporary database; by default the system's.

    Returns:
        One result per load and expectation, in the order of loads and of the suite. A load whose
        rows cannot be read as declared has results only for the expectations that say so.
    """
    from quality import judgement

    return judgement.judge_loads(
        extract,
        loads,
        lake=lake,
        run_id=run_id,
        data_docs=data_docs,
        staged_other=staged_other,
        scratch=scratch,
    )


def judge_marts(
    warehouse_path: Path,
    family: str,
    *,
    run_id: str = "",
    data_docs: Path | None = None,
    continued: bool = False,
) -> list[ExpectationResult]:
    """Judge the marts of one family in the warehouse that dbt has built.

    Args:
        warehouse_path: The warehouse, which nobody is writing.
        family: Name of the family: a folder of the dbt project's marts.
        run_id: The refresh that asks.
        data_docs: Folder of the Data Docs, or None to write none.
        continued: Whether the warehouse continues a build of which every mart met everything, so
            that it is enough to look at what changed since.

    Returns:
        One result per mart and expectation; the mart stands as `source`. Of a mart that does not
        exist no expectation is met.

    Raises:
        KeyError: No such family.
    """
    from quality import mart_judgement

    return mart_judgement.judge_marts(
        warehouse_path, family, run_id=run_id, data_docs=data_docs, continued=continued
    )
