"""Clean canonical extracts of any size, written as CSV: three years of one company.

No oddities here: no quarantine, corrections or reversals, so that a hand-written floor script can
reach the same answers. The sample company (`ingest.sample`) is where the oddities are.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

FIRST_DAY = date(2023, 7, 1)
LAST_DAY = date(2026, 6, 30)
DAYS = (LAST_DAY - FIRST_DAY).days
COLLECTORS = 40
BLOCK = 1_000_000


def _ids(prefix: str, numbers: np.ndarray) -> pl.Series:
    return pl.select(pl.lit(prefix) + pl.Series(numbers).cast(pl.String).str.zfill(9)).to_series()


def _dates(offsets: np.ndarray) -> pl.Series:
    return pl.Series(np.datetime64(FIRST_DAY) + offsets.astype("timedelta64[D]")).cast(pl.Date)


def _money(cents: np.ndarray) -> pl.Series:
    text = pl.Series(cents.astype(np.int64)).cast(pl.String).str.zfill(3)
    return text.str.slice(0, text.str.len_chars() - 2) + "." + text.str.slice(-2)


def _concat(folder: Path, name: str, block: int, rows: pl.DataFrame) -> None:
    with (folder / f"{name}.csv").open("ab") as file:
        rows.write_csv(file, include_header=block == 0)


def write_extracts(folder: Path, *, documents: int, seed: int = 7) -> dict[str, int]:
    """Write ledger, payments, contact_log, customers, collectors, portfolios and targets.

    Args:
        folder: Where the CSV files go; created, and expected to be empty.
        documents: Invoices, credit memos and write-offs together, about.
        seed: Seed of the random numbers; the same seed writes the same bytes.

    Returns:
        Rows written per extract.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    customers = max(50, documents // 50)
    weights = random.pareto(1.2, customers) + 0.05
    weights /= weights.sum()
    rows = dict.fromkeys(("ledger", "payments", "contact_log"), 0)

    for block, start in enumerate(range(0, documents, BLOCK)):
        count = min(BLOCK, documents - start)
        number = np.arange(start, start + count)
        customer = random.choice(customers, count, p=weights)
        billed = random.integers(0, DAYS, count)
        terms = random.choice([30, 60, 90], count, p=[0.6, 0.3, 0.1])
        cents = np.round(np.exp(random.normal(11.5, 1.1, count))).astype(np.int64) + 100
        delay = np.round(random.gamma(2.0, 9.0, count)).astype(np.int64) - 12
        is_unpaid = random.random(count) < 0.02
        is_split = random.random(count) < 0.2
        is_written_off = is_unpaid & (billed + terms + 200 < DAYS)
        ledger = pl.DataFrame(
            {
                "document_id": _ids("D", number),
                "customer_id": _ids("C", customer),
                "document_type": pl.Series(np.full(count, "invoice")),
                "document_date": _dates(billed),
                "due_date": _dates(billed + terms),
                "currency_code": pl.Series(np.full(count, "CNY")),
                "amount": _money(cents),
                "applies_to_document_id": pl.Series([None] * count, dtype=pl.String),
            }
        )
        write_offs = ledger.with_columns(
            ("W" + pl.col("document_id")).alias("document_id"),
            pl.lit("write_off").alias("document_type"),
            pl.col("due_date").dt.offset_by("200d").alias("document_date"),
            pl.lit(None, pl.Date).alias("due_date"),
            pl.col("document_id").alias("applies_to_document_id"),
        ).filter(pl.Series(is_written_off))
        ledger = pl.concat([ledger, write_offs])
        _concat(folder, "ledger", block, ledger)
        rows["ledger"] += ledger.height

        paid_on = np.maximum(billed, billed + terms + delay)
        first = np.where(is_split, cents // 2, cents)
        payments = pl.DataFrame(
            {
                "payment_id": _ids("P", number * 2),
                "customer_id": _ids("C", customer),
                "payment_date": _dates(paid_on),
                "currency_code": pl.Series(np.full(count, "CNY")),
                "amount": _money(first),
                "document_id": _ids("D", number),
            }
        ).filter(pl.Series(~is_unpaid & (paid_on <= DAYS)))
        second_on = paid_on + 20
        seconds = pl.DataFrame(
            {
                "payment_id": _ids("P", number * 2 + 1),
                "customer_id": _ids("C", customer),
                "payment_date": _dates(second_on),
                "currency_code": pl.Series(np.full(count, "CNY")),
                "amount": _money(cents - first),
                "document_id": _ids("D", number),
            }
        ).filter(pl.Series(~is_unpaid & is_split & (second_on <= DAYS)))
        payments = pl.concat([payments, seconds])
        _concat(folder, "payments", block, payments)
        rows["payments"] += payments.height

        contacts = 2 * count
        about = random.integers(0, count, contacts)
        day = np.minimum(DAYS, billed[about] + terms[about] + random.integers(-3, 60, contacts))
        second = random.integers(9 * 3600, 18 * 3600, contacts)
        outcome = random.choice(
            ["no_answer", "left_message", "right_party", "promise_to_pay", "dispute", "complaint"],
            contacts,
            p=[0.35, 0.15, 0.3, 0.15, 0.03, 0.02],
        )
        is_promise = pl.Series(outcome == "promise_to_pay")
        contact_log = pl.DataFrame(
            {
                "contact_id": _ids("K", start * 2 + np.arange(contacts)),
                "customer_id": _ids("C", customer[about]),
                "document_id": _ids("D", number[about]),
                "collector_id": _ids("E", random.integers(0, COLLECTORS, contacts)),
                "contacted_at": (
                    _dates(day).cast(pl.Datetime("us"))
                    + pl.Series((second * 1_000_000).astype("timedelta64[us]"))
                ).dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
                "channel": pl.Series(
                    random.choice(["phone", "sms", "email"], contacts, p=[0.7, 0.2, 0.1])
                ),
                "outcome": pl.Series(outcome),
                "promised_amount": _money(cents[about] // 2),
                "promised_date": _dates(day + random.integers(1, 15, contacts)),
            }
        ).with_columns(
            pl.when(is_promise).then(pl.col("promised_amount")).alias("promised_amount"),
            pl.when(is_promise).then(pl.col("promised_date")).alias("promised_date"),
        )
        _concat(folder, "contact_log", block, contact_log)
        rows["contact_log"] += contact_log.height

    every = np.arange(customers)
    small = {
        "customers": pl.DataFrame(
            {
                "customer_id": _ids("C", every),
                "customer_name": _ids("Customer ", every),
                "segment": pl.Series(random.choice(["retail", "industry", "public"], customers)),
                "region": pl.Series(random.choice(["north", "south", "east", "west"], customers)),
            }
        ),
        "collectors": pl.DataFrame(
            {
                "collector_id": _ids("E", np.arange(COLLECTORS)),
                "collector_name": _ids("Collector ", np.arange(COLLECTORS)),
                "team_id": _ids("T", np.arange(COLLECTORS) // 8),
                "role": ["collector"] * COLLECTORS,
            }
        ),
        "portfolios": pl.DataFrame(
            {
                "customer_id": _ids("C", every),
                "valid_from": [FIRST_DAY - timedelta(days=1)] * customers,
                "collector_id": _ids("E", every % COLLECTORS),
            }
        ),
    }
    for name, frame in small.items():
        _concat(folder, name, 0, frame)
        rows[name] = frame.height
    return rows
