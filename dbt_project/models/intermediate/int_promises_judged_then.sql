-- Grain: one row per promise and span of months (int_promises_known), with how it is judged on what
-- was known at the ends of these months. Of all other months int_promises_judged is what was known.
-- It is broken from the day after its deadline: of months before that day it says nothing.
{%- set first_recorded_at = 'parameters.first_recorded_at' %}
{%- set timezone = 'parameters.timezone' %}
{%- set span = ['promise_id', 'first_known_no', 'last_known_no'] %}
{{ config(**keeps_changes()) }}

with promises as (
    select * from {{ ref('int_promises_known') }}
),

cash_matched as (
    select * from {{ ref('int_promises_paid_then') }}
),

cash as (
    select * from {{ ref('int_promise_cash_known') }}
    where is_reversed_cash
),

all_movements as (
    select * from {{ ref('receivable_movements') }}
    where item_type = 'document'
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
    where
        valid_from < valid_to
        and not is_withdrawn
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

thresholds as (
    select
        *,
        cast(
            cast(promised_amount_document as decimal(28, 2)) * (1 - amount_tolerance_rate)
            as decimal(38, 10)
        ) as kept_from_amount_document
    from promises
),

cash_by_promise as (
    select
        {{ columns_of(span, 'thresholds') }},
        min(
            case
                when
                    cash_matched.matched_amount_document_until_then
                    >= thresholds.kept_from_amount_document
                    then cash_matched.effective_date
            end
        ) as kept_date
    from thresholds
    inner join cash_matched
        on {{ equal_columns(span, 'thresholds', 'cash_matched') }}
    group by {{ columns_of(span, 'thresholds') }}
),

-- What was open of the documents promised for, on the last day of grace.
balances as (
    select
        {{ columns_of(span, 'thresholds') }},
        all_movements.company_code,
        all_movements.installment_no
    from thresholds
    cross join parameters
    inner join all_movements
        on
            thresholds.customer_id = all_movements.customer_id
            and thresholds.target_document_id = all_movements.document_id
            and thresholds.deadline_date >= all_movements.effective_date
            and thresholds.last_known_no
            >= {{ known_from_month('all_movements._recorded_at', first_recorded_at, timezone) }}
            and thresholds.last_known_no
            < {{ known_from_month('all_movements._superseded_at', first_recorded_at, timezone) }}
    group by
        {{ columns_of(span, 'thresholds') }},
        all_movements.company_code,
        all_movements.installment_no
    having sum(all_movements.amount_document) <> 0
),

payments_reversed as (
    select
        company_code,
        original_payment_id
    from cash
    group by company_code, original_payment_id
),

payment_dates as (
    select
        payments.company_code,
        payments.payment_id,
        payments.payment_date,
        {{ known_from_month('payments.valid_from', first_recorded_at, timezone) }} as month_from,
        {{ known_from_month('payments.valid_to', first_recorded_at, timezone) }} as month_to
    from payments
    cross join parameters
    inner join payments_reversed
        on
            payments.company_code = payments_reversed.company_code
            and payments.payment_id = payments_reversed.original_payment_id
),

bounced as (
    select
        {{ columns_of(span, 'thresholds') }},
        thresholds.deadline_date,
        coalesce(min(payment_dates.payment_date), min(cash.own_payment_date)) as payment_date
    from thresholds
    inner join cash
        on
            thresholds.customer_id = cash.customer_id
            and thresholds.target_document_id = cash.document_id
            and thresholds.last_known_no >= cash.month_from
            and thresholds.last_known_no < cash.month_to
            and thresholds.deadline_date < cash.effective_date
    left join payment_dates
        on
            cash.company_code = payment_dates.company_code
            and cash.original_payment_id = payment_dates.payment_id
            and thresholds.last_known_no >= payment_dates.month_from
            and thresholds.last_known_no < payment_dates.month_to
    group by
        {{ columns_of(span, 'thresholds') }},
        thresholds.deadline_date,
        cash.company_code,
        cash.original_payment_id,
        cash.effective_date
),

-- A document that was settled by cash which bounced later was not settled.
left_open as (
    select {{ columns_of(span) }} from balances
    union
    select {{ columns_of(span) }} from bounced
    where payment_date <= deadline_date
),

judged as (
    select
        thresholds.*,
        cash_by_promise.kept_date,
        cash_by_promise.promise_id is null
        and thresholds.superseded_date is null
        and (
            thresholds.target_document_id is null
            or left_open.promise_id is not null
        ) as is_broken
    from thresholds
    left join cash_by_promise
        on {{ equal_columns(span, 'thresholds', 'cash_by_promise') }}
    left join left_open
        on {{ equal_columns(span, 'thresholds', 'left_open') }}
),

final as (
    select
        promise_id,
        customer_id,
        first_known_no,
        last_known_no,
        told_month_no,
        deadline_date,
        superseded_date,
        kept_date,
        is_broken
    from judged
)

select * from final
