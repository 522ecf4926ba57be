"""Writes the whole sample company into a landing folder, block by block.

Customers are dealt into blocks; each block's business is made, written and forgotten, so that memory
is bounded by the block and not by the company.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ingest.sample import finance
from ingest.sample.parties import (
    SEGMENTS,
    Collectors,
    Customers,
    Integers,
    Portfolios,
    make_collectors,
    make_customers,
    make_portfolios,
)
from ingest.sample.settings import NEVER, Settings, date_of
from ingest.sample.trade import make_trade
from ingest.sample.work import make_contacts


@dataclass(frozen=True)
class SampleSummary:
    """What was written.

    Attributes:
        row_counts: Rows written per extract.
        delivery_dates: Dates of the deliveries, ascending, ISO.
        files: Files written.
        byte_count: Their size.
    """

    row_counts: dict[str, int]
    delivery_dates: tuple[str, ...]
    files: int
    byte_count: int


def blocks_of(settings: Settings, customers: Customers) -> Iterator[Integers]:
    """Deal the customers into blocks of about ``settings.block_documents`` documents."""
    ends = np.cumsum(customers.documents)
    block = (ends - 1) // settings.block_documents
    for number in np.unique(block):
        yield np.flatnonzero(block == number)


def _money(column: str) -> pl.Expr:
    cents = pl.col(column)
    sign = pl.when(cents < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, rest = cents.abs() // 100, (cents.abs() % 100).cast(pl.String).str.zfill(2)
    return pl.when(cents.is_null()).then(None).otherwise(pl.format("{}{}.{}", sign, whole, rest))


def _day(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int32).cast(pl.Date)


def write_sample_company(
    landing: Path, *, documents: int = 12_000, seed: int = 20260101
) -> SampleSummary:
    """Write the sample company's extracts into a landing folder.

    Args:
        landing: The folder to hold ``<delivery_date>/<source>/<file>``.
        documents: Documents to bill; everything else grows with them.
        seed: Start of every random draw.
    """
    settings = Settings(documents=documents, seed=seed)
    customers = make_customers(settings)
    collectors = make_collectors(settings)
    portfolios = make_portfolios(settings, customers, collectors)
    balances = finance.LedgerBalances(settings)
    counts: dict[str, int] = {}
    files: dict[Path, int] = {}

    def put(extract: str, frame: pl.DataFrame) -> None:
        counts[extract] = counts.get(extract, 0) + frame.height
        for (delivery,), rows in frame.group_by("delivery", maintain_order=True):
            day = settings.delivery_dates[int(str(delivery))]
            path = landing / day.isoformat() / "canonical" / f"{extract}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab" if path in files else "wb") as out:
                rows.drop("delivery").write_csv(out, include_header=path not in files)
            files[path] = path.stat().st_size

    first_document = first_payment = first_contact = 1
    cash = 0
    for block, members in enumerate(blocks_of(settings, customers)):
        trade = make_trade(
            settings,
            customers,
            members,
            block=block,
            first_document=first_document,
            first_payment=first_payment,
        )
        first_document += trade.document_count
        first_payment += trade.payment_count
        balances.add(trade.balances)
        cash += int(trade.payments["cents"].sum())
        put(
            "ledger",
            trade.ledger.with_columns(
                _day("document_date"), _day("due_date"), _money("cents").alias("amount")
            ).drop("cents", "day"),
        )
        put(
            "payments",
            trade.payments.with_columns(
                _day("payment_date"),
                _day("application_date"),
                _money("cents").alias("amount"),
                _money("discount_cents").alias("discount_amount"),
            ).drop("cents", "discount_cents", "day"),
        )
        contacts = make_contacts(
            settings,
            customers,
            collectors,
            portfolios,
            trade.items,
            block=block,
            first_contact=first_contact,
        )
        first_contact += len(trade.items.customer) * 20
        put(
            "contact_log",
            contacts.with_columns(
                pl.col("instant").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00").alias("contacted_at"),
                _money("cents").alias("promised_amount"),
                _day("promised_day").alias("promised_date"),
            ).drop("instant", "local", "zone", "cents", "promised_day"),
        )

    put(
        "fx_rates",
        finance.make_rates(settings)
        .with_columns(
            _day("rate_day").alias("rate_date"),
            pl.format(
                "{}.{}",
                pl.col("scaled") // 10_000,
                (pl.col("scaled") % 10_000).cast(pl.String).str.zfill(4),
            ).alias("rate"),
        )
        .drop("rate_day", "scaled"),
    )
    put(
        "surveys",
        finance.make_surveys(settings, customers)
        .with_columns(
            pl.from_epoch("second").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00").alias("surveyed_at")
        )
        .drop("second"),
    )
    put(
        "trainings",
        finance.make_trainings(settings, collectors)
        .with_columns(
            _day("training_day").alias("training_date"), _day("assessed_day").alias("assessed_date")
        )
        .drop("training_day", "assessed_day"),
    )
    put("targets", finance.make_targets(settings, collectors, cash // settings.months))
    put(
        "control_totals",
        balances.statements().select(
            "delivery",
            pl.lit("gl_balance").alias("extract"),
            pl.col("delivery")
            .map_elements(lambda n: settings.delivery_dates[n], return_dtype=pl.Date)
            .alias("delivery_date"),
            pl.lit("canonical").alias("source"),
            pl.lit(None, dtype=pl.Int64).alias("row_count"),
            _money("cents").alias("amount"),
            "company_code",
            "currency_code",
            _day("balance_day").alias("balance_date"),
        ),
    )
    _put_parties(put, settings, customers, collectors, portfolios)
    return SampleSummary(
        row_counts=counts,
        delivery_dates=tuple(day.isoformat() for day in settings.delivery_dates),
        files=len(files),
        byte_count=sum(files.values()),
    )


def _put_parties(put, settings, customers, collectors, portfolios) -> None:  # type: ignore[no-untyped-def]
    last = len(settings.deliveries) - 1
    for delivery, day in enumerate(settings.deliveries):
        if delivery not in (0, last) and delivery % 4:
            continue
        here = customers.onboarded <= day
        put(
            "customers",
            pl.DataFrame(
                {
                    "delivery": [delivery] * customers.count,
                    "customer_id": pl.Series(customers.customer_id, dtype=pl.String),
                    "customer_name": pl.Series(customers.name, dtype=pl.String),
                    "segment": pl.Series(SEGMENTS).gather(customers.segment),
                    "region": pl.Series(customers.region, dtype=pl.String),
                    "parent_customer_id": [
                        customers.customer_id[p] if p >= 0 else None for p in customers.parent
                    ],
                    "cents": np.where(
                        customers.limit_changed <= day,
                        customers.new_credit_limit,
                        customers.credit_limit,
                    ),
                    "payment_terms_days": customers.terms,
                    "currency_code": pl.Series(customers.currency, dtype=pl.String),
                    "timezone": pl.Series(customers.timezone, dtype=pl.String),
                    "is_insolvent": customers.insolvent <= day,
                    "onboarded_date": customers.onboarded,
                    "phone": pl.Series(customers.phone, dtype=pl.String),
                    "email": pl.Series(customers.email, dtype=pl.String),
                }
            )
            .filter(pl.Series(here))
            .with_columns(_day("onboarded_date"), _money("cents").alias("credit_limit"))
            .drop("cents"),
        )
        put(
            "collectors",
            pl.DataFrame(
                {
                    "delivery": [delivery] * collectors.count,
                    "collector_id": pl.Series(collectors.collector_id, dtype=pl.String),
                    "collector_name": pl.Series(collectors.name, dtype=pl.String),
                    "team_id": pl.Series(collectors.team, dtype=pl.String),
                    "role": pl.Series(collectors.role, dtype=pl.String),
                    "hired_date": collectors.hired,
                    "left_date": pl.Series(collectors.left).set(
                        pl.Series(collectors.left > day), None
                    ),
                    "cents": collectors.hourly_cost,
                }
            )
            .with_columns(
                _day("hired_date"), _day("left_date"), _money("cents").alias("hourly_cost")
            )
            .drop("cents"),
        )
    rows = []
    for customer in range(customers.count):
        for tenure in range(3):
            start = portfolios.starts[customer, tenure]
            if start == NEVER:
                break
            stop = portfolios.starts[customer, tenure + 1] if tenure < 2 else NEVER
            key = (
                customers.customer_id[customer],
                date_of(start),
                collectors.collector_id[portfolios.owners[customer, tenure]],
            )
            first = int(settings.delivery_of(np.array([start]))[0])
            second = int(settings.delivery_of(np.array([stop]))[0])
            if first > last:
                continue
            if second > first:
                rows.append((first, *key, None))
            if second <= last:
                rows.append((second, *key, date_of(stop - 1)))
    put(
        "portfolios",
        pl.DataFrame(
            rows,
            orient="row",
            schema={
                "delivery": pl.Int64,
                "customer_id": pl.String,
                "valid_from": pl.Date,
                "collector_id": pl.String,
                "valid_to": pl.Date,
            },
        ).sort("delivery", "customer_id", "valid_from"),
    )
