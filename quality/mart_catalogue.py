"""Every expectation of the published marts, by family: what a reader takes for granted.

The proofs (dbt, schema `quality` and mart `proofs`) add up money from end to end. Here stands what
each mart promises about itself: one row per grain, values only where their status is `ok`, sums
that agree inside a table. All of it is critical, because nothing of it can be a fact of business.
An empty mart meets everything.
"""

# ruff: noqa: S608 - queries are put together from the constants of this module only

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from quality.catalogue import Expectation
from quality.results import CRITICAL, Severity

MEASURE_STATUSES: Final = (
    "ok",
    "zero_denominator",
    "negative_denominator",
    "insufficient_history",
    "insufficient_sample",
    "not_applicable",
)
SCORECARD_STATUSES: Final = ("met", "missed", *MEASURE_STATUSES)
PERIOD_TYPES: Final = ("month", "quarter", "half_year", "year")
RATE_STATUSES: Final = ("ok", "missing")
ALLOWANCE_STATUSES: Final = ("ok", "insufficient_history")
PROMISE_STATUSES: Final = ("kept", "partly_kept", "broken", "open", "cancelled", "superseded")
CONTACT_RULE_TYPES: Final = ("hours", "frequency", "pause")
MOVEMENT_TYPES: Final = (
    "invoice",
    "debit_memo",
    "credit_memo",
    "opening_balance",
    "adjustment",
    "write_off",
    "recovery",
    "recovery_reinstatement",
    "payment",
    "discount",
    "payment_reversal",
    "application",
    "credit_application",
)

TURNOVER_MEASURES: Final = (
    "receivables_turnover",
    "receivables_turnover_13_point",
    "receivables_turnover_5_point",
    "turnover_days",
    "days_sales_outstanding",
    "days_sales_outstanding_rolling_3m",
    "best_possible_days_sales_outstanding",
    "average_days_delinquent",
    "average_collection_days",
    "average_collection_days_from_due_date",
    "unpaid_rate",
    "collection_effectiveness_index",
    "collection_effectiveness_index_period_total",
    "days_sales_outstanding_countback",
    "days_sales_outstanding_countback_skip",
    "days_sales_outstanding_countback_stop",
    "true_days_sales_outstanding",
)
BAD_DEBT_MEASURES: Final = (
    "recovery_rate",
    "recovery_rate_within_0_days",
    "recovery_rate_within_30_days",
    "recovery_rate_within_60_days",
    "recovery_rate_within_90_days",
    "bad_debt_rate",
    "bad_debt_rate_of_average_receivables",
    "bad_debt_rate_of_credit_sales",
)
PERFORMANCE_MEASURES: Final = (
    "right_party_contact_rate_of_attempts",
    "right_party_contact_rate_of_connects",
    "promise_kept_rate",
    "promise_kept_rate_by_amount",
    "collected_target_attainment_rate",
    "complaint_rate",
    "satisfaction_score",
    "satisfied_rate",
    "training_pass_rate",
    "training_pass_rate_first_attempt",
    "contacts_per_hour",
    "collected_per_contact",
    "contact_cost_rate",
)
_RATES_BEYOND_ONE: Final = (
    "collected_target_attainment_rate",
    "complaint_rate",
    "satisfaction_score",
    "contacts_per_hour",
    "collected_per_contact",
    "contact_cost_rate",
)

GRADE_MEASURES: Final = (
    "credit_score",
    "days_late",
    "on_time_rate",
    "dispute_rate",
    "limit_utilisation_rate",
)
GRADES: Final = ("A", "B", "C", "D", "E", "unrated")
AMOUNT_CLASSES: Final = ("large", "small")


@dataclass(frozen=True)
class Groups:
    """Groups of rows of which an expectation speaks one by one: what it compares is in one group.

    Attributes:
        columns: The columns of a group.
        beside: Another mart with these columns that the expectation reads, by its name in braces.
        moved: A query of the groups that move without a change in either of them.
    """

    columns: tuple[str, ...]
    beside: str = ""
    moved: str = ""


@dataclass(frozen=True)
class MartSuite:
    """What is expected of one mart.

    Attributes:
        key: Columns that identify a row.
        expectations: The expectations, none of which speaks of loads.
        groups: By code, the groups of expectations that compare rows. Those of the kind `sql` that
            stand not here speak of the mart as a whole.
        shows: Of a view: the table of which it shows every row once, by the same key.
        arranges: Of a view: the table whose rows it shows otherwise than one by one, in groups that
            both have; every expectation is of the kind `sql`, has its groups, and reads both.
        judged: Of a view: a condition on the rows that are judged, where others are worked out
            only when they are asked for.
    """

    key: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    groups: Mapping[str, Groups] = field(default_factory=dict)
    shows: str = ""
    arranges: str = ""
    judged: str = ""


def _sql(code: str, description: str, query: str) -> Expectation:
    return Expectation(
        code=code, severity=CRITICAL, description=description, kind="sql", query=query
    )


