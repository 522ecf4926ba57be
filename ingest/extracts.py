"""The contracts of the extracts: what a source must deliver, under which name, type and rule.

Here live the canonical columns of every extract, their types, keys, code lists, defaults and the
rules that one row must keep. How a source names its columns is a mapping's matter
(``ingest.mappings``); whether a whole load is plausible is judged in ``quality``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import polars as pl

from ingest.records import INSTANT, LOAD_METADATA_SCHEMA

ColumnKind = Literal["key", "mandatory", "optional"]
Check = Literal["currency", "timezone"]
Default = str | int | bool | None

TEXT: Final = pl.String()
MONEY: Final = pl.Decimal(18, 2)
RATE: Final = pl.Decimal(18, 8)
MEASURE_VALUE: Final = pl.Decimal(28, 8)
DATE: Final = pl.Date()
SMALL: Final = pl.Int32()
FLAG: Final = pl.Boolean()


@dataclass(frozen=True)
class Column:
    """One canonical column of an extract.

    Attributes:
        name: The canonical name.
        dtype: The type in the lake.
        kind: `key` and `mandatory` columns must be delivered and filled, unless a key has a
            default or `is_nullable`; `optional` ones may be absent or empty.
        default: What ingest stores where nothing was delivered; None stores NULL.
        codes: The closed list of values, or None.
        description: One sentence for people.
        is_nullable: Whether a key column may be empty (an empty value is then a value).
        minimum: The smallest value allowed, inclusive.
        maximum: The largest value allowed, inclusive.
        is_positive: Whether zero is refused too.
        check: A reference list that the text must belong to.
        currency_column: The column naming the currency whose minor units bound the decimals.
    """

    name: str
    dtype: pl.DataType
    kind: ColumnKind
    default: Default = None
    codes: tuple[str, ...] | None = None
    description: str = ""
    is_nullable: bool = False
    minimum: int | None = None
    maximum: int | None = None
    is_positive: bool = False
    check: Check | None = None
    currency_column: str | None = None

    @property
    def is_required(self) -> bool:
        """Whether a row without a value is refused."""
        return self.kind != "optional" and self.default is None and not self.is_nullable


@dataclass(frozen=True)
class RowRule:
    """A rule over several columns of one row, after typing.

    Attributes:
        reason_code: Stored with a row that breaks the rule.
        column: The column that the quarantine names.
        expected: What the rule asks for, in words.
        is_broken: True where the rule is broken; NULL counts as kept.
    """

    reason_code: str
    column: str
    expected: str
    is_broken: pl.Expr


@dataclass(frozen=True)
class Extract:
    """The contract of one extract.

    Attributes:
        name: The extract's name, as mappings and the lake's folders use it.
        columns: The canonical columns in lake order.
        description: What one row is.
        amount_column: The money column that loads are balanced by, or None.
        rules: Rules that one typed row must keep.
    """

    name: str
    columns: tuple[Column, ...]
    description: str
    amount_column: str | None = None
    rules: tuple[RowRule, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns."""
        return tuple(column.name for column in self.columns if column.kind == "key")

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that a mapping must supply."""
        return tuple(column.name for column in self.columns if column.is_required)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Canonical columns and their types."""
        return {column.name: column.dtype for column in self.columns}

    @property
    def lake_schema(self) -> dict[str, pl.DataType]:
        """Canonical columns, then the load metadata that every lake file carries."""
        return {**self.schema, **LOAD_METADATA_SCHEMA}

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: No such column in this extract.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"extract {self.name} has no column {name!r}")


DOCUMENT_TYPES: Final = (
    "invoice",
    "debit_memo",
    "credit_memo",
    "write_off",
    "recovery",
    "adjustment",
    "opening_balance",
)
LEGAL_STATUSES: Final = (
    "none",
    "demand_letter",
    "arbitration",
    "litigation",
    "judgment",
    "enforcement",
)
CHANNELS: Final = ("phone", "sms", "email", "letter", "visit", "messaging", "legal")
OUTCOMES: Final = (
    "no_answer",
    "wrong_party",
    "left_message",
    "right_party",
    "promise_to_pay",
    "payment_plan",
    "dispute",
    "refusal",
    "complaint",
    "paid",
)
ROLES: Final = ("manager", "collector", "assistant", "legal")
PERIOD_TYPES: Final = ("month", "quarter", "half_year", "year")
SCOPE_TYPES: Final = ("company", "team", "collector")


def _key(name: str, dtype: pl.DataType, description: str, **rest: object) -> Column:
    return Column(name, dtype, "key", description=description, **rest)  # type: ignore[arg-type]


def _mandatory(name: str, dtype: pl.DataType, description: str, **rest: object) -> Column:
    return Column(name, dtype, "mandatory", description=description, **rest)  # type: ignore[arg-type]


def _optional(name: str, dtype: pl.DataType, description: str, **rest: object) -> Column:
    return Column(name, dtype, "optional", description=description, **rest)  # type: ignore[arg-type]


_COMPANY = _key("company_code", TEXT, "The reporting entity.", default="main")

