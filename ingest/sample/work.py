"""What the collectors do: reminders, calls, letters, and the promises customers make.

Contacts are drawn from the items of one block of customers and from the portfolios. A promise knows
when the customer really is going to pay, so that the share that is kept can be set.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ingest.sample.parties import ZONES, Collectors, Customers, Integers, Portfolios
from ingest.sample.settings import Settings, day_number
from ingest.sample.trade import Items

#: What comes of a call, with its share.
OUTCOMES = {
    "no_answer": 0.360,
    "left_message": 0.160,
    "right_party": 0.190,
    "promise_to_pay": 0.180,
    "wrong_party": 0.035,
    "paid": 0.035,
    "dispute": 0.015,
    "refusal": 0.015,
    "payment_plan": 0.008,
    "complaint": 0.002,
}
CHANNELS = ("phone", "messaging", "email", "sms", "letter", "visit", "legal")

#: Of the promises that a customer could keep, how many name a day on which the money is there.
_HONEST_SHARE = 0.69

_CONTACTS_COLUMNS: dict[str, type[pl.DataType] | pl.DataType] = {
    "delivery": pl.Int64,
    "contact_id": pl.String,
    "customer_id": pl.String,
    "document_id": pl.String,
    "collector_id": pl.String,
    "local": pl.Datetime("us"),
    "instant": pl.Datetime("us"),
    "channel": pl.String,
    "direction": pl.String,
    "outcome": pl.String,
    "promised_cents": pl.Int64,
    "promised_date": pl.Int64,
    "duration_seconds": pl.Int64,
    "is_complaint_upheld": pl.Boolean,
    "evidence_reference": pl.String,
    "note": pl.String,
}
CONTACTS_SCHEMA = pl.Schema(_CONTACTS_COLUMNS)
_NOTES = {
    "no_answer": "无人接听",
    "left_message": "Message left, reminder sent",
    "promise_to_pay": "客户承诺付款",
    "dispute": "Says the goods were short, wants a credit note",
    "refusal": "拒绝付款",
    "complaint": "客户投诉催收频率",
}


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

    Args:
        settings: Size and calendar.
        customers: All customers.
        collectors: All people of the teams.
        portfolios: Who owns which customer.
        items: What there is to chase.
        block: Number of the block, part of the random seed.
        first_contact: Number of the block's first contact.

    Returns:
        One row per contact (``CONTACTS_SCHEMA``): ``local`` is the customer's wall clock,
        ``instant`` the same in UTC, ``delivery`` the delivery that holds it.
    """
    rng = np.random.default_rng([settings.seed, 20, block])
    contacts = _attempts(rng, settings, items)
    contacts = _outcomes(rng, contacts, items)
    item = contacts["item"].to_numpy()
    day = contacts["day"].to_numpy()
    customer = items.customer[item]
    channel = contacts["channel"].to_numpy()
    people = _people(rng, collectors, portfolios, customer, day, channel)
    zone = customers.zone[customer]
    local = (contacts["day"] * 86_400 + contacts["second"]) * 1_000_000
    contacts = contacts.with_columns(
        local.cast(pl.Datetime("us")).alias("local"), pl.Series("zone", zone)
    ).with_columns(
        pl.coalesce(
            pl.when(pl.col("zone") == number).then(
                pl.col("local").dt.replace_time_zone(name).dt.convert_time_zone("UTC")
            )
            for number, name in enumerate(ZONES)
        ).alias("utc")
    )
    # The company's day decides which delivery a contact is in.
    company_day = contacts["utc"].dt.convert_time_zone(ZONES[0]).dt.date().cast(pl.Int32)
    outcome = pl.col("outcome")
    connected = (pl.col("channel") == "phone") & ~outcome.is_in(["no_answer", "left_message"])
    chased = day < customers.insolvent[customer] + 120
    return (
        contacts.select(
            pl.Series("delivery", settings.delivery_of(company_day.cast(pl.Int64).to_numpy())),
            customers.customer_id.gather(customer).alias("customer_id"),
            items.document_id.gather(item).alias("document_id"),
            collectors.collector_id.gather(people).alias("collector_id"),
            "local",
            pl.col("utc").dt.replace_time_zone(None).alias("instant"),
            pl.Series(CHANNELS).gather(channel).alias("channel"),
            pl.when(pl.col("roll") < 0.04)
            .then(pl.lit("inbound"))
            .otherwise(pl.lit("outbound"))
            .alias("direction"),
            pl.Series(list(OUTCOMES)).gather(contacts["outcome"]).alias("outcome"),
            "promised_cents",
            "promised_date",
            "roll",
        )
        .filter((pl.col("delivery") < len(settings.deliveries)) & pl.Series(chased))
        .with_columns(
            pl.concat_str(
                pl.lit("CT"),
                (pl.int_range(pl.len()) + first_contact).cast(pl.String).str.zfill(9),
            ).alias("contact_id"),
            pl.when(connected)
            .then((20 + pl.col("roll") * 420).cast(pl.Int64))
            .alias("duration_seconds"),
            pl.when(outcome == "complaint").then(pl.col("roll") < 0.4).alias("is_complaint_upheld"),
            outcome.replace_strict(_NOTES, default=None).alias("note"),
        )
        .with_columns(
            pl.when(connected)
            .then(pl.concat_str(pl.lit("rec/"), "contact_id", pl.lit(".wav")))
            .alias("evidence_reference")
        )
        .select(CONTACTS_SCHEMA.names())
        .cast(CONTACTS_SCHEMA)
    )


