"""Every expectation of every extract: what is expected, how grave its breach is, how it is found.

Here the suites stand as plain data, so that asset checks can be declared without importing Great
Expectations. `quality.judgement` turns them into a suite and runs it.

Severity follows one rule. *Critical* is what would make a figure wrong or a key ambiguous without
anybody seeing it: shape, keys, codes, impossible dates, totals that do not agree, a snapshot that
lost most of its rows. *Warning* is what business may really do, and what the marts flag and list:
bookings in the future, unknown counterparts, unusual sizes.
"""

# ruff: noqa: S608 - queries are put together from the constants of this module only

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from quality.contracts import CONTRACTS
from quality.results import CRITICAL, WARNING, Severity

Kind = Literal["not_null", "in_set", "between", "not_less", "equal", "unique", "never", "sql"]
Grain = Literal["row", "load"]

EARLIEST_DATE: Final = "1980-01-01"
"""No receivable is older: an earlier date is a Minguo year, an epoch or a slip of the pen."""

LATEST_DATE: Final = "2099-12-31"
"""No receivable reaches further: a later date is a Buddhist year or a filler. Ingest quarantines
single rows outside the same bounds, so that a breach here means that ingest did not."""

LARGEST_AMOUNT: Final = "1000000000000"
"""An amount that a single document may plausibly reach, in any currency."""

CURRENCY_PATTERN: Final = "[A-Z][A-Z][A-Z]"

SMALLEST_SHARE_KEPT: Final = 0.5
"""A full delivery with a smaller share of the rows of the one before is taken for truncated: what
it lacks would be withdrawn."""

SMALLEST_FULL_JUDGED: Final = 20
"""Full deliveries of fewer rows are not compared: halving a team of six is no accident."""

RECENT_DELIVERIES: Final = 10
FEWEST_RECENT_DELIVERIES: Final = 5
"""How many deliveries before it a load is compared with, and how many there must be."""

USUAL_VOLUME_FACTOR: Final = 5
USUAL_AMOUNT_FACTOR: Final = 10
"""How many times larger or smaller than the median a delivery may be; amounts scatter more."""

LARGEST_RATE_MOVE: Final = "0.2"
"""A currency that moves more between two published rates is rather a slipped decimal point."""

LATEST_RATE_DAYS: Final = 31
"""An older rate says nothing about how far a currency has moved."""

LARGEST_INVERSE_GAP: Final = "0.02"
"""How far a rate times its inverse may be from 1: spread and rounding."""

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
DIRECTIONS: Final = ("outbound", "inbound")
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
LEDGER_BALANCE: Final = "gl_balance"
CONTROLLED: Final = (*CONTRACTS, LEDGER_BALANCE)


@dataclass(frozen=True)
class Reach:
    """Where the counterparts of a foreign key are looked up.

    Attributes:
        name: Name of the lookup, unique over all expectations.
        columns: The referring columns, in the order of `known_columns`.
        known_extract: The extract that lists the counterparts.
        known_columns: The columns that name them there.
        where: Restricts the rows that refer, as SQL over the judged rows.
    """

    name: str
    columns: tuple[str, ...]
    known_extract: str
    known_columns: tuple[str, ...]
    where: str = "true"

    @property
    def table(self) -> str:
        """Table of the referring keys that nobody knows."""
        return f"unknown_{self.name}"


