"""Suites of marts: met by a small consistent warehouse, each expectation broken by one change."""

# ruff: noqa: S608 - statements are put together from this module and the catalogue

import datetime as dt
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from quality import ExpectationResult, judge_marts, mart_expectation_codes
from quality.mart_catalogue import (
    BAD_DEBT_MEASURES,
    FORECAST_MEASURES,
    MART_SUITES,
    PERFORMANCE_MEASURES,
    SUCCESS_MEASURES,
    TURNOVER_MEASURES,
    MartSuite,
)

MARTS = Path(__file__).parents[2] / "dbt_project" / "models" / "marts"
AS_OF = dt.date(2026, 3, 31)
THEN = dt.datetime(2026, 1, 31)
FAR_FUTURE = dt.datetime(9999, 12, 31)

Row = dict[str, Any]


def _contracts() -> Mapping[str, Mapping[str, str]]:
    """Columns and types of every mart, as the dbt contracts state them."""
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for file in MARTS.glob("*/_*__models.yml")
        for model in yaml.safe_load(file.read_text("utf-8"))["models"]
    }


CONTRACTS = _contracts()


def _statuses(measures: Sequence[str], status: str) -> Row:
    return {f"{measure}_status": status for measure in measures}


def _movement(name: str, **values: object) -> Row:
    return {
        "company_code": "main",
        "item_type": "document",
        "document_id": "D1",
        "installment_no": 1,
        "customer_id": "C1",
        "movement_type": "invoice",
        "effective_date": dt.date(2026, 1, 5),
        "currency_code": "CNY",
        "amount_document": 100,
        "amount": 100,
        "rate_status": "ok",
        "source_type": "ledger",
        "source_id": name,
        "source_line_no": 1,
        "piece_no": 1,
        "_recorded_at": THEN,
        "_superseded_at": FAR_FUTURE,
        "is_current": True,
        **values,
    }


def _document(name: str, balance: int, **values: object) -> Row:
    return {
        "as_of_date": AS_OF,
        "company_code": "main",
        "document_id": name,
        "installment_no": 1,
        "customer_id": "C1",
        "document_type": "invoice",
        "document_date": dt.date(2026, 1, 5),
        "due_date": dt.date(2026, 2, 4),
        "currency_code": "CNY",
        "open_amount_document": balance,
        "open_amount": balance,
        "rate_status": "ok",
        "is_over_applied": balance < 0,
        **values,
    }


def _span(start: dt.date, end: dt.date, **values: object) -> Row:
    return {
        "company_code": "main",
        "item_type": "document",
        "document_id": "D1",
        "installment_no": 1,
        "open_from": start,
        "open_to": end,
        "customer_id": "C1",
        "currency_code": "CNY",
        "due_date": dt.date(2026, 2, 4),
        "open_amount_document": 60,
        "open_amount": 60,
        "rate_status": "ok",
        **values,
    }


def _buckets(**values: object) -> list[Row]:
    return [
        {
            "as_of_date": AS_OF,
            "company_code": "main",
            "currency_code": "CNY",
            "bucket_set": bucket_set,
            "age_basis": age_basis,
            "aging_bucket": bucket,
            "aging_bucket_order": order,
            "document_count": 1,
            "open_amount_document": amount,
            "open_amount": amount,
            "rate_status": "ok",
            **values,
        }
        for age_basis in ("due_date", "document_date")
        for bucket_set, bucket, order, amount in (
            ("days", "31-60", 3, 60),
            ("days", "61-90", 4, 10),
            ("months", "1-3 months", 2, 70),
        )
    ]


def _period(scope_type: str, scope_id: str, amounts: Mapping[str, int], **values: object) -> Row:
    return {
        "as_of_date": AS_OF,
        "period_type": "month",
        "period_start": dt.date(2026, 3, 1),
        "period_end": AS_OF,
        "measured_to_date": AS_OF,
        "is_complete": True,
        "company_code": "main",
        "scope_type": scope_type,
        "scope_id": scope_id,
        "rate_status": "ok",
        **amounts,
        **values,
    }


def _scopes(amounts: Mapping[str, int], **values: object) -> list[Row]:
    """A company, and two segments and one region that add up to it."""
    whole = {name: 3 * amount for name, amount in amounts.items()}
    twice = {name: 2 * amount for name, amount in amounts.items()}
    return [
        _period("company", "main", whole, **values),
        _period("segment", "large", twice, **values),
        _period("segment", "small", amounts, **values),
        _period("region", "north", whole, **values),
        _period("team", "T1", whole, **values),
    ]


def _allowance(month: int, opening: int, closing: int) -> Row:
    return {
        "period_start": dt.date(2026, month, 1),
        "company_code": "main",
        "allowance_method": "aging",
        "segment": "large",
        "is_booked": True,
        "rate_status": "ok",
        "allowance_status": "ok",
        "opening_allowance_amount": opening,
        "charge_amount": closing - opening + 2,
        "release_amount": 0,
        "write_off_amount": 3,
        "recovery_amount": 1,
        "fx_amount": 0,
        "closing_allowance_amount": closing,
    }


def _performance(**values: object) -> Row:
    return {
        "month_start": dt.date(2026, 3, 1),
        "as_of_date": AS_OF,
        "team_id": "T1",
        "collected_amount": 50,
        "contact_count": 4,
        "attempt_count": 3,
        "connect_count": 2,
        "right_party_contact_count": 1,
        "complaint_count": 1,
        "upheld_complaint_count": 0,
        **_statuses(PERFORMANCE_MEASURES, "zero_denominator"),
        "satisfied_rate": 1,
        "satisfied_rate_status": "ok",
        "satisfaction_score": 100,
        "satisfaction_score_status": "ok",
        **values,
    }


def _promise(name: str, status: str, deadline: dt.date, **values: object) -> Row:
    return {
        "promise_id": name,
        "as_of_date": AS_OF,
        "customer_id": "C1",
        "promised_date": deadline,
        "deadline_date": deadline,
        "promise_status": status,
        **values,
    }


_CASH_KEY: Row = {
    "company_code": "main",
    "payment_id": "P1",
    "line_no": 1,
    "piece_no": 0,
    "document_id": "D1",
    "installment_no": 1,
    "is_reversed_cash": False,
}


def _earner(collector: str, share: float, amount: int, **values: object) -> Row:
    """A collector with a share of 40.00 by contacts; by every other method with all or nothing."""
    return {
        **_CASH_KEY,
        "headline_method": "portfolio_owner",
        "collector_id": collector,
        "team_id": "T1",
        "is_portfolio_owner": False,
        "is_last_touch": False,
        "is_first_touch": False,
        "is_promise_first": False,
        "amount_document": 40,
        "amount": 40,
        "linear_share": share,
        "linear_amount_document": amount,
        "linear_amount": amount,
        **values,
    }


def _attribution(method: str, collector: str, share: float, amount: int) -> Row:
    return {
        "attribution_method": method,
        **_CASH_KEY,
        "collector_id": collector,
        "team_id": "T1",
        "attribution_share": share,
        "attributed_amount_document": amount,
    }


def _incentive(**values: object) -> Row:
    return {
        "month_start": dt.date(2026, 3, 1),
        "collector_id": "W1",
        "earned_amount": 50,
        "taken_back_amount": 10,
        "kept_amount": 40,
        "collected_target_amount": 50,
        "attainment_rate": 0.8,
        "attainment_rate_numerator": 40,
        "attainment_rate_denominator": 50,
        "attainment_rate_status": "ok",
        "incentive_tier": "from_80",
        "is_withheld_for_compliance_breach": False,
        "is_withheld_for_upheld_complaint": False,
        "is_withheld_for_training_not_passed": False,
        "withheld_rate": 0,
        "tier_incentive_amount": 4,
        "withheld_incentive_amount": 0,
        "incentive_amount": 4,
        "incentive_at_month_end_amount": 5,
        "clawed_back_amount": 1,
        **values,
    }


def _target(measure: str) -> Row:
    return {
        "period_type": "month",
        "period_start": dt.date(2026, 3, 1),
        "scope_type": "team",
        "scope_id": "T1",
        "measure": measure,
        "is_complete": True,
        "actual_value": 40,
        "actual_status": "ok",
        "attainment_rate": 0.8,
        "attainment_rate_status": "ok",
        "projected_value": 40,
        "target_status": "missed",
        "projected_status": "missed",
    }