_LEDGER = Extract(
    name="ledger",
    description="One row per document or installment of the receivables ledger.",
    amount_column="amount",
    columns=(
        _COMPANY,
        _key("document_id", TEXT, "The document's number in the source."),
        _key("installment_no", SMALL, "The installment, from 1.", default=1, minimum=0),
        _mandatory("customer_id", TEXT, "The customer's number in the source."),
        _mandatory("document_type", TEXT, "What the document does.", codes=DOCUMENT_TYPES),
        _mandatory("document_date", DATE, "The business date of the document."),
        _optional("due_date", DATE, "When the amount falls due."),
        _optional("payment_terms_days", SMALL, "Days from document date to due date.", minimum=0),
        _mandatory("currency_code", TEXT, "Document currency, ISO 4217.", check="currency"),
        _mandatory(
            "amount",
            MONEY,
            "Document amount, positive; the type gives the sign; an adjustment is signed.",
            currency_column="currency_code",
        ),
        _optional("amount_reporting", MONEY, "The amount as booked in reporting currency."),
        _optional(
            "applies_to_document_id",
            TEXT,
            "The document that a memo, write-off, recovery or adjustment is set against.",
        ),
        _optional("has_open_dispute", FLAG, "Whether the customer disputes it.", default=False),
        _optional("dispute_reason", TEXT, "Why it is disputed."),
        _optional(
            "legal_status",
            TEXT,
            "How far legal action has gone.",
            default="none",
            codes=LEGAL_STATUSES,
        ),
        _optional("salesperson_id", TEXT, "Who sold it."),
        _optional("description", TEXT, "Free text of the document."),
        _optional("is_withdrawn", FLAG, "Whether the source takes it back.", default=False),
    ),
    rules=(
        RowRule(
            reason_code="SIGN_CONFLICT",
            column="amount",
            expected="an amount of zero or more (only an adjustment is signed)",
            is_broken=(pl.col("amount") < 0) & (pl.col("document_type") != "adjustment"),
        ),
    ),
)

_PAYMENTS = Extract(
    name="payments",
    description="One row per line of a payment: what was paid, and on which document.",
    amount_column="amount",
    columns=(
        _COMPANY,
        _key("payment_id", TEXT, "The payment's number in the source."),
        _key("line_no", SMALL, "The line of the payment, from 1.", default=1, minimum=0),
        _mandatory("customer_id", TEXT, "The customer who paid."),
        _mandatory("payment_date", DATE, "The business date of the payment."),
        _mandatory("currency_code", TEXT, "Payment currency, ISO 4217.", check="currency"),
        _mandatory(
            "amount",
            MONEY,
            "Amount of this line; negative is a refund.",
            currency_column="currency_code",
        ),
        _optional("document_id", TEXT, "The document paid; empty is unapplied cash."),
        _optional("installment_no", SMALL, "The installment paid, where said.", minimum=0),
        _optional("application_date", DATE, "When the cash was set against the document."),
        _optional(
            "discount_amount",
            MONEY,
            "Discount taken with this line.",
            currency_column="currency_code",
        ),
        _optional("method", TEXT, "How it was paid."),
        _optional("reverses_payment_id", TEXT, "The payment that this one takes back."),
        _optional("is_withdrawn", FLAG, "Whether the source takes it back.", default=False),
    ),
)

_CONTACT_LOG = Extract(
    name="contact_log",
    description="One row per contact with a customer.",
    columns=(
        _key("contact_id", TEXT, "The contact's number in the source."),
        _mandatory("customer_id", TEXT, "The customer contacted."),
        _optional("document_id", TEXT, "The document it was about."),
        _mandatory("collector_id", TEXT, "Who made the contact."),
        _mandatory("contacted_at", INSTANT, "When, in UTC."),
        _mandatory("channel", TEXT, "By which channel.", codes=CHANNELS),
        _optional(
            "direction",
            TEXT,
            "Who began it.",
            default="outbound",
            codes=("outbound", "inbound"),
        ),
        _mandatory("outcome", TEXT, "What came of it.", codes=OUTCOMES),
        _optional("promised_amount", MONEY, "The amount promised.", minimum=0),
        _optional("promised_date", DATE, "When it is promised for."),
        _optional("duration_seconds", SMALL, "How long it took.", minimum=0),
        _optional("is_complaint_upheld", FLAG, "Whether the complaint was upheld."),
        _optional("evidence_reference", TEXT, "Where the recording or letter is kept."),
        _optional("note", TEXT, "Free text of the collector."),
    ),
)

_CUSTOMERS = Extract(
    name="customers",
    description="One row per customer.",
    columns=(
        _key("customer_id", TEXT, "The customer's number in the source."),
        _mandatory("customer_name", TEXT, "The customer's name."),
        _optional("segment", TEXT, "The customer's segment."),
        _optional("region", TEXT, "The customer's region."),
        _optional("parent_customer_id", TEXT, "The group that the customer belongs to."),
        _optional(
            "credit_limit", MONEY, "The credit limit.", minimum=0, currency_column="currency_code"
        ),
        _optional("payment_terms_days", SMALL, "The customer's usual terms.", minimum=0),
        _optional("currency_code", TEXT, "The customer's currency, ISO 4217.", check="currency"),
        _optional("timezone", TEXT, "The customer's IANA time zone.", check="timezone"),
        _optional("is_insolvent", FLAG, "Whether insolvency is known.", default=False),
        _optional("onboarded_date", DATE, "When the customer was taken on."),
        _optional("phone", TEXT, "A phone number."),
        _optional("email", TEXT, "An e-mail address."),
    ),
)