def _never(code: str, description: str, condition: str) -> Expectation:
    return Expectation(
        code=code,
        severity=CRITICAL,
        description=description,
        kind="never",
        condition=condition,
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


def _codes(column: str, values: Sequence[str]) -> Expectation:
    return Expectation(
        code=f"{column}_is_a_known_code",
        severity=CRITICAL,
        description=f"{column} holds only codes that the mart describes.",
        kind="in_set",
        columns=(column,),
        values=tuple(values),
    )


def _suite(
    key: Sequence[str],
    *expectations: Expectation,
    groups: Mapping[str, Groups] = MappingProxyType({}),
    shows: str = "",
    judged: str = "",
) -> MartSuite:
    grain = Expectation(
        code="grain_is_unique",
        severity=CRITICAL,
        description=f"One row per {', '.join(key)}.",
        kind="unique",
        columns=tuple(key),
    )
    shown = [_shown_once(shows)] if shows else []
    return MartSuite(
        tuple(key),
        (*_filled(*key), grain, *expectations, *shown),
        groups,
        shows=shows,
        judged=judged,
    )


def _shown_once(table: str, shown: str = "true", table_rows: str = "") -> Expectation:
    """`shown` tells rows of the table from rows that the view has beside them."""
    return _shows_as_many(
        f"every_row_of_{table}_is_shown_once",
        f"The view loses no row of {table} and repeats none.",
        shown,
        f"select count(*) from {table_rows or f'marts.{table}'}",
    )


def _shows_as_many(code: str, description: str, shown: str, count: str) -> Expectation:
    """That a view shows as many rows as a query counts in its table."""
    return _sql(
        code,
        description,
        f"select r.* from (select count(*) filter ({shown}) as shown from {{batch}}) as counted"
        " left join (select * from {batch} limit 1) as r on true"
        f" where counted.shown <> ({count})",
    )


def _measures(measures: Sequence[str]) -> list[Expectation]:
    statuses = ", ".join(f"'{status}'" for status in MEASURE_STATUSES)
    return [
        _never(
            "statuses_are_known",
            "Every measure has one of the statuses that METRICS lists.",
            " or ".join(
                f"coalesce({measure}_status not in ({statuses}), true)" for measure in measures
            ),
        ),
        _never(
            "values_stand_exactly_where_the_status_is_ok",
            "A measure has a value where its status is ok, and nowhere else.",
            " or ".join(f"({measure} is null) = ({measure}_status = 'ok')" for measure in measures),
        ),
    ]


def _shares(measures: Sequence[str]) -> Expectation:
    return _never(
        "rates_are_their_parts_divided",
        "A rate is its numerator divided by its denominator, to eight decimals.",
        " or ".join(
            f"abs(cast({measure} as double) * {measure}_denominator - {measure}_numerator)"
            f" > abs({measure}_denominator) * 0.00000001 + 0.000001"
            for measure in measures
        ),
    )


def _rate_status() -> list[Expectation]:
    return [
        _codes("rate_status", RATE_STATUSES),
        _never(
            "a_missing_rate_hides_the_converted_amount_only",
            "The converted amount of an open item is absent exactly where a rate is missing.",
            "(open_amount is null) <> (rate_status = 'missing' and open_amount_document <> 0)"
            " or open_amount_document is null",
        ),
    ]


_PERIOD_KEY: Final = ("period_type", "period_start", "company_code", "scope_type", "scope_id")


def _periods(scoped_amounts: Sequence[str]) -> list[Expectation]:
    """Periods are whole, and segments, regions or customers add up to the company."""
    differ = " or ".join(
        f"sum({amount}) over scoped is distinct from max(company_{amount}) over scoped"
        for amount in scoped_amounts
    )
    companies = ", ".join(f"{amount} as company_{amount}" for amount in scoped_amounts)
    return [
        _codes("period_type", PERIOD_TYPES),
        _never(
            "periods_hold_their_measuring_date",
            "A period begins before it ends and is measured inside, at the latest as of the run.",
            "period_start > period_end or measured_to_date not between period_start and period_end"
            " or measured_to_date > as_of_date or is_complete <> (measured_to_date = period_end)",
        ),
        _sql(
            "scopes_add_up_to_the_company",
            f"The scopes of a kind add up to the company ({', '.join(scoped_amounts)}).",
            "with r as (select * from {batch}), whole as (select period_type, period_start,"
            f" company_code, {companies} from r where scope_type = 'company')"
            " select r.*, whole.* exclude (period_type, period_start, company_code) from r"
            " left join whole using (period_type, period_start, company_code)"
            " where r.scope_type in ('segment', 'region', 'team')"
            " window scoped as (partition by period_type, period_start, company_code, scope_type)"
            f" qualify {differ}",
        ),
    ]


def _suspects(keys: str, having: str, rows: str = "{batch}") -> str:
    """A condition that is true of every row of the groups sought, and of few others.

    Groups are found by one number each, at a fraction of the cost of their names. What is sought is
    asked again of the rows found, by name.
    """
    return (
        f"hash({keys}) in (select hash({keys}) from {rows} group by hash({keys}) having {having})"
    )


_AS_OF_DATE: Final = "(select as_of_date from staging.run_parameters)"

_TRANSFERS: Final = "is_current and movement_type in ('application', 'credit_application')"
_TRANSFER: Final = (
    "company_code, movement_type, source_type, source_id, source_line_no, currency_code"
)

_MOVEMENTS: Final = _suite(
    (
        "company_code",
        "item_type",
        "document_id",
        "installment_no",
        "movement_type",
        "source_type",
        "source_id",
        "source_line_no",
        "piece_no",
        "_recorded_at",
    ),
    *_filled("effective_date", "currency_code", "amount_document"),
    _codes("movement_type", MOVEMENT_TYPES),
    _codes("rate_status", RATE_STATUSES),
    _never(
        "knowledge_intervals_run_forward",
        "A movement is known from before it is superseded.",
        "_recorded_at >= _superseded_at",
    ),
    _never(
        "a_missing_rate_hides_the_converted_amount_only",
        "The converted amount is absent exactly where a rate is missing.",
        "(amount is null) = (rate_status = 'ok')",
    ),
    _sql(
        "transfers_sum_to_zero",
        "What an application takes from a payment or credit it gives to a document.",
        f"select * from {{batch}} where {_TRANSFERS} and "
        + _suspects(
            _TRANSFER,
            "sum(amount_document) <> 0",
            f"(select * from {{batch}} where {_TRANSFERS})",
        )
        + f" qualify sum(amount_document) over (partition by {_TRANSFER}) <> 0",
    ),
    groups={
        "transfers_sum_to_zero": Groups(
            ("company_code", "source_type", "source_id", "source_line_no")
        )
    },
)

_DOCUMENT: Final = ("company_code", "document_id", "installment_no")
_DOCUMENT_KEY: Final = ", ".join(_DOCUMENT)
_JOURNAL: Final = (
    "(select * from {receivable_movements} where is_current and item_type = 'document'"
    f" and effective_date <= {_AS_OF_DATE})"
)

_RECEIVABLES: Final = _suite(
    _DOCUMENT,
    *_filled("customer_id", "document_type", "document_date", "due_date", "currency_code"),
    *_rate_status(),
    _never(
        "a_settled_document_has_no_open_amount",
        "Without a balance in document currency nothing is open in reporting currency either.",
        "open_amount_document = 0 and open_amount <> 0",
    ),
    _never(
        "over_applied_is_below_zero",
        "Only a negative balance is over-applied.",
        "is_over_applied and open_amount_document >= 0",
    ),
    _sql(
        "balances_equal_the_journal",
        "The open amount of a document is the sum of its movements known now.",
        f"with suspects as materialized (select hash({_DOCUMENT_KEY}) as suspect from (select"
        f" {_DOCUMENT_KEY}, open_amount_document as amount from {{batch}} union all select"
        f" {_DOCUMENT_KEY}, -amount_document as amount from {_JOURNAL})"
        f" group by hash({_DOCUMENT_KEY}) having sum(amount) <> 0), journal as (select"
        f" {_DOCUMENT_KEY}, sum(amount_document) as amount from {_JOURNAL}"
        f" where hash({_DOCUMENT_KEY}) in (select suspect from suspects) group by {_DOCUMENT_KEY})"
        f" select r.* from (select * from {{batch}} where hash({_DOCUMENT_KEY}) in (select suspect"
        f" from suspects)) as r left join journal using ({_DOCUMENT_KEY})"
        " where r.open_amount_document <> coalesce(journal.amount, 0)",
    ),
    groups={
        "balances_equal_the_journal": Groups(
            _DOCUMENT,
            beside="receivable_movements",
            moved=f"select {_DOCUMENT_KEY} from marts.receivable_movements where effective_date"
            " > (select previous_as_of_date from staging.run_parameters)"
            f" and effective_date <= {_AS_OF_DATE}",
        )
    },
    shows="receivables_summed",
)

_CASH: Final = (
    "company_code",
    "payment_id",
    "line_no",
    "piece_no",
    "document_id",
    "installment_no",
    "is_reversed_cash",
)
_CASH_KEY: Final = ", ".join(_CASH)

_APPLICATIONS: Final = _suite(
    _CASH,
    *_filled("customer_id", "payment_date", "amount_document"),
    _never(
        "days_are_differences_of_dates",
        "Days to pay are the days from document or due date to the payment.",
        "days_from_document_date <> payment_date - document_date"
        " or days_from_due_date <> payment_date - due_date",
    ),
)

_ITEM: Final = ("company_code", "item_type", "document_id", "installment_no")
_ITEM_KEY: Final = ", ".join(_ITEM)

_SPANS: Final = _suite(
    (*_ITEM, "open_from"),
    *_filled("open_to", "customer_id", "currency_code", "due_date"),
    *_rate_status(),
    _never(
        "only_open_items_stand_in_the_aging",
        "An item without a balance is not in the aging.",
        "open_amount_document = 0",
    ),
    _sql(
        "spans_of_an_item_do_not_overlap",
        "An item has one balance on any day.",
        "select * from {batch} where open_to <= open_from or "
        + _suspects(_ITEM_KEY, "count(*) > 1")
        + " qualify open_to <= open_from or open_to > lead(open_from)"
        f" over (partition by {_ITEM_KEY} order by open_from)",
    ),
    groups={"spans_of_an_item_do_not_overlap": Groups(_ITEM)},
)
"""Every row of aging_by_document is a day of one of these spans; there are far fewer of them."""

_BUCKET_KEY: Final = (
    "as_of_date",
    "company_code",
    "currency_code",
    "bucket_set",
    "age_basis",
    "aging_bucket",
)


def _aging_totals(rows: str, grain: str, view: str) -> Expectation:
    """`view` is what tells bucket sets and age bases apart."""
    return _sql(
        "every_bucket_set_and_basis_has_the_same_total",
        "The buckets of every set and age basis add up to the same open amount.",
        f"select * from {{batch}} where ({grain}) in (select ({grain}) from (select {grain},"
        f" sum(open_amount_document) as amount from {rows} group by {grain}, {view})"
        f" group by {grain} having min(amount) <> max(amount))",
    )


_ACCOUNT_SLICE: Final = ("as_of_date", "account_no")

_AGING_BY_ACCOUNT: Final = _suite(
    (*_ACCOUNT_SLICE, "bucket_no", "is_by_due_date"),
    *_filled("document_count", "open_amount_document"),
    _never(
        "buckets_hold_documents", "A bucket without documents has no row.", "document_count < 1"
    ),
    _aging_totals(
        "(select r.*, sets.bucket_set from {batch} as r left join (select bucket_set, cast("
        "row_number() over (order by bucket_set, aging_bucket_order, aging_bucket) as integer)"
        " as bucket_no from marts.dim_aging_buckets) as sets using (bucket_no))",
        ", ".join(_ACCOUNT_SLICE),
        "bucket_set, is_by_due_date",
    ),
    groups={"every_bucket_set_and_basis_has_the_same_total": Groups(_ACCOUNT_SLICE)},
)
"""The rows of aging_by_customer, with numbers in place of names."""

_AGING_BY_CUSTOMER: Final = MartSuite(
    (*_BUCKET_KEY[:2], "customer_id", *_BUCKET_KEY[2:]),
    (_shown_once("aging_by_account", "document_count > 0", "{aging_by_account}"),),
    groups={
        "every_row_of_aging_by_account_is_shown_once": Groups(
            _ACCOUNT_SLICE, beside="aging_by_account"
        )
    },
    arranges="aging_by_account",
)
"""A view that puts names beside numbers, one for each, so that both are as unique."""

_AGING_CREDITS: Final = _suite(
    (*_ACCOUNT_SLICE, "bucket_no", "is_by_due_date"),
    *_filled("credits_aged_amount_document", "credits_applied_amount_document"),
    _sql(
        "credits_change_buckets_and_no_total",
        "What credits presented otherwise add to a set's buckets is taken from its own columns.",
        f"select * from {{batch}} where ({', '.join(_ACCOUNT_SLICE)}) in (select"
        f" ({', '.join(_ACCOUNT_SLICE)}) from {{batch}} left join (select bucket_set, cast("
        "row_number() over (order by bucket_set, aging_bucket_order, aging_bucket) as integer)"
        " as bucket_no from marts.dim_aging_buckets) as sets using (bucket_no)"
        f" group by {', '.join(_ACCOUNT_SLICE)}, bucket_set, is_by_due_date having"
        " sum(credits_aged_amount_document) <> 0 or sum(credits_applied_amount_document) <> 0"
        " or coalesce(sum(credits_aged_amount), 0) <> 0"
        " and count(credits_aged_amount) = count(*)"
        " or coalesce(sum(credits_applied_amount), 0) <> 0"
        " and count(credits_applied_amount) = count(*))",
    ),
    groups={"credits_change_buckets_and_no_total": Groups(_ACCOUNT_SLICE)},
)

_CLOSING_RATES: Final = _suite(
    ("currency_code", "rate_date"),
    _codes("rate_status", RATE_STATUSES),
    _never(
        "a_rate_stands_where_its_status_is_ok",
        "A rate is absent exactly where it is missing, and above zero.",
        "(fx_rate is null) = (rate_status = 'ok') or fx_rate <= 0",
    ),
)

_AGING_BY_BUCKET: Final = _suite(
    _BUCKET_KEY,
    _codes("age_basis", ("due_date", "document_date")),
    *_rate_status(),
    _sql(
        "buckets_are_those_of_their_set",
        "Every bucket and its order is a row of dim_aging_buckets.",
        "with r as (select * from {batch}) select r.* from r"
        " left join marts.dim_aging_buckets as d using (bucket_set, aging_bucket)"
        " where d.aging_bucket_order is distinct from r.aging_bucket_order",
    ),
    _aging_totals("{batch}", "as_of_date, company_code, currency_code", "bucket_set, age_basis"),
    _sql(
        "customers_add_up_to_the_buckets",
        "The customers of a bucket add up to it.",
        "with r as (select * from {batch}), customers as (select as_of_date, company_code,"
        " currency_code, bucket_set, age_basis, aging_bucket, sum(open_amount_document) as amount"
        " from marts.aging_by_customer group by as_of_date, company_code, currency_code,"
        " bucket_set, age_basis, aging_bucket) select r.* from r left join customers using"
        " (as_of_date, company_code, currency_code, bucket_set, age_basis, aging_bucket)"
        " where customers.amount is distinct from r.open_amount_document",
    ),
)

_KEPT_SCOPES: Final = "scope_type is distinct from 'customer'"

_RECEIVABLES_BY_PERIOD: Final = _suite(
    _PERIOD_KEY,
    *_periods(("opening_amount", "closing_amount", "credit_sales_amount", "falling_due_amount")),
    _codes("countback_status", ("ok", "insufficient_history", "not_applicable")),
    _never(
        "what_is_used_up_fits_its_period",
        "Where receivables are used up, what is left for the last period is no more than its"
        " sales.",
        "countback_status = 'ok' and countback_covered_amount"
        " not between 0 and countback_sales_amount",
    ),
)

_TURNOVER: Final = _suite(
    _PERIOD_KEY,
    *_periods(("closing_receivables_amount", "credit_sales_amount", "cash_applied_amount")),
    _codes("rate_status", RATE_STATUSES),
    *_measures(TURNOVER_MEASURES),
    _never(
        "average_days_delinquent_is_the_gap_to_best_possible",
        "Average days delinquent = days sales outstanding − the best possible.",
        "abs(average_days_delinquent - (days_sales_outstanding"
        " - best_possible_days_sales_outstanding)) > 0.00000002",
    ),
    _never(
        "skipping_periods_never_counts_more_days",
        "Counted back without the days of periods that have no sales, days are not more.",
        "days_sales_outstanding_countback_skip > days_sales_outstanding_countback",
    ),
    judged=_KEPT_SCOPES,
)

_BAD_DEBT: Final = _suite(
    _PERIOD_KEY,
    *_periods(("write_off_amount", "recovery_of_written_off_amount", "cash_applied_amount")),
    _codes("rate_status", RATE_STATUSES),
    *_measures(BAD_DEBT_MEASURES),
    _shares(("recovery_rate", "bad_debt_rate", "bad_debt_rate_of_credit_sales")),
    _never(
        "net_write_off_is_write_offs_less_recoveries",
        "Net write-off = write-offs − recoveries of written-off items.",
        "net_write_off_amount <> write_off_amount - recovery_of_written_off_amount",
    ),
    judged=_KEPT_SCOPES,
)

_RECOVERY_MEASURES: Final = (
    "recovery_of_written_off_rate",
    "recovery_of_written_off_within_12_months_rate",
)

_RECOVERY_BY_WRITE_OFF_MONTH: Final = _suite(
    ("company_code", "scope_type", "scope_id", "write_off_month_start"),
    _codes("rate_status", RATE_STATUSES),
    *_measures(_RECOVERY_MEASURES),
    _shares(_RECOVERY_MEASURES),
)

_ALLOWANCE_BY_BUCKET: Final = _suite(
    ("period_start", "company_code", "allowance_method", "segment", "aging_bucket"),
    _codes("rate_status", RATE_STATUSES),
    _never(
        "loss_rates_are_shares",
        "A loss rate lies between 0 and 1.",
        "loss_rate < 0 or loss_rate > 1",
    ),
    _codes("allowance_status", ALLOWANCE_STATUSES),
    _never(
        "an_allowance_that_cannot_be_had_has_no_amount",
        "What a method asks for stands exactly where its status is ok.",
        "(required_allowance_amount is not null) <> (allowance_status = 'ok')",
    ),
    _sql(
        "buckets_add_up_to_the_same_in_every_method",
        "What is open is the same in every method that looks at all of it.",
        "with r as (select * from {batch} where allowance_method <> 'specific'),"
        " whole as (select period_start, company_code, segment, allowance_method,"
        " sum(open_amount) as open_amount from r group by all),"
        " unequal as (select period_start, company_code, segment from whole"
        " group by all having min(open_amount) <> max(open_amount))"
        " select r.* from r semi join unequal using (period_start, company_code, segment)",
    ),
    _sql(
        "one_method_is_booked",
        "Exactly one allowance method is the booked one.",
        "with r as (select * from {batch}) select r.* from r where (select count(distinct"
        " allowance_method) from r where is_booked) <> 1",
    ),
)

_ALLOWANCE_ROLL_FORWARD: Final = _suite(
    ("period_start", "company_code", "allowance_method", "segment"),
    _codes("rate_status", RATE_STATUSES),
    _codes("allowance_status", ALLOWANCE_STATUSES),
    _never(
        "a_charge_that_cannot_be_had_has_no_amount",
        "Charge and release stand exactly where their status is ok, and one of them is zero.",
        "(charge_amount is not null) <> (allowance_status = 'ok')"
        " or (release_amount is not null) <> (allowance_status = 'ok')"
        " or least(charge_amount, release_amount) <> 0",
    ),
    _never(
        "the_allowance_foots",
        "Opening + charge − release − write-offs + recoveries ± fx = closing.",
        "opening_allowance_amount + charge_amount - release_amount - write_off_amount"
        " + recovery_amount + fx_amount <> closing_allowance_amount",
    ),
    _sql(
        "opening_is_the_closing_of_the_month_before",
        "A month opens with what the month before closed with.",
        "with r as (select * from {batch}) select * from r qualify lag(closing_allowance_amount)"
        " over (partition by company_code, allowance_method, segment order by period_start)"
        " <> opening_allowance_amount",
    ),
    _sql(
        "closing_is_what_the_buckets_require",
        "The closing allowance is what allowance_by_bucket requires.",
        "with r as (select * from {batch}), required as (select period_start, company_code,"
        " allowance_method, segment, case when count(required_allowance_amount) = count(*) then"
        " sum(required_allowance_amount) end as amount"
        " from marts.allowance_by_bucket"
        " group by period_start, company_code, allowance_method, segment)"
        " select r.* from r left join required"
        " using (period_start, company_code, allowance_method, segment)"
        " where required.amount is distinct from r.closing_allowance_amount",
    ),
)


_ALLOWANCE_BACK_TEST: Final = _suite(
    ("period_start", "company_code", "knowledge", "allowance_method", "segment"),
    _codes("rate_status", RATE_STATUSES),
    _codes("knowledge", ("now", "then")),
    *_measures(("loss_coverage_rate",)),
    _never(
        "an_open_window_foretells_nothing",
        "An error and a coverage stand only where the window has closed.",
        "is_window_closed <> (window_end_date <= as_of_date)"
        " or (not is_window_closed and loss_coverage_rate_status <> 'insufficient_history')"
        " or (not is_window_closed and prediction_error_amount is not null)",
    ),
    _never(
        "the_error_is_predicted_less_written_off",
        "The error of a prediction is what was predicted less what was written off.",
        "prediction_error_amount <> predicted_loss_amount - written_off_amount",
    ),
    _sql(
        "every_method_meets_the_same_losses",
        "What was written off later is the same beside every method.",
        "with r as (select * from {batch}) select * from r qualify min(written_off_amount)"
        " over (partition by period_start, company_code, knowledge, segment)"
        " <> max(written_off_amount)"
        " over (partition by period_start, company_code, knowledge, segment)",
    ),
)


def _performance(key: Sequence[str], *expectations: Expectation) -> MartSuite:
    return _suite(
        key,
        *_measures(PERFORMANCE_MEASURES),
        _never(
            "shares_lie_between_zero_and_one",
            "Shares of contacts, promises, surveys and trainings lie between 0 and 1.",
            " or ".join(
                f"{measure} not between 0 and 1"
                for measure in PERFORMANCE_MEASURES
                if measure not in _RATES_BEYOND_ONE
            )
            + " or satisfaction_score not between 0 and 100",
        ),
        _never(
            "contacts_narrow_down",
            "Right-party contacts are connects, connects are attempts, attempts are contacts.",
            "right_party_contact_count > connect_count or connect_count > attempt_count"
            " or attempt_count > contact_count or upheld_complaint_count > complaint_count",
        ),
        *expectations,
    )


_TEAM_MONTH: Final = _performance(
    ("month_start", "team_id"),
    _sql(
        "collectors_add_up_to_their_team",
        "The cash of a team is the cash of its collectors.",
        "with r as (select * from {batch}), collectors as (select month_start, team_id,"
        " sum(collected_amount) as amount from marts.performance_by_collector_month"
        " group by month_start, team_id) select r.* from r left join collectors"
        " using (month_start, team_id) where coalesce(collectors.amount, 0) <> r.collected_amount",
    ),
)

_PROMISES: Final = _suite(
    ("promise_id",),
    *_filled("customer_id", "promised_date", "deadline_date"),
    _codes("promise_status", PROMISE_STATUSES),
    _never(
        "kept_promises_have_a_date",
        "A promise has a date of being kept exactly when it is kept.",
        "(kept_date is null) = (promise_status = 'kept')",
    ),
    _never(
        "open_promises_have_time_left",
        "A promise is broken or partly kept only after its deadline, open only until then.",
        "(promise_status in ('broken', 'partly_kept') and as_of_date <= deadline_date)"
        " or (promise_status = 'open' and as_of_date > deadline_date)",
    ),
)

_COMPLIANCE: Final = _suite(
    ("contact_id", "rule_code"),
    *_filled("rule_pack", "customer_id", "contact_date", "judged_timezone", "window_start_date"),
    _codes("rule_type", CONTACT_RULE_TYPES),
    _never(
        "windows_hold_the_contact",
        "The local day of a contact lies in the window that it breaks.",
        "cast(local_contacted_at as date) not between window_start_date and window_end_date",
    ),
    _never(
        "a_maximum_is_exceeded",
        "More contacts were counted in the window than the rule allows.",
        "coalesce(counted_count <= maximum_count, true)",
    ),
    _never(
        "hours_are_named",
        "A breach of hours, and no other, names the hours allowed.",
        "(allowed_from is null or allowed_until is null) = (rule_type = 'hours')",
    ),
)

_COMPLIANCE_MONTH: Final = _suite(
    ("month_start", "collector_id", "rule_pack", "rule_code"),
    *_measures(("breach_rate",)),
    _shares(("breach_rate",)),
    _never(
        "breaches_narrow_down",
        "Customers are no more than their contacts, contacts no more than breaches or attempts.",
        "breached_customer_count > breached_contact_count"
        " or breached_contact_count > breach_count or breached_contact_count > attempt_count"
        " or unknown_timezone_breach_count > breach_count",
    ),
    _sql(
        "rules_add_up_to_any_rule",
        "The breaches of a month's rules are those of rule any.",
        "with r as (select * from {batch}) select * from r qualify sum(case when rule_code = 'any'"
        " then breach_count else -breach_count end) over (partition by month_start, collector_id)"
        " <> 0",
    ),
)

SUCCESS_MEASURES: Final = ("success_rate", "success_rate_by_amount")

_SUCCESS: Final = _suite(
    ("month_start", "scope_type", "scope_id"),
    _codes("scope_type", ("all", "team", "collector", "channel")),
    *_measures(SUCCESS_MEASURES),
    _shares(SUCCESS_MEASURES),
    _never(
        "success_narrows_down",
        "Items paid or promised succeeded, those were worked; so of amounts.",
        "greatest(paid_item_count, promise_kept_item_count) > succeeded_item_count"
        " or paid_item_count + promise_kept_item_count < succeeded_item_count"
        " or succeeded_item_count > worked_item_count or succeeded_amount > worked_amount",
    ),
    _never(
        "rates_wait_for_their_windows",
        "A rate stands only when the windows of the month are over.",
        "not is_complete and (success_rate is not null or success_rate_by_amount is not null)",
    ),
)

FORECAST_MEASURES: Final = (
    "weighted_absolute_error_rate",
    "bias_rate",
    "interval_coverage_rate",
)

_FORECAST: Final = _suite(
    ("company_code", "week_no"),
    _never(
        "weeks_follow_the_as_of_date",
        "A week has seven days, and the first begins after the as-of date.",
        "week_start <> as_of_date + 7 * week_no - 6 or week_end <> week_start + 6",
    ),
    _never(
        "the_forecast_is_its_parts",
        "The forecast is promise, habit and cohort together, and lies in its interval.",
        "promise_amount + habit_amount + cohort_amount <> forecast_amount"
        " or forecast_amount not between lower_amount and upper_amount or lower_amount < 0"
        " or until_half_year_end_amount not between 0 and forecast_amount",
    ),
    _sql(
        "every_week_is_there",
        "The weeks of a company are numbered without a gap, to the end of the half year.",
        "with r as (select * from {batch}) select * from r qualify count(*) over"
        " (partition by company_code) <> max(week_no) over (partition by company_code)"
        " or max(week_end) over (partition by company_code) < half_year_end_date",
    ),
)

_FORECAST_ACCURACY: Final = _suite(
    ("origin_date", "company_code"),
    *_measures(FORECAST_MEASURES),
    _shares(FORECAST_MEASURES),
    _never(
        "the_bias_is_within_the_error",
        "What is off in sum is at most what is off in the weeks; coverage lies between 0 and 1.",
        "abs(bias_rate_numerator) > weighted_absolute_error_rate_numerator"
        " or interval_coverage_rate not between 0 and 1",
    ),
)

_EARNERS: Final = ("is_portfolio_owner", "is_last_touch", "is_first_touch", "is_promise_first")

_CASH_BY_EARNER: Final = _suite(
    (*_CASH, "collector_id"),
    *_filled("team_id", "amount_document", "linear_share", "linear_amount_document"),
    _never(
        "every_row_is_earned_by_some_method",
        "A collector stands beside a movement of cash that some method gives to it.",
        f"not ({' or '.join(_EARNERS)} or linear_share > 0)",
    ),
    _sql(
        "shares_of_a_movement_sum_to_one",
        "Every method gives a movement of cash out once, or in shares that sum to 1.",
        "select * from {batch} where "
        + _suspects(
            _CASH_KEY,
            " or ".join(f"count(*) filter (where {flag}) <> 1" for flag in _EARNERS)
            + " or sum(linear_share) <> 1",
        )
        + f" window movement as (partition by {_CASH_KEY}) qualify "
        + " or ".join(f"count(*) filter (where {flag}) over movement <> 1" for flag in _EARNERS)
        + " or sum(linear_share) over movement <> 1",
    ),
    _sql(
        "every_cent_is_given_out",
        "The amounts that collectors share, with what is unattributed, are the movement.",
        "select * from {batch} where "
        + _suspects(
            _CASH_KEY,
            "sum(linear_amount_document) <> min(amount_document)"
            " or sum(linear_amount) is distinct from min(amount)"
            " or min(amount_document) <> max(amount_document)",
        )
        + f" window movement as (partition by {_CASH_KEY}) qualify"
        " sum(linear_amount_document) over movement <> min(amount_document) over movement"
        " or sum(linear_amount) over movement is distinct from min(amount) over movement"
        " or min(amount_document) over movement <> max(amount_document) over movement",
    ),
    groups={
        code: Groups(("company_code", "payment_id", "line_no"))
        for code in ("shares_of_a_movement_sum_to_one", "every_cent_is_given_out")
    },
)

_ATTRIBUTION: Final = MartSuite(
    ("attribution_method", *_CASH, "collector_id"),
    (
        _shows_as_many(
            "every_method_shows_what_it_gives",
            "The view shows each row of cash_by_earner once for every method that gives to it.",
            "true",
            "select"
            + " + ".join(f" count(*) filter (where {flag})" for flag in _EARNERS)
            + " + count(*) filter (where linear_share > 0) from {cash_by_earner}",
        ),
    ),
    groups={
        "every_method_shows_what_it_gives": Groups(
            ("company_code", "payment_id"), beside="cash_by_earner"
        )
    },
    arranges="cash_by_earner",
)
"""A view of cash_by_earner, whose flags and shares are judged there."""

_INCENTIVES: Final = _suite(
    ("month_start", "collector_id"),
    *_measures(("attainment_rate",)),
    _shares(("attainment_rate",)),
    _never(
        "incentives_follow_from_their_parts",
        "The cash kept is what was earned less what was taken back; the incentive is that of the"
        " tier less what is withheld, and what was clawed back is missing from the month's end.",
        "kept_amount <> earned_amount - taken_back_amount"
        " or incentive_amount <> tier_incentive_amount - withheld_incentive_amount"
        " or clawed_back_amount <> incentive_at_month_end_amount - incentive_amount",
    ),
    _never(
        "a_plan_has_one_tier",
        "A month has a tier exactly when it has a plan above zero.",
        "(incentive_tier is null) = coalesce(collected_target_amount > 0, false)",
    ),
    _never(
        "closed_gates_withhold",
        "Something is withheld exactly when a gate is closed.",
        "(withheld_rate > 0) <> (is_withheld_for_compliance_breach"
        " or is_withheld_for_upheld_complaint or is_withheld_for_training_not_passed)",
    ),
)

_TARGETS: Final = _suite(
    ("period_type", "period_start", "scope_type", "scope_id", "measure"),
    _codes("period_type", PERIOD_TYPES),
    _codes("target_status", SCORECARD_STATUSES),
    _codes("projected_status", SCORECARD_STATUSES),
    *_measures(("attainment_rate",)),
    _never(
        "actual_values_stand_where_their_status_is_ok",
        "What was reached is told exactly where it can be had.",
        "(actual_value is null) = (actual_status = 'ok')",
    ),
    _never(
        "the_end_of_a_period_is_no_projection",
        "Of a period that is over, the projected value is what was reached.",
        "is_complete and projected_value is distinct from actual_value",
    ),
)

_JUDGED: Final = (
    _codes("status", SCORECARD_STATUSES),
    _codes("rate_status", RATE_STATUSES),
    _never(
        "values_stand_exactly_where_they_can_be_had",
        "A measure has a value exactly where it is met, missed or ok, and where a missing rate"
        " keeps it from being judged.",
        "(value is null) = (status in ('ok', 'met', 'missed')) and not"
        " (rate_status = 'missing' and status = 'not_applicable')",
    ),
    _never(
        "targets_are_judged",
        "A measure with a target and a value is met or missed, one without a target is ok; where a"
        " rate is missing, neither.",
        "(value is not null) and case when rate_status = 'missing' then status <> 'not_applicable'"
        " else (target_value is null) <> (status = 'ok') end",
    ),
    _never(
        "the_verdict_follows_the_target",
        "A target is met exactly when the value is on its right side.",
        "status in ('met', 'missed') and (status = 'met') <> case target_comparison"
        " when 'at_least' then value >= target_value when 'at_most' then value <= target_value"
        " else value < target_value end",
    ),
)

_SCORECARD_BY_PERIOD: Final = _suite(
    (*_PERIOD_KEY, "measure"),
    *_JUDGED,
    _codes("period_type", PERIOD_TYPES),
    _codes("scope_type", ("company", "team")),
    _never(
        "change_is_from_the_value_before",
        "The change is the value less that of the period before.",
        "change_value <> value - previous_value",
    ),
)

_SCORECARD: Final = _suite(
    ("quarter_start", "company_code", "measure"),
    *_JUDGED,
    _sql(
        "every_quarter_has_every_measure",
        "Every company and quarter has a row for every measure.",
        "with r as (select * from {batch}) select * from r qualify count(*) over"
        " (partition by quarter_start, company_code) <> (select count(distinct measure) from r)",
    ),
)

_GRADES: Final = _suite(
    ("customer_id", "month_start"),
    _codes("credit_grade", GRADES),
    *_measures(GRADE_MEASURES),
    _never(
        "points_add_up_to_the_score",
        "The score's numerator is the points of the parts that could be had.",
        "credit_score_numerator <> coalesce(days_late_points, 0) + coalesce(on_time_points, 0)"
        " + broken_promises_points + coalesce(disputes_points, 0)"
        " + coalesce(limit_utilisation_points, 0) + insolvency_points"
        " or credit_score_numerator > credit_score_denominator",
    ),
    _never(
        "parts_that_cannot_be_had_have_no_points",
        "A part has points exactly where its value can be had.",
        "(days_late_points is null) <> (coalesce(days_late_denominator, 0) <= 0)"
        " or (disputes_points is null) <> (dispute_rate_denominator <= 0)"
        " or (limit_utilisation_points is null)"
        " <> (coalesce(limit_utilisation_rate_denominator, 0) <= 0)",
    ),
    _never(
        "only_rated_customers_have_a_score",
        "A customer without a grade has no score, one with a grade has.",
        "(credit_score is null) <> (credit_grade = 'unrated')",
    ),
    shows="credit_points_by_customer_month",
)

_RATES: Final = _suite(
    ("month_start", "company_code", "credit_grade", "aging_bucket"),
    _codes("credit_grade", (*GRADES, "all")),
    *_measures(("collection_rate",)),
    _shares(("collection_rate",)),
    _sql(
        "grades_add_up_to_all",
        "The opening amounts of the grades add up to that of all.",
        "with r as (select * from {batch}) select * from r window cell as (partition by"
        " month_start, company_code, aging_bucket) qualify 2 * sum(case when credit_grade = 'all'"
        " then opening_amount else 0 end) over cell <> sum(opening_amount) over cell",
    ),
)


def _expected(key: Sequence[str], *expectations: Expectation) -> MartSuite:
    return _suite(
        key,
        *_measures(("lift",)),
        _shares(("lift",)),
        _never(
            "nothing_is_expected_without_a_rate",
            "What has no rate is part of what was assigned.",
            "assigned_without_rate_amount = assigned_amount and expected_amount <> 0",
        ),
        *expectations,
    )


_EXPECTED_BY_TEAM: Final = _expected(
    ("month_start", "company_code", "team_id"),
    _sql(
        "collectors_add_up_to_their_team",
        "What a team was assigned and collected is that of its collectors.",
        "with r as (select * from {batch}), collectors as (select month_start, company_code,"
        " team_id, sum(assigned_amount) as assigned, sum(collected_amount) as collected from"
        " marts.expected_cash_by_collector_month group by month_start, company_code, team_id)"
        " select r.* from r left join collectors using (month_start, company_code, team_id) where"
        " collectors.assigned is distinct from r.assigned_amount"
        " or collectors.collected is distinct from r.collected_amount",
    ),
)

_ASSIGNMENTS: Final = _suite(
    ("company_code", "customer_id"),
    *_filled("strategy_code", "deadline_days"),
    _codes("credit_grade", GRADES),
    _codes("amount_class", AMOUNT_CLASSES),
    _codes("rate_status", RATE_STATUSES),
    _never(
        "the_amount_past_due_is_past_due",
        "Nothing is past due of a customer whose oldest bucket is the first.",
        "past_due_amount > 0 and not is_past_due",
    ),
)

_WORKLIST: Final = _suite(
    ("customer_id",),
    *_filled("worklist_rank", "reasons", "recommended_action", "strategy_code"),
    _never(
        "deadlines_are_to_come",
        "Nothing is to be done before the day of the list.",
        "deadline_date < as_of_date",
    ),
    _sql(
        "ranks_follow_the_score_and_the_amount",
        "The list is ordered by score, then amount, oldest due date and number, without a gap.",
        "with r as (select * from {batch}) select * from r qualify worklist_rank <> row_number()"
        " over (order by worklist_score desc, past_due_amount desc, oldest_due_date nulls last,"
        " customer_id)",
    ),
)

_EFFECTIVENESS: Final = _suite(
    ("month_start", "company_code", "strategy_code", "channel", "credit_grade"),
    _codes("credit_grade", GRADES),
    *_measures(("collected_rate", "lift")),
    _shares(("collected_rate", "lift")),
    _never(
        "open_windows_have_no_rate",
        "A month whose window has not closed has no rate.",
        "not is_complete and (collected_rate is not null or lift is not null)",
    ),
    _never(
        "costs_are_those_of_contacts",
        "Costs are known of contacts only, and of no more than there are.",
        "costed_contact_count > contact_count"
        " or (contact_cost_amount is null) <> (costed_contact_count = 0)",
    ),
)

_SCOPE_MONTH: Final = ("month_start", "company_code", "scope_type", "scope_id", "bucket_set")


def _scopes_add_up(amount: str, *within: str) -> Expectation:
    """Segments, regions and teams add up to the company, cell by cell."""
    cell = ", ".join(("month_start", "company_code", "bucket_set", *within))
    return _sql(
        "scopes_add_up_to_the_company",
        "The segments, the regions and the teams add up to the company each.",
        f"with r as (select * from {{batch}}), sums as (select {cell}, scope_type,"
        f" sum({amount}) as amount from r group by {cell}, scope_type), whole as (select {cell},"
        " amount as company_amount from sums where scope_type = 'company'), kinds as (select"
        " distinct scope_type from r), expected as (select whole.*, scope_type from whole cross"
        f" join kinds), compared as (select {cell}, scope_type from expected full join sums"
        f" using ({cell}, scope_type) where coalesce(company_amount, 0) <> coalesce(amount, 0))"
        f" select r.* from compared left join r using ({cell}, scope_type)",
    )


_MIGRATION: Final = _suite(
    (*_SCOPE_MONTH, "aging_bucket", "next_state"),
    _codes("rate_status", RATE_STATUSES),
    *_measures(("migration_rate",)),
    _shares(("migration_rate",)),
    _sql(
        "the_rows_of_a_bucket_add_up_to_it",
        "What became of a bucket is all that it held.",
        "with r as (select * from {batch}) select * from r qualify sum(migrated_amount) over"
        f" (partition by {', '.join(_SCOPE_MONTH)}, aging_bucket) <> migration_rate_denominator",
    ),
    _scopes_add_up("migrated_amount", "aging_bucket", "next_state"),
    _sql(
        "a_bucket_opens_with_what_it_closed_with",
        "What was in a bucket at the end of a month is what became something else in the next.",
        "with r as (select * from {batch}), closed as (select company_code, scope_type, scope_id,"
        " bucket_set, next_state as aging_bucket, cast(month_start + interval 1 month as date) as"
        " month_start, sum(migrated_amount) as closing_amount from r"
        " where next_state not in ('collected', 'credited', 'written_off')"
        " group by all), opened as (select company_code, scope_type, scope_id, bucket_set,"
        " aging_bucket, month_start, sum(migrated_amount) as opening_amount from r"
        " where aging_bucket <> 'inflow' group by all), compared as (select * from closed full join"
        " opened using (company_code, scope_type, scope_id, bucket_set, aging_bucket, month_start)"
        " where coalesce(closing_amount, 0) <> coalesce(opening_amount, 0) and month_start <="
        " (select max(month_start) from r)) select r.* from compared left join r using"
        " (company_code, scope_type, scope_id, bucket_set, aging_bucket, month_start)",
    ),
)

_ROLL_RATE_MEASURES: Final = ("roll_rate", "cure_rate", "net_flow_rate")

_ROLL_RATES: Final = _suite(
    (*_SCOPE_MONTH, "aging_bucket"),
    _codes("rate_status", RATE_STATUSES),
    *_measures(_ROLL_RATE_MEASURES),
    _shares(_ROLL_RATE_MEASURES),
    _never(
        "every_amount_of_a_bucket_has_one_fate",
        "What a bucket opened with got better, stayed, got worse or was settled.",
        "opening_amount <> better_amount + same_amount + worse_amount + collected_amount"
        " + credited_amount + written_off_amount",
    ),
)

_SHIFT_BY_BUCKET: Final = _suite(
    (*_SCOPE_MONTH, "aging_bucket"),
    _codes("rate_status", RATE_STATUSES),
    *_measures(("bucket_rate", "growth_rate")),
    _shares(("bucket_rate", "growth_rate")),
    _scopes_add_up("open_amount", "aging_bucket"),
)

_SHIFT_MEASURES: Final = (
    "past_due_rate",
    "weighted_days_past_due",
    "weighted_days_growth_rate",
    "complaint_rate",
)

_SHIFT_BY_MONTH: Final = _suite(
    _SCOPE_MONTH,
    _codes("rate_status", RATE_STATUSES),
    *_measures(_SHIFT_MEASURES),
    _shares(("past_due_rate", "weighted_days_past_due")),
    _never(
        "signals_follow_the_weighted_age",
        "A signal is there exactly when the weighted age has a growth, and on its side.",
        "(shift_signal_code is null) = (weighted_days_growth_rate is not null)"
        " or (shift_signal_code = 'lengthened' and weighted_days_growth_rate <= 0)"
        " or (shift_signal_code = 'shortened' and weighted_days_growth_rate >= 0)",
    ),
    _sql(
        "every_bucket_set_has_the_same_total",
        "What a scope owes is the same in every bucket set.",
        "with r as (select * from {batch}) select * from r"
        " window scope as (partition by month_start, company_code, scope_type, scope_id)"
        " qualify min(open_amount) over scope <> max(open_amount) over scope"
        " or min(past_due_amount) over scope <> max(past_due_amount) over scope",
    ),
)

_VINTAGE: Final = _suite(
    ("billing_month_start", "company_code", "scope_type", "scope_id", "months_since_billing"),
    _codes("rate_status", RATE_STATUSES),
    *_measures(("collected_rate",)),
    _shares(("collected_rate",)),
    _never(
        "open_windows_have_no_value",
        "Nothing is said of a window that is not over.",
        "is_complete <> (window_end_date <= as_of_date)"
        " or (collected_rate_status = 'insufficient_history') = is_complete",
    ),
)

_LOSS_RATES: Final = _suite(
    ("month_start", "company_code", "segment", "bucket_set", "aging_bucket"),
    _codes("rate_status", RATE_STATUSES),
    *_measures(("roll_rate", "loss_rate", "adjusted_loss_rate")),
    _shares(("roll_rate",)),
    _never(
        "losses_are_shares",
        "Expected losses lie between 0 and 1.",
        "loss_rate not between 0 and 1 or adjusted_loss_rate not between 0 and 1",
    ),
    _sql(
        "no_bucket_loses_more_than_a_worse_one",
        "What rolls on through worse buckets cannot lose more than they do.",
        "with r as (select * from {batch}) select * from r qualify loss_rate > lead(loss_rate)"
        " over (partition by month_start, company_code, segment, bucket_set"
        " order by aging_bucket_order)",
    ),
)

MART_SUITES: Final[Mapping[str, Mapping[str, MartSuite]]] = MappingProxyType(
    {
        "receivables": {
            "receivable_movements": _MOVEMENTS,
            "receivables_by_document": _RECEIVABLES,
            "cash_applications": _APPLICATIONS,
        },
        "aging": {
            "receivables_by_span": _SPANS,
            "aging_by_account": _AGING_BY_ACCOUNT,
            "aging_by_customer": _AGING_BY_CUSTOMER,
            "aging_by_bucket": _AGING_BY_BUCKET,
            "aging_credits_by_account": _AGING_CREDITS,
            "closing_rates_by_day": _CLOSING_RATES,
            "aging_migration_by_month": _MIGRATION,
            "aging_roll_rates_by_month": _ROLL_RATES,
            "aging_shift_by_bucket": _SHIFT_BY_BUCKET,
            "aging_shift_by_month": _SHIFT_BY_MONTH,
            "vintage_by_month": _VINTAGE,
        },
        "turnover": {
            "receivables_by_period": _RECEIVABLES_BY_PERIOD,
            "turnover_by_period": _TURNOVER,
        },
        "bad_debt": {
            "bad_debt_by_period": _BAD_DEBT,
            "recovery_by_write_off_month": _RECOVERY_BY_WRITE_OFF_MONTH,
            "allowance_by_bucket": _ALLOWANCE_BY_BUCKET,
            "allowance_roll_forward": _ALLOWANCE_ROLL_FORWARD,
            "allowance_back_test": _ALLOWANCE_BACK_TEST,
            "loss_rates_by_bucket": _LOSS_RATES,
        },
        "team_performance": {
            "performance_by_collector_month": _performance(("month_start", "collector_id")),
            "performance_by_team_month": _TEAM_MONTH,
            "promises": _PROMISES,
            "cash_by_earner": _CASH_BY_EARNER,
            "cash_attribution": _ATTRIBUTION,
            "incentives_by_collector_month": _INCENTIVES,
            "targets_by_period": _TARGETS,
            "contact_compliance": _COMPLIANCE,
            "contact_compliance_by_month": _COMPLIANCE_MONTH,
            "collection_success_by_month": _SUCCESS,
        },
        "forecast": {
            "cash_forecast_by_week": _FORECAST,
            "cash_forecast_accuracy": _FORECAST_ACCURACY,
        },
        "strategy": {
            "credit_grades_by_customer_month": _GRADES,
            "collection_rates_by_month": _RATES,
            "expected_cash_by_collector_month": _expected(
                ("month_start", "company_code", "collector_id")
            ),
            "expected_cash_by_team_month": _EXPECTED_BY_TEAM,
            "strategy_assignments": _ASSIGNMENTS,
            "collection_worklist": _WORKLIST,
            "strategy_effectiveness_by_month": _EFFECTIVENESS,
        },
        "scorecard": {
            "scorecard_by_period": _SCORECARD_BY_PERIOD,
            "scorecard_by_quarter": _SCORECARD,
        },
    }
)
"""The suites of every family of marts, by mart."""


def mart_expectation_codes(family: str) -> list[tuple[str, str, Severity, str]]:
    """List the expectations of a family of marts, to declare asset checks from.

    Args:
        family: Name of the family: a folder of the dbt project's marts.

    Returns:
        Mart, code, severity and description of each, in the order in which results come.

    Raises:
        KeyError: No such family.
    """
    return [
        (mart, one.code, one.severity, one.description)
        for mart, suite in MART_SUITES[family].items()
        for one in suite.expectations
    ]
