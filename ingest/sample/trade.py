"""The business itself: documents, what settles them, and the cash that comes in.

One call makes the business of a block of customers, as arrays and without a loop over documents, so
that memory is bounded by the block. Everything is in the canonical terms of the extracts; how a
source system writes it down lives in ``systems``. Money is whole cents (or whole minor units) in
64-bit integers: no amount ever is a float once it has been drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.sample.parties import OVERSEAS, Customers, Flags, Integers, Portfolios
from ingest.sample.settings import NEVER, Days, Settings, day_number

#: What becomes of an item, with its share of the items of customers of paying habit A, B, C and D.
STORIES = (
    "paid_in_full",
    "paid_early",
    "paid_in_parts",
    "disputed",
    "never_paid",
    "paid_twice",
    "prepaid",
    "bounced",
    "unapplied_first",
    "short_paid",
    "returned_goods",
)
_STORY_SHARES = np.array(
    [
        [0.665, 0.160, 0.040, 0.015, 0.000, 0.004, 0.006, 0.002, 0.040, 0.035, 0.033],
        [0.676, 0.060, 0.110, 0.030, 0.002, 0.003, 0.003, 0.003, 0.045, 0.035, 0.033],
        [0.597, 0.010, 0.220, 0.050, 0.008, 0.002, 0.000, 0.008, 0.040, 0.035, 0.030],
        [0.475, 0.000, 0.310, 0.070, 0.030, 0.000, 0.000, 0.020, 0.030, 0.035, 0.030],
    ]
)
DISPUTE_REASONS = ("price", "quantity", "quality", "delivery", "missing_order_number")


@dataclass(frozen=True)
class Items:
    """Documents or installments of a block, as arrays of one length: what collectors work on.

    Attributes:
        customer: Number of the customer.
        document_id: The document each item belongs to.
        opened: Document day.
        due: Due day.
        cents: Amount.
        first_paid: Day of the first payment on it, else ``NEVER``.
        first_paid_cents: Amount of that payment.
        settled: Day on which it was settled or written off, else ``NEVER``.
        disputed: Day on which the customer disputed it, else ``NEVER``.
    """

    customer: Integers
    document_id: pl.Series
    opened: Days
    due: Days
    cents: Integers
    first_paid: Days
    first_paid_cents: Integers
    settled: Days
    disputed: Days


@dataclass(frozen=True)
class Trade:
    """The business of one block.

    Attributes:
        ledger: One row per delivered version of a ledger entry, canonical columns plus
            ``delivery`` (number of the delivery that holds it).
        payments: One row per delivered version of a payment line, the same way.
        balances: What each of those rows does to the receivables of the general ledger:
            ``delivery``, ``company_code``, ``currency_code``, ``day``, ``cents``.
        items: What the collectors work on.
        document_count: Documents billed, for numbering the next block.
        payment_count: Payments received, for numbering the next block.
    """

    ledger: pl.DataFrame
    payments: pl.DataFrame
    balances: pl.DataFrame
    items: Items
    document_count: int
    payment_count: int


def _business_weights(settings: Settings) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Weigh each day of business: working days, quarter-end pushes, a holiday, slow growth."""
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    days = np.arange(start, end + 1)
    calendar = days.astype("datetime64[D]")
    month = calendar.astype("datetime64[M]").astype(np.int64) % 12 + 1
    of_month = (calendar - calendar.astype("datetime64[M]")).astype(np.int64) + 1
    weights = np.where((days + 3) % 7 < 5, 1.0, 0.03)
    weights *= np.where((month % 3 == 0) & (of_month > 20), 1.35, 1.0)
    weights *= np.where((month == 10) & (of_month <= 7), 0.05, 1.0)
    weights *= np.where(month == 2, 0.75, 1.0)
    return weights * (1 + 0.12 * (days - start) / 365.0)


def _working_day(days: Days) -> Days:
    """Move a day that falls on a weekend to the Monday after it."""
    weekday = (days + 3) % 7
    return days + np.where(weekday > 4, 7 - weekday, 0)


def _pay_day(days: Days, weekday: Integers) -> Days:
    """Move a day to the customer's next weekly payment run."""
    return days + (weekday - (days + 3)) % 7


