-- Fails with one row per mart and key that stands in more than one row. The marts of turnover and
-- bad debt are views that show each row of receivables_by_period once.
{%- set grains = {
    'aging_migration_by_month': [
        'month_start', 'company_code', 'scope_type', 'scope_id', 'bucket_set', 'aging_bucket',
        'next_state'
    ],
    'aging_roll_rates_by_month': [
        'month_start', 'company_code', 'scope_type', 'scope_id', 'bucket_set', 'aging_bucket'
    ],
    'aging_shift_by_month': [
        'month_start', 'company_code', 'scope_type', 'scope_id', 'bucket_set'
    ],
    'aging_shift_by_bucket': [
        'month_start', 'company_code', 'scope_type', 'scope_id', 'bucket_set', 'aging_bucket'
    ],
    'vintage_by_month': [
        'billing_month_start', 'company_code', 'scope_type', 'scope_id', 'months_since_billing'
    ],
    'loss_rates_by_bucket': [
        'month_start', 'company_code', 'segment', 'bucket_set', 'aging_bucket'
    ],
    'receivables_by_period': [
        'period_type', 'period_start', 'company_code', 'scope_type', 'scope_id'
    ],
    'allowance_by_bucket': [
        'period_start', 'company_code', 'allowance_method', 'segment', 'aging_bucket'
    ],
    'allowance_roll_forward': ['period_start', 'company_code', 'allowance_method', 'segment'],
    'allowance_back_test': [
        'period_start', 'company_code', 'knowledge', 'allowance_method', 'segment'
    ],
    'recovery_by_write_off_month': [
        'company_code', 'scope_type', 'scope_id', 'write_off_month_start'
    ],
    'scorecard_by_period': [
        'period_type', 'period_start', 'company_code', 'scope_type', 'scope_id', 'measure'
    ],
    'promises': ['promise_id'],
    'cash_by_earner': [
        'company_code', 'payment_id', 'line_no', 'piece_no', 'document_id',
        'installment_no', 'is_reversed_cash', 'collector_id'
    ],
    'performance_by_collector_month': ['month_start', 'collector_id'],
    'performance_by_team_month': ['month_start', 'team_id'],
    'incentives_by_collector_month': ['month_start', 'collector_id'],
    'targets_by_period': [
        'period_type', 'period_start', 'scope_type', 'scope_id', 'measure'
    ],
    'credit_points_by_customer_month': ['customer_id', 'month_start'],
    'collection_rates_by_month': [
        'month_start', 'company_code', 'credit_grade', 'aging_bucket'
    ],
    'expected_cash_by_collector_month': ['month_start', 'company_code', 'collector_id'],
    'expected_cash_by_team_month': ['month_start', 'company_code', 'team_id'],
    'strategy_assignments': ['company_code', 'customer_id'],
    'collection_worklist': ['customer_id'],
    'strategy_effectiveness_by_month': [
        'month_start', 'company_code', 'strategy_code', 'channel', 'credit_grade'
    ],
    'contact_compliance': ['contact_id', 'rule_code'],
    'contact_compliance_by_month': ['month_start', 'collector_id', 'rule_pack', 'rule_code'],
    'collection_success_by_month': ['month_start', 'scope_type', 'scope_id'],
    'cash_forecast_by_week': ['company_code', 'week_no'],
    'cash_forecast_accuracy': ['origin_date', 'company_code'],
    'scorecard_by_quarter': ['quarter_start', 'company_code', 'measure'],
    'proofs': ['proof_code', 'proof_subject', 'company_code', 'currency_code', 'as_of_date'],
    'load_history': ['load_sequence'],
    'quarantined_rows': ['load_id', 'extract_name', 'row_number'],
} %}
with repeated as (
    {%- for mart, key in grains.items() %}
        {{ repeated_keys(mart, key) }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
)

select * from repeated