@dataclass(frozen=True)
class Expectation:
    """One expectation of an extract.

    Attributes:
        code: Its name, unique within the extract.
        severity: `critical` or `warning`.
        description: What is expected, one sentence.
        kind: How it is checked. `never` is a condition on single rows, and all conditions are
            counted in one pass; `sql` selects the rows that break it.
        grain: Whether it speaks of single rows or of a load as a whole.
        columns: The columns looked at, where the kind asks for them.
        values: The values allowed, for `in_set`.
        minimum: The least value allowed, for `between`.
        maximum: The greatest value allowed, for `between`.
        condition: For `never`: SQL that is true of the rows that break it.
        query: For `sql`: a query of the rows that break it, over `{batch}`. For `unique`: one that
            stands in place of the usual query.
        observed: For `load`: SQL text over the judged loads saying what was found.
        reach: The lookup that the query needs, if any.
    """

    code: str
    severity: Severity
    description: str
    kind: Kind
    grain: Grain = "row"
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    condition: str = ""
    query: str = ""
    observed: str = ""
    reach: Reach | None = None

    @property
    def unexpected_rows(self) -> str:
        """A query of the rows that break the expectation, over `{batch}`."""
        if self.query:
            return self.query
        return f"select * from {{batch}} where {self._unexpected_condition()}"

    def _unexpected_condition(self) -> str:
        if self.kind == "never":
            return self.condition
        if self.kind == "not_null":
            return f"{self.columns[0]} is null"
        if self.kind == "in_set":
            allowed = ", ".join(f"'{value}'" for value in self.values)
            return f"{self.columns[0]} not in ({allowed})"
        if self.kind == "between":
            bounds = []
            if self.minimum is not None:
                bounds.append(f"{self.columns[0]} < {self.minimum}")
            if self.maximum is not None:
                bounds.append(f"{self.columns[0]} > {self.maximum}")
            return " or ".join(bounds)
        if self.kind == "not_less":
            return f"{self.columns[0]} < {self.columns[1]}"
        if self.kind == "equal":
            return f"{self.columns[0]} <> {self.columns[1]}"
        # A number for each key is found at a fraction of the cost of the key itself. Whether rows
        # share more than the number is asked of those only that share it.
        key = ", ".join(self.columns)
        return (
            f"hash({key}) in (select hash({key}) from {{batch}} group by hash({key})"
            f" having count(*) > 1) qualify count(*) over (partition by {key}) > 1"
        )


def _filled(*columns: str) -> list[Expectation]:
    return [
        Expectation(
            code=f"{column}_is_filled",
            severity=CRITICAL,
            description=f"Every row has a value in {column}.",
            kind="not_null",
            columns=(column,),
        )
        for column in columns
    ]


def _unique(extract: str) -> Expectation:
    key = CONTRACTS[extract].key
    return Expectation(
        code="key_is_unique",
        severity=CRITICAL,
        description=f"No two rows of a load share their key ({', '.join(key)}).",
        kind="unique",
        columns=("_load_id", *key),
    )


def _codes(column: str, values: Sequence[str]) -> Expectation:
    return Expectation(
        code=f"{column}_is_a_known_code",
        severity=CRITICAL,
        description=f"{column} holds only codes of the contract.",
        kind="in_set",
        columns=(column,),
        values=tuple(values),
    )


def _between(
    column: str, minimum: int | None, maximum: int | None, severity: Severity, words: str
) -> Expectation:
    return Expectation(
        code=f"{column}_is_in_range",
        severity=severity,
        description=words,
        kind="between",
        columns=(column,),
        minimum=minimum,
        maximum=maximum,
    )


def _not_less(later: str, earlier: str, severity: Severity) -> Expectation:
    return Expectation(
        code=f"{later}_is_not_before_{earlier}",
        severity=severity,
        description=f"{later} is not before {earlier}.",
        kind="not_less",
        columns=(later, earlier),
    )


def _never(code: str, severity: Severity, condition: str, words: str) -> Expectation:
    return Expectation(
        code=code,
        severity=severity,
        description=words,
        kind="never",
        condition=condition,
    )


def _currency(column: str) -> Expectation:
    return _never(
        f"{column}_is_iso_shaped",
        CRITICAL,
        f"not regexp_full_match({column}, '{CURRENCY_PATTERN}')",
        f"{column} is written as three capital letters.",
    )


def _possible_date(column: str, severity: Severity = CRITICAL) -> Expectation:
    return _never(
        f"{column}_is_possible",
        severity,
        f"cast({column} as date) < date '{EARLIEST_DATE}'"
        f" or cast({column} as date) > date '{LATEST_DATE}'",
        f"{column} lies between {EARLIEST_DATE} and {LATEST_DATE}.",
    )


def _not_in_future(column: str) -> Expectation:
    return _never(
        f"{column}_is_not_after_delivery",
        WARNING,
        f"{column} > _delivery_date",
        f"{column} is not after the delivery: a booking in the future counts only when it comes.",
    )


def _instant_not_in_future(column: str) -> Expectation:
    return _never(
        f"{column}_is_not_after_delivery",
        WARNING,
        f"{column} >= _delivery_date + interval 36 hour",
        f"{column} is not after the delivery, whose day ends up to 12 hours later in UTC.",
    )


