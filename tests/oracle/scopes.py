"""Whose receivables a measure is taken over: the company, a customer segment, a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tests.oracle.inputs import Extracts, Parameters, Row
from tests.oracle.journal import Journal
from tests.oracle.versions import latest

UNASSIGNED = "unassigned"


@dataclass(frozen=True, order=True)
class Scope:
    """A part of a company's customers."""

    company_code: str
    scope_type: str
    scope_id: str


def customers_known(extracts: Extracts, parameters: Parameters) -> Mapping[str, Row]:
    """The customers as the run knows them."""
    known = latest(extracts.customers, ("customer_id",), parameters.known_at)
    return {customer_id: row for (customer_id,), row in known.items()}


def attribute(customers: Mapping[str, Row], customer_id: str, name: str) -> str:
    """A customer's segment or region, `unassigned` where there is none."""
    value = customers.get(customer_id, {}).get(name)
    return UNASSIGNED if value is None else str(value)


def company_of(book: Journal, company_code: str) -> Journal:
    """One company's part of a journal."""
    return Journal(
        [m for m in book.movements if m.item.company_code == company_code], book.items, book.flags
    )


def scoped(
    book: Journal, company_code: str, customers: Mapping[str, Row]
) -> Mapping[Scope, Journal]:
    """A company's journal, whole and by segment and region of the item's customer."""
    own = company_of(book, company_code)
    parts = {Scope(company_code, "company", company_code): own}
    for scope_type in ("segment", "region"):
        values = {attribute(customers, m.customer_id, scope_type) for m in own.movements}
        for value in values:
            parts[Scope(company_code, scope_type, value)] = Journal(
                [
                    m
                    for m in own.movements
                    if attribute(customers, m.customer_id, scope_type) == value
                ],
                own.items,
                own.flags,
            )
    return parts


def first_day(book: Journal, as_of_date: date) -> date | None:
    """The first day on which anything took effect, up to the as-of date."""
    days = [m.effective_date for m in book.movements if m.effective_date <= as_of_date]
    return min(days, default=None)
