"""How long dashboards wait for the published copy, alone and while a refresh runs and publishes.

``python -m benchmarks.readers <home> [--readers 8] [--refresh]``. A reader is a process that opens
the copy read-only through ``published/current``, as a BI tool does, asks the fifty questions of
``queries/dashboard.sql`` in an order of its own, closes, and begins again. With ``--refresh`` a
small delivery is put into the home's landing folder and taken in by the command that users run,
while the readers read on: **it adds invented documents to that home, so give it a copy**.

Every answer that a reader got is compared with what the version that it had opened answers
afterwards: an error, or an answer of another version, ends the run with status 1.
"""

import argparse
import hashlib
import json
import math
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.measure import ROOT
from benchmarks.queries import read_statements

QUESTIONS = ROOT / "benchmarks" / "queries" / "dashboard.sql"
SEED = 7
PARAMETER_SETS = 8
DELIVERED_DOCUMENTS = 20
PATIENCE_SECONDS = 3600
"""No reader reads on for longer, whatever became of the refresh."""

_PARAMETER = re.compile(r"\$(\w+)")

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Read:
    """One question asked by one reader.

    Attributes:
        question: Its name.
        parameter_set: Which of the sets of parameters it was asked with.
        version: The last load that the opened version knows, which tells versions apart.
        seconds: From asking to the last row.
        digest: Of the rows in any order; of the error where there is one.
        error: What went wrong.
    """

    question: str
    parameter_set: int
    version: int
    seconds: float
    digest: str
    error: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure alone, then with many readers, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5, help="of each reader at least")
    parser.add_argument(
        "--pause", type=float, default=2.0, help="seconds between two rounds of a reader"
    )
    parser.add_argument("--refresh", action="store_true", help="deliver and refresh meanwhile")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    chosen = parser.parse_args(arguments)
    copy = published_copy(chosen.home)
    if not copy.exists():
        parser.error(f"{copy} is not there; refresh the home first")
    with duckdb.connect(str(copy), read_only=True) as connection:
        sets = draw_parameters(connection, random.Random(SEED), PARAMETER_SETS)  # noqa: S311
    pace = {"rounds": chosen.rounds, "pause_seconds": chosen.pause}
    alone = run_readers(chosen.home, sets, count=1, **pace)
    refresh = None
    if chosen.refresh:
        deliver(chosen.home)
        refresh = Refresh(chosen.home)
    together = run_readers(chosen.home, sets, count=chosen.readers, meanwhile=refresh, **pace)
    wrong = find_wrong_reads(chosen.home, [*alone, *together], sets)
    figures = {
        "readers": chosen.readers,
        "refresh": {"status": refresh.status, "wall_seconds": refresh.wall_seconds}
        if refresh
        else None,
        "versions": sorted({read.version for read in together}),
        "questions": {
            question: {"alone": waits(alone, question), "together": waits(together, question)}
            for question in read_statements(QUESTIONS)
        },
        "all": {"alone": waits(alone), "together": waits(together)},
        "wrong_reads": [asdict(read) for read in wrong],
    }
    print_figures(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    for read in wrong[:10]:
        print(f"wrong: {read}", file=sys.stderr)
    if refresh and refresh.status:
        print(f"the refresh left with {refresh.status}:\n{refresh.output}", file=sys.stderr)
        return 1
    if refresh and len(figures["versions"]) < 2:
        print("no reader saw the new version, so nothing was shown", file=sys.stderr)
        return 1
    return 1 if wrong else 0


def published_copy(home: Path) -> Path:
    """Where readers find the current version."""
    return home / "published" / "current" / "collections.duckdb"


def draw_parameters(
    connection: duckdb.DuckDBPyConnection, random: random.Random, count: int
) -> list[dict[str, Any]]:
    """Draw sets of parameters from the data of a published copy.

    Args:
        connection: To the copy.
        random: Draws; the same seed and copy draw the same.
        count: How many sets.

    Returns:
        One value by parameter name in each set. Customers and documents are drawn among all that
        have movements, months and days among all that have passed.
    """

    def drawn(query: str) -> list[tuple[Any, ...]]:
        """Some rows of a query that are spread over it, in an order that the seed decides."""
        rows = connection.execute(query).fetchall()
        if not rows:
            raise ValueError(f"nothing to draw from: {query}")
        return [rows[random.randrange(len(rows))] for _ in range(count)]

    facts = connection.execute(
        "select min(effective_date), max(as_of_date), max(_recorded_at) "
        "from marts.receivable_movements "
        "cross join (select max(calendar_date) as as_of_date from marts.dim_dates "
        "where is_as_of_date)"
    ).fetchone()
    if facts is None or facts[0] is None:
        raise ValueError("there are no movements to ask for")
    first, last, known_at = facts
    documents = drawn(
        "select company_code, document_id from marts.receivables_by_document "
        "using sample reservoir(1000 rows) repeatable (7) order by all"
    )
    columns = {
        "customer_id": drawn(
            "select distinct customer_id from marts.receivables_by_document order by all"
        ),
        "collector_id": drawn(
            "select distinct collector_id from marts.performance_by_collector_month order by all"
        ),
        "segment": drawn(
            "select distinct scope_id from marts.turnover_by_period "
            "where scope_type = 'segment' order by all"
        ),
        "month_start": drawn(
            "select distinct period_start from marts.turnover_by_period "
            "where period_type = 'month' order by all"
        ),
        "aging_bucket": drawn(
            "select aging_bucket from marts.dim_aging_buckets "
            "where bucket_set = 'days' and is_aged order by all"
        ),
    }
    days = (last - first).days
    return [
        {
            "company_code": documents[number][0],
            "document_id": documents[number][1],
            "past_date": last - timedelta(days=random.randrange(1, max(days, 2))),
            "known_at": known_at,
            **{name: values[number][0] for name, values in columns.items()},
        }
        for number in range(count)
    ]


def parameters_of(statement: str, drawn: Parameters) -> dict[str, Any]:
    """The parameters that a statement names."""
    return {name: drawn[name] for name in _PARAMETER.findall(statement)}


def digest_of(rows: Iterable[Sequence[Any]]) -> str:
    """A digest of rows that is the same in any order of them."""
    return hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).hexdigest()[:16]


