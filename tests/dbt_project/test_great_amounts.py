"""Amounts of sixteen digits pass through every model: no product or sum of them overflows."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingest.extracts import EXTRACTS, MONEY
from tests.builds import recorded_builds
from tests.dbt_project import test_collection_work, test_measures, test_strategy
from tests.properties.sequences import draw_sequence
from tests.warehouse import write_lake, write_run_parameters
from tests.worked_company import company

pytestmark = pytest.mark.warehouse

FACTOR = 100_000_000
"""The greatest amounts of these companies then have fourteen digits before the point."""

DRAWN = draw_sequence(1, 12)
Extracts = Mapping[str, Iterable[Mapping[str, Any]]]
COMPANIES: dict[str, tuple[Extracts, date, datetime | None]] = {
    "worked": (company.deliveries(), company.AS_OF_DATE, company.KNOWN_LATER),
    "measured": (test_measures.EXTRACTS, test_measures.AS_OF, None),
    "graded": (test_strategy.company(), test_strategy.LAST, test_strategy.KNOWN_AT),
    "worked upon": (
        {
            "customers": test_collection_work.CUSTOMERS,
            "collectors": test_collection_work.COLLECTORS,
            "contact_log": test_collection_work.CONTACTS + test_collection_work.WORK,
            "ledger": test_collection_work.LEDGER,
            "payments": test_collection_work.PAYMENTS,
        },
        test_collection_work.AS_OF,
        None,
    ),
    "drawn": (DRAWN.rows, DRAWN.steps[-1].as_of_date, None),
}


@pytest.mark.parametrize("name", COMPANIES)
def test_great_amounts_are_billed_as_they_are(name: str, tmp_path: Path) -> None:
    extracts, as_of_date, known_at = COMPANIES[name]
    billed = {}
    for factor in (1, FACTOR):
        write_lake(tmp_path, _multiplied(extracts, factor))
        write_run_parameters(tmp_path, as_of_date=as_of_date, known_at=known_at)
        recorded = recorded_builds()
        with recorded.open(tmp_path) as warehouse:
            # Only great amounts have to pass through every model.
            recorded.build(warehouse, only=() if factor == FACTOR else ["receivables_by_document"])
            billed[factor] = warehouse.execute(
                """
                select company_code, currency_code, sum(open_amount_document)
                from marts.receivables_by_document group by all order by all
                """
            ).fetchall()
    assert billed[1]
    assert billed[FACTOR] == [(*key, amount * FACTOR) for *key, amount in billed[1]]


def _multiplied(extracts: Extracts, factor: int) -> dict[str, list[dict[str, Any]]]:
    """Rows with every amount of money a whole factor greater."""
    money = {
        extract: {column.name for column in EXTRACTS[extract].columns if column.dtype == MONEY}
        for extract in extracts
    }
    return {
        extract: [
            {
                column: str(Decimal(str(value)) * factor)
                if column in money[extract] and value is not None
                else value
                for column, value in row.items()
            }
            for row in rows
        ]
        for extract, rows in extracts.items()
    }