def _known(
    code: str,
    columns: tuple[str, ...],
    known_extract: str,
    known_columns: tuple[str, ...],
    words: str,
    *,
    where: str = "true",
) -> Expectation:
    reach = Reach(code, columns, known_extract, known_columns, where)
    referring = f"({', '.join(columns)})"
    return Expectation(
        code=code,
        severity=WARNING,
        description=words,
        kind="never",
        condition=f"({where}) and {referring} in (select {referring} from {reach.table})",
        reach=reach,
    )


def _known_customer() -> Expectation:
    return _known(
        "customer_is_known",
        ("customer_id",),
        "customers",
        ("customer_id",),
        "Every customer is known from the customers extract, in the lake or in this run.",
    )


def _known_collector() -> Expectation:
    return _known(
        "collector_is_known",
        ("collector_id",),
        "collectors",
        ("collector_id",),
        "Every collector is known from the collectors extract, in the lake or in this run.",
    )


def _whole_load(extract: str) -> list[Expectation]:
    """Expectations of a load as a whole.

    Money is asked about where the extract has some, control totals for every extract but
    themselves.

    The judged loads' columns are those of `quality.staged.LOAD_FACTS`.
    """
    load = Expectation("", CRITICAL, "", "not_null", grain="load")
    expectations = [
        replace(
            load,
            code="columns_are_complete",
            description="The load has every column of the contract and of the load metadata.",
            kind="never",
            condition="missing_columns is not null",
            observed="coalesce('missing: ' || missing_columns, 'complete')",
        ),
        replace(
            load,
            code="columns_have_the_right_type",
            description="Every column is of its type family: text, number, date, flag.",
            kind="never",
            condition="mistyped_columns is not null",
            observed="coalesce(mistyped_columns, 'as expected')",
        ),
        replace(
            load,
            code="rows_belong_to_the_load",
            description="Every row carries the load's identity, source and delivery date.",
            kind="between",
            columns=("foreign_row_count",),
            maximum=0,
            observed="foreign_row_count || ' rows of another load'",
        ),
        replace(
            load,
            code="row_count_equals_the_record",
            description="The staged rows are as many as ingest recorded.",
            kind="equal",
            columns=("staged_row_count", "rows_accepted"),
            observed="staged_row_count || ' rows, recorded ' || rows_accepted",
        ),
        replace(
            load,
            code="row_count_equals_the_file_control",
            description="The rows delivered are as many as the file's own control says.",
            kind="equal",
            columns=("file_row_count", "control_row_count"),
            observed="file_row_count || ' rows, control '"
            " || coalesce(cast(control_row_count as varchar), 'not given')",
        ),
        replace(
            load,
            code="row_count_equals_the_control_total",
            description="The delivery's rows are as many as the control_totals extract says.",
            kind="never",
            condition="delivery_row_count <> totals_row_count"
            " and known_row_count <> totals_row_count",
            observed="delivery_row_count || ' rows in the delivery, control total '"
            " || coalesce(cast(totals_row_count as varchar), 'not given')",
        ),
        replace(
            load,
            code="full_delivery_keeps_its_volume",
            description="A full delivery keeps at least half the rows of the one before"
            " (VOLUME_DROP): what it lacks would be withdrawn.",
            kind="never",
            condition="is_volume_drop",
            observed="case when last_full_row_count is null then 'nothing to compare with' else"
            " unit_row_count || ' rows, ' || last_full_row_count || ' in the full delivery before'"
            " end",
        ),
        replace(
            load,
            code="full_delivery_is_not_overtaken",
            description="No full delivery of a later date was admitted before: an older one would"
            " withdraw what came since. Deliver what stands now under its own date.",
            kind="never",
            condition="latest_full_date > delivery_date",
            observed="coalesce('the full delivery of ' || latest_full_date || ' came before',"
            " 'no full delivery before')",
        ),
        replace(
            load,
            code="volume_is_usual",
            severity=WARNING,
            description="The delivery's rows are within a factor of"
            f" {USUAL_VOLUME_FACTOR} of the median of the source's recent deliveries.",
            kind="never",
            condition="is_history_long_enough and"
            f" (unit_row_count * {USUAL_VOLUME_FACTOR} < usual_row_count"
            f" or unit_row_count > usual_row_count * {USUAL_VOLUME_FACTOR})",
            observed="unit_row_count || ' rows, '"
            " || coalesce('usually ' || usual_row_count, 'no history')",
        ),
    ]
    if CONTRACTS[extract].amount_column is not None:
        expectations += [
            replace(
                load,
                code="amount_equals_the_record",
                description="The staged amounts add up to what ingest recorded.",
                kind="equal",
                columns=("staged_amount", "amount_accepted"),
                observed="coalesce(cast(staged_amount as varchar), 'no amount') || ', recorded '"
                " || coalesce(cast(amount_accepted as varchar), 'none')",
            ),
            replace(
                load,
                code="amount_equals_the_file_control",
                description="The amount delivered is what the file's own control says, credits"
                " added or taken off.",
                kind="never",
                condition="file_amount <> control_amount"
                " and coalesce(file_amount - staged_amount + staged_net_amount <> control_amount,"
                " true)",
                observed="coalesce(cast(file_amount as varchar), 'no amount') || ', control '"
                " || coalesce(cast(control_amount as varchar), 'not given')",
            ),
            replace(
                load,
                code="amount_equals_the_control_total",
                description="The delivery's amount is what the control_totals extract says,"
                " credits added or taken off.",
                kind="never",
                condition="delivery_amount <> totals_amount"
                " and coalesce(delivery_net_amount <> totals_amount, true)"
                " and known_amount <> totals_amount",
                observed="coalesce(cast(delivery_amount as varchar), 'no amount')"
                " || ' in the delivery, control total '"
                " || coalesce(cast(totals_amount as varchar), 'not given')",
            ),
            replace(
                load,
                code="amount_is_usual",
                severity=WARNING,
                description="The delivery's amount is within a factor of"
                f" {USUAL_AMOUNT_FACTOR} of the median of the source's recent deliveries.",
                kind="never",
                condition="is_history_long_enough and usual_amount > 0 and"
                f" (abs(unit_amount) * {USUAL_AMOUNT_FACTOR} < usual_amount"
                f" or abs(unit_amount) > usual_amount * {USUAL_AMOUNT_FACTOR})",
                observed="coalesce(cast(unit_amount as varchar), 'no amount')"
                " || coalesce(', usually ' || usual_amount, ', no history')",
            ),
        ]
    return [
        one
        for one in expectations
        if extract != "control_totals" or not one.code.endswith("_the_control_total")
    ]


