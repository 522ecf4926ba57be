"""Extracts of any size, written as CSV: three years of one company, and the days after them.

The three years are clean (no quarantine, corrections or reversals), so that a hand-written floor
script can reach the same answers. A day after them is what a daily refresh gets: new rows, late
rows, corrected and withdrawn ones. The sample company (`ingest.sample`) is where the oddities are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

FIRST_DAY = date(2023, 7, 1)
LAST_DAY = date(2026, 6, 30)
DAYS = (LAST_DAY - FIRST_DAY).days
COLLECTORS = 40
BLOCK = 1_000_000
NEW_CUSTOMERS = 5
RECENT_DAYS = 60
"""How far back a payment is reversed or corrected."""

CREDIT_LIMIT_CENTS = 50_000_000
"""The lowest credit limit; the others are up to five times as high."""

POOL = 20_000
"""Documents of the history that later days may correct or withdraw."""

OUTCOMES = ["no_answer", "left_message", "right_party", "promise_to_pay", "dispute", "complaint"]
OUTCOME_SHARES = [0.35, 0.15, 0.3, 0.15, 0.03, 0.02]
CHANNELS = ["phone", "sms", "email"]
CHANNEL_SHARES = [0.7, 0.2, 0.1]


@dataclass(frozen=True)
class _Documents:
    """Invoices as they were drawn. Dates are days since the first one."""

    number: np.ndarray
    customer: np.ndarray
    billed: np.ndarray
    terms: np.ndarray
    cents: np.ndarray
    delay: np.ndarray
    is_unpaid: np.ndarray
    is_split: np.ndarray

    @property
    def paid_on(self) -> np.ndarray:
        return np.maximum(self.billed, self.billed + self.terms + self.delay)

    @property
    def second_on(self) -> np.ndarray:
        """When the rest of a split payment comes."""
        return self.paid_on + 20

    @property
    def first_cents(self) -> np.ndarray:
        return np.where(self.is_split, self.cents // 2, self.cents)

    @property
    def is_written_off(self) -> np.ndarray:
        return self.is_unpaid & (self.billed + self.terms + 200 < DAYS)

    def take(self, chosen: np.ndarray) -> "_Documents":
        return _Documents(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True)
class _Contacts:
    """Contacts as they were drawn, each about one of the documents drawn beside them."""

    about: np.ndarray
    day: np.ndarray
    second: np.ndarray
    outcome: np.ndarray
    collector: np.ndarray
    channel: np.ndarray
    promised_after: np.ndarray


def _count_customers(documents: int) -> int:
    return max(50, documents // 50)


def _draw_weights(random: np.random.Generator, customers: int) -> np.ndarray:
    weights: np.ndarray = random.pareto(1.2, customers) + 0.05
    return weights / weights.sum()


def _draw_blocks(
    random: np.random.Generator, weights: np.ndarray, documents: int
) -> Iterator[tuple[_Documents, _Contacts]]:
    """Draw the history block by block, in one fixed order: later days draw it again."""
    for start in range(0, documents, BLOCK):
        count = min(BLOCK, documents - start)
        drawn = _draw_documents(random, weights, start, count)
        yield drawn, _draw_contacts(random, drawn, 2 * count)


def _draw_documents(
    random: np.random.Generator, weights: np.ndarray, start: int, count: int
) -> _Documents:
    return _Documents(
        number=np.arange(start, start + count),
        customer=random.choice(len(weights), count, p=weights),
        billed=random.integers(0, DAYS, count),
        terms=random.choice([30, 60, 90], count, p=[0.6, 0.3, 0.1]),
        cents=np.round(np.exp(random.normal(11.5, 1.1, count))).astype(np.int64) + 100,
        delay=np.round(random.gamma(2.0, 9.0, count)).astype(np.int64) - 12,
        is_unpaid=random.random(count) < 0.02,
        is_split=random.random(count) < 0.2,
    )


def _draw_contacts(random: np.random.Generator, documents: _Documents, count: int) -> _Contacts:
    about = random.integers(0, len(documents.number), count)
    day = documents.billed[about] + documents.terms[about] + random.integers(-3, 60, count)
    return _Contacts(
        about=about,
        day=np.minimum(DAYS, day),
        second=random.integers(9 * 3600, 18 * 3600, count),
        outcome=random.choice(OUTCOMES, count, p=OUTCOME_SHARES),
        collector=random.integers(0, COLLECTORS, count),
        channel=random.choice(CHANNELS, count, p=CHANNEL_SHARES),
        promised_after=random.integers(1, 15, count),
    )


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


def _invoices(documents: _Documents) -> pl.DataFrame:
    count = len(documents.number)
    return pl.DataFrame(
        {
            "document_id": _ids("D", documents.number),
            "customer_id": _ids("C", documents.customer),
            "document_type": pl.Series(np.full(count, "invoice")),
            "document_date": _dates(documents.billed),
            "due_date": _dates(documents.billed + documents.terms),
            "currency_code": pl.Series(np.full(count, "CNY")),
            "amount": _money(documents.cents),
            "applies_to_document_id": pl.Series([None] * count, dtype=pl.String),
        }
    )


def _payments(
    documents: _Documents, *, is_second: bool, paid_on: np.ndarray, cents: np.ndarray
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "payment_id": _ids("P", documents.number * 2 + is_second),
            "customer_id": _ids("C", documents.customer),
            "payment_date": _dates(paid_on),
            "currency_code": pl.Series(np.full(len(paid_on), "CNY")),
            "amount": _money(cents),
            "document_id": _ids("D", documents.number),
        }
    )


def _contact_log(documents: _Documents, contacts: _Contacts, ids: pl.Series) -> pl.DataFrame:
    is_promise = pl.Series(contacts.outcome == "promise_to_pay")
    return pl.DataFrame(
        {
            "contact_id": ids,
            "customer_id": _ids("C", documents.customer[contacts.about]),
            "document_id": _ids("D", documents.number[contacts.about]),
            "collector_id": _ids("E", contacts.collector),
            "contacted_at": (
                _dates(contacts.day).cast(pl.Datetime("us"))
                + pl.Series((contacts.second * 1_000_000).astype("timedelta64[us]"))
            ).dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
            "channel": pl.Series(contacts.channel),
            "outcome": pl.Series(contacts.outcome),
            "promised_amount": _money(documents.cents[contacts.about] // 2),
            "promised_date": _dates(contacts.day + contacts.promised_after),
        }
    ).with_columns(
        pl.when(is_promise).then(pl.col("promised_amount")).alias("promised_amount"),
        pl.when(is_promise).then(pl.col("promised_date")).alias("promised_date"),
    )


def _customer_rows(every: np.ndarray, random: np.random.Generator) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": _ids("C", every),
            "customer_name": _ids("Customer ", every),
            "segment": pl.Series(random.choice(["retail", "industry", "public"], len(every))),
            "region": pl.Series(random.choice(["north", "south", "east", "west"], len(every))),
            "currency_code": ["CNY"] * len(every),
            "credit_limit": _money(CREDIT_LIMIT_CENTS * (1 + every % 5)),
        }
    )


def _portfolio_rows(every: np.ndarray, valid_from: date) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": _ids("C", every),
            "valid_from": [valid_from] * len(every),
            "collector_id": _ids("E", every % COLLECTORS),
        }
    )


def write_extracts(folder: Path, *, documents: int, seed: int = 7) -> dict[str, int]:
    """Write ledger, payments, contact_log, customers, collectors and portfolios.

    Args:
        folder: Where the CSV files go; created, and expected to be empty.
        documents: Invoices, without the write-offs.
        seed: Seed of the random numbers; the same seed writes the same bytes.

    Returns:
        Rows written per extract.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    weights = _draw_weights(random, _count_customers(documents))
    rows = dict.fromkeys(("ledger", "payments", "contact_log"), 0)

    for block, (drawn, contacts) in enumerate(_draw_blocks(random, weights, documents)):
        invoices = _invoices(drawn)
        write_offs = _write_offs(invoices.filter(pl.Series(drawn.is_written_off)))
        is_first = ~drawn.is_unpaid & (drawn.paid_on <= DAYS)
        is_second = ~drawn.is_unpaid & drawn.is_split & (drawn.second_on <= DAYS)
        firsts, seconds = drawn.take(is_first), drawn.take(is_second)
        blocks = {
            "ledger": pl.concat([invoices, write_offs]),
            "payments": pl.concat(
                [
                    _payments(
                        firsts, is_second=False, paid_on=firsts.paid_on, cents=firsts.first_cents
                    ),
                    _payments(
                        seconds,
                        is_second=True,
                        paid_on=seconds.second_on,
                        cents=seconds.cents - seconds.first_cents,
                    ),
                ]
            ),
            "contact_log": _contact_log(
                drawn,
                contacts,
                _ids("K", block * BLOCK * 2 + np.arange(len(contacts.about))),
            ),
        }
        for name, frame in blocks.items():
            _concat(folder, name, block, frame)
            rows[name] += frame.height

    every = np.arange(len(weights))
    small = {
        "customers": _customer_rows(every, random),
        "collectors": pl.DataFrame(
            {
                "collector_id": _ids("E", np.arange(COLLECTORS)),
                "collector_name": _ids("Collector ", np.arange(COLLECTORS)),
                "team_id": _ids("T", np.arange(COLLECTORS) // 8),
                "role": ["collector"] * COLLECTORS,
            }
        ),
        "portfolios": _portfolio_rows(every, FIRST_DAY - timedelta(days=1)),
    }
    for name, frame in small.items():
        _concat(folder, name, 0, frame)
        rows[name] = frame.height
    return rows


def _write_offs(invoices: pl.DataFrame) -> pl.DataFrame:
    """The invoices written off, two hundred days past due."""
    return invoices.with_columns(
        ("W" + pl.col("document_id")).alias("document_id"),
        pl.lit("write_off").alias("document_type"),
        pl.col("due_date").dt.offset_by("200d").alias("document_date"),
        pl.lit(None, pl.Date).alias("due_date"),
        pl.col("document_id").alias("applies_to_document_id"),
    )


@dataclass(frozen=True)
class _History:
    """What later days need of the history: little, whatever its size.

    Attributes:
        weights: How often each customer buys.
        coming_firsts: Documents whose first or only payment is still to come, in that order.
        coming_seconds: Documents whose second payment is still to come, in that order.
        unpaid: Documents that nobody pays and that are not written off.
        recent: Documents whose first payment came lately, shuffled.
        any_time: Documents of all three years, shuffled.
    """

    weights: np.ndarray
    coming_firsts: _Documents
    coming_seconds: _Documents
    unpaid: _Documents
    recent: _Documents
    any_time: _Documents


@lru_cache(maxsize=1)
def _remember(documents: int, seed: int) -> _History:
    """Draw the history again and keep what later days need."""
    random = np.random.default_rng(seed)
    weights = _draw_weights(random, _count_customers(documents))
    kept: dict[str, list[_Documents]] = {}
    for drawn, _ in _draw_blocks(random, weights, documents):
        is_paid = ~drawn.is_unpaid
        is_recent = (drawn.paid_on > DAYS - RECENT_DAYS) & (drawn.paid_on <= DAYS)
        for name, chosen in (
            ("coming_firsts", is_paid & (drawn.paid_on > DAYS)),
            ("coming_seconds", is_paid & drawn.is_split & (drawn.second_on > DAYS)),
            ("unpaid", drawn.is_unpaid & ~drawn.is_written_off),
            ("recent", is_paid & is_recent),
            ("any_time", drawn.number % max(1, documents // POOL) == 0),
        ):
            kept.setdefault(name, []).append(drawn.take(chosen))
    joined = {name: _join(parts) for name, parts in kept.items()}
    shuffling = np.random.default_rng([seed, 1])
    for name, whole in joined.items():
        order = (
            np.lexsort((whole.number, whole.paid_on))
            if name.startswith("coming")
            else shuffling.permutation(len(whole.number))
        )
        joined[name] = whole.take(order)
    return _History(weights=weights, **joined)


def _join(parts: list[_Documents]) -> _Documents:
    return _Documents(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in _Documents.__dataclass_fields__
        }
    )


def _of_day(pool: _Documents, ordinal: int, count: int) -> _Documents:
    """The part of a pool that belongs to one day: no day takes another's, until it is used up."""
    start = (ordinal - 1) * count
    return pool.take(np.arange(start, min(start + count, len(pool.number))))


def write_day(
    folder: Path,
    *,
    documents: int,
    day: date,
    seed: int = 7,
    new_documents: int = 10_000,
    changes_rate: bool = False,
) -> dict[str, int]:
    """Write what one day after the three years delivers.

    With 10,000 new documents: 12,000 payments (most of open documents and of today; 2 % entered
    late with a date in a closed month; 2 % take an earlier payment back, 2 % correct one), 20,000
    contacts (3 % entered late), 200 corrected documents (amount or due date), 50 withdrawn ones, 10
    write-offs, 5 new customers, and the day's rate of the dollar, in which 3 % of the new documents
    are. All but the new customers grow with `new_documents`. No day needs another day's files.

    Args:
        folder: Where the CSV files go: `landing/<day>/canonical`.
        documents: Those of the history, as told to `write_extracts`.
        day: A day after `LAST_DAY`.
        seed: As told to `write_extracts`.
        new_documents: Documents of the day.
        changes_rate: Whether the day also corrects the rate of a day before.

    Returns:
        Rows written per extract.
    """
    ordinal = (day - LAST_DAY).days
    assert ordinal > 0, f"{day} is not after {LAST_DAY}"
    folder.mkdir(parents=True, exist_ok=True)
    history = _remember(documents, seed)
    random = np.random.default_rng([seed, 2, ordinal])
    stamp = f"{day:%y%m%d}"
    customers = len(history.weights) + (ordinal - 1) * NEW_CUSTOMERS + np.arange(NEW_CUSTOMERS)

    new = _draw_documents(random, history.weights, 0, new_documents)
    new.customer[:NEW_CUSTOMERS] = customers[:new_documents]
    new.billed[:] = DAYS + ordinal - np.where(random.random(new_documents) < 0.05, 3, 0)
    is_dollar = random.random(new_documents) < 0.03
    changed = _of_day(history.any_time, ordinal, _part(250, new_documents))
    is_withdrawn = np.arange(len(changed.number)) % 5 == 0
    written_off = _of_day(history.unpaid, ordinal, _part(10, new_documents))

    frames = {
        "ledger": pl.concat(
            [
                _invoices(new).with_columns(
                    _ids(f"N{stamp}", new.number).alias("document_id"),
                    pl.Series("currency_code", np.where(is_dollar, "USD", "CNY")),
                    pl.lit(value=False).alias("is_withdrawn"),
                ),
                _corrected_invoices(changed.take(~is_withdrawn)).with_columns(
                    pl.lit(value=False).alias("is_withdrawn")
                ),
                _invoices(changed.take(is_withdrawn)).with_columns(
                    pl.lit(value=True).alias("is_withdrawn")
                ),
                _write_offs(_invoices(written_off)).with_columns(
                    pl.lit(day).alias("document_date"), pl.lit(value=False).alias("is_withdrawn")
                ),
            ]
        ),
        "payments": _payments_of_day(
            history,
            new.take(~is_dollar),
            random,
            ordinal=ordinal,
            stamp=stamp,
            count=_part(12_000, new_documents),
        ),
        "contact_log": _contacts_of_day(
            history, random, ordinal=ordinal, stamp=stamp, count=_part(20_000, new_documents)
        ),
        "customers": _customer_rows(customers, random),
        "portfolios": _portfolio_rows(customers, day),
        "fx_rates": _rates_of_day(day, ordinal, changes_rate=changes_rate),
    }
    for name, frame in frames.items():
        _concat(folder, name, 0, frame)
    return {name: frame.height for name, frame in frames.items()}


def _part(count: int, new_documents: int) -> int:
    """As many as a day of that size has of what a day of 10,000 documents has so many of."""
    return max(2, round(count * new_documents / 10_000))


def _corrected_invoices(documents: _Documents) -> pl.DataFrame:
    """Every other one with another amount, the rest with another due date."""
    is_amount = np.arange(len(documents.number)) % 2 == 0
    return _invoices(documents).with_columns(
        _money(documents.cents + np.where(is_amount, 1_000, 0)).alias("amount"),
        _dates(documents.billed + documents.terms + np.where(is_amount, 0, 15)).alias("due_date"),
    )


def _payments_of_day(
    history: _History,
    new: _Documents,
    random: np.random.Generator,
    *,
    ordinal: int,
    stamp: str,
    count: int,
) -> pl.DataFrame:
    """Payments of open documents, then of today's, and what becomes of earlier payments."""
    today = DAYS + ordinal
    share = max(1, round(count * 0.02))
    firsts = _of_day(history.coming_firsts, ordinal, round(count * 0.75))
    seconds = _of_day(history.coming_seconds, ordinal, round(count * 0.15))
    lately = _of_day(history.recent, ordinal, 2 * share)
    remaining = count - len(firsts.number) - len(seconds.number) - len(lately.number)
    at_once = new.take(np.arange(min(len(new.number), remaining)))
    in_closed_month = today - 31 - random.integers(0, 10, len(firsts.number))
    is_late = random.random(len(firsts.number)) < 0.02
    is_bounced = np.arange(len(lately.number)) % 2 == 0
    bounced, corrected = lately.take(is_bounced), lately.take(~is_bounced)
    is_amount = np.arange(len(corrected.number)) % 2 == 0
    reverses = pl.lit(None, pl.String).alias("reverses_payment_id")
    return pl.concat(
        [
            _payments(
                firsts,
                is_second=False,
                paid_on=np.where(is_late, np.maximum(firsts.billed, in_closed_month), today),
                cents=firsts.first_cents,
            ).with_columns(reverses),
            _payments(
                seconds,
                is_second=True,
                paid_on=np.full(len(seconds.number), today),
                cents=seconds.cents - seconds.first_cents,
            ).with_columns(reverses),
            _payments(
                at_once,
                is_second=False,
                paid_on=np.full(len(at_once.number), today),
                cents=at_once.cents,
            ).with_columns(
                _ids(f"Q{stamp}", at_once.number).alias("payment_id"),
                _ids(f"N{stamp}", at_once.number).alias("document_id"),
                reverses,
            ),
            _payments(
                corrected,
                is_second=False,
                paid_on=corrected.paid_on - np.where(is_amount, 0, 3),
                cents=corrected.first_cents - np.where(is_amount, 50, 0),
            ).with_columns(reverses),
            _payments(
                bounced,
                is_second=False,
                paid_on=np.full(len(bounced.number), today),
                cents=bounced.first_cents,
            ).with_columns(
                pl.col("payment_id").alias("reverses_payment_id"),
                _ids(f"R{stamp}", bounced.number).alias("payment_id"),
            ),
        ]
    )


def _contacts_of_day(
    history: _History, random: np.random.Generator, *, ordinal: int, stamp: str, count: int
) -> pl.DataFrame:
    """Contacts about documents that are about to be paid, some that never are, and a few old."""
    about = _join(
        [
            _of_day(history.coming_firsts, ordinal, round(count * 0.45)),
            _of_day(history.unpaid, ordinal, max(1, round(count * 0.025))),
            history.any_time.take(np.arange(min(100, len(history.any_time.number)))),
        ]
    )
    drawn = _draw_contacts(random, about, count)
    is_late = random.random(count) < 0.03
    drawn.day[:] = DAYS + ordinal - np.where(is_late, random.integers(1, 40, count), 0)
    return _contact_log(about, drawn, _ids(f"L{stamp}", np.arange(count)))


def _rates_of_day(day: date, ordinal: int, *, changes_rate: bool) -> pl.DataFrame:
    """The dollar's rate of the day; with the first day also those of the ten days before."""
    back = range(11) if ordinal == 1 else (0, 1) if changes_rate else (0,)
    days = [day - timedelta(days=days_back) for days_back in back]
    is_changed = [changes_rate and days_back == 1 for days_back in back]
    return pl.DataFrame(
        {
            "rate_date": days,
            "from_currency": ["USD"] * len(days),
            "to_currency": ["CNY"] * len(days),
            "rate": [
                f"7.{1000 + rate_day.toordinal() % 97 + 100 * changed}"
                for rate_day, changed in zip(days, is_changed, strict=True)
            ],
        }
    )
