-- Grain: one row per cash movement on a document, attribution method and collector who earned any
-- of it. A view of cash_by_earner, whose rows hold what all methods say of a collector.
{{ config(materialized='view') }}
{%- set flags = {
    'portfolio_owner': 'is_portfolio_owner',
    'last_touch': 'is_last_touch',
    'first_touch': 'is_first_touch',
    'promise_first': 'is_promise_first',
} %}
{%- set carried = [
    'company_code', 'payment_id', 'line_no', 'piece_no', 'document_id', 'installment_no',
    'customer_id', 'currency_code', 'payment_date', 'effective_date', 'earned_date',
    'is_reversed_cash', 'collector_id', 'team_id'
] %}

with earned as (
    select * from {{ ref('cash_by_earner') }}
),

final as (
    {%- for method, flag in flags.items() %}
        select
            '{{ method }}' as attribution_method,
            headline_method = '{{ method }}' as is_headline,
            {{ carried | join(', ') }},
            cast(1 as decimal(18, 8)) as attribution_share,
            amount_document as attributed_amount_document,
            amount as attributed_amount
        from earned
        where {{ flag }}
        union all
    {%- endfor %}
    select
        'linear' as attribution_method,
        headline_method = 'linear' as is_headline,
        {{ carried | join(', ') }},
        linear_share as attribution_share,
        linear_amount_document as attributed_amount_document,
        linear_amount as attributed_amount
    from earned
    where linear_share > 0
)

select * from final