def _score(quarter: int, measure: str, **values: object) -> Row:
    return {
        "quarter_start": dt.date(2026, quarter, 1),
        "company_code": "main",
        "measure": measure,
        "as_of_date": AS_OF,
        "rate_status": "ok",
        **values,
    }


def _breach(contact: str, rule: str, local: dt.datetime) -> Row:
    is_hours = rule == "hours"
    return {
        "contact_id": contact,
        "rule_pack": "INTERNAL_POLICY",
        "rule_code": rule,
        "rule_type": rule,
        "customer_id": "C1",
        "contact_date": local.date(),
        "judged_timezone": "Asia/Shanghai",
        "local_contacted_at": local,
        "window_start_date": local.date() if is_hours else local.date() - dt.timedelta(days=6),
        "window_end_date": local.date(),
        "allowed_from": "08:00" if is_hours else None,
        "allowed_until": "20:00" if is_hours else None,
        "counted_count": 1 if is_hours else 4,
        "maximum_count": 0 if is_hours else 3,
    }


def _week(number: int, amount: int) -> Row:
    start = AS_OF + dt.timedelta(days=7 * number - 6)
    return {
        "as_of_date": AS_OF,
        "company_code": "main",
        "week_no": number,
        "week_start": start,
        "week_end": start + dt.timedelta(days=6),
        **dict.fromkeys(("promise_amount", "habit_amount", "cohort_amount"), amount // 3),
        "forecast_amount": amount,
        "lower_amount": 0,
        "upper_amount": 2 * amount,
        "half_year_end_date": AS_OF + dt.timedelta(days=14),
        "until_half_year_end_amount": amount,
    }


def _worked(scope_type: str, scope_id: str, *, is_complete: bool) -> Row:
    parts: Row = {
        f"{measure}_{part}": value
        for measure in SUCCESS_MEASURES
        for part, value in (("numerator", 2), ("denominator", 4))
    }
    return {
        "month_start": dt.date(2026, 3, 1),
        "scope_type": scope_type,
        "scope_id": scope_id,
        "is_complete": is_complete,
        "worked_item_count": 4,
        "paid_item_count": 1,
        "promise_kept_item_count": 2,
        "succeeded_item_count": 2,
        "worked_amount": 4,
        "succeeded_amount": 2,
        **parts,
        **dict.fromkeys(SUCCESS_MEASURES, 0.5 if is_complete else None),
        **_statuses(SUCCESS_MEASURES, "ok" if is_complete else "insufficient_history"),
    }


def _breaches(rule: str, breaches: int, broken: int) -> Row:
    return {
        "month_start": dt.date(2026, 3, 1),
        "collector_id": "W1",
        "rule_pack": "any" if rule == "any" else "INTERNAL_POLICY",
        "rule_code": rule,
        "attempt_count": 4,
        "breach_count": breaches,
        "breached_contact_count": broken,
        "breached_customer_count": 1,
        "unknown_timezone_breach_count": 0,
        "breach_rate": broken / 4,
        "breach_rate_numerator": broken,
        "breach_rate_denominator": 4,
        "breach_rate_status": "ok",
    }


def _score_of_period(scope_type: str, scope_id: str, **values: object) -> Row:
    return {
        "period_type": "month",
        "period_start": dt.date(2026, 3, 1),
        "company_code": "main",
        "scope_type": scope_type,
        "scope_id": scope_id,
        "measure": "recovery_rate",
        "as_of_date": AS_OF,
        "rate_status": "ok",
        "value": 0.75,
        "target_value": 0.95,
        "target_comparison": "at_least",
        "previous_value": 0.5,
        "change_value": 0.25,
        **values,
    }


def _grade(name: str, grade: str, **values: object) -> Row:
    return {
        "customer_id": name,
        "month_start": dt.date(2026, 3, 1),
        "credit_grade": grade,
        "paid_item_count": 3,
        "late_amount_days": 600,
        "paid_amount": 100,
        "on_time_amount": 0,
        "broken_promise_count": 0,
        "billed_item_count": 4,
        "disputed_item_count": 0,
        "balance_amount": 0,
        "is_insolvent": False,
        "days_late_points": 30,
        "on_time_points": 0,
        "broken_promises_points": 15,
        "disputes_points": 10,
        "insolvency_points": 10,
        "credit_score_numerator": 65,
        "credit_score_denominator": 90,
        **values,
    }


def _grade_shown(name: str, grade: str, score: float | None) -> Row:
    shown = _grade(name, grade)
    return {column: shown[column] for column in shown if column in CONTRACTS[_GRADES_SHOWN]} | {
        **_statuses(("limit_utilisation_rate",), "not_applicable"),
        **_statuses(("credit_score",), "insufficient_sample" if score is None else "ok"),
        **_statuses(("days_late", "on_time_rate", "dispute_rate"), "ok"),
        "credit_score": score,
        "days_late": 6,
        "days_late_numerator": 600,
        "days_late_denominator": 100,
        "on_time_rate": 0,
        "on_time_rate_numerator": 0,
        "on_time_rate_denominator": 100,
        "dispute_rate": 0,
        "dispute_rate_numerator": 0,
        "dispute_rate_denominator": 4,
        "limit_utilisation_rate_numerator": 0,
    }


_GRADES_SHOWN = "credit_grades_by_customer_month"


def _rate(grade: str, opening: int) -> Row:
    return {
        "month_start": dt.date(2026, 3, 1),
        "company_code": "main",
        "credit_grade": grade,
        "aging_bucket": "31-60",
        "opening_amount": opening,
        "collected_amount": 0,
        "collection_rate": 0.5,
        "collection_rate_numerator": 50,
        "collection_rate_denominator": 100,
        "collection_rate_status": "ok",
    }


def _expected_cash(**values: object) -> Row:
    return {
        "month_start": dt.date(2026, 3, 1),
        "company_code": "main",
        "team_id": "T1",
        "is_complete": True,
        "assigned_amount": 100,
        "assigned_without_rate_amount": 0,
        "expected_amount": 40,
        "collected_amount": 20,
        "lift": 0.5,
        "lift_numerator": 20,
        "lift_denominator": 40,
        "lift_status": "ok",
        **values,
    }


def _assignment(name: str, **values: object) -> Row:
    return {
        "as_of_date": AS_OF,
        "company_code": "main",
        "customer_id": name,
        "credit_grade": "C",
        "aging_bucket": "31-60",
        "is_past_due": True,
        "amount_class": "small",
        "past_due_amount": 10,
        "rate_status": "ok",
        "strategy_code": "call",
        "deadline_days": 7,
        **values,
    }


def _to_do(name: str, rank: int, score: int) -> Row:
    return {
        "as_of_date": AS_OF,
        "customer_id": name,
        "worklist_rank": rank,
        "worklist_score": score,
        "reasons": "past_due",
        "recommended_action": "contact",
        "strategy_code": "call",
        "past_due_amount": 10,
        "oldest_due_date": dt.date(2026, 2, 4),
        "deadline_date": AS_OF,
    }


def _effect(channel: str, **values: object) -> Row:
    return {
        "month_start": dt.date(2026, 1, 1),
        "company_code": "main",
        "strategy_code": "call",
        "channel": channel,
        "credit_grade": "C",
        "is_complete": True,
        "contact_count": 2,
        "costed_contact_count": 1,
        "contact_cost_amount": 30,
        "collected_rate": 0.5,
        "collected_rate_numerator": 50,
        "collected_rate_denominator": 100,
        "collected_rate_status": "ok",
        "lift_status": "insufficient_history",
        **values,
    }


def _scope_month(month: int, scope_type: str, scope_id: str, **values: object) -> Row:
    return {
        "as_of_date": AS_OF,
        "month_start": dt.date(2026, month, 1),
        "company_code": "main",
        "scope_type": scope_type,
        "scope_id": scope_id,
        "bucket_set": "days",
        "rate_status": "ok",
        **values,
    }


def _migrations() -> list[Row]:
    """In February 10 came into 31-60; in March 4 of them were collected and 6 stay there."""
    return [
        _scope_month(
            month,
            scope_type,
            scope_id,
            aging_bucket=bucket,
            next_state=state,
            migrated_amount=amount,
            migration_rate=amount / 10,
            migration_rate_numerator=amount,
            migration_rate_denominator=10,
            migration_rate_status="ok",
        )
        for scope_type, scope_id in (("company", "main"), ("segment", "large"))
        for month, bucket, state, amount in (
            (2, "inflow", "31-60", 10),
            (3, "31-60", "31-60", 6),
            (3, "31-60", "collected", 4),
        )
    ]


def _roll_rate(**values: object) -> Row:
    amounts = dict.fromkeys(
        ("better_amount", "worse_amount", "credited_amount", "written_off_amount"), 0
    )
    return _scope_month(
        3,
        "company",
        "main",
        aging_bucket="31-60",
        opening_amount=10,
        same_amount=6,
        collected_amount=4,
        **amounts,
        **_statuses(("roll_rate", "net_flow_rate"), "not_applicable"),
        cure_rate=0.4,
        cure_rate_numerator=4,
        cure_rate_denominator=10,
        cure_rate_status="ok",
        **values,
    )


def _shift(bucket_set: str) -> Row:
    return _scope_month(
        3,
        "company",
        "main",
        open_amount=20,
        past_due_amount=10,
        past_due_rate=0.5,
        past_due_rate_numerator=10,
        past_due_rate_denominator=20,
        past_due_rate_status="ok",
        weighted_days_past_due=33,
        weighted_days_past_due_numerator=330,
        weighted_days_past_due_denominator=10,
        weighted_days_past_due_status="ok",
        weighted_days_growth_rate=0.1,
        weighted_days_growth_rate_status="ok",
        shift_signal_code="lengthened",
        complaint_rate_status="not_applicable",
    ) | {"bucket_set": bucket_set}


def _vintage(months: int, window_end: dt.date, **values: object) -> Row:
    return {
        "as_of_date": AS_OF,
        "billing_month_start": dt.date(2026, 2, 1),
        "company_code": "main",
        "scope_type": "company",
        "scope_id": "main",
        "months_since_billing": months,
        "window_end_date": window_end,
        "is_complete": window_end <= AS_OF,
        "rate_status": "ok",
        "collected_rate_status": "insufficient_history",
        **values,
    }


def _loss_rate(bucket: str, order: int, loss_rate: float, **values: object) -> Row:
    return {
        "as_of_date": AS_OF,
        "month_start": dt.date(2026, 3, 1),
        "company_code": "main",
        "segment": "all",
        "bucket_set": "days",
        "aging_bucket": bucket,
        "aging_bucket_order": order,
        "roll_rate_status": "zero_denominator",
        "loss_rate": loss_rate,
        "loss_rate_status": "ok",
        "adjusted_loss_rate": loss_rate,
        "adjusted_loss_rate_status": "ok",
        "rate_status": "ok",
        **values,
    }


ROWS: Mapping[str, Sequence[Row]] = {
    "dim_aging_buckets": [
        {"bucket_set": "days", "aging_bucket": "31-60", "aging_bucket_order": 3},
        {"bucket_set": "days", "aging_bucket": "61-90", "aging_bucket_order": 4},
        {"bucket_set": "months", "aging_bucket": "1-3 months", "aging_bucket_order": 2},
    ],
    "receivable_movements": [
        _movement("M1"),
        _movement("M2", movement_type="payment", amount_document=-40, amount=-40),
        _movement("M3", document_id="D2", amount=None, rate_status="missing"),
        _movement("M4", document_id="D3", movement_type="application", amount_document=-5),
        _movement("M4", item_type="payment", movement_type="application", amount_document=5),
        _movement("M6", effective_date=dt.date(2026, 4, 1), amount_document=-60),
        _movement("M7", is_current=False, _superseded_at=dt.datetime(2026, 2, 1)),
    ],
    "receivables_by_document": [
        _document("D1", 60),
        _document("D2", 100, open_amount=None, rate_status="missing"),
        _document("D3", -5),
        _document("D4", 0, rate_status="missing"),
    ],
    "receivables_summed": [
        {"company_code": "main", "document_id": name, "installment_no": 1}
        for name in ("D1", "D2", "D3", "D4")
    ],
    "cash_applications": [
        {
            **_CASH_KEY,
            "customer_id": "C1",
            "document_date": dt.date(2026, 1, 5),
            "due_date": dt.date(2026, 2, 4),
            "payment_date": dt.date(2026, 2, 1),
            "amount_document": 40,
            "days_from_document_date": 27,
            "days_from_due_date": -3,
        }
    ],
    "receivables_by_span": [
        _span(dt.date(2026, 1, 5), dt.date(2026, 2, 1)),
        _span(dt.date(2026, 2, 1), dt.date(9999, 12, 31), open_amount=None, rate_status="missing"),
    ],
    "aging_by_account": [
        {
            "as_of_date": AS_OF,
            "account_no": 7,
            "bucket_no": number,
            "is_by_due_date": is_by_due_date,
            "document_count": 1,
            "open_amount_document": amount,
            "open_amount": amount,
        }
        for is_by_due_date in (True, False)
        for number, amount in ((1, 60), (2, 10), (3, 70))
    ],
    "aging_credits_by_account": [
        {
            "as_of_date": AS_OF,
            "account_no": 7,
            "bucket_no": number,
            "is_by_due_date": True,
            "credits_aged_amount_document": aged,
            "credits_aged_amount": aged,
            "credits_applied_amount_document": applied,
            "credits_applied_amount": applied,
        }
        for number, aged, applied in ((1, -5, -3), (2, 5, 3))
    ],
    "closing_rates_by_day": [
        {"currency_code": "CNY", "rate_date": AS_OF, "fx_rate": 1, "rate_status": "ok"},
        {"currency_code": "XAF", "rate_date": AS_OF, "fx_rate": None, "rate_status": "missing"},
    ],
    "aging_migration_by_month": _migrations(),
    "aging_roll_rates_by_month": [_roll_rate()],
    "aging_shift_by_bucket": [
        _scope_month(
            3,
            scope_type,
            scope_id,
            aging_bucket="31-60",
            open_amount=20,
            bucket_rate=1,
            bucket_rate_numerator=20,
            bucket_rate_denominator=20,
            bucket_rate_status="ok",
            growth_rate_status="insufficient_history",
        )
        for scope_type, scope_id in (("company", "main"), ("team", "T1"))
    ],
    "aging_shift_by_month": [_shift("days"), _shift("months")],
    "vintage_by_month": [
        _vintage(
            1,
            AS_OF,
            collected_rate=0.5,
            collected_rate_numerator=5,
            collected_rate_denominator=10,
            collected_rate_status="ok",
        ),
        _vintage(2, dt.date(2026, 4, 30)),
    ],
    "loss_rates_by_bucket": [_loss_rate("31-60", 3, 0.5), _loss_rate("61-90", 4, 1)],
    "aging_by_customer": _buckets(customer_id="C1"),
    "aging_by_bucket": _buckets(),
    "receivables_by_period": [
        {
            name: value
            for name, value in row.items()
            if name != "rate_status"  # one of each subject
        }
        for row in _scopes(
            {
                "opening_amount": 1,
                "closing_amount": 2,
                "credit_sales_amount": 3,
                "falling_due_amount": 4,
            },
            countback_status="ok",
            countback_sales_amount=3,
            countback_covered_amount=2,
        )
    ],
    "turnover_by_period": _scopes(
        {"closing_receivables_amount": 1, "credit_sales_amount": 2, "cash_applied_amount": 3},
        **{
            **_statuses(TURNOVER_MEASURES, "insufficient_history"),
            "days_sales_outstanding": 30,
            "days_sales_outstanding_status": "ok",
            "best_possible_days_sales_outstanding": 20,
            "best_possible_days_sales_outstanding_status": "ok",
            "average_days_delinquent": 10,
            "average_days_delinquent_status": "ok",
            "days_sales_outstanding_countback": 30,
            "days_sales_outstanding_countback_status": "ok",
            "days_sales_outstanding_countback_skip": 30,
            "days_sales_outstanding_countback_skip_status": "ok",
        },
    ),
    "bad_debt_by_period": _scopes(
        {
            "write_off_amount": 3,
            "recovery_of_written_off_amount": 1,
            "net_write_off_amount": 2,
            "cash_applied_amount": 5,
        },
        **{
            **_statuses(BAD_DEBT_MEASURES, "zero_denominator"),
            "recovery_rate": 0.33333333,
            "recovery_rate_numerator": 1,
            "recovery_rate_denominator": 3,
            "recovery_rate_status": "ok",
        },
    ),
    "allowance_by_bucket": [
        {
            "period_start": dt.date(2026, month, 1),
            "company_code": "main",
            "allowance_method": method,
            "segment": "large",
            "aging_bucket": bucket,
            "is_booked": method == "aging",
            "rate_status": "ok",
            "allowance_status": "ok",
            "open_amount": opened,
            "loss_rate": rate,
            "required_allowance_amount": amount,
        }
        for month, method, bucket, opened, rate, amount in (
            (2, "aging", "31-60", 10, 0, 10),
            (3, "aging", "31-60", 20, 1, 20),
            (3, "aging", "61-90", 10, 0.5, 5),
            (3, "percent_of_sales", "all", 30, 0.5, 7),
        )
    ],
    "allowance_roll_forward": [_allowance(2, 0, 10), _allowance(3, 10, 25)],
    "allowance_back_test": [
        {
            "as_of_date": AS_OF,
            "period_start": dt.date(2026, month, 1),
            "company_code": "main",
            "knowledge": "then",
            "allowance_method": method,
            "segment": "large",
            "is_booked": method == "aging",
            "window_end_date": AS_OF + dt.timedelta(days=month - 1),
            "is_window_closed": month == 1,
            "predicted_loss_amount": predicted,
            "written_off_amount": 4,
            "recovered_amount": 0,
            "prediction_error_amount": predicted - 4 if month == 1 else None,
            "loss_coverage_rate": predicted / 4 if month == 1 else None,
            "loss_coverage_rate_numerator": predicted if month == 1 else None,
            "loss_coverage_rate_denominator": 4 if month == 1 else None,
            "loss_coverage_rate_status": "ok" if month == 1 else "insufficient_history",
            "rate_status": "ok",
        }
        for month, method, predicted in (
            (1, "aging", 3),
            (1, "direct_write_off", 0),
            (2, "aging", 5),
        )
    ],
    "performance_by_collector_month": [
        _performance(collector_id="W1", collected_amount=30),
        _performance(collector_id="W2", collected_amount=20),
    ],
    "performance_by_team_month": [
        _performance(),
        _performance(team_id="T2", collected_amount=0),
    ],
    "promises": [
        _promise("K1", "kept", AS_OF, kept_date=AS_OF),
        _promise("K2", "broken", dt.date(2026, 3, 30)),
        _promise("K3", "open", AS_OF),
    ],
    "cash_by_earner": [
        _earner("W1", 0.5, 20, is_portfolio_owner=True, is_first_touch=True),
        _earner("W2", 0.5, 20, is_last_touch=True, is_promise_first=True),
    ],
    "incentives_by_collector_month": [_incentive(), _incentive(collector_id="W2")],
    "targets_by_period": [_target("collected_amount"), _target("contact_count")],
    "cash_attribution": [
        _attribution("portfolio_owner", "W1", 1, 40),
        _attribution("first_touch", "W1", 1, 40),
        _attribution("last_touch", "W2", 1, 40),
        _attribution("promise_first", "W2", 1, 40),
        _attribution("linear", "W1", 0.5, 20),
        _attribution("linear", "W2", 0.5, 20),
    ],
    "contact_compliance": [
        _breach("T1", "hours", dt.datetime(2026, 3, 5, 7, 59)),
        _breach("T1", "frequency", dt.datetime(2026, 3, 5, 7, 59)),
        _breach("T2", "hours", dt.datetime(2026, 3, 6, 20, 1)),
    ],
    "contact_compliance_by_month": [
        _breaches("any", 3, 2),
        _breaches("hours", 2, 2),
        _breaches("frequency", 1, 1),
    ],
    "cash_forecast_by_week": [_week(1, 3), _week(2, 3)],
    "cash_forecast_accuracy": [
        {
            "origin_date": dt.date(2026, 2, 28),
            "company_code": "main",
            **{f"{measure}_numerator": 1 for measure in FORECAST_MEASURES},
            **{f"{measure}_denominator": 4 for measure in FORECAST_MEASURES},
            **dict.fromkeys(FORECAST_MEASURES, 0.25),
            **_statuses(FORECAST_MEASURES, "ok"),
        }
    ],
    "collection_success_by_month": [
        _worked("all", "all", is_complete=True),
        _worked("channel", "phone", is_complete=False),
    ],
    "recovery_by_write_off_month": [
        {
            "company_code": "main",
            "scope_type": "company",
            "scope_id": "main",
            "write_off_month_start": dt.date(2026, 2, 1),
            "rate_status": "ok",
            "recovery_of_written_off_rate": 0.25,
            "recovery_of_written_off_rate_numerator": 1,
            "recovery_of_written_off_rate_denominator": 4,
            "recovery_of_written_off_rate_status": "ok",
            "recovery_of_written_off_within_12_months_rate_status": "insufficient_history",
        }
    ],
    "scorecard_by_period": [
        _score_of_period("company", "main", status="missed"),
        _score_of_period("team", "T1", status="missed"),
    ],
    "scorecard_by_quarter": [
        _score(
            quarter,
            measure,
            value=value,
            target_value=target,
            target_comparison=comparison,
            status=status,
            rate_status="missing" if status == "not_applicable" else "ok",
        )
        for quarter in (1, 4)
        for measure, value, target, comparison, status in (
            ("recovery_rate", 0.95, 0.95, "at_least", "met"),
            ("average_collection_days", 31, 30, "at_most", "missed"),
            ("bad_debt_rate", 0.01, 0.01, "below", "missed"),
            ("promise_kept_rate", 0.5, None, "at_least", "ok"),
            ("satisfaction_score", None, 85, "at_least", "insufficient_sample"),
            ("days_sales_outstanding", 45, None, "at_most", "not_applicable"),
        )
    ],
    "credit_points_by_customer_month": [_grade("C1", "B"), _grade("C2", "unrated")],
    "credit_grades_by_customer_month": [
        _grade_shown("C1", "B", 72.2),
        _grade_shown("C2", "unrated", None),
    ],
    "collection_rates_by_month": [_rate("B", 60), _rate("C", 40), _rate("all", 100)],
    "expected_cash_by_collector_month": [
        _expected_cash(collector_id="W1"),
        _expected_cash(
            collector_id="W2",
            expected_amount=None,
            lift=None,
            lift_denominator=None,
            lift_status="insufficient_history",
        ),
    ],
    "expected_cash_by_team_month": [
        _expected_cash(
            assigned_amount=200,
            collected_amount=40,
            lift=1,
            lift_numerator=40,
        )
    ],
    "strategy_assignments": [
        _assignment("C1"),
        _assignment("C2", is_past_due=False, past_due_amount=0, aging_bucket="current"),
    ],
    "collection_worklist": [_to_do("C1", 1, 30), _to_do("C2", 2, 30), _to_do("C3", 3, 20)],
    "strategy_effectiveness_by_month": [
        _effect("phone"),
        _effect(
            "email",
            is_complete=False,
            costed_contact_count=0,
            contact_cost_amount=None,
            collected_rate=None,
            collected_rate_status="insufficient_history",
        ),
    ],
}
"""A warehouse whose marts agree with themselves and with each other."""

BREAKS: Mapping[str, Mapping[str, str]] = {
    "receivable_movements": {
        "movement_type_is_a_known_code": "set movement_type = 'gift' where source_id = 'M1'",
        "rate_status_is_a_known_code": "set rate_status = 'old' where source_id = 'M3'",
        "knowledge_intervals_run_forward": "set _superseded_at = _recorded_at"
        " where source_id = 'M7'",
        "a_missing_rate_hides_the_converted_amount_only": "set amount = null"
        " where source_id = 'M1'",
        "transfers_sum_to_zero": "set amount_document = 4 where item_type = 'payment'",
    },
    "receivables_by_document": {
        "rate_status_is_a_known_code": "set rate_status = 'old' where document_id = 'D4'",
        "a_missing_rate_hides_the_converted_amount_only": "set open_amount = 700"
        " where document_id = 'D2'",
        "a_settled_document_has_no_open_amount": "set open_amount = 0.01 where document_id = 'D4'",
        "over_applied_is_below_zero": "set is_over_applied = true where document_id = 'D1'",
        "balances_equal_the_journal": "set open_amount_document = 61 where document_id = 'D1'",
    },
    "cash_applications": {
        "days_are_differences_of_dates": "set days_from_due_date = 3",
    },
    "receivables_by_span": {
        "rate_status_is_a_known_code": "set rate_status = 'old' where rate_status = 'ok'",
        "a_missing_rate_hides_the_converted_amount_only": "set open_amount = 1"
        " where rate_status = 'missing'",
        "only_open_items_stand_in_the_aging": "set open_amount_document = 0"
        " where rate_status = 'ok'",
        "spans_of_an_item_do_not_overlap": "set open_to = date '2026-02-02'"
        " where rate_status = 'ok'",
    },
    "aging_by_account": {
        "buckets_hold_documents": "set document_count = 0 where bucket_no = 2",
        "every_bucket_set_and_basis_has_the_same_total": "set open_amount_document = 71"
        " where bucket_no = 3",
    },
    "aging_by_bucket": {
        "age_basis_is_a_known_code": "set age_basis = 'today' where age_basis = 'due_date'",
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "a_missing_rate_hides_the_converted_amount_only": "set open_amount = null",
        "buckets_are_those_of_their_set": "set aging_bucket_order = 9 where aging_bucket = '31-60'",
        "every_bucket_set_and_basis_has_the_same_total": "set open_amount_document = 71"
        " where bucket_set = 'months'",
        "customers_add_up_to_the_buckets": "set open_amount_document = open_amount_document + 1",
    },
    "receivables_by_period": {
        "period_type_is_a_known_code": "set period_type = 'week'",
        "periods_hold_their_measuring_date": "set is_complete = false",
        "scopes_add_up_to_the_company": "set closing_amount = 3 where scope_id = 'T1'",
        "countback_status_is_a_known_code": "set countback_status = 'late'",
        "what_is_used_up_fits_its_period": "set countback_covered_amount = 3.01",
    },
    "aging_credits_by_account": {
        "credits_change_buckets_and_no_total": "set credits_applied_amount_document = 2"
        " where bucket_no = 2",
    },
    "closing_rates_by_day": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "a_rate_stands_where_its_status_is_ok": "set fx_rate = 0 where currency_code = 'CNY'",
    },
    "aging_migration_by_month": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set migration_rate_status = 'unknown'",
        "values_stand_exactly_where_the_status_is_ok": "set migration_rate = null"
        " where next_state = 'collected'",
        "rates_are_their_parts_divided": "set migration_rate = 0.41 where next_state = 'collected'",
        "the_rows_of_a_bucket_add_up_to_it": "set migrated_amount = 3"
        " where next_state = 'collected'",
        "scopes_add_up_to_the_company": "set migrated_amount = 3"
        " where next_state = 'collected' and scope_type = 'segment'",
        "a_bucket_opens_with_what_it_closed_with": "set migrated_amount = 9"
        " where aging_bucket = 'inflow'",
    },
    "aging_roll_rates_by_month": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set roll_rate_status = 'unknown'",
        "values_stand_exactly_where_the_status_is_ok": "set roll_rate = 0.1",
        "rates_are_their_parts_divided": "set cure_rate = 0.41",
        "every_amount_of_a_bucket_has_one_fate": "set written_off_amount = 1",
    },
    "aging_shift_by_bucket": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set growth_rate_status = 'unknown'",
        "values_stand_exactly_where_the_status_is_ok": "set growth_rate = 0.1",
        "rates_are_their_parts_divided": "set bucket_rate = 0.9",
        "scopes_add_up_to_the_company": "set open_amount = 19 where scope_id = 'T1'",
    },
    "aging_shift_by_month": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set complaint_rate_status = 'unknown'",
        "values_stand_exactly_where_the_status_is_ok": "set complaint_rate = 1",
        "rates_are_their_parts_divided": "set weighted_days_past_due = 33.1",
        "signals_follow_the_weighted_age": "set shift_signal_code = 'shortened'",
        "every_bucket_set_has_the_same_total": "set past_due_amount = 9"
        " where bucket_set = 'months'",
    },
    "vintage_by_month": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set collected_rate_status = 'unknown'",
        "values_stand_exactly_where_the_status_is_ok": "set collected_rate = 0"
        " where months_since_billing = 2",
        "rates_are_their_parts_divided": "set collected_rate = 0.6 where months_since_billing = 1",
        "open_windows_have_no_value": "set collected_rate_status = 'ok', collected_rate = 0"
        " where months_since_billing = 2",
    },
    "loss_rates_by_bucket": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set loss_rate_status = 'unknown'",
        "values_stand_exactly_where_the_status_is_ok": "set roll_rate = 1",
        "rates_are_their_parts_divided": "set roll_rate = 1, roll_rate_numerator = 1,"
        " roll_rate_denominator = 2",
        "losses_are_shares": "set adjusted_loss_rate = 1.1",
        "no_bucket_loses_more_than_a_worse_one": "set loss_rate = 0.4 where aging_bucket = '61-90'",
    },
    "turnover_by_period": {
        "period_type_is_a_known_code": "set period_type = 'week'",
        "periods_hold_their_measuring_date": "set is_complete = false",
        "scopes_add_up_to_the_company": "set credit_sales_amount = 3 where scope_id = 'small'",
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set unpaid_rate_status = 'unknown'",
        "values_stand_exactly_where_the_status_is_ok": "set unpaid_rate = 0.5",
        "average_days_delinquent_is_the_gap_to_best_possible": "set average_days_delinquent = 11",
        "skipping_periods_never_counts_more_days": "set days_sales_outstanding_countback = 29",
    },
    "bad_debt_by_period": {
        "period_type_is_a_known_code": "set period_type = 'week'",
        "periods_hold_their_measuring_date": "set measured_to_date = date '2026-04-01'",
        "scopes_add_up_to_the_company": "set cash_applied_amount = 1 where scope_id = 'north'",
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set bad_debt_rate_status = null",
        "values_stand_exactly_where_the_status_is_ok": "set bad_debt_rate_status = 'ok'",
        "rates_are_their_parts_divided": "set recovery_rate = 0.33334",
        "net_write_off_is_write_offs_less_recoveries": "set net_write_off_amount = 1",
    },
    "allowance_by_bucket": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "loss_rates_are_shares": "set loss_rate = 1.01 where loss_rate = 1",
        "allowance_status_is_a_known_code": "set allowance_status = 'old'",
        "an_allowance_that_cannot_be_had_has_no_amount": "set required_allowance_amount = null"
        " where required_allowance_amount = 7",
        "buckets_add_up_to_the_same_in_every_method": "set open_amount = 29"
        " where allowance_method = 'percent_of_sales'",
        "one_method_is_booked": "set is_booked = false",
    },
    "allowance_roll_forward": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "allowance_status_is_a_known_code": "set allowance_status = 'old'",
        "a_charge_that_cannot_be_had_has_no_amount": "set release_amount = 1,"
        " charge_amount = charge_amount + 1",
        "the_allowance_foots": "set charge_amount = charge_amount + 0.01",
        "opening_is_the_closing_of_the_month_before": "set opening_allowance_amount = 9,"
        " charge_amount = charge_amount + 1 where opening_allowance_amount = 10",
        "closing_is_what_the_buckets_require": "set closing_allowance_amount = 26,"
        " charge_amount = charge_amount + 1 where closing_allowance_amount = 25",
    },
    "allowance_back_test": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "knowledge_is_a_known_code": "set knowledge = 'later'",
        "statuses_are_known": "set loss_coverage_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set loss_coverage_rate = 1"
        " where not is_window_closed",
        "an_open_window_foretells_nothing": "set is_window_closed = true",
        "the_error_is_predicted_less_written_off": "set prediction_error_amount = 2"
        " where is_window_closed",
        "every_method_meets_the_same_losses": "set written_off_amount = 5,"
        " prediction_error_amount = prediction_error_amount - 1"
        " where allowance_method = 'direct_write_off'",
    },
    "performance_by_collector_month": {
        "statuses_are_known": "set complaint_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set complaint_rate_status = 'ok'",
        "shares_lie_between_zero_and_one": "set satisfied_rate = 1.1",
        "contacts_narrow_down": "set connect_count = 4",
    },
    "performance_by_team_month": {
        "statuses_are_known": "set complaint_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set complaint_rate = 1",
        "shares_lie_between_zero_and_one": "set satisfaction_score = 100.01",
        "contacts_narrow_down": "set upheld_complaint_count = 2",
        "collectors_add_up_to_their_team": "set collected_amount = 51 where team_id = 'T1'",
    },
    "promises": {
        "promise_status_is_a_known_code": "set promise_status = 'late' where promise_id = 'K2'",
        "kept_promises_have_a_date": "set kept_date = null where promise_id = 'K1'",
        "open_promises_have_time_left": "set deadline_date = date '2026-03-30'"
        " where promise_id = 'K3'",
    },
    "incentives_by_collector_month": {
        "statuses_are_known": "set attainment_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set attainment_rate = null",
        "rates_are_their_parts_divided": "set attainment_rate = 0.9",
        "incentives_follow_from_their_parts": "set clawed_back_amount = 2",
        "a_plan_has_one_tier": "set incentive_tier = null",
        "closed_gates_withhold": "set is_withheld_for_upheld_complaint = true",
    },
    "targets_by_period": {
        "period_type_is_a_known_code": "set period_type = 'week'",
        "target_status_is_a_known_code": "set target_status = 'nearly'",
        "projected_status_is_a_known_code": "set projected_status = 'nearly'",
        "statuses_are_known": "set attainment_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set attainment_rate = null",
        "actual_values_stand_where_their_status_is_ok": "set actual_status = 'not_applicable'",
        "the_end_of_a_period_is_no_projection": "set projected_value = 41",
    },
    "cash_by_earner": {
        "every_row_is_earned_by_some_method": "set is_portfolio_owner = false,"
        " is_first_touch = false, linear_share = 0 where collector_id = 'W1'",
        "shares_of_a_movement_sum_to_one": "set linear_share = 0.4 where collector_id = 'W1'",
        "every_cent_is_given_out": "set linear_amount_document = 21 where collector_id = 'W1'",
    },
    "contact_compliance": {
        "rule_type_is_a_known_code": "set rule_type = 'manners' where rule_type = 'frequency'",
        "windows_hold_the_contact": "set window_end_date = date '2026-03-04'",
        "a_maximum_is_exceeded": "set counted_count = 3 where rule_code = 'frequency'",
        "hours_are_named": "set allowed_until = null where contact_id = 'T2'",
    },
    "contact_compliance_by_month": {
        "statuses_are_known": "set breach_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set breach_rate = null",
        "rates_are_their_parts_divided": "set breach_rate = 0.51 where rule_code = 'any'",
        "breaches_narrow_down": "set breached_customer_count = 3 where rule_code = 'any'",
        "rules_add_up_to_any_rule": "set breach_count = 4 where rule_code = 'any'",
    },
    "cash_forecast_by_week": {
        "weeks_follow_the_as_of_date": "set week_end = week_end + 1 where week_no = 1",
        "the_forecast_is_its_parts": "set cohort_amount = 2 where week_no = 2",
        "every_week_is_there": "set week_no = 3 where week_no = 2",
    },
    "cash_forecast_accuracy": {
        "statuses_are_known": "set bias_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set bias_rate = null",
        "rates_are_their_parts_divided": "set bias_rate = 0.26",
        "the_bias_is_within_the_error": "set bias_rate_numerator = 2",
    },
    "collection_success_by_month": {
        "scope_type_is_a_known_code": "set scope_type = 'world' where scope_type = 'all'",
        "statuses_are_known": "set success_rate_status = 'bad'",
        "values_stand_exactly_where_the_status_is_ok": "set success_rate = null",
        "rates_are_their_parts_divided": "set success_rate = 0.51 where scope_type = 'all'",
        "success_narrows_down": "set succeeded_item_count = 1",
        "rates_wait_for_their_windows": "set is_complete = false",
    },
    "recovery_by_write_off_month": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "statuses_are_known": "set recovery_of_written_off_rate_status = 'good',"
        " recovery_of_written_off_rate = null",
        "values_stand_exactly_where_the_status_is_ok": "set recovery_of_written_off_rate = null",
        "rates_are_their_parts_divided": "set recovery_of_written_off_rate = 0.26",
    },
    "scorecard_by_period": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "status_is_a_known_code": "set status = 'nearly'",
        "values_stand_exactly_where_they_can_be_had": "set value = null where scope_id = 'T1'",
        "targets_are_judged": "set status = 'ok' where scope_id = 'T1'",
        "the_verdict_follows_the_target": "set value = 0.95, change_value = 0.45",
        "period_type_is_a_known_code": "set period_type = 'week'",
        "scope_type_is_a_known_code": "set scope_type = 'region'",
        "change_is_from_the_value_before": "set change_value = 0.26",
    },
    "scorecard_by_quarter": {
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "status_is_a_known_code": "set status = 'nearly' where status = 'insufficient_sample'",
        "values_stand_exactly_where_they_can_be_had": "set value = 80 "
        " where status = 'insufficient_sample'",
        "targets_are_judged": "set status = 'met' where status = 'ok'",
        "the_verdict_follows_the_target": "set value = 0.94 where measure = 'recovery_rate'",
        "every_quarter_has_every_measure": "set measure = 'other'"
        " where measure = 'promise_kept_rate' and quarter_start = date '2026-01-01'",
    },
    "credit_grades_by_customer_month": {
        "credit_grade_is_a_known_code": "set credit_grade = 'F' where customer_id = 'C1'",
        "statuses_are_known": "set dispute_rate_status = 'good'",
        "values_stand_exactly_where_the_status_is_ok": "set days_late = null",
        "points_add_up_to_the_score": "set disputes_points = 9 where customer_id = 'C1'",
        "parts_that_cannot_be_had_have_no_points": "set limit_utilisation_points = 0",
        "only_rated_customers_have_a_score": "set credit_grade = 'unrated'",
    },
    "collection_rates_by_month": {
        "credit_grade_is_a_known_code": "set credit_grade = 'F' where credit_grade = 'B'",
        "statuses_are_known": "set collection_rate_status = 'good'",
        "values_stand_exactly_where_the_status_is_ok": "set collection_rate = null",
        "rates_are_their_parts_divided": "set collection_rate = 0.51",
        "grades_add_up_to_all": "set opening_amount = 61 where credit_grade = 'B'",
    },
    "expected_cash_by_collector_month": {
        "statuses_are_known": "set lift_status = 'good'",
        "values_stand_exactly_where_the_status_is_ok": "set lift_status = 'ok'",
        "rates_are_their_parts_divided": "set lift = 0.6 where collector_id = 'W1'",
        "nothing_is_expected_without_a_rate": "set assigned_without_rate_amount = 100",
    },
    "expected_cash_by_team_month": {
        "statuses_are_known": "set lift_status = 'good'",
        "values_stand_exactly_where_the_status_is_ok": "set lift = null",
        "rates_are_their_parts_divided": "set lift = 0.6",
        "nothing_is_expected_without_a_rate": "set assigned_without_rate_amount = 200",
        "collectors_add_up_to_their_team": "set collected_amount = 41",
    },
    "strategy_assignments": {
        "credit_grade_is_a_known_code": "set credit_grade = 'F'",
        "amount_class_is_a_known_code": "set amount_class = 'medium'",
        "rate_status_is_a_known_code": "set rate_status = 'old'",
        "the_amount_past_due_is_past_due": "set is_past_due = false",
    },
    "collection_worklist": {
        "deadlines_are_to_come": "set deadline_date = date '2026-03-30' where worklist_rank = 2",
        "ranks_follow_the_score_and_the_amount": "set past_due_amount = 11"
        " where customer_id = 'C2'",
    },
    "strategy_effectiveness_by_month": {
        "credit_grade_is_a_known_code": "set credit_grade = 'F' where channel = 'phone'",
        "statuses_are_known": "set lift_status = 'good'",
        "values_stand_exactly_where_the_status_is_ok": "set lift = 1",
        "rates_are_their_parts_divided": "set collected_rate = 0.6 where channel = 'phone'",
        "open_windows_have_no_rate": "set is_complete = false",
        "costs_are_those_of_contacts": "set costed_contact_count = 0",
    },
}
"""For every mart and expectation beyond filled keys and grain, an update that breaks it."""