class Refresh:
    """A refresh of a home by the command that users run.

    Attributes:
        status: Its exit status.
        wall_seconds: How long it took.
        output: The end of what it printed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.status = -1
        self.wall_seconds = 0.0
        self.output = ""

    def run(self) -> None:
        """Run it to its end."""
        started = time.monotonic()
        # The command is this project's own.
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.refresh"],
            cwd=ROOT,
            env={**os.environ, "COLLECTIONS_HOME": str(self._home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.status, self.output = done.returncode, done.stdout[-2000:]
        self.wall_seconds = time.monotonic() - started


def run_readers(
    home: Path,
    sets: Sequence[Parameters],
    *,
    count: int,
    rounds: int,
    pause_seconds: float,
    meanwhile: Refresh | None = None,
) -> list[Read]:
    """Start readers, and beside them a refresh if there is one.

    Args:
        home: The home.
        sets: Parameters, one set a round.
        count: Readers, each a process.
        rounds: How often each asks all questions at least.
        pause_seconds: How long each waits between two rounds, as people do.
        meanwhile: Run in this process; every reader ends with a round that begins after it.

    Returns:
        All that the readers asked.
    """
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="readers-") as folder,
        ProcessPoolExecutor(count, mp_context=context) as pool,
    ):
        over = Path(folder) / "over"
        tasks = [
            pool.submit(read_on, published_copy(home), sets, over, rounds, pause_seconds, number)
            for number in range(count)
        ]
        try:
            if meanwhile:
                meanwhile.run()
        finally:
            over.touch()
        return [read for task in tasks for read in task.result(PATIENCE_SECONDS)]


def read_on(
    copy: Path,
    sets: Sequence[Parameters],
    over: Path,
    rounds: int,
    pause_seconds: float,
    seed: int,
) -> list[Read]:
    """Be a reader: open, ask all questions, close, again, until a round began after the end.

    Args:
        copy: The path of the current version, by its link.
        sets: Parameters, one set a round.
        over: A file that is there when what goes on beside the readers is over.
        rounds: How often to ask at least.
        pause_seconds: How long to wait between two rounds.
        seed: Decides the order of questions and the first set.
    """
    statements = list(read_statements(QUESTIONS).items())
    order = random.Random(seed)  # noqa: S311
    deadline = time.monotonic() + PATIENCE_SECONDS
    reads: list[Read] = []
    done = 0
    is_last = False
    while not is_last:
        done += 1
        is_last = (done >= rounds and over.exists()) or time.monotonic() > deadline
        if done > 1:
            time.sleep(pause_seconds)
        order.shuffle(statements)
        reads += read_round(copy, statements, sets, (seed + done) % len(sets))
    return reads


def read_round(
    copy: Path,
    statements: Iterable[tuple[str, str]],
    sets: Sequence[Parameters],
    parameter_set: int,
) -> list[Read]:
    """Open the copy, ask all questions with one set of parameters, and close it."""
    reads = []
    try:
        with duckdb.connect(str(copy), read_only=True) as connection:
            connection.execute("set enable_progress_bar = false")
            version = version_of(connection)
            for question, statement in statements:
                started = time.monotonic()
                error, rows = None, []
                try:
                    parameters = parameters_of(statement, sets[parameter_set])
                    rows = connection.execute(statement, parameters).fetchall()
                except duckdb.Error as found:
                    error = str(found)
                seconds = time.monotonic() - started
                reads.append(
                    Read(question, parameter_set, version, seconds, digest_of(rows), error)
                )
    except duckdb.Error as found:
        reads.append(Read("open", parameter_set, -1, 0.0, "", str(found)))
    return reads


def version_of(connection: duckdb.DuckDBPyConnection) -> int:
    """The last load that a copy knows: the versions of one home differ in it."""
    found = connection.execute("select max(load_sequence) from marts.load_history").fetchone()
    return int(found[0]) if found and found[0] is not None else -1


def find_wrong_reads(home: Path, reads: Sequence[Read], sets: Sequence[Parameters]) -> list[Read]:
    """Reads with an error, or with another answer than the version that was open gives now."""
    statements = read_statements(QUESTIONS)
    expected: dict[tuple[int, str, int], str] = {}
    for copy in sorted((home / "published").glob("v*/collections.duckdb")):
        with duckdb.connect(str(copy), read_only=True) as connection:
            version = version_of(connection)
            asked = {
                (read.question, read.parameter_set) for read in reads if read.version == version
            }
            for question, parameter_set in asked:
                statement = statements[question]
                parameters = parameters_of(statement, sets[parameter_set])
                rows = connection.execute(statement, parameters).fetchall()
                expected[version, question, parameter_set] = digest_of(rows)
    return [
        read
        for read in reads
        if read.error
        or expected.get((read.version, read.question, read.parameter_set)) != read.digest
    ]


def deliver(home: Path) -> Path:
    """Put a small delivery of invoices and payments, the day after the last, into the landing.

    Returns:
        The folder of the delivery.
    """
    with duckdb.connect(str(published_copy(home)), read_only=True) as connection:
        customers = connection.execute(
            "select company_code, customer_id, currency_code, max(as_of_date) "
            "from marts.receivables_by_document group by all order by all limit $count",
            {"count": DELIVERED_DOCUMENTS},
        ).fetchall()
        last = connection.execute("select max(delivery_date) from marts.load_history").fetchall()[
            0
        ][0]
    day: date = last + timedelta(days=1)
    folder = home / "landing" / day.isoformat() / "canonical"
    folder.mkdir(parents=True)
    ledger, payments = [], []
    for number, (company, customer, currency, _) in enumerate(customers):
        document = f"READER-{day:%Y%m%d}-{number:03d}"
        due = day + timedelta(days=30)
        ledger.append(
            (company, document, customer, "invoice", day, due, currency, f"{1000 + number}.01")
        )
        payments.append((company, f"{document}-P", customer, day, currency, "400.40", document))
    for name, columns, rows in (
        ("ledger", "company_code,document_id,customer_id,document_type,document_date,due_date,"
         "currency_code,amount", ledger),
        ("payments", "company_code,payment_id,customer_id,payment_date,currency_code,amount,"
         "document_id", payments),
    ):  # fmt: skip
        lines = [columns, *(",".join(map(str, row)) for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def waits(reads: Iterable[Read], question: str | None = None) -> dict[str, float]:
    """How often a question was asked, and its median and 95th percentile in milliseconds."""
    seconds = sorted(
        read.seconds for read in reads if read.error is None and question in (None, read.question)
    )
    if not seconds:
        return {"reads": 0, "p50_ms": math.nan, "p95_ms": math.nan}
    return {
        "reads": len(seconds),
        "p50_ms": 1000 * seconds[math.ceil(0.5 * len(seconds)) - 1],
        "p95_ms": 1000 * seconds[math.ceil(0.95 * len(seconds)) - 1],
    }


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print one row per question, and one of all."""
    together = f"{figures['readers']} readers"
    if figures["refresh"]:
        together += " during a refresh"
    print(f"| question | alone p50 ms | p95 ms | {together} p50 ms | p95 ms | reads |")
    print("|---|---|---|---|---|---|")
    for question, found in (*figures["questions"].items(), ("all", figures["all"])):
        alone, many = found["alone"], found["together"]
        print(
            f"| {question.replace('_', ' ')} | {alone['p50_ms']:.1f} | {alone['p95_ms']:.1f}"
            f" | {many['p50_ms']:.1f} | {many['p95_ms']:.1f} | {many['reads']:.0f} |"
        )
    answered, wrong = figures["all"]["together"]["reads"], len(figures["wrong_reads"])
    versions = len(figures["versions"])
    print(f"\n{answered:,} answers, {wrong} wrong or failed, of {versions} versions.")


if __name__ == "__main__":
    sys.exit(main())