def _attempts(rng: np.random.Generator, settings: Settings, items: Items) -> pl.DataFrame:
    """Draw when each item is worked: a reminder before the due day, attempts while it is late.

    Returns:
        ``item``, ``day``, ``second`` of the day, ``is_reminder``, in the order of time.
    """
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    count = len(items.customer)
    remind = items.due - rng.integers(2, 7, count)
    reminded = (rng.random(count) < 0.75) & (remind > items.opened) & (remind < items.first_paid)
    reminded &= (remind >= start) & (remind <= end)
    first = np.maximum(items.due + 3, start)
    last = np.minimum(items.settled - 1, end)
    late = np.clip(last - first + 1, 0, 150)
    attempts = np.where(late > 0, np.minimum(1 + rng.poisson(late / 3.6), 24), 0)
    at = np.concatenate([np.flatnonzero(reminded), np.repeat(np.arange(count), attempts)])
    is_reminder = np.arange(len(at)) < int(reminded.sum())
    place = (rng.random(len(at)) * late[at]).astype(np.int64)
    day = np.where(is_reminder, remind[at], first[at] + place)
    # Nobody calls at the weekend.
    weekday = (day + 3) % 7
    day = np.where(weekday > 4, np.maximum(day - (weekday - 4), items.opened[at]), day)
    return pl.DataFrame(
        {
            "item": at,
            "day": np.maximum(day, start),
            "second": rng.integers(9 * 3600, 18 * 3600, len(at)),
            "is_reminder": is_reminder,
        }
    ).sort("day", "item", "second")


def _outcomes(rng: np.random.Generator, contacts: pl.DataFrame, items: Items) -> pl.DataFrame:
    """Draw channel and outcome of each contact, and what is promised.

    Returns:
        The contacts with ``channel`` and ``outcome`` (positions), ``promised_cents``,
        ``promised_date`` and ``roll``, a draw that other choices use.
    """
    count = contacts.height
    item, day = contacts["item"].to_numpy(), contacts["day"].to_numpy()
    is_reminder = contacts["is_reminder"].to_numpy()
    late = day - items.due[item]
    roll = rng.random(count)
    channel = np.searchsorted([0.68, 0.80, 0.91, 0.97, 0.99], roll)
    channel = np.where(is_reminder, 1 + (roll * 3).astype(np.int64), channel)
    channel = np.where((late > 90) & (rng.random(count) < 0.12), 6, channel)
    names = list(OUTCOMES)
    outcome = rng.choice(len(names), count, p=list(OUTCOMES.values()))
    silent = is_reminder | np.isin(channel, [4, 6])
    silent |= np.isin(channel, [2, 3]) & np.isin(outcome, [0, names.index("wrong_party")])
    outcome = np.where(silent, names.index("left_message"), outcome)
    # One open promise per item is the rule; another one is rare.
    promise, plan = names.index("promise_to_pay"), names.index("payment_plan")
    drawn = contacts.with_columns(
        pl.Series("outcome", outcome), pl.Series("channel", channel), pl.Series("roll", roll)
    )
    nth = (pl.col("outcome") == promise).cum_sum().over("item")
    drawn = drawn.with_columns(
        pl.when((pl.col("outcome") == promise) & (nth > 1) & (pl.col("roll") < 0.6))
        .then(names.index("right_party"))
        .otherwise("outcome")
        .alias("outcome")
    )
    outcome = drawn["outcome"].to_numpy()
    promised = pl.Series(np.isin(outcome, [promise, plan]))
    is_next = items.first_paid[item] > day
    pays = np.where(is_next, items.first_paid[item], items.second_paid[item])
    brings = np.where(is_next, items.first_cents[item], items.second_cents[item])
    keeps = (pays > day) & (pays < day + 60) & (rng.random(count) < _HONEST_SHARE)
    when = np.where(keeps, pays + rng.integers(0, 3, count), day + rng.integers(3, 12, count))
    cents = np.where(keeps, brings, items.cents[item])
    return drawn.with_columns(
        pl.when(promised).then(pl.Series(np.maximum(cents, 100))).alias("promised_cents"),
        pl.when(promised).then(pl.Series(when)).alias("promised_date"),
    )


def _people(
    rng: np.random.Generator,
    collectors: Collectors,
    portfolios: Portfolios,
    customer: Integers,
    day: Integers,
    channel: Integers,
) -> Integers:
    """Choose who makes each contact: the owner, now and then an assistant, lawyers for law."""
    assistants, lawyers = collectors.having("assistant"), collectors.having("legal")
    helper = assistants[rng.integers(0, len(assistants), len(day))]
    owner = portfolios.owner_at(customer, day)
    person = np.where(rng.random(len(day)) < 0.08, helper, owner)
    return np.where(channel == CHANNELS.index("legal"), lawyers[0], person)
