"""What the collectors do: reminders, calls, letters, and the promises customers make.

Contacts are drawn from the items of one block of customers and the portfolios; a promise knows when
the customer really is going to pay, so that the share that is kept can be set.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ingest.sample.parties import Collectors, Customers, Portfolios
from ingest.sample.settings import NEVER, Settings, day_number
from ingest.sample.trade import Items

OUTCOMES = (
    "no_answer",
    "left_message",
    "right_party",
    "promise_to_pay",
    "wrong_party",
    "paid",
    "dispute",
    "refusal",
    "payment_plan",
    "complaint",
)
_OUTCOME_SHARES = [0.36, 0.17, 0.19, 0.17, 0.035, 0.035, 0.015, 0.015, 0.008, 0.002]
CHANNELS = ("phone", "messaging", "email", "sms", "letter", "visit", "legal")
#: Of the promises that the customer could keep, how many name a day on which the money is there.
_HONEST_SHARE = 0.80


def make_contacts(
    settings: Settings,
    customers: Customers,
    collectors: Collectors,
    portfolios: Portfolios,
    items: Items,
    *,
    block: int,
    first_contact: int,
) -> pl.DataFrame:
    """Make the contacts about a block's items.

    Returns:
        One row per contact: canonical columns, ``cents`` promised, ``local`` (naive local instant
        in microseconds), ``instant`` (UTC microseconds), ``zone`` and ``delivery``.
    """
    rng = np.random.default_rng([settings.seed, 20, block])
    end = day_number(settings.end_date)
    start = day_number(settings.start_date)
    size = len(items.customer)
    number = np.arange(size)

    # Reminders go out a few days before the due day.
    reminder_day = items.due - rng.integers(2, 6, size)
    reminded = (rng.random(size) < 0.42) & (reminder_day > items.opened) & (reminder_day >= start)
    reminded &= (reminder_day < items.first_paid) & (reminder_day <= end)
    # Chasing begins three days after it and ends with the money, the write-off, or today.
    first = np.maximum(items.due + 3, start)
    last = np.minimum(items.settled - 1, end)
    days_late = np.clip(last - first + 1, 0, 150)
    attempts = np.where(days_late > 0, 1 + rng.poisson(days_late / 8.0), 0)
    attempts = np.minimum(attempts, 16)
    item = np.concatenate([number[reminded], np.repeat(number, attempts)])
    is_reminder = np.arange(len(item)) < int(reminded.sum())
    window = np.maximum(last - first, 0)[item]
    day = np.where(
        is_reminder,
        reminder_day[item],
        first[item] + (rng.random(len(item)) * (window + 1)).astype(np.int64),
    )
    day = np.where((day + 3) % 7 > 4, day - 2, day)
    day = np.where(is_reminder, day, np.maximum(day, items.due[item] + 1))

    count = len(item)
    late = day - items.due[item]
    outcome = rng.choice(len(OUTCOMES), count, p=_OUTCOME_SHARES)
    outcome[is_reminder] = 1
    roll = rng.random(count)
    channel = np.searchsorted([0.68, 0.80, 0.91, 0.97, 0.99], roll)
    channel = np.where(is_reminder, 1 + (roll * 3).astype(np.int64), channel)
    channel = np.where((late > 90) & (rng.random(count) < 0.12), 6, channel)
    channel = np.where((late > 30) & (rng.random(count) < 0.05), 4, channel)
    # Nobody promises by letter; what is written is a message left.
    outcome = np.where(np.isin(channel, [4, 6]), 1, outcome)
    outcome = np.where(np.isin(channel, [2, 3]) & np.isin(outcome, [0, 4]), 1, outcome)

    customer = items.customer[item]
    owner = portfolios.owner_at(customer, day)
    helpers = np.flatnonzero(collectors.role == "assistant")
    helped = (rng.random(count) < 0.08) & (len(helpers) > 0)
    collector = np.where(helped, helpers[rng.integers(0, len(helpers), count)], owner)
    collector = np.where(channel == 6, np.flatnonzero(collectors.role == "legal")[0], collector)

    frame = pl.DataFrame(
        {
            "item": item,
            "day": day,
            "outcome": outcome,
            "channel": channel,
            "collector": collector,
            "minute": rng.integers(9 * 3600, 18 * 3600, count),
            "roll": rng.random(count),
            "gap": rng.integers(0, 3, count),
            "hope": rng.integers(3, 12, count),
        }
    ).sort("day", "item", "minute")
    # One open promise per item is the rule; a second one is rare.
    promise = pl.col("outcome") == 3
    frame = frame.with_columns(
        pl.when(promise & (promise.cum_sum().over("item") > 1) & (pl.col("roll") < 0.85))
        .then(2)
        .otherwise("outcome")
        .alias("outcome")
    )
    item = frame["item"].to_numpy()
    day = frame["day"].to_numpy()
    outcome = frame["outcome"].to_numpy()
    roll = frame["roll"].to_numpy()
    promised = (outcome == 3) | (outcome == 8)
    pays = items.first_paid[item]
    can_keep = (pays > day) & (pays < day + 60) & (roll < _HONEST_SHARE)
    promised_day = np.where(
        can_keep, pays + frame["gap"].to_numpy(), day + frame["hope"].to_numpy()
    )
    promised_cents = np.where(can_keep, items.first_paid_cents[item], items.cents[item])
    promised_cents = np.maximum(promised_cents, 100)

    customer = items.customer[item]
    zone = pl.Series("zone", customers.timezone[customer], dtype=pl.String)
    seconds = day * 86_400 + frame["minute"].to_numpy()
    local = pl.Series("local", seconds * 1_000_000).cast(pl.Datetime("us"))
    instants = pl.DataFrame([zone, local]).select(
        pl.coalesce(
            pl.when(pl.col("zone") == name).then(
                pl.col("local").dt.replace_time_zone(name).dt.convert_time_zone("UTC")
            )
            for name in ("Asia/Shanghai", "America/New_York", "Europe/Berlin")
        ).alias("instant")
    )["instant"]
    company_day = instants.dt.convert_time_zone("Asia/Shanghai").dt.date().cast(pl.Int32).to_numpy()
    connected = np.isin(outcome, [2, 3, 4, 6, 7, 8, 9]) & (frame["channel"].to_numpy() == 0)
    identifiers = pl.Series(first_contact + np.arange(len(item))).cast(pl.String).str.zfill(9)
    contacts = pl.DataFrame(
        {
            "delivery": settings.delivery_of(company_day.astype(np.int64)),
            "contact_id": pl.select(pl.format("CT{}", identifiers)).to_series(),
            "customer_id": pl.Series(customers.customer_id[customer], dtype=pl.String),
            "document_id": items.document_id.gather(item),
            "collector_id": pl.Series(
                collectors.collector_id[frame["collector"].to_numpy()], dtype=pl.String
            ),
            "zone": zone,
            "local": local,
            "instant": instants.dt.replace_time_zone(None),
            "channel": pl.Series(CHANNELS).gather(frame["channel"]),
            "outcome": pl.Series(OUTCOMES).gather(frame["outcome"]),
            "direction": pl.Series(np.where(roll < 0.04, "inbound", "outbound"), dtype=pl.String),
            "cents": pl.Series(promised_cents).set(pl.Series(~promised), None),
            "promised_day": pl.Series(promised_day).set(pl.Series(~promised), None),
            "duration_seconds": pl.Series((30 + roll * 420).astype(np.int64)).set(
                pl.Series(~connected), None
            ),
            "is_complaint_upheld": pl.Series(roll < 0.3).set(pl.Series(outcome != 9), None),
        }
    )
    return contacts.filter(
        (pl.col("delivery") < len(settings.deliveries))
        & (pl.Series(day) < np.minimum(customers.insolvent[customer] + 120, NEVER))
    )
