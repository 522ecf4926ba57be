"""Staged loads for the tests of `quality`: valid rows of every extract, and ways to break them.

Every way to break a load is named after the one expectation that must notice it.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from quality import LoadUnderJudgement
from quality.contracts import CONTRACTS, METADATA, Family

DELIVERY = dt.date(2026, 1, 31)
TOMORROW = dt.date(2026, 2, 1)
LONG_AGO = dt.date(1979, 12, 31)
RECORDED_AT = dt.datetime(2026, 1, 31, 15, 59, 59)

DTYPES: Mapping[Family, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int32(),
    "decimal": pl.Decimal(28, 8),
    "date": pl.Date(),
    "instant": pl.Datetime("us"),
    "boolean": pl.Boolean(),
}
MONEY = pl.Decimal(18, 2)

Row = dict[str, Any]


def money(text: str) -> Decimal:
    return Decimal(text)


def schema_of(extract: str) -> dict[str, pl.DataType]:
    """Columns of a staged file: those of the extract, then the load metadata."""
    amount_column = CONTRACTS[extract].amount_column
    schema = {
        name: MONEY if name == amount_column else DTYPES[family]
        for name, family in {**CONTRACTS[extract].columns, **METADATA}.items()
    }
    schema |= {"_load_sequence": pl.Int64(), "_row_number": pl.Int64()}
    return schema


@dataclass
class Load:
    """A load that a test is about to stage.

    Attributes:
        extract: The extract.
        load_id: Identity of the load, and its source, so that loads do not meet in history.
        rows: Its rows, without load metadata unless a test sets some.
        delivery_kind: `delta` or `full`.
        record_error: Rows and money that ingest recorded too many.
        controls: Overrides of the controls of `LoadUnderJudgement`.
        totals: Row count and amount to announce in control_totals, relative to the truth.
        history: Rows and amount of each earlier delivery of the source, latest first.
        history_days: Days from each of them to the next; negative where they are of later dates.
        dropped_column: A column to leave out of the file.
        cast_column: A column to write as a float.
    """

    extract: str
    load_id: str
    rows: list[Row]
    delivery_date: dt.date = DELIVERY
    source: str = ""
    delivery_kind: str = "delta"
    record_error: tuple[int, Decimal] = (0, Decimal(0))
    controls: Row = field(default_factory=dict)
    totals: tuple[int | None, Decimal | None] | None = None
    history: list[tuple[int, Decimal]] = field(default_factory=list)
    history_days: int = 1
    dropped_column: str | None = None
    cast_column: str | None = None

    @property
    def row_count(self) -> int:
        return len(self.rows)

    @property
    def amount(self) -> Decimal | None:
        amount_column = CONTRACTS[self.extract].amount_column
        if amount_column is None:
            return None
        return sum((row.get(amount_column) or Decimal(0) for row in self.rows), Decimal(0))

    def frame(self) -> pl.DataFrame:
        schema = schema_of(self.extract)
        metadata = {
            "_load_id": self.load_id,
            "_load_sequence": 1,
            "_source": self.source or self.load_id,
            "_source_file": f"{self.extract}.csv",
            "_delivery_date": self.delivery_date,
            "_delivery_kind": self.delivery_kind,
            "_recorded_at": RECORDED_AT,
        }
        return pl.DataFrame(
            [
                {**dict.fromkeys(schema), **metadata, "_row_number": number, **row}
                for number, row in enumerate(self.rows, start=1)
            ],
            schema=schema,
        )

    def stage(self, folder: Path) -> LoadUnderJudgement:
        folder.mkdir(parents=True, exist_ok=True)
        parquet = folder / f"{self.load_id}.parquet"
        staged = self.frame()
        if self.dropped_column:
            staged = staged.drop(self.dropped_column)
        if self.cast_column:
            staged = staged.with_columns(pl.lit(1.5).alias(self.cast_column))
        staged.write_parquet(parquet)
        extra_rows, extra_amount = self.record_error
        return LoadUnderJudgement(
            load_id=self.load_id,
            extract=self.extract,
            parquet=parquet,
            delivery_date=self.delivery_date,
            source=self.source or self.load_id,
            rows_accepted=self.row_count + extra_rows,
            amount_accepted=None if self.amount is None else self.amount + extra_amount,
            **self.controls,
        )


LOAD_RECORD = {
    "load_id": pl.String(),
    "source": pl.String(),
    "extract": pl.String(),
    "delivery_date": pl.Date(),
    "delivery_kind": pl.String(),
    "status": pl.String(),
    "recorded_at": pl.Datetime("us"),
    "rows_accepted": pl.Int64(),
    "rows_duplicate": pl.Int64(),
    "rows_quarantined": pl.Int64(),
    "amount_accepted": pl.Decimal(28, 2),
    "amount_duplicate": pl.Decimal(28, 2),
    "amount_quarantined": pl.Decimal(28, 2),
}
"""The columns of the lake's load records that are read here."""


