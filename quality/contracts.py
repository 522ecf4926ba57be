"""The columns that every staged extract must have, by family of type.

`quality` judges what `ingest` wrote and therefore imports nothing of it: the columns are stated
here a second time on purpose, and a test compares the two statements. Exact types are the lake's
matter (`ingest.extracts`) and the marts' (dbt contracts).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Family = Literal["text", "integer", "decimal", "date", "instant", "boolean"]

TYPE_FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "VARCHAR": "text",
        "TINYINT": "integer",
        "SMALLINT": "integer",
        "INTEGER": "integer",
        "BIGINT": "integer",
        "DECIMAL": "decimal",
        "DATE": "date",
        "TIMESTAMP": "instant",
        "BOOLEAN": "boolean",
    }
)
"""Family of a DuckDB type, by its name without parameters. Floats belong to none."""


@dataclass(frozen=True)
class ExtractContract:
    """What the suites need to know of an extract.

    Attributes:
        columns: Canonical columns and their families.
        key: Columns that identify a row within a load.
        amount_column: The money that loads are totalled by, or None.
        personal: Columns that are never read here: names, numbers, free text.
    """

    columns: Mapping[str, Family]
    key: tuple[str, ...]
    amount_column: str | None = None
    personal: frozenset[str] = frozenset()


METADATA: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "_load_id": "text",
        "_load_sequence": "integer",
        "_source": "text",
        "_source_file": "text",
        "_row_number": "integer",
        "_delivery_date": "date",
        "_delivery_kind": "text",
        "_recorded_at": "instant",
    }
)
"""Columns that every staged row carries behind those of its extract."""

CONTRACTS: Final[Mapping[str, ExtractContract]] = MappingProxyType(
    {
        "ledger": ExtractContract(
            columns={
                "company_code": "text",
                "document_id": "text",
                "installment_no": "integer",
                "customer_id": "text",
                "document_type": "text",
                "document_date": "date",
                "due_date": "date",
                "payment_terms_days": "integer",
                "currency_code": "text",
                "amount": "decimal",
                "amount_reporting": "decimal",
                "applies_to_document_id": "text",
                "has_open_dispute": "boolean",
                "dispute_reason": "text",
                "legal_status": "text",
                "salesperson_id": "text",
                "description": "text",
                "is_withdrawn": "boolean",
            },
            key=("company_code", "document_id", "installment_no"),
            amount_column="amount",
            personal=frozenset({"description", "dispute_reason"}),
        ),
        "payments": ExtractContract(
            columns={
                "company_code": "text",
                "payment_id": "text",
                "line_no": "integer",
                "customer_id": "text",
                "payment_date": "date",
                "currency_code": "text",
                "amount": "decimal",
                "document_id": "text",
                "installment_no": "integer",
                "application_date": "date",
                "discount_amount": "decimal",
                "method": "text",
                "reverses_payment_id": "text",
                "is_withdrawn": "boolean",
            },
            key=("company_code", "payment_id", "line_no"),
            amount_column="amount",
            personal=frozenset({"method"}),
        ),
        "contact_log": ExtractContract(
            columns={
                "contact_id": "text",
                "customer_id": "text",
                "document_id": "text",
                "collector_id": "text",
                "contacted_at": "instant",
                "channel": "text",
                "direction": "text",
                "outcome": "text",
                "promised_amount": "decimal",
                "promised_date": "date",
                "duration_seconds": "integer",
                "is_complaint_upheld": "boolean",
                "evidence_reference": "text",
                "note": "text",
            },
            key=("contact_id",),
            personal=frozenset({"evidence_reference", "note"}),
        ),
        "customers": ExtractContract(
            columns={
                "customer_id": "text",
                "customer_name": "text",
                "segment": "text",
                "region": "text",
                "parent_customer_id": "text",
                "credit_limit": "decimal",
                "payment_terms_days": "integer",
                "currency_code": "text",
                "timezone": "text",
                "is_insolvent": "boolean",
                "onboarded_date": "date",
                "phone": "text",
                "email": "text",
            },
            key=("customer_id",),
            personal=frozenset({"phone", "email"}),
        ),
        "collectors": ExtractContract(
            columns={
                "collector_id": "text",
                "collector_name": "text",
                "team_id": "text",
                "role": "text",
                "hired_date": "date",
                "left_date": "date",
                "hourly_cost": "decimal",
            },
            key=("collector_id",),
        ),
        "portfolios": ExtractContract(
            columns={
                "customer_id": "text",
                "valid_from": "date",
                "collector_id": "text",
                "valid_to": "date",
            },
            key=("customer_id", "valid_from"),
        ),
        "targets": ExtractContract(
            columns={
                "period_start": "date",
                "period_type": "text",
                "scope_type": "text",
                "scope_id": "text",
                "measure": "text",
                "target_value": "decimal",
            },
            key=("period_start", "period_type", "scope_type", "scope_id", "measure"),
        ),
        "surveys": ExtractContract(
            columns={
                "survey_id": "text",
                "customer_id": "text",
                "surveyed_at": "instant",
                "score": "decimal",
            },
            key=("survey_id",),
        ),
        "trainings": ExtractContract(
            columns={
                "collector_id": "text",
                "course_id": "text",
                "attempt_no": "integer",
                "training_date": "date",
                "assessed_date": "date",
                "score": "decimal",
                "is_passed": "boolean",
            },
            key=("collector_id", "course_id", "attempt_no"),
        ),
        "fx_rates": ExtractContract(
            columns={
                "rate_date": "date",
                "from_currency": "text",
                "to_currency": "text",
                "rate": "decimal",
            },
            key=("rate_date", "from_currency", "to_currency"),
        ),
        "control_totals": ExtractContract(
            columns={
                "extract": "text",
                "delivery_date": "date",
                "source": "text",
                "row_count": "integer",
                "amount": "decimal",
                "company_code": "text",
                "currency_code": "text",
                "balance_date": "date",
            },
            key=(
                "extract",
                "delivery_date",
                "source",
                "company_code",
                "currency_code",
                "balance_date",
            ),
            amount_column="amount",
        ),
    }
)
"""Every extract by name."""