_COLLECTORS = Extract(
    name="collectors",
    description="One row per member of the collection team.",
    columns=(
        _key("collector_id", TEXT, "The collector's number in the source."),
        _mandatory("collector_name", TEXT, "The collector's name."),
        _mandatory("team_id", TEXT, "The team."),
        _mandatory("role", TEXT, "The role in the team.", codes=ROLES),
        _optional("hired_date", DATE, "First day of work."),
        _optional("left_date", DATE, "Last day of work."),
        _optional("hourly_cost", MONEY, "Cost of an hour.", minimum=0),
    ),
)

_PORTFOLIOS = Extract(
    name="portfolios",
    description="One row per customer and span in which one collector owns it.",
    columns=(
        _key("customer_id", TEXT, "The customer."),
        _key("valid_from", DATE, "First day of ownership."),
        _mandatory("collector_id", TEXT, "The owner."),
        _optional("valid_to", DATE, "Last day of ownership, inclusive."),
    ),
    rules=(
        RowRule(
            reason_code="DATE_RANGE",
            column="valid_to",
            expected="a day on or after valid_from",
            is_broken=pl.col("valid_to") < pl.col("valid_from"),
        ),
    ),
)

_TARGETS = Extract(
    name="targets",
    description="One row per period, scope and measure with the value aimed at.",
    columns=(
        _key("period_start", DATE, "First day of the period."),
        _key("period_type", TEXT, "Kind of period.", codes=PERIOD_TYPES),
        _key("scope_type", TEXT, "Kind of scope.", codes=SCOPE_TYPES),
        _key("scope_id", TEXT, "The company, team or collector."),
        _key("measure", TEXT, "The measure aimed at."),
        _mandatory("target_value", MEASURE_VALUE, "The value aimed at."),
    ),
)

_SURVEYS = Extract(
    name="surveys",
    description="One row per answer to a satisfaction survey.",
    columns=(
        _key("survey_id", TEXT, "The answer's number in the source."),
        _mandatory("customer_id", TEXT, "Who answered."),
        _mandatory("surveyed_at", INSTANT, "When, in UTC."),
        _mandatory("score", MONEY, "Score from 0 to 100.", minimum=0, maximum=100),
    ),
)

_TRAININGS = Extract(
    name="trainings",
    description="One row per collector, course and attempt.",
    columns=(
        _key("collector_id", TEXT, "Who was trained."),
        _key("course_id", TEXT, "The course."),
        _key("attempt_no", SMALL, "The attempt, from 1.", default=1, minimum=1),
        _mandatory("training_date", DATE, "When the training was held."),
        _mandatory("assessed_date", DATE, "When it was assessed."),
        _optional("score", MONEY, "The score reached."),
        _mandatory("is_passed", FLAG, "Whether the assessment was passed."),
    ),
)

_FX_RATES = Extract(
    name="fx_rates",
    description="One row per day and pair of currencies.",
    columns=(
        _key("rate_date", DATE, "The day of the rate."),
        _key("from_currency", TEXT, "The currency converted, ISO 4217.", check="currency"),
        _key("to_currency", TEXT, "The currency converted to, ISO 4217.", check="currency"),
        _mandatory(
            "rate", RATE, "Units of to_currency for one of from_currency.", is_positive=True
        ),
    ),
)

_CONTROL_TOTALS = Extract(
    name="control_totals",
    description="One row per total that a source vouches for, or balance of the general ledger.",
    amount_column="amount",
    columns=(
        _key("extract", TEXT, "The extract vouched for, or `gl_balance`."),
        _key("delivery_date", DATE, "The delivery vouched for."),
        _key("source", TEXT, "The source vouched for."),
        _optional("row_count", pl.Int64(), "Rows of the extract.", minimum=0),
        _optional("amount", MONEY, "Sum of amounts, or the balance."),
        _key("company_code", TEXT, "The entity of a balance.", is_nullable=True),
        _key(
            "currency_code",
            TEXT,
            "The currency of a balance, ISO 4217.",
            is_nullable=True,
            check="currency",
        ),
        _key("balance_date", DATE, "The day of a balance.", is_nullable=True),
    ),
)

EXTRACTS: Final[Mapping[str, Extract]] = MappingProxyType(
    {
        extract.name: extract
        for extract in (
            _LEDGER,
            _PAYMENTS,
            _CONTACT_LOG,
            _CUSTOMERS,
            _COLLECTORS,
            _PORTFOLIOS,
            _TARGETS,
            _SURVEYS,
            _TRAININGS,
            _FX_RATES,
            _CONTROL_TOTALS,
        )
    }
)
"""Every extract by name."""