def write_history(lake: Path, loads: Sequence[Load]) -> None:
    """Write the load records of what the loads' sources had delivered before."""
    records = [
        {
            "load_id": f"{load.load_id}-{days_before}",
            "source": load.source or load.load_id,
            "extract": load.extract,
            "delivery_date": load.delivery_date
            - dt.timedelta(days=days_before * load.history_days),
            "delivery_kind": load.delivery_kind,
            "status": "admitted",
            "recorded_at": RECORDED_AT - dt.timedelta(days=days_before),
            "rows_accepted": row_count,
            "rows_duplicate": 0,
            "rows_quarantined": 0,
            "amount_accepted": amount,
            "amount_duplicate": None,
            "amount_quarantined": None,
        }
        for load in loads
        for days_before, (row_count, amount) in enumerate(load.history, start=1)
    ]
    (lake / "_loads").mkdir(parents=True, exist_ok=True)
    pl.DataFrame(records, schema=LOAD_RECORD).write_parquet(lake / "_loads/history.parquet")


def write_lake(lake: Path, extract: str, rows: Sequence[Row], load_id: str = "known") -> None:
    """Admit rows of an extract to the lake."""
    (lake / extract).mkdir(parents=True, exist_ok=True)
    Load(extract, load_id, list(rows)).frame().write_parquet(lake / extract / f"{load_id}.parquet")


def write_totals(lake: Path, loads: Sequence[Load]) -> None:
    """Admit the control totals of the loads that have some."""
    rows = [
        {
            "extract": load.extract,
            "delivery_date": load.delivery_date,
            "source": load.source or load.load_id,
            "row_count": None if error[0] is None else load.row_count + error[0],
            "amount": None if error[1] is None or load.amount is None else load.amount + error[1],
        }
        for load in loads
        if (error := load.totals) is not None
    ]
    write_lake(lake, "control_totals", rows)


def _ledger_row(number: int, **values: object) -> Row:
    return {
        "company_code": "main",
        "document_id": f"D{number}",
        "installment_no": 1,
        "customer_id": "C1",
        "document_type": "invoice",
        "document_date": dt.date(2026, 1, 5),
        "due_date": dt.date(2026, 2, 4),
        "currency_code": "CNY",
        "amount": money("100.00"),
        "has_open_dispute": False,
        "legal_status": "none",
        "is_withdrawn": False,
        **values,
    }


def _payment_row(number: int, **values: object) -> Row:
    return {
        "company_code": "main",
        "payment_id": f"P{number}",
        "line_no": 1,
        "customer_id": "C1",
        "payment_date": dt.date(2026, 1, 20),
        "currency_code": "CNY",
        "amount": money("100.00"),
        "document_id": "D1",
        "is_withdrawn": False,
        **values,
    }


def _contact_row(number: int, **values: object) -> Row:
    return {
        "contact_id": f"K{number}",
        "customer_id": "C1",
        "collector_id": "W1",
        "contacted_at": dt.datetime(2026, 1, 20, 2, 30),
        "channel": "phone",
        "direction": "outbound",
        "outcome": "no_answer",
        **values,
    }


def _portfolio_row(customer_id: str, valid_from: dt.date, valid_to: dt.date | None) -> Row:
    return {
        "customer_id": customer_id,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "collector_id": "W1",
    }