def _build(path: Path) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema intermediate; create schema staging")
        connection.execute(
            "create table staging.run_parameters as select ?::date as as_of_date,"
            " ?::date as previous_as_of_date",
            [AS_OF, AS_OF - dt.timedelta(days=1)],
        )
        for mart, rows in ROWS.items():
            columns = ", ".join(f'"{name}" {dtype}' for name, dtype in CONTRACTS[mart].items())
            connection.execute(f"create table marts.{mart} ({columns})")
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" for _ in row)
                connection.execute(
                    f"insert into marts.{mart} ({names}) values ({marks})", list(row.values())
                )
    return path


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(tmp_path_factory.mktemp("marts") / "warehouse.duckdb")


def _not_met(results: Sequence[ExpectationResult]) -> list[tuple[str, str]]:
    return [(one.source, one.expectation_code) for one in results if not one.is_met]


@pytest.mark.parametrize("family", MART_SUITES)
def test_a_consistent_warehouse_meets_every_expectation(warehouse: Path, family: str) -> None:
    results = judge_marts(warehouse, family, run_id="run-1")
    assert _not_met(results) == []
    assert [
        (one.source, one.expectation_code, one.severity, one.description) for one in results
    ] == mart_expectation_codes(family)
    assert all(one.checked_count == len(ROWS[one.source]) for one in results)


