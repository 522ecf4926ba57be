-- No mart holds a key twice, and no interval or span is empty. One statement for all of them: a
-- test costs more in machinery than in work. The views of receivables and of aging by customer have
-- as many rows as the tables that they name, because what they join has unique keys.
{%- set keys = {
    'receivable_movements': [
        'company_code', 'item_type', 'document_id', 'installment_no', 'movement_type',
        'source_type', 'source_id', 'source_line_no', 'piece_no', '_recorded_at'
    ],
    'receivable_items': [
        'company_code', 'item_type', 'document_id', 'installment_no', '_recorded_at'
    ],
    'receivables_summed': ['company_code', 'document_id', 'installment_no'],
    'cash_applications': [
        'company_code', 'payment_id', 'line_no', 'piece_no', 'document_id', 'installment_no',
        'is_reversed_cash'
    ],
    'exceptions_by_document': [
        'company_code', 'source_type', 'source_id', 'source_line_no', 'exception_code'
    ],
    'receivables_by_span': [
        'company_code', 'item_type', 'document_id', 'installment_no', 'open_from'
    ],
    'aging_by_account': ['as_of_date', 'account_no', 'bucket_no', 'is_by_due_date'],
    'aging_credits_by_account': ['as_of_date', 'account_no', 'bucket_no', 'is_by_due_date'],
    'aging_accounts': ['account_no'],
    'closing_rates_by_day': ['currency_code', 'rate_date'],
    'aging_by_due_date': ['due_date'],
    'aging_by_bucket': [
        'as_of_date', 'company_code', 'currency_code', 'bucket_set', 'age_basis', 'aging_bucket'
    ],
    'dim_customers': ['customer_id'],
    'dim_collectors': ['collector_id'],
    'dim_dates': ['calendar_date'],
    'dim_aging_buckets': ['bucket_set', 'aging_bucket'],
} %}
with movements as (
    select * from {{ ref('receivable_movements') }}
),

items as (
    select * from {{ ref('receivable_items') }}
),

spans as (
    select * from {{ ref('receivables_by_span') }}
),

violations as (
    {%- for mart, key in keys.items() %}
        {{ repeated_keys(mart, key) }}
        union all
    {%- endfor %}
    select
        'receivable_movements: interval' as violation,
        count(*) as row_count
    from movements
    where _recorded_at >= _superseded_at
    having count(*) > 0
    union all
    select
        'receivable_items: interval' as violation,
        count(*) as row_count
    from items
    where _recorded_at >= _superseded_at
    having count(*) > 0
    union all
    select
        'receivables_by_span: span' as violation,
        count(*) as row_count
    from spans
    where open_from >= open_to
    having count(*) > 0
)

select * from violations
