"""Measure this warehouse beside other ways to the same answers, in one run over the same files.

``python -m benchmarks.side_by_side [--documents N] [--folder F] [--only NAME ...]``. Every
competitor is a process of its own: it loads the same CSV extracts and answers the same questions.
Nothing is printed before all answers agree row by row, to the cent. What our environment does not
have is installed from a hash-pinned lock into a private environment; PostgreSQL's server comes from
the system's packages.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.charts import Bar, Panel, draw_bars
from benchmarks.growth_chart import write_mebibytes, write_seconds
from benchmarks.measure import ROOT, Cost, measure
from benchmarks.others.questions import ANSWERS, MONTH_ENDS
from benchmarks.others.sql import find_postgresql

LOCK = ROOT / "benchmarks" / "others" / "requirements.lock"
CHART = ROOT / "docs" / "benchmarks" / "side_by_side.svg"
STAGES = ("ingest", "suites", "parse", "build")
FLOOR, OURS = "duckdb_sql", "warehouse"
SWITCH = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
"""Becomes another interpreter, so that the process which is measured is the competitor's."""

WRITE = (
    "import sys, pathlib; from benchmarks.data import write_extracts; "
    "write_extracts(pathlib.Path(sys.argv[1]), documents=int(sys.argv[2]))"
)


@dataclass(frozen=True)
class Competitor:
    """One way to the answers.

    Attributes:
        module: Its module in `benchmarks.others`.
        label: Its name in the table and the chart.
        keeps: What is there after it ran, besides the answers.
        is_private: Whether it needs the private environment.
    """

    module: str
    label: str
    keeps: str
    is_private: bool = False


COMPETITORS = (
    Competitor("pandas_vectorised", "pandas, vectorised", "nothing; all rows in memory"),
    Competitor(FLOOR, "DuckDB, one SQL script (floor)", "tables of today"),
    Competitor("pandas_month_loop", "pandas, loop over months", "nothing; all rows in memory"),
    Competitor("dlt_duckdb", "dlt into DuckDB, same SQL", "tables of today, load ids", True),
    Competitor("postgresql", "PostgreSQL, same SQL", "tables of today, for many writers", True),
    Competitor("row_by_row", "Row by row in Python, as in ERPs", "nothing; all rows in memory"),
    Competitor(
        OURS,
        "Collections Warehouse, whole refresh",
        "files, every version, two times, tests, proofs",
    ),
)


@dataclass(frozen=True)
class Result:
    """What one competitor cost.

    Attributes:
        competitor: Whose it is.
        cost: Of the whole process; of ours the refresh and the reading together.
        step_cpu_seconds: CPU by step: `load` and the questions. Ours loads by its refresh.
    """

    competitor: Competitor
    cost: Cost
    step_cpu_seconds: Mapping[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the competitors, compare their answers, print and draw what they cost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work; removed afterwards when absent")
    parser.add_argument("--environment", type=Path, help="a private environment to make or reuse")
    parser.add_argument("--only", nargs="+", choices=[one.module for one in COMPETITORS])
    parser.add_argument("--chart", type=Path, default=CHART)
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    chosen = parser.parse_args(arguments)
    if chosen.folder:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        return _run(chosen.folder.resolve(), chosen)
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        return _run(Path(folder), chosen)


def _run(folder: Path, chosen: argparse.Namespace) -> int:
    home, staged = folder / "home", folder / "staged"
    for old in (home, staged, folder / "answers"):
        shutil.rmtree(old, ignore_errors=True)
    # A process's peak counts that of the one it was forked from, so this one has to stay small:
    # whatever needs memory is left to others.
    measure(["-c", WRITE, str(_landing(home)), str(chosen.documents)])
    shutil.copytree(_landing(home), _landing(staged))
    say(f"wrote the extracts of {chosen.documents:,} documents")

    competitors = [one for one in COMPETITORS if not chosen.only or one.module in chosen.only]
    private = None
    if any(one.is_private for one in competitors):
        private = private_environment((chosen.environment or folder / "environment").resolve())
    results, answers = [], {}
    for competitor in competitors:
        if competitor.module == "postgresql" and not has_postgresql():
            say(f"{competitor.label}: left out, as no server is installed and only root can.")
            continue
        target = folder / "answers" / competitor.module
        interpreter = private if competitor.is_private else None
        results.append(_measure(competitor, home, target, interpreter))
        answers[competitor.module] = target
        say(f"{competitor.label}: {results[-1].cost.cpu_seconds:.1f} CPU s")
    counts = _check(answers)
    if counts is None:
        return 1
    _print_results(results, counts)
    chosen.chart.parent.mkdir(parents=True, exist_ok=True)
    chosen.chart.write_text(draw(chosen.documents, results), "utf-8")
    say(f"drew {chosen.chart}")
    stages = {stage: _stage(stage, staged) for stage in STAGES} if OURS in answers else {}
    _print_stages(stages)
    if chosen.json:
        chosen.json.write_text(_as_json(chosen.documents, results, stages), "utf-8")
    return 0


def _check(answers: Mapping[str, Path]) -> dict[str, int] | None:
    """Compare all answers, in a process of their own for the same reason.

    Returns:
        Rows by question; null after the rows that differ were told.
    """
    from benchmarks.others.agreement import DisagreementError, check_answers

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(check_answers, answers).result()
        except DisagreementError as error:
            say(str(error))
            return None


def _landing(home: Path) -> Path:
    return home / "landing" / MONTH_ENDS[-1].isoformat() / "canonical"


def _environment(home: Path) -> dict[str, str]:
    return {"COLLECTIONS_HOME": str(home), "COLLECTIONS_REPORTING_CURRENCY": "CNY"}


def _stage(stage: str, home: Path) -> Cost:
    return measure(["-m", "benchmarks.stages", stage, str(home)], environment=_environment(home))


def _measure(competitor: Competitor, home: Path, target: Path, interpreter: Path | None) -> Result:
    """Run one competitor in a process of its own, ours after its refresh."""
    is_ours = competitor.module == OURS
    refresh = None
    if is_ours:
        refresh = measure(["-m", "orchestration.refresh"], environment=_environment(home))
    source = home if is_ours else _landing(home)
    command = ["-m", f"benchmarks.others.{competitor.module}", str(source), str(target)]
    if interpreter:
        command = ["-c", SWITCH, str(interpreter), *command]
    cost = measure(command)
    steps = json.loads((target / "steps.json").read_text("utf-8"))
    step_cpu_seconds = {step: float(found["cpu_seconds"]) for step, found in steps.items()}
    if refresh:
        step_cpu_seconds["load"] = refresh.cpu_seconds
        cost = Cost(
            cpu_seconds=refresh.cpu_seconds + cost.cpu_seconds,
            wall_seconds=refresh.wall_seconds + cost.wall_seconds,
            resident_mebibytes=max(refresh.resident_mebibytes, cost.resident_mebibytes),
        )
    return Result(competitor, cost, step_cpu_seconds)


def private_environment(folder: Path) -> Path:
    """The interpreter of an environment with what the lock names, made unless it is there."""
    interpreter = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        say(f"installing the other tools into {folder}")
        # Our own interpreter and the files of this project.
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)  # noqa: S603
        subprocess.run(  # noqa: S603
            [
                interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--require-hashes", "--requirement", LOCK,
            ],
            check=True,
        )  # fmt: skip
        (folder / ".ready").touch()
    return interpreter