CASES = [(mart, code) for mart, breaks in BREAKS.items() for code in breaks]
FAMILIES = {mart: family for family, marts in MART_SUITES.items() for mart in marts}
VIEWS = {"aging_by_customer", "cash_attribution"}
"""Marts whose rows are judged in the table under them."""

REFRESHED = (
    "receivable_movements",
    "receivables_by_document",
    "cash_applications",
    "receivables_by_span",
    "aging_by_account",
    "aging_credits_by_account",
    "promises",
    "cash_by_earner",
    "contact_compliance",
)
"""Marts that may have many rows, of which a continued build changes few."""

SHOWN = MART_SUITES["receivables"]["receivables_by_document"].shows


def _judge_changed(
    consistent: Path,
    folder: Path,
    mart: str,
    statements: Sequence[str],
    *,
    continued: bool,
) -> dict[str, ExpectationResult]:
    """Change a copy of the consistent warehouse; return what is said of one mart then.

    A continued build has what it changed beside the marts that it refreshes.
    """
    changed = Path(shutil.copy(consistent, folder / "changed.duckdb"))
    with duckdb.connect(str(changed)) as connection:
        for refreshed in REFRESHED if continued or "temp." in str(statements) else ():
            connection.execute(f"create temp table {refreshed} as from marts.{refreshed}")
        for statement in statements:
            connection.execute(statement)
        for refreshed in REFRESHED if continued else ():
            table = MART_SUITES[FAMILIES[refreshed]][refreshed].shows or refreshed
            _tell_changes(connection, table, f"temp.{refreshed}", f"marts.{refreshed}")
    suites = {mart: MART_SUITES[FAMILIES[mart]][mart]}
    return {one.expectation_code: one for one in _judge(changed, suites, continued=continued)}


