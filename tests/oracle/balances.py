"""Open items: the balance of every item on any day, as known at any instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from tests.oracle.journal import ZERO, Item, ItemFacts, Journal, Movement


@dataclass(frozen=True)
class OpenItem:
    """An item whose balance in document currency is not zero on a day."""

    facts: ItemFacts
    open_amount_document: Decimal
    open_amount: Decimal | None


def total(movements: Sequence[Movement]) -> Decimal | None:
    """The movements' sum in reporting currency, or None when one of them has no rate."""
    amounts = [movement.amount for movement in movements]
    if any(amount is None for amount in amounts):
        return None
    return sum((amount for amount in amounts if amount is not None), ZERO)


@cache
def movements_by_item(book: Journal) -> Mapping[Item, Sequence[Movement]]:
    """All movements, by item."""
    by_item: dict[Item, list[Movement]] = {}
    for movement in book.movements:
        by_item.setdefault(movement.item, []).append(movement)
    return by_item


def movements_until(book: Journal, as_of_date: date) -> dict[Item, list[Movement]]:
    """The movements effective on or before a day, by item."""
    by_item = {}
    for item, movements in movements_by_item(book).items():
        until = [movement for movement in movements if movement.effective_date <= as_of_date]
        if until:
            by_item[item] = until
    return by_item


def balance(book: Journal, item: Item, day: date) -> Decimal:
    """What is open of an item on a day, in its own currency."""
    movements = movements_by_item(book).get(item, ())
    return sum((m.amount_document for m in movements if m.effective_date <= day), ZERO)


@cache
def open_items(book: Journal, as_of_date: date) -> Sequence[OpenItem]:
    """The items open on a day: one cent is open, and so is an amount below zero.

    Source: measures, section 2 (open amount).
    """
    result = []
    for item, movements in movements_until(book, as_of_date).items():
        amount_document = sum((m.amount_document for m in movements), ZERO)
        if amount_document != 0:
            result.append(OpenItem(book.items[item], amount_document, total(movements)))
    return tuple(sorted(result, key=lambda open_item: open_item.facts.item))


def fx_residues(book: Journal, as_of_date: date) -> dict[Item, Decimal]:
    """What conversion left over on items that are settled in their own currency.

    Source: measures, section 2 (a document whose document-currency balance is zero is not open).
    """
    residues = {}
    for item, movements in movements_until(book, as_of_date).items():
        residue = total(movements)
        if sum((m.amount_document for m in movements), ZERO) == 0 and residue:
            residues[item] = residue
    return residues
