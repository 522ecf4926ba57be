"""Whose receivables a measure is taken over: the company, a segment, a region, a team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tests.oracle.attribution import portfolio_owner
from tests.oracle.inputs import Extracts, Parameters, Row
from tests.oracle.journal import Journal, Movement
from tests.oracle.versions import in_force, latest

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


def teams_owning(extracts: Extracts, parameters: Parameters) -> Mapping[str, str]:
    """The team, by customer, of the collector who owns the customer on the as-of date."""
    collectors = latest(extracts.collectors, ("collector_id",), parameters.known_at)
    teams = {collector_id: row["team_id"] for (collector_id,), row in collectors.items()}
    spans: dict[str, list[Row]] = {}
    for row in in_force(extracts.portfolios, ("customer_id", "valid_from"), parameters.known_at):
        spans.setdefault(row["customer_id"], []).append(row)
    owning = {}
    for customer_id, rows in spans.items():
        team = teams.get(portfolio_owner(rows, parameters.as_of_date))
        if team is not None:
            owning[customer_id] = str(team)
    return owning


def company_of(book: Journal, company_code: str) -> Journal:
    """One company's part of a journal."""
    return Journal(
        [m for m in book.movements if m.item.company_code == company_code], book.items, book.flags
    )


def scoped(
    book: Journal, company_code: str, customers: Mapping[str, Row], teams: Mapping[str, str]
) -> Mapping[Scope, Journal]:
    """A company's journal, whole, by segment, region and team of the item's customer, and
    by customer."""
    own = company_of(book, company_code)
    parts: dict[Scope, list[Movement]] = {}
    for movement in own.movements:
        customer_id = movement.customer_id
        for scope_type, scope_id in (
            ("segment", attribute(customers, customer_id, "segment")),
            ("region", attribute(customers, customer_id, "region")),
            ("team", teams.get(customer_id, UNASSIGNED)),
            ("customer", customer_id),
        ):
            parts.setdefault(Scope(company_code, scope_type, scope_id), []).append(movement)
    return {Scope(company_code, "company", company_code): own} | {
        scope: Journal(movements, own.items, own.flags) for scope, movements in parts.items()
    }


def first_day(book: Journal, as_of_date: date) -> date | None:
    """The first day on which anything took effect, up to the as-of date."""
    days = [m.effective_date for m in book.movements if m.effective_date <= as_of_date]
    return min(days, default=None)