def _tell_changes(
    connection: duckdb.DuckDBPyConnection, table: str, before: str, after: str
) -> None:
    """Put beside a mart what a continued build changed in it, unless that is told already."""
    connection.execute(
        f"create table if not exists intermediate.changes_of_{table} as select *, 'removed'"
        f" as _change from (from {before} except all from {after})"
        f" union all select *, 'added' as _change from (from {after} except all from {before})"
    )


def _judge(
    warehouse: Path, suites: Mapping[str, MartSuite], *, continued: bool
) -> list[ExpectationResult]:
    """Judge tables by suites of the test's own."""
    from quality import mart_judgement

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mart_judgement, "MART_SUITES", {"own": suites})
        return judge_marts(warehouse, "own", continued=continued)


@dataclass(frozen=True)
class Broken:
    """A change of one mart, and the expectations that are asked then."""

    mart: str
    statement: str
    codes: Collection[str]


def _judge_breaks(
    consistent: Path, folder: Path, breaks: Sequence[Broken], *, continued: bool = False
) -> list[dict[str, ExpectationResult]]:
    """Return what each of several changes fails, by code.

    Each is made in a copy of its mart, which stands beside the consistent ones, so that all are
    judged at once: to open a warehouse and a validation takes longer than to judge a mart.
    """
    changed = Path(shutil.copy(consistent, folder / f"changed_{continued}.duckdb"))
    suites: dict[str, MartSuite] = {}
    with duckdb.connect(str(changed)) as connection:
        for refreshed in REFRESHED if continued else ():
            table = MART_SUITES[FAMILIES[refreshed]][refreshed].shows or refreshed
            _tell_changes(connection, table, f"marts.{refreshed}", f"marts.{refreshed}")
        for number, broken in enumerate(breaks):
            copy = f"{broken.mart}_{number}"
            connection.execute(f"create table marts.{copy} as from marts.{broken.mart}")
            connection.execute(broken.statement.format(mart=f"marts.{copy}"))
            suite = MART_SUITES[FAMILIES[broken.mart]][broken.mart]
            asked = tuple(one for one in suite.expectations if one.code in broken.codes)
            shows = suite.shows and f"{suite.shows}_{number}"
            suites[copy] = replace(suite, expectations=asked, shows=shows)
            if continued:
                _tell_changes(connection, shows or copy, f"marts.{broken.mart}", f"marts.{copy}")
    failed: dict[str, dict[str, ExpectationResult]] = {copy: {} for copy in suites}
    for result in _judge(changed, suites, continued=continued):
        if not result.is_met:
            failed[result.source][result.expectation_code] = result
    return list(failed.values())


