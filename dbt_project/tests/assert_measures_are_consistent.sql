-- Fails with one row per rule and mart that is broken: a value stands if and only if its status is
-- `ok`, in the scorecard also where a missing rate keeps it from being judged; every month of the
-- allowance opens with the close of the one before; promises take no more than was promised. Rows
-- of customers, which are worked out when they are asked for, are not asked for here.
{%- set measures = {
    'aging_migration_by_month': ['migration_rate'],
    'aging_roll_rates_by_month': ['roll_rate', 'cure_rate', 'net_flow_rate'],
    'aging_shift_by_month': [
        'past_due_rate', 'weighted_days_past_due', 'weighted_days_growth_rate', 'complaint_rate'
    ],
    'aging_shift_by_bucket': ['bucket_rate', 'growth_rate'],
    'vintage_by_month': ['collected_rate'],
    'loss_rates_by_bucket': ['roll_rate', 'loss_rate', 'adjusted_loss_rate'],
    'turnover_by_period': [
        'receivables_turnover', 'receivables_turnover_13_point', 'receivables_turnover_5_point',
        'turnover_days', 'days_sales_outstanding', 'days_sales_outstanding_rolling_3m',
        'best_possible_days_sales_outstanding', 'average_days_delinquent',
        'average_collection_days', 'average_collection_days_from_due_date', 'unpaid_rate',
        'collection_effectiveness_index', 'collection_effectiveness_index_period_total',
        'days_sales_outstanding_countback', 'days_sales_outstanding_countback_skip',
        'days_sales_outstanding_countback_stop', 'true_days_sales_outstanding'
    ],
    'bad_debt_by_period': [
        'recovery_rate', 'recovery_rate_within_0_days', 'recovery_rate_within_30_days',
        'recovery_rate_within_60_days', 'recovery_rate_within_90_days', 'bad_debt_rate',
        'bad_debt_rate_of_average_receivables', 'bad_debt_rate_of_credit_sales'
    ],
    'allowance_back_test': ['loss_coverage_rate'],
    'performance_by_collector_month': [
        'right_party_contact_rate_of_attempts', 'right_party_contact_rate_of_connects',
        'promise_kept_rate', 'promise_kept_rate_by_amount', 'collected_target_attainment_rate',
        'complaint_rate', 'satisfaction_score', 'satisfied_rate', 'training_pass_rate',
        'training_pass_rate_first_attempt', 'contacts_per_hour', 'collected_per_contact',
        'contact_cost_rate'
    ],
    'performance_by_team_month': [
        'right_party_contact_rate_of_attempts', 'right_party_contact_rate_of_connects',
        'promise_kept_rate', 'promise_kept_rate_by_amount', 'collected_target_attainment_rate',
        'complaint_rate', 'satisfaction_score', 'satisfied_rate', 'training_pass_rate',
        'training_pass_rate_first_attempt', 'contacts_per_hour', 'collected_per_contact',
        'contact_cost_rate'
    ],
    'contact_compliance_by_month': ['breach_rate'],
    'collection_success_by_month': ['success_rate', 'success_rate_by_amount'],
    'cash_forecast_accuracy': [
        'weighted_absolute_error_rate', 'bias_rate', 'interval_coverage_rate'
    ],
} %}
with values_without_status as (
    {%- for mart, names in measures.items() %}
        {%- set mart_loop = loop %}
        {%- for name in names %}
            select
                '{{ mart }}.{{ name }} and its status disagree' as broken_rule,
                count(*) as row_count
            from {{ ref(mart) }}
            where
                ({{ name }} is not null) <> ({{ name }}_status = 'ok')
                {%- if mart in ['turnover_by_period', 'bad_debt_by_period'] %}
                    and scope_type <> 'customer'
                {%- endif %}
            {%- if not (loop.last and mart_loop.last) %}
                union all
            {%- endif %}
        {%- endfor %}
    {%- endfor %}
),

scorecard_statuses as (
    select
        'scorecard_by_quarter.value and its status disagree' as broken_rule,
        count(*) as row_count
    from {{ ref('scorecard_by_quarter') }}
    where
        (
            status in ('ok', 'met', 'missed')
            and (value is null or rate_status = 'missing')
        )
        or (
            status not in ('ok', 'met', 'missed')
            and value is not null
            and not (status = 'not_applicable' and rate_status = 'missing')
        )
),

earned as (
    select * from {{ ref('cash_by_earner') }}
),

earned_totals as (
    select
        count(*) as row_count,
        coalesce(sum(linear_amount_document), 0) as amount_document,
        coalesce(sum(linear_amount), 0) as amount
    from earned
),

summed_totals as (
    select
        coalesce(sum(row_count), 0) as row_count,
        coalesce(sum(linear_amount_document), 0) as amount_document,
        coalesce(sum(linear_amount), 0) as amount
    from {{ ref('int_cash_earned_summed') }}
),

sums_gone_astray as (
    select
        'cash_by_earner: its sums by month are not what its rows add up to' as broken_rule,
        count(*) as row_count
    from earned_totals
    cross join summed_totals
    where
        earned_totals.row_count <> summed_totals.row_count
        or earned_totals.amount_document <> summed_totals.amount_document
        or earned_totals.amount <> summed_totals.amount
),

allowances_followed as (
    select
        opening_allowance_amount,
        coalesce(
            lag(closing_allowance_amount) over (
                partition by company_code, allowance_method, segment
                order by period_start
            ),
            0
        ) as previous_closing_amount
    from {{ ref('allowance_roll_forward') }}
),

allowances_broken as (
    select
        'allowance_roll_forward: a month does not open with the close of the one before'
            as broken_rule,
        count(*) as row_count
    from allowances_followed
    where opening_allowance_amount <> previous_closing_amount
),

promises_overserved as (
    select
        'promises: more cash than was promised, or a status without its cash' as broken_rule,
        count(*) as row_count
    from {{ ref('promises') }}
    where
        matched_amount_document > promised_amount_document
        or (promise_status = 'kept') <> (kept_date is not null)
        or (promise_status = 'partly_kept' and matched_amount_document = 0)
        or (promise_status in ('broken', 'cancelled') and matched_amount_document > 0)
),

rules as (
    select * from values_without_status
    union all
    select * from scorecard_statuses
    union all
    select * from sums_gone_astray
    union all
    select * from allowances_broken
    union all
    select * from promises_overserved
)

select * from rules
where row_count > 0
