"""Writes the whole sample company into a landing folder, block by block.

Customers are dealt into blocks; the business of each block is made, written and forgotten, so that
memory is bounded by the block and not by the company.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from ingest.sample import finance, oddities
from ingest.sample.oddities import Planted
from ingest.sample.parties import (
    CURRENCIES,
    EMAIL_CANARY,
    PHONE_CANARY,
    REGIONS,
    SEGMENTS,
    ZONES,
    Collectors,
    Customers,
    Integers,
    Portfolios,
    make_collectors,
    make_customers,
    make_portfolios,
)
from ingest.sample.settings import NEVER, Settings, day_number, month_end
from ingest.sample.systems import Systems
from ingest.sample.trade import make_trade
from ingest.sample.work import make_contacts
from ingest.sample.writing import Landing


@dataclass(frozen=True)
class SampleSummary:
    """What was written.

    Attributes:
        settings: The company's size and calendar.
        row_counts: Rows written per extract: records, titles and totals not counted.
        delivery_dates: Dates of the deliveries, ascending.
        file_count: Files written, control files included.
        byte_count: Their size.
        planted: Everything that goes wrong on purpose.
        personal_data: Text that stands in personal data only and may never reach a mart.
    """

    settings: Settings
    row_counts: Mapping[str, int]
    delivery_dates: tuple[date, ...]
    file_count: int
    byte_count: int
    planted: tuple[Planted, ...]
    personal_data: tuple[str, ...] = (PHONE_CANARY, EMAIL_CANARY)


def write_sample_company(
    landing: Path,
    *,
    documents: int = 12_000,
    seed: int = 20260101,
    months: int = 20,
    end_date: date = date(2026, 6, 30),
) -> SampleSummary:
    """Write the sample company's deliveries into a landing folder.

    Args:
        landing: The folder to hold ``<delivery_date>/<source>/<file>``.
        documents: Documents to bill; everything else grows with them.
        seed: Start of every random draw; the same seed and size give the same bytes.
        months: Months of business up to ``end_date``.
        end_date: Last day of business and date of the last delivery, the end of a month.

    Raises:
        ValueError: A size or calendar of which no company can be made.
    """
    return write_company(
        landing, Settings(documents=documents, seed=seed, months=months, end_date=end_date)
    )


def write_company(landing: Path, settings: Settings) -> SampleSummary:
    """Write the company that the settings describe; see ``write_sample_company``."""
    customers = make_customers(settings)
    collectors = make_collectors(settings)
    portfolios = make_portfolios(settings, customers, collectors)
    target = Landing(landing, settings.delivery_dates)
    systems = Systems(target)
    balances = finance.LedgerBalances(settings)
    planted, collected = _write_business(
        settings, customers, collectors, portfolios, target, systems, balances
    )
    planted += _repeat_a_file(settings, systems)
    _write_people(settings, customers, collectors, portfolios, systems)
    systems.write_rates(finance.make_rates(settings))
    systems.write_surveys(finance.make_surveys(settings, customers))
    systems.write_trainings(finance.make_trainings(settings, collectors))
    systems.write_targets(finance.make_targets(settings, collectors, collected // settings.months))
    systems.write_controls(balances.statements())
    systems.finish()
    file_count, byte_count = target.finish()
    return SampleSummary(
        settings=settings,
        row_counts=dict(sorted(systems.row_counts.items())),
        delivery_dates=settings.delivery_dates,
        file_count=file_count,
        byte_count=byte_count,
        planted=tuple(planted),
    )


def blocks_of(settings: Settings, customers: Customers) -> Iterator[Integers]:
    """Deal the customers into blocks of about ``settings.block_documents`` documents."""
    block = (np.cumsum(customers.documents) - 1) // settings.block_documents
    for number in np.unique(block):
        yield np.flatnonzero(block == number)


def _write_business(
    settings: Settings,
    customers: Customers,
    collectors: Collectors,
    portfolios: Portfolios,
    landing: Landing,
    systems: Systems,
    balances: finance.LedgerBalances,
) -> tuple[list[Planted], int]:
    """Write documents, cash and contacts; return what was planted and the cents collected."""
    planted: list[Planted] = []
    first_document = first_payment = first_contact = 1
    collected = 0
    for block, members in enumerate(blocks_of(settings, customers)):
        trade = make_trade(
            settings,
            customers,
            members,
            block=block,
            first_document=first_document,
            first_payment=first_payment,
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
        first_document += trade.document_count
        first_payment += trade.payment_count
        first_contact += contacts.height
        collected += int(trade.payments["cents"].sum())
        ledger, payments = trade.ledger, trade.payments
        if block == 0:
            ledger, in_ledger = oddities.plant_in_ledger(settings, landing, ledger)
            payments, in_payments = oddities.plant_in_payments(settings, landing, payments)
            contacts, in_contacts = oddities.plant_in_contacts(settings, landing, contacts)
            planted += in_ledger + in_payments + in_contacts
        else:
            faultless = pl.lit(None, pl.String).alias("fault")
            ledger, payments, contacts = (
                rows.with_columns(faultless) for rows in (ledger, payments, contacts)
            )
        balances.add(ledger)
        balances.add(payments)
        systems.write_ledger(ledger)
        systems.write_payments(payments)
        systems.write_contacts(contacts)
    return planted, collected


def _repeat_a_file(settings: Settings, systems: Systems) -> list[Planted]:
    delivery, source, name = systems.repeat_bank_file()
    return [
        Planted(
            kind="repeated_file",
            extract="payments",
            source=source,
            delivery_date=settings.delivery_dates[delivery],
            file_name=name,
            row_key=None,
        )
    ]


def _write_people(
    settings: Settings,
    customers: Customers,
    collectors: Collectors,
    portfolios: Portfolios,
    systems: Systems,
) -> None:
    """Write master data: whole at every month's end and whenever something changed."""
    known: tuple[pl.DataFrame, pl.DataFrame] | None = None
    for delivery, day in enumerate(settings.delivery_dates):
        today = day_number(day)
        state = _customers_at(customers, today), _collectors_at(collectors, today)
        for number, write in enumerate((systems.write_customers, systems.write_collectors)):
            is_known = known is not None and state[number].equals(known[number])
            if day == month_end(day) or not is_known:
                write(delivery, state[number])
        known = state
    systems.write_portfolios(_tenures(settings, customers, collectors, portfolios))