SHAPE_CODES: Final = frozenset(
    {"columns_are_complete", "columns_have_the_right_type", "rows_belong_to_the_load"}
)
"""Where one of these fails, the load's rows cannot be read as declared: nothing else is asked."""

_ROWS: Final[Mapping[str, Sequence[Expectation]]] = {
    "ledger": [
        *_filled(
            "company_code",
            "document_id",
            "installment_no",
            "customer_id",
            "document_type",
            "document_date",
            "currency_code",
            "amount",
            "has_open_dispute",
            "legal_status",
            "is_withdrawn",
        ),
        _unique("ledger"),
        _codes("document_type", DOCUMENT_TYPES),
        _codes("legal_status", LEGAL_STATUSES),
        _currency("currency_code"),
        _between("installment_no", 0, 9999, CRITICAL, "Installments count from 0 or 1."),
        _between(
            "payment_terms_days", 0, 1095, WARNING, "Terms lie between 0 days and three years."
        ),
        _never(
            "amount_is_not_negative",
            CRITICAL,
            "amount < 0 and document_type <> 'adjustment'",
            "Amounts are positive: the type gives the sign, and only an adjustment is signed.",
        ),
        _never("amount_is_not_zero", WARNING, "amount = 0", "A document has an amount."),
        _never(
            "amount_is_possible",
            WARNING,
            f"abs(amount) >= {LARGEST_AMOUNT}",
            "No document reaches a trillion.",
        ),
        _never(
            "amount_reporting_has_the_same_sign",
            WARNING,
            "sign(amount_reporting) <> sign(amount)",
            "The booked reporting amount has the sign of the document amount.",
        ),
        _possible_date("document_date"),
        _possible_date("due_date", WARNING),
        _not_in_future("document_date"),
        _not_less("due_date", "document_date", WARNING),
        _never(
            "document_is_not_set_against_itself",
            WARNING,
            "applies_to_document_id = document_id",
            "No document is set against itself.",
        ),
        _never(
            "write_off_names_its_document",
            WARNING,
            "document_type in ('write_off', 'recovery') and applies_to_document_id is null",
            "A write-off or recovery names the document that it is set against.",
        ),
        Expectation(
            code="installments_agree",
            severity=WARNING,
            description="The installments of a document share customer, type and currency.",
            kind="sql",
            # Few documents have several rows: only those are sorted, found by a hash that tells
            # every document of several rows and at worst some others.
            query="select * from {batch} where not is_withdrawn"
            " and hash(_load_id, company_code, document_id) in ("
            "select hash(_load_id, company_code, document_id) as document_hash from {batch}"
            " where not is_withdrawn group by document_hash having count(*) > 1)"
            " window document as (partition by _load_id, company_code, document_id)"
            " qualify min(row(customer_id, document_type, currency_code)) over document"
            " <> max(row(customer_id, document_type, currency_code)) over document",
        ),
        _known_customer(),
        _known(
            "target_document_is_known",
            ("company_code", "applies_to_document_id"),
            "ledger",
            ("company_code", "document_id"),
            "The document that a memo, write-off, recovery or adjustment is set against is known.",
            where="applies_to_document_id is not null",
        ),
    ],
    "payments": [
        *_filled(
            "company_code",
            "payment_id",
            "line_no",
            "customer_id",
            "payment_date",
            "currency_code",
            "amount",
            "is_withdrawn",
        ),
        _unique("payments"),
        _currency("currency_code"),
        _between("line_no", 0, None, CRITICAL, "Lines count from 0 or 1."),
        _between("installment_no", 0, 9999, WARNING, "Installments count from 0 or 1."),
        _never("amount_is_not_zero", WARNING, "amount = 0", "A payment line has an amount."),
        _never(
            "amount_is_possible",
            WARNING,
            f"abs(amount) >= {LARGEST_AMOUNT}",
            "No payment line reaches a trillion.",
        ),
        _never(
            "negative_amount_reverses_a_payment",
            WARNING,
            "amount < 0 and reverses_payment_id is null",
            "A negative payment names the payment that it reverses; else it counts as a refund.",
        ),
        _never(
            "discount_is_in_range",
            WARNING,
            "discount_amount < 0 or discount_amount > abs(amount)",
            "A discount is not negative and not larger than the payment.",
        ),
        _never(
            "installment_is_named_with_its_document",
            WARNING,
            "installment_no is not null and document_id is null",
            "An installment is named together with its document.",
        ),
        _never(
            "payment_does_not_reverse_itself",
            WARNING,
            "reverses_payment_id = payment_id",
            "No payment reverses itself.",
        ),
        _possible_date("payment_date"),
        _possible_date("application_date"),
        _not_in_future("payment_date"),
        _not_in_future("application_date"),
        _not_less("application_date", "payment_date", WARNING),
        _known_customer(),
        _known(
            "document_is_known",
            ("company_code", "document_id"),
            "ledger",
            ("company_code", "document_id"),
            "The document paid is known; else the cash stays unapplied.",
            where="document_id is not null",
        ),
        _known(
            "reversed_payment_is_known",
            ("company_code", "reverses_payment_id"),
            "payments",
            ("company_code", "payment_id"),
            "The payment reversed is known.",
            where="reverses_payment_id is not null",
        ),
    ],
    "contact_log": [
        *_filled(
            "contact_id",
            "customer_id",
            "collector_id",
            "contacted_at",
            "channel",
            "direction",
            "outcome",
        ),
        _unique("contact_log"),
        _codes("channel", CHANNELS),
        _codes("direction", DIRECTIONS),
        _codes("outcome", OUTCOMES),
        _between("duration_seconds", 0, 86400, WARNING, "A contact lasts from 0 to 24 hours."),
        _possible_date("contacted_at"),
        _instant_not_in_future("contacted_at"),
        _never(
            "promise_is_complete",
            WARNING,
            "outcome = 'promise_to_pay' and (promised_amount is null or promised_date is null)",
            "A promise to pay states how much and until when.",
        ),
        _never(
            "promised_amount_is_positive",
            WARNING,
            "promised_amount <= 0",
            "A promised amount is positive.",
        ),
        _possible_date("promised_date"),
        _never(
            "promised_date_is_not_before_the_contact",
            WARNING,
            "promised_date < cast(contacted_at - interval 12 hour as date)",
            "A promise is for the day of the contact or later, in every time zone.",
        ),
        _never(
            "only_complaints_are_upheld",
            WARNING,
            "is_complaint_upheld and outcome <> 'complaint'",
            "Only a complaint can be upheld.",
        ),
        _known_customer(),
        _known_collector(),
        _known(
            "document_is_known",
            ("document_id",),
            "ledger",
            ("document_id",),
            "The document that a contact was about is known.",
            where="document_id is not null",
        ),
    ],
    "customers": [
        *_filled("customer_id", "customer_name", "is_insolvent"),
        _unique("customers"),
        _currency("currency_code"),
        _between("credit_limit", 0, None, WARNING, "A credit limit is not negative."),
        _between(
            "payment_terms_days", 0, 1095, WARNING, "Terms lie between 0 days and three years."
        ),
        _possible_date("onboarded_date", WARNING),
        _not_in_future("onboarded_date"),
        _never(
            "customer_is_not_its_own_parent",
            WARNING,
            "parent_customer_id = customer_id",
            "No customer is its own parent.",
        ),
        _known(
            "parent_customer_is_known",
            ("parent_customer_id",),
            "customers",
            ("customer_id",),
            "The group that a customer belongs to is itself a customer.",
            where="parent_customer_id is not null",
        ),
    ],
    "collectors": [
        *_filled("collector_id", "collector_name", "team_id", "role"),
        _unique("collectors"),
        _codes("role", ROLES),
        _between("hourly_cost", 0, 100000, WARNING, "An hour costs between 0 and 100,000."),
        _possible_date("hired_date", WARNING),
        _possible_date("left_date", WARNING),
        _not_less("left_date", "hired_date", WARNING),
    ],
    "portfolios": [
        *_filled("customer_id", "valid_from", "collector_id"),
        _unique("portfolios"),
        _possible_date("valid_from"),
        _not_less("valid_to", "valid_from", CRITICAL),
        Expectation(
            code="spans_do_not_overlap",
            severity=WARNING,
            description="No customer is given to a next owner before its span has ended.",
            kind="sql",
            query="select * from {batch} qualify valid_to >= lead(valid_from) over"
            " (partition by _load_id, customer_id order by valid_from)",
        ),
        _known_customer(),
        _known_collector(),
    ],
    "targets": [
        *_filled(
            "period_start", "period_type", "scope_type", "scope_id", "measure", "target_value"
        ),
        _unique("targets"),
        _codes("period_type", PERIOD_TYPES),
        _codes("scope_type", SCOPE_TYPES),
        _possible_date("period_start"),
        _between("target_value", 0, None, WARNING, "A target is not negative."),
        _never(
            "period_start_begins_its_period",
            WARNING,
            "day(period_start) <> 1"
            " or (period_type = 'quarter' and month(period_start) not in (1, 4, 7, 10))"
            " or (period_type = 'half_year' and month(period_start) not in (1, 7))"
            " or (period_type = 'year' and month(period_start) <> 1)",
            "period_start is the first day of a period of its type; else no report meets it.",
        ),
        _known(
            "collector_scope_is_known",
            ("scope_id",),
            "collectors",
            ("collector_id",),
            "A collector who has a target is known.",
            where="scope_type = 'collector'",
        ),
        _known(
            "team_scope_is_known",
            ("scope_id",),
            "collectors",
            ("team_id",),
            "A team that has a target is known.",
            where="scope_type = 'team'",
        ),
    ],
    "surveys": [
        *_filled("survey_id", "customer_id", "surveyed_at", "score"),
        _unique("surveys"),
        _between("score", 0, 100, CRITICAL, "A score lies between 0 and 100."),
        _possible_date("surveyed_at"),
        _instant_not_in_future("surveyed_at"),
        _known_customer(),
    ],
    "trainings": [
        *_filled(
            "collector_id", "course_id", "attempt_no", "training_date", "assessed_date", "is_passed"
        ),
        _unique("trainings"),
        _between("attempt_no", 1, None, CRITICAL, "Attempts count from 1."),
        _between("score", 0, 100, WARNING, "A score lies between 0 and 100."),
        _possible_date("training_date"),
        _possible_date("assessed_date"),
        _not_in_future("training_date"),
        _not_in_future("assessed_date"),
        _not_less("assessed_date", "training_date", WARNING),
        _known_collector(),
    ],
    "fx_rates": [
        *_filled("rate_date", "from_currency", "to_currency", "rate"),
        _unique("fx_rates"),
        _currency("from_currency"),
        _currency("to_currency"),
        _never("rate_is_positive", CRITICAL, "rate <= 0", "A rate is positive."),
        _never(
            "currencies_differ",
            WARNING,
            "from_currency = to_currency and rate <> 1",
            "A currency converts to itself at 1, whatever is delivered.",
        ),
        _possible_date("rate_date"),
        _not_in_future("rate_date"),
        Expectation(
            code="rate_agrees_with_its_inverse",
            severity=WARNING,
            description="A rate times the inverse rate of its day is 1, within two per cent.",
            kind="sql",
            query="with r as (select * from {batch}) select r.* from r inner join r as i"
            " on i._load_id = r._load_id and i.rate_date = r.rate_date"
            " and i.from_currency = r.to_currency and i.to_currency = r.from_currency"
            " where r.from_currency <> r.to_currency"
            f" and abs(r.rate * i.rate - 1) > {LARGEST_INVERSE_GAP}",
        ),
        Expectation(
            code="rate_is_near_the_one_before",
            severity=WARNING,
            description="A rate moves less than 20 per cent from the pair's rate before it.",
            kind="sql",
            query="with r as (select * from {batch}) select r.* from r"
            " asof inner join known_rates as k on k.from_currency = r.from_currency"
            " and k.to_currency = r.to_currency and k.rate_date < r.rate_date"
            f" where k.rate_date >= r.rate_date - interval {LATEST_RATE_DAYS} day"
            f" and abs(r.rate - k.rate) > k.rate * {LARGEST_RATE_MOVE}",
        ),
    ],
    "control_totals": [
        *_filled("extract", "delivery_date", "source"),
        _unique("control_totals"),
        _codes("extract", CONTROLLED),
        _between("row_count", 0, None, CRITICAL, "A number of rows is not negative."),
        _never(
            "total_says_something",
            CRITICAL,
            f"extract <> '{LEDGER_BALANCE}' and row_count is null and amount is null",
            "A control total states a number of rows or an amount.",
        ),
        _never(
            "balance_is_complete",
            CRITICAL,
            f"extract = '{LEDGER_BALANCE}' and (company_code is null or currency_code is null"
            " or balance_date is null or amount is null)",
            "A general ledger balance names company, currency, day and amount.",
        ),
        _currency("currency_code"),
        _possible_date("balance_date"),
        _not_in_future("delivery_date"),
        _not_in_future("balance_date"),
        Expectation(
            code="delivery_is_known",
            severity=WARNING,
            description="The delivery that a total vouches for has arrived.",
            kind="sql",
            query="with r as (select * from {batch}) select r.* from r"
            f" where r.extract <> '{LEDGER_BALANCE}'"
            " and coalesce(r.row_count, 1) > 0"
            " and r.source is not null and r.delivery_date is not null"
            " and not exists (select 1 from known_deliveries as d where d.extract = r.extract"
            " and d.source = r.source and d.delivery_date = r.delivery_date)",
        ),
    ],
}

SUITES: Final[Mapping[str, tuple[Expectation, ...]]] = MappingProxyType(
    {extract: (*_whole_load(extract), *expectations) for extract, expectations in _ROWS.items()}
)
"""The suite of every extract: expectations of the load as a whole, then of its rows."""


def expectation_codes(extract: str) -> list[tuple[str, Severity, str]]:
    """List the expectations of an extract, to declare asset checks from.

    Args:
        extract: Name of the extract.

    Returns:
        Code, severity and description of each, in the order in which results come.

    Raises:
        KeyError: No such extract.
    """
    return [(one.code, one.severity, one.description) for one in SUITES[extract]]
