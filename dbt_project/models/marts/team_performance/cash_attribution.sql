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

-- Each row is read once for all methods: a part per method would have an engine that keeps what is
-- named more than once copy all of it before it counts.
methods as (
    {%- for method in flags %}
        select '{{ method }}' as attribution_method
        union all
    {%- endfor %}
    select 'linear' as attribution_method
),

final as (
    select
        methods.attribution_method,
        earned.headline_method = methods.attribution_method as is_headline,
        {{ columns_of(carried, 'earned') }},
        case
            when methods.attribution_method = 'linear' then earned.linear_share
            else cast(1 as decimal(18, 8))
        end as attribution_share,
        case
            when methods.attribution_method = 'linear' then earned.linear_amount_document
            else earned.amount_document
        end as attributed_amount_document,
        case
            when methods.attribution_method = 'linear' then earned.linear_amount
            else earned.amount
        end as attributed_amount
    from earned
    cross join methods
    where
        case
            {%- for method, flag in flags.items() %}
                when methods.attribution_method = '{{ method }}' then earned.{{ flag }}
            {%- endfor %}
            else earned.linear_share > 0
        end
)

select * from final