def _judge_broken(
    consistent: Path,
    folder: Path,
    mart: str,
    statements: Sequence[str],
    *,
    continued: bool = False,
) -> dict[str, ExpectationResult]:
    """Change a copy of the consistent warehouse; return what one mart fails then."""
    results = _judge_changed(consistent, folder, mart, statements, continued=continued)
    return {code: one for code, one in results.items() if not one.is_met}


def _broken(mart: str, code: str) -> Broken:
    return Broken(mart, f"update {{mart}} {BREAKS[mart][code]}", [code])


def _untouched(mart: str) -> str:
    """A statement that says that a continued build changed nothing in a mart, whatever it did."""
    return (
        f"create table intermediate.changes_of_{mart} as"
        f" select *, 'added' as _change from marts.{mart} limit 0"
    )


@pytest.mark.parametrize("family", MART_SUITES)
def test_every_expectation_of_a_mart_has_a_change_that_breaks_it(family: str) -> None:
    for mart, suite in MART_SUITES[family].items():
        if mart in VIEWS:
            continue
        codes = {one.code for one in suite.expectations}
        assert len(codes) == len(suite.expectations)
        plain = {code for code in codes if code == "grain_is_unique" or "_is_filled" in code}
        plain |= {code for code in codes if code.endswith("_is_shown_once")}
        assert set(BREAKS[mart]) == codes - plain


