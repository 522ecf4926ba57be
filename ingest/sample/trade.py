"""The business itself: documents, what settles them, and the cash that comes in.

One call makes the business of a block of customers, as arrays and without a loop over documents, so
that memory is bounded by the block. Everything is in the canonical terms of the extracts; how a
source system writes it down lives in ``systems``, and what goes wrong in ``oddities``. Money is
whole cents in 64-bit integers.

Frames of ledger entries and payments carry, besides canonical columns, ``delivery`` (number of
the delivery that holds the row), ``event_day`` (when the source changed it), and
``balance_cents``: what the row does to the receivables of the general ledger, on ``balance_day``.
A row that only repeats an entry with another attribute does nothing to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.sample.parties import CURRENCIES, DOMESTIC, OVERSEAS, Customers, Flags, Floats, Integers
from ingest.sample.settings import NEVER, Days, Settings, day_number

#: What becomes of an item, with its share among customers of paying habit 0, 1, 2 and 3.
STORIES = {
    "paid_in_full": (0.778, 0.703, 0.590, 0.440),
    "paid_early": (0.050, 0.025, 0.000, 0.000),
    "paid_in_parts": (0.035, 0.095, 0.210, 0.310),
    "disputed": (0.015, 0.028, 0.050, 0.070),
    "never_paid": (0.000, 0.006, 0.025, 0.060),
    "paid_twice": (0.004, 0.003, 0.002, 0.000),
    "prepaid": (0.006, 0.003, 0.000, 0.000),
    "bounced": (0.002, 0.004, 0.010, 0.025),
    "unapplied_first": (0.040, 0.063, 0.048, 0.030),
    "short_paid": (0.035, 0.035, 0.035, 0.035),
    "returned_goods": (0.035, 0.035, 0.030, 0.030),
}
DISPUTE_REASONS = ("price", "quantity", "quality", "delivery", "missing_order_number")
LEGAL_STAGES = ("none", "demand_letter", "litigation", "judgment", "enforcement")

#: Document types with the digit and the prefix of their numbers at home and abroad.
_NUMBERED = {
    "opening_balance": ("3", "OB"),
    "debit_memo": ("4", "DM"),
    "credit_memo": ("5", "CM"),
    "adjustment": ("6", "ADJ"),
    "write_off": ("7", "WO"),
    "recovery": ("8", "RC"),
    "invoice": ("9", "INV"),
}
_BILLED = ("opening_balance", "debit_memo", "invoice")
_TEXTS = {
    "opening_balance": ("期初余额", "Opening balance"),
    "debit_memo": ("服务费", "Service charge"),
    "credit_memo": ("销售折让", "Credit note"),
    "adjustment": ("银行手续费", "Bank charges"),
    "write_off": ("坏账核销", "Bad debt written off"),
    "recovery": ("坏账收回", "Bad debt recovered"),
    "invoice": ("产品销售", "Goods and services"),
}

LEDGER_SCHEMA = pl.Schema(
    {
        "delivery": pl.Int64,
        "company_code": pl.String,
        "document_id": pl.String,
        "installment_no": pl.Int64,
        "customer_id": pl.String,
        "document_type": pl.String,
        "document_date": pl.Int64,
        "due_date": pl.Int64,
        "payment_terms_days": pl.Int64,
        "currency_code": pl.String,
        "cents": pl.Int64,
        "applies_to_document_id": pl.String,
        "has_open_dispute": pl.Boolean,
        "dispute_reason": pl.String,
        "legal_status": pl.String,
        "salesperson_id": pl.String,
        "description": pl.String,
        "is_withdrawn": pl.Boolean,
        "event_day": pl.Int64,
        "balance_day": pl.Int64,
        "balance_cents": pl.Int64,
    }
)
PAYMENTS_SCHEMA = pl.Schema(
    {
        "delivery": pl.Int64,
        "company_code": pl.String,
        "payment_id": pl.String,
        "line_no": pl.Int64,
        "customer_id": pl.String,
        "payment_date": pl.Int64,
        "currency_code": pl.String,
        "cents": pl.Int64,
        "document_id": pl.String,
        "installment_no": pl.Int64,
        "application_date": pl.Int64,
        "discount_cents": pl.Int64,
        "method": pl.String,
        "reverses_payment_id": pl.String,
        "event_day": pl.Int64,
        "balance_day": pl.Int64,
        "balance_cents": pl.Int64,
    }
)


@dataclass(frozen=True)
class Bills:
    """The documents of a block, one entry per document or installment: an item.

    Attributes:
        customer: Number of the customer.
        number: Number of the document; installments share it.
        document_id: Number of the document as the source writes it.
        document_type: Type of the document.
        installment: Installment, from 1.
        is_split: Whether the document has installments.
        is_migrated: Whether it came over from the old system.
        is_overseas: Whether the overseas company billed it.
        currency: Currency of the document.
        opened: Document day.
        due: Due day.
        terms: Payment terms of the document in days.
        has_own_terms: Whether they differ from the customer's.
        cents: Amount of the item.
        insolvent: Day of the customer's insolvency, or ``NEVER``.
        stops_paying: Day from which the customer pays nothing: weeks before its insolvency.
        document_count: Documents, installments not counted.
    """

    customer: Integers
    number: Integers
    document_id: pl.Series
    document_type: pl.Series
    installment: Integers
    is_split: Flags
    is_migrated: Flags
    is_overseas: Flags
    currency: pl.Series
    opened: Days
    due: Days
    terms: Integers
    has_own_terms: Flags
    cents: Integers
    insolvent: Days
    stops_paying: Days
    document_count: int

    @property
    def count(self) -> int:
        """Number of items."""
        return len(self.customer)


@dataclass(frozen=True)
class Fate:
    """What becomes of each item: one entry per item in each array.

    Amounts are zero and days are ``NEVER`` where the thing does not happen.
    """

    story: Integers
    paid: Days
    first_cents: Integers
    second_day: Days
    second_cents: Integers
    third_day: Days
    third_cents: Integers
    bounced_day: Days
    repaid_day: Days
    applied_day: Days
    twice_day: Days
    refund_day: Days
    discount_cents: Integers
    charge_cents: Integers
    credit_day: Days
    credit_cents: Integers
    dispute_opens: Days
    dispute_closes: Days
    dispute_reason: Integers
    given_up_day: Days

    def has(self, story: str) -> Flags:
        """Return where a story is told."""
        told: Flags = self.story == list(STORIES).index(story)
        return told


@dataclass(frozen=True)
class Items:
    """What the collectors know of a block's items; see ``work``.

    Attributes:
        customer: Number of the customer.
        document_id: The document.
        opened: Document day.
        due: Due day.
        cents: Amount.
        first_paid: Day of the first lasting payment, or ``NEVER``.
        first_cents: Amount of that payment.
        second_paid: Day of a second part, or ``NEVER``.
        second_cents: Amount of it.
        settled: Day on which nothing is left to chase, or ``NEVER``.
    """

    customer: Integers
    document_id: pl.Series
    opened: Days
    due: Days
    cents: Integers
    first_paid: Days
    first_cents: Integers
    second_paid: Days
    second_cents: Integers
    settled: Days


@dataclass(frozen=True)
class Trade:
    """The business of one block.

    Attributes:
        ledger: One row per delivered version of a ledger entry (``LEDGER_SCHEMA``).
        payments: One row per delivered version of a payment line (``PAYMENTS_SCHEMA``).
        items: What the collectors work on.
        document_count: Documents billed, for numbering the next block.
        payment_count: Payments received, for numbering the next block.
    """

    ledger: pl.DataFrame
    payments: pl.DataFrame
    items: Items
    document_count: int
    payment_count: int


def make_trade(
    settings: Settings,
    customers: Customers,
    members: Integers,
    *,
    block: int,
    first_document: int,
    first_payment: int,
) -> Trade:
    """Make the business of some customers.

    Args:
        settings: Size and calendar.
        customers: All customers.
        members: Numbers of the customers of this block.
        block: Number of the block, part of the random seed.
        first_document: Number of the block's first document.
        first_payment: Number of the block's first payment.
    """
    rng = np.random.default_rng([settings.seed, 10, block])
    bills = _bill(rng, settings, customers, members, first_document)
    fate = _decide(rng, settings, customers, bills)
    cash = _cash(settings, bills, fate)
    bounces = _bounces(settings, bills, fate)
    lost = _losses(rng, settings, bills, fate, cash, bounces)
    ledger = pl.concat(
        [
            _billed_versions(settings, customers, bills, fate),
            *_credits(settings, customers, bills, fate),
            *_write_offs(settings, customers, bills, lost),
        ]
    )
    payments, payment_count = _payments(
        rng, settings, customers, bills, fate, cash, bounces, first_payment
    )
    return Trade(
        ledger=ledger,
        payments=payments,
        items=_items(bills, fate),
        document_count=bills.document_count,
        payment_count=payment_count,
    )


def working_day(days: Days) -> Days:
    """Move days that fall on a weekend to the Monday after it."""
    weekday = (days + 3) % 7
    moved: Days = days + np.where(weekday > 4, 7 - weekday, 0)
    return moved


def write_number(document_type: pl.Series, number: Integers, is_overseas: Flags) -> pl.Series:
    """Write document numbers: twelve digits with leading zeros at home, prefixed abroad."""
    digits = pl.col("number").cast(pl.String).str.zfill(9)
    kind = pl.col("document_type")
    home = kind.replace_strict({name: f"00{digit}" for name, (digit, _) in _NUMBERED.items()})
    abroad = kind.replace_strict({name: f"{word}-" for name, (_, word) in _NUMBERED.items()})
    prefix = pl.when(pl.col("is_overseas")).then(abroad).otherwise(home)
    return (
        pl.DataFrame(
            {"document_type": document_type, "number": number, "is_overseas": is_overseas},
            schema_overrides={"document_type": pl.String, "number": pl.Int64},
        )
        .select(pl.concat_str(prefix, digits).alias("document_id"))
        .to_series()
    )


def _business_weights(settings: Settings) -> Floats:
    """Weigh each day: working days, quarter-end pushes, holidays, slow growth."""
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    days = np.arange(start, end + 1)
    calendar = days.astype("datetime64[D]")
    months = calendar.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    of_month = (calendar - months.astype("datetime64[D]")).astype(np.int64) + 1
    weights = np.where((days + 3) % 7 < 5, 1.0, 0.03)
    weights *= np.where((month % 3 == 0) & (of_month > 20), 1.3, 1.0)
    weights *= np.where((month == 10) & (of_month <= 7), 0.05, 1.0)
    weights *= np.where(month == 2, 0.75, 1.0)
    grown: Floats = weights * (1 + 0.12 * (days - start) / 365.0)
    return grown


def _bill(
    rng: np.random.Generator,
    settings: Settings,
    customers: Customers,
    members: Integers,
    first_document: int,
) -> Bills:
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    customer = np.repeat(members, customers.documents[members])
    count = len(customer)
    cumulative = np.concatenate([[0.0], np.cumsum(_business_weights(settings))])
    opens = np.clip(customers.onboarded[customer], start, end)
    closes = np.clip(customers.insolvent[customer] - 1, start, end)
    low, high = cumulative[opens - start], cumulative[closes - start + 1]
    place = np.searchsorted(cumulative, low + rng.random(count) * (high - low), side="right")
    day = start + np.clip(place - 1, 0, end - start)
    # Migrated balances: items still open of the ninety days before the cut-over.
    migrated = (customers.onboarded[customer] < start - 90) & (rng.random(count) < 0.024)
    day = np.where(migrated, start - rng.integers(1, 91, count), day)
    order = np.lexsort((customer, day))
    customer, day, migrated = customer[order], day[order], migrated[order]

    level = np.where(customers.currency[customer] > 0, 1 / 7.4, 1.0)
    size = customers.amount_scale[customer] * level * np.exp(rng.normal(-0.32, 0.8, count))
    cents = np.maximum(np.round(3_000_000 * size).astype(np.int64), 5_000)
    kind = np.where(migrated, 0, np.where(rng.random(count) < 0.025, 1, 2))
    own_terms = rng.random(count) < 0.03
    terms = np.where(own_terms, rng.choice([15, 45, 60], count), customers.terms[customer])
    number = first_document + np.arange(count)
    split = (kind == 2) & (cents > 3_000_000 * level) & (rng.random(count) < 0.1)

    parts = np.where(split, 3, 1)
    at = np.repeat(np.arange(count), parts)
    installment = np.arange(len(at)) - np.repeat(np.cumsum(parts) - parts, parts) + 1
    third = cents[at] // 3
    share = np.where(installment == 1, cents[at] - 2 * third, third)
    document_type = pl.Series(_BILLED).gather(kind)
    is_overseas = customers.is_overseas[customer]
    return Bills(
        customer=customer[at],
        number=number[at],
        document_id=write_number(document_type, number, is_overseas).gather(at),
        document_type=document_type.gather(at),
        installment=installment,
        is_split=split[at],
        is_migrated=migrated[at],
        is_overseas=is_overseas[at],
        currency=pl.Series(CURRENCIES).gather(customers.currency[customer[at]]),
        opened=day[at],
        due=day[at] + np.where(split[at], 30 * installment, terms[at]),
        terms=terms[at],
        has_own_terms=own_terms[at],
        cents=np.where(split[at], share, cents[at]),
        insolvent=customers.insolvent[customer[at]],
        stops_paying=customers.insolvent[customer[at]] - 50,
        document_count=count,
    )


def _decide(
    rng: np.random.Generator, settings: Settings, customers: Customers, bills: Bills
) -> Fate:
    count = bills.count
    habit = customers.habit[bills.customer]
    cumulative = np.cumsum(np.array(list(STORIES.values())), axis=0)[:-1].T
    story = (rng.random(count)[:, None] > cumulative[habit]).sum(axis=1).astype(np.int64)
    told = {name: story == number for number, name in enumerate(STORIES)}

    def after(days: Days, least: int, most: int) -> Days:
        moved: Days = days + rng.integers(least, most, count)
        return working_day(moved)

    # When the customer pays, in full or the first part.
    delay = np.choose(
        habit,
        [
            rng.normal(-3.5, 2.5, count),
            rng.normal(-2.0, 3.5, count),
            rng.gamma(2.0, 4.0, count),
            rng.gamma(2.0, 10.0, count) + 5,
        ],
    )
    dispute_opens = after(bills.opened, 6, 25)
    dispute_closes = np.maximum(after(dispute_opens, 12, 60), bills.due)
    paid = bills.due + np.round(delay).astype(np.int64)
    paid = np.where(told["paid_early"], after(bills.opened, 5, 12), paid)
    paid = np.where(told["disputed"], after(dispute_closes, 3, 12), paid)
    paid = np.maximum(paid, bills.opened + 1)
    # What was migrated was open at the cut-over, so its cash comes later.
    cut_over = day_number(settings.start_date) + rng.integers(0, 40, count)
    paid = np.where(bills.is_migrated, np.maximum(paid, cut_over), paid)
    to_weekday = (customers.pay_weekday[bills.customer] - (paid + 3)) % 7
    has_payment_run = bills.customer % 5 != 0
    paid = np.where(has_payment_run, paid + to_weekday, working_day(paid))
    paid = np.where(told["prepaid"], bills.opened - rng.integers(2, 9, count), paid)

    # What does not come as cash.
    never, parted = told["never_paid"], told["paid_in_parts"]
    credited = told["returned_goods"] | (told["disputed"] & (rng.random(count) < 0.55))
    credit_day = np.where(told["disputed"], dispute_closes, after(bills.opened, 4, 20))
    credit_day = np.minimum(credit_day, np.maximum(paid - 1, bills.opened))
    credited &= ~bills.is_migrated & (credit_day < bills.insolvent)
    part = rng.uniform(0.03, 0.22, count)
    credit_cents = np.where(credited, (bills.cents * part).astype(np.int64), 0)
    charge = np.minimum(rng.integers(100, 4_000, count), bills.cents // 10)
    charge_cents = np.where(told["short_paid"] & (paid < bills.stops_paying), charge, 0)
    discount_cents = np.where(told["paid_early"], bills.cents // 50, 0)

    # The cash, in up to three parts.
    owed = bills.cents - credit_cents - charge_cents - discount_cents
    first = (owed * rng.uniform(0.35, 0.7, count)).astype(np.int64)
    first_cents = np.where(parted, first, owed)
    down_payment = np.where(rng.random(count) < 0.3, bills.cents // 4, 0)
    first_cents = np.where(never, down_payment, first_cents)
    rest = np.where(parted, owed - first_cents, 0)
    second_cents = np.where(rng.random(count) < 0.35, rest // 2, rest)
    second_day = after(paid, 10, 28)
    twice_day = after(paid, 1, 12)
    refunded = told["paid_twice"] & (rng.random(count) < 0.85)
    # Some claims stay with the courts for years.
    gives_up = np.where(rng.random(count) < 0.8, after(bills.due, 130, 330), NEVER)
    return Fate(
        story=story,
        paid=paid,
        first_cents=first_cents,
        second_day=second_day,
        second_cents=second_cents,
        third_day=after(second_day, 10, 28),
        third_cents=rest - second_cents,
        bounced_day=np.where(told["bounced"], after(paid, 3, 7), NEVER),
        repaid_day=np.where(told["bounced"], after(paid, 10, 30), NEVER),
        applied_day=np.where(told["unapplied_first"], after(paid, 2, 25), NEVER),
        twice_day=np.where(told["paid_twice"], twice_day, NEVER),
        refund_day=np.where(refunded, after(twice_day, 10, 40), NEVER),
        discount_cents=discount_cents,
        charge_cents=charge_cents,
        credit_day=credit_day,
        credit_cents=credit_cents,
        dispute_opens=np.where(told["disputed"], dispute_opens, NEVER),
        dispute_closes=np.where(told["disputed"], dispute_closes, NEVER),
        dispute_reason=rng.integers(0, len(DISPUTE_REASONS), count),
        given_up_day=np.where(never, gives_up, NEVER),
    )


#: Parts in which cash comes; the last two are a second payment by mistake and its refund.
_FIRST, _SECOND, _THIRD, _REPAID, _TWICE, _REFUND = range(6)


def _happens(settings: Settings, bills: Bills, days: Days) -> Flags:
    """Return where a customer still does on a day what it would: in time, and solvent."""
    happens: Flags = (days <= day_number(settings.end_date)) & (days < bills.stops_paying)
    return happens


def _cash(settings: Settings, bills: Bills, fate: Fate) -> pl.DataFrame:
    """Return one row per cash line: ``item``, ``day``, ``cents``, ``part``."""
    parts = (
        (_FIRST, fate.paid, fate.first_cents),
        (_SECOND, fate.second_day, fate.second_cents),
        (_THIRD, fate.third_day, fate.third_cents),
        (_REPAID, fate.repaid_day, fate.first_cents),
        (_TWICE, fate.twice_day, fate.first_cents),
        (_REFUND, fate.refund_day, -fate.first_cents),
    )
    frames = []
    for part, days, cents in parts:
        item = np.flatnonzero((cents != 0) & _happens(settings, bills, days))
        frames.append(
            pl.DataFrame({"item": item, "day": days[item], "cents": cents[item]}).with_columns(
                pl.lit(part, pl.Int64).alias("part")
            )
        )
    return pl.concat(frames)


def _bounces(settings: Settings, bills: Bills, fate: Fate) -> Integers:
    """Return the items whose first payment the bank takes back."""
    bounced = fate.has("bounced") & _happens(settings, bills, fate.bounced_day)
    return np.flatnonzero(bounced & (fate.first_cents > 0))


@dataclass(frozen=True)
class _Losses:
    """Items written off, by item number, and what is recovered of them."""

    item: Integers
    day: Days
    cents: Integers
    recovery_day: Days
    recovery_cents: Integers


def _losses(
    rng: np.random.Generator,
    settings: Settings,
    bills: Bills,
    fate: Fate,
    cash: pl.DataFrame,
    bounces: Integers,
) -> _Losses:
    end = day_number(settings.end_date)
    received = np.zeros(bills.count, dtype=np.int64)
    np.add.at(received, cash["item"].to_numpy(), cash["cents"].to_numpy())
    np.subtract.at(received, bounces, fate.first_cents[bounces])
    allowed = np.where(fate.paid < bills.stops_paying, fate.discount_cents, 0)
    left = bills.cents - received - fate.credit_cents - fate.charge_cents - allowed
    failed = (bills.insolvent <= end) & (left > 0)
    patience = rng.integers(60, 120, bills.count)
    day = np.where(failed, bills.insolvent + patience, fate.given_up_day)
    day = np.where(day < NEVER, working_day(np.minimum(day, NEVER - 7)), NEVER)
    item = np.flatnonzero((left > 0) & (day <= end) & (failed | fate.has("never_paid")))
    size = len(item)
    recovered = rng.random(size) < 0.45
    recovery_day = working_day(day[item] + rng.integers(25, 140, size))
    share = rng.uniform(0.1, 0.6, size)
    return _Losses(
        item=item,
        day=day[item],
        cents=left[item],
        recovery_day=np.where(recovered & (recovery_day <= end), recovery_day, NEVER),
        recovery_cents=np.maximum((left[item] * share).astype(np.int64), 1),
    )


def _company(is_overseas: Flags) -> pl.Series:
    return pl.Series([DOMESTIC, OVERSEAS]).gather(is_overseas.astype(np.int64))


def _billed_versions(
    settings: Settings, customers: Customers, bills: Bills, fate: Fate
) -> pl.DataFrame:
    """Write each item when it is billed and again whenever its dispute or legal state changes."""
    never = fate.has("never_paid")
    sued = never & (bills.number % 2 == 0)
    failed = bills.insolvent <= day_number(settings.end_date)
    unpaid = failed & (fate.paid >= bills.stops_paying) & ~never
    disputed = fate.dispute_opens < bills.insolvent
    steps: tuple[tuple[Flags, Days, bool, int], ...] = (
        (np.ones(bills.count, dtype=bool), bills.opened, False, 0),
        (disputed, fate.dispute_opens, True, 0),
        (disputed & (fate.dispute_closes < bills.insolvent), fate.dispute_closes, False, 0),
        (never, bills.due + 40, False, 1),
        (sued, bills.due + 75, False, 2),
        (sued, bills.due + 120, False, 3),
        (unpaid, bills.insolvent + 20, False, 4),
    )
    versions = pl.concat(
        [
            pl.DataFrame({"item": np.flatnonzero(mask), "event_day": days[mask]}).with_columns(
                pl.lit(step, pl.Int64).alias("step"),
                pl.lit(is_disputed).alias("has_open_dispute"),
                pl.lit(LEGAL_STAGES[stage]).alias("legal_status"),
            )
            for step, (mask, days, is_disputed, stage) in enumerate(steps)
        ]
    )
    versions = (
        versions.with_columns(
            pl.Series("delivery", settings.delivery_of(versions["event_day"].to_numpy()))
        )
        .filter(pl.col("delivery") < len(settings.deliveries))
        .sort("item", "delivery", "event_day", "step")
        # What changed between two deliveries is delivered as it stands at the second.
        .unique(["item", "delivery"], keep="last", maintain_order=True)
        .with_columns(pl.col("item").is_first_distinct().alias("is_first"))
    )
    item = versions["item"].to_numpy()
    # One document in fifty names only its terms, one in a hundred not even those.
    lot = bills.number % 100
    silent = ~bills.is_split & (lot < 2)
    bare = (bills.is_split | (lot == 0)) & ~bills.has_own_terms
    due = pl.Series(bills.due).set(pl.Series(silent), None)
    terms = pl.Series(bills.terms).set(pl.Series(bare), None)
    reason = pl.Series(DISPUTE_REASONS).gather(fate.dispute_reason[item])
    frame = versions.with_columns(
        _company(bills.is_overseas[item]).alias("company_code"),
        bills.document_id.gather(item).alias("document_id"),
        pl.Series("installment_no", bills.installment[item]),
        customers.customer_id.gather(bills.customer[item]).alias("customer_id"),
        bills.document_type.gather(item).alias("document_type"),
        pl.Series("document_date", bills.opened[item]),
        due.gather(item).alias("due_date"),
        terms.gather(item).alias("payment_terms_days"),
        bills.currency.gather(item).alias("currency_code"),
        pl.Series("cents", bills.cents[item]),
        pl.lit(None, pl.String).alias("applies_to_document_id"),
        pl.when("has_open_dispute").then(reason).alias("dispute_reason"),
        pl.format("S{}", pl.Series(bills.customer[item] % 40 + 101)).alias("salesperson_id"),
        _description(bills.document_type.gather(item), bills.is_overseas[item]),
        pl.lit(False).alias("is_withdrawn"),
        pl.Series("balance_day", bills.opened[item]),
        pl.when("is_first").then(pl.Series(bills.cents[item])).otherwise(0).alias("balance_cents"),
    )
    return frame.select(LEDGER_SCHEMA.names()).cast(LEDGER_SCHEMA)


def _description(document_type: pl.Series, is_overseas: Flags) -> pl.Series:
    home = document_type.replace_strict({name: text for name, (text, _) in _TEXTS.items()})
    abroad = document_type.replace_strict({name: text for name, (_, text) in _TEXTS.items()})
    return pl.select(
        pl.when(pl.Series(is_overseas)).then(abroad).otherwise(home).alias("description")
    ).to_series()


def _entries(
    settings: Settings,
    customers: Customers,
    bills: Bills,
    document_type: str,
    item: Integers,
    day: Days,
    cents: Integers,
) -> pl.DataFrame:
    """Write entries that are set against an item: memos, adjustments, write-offs, recoveries."""
    kind = pl.repeat(document_type, len(item), dtype=pl.String, eager=True)
    # Installments share their document's number, so later ones take numbers of their own.
    number = bills.number[item] + 300_000_000 * (bills.installment[item] - 1)
    effect = -np.abs(cents) if document_type != "recovery" else np.zeros_like(cents)
    is_overseas = bills.is_overseas[item]
    return pl.DataFrame(
        {
            "delivery": settings.delivery_of(day),
            "company_code": _company(is_overseas),
            "document_id": write_number(kind, number, is_overseas),
            "installment_no": np.ones(len(item), dtype=np.int64),
            "customer_id": customers.customer_id.gather(bills.customer[item]),
            "document_type": kind,
            "document_date": day,
            "due_date": None,
            "payment_terms_days": None,
            "currency_code": bills.currency.gather(item),
            "cents": cents,
            "applies_to_document_id": bills.document_id.gather(item),
            "has_open_dispute": False,
            "dispute_reason": None,
            "legal_status": "none",
            "salesperson_id": None,
            "description": _description(kind, is_overseas),
            "is_withdrawn": False,
            "event_day": day,
            "balance_day": day,
            "balance_cents": effect,
        },
        schema_overrides=dict(LEDGER_SCHEMA),
    ).filter(pl.col("delivery") < len(settings.deliveries))


def _credits(
    settings: Settings, customers: Customers, bills: Bills, fate: Fate
) -> list[pl.DataFrame]:
    memo = np.flatnonzero(fate.credit_cents > 0)
    charged = np.flatnonzero(fate.charge_cents > 0)
    return [
        _entries(
            settings,
            customers,
            bills,
            "credit_memo",
            memo,
            fate.credit_day[memo],
            fate.credit_cents[memo],
        ),
        _entries(
            settings,
            customers,
            bills,
            "adjustment",
            charged,
            fate.paid[charged],
            -fate.charge_cents[charged],
        ),
    ]


def _write_offs(
    settings: Settings, customers: Customers, bills: Bills, lost: _Losses
) -> list[pl.DataFrame]:
    recovered = lost.recovery_day < NEVER
    return [
        _entries(settings, customers, bills, "write_off", lost.item, lost.day, lost.cents),
        _entries(
            settings,
            customers,
            bills,
            "recovery",
            lost.item[recovered],
            lost.recovery_day[recovered],
            lost.recovery_cents[recovered],
        ),
    ]


def _payments(
    rng: np.random.Generator,
    settings: Settings,
    customers: Customers,
    bills: Bills,
    fate: Fate,
    cash: pl.DataFrame,
    bounces: Integers,
    first_payment: int,
) -> tuple[pl.DataFrame, int]:
    """Gather cash lines into payments: what a customer pays on one day is one payment."""
    item = cash["item"].to_numpy()
    first = (cash["part"] == _FIRST).to_numpy()
    waits = first & (fate.applied_day[item] < NEVER)
    bounced = fate.has("bounced")[item]
    alone = waits | bounced | (cash["part"] >= _REPAID).to_numpy()
    lines = (
        cash.with_columns(
            pl.Series("customer", bills.customer[item]),
            pl.Series("lot", np.where(alone, np.arange(len(item)) + 1, 0)),
            pl.Series("is_waiting", waits),
            pl.Series("is_cheque", bounced),
            pl.Series("roll", rng.random(len(item))),
        )
        .sort("day", "customer", "lot", "item", "part")
        .with_columns(pl.struct("day", "customer", "lot").rle_id().cast(pl.Int64).alias("payment"))
        .with_columns(
            (pl.int_range(pl.len()).over("payment") + 1).alias("line_no"),
            pl.col("roll").first().over("payment"),
        )
    )
    payment_count = 0 if lines.is_empty() else int(lines["payment"].to_numpy()[-1]) + 1
    item = lines["item"].to_numpy()
    discount = np.where((lines["part"] == _FIRST).to_numpy(), fate.discount_cents[item], 0)
    number = (pl.col("payment") + first_payment).cast(pl.String).str.zfill(10)
    document_id = bills.document_id.gather(item)
    # What came by mistake is kept on account, small change aside, until it is refunded.
    by_mistake = (pl.col("part") >= _TWICE) & (pl.col("cents").abs() > 2_000_000)
    is_on_account = lines.select(pl.col("is_waiting") | by_mistake).to_series()
    names_installment = pl.Series(bills.is_split[item]) & (lines["roll"] < 0.5)
    delivered = lines.select(
        pl.Series("delivery", settings.delivery_of(lines["day"].to_numpy())),
        _company(bills.is_overseas[item]).alias("company_code"),
        pl.concat_str(pl.lit("P"), number).alias("payment_id"),
        "line_no",
        customers.customer_id.gather(bills.customer[item]).alias("customer_id"),
        pl.col("day").alias("payment_date"),
        bills.currency.gather(item).alias("currency_code"),
        "cents",
        pl.when(~is_on_account).then(document_id).alias("document_id"),
        pl.when(names_installment & ~is_on_account)
        .then(pl.Series(bills.installment[item]))
        .alias("installment_no"),
        pl.lit(None, pl.Int64).alias("application_date"),
        pl.when(pl.Series(discount) > 0).then(pl.Series(discount)).alias("discount_cents"),
        pl.when("is_cheque")
        .then(pl.lit("cheque"))
        .when(pl.col("roll") < 0.82)
        .then(pl.lit("bank_transfer"))
        .otherwise(pl.lit("bill_of_exchange"))
        .alias("method"),
        pl.lit(None, pl.String).alias("reverses_payment_id"),
        pl.col("day").alias("event_day"),
        pl.col("day").alias("balance_day"),
        (-pl.col("cents") - pl.Series(discount)).alias("balance_cents"),
    )
    # Cash that came without a document is applied some days later: a new version of the line.
    applied = pl.Series(fate.applied_day[item])
    is_applied = lines["is_waiting"] & pl.Series(_happens(settings, bills, fate.applied_day)[item])
    matched = delivered.with_columns(
        pl.Series("delivery", settings.delivery_of(fate.applied_day[item])),
        document_id.alias("document_id"),
        applied.alias("application_date"),
        applied.alias("event_day"),
    ).filter(is_applied)
    reversal = (
        delivered.with_columns(pl.Series("item", item), pl.Series("part", lines["part"]))
        .filter((pl.col("part") == _FIRST) & pl.col("item").is_in(pl.Series(bounces).implode()))
        .with_columns(
            pl.col("payment_id").alias("reverses_payment_id"),
            pl.concat_str(pl.lit("R"), pl.col("payment_id").str.slice(1)).alias("payment_id"),
            -pl.col("cents"),
            -pl.col("balance_cents"),
        )
    )
    back = fate.bounced_day[reversal["item"].to_numpy()]
    reversal = reversal.with_columns(
        pl.Series("delivery", settings.delivery_of(back)),
        *(pl.Series(name, back) for name in ("payment_date", "event_day", "balance_day")),
    )
    payments = pl.concat(
        [
            frame.select(PAYMENTS_SCHEMA.names()).cast(PAYMENTS_SCHEMA)
            for frame in (delivered, matched, reversal)
        ]
    )
    key = ("company_code", "payment_id", "line_no")
    payments = payments.sort(*key, "event_day", maintain_order=True).unique(
        [*key, "delivery"], keep="last", maintain_order=True
    )
    is_first = pl.struct(key).is_first_distinct()
    payments = payments.with_columns(
        pl.when(is_first).then("balance_cents").otherwise(0).alias("balance_cents")
    ).sort("delivery", "event_day", *key)
    return payments, payment_count


def _items(bills: Bills, fate: Fate) -> Items:
    never = fate.has("never_paid")
    first_paid = np.where(fate.has("bounced"), fate.repaid_day, fate.paid)
    lasts = (fate.first_cents > 0) & (first_paid < bills.stops_paying)
    first_paid = np.where(lasts, first_paid, NEVER)
    comes_again = (fate.second_cents > 0) & (fate.second_day < bills.stops_paying)
    settled = np.where(fate.third_cents > 0, fate.third_day, fate.second_day)
    settled = np.where(fate.has("paid_in_parts"), settled, first_paid)
    settled = np.where(never | (settled >= bills.stops_paying), NEVER, settled)
    return Items(
        customer=bills.customer,
        document_id=bills.document_id,
        opened=bills.opened,
        due=bills.due,
        cents=bills.cents,
        first_paid=first_paid,
        first_cents=fate.first_cents,
        second_paid=np.where(comes_again, fate.second_day, NEVER),
        second_cents=fate.second_cents,
        settled=np.minimum(settled, fate.given_up_day),
    )