def _target_row(period_type: str, month: int, scope_type: str, scope_id: str) -> Row:
    return {
        "period_start": dt.date(2026, month, 1),
        "period_type": period_type,
        "scope_type": scope_type,
        "scope_id": scope_id,
        "measure": "recovery_rate",
        "target_value": money("0.95"),
    }


def _survey_row(number: int, score: str) -> Row:
    return {
        "survey_id": f"S{number}",
        "customer_id": "C1",
        "surveyed_at": dt.datetime(2026, 1, 20, 2, 30),
        "score": money(score),
    }


def _training_row(course_id: str, attempt_no: int, score: str | None) -> Row:
    return {
        "collector_id": "W1",
        "course_id": course_id,
        "attempt_no": attempt_no,
        "training_date": dt.date(2026, 1, 5),
        "assessed_date": dt.date(2026, 1, 5),
        "score": None if score is None else money(score),
        "is_passed": True,
    }


def _rate_row(day: int, source: str, target: str, rate: str) -> Row:
    return {
        "rate_date": dt.date(2026, 1, day),
        "from_currency": source,
        "to_currency": target,
        "rate": Decimal(rate),
    }


def _total_row(extract: str, **values: object) -> Row:
    return {"extract": extract, "delivery_date": DELIVERY, "source": "erp", **values}


VALID_ROWS: Mapping[str, Sequence[Row]] = {
    "ledger": [
        _ledger_row(1),
        _ledger_row(2, document_date=DELIVERY, due_date=DELIVERY, payment_terms_days=0),
        _ledger_row(3, installment_no=1, amount=money("0.01"), amount_reporting=money("0.07")),
        _ledger_row(3, installment_no=2, due_date=None, payment_terms_days=1095),
        _ledger_row(4, document_type="adjustment", amount=money("-5.00")),
        _ledger_row(5, document_type="write_off", applies_to_document_id="D1", due_date=None),
        _ledger_row(6, document_type="credit_memo", applies_to_document_id="D0"),
    ],
    "payments": [
        _payment_row(1),
        _payment_row(2, payment_date=DELIVERY, document_id="D0", application_date=DELIVERY),
        _payment_row(3, document_id=None),
        _payment_row(3, line_no=2, installment_no=1, discount_amount=money("100.00")),
        _payment_row(4, amount=money("-100.00"), reverses_payment_id="P1"),
        _payment_row(5, amount=money("-1.00"), reverses_payment_id="P0", document_id=None),
    ],
    "contact_log": [
        _contact_row(1, document_id="D0", duration_seconds=0),
        _contact_row(2, contacted_at=dt.datetime(2026, 2, 1, 11, 59), duration_seconds=86400),
        _contact_row(
            3,
            outcome="promise_to_pay",
            promised_amount=money("0.01"),
            promised_date=dt.date(2026, 1, 20),
        ),
        _contact_row(4, outcome="complaint", is_complaint_upheld=True),
        _contact_row(5, direction="inbound", channel="email", is_complaint_upheld=False),
    ],
    "customers": [
        {"customer_id": "C1", "customer_name": "甲", "is_insolvent": False},
        {"customer_id": "C2", "customer_name": "B", "is_insolvent": True, "currency_code": "USD"},
        {
            "customer_id": "C3",
            "customer_name": "C",
            "is_insolvent": False,
            "parent_customer_id": "C1",
            "credit_limit": money("0.00"),
            "payment_terms_days": 0,
            "onboarded_date": DELIVERY,
        },
        {
            "customer_id": "C4",
            "customer_name": "D",
            "is_insolvent": False,
            "parent_customer_id": "C0",
        },
    ],
    "collectors": [
        {"collector_id": f"W{number}", "collector_name": "N", "team_id": "T1", "role": role, **rest}
        for number, (role, rest) in enumerate(
            [
                ("manager", {"hourly_cost": money("0.00")}),
                ("collector", {"hired_date": DELIVERY, "left_date": DELIVERY}),
                ("assistant", {"hired_date": TOMORROW}),
                ("legal", {}),
            ]
        )
    ],
    "portfolios": [
        _portfolio_row("C1", dt.date(2025, 1, 1), dt.date(2025, 6, 30)),
        _portfolio_row("C1", dt.date(2025, 7, 1), None),
        _portfolio_row("C0", dt.date(2025, 1, 1), None),
        _portfolio_row("C0", dt.date(2025, 9, 1), dt.date(2025, 9, 1)),
    ],
    "targets": [
        _target_row("month", 2, "company", "main"),
        _target_row("quarter", 4, "team", "T1"),
        _target_row("half_year", 7, "collector", "W1"),
        _target_row("year", 1, "company", "main"),
    ],
    "surveys": [
        _survey_row(number, score) for number, score in enumerate(["0", "100", "85.5", "85"])
    ],
    "trainings": [
        _training_row("A", 1, "0"),
        _training_row("A", 2, "100"),
        _training_row("B", 1, None),
        _training_row("C", 1, "60"),
    ],
    "fx_rates": [
        _rate_row(30, "USD", "CNY", "7.10000000"),
        _rate_row(30, "CNY", "USD", "0.14084507"),
        _rate_row(31, "USD", "CNY", "7.20000000"),
        _rate_row(31, "EUR", "CNY", "8.00000000"),
        _rate_row(31, "CNY", "CNY", "1.00000000"),
    ],
    "control_totals": [
        _total_row("ledger", row_count=2, amount=money("200.00")),
        _total_row("payments", row_count=None, amount=money("-1.00")),
        _total_row("contact_log", row_count=0),
        _total_row(
            "gl_balance",
            company_code="main",
            currency_code="CNY",
            balance_date=DELIVERY,
            amount=money("1000.00"),
        ),
        _total_row(
            "gl_balance",
            company_code="main",
            currency_code="USD",
            balance_date=DELIVERY,
            amount=money("10.00"),
        ),
    ],
}
"""Rows that meet every expectation, those at its limits among them."""