@pytest.mark.parametrize("family", MART_SUITES)
def test_a_broken_mart_fails_the_expectation(warehouse: Path, tmp_path: Path, family: str) -> None:
    cases = [case for case in CASES if FAMILIES[case[0]] == family]
    assert cases
    found = _judge_breaks(warehouse, tmp_path, [_broken(*case) for case in cases])
    for (mart, code), failed in zip(cases, found, strict=True):
        assert code in failed, (mart, code)
        assert failed[code].is_blocking, (mart, code)
        assert failed[code].unexpected_count >= 1, (mart, code)
        assert failed[code].sample, (mart, code)


@pytest.mark.parametrize("mart", REFRESHED)
def test_a_continued_build_that_breaks_a_mart_fails_the_expectation(
    warehouse: Path, tmp_path: Path, mart: str
) -> None:
    codes = list(BREAKS[mart])
    breaks = [_broken(mart, code) for code in codes]
    judged_whole = _judge_breaks(warehouse, tmp_path, breaks)
    judged_changes = _judge_breaks(warehouse, tmp_path, breaks, continued=True)
    for code, whole, failed in zip(codes, judged_whole, judged_changes, strict=True):
        assert code in failed, code
        assert failed[code].is_blocking, code
        assert failed[code].sample, code
        assert failed[code].unexpected_count == whole[code].unexpected_count, code


@pytest.mark.parametrize("mart", REFRESHED)
def test_a_continued_build_that_changed_nothing_meets_everything_unlooked(
    warehouse: Path, tmp_path: Path, mart: str
) -> None:
    results = _judge_changed(warehouse, tmp_path, mart, [], continued=True)
    assert all(one.is_met for one in results.values())
    for code, result in results.items():
        if not code.endswith("_is_shown_once"):
            assert result.checked_count == 0
            assert "judged before" in result.observed


