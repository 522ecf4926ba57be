"""What a published copy says is open in all: the numbers by which a version is held to its word.

Only reads a version; keeping the totals and comparing them with what is asked again do not live
here.
"""

from datetime import date
from decimal import Decimal
from typing import TypedDict

import duckdb

from reporting.contents import CLOSED_SETTINGS
from reporting.publication import PublishedVersion


class OpenTotal(TypedDict):
    """What one company's customers owe in one currency."""

    company_code: str
    currency_code: str
    open_amount_document: Decimal


def open_totals(version: PublishedVersion, as_of_date: date) -> list[OpenTotal]:
    """Add up the aging of a version's as-of date, credits included.

    Args:
        version: A published version.
        as_of_date: The day that it was asked for.

    Returns:
        One total per company and currency with any open item, in document currency; none of a
        copy that publishes no aging.
    """
    with duckdb.connect(
        str(version.path), read_only=True, config=dict(CLOSED_SETTINGS)
    ) as connection:
        published = connection.execute(
            "select 1 from information_schema.tables "
            "where table_schema = 'marts' and table_name = 'aging_by_bucket'"
        ).fetchone()
        if published is None:
            return []
        rows = connection.execute(
            """
            select company_code, currency_code, sum(open_amount_document)
            from marts.aging_by_bucket
            where as_of_date = $1 and age_basis = 'due_date' and bucket_set = (
                select min(bucket_set) from marts.dim_aging_buckets
            )
            group by company_code, currency_code
            order by company_code, currency_code
            """,
            [as_of_date],
        ).fetchall()
    return [
        OpenTotal(company_code=company, currency_code=currency, open_amount_document=amount)
        for company, currency, amount in rows
    ]