KNOWN_ROWS: Mapping[str, Sequence[Row]] = {
    "ledger": [_ledger_row(0)],
    "payments": [_payment_row(0)],
    "customers": [{"customer_id": "C0", "customer_name": "Z"}],
    "fx_rates": [_rate_row(20, "EUR", "CNY", "7.90000000")],
}
"""What is in the lake before: the counterparts that end in 0."""

STAGED_ROWS: Mapping[str, Sequence[Row]] = {
    "customers": [{"customer_id": "C1", "customer_name": "Y"}],
    "collectors": [{"collector_id": "W1", "team_id": "T1"}],
    "ledger": [_ledger_row(1)],
    "payments": [_payment_row(1)],
}
"""What is staged in the same run."""

Break = Callable[[Load], None]


def put(row_index: int, **values: object) -> Break:
    """Change values of one row."""

    def change(load: Load) -> None:
        load.rows[row_index].update(values)

    return change


def repeat(row_index: int) -> Break:
    """Deliver one row twice."""

    def change(load: Load) -> None:
        load.rows.append(dict(load.rows[row_index]))

    return change


def set_load(**values: object) -> Break:
    """Change the load as a whole."""

    def change(load: Load) -> None:
        for name, value in values.items():
            setattr(load, name, value)

    return change


def _empties(*columns: str) -> dict[str, Break]:
    return {f"{column}_is_filled": put(0, **{column: None}) for column in columns}