def _customers_at(customers: Customers, today: int) -> pl.DataFrame:
    count = customers.count
    raised = customers.limit_changed <= today
    parent = pl.Series(customers.parent)
    return (
        pl.DataFrame(
            {
                "customer_id": customers.customer_id,
                "customer_name": customers.name,
                "segment": pl.Series(SEGMENTS).gather(customers.segment),
                "region": pl.Series(REGIONS).gather(customers.region),
                "parent_customer_id": customers.customer_id.gather(parent.set(parent < 0, None)),
                "credit_limit_cents": customers.credit_limit
                + np.where(raised, customers.credit_limit // 4, 0),
                "payment_terms_days": customers.terms,
                "currency_code": pl.Series(CURRENCIES).gather(customers.currency),
                "timezone": pl.Series(ZONES).gather(customers.zone),
                "is_insolvent": customers.insolvent <= today,
                "onboarded_date": customers.onboarded,
                "phone": [f"{PHONE_CANARY}{number:06d}" for number in range(count)],
                "email": [f"ap-{number:06d}{EMAIL_CANARY}" for number in range(count)],
            }
        )
        .filter(pl.Series(customers.onboarded <= today))
        .sort("customer_id")
    )


def _collectors_at(collectors: Collectors, today: int) -> pl.DataFrame:
    left = pl.Series(collectors.left)
    return pl.DataFrame(
        {
            "collector_id": collectors.collector_id,
            "collector_name": collectors.name,
            "team_id": collectors.team,
            "role": collectors.role,
            "hired_date": collectors.hired,
            "left_date": left.set(left > today, None),
            "hourly_cents": collectors.hourly_cents,
        }
    )


def _tenures(
    settings: Settings, customers: Customers, collectors: Collectors, portfolios: Portfolios
) -> pl.DataFrame:
    """List every tenure when it begins, and again with its last day when it ends."""
    frames = []
    ends = np.concatenate([portfolios.starts[:, 1:], np.full((customers.count, 1), NEVER)], axis=1)
    for tenure in range(portfolios.starts.shape[1]):
        number = np.flatnonzero(portfolios.starts[:, tenure] < NEVER)
        start, end = portfolios.starts[number, tenure], ends[number, tenure]
        tenures = pl.DataFrame(
            {
                "begins": settings.delivery_of(start),
                "ends": settings.delivery_of(end),
                "customer_id": customers.customer_id.gather(number),
                "valid_from": start,
                "collector_id": collectors.collector_id.gather(portfolios.owners[number, tenure]),
                "last_day": end - 1,
            }
        )
        open_ended = tenures.filter(pl.col("begins") < pl.col("ends")).with_columns(
            pl.col("begins").alias("delivery"), pl.lit(None, pl.Int64).alias("valid_to")
        )
        closed = tenures.with_columns(
            pl.col("ends").alias("delivery"), pl.col("last_day").alias("valid_to")
        )
        frames += [open_ended, closed]
    return (
        pl.concat(frames)
        .filter(pl.col("delivery") < len(settings.deliveries))
        .sort("delivery", "customer_id", "valid_from")
        .drop("begins", "ends", "last_day")
    )
