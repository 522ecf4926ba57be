"""Recovery and bad debt: what was collected of what fell due, and what was given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.aging import standing_apart
from tests.oracle.arithmetic import Period, Ratio, add_months, month_end, period_of, ratio
from tests.oracle.cash import Cash
from tests.oracle.journal import ZERO, Item, Journal
from tests.oracle.turnover import amount_of, cash_amount, owed, receivable, sales

BILLING_TYPES = ("invoice", "debit_memo", "opening_balance", "adjustment")
HORIZONS = (0, 30, 60, 90)


def moved(book: Journal, period: Period, movement_type: str) -> Decimal:
    """The sum of one type of movement in a period, as a positive reduction."""
    return -sum(
        (
            movement.amount
            for movement in book.movements
            if movement.movement_type == movement_type
            and period.holds(movement.effective_date)
            and movement.amount is not None
        ),
        ZERO,
    )


def billed(book: Journal, billing: Period | None, *, due_from: date, due_to: date) -> Decimal:
    """What was billed (in a period, if one is given) on owed items that fall due in a range."""
    total = ZERO
    for movement in book.movements:
        facts = book.items[movement.item]
        if (
            movement.movement_type in BILLING_TYPES
            and movement.amount is not None
            and standing_apart(facts) is None
            and due_from <= facts.due_date <= due_to
            and (billing is None or billing.holds(movement.effective_date))
        ):
            total += movement.amount
    return total


def past_due_at_opening(book: Journal, period: Period) -> Decimal:
    """What was owed when the period began and had fallen due before it."""
    return amount_of(
        item for item in owed(book, period.day_before) if item.facts.due_date < period.start
    )


def falling_due(book: Journal, period: Period) -> Decimal:
    """What falls due in the period: as it stood open at its start, or as it was billed in it.

    An item that is billed in the period and due at once, or in arrears, belongs here too.
    """
    standing = amount_of(
        item for item in owed(book, period.day_before) if period.holds(item.facts.due_date)
    )
    return standing + billed(book, period, due_from=date.min, due_to=period.end)


def cash_on_due_items(cash: Sequence[Cash], period: Period) -> Decimal:
    """Cash applied in the period to items due by its end, less what was taken back."""
    return cash_amount(
        piece
        for piece in cash
        if period.holds(piece.effective_date)
        and standing_apart(piece.facts) is None
        and piece.facts.due_date <= period.end
    )


def recovery_within(
    book: Journal, cash: Sequence[Cash], period: Period, days: int, as_of_date: date
) -> Ratio:
    """Of what fell due in the period, the cash that came within some days of the due date.

    A window still open on the as-of date has no value.

    Source: measures, section 4 (recovery_rate_within_h_days).
    """
    whole = period_of(period.kind, period.start)
    if whole.end + timedelta(days=days) > as_of_date:
        return Ratio(None, None, None, "insufficient_history")
    within = cash_amount(
        piece
        for piece in cash
        if standing_apart(piece.facts) is None
        and whole.holds(piece.facts.due_date)
        and piece.effective_date <= piece.facts.due_date + timedelta(days=days)
    )
    everything = Period("all", date.min, as_of_date)
    return ratio(
        within, billed(book, everything, due_from=whole.start, due_to=min(whole.end, as_of_date))
    )


def recovery_by_vintage(
    book: Journal, as_of_date: date
) -> dict[date, tuple[Decimal, Decimal, Ratio, Ratio]]:
    """By month of write-off: written off, recovered, and the rates to date and within 12 months.

    A recovery belongs to the item's last write-off on or before its day, or to its first.

    Source: measures, section 4 (recovery_of_written_off_rate by vintage).
    """
    until = [m for m in book.movements if m.effective_date <= as_of_date]
    days: dict[Item, list[date]] = {}
    sums: dict[date, list[Decimal]] = {}
    for movement in until:
        if movement.movement_type == "write_off":
            days.setdefault(movement.item, []).append(movement.effective_date)
            line = sums.setdefault(movement.effective_date.replace(day=1), [ZERO, ZERO, ZERO])
            line[0] -= movement.amount or ZERO
    for movement in until:
        if movement.movement_type == "recovery" and movement.item in days:
            before = [day for day in days[movement.item] if day <= movement.effective_date]
            written_off = max(before) if before else min(days[movement.item])
            line = sums[written_off.replace(day=1)]
            line[1] -= movement.amount or ZERO
            if movement.effective_date <= add_months(written_off, 12):
                line[2] -= movement.amount or ZERO
    return {
        month: (
            gone,
            back,
            ratio(back, gone),
            ratio(within, gone)
            if add_months(month_end(month), 12) <= as_of_date
            else Ratio(None, None, None, "insufficient_history"),
        )
        for month, (gone, back, within) in sums.items()
    }


def bad_debt(
    book: Journal, cash: Sequence[Cash], period: Period, as_of_date: date
) -> tuple[dict[str, Ratio], dict[str, Decimal]]:
    """The rates of a period, and the amounts they are made of.

    Source: measures, section 4.
    """
    opening = receivable(book, period.day_before)
    closing = receivable(book, period.end)
    written_off = moved(book, period, "write_off")
    recovered = moved(book, period, "recovery")
    on_due_items = cash_on_due_items(cash, period)
    past_due, falls_due = past_due_at_opening(book, period), falling_due(book, period)
    rates = {
        "recovery_rate": ratio(on_due_items, past_due + falls_due),
        "bad_debt_rate": ratio(written_off, closing + written_off),
        "bad_debt_rate_of_average_receivables": ratio(written_off * 2, opening + closing),
        "bad_debt_rate_of_credit_sales": ratio(written_off, sales(book, period)),
    }
    for days in HORIZONS:
        rates[f"recovery_rate_within_{days}_days"] = recovery_within(
            book, cash, period, days, as_of_date
        )
    amounts = {
        "past_due_opening_amount": past_due,
        "falling_due_amount": falls_due,
        "cash_on_due_items_amount": on_due_items,
        "cash_applied_amount": cash_amount(p for p in cash if period.holds(p.effective_date)),
        "cash_reversed_amount": -cash_amount(
            p for p in cash if period.holds(p.effective_date) and p.is_reversal
        ),
        "write_off_amount": written_off,
        "recovery_of_written_off_amount": recovered,
        "net_write_off_amount": written_off - recovered,
    }
    return rates, amounts