def _whole_load(extract: str) -> dict[str, Break]:
    def row_control(load: Load) -> None:
        load.controls = {"control_row_count": load.row_count + 1}

    def amount_control(load: Load) -> None:
        load.controls = {"control_amount": (load.amount or Decimal(0)) + Decimal("0.01")}

    def usual_amount(load: Load) -> None:
        load.history = [(load.row_count * 5, abs(load.amount or Decimal(0)) * 11)] * 5

    def usual_volume(load: Load) -> None:
        load.history = [(load.row_count * 5 + 1, abs(load.amount or Decimal(0)))] * 5

    def not_overtaken(load: Load) -> None:
        load.delivery_kind = "full"
        load.history = [(load.row_count, load.amount or Decimal(0))]
        load.history_days = -1

    def volume_kept(load: Load) -> None:
        load.delivery_kind = "full"
        load.history = [(20, Decimal(0))]

    contract = CONTRACTS[extract]
    breaks: dict[str, Break] = {
        "columns_are_complete": set_load(dropped_column=list(contract.columns)[-1]),
        "columns_have_the_right_type": set_load(cast_column=list(contract.columns)[-1]),
        "rows_belong_to_the_load": put(0, _source="another"),
        "row_count_equals_the_record": set_load(record_error=(1, Decimal(0))),
        "row_count_equals_the_file_control": row_control,
        "full_delivery_keeps_its_volume": volume_kept,
        "full_delivery_is_not_overtaken": not_overtaken,
        "volume_is_usual": usual_volume,
    }
    if extract != "control_totals":
        breaks["row_count_equals_the_control_total"] = set_load(totals=(1, None))
    if contract.amount_column is not None:
        breaks |= {
            "amount_equals_the_record": set_load(record_error=(0, Decimal("0.01"))),
            "amount_equals_the_file_control": amount_control,
            "amount_is_usual": usual_amount,
        }
        if extract != "control_totals":
            breaks["amount_equals_the_control_total"] = set_load(totals=(None, Decimal("-0.01")))
    return breaks


TOO_FAR = dt.date(2100, 1, 1)