@pytest.mark.parametrize("mart", REFRESHED)
def test_an_added_row_with_the_key_of_an_untouched_one_is_found(
    warehouse: Path, tmp_path: Path, mart: str
) -> None:
    repeat = f"insert into marts.{mart} select * from marts.{mart} limit 1"
    grain = _judge_broken(warehouse, tmp_path, mart, [repeat], continued=True)["grain_is_unique"]
    assert grain.unexpected_count == 2
    assert grain.checked_count == (2 if MART_SUITES[FAMILIES[mart]][mart].shows else 1)


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("rate_status_is_a_known_code", "update marts.receivables_by_span set rate_status = 'old'"),
        (
            "grain_is_unique",
            "insert into marts.receivables_by_span from marts.receivables_by_span limit 1",
        ),
        (
            "spans_of_an_item_do_not_overlap",
            "update marts.receivables_by_span set open_to = date '2026-02-02'"
            " where rate_status = 'ok'",
        ),
    ],
)
def test_what_is_wrong_beside_the_changes_is_found_when_all_is_judged(
    warehouse: Path, tmp_path: Path, code: str, statement: str
) -> None:
    mart = "receivables_by_span"
    statements = [statement, _untouched(mart)]
    continued = _judge_changed(warehouse, tmp_path, mart, statements, continued=True)[code]
    assert (continued.is_met, continued.checked_count) == (True, 0)
    whole = _judge_changed(warehouse, tmp_path, mart, statements, continued=False)[code]
    assert not whole.is_met
    assert whole.checked_count >= len(ROWS[mart])


def test_added_rows_are_judged_and_the_groups_of_all_that_changed(
    warehouse: Path, tmp_path: Path
) -> None:
    mart = "receivables_by_span"
    other = (
        f"insert into marts.{mart} select * replace ('D2' as document_id)"
        f" from temp.{mart} where rate_status = 'ok'"
    )
    gone = f"delete from marts.{mart} where rate_status = 'missing'"
    results = _judge_changed(warehouse, tmp_path, mart, [other, gone], continued=True)
    assert all(one.is_met for one in results.values())
    assert results["open_to_is_filled"].checked_count == 1  # of D2
    assert results["grain_is_unique"].checked_count == 1
    assert results["spans_of_an_item_do_not_overlap"].checked_count == 2  # what is left of D1 too


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.receivable_movements set amount_document = 99 where source_id = 'M1'",
        "delete from marts.receivable_movements where source_id = 'M2'",
        "update staging.run_parameters set as_of_date = date '2026-04-01'",  # when M6 happens
    ],
)
def test_a_balance_that_does_not_follow_the_journal_is_found_by_what_moved_there(
    warehouse: Path, tmp_path: Path, statement: str
) -> None:
    mart = "receivables_by_document"
    failed = _judge_broken(warehouse, tmp_path, mart, [statement], continued=True)
    assert set(failed) == {"balances_equal_the_journal"}
    assert failed["balances_equal_the_journal"].checked_count == 1
    assert failed["balances_equal_the_journal"].sample == "main|D1|1"


def test_a_balance_is_held_against_the_whole_journal_when_that_was_built_whole(
    warehouse: Path, tmp_path: Path
) -> None:
    mart = "receivables_by_document"
    changed = Path(shutil.copy(warehouse, tmp_path / "changed.duckdb"))
    with duckdb.connect(str(changed)) as connection:
        connection.execute(_untouched(mart).replace("changes_of_" + mart, "changes_of_" + SHOWN))
        connection.execute("delete from marts.receivable_movements where source_id = 'M2'")
    results = {
        one.expectation_code: one
        for one in judge_marts(changed, "receivables", continued=True)
        if one.source == mart
    }
    assert results["grain_is_unique"].checked_count == 0
    assert results["balances_equal_the_journal"].checked_count == len(ROWS[mart])
    assert not results["balances_equal_the_journal"].is_met


def test_marts_without_changes_beside_them_are_judged_whole(warehouse: Path) -> None:
    results = judge_marts(warehouse, "team_performance", continued=True)
    assert all(one.checked_count == len(ROWS[one.source]) for one in results)


@pytest.mark.parametrize("continued", [False, True])
@pytest.mark.parametrize(
    ("mart", "table"),
    [
        ("aging_by_customer", "aging_by_account"),
        ("receivables_by_document", "receivables_summed"),
    ],
)
def test_a_view_that_loses_or_repeats_rows_is_found(
    warehouse: Path, tmp_path: Path, mart: str, table: str, *, continued: bool
) -> None:
    for statement in (
        f"insert into marts.{mart} from marts.{mart} limit 1",
        f"delete from marts.{mart} where currency_code = 'CNY'",
    ):
        failed = _judge_broken(warehouse, tmp_path, mart, [statement], continued=continued)
        assert failed[f"every_row_of_{table}_is_shown_once"].unexpected_count == 1


@pytest.mark.parametrize("forgotten", ["", "is_last_touch"])
def test_a_continued_build_is_asked_what_a_view_shows_of_changed_rows(
    warehouse: Path, tmp_path: Path, forgotten: str
) -> None:
    flags = ["is_portfolio_owner", "is_first_touch", "is_last_touch", "is_promise_first"]
    shown = " union all ".join(
        f"select '{flag}' as attribution_method, * from earned where {flag}"
        for flag in [*flags, "linear_share > 0"]
        if flag != forgotten
    )
    statements = [
        "drop table marts.cash_attribution",
        "create view marts.cash_attribution as"
        f" with earned as (select * from marts.cash_by_earner) {shown}",
        "update marts.cash_by_earner set collector_id = 'W3' where collector_id = 'W2'",
    ]
    found = _judge_changed(warehouse, tmp_path, "cash_attribution", statements, continued=True)
    result = found["every_method_shows_what_it_gives"]
    assert result.checked_count == 6 - bool(forgotten)
    assert result.is_met == (not forgotten)
    assert bool(result.sample) == bool(forgotten)


@pytest.mark.parametrize("family", MART_SUITES)
def test_rows_without_a_key_or_with_the_same_one_are_found(
    warehouse: Path, tmp_path: Path, family: str
) -> None:
    marts = {mart: suite for mart, suite in MART_SUITES[family].items() if mart not in VIEWS}
    repeats = []
    empties = []
    for mart, suite in marts.items():
        filled = [one.columns[0] for one in suite.expectations if one.kind == "not_null"]
        assert set(suite.key) <= set(filled), mart
        repeat = f"insert into {{mart}} select * from marts.{mart} limit 1"
        repeats.append(Broken(mart, repeat, ["grain_is_unique"]))
        empty = "; ".join(
            f"insert into {{mart}} select * replace (null as {column}) from marts.{mart} limit 1"
            for column in filled
        )
        empties.append(Broken(mart, empty, [f"{column}_is_filled" for column in filled]))
    found = _judge_breaks(warehouse, tmp_path, [*repeats, *empties])
    for broken, failed in zip(repeats, found[: len(repeats)], strict=True):
        assert failed["grain_is_unique"].unexpected_count == 2, broken.mart
    for broken, failed in zip(empties, found[len(repeats) :], strict=True):
        assert set(failed) == set(broken.codes), broken.mart


def test_an_empty_warehouse_meets_everything(tmp_path: Path) -> None:
    path = _build(tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(path)) as connection:
        for mart in ROWS:
            connection.execute(f"delete from marts.{mart}")
    for family in MART_SUITES:
        assert _not_met(judge_marts(path, family)) == []


def test_of_a_mart_that_does_not_exist_nothing_is_met(tmp_path: Path) -> None:
    path = _build(tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "drop table marts.scorecard_by_quarter; drop table marts.scorecard_by_period"
        )
    results = judge_marts(path, "scorecard")
    assert {one.observed for one in results} == {"the mart does not exist"}
    assert len(_not_met(results)) == len(results) == len(mart_expectation_codes("scorecard"))


def test_results_name_the_date_of_the_marts_and_the_data_docs_show_them(
    warehouse: Path, tmp_path: Path
) -> None:
    results = judge_marts(warehouse, "aging", run_id="run-1", data_docs=tmp_path)
    assert {one.delivery_date for one in results} == {AS_OF}
    assert "customers_add_up_to_the_buckets" in (tmp_path / "aging/run-1.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("mart", "measures"),
    [
        ("turnover_by_period", TURNOVER_MEASURES),
        ("bad_debt_by_period", BAD_DEBT_MEASURES),
        ("performance_by_collector_month", PERFORMANCE_MEASURES),
        ("performance_by_team_month", PERFORMANCE_MEASURES),
    ],
)
def test_every_measure_of_a_mart_is_judged(mart: str, measures: Sequence[str]) -> None:
    stated = {
        name.removesuffix("_status")
        for name in CONTRACTS[mart]
        if name.endswith("_status") and name != "rate_status"  # of the row, not of a measure
    }
    assert set(measures) == stated