def _id(prefix: Integers | pl.Series, number: Integers, overseas: Flags) -> pl.Series:
    """Write document numbers: twelve digits with leading zeros at home, prefixed abroad."""
    frame = pl.DataFrame(
        {"kind": pl.Series(prefix), "number": number, "overseas": overseas}
    ).with_columns(pl.col("number").cast(pl.String).str.zfill(9).alias("digits"))
    word = pl.col("kind").replace_strict(
        {9: "INV-", 4: "DM-", 3: "OB-", 5: "CM-", 7: "WO-", 8: "RC-", 6: "ADJ-"},
        return_dtype=pl.String,
    )
    home = pl.format("00{}{}", pl.col("kind"), pl.col("digits"))
    return frame.select(
        pl.when(pl.col("overseas"))
        .then(pl.format("{}{}", word, pl.col("digits")))
        .otherwise(home)
        .alias("document_id")
    ).to_series()


def make_trade(
    settings: Settings,
    customers: Customers,
    members: Integers,
    *,
    block: int,
    first_document: int,
    first_payment: int,
) -> Trade:
    """Make the business of the customers numbered ``members``.

    Args:
        settings: Size and calendar.
        customers: All customers.
        members: Numbers of the customers of this block.
        block: Number of the block, part of the random seed.
        first_document: Number of the block's first document.
        first_payment: Number of the block's first payment.
    """
    rng = np.random.default_rng([settings.seed, 10, block])
    start, end = day_number(settings.start_date), day_number(settings.end_date)
    last_delivery = len(settings.deliveries)

    # --- documents -------------------------------------------------------------------------
    customer = np.repeat(members, customers.documents[members])
    count = len(customer)
    cumulative = np.concatenate([[0.0], np.cumsum(_business_weights(settings))])
    opens = np.clip(customers.onboarded[customer], start, end)
    closes = np.clip(customers.insolvent[customer] - 1, start, end)
    low, high = cumulative[opens - start], cumulative[closes - start + 1]
    drawn = low + rng.random(count) * (high - low)
    day = start + np.clip(np.searchsorted(cumulative, drawn, side="right") - 1, 0, end - start)
    # Migrated balances: open items of the ninety days before the cut-over.
    migrated = (customers.onboarded[customer] < start) & (rng.random(count) < 0.022)
    day = np.where(migrated, start - rng.integers(1, 91, count), day)
    order = np.lexsort((customer, day))
    customer, day, migrated = customer[order], day[order], migrated[order]

    overseas = customers.company[customer] == OVERSEAS
    currency = customers.currency[customer]
    foreign = currency != "CNY"
    scale = customers.amount_scale[customer] * np.where(foreign, 1 / 7.4, 1.0)
    cents = np.round(30_000 * scale * np.exp(rng.normal(-0.32, 0.8, count)) * 100).astype(np.int64)
    cents = np.maximum(cents, 5_000)
    kind = np.where(migrated, 3, np.where(rng.random(count) < 0.025, 4, 9))
    own_terms = rng.random(count) < 0.03
    terms = np.where(own_terms, rng.choice([15, 45, 60], count), customers.terms[customer]).astype(
        np.int64
    )
    number = first_document + np.arange(count)
    document_id = _id(kind, number, overseas)
    split = (
        (kind == 9) & (cents > 3_000_000 * np.where(foreign, 0.14, 1)) & (rng.random(count) < 0.1)
    )
    due_given = rng.random(count)

    # --- items: a document, or each of its three installments ---------------------------------
    parts = np.where(split, 3, 1)
    item_document = np.repeat(np.arange(count), parts)
    installment = np.arange(len(item_document)) - np.repeat(np.cumsum(parts) - parts, parts) + 1
    size = len(item_document)
    whole = cents[item_document]
    amount = np.where(split[item_document], whole // 3, whole)
    amount += np.where((installment == 1) & split[item_document], whole - 3 * (whole // 3), 0)
    opened = day[item_document]
    due = opened + np.where(split[item_document], 30 * installment, terms[item_document])
    buyer = customer[item_document]
    grade = customers.grade[buyer]
    failed = customers.insolvent[buyer]

    # --- what becomes of each item ------------------------------------------------------------
    thresholds = np.cumsum(_STORY_SHARES, axis=1)
    story = (rng.random(size)[:, None] > thresholds[grade]).sum(axis=1)
    story = np.minimum(story, len(STORIES) - 1)
    is_story = {name: story == n for n, name in enumerate(STORIES)}
    never, disputed = is_story["never_paid"], is_story["disputed"]
    early, parted = is_story["paid_early"], is_story["paid_in_parts"]
    delay = np.choose(
        grade,
        [
            rng.normal(-5.5, 4.0, size),
            rng.normal(-1.0, 5.0, size),
            rng.gamma(2.0, 6.0, size),
            rng.gamma(2.0, 14.0, size) + 5,
        ],
    )
    paid = due + np.round(delay).astype(np.int64)
    paid = np.where(early, opened + rng.integers(4, 12, size), paid)
    paid = np.maximum(paid, opened + 1)
    paid = np.where(is_story["prepaid"], opened - rng.integers(2, 9, size), paid)
    dispute_opens = opened + rng.integers(6, 25, size)
    dispute_closes = np.maximum(dispute_opens + rng.integers(12, 70, size), due)
    dispute_credited = disputed & (rng.random(size) < 0.55)
    paid = np.where(disputed, dispute_closes + rng.integers(3, 15, size), paid)
    # What was migrated was open at the cut-over.
    old = migrated[item_document]
    paid = np.where(old, np.maximum(paid, start + rng.integers(0, 40, size)), paid)
    weekly = customers.pay_weekday[buyer]
    runs = buyer % 5 != 0
    paid = np.where(runs & ~is_story["prepaid"], _pay_day(paid, weekly), _working_day(paid))

    # --- credits -------------------------------------------------------------------------------
    returned = is_story["returned_goods"]
    credit_cents = np.where(
        (returned | dispute_credited) & ~old,
        (amount * rng.uniform(0.03, 0.22, size)).astype(np.int64),
        0,
    )
    credit_day = np.where(disputed, dispute_closes, opened + rng.integers(4, 20, size))
    credit_day = np.minimum(_working_day(credit_day), np.maximum(paid - 1, opened))
    credit_cents = np.where((credit_day < failed) & (credit_day >= opened), credit_cents, 0)
    short = is_story["short_paid"]
    charge_cents = np.where(short, np.minimum(rng.integers(100, 4_000, size), amount // 10), 0)
    discount_cents = np.where(early, amount // 50, 0)

    # --- cash ------------------------------------------------------------------------------------
    owed = amount - credit_cents - charge_cents - discount_cents
    third = rng.random(size) < 0.35
    first_cents = np.where(parted, (owed * rng.uniform(0.35, 0.7, size)).astype(np.int64), owed)
    second_cents = np.where(
        parted, np.where(third, (owed - first_cents) // 2, owed - first_cents), 0
    )
    third_cents = np.where(parted, owed - first_cents - second_cents, 0)
    some_first = never & (rng.random(size) < 0.3)
    first_cents = np.where(never, np.where(some_first, amount // 4, 0), first_cents)
    bounced = is_story["bounced"]
    repaid = _working_day(paid + rng.integers(9, 30, size))
    returned_day = _working_day(paid + rng.integers(3, 7, size))
    second_day = _working_day(paid + rng.integers(14, 40, size))
    third_day = _working_day(second_day + rng.integers(14, 35, size))
    applied_day = np.where(
        is_story["unapplied_first"], _working_day(paid + rng.integers(2, 25, size)), NEVER
    )
    twice_day = _working_day(paid + rng.integers(1, 12, size))
    again_cents = np.where(is_story["paid_twice"], owed, 0)
    refunded = is_story["paid_twice"] & (rng.random(size) < 0.6) & (twice_day < failed)
    refund_day = _working_day(twice_day + rng.integers(10, 40, size))

    def lines(mask: Flags, days: Days, value: Integers, what: int) -> dict[str, Integers]:
        chosen = np.flatnonzero(mask & (value > 0) & (days < failed) & (days <= end))
        return {
            "item": chosen,
            "day": days[chosen],
            "cents": value[chosen],
            "what": np.full(len(chosen), what, dtype=np.int64),
        }

    everyone = np.ones(size, dtype=bool)
    bounce_real = bounced & (paid < failed) & (paid <= end)
    cash = [
        lines(everyone, paid, first_cents, 0),
        lines(everyone, second_day, second_cents, 1),
        lines(everyone, third_day, third_cents, 2),
        lines(bounce_real, repaid, first_cents, 3),
        lines(everyone, twice_day, again_cents, 4),
        lines(refunded, refund_day, again_cents, 6),
    ]
    line = {key: np.concatenate([part[key] for part in cash]) for key in cash[0]}
    line["cents"] = np.where(line["what"] == 6, -line["cents"], line["cents"])
    reversed_line = lines(bounce_real, returned_day, first_cents, 5)

    # --- write-offs and recoveries ------------------------------------------------------------
    paid_total = np.zeros(size, dtype=np.int64)
    kept_cash = np.ones(len(line["item"]), dtype=bool)
    bounced_back = np.zeros(size, dtype=bool)
    bounced_back[reversed_line["item"]] = True
    kept_cash &= ~((line["what"] == 0) & bounced_back[line["item"]])
    np.add.at(paid_total, line["item"][kept_cash], line["cents"][kept_cash])
    lost_cents = amount - paid_total - credit_cents - charge_cents * (paid < failed)
    lost_cents = lost_cents - np.where(early & (paid < failed), discount_cents, 0)
    give_up = np.where(never, due + rng.integers(150, 300, size), NEVER)
    bankrupt = (failed <= end) & (lost_cents > 0) & ~never
    give_up = np.where(bankrupt, failed + rng.integers(75, 130, size), give_up)
    give_up = np.where(give_up < NEVER, _working_day(np.minimum(give_up, NEVER - 9)), NEVER)
    lost = (give_up <= end) & (lost_cents > 0)
    recovers = lost & (rng.random(size) < 0.35)
    recovery_day = _working_day(np.where(recovers, give_up + rng.integers(25, 150, size), 0))
    recovers &= recovery_day <= end
    recovery_cents = np.maximum((lost_cents * rng.uniform(0.1, 0.6, size)).astype(np.int64), 1)

    # --- the ledger: versions of the items ------------------------------------------------------
    reason = rng.integers(0, len(DISPUTE_REASONS), size)
    dispute_real = disputed & (dispute_opens < failed) & (dispute_opens <= end)
    states = [(everyone, opened, 0, 0)]
    states.append((dispute_real, dispute_opens, 1, 0))
    states.append((dispute_real & (dispute_closes < failed), dispute_closes, 0, 0))
    litigated = rng.random(size) < 0.5
    states.append((never, due + 45, 0, 1))
    states.append((never & litigated, due + 100, 0, 2))
    states.append((never & litigated, due + 140, 0, 3))
    states.append((bankrupt, failed + 20, 0, 4))
    version_item = np.concatenate([np.flatnonzero(mask) for mask, _, _, _ in states])
    version_day = np.concatenate([days[mask] for mask, days, _, _ in states])
    version_state = np.concatenate(
        [np.full(int(mask.sum()), n, dtype=np.int64) for n, (mask, _, _, _) in enumerate(states)]
    )
    in_dispute = np.array([state[2] for state in states], dtype=bool)[version_state]
    legal = np.array([state[3] for state in states])[version_state]
    legal_names = np.array(["none", "demand_letter", "litigation", "judgment", "enforcement"])
    # Whoever delivers ninety days before the cut-over: everything old comes with the opening.
    delivery = settings.delivery_of(version_day)
    item = version_item
    given = due_given[item_document[item]]
    plain = ~split[item_document[item]]
    versions = pl.DataFrame(
        {
            "delivery": delivery,
            "company_code": customers.company[buyer[item]],
            "document_id": document_id.gather(item_document[item]),
            "installment_no": installment[item],
            "customer_id": customers.customer_id[buyer[item]],
            "document_type": np.array(
                ["", "", "", "opening_balance", "debit_memo"] + [""] * 4 + ["invoice"]
            )[kind[item_document[item]]],
            "document_date": opened[item],
            # One in fifty documents names only its terms, one in a hundred neither terms nor due.
            "due_date": pl.Series(due[item]).set(pl.Series(plain & (given < 0.02)), None),
            "payment_terms_days": pl.Series(terms[item_document[item]]).set(
                pl.Series(~plain | (given < 0.01) & ~own_terms[item_document[item]]), None
            ),
            "currency_code": currency[item_document[item]],
            "cents": amount[item],
            "applies_to_document_id": pl.Series([None] * len(item), dtype=pl.String),
            "has_open_dispute": in_dispute,
            "dispute_reason": pl.Series(np.array(DISPUTE_REASONS)[reason[item]]).set(
                pl.Series(~in_dispute), None
            ),
            "legal_status": legal_names[legal],
            "salesperson_id": np.array([f"S{n:03d}" for n in range(40)])[buyer[item] % 40],
            "description": np.array(
                [
                    "产品销售",
                    "Goods and services",
                    "服务费",
                    "Service charge",
                    "期初余额",
                    "Opening balance",
                ]
            )[
                np.choose(np.searchsorted([3, 4, 9], kind[item_document[item]]), [4, 2, 0])
                + overseas[item_document[item]]
            ],
            "day": version_day,
            "state": version_state,
        }
    ).filter(pl.col("delivery") < last_delivery)
    versions = (
        versions.sort("document_id", "installment_no", "delivery", "day", "state")
        .unique(["document_id", "installment_no", "delivery"], keep="last", maintain_order=True)
        .drop("state")
    )

    # --- the ledger: credit memos, adjustments, write-offs, recoveries --------------------------
    def entries(mask: Flags, kind_no: int, name: str, days: Days, value: Integers) -> pl.DataFrame:
        chosen = np.flatnonzero(mask & (days <= end))
        documents = item_document[chosen]
        # An installment of a document shares its number, so the entry carries the installment too.
        entry_number = number[documents] + np.where(
            split[documents], (installment[chosen] - 1) * 300_000_000, 0
        )
        texts = {
            5: ("销售折让", "Credit memo"),
            6: ("银行手续费", "Bank charges"),
            7: ("坏账核销", "Write-off"),
            8: ("坏账收回", "Recovery of bad debt"),
        }[kind_no]
        return pl.DataFrame(
            {
                "delivery": settings.delivery_of(days[chosen]),
                "company_code": customers.company[buyer[chosen]],
                "document_id": _id(
                    np.full(len(chosen), kind_no), entry_number, overseas[documents]
                ),
                "installment_no": np.ones(len(chosen), dtype=np.int64),
                "customer_id": customers.customer_id[buyer[chosen]],
                "document_type": [name] * len(chosen),
                "document_date": days[chosen],
                "due_date": pl.Series([None] * len(chosen), dtype=pl.Int64),
                "payment_terms_days": pl.Series([None] * len(chosen), dtype=pl.Int64),
                "currency_code": currency[documents],
                "cents": value[chosen],
                "applies_to_document_id": document_id.gather(documents),
                "has_open_dispute": np.zeros(len(chosen), dtype=bool),
                "dispute_reason": pl.Series([None] * len(chosen), dtype=pl.String),
                "legal_status": ["none"] * len(chosen),
                "salesperson_id": pl.Series([None] * len(chosen), dtype=pl.String),
                "description": np.array(texts)[overseas[documents].astype(np.int64)],
                "day": days[chosen],
            },
            schema_overrides={"document_type": pl.String, "legal_status": pl.String},
        )

    others = [
        entries(credit_cents > 0, 5, "credit_memo", credit_day, credit_cents),
        entries((charge_cents > 0) & (paid < failed), 6, "adjustment", paid, -charge_cents),
        entries(lost, 7, "write_off", give_up, lost_cents),
        entries(recovers, 8, "recovery", recovery_day, recovery_cents),
    ]
    ledger = pl.concat([versions.select(others[0].columns), *others], how="vertical_relaxed")

    # --- payments ---------------------------------------------------------------------------------
    at = line["item"]
    waits = (line["what"] == 0) & (applied_day[at] < NEVER)
    alone = waits | np.isin(line["what"], [3, 4, 6]) | bounced[at]
    payer = buyer[at]
    method_rng = rng.random(len(at))
    frame = pl.DataFrame(
        {
            "customer": payer,
            "day": line["day"],
            "alone": np.where(alone, np.arange(len(at)) + 1, 0),
            "item": at,
            "cents": line["cents"],
            "what": line["what"],
            "waits": waits,
            "cheque": bounced[at],
            "roll": method_rng,
        }
    ).sort("day", "customer", "alone", "item", "what")
    frame = frame.with_columns(
        pl.struct("day", "customer", "alone").rle_id().cast(pl.Int64).alias("payment"),
    ).with_columns(
        pl.int_range(pl.len()).over("payment").alias("line_no") + 1,
        pl.col("roll").first().over("payment"),
    )
    payment_count = int(frame["payment"].max() or 0) + 1 if frame.height else 0
    at = frame["item"].to_numpy()
    first_line = frame["what"].to_numpy() == 0
    waits = frame["waits"].to_numpy()
    names_installment = split[item_document[at]] & (frame["roll"].to_numpy() < 0.5)
    is_discounted = first_line & early[at]
    payment_number = frame["payment"].to_numpy() + first_payment
    payment_id = pl.Series(payment_number).cast(pl.String).str.zfill(10)
    applied = applied_day[at]
    base = pl.DataFrame(
        {
            "delivery": settings.delivery_of(frame["day"].to_numpy()),
            "company_code": customers.company[buyer[at]],
            "payment_id": pl.select(pl.format("P{}", payment_id)).to_series(),
            "line_no": frame["line_no"].cast(pl.Int64),
            "customer_id": customers.customer_id[buyer[at]],
            "payment_date": frame["day"],
            "currency_code": currency[item_document[at]],
            "cents": frame["cents"],
            "document_id": document_id.gather(item_document[at]).set(pl.Series(waits), None),
            "installment_no": pl.Series(installment[at]).set(
                pl.Series(~names_installment | waits), None
            ),
            "application_date": pl.Series([None] * len(at), dtype=pl.Int64),
            "discount_cents": pl.Series(discount_cents[at]).set(pl.Series(~is_discounted), None),
            "method": np.where(
                frame["cheque"].to_numpy(),
                "cheque",
                np.where(frame["roll"].to_numpy() < 0.82, "bank_transfer", "bill_of_exchange"),
            ),
            "reverses_payment_id": pl.Series([None] * len(at), dtype=pl.String),
            "day": frame["day"],
        }
    )
    # Cash that came without a document is applied some days later: a new version of the line.
    matched = base.with_columns(
        pl.Series("document_id", document_id.gather(item_document[at])),
        pl.Series("application_date", applied),
        pl.Series("delivery", settings.delivery_of(applied)),
        pl.Series("day", applied),
    ).filter(pl.Series(waits) & (pl.Series(applied) <= end) & (pl.Series(applied) < failed[at]))
    back = pl.DataFrame(reversed_line).join(
        frame.filter(pl.col("cheque") & (pl.col("what") == 0)).select(
            "item", pl.col("payment") + first_payment
        ),
        on="item",
        how="left",
        maintain_order="left",
    )
    at_back = back["item"].to_numpy()
    back_id = pl.select(pl.format("P{}", back["payment"].cast(pl.String).str.zfill(10))).to_series()
    reversals = pl.DataFrame(
        {
            "delivery": settings.delivery_of(back["day"].to_numpy()),
            "company_code": customers.company[buyer[at_back]],
            "payment_id": pl.select(pl.format("R{}", back_id.str.slice(1))).to_series(),
            "line_no": np.ones(len(at_back), dtype=np.int64),
            "customer_id": customers.customer_id[buyer[at_back]],
            "payment_date": back["day"],
            "currency_code": currency[item_document[at_back]],
            "cents": -back["cents"],
            "document_id": document_id.gather(item_document[at_back]),
            "installment_no": pl.Series([None] * len(at_back), dtype=pl.Int64),
            "application_date": pl.Series([None] * len(at_back), dtype=pl.Int64),
            "discount_cents": pl.Series([None] * len(at_back), dtype=pl.Int64),
            "method": ["cheque"] * len(at_back),
            "reverses_payment_id": back_id,
            "day": back["day"],
        },
        schema_overrides={"method": pl.String},
    )
    payments = pl.concat([base, matched, reversals], how="vertical_relaxed").unique(
        ["payment_id", "line_no", "delivery"], keep="last", maintain_order=True
    )

    balances = pl.concat(
        [
            pl.DataFrame(
                {
                    "delivery": settings.delivery_of(opened),
                    "company_code": customers.company[buyer],
                    "currency_code": currency[item_document],
                    "day": opened,
                    "cents": amount,
                }
            ),
            *(
                entry.select(
                    "delivery",
                    "company_code",
                    "currency_code",
                    "day",
                    pl.col("cents").abs().neg(),
                )
                for entry in others[:3]
            ),
            pl.concat([base, reversals], how="vertical_relaxed").select(
                "delivery",
                "company_code",
                "currency_code",
                "day",
                -(pl.col("cents") + pl.col("discount_cents").fill_null(0)),
            ),
        ],
        how="vertical_relaxed",
    )

    # --- what collectors see ---------------------------------------------------------------------
    first_paid = np.where((first_cents > 0) & (paid < failed) & ~bounced, paid, NEVER)
    first_paid = np.where(bounced & (repaid < failed), repaid, first_paid)
    settled = np.where(parted, np.where(third, third_day, second_day), first_paid)
    settled = np.where(never | (settled >= failed), NEVER, settled)
    settled = np.minimum(settled, give_up)
    items = Items(
        customer=buyer,
        document_id=document_id.gather(item_document),
        opened=opened,
        due=due,
        cents=amount,
        first_paid=first_paid,
        first_paid_cents=first_cents,
        settled=settled,
        disputed=np.where(dispute_real, dispute_opens, NEVER),
    )
    return Trade(
        ledger=ledger,
        payments=payments,
        balances=balances,
        items=items,
        document_count=count,
        payment_count=payment_count,
    )