def has_postgresql() -> bool:
    """Whether PostgreSQL's server is installed, after an attempt to install it as root."""
    if find_postgresql("initdb"):
        return True
    apt = shutil.which("apt-get")
    if os.geteuid() == 0 and apt:
        say("installing PostgreSQL from the system's packages")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(  # noqa: S603
            [apt, "install", "-y", "-qq", "postgresql"], env=quiet, stdout=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
    return find_postgresql("initdb") is not None


def _print_results(results: Sequence[Result], counts: Mapping[str, int]) -> None:
    totals = {result.competitor.module: result.cost.cpu_seconds for result in results}
    steps = ("load", *ANSWERS)
    rows = ", ".join(f"{question} {count:,}" for question, count in counts.items())
    print(f"\nAll {len(results)} agree in every row, to the cent ({rows}). CPU seconds:\n")
    print(
        "| way | "
        + " | ".join(step.replace("_", " ") for step in steps)
        + " | whole | of ours | of the floor | wall s | MiB | it keeps |"
    )
    print("|---" * (len(steps) + 7) + "|")
    for result in results:
        cells = [f"{result.step_cpu_seconds[step]:.2f}" for step in steps]
        cells.append(f"{result.cost.cpu_seconds:.1f}")
        for other in (OURS, FLOOR):
            ratio = result.cost.cpu_seconds / totals[other] if other in totals else None
            cells.append("–" if ratio is None else f"{ratio:.2f} ×")
        cells.append(f"{result.cost.wall_seconds:.1f}")
        cells.append(f"{result.cost.resident_mebibytes:,.0f}")
        print(f"| {result.competitor.label} | {' | '.join(cells)} | {result.competitor.keeps} |")
    print(flush=True)


def _print_stages(stages: Mapping[str, Cost]) -> None:
    if not stages:
        return
    print("The stages of ours, each in a process of its own on a second home:\n")
    print("| stage | CPU s | wall s | MiB |\n|---|---|---|---|")
    for stage, cost in stages.items():
        print(
            f"| {stage} | {cost.cpu_seconds:.1f} | {cost.wall_seconds:.1f}"
            f" | {cost.resident_mebibytes:,.0f} |"
        )
    print(flush=True)


def _as_json(documents: int, results: Sequence[Result], stages: Mapping[str, Cost]) -> str:
    figures = {
        "documents": documents,
        "results": [asdict(result) for result in results],
        "stages": {stage: asdict(cost) for stage, cost in stages.items()},
    }
    return json.dumps(figures, indent=1, ensure_ascii=False) + "\n"


def draw(documents: int, results: Sequence[Result]) -> str:
    """Draw what the competitors cost, the cheapest first."""
    bars = [
        Bar(
            label=result.competitor.label,
            note=f"keeps {result.competitor.keeps}",
            values=(result.cost.cpu_seconds, result.cost.resident_mebibytes),
            is_ours=result.competitor.module == OURS,
        )
        for result in sorted(results, key=lambda result: result.cost.cpu_seconds)
    ]
    return draw_bars(
        f"The same answers from {documents:,} documents",
        "From CSV files: load, open items of a past day, 36 month ends of aging by customer, sales "
        "and DSO by month, cash by last contact. One run.",
        (
            Panel("CPU seconds", write_seconds),
            Panel("Peak memory of the largest process, MiB", write_mebibytes),
        ),
        bars,
    )


def say(message: str) -> None:
    """Tell progress on standard error, apart from the tables."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