BREAKS: Mapping[str, Mapping[str, Break]] = {
    "ledger": {
        **_empties(
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
        "key_is_unique": repeat(0),
        "document_type_is_a_known_code": put(0, document_type="INVOICE"),
        "legal_status_is_a_known_code": put(0, legal_status="sued"),
        "currency_code_is_iso_shaped": put(0, currency_code="cny"),
        "installment_no_is_in_range": put(0, installment_no=-1),
        "payment_terms_days_is_in_range": put(1, payment_terms_days=1096),
        "amount_is_not_negative": put(0, amount=money("-0.01")),
        "amount_is_not_zero": put(0, amount=money("0.00")),
        "amount_is_possible": put(0, amount=money("1000000000000.00")),
        "amount_reporting_has_the_same_sign": put(2, amount_reporting=money("-0.07")),
        "document_date_is_possible": put(0, document_date=LONG_AGO),
        "due_date_is_possible": put(0, due_date=TOO_FAR),
        "document_date_is_not_after_delivery": put(0, document_date=TOMORROW),
        "due_date_is_not_before_document_date": put(0, due_date=dt.date(2026, 1, 4)),
        "document_is_not_set_against_itself": put(6, applies_to_document_id="D6"),
        "write_off_names_its_document": put(5, applies_to_document_id=None),
        "installments_agree": put(2, currency_code="USD"),
        "customer_is_known": put(0, customer_id="C9"),
        "target_document_is_known": put(6, applies_to_document_id="D9"),
    },
    "payments": {
        **_empties(
            "company_code",
            "payment_id",
            "line_no",
            "customer_id",
            "payment_date",
            "currency_code",
            "amount",
            "is_withdrawn",
        ),
        "key_is_unique": repeat(0),
        "currency_code_is_iso_shaped": put(0, currency_code="RMB "),
        "line_no_is_in_range": put(0, line_no=-1),
        "installment_no_is_in_range": put(0, installment_no=10000),
        "amount_is_not_zero": put(0, amount=money("0.00")),
        "amount_is_possible": put(0, amount=money("1000000000000.00")),
        "negative_amount_reverses_a_payment": put(4, reverses_payment_id=None),
        "discount_is_in_range": put(3, discount_amount=money("100.01")),
        "installment_is_named_with_its_document": put(2, installment_no=1),
        "payment_does_not_reverse_itself": put(4, reverses_payment_id="P4"),
        "payment_date_is_possible": put(0, payment_date=LONG_AGO),
        "application_date_is_possible": put(
            0, payment_date=dt.date(1980, 1, 1), application_date=LONG_AGO
        ),
        "payment_date_is_not_after_delivery": put(0, payment_date=TOMORROW),
        "application_date_is_not_after_delivery": put(0, application_date=TOMORROW),
        "application_date_is_not_before_payment_date": put(
            0, application_date=dt.date(2026, 1, 19)
        ),
        "customer_is_known": put(0, customer_id="C9"),
        "document_is_known": put(0, document_id="D9"),
        "reversed_payment_is_known": put(4, reverses_payment_id="P9"),
    },
    "contact_log": {
        **_empties(
            "contact_id",
            "customer_id",
            "collector_id",
            "contacted_at",
            "channel",
            "direction",
            "outcome",
        ),
        "key_is_unique": repeat(0),
        "channel_is_a_known_code": put(0, channel="fax"),
        "direction_is_a_known_code": put(0, direction="both"),
        "outcome_is_a_known_code": put(0, outcome="unknown"),
        "duration_seconds_is_in_range": put(0, duration_seconds=-1),
        "contacted_at_is_possible": put(0, contacted_at=dt.datetime(1979, 12, 31, 23, 59)),
        "contacted_at_is_not_after_delivery": put(0, contacted_at=dt.datetime(2026, 2, 1, 12)),
        "promise_is_complete": put(2, promised_amount=None),
        "promised_amount_is_positive": put(2, promised_amount=money("0.00")),
        "promised_date_is_possible": put(2, promised_date=TOO_FAR),
        "promised_date_is_not_before_the_contact": put(2, promised_date=dt.date(2026, 1, 18)),
        "only_complaints_are_upheld": put(4, is_complaint_upheld=True),
        "customer_is_known": put(0, customer_id="C9"),
        "collector_is_known": put(0, collector_id="W9"),
        "document_is_known": put(0, document_id="D9"),
    },
    "customers": {
        **_empties("customer_id", "customer_name", "is_insolvent"),
        "key_is_unique": repeat(0),
        "currency_code_is_iso_shaped": put(1, currency_code="US"),
        "credit_limit_is_in_range": put(2, credit_limit=money("-0.01")),
        "payment_terms_days_is_in_range": put(2, payment_terms_days=-1),
        "onboarded_date_is_possible": put(2, onboarded_date=LONG_AGO),
        "onboarded_date_is_not_after_delivery": put(2, onboarded_date=TOMORROW),
        "customer_is_not_its_own_parent": put(2, parent_customer_id="C3"),
        "parent_customer_is_known": put(2, parent_customer_id="C9"),
    },
    "collectors": {
        **_empties("collector_id", "collector_name", "team_id", "role"),
        "key_is_unique": repeat(0),
        "role_is_a_known_code": put(0, role="director"),
        "hourly_cost_is_in_range": put(0, hourly_cost=money("-0.01")),
        "hired_date_is_possible": put(2, hired_date=LONG_AGO),
        "left_date_is_possible": put(2, left_date=TOO_FAR),
        "left_date_is_not_before_hired_date": put(1, left_date=dt.date(2026, 1, 30)),
    },
    "portfolios": {
        **_empties("customer_id", "valid_from", "collector_id"),
        "key_is_unique": put(3, valid_from=dt.date(2025, 1, 1), valid_to=None),
        "valid_from_is_possible": put(0, valid_from=LONG_AGO),
        "valid_to_is_not_before_valid_from": put(3, valid_to=dt.date(2025, 8, 31)),
        "spans_do_not_overlap": put(0, valid_to=dt.date(2025, 7, 1)),
        "customer_is_known": put(2, customer_id="C9"),
        "collector_is_known": put(0, collector_id="W9"),
    },
    "targets": {
        **_empties(
            "period_start", "period_type", "scope_type", "scope_id", "measure", "target_value"
        ),
        "key_is_unique": repeat(0),
        "period_type_is_a_known_code": put(0, period_type="week"),
        "scope_type_is_a_known_code": put(0, scope_type="region"),
        "period_start_is_possible": put(0, period_start=dt.date(1979, 12, 1)),
        "target_value_is_in_range": put(0, target_value=money("-0.01")),
        "period_start_begins_its_period": put(1, period_start=dt.date(2026, 5, 1)),
        "collector_scope_is_known": put(2, scope_id="W9"),
        "team_scope_is_known": put(1, scope_id="T9"),
    },
    "surveys": {
        **_empties("survey_id", "customer_id", "surveyed_at", "score"),
        "key_is_unique": repeat(0),
        "score_is_in_range": put(0, score=money("100.01")),
        "surveyed_at_is_possible": put(0, surveyed_at=dt.datetime(1979, 12, 31)),
        "surveyed_at_is_not_after_delivery": put(0, surveyed_at=dt.datetime(2026, 2, 1, 12)),
        "customer_is_known": put(0, customer_id="C9"),
    },
    "trainings": {
        **_empties(
            "collector_id",
            "course_id",
            "attempt_no",
            "training_date",
            "assessed_date",
            "is_passed",
        ),
        "key_is_unique": repeat(0),
        "attempt_no_is_in_range": put(0, attempt_no=0),
        "score_is_in_range": put(0, score=money("-0.01")),
        "training_date_is_possible": put(0, training_date=LONG_AGO),
        "assessed_date_is_possible": put(
            0, training_date=LONG_AGO + dt.timedelta(days=1), assessed_date=LONG_AGO
        ),
        "training_date_is_not_after_delivery": put(0, training_date=TOMORROW),
        "assessed_date_is_not_after_delivery": put(0, assessed_date=TOMORROW),
        "assessed_date_is_not_before_training_date": put(0, assessed_date=dt.date(2026, 1, 4)),
        "collector_is_known": put(0, collector_id="W9"),
    },
    "fx_rates": {
        **_empties("rate_date", "from_currency", "to_currency", "rate"),
        "key_is_unique": repeat(3),
        "from_currency_is_iso_shaped": put(4, from_currency="¥"),
        "to_currency_is_iso_shaped": put(4, to_currency="cny"),
        "rate_is_positive": put(4, to_currency="JPY", rate=Decimal(0)),
        "currencies_differ": put(4, rate=Decimal("1.01")),
        "rate_date_is_possible": put(4, rate_date=LONG_AGO),
        "rate_date_is_not_after_delivery": put(4, rate_date=TOMORROW),
        "rate_agrees_with_its_inverse": put(1, rate=Decimal("0.15")),
        "rate_is_near_the_one_before": put(3, rate=Decimal("9.49")),
    },
    "control_totals": {
        **_empties("extract", "delivery_date", "source"),
        "key_is_unique": repeat(3),
        "extract_is_a_known_code": put(2, extract="invoices"),
        "row_count_is_in_range": put(2, row_count=-1),
        "total_says_something": put(0, row_count=None, amount=None),
        "balance_is_complete": put(3, balance_date=None),
        "currency_code_is_iso_shaped": put(3, currency_code="Yuan"),
        "balance_date_is_possible": put(3, balance_date=LONG_AGO),
        "delivery_date_is_not_after_delivery": put(2, delivery_date=TOMORROW),
        "balance_date_is_not_after_delivery": put(3, balance_date=TOMORROW),
        "delivery_is_known": put(0, source="crm"),
    },
}
"""For every extract and expectation of rows, one way to break that expectation only."""

ALSO_BROKEN: Mapping[tuple[str, str], frozenset[str]] = {
    ("payments", "application_date_is_possible"): frozenset(
        {"application_date_is_not_before_payment_date"}
    ),
    ("trainings", "assessed_date_is_possible"): frozenset(
        {"assessed_date_is_not_before_training_date"}
    ),
    ("trainings", "training_date_is_not_after_delivery"): frozenset(
        {"assessed_date_is_not_before_training_date"}
    ),
}
"""What no row can avoid to break as well, because one date bounds the other."""

ALL_BREAKS: Mapping[str, Mapping[str, Break]] = {
    extract: {**_whole_load(extract), **breaks} for extract, breaks in BREAKS.items()
}


def valid_load(extract: str, load_id: str = "valid") -> Load:
    """A load that meets every expectation."""
    return Load(extract, load_id, [dict(row) for row in VALID_ROWS[extract]])


def broken_loads(extract: str) -> list[Load]:
    """One load for each expectation of an extract, breaking it and carrying its name."""
    loads = []
    for code, change in ALL_BREAKS[extract].items():
        load = valid_load(extract, code)
        change(load)
        loads.append(load)
    return loads
