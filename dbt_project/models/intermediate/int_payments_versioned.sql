-- Grain: one row per company, payment, line and valid_from. A row whose interval is empty was
-- overtaken by another row of the same instant.
{%- set content = [
    'customer_id', 'payment_date', 'currency_code', 'amount_document', 'document_id',
    'installment_no', 'application_date', 'discount_amount_document', 'payment_method',
    'reverses_payment_id', 'is_withdrawn'
] %}
{{ config(**replaces_touched(
    by='int_payments_touched', keys=['company_code', 'payment_id']
)) }}

with all_delivered as (
    select * from {{ ref('stg_lake__payments') }}
),

delivered as (
    select * from all_delivered
    where {{ touched_only(
        'all_delivered', 'int_payments_touched', ['company_code', 'payment_id']
    ) }}
),

{{ versions_of('payments', ['company_code', 'payment_id', 'line_no'], content) }},

final as (
    select
        company_code,
        payment_id,
        line_no,
        valid_from,
        valid_to,
        {%- for column in content %}
            {{ column }},
        {%- endfor %}
        valid_to = {{ far_future_at() }} as is_current,
        _load_id,
        _load_sequence,
        _row_number
    from versions
)

select * from final
