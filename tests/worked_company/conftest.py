"""The worked company's warehouse, built once for all that look at it."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.builds import build_warehouse
from tests.worked_company.company import (
    AS_OF_DATE,
    KNOWN_AT_QUARTER_END,
    KNOWN_LATER,
    OWN_SEEDS,
    QUARTER_END,
    deliveries,
)


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything delivered, asked on 5 April; what was published at the quarter's end is known."""
    return build_warehouse(
        tmp_path_factory.mktemp("worked_company"),
        deliveries(),
        as_of_date=AS_OF_DATE,
        known_at=KNOWN_LATER,
        published_totals=[
            {
                "version": "v000001",
                "as_of_date": QUARTER_END,
                "known_at": KNOWN_AT_QUARTER_END,
                "timezone": "Asia/Shanghai",
                "company_code": "main",
                "currency_code": currency,
                "open_amount_document": Decimal(amount),
            }
            for currency, amount in (("CNY", "1530.00"), ("USD", "100.00"))
        ],
        seeds=OWN_SEEDS,
        is_tested=True,
    )
